"""What an application cost the person who filed it, noted when it is sent: the rows behind the burden ledger.

Counts only, taken from the very revision that is sent: no value, no name. What is brought later (a correction, a
document that was put off) adds a row of its own, so that a case's burden is the sum of its rows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange.evidence import burden, never_asked
from govservice.exchange.snapshot import Reason
from govservice.exchange.views import Facts
from govservice.models.base import new_id
from govservice.models.casedata import YOU, Form
from govservice.models.cases import Case
from govservice.models.exchange import Burden, Snapshot

PAGES_AROUND = 2  # the purpose page and the check page, which every application has


def note(
    session: Session, case: Case, compiled: Compiled, catalogue: Catalogue, form: Form, facts: Facts, sealed: Snapshot,
    before: Form | None = None,
) -> None:  # fmt: skip
    """Notes what this sending cost, in the caller's transaction. `before`: the form as it was sent last."""
    row = {
        "id": new_id(), "case_id": case.id, "n": sealed.n, "reason": sealed.reason, "service": case.service,
        "at": sealed.created_at, **counts(compiled, catalogue, form, facts, sealed.reason, before or Form()),
    }  # fmt: skip
    session.execute(insert(Burden), [row])


def counts(
    compiled: Compiled, catalogue: Catalogue, form: Form, facts: Facts, reason: Reason | str, before: Form
) -> dict[str, int]:
    """The figures of one sending. Of a later one only what is new: answers typed again, documents added. What was taken
    over from an earlier application is neither typed nor brought; nor is what a pledge stands for. What was put off is
    needed from the first, and brought when it comes."""
    first = reason == "submit"
    typed = {
        name: value
        for name, value in form.answers.items()
        if form.sources.get(name) == YOU and before.answers.get(name) != value
    }
    held = {file for files in before.materials.values() for file in files}
    brought = {name for name, files in form.materials.items() if set(files) - held and name not in form.again}
    spared = burden(compiled, facts, catalogue=catalogue).documents_not_asked
    return {
        "fields": len(form.answers.keys() - never_asked(compiled)) if first else 0,
        "fields_typed": len(typed),
        "documents": spared + len(brought.union(form.again, form.pledges, form.deferred)) if first else 0,
        "documents_brought": len(brought),
        "characters": sum(_characters(value) for value in typed.values()),
        "pages": len(form.pages_done) + PAGES_AROUND if first else 0,
    }


def _characters(value: Any) -> int:
    """How much somebody typed: the length of a text or number; an answer that was chosen counts as one."""
    if isinstance(value, bool):
        return 1
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else len(str(value))
