"""Signed copies of a table: taken in whole or not at all, and never trusted for longer than they say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.reader import read
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors import snapshot_file
from govservice.exchange.connectors.base import Answer, Query, SubjectKey
from govservice.exchange.connectors.csv_snapshot import CsvSnapshot
from govservice.exchange.mapping import Mapper
from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox.cast import QINGWEI
from tests.exchange import feeds
from tests.exchange.feeds import Feed
from tests.support.clock import MONDAY

FILE = Path(__file__).parent / "registries" / "registrations_csv.yaml"
REGISTRY = RegistryFile.model_validate(read(FILE.read_bytes()).data)
MARCH, APRIL = "2026-03-01T00:00:00+08:00", "2026-04-01T00:00:00+08:00"
DATASET = "registrations_csv/1"


@pytest.fixture
def connector(feed: Feed) -> Iterator[CsvSnapshot]:
    made = CsvSnapshot(REGISTRY, feed.url, {"market_reg": feed.public})
    yield made
    made.close()


def ask(connector: CsvSnapshot, *fields: str) -> Answer:
    return connector.fetch(
        Query(
            dataset=DATASET,
            subject=SubjectKey("organisation", QINGWEI.uscc),
            fields=fields or ("name",),
            purpose="LICENSE",
            legal_basis="art. 35",
            actor="u",
            case_ref="c",
            deadline=time.monotonic() + 10,
            idempotency_key="k",
        )  # fmt: skip
    )


def after_loading(connector: CsvSnapshot) -> str:
    """The name that stands once what was sent has been looked into."""
    ask(connector)
    for thread in list(connector._loading.values()):
        thread.join()
    answer = ask(connector)
    return str(answer.body["records"][0]["name"]) if answer.body else answer.detail


def test_a_copy_is_loaded_and_a_newer_one_takes_its_place(feed: Feed, connector: CsvSnapshot) -> None:
    assert (ask(connector).outcome, ask(connector).detail) == (Outcome.UNAVAILABLE, "no_copy")
    feed.send(MARCH)
    assert after_loading(connector) == QINGWEI.name
    digest = feed.send(APRIL, rows=55, name="清味二号")
    assert after_loading(connector) == "清味二号"
    assert ask(connector).transport == {"snapshot": digest}
    assert not list(feed.folder.glob("*.new"))


REFUSED = {
    "another's signature": {"key": OKPKey.generate_key("Ed25519")},
    "another digest": {"sha256": "0" * 64},
    "another number of rows": {"rows_said": 49},
    "other columns": {"schema": ["uscc", "name"]},
    "fewer rows than is believable": {"rows": 39},
    "more rows than is believable": {"rows": 61},
    "an older copy": {"as_of": "2026-02-01T00:00:00+08:00"},
    "a time without a zone": {"as_of": "2026-05-01T00:00:00"},
    "a file elsewhere": {"file": "../secret.csv"},
    "a torn row": {"text": feeds.table(50).replace("某路", "某,路", 1)},
    "no text": {"text": feeds.table(50) + "\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + '"'},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_as_signed_or_not_believable_leaves_the_copy_before(
    what: str, feed: Feed, connector: CsvSnapshot
) -> None:
    feed.send(MARCH)
    assert after_loading(connector) == QINGWEI.name
    how = {"as_of": APRIL, "name": "换名", **REFUSED[what]}
    if "rows_said" in how:
        how["text"], how["rows"] = feeds.table(50, "换名"), how.pop("rows_said")
    feed.send(**how)
    assert after_loading(connector) == QINGWEI.name
    assert not list(feed.folder.glob("*.new"))


def test_a_great_change_that_the_sender_means_is_taken(feed: Feed, connector: CsvSnapshot) -> None:
    before = feed.send(MARCH)
    after_loading(connector)
    feed.send(APRIL, rows=500, name="扩大", replaces=before)
    assert after_loading(connector) == "扩大"


def test_another_process_finds_what_was_loaded_and_holds_to_it(feed: Feed, connector: CsvSnapshot) -> None:
    feed.send(MARCH)
    after_loading(connector)
    feed.send(APRIL, rows=5, name="残缺")
    other = CsvSnapshot(REGISTRY, feed.url, {"market_reg": feed.public})
    assert after_loading(other) == QINGWEI.name
    other.close()


def test_readers_see_one_whole_copy_while_another_is_loaded(feed: Feed, connector: CsvSnapshot) -> None:
    feed.send(MARCH, rows=2000)
    after_loading(connector)
    feed.send(APRIL, rows=2100, name="新")
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            (record,) = ask(connector).body["records"]
            seen.add(record["name"])

    reader = threading.Thread(target=look)
    reader.start()
    assert after_loading(connector) == "新"
    over.set()
    reader.join()
    assert seen <= {QINGWEI.name, "新"}


def test_a_column_that_is_gone_gives_nothing(feed: Feed, connector: CsvSnapshot) -> None:
    feed.send(MARCH)
    after_loading(connector)
    assert ask(connector, "name", "capital").outcome is Outcome.SCHEMA_VIOLATION


def test_what_comes_out_of_an_old_copy_is_stale(feed: Feed, connector: CsvSnapshot, catalogue: Catalogue) -> None:
    feed.send(MARCH)
    after_loading(connector)
    mapper = Mapper(REGISTRY.datasets[DATASET], catalogue.area_of_region)
    take = ("org.name", "org.status")
    for days, outcome in ((0, Outcome.OK), (38, Outcome.OK), (41, Outcome.STALE)):
        reading = mapper.read(ask(connector).body, QINGWEI.uscc, take, MONDAY + timedelta(days=days))
        assert (reading.outcome, reading.values["org.name"]) == (outcome, QINGWEI.name)
        assert reading.updated_at is not None
        assert reading.updated_at.isoformat() == "2026-02-28T16:00:00+00:00"


def test_a_probe_says_what_is_wrong(feed: Feed, connector: CsvSnapshot) -> None:
    assert connector.probe(time.monotonic() + 5).detail == f"{DATASET}: no_manifest"
    feed.send(MARCH, key=OKPKey.generate_key("Ed25519"))
    assert connector.probe(time.monotonic() + 5).detail == f"{DATASET}: signature"
    feed.send(MARCH)
    assert connector.probe(time.monotonic() + 5).reachable
    loaded = snapshot_file.loaded(feed.folder, feeds.NAME)
    assert loaded is not None
    assert loaded.rows == 50
