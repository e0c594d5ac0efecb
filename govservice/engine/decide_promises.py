"""Promises of the applicant: a pledge instead of a proof (告知承诺), a material that comes later (容缺受理).

Both are given with the submission. A gap runs from that day by its own limit, whatever the case does meanwhile: the
receipt names its last day. It is closed by bringing the material, alone or with a correction; else its timer ends the
case where the definition says.
"""

from __future__ import annotations

from typing import Any

from govservice.definitions.compiled import Block
from govservice.engine import decide_correction as correction
from govservice.engine import decide_moves as moves
from govservice.engine import decide_waits as waits
from govservice.engine.decide_work import Work
from govservice.engine.state import TimerState
from govservice.engine.types import MAIN
from govservice.errors import N_, Invalid, NotAllowed
from govservice.worktime.limits import fraction

WARN_AT = 80  # per cent of the time to bring a material: then the applicant is reminded


def given(work: Work) -> None:
    """What a submission promises: `deferred` (names) and `pledges` (version of the words by material).

    Raises Invalid where a material knows no such way, it is not open to this applicant, or the words have changed since
    they were read. A bundle waits for nothing itself: what comes later is put off in the child that it is for.
    """
    for material in sorted(work.cmd.data.get("deferred") or ()):
        if not work.d.bundles:
            _put_off(work, material)
    for material, version in sorted((work.cmd.data.get("pledges") or {}).items()):
        _pledge(work, material, version)


def _put_off(work: Work, material: str) -> None:
    deferral = work.d.deferrals.get(material)
    if deferral is None:
        raise Invalid({material: N_("This document cannot be put off.")})
    if not work.is_open(deferral.condition):
        raise Invalid({material: N_("You cannot put this document off: the service allows it only to some.")})
    due = work.deadline(work.at, deferral.within)
    warn = work.deadline(work.at, fraction(deferral.within, WARN_AT))
    key = f"deferral:{material}"
    timers: list[list[Any]] = [[MAIN, f"{key}:lapse", None, due.at]]
    if warn.at < due.at:
        timers.append([MAIN, f"{key}:warn", None, warn.at])
    data = {"material": material, "due_on": due.on, "due_at": due.at, "provisional": due.provisional, "timers": timers}
    work.emit("gap.opened", MAIN, data)


def _pledge(work: Work, material: str, version: Any) -> None:
    assert work.ctx is not None
    node = work.d.service.materials.get(material)
    name = node.replaced_by.pledge if node is not None and node.replaced_by is not None else None
    words = work.ctx.catalogue.pledges.get(name or "")
    if name is None or words is None:
        raise Invalid({material: N_("There is no pledge for this document.")})
    if not work.is_open(work.d.pledge_conditions.get(material)):
        raise Invalid({material: N_("The pledge is not open to you: the service allows it only to some.")})
    if version != words.version:
        raise Invalid({material: N_("The words of this pledge have changed. Please read it again.")})
    data = {"material": material, "pledge": name, "version": words.version, "digest": words.digest}
    work.emit("pledge.made", MAIN, data)
    work.forget_values()


# -- the material comes


def supply(work: Work) -> None:
    """The applicant brings what was put off: branches that read it look again, a step that waited goes on."""
    rev, names = work.cmd.data["data_rev"], tuple(work.cmd.data["supplied"])
    block = work.d.blocks.get(work.st.main.step)
    for name in names:
        data = {"material": name, "rev": rev, "unconfirmed": correction.unconfirmed(work, block, (name,))}
        work.emit("gap.closed", MAIN, data)
    waits.release(work)
    if block is not None:
        _look_again(work, block)
        correction.after_act(work)
    moves.settle(work)


def _look_again(work: Work, block: Block) -> None:
    """Finished branches that read what came start over. No `when` is weighed: no answer has changed."""
    for branch in block.branches:
        for token in work.st.parts_of(branch.scope):
            if not token.open and moves.outdated(work, block, branch, token):
                moves.open_part(work, branch, token.scope, reopened=True)


def resubmit(work: Work) -> None:
    """The answer to a correction may bring what was put off, or the proof that a pledge stood for (`pledges`: the
    materials still pledged)."""
    if work.st.notice is None:
        raise NotAllowed("No correction is asked for at the moment.")
    due = {gap.material for gap in work.st.open_gaps}
    for name in sorted(due & set(work.cmd.data.get("supplied") or ())):
        work.emit("gap.closed", MAIN, {"material": name, "unconfirmed": []})
    if "pledges" in work.cmd.data:
        for name in sorted(set(work.st.pledges) - set(work.cmd.data["pledges"])):
            work.emit("pledge.ended", MAIN, {"material": name})
        work.forget_values()
    waits.release(work)
    correction.resubmit(work)


# -- it does not come


def fire(work: Work, timer: TimerState) -> str | None:
    """What a gap's timer does: `warn`, or the end that the case lapses to; None where the gap is closed already."""
    _, material, what = timer.key.split(":")
    gap, deferral = work.st.gaps.get(material), work.d.deferrals.get(material)
    if gap is None or gap.closed_at is not None or deferral is None:
        return None
    return "warn" if what == "warn" else deferral.to
