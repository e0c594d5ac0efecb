"""My data as one file: what the portal holds about me, from whom, who looked at it, and what I said is wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.exchange.evidence import FactView, current_facts
from govservice.models.base import to_iso
from govservice.models.cases import Case
from govservice.models.personal import read_person
from govservice.models.reliance import Dispute
from govservice.operations.disputing import said_in
from govservice.operations.runtime import Runtime
from govservice.queries.data_access import reads_of
from govservice.queries.my_cases import my_cases
from govservice.web.access import audience, current_actor, current_runtime, now, today
from govservice.web.citizen import blueprint

FORMAT = 1
ALL = timedelta(days=36500)


@blueprint.get("/my/data/export.json")
@audience("citizen")
def export() -> Response:
    """Only one's own: cases that one filed oneself, reads of one's own data. Registries are not asked for it."""
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    assert actor.person_id is not None
    with rt.read() as session:
        person = read_person(session, actor.person_id)
        rows = my_cases(session, rt.definitions, rt.calendars, actor, now(), today())
        cases = [session.get_one(Case, row.id) for row in rows]
        reads = reads_of(session, actor.person_id, since=now() - ALL, limit=None)
        content = {
            "format": FORMAT,
            "at": to_iso(now()),
            "person": {"name": person.name, "number": person.number} if person else None,
            "cases": [_case(rt, session, case) for case in cases if case.applicant_id == actor.person_id],
            "reads": [
                {
                    "at": to_iso(read.at), "by": "portal" if read.by_portal else read.actor_name,
                    "role": read.role, "department": read.department, "what": list(read.what),
                    "purpose": read.purpose, "registry": read.registry, "case": read.case_number,
                }
                for read in reads
            ],
        }  # fmt: skip
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "private, no-store"}
    return Response(json.dumps(content, ensure_ascii=False, indent=1), mimetype="application/json", headers=headers)


def _case(rt: Runtime, session: Session, case: Case) -> dict[str, Any]:
    facts = current_facts(session, case.id, rt.definitions.catalogue)
    disputes = session.scalars(select(Dispute).where(Dispute.case_id == case.id).order_by(Dispute.sent_at))
    return {
        "number": case.number,
        "service": case.service,
        "status": case.status,
        "facts": {
            name: {
                "state": view.state, "registry": view.registry, "record": view.record_id,
                "fetched_at": to_iso(view.fetched_at) if view.fetched_at else None, "values": _shown(rt, case, view),
            }
            for name, view in facts.items()
        },
        "disputes": [_dispute(session, row) for row in disputes],
    }  # fmt: skip


def _shown(rt: Runtime, case: Case, view: FactView) -> dict[str, Any] | None:
    """The values; None where the law keeps them out of the person's sight (the line says that they are there)."""
    node = rt.definitions.by_sha(case.def_sha).service.facts.get(view.name)
    return None if node is not None and node.show == "hidden" else dict(view.values)


def _dispute(session: Session, row: Dispute) -> dict[str, Any]:
    said = said_in(session, row)
    return {
        "about": row.fact_type, "registry": row.registry_code, "state": row.state, "sent_at": to_iso(row.sent_at),
        "due_on": row.due_on.isoformat(), "claimed": said.claimed if said else None,
        "reason": said.reason if said else None, "answer": said.answer if said else None,
    }  # fmt: skip
