"""One case of the demonstration on its way: what was planned for it, where it stands, what its people say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from govservice.definitions.compiled import Compiled, Edge
from govservice.engine import Actor, CaseState, Token
from govservice.operations import demo_words as words
from govservice.operations.demo_filing import Filing
from govservice.operations.demo_papers import paper
from govservice.operations.demo_plan import Fate
from govservice.worktime.calendar import Calendar

REFUSING = ("fail", "refuse", "decline", "object")  # the actions by which a step says no
OPINIONS = 0.3  # share of acts with an opinion


@dataclass(slots=True)
class Run:
    """One case on its way."""

    fate: Fate
    actor: Actor
    random: Random
    d: Compiled
    cal: Calendar
    filing: Filing | None = None
    case_id: str = ""
    state: CaseState = field(default_factory=CaseState)
    commands: int = 0
    tick_at: datetime | None = None
    planned: set[Any] = field(default_factory=set)

    def after(self, at: datetime, days: float) -> datetime:
        """That many working days later, within office hours."""
        return self.cal.add_office_time(at, self.cal.office_day * max(days, 0.01))

    def once(self, *what: Any) -> bool:
        """Whether this is planned for the first time."""
        if what in self.planned:
            return False
        self.planned.add(what)
        return True

    def choose(self, token: Token) -> Edge:
        """The action that the plan wants here: a second person confirms; a correction once; then no or yes."""
        edges = [e for e in self.d.out[token.step] if e.kind == "action"]
        if token.confirmed is not None:
            return next(e for e in edges if e.name == token.confirmed[0])
        asks = next((e for e in edges if e.correction), None)
        if asks is not None and token.step in self.fate.corrects and ("asked", token.step) not in self.planned:
            return asks
        if self.fate.refuses == token.step:
            return next(e for e in edges if e.name in REFUSING)
        return next(e for e in edges if not (e.correction or e.pause or e.resume))

    def said(self, token: Token, edge: Edge, attachments: Sequence[str]) -> dict[str, Any]:
        """What comes with an action: the items of a correction, the files' digests, now and then an opinion."""
        said: dict[str, Any] = {}
        if edge.correction:
            said["items"] = dict([self.random.choice(words.CORRECTIONS[(self.fate.service, token.step)])])
        if attachments:
            said["files"] = {name: [paper(name).sha256] for name in attachments}
        if not edge.correction and self.random.random() < OPINIONS:
            said["opinion"] = self.random.choice(words.OPINIONS)
        return said


def reason(token: Token, edge: Edge) -> str:
    """Why somebody asks for a correction or says no."""
    return words.CORRECTION_REASON if edge.correction else words.REFUSALS.get(token.step, words.REFUSALS["decision"])
