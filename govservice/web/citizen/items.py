"""What is asked of the applicant, in order: pages of questions, documents, the last look. One list for all pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask import url_for

from govservice.web.citizen.context import Filing

Text = Mapping[str, str]
State = Literal["done", "started", "to_do"]


@dataclass(frozen=True, slots=True)
class Item:
    """A thing to do. `wanted`: the application cannot be sent without it."""

    kind: Literal["page", "material"]
    id: str
    title: Text
    hint: Text | None
    href: str
    state: State
    wanted: bool
    promised: bool = False  # a pledge stands for it, or it comes later


def items_of(filing: Filing) -> list[Item]:
    """Everything the applicant answers or brings, in the order of the definition."""
    missing, late = set(filing.missing()), filing.late
    found: list[Item] = []
    for page in filing.asked_pages:
        asked = [name for name in page.fields if name in filing.slots.fields]
        answered = [name for name in asked if name in filing.form.answers]
        lacking = bool(missing.intersection(asked))
        done = not lacking and (bool(answered) or page.page in filing.form.pages_done or late.issuperset(asked))
        state: State = "done" if done else "started" if answered else "to_do"
        href = url_for("citizen.page", number=filing.number, page=page.page)
        found.append(Item("page", page.page, page.title, page.hint, href, state, lacking or not done))
    for name in filing.asked_materials:
        material = filing.compiled.service.materials[name]
        promised = name in filing.form.pledges or name in filing.form.deferred
        has = bool(filing.files.get(name)) or promised
        href = url_for("citizen.upload", number=filing.number, slot=name)
        state = "done" if has else "to_do"
        wanted = material.required and not has and name not in late
        found.append(Item("material", name, material.label, material.hint, href, state, wanted, promised))
    return found


def next_href(filing: Filing, after: str | None = None) -> str:
    """Where "Continue" leads: the registers that an answer calls for, the next thing after this one that is not done,
    else any that is not, else the check."""
    if filing.to_be_shown:
        return url_for("citizen.purpose", number=filing.number)
    items = items_of(filing)
    place = next((i for i, item in enumerate(items) if item.id == after), -1)
    for item in (*items[place + 1 :], *items[: place + 1]):
        optional = item.kind == "material" and not item.wanted
        if item.state != "done" and not optional and item.id != after:
            return item.href
    return url_for("citizen.check", number=filing.number)


def back_href(filing: Filing, this: str) -> str:
    """The thing before this one, else the list of all."""
    items = items_of(filing)
    place = next((i for i, item in enumerate(items) if item.id == this), 0)
    return items[place - 1].href if place > 0 else url_for("citizen.tasks", number=filing.number)
