"""What other departments were asked, what they answered, and the question that a consulted department reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from govservice.definitions.compiled import Compiled
from govservice.definitions.on_change import is_change_step
from govservice.operations.runtime import Runtime
from govservice.operations.supervising import AdHoc
from govservice.queries.tracking import CasePage, Happening, department_at
from govservice.web.i18n import date_text, text
from govservice.web.timeline import quotation
from govservice.web.words import duration_text

TONES = {"agreed": "ok", "conditional": "warn", "objected": "bad", "no_answer": "mute", "cancelled": "mute"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to one department. `back`: the reader may take it back."""

    title: str
    tone: str
    outcome: str
    question: str
    answer: str
    meta: str
    token_id: int
    back: bool


def outcome_words(outcome: str) -> str:
    """What a department answered."""
    words = {
        "agreed": _("No objection"), "conditional": _("Agrees on conditions"), "objected": _("Objects"),
        "no_answer": _("No answer in time: no objection"), "cancelled": _("Taken back"),
    }  # fmt: skip
    return str(words.get(outcome, outcome))


def asked_of(
    rt: Runtime, compiled: Compiled, track: CasePage, words: Mapping[str, str], mine: Sequence[str],
    ad_hoc: Sequence[AdHoc],
) -> list[Asked]:  # fmt: skip
    """Every question of the case, oldest first. `mine`: steps of the reader; a consulted department sees its own
    question and no other's answer. `words`: what was written, as far as the reader may see it."""
    back = {each.token_id for each in ad_hoc if "cancel" in each.acts}
    found, question = [], ""
    for index, h in enumerate(track.happenings):
        if h.type == "consult.asked":
            question = quotation(words.get(h.data.get("text", "")))
        elif h.type == "consult.opened" and not is_change_step(h.data["step"]) and _seen(compiled, h, mine):
            later = [n for n in track.happenings[index + 1 :] if n.token_id == h.token_id]
            found.append(_asked(rt, compiled, track, h, later, question, words, back))
    return found


def _seen(compiled: Compiled, h: Happening, mine: Sequence[str]) -> bool:
    """The department itself, and whoever works at the case but was not only asked."""
    return h.data["step"] in mine or any(
        step is not None and step.asked_at is None for step in (compiled.steps.get(path) for path in mine)
    )


def _asked(
    rt: Runtime, compiled: Compiled, track: CasePage, h: Happening, later: Sequence[Happening], question: str,
    words: Mapping[str, str], back: set[int],
) -> Asked:  # fmt: skip
    ended: Happening | None = None
    said = ""
    for n in later:
        if n.type == "consult.opened":
            break
        if n.type == "step.left":
            said = quotation(words.get(n.data.get("text", "")))
        if n.type == "consult.ended":
            ended = n
            break
    department = department_at(rt.definitions, compiled, track.case, h.data)
    outcome = str(ended.data["outcome"]) if ended is not None else ""
    due = str(_("answer by %(day)s", day=date_text(date.fromisoformat(h.data["due_on"]))))
    meta = date_text(ended.at) if ended is not None else due
    return Asked(
        text(department), TONES.get(outcome, "info"), outcome_words(outcome) if ended else str(_("Not answered yet")),
        question, said, meta, h.token_id or 0, ended is None and (h.token_id or 0) in back,
    )  # fmt: skip


def about_asking(rt: Runtime, compiled: Compiled, asked: Any) -> str:
    """What asking does, said before it is done."""
    kinds = [compiled.service.roles[compiled.steps[path].owner or ""].department for path in asked.asks]
    names = [text(rt.definitions.catalogue.kinds.get(kind, {"en": kind, "zh": kind})) for kind in kinds]
    said = _("You ask %(who)s, who answer within %(days)s. No clock stands still for this.",
             who=_(", ").join(names), days=duration_text(asked.limit))  # fmt: skip
    silence = (
        _("Silence counts as no objection.") if asked.on_timeout == "no_objection"
        else _("Where no answer comes in time, you are told and may take the question back.")
    )  # fmt: skip
    waits = _("The step may go on meanwhile.")
    if asked.blocking:
        waits = _("This step goes on only when all have answered.")
    return " ".join(map(str, (said, silence, waits)))
