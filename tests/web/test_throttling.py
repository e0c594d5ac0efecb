"""Tries are slowed per account and source; nobody can lock somebody else out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from govservice.errors import TooMany
from govservice.models.accounts import User
from govservice.operations import accounts
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.people import Identity
from govservice.operations.throttling import PER_ACCOUNT_AND_SOURCE, REGISTRATIONS, Rule, count_try, source_of
from tests.web.conftest import Stage

ATTACKER, OWNER = "203.0.113.7", "198.51.100.20"


def attack(stage: Stage, tries: int, *, every: float, login: str = "li.na", source: str = ATTACKER) -> int:
    """Wrong passwords, one every so many seconds; returns how many were looked at."""
    looked = 0
    for n in range(tries):
        try:
            accounts.authenticate(stage.runtime, login, f"guess {n}", source=source, device=None, now=stage.wall.now())
            looked += 1
        except TooMany:
            pass
        stage.wall.advance(timedelta(seconds=every))
    return looked


def test_of_a_thousand_tries_few_are_looked_at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("govservice.operations.passwords.verify", lambda stored, password: False)
    assert attack(stage, 1000, every=1.0) <= 5 + 8 + 1000 // 256  # 2, 4, ... 256 seconds, then one every 300


def test_the_owner_gets_in_while_the_account_is_attacked(stage: Stage) -> None:
    home = stage.client_as("li.na")  # has signed in here before: the browser is known
    attack(stage, 40, every=0)
    stranger = stage.client(REMOTE_ADDR=ATTACKER)
    refused = stranger.sign_in("li.na")
    assert refused.status_code == 429, "even the right password waits where the attack comes from"
    assert int(refused.headers["Retry-After"]) > 0
    assert 'value="li.na"' in refused.get_data(as_text=True), "what was typed is kept"
    assert stage.client(REMOTE_ADDR=OWNER).sign_in("li.na").status_code == 303, "from elsewhere"
    home.environ_base["REMOTE_ADDR"] = ATTACKER
    home.send("/sign-out", page="/account")
    assert home.sign_in("li.na").status_code == 303, "from the attacker's own network, in a known browser"


def test_a_known_browser_is_slowed_by_its_own_tries(stage: Stage) -> None:
    home = stage.client_as("li.na")
    home.send("/sign-out", page="/account")
    answers = [home.sign_in("li.na", "wrong wrong").status_code for _ in range(7)]
    assert answers == [422] * 5 + [429] * 2
    stage.wall.advance(timedelta(seconds=2))
    assert home.sign_in("li.na").status_code == 303
    home.send("/sign-out", page="/account")
    assert [home.sign_in("li.na", "wrong wrong").status_code for _ in range(3)] == [422] * 3, "forgiven"


def test_another_accounts_device_does_not_help(stage: Stage) -> None:
    browser = stage.client_as("wang.fang")
    browser.environ_base["REMOTE_ADDR"] = ATTACKER
    browser.send("/sign-out", page="/account")
    attack(stage, 20, every=0)
    assert browser.sign_in("li.na").status_code == 429


def test_unknown_accounts_are_slowed_alike(stage: Stage) -> None:
    for login in ("li.na", "no.such.person"):
        seen = [
            stage.client(REMOTE_ADDR=f"192.0.2.{len(login)}").sign_in(login, "x" * 12).status_code for _ in range(7)
        ]
        assert seen == [422] * 5 + [429] * 2, login


def test_one_source_is_slowed_over_many_accounts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("govservice.operations.passwords.verify", lambda stored, password: False)
    looked = sum(attack(stage, 1, every=0, login=f"person.{n}") for n in range(300))
    assert looked == 50


def test_the_count_is_forgotten_after_an_hour(stage: Stage) -> None:
    attack(stage, 30, every=0)
    assert stage.client(REMOTE_ADDR=ATTACKER).sign_in("li.na").status_code == 429
    stage.wall.advance(timedelta(seconds=PER_ACCOUNT_AND_SOURCE.forget + 1))
    assert stage.client(REMOTE_ADDR=ATTACKER).sign_in("li.na").status_code == 303


def test_tries_at_once_are_all_counted(stage: Stage) -> None:
    """Counting before the work: of forty at the same moment no more pass than of forty in a row."""
    rule, now = Rule(free=5, cap=60, forget=3600), stage.wall.now()

    def one(_n: int) -> bool:
        try:
            count_try(stage.runtime, {"at once": rule}, now)
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 5


def test_the_machines_clock_set_back_locks_nobody_out(stage: Stage) -> None:
    attack(stage, 10, every=0)
    stage.wall.advance(timedelta(days=-30))
    assert accounts.authenticate(stage.runtime, "li.na", PASSWORD, source=ATTACKER, device=None, now=stage.wall.now())


def test_registering_is_slowed(stage: Stage) -> None:
    """Account after account is slowed; others elsewhere are not. Nothing is made of a refused try."""

    def register(n: int, source: str) -> None:
        new = accounts.NewCitizen(Identity("某人", "passport", f"E{10**7 + n}"), f"somebody{n}", "long enough 77", "zh")
        accounts.register_citizen(stage.runtime, new, source=source, now=stage.wall.now())

    for n in range(REGISTRATIONS.free):
        register(n, ATTACKER)
    with pytest.raises(TooMany):
        register(500, ATTACKER)
    register(501, OWNER)
    with stage.runtime.read() as session:
        made = session.scalars(select(User.login).where(User.login.startswith("somebody"))).all()
    assert sorted(made) == sorted([*(f"somebody{n}" for n in range(REGISTRATIONS.free)), "somebody501"])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_a_source_is_the_network_of_one_customer(address: str | None, network: str) -> None:
    assert source_of(address) == network
