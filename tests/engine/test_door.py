"""The one door on both databases: keys, stale pages, refusals that change nothing, words kept out of the log."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from govservice.engine import MAIN, Command, Expected, apply, evolve, load_state, rebuild
from govservice.errors import (
    Forbidden,
    Invalid,
    KeyReused,
    Missing,
    NotAllowed,
    NotFound,
    PortalError,
    Stale,
    Unavailable,
)
from govservice.models.cases import Case
from govservice.models.session import Database, box_of
from tests.engine.world import CALENDARS, HE, LEAD, LI, MONDAY, SUN, WU, ZHANG, ZHOU, World, shown


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read() as session:
        tables = inspect(session.connection()).get_table_names()
        return {t: sorted(map(tuple, session.execute(text(f"SELECT * FROM {t}"))), key=str) for t in tables}


def accepted(database: Database) -> World:
    w = World(database)
    w.submit()
    w.do(LI, "accept", MAIN)
    return w


# -- keys


def test_the_same_key_again_gets_the_recorded_result(database: Database) -> None:
    w = World(database)
    w.submit()
    first = w.do(LI, "accept", MAIN, idem="form-1")
    before = everything(database)
    again = w.do(LI, "accept", MAIN, idem="form-1", now=MONDAY + timedelta(hours=1))
    assert again.replayed
    assert not first.replayed
    assert (again.version, again.seq_from, again.seq_to) == (first.version, first.seq_from, first.seq_to)
    assert again.events == first.events
    assert everything(database) == before


def test_opening_twice_with_one_key_gives_one_case(database: Database) -> None:
    w = World(database)
    data = {"number": "N1", "service": w.d.code, "def_sha": w.d.sha, "person_id": w.person}
    one = w.do(w.wang, "@open", case_id=None, data=data, idem="o")
    two = w.do(w.wang, "@open", case_id=None, data=data, idem="o")
    assert one.case_id == two.case_id
    assert len(w.rows("cases")) == 1


def test_the_same_key_for_another_request_is_refused(database: Database) -> None:
    w = World(database)
    w.submit()
    w.do(LI, "accept", MAIN, idem="form-1")
    with pytest.raises(KeyReused):
        w.do(LI, "decline", MAIN, idem="form-1", reason="x")


def test_a_key_is_bound_to_its_actor(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food", idem="k")
    w.do(ZHOU, "pass", "review.fire", idem="k")
    assert w.state.token_of("review.fire").outcome == "approved"  # type: ignore[union-attr]


def test_a_key_is_bound_to_its_words_too(database: Database) -> None:
    w = accepted(database)
    w.do(ZHOU, "fail", "review.fire", idem="k", reason="one")
    with pytest.raises(KeyReused):
        w.do(ZHOU, "fail", "review.fire", idem="k", reason="two")


@pytest.mark.parametrize("idem", ["", "x" * 201, "a\x00b", "a\nb", "\ud800"])
def test_keys_that_cannot_be_are_refused(database: Database, idem: str) -> None:
    w = World(database)
    w.submit()
    with pytest.raises(Invalid):
        w.do(LI, "accept", MAIN, idem=idem)


def test_one_batch_of_events_per_key(database: Database) -> None:
    """I3: the version counts batches, and each key made exactly one."""
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    events = w.rows("case_events")
    keys = list(dict.fromkeys((e["actor"], e["idem"]) for e in events))
    assert len(keys) == w.rows("cases")[0]["version"] == len(w.rows("commands"))


# -- stale pages


def test_a_page_of_an_older_token_is_stale_and_says_what_happened(database: Database) -> None:
    w = accepted(database)
    page = shown(w.state, 2)
    w.do(ZHANG, "pass", "review.food")
    with pytest.raises(Stale) as caught:
        w.do(WU, "pass", "review.food", expected=page)
    assert [(e.type, e.actor) for e in caught.value.events][-2:] == [
        ("step.left", ZHANG.id),
        ("step.entered", ZHANG.id),
    ]


def test_a_claim_makes_no_page_stale(database: Database) -> None:
    w = accepted(database)
    page = shown(w.state, 2)
    w.do(ZHANG, "@claim", "review.food")
    w.do(ZHANG, "pass", "review.food", expected=page)


def test_a_new_revision_of_the_answers_makes_pages_stale(database: Database) -> None:
    w = accepted(database)
    page = shown(w.state, 3)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.resubmit(2, ["menu.seats"])
    with pytest.raises(Stale):
        w.do(ZHOU, "pass", "review.fire", expected=page)
    w.do(ZHOU, "pass", "review.fire", expected=shown(w.state, 3))


def test_a_submission_of_other_answers_than_shown_is_stale(database: Database) -> None:
    w = World(database)
    w.open()
    rev = w.answer(2, {"premises.district": "huaxi"})
    with pytest.raises(Stale):
        w.do(w.wang, "submit", MAIN, data={"data_rev": rev}, expected=Expected(1, 1))
    w.do(w.wang, "submit", MAIN, data={"data_rev": rev}, expected=Expected(1, 2))


# -- what is refused changes nothing


def refusals(w: World) -> list[tuple[type[PortalError], dict[str, Any]]]:
    old = Expected(0, w.state.data_rev)
    return [
        (Forbidden, {"actor": LI, "trigger": "pass", "token": "review.fire"}),
        (NotAllowed, {"actor": ZHANG, "trigger": "approve", "token": MAIN}),
        (Missing, {"actor": ZHOU, "trigger": "fail", "token": "review.fire"}),
        (Stale, {"actor": ZHOU, "trigger": "pass", "token": "review.fire", "expected": old}),
        (NotFound, {"actor": ZHOU, "trigger": "pass", "token": 3, "case_id": "no such case"}),
        (NotAllowed, {"actor": ZHOU, "trigger": "pass", "token": 99}),
    ]


def test_a_refused_command_leaves_every_table_as_it_was(database: Database) -> None:
    """I10, with a timer due that the refused command had fired first."""
    w = accepted(database)
    w.at(MONDAY + timedelta(days=30))
    before = everything(database)
    for error, command in refusals(w):
        command = dict(command)
        with pytest.raises(error):
            w.do(command.pop("actor"), command.pop("trigger"), command.pop("token"), **command)
        assert everything(database) == before, error
    assert w.tick() > 0  # the timers were really due
    assert everything(database) != before


# -- words


def test_what_people_write_is_sealed_and_never_in_the_log(database: Database) -> None:
    w = accepted(database)
    secret = "Wang Fang's kitchen is dirty"
    w.do(
        ZHANG,
        "ask",
        "review.food",
        reason=secret,
        data={"items": {"menu.seats": f"{secret}!"}, "opinion": f"{secret}?"},
    )
    for table in ("case_events", "case_states", "commands", "outbox"):
        assert secret not in json.dumps([dict(r) for r in w.rows(table)], default=str)
    event = json.loads(next(e["data"] for e in w.rows("case_events") if e["type"] == "correction.asked"))
    assert event["items"] == ["menu.seats"]
    row = w.rows("case_texts")[0]
    assert row["id"] == event["text"]
    with w.db.read() as session:
        box = box_of(session, w.person)
    assert box is not None
    plain = box.open(bytes(row["text_enc"]), f"case_texts:{row['id']}")
    assert hashlib.sha256(plain).hexdigest() == event["text_sha"] == row["sha"]
    said = json.loads(plain)
    assert (said["reason"], said["items"], said["opinion"]) == (secret, {"menu.seats": f"{secret}!"}, f"{secret}?")


def test_odd_characters_do_no_harm(database: Database) -> None:
    w = accepted(database)
    w.do(ZHOU, "fail", "review.fire", reason="nul \x00 half \ud800 emoji 😀 quote ' \" \\")
    w.check()


# -- state


def test_an_older_format_or_a_lost_state_is_folded_anew(database: Database) -> None:
    w = accepted(database)
    with w.db.write() as session:
        session.execute(text("UPDATE case_states SET format = 0, state = 'junk'"))
    w.do(ZHANG, "pass", "review.food")
    w.check()
    with w.db.write() as session:
        session.execute(text("DELETE FROM case_states"))
    w.do(ZHOU, "pass", "review.fire")
    w.check()


def test_rebuild_goes_back_in_time(database: Database) -> None:
    w = accepted(database)
    then = w.state
    w.do(ZHANG, "pass", "review.food")
    with w.db.read() as session:
        assert rebuild(session, w.case_id, then.seq) == then
        assert rebuild(session, w.case_id) == load_state(session, w.case_id) == w.state
        with pytest.raises(NotFound):
            rebuild(session, "nothing")


def test_evolve_leaves_the_given_state_alone(database: Database) -> None:
    w = accepted(database)
    before = w.state
    applied = w.do(ZHANG, "pass", "review.food")
    kept = before.copy()
    after = before
    for event in applied.events:
        after = evolve(after, event)
    assert before == kept
    assert after == w.state


def test_an_unknown_type_of_event_changes_nothing_but_the_sequence(database: Database) -> None:
    w = accepted(database)
    applied = w.do(ZHANG, "pass", "review.food")
    later = applied.events[-1]._replace(seq=applied.seq_to + 1, type="from.the.future", data={})
    after = evolve(w.state, later)
    assert after.tokens == w.state.tokens
    assert after.seq == w.state.seq + 1


def test_an_erased_applicants_case_can_still_move(database: Database) -> None:
    w = accepted(database)
    with w.db.write() as session:
        session.execute(text("UPDATE people SET key_wrapped = NULL"))
    w.do(ZHOU, "fail", "review.fire", reason="no exit")
    assert w.state.outcome == "refused"
    assert w.rows("case_texts")[0]["text_enc"] is None


# -- effects


def test_each_effect_has_one_outbox_row(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "pass", "review.food", attachments=("site_report",))
    w.do(WU, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    w.do(HE, "approve", MAIN)
    rows = {r["topic"]: r for r in w.rows("outbox")}
    issue = rows["document.issue"]
    assert issue["id"] == f"{w.case_id}:{issue['seq']}:document.issue"
    assert json.loads(issue["payload"])["token_id"] == MAIN
    assert "token_id" not in json.loads(rows["notice.receipt"]["payload"])
    assert issue["attempts"] == 0


def test_a_notice_that_the_law_and_the_definition_ask_for_is_sent_once(database: Database) -> None:
    w = accepted(database)
    w.do(ZHOU, "fail", "review.fire", reason="x")
    assert [r["topic"] for r in w.rows("outbox") if r["topic"].endswith(".refusal")] == ["notice.refusal"]


# -- the session around it


def test_what_the_caller_wrote_by_the_orm_is_seen_and_rolls_back_too(database: Database) -> None:
    w = World(database)
    w.submit()
    command = Command(case_id=w.case_id, trigger="accept", idem="a", now=w.now, actor=LI, token_id=MAIN)
    with database.write() as session:
        case = session.get_one(Case, w.case_id)
        assert case.accepted_at is None
        apply(session, command, w.definitions, CALENDARS)
        assert case.accepted_at == w.now  # the ORM does not go on showing what was
    with database.write() as session:
        again = Command(case_id=w.case_id, trigger="pass", idem="b", now=w.now, actor=ZHOU, token_id=3)
        apply(session, again, w.definitions, CALENDARS)
        session.rollback()
    assert w.state.tokens[3].outcome is None
    w.check()


def cut_off(database: Database, session: Session) -> None:
    """The connection of a session stops working, as when the server is stopped or the disk is full."""
    raw: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name == "sqlite":
        raw.execute("PRAGMA query_only = ON")
        return
    with database.read() as other:
        other.execute(text(f"SELECT pg_terminate_backend({raw.info.backend_pid})"))


def test_a_database_that_is_gone_is_told_as_such(database: Database) -> None:
    """Not as a fault of the program: the web answers 503, the person may try again, and the next try works."""
    w = accepted(database)
    command = Command(case_id=w.case_id, trigger="pass", idem="gone", now=w.now, actor=ZHOU, token_id=3)

    def cut_off_in_the_middle() -> None:
        with database.write() as session:
            cut_off(database, session)
            apply(session, command, w.definitions, CALENDARS)

    with pytest.raises(Unavailable):
        cut_off_in_the_middle()
    database.engine.dispose()
    w.do(ZHOU, "pass", "review.fire")
    w.check()
