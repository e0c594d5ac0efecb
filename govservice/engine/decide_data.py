"""What a case rests on changed while it ran: a register answered late, the applicant gave what it owed, or a look at
the register found another value. The new revision is pinned, and what the definition says of such a change follows.

Nothing here decides on the change itself: the worst that it does is to ask somebody, or to let the clocks stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govservice.definitions.compiled import CorrectionPolicy
from govservice.definitions.on_change import change_step, pause_of
from govservice.definitions.schema_form import Fact, brought
from govservice.engine import consults, rights
from govservice.engine import decide_consult as consult
from govservice.engine import decide_correction as correction
from govservice.engine import decide_leaving as leaving
from govservice.engine import decide_moves as moves
from govservice.engine import decide_pauses as pauses
from govservice.engine.decide_work import Work
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, Actor, Refusal

TRIGGER = "@data"
FOUND = "found"  # a look at the register: nothing is pinned, the definition's `on_change` follows


def refusal(st: CaseState, actor: Actor, why: str) -> Refusal | None:
    """May this be said of what a running case rests on? Registers speak through the system; what they owe the applicant
    may give, once no correction is out that asks for an answer of its own."""
    if st.status != "open":
        return rights.CLOSED if st.status == "closed" else rights.NOT_HERE
    if why == "given":
        return None if rights.is_applicant(st, actor) else rights.NOT_APPLICANT
    return None if actor.kind == "system" else rights.NOT_SYSTEM


def changed(work: Work) -> None:
    """Pins a newer revision, or does what the facts say of a change that was found; nothing where nothing follows."""
    data, block = work.cmd.data, work.d.blocks.get(work.st.main.step)
    rev, names = int(data.get("data_rev") or 0), tuple(data.get("changed", ()))
    said: dict[str, Any] = {"facts": list(data["facts"]), "why": data["why"]}
    if rev > work.st.data_rev:
        said |= {"rev": rev, "changed": list(names), "unconfirmed": correction.unconfirmed(work, block, names)}
    elif _something_follows(work):
        said |= {"changed": list(names)} if names else {}
    else:
        return
    work.emit("data.changed", MAIN, said)
    work.forget_values()
    if "rev" in said and block is not None:
        correction.weigh_again(work, block, names)
    if data["why"] == FOUND:
        _follow(work)
    correction.after_act(work)
    moves.settle(work)


def settled(work: Work) -> None:
    """What was found is settled: nobody need look at it any more, and the clocks run on, unless they stand still for
    the same reason on account of another fact (`left`)."""
    facts, left = _facts(work), _facts(work, "left")
    for name in facts:
        token = work.st.token_of(change_step(name))
        if token is not None and token.open:
            leaving.take_back(work, token.id)
    kinds = _pausing(work, facts) - _pausing(work, left)
    for hold in work.st.holds:
        if hold.token_id == MAIN and hold.kind in kinds and hold.trigger == TRIGGER:  # a hearing goes on to its end
            pauses.end(work, MAIN, hold.kind, "settled")
    correction.after_act(work)


def _facts(work: Work, key: str = "facts") -> dict[str, Fact]:
    known = work.d.service.facts
    return {name: known[name] for name in work.cmd.data.get(key, ()) if name in known}


def _pausing(work: Work, facts: Mapping[str, Fact]) -> set[str]:
    """Kinds of pause that a change of these facts leads to."""
    return {pause[0] for node in facts.values() if (pause := pause_of(work.d.service, node)) is not None}


# -- what follows from a change that was found


def _something_follows(work: Work) -> bool:
    if work.cmd.data["why"] != FOUND:
        return False
    facts = _facts(work)
    return bool(_to_correct(work, facts) or _to_look_at(work, facts) or _to_pause(work, facts))


def _follow(work: Work) -> None:
    facts = _facts(work)
    for name in _to_look_at(work, facts):
        consult.open_side(work, MAIN, change_step(name))
    for kind, length in _to_pause(work, facts):
        pauses.hold(work, MAIN, {"step": work.st.main.step, "trigger": TRIGGER}, kind, length)
    asking = _to_correct(work, facts)
    if asking is not None:
        token, _policy = asking
        items = sorted({item for name in _correcting(facts) for item in _items(work, name, facts[name])})
        correction.ask(work, token.id, TRIGGER, {"items": items})


def _correcting(facts: Mapping[str, Fact]) -> list[str]:
    return [name for name, node in facts.items() if node.on_change is not None and node.on_change.do == "correct"]


def _to_correct(work: Work, facts: Mapping[str, Fact]) -> tuple[Token, CorrectionPolicy] | None:
    """Where the applicant is asked from: the main token, or the branch that reads what changed. None where nobody may
    ask at the moment: a notice is out already, or the case is not with people."""
    names = _correcting(facts)
    if not names or work.st.notice is not None or work.st.asks:
        return None
    block = work.d.blocks.get(work.st.main.step)
    policy = block.correction if block is not None else work.d.correction
    tokens = work.st.branches_of(block.path) if block is not None else [work.st.main]
    here = [t for t in tokens if t.status == "active" and work.step(t.step).kind == "human"]
    if policy is None or not here:
        return None
    return next((t for t in here if _reads(work, t, names, facts)), here[0]), policy


def _reads(work: Work, token: Token, names: Iterable[str], facts: Mapping[str, Fact]) -> bool:
    parts = work.step(token.step).reads
    wanted = {part for name in names for part in (name, *(n.partition(".")[0] for n in brought(name, facts[name])))}
    return parts is None or bool(wanted.intersection(parts))


def _items(work: Work, name: str, node: Fact) -> list[str]:
    """The fields and papers that a correction about this fact is about: what differs, as far as that is said."""
    fields = [n for n in brought(name, node) if n in work.d.service.fields]
    fields = [n for n in fields if n in work.cmd.data.get("changed", ())] or fields
    papers = [
        slot for slot, material in work.d.service.materials.items()
        if material.replaced_by is not None and material.replaced_by.fact == name
    ]  # fmt: skip
    return [*fields, *papers]


def _to_look_at(work: Work, facts: Mapping[str, Fact]) -> list[str]:
    """Facts whose change becomes a role's task, unless somebody looks at it already."""
    wanted = [name for name, node in facts.items() if node.on_change is not None and node.on_change.task is not None]
    open_now = {token.scope for token in consults.open_consults(work.st)}
    return [name for name in wanted if change_step(name) not in open_now]


def _to_pause(work: Work, facts: Mapping[str, Fact]) -> list[tuple[str, Any]]:
    """Pauses that begin; what stands still for a reason of that kind already, or waits for the applicant, does not."""
    main = work.st.main
    if main.status != "active" and main.step not in work.d.blocks:
        return []
    wanted = dict(p for node in facts.values() if (p := pause_of(work.d.service, node)) is not None)
    held = {hold.kind for hold in work.st.holds}
    return [(kind, length) for kind, length in wanted.items() if kind not in held]
