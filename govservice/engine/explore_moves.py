"""What can happen next in a case that stands somewhere: every act of people, answers of the system, the applicant's
reply to a notice. Withdrawing, lapsing and acts of the clock are no moves: they would hide every deadlock."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from govservice.definitions.compiled import Edge
from govservice.engine import decide_review, rights
from govservice.engine.decide_moves import reads
from govservice.engine.decide_work import Work
from govservice.engine.explore_world import ASKED, NOW, Known, World
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, Command

IDEM = "explored"


class Move(NamedTuple):
    """Something that may happen. `command` is None for a change of the answers that no command tells.

    `by`: role, applicant or system; `step` and `action` say what of the definition it is, `action` also one of the
    engine's own (`@resubmit`); `changed`: names that a reply to a notice changes.
    """

    command: Command
    by: str
    step: str
    action: str
    known: Known
    changed: frozenset[str] = frozenset()
    edge: Edge | None = None


class Place(NamedTuple):
    """Where a token stands, as far as it matters to what can follow."""

    scope: str
    step: str
    status: str
    outcome: str | None
    waits_for: str | None
    confirmed: str | None
    acted: bool
    paused: str | None
    answered: bool = False  # the one correction that this step may ask for has come back


class Marking(NamedTuple):
    """Where a whole case stands. Two cases of one marking can go on in the same ways, for the same answers."""

    status: str
    outcome: str | None
    places: tuple[Place, ...]
    notice: tuple[int, ...] | None
    asked: tuple[tuple[int, bool], ...]
    gaps: tuple[str, ...]
    children: tuple[tuple[str, str, str | None], ...] = ()
    holds: tuple[tuple[int, str], ...] = ()

    @property
    def over(self) -> bool:
        """Closed, and nothing lives on."""
        return self.status == "closed" and all(place.status == "ended" for place in self.places)


def marking_of(st: CaseState, once: Container[str] = ()) -> Marking:
    """`once`: steps that may ask for a correction one time only."""
    round = st.rounds.get(st.main.step)
    block = st.main.step + "."
    collecting = any(not a.notified for a in st.asks.values())
    places = tuple(
        _place(token, collecting, token.step in once)
        for token in st.tokens.values()
        if token.id == MAIN or token.open or (token.round == round and token.scope.startswith(block))
    )
    asked = tuple(sorted((a.token_id, a.notified) for a in st.asks.values()))
    holds = tuple(sorted((hold.token_id, hold.kind) for hold in st.holds))
    gaps = tuple(gap.material for gap in st.open_gaps)
    notice = st.notice.tokens if st.notice else None
    return Marking(st.status, st.outcome, places, notice, asked, gaps, _children(st), holds)


def _place(token: Token, collecting: bool, once: bool) -> Place:
    """Whether a branch has acted matters only while requests are collected for one notice, whether it was answered
    only where it may not ask again."""
    return Place(
        token.scope or f"{token.kind}:{token.id}", token.step, token.status, token.outcome, token.waits_for,
        token.confirmed[0] if token.confirmed else None, token.acted and collecting,
        token.pauses[-1][2] if token.paused else None, once and rights.answered(token),
    )  # fmt: skip


def opening(world: World) -> Move:
    data: dict[str, Any] = {
        "case_id": "explored", "number": "", "service": world.d.code, "def_sha": world.d.sha, "person_id": "person",
        "organisation_id": None, "mandate_id": None, "area": "anywhere",
    }  # fmt: skip
    applicant = world.actors("applicant")[0]
    return Move(Command(None, "@open", IDEM, NOW, applicant, data=data), "applicant", "", "@open", frozenset())


def moves(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    """Everything that somebody may do now, whether its conditions hold or not."""
    st.ctx = world.ctx
    acts = {token.id: list(_acts(world, st, token, known)) for token in st.tokens.values() if token.open}
    for id in _one_at_a_time(world, st, acts) if st.main.step in world.large else acts:
        yield from acts[id]
    yield from _reports(world, st, known)
    yield from _notice(world, st, known)
    yield from _replies(world, st, known)
    yield from _supplies(world, st, known)
    yield from _reviews(world, st, known)


def _supplies(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    """The applicant brings one of the materials that were put off."""
    applicant = world.actors("applicant")[0]
    for gap in st.open_gaps if rights.supply_refusal(st, applicant) is None else ():
        data = {"data_rev": st.data_rev + 1, "supplied": [gap.material]}
        command = Command(st.case_id, "@supply", IDEM, NOW, applicant, token_id=MAIN, data=data)
        yield Move(command, "applicant", st.main.step, "@supply", known, frozenset({gap.material}))


def _reviews(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    """A register tells of a change after the grant; once, for what follows is the same every time."""
    system, seen = world.actors("system")[0], set[str]()
    for fact, path in decide_review.openings(world.d).items() if decide_review.refusal(st, system) is None else ():
        if path not in seen and st.token_of(path) is None:
            seen.add(path)
            command = Command(st.case_id, "@review", IDEM, NOW, system, token_id=MAIN, data={"fact": fact})
            yield Move(command, "system", st.main.step, "@review", known)


def _one_at_a_time(world: World, st: CaseState, acts: Mapping[int, list[Move]]) -> list[int]:
    """In a large parallel step: a branch that has begun goes on until it ends, and a notice is answered before anything
    else. Branches know nothing of each other but their outcomes, so what they come to is the same in any mixture of
    their steps; the order in which they end is still any."""
    open_ones = [token for token in st.branches_of(st.main.step) if token.open]
    others = [id for id in acts if id not in {token.id for token in open_ones}]
    if st.asks:
        return others
    starts = {branch.scope: branch.start for branch in world.d.blocks[st.main.step].branches}
    begun = [t.id for t in open_ones if acts[t.id] and (t.step != starts[t.branch] or t.confirmed)]
    return [*others, *(begun[:1] or [t.id for t in open_ones])]


def _acts(world: World, st: CaseState, token: Token, known: Known) -> Iterator[Move]:
    for edge in world.d.out.get(token.step, ()):
        if edge.kind in ("action", "answer"):
            yield from _act(world, st, token, edge, known)


def _act(world: World, st: CaseState, token: Token, edge: Edge, known: Known) -> Iterator[Move]:
    if edge.by == "person":
        token = token._replace(person=ASKED)  # the outbox has found them: it is no part of a definition
    for actor in world.actors(edge.by):
        if rights.refusal(world.d, st, token, edge, actor, world.ctx) is None:
            data = dict(world.promises) if st.status == "draft" else {}
            if edge.pause is not None and edge.length is None:
                data["length"] = "1wd"
            command = Command(st.case_id, edge.name, IDEM, NOW, actor, token_id=token.id, data=data)
            yield Move(command, edge.by, token.step, edge.name, known, edge=edge)
            return  # another holder of the role would do the same


def _children(st: CaseState) -> tuple[tuple[str, str, str | None], ...]:
    return tuple((c.service, c.status, c.outcome) for c in st.children.values())


def _reports(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    """Each child that runs may end: in each outcome that a rule names, and in one that none does."""
    bundle = world.d.bundles.get(st.main.step)
    for spawn in bundle.spawns if bundle is not None else ():
        if st.children[spawn.service].status == "ended" or st.children[spawn.service].status == "waiting":
            continue
        assert bundle is not None
        named = {word for rule in bundle.joins if rule.join is not None for word in rule.join.outcomes} | {"granted"}
        ends = [o for o in spawn.outcomes if o not in ("prevented", "not_needed")]
        kept = [o for o in ends if o in named] + [o for o in ends if o not in named][:1]
        for outcome in kept:
            data = {"service": spawn.service, "case": None, "outcome": outcome}
            actor = world.actors("system")[0]
            command = Command(st.case_id, "@child", IDEM, NOW, actor, token_id=MAIN, data=data)
            yield Move(command, "system", st.main.step, f"{spawn.service} {outcome}", known)


def _notice(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    block = world.d.blocks.get(st.main.step)
    owner = world.d.steps[block.path].owner if block is not None else None
    for actor in world.actors(owner)[:1] if owner is not None else ():
        if rights.notice_refusal(world.d, st, actor, world.ctx) is None:
            command = Command(st.case_id, "@send_notice", IDEM, NOW, actor, token_id=MAIN)
            yield Move(command, owner or "", st.main.step, "@send_notice", known)


def _replies(world: World, st: CaseState, known: Known) -> Iterator[Move]:
    """The applicant answers the notice: changes nothing, everything, or what one set of finished branches reads."""
    applicant = world.actors("applicant")[0]
    if st.notice is None or rights.resubmit_refusal(st, applicant) is not None:
        return
    for changed in _changes(world, st):
        data = {"data_rev": st.data_rev + 1, "changed": sorted(changed)}
        command = Command(st.case_id, "@resubmit", IDEM, NOW, applicant, token_id=MAIN, data=data)
        yield Move(command, "applicant", st.main.step, "@resubmit", world.forget(known, changed), changed)


def _changes(world: World, st: CaseState) -> list[frozenset[str]]:
    names = frozenset([*world.d.service.fields, *world.d.service.materials])
    found = {frozenset[str](): frozenset[str](), frozenset({"*"}): names}
    block = world.d.blocks.get(st.main.step)
    weighed = frozenset(name for said in world.names.values() for name in said)
    if block is not None:
        work = Work(world.d, st, Command(st.case_id, "", IDEM, NOW, world.actors("system")[0]), world.calendars, "")
        ended = [b for b in block.branches if any(not part.open for part in st.parts_of(b.scope))]
        for name in sorted(names):
            touched = frozenset(b.name for b in ended if reads(work, b, (name,)))
            found.setdefault(touched | ({name} if name in weighed else set()), frozenset({name}))
    return list(dict.fromkeys(found.values()))
