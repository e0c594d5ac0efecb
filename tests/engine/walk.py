"""A case in memory, moved by `decide` alone, and an independent reading of what its events must add up to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from govservice.definitions.compiled import Compiled
from govservice.definitions.machine import machine_edges
from govservice.definitions.values import typed
from govservice.engine import MAIN, SYSTEM, Actor, CaseState, Command, Ctx, Event, Offer, available, evolve
from govservice.engine.apply import timer_command
from govservice.engine.decide import due_timer, plan
from govservice.engine.events import BY_NAME
from govservice.engine.evolve import fold
from govservice.engine.invariants import breaches
from govservice.engine.snapshot import dump, load
from govservice.models.base import to_iso
from govservice.worktime.duration import Duration
from govservice.worktime.limits import Pause, due_on
from tests.engine.world import AREA, CALENDARS, CATALOGUE, MONDAY

CAL = CALENDARS.for_area(AREA)


class Walk:
    """One case of a definition; `now` moves by `tick`."""

    def __init__(self, d: Compiled, answers: Mapping[str, Any]) -> None:
        self.d, self.answers, self.rev, self.count = d, dict(answers), 1, 0
        self.now = MONDAY
        self.wang = Actor("wang", "applicant", (), "person")
        self.state = CaseState()
        self.events: list[Event] = []
        data = {"case_id": "c" * 36, "number": "N", "service": d.code, "def_sha": d.sha, "person_id": "person"}
        self.do(self.wang, "@open", None, data=data)

    def do(self, actor: Actor, trigger: str, token: int | None, **more: Any) -> list[Event]:
        self.count += 1
        command = Command(
            case_id=self.state.case_id or None, trigger=trigger, idem=f"k{self.count}", now=self.now, actor=actor,
            token_id=token, **more,
        )  # fmt: skip
        return self.run(command)

    def run(self, command: Command) -> list[Event]:
        self.state.ctx = self.ctx
        work = plan(self.d, self.state, command, CALENDARS)
        self.events += work.events
        after = self.state
        for event in work.events:
            after = evolve(after, event)
        assert after == work.st, "evolve of the events is not what decide saw"
        self.state = load(dump(after))
        assert self.state == after, "a kept state does not come back as it was"
        return work.events

    @property
    def ctx(self) -> Ctx:
        return Ctx(CATALOGUE, typed(self.d.service.fields, self.answers), None, CAL)

    def offers(self, actor: Actor) -> list[Offer]:
        return available(self.d, self.state, actor, self.ctx)

    def take(self, actor: Actor, offer: Offer, items: tuple[str, ...] = ()) -> list[Event]:
        data: dict[str, Any] = {"items": dict.fromkeys(items, "x")} if offer.needs.items else {}
        if offer.needs.length:
            data["length"] = "5wd"
        if self.state.status == "draft":
            data["data_rev"] = self.rev
        return self.do(actor, offer.action, offer.token_id, data=data, reason="r", attachments=offer.needs.attachments)

    def resubmit(self, answers: Mapping[str, Any]) -> None:
        changed = sorted(k for k in {*answers, *self.answers} if answers.get(k) != self.answers.get(k))
        self.answers, self.rev = dict(answers), self.rev + 1
        self.do(self.wang, "@resubmit", MAIN, data={"data_rev": self.rev, "changed": changed})

    def tick(self, now: datetime) -> int:
        self.now, fired = now, 0
        while (timer := due_timer(self.state, to_iso(now))) is not None:
            self.run(timer_command(self.state, timer))
            fired += 1
            assert fired < 200, "timers do not come to rest"
        return fired

    def auto(self, ok: bool, **result: Any) -> None:
        self.do(SYSTEM, "@ok" if ok else "@fail", MAIN, data={"result": result})

    # -- what must hold

    def check(self) -> None:
        self.legal_steps()
        self.catalogued()
        self.folded()
        assert list(breaches(self.d, self.state)) == []
        self.owned()
        self.clocks_recomputed()

    def folded(self) -> None:
        """I2: the state is the fold of the events, whoever folds them."""
        state = CaseState()
        for event in self.events:
            fold(state, event)
        assert state == self.state

    def legal_steps(self) -> None:
        """I2: each move is an edge of the definition's machine."""
        edges = machine_edges(self.d.machine)
        leaving: dict[int, tuple[str, str]] = {}
        for event in self.events:
            d, token = event.data, event.token_id or MAIN
            if event.type == "step.left":
                leaving[token] = (d["trigger"], d["step"])
            elif token in leaving and event.type in ("step.entered", "case.closed", "branch.ended", "consult.ended"):
                ends = {"branch.ended": "branch", "consult.ended": "step"}.get(event.type)
                dest = f"{d[ends].partition('/')[0]}#{d['outcome']}" if ends else d["step"]
                assert (*leaving.pop(token), dest) in edges
        assert not leaving

    def catalogued(self) -> None:
        """Every event is of a documented type, with documented fields."""
        for event in self.events:
            entry = BY_NAME[event.type]
            assert entry.required <= set(event.data) <= entry.allowed, (event.type, sorted(event.data))
            assert event.v == entry.v

    def owned(self) -> None:
        """I6: no submitted, open case without an owner, a due date and a legal next step."""
        st = self.state
        if st.status != "open":
            return
        assert st.tasks or st.notice or self.d.steps[st.main.step].kind in ("auto", "applicant")
        dated = [c for c in st.clocks.values() if c.running] or [t for t in st.timers.values() if t.due_at]
        assert dated, "nothing is due"
        for token in st.tokens.values():
            if token.status == "active":
                assert self.d.out[token.step]

    def clocks_recomputed(self) -> None:
        """I7: every clock equals a computation from the events alone, by `worktime` directly."""
        for name, limit in self.d.limits.items():
            key = f"limit:{name}"
            mine = [e for e in self.events if e.data.get("key") == key and e.type.startswith("clock.")]
            clock = self.state.clocks.get(key)
            if clock is None:
                assert not mine
                continue
            start = max(i for i, e in enumerate(mine) if e.type == "clock.started")
            began = datetime.fromisoformat(mine[start].data["started_at"])
            pauses: list[Pause] = []
            for event in mine[start:]:
                if event.type == "clock.paused":
                    pauses.append(Pause(event.moment, None, event.data["kind"]))
                elif event.type == "clock.resumed":
                    pauses[-1] = Pause(pauses[-1].start, event.moment, pauses[-1].kind)
            if clock.running:
                longer = [e.data["statutory"] for e in mine[start:] if e.type == "clock.extended"]
                statutory = Duration.parse(longer[-1]) if longer else limit.statutory
                assert clock.statutory_on == due_on(CAL, began, statutory, pauses).isoformat()
                if limit.promised is not None:
                    assert clock.promised_on == due_on(CAL, began, limit.promised, pauses).isoformat()
            paused = bool(pauses) and pauses[-1].end is None and clock.stopped_at is None
            assert (clock.paused_since is not None) == paused
