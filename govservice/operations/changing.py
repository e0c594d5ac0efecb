"""What follows where a case on its way rests on something else than it did: told to the engine, which alone moves it.

A look at a register that found another value leads to what the definition says (`on_change`); a register that answers
late is taken over into the answers; either is one event of the case.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import SYSTEM, Applied, Command, apply, correction_items
from govservice.engine.reliance import unsettled
from govservice.errors import NotAllowed, Unverified
from govservice.exchange import evidence
from govservice.exchange.found import found_of
from govservice.exchange.pending import fields_of
from govservice.exchange.snapshot import seal_snapshot
from govservice.models.casedata import Form, read_form, write_form
from govservice.models.cases import Case
from govservice.models.reliance import Revalidation
from govservice.models.session import box_of
from govservice.operations.completeness import prune_hidden
from govservice.operations.runtime import Runtime

log = structlog.get_logger(__name__)


def follow(rt: Runtime, compiled: Compiled, case_id: str, found: Sequence[Revalidation], now: datetime) -> bool:
    """Does what the facts say of a change that was just found. True where a notice of correction that is out names all
    that changed: the applicant reads there what registers say now."""
    wanted = [row.name for row in found if compiled.service.facts[row.name].on_change is not None]
    if not wanted:
        return False
    with rt.read() as session:
        case = session.get_one(Case, case_id)
        differ = found_of(session, rt.definitions.catalogue, compiled, case, [r for r in found if r.name in wanted])
    changed = sorted({kind for each in differ for kind, _old, _new in each.changes})
    data = {"facts": wanted, "why": "found", "changed": changed}
    command = Command(case_id, "@data", f"data:{found[0].id}", now, SYSTEM, data=data)
    tried(rt, command)
    asked = {name for name in wanted if (c := compiled.service.facts[name].on_change) is not None and c.do == "correct"}
    with rt.read() as session:
        out = set(correction_items(session, case_id))
    return asked == {row.name for row in found} and set(changed) & set(compiled.service.fields) <= out


def settle(rt: Runtime, session: Session, case_id: str, names: Collection[str], key: str, now: datetime) -> None:
    """Nobody need look at these changes any more, in the transaction that says so: tasks over them end, and what stood
    still for them runs on, unless it stands still for another change as well. Raises LostRace."""
    compiled = rt.definitions.by_sha(session.get_one(Case, case_id).def_sha)
    session.flush()
    facts = {name: node for name, node in compiled.service.facts.items() if node.on_change is not None}
    left = sorted(unsettled(session, case_id, facts) - set(names))
    data = {"facts": sorted(names), **({"left": left} if left else {})}
    command = Command(case_id, "@settled", f"settled:{key}", now, SYSTEM, data=data)
    try:
        with session.begin_nested():  # of a refusal nothing stays, not even a timer that fired on the way to it
            apply(session, command, rt.definitions, rt.calendars)
    except (NotAllowed, Unverified):
        log.info("data.too_late", case_id=case_id, trigger="@settled")


def tried(rt: Runtime, command: Command) -> Applied | None:
    """A command of the system about what a case rests on, in a transaction of its own. None where the case has moved
    on: then nothing follows any more."""
    try:
        return rt.database.retrying(lambda session: apply(session, command, rt.definitions, rt.calendars))
    except (NotAllowed, Unverified):
        log.info("data.too_late", case_id=command.case_id, trigger=command.trigger)
        return None


def take_over(
    rt: Runtime, case_id: str, names: Collection[str], now: datetime, *, newer: bool = False
) -> bool:  # fmt: skip
    """Puts what registers owed and have told now into the answers that the case rests on; with `newer` also what they
    say in place of what they said. Nothing that somebody gave is touched, and a correction that is out brings it with
    its answer."""

    def work(session: Session) -> bool:
        case = session.get_one(Case, case_id, with_for_update=True)
        if case.status != "open" or correction_items(session, case_id) or box_of(session, case.applicant_id) is None:
            return False
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        sent = read_form(session, case.applicant_id, case_id, case.data_rev)
        latest = read_form(session, case.applicant_id, case_id)
        form = _filled(compiled, facts, sent, names, newer)
        if form.answers == sent.answers:
            return False
        form = write_form(session, case.applicant_id, case_id, form, SYSTEM.id, now)
        data = {"facts": sorted(names), "why": "settled", "data_rev": form.rev, "changed": form.changed_from(sent)}
        command = Command(case_id, "@data", f"late:{case_id}:{form.rev}", now, SYSTEM, data=data)
        apply(session, command, rt.definitions, rt.calendars)
        seal_snapshot(session, case, compiled, form.as_json(), facts, reason="supplement", now=now)
        if latest.rev != sent.rev:  # what the applicant prepares meanwhile stays the newest
            prepared = _filled(compiled, facts, latest, names, newer)
            write_form(session, case.applicant_id, case_id, prepared, SYSTEM.id, now)
        return True

    try:
        return rt.database.retrying(work)
    except (NotAllowed, Unverified):
        log.info("data.too_late", case_id=case_id, trigger="@data")
        return False


def _filled(compiled: Compiled, facts: evidence.Facts, form: Form, names: Collection[str], newer: bool) -> Form:
    """The form with the values of these facts where it has none; with `newer` also where it has an older one of the
    same register's."""
    for name in fields_of(compiled, names):
        fact = str(compiled.service.fields[name].fact)
        value = facts[fact].values.get(name) if fact in facts else None
        told = newer and form.sources.get(name) == f"fact:{fact}"
        if value is not None and (told or form.answers.get(name) in (None, "", [])):
            form = form.with_answers({name: value}, f"fact:{fact}")
    return prune_hidden(compiled, form)
