"""The other half of an account: corrections, excluded time, promises, children, clocks and timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.reading_parts import MAIN, Limit, Node, Token, Told, end_pause


class Waiting:
    """What `Case` folds of everything that waits."""

    if TYPE_CHECKING:
        rev: int
        notice: Node | None
        tokens: dict[int, Token]
        tasks: dict[int, Node]
        timers: dict[tuple[int, str], list[Any]]
        stays: dict[int, list[Any]]
        limits: dict[str, Limit]
        asks: dict[int, bool]
        changes: list[tuple[int, list[str]]]
        holds: list[tuple[int, str]]
        gaps: dict[str, bool]
        pledges: dict[str, Node]
        children: dict[str, Node]
        fired: set[tuple[int, str]]

        def _set(self, timers: Any, seq: int) -> None: ...
        def _task_status(self, token: int, status: str) -> None: ...

    # -- corrections and excluded time

    def _correction_asked(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        self.asks[ev.token] = False
        token.status, token.waits_for, token.acted, token.confirmed = "waiting", "correction_notice", True, None
        token.moved, token.rev = ev.seq, self.rev
        self._task_status(ev.token, "waiting")
        self._set(ev.data.get("timers", ()), ev.seq)
        if ev.token != MAIN:
            self._task_status(MAIN, "open")

    def _correction_notified(self, ev: Told) -> None:
        for id in ev.data["tokens"]:
            self.asks[id] = True
            self.tokens[id].waits_for, self.tokens[id].moved = "correction", ev.seq
        out = self.notice["tokens"] if self.notice else []
        self.notice = {"seq": ev.seq, "at": ev.at, "scope": ev.data["scope"], "tokens": [*out, *ev.data["tokens"]]}
        self.timers.pop((MAIN, "correction:collect"), None)
        self._set(ev.data["timers"], ev.seq)
        self._task_status(MAIN, "waiting")

    def _correction_resubmitted(self, ev: Told) -> None:
        d = ev.data
        self.rev, self.notice = d["rev"], None
        self.changes.append((d["rev"], d["changed"]))
        for id in d["tokens"]:
            self.asks.pop(id, None)
            token = self.tokens[id]
            token.status, token.waits_for, token.acted, token.moved = "active", None, False, ev.seq
            self._task_status(id, "open")
        self._unconfirm(d["unconfirmed"], ev.seq)
        for key in ("correction:lapse", "correction:warn"):
            self.timers.pop((MAIN, key), None)
        self._set(d.get("timers", ()), ev.seq)
        if self.asks:
            self._task_status(MAIN, "open")

    def _unconfirm(self, tokens: list[int], seq: int) -> None:
        for id in tokens:
            self.tokens[id].confirmed, self.tokens[id].waits_for, self.tokens[id].moved = None, None, seq

    def _pause_begun(self, ev: Told) -> None:
        self.holds.append((ev.token, ev.data["kind"]))
        self.tokens[ev.token].moved = ev.seq
        self._set(ev.data["timers"], ev.seq)

    def _pause_ended(self, ev: Told) -> None:
        self.holds.remove((ev.token, ev.data["kind"]))
        self.tokens[ev.token].moved = ev.seq
        self.timers.pop((ev.token, f"@pause:{ev.data['kind']}"), None)

    def _token_paused(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        token.pauses.append([ev.at, None, ev.data["kind"]])
        if ev.token in self.stays:
            self.stays[ev.token][1] = None
        for (id, key), timer in self.timers.items():
            if id == ev.token and key.startswith(token.step + ":"):
                timer[0] = None

    def _token_resumed(self, ev: Told) -> None:
        end_pause(self.tokens[ev.token].pauses, ev.at)
        if ev.token in self.stays:
            self.stays[ev.token][1] = ev.data["due_at"]
        self._set(ev.data.get("timers", ()), ev.seq)

    # -- what the case rests on

    def _data_changed(self, ev: Told) -> None:
        if "rev" in ev.data:
            self.rev = ev.data["rev"]
            self.changes.append((ev.data["rev"], ev.data["changed"]))
            self._unconfirm(ev.data["unconfirmed"], ev.seq)

    # -- promises

    def _pledge_made(self, ev: Told) -> None:
        self.pledges[ev.data["material"]] = ev.data

    def _pledge_ended(self, ev: Told) -> None:
        self.pledges.pop(ev.data["material"], None)

    def _gap_opened(self, ev: Told) -> None:
        self.gaps[ev.data["material"]] = True
        self._set(ev.data["timers"], ev.seq)

    def _gap_closed(self, ev: Told) -> None:
        name = ev.data["material"]
        self.gaps[name] = False
        if "rev" in ev.data:
            self.rev = ev.data["rev"]
            self.changes.append((ev.data["rev"], [name]))
        self._unconfirm(ev.data["unconfirmed"], ev.seq)
        self.timers = {k: t for k, t in self.timers.items() if not k[1].startswith(f"deferral:{name}:")}

    # -- children

    def _child_planned(self, ev: Told) -> None:
        old = self.children.get(ev.data["service"], {})
        self.children[ev.data["service"]] = {"status": "waiting", "attempt": old.get("attempt", 0), "outcome": None}

    def _child_asked(self, ev: Told) -> None:
        self.children[ev.data["service"]] = {"status": "asked", "attempt": ev.data["attempt"], "outcome": None}

    def _child_opened(self, ev: Told) -> None:
        self.children[ev.data["service"]] |= {"status": "open", "case": ev.data["case"]}

    def _child_ended(self, ev: Told) -> None:
        child = self.children.setdefault(ev.data["service"], {"attempt": 0})
        child |= {"status": "ended", "outcome": ev.data["outcome"]}

    # -- clocks and timers

    def _clock_started(self, ev: Told) -> None:
        self.limits[ev.data["key"]] = Limit(ev.data)
        self._set(ev.data["timers"], ev.seq)

    def _clock_paused(self, ev: Told) -> None:
        limit = self.limits[ev.data["key"]]
        limit.pauses.append([ev.at, None, ev.data["kind"]])
        limit.statutory_on = limit.promised_on = None
        for timer in self.timers.values():
            if timer[1] == ev.data["key"]:
                timer[0] = None

    def _clock_resumed(self, ev: Told) -> None:
        limit = self.limits[ev.data["key"]]
        end_pause(limit.pauses, ev.at)
        self._dated(limit, ev)

    def _clock_moved(self, ev: Told) -> None:
        self._dated(self.limits[ev.data["key"]], ev)

    def _clock_extended(self, ev: Told) -> None:
        limit, key = self.limits[ev.data["key"]], ev.data["key"]
        limit.statutory, limit.extended = ev.data["statutory"], limit.extended + 1
        self._dated(limit, ev)
        self.timers.pop((MAIN, f"{key}:extend"), None)
        name = key.partition(":")[2]
        self.tasks = {seq: t for seq, t in self.tasks.items() if t["watch"] != name}

    def _dated(self, limit: Limit, ev: Told) -> None:
        limit.statutory_on, limit.promised_on = ev.data["statutory_on"], ev.data["promised_on"]
        self._set(ev.data["timers"], ev.seq)

    def _clock_stopped(self, ev: Told) -> None:
        limit = self.limits[ev.data["key"]]
        limit.stopped = ev.data["stopped_at"]
        end_pause(limit.pauses, ev.data["stopped_at"])
        self.timers = {k: t for k, t in self.timers.items() if t[1] != ev.data["key"]}

    def _timers_set(self, ev: Told) -> None:
        self._set(ev.data["timers"], ev.seq)

    def _timer_fired(self, ev: Told) -> None:
        if self.timers.pop((ev.token, ev.data["key"]), None) is not None:
            self.fired.add((ev.token, ev.data["key"]))
