"""Virtual applicants: open a draft, fill it, send it, answer corrections, bring what was put off, withdraw, pay."""

from __future__ import annotations

from typing import Any

from govservice.engine import Actor
from govservice.exchange.snapshot import seal_snapshot
from govservice.models.casedata import Form, read_form, write_form
from govservice.models.cases import Case as CaseRow
from tests.sim.office import AREA, ELSEWHERE
from tests.sim.reading import Case
from tests.sim.reading_parts import MAIN
from tests.sim.world import Sim

SERVICES = {  # how often what is applied for
    "open_restaurant": 4, "neighbours": 4, "workshop": 4, "food_business_licence": 2, "stall_permit": 3, "exam_seat": 3,
    "package": 3,
}  # fmt: skip
CHANGES: dict[str, dict[str, tuple[Any, ...]]] = {  # what an applicant may answer, by field
    "open_restaurant": {
        "premises.area": ("120", "299.99", "300", "5000"), "menu.seats": (0, 1, 60), "signage.text": ("a", "b"),
    },
    "food_business_licence": {
        "premises.area": ("50", "400"), "manager.name": ("M", "N"), "org.discredited": (False, False, True),
    },
    "neighbours": {
        "house.adults": ("", "ann", "ann bo", "ann, bo, chen"), "house.floors": (1, 2, 3), "sign.text": ("x", "y"),
    },
    "workshop": {
        "place.size": (50, 200, 300), "sign.text": ("x", "y"), "place.window": (None, None, AREA, ELSEWHERE),
    },
    "package": {"want.second": (True, False)},
    "stall_permit": {}, "exam_seat": {}, "part_one": {}, "part_two": {}, "part_three": {},
}  # fmt: skip
PLEDGES = {"open_restaurant": "food_safety_pledge", "food_business_licence": "food_licence_pledge"}
DISTRICT = {
    "open_restaurant": "premises.district", "food_business_licence": "premises.district",
    "stall_permit": "stall.district", "exam_seat": "stall.district",
}  # fmt: skip


def open_case(sim: Sim) -> None:
    pick = sim.random
    actor = pick.choice(sim.office.citizens)
    service = pick.choices(list(SERVICES), list(SERVICES.values()))[0]
    d = sim.office.definitions.current(service)
    data = {
        "number": f"S{pick.getrandbits(64):x}", "service": service, "def_sha": d.sha, "person_id": actor.person_id,
        "organisation_id": None, "mandate_id": None, "channel": "online", "area": None,
    }  # fmt: skip
    if pick.random() < 0.03:  # for somebody else
        data["person_id"] = next(c.person_id for c in sim.office.citizens if c is not actor)
        sim.send(sim.command(None, actor, "@open", data=data), "not for others")
        return
    sim.send(sim.command(None, actor, "@open", data=data), None)


def answers_of(sim: Sim, case: Case) -> dict[str, Any]:
    """A new set of answers: what was said before, something of it changed."""
    pick, known = sim.random, sim.rules.answers.get((case.id, case.rev))
    names = sim.office.names.get(case.sha, {})  # what this version of the procedure calls its fields
    usual = {new: old for old, new in names.items()}
    known = {usual.get(name, name): value for name, value in known.items()} if known is not None else None
    given = dict(known or {DISTRICT.get(case.service, "place.district"): AREA})
    choices = CHANGES[case.service]
    for name in (
        choices if known is None else pick.sample(sorted(choices), min(len(choices), pick.choice((0, 1, 1, 2, 2))))
    ):
        given[name] = pick.choice(choices[name])
    if case.service in PLEDGES:
        given.setdefault("org.discredited", False)
    if case.service == "neighbours" and "other.id" not in given:
        given["other.id"] = pick.choice([n for n, id in sim.office.numbers.items() if id != case.person])
    return {names.get(name, name): value for name, value in given.items()}


def fill(sim: Sim, case: Case, actor: Actor) -> tuple[int, list[str]] | None:
    """Writes a revision as the form does. Returns its number and what changed; None where the process died."""
    given = answers_of(sim, case)

    def work() -> tuple[int, list[str]]:
        with sim.office.database.write() as session:
            old = read_form(session, case.person, case.id, case.rev)
            form = Form(answers=given, sources=dict.fromkeys(given, "you"), agreed_at=f"{sim.office.key()}")
            form = write_form(session, case.person, case.id, form, actor.id, sim.office.now)
            return form.rev, form.changed_from(old)

    fault, sim.fault = sim.fault, ""
    said = sim.carry_out(work)
    sim.fault = fault
    sim.settle()
    if said.outcome != "done":
        return None
    rev, changed = said.applied  # type: ignore[misc]
    sim.rules.answers[(case.id, rev)] = given
    return rev, changed


def submit(sim: Sim, case: Case) -> None:
    pick, actor = sim.random, sim.who(f"applicant:{case.person}")
    filled = fill(sim, case, actor)
    if filled is None:
        return
    data: dict[str, Any] = {"data_rev": filled[0], "changed": filled[1]}
    if case.service in PLEDGES:
        listed = sim.rules.answers[(case.id, filled[0])].get("org.discredited") is not False
        if pick.random() < 0.4 and not listed:
            data["deferred"] = ["health_certificates"]
        if pick.random() < 0.4 and not listed:
            pledge = sim.rules.catalogue.pledges[PLEDGES[case.service]]
            data["pledges"] = {"rules": pledge.version}
    said = sim.wish(sim.command(case, actor, "submit", MAIN, data=data))
    if said.outcome == "done":
        seal(sim, case)


def seal(sim: Sim, case: Case) -> None:
    """The receipt: what was sent, sealed; its hash is what the applicant holds."""
    with sim.office.database.write() as session:
        row = session.get_one(CaseRow, case.id)
        form = read_form(session, case.person, case.id, case.rev)
        made = seal_snapshot(session, row, sim.rules.of(case), form.as_json(), {}, reason="submit", now=sim.office.now)
        sim.receipts[case.id] = made.sha256
    sim.settle()


def resubmit(sim: Sim, case: Case) -> None:
    actor = sim.who(f"applicant:{case.person}")
    filled = fill(sim, case, actor)
    if filled is None:
        return
    data: dict[str, Any] = {"data_rev": filled[0], "changed": filled[1]}
    due = sorted(name for name, is_open in case.gaps.items() if is_open)
    if due and sim.random.random() < 0.5:
        data["supplied"] = due
    if case.pledges and sim.random.random() < 0.3:
        data["pledges"] = {}
    sim.wish(sim.command(case, actor, "@resubmit", MAIN, data=data))


def supply(sim: Sim, case: Case) -> None:
    """What was put off comes; now and then again, although it has come."""
    actor = sim.who(f"applicant:{case.person}")
    names = sorted(name for name, is_open in case.gaps.items() if is_open or sim.random.random() < 0.1)
    if not names:
        return
    rev = case.rev + 1 if (case.id, case.rev + 1) not in sim.rules.answers else case.rev
    sim.rules.answers.setdefault((case.id, rev), sim.rules.answers.get((case.id, case.rev), {}))
    filled = fill_same(sim, case, actor)
    if filled is not None:
        sim.wish(sim.command(case, actor, "@supply", MAIN, data={"data_rev": filled, "supplied": names}))


def fill_same(sim: Sim, case: Case, actor: Actor) -> int | None:
    """A revision with the same answers and another file."""
    with sim.office.database.write() as session:
        old = read_form(session, case.person, case.id, case.rev)
        form = Form(answers=old.answers, sources=old.sources, agreed_at=sim.office.key())
        rev = write_form(session, case.person, case.id, form, actor.id, sim.office.now).rev
    sim.settle()
    sim.rules.answers[(case.id, rev)] = dict(old.answers)
    return rev


def withdraw(sim: Sim, case: Case) -> None:
    sim.wish(sim.command(case, sim.who(f"applicant:{case.person}"), "withdraw", MAIN))


def confirm(sim: Sim, case: Case) -> None:
    """Whoever was asked to confirm a part of their own."""
    asked = [t for t in case.tokens.values() if t.open and t.person is not None]
    if not asked:
        return
    token = sim.random.choice(asked)
    action = sim.random.choice(("confirm", "confirm", "decline"))
    who = sim.random.choice((token.person, token.person, token.person, case.person))
    sim.wish(sim.command(case, sim.who(f"applicant:{who}"), action, token.id, reason="because"))


def own_step(sim: Sim, case: Case) -> None:
    """The applicant decides at a step of theirs: of a bundle that did not wholly succeed."""
    actor = sim.who(f"applicant:{case.person}")
    if case.main.step == "partly":
        sim.wish(sim.command(case, actor, sim.random.choice(("again", "finish")), MAIN))
    elif case.main.step == "together":
        failed = [s for s, c in case.children.items() if c["outcome"] in ("refused", "withdrawn", "failed")]
        if failed:
            cmd = sim.command(case, actor, "@restart", MAIN, data={"service": sim.random.choice(failed)})
            sim.send(cmd, "?")
