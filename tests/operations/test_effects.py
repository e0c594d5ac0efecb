"""The outbox under test on both databases: leases, order, pauses, workers at once; documents; versions; files kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config import ROOT
from govservice.definitions.library import load_library
from govservice.errors import NotAllowed, NotFound, Tampered, TooLarge
from govservice.messaging import outbox
from govservice.messaging.outbox import BACKOFF, LEASE, MAX_ATTEMPTS, Effect
from govservice.models.cases import Case, Definition, Outbox
from govservice.models.exchange import Grant
from govservice.models.papers import File, IssuedDocument, Message
from govservice.operations import effects, files, issuing
from govservice.operations.publishing import adopt_pinned, publish_all
from govservice.operations.runtime import Runtime
from tests.operations.conftest import PDF, Play


@pytest.fixture
def rt(runtime: Runtime) -> Runtime:
    return runtime


def put(rt: Runtime, case_id: str, seq: int, topic: str = "notice.receipt", due: datetime | None = None) -> str:
    key = f"{case_id}:{seq}:{topic}"
    with rt.write() as session:
        session.add(Outbox(id=key, case_id=case_id, seq=seq, topic=topic, payload="{}", due_at=due or rt.wall.now()))
    return key


def claimed(rt: Runtime, worker: str, at: datetime | None = None, **more: Any) -> list[str]:
    with rt.write() as session:
        return [e.key for e in outbox.claim(session, worker, at or rt.wall.now(), **more)]


def settle(rt: Runtime, key: str) -> None:
    with rt.write() as session:
        outbox.settle(session, key, rt.wall.now())


def row(rt: Runtime, key: str) -> Outbox:
    with rt.read() as session:
        return session.get_one(Outbox, key)


# -- leases and order


def test_a_lease_ends_and_another_takes_over(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    assert claimed(rt, "one") == [key]
    assert claimed(rt, "two") == []
    assert claimed(rt, "two", now + LEASE) == [], "to the last second"
    assert claimed(rt, "two", now + LEASE + timedelta(seconds=1)) == [key]
    assert row(rt, key).attempts == 2


def test_a_moved_simulated_clock_ends_no_lease(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    assert claimed(rt, "one", now, wall=now) == [key]
    assert claimed(rt, "two", now + timedelta(days=30), wall=now) == []


def test_effects_of_a_case_come_one_after_the_other(rt: Runtime) -> None:
    first, second, other = put(rt, "case-1", 1), put(rt, "case-1", 4), put(rt, "case-2", 2)
    assert sorted(claimed(rt, "one")) == sorted([first, other])
    assert claimed(rt, "two") == [], "the later one waits while the first is in work"
    settle(rt, first)
    assert claimed(rt, "two") == [second]


def test_what_is_not_due_waits_and_holds_the_later_ones(rt: Runtime) -> None:
    put(rt, "case-1", 1, due=rt.wall.now() + timedelta(minutes=5))
    put(rt, "case-1", 2)
    assert claimed(rt, "one") == []


def test_pauses_grow(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    pauses = []
    for _ in range(len(BACKOFF) + 2):
        with rt.write() as session:
            effect = outbox.claim(session, "one", now)[0]
            outbox.put_back(session, effect, now, "OSError")
        found = row(rt, key)
        pauses.append((found.due_at - now).total_seconds())
        assert found.claimed_by is None
        assert found.last_error == "OSError"
        assert claimed(rt, "one", found.due_at - timedelta(seconds=1)) == []
        now = found.due_at
    assert pauses == [*BACKOFF, BACKOFF[-1], BACKOFF[-1]]


def test_an_auto_steps_own_patience() -> None:
    """`retry: {max: 3, backoff: 1m..6m}`: three more tries after the first, after 1, 2, 4 minutes; never over 6."""
    payload = {"retry": {"max": 3, "backoff": "1m..6m"}}
    tries = [Effect("k", "c", 1, "document.issue", payload, n) for n in range(1, 6)]
    assert [t.last_try for t in tries] == [False, False, False, True, True]
    assert [t.pause for t in tries] == [timedelta(minutes=m) for m in (1, 2, 4, 6, 6)]
    assert Effect("k", "c", 1, "t", {"retry": {"max": 0, "backoff": "30s..30s"}}, 1).last_try
    assert Effect("k", "c", 1, "t", {}, MAX_ATTEMPTS).last_try


def test_what_fails_to_the_end_blocks_its_case_no_longer(rt: Runtime) -> None:
    poison, later = put(rt, "case-1", 1, "message.nonsense"), put(rt, "case-1", 2)
    with rt.write() as session:
        session.execute(update(Outbox).where(Outbox.id == poison).values(attempts=MAX_ATTEMPTS - 1))
    assert claimed(rt, "one") == [poison], "its last try"
    assert claimed(rt, "two") == [], "in order while it is in work"
    with rt.write() as session:
        effect = Effect(poison, "case-1", 1, "message.nonsense", {}, MAX_ATTEMPTS)
        outbox.put_back(session, effect, rt.wall.now(), "ValueError")
    assert claimed(rt, "two") == [later]
    assert row(rt, poison).done_at is None, "and it is not forgotten"


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    barrier, results = threading.Barrier(count), [None] * count

    def run(n: int) -> None:
        barrier.wait()
        results[n] = work(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_workers_never_take_one_effect(rt: Runtime) -> None:
    keys = {put(rt, f"case-{n}", 1) for n in range(30)}
    found = at_once(lambda n: claimed(rt, f"worker-{n}", limit=10), 3)
    taken = [key for some in found for key in some]
    assert len(taken) == len(set(taken)), "none twice"
    rest = claimed(rt, "last", limit=50)
    assert {*taken, *rest} == keys


def test_a_slow_worker_leaves_what_another_took(rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ran out while it was busy with something else: the handler runs once."""
    play.draft()
    play.submit()
    delivered: list[str] = []
    monkeypatch.setattr(effects, "_notice", lambda _rt, _s, effect, _now: delivered.append(effect.key))
    with rt.write() as session:
        [slow] = outbox.claim(session, "slow", play.now)
    later = play.now + LEASE + timedelta(seconds=1)
    with rt.write() as session:
        [quick] = outbox.claim(session, "quick", later)
    assert quick.key == slow.key
    assert not effects.deliver(rt, slow, later, "slow")
    assert effects.deliver(rt, quick, later, "quick")
    assert not effects.deliver(rt, slow, later, "slow")
    assert delivered == [slow.key]


def test_a_worker_that_fails_late_does_not_take_back_what_is_done(rt: Runtime, play: Play) -> None:
    play.draft()
    play.submit()
    with rt.write() as session:
        [slow] = outbox.claim(session, "slow", play.now)
    later = play.now + LEASE + timedelta(seconds=1)
    assert effects.deliver_due(rt, "quick", later) == 0, "the machine's time has not moved"
    play.clock.set(later)
    assert effects.deliver_due(rt, "quick", later) == 1
    effects.give_up(rt, slow, "OSError", later, "slow")
    assert row(rt, slow.key).done_at is not None


def test_many_workers_deliver_each_notice_once(rt: Runtime, play: Play) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(play.draft())
        play.submit()
    at_once(lambda n: effects.deliver_due(rt, f"worker-{n}", play.now), 4)
    play.deliver()
    with rt.read() as session:
        receipts = session.scalars(select(Message).where(Message.kind == "receipt")).all()
    assert len(receipts) == len({m.case_id for m in receipts}) == 3


# -- documents


def decided(play: Play) -> Effect:
    """A case that was approved; the effect that issues its document, not delivered yet."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.act("zhang.qiang", "review.food", "pass")
    play.act("zhang.qiang", "review.food", "pass", attachments=play.report())
    play.act("wu.gang", "review.food", "pass")
    play.act("zhou.jie", "review.fire", "pass")
    play.act("sun.min", "review.sign", "pass")
    play.deliver()
    play.act("he.tao", "", "approve")
    with play.rt.write() as session:
        found = outbox.claim(session, "test", play.now)
    return next(e for e in found if e.topic == "document.issue")


def test_the_same_effect_twice_is_one_document(play: Play) -> None:
    effect = decided(play)
    for _ in range(2):
        with play.rt.write() as session:
            effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        documents = session.scalars(select(IssuedDocument)).all()
    assert len(documents) == 1
    assert documents[0].number == "CGHX2026000001"
    assert play.state.outcome == "granted"


def test_a_case_that_moved_on_gets_no_document(play: Play) -> None:
    """The step was answered `fail` meanwhile: there is no licence that its case does not know."""
    effect = decided(play)
    with play.rt.write() as session:
        assert effects.answer(play.rt, session, effect, "@fail", play.now)
    assert play.steps == {"": "decision"}
    with play.rt.write() as session:
        effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        assert session.scalars(select(IssuedDocument)).all() == []
    assert play.steps == {"": "decision"}


def document(play: Play, number: str) -> None:
    """A document of this number, issued before."""
    with play.rt.write() as session:
        session.add(IssuedDocument(
            case_id=play.case_id, kind="restaurant_licence", number=number, verify_code=number, holder="某公司",
            content={}, department_id="huaxi.market_reg", issued_on=play.now.date(), sha256="0" * 64,
            effect_key=number, created_at=play.now,
        ))  # fmt: skip


def test_numbers_count_by_kind_area_and_year(play: Play) -> None:
    play.draft()
    for number in ("CGHX2026000009", "CGHX2025000041", "JYHX2026000099", "CGNM2026000077"):
        document(play, number)
    with play.rt.read() as session:
        assert issuing.next_number(session, "CGHX2026") == "CGHX2026000010"
        assert issuing.next_number(session, "JYNM2026") == "JYNM2026000001"


def test_a_number_taken_at_this_moment_is_not_used_twice(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = decided(play)
    document(play, "CGHX2026000001")
    told = iter(["CGHX2026000001", "CGHX2026000001"])  # as somebody sees it who does not see the other's yet
    real = issuing.next_number
    monkeypatch.setattr(issuing, "next_number", lambda s, prefix: next(told, None) or real(s, prefix))
    with play.rt.write() as session:
        effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        numbers = sorted(session.scalars(select(IssuedDocument.number)))
    assert numbers == ["CGHX2026000001", "CGHX2026000002"]
    assert play.state.outcome == "granted"


@pytest.mark.parametrize(
    "error", [Tampered(case_id="c", event="e", seq=1), NotAllowed(topic="t", error="x"), OSError()]
)
def test_an_effect_that_fails_is_put_back_whatever_the_error_says(
    rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An error may carry facts named like the log line's own; the others of the batch are delivered all the same."""
    play.draft()
    play.submit()
    good = claimable(rt)
    bad = put(rt, play.case_id, 1, topic="document.issue")

    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setitem(effects.HANDLERS, "document.issue", broken)
    assert effects.deliver_due(rt, "one", play.now) == 0, "rows of one case keep their order"
    assert (row(rt, bad).last_error, row(rt, bad).claimed_by) == (type(error).__name__, None)
    with rt.write() as session:
        session.execute(update(Outbox).where(Outbox.id == bad).values(done_at=play.now))
    assert effects.deliver_due(rt, "one", play.now) == len(good)


def claimable(rt: Runtime) -> list[str]:
    with rt.read() as session:
        return list(session.scalars(select(Outbox.id).where(Outbox.done_at.is_(None))))


def test_what_cannot_be_put_back_keeps_nobody_waiting(rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    put(rt, "case-a", 1, topic="document.issue")
    play.draft()
    play.submit()

    def gone(*_: Any) -> None:
        raise OSError

    monkeypatch.setitem(effects.HANDLERS, "document.issue", gone)
    monkeypatch.setattr(effects, "give_up", gone)
    assert effects.deliver_due(rt, "one", play.now) == 1


# -- publishing


def changed_library(folder: Path) -> Any:
    """The shipped definitions, with one promise changed."""
    import shutil

    shutil.copytree(ROOT / "workflows", folder / "workflows")
    file = folder / "workflows" / "services" / "open_restaurant.yaml"
    text = file.read_text("utf-8")
    assert "promised: 15wd" in text
    file.write_text(text.replace("promised: 15wd", "promised: 12wd"), "utf-8")
    return load_library(folder / "workflows")


def test_a_new_version_and_the_case_that_began_before_it(rt: Runtime, play: Play, tmp_path: Path) -> None:
    play.draft()
    play.submit()
    old = rt.definitions.current("open_restaurant").sha
    newer = replace(rt, definitions=changed_library(tmp_path))
    assert publish_all(newer, by="qian.yu", now=play.now) == ["open_restaurant"]
    assert publish_all(newer, by="qian.yu", now=play.now) == [], "again changes nothing"
    assert newer.definitions.by_sha(old).sha == old, "publishing looked at what running cases need"
    restarted = replace(newer, definitions=load_library(newer.settings.workflows_dir))
    assert adopt_pinned(restarted) == 1, "what no file says comes from the rows"
    assert adopt_pinned(restarted) == 0
    play.rt = newer
    play.act("li.na", "", "accept")
    clock = play.state.clocks["limit:decision"]
    assert clock.promised == "15wd", "a running case keeps the promise it was given"
    with newer.read() as session:
        assert session.get_one(Case, play.case_id).def_sha == old
        versions = {d.version: d.status for d in session.scalars(select(Definition).where(
            Definition.service == "open_restaurant"))}  # fmt: skip
    assert versions == {1: "retired", 2: "published"}
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "12wd"


def test_going_back_to_an_earlier_version(rt: Runtime, play: Play, tmp_path: Path) -> None:
    newer = replace(rt, definitions=changed_library(tmp_path))
    publish_all(newer, by="x", now=play.now)
    assert publish_all(rt, by="x", now=play.now) == ["open_restaurant"]
    with rt.read() as session:
        rows = session.scalars(select(Definition).where(Definition.service == "open_restaurant")).all()
    assert {d.version: d.status for d in rows} == {1: "published", 2: "retired"}


def test_publishing_gives_no_revoked_grant_back(rt: Runtime, play: Play) -> None:
    with rt.write() as session:
        session.get_one(Grant, "GR-2031").revoked_at = play.now
    publish_all(rt, by="x", now=play.now)
    with rt.read() as session:
        assert session.get_one(Grant, "GR-2031").revoked_at == play.now


# -- files kept


def test_files_are_sealed_under_random_names(rt: Runtime, play: Play) -> None:
    play.draft()
    with rt.read() as session:
        found = session.scalars(select(File).where(File.slot == "layout")).one()
        name, content = files.content_of(session, rt.storage, found)
    assert (name, content) == ("layout.pdf", PDF)
    on_disk = [p for p in rt.storage.rglob("*") if p.is_file()]
    assert found.stored_name in {p.name for p in on_disk}
    for path in on_disk:
        assert b"%PDF" not in path.read_bytes()
        assert "layout" not in path.name
        assert path.suffix == ""


def test_a_changed_or_moved_file_is_found(rt: Runtime, play: Play) -> None:
    play.draft()
    with rt.read() as session:
        rows = {f.slot: f for f in session.scalars(select(File))}
        paths = {slot: rt.storage / f.stored_name[:2] / f.stored_name for slot, f in rows.items()}
        first, second = paths["layout"].read_bytes(), paths["rules"].read_bytes()
        paths["layout"].write_bytes(second)
        with pytest.raises(Tampered):
            files.content_of(session, rt.storage, rows["layout"])
        paths["layout"].write_bytes(first[:-1] + bytes([first[-1] ^ 1]))
        with pytest.raises(Tampered):
            files.content_of(session, rt.storage, rows["layout"])
        paths["layout"].unlink()
        with pytest.raises(NotFound):
            files.content_of(session, rt.storage, rows["layout"])


def test_a_full_disk_leaves_no_half_file(rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play.draft()
    before = sorted(p.name for p in rt.storage.rglob("*") if p.is_file())

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        play.attach("wang.fang", "layout")
    assert sorted(p.name for p in rt.storage.rglob("*") if p.is_file()) == before
    with rt.read() as session:
        assert len(session.scalars(select(File).where(File.slot == "layout")).all()) == 1


def test_how_many_files_a_place_takes(play: Play) -> None:
    play.draft()
    for _ in range(files.MAX_FILES_PER_SLOT - 1):
        play.attach("wang.fang", "layout")
    with pytest.raises(TooLarge):
        play.attach("wang.fang", "layout")
    play.attach("wang.fang", "rules")


def test_changing_files_for_ever_ends(play: Play) -> None:
    from govservice.operations import filing

    play.draft()
    wang = play.citizen("wang.fang")
    for _ in range(files.MAX_KEPT_PER_SLOT - 1):
        id = play.attach("wang.fang", "rules")
        filing.detach(play.rt, wang, play.case_id, id, now=play.now)
    with pytest.raises(TooLarge, match="too often"):
        play.attach("wang.fang", "rules")


def test_a_correction_may_replace_every_file(play: Play) -> None:
    """Files that were sent stay in the record; they do not count against those that replace them."""
    from govservice.operations import filing

    play.draft()
    for _ in range(files.MAX_FILES_PER_SLOT - 1):
        play.attach("wang.fang", "layout")
    play.submit()
    play.act("li.na", "", "correct", reason="r", items={"layout": "n"})
    wang = play.citizen("wang.fang")
    with play.rt.read() as session:
        old = [f.id for f in session.scalars(select(File).where(File.slot == "layout"))]
    for id in old:
        filing.detach(play.rt, wang, play.case_id, id, now=play.now)
    new = [play.attach("wang.fang", "layout") for _ in range(files.MAX_FILES_PER_SLOT)]
    with play.rt.read() as session:
        rows = {f.id: f for f in session.scalars(select(File).where(File.slot == "layout"))}
    assert len({f.revision for f in rows.values()}) == len(rows) == len(old) + len(new), "no revision twice"
    with pytest.raises(NotAllowed):
        play.attach("wang.fang", "rules")
