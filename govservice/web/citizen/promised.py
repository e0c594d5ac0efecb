"""What stands instead of a document, and what is still owed: words and dates for every page that lists documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext

from govservice.definitions.catalogue_schema import Pledge
from govservice.models.base import from_iso
from govservice.operations.completeness import may_put_off, pledge_of
from govservice.web.access import now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing
from govservice.web.i18n import date_text, text
from govservice.web.words import day
from govservice.worktime.duration import Duration
from govservice.worktime.limits import due_on


@dataclass(frozen=True, slots=True)
class Instead:
    """The other ways that a document knows. `pledge` in its present words, `given`: agreed to; `last` is the day by
    which it must come if the application is sent today, `until` the step that waits for it."""

    pledge: Pledge | None
    given: bool
    check: Duration | None
    later: bool
    last: date | None
    until: str
    deferred: bool

    @property
    def any(self) -> bool:
        return self.pledge is not None or self.later


def instead_of(filing: Filing, slot: str) -> Instead:
    compiled, deferral = filing.compiled, filing.compiled.deferrals.get(slot)
    pledge = pledge_of(filing.rt.definitions.catalogue, compiled, filing.facts, filing.form, slot)
    given = filing.form.pledges.get(slot)
    check = compiled.post_checks.get(slot)
    calendar = filing.rt.calendars.for_area(filing.case.area)
    return Instead(
        pledge, pledge is not None and given is not None and given["version"] == pledge.version,
        check.within if check is not None else None, may_put_off(compiled, filing.facts, filing.form, slot),
        due_on(calendar, now(), deferral.within) if deferral is not None else None,
        text(compiled.steps[deferral.until].title) if deferral is not None else "", slot in filing.form.deferred,
    )  # fmt: skip


@blueprint.app_template_global()
def promise_words(filing: Filing, slot: str) -> str:
    """What stands instead of a document: "" where nothing does."""
    given = filing.form.pledges.get(slot)
    if given is not None:
        agreed = from_iso(given["agreed_at"])
        return str(gettext("Pledge given on %(day)s: %(title)s", day=date_text(agreed), title=text(given["title"])))
    gap = filing.gaps.get(slot)
    if gap is not None and gap.closed_at is None:
        return str(gettext("Comes later, by %(day)s", day=day(date.fromisoformat(gap.due_on))))
    if slot in filing.form.deferred and filing.case.status == "draft":
        last = instead_of(filing, slot).last
        return str(gettext("Comes later, by %(day)s if you send today", day=day(last))) if last else ""
    return ""


def owed(filing: Filing) -> list[dict[str, Any]]:
    """What was put off and is awaited: title, last day, where to bring it."""
    if filing.case.status not in ("open", "suspended"):
        return []
    materials = filing.compiled.service.materials
    return [
        {
            "title": materials[gap.material].label, "by": date.fromisoformat(gap.due_on),
            "provisional": gap.provisional,
            "href": url_for("citizen.supply", number=filing.number, slot=gap.material),
        }
        for gap in filing.gaps.values()
        if gap.closed_at is None and gap.material in materials
    ]  # fmt: skip
