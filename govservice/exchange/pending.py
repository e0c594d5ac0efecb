"""Facts that a case may be sent without (`pending: allowed`): the register owes them, is asked on, gives them late.

After a time of its own (`pending_within`) the applicant is asked for all that is still owed, once, and nobody is
refused for it. A decision against the applicant waits in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.exchange.outcomes import SAYS_NOTHING
from govservice.exchange.views import Facts
from govservice.models.exchange import EvidenceRequirement
from govservice.worktime.duration import Duration

WITHIN = Duration(5, "wd")  # until the applicant is asked, unless the fact says otherwise
# `refused`: the consent was taken back before the register answered.
UNMET = ("deferred", "fetching", "no_record", "ambiguous", "withheld", "refused")


def pending_facts(compiled: Compiled, facts: Facts) -> list[str]:
    """Names of the facts that a case may be sent without now: their register was asked and said nothing."""
    return [
        name
        for name, node in compiled.service.facts.items()
        if node.pending == "allowed" and (view := facts.get(name)) is not None
        and not view.filled and view.outcome in SAYS_NOTHING
    ]  # fmt: skip


def must_be_known(compiled: Compiled) -> frozenset[str]:
    """What a case cannot be sent without, whatever a register owes: where it goes to, and where a role of its own
    place sits. It stands from then on: another place is another office's case (Administrative Licensing Law art. 32),
    so no correction opens it."""
    service = compiled.service
    places = (service.area, *(role.area for role in service.roles.values()))
    return frozenset(area.removeprefix("form.") for area in places if area is not None)


def fields_of(compiled: Compiled, names: Iterable[str]) -> frozenset[str]:
    """The form's fields that these facts fill."""
    wanted = set(names)
    return frozenset(name for name, field in compiled.service.fields.items() if field.fact in wanted)


def materials_of(compiled: Compiled, names: Iterable[str]) -> frozenset[str]:
    """The papers that these facts replace."""
    wanted = set(names)
    return frozenset(
        slot for slot, material in compiled.service.materials.items()
        if material.replaced_by is not None and material.replaced_by.fact in wanted
    )  # fmt: skip


def asked_for(session: Session, case_id: str) -> list[str]:
    """Names of the facts that the applicant was asked for and has not given, and that no register has met since."""
    rows = select(EvidenceRequirement.name).where(
        EvidenceRequirement.case_id == case_id, EvidenceRequirement.asked_at.is_not(None),
        EvidenceRequirement.state.in_(UNMET),
    )  # fmt: skip
    return list(session.scalars(rows.order_by(EvidenceRequirement.id)))


def ask_for_owed(session: Session, case_id: str, now: datetime) -> list[EvidenceRequirement]:
    """Marks everything that registers still owe a case as asked of the applicant, once; the rows that are new."""
    rows = select(EvidenceRequirement).where(
        EvidenceRequirement.case_id == case_id, EvidenceRequirement.ask_at.is_not(None)
    )
    found = list(session.scalars(rows.order_by(EvidenceRequirement.id).with_for_update()))
    owed = [row for row in found if row.state in UNMET]
    for row in found:
        row.ask_at = None
    for row in owed:
        row.asked_at = now
    return owed
