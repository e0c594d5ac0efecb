"""Whether every running case can still be carried out: the code or the catalogue may have lost what its version names.

A case is pinned to its version, so what that version calls, tells people or hands to a role must stay as long as the
case may still come there. Publishing (which comes with every new release) refuses where that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled, Step
from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.library import Definitions
from govservice.models.cases import Case, Definition, Token
from govservice.operations.effects import ASKING, handler_of


def refuse_lost(session: Session, definitions: Definitions) -> None:
    """Raises DefinitionError naming everything that running cases need and nobody carries out any more."""
    lost = lost_handlers(session, definitions)
    if lost:
        raise DefinitionError(lost)


def lost_handlers(session: Session, definitions: Definitions) -> list[Finding]:
    """One finding for each thing that is gone, with how many running cases may still come to it."""
    found = []
    for sha, places in _standing(session).items():
        row = session.get_one(Definition, sha)
        d = definitions.by_sha(sha) if definitions.has(sha) else definitions.adopt(row.canonical_json)
        for step, what in _needs_nobody_meets(d, definitions.catalogue):
            cases = sum(n for path, n in places.items() if step.path in _ahead(d, path))
            if cases:
                message = f"{cases} running cases of version {row.version} may come here, and {what}"
                found.append(Finding("E-LOST-HANDLER", "error", f"{row.service}.yaml", 1, step.path, message))
    return found


def _standing(session: Session) -> dict[str, dict[str, int]]:
    """How many running cases stand where, by version and step."""
    rows = session.execute(
        select(Case.def_sha, Token.step, func.count())
        .join(Token, Token.case_id == Case.id)
        .where(Case.status != "closed", Token.status != "ended")
        .group_by(Case.def_sha, Token.step)
    )
    found: dict[str, dict[str, int]] = {}
    for sha, step, n in rows:
        found.setdefault(sha, {})[step] = n
    return found


def _ahead(d: Compiled, start: str) -> set[str]:
    """Steps that a case may still come to from a step, that one included."""
    seen, left = {start}, [start]
    while left:
        here = left.pop()
        more = {t.to for edge in d.out.get(here, ()) for t in edge.targets if t.to is not None}
        more |= {branch.start for branch in d.blocks[here].branches} if here in d.blocks else set()
        left += more - seen
        seen |= more
    return seen


def _needs_nobody_meets(d: Compiled, catalogue: Catalogue) -> Iterator[tuple[Step, str]]:
    for path, step in d.steps.items():
        calls = [step.call] if step.call else []
        effects = [*step.effects, *(effect for edge in d.out[path] for effect in edge.effects)]
        for topic in dict.fromkeys([*calls, *effects]):
            if topic not in catalogue.acts and not _handled(topic):
                yield step, f"nothing carries out {topic!r} any more"
        for role in dict.fromkeys(_roles(d, step)):
            kind = d.service.roles[role].department
            if kind not in catalogue.kinds:
                yield step, f"there is no department {kind!r} any more (role {role!r})"
        document = d.service.output.document if d.service.output else None
        if step.call == "document.issue" and document not in catalogue.documents:
            yield step, f"there is no document {document!r} any more"


def _roles(d: Compiled, step: Step) -> Iterator[str]:
    named = [step.owner, *(edge.by for edge in d.out[step.path]), *(timer.to_role for timer in step.timers)]
    yield from (role for role in named if role is not None and role in d.service.roles)


def _handled(topic: str) -> bool:
    try:
        return topic in ASKING or bool(handler_of(topic))
    except LookupError:
        return False
