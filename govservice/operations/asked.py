"""The other people of a case: found by the identifier that the applicant gave, invited, reminded.

A branch with `person` belongs to somebody else than the applicant (the other parent, every adult of a household). When
it opens, the outbox finds that person and tells them; the case then knows them by their id, and the step is theirs
alone. Somebody who has no account yet is kept by the number alone: whoever registers with it finds the request.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Branch, Compiled
from govservice.definitions.values import elements
from govservice.engine import SYSTEM, CaseState, Command, Token, apply, load_state
from govservice.errors import N_, Invalid
from govservice.identifiers import WrongIdentifier, parse
from govservice.messaging.notices import deliver_notice
from govservice.messaging.outbox import Effect
from govservice.models.casedata import Form, read_form
from govservice.models.people import Person
from govservice.operations.people import Identity, add_person, find_person, identity_of
from govservice.operations.runtime import Runtime

YOURSELF = N_("This is your own number. Give the number of the other person.")


def invite(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """Finds the person whose part a token is, tells the case and puts an invitation into the person's inbox. Nothing
    happens where the part has ended meanwhile, or the number is nobody's: then the step's own timer ends it."""
    state = load_state(session, effect.case_id)
    token = state.tokens.get(effect.payload["token_id"])
    compiled = rt.definitions.by_sha(state.def_sha)
    if token is None or token.status != "active" or token.person is not None:
        return
    person = _person(rt, session, compiled, state, token, now)
    if person is None:
        return
    session.flush()
    command = Command(
        effect.case_id, "@invited", effect.key, now, SYSTEM, token_id=token.id, data={"person_id": person.id}
    )
    apply(session, command, rt.definitions, rt.calendars)
    deliver_notice(session, effect, now, person.id)


def remind(_rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """Tells somebody who has not answered that the time is running out."""
    token = load_state(session, effect.case_id).tokens.get(effect.payload["token_id"])
    if token is not None and token.open and token.person is not None:
        deliver_notice(session, effect, now, token.person)


def _person(
    rt: Runtime, session: Session, compiled: Compiled, state: CaseState, token: Token, now: datetime
) -> Person | None:
    form = read_form(session, state.applicant_id, state.case_id, state.data_rev)
    numbers = numbers_of(branch_of(compiled, token), form)
    place = int(token.scope.partition("/")[2] or 0)
    try:
        number = parse("cn_id", numbers[place])
    except (IndexError, WrongIdentifier):
        return None
    known = find_person(session, rt.keyring, "cn_id", number)
    return known or add_person(session, rt.keyring, Identity("", "cn_id", number), now=now)


def branch_of(compiled: Compiled, token: Token) -> Branch:
    """The branch that a token is a part of. Raises StopIteration for another kind of token."""
    block = compiled.blocks[token.scope.partition(".")[0]]
    return next(branch for branch in block.branches if branch.scope == token.branch)


def numbers_of(branch: Branch, form: Form) -> tuple[str, ...]:
    """The identifiers of the people of a branch, in the order of its parts."""
    given = form.answers.get(branch.person or "")
    return elements(given) if branch.each is not None else ((str(given),) if given else ())


def check_people(session: Session, compiled: Compiled, form: Form, applicant_id: str) -> None:
    """Raises Invalid where the form names somebody by a number that is none, or the applicant as the other person."""
    branches = [b for block in compiled.blocks.values() for b in block.branches if b.person is not None]
    applicant = identity_of(session, applicant_id) if branches else None
    wrong: dict[str, str] = {}
    for branch in branches:
        for number in numbers_of(branch, form):
            try:
                found = parse("cn_id", number)
            except WrongIdentifier as error:
                wrong[branch.person or ""] = str(error)
                continue
            if branch.each is None and applicant is not None and applicant.number == found:
                wrong[branch.person or ""] = YOURSELF
    if wrong:
        raise Invalid(wrong)
