"""Consents and disputes as lines of a case's history, for the applicant and for staff."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext as _

from govservice.definitions.compiled import Compiled
from govservice.queries.asides import Aside
from govservice.web.access import current_runtime
from govservice.web.i18n import text
from govservice.web.words import list_text

Item = dict[str, Any]


def with_asides(
    items: Iterable[Item], asides: Iterable[Aside], compiled: Compiled, by: Callable[[Aside], str]
) -> list[Item]:  # fmt: skip
    """The items of a timeline (newest first) with these among them. `by` says who did what a person did."""
    told = [_item(aside, compiled, by) for aside in asides]
    return sorted([*items, *told[::-1]], key=lambda item: item["at"], reverse=True)


def _item(aside: Aside, compiled: Compiled, by: Callable[[Aside], str]) -> Item:
    catalogue = current_runtime().definitions.catalogue
    asked = [str(source.dataset) for source in compiled.service.facts[aside.fact].sources]
    what = text(catalogue.label(aside.fact_type) or {"en": aside.fact_type, "zh": aside.fact_type})
    if not aside.fact_type:
        what = (
            list_text([text(catalogue.datasets[ref].title) for ref in asked if ref in catalogue.datasets]) or aside.fact
        )
    titles = {
        "consent.given": _("Consent given to ask: %(what)s", what=what),
        "consent.withdrawn": _("Consent taken back: %(what)s", what=what),
        "dispute.sent": _("Said to be wrong in a register: %(what)s", what=what),
        "dispute.accepted": _("The register was corrected: %(what)s", what=what),
        "dispute.rejected": _("The register stays as it is: %(what)s", what=what),
        "dispute.withdrawn": _("Not said to be wrong any more: %(what)s", what=what),
    }
    registry, owner = catalogue.registries.get(aside.registry), catalogue.departments.get(aside.owner)
    who = by(aside) if aside.person else text(owner.name) if owner else ""
    note = text(registry.title) if registry else ""
    return {"title": titles[aside.kind], "at": aside.at, "by": who, "note": note, "quote": ""}
