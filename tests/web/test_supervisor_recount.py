"""Every figure of the supervisor's pages against a recount of the events, and each number against the list it opens."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from govservice.definitions.library import Definitions
from govservice.models.accounts import User
from govservice.models.cases import Case, CaseEvent, Visit
from govservice.models.people import Person
from govservice.models.session import box_of
from govservice.queries.supervision import workload
from govservice.queries.turnaround import decided_cases, step_figures, who_held
from tests.support.recount import Office, rank
from tests.web.history import HUAXI, NOW, History, scope

SERVICES = ("open_restaurant", "food_business_licence")


@pytest.fixture(scope="module")
def office(calendars: Any) -> Office:
    return Office(calendars["cn"])


# -- figures against the events


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("days", [30, 90])
def test_steps(history: History, office: Office, service: str, days: int) -> None:
    stays: dict[str, list[int]] = defaultdict(list)
    waiting: dict[str, int] = defaultdict(int)
    late: dict[str, int] = defaultdict(int)
    for case in history.of(service):
        for stay in case.stays:
            if stay.kind == "human" and stay.left is not None and stay.left >= NOW - timedelta(days=days):
                stays[stay.step].append(office.without_pauses(stay.entered, stay.left, stay.pauses))
        for stay in case.here.values():
            if stay.kind == "human" and stay.token not in case.asked:
                waiting[stay.step] += 1
                late[stay.step] += stay.due is not None and stay.due <= NOW
    with history.rt.read() as session:
        figures = {f.step: f for f in step_figures(session, scope(service, days), NOW)}
    assert set(figures) == {*stays, *waiting, *(f for f in figures if figures[f].stopped)}
    for step, f in figures.items():
        assert (f.n, f.median_s, f.p90_s) == (len(stays[step]), rank(stays[step], 0.5), rank(stays[step], 0.9)), step
        assert (f.waiting, f.late) == (waiting[step], late[step]), step
    assert sum(len(v) for v in stays.values()) > 30


@pytest.mark.parametrize("service", SERVICES)
def test_decided(history: History, office: Office, calendars: Any, service: str) -> None:
    expected = {}
    for case in history.of(service):
        clock = case.clocks.get("limit:decision")
        if clock is None or "decided" not in case.marks or clock["stopped"] < NOW - timedelta(days=90):
            continue
        took = office.without_pauses(clock["started"], clock["stopped"], clock["pauses"])
        on = office.day(clock["stopped"])
        expected[case.number] = (took, on <= clock["promised"], on <= clock["statutory"])
    with history.rt.read() as session:
        numbers = {c.id: c.number for c in session.scalars(select(Case))}
        found = {
            numbers[d.case_id]: (d.seconds, d.in_promise, d.in_law)
            for d in decided_cases(session, scope(service), history.rt.definitions, calendars)
        }
    assert found == expected
    assert len(found) > 15


def test_who_held_counts_no_second_twice(history: History, office: Office) -> None:
    """A parallel step's own stay is not added to those of its branches, a pause is told once, the draft not at all."""
    service, since = "open_restaurant", NOW - timedelta(days=90)
    closed = [c for c in history.of(service) if c.closed is not None and c.received is not None and c.closed >= since]
    departments, applicant, whole = 0, 0, 0
    for case in closed:
        assert case.received is not None
        for stay in case.stays:
            if stay.left is None or stay.entered < case.received:
                continue
            net = office.without_pauses(stay.entered, stay.left, stay.pauses)
            if stay.kind == "human":
                departments += net
            if stay.token == 1:
                applicant += office.seconds(stay.entered, stay.left) - net
                whole += office.seconds(stay.entered, stay.left)
    with history.rt.read() as session:
        held = who_held(session, scope(service))
    parts = dict(held.by)
    assert held.cases == len(closed)
    assert abs(held.seconds - whole / len(closed)) < 2
    assert abs(parts.pop("applicant") - applicant / len(closed)) < 2
    parts.pop("system", None)
    assert abs(sum(parts.values()) - departments / len(closed)) < 2 * len(parts)


# -- pages: numbers and their lists


def listed(history: History, address: str) -> list[str]:
    """Numbers of the cases of a list, all its pages, and the number that it says itself."""
    found: list[str] = []
    page = history.page(address)
    said = int(re.search(r'<p class="gs-lead">([\d,]+) cases?\.', page)[1].replace(",", ""))  # type: ignore[index]
    pages = max([1, *(int(n) for n in re.findall(r"[?&]page=(\d+)", page))])
    for number in range(1, pages + 1):
        body = history.page(f"{address}&page={number}").partition("<tbody")[2]
        found += re.findall(r'href="/supervisor/cases/([0-9A-Z-]+)"', body)
    assert len(found) == len(set(found)) == said, address
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_each_figure_of_the_strip_opens_its_list(history: History, office: Office, service: str) -> None:
    page = history.page(f"/supervisor/?service={service}")
    cases = history.of(service)
    today = office.day(NOW)
    soon = today
    for _ in range(2):
        soon = history.rt.calendars["cn"].next_working_day(soon)
    running = {c.number: c.promised_on for c in cases if c.open}
    expected = {
        "open": set(running),
        "late": {n for n, on in running.items() if on is not None and on < today},
        "soon": {n for n, on in running.items() if on is not None and today <= on <= soon},
    }
    for show, numbers in expected.items():
        href = f"/supervisor/cases?show={show}&service={service}&period=90"
        shown = re.search(rf'<a href="{re.escape(href)}">([\d,]+)</a>', page)
        assert shown, (show, href)
        assert int(shown[1].replace(",", "")) == len(numbers), show
        assert set(listed(history, href)) == numbers
    part = re.search(r"show=in_promise[^>]*>(\d+)%</a></dd><dd>(\d+) of (\d+) decided", page)
    assert part
    kept = len(listed(history, f"/supervisor/cases?show=in_promise&service={service}&period=90"))
    missed = len(listed(history, f"/supervisor/cases?show=past_promise&service={service}&period=90"))
    assert (int(part[2]), int(part[3])) == (kept, kept + missed)
    assert int(part[1]) == round(100 * kept / (kept + missed))


def test_each_figure_of_a_step_opens_its_list(history: History) -> None:
    page = history.page("/supervisor/steps?period=90")
    links = re.findall(r'<a href="(/supervisor/cases\?show=(?:waiting|late_here)&[^"]+)">([\d,]+)<', page)
    assert len(links) > 6
    for href, number in links:
        assert len(listed(history, href)) == int(number.replace(",", "")), href


def test_each_department_against_the_events_and_its_lists(history: History, definitions: Definitions) -> None:
    """Waiting, late, finished, in time, median and p90 of each department; each number opens its cases."""
    page = history.page("/supervisor/steps?period=90")
    section = page[page.index("By department") : page.index("<h2>", page.index("By department") + 20)]
    links = re.findall(r'<a href="(/supervisor/cases\?show=(\w+)&[^"]*department=([\w.]+)[^"]*)">([\d,]+)<', section)
    assert {d for _, _, d, _ in links} > {"huaxi.market_reg", "huaxi.fire_rescue", "huaxi.urban_mgmt"}
    with history.rt.read() as session:
        rows = session.execute(
            select(Visit.case_id, Visit.department_id, Visit.service, Visit.step).where(
                Visit.area.in_(HUAXI), Visit.left_at >= NOW - timedelta(days=90), Visit.waited_on == "department"
            )
        ).all()
    whole = {(code, path) for code in definitions.codes() for path in definitions.current(code).blocks}
    visits = [(case, d) for case, d, service, step in rows if (service, step) not in whole]  # their branches count
    stays = Counter(d for _, d in visits)
    for href, show, department, number in links:
        shown = listed(history, href)
        if show == "finished":
            assert int(number.replace(",", "")) == stays[department], href
            assert len(shown) == len({c for c, d in visits if d == department}), href
        else:
            assert len(shown) == int(number.replace(",", "")), href
    for share in re.findall(r"(\d+)%", section):
        assert int(share) <= 100


def test_each_figure_of_the_workload_opens_its_list(history: History) -> None:
    page = history.page("/supervisor/workload?period=90")
    links = re.findall(r'<a(?: class="gs-figure--bad")? href="(/supervisor/cases\?show=[^"]+)">([\d,]+)<', page)
    assert len(links) > 4
    for href, number in links:
        assert len(listed(history, href)) == int(number.replace(",", "")), href


def test_what_was_done_stands_under_whoever_did_it(history: History) -> None:
    """Steps left by an action of a member of staff, counted from the events; nobody has done nothing."""
    with history.rt.read() as session:
        rows = workload(session, scope(None), NOW)
        staff = set(session.scalars(select(User.id).where(User.kind == "staff")))
        areas = {row.id: row.area for row in session.execute(select(Case.id, Case.area))}
        left = list(session.scalars(select(CaseEvent).where(CaseEvent.type == "step.left", CaseEvent.actor.in_(staff))))
    left = [e for e in left if not json.loads(e.data)["trigger"].startswith("@")]  # a join is nobody's work
    told = Counter(e.actor for e in left if areas[e.case_id] in HUAXI and e.at >= NOW - timedelta(days=90))
    assert len(told) > 3
    done: Counter[str | None] = Counter()
    for row in rows:
        done[row.user_id] += row.done
    assert done[None] == 0
    assert {who: n for who, n in done.items() if n} == told
    page = history.page("/supervisor/workload?period=90")
    assert "Food examiner" in page, "two roles of a department are told apart"


def test_the_late_page_and_its_lists(history: History) -> None:
    page = history.page("/supervisor/late")
    for show in ("late_here", "late", "soon"):
        number = re.search(rf'<a href="(/supervisor/cases\?show={show}[^"]*)">([\d,]+)</a>', page)
        assert number, show
        assert len(listed(history, number[1])) == int(number[2].replace(",", ""))


def test_the_longest_late_come_first(history: History) -> None:
    page = history.page("/supervisor/cases?show=late_here&service=open_restaurant&period=90")
    days = [int(n or 1) for n in re.findall(r"gs-tag--late.*?(?:(\d+) working days|Was due)", page)]
    assert len(days) > 2
    assert days == sorted(days, reverse=True)


def test_decided_cases_show_the_days_they_took_against_the_days_promised(history: History) -> None:
    """The list behind "On time" says of each case how long it took and what was promised; late ones took longer."""
    with history.rt.read() as session:
        decided = decided_cases(session, scope("open_restaurant"), history.rt.definitions, history.rt.calendars)
    assert decided
    for show in ("in_promise", "past_promise"):
        page = history.page(f"/supervisor/cases?show={show}&service=open_restaurant&period=90")
        pairs = re.findall(r"(\d+) working days?</div></td>.*?(\d+) working days", page, flags=re.DOTALL)
        assert len(pairs) == min(50, sum(d.in_promise is (show == "in_promise") for d in decided))
        assert all((int(took) <= int(promised)) is (show == "in_promise") for took, promised in pairs)


def test_cases_with_applicants_are_told_apart(history: History) -> None:
    asked = {c.number for c in history.of("open_restaurant") if c.open and c.asked}
    assert asked, "the history has cases that wait for the applicant"
    page = history.page("/supervisor/?service=open_restaurant")
    assert f"{len(asked)} cases, clock stopped" in page
    assert set(listed(history, "/supervisor/cases?show=stopped&service=open_restaurant&period=90")) == asked


# -- what a supervisor may see


def test_no_personal_name_on_any_page(history: History) -> None:
    addresses = [
        "/supervisor/",
        "/supervisor/late",
        "/supervisor/workload",
        "/supervisor/steps",
        "/supervisor/steps.csv",
    ]
    addresses += [f"/supervisor/cases?show={s}" for s in ("open", "decided", "late_here", "waiting", "stopped")]
    numbers = [c.number for c in history.told if c.area == "huaxi" and c.received][:12]
    pages = [history.page(a) for a in [*addresses, *(f"/supervisor/cases/{n}" for n in numbers)]]
    with history.rt.read() as session:
        names = set()
        for person in session.scalars(select(Person)):
            box = box_of(session, person.id)
            if box is not None and person.name_enc is not None:
                names.add(box.open_text(person.name_enc, f"people:{person.id}:name"))
    assert len(names) > 20
    with history.rt.read() as session:
        staff = {u.name["zh"] for u in session.scalars(select(User).where(User.kind == "staff"))}
    for page in pages:
        text = re.sub(r"<[^>]+>", " ", page)
        organisations = re.findall(r"贵阳[^\s<]+|[一-鿿]+(?:公司|店|馆|部)", text)
        for organisation in organisations:
            text = text.replace(organisation, " ")
        assert not [name for name in names - staff if name in text]


def test_only_the_own_area(history: History) -> None:
    foreign = [c.number for c in history.told if c.area == "nanming" and c.received]
    drafts = [c.number for c in history.told if c.received is None]
    assert foreign
    for number in [*foreign[:3], *drafts[:3]]:
        assert history.supervisor.get(f"/supervisor/cases/{number}").status_code == 404
    every = set()
    for show in ("open", "decided"):
        every |= set(listed(history, f"/supervisor/cases?show={show}&period=365&area=nanming"))
    assert not every & set(foreign)
    assert every, "a forged area is the own"


def test_words_and_answers_are_not_the_supervisors(history: History) -> None:
    number = next(c.number for c in history.of("open_restaurant") if c.closed and len(c.stays) > 6)
    page = history.page(f"/supervisor/cases/{number}")
    assert "what the applicant answered and what people wrote is not shown here" in page
    assert "gs-timeline__quote" not in page
    assert "Waits for you" not in page
