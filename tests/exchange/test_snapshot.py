"""What was sent is sealed: canonical, hashed, chained; a change anywhere is found."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, update

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.errors import NotFound, Tampered
from govservice.exchange import evidence
from govservice.exchange.gateway import Gateway
from govservice.exchange.snapshot import latest_snapshot, seal_snapshot, verify_snapshot, verify_snapshots
from govservice.models.cases import Case
from govservice.models.exchange import Snapshot
from govservice.models.people import Person
from govservice.models.session import Database
from tests.exchange.conftest import Filed, prefill
from tests.support.clock import MONDAY

FORM = {"answers": {"menu.kind": ["hot", "cold"], "menu.seats": 68, "signage.text": "清味小馆 𠮷"}, "materials": {}}


def seal(database: Database, compiled: Compiled, catalogue: Catalogue, filed: Filed, seats: int = 68) -> str:
    form = {**FORM, "answers": {**FORM["answers"], "menu.seats": seats}}
    with database.write() as session:
        facts = evidence.current_facts(session, filed.case_id, catalogue)
        case = session.get_one(Case, filed.case_id)
        return seal_snapshot(session, case, compiled, form, facts, reason="submit", now=MONDAY).sha256


def test_a_snapshot_holds_answers_facts_and_provenance(
    database: Database, gateway: Gateway, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    prefill(database, gateway, open_restaurant, wang_fang)
    sha = seal(database, open_restaurant, catalogue, wang_fang)
    with database.read() as session:
        snapshot = latest_snapshot(session, wang_fang.case_id)
        assert snapshot.sha256 == sha
        assert b"\xe6\xb8\x85" not in (snapshot.canonical_enc or b"")  # sealed: no plain Chinese in it
        text = verify_snapshot(session, snapshot)
    assert text is not None
    content = json.loads(text)
    assert rfc8785.dumps(content) == text
    assert content["form"]["answers"] == FORM["answers"]
    assert content["facts"]["premises"]["values"]["premises.area"] == "326.40"
    assert content["facts"]["premises"]["registry"] == "real_estate"
    assert content["facts"]["premises"]["fetched_at"] == "2026-03-02T02:00:00.000000Z"
    assert (content["n"], content["previous"], content["definition"]) == (1, None, open_restaurant.sha)


def test_each_snapshot_follows_the_one_before(
    database: Database, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    first = seal(database, open_restaurant, catalogue, wang_fang)
    second = seal(database, open_restaurant, catalogue, wang_fang, seats=86)
    assert first != second
    with database.read() as session:
        newest = latest_snapshot(session, wang_fang.case_id)
        assert (newest.n, newest.sha256, newest.prev_sha256) == (2, second, first)
        assert verify_snapshot(session, newest) is not None


@pytest.mark.parametrize("column", ["sha256", "prev_sha256", "canonical_enc", "n"])
def test_a_change_is_found(
    column: str, database: Database, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    seal(database, open_restaurant, catalogue, wang_fang)
    seal(database, open_restaurant, catalogue, wang_fang, seats=86)
    with database.write() as session:
        newest = latest_snapshot(session, wang_fang.case_id)
        *kept, last = bytes(newest.canonical_enc or b"")
        changes = {
            "sha256": "0" * 64,
            "prev_sha256": "0" * 64,
            "canonical_enc": bytes((*kept, last ^ 1)),
            "n": 3,
        }
        session.execute(update(Snapshot).where(Snapshot.id == newest.id).values({column: changes[column]}))
    with database.read() as session:
        changed = session.scalars(select(Snapshot).order_by(Snapshot.n.desc()).limit(1)).one()
        with pytest.raises(Tampered):
            verify_snapshot(session, changed)


def test_an_erased_persons_snapshot_keeps_its_hash_alone(
    database: Database, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    sha = seal(database, open_restaurant, catalogue, wang_fang)
    with database.write() as session:
        session.get_one(Person, wang_fang.person_id).key_wrapped = None
    with database.read() as session:
        snapshot = latest_snapshot(session, wang_fang.case_id)
        assert (snapshot.sha256, verify_snapshot(session, snapshot)) == (sha, None)
    with pytest.raises(NotFound):
        seal(database, open_restaurant, catalogue, wang_fang)


def test_nothing_sent_has_no_snapshot(database: Database, wang_fang: Filed) -> None:
    with database.read() as session, pytest.raises(NotFound):
        latest_snapshot(session, wang_fang.case_id)


def test_what_canonical_json_costs(
    database: Database, gateway: Gateway, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    """The time of sealing is the caller's transaction: it stays small beside a commit."""
    import time

    prefill(database, gateway, open_restaurant, wang_fang)
    with database.write() as session:
        facts = evidence.current_facts(session, wang_fang.case_id, catalogue)
        case = session.get_one(Case, wang_fang.case_id)
        began = time.perf_counter()
        for n in range(20):
            at = MONDAY + timedelta(seconds=n)
            seal_snapshot(session, case, open_restaurant, FORM, facts, reason="submit", now=at)
        assert (time.perf_counter() - began) / 20 < 0.05


def test_the_signature_is_checked_without_the_portal(
    database: Database, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed
) -> None:
    """With nothing but the public key and a library for Ed25519: RFC 7515, 8037."""
    sha = seal(database, open_restaurant, catalogue, wang_fang)
    with database.read() as session:
        snapshot = latest_snapshot(session, wang_fang.case_id)
        text, signed = verify_snapshot(session, snapshot), snapshot.jws
    assert text is not None
    assert signed is not None
    public = database.keyring.signer.public

    def raw(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    head, body, signature = signed.split(".")
    Ed25519PublicKey.from_public_bytes(raw(public["x"])).verify(raw(signature), f"{head}.{body}".encode())
    said = json.loads(raw(body))
    assert said["sha256"] == hashlib.sha256(text).hexdigest() == sha
    assert rfc8785.dumps(json.loads(text)) == text
    assert (said["n"], said["previous"]) == (1, None)
    assert "清味" not in raw(body).decode(), "what is signed says nothing about the person"


@pytest.mark.parametrize("forged", [None, "of another", "nonsense"])
def test_a_lost_or_foreign_signature_is_found(
    database: Database, open_restaurant: Compiled, catalogue: Catalogue, wang_fang: Filed, forged: str | None
) -> None:
    seal(database, open_restaurant, catalogue, wang_fang)
    seal(database, open_restaurant, catalogue, wang_fang, seats=86)
    with database.write() as session:
        first, second = session.scalars(select(Snapshot).order_by(Snapshot.n)).all()
        kept = {None: None, "of another": first.jws, "nonsense": "a.b.c"}[forged]
        session.execute(update(Snapshot).where(Snapshot.id == second.id).values(jws=kept))
    with database.read() as session:
        seen, faults = verify_snapshots(session)
    assert (seen, len(faults)) == (2, 1)
    assert "snapshot 2" in faults[0]
