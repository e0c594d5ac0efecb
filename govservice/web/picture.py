"""The flow picture's nodes in words: who, when, what came of it."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from govservice.queries.flow import FlowNode
from govservice.queries.tracking import CasePage
from govservice.queries.way import brings_the_paper, department_name, place_of
from govservice.web.access import current_runtime
from govservice.web.i18n import date_text, text
from govservice.web.words import duration_text, person_at

Node = dict[str, Any]


def columns_of(page: CasePage, *, by_applicant: bool = True) -> list[list[Node]]:
    """Columns for the flow component. `by_applicant`: the reader is the applicant, for whom a department may wait."""
    return [[_node(page, node, by_applicant) for node in column] for column in page.columns]


def _node(page: CasePage, node: FlowNode, by_applicant: bool) -> Node:
    title = gettext("Received") if node.kind == "applicant" and page.case.received_at else text(node.title)
    if node.kind == "end" and node.outcome == "refused" and page.case.accepted_at is None:
        title = gettext("Not accepted")  # another thing than a refusal (Administrative Licensing Law art. 32)
    return {"title": title, "sub": _sub(page, node), "status": node.status, "tag": _tag(node, by_applicant)}


def _sub(page: CasePage, node: FlowNode) -> str:
    """Done: when. Here: who has it. To come: which department, or how long the law gives it."""
    if node.kind == "end":
        return ""  # the tag bears the day
    if node.status == "done" and node.kind not in ("branch",):
        return date_text(node.at, year=False) if node.at else ""
    if node.kind == "auto":
        limit = page.compiled.limit("delivery") if brings_the_paper(page.compiled, node.path) else None
        days = duration_text(limit.promised or limit.statutory) if limit else ""
        return str(gettext("within %(days)s", days=days)) if days else ""
    if node.role and node.actor not in page.names:
        return text(node.role)
    return _who(page, node)


def _who(page: CasePage, node: FlowNode) -> str:
    department = ""
    if node.department:
        definitions = current_runtime().definitions
        department = text(department_name(definitions, node.department, place_of(page.case, node.owner)))
    person = text(page.names[node.actor]) if node.actor and node.actor in page.names else ""
    return person_at(person, department)


def _tag(node: FlowNode, by_applicant: bool) -> Node | None:
    if node.waits:
        words = gettext("Waits for you") if by_applicant else gettext("Waits for the applicant")
        return {"tone": "warn", "text": words, "icon": "stopped"}
    if node.status == "here" and node.collecting:
        return {"tone": "warn", "text": gettext("Has a question"), "icon": "info"}
    if node.kind == "end":
        tone = {"granted": "ok", "refused": "bad"}.get(node.outcome or "", "mute")
        return {"tone": tone, "text": date_text(node.at, year=False)}
    if node.kind != "branch":
        return None
    if node.status == "skipped":
        words = gettext("Stopped") if node.outcome == "cancelled" else gettext("Not needed")
        return {"tone": "mute", "text": words}
    if node.status == "done":
        tone = "bad" if node.outcome == "rejected" or node.failed else "ok"
        return {"tone": tone, "text": _result(node)}
    return None


def _result(node: FlowNode) -> str:
    known = {"approved": gettext("Agreed"), "rejected": gettext("Not agreed")}
    if node.by_system:
        known = dict.fromkeys([node.outcome or ""], gettext("Not done") if node.failed else gettext("Done"))
    label = known.get(node.outcome or "") or text(node.outcome_label) if node.outcome_label else (node.outcome or "")
    day = date_text(node.at, year=False) if node.at else ""
    return str(gettext("%(what)s %(day)s", what=label, day=day)).strip()
