"""Every route, asked by everybody of the cast, about every case: made from the map of routes, so that a new route is
covered or fails.

Who may see which case is written down here once more, by hand and by name: this file does not ask the portal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.web.cases import Office
from tests.web.conftest import Browser, Stage

CAST = {
    "wang.fang": {"citizen"}, "chen.wei": {"citizen"}, "liu.yang": {"citizen"}, "li.na": {"clerk"},
    "zhang.qiang": {"clerk"}, "wu.gang": {"clerk"}, "zhou.jie": {"clerk"}, "sun.min": {"clerk"}, "he.tao": {"clerk"},
    "zhao.lei": {"supervisor"}, "qian.yu": {"designer"}, "ma.jun": {"clerk"}, "gu.wen": {"steward", "clerk"},
    "an.ning": {"clerk"}, "luo.lan": {"citizen"},
}  # fmt: skip
NOBODY = "nobody"
# case -> who of the cast may open it, in the room named by the route's audience
MAY_OPEN = {
    "draft_wang": {"wang.fang"},
    "draft_liu": {"liu.yang"},
    "huaxi_new": {"wang.fang", "li.na", "zhao.lei"},
    "huaxi_food": {"wang.fang", "li.na", "zhang.qiang", "wu.gang", "zhao.lei"},
    "nanming_new": {"chen.wei"},
    "nanming_food": {"chen.wei", "ma.jun"},
    "not_there": set(),
}
CASE_ARGUMENTS = {"number", "file_id"}
# What to put for every other argument: by endpoint and name, else by name.
SAMPLES: dict[str, object] = {
    "code": "open_restaurant", "language.code": "en", "public.licence.code": "AAAA-BBBB-CCCC", "name": "css/portal.css",
    "event": "open_business", "page": "menu", "style.page": "forms", "slot": "layout", "kind": "acceptance", "seq": 2,
    "token": 1, "action": "accept", "act": "assign", "payment_id": "0" * 36,
    "version": 1, "service": "seal_filing", "id": "no-such-proposal", "n": 9, "found_id": "no-such-finding",
    "dispute_id": "no-such-dispute", "grant": "no-such-grant", "consent_id": "no-such-consent",
    "registry": "population", "mandate_id": "no-such-mandate", "agent_id": "no-such-agent",
}  # fmt: skip
SENT_FILES = {"huaxi_new", "huaxi_food", "nanming_new", "nanming_food"}


@dataclass(frozen=True)
class World:
    stage: Stage
    office: Office
    numbers: dict[str, str]
    files: dict[str, str]
    browsers: dict[str, Browser]
    tokens: dict[str, str]


@pytest.fixture
def world(stage: Stage) -> World:
    office = Office(stage)
    numbers = {
        "draft_wang": office.draft("wang.fang", "food_business_licence", "huaxi"),
        "draft_liu": office.draft("liu.yang", "food_business_licence", "huaxi"),
        "huaxi_new": office.submitted("wang.fang", "open_restaurant", "huaxi"),
        "huaxi_food": office.submitted("wang.fang", "food_business_licence", "huaxi"),
        "nanming_new": office.submitted("chen.wei", "open_restaurant", "nanming"),
        "nanming_food": office.submitted("chen.wei", "food_business_licence", "nanming"),
    }
    office.do("li.na", numbers["huaxi_food"], "accept")
    office.do(window_of_nanming(stage), numbers["nanming_food"], "accept")
    files = {case: office.file(number) for case, number in numbers.items()}
    browsers = {login: stage.client_as(login) for login in CAST} | {NOBODY: stage.client()}
    numbers, files = numbers | {"not_there": "AAAAA-BBBBB-CCCCC"}, files | {"not_there": "no-such-file"}
    tokens = {who: browser.token("/sign-in" if who == NOBODY else "/account") for who, browser in browsers.items()}
    return World(stage, office, numbers, files, browsers, tokens)


def window_of_nanming(stage: Stage) -> str:
    from govservice.operations.demo_cast import further_staff

    found = further_staff(stage.runtime)
    return next(m.login for m in found if m.area == "nanming" and m.roles[0][0] == "window")


def rules(stage: Stage) -> Iterator[tuple[Rule, str, frozenset[str]]]:
    """Every route and method with the audience that its view declares."""
    for rule in stage.app.url_map.iter_rules():
        declared = getattr(stage.app.view_functions[rule.endpoint], "audience", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, frozenset(declared or ())


def address(world: World, rule: Rule, case: str) -> str:
    values: dict[str, object] = {}
    for name in rule.arguments:
        if name == "number":
            values[name] = world.numbers[case]
        elif name == "file_id":
            values[name] = world.files[case]
        else:
            sample = SAMPLES.get(f"{rule.endpoint}.{name}", SAMPLES.get(name))
            assert sample is not None, f"{rule.rule}: give a sample for <{name}> in SAMPLES"
            values[name] = sample
    with world.stage.app.test_request_context():
        from flask import url_for

        return url_for(rule.endpoint, **values)  # type: ignore[arg-type]


def ask(world: World, who: str, method: str, where: str) -> TestResponse:
    browser = world.browsers[who]
    if method == "GET":
        return browser.get(where)
    return browser.open(where, method=method, data={"csrf_token": world.tokens[who]})


def in_audience(who: str, audience: frozenset[str]) -> bool:
    if "anyone" in audience:
        return True
    if who == NOBODY:
        return False
    mine = CAST[who] | {"signed_in"} | ({"staff"} if "citizen" not in CAST[who] else set())
    return bool(mine & audience)


def may_open(who: str, rule: Rule, case: str) -> bool:
    if who not in MAY_OPEN[case]:
        return False
    return not (rule.endpoint.startswith("clerk.file") and case not in SENT_FILES)


VARIES = re.compile(r'[0-9a-f]{32}|name="csrf_token" value="[^"]*"')  # the request's id, the form's token


def test_every_route_declares_its_audience(stage: Stage) -> None:
    silent = {rule.rule for rule, _method, audience in rules(stage) if not audience}
    assert silent == set(), "declare @audience(...) below the route"


def questions(world: World, allowed: bool) -> Iterator[tuple[str, Rule, str, str]]:
    """(who, rule, method, case) of everything that must be answered (`allowed`) or refused."""
    for rule, method, audience in rules(world.stage):
        about = bool(CASE_ARGUMENTS & rule.arguments)
        for who in (NOBODY, *CAST):
            meant = in_audience(who, audience)
            # Whoever is not meant at all is asked about one case that is there and one that is not.
            cases = list(MAY_OPEN) if meant else ["huaxi_food", "not_there"]
            for case in cases if about else ["not_there"]:
                inside = meant and (not about or may_open(who, rule, case))
                if inside == allowed:
                    yield who, rule, method, case


def refusal_fault(who: str, answer: TestResponse, seen: dict[object, str], key: object, hide: list[str]) -> str | None:
    """What is wrong with a refusal; None where it is as it must be."""
    if who == NOBODY:
        right = answer.status_code == 302 and str(answer.location).startswith("/sign-in")
        return None if right else "must be sent to sign in"
    if answer.status_code != 404:
        return "must be 404"
    body = VARIES.sub("", answer.get_data(as_text=True))
    for part in hide:
        body = body.replace(part, "")
    return None if seen.setdefault(key, body) == body else "not yours and not there differ"


def test_everybody_asks_for_everything(world: World) -> None:
    """Refused requests look alike, and leave every case as it was."""
    before, asked, faults = world.office.fingerprint(), 0, []
    seen: dict[object, str] = {}
    for who, rule, method, case in questions(world, allowed=False):
        where = address(world, rule, case)
        answer = ask(world, who, method, where)
        hide = [where, world.numbers[case], world.files[case]]
        if wrong := refusal_fault(who, answer, seen, (who, rule.rule, method), hide):
            faults.append(f"{who} {method} {rule.rule} {case}: {answer.status_code} {answer.location or ''}: {wrong}")
        asked += 1
    assert faults == []
    assert world.office.fingerprint() == before
    assert asked > 1000


def test_everybody_may_ask_for_the_own(world: World) -> None:
    """The other half: whoever is meant gets an answer, never a fault, never the sign-in page; reading moves nothing."""
    before, faults = world.office.fingerprint(), []
    wanted = sorted(questions(world, allowed=True), key=lambda q: (q[2] != "GET", q[1].endpoint == "account.sign_out"))
    for who, rule, method, case in wanted:
        if method != "GET" and rule.endpoint in ("account.sign_out", "account.end_others"):
            continue
        if method != "GET" and before is not None:
            assert world.office.fingerprint() == before, "reading moved a case"
            before = None  # type: ignore[assignment]
        answer = ask(world, who, method, address(world, rule, case))
        status, away = answer.status_code, str(answer.location or "")
        plain = method == "GET" and rule.arguments == {"number"} and rule.endpoint not in MAY_BE_MISSING
        if status >= 500 or away.startswith("/sign-in") or (plain and status not in (200, 302, 303)):
            faults.append(f"{who} {method} {rule.rule} {case}: {status} {away}")
    assert faults == []


# Pages of a case that exist only at some of its steps.
MAY_BE_MISSING = {
    "citizen.licence",
    "citizen.sent",
    "citizen.correct",
    "citizen.rate",
    "citizen.withdraw",
    "citizen.asked",
}
