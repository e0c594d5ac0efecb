"""The synthetic province is coherent, always the same, and nobody in it exists."""

from __future__ import annotations

import concurrent.futures
import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange.gateway import Gateway
from govservice.exchange.mapping import Mapper
from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox import cast, province
from govservice.identifiers import birth_date, problem
from govservice.models.session import Database
from tests.exchange.conftest import citizen, file_draft, prefill
from tests.support.sandboxes import PATIENCE, Sandbox, process


@pytest.fixture(scope="module")
def guizhou() -> province.Province:
    return province.build()


def test_it_has_its_size_and_valid_numbers(guizhou: province.Province) -> None:
    assert len(guizhou.people) == 10_000
    assert len(guizhou.enterprises) == 2_000
    assert [p for p in guizhou.people if problem("cn_id", p) is not None] == []
    assert [u for u in guizhou.enterprises if problem("uscc", u) is not None] == []


def test_nobody_in_it_can_exist(guizhou: province.Province) -> None:
    """The region code 9901xx is assigned to no place, in numbers of people and in credit codes."""
    assert {p[:4] for p in guizhou.people} == {"9901"}
    assert {u[2:6] for u in guizhou.enterprises} == {"9901"}


def test_numbers_agree_with_people(guizhou: province.Province) -> None:
    for person in guizhou.people.values():
        assert birth_date(person.id) == person.born
        assert int(person.id[16]) % 2 == (1 if person.sex == "M" else 0)


def test_enterprises_belong_to_people_and_premises_to_enterprises(guizhou: province.Province) -> None:
    for enterprise in guizhou.enterprises.values():
        leader = guizhou.people[enterprise.legal_person]
        assert leader.area == enterprise.area
        assert leader.born.year <= 2004
    assert len({e.name for e in guizhou.enterprises.values()}) == 2_000
    assert set(guizhou.premises) <= set(guizhou.enterprises)
    assert all(p.floor_area > 0 for held in guizhou.premises.values() for p in held)
    titles = [p.title_no for held in guizhou.premises.values() for p in held]
    assert len(titles) == len(set(titles))


def test_households_have_one_head(guizhou: province.Province) -> None:
    heads: dict[str, int] = {}
    for person in guizhou.people.values():
        heads[person.household] = heads.get(person.household, 0) + person.head
    assert set(heads.values()) == {1}


def test_the_same_seed_gives_the_same_province(guizhou: province.Province) -> None:
    again = province.build.__wrapped__(province.DEFAULT_SEED)
    assert again == guizhou
    assert set(province.build.__wrapped__(7).people) != set(guizhou.people)


@pytest.mark.parametrize("seed", [7, 4711])
def test_the_cast_is_in_every_province(seed: int) -> None:
    found = province.build.__wrapped__(seed)
    for each in cast.CITIZENS:
        assert found.people[each.person.id] == each.person
        if each.organisation is not None:
            assert found.enterprises[each.organisation.uscc] == each.organisation
            assert len(found.premises[each.organisation.uscc]) == 1
            assert found.certificates[each.organisation.uscc]
    wang_fang = cast.CITIZENS[0]
    assert wang_fang.organisation is not None
    assert wang_fang.organisation.legal_person == wang_fang.person.id


def test_those_who_can_file_are_listed(guizhou: province.Province) -> None:
    triples = guizhou.triples(300)
    assert len(triples) == 300
    assert len(guizhou.triples(3, area="nanming")) == 3
    for triple in triples:
        assert triple.enterprise.legal_person == triple.person.id
        assert guizhou.premises[triple.enterprise.uscc] == (triple.premises,)
        assert triple.enterprise not in cast.ENTERPRISES
    leaders = {e.legal_person for e in guizhou.enterprises.values()}
    assert not leaders & {p.id for p in guizhou.plain_people(50)}


def test_one_connection_serves_many_calls_and_many_connections_at_once(sandbox: Sandbox) -> None:
    sandbox.delay(100)
    address = urlsplit(sandbox.url)
    body = b'{"subject": "990111198803182048", "fields": ["name"]}'

    def twice() -> list[int]:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
        statuses = []
        for _ in range(2):
            connection.request("POST", "/population/v2/people/query", body)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert [f.result() for f in [pool.submit(twice) for _ in range(10)]] == [[200, 200]] * 10
    assert time.monotonic() - began < 1.0  # 20 calls of 0.1 s, two after another on each connection


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/population/v2/people/query", b"{", 400),
        ("/population/v2/people/query", b'{"subject": "990111198803182048"}', 400),
        ("/population/v9/people/query", b'{"subject": "1", "fields": ["name"]}', 404),
        ("/nobody/v1/x", b'{"subject": "1", "fields": ["name"]}', 404),
        ("/_admin/faults", b'{"registry": "nobody", "mode": "hang"}', 422),
        ("/_admin/faults", b'{"registry": "population", "mode": "melt"}', 422),
        ("/_admin/faults", b"[]", 422),
    ],
)
def test_wrong_questions_get_an_answer(sandbox: Sandbox, path: str, body: bytes, status: int) -> None:
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("POST", path, body)
    assert connection.getresponse().status == status
    connection.close()


def test_another_host_name_is_refused(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("GET", "/_admin/faults", headers={"Host": "evil.example:80"})
    assert connection.getresponse().status == 421
    connection.close()


def test_a_register_can_be_a_process_of_its_own(
    sqlite_database: Database, make_gateway: Callable[..., Gateway], open_restaurant: Compiled
) -> None:
    """Four registers as four processes on four ports; the one that goes away takes nobody with it."""
    filed = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    needed = ("population", "enterprises", "real_estate", "health_certificates")
    with ExitStack() as running:
        ports = {
            code: running.enter_context(process("govservice.exchange.sandbox", "--port", "0", "--only", code))
            for code in needed
        }
        assert len(set(ports.values())) == 4
        other = httpx.post(f"{ports['population']}/enterprises/v1/enterprises/query", json={}, timeout=PATIENCE)
        assert other.status_code == 404
        endpoints = {code: f"{url}/{code}" for code, url in ports.items()}
        gone = {**endpoints, "real_estate": "http://127.0.0.1:1/real_estate"}
        facts = prefill(sqlite_database, make_gateway(gone), open_restaurant, filed).facts
        assert {name: view.filled for name, view in facts.items()} == {
            "owner": True, "enterprise": True, "standing": True, "premises": False, "health": True
        }  # fmt: skip
        assert prefill(sqlite_database, make_gateway(endpoints), open_restaurant, filed).facts["premises"].filled


def test_there_are_the_registers_that_people_and_enterprises_need(sandbox: Sandbox, catalogue: Catalogue) -> None:
    """Every register that a file describes answers as its file says about somebody of the province."""
    held = province.build()
    people = [*(person.id for person in cast.PEOPLE), *held.people]
    enterprises = list(held.enterprises)
    asked = 0
    for code, registry in catalogue.registries.items():
        for ref, dataset in registry.datasets.items():
            mapper = Mapper(dataset, catalogue.area_of_region)
            take = tuple(dataset.fields)
            subjects = people[:400] if dataset.subject == "person" else enterprises[:60]
            for subject in subjects:
                body = httpx.post(
                    f"{sandbox.url}/{code}{dataset.request.path}", timeout=PATIENCE,
                    json={"subject": subject, "fields": list(mapper.source_fields(take))},
                ).json()  # fmt: skip
                reading = mapper.read(body, subject, take)
                assert reading.outcome in (Outcome.OK, Outcome.NO_RECORD, Outcome.AMBIGUOUS), (ref, body)
                if reading.outcome is Outcome.OK:
                    asked += 1
                    break
            else:
                pytest.fail(f"nobody of the province stands in {ref}")
    assert asked == len(catalogue.datasets) >= 12
