"""What people and other systems did to a case, told again from its events: each batch of events had one cause.

Timers are left out (another definition has its own), and so is what follows from an act. Words are gone by design: that
a reason was given is known, what it said is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from govservice.engine.types import MAIN, Event


class Act(NamedTuple):
    """One cause. `scope` says which part of the case it was done to ("" for the main token), `step` where that stood.
    `data` is what a command carries; `files` are names of attachments; `role` is None for applicants and systems."""

    trigger: str
    scope: str
    step: str
    actor: str
    role: str | None
    at: str
    data: Mapping[str, Any]
    files: tuple[str, ...]
    reason: bool


class Told(NamedTuple):
    """A case as its events tell it: what was done, and how it ended or where it stands (path by scope)."""

    acts: tuple[Act, ...]
    outcome: str | None
    places: Mapping[str, str]
    revisions: tuple[int, ...]
    last_at: str


Teller = Callable[[Event], tuple[str, dict[str, Any]] | None]  # (trigger, data of the command); None: no cause


def _left(ev: Event) -> tuple[str, dict[str, Any]] | None:
    d, trigger = ev.data, str(ev.data["trigger"])
    if d.get("deemed") or "kept" in d or trigger.startswith(("@join", "@lapse")):
        return None
    data: dict[str, Any] = {"data_rev": d["rev"]} if "rev" in d else {}
    return trigger, {**data, "result": d["result"]} if "result" in d else data


def _opened(ev: Event) -> tuple[str, dict[str, Any]]:
    d = ev.data
    return "@open", {
        "case_id": d["case"], "number": d["number"], "service": d["service"], "person_id": d["person"],
        "organisation_id": d["organisation"], "mandate_id": d["mandate"], "channel": d["channel"], "area": d["area"],
    }  # fmt: skip


def _pause_ended(ev: Event) -> tuple[str, dict[str, Any]] | None:
    return (str(ev.data["trigger"]), {}) if ev.data["how"] == "action" else None


def _child_ended(ev: Event) -> tuple[str, dict[str, Any]] | None:
    """How a child of a bundle ended, as its own outbox said; what the bundle itself decides of a child is no cause."""
    if ev.data["outcome"] in ("not_needed", "prevented", "cancelled"):
        return None
    return "@child", {k: ev.data[k] for k in ("service", "case", "outcome") if k in ev.data}


def _consult_ended(ev: Event) -> tuple[str, dict[str, Any]] | None:
    """A question was taken back with reasons; what else ends one follows from another act."""
    return ("@cancel", {}) if ev.data["outcome"] == "cancelled" and "text" in ev.data else None


def _of(ev: Event) -> dict[str, Any]:
    known = {"facts": ev.data["facts"], "why": ev.data["why"], "changed": ev.data.get("changed", [])}
    return {**known, "data_rev": ev.data["rev"]} if "rev" in ev.data else known


# What a cause looks like in the events; every other type follows from one of these, or moves nothing.
TELLERS: Mapping[str, Teller] = {
    "case.opened": _opened,
    "step.left": _left,
    "action.confirmed": lambda ev: (str(ev.data["trigger"]), {}),
    "answer.kept": lambda ev: (str(ev.data["trigger"]), {"step": ev.data["step"], "result": ev.data["result"]}),
    "pause.begun": lambda ev: (str(ev.data["trigger"]), {"length": ev.data["length"]}),
    "pause.ended": _pause_ended,
    "consult.asked": lambda ev: (str(ev.data["trigger"]), {}),
    "consult.ended": _consult_ended,
    "branch.cancelled": lambda ev: ("@cancel", {}) if ev.data.get("by_supervision") else None,
    "branch.opened": lambda ev: ("@reopen", {}) if ev.data.get("by_supervision") else None,
    "person.invited": lambda ev: ("@invited", {"person_id": ev.data["person"]}),
    "correction.asked": lambda ev: (str(ev.data["trigger"]), {"items": dict.fromkeys(ev.data["items"], "")}),
    "correction.notified": lambda _ev: ("@send_notice", {}),
    "correction.resubmitted": lambda ev: ("@resubmit", {"data_rev": ev.data["rev"], "changed": ev.data["changed"]}),
    "gap.closed": lambda ev: ("@supply", {"data_rev": ev.data["rev"]}) if "rev" in ev.data else None,
    "data.changed": lambda ev: ("@data", _of(ev)),
    "after.opened": lambda ev: ("@review", {"fact": ev.data["fact"]}) if "fact" in ev.data else None,
    "child.opened": lambda ev: ("@child", {"service": ev.data["service"], "case": ev.data["case"]}),
    "child.ended": _child_ended,
    "child.planned": lambda ev: ("@restart", {"service": ev.data["service"]}),
    "clock.extended": lambda ev: (f"@extend:{str(ev.data['key']).partition(':')[2]}", {}),
}
# What moves a token: needed to say which part of the case something was done to.
MOVING = (
    "case.closed", "case.migrated", "step.entered", "branch.opened", "branch.ended", "branch.cancelled", "after.opened",
    "consult.opened", "consult.ended",
)  # fmt: skip
# What came with a submission or an answer: part of its command.
WITH_IT = ("gap.opened", "pledge.made", "pledge.ended", "renewal.begun")
READ = tuple(dict.fromkeys((*TELLERS, *MOVING, *WITH_IT)))  # types that are read; the others need not be fetched


def told(events: Iterable[Event]) -> Told:
    """The acts of a case, oldest first. `events` are those of the types in READ, in order."""
    telling = _Telling()
    acts = [act for _, batch in groupby(events, _cause) if (act := telling.batch(list(batch))) is not None]
    revisions = {act.data["data_rev"] for act in acts if act.data.get("data_rev")}
    return Told(tuple(acts), telling.outcome, telling.places, tuple(sorted(revisions)), telling.last_at)


def _cause(ev: Event) -> tuple[str, str]:
    return ev.actor, ev.idem


class _Telling:
    """What is known of a case while its events are read."""

    def __init__(self) -> None:
        self.scopes: dict[int, str] = {MAIN: ""}
        self.places: dict[str, str] = {}
        self.pledged: set[str] = set()
        self.prevented: set[str] = set()  # children that began again with another one, not by themselves
        self.outcome: str | None = None
        self.last_at = ""

    def batch(self, events: Sequence[Event]) -> Act | None:
        """The one cause of a batch; None where it was a timer's hour, or nothing that a replay repeats."""
        act: Act | None = None
        more: dict[str, Any] = {}
        for ev in events:
            self.with_it(ev, more)
            if act is None and not ev.idem.startswith("timer:"):
                act = self.act(ev)
            _moved(ev, self.scopes, self.places)
            if ev.type == "case.closed":
                self.outcome = ev.data["outcome"]
        self.last_at = events[-1].at
        return act._replace(data={**act.data, **more}) if act is not None and more else act

    def act(self, ev: Event) -> Act | None:
        teller = TELLERS.get(ev.type)
        if ev.type == "child.planned" and ev.data["service"] in self.prevented:
            return None
        found = teller(ev) if teller is not None else None
        if found is None:
            return None
        trigger, data = found
        d, scope = ev.data, self.scopes.get(ev.token_id or MAIN, "")
        if "files" in d:
            data = {**data, "files": d["files"]}
        step = str(d.get("step") or self.places.get(scope, ""))
        return Act(trigger, scope, step, ev.actor, d.get("role"), ev.at, data, tuple(d.get("files", {})), "text" in d)

    def with_it(self, ev: Event, more: dict[str, Any]) -> None:
        """Deferred and pledged materials: of a submission (`pledges` by name of the pledge), of an answer."""
        d = ev.data
        if ev.type == "gap.opened":
            more.setdefault("deferred", []).append(d["material"])
        elif ev.type == "gap.closed":
            more.setdefault("supplied", []).append(d["material"])
        elif ev.type == "renewal.begun":
            more["renews"] = {name: d[name] for name in ("document", "expires_on", "expires_at")}
        elif ev.type == "pledge.made":
            self.pledged.add(d["material"])
            more.setdefault("pledges", {})[d["material"]] = d["pledge"]
        elif ev.type == "child.ended" and d["outcome"] == "prevented":
            self.prevented.add(d["service"])
        elif ev.type == "pledge.ended":
            self.pledged.discard(d["material"])
            more["pledges"] = sorted(self.pledged)


def _moved(ev: Event, scopes: dict[int, str], places: dict[str, str]) -> None:
    d = ev.data
    if ev.type == "case.migrated":
        places.clear()
        for id, step, scope in d["tokens"]:
            scopes[id] = scope
            if "#" not in step:
                places[scope] = step
    elif ev.type == "after.opened":
        scopes[ev.token_id or 0] = d["step"]
    elif ev.type == "consult.opened":
        scopes[ev.token_id or 0] = d["scope"]
        places[d["scope"]] = d["step"]
    elif ev.type == "consult.ended":
        places.pop(scopes.get(ev.token_id or 0, ""), None)
    elif ev.type == "step.entered":
        places[scopes.get(ev.token_id or MAIN, "")] = d["step"]
    elif ev.type in ("branch.opened", "branch.ended", "branch.cancelled"):
        scopes[ev.token_id or 0] = d["branch"]
        places.pop(d["branch"], None)
        if ev.type == "branch.opened":
            places[d["branch"]] = d["step"]
    elif ev.type == "case.closed":
        places.clear()
