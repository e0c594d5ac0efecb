"""What other people ask of a person: parts of their cases that are this person's to confirm or decline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Branch, Compiled, Edge, Text
from govservice.definitions.library import Definitions
from govservice.models.casedata import Form
from govservice.models.cases import Case, Timer, Token

LIMIT = 50  # requests shown at most


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One request in the list of a person. `open`: it can still be answered; `answer_by` is the first instant too
    late, None where it is answered or has ended."""

    number: str
    title: Text
    branch: Text
    open: bool
    since: datetime
    answer_by: datetime | None
    answer: Text | None


def asked_of(session: Session, definitions: Definitions, person_id: str) -> list[AskedRow]:
    """Everything that was asked of a person, newest first."""
    rows = session.execute(
        select(Token, Case)
        .join(Case, Case.id == Token.case_id)
        .where(Token.person_id == person_id)
        .order_by(Token.entered_at.desc())
        .limit(LIMIT)
    ).all()
    return [_row(session, definitions.by_sha(case.def_sha), token, case) for token, case in rows]


def asked_part(session: Session, number: str, person_id: str) -> tuple[Case, Token] | None:
    """The part of a case that was asked of a person: an open one first, else the newest. None where nothing was."""
    found = session.execute(
        select(Case, Token)
        .join(Token, Token.case_id == Case.id)
        .where(Case.number == number, Token.person_id == person_id)
        .order_by((Token.status == "active").desc(), Token.entered_at.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def _row(session: Session, compiled: Compiled, token: Token, case: Case) -> AskedRow:
    branch = branch_at(compiled, token.scope)
    open = is_open(compiled, token)
    return AskedRow(
        case.number, compiled.service.title, branch.title, open, token.entered_at,
        answer_by(session, token) if open else None, None if open else answer_of(compiled, token),
    )  # fmt: skip


def is_open(compiled: Compiled, token: Token) -> bool:
    step = compiled.steps.get(token.step)
    return token.status == "active" and step is not None and step.person is not None


def branch_at(compiled: Compiled, scope: str) -> Branch:
    """The branch of a token's scope. Raises StopIteration for a scope that is none."""
    block = compiled.blocks[scope.partition(".")[0]]
    return next(branch for branch in block.branches if branch.scope == scope.partition("/")[0])


def answer_of(compiled: Compiled, token: Token) -> Text | None:
    """How it ended, in the words of the action that has this outcome."""
    prefix = token.scope.partition("/")[0] + "."
    edges = [e for path, out in compiled.out.items() if path.startswith(prefix) for e in out]
    return next((e.label for e in edges if any(t.end == token.outcome for t in e.targets)), None)


def answer_by(session: Session, token: Token) -> datetime | None:
    """When the request ends by itself: the last timer that is armed for it."""
    timers = select(Timer.due_at).where(
        Timer.case_id == token.case_id, Timer.token_id == token.id, Timer.status == "armed"
    )
    return max((at for at in session.scalars(timers) if at is not None), default=None)


def actions_at(compiled: Compiled, token: Token) -> list[Edge]:
    """What the person may choose."""
    return [e for e in compiled.out.get(token.step, ()) if e.kind == "action" and e.by == "person"]


def concerned(compiled: Compiled, branch: Branch, form: Form) -> list[str]:
    """Names of the answered fields that the branch reads: all that the person gets to see of the application."""
    read = set(branch.reads)
    return [
        name
        for name, field in compiled.service.fields.items()
        if name in form.answers and {name, name.partition(".")[0], field.fact} & read
    ]
