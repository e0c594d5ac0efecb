"""What happened, in sentences, newest first. One sentence per event that means something to the applicant.

A system act says that it was the system and why; claims, timers and counters of the engine are not told.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext

from govservice.definitions.compile_edges import RENEWED
from govservice.definitions.compiled import Edge
from govservice.models.papers import Message
from govservice.queries.fees import fee_steps
from govservice.queries.tracking import CasePage, Happening
from govservice.web.access import current_actor
from govservice.web.asides import with_asides
from govservice.web.citizen.consults import appointment_told, consult_told, data_told, opinion_told
from govservice.web.citizen.turn import may_still_move
from govservice.web.i18n import date_text, sum_text, text
from govservice.web.words import duration_text, list_text, pause_name, person_at
from govservice.worktime.duration import Duration

Item = dict[str, Any]


def story(page: CasePage) -> list[Item]:
    """Items for the timeline component: {title, at, by, note, quote, links}."""
    items = []
    for happening in page.happenings:
        told = _TELL.get(happening.type)
        item = told(page, happening) if told else None
        if item is not None:
            items.append({"at": happening.at, "by": _by(page, happening), **item})
    items = with_asides(items[::-1], page.asides, page.compiled, lambda aside: _person(page, aside.person))
    return [*refunds(page)[::-1], *items]


def _by(page: CasePage, happening: Happening) -> str:
    step = page.compiled.steps.get(str(happening.data.get("step", "")))
    if happening.mine and step is not None and step.person is not None:
        return str(gettext("the person asked"))
    if happening.who is not None:
        who = text(happening.who)
        if happening.behalf is not None:
            who = str(gettext("%(who)s for %(absent)s", who=who, absent=text(happening.behalf)))
        return person_at(who, text(happening.department) if happening.department else "")
    if happening.system:
        return str(gettext("the system"))
    return _person(page, happening.person)


def _person(page: CasePage, person: str) -> str:
    """Who acted for the applicant: the reader, or somebody whose name is their own."""
    other = gettext("somebody else who acts for %(party)s", party=page.party)
    return str(other if _is_another(person) else gettext("you"))


def _fellow(happening: Happening) -> bool:
    """Whether it was somebody else than the reader who acted for the applicant: a colleague with a mandate. Who it was
    is not told here: their name is their own."""
    return _is_another(happening.person)


def _is_another(person: str) -> bool:
    reader = current_actor()
    return person != "" and reader is not None and person != reader.person_id


def _title_of(page: CasePage, path: str) -> str:
    """The name of a branch, or of a step of the main token."""
    step = page.compiled.steps.get(path)
    if step is None:
        return path
    for block in page.compiled.blocks.values():
        for branch in block.branches:
            if branch.scope == step.scope:
                return text(branch.title)
    return text(step.title)


def _opened(_page: CasePage, happening: Happening) -> Item:
    other = _fellow(happening)
    return {"title": gettext("The application was begun") if other else gettext("You began the application")}


def _left(page: CasePage, happening: Happening) -> Item | None:
    data = happening.data
    marks = data.get("marks")
    if marks == "received":
        title = gettext("The application was sent") if _fellow(happening) else gettext("You sent your application")
        return {"title": title, "links": _letter(page, "receipt", happening)}
    if marks == "accepted":
        return _accepted(page, happening)
    if marks == "delivered":
        return {"title": gettext("Your licence was issued"), "links": _letter(page, "grant", happening)}
    if (paid := _fee_told(page, happening)) is not None:
        return paid
    step = page.compiled.steps.get(data["step"])
    if step is not None and step.asked_at is not None:
        return opinion_told(page, happening)
    if data["trigger"] == RENEWED:
        note = gettext("nobody had decided before it expired (Administrative Licensing Law, art. 50)")
        return {"title": gettext("Your licence is renewed by law"), "note": note}
    edge = page.compiled.edge(data["step"], data["trigger"])
    if edge is None or data["trigger"].startswith("@") or edge.kind == "always":
        return None  # joins, answers and the way out are told by what follows from them
    title = _act(edge, _title_of(page, data["step"]))
    note = text(data.get("note")) if data.get("deemed") and data.get("note") else ""
    return {"title": title, "note": note}


def _fee_asked(page: CasePage, happening: Happening) -> Item | None:
    if happening.data["step"] not in fee_steps(page.compiled) or page.fee is None:
        return None
    if "notice.fee" not in happening.data.get("effects", ()):
        return None  # it had been paid already
    title = gettext("The fee of %(sum)s was asked for", sum=sum_text(page.fee.sum))
    return {"title": title, "links": _letter(page, "fee", happening)}


def _fee_told(page: CasePage, happening: Happening) -> Item | None:
    data = happening.data
    if data["step"] not in fee_steps(page.compiled) or data["trigger"] not in ("@ok", "@fail"):
        return None
    if data["trigger"] == "@fail":
        return {"title": gettext("The fee could not be collected"), "note": gettext("nothing was taken")}
    return {"title": gettext("Your payment was confirmed")}


def refunds(page: CasePage) -> list[Item]:
    """What the payment provider did after the case had ended is no event of the case."""
    paid = page.fee.paid if page.fee else ()
    title = gettext("The fee was given back")
    by = gettext("the payment provider")
    return [{"at": p.refunded_at, "title": title, "by": by} for p in paid if p.refunded_at is not None]


def _act(edge: Edge, step: str) -> str:
    """What an act came to, in the past tense where the outcome has a word of its own."""
    ends = {target.end for target in edge.targets}
    if ends == {"approved"}:
        return str(gettext("%(step)s: agreed", step=step))
    if ends == {"rejected"}:
        return str(gettext("%(step)s: not agreed", step=step))
    return str(gettext("%(step)s: %(act)s", step=step, act=text(edge.label)))


def _accepted(page: CasePage, happening: Happening) -> Item:
    limit = page.compiled.limit("decision")
    title = gettext("Accepted")
    if limit is not None:
        title = gettext("Accepted: the %(days)s began", days=duration_text(limit.promised or limit.statutory))
    deemed = happening.data.get("deemed")
    note = (
        gettext("nobody answered in time, so the law counts it as accepted from the day you sent it") if deemed else ""
    )
    return {"title": title, "note": note, "links": _letter(page, "acceptance", happening)}


def _not_needed(page: CasePage, happening: Happening) -> Item | None:
    if happening.data["outcome"] != "not_needed":
        return None  # told by the act that ended the branch
    branch = _branch(page, happening.data["branch"])
    return {"title": gettext("Not needed: %(branch)s", branch=branch), "by": gettext("the system")}


def _branch(page: CasePage, scope: str) -> str:
    plain, _, number = scope.partition("/")
    found = (b for block in page.compiled.blocks.values() for b in block.branches if b.scope == plain)
    title = next((text(branch.title) for branch in found), plain)
    return f"{title} {int(number) + 1}" if number else title


def _reopened(page: CasePage, happening: Happening) -> Item | None:
    if not happening.data.get("reopened"):
        return None
    return {"title": gettext("%(branch)s looks at it again", branch=_branch(page, happening.data["branch"]))}


def _child(page: CasePage, happening: Happening) -> Item | None:
    """How a part of the bundle came, and how it ended; that it was asked for means nothing to the applicant."""
    part = next((text(p.title) for p in page.parts if p.service == happening.data["service"]), "")
    if happening.type == "child.opened":
        return {"title": gettext("%(part)s: begun", part=part)}
    titles = {
        "granted": gettext("%(part)s: done", part=part), "refused": gettext("%(part)s: refused", part=part),
        "not_needed": gettext("Not needed: %(branch)s", branch=part),
        "prevented": gettext("%(part)s: cannot begin, because what it needs did not succeed", part=part),
        "failed": gettext("%(part)s: could not be started", part=part),
    }  # fmt: skip
    return {"title": titles.get(happening.data["outcome"], gettext("%(part)s: ended", part=part))}


def _invited(page: CasePage, happening: Happening) -> Item:
    return {"title": gettext("%(step)s: the person was asked", step=_title_of(page, happening.data["step"]))}


def _confirmed(page: CasePage, happening: Happening) -> Item:
    step = _title_of(page, happening.data["step"])
    return {"title": gettext("%(step)s: the first of two people has confirmed", step=step)}


def _asked(page: CasePage, happening: Happening) -> Item:
    items = [text(item_label(page, name)) for name in happening.data["items"]]
    step = _title_of(page, happening.data["step"])
    return {"title": gettext("%(step)s asked about: %(items)s", step=step, items=list_text(items))}


def item_label(page: CasePage, name: str) -> Any:
    """The label of a field or a material that a correction names."""
    field = page.compiled.service.fields.get(name)
    material = page.compiled.service.materials.get(name)
    return field.label if field else material.label if material else name


def _notified(page: CasePage, happening: Happening) -> Item:
    count = len(happening.data["items"])
    title = ngettext("We asked you to correct %(num)s thing", "We asked you to correct %(num)s things", count)
    note = gettext("one notice for everything; the clock stopped")
    return {"title": title, "by": "", "note": note, "links": _letter(page, "correction", happening)}


def _resubmitted(_page: CasePage, happening: Happening) -> Item:
    title = gettext("The corrections were sent") if _fellow(happening) else gettext("You sent your corrections")
    return {"title": title, "note": gettext("the clock runs on")}


def _breached(page: CasePage, happening: Happening) -> Item | None:
    name = str(happening.data.get("key", "")).removeprefix("limit:")
    if name not in page.compiled.limits:
        return None
    if happening.data.get("kind") == "statutory":
        return {
            "title": gettext("The day set by law passed without an answer"),
            "note": gettext("supervision sees it"),
        }
    return {"title": gettext("The promised day passed without an answer"), "note": gettext("supervision sees it")}


def _promised(page: CasePage, happening: Happening) -> Item | None:
    data = happening.data
    what = text(item_label(page, data["material"]))
    if happening.type == "pledge.made":
        return {"title": gettext("You gave a pledge instead of: %(what)s", what=what)}
    if happening.type == "gap.opened":
        return {"title": gettext("You put off: %(what)s, until %(day)s at the latest", what=what,
                                 day=date_text(date.fromisoformat(data["due_on"])))}  # fmt: skip
    if happening.type == "gap.closed":
        return {"title": gettext("You brought: %(what)s", what=what)}
    return {"title": gettext("Your pledge stands no more: you brought the document (%(what)s)", what=what)}


def _reminded(page: CasePage, happening: Happening) -> Item | None:
    parts = str(happening.data["key"]).split(":")
    if parts[0] != "deferral" or happening.data["do"] != "warn":
        return None
    what = text(item_label(page, parts[1]))
    links = _letter(page, "gap", happening)
    return {"title": gettext("We reminded you of: %(what)s", what=what), "by": "", "links": links}


def _checked(page: CasePage, happening: Happening) -> Item:
    """Work that lives on after the case; it has a last day where its step has a limit."""
    title, due = _title_of(page, happening.data["step"]), happening.data.get("due_on")
    if due is not None:
        day = date_text(date.fromisoformat(due))
        title = gettext("%(step)s: until %(day)s at the latest", step=title, day=day)
    return {
        "title": title,
        "note": " · ".join(filter(None, (gettext("the licence holds meanwhile"), _may_move(happening)))),
    }


def _may_move(happening: Happening) -> str:
    """Said beside a date of a year whose make-up days are not announced."""
    return may_still_move() if happening.data.get("provisional") else ""


def _closed(page: CasePage, happening: Happening) -> Item | None:
    outcome = happening.data["outcome"]
    if outcome == "granted" and any(h.data.get("marks") == "delivered" for h in page.happenings):
        return None  # told by the licence
    titles = {
        "granted": (gettext("Granted"), "grant"),
        "refused": (gettext("Refused") if page.case.accepted_at else gettext("Not accepted"), "refusal"),
        "withdrawn": (gettext("Withdrawn"), "withdrawn"),
        "lapsed": (gettext("Lapsed: no answer came in time"), "lapsed"),
        "terminated": (gettext("Ended"), "terminated"),
    }
    title, kind = titles.get(outcome, (outcome, ""))
    if outcome == "withdrawn" and happening.system:
        title = gettext("Counts as withdrawn: no answer came in time")
    return {"title": title, "links": _letter(page, kind, happening)}


def _letter(page: CasePage, kind: str, happening: Happening) -> list[Item]:
    """The link to a notice, where it has been delivered."""
    words = {
        "receipt": gettext("receipt"), "acceptance": gettext("notice of acceptance"),
        "correction": gettext("notice of correction"), "extension": gettext("notice of extension"),
        "pause": gettext("notice of excluded time"), "fee": gettext("request for payment"),
        "appointment": gettext("notice of the appointment"),
        "refusal": gettext("notice of refusal") if page.case.accepted_at else gettext("notice of non-acceptance"),
        "grant": gettext("notice of the decision"),
    }  # fmt: skip
    message = letter_of(page, kind, happening)
    if message is None:
        return []
    href = url_for("citizen.letter", number=page.case.number, kind=kind, seq=message.seq)
    return [{"text": words.get(kind, gettext("notice")), "href": href}]


def _extended(page: CasePage, happening: Happening) -> Item:
    by = duration_text(Duration.parse(happening.data["by"]))
    title = gettext("The limit set by law was extended by %(by)s", by=by)
    return {"title": title, "links": _letter(page, "extension", happening)}


def _meets(page: CasePage, happening: Happening) -> Item:
    return {**appointment_told(page, happening), "links": _letter(page, "appointment", happening)}


def _stands_still(page: CasePage, happening: Happening) -> Item:
    last = date_text(date.fromisoformat(happening.data["until_on"]))
    title = gettext("The clock stopped, until %(day)s at the latest: %(kind)s", day=last,
                    kind=pause_name(happening.data["kind"]))  # fmt: skip
    return {"title": title, "links": _letter(page, "pause", happening)}


def _runs_on(_page: CasePage, happening: Happening) -> Item:
    return {"title": gettext("The clock runs on: %(kind)s is over", kind=pause_name(happening.data["kind"]))}


def _renews(_page: CasePage, happening: Happening) -> Item:
    last = date_text(date.fromisoformat(happening.data["expires_on"]))
    return {"title": gettext("It is to renew your licence, which holds until %(day)s", day=last)}


def _migrated(_page: CasePage, _happening: Happening) -> Item:
    note = gettext("What was done and the time already used stay as they were.")
    return {"title": gettext("Your application goes on under a newer version of the rules"), "note": note}


def letter_of(page: CasePage, kind: str, happening: Happening) -> Message | None:
    """The notice of a kind that the act sent of which an event was part, once it has been delivered."""
    same_act = {h.seq for h in page.happenings if h.idem == happening.idem}
    return next((message for message in page.notices if message.kind == kind and message.seq in same_act), None)


_TELL = {
    "case.migrated": _migrated,
    "case.opened": _opened,
    "step.entered": _fee_asked,
    "step.left": _left,
    "branch.ended": _not_needed,
    "branch.opened": _reopened,
    "action.confirmed": _confirmed,
    "renewal.begun": _renews,
    "appointment.made": _meets,
    "consult.opened": consult_told,
    "data.changed": data_told,
    "person.invited": _invited,
    "child.opened": _child,
    "child.ended": _child,
    "correction.asked": _asked,
    "correction.notified": _notified,
    "correction.resubmitted": _resubmitted,
    "clock.breached": _breached,
    "clock.extended": _extended,
    "pause.begun": _stands_still,
    "pause.ended": _runs_on,
    "pledge.made": _promised,
    "pledge.ended": _promised,
    "gap.opened": _promised,
    "gap.closed": _promised,
    "timer.fired": _reminded,
    "after.opened": _checked,
    "case.closed": _closed,
}
