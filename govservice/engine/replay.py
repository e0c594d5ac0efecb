"""A case that was, played on another definition: would the same acts have been possible, and led to the same end?

Pure: events and answers come in, a verdict comes out. Every act is asked what `apply` asks (is there such an action, is
it for that role, is everything there that it needs, do the guards let it, may this person) and decided by `decide`; the
draft's own timers act in between at their own hours. Whether people would have acted otherwise nobody can know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.engine import rights
from govservice.engine.apply import timer_command
from govservice.engine.decide import due_timer, plan
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.migration_paths import Paths
from govservice.engine.replay_acts import Act, Told
from govservice.engine.rights_supervision import goes_on
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, SYSTEM, Actor, Command, Ctx, moment
from govservice.errors import PortalError

Answers = Mapping[int, Mapping[str, Any]]  # typed answers by revision
MAX_TIMERS = 200  # of one case between two acts


class Verdict(NamedTuple):
    """`kind`: same (same end, or at the same place), impossible (an act was not possible: `step`, `action`, `why`),
    other (another end or place: `was`, `would`), erased (the answers are gone: not replayed)."""

    kind: str
    step: str = ""
    action: str = ""
    why: str = ""
    was: str = ""
    would: str = ""


ERASED = Verdict("erased")


class Draft(NamedTuple):
    """What cases are played on. `steps`: new path by old path, where a step has another name in the draft."""

    compiled: Compiled
    catalogue: Catalogue
    calendars: CalendarsLike
    paths: Paths


def draft_of(d: Compiled, catalogue: Catalogue, calendars: CalendarsLike, steps: Mapping[str, str]) -> Draft:
    return Draft(d, catalogue, calendars, Paths.between(d, d, steps))


class Impossible(Exception):
    """An act is not possible in the draft; `why` is a code."""

    def __init__(self, act: Act, why: str, step: str = "") -> None:
        self.verdict = Verdict("impossible", step or act.step, act.trigger, why)
        super().__init__(why)


def replay(draft: Draft, case: Told, answers: Answers) -> Verdict:
    """Plays the acts of a case on a draft."""
    run = _Run(draft, answers)
    try:
        for act in case.acts:
            run.until(act.at)
            if run.st.status == "closed" and not run.lives_on(act):
                break  # the draft came to an end earlier
            run.do(act)
        run.until(case.last_at)
    except Impossible as found:
        return found.verdict
    was, would = _end(case.outcome, case.places, draft.paths), _end(run.st.outcome, dict(_places(run.st)), None)
    return Verdict("same") if was == would else Verdict("other", was=was, would=would)


def _end(outcome: str | None, places: Mapping[str, str], paths: Paths | None) -> str:
    """The outcome, or where a running case stands."""
    if outcome is not None:
        return outcome
    return " ".join(sorted(paths.path(step) if paths is not None else step for step in places.values()))


def _places(st: CaseState) -> Iterator[tuple[str, str]]:
    yield from ((token.scope, token.step) for token in st.tokens.values() if token.open)


class _Run:
    """One case on the draft."""

    def __init__(self, draft: Draft, answers: Answers) -> None:
        self.draft, self.answers, self.st, self.n = draft, answers, CaseState(), 0

    def until(self, at: str) -> None:
        """Fires what is due, each at its own hour."""
        for _ in range(MAX_TIMERS):
            timer = due_timer(self.st, at) if self.st.status != "closed" else None
            if timer is None:
                return
            self.decide(timer_command(self.st, timer), self.st.data_rev)

    def lives_on(self, act: Act) -> bool:
        """Whether the act was done to work that a pledge left after the case had closed."""
        token = self.st.token_of(self.draft.paths.path(act.scope)) if act.scope else None
        return token is not None and token.open

    def do(self, act: Act) -> None:
        rev = int(act.data.get("data_rev") or self.st.data_rev)
        actor = _actor(act, self.st)
        if act.trigger.startswith("@") and act.trigger not in rights.ANSWERS:
            self.decide(self.command(act, actor, self.token(act).id if act.trigger != "@open" else None), rev, act)
            return
        token = self.token(act)
        if "step" not in act.data:  # an answer that comes early goes by its step
            self.ask(act, token, actor, rev)
        self.decide(self.command(act, actor, token.id), rev, act)

    def token(self, act: Act) -> Token:
        """The part of the case that the act was done to."""
        if act.trigger == "@open":
            return Token(MAIN, "main", None, "", "", "active", None, 0, 0, 0, act.at, 0)
        token = self.st.token_of(self.draft.paths.scope(act.scope))
        if token is None or token.open == (act.trigger == "@reopen"):
            raise Impossible(act, "no_branch")
        block = self.draft.compiled.blocks.get(self.st.main.step)
        if act.trigger == "@cancel" and token.kind == "branch" and not (block and goes_on(self.st, block, token)):
            raise Impossible(act, "no_join")
        return token

    def ask(self, act: Act, token: Token, actor: Actor, rev: int) -> None:
        """What `apply` asks before a decision, of people who were in office then: the role is the one they acted in."""
        edge = self.draft.compiled.edge(token.step, act.trigger)
        if edge is None:
            raise Impossible(act, "no_action", token.step)
        own = (act.role,) if act.role else ("system", "applicant") if actor.kind == "system" else ("applicant",)
        if edge.by not in own:  # the system sends and withdraws a bundle's child cases for the applicant
            raise Impossible(act, "role", token.step)
        refusal = rights.by_moment(self.st, token, edge) or rights.by_eyes(self.st, token, edge, actor)
        if refusal is not None:
            raise Impossible(act, refusal.code, token.step)
        needs = rights.needs_of(token, edge)
        missing = (needs.reason and not act.reason) or any(name not in act.files for name in needs.attachments)
        values = self.answers.get(rev, {})
        if missing or any(values.get(name) in (None, "", [], ()) for name in needs.fields):
            raise Impossible(act, "missing", token.step)

    def command(self, act: Act, actor: Actor, token_id: int | None) -> Command:
        data = {**act.data, "def_sha": self.draft.compiled.sha} if act.trigger == "@open" else act.data
        if isinstance(data.get("pledges"), Mapping):  # in the words of today: what was promised then was not read now
            known = self.draft.catalogue.pledges
            versions = {m: known[name].version for m, name in data["pledges"].items() if name in known}
            data = {**data, "pledges": versions}
        self.n += 1
        return Command(
            case_id=self.st.case_id or None, trigger=act.trigger, idem=f"replay:{self.n}", now=moment(act.at),
            actor=actor, token_id=token_id, data=data, attachments=act.files, reason="." if act.reason else None,
        )  # fmt: skip

    def decide(self, command: Command, rev: int, act: Act | None = None) -> None:
        self.st.ctx = Ctx(self.draft.catalogue, self.answers.get(rev, {}))
        try:
            self.st = plan(self.draft.compiled, self.st, command, self.draft.calendars).st
        except PortalError as refused:
            if act is None:
                raise
            step = self.st.tokens[command.token_id or MAIN].step if self.st.tokens else ""
            raise Impossible(act, "guard" if "missing" in refused.facts else "refused", step) from None
        self.st.journal = []


def _actor(act: Act, st: CaseState) -> Actor:
    if act.actor == SYSTEM.id:
        return SYSTEM
    if act.role is None:
        return Actor(act.actor, "applicant", (), st.applicant_id or None, st.organisation_id)
    return Actor(act.actor, "user", (), None)
