"""A real registry sandbox in a process of its own, the shipped catalogue, and cases of the cast."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.loader import load_file
from govservice.exchange import evidence
from govservice.exchange.evidence import Prefill
from govservice.exchange.gateway import Gateway
from govservice.exchange.sandbox.cast import CITIZENS, Citizen
from govservice.models.base import new_id
from govservice.models.cases import Case, Definition
from govservice.models.keyring import Keyring
from govservice.models.people import Mandate, Organisation
from govservice.models.session import Database, make_engine
from govservice.operations.people import Identity, add_person, find_person
from tests.exchange import feeds, views
from tests.exchange.feeds import Feed
from tests.exchange.views import View
from tests.support.clock import MONDAY
from tests.support.rows import put
from tests.support.sandboxes import Sandbox, process


@pytest.fixture(scope="session")
def _sandbox_process() -> Iterator[Sandbox]:
    with process("govservice.exchange.sandbox", "--port", "0", "--delay-ms", "1") as url:
        yield Sandbox(url)


@pytest.fixture
def sandbox(_sandbox_process: Sandbox) -> Sandbox:
    """The province's registries over real HTTP, without faults."""
    _sandbox_process.reset()
    return _sandbox_process


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue, with registries that may take ten seconds: the machine may be busy with other tests."""
    shipped = load_catalogue(ROOT / "workflows")
    patient = {
        code: registry.model_copy(update={"limits": registry.limits.model_copy(update={"timeout_ms": 10_000})})
        for code, registry in shipped.registries.items()
    }
    return dataclasses.replace(shipped, registries=patient)


@pytest.fixture(scope="session")
def open_restaurant(catalogue: Catalogue) -> Compiled:
    return compile_service(load_file(ROOT / "workflows/services/open_restaurant.yaml").service, catalogue=catalogue)


@pytest.fixture
def make_gateway(sandbox: Sandbox, catalogue: Catalogue) -> Iterator[Callable[..., Gateway]]:
    """Gateways to the sandbox, closed afterwards."""
    made: list[Gateway] = []

    def make(endpoints: Mapping[str, str] | None = None, catalogue: Catalogue = catalogue, **how: Any) -> Gateway:
        made.append(Gateway(catalogue, sandbox.endpoints() if endpoints is None else endpoints, **how))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


@pytest.fixture
def gateway(make_gateway: Callable[..., Gateway]) -> Gateway:
    return make_gateway()


@dataclass(frozen=True)
class Filed:
    """A draft of one of the cast."""

    case_id: str
    person_id: str
    organisation_id: str | None
    mandate_id: str | None


@dataclass(frozen=True)
class Somebody:
    """An actor as far as the exchange looks at one."""

    id: str


CITIZEN = Somebody("00000000-0000-7000-8000-00000000c171")


@dataclass(frozen=True)
class Form:
    """A revision of answers as far as the exchange looks at one."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def with_answers(self, answers: Mapping[str, Any], source: str) -> Self:
        kept = {k: v for k, v in {**self.answers, **answers}.items() if v is not None}
        sources = {**self.sources, **dict.fromkeys(answers, source)}
        return type(self)(kept, {k: v for k, v in sources.items() if k in kept})

    def own(self, name: str) -> bool:
        return self.sources.get(name, "you") == "you"


def prefill(
    database: Database, gateway: Gateway, compiled: Compiled, filed: Filed, *, now: datetime = MONDAY,
    budget: float = 10.0, **how: Any,
) -> Prefill:  # fmt: skip
    """Asks for the draft's facts, as patiently as its registries are."""
    return evidence.prefill(database, gateway, compiled, filed.case_id, actor=CITIZEN, now=now, budget=budget, **how)


def citizen(login: str) -> Citizen:
    return next(c for c in CITIZENS if c.login == login)


def file_draft(database: Database, compiled: Compiled, who: Citizen) -> Filed:
    """A draft of this citizen, for the organisation where there is one."""
    with database.write() as session:
        if session.get(Definition, compiled.sha) is None:
            session.add(_definition(compiled))
        person = find_person(session, database.keyring, "cn_id", who.person.id)
        if person is None:
            identity = Identity(who.person.name, "cn_id", who.person.id)
            person = add_person(session, database.keyring, identity, now=MONDAY, area=who.person.area)
        organisation = mandate = None
        if who.organisation is not None:
            organisation = Organisation(
                id=new_id(), uscc=who.organisation.uscc, name=who.organisation.name, area=who.organisation.area,
                created_at=MONDAY,
            )  # fmt: skip
            session.add(organisation)
            session.flush()
            mandate = Mandate(
                id=new_id(), person_id=person.id, organisation_id=organisation.id, kind=who.mandate,
                valid_from=date(2026, 1, 1), source="demo", created_at=MONDAY,
            )  # fmt: skip
            session.add(mandate)
        session.flush()
        case = Case(
            id=new_id(), number=new_id(), service=compiled.code, def_sha=compiled.sha, applicant_id=person.id,
            organisation_id=organisation.id if organisation else None, mandate_id=mandate.id if mandate else None,
            channel="online", version=1, head="0" * 64, last_seq=1, data_rev=0, status="draft", opened_at=MONDAY,
        )  # fmt: skip
        put(session, case)
        return Filed(case.id, person.id, case.organisation_id, case.mandate_id)


def _definition(compiled: Compiled) -> Definition:
    return Definition(
        sha=compiled.sha, service=compiled.code, version=1, status="published", source_yaml="", canonical_json="",
        published_by="test", published_at=MONDAY,
    )  # fmt: skip


@pytest.fixture
def wang_fang(database: Database, open_restaurant: Compiled) -> Filed:
    """Wang Fang's draft of `open_restaurant` for her enterprise."""
    return file_draft(database, open_restaurant, citizen("wang.fang"))


@pytest.fixture
def sqlite_database(sqlite_url: str, keyring: Keyring) -> Iterator[Database]:
    """For what does not depend on the kind of database."""
    engine = make_engine(sqlite_url, synchronous="OFF")
    yield Database(engine, keyring)
    engine.dispose()


@pytest.fixture
def view(database_url: str, tmp_path: Path) -> Iterator[View]:
    """A registry that is a view: in a PostgreSQL database, and in a SQLite file."""
    made = views.made(
        database_url if database_url.startswith("postgresql") else f"sqlite:///{tmp_path / 'registry.db'}"
    )
    yield made
    made.owner.dispose()


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return feeds.made(tmp_path / "feed")
