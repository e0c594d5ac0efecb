"""A new registry of each kind is one file of at most 40 lines, and no code: six fields, fetched through the door.

Real counterparts: the sandbox over HTTP, a view in PostgreSQL and in SQLite, a folder with a signed file, a security
server of X-Road.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.findings import DefinitionError
from govservice.exchange.connectors import connector_of, unfit
from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.connectors.identity import Keys
from govservice.exchange.gateway import Gateway
from govservice.exchange.queries import Wanted
from govservice.exchange.sandbox.cast import QINGWEI
from govservice.models.exchange import Exchange, ExchangeProof, Fact
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox
from tests.exchange.feeds import Feed
from tests.exchange.views import View
from tests.support.clock import MONDAY
from tests.support.sandboxes import process

FILES = Path(__file__).parent / "registries"
SIX = ("org.name", "org.uscc", "org.legal_person", "org.address", "org.status", "org.established")


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    folder = tmp_path / "workflows"
    shutil.copytree(ROOT / "workflows", folder)
    return folder


def added(workflows: Path, kind: str) -> Catalogue:
    """The shipped workflows with one more file."""
    shutil.copy(FILES / f"registrations_{kind}.yaml", workflows / "registries")
    return load_catalogue(workflows)


def wanted(filed: Filed, kind: str, grant: str) -> Wanted:
    return Wanted(
        case_id=filed.case_id, service="open_restaurant", department="market_reg", name="enterprise",
        sources=((f"registrations_{kind}/1", grant),), take=SIX, purpose="LICENSE",
        subject=SubjectKey("organisation", QINGWEI.uscc), subject_id=filed.organisation_id or "",
        person_id=filed.person_id, actor="test", trigger="prefill", at=MONDAY, today=MONDAY.date(),
    )  # fmt: skip


@pytest.fixture
def fetch(database: Database, wang_fang: Filed) -> Iterator[Callable[..., Mapping[str, object]]]:
    """Asks through the door, as for a case; the values, by fact type, as they were stored and logged."""
    made: list[Gateway] = []

    def ask(
        catalogue: Catalogue, kind: str, grant: str, address: str, keys: Keys | None = None
    ) -> Mapping[str, object]:
        assert unfit(catalogue, {f"registrations_{kind}": address}, keys or {}) == []
        gateway = Gateway(
            catalogue, {f"registrations_{kind}": address}, connect=partial(connector_of, keys=keys or {})
        )  # fmt: skip
        made.append(gateway)
        (result,) = gateway.fetch(database, [wanted(wang_fang, kind, grant)], budget=10.0)
        with database.read() as session:
            logged = session.scalars(select(Exchange)).one()
            assert (logged.outcome, logged.grant_id, sorted(logged.fields)) == ("ok", grant, sorted(SIX))
            assert len(session.scalars(select(Fact)).all()) == 6
        return result.values

    yield ask
    for gateway in made:
        gateway.close()


EXPECTED = {
    "org.name": QINGWEI.name, "org.uscc": QINGWEI.uscc, "org.legal_person": "王芳", "org.address": QINGWEI.address,
    "org.status": "active", "org.established": "2026-09-18",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["http", "sql", "csv", "xroad"])
def test_its_file_has_at_most_forty_lines(kind: str) -> None:
    assert len((FILES / f"registrations_{kind}.yaml").read_text("utf-8").splitlines()) <= 40


def test_http(workflows: Path, fetch: Callable[..., Mapping[str, object]], sandbox: Sandbox) -> None:
    assert fetch(added(workflows, "http"), "http", "GR-9001", f"{sandbox.url}/enterprises") == EXPECTED


def test_a_view_in_a_database(workflows: Path, fetch: Callable[..., Mapping[str, object]], view: View) -> None:
    assert fetch(added(workflows, "sql"), "sql", "GR-9002", view.url) == EXPECTED


def test_a_signed_file(workflows: Path, fetch: Callable[..., Mapping[str, object]], feed: Feed) -> None:
    feed.send(as_of="2026-03-01T00:00:00+08:00")
    keys = {"market_reg": feed.public}
    assert fetch(added(workflows, "csv"), "csv", "GR-9003", feed.url, keys) == EXPECTED


def test_x_road(workflows: Path, fetch: Callable[..., Mapping[str, object]], database: Database) -> None:
    catalogue = added(workflows, "xroad")
    member = ("--client", "CN-TEST/GOV/00000001/portal", "--provider", "CN-TEST/GOV/70000562/market%28reg%29%2B1")
    with process("govservice.exchange.sandbox.security_server", *member) as url:
        assert fetch(catalogue, "xroad", "GR-9004", url) == EXPECTED
    with database.read() as session:
        proof = session.scalars(select(ExchangeProof)).one()
        assert set(proof.proofs) == {"xroad_id", "xroad_request_id", "xroad_request_hash"}
        assert proof.proofs["xroad_id"] == proof.exchange_id


# key of the file -> (what stands there instead, a word of the finding)
WRONG: Mapping[str, tuple[str, str, str]] = {
    "an unknown key": ("short: ", "shorts: ", "unknown key"),
    "an address": ("endpoint: registrations_http", "endpoint: http://10.0.0.8/registry", "an address has no place"),
    "a metadata address": ("endpoint: registrations_http", "endpoint: 169.254.169.254", "an address has no place"),
    "a path elsewhere": ("path: /v1/enterprises/query", "path: //evil.example/x", "should match pattern"),
    "a path upwards": ("path: /v1/enterprises/query", "path: /v1/../../admin", "leaves its place"),
    "no JSON Schema": ("required: [records]", "required: records", "the JSON Schema is wrong"),
    "no JMESPath": ("{path: name}", '{path: "name["}', "is no JMESPath"),
    "a mapping to nothing": ("{path: address}", "{path: adress}", "leads to nothing"),
    "a mapping into nothing": ("{path: legal_person.name}", "{path: legal_person.nick}", "leads to nothing"),
    "a mapping into a text": ("{path: address}", "{path: address.street}", "leads to nothing"),
    "a function of nothing": ("{path: address}", "{path: 'not_null(name, adress)'}", "leads to nothing"),
    "no function of JMESPath": ("{path: address}", "{path: address || nothing(name)}", "there is no function"),
    "no records": ("    freshness: 30d", "    records: recordz\n    freshness: 30d", "leads to nothing"),
    "no day": ("    freshness: 30d", "    as_of: on\n    max_age: 3d\n    freshness: 30d", "leads to nothing"),
    "no pattern": ("uscc: {type: string, ", "uscc: {type: string, pattern: '[0-9', ", "the JSON Schema is wrong"),
    "a schema from elsewhere": ("address: {type: string, ", "address: {$ref: 'http://10.0.0.8/', ", "is no part of it"),
    "a part that is not there": ("address: {type: string, ", "address: {$ref: '#/$defs/address', ", "is no part of it"),
    "no fact type": ("org.status: {path: status}", "org.state: {path: status}", "is unknown; did you mean"),
    "a fact nobody holds": ("org.status, org.established]", "org.status, person.name]", "does not hold"),
    "a dataset nobody may have": ("sharing: conditional", "sharing: not_shared", "is not shared"),
    "another kind's key": ("request: {path:", "request: {statement: by_code, path:", "does not belong to the kind"),
    "no owner": ("owner: guizhou.market_reg", "owner: guizhou.market_regs", "is no department"),
}  # fmt: skip


# Said at the line of the dataset or of its schema, above what is wrong.
OF_THE_WHOLE = ("the JSON Schema is wrong", "is not shared", "is no part of it")


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_with_its_line(what: str, workflows: Path) -> None:
    old, new, word = WRONG[what]
    text = (FILES / "registrations_http.yaml").read_text("utf-8")
    assert text.count(old) >= 1
    line = next(n for n, each in enumerate(text.splitlines(), start=1) if old in each)
    (workflows / "registries" / "registrations_http.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        load_catalogue(workflows)
    findings = [f for f in refused.value.findings if word in f.message]
    assert findings, str(refused.value)
    assert findings[0].file == "registries/registrations_http.yaml"
    assert line <= findings[0].line <= line + 3 or word in OF_THE_WHOLE, findings
    assert findings[0].line > 1


STATEMENTS = {
    "two": "SELECT 1; DROP TABLE shared",
    "a comment": "SELECT uscc FROM shared -- WHERE uscc = :subject",
    "writes": "WITH gone AS (DELETE FROM shared RETURNING *) SELECT * FROM gone WHERE uscc = :subject",
    "no subject": "SELECT * FROM shared",
    "more places": "SELECT * FROM shared WHERE uscc = :subject AND name = :name",
    "no question": "UPDATE shared SET name = 'x' WHERE uscc = :subject",
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_a_statement_asks_one_thing_about_one_subject(what: str, workflows: Path) -> None:
    lines = (FILES / "registrations_sql.yaml").read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  by_code:"))
    lines[at] = f'  by_code: "{STATEMENTS[what]}"'
    (workflows / "registries" / "registrations_sql.yaml").write_text("\n".join(lines), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        load_catalogue(workflows)
    assert [(f.code, f.line) for f in refused.value.findings][0] == ("E-SQL", at + 1)


def test_an_address_of_another_kind_and_a_missing_key_stop_the_start(workflows: Path) -> None:
    catalogue = added(workflows, "csv")
    (wrong,) = unfit(catalogue, {"registrations_csv": "http://127.0.0.1/x"}, {"market_reg": Path("x")})
    assert "has to begin with file" in wrong.message
    (missing,) = unfit(catalogue, {"registrations_csv": "file:///feeds"}, {})
    assert "'market_reg'" in missing.message
