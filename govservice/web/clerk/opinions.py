"""What the departments of a case have said so far, one part of a parallel step after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import CaseState, Token
from govservice.engine import Task as OpenTask
from govservice.queries.flow import parts_of
from govservice.queries.names import staff_names
from govservice.queries.tracking import CasePage
from govservice.web.i18n import moment_text, text
from govservice.web.timeline import quotation

Text = Mapping[str, str]
SAID = ("step.left", "action.confirmed", "correction.asked", "pause.begun")  # acts with which somebody says something


def opinions(
    session: Session, compiled: Compiled, state: CaseState, track: CasePage, words: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each branch of every parallel step so far: its outcome, what was said last, by whom and when, and who has it
    now. What the portal does by itself is nobody's opinion."""
    scopes = {t.branch for t in state.tokens.values() if t.kind == "branch"}
    begun = [b for b in compiled.blocks.values() if any(branch.scope in scopes for branch in b.branches)]
    holders = {t.token_id: t for t in state.tasks.values() if not t.watch}
    staff = staff_names(session, (t.assignee for t in holders.values() if t.assignee))
    parts = [part for block in begun for part in parts_of(compiled, block.path, state.tokens.values())]
    return [
        _opinion(compiled, token, title, holders.get(token.id), staff, track, words)
        for branch, token, title in parts
        if token is not None and any(s.kind != "auto" for s in compiled.steps.values() if s.scope == branch.scope)
    ]


def _opinion(
    compiled: Compiled, token: Token, title: Text, task: OpenTask | None, staff: Mapping[str, Text], track: CasePage,
    words: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    acts = [
        h for h in track.happenings
        if h.type in SAID and h.data.get("step", "").startswith(token.branch + ".") and h.who and h.token_id == token.id
    ]  # fmt: skip
    tone, outcome = _outcome(compiled, token)
    said = {"title": title, "tone": tone, "outcome": outcome, "text": "", "meta": "", "now": _with(task, staff)}
    if acts:
        last = acts[-1]
        said |= {"text": quotation(words.get(last.data.get("text", ""))),
                 "meta": f"{text(last.who)} · {moment_text(last.at)}"}  # fmt: skip
    return said


def _with(task: OpenTask | None, staff: Mapping[str, Text]) -> str:
    """Who has the branch's task now; nothing where it has none, or waits for the applicant."""
    if task is None or task.status != "open":
        return ""
    holder = staff.get(task.assignee or "")
    return str(_("With %(name)s now", name=text(holder)) if holder else _("Nobody has taken it yet"))


def _outcome(compiled: Compiled, token: Token) -> tuple[str, str]:
    """The tone and the words: an outcome of the definition's own is called as the act that has it."""
    if token.status in ("waiting", "suspended"):
        return "stopped", _("Waits for the applicant")
    known = {
        "approved": ("ok", _("Agreed")),
        "rejected": ("bad", _("Not agreed")),
        "not_needed": ("mute", _("Not needed")),
        "cancelled": ("mute", _("Ended")),
    }
    if token.outcome:
        edges = [e for path, out in compiled.out.items() if path.startswith(f"{token.branch}.") for e in out]
        own = next((text(e.label) for e in edges if any(t.end == token.outcome for t in e.targets)), token.outcome)
        return known.get(token.outcome, ("mute", own))
    return "info", _("Open")
