"""The worklist: order, urgency, counts, filters, pages, who has what; and searching among one's own cases."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from govservice.models.base import new_id
from govservice.models.cases import Case, CaseEvent, Task
from govservice.models.people import Organisation
from govservice.operations import accounts
from govservice.queries.worklist import Filters, worklist
from tests.support.rows import put
from tests.web.conftest import Stage
from tests.web.desks import Desks, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def rows_of(page: str) -> list[str]:
    """The table's rows, as text without tags, in order."""
    body = page.partition("<tbody")[2].partition("</tbody>")[0]
    return [re.sub(r"<[^>]+>", " ", row) for row in body.split("<tr ")[1:]]


def numbers_in(page: str) -> list[str]:
    return re.findall(r'href="/clerk/cases/([0-9A-Z-]+)"', page.partition("<tbody")[2])


def counts_of(page: str) -> dict[str, int]:
    found = re.findall(r'gs-counts__number[^"]*">([\d,]+)</span> ([^<]+)</a>', page)
    return {label.strip(): int(number.replace(",", "")) for number, label in found}


def add_tasks(desks: Desks, dues: list[timedelta | None], department: str = "huaxi.fire_rescue", role: str = "fire",
              name: str = "") -> list[str]:  # fmt: skip
    """Open cases with one task each, due this long after now (None: no date); their numbers, in the given order."""
    now, numbers = desks.stage.wall.now(), []
    rt = desks.stage.runtime
    person = desks.actor("wang.fang").person_id
    compiled = rt.definitions.current("open_restaurant")
    with rt.write() as session:
        organisation = Organisation(id=new_id(), uscc=new_id()[-18:], name=name or "某店", area="huaxi", created_at=now)
        session.add(organisation)
        session.flush()
        for n, due in enumerate(dues):
            case = Case(
                id=new_id(), number=f"{new_id()[-12:].upper()}-{n}", service=compiled.code, def_sha=compiled.sha,
                area="huaxi", applicant_id=person, organisation_id=organisation.id, channel="online", version=1,
                head="0" * 64, last_seq=1, data_rev=0, status="open", opened_at=now, received_at=now,
            )  # fmt: skip
            put(session, case)
            put(session, Task(
                id=new_id(), case_id=case.id, token_id=3, opened_seq=9, service=compiled.code, area="huaxi",
                step="review.fire.site", department_id=department, role=role, opened_at=now,
                step_due_at=now + due if due is not None else None, due_at=now + due if due is not None else None,
                due_kind="step" if due is not None else None, status="open",
            ))  # fmt: skip
            numbers.append(case.number)
    return numbers


def test_the_most_urgent_first_and_every_count_opens_its_list(desks: Desks) -> None:
    hour = timedelta(hours=1)
    later, late, today, soon = add_tasks(desks, [150 * hour, -50 * hour, 8 * hour, 56 * hour])
    page = words(desks.at("zhou.jie").get("/clerk/"))
    assert numbers_in(page) == [late, today, soon, later]
    tags = re.findall(r"gs-tag--(late|warn|info|mute)", page)
    assert tags == ["late", "warn", "info", "mute"]
    assert "Was due on Saturday 28 February at 08:00" in page, "not yet a working day late"
    assert "Due today" in page
    counts = counts_of(page)
    assert counts == {"All": 4, "Late": 1, "Due today": 1, "Due in 2 working days": 1, "Due later": 1,
                      "Clock stopped": 0}  # fmt: skip
    for urgency, number in {"late": late, "today": today, "soon": soon, "later": later}.items():
        assert numbers_in(words(desks.at("zhou.jie").get(f"/clerk/?due={urgency}"))) == [number]


def test_what_waits_for_the_applicant_stands_last_and_is_no_work(desks: Desks) -> None:
    asked, worked = desks.reviewed(), desks.reviewed()
    desks.do("zhou.jie", asked, "ask", desks.token(asked, "review.fire"), reason="r", data={"items": {"layout": "n"}})
    page = words(desks.at("zhou.jie").get("/clerk/"))
    assert numbers_in(page) == [worked, asked]
    assert counts_of(page)["Clock stopped"] == 1
    assert "/claim" not in page.partition(asked)[2], "there is nothing to claim"


def test_what_is_brought_to_attention_is_not_work(desks: Desks) -> None:
    number = desks.reviewed()
    desks.pass_time(days=16)  # the site visit's limit and the parallel step's pass
    rt = desks.stage.runtime
    from govservice.operations.clock import fire_due

    fire_due(rt, rt.now())
    assert any(t.role == "head" and t.status == "waiting" for t in desks.tasks(number))
    page = words(desks.at("he.tao").get("/clerk/"))
    assert counts_of(page)["All"] == 0
    assert counts_of(page)["To be seen only"] >= 1
    assert numbers_in(page) == []
    watched = words(desks.at("he.tao").get("/clerk/?due=watched"))
    assert set(numbers_in(watched)) == {number}
    assert "/claim" not in watched
    case = words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert "was brought to your attention" in case
    offered = case.partition('aria-label="Decision"')[2].partition("Internal notes")[0]
    assert 'formaction="/clerk/cases/' not in offered.replace(f'formaction="/clerk/cases/{number}/recheck"', "")
    assert f"/clerk/cases/{number}/act" not in offered


def test_a_leads_parallel_step_is_only_seen_until_there_is_a_notice_to_send(desks: Desks) -> None:
    from govservice.operations.demo_cast import further_staff

    lead = next(m.login for m in further_staff(desks.stage.runtime) if ("lead", "market_reg") in m.roles
                and m.area == "huaxi")  # fmt: skip
    number = desks.reviewed()
    assert numbers_in(words(desks.at(lead).get("/clerk/"))) == []
    assert numbers_in(words(desks.at(lead).get("/clerk/?due=watched"))) == [number]
    desks.do("zhou.jie", number, "ask", desks.token(number, "review.fire"), reason="r", data={"items": {"layout": "n"}})
    assert numbers_in(words(desks.at(lead).get("/clerk/"))) == [number]
    sent = desks.send(lead, number, "", "@send_notice")
    assert sent.status_code == 302
    assert desks.state(number).notice is not None


def test_only_the_own_area_and_role(desks: Desks) -> None:
    number = desks.reviewed()
    for login, expected in {
        "zhou.jie": 1,
        "zhang.qiang": 1,
        "sun.min": 1,
        "li.na": 0,
        "he.tao": 0,
        "ma.jun": 0,
    }.items():
        assert numbers_in(words(desks.at(login).get("/clerk/"))) == [number] * expected, login


def test_filters_narrow_the_list_and_its_counts(desks: Desks) -> None:
    first, second = desks.reviewed(), desks.reviewed()
    desks.do("zhou.jie", first, "@claim", desks.token(first, "review.fire"))
    clerk = desks.at("zhou.jie")
    assert numbers_in(words(clerk.get("/clerk/?with=me"))) == [first]
    assert numbers_in(words(clerk.get("/clerk/?with=nobody"))) == [second]
    assert sorted(numbers_in(words(clerk.get("/clerk/?with=mine_or_nobody")))) == sorted([first, second])
    narrowed = words(clerk.get("/clerk/?with=me"))
    assert counts_of(narrowed)["All"] == 1
    assert "2 tasks for you" in narrowed, "the sentence counts all work"
    assert "With me" in narrowed
    assert numbers_in(words(clerk.get("/clerk/?step=review.food.desk"))) == []
    assert numbers_in(words(clerk.get("/clerk/?service=food_business_licence"))) == []
    assert "No task fits these filters" in words(clerk.get("/clerk/?service=food_business_licence"))
    for typed in (first, first.lower(), first.replace("-", ""), f" {first[:5]} {first[6:]} "):
        assert numbers_in(words(clerk.get("/clerk/", query_string={"q": typed}))) == [first], typed
    name = "清味"
    assert sorted(numbers_in(words(clerk.get("/clerk/", query_string={"q": name})))) == sorted([first, second])
    for odd in ("%", "_", "\\", "清%味", "' OR 1=1 --"):
        assert numbers_in(words(clerk.get("/clerk/", query_string={"q": odd}))) == [], odd


def test_names_beside_tasks_are_in_the_readers_language(desks: Desks) -> None:
    number = desks.reviewed()
    desks.do("wu.gang", number, "@claim", desks.token(number, "review.food"))
    assert "Wu Gang" in words(desks.at("zhang.qiang").get("/clerk/"))
    desks.at("zhang.qiang").set_cookie("language", "zh")
    page = words(desks.at("zhang.qiang").get("/clerk/"))
    assert "吴刚" in page
    assert "{'en'" not in page
    assert 'lang="zh-CN"' in page
    assert "<strong>You</strong>" in words(desks.at("wu.gang").get("/clerk/"))


def test_pages_follow_each_other_without_gaps(desks: Desks) -> None:
    dues: list[timedelta | None] = [timedelta(hours=n // 3) for n in range(110)]  # many are due at the same instant
    numbers = add_tasks(desks, [*dues, None, None])
    client, found, address = desks.at("zhou.jie"), [], "/clerk/"
    for _ in range(3):
        page = words(client.get(address))
        found += numbers_in(page)
        address = (re.findall(r'href="(/clerk/\?[^"]*after=[^"]+)"', page) or [""])[-1]
    assert len(found) == len(set(found)) == 112
    assert set(found[-2:]) == set(numbers[-2:]), "work without a date stands last"
    assert address == ""
    assert "Back to the most urgent" in page


@pytest.mark.parametrize(
    "after", ["x", "|", "2026-03-02|x", "2026-03-02T00:00:00|x", "0001-01-01T00:00:00+14:00|x", "9999|", "|" + "x" * 99,
              "2026-03-02T00:00:00+08:00|' OR 1=1"]
)  # fmt: skip
def test_a_forged_place_in_the_list_is_no_fault(desks: Desks, after: str) -> None:
    add_tasks(desks, [timedelta(hours=1)])
    assert desks.at("zhou.jie").get("/clerk/", query_string={"after": after, "due": after}).status_code == 200


def test_an_empty_list_says_what_will_come(desks: Desks) -> None:
    page = words(desks.at("he.tao").get("/clerk/"))
    assert "Your worklist is empty" in page
    assert "<table" not in page


def test_every_persons_name_in_a_list_is_a_read(desks: Desks) -> None:
    own = desks.submitted("liu.yang", "open_restaurant", "huaxi", for_organisation=False)
    desks.submitted("wang.fang", "open_restaurant", "huaxi")  # an organisation's name is public
    page = words(desks.at("li.na").get("/clerk/"))
    assert "刘洋" in page
    li_na = desks.actor("li.na").id
    assert desks.reads("liu.yang") == [("list", ("person.name",), desks.id_of(own), li_na)]
    assert desks.reads("wang.fang") == []
    desks.at("li.na").get("/clerk/?with=me")
    assert len(desks.reads("liu.yang")) == 1, "a list that does not show the name reads nothing"


def test_a_task_at_a_step_that_a_newer_version_dropped(desks: Desks) -> None:
    """The title is the pinned version's, and nothing fails where no version knows it."""
    add_tasks(desks, [timedelta(hours=1)])
    with desks.stage.runtime.write() as session:
        session.execute(update(Task).values(step="review.gone.desk"))
    page = desks.at("zhou.jie").get("/clerk/?step=review.gone.desk")
    assert page.status_code == 200
    assert "review.gone.desk" in words(page)


# -- claiming


def test_claiming_and_giving_back(desks: Desks) -> None:
    number = desks.reviewed()
    token = desks.token(number, "review.fire")
    taken = desks.post("zhou.jie", f"/clerk/cases/{number}/{token}/claim", idem="k1")
    assert taken.status_code == 302
    assert taken.location == f"/clerk/cases/{number}"
    again = desks.post("zhou.jie", f"/clerk/cases/{number}/{token}/claim", idem="k1")
    assert again.status_code == 302, "a double click takes it once"
    assert [t.assignee_id for t in desks.tasks(number) if t.role == "fire"] == [desks.actor("zhou.jie").id]
    back = desks.post("zhou.jie", f"/clerk/cases/{number}/{token}/release")
    assert back.location == "/clerk/"
    assert [t.assignee_id for t in desks.tasks(number) if t.role == "fire"] == [None]


def test_what_somebody_had_taken_who_is_gone_goes_back(desks: Desks) -> None:
    """A closed account holds no task for ever: the others could neither act on it nor take it."""
    number = desks.filed()
    token = desks.token(number, "")
    assert desks.post("li.na", f"/clerk/cases/{number}/{token}/claim").status_code == 302
    accounts.disable(desks.stage.runtime, "li.na", now=desks.stage.wall.now())
    assert [t.assignee_id for t in desks.tasks(number) if t.role == "window"] == [None]
    with desks.database.read() as session:
        released = session.scalars(select(CaseEvent).where(CaseEvent.type == "task.released")).one()
    assert (released.actor, json.loads(released.data)["by"]) == ("system", desks.actor("li.na").id)
    assert accounts.disable(desks.stage.runtime, "li.na", now=desks.stage.wall.now()) == 0


def test_who_comes_second_learns_who_has_it(desks: Desks) -> None:
    number = desks.reviewed()
    token = desks.token(number, "review.food")
    assert desks.post("wu.gang", f"/clerk/cases/{number}/{token}/claim").status_code == 302
    refused = desks.post("zhang.qiang", f"/clerk/cases/{number}/{token}/claim")
    assert refused.status_code == 409
    assert "Wu Gang has taken this task." in words(refused)
    assert desks.post("zhang.qiang", f"/clerk/cases/{number}/{token}/release").status_code == 409
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    assert "Wu Gang has taken this task." in page
    assert "/pass" not in page, "somebody else's task offers nothing"


@pytest.mark.parametrize("token", ["0", "99", "99999999999999999999"])
def test_a_token_that_is_not_there(desks: Desks, token: str) -> None:
    number = desks.reviewed()
    before = desks.fingerprint()
    for what in ("claim", "release"):
        assert desks.post("zhou.jie", f"/clerk/cases/{number}/{token}/{what}").status_code in (404, 409)
    assert desks.fingerprint() == before


# -- searching


def test_searching_finds_only_the_own_cases(desks: Desks) -> None:
    mine, foreign = desks.reviewed(), desks.filed("chen.wei", area="nanming")
    clerk = desks.at("zhou.jie")
    assert numbers_in(words(clerk.get(f"/clerk/search?q={mine.lower()}"))) == [mine]
    assert numbers_in(words(clerk.get(f"/clerk/search?q={foreign}"))) == []
    assert "No case found" in words(clerk.get(f"/clerk/search?q={foreign}"))
    assert numbers_in(words(clerk.get("/clerk/search", query_string={"q": "清味"}))) == [mine]
    assert "<table" not in words(clerk.get("/clerk/search")), "nothing is listed unasked"
    assert 'href="/clerk/search"' in words(clerk.get("/clerk/")), "the navigation leads there"
    waiting = desks.filed()
    assert numbers_in(words(clerk.get(f"/clerk/search?q={waiting}"))) == [], "not yet at this department"


def test_a_name_found_is_a_read(desks: Desks) -> None:
    own = desks.submitted("liu.yang", "open_restaurant", "huaxi", for_organisation=False)
    page = words(desks.at("li.na").get(f"/clerk/search?q={own}"))
    assert "刘洋" in page
    assert desks.reads("liu.yang") == [("search", ("person.name",), desks.id_of(own), desks.actor("li.na").id)]


# -- the list as a file


def test_the_list_as_a_file_runs_no_formula_and_is_a_read(desks: Desks) -> None:
    own = desks.submitted("liu.yang", "open_restaurant", "huaxi", for_organisation=False)
    [evil] = add_tasks(desks, [timedelta(hours=5)], "huaxi.service_hall", "window", name='=HYPERLINK("http://x")')
    answer = desks.at("li.na").get("/clerk/worklist.csv")
    rows = list(csv.reader(answer.get_data(as_text=True).lstrip("\ufeff").splitlines()))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert rows[0][:4] == ["Due", "Which limit", "Urgency", "Applicant"], "in the reader's language"
    assert {row[5]: row[3] for row in rows[1:]} == {own: "刘洋", evil: '\'=HYPERLINK("http://x")'}
    assert desks.reads("liu.yang") == [("list", ("person.name",), desks.id_of(own), desks.actor("li.na").id)]
    assert 'href="/clerk/worklist.csv?with=nobody"' in words(desks.at("li.na").get("/clerk/?with=nobody"))
    only = desks.at("li.na").get("/clerk/worklist.csv", query_string={"q": own}).get_data(as_text=True)
    assert evil not in only


# -- the query alone


def test_a_page_of_many_cases_is_few_statements(desks: Desks, calendars: Any) -> None:
    from sqlalchemy import event

    add_tasks(desks, [timedelta(hours=n) for n in range(60)])
    counted: list[str] = []
    engine = desks.stage.runtime.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: counted.append(a[2]))
    with desks.stage.runtime.read() as session:
        shown = worklist(
            session, [("fire", "huaxi.fire_rescue")], "x", Filters(), calendars["cn"], desks.stage.wall.now()
        )
    assert len(shown.rows) == 50
    assert len([s for s in counted if s.startswith("SELECT")]) <= 7


def test_nobody_without_a_role(desks: Desks, calendars: Any) -> None:
    with desks.stage.runtime.read() as session:
        assert worklist(session, [], "x", Filters(), calendars["cn"], desks.stage.wall.now()).rows == ()
    assert calendars["cn"].local_date(desks.stage.wall.now()) == date(2026, 3, 2)
