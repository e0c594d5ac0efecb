"""A recount of cases from their events alone, in plain Python: what the supervisor's figures are held against.

It shares no code with the product but the calendar's list of working days.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any


@dataclass
class Stay:
    step: str
    kind: str
    token: int
    entered: datetime
    due: datetime | None
    pauses: list[list[datetime | None]] = field(default_factory=list)
    left: datetime | None = None


@dataclass
class Told:
    """One case as its events tell it."""

    number: str = ""
    service: str = ""
    area: str | None = None
    received: datetime | None = None
    closed: datetime | None = None
    marks: dict[str, datetime] = field(default_factory=dict)
    stays: list[Stay] = field(default_factory=list)
    here: dict[int, Stay] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)  # tokens whose applicant was sent a notice
    clocks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.received is not None and self.closed is None

    @property
    def promised_on(self) -> date | None:
        """Of the limit that runs now (the one that started last)."""
        running = [c for c in self.clocks.values() if c["stopped"] is None and not c["paused"]]
        last = max(running, key=lambda c: c["started"], default=None)
        return last["promised"] or last["statutory"] if last else None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def told(events: Iterable[tuple[str, str, int | None, str]]) -> Told:
    """(type, at, token, data as JSON) of one case, in order."""
    case = Told()
    for type, when, token, raw in events:
        _tell(case, type, at(when) if isinstance(when, str) else when, token or 1, json.loads(raw))
    return case


def _tell(case: Told, type: str, when: datetime, token: int, d: Mapping[str, Any]) -> None:
    if type == "case.opened":
        case.number, case.service, case.area = d["number"], d["service"], d["area"]
    elif type in ("step.entered", "branch.opened", "after.opened"):
        _end(case, token, when)
        due = at(d["due_at"]) if d.get("due_at") else None
        case.here[token] = Stay(d["step"], d["kind"], token, when, due)
        case.stays.append(case.here[token])
    elif type == "step.left":
        if "marks" in d:
            case.marks[d["marks"]] = at(d["marked_at"])
            case.received = case.marks.get("received")
        case.area = d.get("area", case.area)
        _end(case, token, when)
    elif type in ("branch.cancelled", "branch.ended", "after.ended"):
        _end(case, token, when)
    elif type == "case.closed":
        case.closed = when
        case.here.clear()  # what begins with the end, and lives on after it, is told later
        case.asked.clear()
        for clock in case.clocks.values():
            clock["stopped"] = clock["stopped"] or when
    elif type == "token.paused" and token in case.here:
        case.here[token].pauses.append([when, None])
        case.here[token].due = None
    elif type == "token.resumed" and token in case.here:
        case.here[token].pauses[-1][1] = when
        case.here[token].due = at(d["due_at"]) if d.get("due_at") else None
    elif type == "correction.notified":
        case.asked |= set(d["tokens"])
    elif type == "correction.resubmitted":
        case.asked -= set(d["tokens"])
    elif type.startswith("clock."):
        _clock(case, type, when, d)


def _end(case: Told, token: int, when: datetime) -> None:
    stay = case.here.pop(token, None)
    case.asked.discard(token)
    if stay is not None:
        stay.left = when
        for pause in stay.pauses:
            pause[1] = pause[1] or when


def _clock(case: Told, type: str, when: datetime, d: Mapping[str, Any]) -> None:
    dates = {"promised": day(d.get("promised_on")), "statutory": day(d.get("statutory_on"))}
    if type == "clock.started":
        case.clocks[d["key"]] = {
            "started": at(d["started_at"]),
            "stopped": None,
            "paused": False,
            "pauses": [],
            **dates,
        }
        return
    clock = case.clocks.get(d["key"])
    if clock is None or type == "clock.breached":
        return
    if type == "clock.paused":
        clock["paused"] = True
        clock["pauses"].append([when, None])
    elif type == "clock.resumed":
        clock["paused"] = False
        clock["pauses"][-1][1] = when
        clock |= dates
    elif type == "clock.moved":
        clock |= dates
    elif type == "clock.stopped":
        clock["stopped"] = at(d["stopped_at"])


class Office:
    """Office seconds by walking over days; which days are worked is the calendar's."""

    def __init__(self, calendar: Any) -> None:
        self.calendar = calendar

    def seconds(self, start: datetime, end: datetime) -> int:
        zone, total = self.calendar.zone, 0.0
        if end <= start:
            return 0
        walk = start.astimezone(zone).date()
        while walk <= end.astimezone(zone).date():
            if self.calendar.is_working_day(walk):
                opens = datetime.combine(walk, self.calendar.opens, zone)
                closes = datetime.combine(walk, self.calendar.closes, zone)
                total += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
            walk += timedelta(days=1)
        return int(total)

    def without_pauses(self, start: datetime, end: datetime, pauses: Iterable[list[datetime | None]]) -> int:
        held = sum(self.seconds(p, min(q or end, end)) for p, q in pauses if p is not None)
        return max(0, self.seconds(start, end) - held)

    def day(self, when: datetime) -> date:
        return when.astimezone(self.calendar.zone).date()


def rank(values: Iterable[int], share: float) -> int:
    """The nearest-rank quantile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0
