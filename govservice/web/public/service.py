"""The page of one service: how long, what it costs, who, what you bring against what we hold, how it goes."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template
from flask_babel import gettext, ngettext

from govservice.definitions.compiled import Compiled, Spawn
from govservice.definitions.library import Definitions
from govservice.models.people import Organisation, Person
from govservice.operations.runtime import Runtime
from govservice.queries.bundles import saving, spawns_of
from govservice.queries.figures import Turnaround, turnaround
from govservice.queries.my_cases import open_draft
from govservice.queries.service_page import Needs, labels, needs
from govservice.queries.way import WayStep, brings_the_paper, department_name, departments, way_to_the_paper
from govservice.web.access import audience, current_actor, current_runtime
from govservice.web.i18n import text
from govservice.web.public import blueprint
from govservice.web.public.kept import kept_for
from govservice.web.words import condition_text, duration_text, list_text

Item = dict[str, Any]


@blueprint.get("/services/<code>")
@audience("anyone")
def service(code: str) -> str:
    rt, actor = current_runtime(), current_actor()
    if code not in rt.definitions.codes():
        abort(404)
    compiled, now = rt.definitions.current(code), rt.now()
    area = visitor_area(rt)
    draft = None
    if actor is not None and actor.kind == "applicant":
        with rt.read() as session:
            draft = open_draft(session, actor, code)

    def figures() -> Turnaround:
        with rt.read() as session:
            return turnaround(session, rt.definitions, rt.calendars, now, code)

    asked = needs(rt.definitions, compiled)
    return render_template(
        "public/service.html",
        service=compiled.service,
        decision=compiled.limit("decision"),
        figures=kept_for(f"service:{compiled.sha}", now, figures),
        needs=asked,
        saving=saving(rt.definitions, compiled),
        parts=[part_item(rt.definitions, spawn, area) for spawn in spawns_of(compiled)],
        bring=bring_items(asked),
        hold=[{"kind": "held", "title": h.title, "note": f"{text(h.owner)} · {text(h.registry)}"} for h in asked.held],
        steps=[step_item(rt.definitions, compiled, step) for step in way_to_the_paper(compiled)],
        departments=departments(compiled, rt.definitions, area),
        lead=department_name(rt.definitions, compiled.service.department, area),
        halls=[a for a in rt.definitions.catalogue.areas.values() if a.hall and area in (None, a.code)],
        document=rt.definitions.catalogue.documents.get(compiled.service.output.document)
        if compiled.service.output
        else None,
        event=next((rt.definitions.catalogue.life_events.get(e) for e in compiled.service.life_events), None),
        event_code=next(iter(compiled.service.life_events), None),
        signed_in=actor is not None and actor.kind == "applicant",
        draft=draft,
    )


def part_item(definitions: Definitions, spawn: Spawn, area: str | None) -> Item:
    """One part of a bundle: its name, its department, and what it waits for."""
    part = definitions.current(spawn.service)
    who = text(department_name(definitions, part.service.department, area))
    waits = list_text([text(definitions.current(s).service.title) for s in spawn.waits_for])
    note = gettext("%(who)s; after: %(parts)s", who=who, parts=waits) if waits else who
    if spawn.when is not None:
        note = gettext("%(note)s; if you want it", note=note)
    return {"title": part.service.title, "code": spawn.service, "note": note}


def visitor_area(rt: Runtime) -> str | None:
    """The area of the enterprise (or person) the visitor acts for; None for a visitor nobody knows."""
    actor = current_actor()
    if actor is None or actor.kind != "applicant":
        return None
    with rt.read() as session:
        organisation = session.get(Organisation, actor.organisation_id) if actor.organisation_id else None
        person = session.get(Person, actor.person_id) if actor.person_id else None
        found = (organisation.area if organisation else None) or (person.area if person else None)
    known = rt.definitions.catalogue.areas.get(found or "")
    return known.code if known and known.serves else None


def bring_items(asked: Needs) -> list[Item]:
    """What the applicant prepares and answers, each with what it must be like."""
    items: list[Item] = []
    for upload in asked.uploads:
        kinds = list_text([kind.upper() for kind in upload.accept])
        note = gettext("%(kinds)s, at most %(size)s MB", kinds=kinds, size=upload.max_mb)
        if not upload.required:
            note = gettext("If you have one: %(note)s", note=note)
        if upload.sometimes and upload.hint:
            note = gettext("%(note)s. %(more)s", note=text(upload.hint).rstrip(".。"), more=note)
        if upload.deferrable is not None:
            later = gettext("May follow within %(days)s", days=duration_text(upload.deferrable))
            note = gettext("%(note)s. %(more)s", note=note, more=later)
        if upload.pledge_checked is not None:
            instead = gettext(
                "A pledge instead; checked within %(days)s of issue", days=duration_text(upload.pledge_checked)
            )
            if upload.hint:  # says to whom the pledge is open
                instead = gettext("%(note)s. %(more)s", note=text(upload.hint).rstrip(".。"), more=instead)
            items.append({"kind": "pledge", "title": upload.title, "note": instead})
            continue
        items.append({"kind": "upload", "title": upload.title, "note": note})
    for answer in asked.answers:
        note = text(answer.hint) if answer.hint else ""
        if answer.field.options:
            note = list_text([text(words) for words in answer.field.options.values()])
        if answer.sometimes:
            note = note or gettext("where it applies")
        items.append({"kind": "type", "title": answer.title, "note": note})
    return items


def step_item(definitions: Definitions, compiled: Compiled, step: WayStep) -> Item:
    """One numbered step in plain words: who does what, until when."""
    if step.kind == "applicant":
        words = gettext("You see what we would fetch and why, agree, and answer what nobody else holds.")
        return {"title": gettext("You apply online"), "text": words}
    if step.branches:
        return {"title": branches_title(len(step.branches)), "text": branches_text(definitions, compiled, step)}
    if step.kind == "cases":
        words = gettext("Each part goes to its own department as soon as what it needs of the others is there.")
        return {"title": text(step.title), "text": words}
    if step.kind == "auto":
        return {"title": text(step.title), "text": auto_text(compiled, step)}
    return {"title": text(step.title), "text": human_text(definitions, compiled, step)}


def auto_text(compiled: Compiled, step: WayStep) -> str:
    """What the system does: the fee, the paper, or something that the applicant need not care about."""
    if compiled.steps[step.path].call == "fee.collect":
        return str(gettext("You are told what is due, and pay online."))
    if brings_the_paper(compiled, step.path):
        limit = compiled.limit("delivery")
        if limit is not None:
            days = duration_text(limit.promised or limit.statutory)
            return str(gettext("Within %(days)s of the decision. Anybody can verify it by its code.", days=days))
    if compiled.steps[step.path].call == "document.issue":
        return str(gettext("You find it here; anybody can verify it by its code."))
    return str(gettext("The system does this by itself; there is nothing for you to do."))


def branches_title(count: int) -> str:
    return str(gettext("%(count)s examinations run at the same time", count=count))


def branches_text(definitions: Definitions, compiled: Compiled, step: WayStep) -> str:
    names, fields = labels(definitions, compiled), compiled.service.fields
    parts = []
    for branch in step.branches:
        title = text(branch.title)
        if branch.conditional:
            when = condition_text(branch.condition, names, fields)
            title = gettext("%(what)s (%(when)s)", what=title, when=when)
        parts.append(title)
    tail = gettext("If something must be corrected you get one notice that names everything.")
    return str(gettext("%(branches)s. %(tail)s", branches=list_text(parts), tail=tail))


def human_text(definitions: Definitions, compiled: Compiled, step: WayStep) -> str:
    who = text(department_name(definitions, step.department, None)) if step.department else ""
    intake = compiled.limit("intake")
    marks = {edge.marks for edge in compiled.out.get(step.path, ()) if edge.marks}
    if "accepted" in marks and intake is not None:
        days, law = duration_text(intake.promised or intake.statutory), duration_text(intake.statutory)
        return str(
            gettext(
                "%(who)s answers within %(days)s. What is missing is said once, all of it. Without an answer within "
                "%(law)s your application counts as accepted from the day you sent it.",
                who=who,
                days=days,
                law=law,
            )
        )
    if step.limit is not None:
        return str(gettext("%(who)s, within %(days)s.", who=who, days=duration_text(step.limit)))
    return str(gettext("%(who)s.", who=who))


def minutes(asked: Needs) -> int:
    """A rough time at the keyboard: two minutes for the start, half a minute a question, one a document."""
    return 2 + (len(asked.answers) + 1) // 2 + len(asked.uploads)


@blueprint.app_template_global()
def takes_text(asked: Needs) -> str:
    """You bring 1 document and answer 3 questions; about 6 minutes."""
    if not asked.required_uploads:
        questions = ngettext("%(num)s question", "%(num)s questions", len(asked.answers))
        return str(
            gettext(
                "You bring no documents and answer %(questions)s: about %(minutes)s minutes.",
                questions=questions, minutes=minutes(asked),
            )
        )  # fmt: skip
    documents = ngettext("%(num)s document", "%(num)s documents", asked.required_uploads)
    questions = ngettext("%(num)s question", "%(num)s questions", len(asked.answers))
    return str(
        gettext(
            "You bring %(documents)s and answer %(questions)s: about %(minutes)s minutes.",
            documents=documents,
            questions=questions,
            minutes=minutes(asked),
        )
    )
