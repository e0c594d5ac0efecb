"""What an application said before it was corrected: for each earlier version, only what the next one changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from govservice.models.casedata import Form, read_form
from govservice.queries.sight import sent_revisions
from govservice.web.citizen.context import Filing, files_in
from govservice.web.citizen.rows import material_rows, own_rows


def earlier(session: Session, filing: Filing) -> list[dict[str, Any]]:
    """{sent, replaced, rows, documents} of each version but the present one, the newest first."""
    sent = sent_revisions(session, filing.case)
    forms = [read_form(session, filing.case.applicant_id, filing.case.id, rev) for _at, rev in sent]
    found = []
    for (at, _rev), (until, _next), old, new in zip(sent, sent[1:], forms, forms[1:], strict=False):
        names = new.changed_from(old)
        then = _as_of(session, filing, old)
        rows = [row for row in own_rows(then, change=False) if row["id"].removeprefix("row-") in names]
        labels = [filing.labels[name] for name in names if name in filing.compiled.service.materials]
        papers = [row for row in material_rows(then, change=False) if row["key"] in labels]
        if rows or papers:
            found.append({"sent": at, "replaced": until, "rows": [*rows, *papers]})
    return found[::-1]


def _as_of(session: Session, filing: Filing, form: Form) -> Filing:
    files = {slot: files_in(session, filing.case, ids) for slot, ids in form.materials.items()}
    return replace(filing, form=form, files=files)
