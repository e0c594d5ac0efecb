"""Files kept: sealed, found when changed, bounded."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from govservice.errors import NotAllowed, NotFound, Tampered, TooLarge
from govservice.models.papers import File
from govservice.operations import files
from govservice.operations.runtime import Runtime
from tests.operations.conftest import PDF, Play


@pytest.fixture
def rt(runtime: Runtime) -> Runtime:
    return runtime


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
