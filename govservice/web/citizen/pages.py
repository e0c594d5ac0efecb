"""Question pages: one thing a page; what is known stands beside it; typed text is kept where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.definitions.schema import Page
from govservice.operations import filing as operations
from govservice.web.access import audience, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import (
    Filing,
    districts,
    editable_note,
    filing_of,
    known_items,
    not_a_draft,
    why_asked,
)
from govservice.web.citizen.items import back_href, items_of, next_href
from govservice.web.forms import ItemForm, make_form


@blueprint.route("/my/cases/<number>/pages/<page>", methods=["GET", "POST"])
@audience("citizen")
def page(number: str, page: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if (elsewhere := not_a_draft(filing, told=False)) is not None:
        return elsewhere
    shown = next((each for each in filing.asked_pages if each.page == page), None)
    if shown is None:
        known = any(each.page == page for each in filing.compiled.service.form)
        return redirect(next_href(filing), 303) if known else abort(404)
    asked = [name for name in shown.fields if name in filing.slots.fields]
    # what a register owes may be left out here as well: the application can be sent without it
    fields = {n: replace(f, required=f.required and n not in filing.late) for n, f in filing.fields.items()}
    form = make_form(fields, asked, filing.form.answers, districts(filing.rt), formats=filing.formats)
    valid = form.validate_on_submit()
    if form.is_submitted() and request.form.get("then") == "later":
        return _leave(filing, page, form)
    if valid:
        operations.save_page(filing.rt, filing.actor, filing.case.id, page, form.values(), now=now())
        return redirect(next_href(filing_of(filing.number), page), 303)  # read anew: answers open and close pages
    code = 422 if request.method == "POST" else 200
    return _page(filing, shown, asked, form), code


def _leave(filing: Filing, page: str, form: ItemForm) -> Response:
    """Whoever wants to go is let go: what could be read is kept, and the next page names what was not."""
    wrong = [field.spec_name for field in form.questions() if field.errors]
    kept = {name: value for name, value in form.values().items() if name not in wrong}
    operations.save_page(filing.rt, filing.actor, filing.case.id, page, kept, now=now())
    typed = [name for name in wrong if request.form.get(name, "").strip()]
    left: dict[str, Any] = {"case": filing.number, "left": typed} if typed else {}
    return redirect(url_for("citizen.cases", said="saved", **left), 303)


def _page(filing: Filing, page: Page, asked: list[str], form: ItemForm) -> str:
    items = [item for item in items_of(filing) if item.kind == "page"]
    place = next((i for i, item in enumerate(items, start=1) if item.id == page.page), 1)
    facts = [fact for name in asked if (fact := filing.fields[name].fact) is not None]
    return render_template(
        "citizen/page.html",
        filing=filing,
        page=page,
        form=form,
        questions=form.questions(),
        back=back_href(filing, page.page),
        caption=_place(place, len(items), open_ended=filing.more_pages_may_come),
        known=known_items(filing),
        reasons=[
            why_asked(filing, filing.facts[f])
            for f in dict.fromkeys(facts)
            if f in filing.facts and filing.facts[f].asked and not filing.facts[f].filled
        ]
        + [note for f in dict.fromkeys(facts) if (note := editable_note(filing, f))],
    )


def _place(n: int, total: int, *, open_ended: bool) -> str:
    """Where the page stands. While an answer may still open pages nobody knows how many: no number that frightens."""
    if open_ended:
        return str(gettext("Page %(n)s", n=n))
    return str(gettext("Page %(n)s of %(total)s", n=n, total=total))
