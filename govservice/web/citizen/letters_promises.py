"""What letters say of pledges and of documents that come later: the receipt's list, the reminder, the revocation."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from govservice.queries import licences
from govservice.queries.tracking import CasePage, Happening
from govservice.web.access import now
from govservice.web.citizen.correction import asker, spoken_in
from govservice.web.citizen.story import item_label

Row = dict[str, Any]


def is_reminder(happening: Happening) -> bool:
    key = str(happening.data.get("key", ""))
    return happening.type == "timer.fired" and key.startswith("deferral:") and happening.data.get("do") == "warn"


def is_revocation(happening: Happening) -> bool:
    return happening.type == "step.left" and "document.revoke" in happening.data.get("effects", ())


def promised_with(page: CasePage, about: Happening | None) -> Row:
    """What was promised with a submission: `gaps` with their last days, `pledges` given."""
    sent = [h for h in page.happenings if about is not None and h.idem == about.idem]
    gaps = [h for h in sent if h.type == "gap.opened"]
    return {
        "gaps": [_gap(page, h) for h in gaps],
        "pledges": [item_label(page, h.data["material"]) for h in sent if h.type == "pledge.made"],
    }


def _gap(page: CasePage, opened: Happening) -> Row:
    data = opened.data
    return {
        "name": data["material"], "title": item_label(page, data["material"]), "by": date.fromisoformat(data["due_on"]),
        "provisional": data["provisional"],
    }  # fmt: skip


def reminded(page: CasePage, about: Happening | None) -> Row:
    """The document that the reminder is about."""
    name = str(about.data["key"]).split(":")[1] if about is not None else ""
    opened = [h for h in page.happenings if h.type == "gap.opened" and h.data["material"] == name]
    return {"rows": [_gap(page, h) for h in opened[-1:]]}


def not_brought(page: CasePage) -> list[Any]:
    """Labels of what was put off and did not come, where that ended the case."""
    ended = [h for h in page.happenings if h.type == "timer.fired" and h.data.get("do") == "lapse" and h.data["done"]]
    names = [str(h.data["key"]).split(":") for h in ended]
    return [item_label(page, parts[1]) for parts in names if parts[0] == "deferral"]


def revoked(session: Session, page: CasePage, about: Happening | None) -> Row:
    """Which licence no longer holds, why, who says so."""
    said = spoken_in(session, page, [about]) if about is not None else {}
    return {
        "licence": licences.of_case(session, page.case.id, page.calendar.local_date(now())),
        "reasons": [words.reason for words in said.values() if words.reason],
        "by": asker(about) if about is not None else "", "laws": page.compiled.service.law,
        "office": about.department if about is not None else None,
    }  # fmt: skip
