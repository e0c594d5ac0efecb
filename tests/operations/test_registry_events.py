"""What registries tell by themselves reaches the running cases of whom it concerns, whatever is told twice or late."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import func, select

from config import Settings
from govservice.app import create_app
from govservice.errors import Tampered, Unverified
from govservice.identifiers import problem
from govservice.models.base import to_iso
from govservice.models.exchange import EvidenceRequirement
from govservice.models.papers import Message
from govservice.models.reliance import FlaggedCase, RegistryEvent, Revalidation
from govservice.models.session import Database
from govservice.models.signing import Signer
from govservice.operations import registry_events
from govservice.operations.registry_events import Unheard, follow_due, hear
from govservice.operations.revalidating import ask_again, resolve
from govservice.worker import Worker
from tests.operations.conftest import Play
from tests.operations.test_revalidation import USCC, to_the_decision
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox

SEED, OTHER = b"r" * 32, b"s" * 32


@pytest.fixture
def play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Play]:  # fmt: skip
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    key = tmp_path / "enterprises.pem"
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    told = replace(settings, registry_keys={"enterprises_events": key})
    more = {"enterprise": getattr(request, "param", "")}
    rt = relying_runtime(told, database, clock, sandbox, tmp_path, **more)
    yield Play(rt, clock)
    rt.gateway.close()


def said(at: datetime, seed: bytes = SEED, **changes: Any) -> bytes:
    words = {"id": "E-1", "type": "org.revoked", "subject": USCC, "occurred_at": to_iso(at), **changes}
    return Signer(seed).sign(json.dumps(words).encode()).encode()


def rows(play: Play, model: Any) -> list[Any]:
    with play.rt.read() as session:
        return list(session.scalars(select(model).order_by(model.id)).all())


def followed(play: Play) -> list[tuple[str, str]]:
    """(case, result) of what was flagged."""
    return [(row.case_id, row.result) for row in rows(play, FlaggedCase)]


def test_a_running_case_is_asked_again_stopped_and_its_applicant_told(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.forget("enterprises", USCC)
    assert hear(play.rt, "enterprises", said(play.now), play.now) == "heard"
    assert follow_due(play.rt, play.now) == 1
    assert followed(play) == [(play.case_id, "gone")]
    (found,) = [row for row in rows(play, Revalidation) if row.trigger == "event"]
    assert (found.name, found.result, found.resolution) == ("enterprise", "gone", None)
    assert [m.kind for m in rows(play, Message)].count("data_changed") == 1
    for action, words in (("approve", {}), ("refuse", {"reason": "no", "opinion": "x"})):
        with pytest.raises(Unverified):
            play.act("he.tao", "", action, **words)
    assert play.state.main.step == "decision", "nothing is refused by itself"
    assert follow_due(play.rt, play.now) == 0


def test_running_cases_are_flagged_as_it_is_heard(play: Play, sandbox: Sandbox) -> None:
    """Before anybody asks again, and whatever becomes of that."""
    to_the_decision(play)
    sandbox.fault("enterprises", "status_500")
    assert hear(play.rt, "enterprises", said(play.now), play.now) == "heard"
    assert followed(play) == [(play.case_id, "told")]
    assert hear(play.rt, "enterprises", said(play.now), play.now) == "known"
    assert followed(play) == [(play.case_id, "told")]
    follow_due(play.rt, play.now)
    assert followed(play) == [(play.case_id, "unavailable")]


def test_a_worker_with_a_long_backlog_follows_within_ten_seconds(play: Play, sandbox: Sandbox) -> None:
    """The real worker in its thread, while other needs wait for a registry that takes its time."""
    others = []
    for _ in range(14):
        play.draft()
        play.submit()
        others.append(play.case_id)
    to_the_decision(play)
    sandbox.forget("enterprises", USCC)
    sandbox.fault("real_estate", "delay", seconds=2.0)
    with play.rt.write() as session:
        needs = select(EvidenceRequirement).where(
            EvidenceRequirement.name == "premises", EvidenceRequirement.case_id.in_(others)
        )
        for need in session.scalars(needs):
            need.next_try_at, need.silent_since, need.tries = play.now, play.now, 1
    worker, before = Worker(play.rt), sandbox.calls()["real_estate"]
    thread = worker.start_thread()
    try:
        while sandbox.calls()["real_estate"] == before:
            time.sleep(0.05)  # until it is at work
        began = time.monotonic()
        assert hear(play.rt, "enterprises", said(play.now), play.now) == "heard"
        while (play.case_id, "gone") not in followed(play):
            assert time.monotonic() - began < 10, "not asked within ten seconds"
            time.sleep(0.05)
    finally:
        worker.stop()
        thread.join(60)


@pytest.mark.parametrize("play", ["on_change: pause"], indirect=True)
def test_what_its_definition_declares_is_a_pause_and_never_a_refusal(play: Play, sandbox: Sandbox) -> None:
    """Told twice, late and in another order, the case is paused once, and goes on once somebody has settled it."""
    to_the_decision(play)
    sandbox.forget("enterprises", USCC)
    for n, kind in ((2, "org.revoked"), (1, "org.dissolved"), (2, "org.revoked")):
        hear(play.rt, "enterprises", said(play.now - timedelta(days=n), id=f"E-{n}", type=kind), play.now)
        follow_due(play.rt, play.now)
    assert followed(play) == [(play.case_id, "gone")] * 2
    assert len(play.state.holds) == 1
    assert (play.state.main.step, play.state.status) == ("decision", "open")
    found = [row for row in rows(play, Revalidation) if row.name == "enterprise"][-1]
    resolve(play.rt, play.staff("he.tao"), play.case_id, found.id, "kept", "已核对", now=play.now)
    assert play.state.holds == ()


def test_told_three_times_in_any_order_it_comes_to_the_same(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.change("enterprises", USCC, name="另一家店")
    messages = [
        said(play.now - timedelta(days=n), id=f"E-{n}", type=kind)
        for n, kind in enumerate(("org.revoked", "org.dissolved"))
    ]
    answers = [
        hear(play.rt, "enterprises", message, play.now)
        for order in list(permutations(messages))[::-1] + [tuple(messages)]
        for message in order
    ]
    assert answers.count("heard") == 2
    assert answers.count("known") == len(answers) - 2
    assert follow_due(play.rt, play.now) == 2
    for _ in range(9):  # on a busy machine a call may be late, or beyond the registry's rate: it is asked again
        if (play.case_id, "unavailable") in followed(play):
            play.pass_time(minutes=2)
            follow_due(play.rt, play.now)
    assert followed(play) == [(play.case_id, "material")] * 2
    assert [m.kind for m in rows(play, Message)].count("data_changed") == 1 + 1, "once for each time it was asked"
    assert len(rows(play, RegistryEvent)) == 2


def test_a_message_that_cannot_be_followed_keeps_no_other_waiting(
    play: Play, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two messages the first meets a case whose records do not fit: it comes again, the other is followed."""
    to_the_decision(play)
    for number in ("E-1", "E-2"):
        hear(play.rt, "enterprises", said(play.now, id=number), play.now)
    turns = [
        True,
        False,
        True,
        True,
    ]  # the first message, the second, then the first alone

    def asked(*args: Any, **more: Any) -> Any:
        if turns and turns.pop(0):
            raise Tampered("The records do not fit.")
        return ask_again(*args, **more)

    monkeypatch.setattr(registry_events, "ask_again", asked)
    assert follow_due(play.rt, play.now) == 1
    assert follow_due(play.rt, play.now) == 0, "not yet"
    for minutes, done in ((2, 0), (2, 0), (2, 0), (8, 1)):  # after two minutes, four, eight
        play.pass_time(minutes=minutes)
        assert follow_due(play.rt, play.now) == done
    assert all(row.processed_at for row in rows(play, RegistryEvent))


def test_what_concerns_nobody_of_ours_keeps_no_number(play: Play) -> None:
    play.draft()
    number = "91520100MA6TRANG7T"
    assert problem("uscc", number) is None
    assert hear(play.rt, "enterprises", said(play.now, subject=number), play.now) == "heard"
    (row,) = rows(play, RegistryEvent)
    assert (row.person_id, row.organisation_id, row.processed_at) == (None, None, play.now)
    assert follow_due(play.rt, play.now) == 0


def test_drafts_and_closed_cases_are_left_alone(play: Play) -> None:
    play.draft()
    hear(play.rt, "enterprises", said(play.now), play.now)
    assert follow_due(play.rt, play.now) == 1
    assert followed(play) == []


def test_a_registry_that_is_silent_when_asked_is_asked_again_later(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.fault("enterprises", "status_500")
    hear(play.rt, "enterprises", said(play.now), play.now)
    assert follow_due(play.rt, play.now) == 1
    assert followed(play) == [(play.case_id, "unavailable")]
    assert follow_due(play.rt, play.now) == 0, "not at once"
    sandbox.reset()
    sandbox.forget("enterprises", USCC)
    play.pass_time(minutes=2)
    assert follow_due(play.rt, play.now) == 1
    assert followed(play) == [(play.case_id, "gone")]
    play.pass_time(minutes=5)
    assert follow_due(play.rt, play.now) == 0


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("signature", {"seed": OTHER}),
        ("shape", {"type": "org.sold"}),
        ("shape", {"id": ""}),
        ("shape", {"id": "x" * 65}),
        ("shape", {"id": 7}),
        ("shape", {"occurred_at": "yesterday"}),
        ("shape", {"occurred_at": "2026-03-02T10:00:00"}),
        ("future", {"occurred_at": "2031-01-01T00:00:00Z"}),
        ("subject", {"subject": "91"}),
        ("subject", {"subject": None}),
    ],
)
def test_what_is_not_truly_the_registrys_counts_for_nothing(play: Play, why: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Unheard) as refused:
        hear(play.rt, "enterprises", said(play.now, **changes), play.now)
    assert refused.value.why == why
    assert rows(play, RegistryEvent) == []


def test_a_registry_without_a_key_or_without_events_is_not_heard(play: Play) -> None:
    for code, why in (("population", "no_key"), ("real_estate", "registry"), ("nobody", "registry")):
        with pytest.raises(Unheard) as refused:
            hear(play.rt, code, said(play.now), play.now)
        assert refused.value.why == why
    for body in (b"", b"a.b.c", b"\xff", json.dumps({"id": "E-1"}).encode()):
        with pytest.raises(Unheard):
            hear(play.rt, "enterprises", body, play.now)
    with play.rt.read() as session:
        assert session.scalar(select(func.count()).select_from(RegistryEvent)) == 0


def test_the_door_takes_what_is_signed_and_tells_a_stranger_nothing(
    settings: Settings, definitions: Any, calendars: Any, tmp_path: Path, clock: MovableClock
) -> None:
    key = tmp_path / "enterprises.pem"
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    told = replace(settings, registry_keys={"enterprises_events": key})
    app = create_app(told, definitions=definitions, calendars=calendars, wall=clock)
    app.testing = True
    with app.test_client() as client:
        good = said(app.extensions["runtime"].now())
        answers = [client.post("/registry-events/enterprises", data=body) for body in (good, good)]
        assert [(a.status_code, a.json) for a in answers] == [(202, {"result": "heard"}), (202, {"result": "known"})]
        for path, body in (("enterprises", b"x"), ("enterprises", said(clock.now(), OTHER)), ("nobody", good)):
            refused = client.post(f"/registry-events/{path}", data=body)
            assert (refused.status_code, refused.json) == (400, {"result": "refused"})
        assert client.post("/registry-events/enterprises", data=good + b" " * 5000).status_code == 400
        assert client.get("/registry-events/enterprises").status_code in (404, 405)
    app.extensions["runtime"].gateway.close()
    app.extensions["runtime"].database.engine.dispose()
