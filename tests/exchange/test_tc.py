"""The scenarios of the European once-only exercise (TC01 to TC10), as far as they are ours: one country, one portal.

TC05, a further conversation with a directory before it is known whom to ask, is a further answer of the applicant here:
the sources of each fact stand in the registry's file, and a condition says which of them this application needs.
Signing in again for the preview (half of TC06) is the portal's own sign-in.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.loader import load_file
from govservice.definitions.schema_form import Source
from govservice.definitions.schema_request import Request, XRoad
from govservice.exchange.connectors import connector_of
from govservice.exchange.gateway import Gateway
from govservice.models.casedata import Form, write_form
from govservice.models.exchange import DataAccess, Exchange, Fact
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY
from tests.support.sandboxes import process
from tests.web.citizens import PARTY, hidden, text_of
from tests.web.conftest import Browser, Stage, make_stage

__all__ = ["make_stage"]


def test_tc01_a_basic_exchange(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """Everything needed comes from the registries that hold it, with provenance, logged and visible to the person."""
    found = prefill(database, gateway, open_restaurant, wang_fang)
    assert all(view.filled and view.fetched_at and view.record_id for view in found.facts.values())
    with database.read() as session:
        assert {row.outcome for row in session.scalars(select(Exchange))} == {"ok"}
        assert len(session.scalars(select(DataAccess)).all()) == 5


def test_tc02_no_match(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """The registry has nobody: said so, asked of the person instead, and the registry is not asked again at once."""
    sandbox.fault("real_estate", "empty")
    view = prefill(database, gateway, open_restaurant, wang_fang).facts["premises"]
    assert (view.state, view.values) == ("no_record", {})
    assert view.sentence is not None
    assert "has no record of this" in view.sentence.text("en")
    assert sandbox.calls()["real_estate"] == 1


@pytest.mark.parametrize("mode", ["status_500", "wrong_schema", "malformed", "reset"])
def test_tc03_an_error_of_the_registry(
    mode: str, database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """The others are not touched by it, nothing of the answer is kept, and it is no dead end."""
    sandbox.fault("enterprises", mode)
    facts = prefill(database, gateway, open_restaurant, wang_fang).facts
    assert facts["enterprise"].state == "deferred"
    assert all(facts[name].filled for name in ("owner", "premises", "health"))
    sandbox.fault("enterprises", None)
    assert prefill(database, gateway, open_restaurant, wang_fang, trigger="retry").facts["enterprise"].filled


MEMBER = XRoad.model_validate({"client": ["CN", "GOV", "1", "portal"], "provider": ["CN", "GOV", "2", "registers"]})


def behind_x_road(catalogue: Catalogue) -> Catalogue:
    """The register of enterprises as it would be asked over X-Road."""
    registry = catalogue.registries["enterprises"]
    request = Request.model_validate({"service": "enterprises", "path": "/v1/enterprises/query"})
    dataset = registry.datasets["enterprises/1"].model_copy(update={"request": request})
    changed = registry.model_copy(
        update={"kind": "xroad_rest", "xroad": MEMBER, "datasets": {"enterprises/1": dataset}, "acts": {}}
    )
    return dataclasses.replace(
        catalogue, registries={**catalogue.registries, "enterprises": changed},
        datasets={**catalogue.datasets, "enterprises/1": dataset},
    )  # fmt: skip


def test_tc04_an_error_of_the_access_point(
    database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled, wang_fang: Filed,
) -> None:  # fmt: skip
    """The line in between refuses or is gone: no matter of the registry's, and told apart in the log."""
    member = ("--client", "CN/GOV/1/portal", "--provider", "CN/GOV/3/other")
    with process("govservice.exchange.sandbox.security_server", *member) as url:
        endpoints = {**sandbox.endpoints(), "enterprises": url}
        gateway = make_gateway(endpoints, behind_x_road(catalogue), connect=connector_of)
        facts = prefill(database, gateway, open_restaurant, wang_fang).facts
        assert (facts["enterprise"].outcome, facts["enterprise"].state) == ("denied", "deferred")
        assert facts["premises"].filled
    found = prefill(database, gateway, open_restaurant, wang_fang).facts["enterprise"]
    assert (found.outcome, found.state) == ("unavailable", "deferred")


def test_tc05_a_further_conversation_says_whom_to_ask(
    database: Database, gateway: Gateway, catalogue: Catalogue
) -> None:
    """Whom to ask follows from what the person says next: no register before, then that one alone, once."""
    service = load_file(ROOT / "workflows" / "services" / "household_move.yaml").service
    compiled = compile_service(service, catalogue=catalogue)
    filed = file_draft(database, compiled, citizen("liu.yang"))
    before = prefill(database, gateway, compiled, filed)
    assert before.facts["mover"].filled
    assert "home" not in before.facts
    with database.write() as session:
        said = Form(answers={"move.reason": "own_home"}, sources={"move.reason": "you"})
        write_form(session, filed.person_id, filed.case_id, said, "test", MONDAY)
    after = prefill(database, gateway, compiled, filed)
    assert after.facts["home"].values["home.title_no"]
    assert {name for name, view in after.facts.items() if view.filled} - before.facts.keys() == {"home"}
    with database.read() as session:
        asked = [(row.dataset, row.outcome) for row in session.scalars(select(Exchange))]
    assert asked.count(("dwellings/1", "ok")) == 1
    assert not {"tenancies/1", "employment/1", "marriages/1"} & {dataset for dataset, _outcome in asked}


def test_tc07_two_providers(
    database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled, wang_fang: Filed,
) -> None:  # fmt: skip
    """The first source is silent, the second has it: its value stands, under its name, and both calls are logged."""
    other = catalogue.datasets["enterprises/1"].model_copy(
        update={"request": Request(path="/v1/enterprises/query"), "title": {"en": "Copy", "zh": "副本"}}
    )
    backup = catalogue.registries["enterprises"].model_copy(
        update={"registry": "backup", "endpoint": "backup", "datasets": {"enterprises_copy/1": other}, "grants": {}}
    )
    grant = catalogue.grants["GR-2032"].model_copy(update={"dataset": "enterprises_copy/1"})
    two = dataclasses.replace(
        catalogue, registries={**catalogue.registries, "backup": backup},
        datasets={**catalogue.datasets, "enterprises_copy/1": other}, grants={**catalogue.grants, "GR-2099": grant},
    )  # fmt: skip
    node = open_restaurant.service.facts["enterprise"]
    sources = (Source(dataset="enterprises/1", grant="GR-2032"), Source(dataset="enterprises_copy/1", grant="GR-2099"))
    facts = {**open_restaurant.service.facts, "enterprise": node.model_copy(update={"sources": sources})}
    compiled = dataclasses.replace(
        open_restaurant, service=open_restaurant.service.model_copy(update={"facts": facts})
    )  # fmt: skip
    sandbox.fault("enterprises", "status_500")
    with process("govservice.exchange.sandbox", "--port", "0", "--delay-ms", "1") as second:
        gateway = make_gateway({**sandbox.endpoints(), "backup": f"{second}/enterprises"}, two)
        found = prefill(database, gateway, compiled, wang_fang)
    assert (found.facts["enterprise"].outcome, found.facts["enterprise"].registry) == ("ok", "backup")
    with database.read() as session:
        rows = session.scalars(select(Exchange).where(Exchange.fact == "enterprise").order_by(Exchange.attempt)).all()
        assert [(row.registry_code, row.outcome) for row in rows] == [("enterprises", "unavailable"), ("backup", "ok")]
        facts_kept = session.scalars(select(Fact).where(Fact.name == "enterprise")).all()
        assert {fact.registry_code for fact in facts_kept} == {"backup"}


class TestBeforeItIsUsed:
    """TC06 and TC08 to TC10: what the person sees and decides, in the portal as it is served."""

    @pytest.fixture
    def sqlite_url(self, request: pytest.FixtureRequest) -> str:
        return str(request.getfixturevalue("staged_sqlite_url"))

    @pytest.fixture
    def postgresql_url(self, request: pytest.FixtureRequest) -> str:
        return str(request.getfixturevalue("staged_postgresql_url"))

    @pytest.fixture
    def stage(self, make_stage: Callable[..., Stage], sandbox: Sandbox) -> Stage:
        return make_stage(registry_endpoints=sandbox.endpoints())

    @pytest.fixture
    def begun(self, stage: Stage) -> Iterator[tuple[Browser, str]]:
        """Signed in, and at the page that says what will be asked of whom."""
        browser = stage.client_as("wang.fang")
        page = text_of(browser.get("/services/open_restaurant/start"))
        party = PARTY.search(page)
        assert party
        sent = browser.post("/services/open_restaurant/start", data={**hidden(page), "party": party[1]})
        number = re.search(r"/my/cases/([^/]+)/purpose", sent.headers["Location"])
        assert number
        yield browser, number[1]
        stage.runtime.gateway.close()

    @staticmethod
    def logged(stage: Stage) -> list[Exchange]:
        with stage.runtime.read() as session:
            return list(session.scalars(select(Exchange)))

    @staticmethod
    def seen(browser: Browser, address: str) -> str:
        return html.unescape(text_of(browser.get(address)))

    def until_all_answered(self, stage: Stage, browser: Browser, number: str) -> None:
        for _ in range(6):
            if "Real Estate Register" not in self.seen(browser, f"/my/cases/{number}/tasks").partition("<form")[0]:
                break
            browser.send(f"/my/cases/{number}/purpose/again", page=f"/my/cases/{number}/tasks")

    def test_tc06_a_preview_before_anything_is_asked_or_sent(
        self, stage: Stage, begun: tuple[Browser, str], sandbox: Sandbox
    ) -> None:
        """Whom, what, why and by which law stands there before the first call; the values before anything is sent."""
        browser, number = begun
        page = self.seen(browser, f"/my/cases/{number}/purpose")
        assert "Real Estate Register" in page
        assert self.logged(stage) == []
        assert "real_estate" not in sandbox.calls()
        browser.send(f"/my/cases/{number}/purpose")
        self.until_all_answered(stage, browser, number)
        assert "326.4" in self.seen(browser, f"/my/cases/{number}/check") + self.seen(
            browser, f"/my/cases/{number}/tasks"
        )

    def test_tc08_the_preview_is_rejected(self, stage: Stage, begun: tuple[Browser, str], sandbox: Sandbox) -> None:
        """No registry is asked for what the person will bring, and no penalty follows: the questions are open."""
        browser, number = begun
        browser.send(f"/my/cases/{number}/purpose", {"declined": ["premises", "health"]})
        assert {"real_estate", "health_certificates"} & set(sandbox.calls()) == set()
        page = self.seen(browser, f"/my/cases/{number}/tasks")
        assert "You chose to give this information yourself" in page
        assert {row.registry_code for row in self.logged(stage)} == {"population", "enterprises"}

    def test_tc09_the_preview_is_closed_or_runs_out(
        self, stage: Stage, begun: tuple[Browser, str], sandbox: Sandbox
    ) -> None:
        """Who closes the page has agreed to nothing: no call; coming back another day leads to the same page."""
        browser, number = begun
        self.seen(browser, f"/my/cases/{number}/purpose")
        later = stage.client_as("wang.fang")
        assert "Real Estate Register" in self.seen(later, f"/my/cases/{number}/purpose")
        assert self.logged(stage) == []
        assert sandbox.calls() == {}

    def test_tc10_what_came_is_shown_for_people_in_both_languages(
        self, stage: Stage, begun: tuple[Browser, str]
    ) -> None:
        """No codes, no JSON: labels, names of registers and dates."""
        browser, number = begun
        browser.send(f"/my/cases/{number}/purpose")
        self.until_all_answered(stage, browser, number)
        english = self.seen(browser, "/my/data")
        browser.environ_base = {**browser.environ_base, "HTTP_ACCEPT_LANGUAGE": "zh"}
        chinese = self.seen(browser, "/my/data")
        assert "Number of the title" in english
        assert "不动产权证号" in chinese
        assert "premises.title_no" not in english + chinese
