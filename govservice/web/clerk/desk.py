"""One action of a clerk at one step: what it asks for, whether it is still possible, and what to say if it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled, Edge
from govservice.engine import MAIN, Actor, CaseState, Expected, Needs, Offer
from govservice.errors import Forbidden, NotAllowed, NotFound, PortalError, Stale
from govservice.exchange.pending import must_be_known
from govservice.models.casedata import read_form
from govservice.models.cases import CaseEvent
from govservice.operations.completeness import visible_pages
from govservice.operations.runtime import Runtime
from govservice.queries.names import staff_names
from govservice.queries.sight import sight_of
from govservice.queries.tracking import happenings
from govservice.web.access import current_runtime
from govservice.web.clerk.access import Opened
from govservice.web.clerk.acting import Item, items_of
from govservice.web.clerk.casepage import applicant_of, offers_of
from govservice.web.clerk.consults import about_asking
from govservice.web.clerk.typed import Typed
from govservice.web.errors import sentence
from govservice.web.i18n import text
from govservice.web.timeline import staff_timeline
from govservice.web.words import duration_text, pause_name
from govservice.worktime.duration import Duration

Text = Mapping[str, str]
EXTEND = "@extend:"


@dataclass(frozen=True, slots=True)
class Desk:
    """`offer` is None where the action is not there any more; `edges` are the action as the clerk's steps know it."""

    opened: Opened
    compiled: Compiled
    state: CaseState
    token_id: int
    action: str
    label: Text
    edges: tuple[Edge, ...]
    offer: Offer | None
    items: tuple[Item, ...]
    applicant: str
    person_id: str | None  # whose name is shown; None for an organisation's
    names: Mapping[str, Text] = field(default_factory=dict)

    @property
    def needs(self) -> Needs:
        return self.offer.needs if self.offer is not None else Needs()

    @property
    def asks_again(self) -> bool:
        """A correction at a step whose requests were in a notice already: the law allows one notice (art. 32(4))."""
        token = self.state.tokens.get(self.token_id)
        return self.needs.items and token is not None and token.step in self.state.noticed

    @property
    def possible(self) -> bool:
        return self.offer is not None and self.offer.allowed

    def is_current(self, expected: Expected) -> bool:
        """Whether the page showed the step and the answers as they are now."""
        token = self.state.tokens.get(self.token_id)
        seen = (expected.token_version, expected.data_rev)
        return token is not None and seen == (token.version, self.state.data_rev)


def desk_of(rt: Runtime, session: Session, opened: Opened, actor: Actor, token_id: int, action: str) -> Desk:
    """The action at the token, as the clerk's page offers it or once did. Raises NotFound where there never was one."""
    case, compiled = opened.case, rt.definitions.by_sha(opened.case.def_sha)
    state, offers = offers_of(rt, session, case, actor)
    offer = next((o for o in offers if (o.token_id, o.action) == (token_id, action) and _has_page(o)), None)
    edges = _edges(compiled, state, opened, token_id, action)
    if offer is None and not edges:
        raise NotFound()
    sight = sight_of(compiled, opened.steps)
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    shown = set(visible_pages(compiled, form))
    fixed = must_be_known(compiled)  # whoever named the wrong office is declined and told the right one
    could = [n for page in compiled.service.form if page.page in shown for n in page.fields if n not in fixed]
    asked: dict[str, Any] = {n: form.answers.get(n) for n in could if form.own(n)}
    read = {name for step in opened.steps for name in compiled.steps[step].reads or ()}
    spared = [n for n in compiled.service.materials if (n in read or n in form.pledges) and n not in form.deferred]
    present = {**asked, **dict.fromkeys(spared), **form.materials}
    applicant, person = applicant_of(session, case)
    confirmed = [t.confirmed[1] for t in state.tokens.values() if t.confirmed]
    return Desk(
        opened, compiled, state, token_id, action, offer.label if offer else edges[0].label, edges, offer,
        tuple(items_of(sight, present)), applicant, person, staff_names(session, confirmed),
    )  # fmt: skip


def _has_page(offer: Offer) -> bool:
    """Claiming and giving back have buttons of their own."""
    return offer.kind in ("action", "notice", "extend")


def _edges(compiled: Compiled, state: CaseState, opened: Opened, token_id: int, action: str) -> tuple[Edge, ...]:
    """The action at the token's present step, then at the other steps where the clerk's roles had this token."""
    if action.startswith(EXTEND):
        return _extension(compiled, action, token_id)
    token = state.tokens.get(token_id)
    had = dict.fromkeys(task.step for task in opened.tasks if task.token_id == token_id)
    paths = sorted(had, key=lambda path: token is None or path != token.step)
    found = [compiled.edge(path, action) for path in paths]
    return tuple(edge for edge in found if edge is not None and edge.kind == "action")


def _extension(compiled: Compiled, action: str, token_id: int) -> tuple[Edge, ...]:
    """Making a limit longer looks like an action of the case as a whole that needs reasons."""
    limit = compiled.limits.get(action.removeprefix(EXTEND))
    if limit is None or limit.extend is None or token_id != MAIN:
        return ()
    label = {"en": "Extend the limit", "zh": "延长办理期限"}
    return (Edge(action, compiled.start, "action", (), limit.extend.role, label, reason=True),)


def about_of(desk: Desk) -> str:
    """What the action does to the clock, said before it is taken."""
    edge = desk.edges[0] if desk.edges else None
    if desk.action.startswith(EXTEND):
        limit = desk.compiled.limits[desk.action.removeprefix(EXTEND)]
        now, more = desk.state.clocks[f"limit:{limit.name}"].statutory, limit.extend
        return str(
            _("The limit by law is %(now)s. It becomes longer by %(more)s, once. The applicant is sent your reasons; "
              "the promised date stays.", now=duration_text(Duration.parse(now)),
              more=duration_text(more.by if more else None))
        )  # fmt: skip
    if edge is not None and edge.consult is not None:
        return about_asking(current_runtime(), desk.compiled, edge.consult)
    if edge is None or edge.pause is None:
        return ""
    stops = str(_("The clock stands still for this and the applicant is told so in writing: %(kind)s.",
                  kind=pause_name(edge.pause)))  # fmt: skip
    if edge.length is not None:
        stops += " " + str(_("It runs on by itself after %(length)s at the latest.", length=duration_text(edge.length)))
    return f"{stops} {text(edge.notice)}" if edge.notice else stops


# -- what to say when somebody was first


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why the action did nothing: a sentence, what happened since the page was opened, what was typed."""

    words: str
    since: list[dict[str, Any]]
    typed: list[tuple[str, str]]


def conflict_of(
    rt: Runtime, session: Session, opened: Opened, token_id: int, fault: PortalError, seen: int | None,
    typed: Sequence[tuple[str, str]] = (),
) -> Conflict:  # fmt: skip
    """`seen` is the last event that the page knew."""
    first = min((e.seq for e in fault.events), default=None) if isinstance(fault, Stale) else None
    after = seen if seen is not None else first - 1 if first is not None else None
    lines = [] if after is None else events_since(rt, session, opened, token_id, after)
    return Conflict(_words(session, fault), lines, [pair for pair in typed if pair[1]])


def _words(session: Session, fault: PortalError) -> str:
    by = fault.facts.get("by") if isinstance(fault, (Forbidden, NotAllowed)) else None
    name = staff_names(session, [by]).get(by) if isinstance(by, str) else None
    if name is not None:
        return str(_("%(name)s has taken this task.", name=text(name)))
    return sentence(fault)


def events_since(rt: Runtime, session: Session, opened: Opened, token_id: int, after: int) -> list[dict[str, Any]]:
    """What was done at this token, or to the case as a whole, after an event: who, what, when; no words of others."""
    case = opened.case
    compiled = rt.definitions.by_sha(case.def_sha)
    rows = session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.seq > after)
        .where(or_(CaseEvent.token_id.in_((token_id, MAIN)), CaseEvent.token_id.is_(None)))
        .order_by(CaseEvent.seq)
    ).all()
    names = staff_names(session, {row.actor for row in rows})
    return staff_timeline(compiled, happenings(rt.definitions, compiled, case, rows, names), {}, quotes=False)


def typed_by(desk: Desk, reason: str | None, opinion: str | None, items: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the person typed, each beside the name of its input, so that nothing of it is lost."""
    labels = {item.name: item.label for item in desk.items}
    told = _("Words to the applicant") if desk.needs.items or items else _("Reason")
    words = [(str(told), reason or ""), (str(_("Opinion")), opinion or "")]
    return [*words, *((labels.get(name, name), note) for name, note in items.items())]


def not_sent(typed: Typed, token: int | None) -> list[tuple[str, str]]:
    """What else stood on the page of the case: opinions on other steps than `token`, a note."""
    opinions = typed.without_opinion(token).opinions if token is not None else typed.opinions
    return [*((str(_("Opinion")), opinion) for opinion in opinions.values()), (str(_("Note")), typed.note)]


def tried(desk: Desk, seen: int | None) -> str:
    """What the person wanted to do, in the words of the step that the page showed: a later step of the branch may have
    an action of the same name that means another thing."""
    shown = [t for t in desk.opened.tasks if t.token_id == desk.token_id and (seen is None or t.opened_seq <= seen)]
    step = max(shown, key=lambda task: task.opened_seq).step if shown else None
    edge = desk.compiled.edge(step, desk.action) if step is not None else None
    if step is None or edge is None:
        return text(desk.label)
    return str(_("%(action)s (%(step)s)", action=text(edge.label), step=text(desk.compiled.steps[step].title)))
