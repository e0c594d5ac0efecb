"""Whatever came of asking a registry, the citizen's page says it in both languages; nothing is blank in silence.

A real registry process over HTTP, the page as the application draws it, both kinds of database.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from babel.messages.pofile import read_po
from sqlalchemy import select

from config import ROOT
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import Source
from govservice.definitions.schema_registry import FieldMap
from govservice.engine import Actor
from govservice.exchange import breaker, evidence
from govservice.exchange.connectors.base import Answer, Query
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import CONDUCT, RESERVED, Outcome, outcome_sentence
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Exchange, Fact
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.support.sandboxes import Sandbox
from tests.web.citizens import begin, text_of
from tests.web.conftest import Stage

__all__ = ["_sandbox_process", "sandbox"]

# outcome -> (fault of the sandbox, of which registry, the fact that it meets)
ESTATE = ("real_estate", "premises")
MEETS: dict[Outcome, tuple[str | None, str, str]] = {
    Outcome.OK: (None, *ESTATE),
    Outcome.NO_RECORD: ("empty", *ESTATE),
    Outcome.AMBIGUOUS: ("several", *ESTATE),
    Outcome.IDENTITY_MISMATCH: ("wrong_person", *ESTATE),
    Outcome.TAMPERED: (None, *ESTATE),
    Outcome.UNDER_INVESTIGATION: ("partial", *ESTATE),
    Outcome.WITHHELD: ("withheld", *ESTATE),
    Outcome.TIMEOUT: ("hang", *ESTATE),
    Outcome.UNAVAILABLE: ("html_502", *ESTATE),
    Outcome.BREAKER_OPEN: (None, *ESTATE),
    Outcome.RATE_LIMITED: ("status_429", *ESTATE),
    Outcome.DENIED: ("status_403", *ESTATE),
    Outcome.SCHEMA_VIOLATION: ("wrong_schema", *ESTATE),
    Outcome.STALE: ("stale", "health_certificates", "health"),
    Outcome.CONFLICT: ("under_investigation", *ESTATE),
    Outcome.REFUSED: (None, *ESTATE),
}


def patient(catalogue: Catalogue) -> Catalogue:
    """Registries that may take ten seconds; and the register of enterprises knows premises too, otherwise than the
    register of real estate does."""
    fields = {
        name: FieldMap(path=path, normalise="number" if name == "premises.area" else "text")
        for name, path in (("premises.title_no", "uscc"), ("premises.address", "address"), ("premises.area", "capital"),
                           ("premises.district", "name"))
    }  # fmt: skip
    second = catalogue.datasets["enterprises/1"]
    second = second.model_copy(update={"fields": {**second.fields, **fields}})
    grant = catalogue.grants["GR-2032"]
    wider = grant.model_copy(update={"take": (*grant.take, *fields), "purpose": catalogue.grants["GR-2033"].purpose})
    registries = {
        code: each.model_copy(update={"limits": each.limits.model_copy(update={"timeout_ms": 10_000})})
        for code, each in catalogue.registries.items()
    }
    return dataclasses.replace(
        catalogue, registries=registries, datasets={**catalogue.datasets, "enterprises/1": second},
        grants={**catalogue.grants, "GR-2032": wider},
    )  # fmt: skip


def with_second_source(compiled: Compiled) -> Compiled:
    premises = compiled.service.facts["premises"]
    sources = (*premises.sources, Source(dataset="enterprises/1", grant="GR-2032"))
    facts = {**compiled.service.facts, "premises": premises.model_copy(update={"sources": sources})}
    return dataclasses.replace(compiled, service=compiled.service.model_copy(update={"facts": facts}))


class Forged(HttpJson):
    """An answer on the right line that is not one to our question, as a protocol with signed messages finds out."""

    def fetch(self, query: Query) -> Answer:
        answer = super().fetch(query)
        return dataclasses.replace(answer, outcome=Outcome.TAMPERED, body=None) if self.is_estate else answer

    @property
    def is_estate(self) -> bool:
        return self.registry.registry == "real_estate"


@pytest.fixture
def asking(stage: Stage, sandbox: Sandbox) -> Iterator[Callable[..., Gateway]]:
    made: list[Gateway] = []

    def make(**how: Any) -> Gateway:
        made.append(Gateway(patient(stage.runtime.definitions.catalogue), sandbox.endpoints(), **how))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


@pytest.mark.parametrize("outcome", Outcome)
def test_the_page_says_what_came_of_asking(
    outcome: Outcome, stage: Stage, sandbox: Sandbox, asking: Callable[..., Gateway]
) -> None:
    fault, registry, fact = MEETS[outcome]
    browser = stage.client_as("wang.fang")
    number = begin(browser)  # no registry answers yet
    compiled = stage.runtime.definitions.current("open_restaurant")
    if fault is not None:
        sandbox.fault(registry, fault, seconds=30)
    if outcome is Outcome.CONFLICT:
        compiled = with_second_source(compiled)
    gateway = asking(connect=Forged) if outcome is Outcome.TAMPERED else asking()
    case_id = prefill(stage, gateway, compiled, number, outcome)
    with stage.runtime.read() as session:
        need = session.scalars(
            select(EvidenceRequirement).where(EvidenceRequirement.case_id == case_id, EvidenceRequirement.name == fact)
        ).one()
        assert (need.outcome, need.state) == (outcome.value, CONDUCT[outcome].state)
        logged = session.scalars(select(Exchange).where(Exchange.fact == fact).order_by(Exchange.id)).all()
        assert outcome in (Outcome.REFUSED, Outcome.CONFLICT) or logged[-1].outcome == outcome
        kept = session.scalars(select(Fact).where(Fact.case_id == case_id, Fact.name == fact)).all()
        assert bool(kept) == CONDUCT[outcome].gives_values
    for language in ("en", "zh"):
        page = read(browser, number, language)
        said = told(stage, outcome, registry, language)
        if outcome is Outcome.REFUSED:
            said = said[:-1]  # it goes on: of what was not asked
        assert (said in page) == (outcome is not Outcome.OK), (said, page)


def prefill(
    stage: Stage, gateway: Gateway, compiled: Compiled, number: str, outcome: Outcome, fact: str = "premises"
) -> str:
    """Asks as the portal does, patiently; the first answers of a registry out of order have opened its breaker."""
    now = stage.runtime.now()
    with stage.runtime.read() as session:
        case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    if outcome is Outcome.BREAKER_OPEN:
        rules = {code: each.breaker for code, each in gateway.catalogue.registries.items()}
        with stage.runtime.write() as session:
            breaker.count(session, rules, [("real_estate", Outcome.TIMEOUT)] * 20, now)
    evidence.prefill(
        stage.runtime.database, gateway, compiled, case_id, actor=Actor("portal", "system", (), None), now=now,
        declined=(fact,) if outcome is Outcome.REFUSED else (),
        budget=2.5 if outcome is Outcome.TIMEOUT else 15.0,
    )  # fmt: skip
    stage.wall.advance(timedelta(seconds=1))
    return case_id


def read(browser: Any, number: str, language: str) -> str:
    page = text_of(browser.get(f"/my/cases/{number}/tasks", headers={"Accept-Language": language}))
    return re.sub(r"\s+", " ", html.unescape(page))


def told(stage: Stage, outcome: Outcome, registry: str, language: str) -> str:
    """The sentence in a language, as its catalogue has it."""
    name = stage.runtime.definitions.catalogue.registries[registry].short
    sentence = outcome_sentence(outcome, name)
    with (ROOT / "translations/domain/zh_CN/LC_MESSAGES/messages.po").open("rb") as catalogue:
        chinese = {entry.id: str(entry.string) for entry in read_po(catalogue) if entry.string}
    return (
        sentence.text("en") if language == "en" else sentence.text("zh", {sentence.message: chinese[sentence.message]})
    )


def test_what_only_a_register_may_tell_is_not_asked_of_anybody(
    stage: Stage, sandbox: Sandbox, asking: Callable[..., Gateway]
) -> None:
    """Nobody vouches for their own credit: neither the purpose page nor the list of tasks says that one might."""
    browser = stage.client_as("wang.fang")
    number = begin(browser)
    card = text_of(browser.get(f"/my/cases/{number}/purpose")).split('id="declined-standing"')[1].split("</label>")[0]
    assert "Nothing is asked of me instead" in card
    assert "give it myself" not in card
    compiled = stage.runtime.definitions.current("open_restaurant")
    prefill(stage, asking(), compiled, number, Outcome.REFUSED, fact="standing")
    page = read(browser, number, "en")
    assert "nothing is asked of you for it: On the list of serious breaches of trust" in page
    assert "You chose to give this information yourself" not in page


def test_a_value_under_a_reservation_says_which_it_is(
    stage: Stage, sandbox: Sandbox, asking: Callable[..., Gateway]
) -> None:
    assert {Outcome.UNDER_INVESTIGATION, Outcome.STALE} == RESERVED
    browser = stage.client_as("wang.fang")
    number = begin(browser)
    sandbox.fault("real_estate", "partial")
    prefill(stage, asking(), stage.runtime.definitions.current("open_restaurant"), number, Outcome.OK)
    assert "This is about: Number of the title" in read(browser, number, "en")
    assert "涉及内容：不动产权证号" in read(browser, number, "zh")


def test_a_value_out_of_an_old_copy_says_of_when_it_is(
    stage: Stage, sandbox: Sandbox, asking: Callable[..., Gateway]
) -> None:
    browser = stage.client_as("wang.fang")
    number = begin(browser)
    sandbox.fault("health_certificates", "stale")
    prefill(stage, asking(), stage.runtime.definitions.current("open_restaurant"), number, Outcome.OK)
    assert "this will be checked again. It is as of" in read(browser, number, "en")
    assert re.search("之后会再次核对。数据截至 ?[0-9]{4} ?年", read(browser, number, "zh"))
