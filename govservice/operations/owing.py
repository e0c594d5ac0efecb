"""What registers owe a case that was sent without it: asked of the applicant once, and given by them.

Nobody is refused for not answering: registers are asked on, and a decision against the applicant waits.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, Command, apply, correction_items
from govservice.errors import KeyReused, Missing, NotAllowed
from govservice.exchange import evidence, toll
from govservice.exchange.pending import ask_for_owed, asked_for, fields_of, materials_of
from govservice.exchange.requirement import given_instead
from govservice.exchange.snapshot import seal_snapshot
from govservice.messaging.notices import tell
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case, CommandKey
from govservice.models.exchange import EvidenceRequirement
from govservice.operations.completeness import prune_hidden
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime
from govservice.operations.settling import note_given

BATCH = 50  # cases at once


def ask_due(rt: Runtime, now: datetime) -> int:
    """The worker's part: asks the applicants whose registers have owed something for too long. One notice for a case,
    with everything that is owed, also what would be asked for later. Returns how many were asked."""
    with rt.read() as session:
        due = session.scalars(
            select(EvidenceRequirement.case_id)
            .join(Case, Case.id == EvidenceRequirement.case_id)
            .where(EvidenceRequirement.ask_at <= now, Case.status == "open")
            .distinct()
            .order_by(EvidenceRequirement.case_id)
            .limit(BATCH)
        ).all()
    return sum(_ask(rt, case_id, now) for case_id in due)


def _ask(rt: Runtime, case_id: str, now: datetime) -> bool:
    with rt.write() as session:
        case = session.get_one(Case, case_id, with_for_update=True)
        owed = ask_for_owed(session, case_id, now) if case.status == "open" else []
        if owed:
            tell(session, case, "owed", owed[0].id, now)
        return bool(owed)


def give(rt: Runtime, actor: Actor, case_id: str, *, idem: str, now: datetime) -> None:
    """The applicant sends what they were asked for; the same key again changes nothing. Raises Missing naming what is
    not there yet, NotAllowed where nothing is asked (any more), KeyReused."""

    def work(session: Session) -> None:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        known = session.get(CommandKey, (actor.id, idem))
        if known is not None:
            if known.case_id != case_id:
                raise KeyReused()
            return
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        names = asked_for(session, case_id)
        if case.status != "open" or not names or correction_items(session, case_id):  # the answer to that brings it
            raise NotAllowed("Nothing is asked of you for this application at the moment.")
        form = prune_hidden(compiled, read_form(session, case.applicant_id, case_id))
        sent = read_form(session, case.applicant_id, case_id, case.data_rev)
        if missing := _missing(compiled, facts, form, names):
            raise Missing(missing, "Something is still missing.")
        data = {"facts": names, "why": "given", "data_rev": form.rev, "changed": form.changed_from(sent)}
        apply(session, Command(case_id, "@data", idem, now, actor, data=data), rt.definitions, rt.calendars)
        note_given(rt, session, case, compiled, form, facts, sent, now)
        sealed = seal_snapshot(session, case, compiled, form.as_json(), facts, reason="supplement", now=now)
        toll.note(session, case, compiled, rt.definitions.catalogue, form, facts, sealed, sent)

    rt.database.retrying(work)


def _missing(compiled: Compiled, facts: evidence.Facts, form: Form, names: list[str]) -> list[str]:
    """What is neither typed nor proved by a paper: of each fact its fields, or where nobody types them its papers."""
    given = {each.name: each.how for each in given_instead(compiled, facts, form)}
    missing: list[str] = []
    for name in names:
        node = compiled.service.facts[name]
        wanted = [
            field for field in fields_of(compiled, [name])
            if compiled.service.fields[field].required and form.answers.get(field) in (None, "", [])
        ]  # fmt: skip
        if given.get(name) == "upload":
            continue
        if node.declarable and (wanted or name not in given):
            missing += wanted
        elif not node.declarable:
            missing += sorted(materials_of(compiled, [name]))
    return missing
