"""How the facts of a case stand: values with provenance, opened with their subject's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.exchange.connectors.vault import TITLE
from govservice.exchange.outcomes import RESERVED, Outcome, Sentence, outcome_sentence
from govservice.exchange.party import identifying, party_record
from govservice.models.cases import Case
from govservice.models.exchange import UNNEEDED, VAULT, EvidenceRequirement, Exchange, Fact
from govservice.models.session import box_of

FILLED = frozenset({"available", "stale", "disputed", "contradicted"})
NOBODY: Mapping[str, str] = {"en": "registry", "zh": "登记库"}


@dataclass(frozen=True, slots=True)
class FactView:
    """How one fact of a case stands, with provenance.

    `values` are JSON forms by fact type (decimals and dates as text, lists of text); empty unless `filled`. `state`
    is the requirement's (needed before anything was asked). Names are {en, zh}; times aware UTC.
    """

    name: str
    state: str
    outcome: str | None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registry: str = ""  # code
    registry_name: Mapping[str, str] = field(default_factory=lambda: NOBODY)
    registry_title: Mapping[str, str] = field(default_factory=lambda: NOBODY)
    dataset: str = ""
    record_id: str | None = None
    fetched_at: datetime | None = None
    registry_updated_at: datetime | None = None
    asked_at: datetime | None = None
    assurance: str = "registry"
    as_of: str | None = None  # the date, month or year that was asked for
    exchange_id: str | None = None
    # What identifies the party, by fact type, as the portal's own record has it; None where that does not say. Only
    # looked up where registries have not given all of it.
    party: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def filled(self) -> bool:
        """Whether a registry's values stand in the form."""
        return bool(self.values)

    @property
    def asked(self) -> bool:
        """Whether a registry was asked, or the citizen chose that none is."""
        return self.outcome is not None

    @property
    def sentence(self) -> Sentence | None:
        """Why the fields are filled or not; None before anything was asked."""
        if self.outcome is None:
            return None
        return outcome_sentence(Outcome.OK if self._kept else self.outcome, self.registry_name)

    @property
    def _kept(self) -> bool:
        """Values of an earlier call stand although the last one brought nothing."""
        return self.filled and not self.reserved

    @property
    def reserved(self) -> bool:
        """The values stand under a reservation: the registry examines them, or they are older than they should be."""
        return self.filled and self.outcome in RESERVED


Facts = Mapping[str, FactView]


def current_facts(session: Session, case_id: str, catalogue: Catalogue) -> dict[str, FactView]:
    """Every need of the case that was looked into, by the fact's name; without those that the answers do not call for
    any more. Values of an erased person are gone."""
    rows: dict[str, list[Fact]] = {}
    for fact in session.scalars(select(Fact).where(Fact.case_id == case_id, Fact.superseded_by.is_(None))):
        rows.setdefault(fact.name, []).append(fact)
    needs = session.scalars(
        select(EvidenceRequirement)
        .where(EvidenceRequirement.case_id == case_id, EvidenceRequirement.state != UNNEEDED)
        .order_by(EvidenceRequirement.id)
    )
    views = {need.name: _view(session, need, rows.get(need.name, []), catalogue) for need in needs}
    return _with_party(session, case_id, views, catalogue)


def _with_party(
    session: Session, case_id: str, views: dict[str, FactView], catalogue: Catalogue
) -> dict[str, FactView]:
    """The views with the party as the portal knows it, where a registry left something of it open."""
    case = session.get(Case, case_id) if views else None
    if case is None or identifying(catalogue, case).keys() <= fact_values(views).keys():
        return views
    party = party_record(session, catalogue, case)
    return {name: replace(view, party=party) for name, view in views.items()}


def _view(session: Session, need: EvidenceRequirement, facts: Sequence[Fact], catalogue: Catalogue) -> FactView:
    values = {fact.fact_type: _opened(session, fact) for fact in facts} if need.state in FILLED else {}
    kept = {name: value for name, value in values.items() if value is not None}
    first = facts[0] if facts else None
    code = first.registry_code if first else _asked_registry(session, need)
    registry = catalogue.registries.get(code)
    unknown = TITLE if code == VAULT else NOBODY
    return FactView(
        name=need.name, state=need.state, outcome=need.outcome, values=kept, registry=code,
        registry_name=registry.short if registry else unknown, registry_title=registry.title if registry else unknown,
        dataset=first.dataset if first else "", record_id=first.record_id if first else None,
        fetched_at=first.fetched_at if first else None,
        registry_updated_at=first.registry_updated_at if first else None, asked_at=need.updated_at,
        assurance=first.assurance if first else "registry", exchange_id=need.exchange_id,
        as_of=first.as_of if first else None,
    )  # fmt: skip


def _opened(session: Session, fact: Fact) -> Any:
    box = box_of(session, fact.subject_id)
    return None if box is None or fact.value_enc is None else box.open_json(fact.value_enc, f"facts:{fact.id}")


def _asked_registry(session: Session, need: EvidenceRequirement) -> str:
    code = session.scalar(select(Exchange.registry_code).where(Exchange.id == need.exchange_id))
    return code or ""


def fact_values(facts: Facts) -> dict[str, Any]:
    """All registry values by fact type, as JSON forms."""
    return {fact_type: value for view in facts.values() for fact_type, value in view.values.items()}
