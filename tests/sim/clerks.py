"""Virtual staff: they claim, decide, ask for corrections, pause clocks; heads extend, leads send notices and give out
work, supervisors intervene. Now and then somebody tries what is not theirs."""

from __future__ import annotations

from typing import Any

from govservice.engine import Actor, Expected
from tests.sim.reading import Case, Token
from tests.sim.reading_parts import MAIN
from tests.sim.world import Sim

ITEMS = {
    "open_restaurant": ("menu.seats", "premises.area", "signage.text", "layout"),
    "neighbours": ("house.adults", "sign.text", "house.floors"),
}  # fmt: skip


def act(sim: Sim, case: Case) -> None:
    """Somebody takes an action at an open step of people."""
    pick, d = sim.random, sim.rules.of(case)
    choices = [
        (token, edge)
        for token in case.tokens.values()
        if token.open and (case.status != "closed" or token.kind == "after")
        for edge in d.out.get(token.step, ())
        if edge.kind == "action" and edge.by in d.service.roles
    ]
    if pick.random() < 0.9:
        choices = [(t, e) for t, e in choices if likely(case, t, e)]
    if not choices:
        return
    weights = [weight(d, edge) for _, edge in choices]
    token, edge = pick.choices(choices, weights)[0]
    actor = by_chance(sim, edge.by, token, case)
    page = sim.pages.pop((actor.id, case.id, token.id), None)
    sim.wish(
        sim.command(case, actor, edge.name, token.id, **with_it(sim, case, token, edge, page)),
        is_old(case, token, page),
    )


def likely(case: Case, token: Token, edge: Any) -> bool:
    """Whether the step is one where this is done at this moment, whoever does it."""
    held = any(id == token.id and kind in (edge.pause, edge.resume) for id, kind in case.holds)
    return token.status == "active" and (edge.resume is None or held) and (edge.pause is None or not held)


def weight(d: Any, edge: Any) -> float:
    """Most of what happens in an office goes on towards a decision."""
    if any(t.end in ("rejected",) for t in edge.targets) or any(
        d.steps[t.to].outcome in ("refused", "withdrawn") for t in edge.targets if t.to
    ):
        return 0.25
    return 1.2 if edge.correction or edge.pause or edge.name in ("back", "reopen", "object") else 3.0


def by_chance(sim: Sim, role: str, token: Token, case: Case) -> Actor:
    """Mostly whoever has the task, else a holder of the role, sometimes anybody."""
    pick, office = sim.random, sim.office
    task = case.task_of(token.id)
    if task is not None and task["assignee"] and pick.random() < 0.8:
        deputy = sim.deputies.deputy_of(task["assignee"], sim.today())
        return sim.who(deputy if deputy is not None and pick.random() < 0.7 else task["assignee"])
    if pick.random() < 0.04:
        return pick.choice([*office.staff.values(), *office.outsiders, *office.citizens])
    holders = office.holders(role)
    fresh = [a for a in holders if a.person_id != case.person and not any(a.id in who for who in case.acts.values())]
    found = pick.choice(fresh if fresh and pick.random() < 0.8 else holders)
    deputy = sim.deputies.deputy_of(found.id, sim.today())
    return sim.who(deputy) if deputy is not None and pick.random() < 0.8 else found


def with_it(sim: Sim, case: Case, token: Token, edge: Any, page: Any) -> dict[str, Any]:
    """What comes with an action; now and then something is forgotten."""
    pick, more, forgets = sim.random, {}, sim.random.random() < 0.03
    if edge.requires_attachments and not forgets:
        more["attachments"] = edge.requires_attachments
    if (edge.reason or edge.pause or edge.consult or pick.random() < 0.1) and not forgets:
        more["reason"] = "because"
    data: dict[str, Any] = {}
    if edge.correction and not forgets:
        items = ITEMS.get(case.service)
        if items is None:
            items = tuple(sorted(sim.rules.of(case).service.fields))[:3]
        names, some = sim.office.names.get(case.sha, {}), pick.sample(items, pick.randint(1, min(2, len(items))))
        data["items"] = dict.fromkeys([names.get(name, name) for name in some], "wrong")
    if edge.pause and edge.length is None and not forgets:
        data["length"] = pick.choice(("5wd", "12wd", "10d"))
    if page is not None:
        more["expected"] = Expected(page[0], page[1])
    return {**more, "data": data}


def look(sim: Sim, case: Case) -> None:
    """A page is opened; what it showed is sent with the act, which may come much later."""
    token = sim.random.choice([t for t in case.tokens.values() if t.open] or [case.main])
    row = sim.eye.row("SELECT version FROM tokens WHERE case_id = ? AND id = ?", case.id, token.id)
    step = sim.rules.of(case).steps.get(token.step)
    if row is None or step is None or step.owner is None:
        return
    for actor in sim.office.holders(step.owner):
        sim.pages[(actor.id, case.id, token.id)] = (row[0], case.rev, token.moved)


def is_old(case: Case, token: Token, page: Any) -> bool:
    return page is not None and (page[1] != case.rev or page[2] != token.moved)


def claim(sim: Sim, case: Case) -> None:
    pick = sim.random
    tasks = [t for t in case.tasks.values() if not t["watch"]]
    if pick.random() < 0.9:
        tasks = [t for t in tasks if t["assignee"] is None and case.tokens[t["token"]].status == "active"]
    if not tasks:
        return act(sim, case)
    task = pick.choice(tasks)
    actor = by_chance(sim, task["role"], case.tokens[task["token"]], case)
    trigger = "@release" if task["assignee"] is not None and pick.random() < 0.4 else "@claim"
    sim.wish(sim.command(case, actor, trigger, task["token"]))
    return None


def notice(sim: Sim, case: Case) -> None:
    if any(not told for told in case.asks.values()):
        sim.wish(sim.command(case, sim.random.choice(sim.office.holders("lead")), "@send_notice", MAIN))


def extend(sim: Sim, case: Case) -> None:
    limits = [limit for limit in sim.rules.of(case).limits.values() if limit.extend is not None]
    if limits:
        limit = sim.random.choice(limits)
        actor = by_chance(sim, limit.extend.role, case.main, case)
        reason = None if sim.random.random() < 0.05 else "more time"
        cmd = sim.command(case, actor, f"@extend:{limit.name}", MAIN, reason=reason)
        known = case.limits.get(f"limit:{limit.name}")
        if known is not None and known.extended:  # the law allows it once: they try again
            sim.send(cmd, sim.expect(cmd))
        else:
            sim.wish(cmd)


def supervise(sim: Sim, case: Case) -> None:
    """Gives work to somebody, ends a part, lets one be looked at again."""
    pick, office = sim.random, sim.office
    token = pick.choice(list(case.tokens.values()))
    boss = office.staff["boss"] if pick.random() < 0.85 else pick.choice(list(office.staff.values()))
    how = pick.choice(("@assign", "@assign", "@cancel", "@reopen"))
    more: dict[str, Any] = {"reason": "because" if pick.random() < 0.9 else None}
    if how == "@assign":
        task = case.task_of(token.id)
        likely = (
            office.holders(task["role"]) if task is not None and pick.random() < 0.8 else list(office.staff.values())
        )
        more["assignee"] = pick.choice(likely)
    sim.wish(sim.command(case, boss, how, token.id, **more))
