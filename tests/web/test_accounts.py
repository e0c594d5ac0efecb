"""Registering, acting for an enterprise, keys of people, and what the administration does on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from govservice.commands import users as users_command
from govservice.errors import Invalid, NotAllowed, NotFound
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.identifiers import cn_check
from govservice.models.accounts import Role, User
from govservice.models.keyring import Keyring
from govservice.models.people import Mandate, Organisation, Person
from govservice.models.places import Department
from govservice.operations import accounts, passwords, sessions
from govservice.operations.demo_cast import CAST, PER_PORTAL_ROLE, PER_ROLE, SIGN_INS, load_cast, of_the_province
from govservice.operations.people import find_person, identity_of, person_name, rotate_keys
from tests.support.rows import end_mandate
from tests.web.conftest import Stage
from tests.web.test_sign_in import PAY


def cn_id(n: int) -> str:
    """A well-formed number of the region that nobody has."""
    first = f"99011119900101{n:03d}"
    return first + cn_check(first)


FORM = {
    "name": "欧阳·娜娜", "id_type": "cn_id", "id_number": cn_id(7), "login": "ou.yang",
    "password": "one two three four",
}  # fmt: skip


# -- registering


def test_whoever_registers_can_sign_in(stage: Stage) -> None:
    client = stage.client()
    typed = {**FORM, "id_number": f" {cn_id(7)[:6]} {cn_id(7)[6:]}".replace("9", "９"), "login": "Ou.Yang "}
    assert client.send("/register", typed).location == "/register/done"
    assert client.sign_in("ou.yang", "one two three four").status_code == 303
    assert "欧阳·娜娜" in client.get("/account").get_data(as_text=True)
    with stage.runtime.read() as session:
        person = find_person(session, stage.runtime.keyring, "cn_id", cn_id(7))
        assert person is not None
        stored = b"".join(v for v in (person.name_enc, person.id_enc) if v) + person.id_index.encode()
        assert "欧阳".encode() not in stored
        assert cn_id(7).encode() not in stored
        identity = identity_of(session, person.id)
        assert identity is not None
        assert (identity.name, identity.number) == ("欧阳·娜娜", cn_id(7))


def test_registering_never_says_what_is_in_use(stage: Stage) -> None:
    stage.client().send("/register", FORM)
    answers = set()
    for change in (
        {"login": "other.name", "id_number": cn_id(8)},  # free
        {"login": "ou.yang", "id_number": cn_id(9)},  # the name is in use
        {"login": "third.name"},  # the person has an account
        {"login": "wang.fang", "id_number": "990111198803182048"},  # both
    ):
        client = stage.client()
        answer = client.send("/register", {**FORM, **change})
        page = client.get(str(answer.location))
        answers.add((answer.status_code, answer.location, page.status_code, page.get_data()))
    assert len(answers) == 1
    with stage.runtime.read() as session:
        logins = set(session.scalars(select(User.login)))
    assert {"ou.yang", "other.name"} <= logins
    assert "third.name" not in logins
    assert stage.client().sign_in("wang.fang").status_code == 303, "an account that exists stays as it was"


def test_registering_is_closed_outside_demo_mode_unless_opened(make_stage: Callable[..., Stage]) -> None:
    closed = make_stage(registration="closed").client()
    assert closed.get("/register").status_code == 404
    assert "/register" not in closed.get("/sign-in").get_data(as_text=True)
    assert make_stage().client().get("/register").status_code == 200


def test_names_lose_only_what_cannot_be_seen() -> None:
    assert person_name("  𠮷野\u200b  家\u202e ") == "𠮷野 家"
    assert person_name("Zoe\u0301 O'Neil-Smith") == "Zoé O'Neil-Smith"


# -- passwords


def test_passwords_typed_on_different_keyboards_are_the_same() -> None:
    hashed = passwords.hash_password("pass phrase １２３")
    assert hashed.startswith("$argon2id$")
    assert passwords.verify(hashed, "pass phrase 123")
    assert not passwords.verify(hashed, "pass phrase 124")
    assert not passwords.verify("$argon2id$broken", "x")
    assert not passwords.verify(None, "x")


def test_an_old_hash_is_made_anew_when_the_password_is_known(stage: Stage) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=1024).hash("guiyang-demo")
    with stage.runtime.write() as session:
        session.execute(update(User).where(User.login == "li.na").values(password_hash=old))
    stage.client_as("li.na")
    with stage.runtime.read() as session:
        now = session.scalars(select(User.password_hash).where(User.login == "li.na")).one()
    assert now != old
    assert "m=19456" in now


# -- acting for an enterprise


def choose(stage: Stage, login: str) -> tuple[Any, str]:
    client = stage.client_as(login)
    page = client.get("/account/acting-for").get_data(as_text=True)
    import re

    ids = [v for v in re.findall(r'name="party"[^>]*value="([^"]+)"', page) if v != "self"]
    return client, ids[0]


def test_acting_for_an_enterprise_shows_on_every_page(stage: Stage) -> None:
    client, mandate = choose(stage, "wang.fang")
    assert "You are acting for" not in client.get("/account").get_data(as_text=True)
    assert (
        client.send("/account/acting-for?next=/account", {"party": mandate, "next": "/account"}).location == "/account"
    )
    page = client.get("/account").get_data(as_text=True)
    assert "You are acting for" in page
    assert "贵阳花溪清味餐饮有限公司" in page
    client.send("/account/acting-for", {"party": "self"})
    assert "You are acting for" not in client.get("/account").get_data(as_text=True)


def test_nobody_acts_by_somebody_elses_mandate(stage: Stage) -> None:
    _, foreign = choose(stage, "chen.wei")
    client, own = choose(stage, "wang.fang")
    for wrong in (foreign, own + "x", "../..", ""):
        assert client.send("/account/acting-for", {"party": wrong}).status_code == 422
    assert "You are acting for" not in client.get("/account").get_data(as_text=True)
    assert stage.client_as("li.na").get("/account/acting-for").status_code == 404


def test_a_mandate_that_ends_ends_at_once(stage: Stage) -> None:
    client, mandate = choose(stage, "chen.wei")
    client.send("/account/acting-for", {"party": mandate})
    assert "You are acting for" in client.get("/account").get_data(as_text=True)
    end_mandate(stage.runtime, mandate, stage.wall.now())
    assert "You are acting for" not in client.get("/account").get_data(as_text=True)
    assert client.send("/account/acting-for", {"party": mandate}).status_code == 422


def test_a_mandate_that_runs_out_ends_with_its_day(stage: Stage) -> None:
    client, mandate = choose(stage, "chen.wei")
    client.send("/account/acting-for", {"party": mandate})
    last = date(2026, 3, 2)
    with stage.runtime.write() as session:
        session.execute(update(Mandate).where(Mandate.id == mandate).values(valid_to=last))
    assert "You are acting for" in client.get("/account").get_data(as_text=True)
    for _ in range(29):  # to the next day in China, without the sign-in running out
        stage.wall.advance(timedelta(minutes=29))
        client.get("/account")
    again = stage.client_as("chen.wei")
    assert again.send("/account/acting-for", {"party": mandate}).status_code == 422


def test_only_a_mandate_of_ones_own_that_holds_can_be_switched_to(stage: Stage) -> None:
    """The operation itself, without the form that offers only the right ones."""
    client, own = choose(stage, "wang.fang")
    _, foreign = choose(stage, "chen.wei")
    today, cookie = date(2026, 3, 2), client.get_cookie("session")
    assert cookie is not None
    with stage.runtime.read() as session:
        me = sessions.find(session, cookie.value, now=stage.wall.now(), today=today)
    assert me is not None
    sessions.switch_acting_for(stage.runtime, me, own, today=today)
    for mandate, day in ((foreign, today), (own, date(2024, 12, 31)), ("no-such-mandate", today)):
        with pytest.raises(NotFound):
            sessions.switch_acting_for(stage.runtime, me, mandate, today=day)


# -- the cast


def test_the_cast_is_whole_and_loading_it_again_changes_nothing(stage: Stage) -> None:
    assert load_cast(stage.runtime, now=stage.wall.now()) == 0
    with stage.runtime.read() as session:
        held = [(r.role, r.department_id) for r in session.scalars(select(Role))]
        logins = set(session.scalars(select(User.login).where(User.demo)))
        assert {s.login for s in SIGN_INS} <= logins
        assert {c.login for c in CAST} <= {s.login for s in SIGN_INS}
        assert len(session.scalars(select(Organisation)).all()) == 3
        assert len(session.scalars(select(Mandate)).all()) == 3
        places = {d.id: d for d in session.scalars(select(Department))}
    for role, kinds in accounts.known_roles(stage.runtime).items():
        for area in ("huaxi", "nanming"):
            count = sum(r == role and places[d].area == area for r, d in held)
            assert of_the_province(role) or count >= (PER_ROLE if kinds else PER_PORTAL_ROLE), f"{role} in {area}"
            assert all(places[d].code in kinds for r, d in held if r == role and kinds)


@pytest.mark.empty
def test_the_cast_is_not_made_outside_demo_mode(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(mode="production", base_url="https://portal.example", clock="wall", payment=PAY)
    with pytest.raises(NotAllowed):
        load_cast(stage.runtime, now=stage.wall.now())


# -- keys


def test_turning_the_key_keeps_everybody_readable(stage: Stage) -> None:
    old = stage.runtime.keyring
    both = Keyring({"new": b"n" * 32, "test1": bytes(range(32))}, bytes(range(32, 64)))
    from dataclasses import replace

    from govservice.models.session import Database

    turned = replace(stage.runtime, database=Database(stage.runtime.database.engine, both))
    with stage.runtime.read() as session:
        people = session.scalar(select(func.count()).select_from(Person))
    assert people is not None
    assert people >= len(CITIZENS)
    assert rotate_keys(turned) == people
    assert rotate_keys(turned) == 0
    alone = Database(stage.runtime.database.engine, Keyring({"new": b"n" * 32}, bytes(range(32, 64))))
    with alone.read() as session:
        names = {i.name for p in session.scalars(select(Person.id)) if (i := identity_of(session, p))}
    assert names >= {citizen.person.name for citizen in CITIZENS}
    assert old.current == "test1"


# -- the command line


@pytest.fixture
def run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(users_command, "runtime", lambda: stage.runtime)

    def invoke(*arguments: str, **more: Any) -> Any:
        from click.testing import CliRunner

        return CliRunner().invoke(users_command.command, list(arguments), **more)

    return invoke


def test_users_are_made_closed_and_reset_on_the_command_line(stage: Stage, run: Callable[..., Any]) -> None:
    named = ("--name-zh", "甲", "--name-en", "Jia")
    made = run("create", "new.clerk", *named, "--role", "food@huaxi.market_reg")
    assert made.exit_code == 0, made.output
    password = made.output.strip().rsplit(" ", 1)[1]
    client = stage.client()
    assert client.sign_in("new.clerk", password).status_code == 303
    assert client.get("/clerk/").status_code == 200
    assert run("disable", "new.clerk").output == "new.clerk is disabled; 1 sessions ended.\n"
    assert client.get("/account").status_code == 302
    assert run("enable", "new.clerk").exit_code == 0
    fresh = run("reset", "new.clerk").output.strip().rsplit(" ", 1)[1]
    assert stage.client().sign_in("new.clerk", password).status_code == 422
    assert stage.client().sign_in("new.clerk", fresh).status_code == 303
    listed = json.loads(run("list", "--json").output)
    row = {"login": "new.clerk", "name": "甲", "roles": ["food@huaxi.market_reg"], "disabled": False, "demo": False}
    assert row in listed["staff"]
    assert listed["citizens"] == len(CITIZENS) + 1, "and the head of a department that files for it"
    assert "new.clerk" in run("list").output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("create", "li.na"), 1, "taken"),
        (("create", "x"), 1, "3 to 40"),
        (("create", "new.one", "--role", "food@huaxi.nowhere"), 1, "unknown"),
        (("create", "new.one", "--role", "cook@huaxi.market_reg"), 1, "No service knows this role."),
        (("create", "new.one", "--role", "fire@huaxi.market_reg"), 1, "another kind of department"),
        (("create", "new.one", "--role", "food"), 2, "ROLE@DEPARTMENT"),
        (("create", "new.one", "--password-stdin"), 1, "at least 10"),
        (("disable", "nobody.here"), 1, "no such account"),
        (("reset", "nobody.here"), 1, "no such account"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    stage: Stage, run: Callable[..., Any], arguments: tuple[str, ...], code: int, words: str
) -> None:
    named = ("--name-zh", "甲", "--name-en", "Jia") if arguments[0] == "create" else ()
    done = run(*arguments, *named, input="short\n")
    assert done.exit_code == code, done.output
    assert words in done.output
    with stage.runtime.read() as session:
        assert session.scalar(select(User).where(User.login == "new.one")) is None, "nothing half made"


def test_a_role_given_twice_is_held_once(stage: Stage) -> None:
    with stage.runtime.write() as session:
        user = accounts.user_named(session, "li.na")
        for _ in range(2):
            accounts.assign_role(stage.runtime, session, user.id, "window", "huaxi.service_hall")
        held = select(Role).where(Role.user_id == user.id, Role.role == "window")
        assert len(session.scalars(held).all()) == 1
        with pytest.raises(Invalid):
            accounts.assign_role(stage.runtime, session, user.id, "window", "nanming.nowhere")
