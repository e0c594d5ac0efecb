"""Starting: for whom, then the purpose page that says what would be fetched from whom, why and by which law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.definitions.periods import period_of, period_words
from govservice.exchange import conditional
from govservice.exchange.consents import wants_consent
from govservice.operations import filing as operations
from govservice.operations.mandates import Held, mandates_of, usable_mandate
from govservice.operations.runtime import Runtime
from govservice.operations.sessions import switch_acting_for
from govservice.queries.my_cases import open_draft
from govservice.web.access import audience, current_actor, current_runtime, now, signed_in, today
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, idem_of, new_idem
from govservice.web.citizen.items import next_href
from govservice.web.i18n import text

SELF = "self"


def parties(rt: Runtime, person_id: str, service: str) -> list[Held]:
    """The organisations for which this person may file this service today."""
    with rt.read() as session:
        return [held for held in mandates_of(session, person_id, today()) if held.valid and held.covers(service)]


@blueprint.route("/services/<code>/start", methods=["GET", "POST"])
@audience("citizen")
def start(code: str) -> str | Response | tuple[str, int]:
    rt, actor = current_runtime(), current_actor()
    if code not in rt.definitions.codes() or actor is None or actor.person_id is None:
        abort(404)
    compiled = rt.definitions.current(code)
    choices = parties(rt, actor.person_id, code) if "organisation" in compiled.service.audience else []
    for_self = "person" in compiled.service.audience
    chosen = request.form.get("party") or _only(choices, for_self) or actor_choice(actor.organisation_id, choices)
    error = ""
    if request.method == "POST":
        if chosen == SELF and for_self or any(held.id == chosen for held in choices):
            return _begin(rt, code, None if chosen == SELF else chosen)
        error = gettext("Choose for whom you apply")
    with rt.read() as session:
        may = [actor.organisation_id, *(held.organisation_id for held in choices), *([None] if for_self else ())]
        known = (open_draft(session, replace(actor, organisation_id=each), code) for each in dict.fromkeys(may))
        draft = next(filter(None, known), None)
    page = render_template(
        "citizen/start.html", service=compiled.service, choices=choices, for_self=for_self, chosen=chosen,
        error=error, draft=draft, idem=idem_of(request.form.get("idem")) if request.method == "POST" else new_idem(),
    )  # fmt: skip
    return (page, 422) if error else page


def _only(choices: list[Held], for_self: bool) -> str:
    """The one party there is; "" where there is a choice or none."""
    if for_self:
        return "" if choices else SELF
    return choices[0].id if len(choices) == 1 else ""


def actor_choice(organisation_id: str | None, choices: list[Held]) -> str:
    """The party the person acts for already."""
    return next((held.id for held in choices if held.organisation_id == organisation_id), "")


def _begin(rt: Runtime, code: str, mandate_id: str | None) -> Response:
    """Acts for the chosen party from now on, opens the draft and goes to its purpose page."""
    actor, session_of = current_actor(), signed_in()
    assert actor is not None  # the audience of this view
    assert session_of is not None
    switch_acting_for(rt, session_of, mandate_id, today=today())
    organisation = None
    if mandate_id is not None:
        with rt.read() as session:
            organisation = usable_mandate(session, actor.person_id or "", mandate_id, today()).organisation_id
    actor = replace(actor, organisation_id=organisation, mandate_id=mandate_id)
    number = operations.start(rt, actor, code, idem=idem_of(request.form.get("idem")), now=now())
    return redirect(url_for("citizen.purpose", number=number), 303)


@blueprint.route("/my/cases/<number>/purpose", methods=["GET", "POST"])
@audience("citizen")
def purpose(number: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if filing.case.status != "draft":
        return redirect(url_for("citizen.case", number=number, said="sent_already"), 303)
    here = _put_to_them(filing)
    wanting = [name for name in wants_consent(filing.compiled) if name in here]
    chosen = _chosen(filing, wanting)
    unanswered = [name for name in wanting if name not in chosen]
    if request.method == "POST" and not unanswered:
        own = [name for name in wanting if chosen[name] == "own"]
        declined = tuple(dict.fromkeys((*request.form.getlist("declined"), *own)))
        agreed = [name for name in wanting if chosen[name] == "agree"]
        operations.agree(
            filing.rt, filing.actor, filing.case.id, declined=declined, agreed=agreed, about=here, now=now()
        )
        if filing.to_be_shown:  # it came up in the middle of the form: that goes on
            return redirect(next_href(filing_of(number)), 303)
        return redirect(url_for("citizen.tasks", number=number), 303)
    sources = [source_card(filing, name) for name in here]
    wrong = unanswered if request.method == "POST" else []
    problems = [
        {"href": f"#agree-{card['name']}", "text": gettext("%(registry)s: choose whether you agree",
                                                           registry=text(card["registry"]))}
        for card in sources if card["name"] in wrong
    ]  # fmt: skip
    page = render_template(
        "citizen/purpose.html", filing=filing, sources=sources, chosen=chosen, problems=problems, wrong=wrong,
        more=bool(filing.to_be_shown), back=_back(filing),
    )  # fmt: skip
    return (page, 422) if wrong else page


def _put_to_them(filing: Filing) -> list[str]:
    """The facts that this page is about: those that an answer has just made necessary, else all that are needed."""
    left = conditional.unneeded(filing.compiled, filing.form)
    return filing.to_be_shown or [name for name in filing.compiled.service.facts if name not in left]


def _back(filing: Filing) -> str:
    """Where this page was come from: the page of the answer that led to it, or the service."""
    read = {n for name in filing.to_be_shown for n in filing.compiled.fact_conditions[name].names}
    pages = [page.page for page in filing.asked_pages if read & page.fields.keys()]
    if pages:
        return url_for("citizen.page", number=filing.number, page=pages[-1])
    return url_for("public.service", code=filing.case.service)


def _chosen(filing: Filing, wanting: list[str]) -> dict[str, str]:
    """What is chosen for each fact that wants consent: agree | own. Nothing is chosen for anybody beforehand."""
    if request.method == "POST":
        said = {name: request.form.get(f"consent.{name}", "") for name in wanting}
        return {name: choice for name, choice in said.items() if choice in ("agree", "own")}
    if filing.form.agreed_at is None or filing.to_be_shown:
        return {}
    return {name: "own" if name in filing.form.declined else "agree" for name in wanting}


def source_card(filing: Filing, name: str) -> dict[str, Any]:
    """One source in words: who holds it, what is asked, why, by which law, and what one may bring instead."""
    catalogue = filing.rt.definitions.catalogue
    fact = filing.compiled.service.facts[name]
    dataset = fact.dataset or ""
    registry = catalogue.registries.get(catalogue.registry_of(dataset) or "")
    why = catalogue.purposes.get(fact.purpose)
    instead = [
        text(filing.compiled.service.materials[way.upload].label)
        for way in fact.fallback
        if way.upload and way.upload in filing.compiled.service.materials
    ]
    return {
        "name": name,
        "registry": registry.title if registry else dataset,
        "owner": catalogue.departments[registry.owner].name if registry else "",
        "what": [catalogue.label(t) or t for t in fact.taken],
        "why": why.text if why else fact.purpose,
        "law": why.basis if why else "",
        "hides": why.hides if why and fact.show == "hidden" else None,
        "period": period_words(period_of(fact.as_of, today())) if fact.as_of else None,
        "block": fact.block,
        "consent": fact.consent == "explicit",
        "untold": fact.untold,
        "instead": instead,
        "declined": name in filing.form.declined,
    }


@blueprint.post("/my/cases/<number>/purpose/again")
@audience("citizen")
def ask_again(number: str) -> Response:
    """Asks once more the registries that did not answer."""
    filing = filing_of(number)
    if filing.case.status == "draft" and filing.form.agreed_at is not None:
        operations.fetch_facts(filing.rt, filing.actor, filing.case.id, now=now(), trigger="retry")
    return redirect(url_for("citizen.tasks", number=number), 303)
