"""Revisions of what the applicant answered: read and write.

A revision is one JSON object sealed with the applicant's key: answers by field, who gave each, the files by
material, the facts the applicant would rather bring. A salt inside makes its digest useless for guessing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.errors import NotFound
from govservice.models.cases import CaseData
from govservice.models.session import box_of

# Who gave an answer (`Form.sources`), beside `fact:<name>` (a register) and the portal's own record of the party:
YOU = "you"
AGAIN = "again:"  # and the number of the earlier case from which the applicant took their own answer over
SHARED = "bundle"  # another part of the bundle
ISSUED = "issued"  # the case itself brought it forth


@dataclass(frozen=True, slots=True)
class Form:
    """One revision. `answers` holds JSON forms (decimals as text); `sources` says who gave each (see above)."""

    rev: int = 0
    answers: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    materials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # files.id by material
    declined: tuple[str, ...] = ()
    agreed_at: str | None = None  # ISO UTC: when the purpose page was answered
    pages_done: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()  # materials that come later
    pledges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by material: the words agreed to, and when
    again: Mapping[str, str] = field(default_factory=dict)  # by material: number of the case whose file was taken over

    def own(self, name: str) -> bool:
        """Whether the applicant said it, in this application or in an earlier one."""
        source = self.sources.get(name, YOU)
        return source == YOU or source.startswith(AGAIN)

    def with_answers(self, answers: Mapping[str, Any], source: str) -> Form:
        """The form with these answers put in (None takes an answer out)."""
        kept = {k: v for k, v in {**self.answers, **answers}.items() if v is not None}
        sources = {**self.sources, **dict.fromkeys(answers, source)}
        return replace(self, answers=kept, sources={k: v for k, v in sources.items() if k in kept})

    def as_json(self) -> dict[str, Any]:
        return {
            "answers": dict(self.answers), "sources": dict(self.sources),
            "materials": {k: list(v) for k, v in self.materials.items()}, "declined": list(self.declined),
            "agreed_at": self.agreed_at, "pages_done": list(self.pages_done), "deferred": list(self.deferred),
            "pledges": {k: dict(v) for k, v in self.pledges.items()}, "again": dict(self.again),
        }  # fmt: skip

    def changed_from(self, older: Form) -> list[str]:
        """Names of the fields and materials that differ, sorted."""
        answers = {k for k in {*self.answers, *older.answers} if self.answers.get(k) != older.answers.get(k)}
        files = {k for k in {*self.materials, *older.materials} if self.materials.get(k) != older.materials.get(k)}
        pledged = {k for k in {*self.pledges, *older.pledges} if self.pledges.get(k) != older.pledges.get(k)}
        return sorted(answers | files | pledged)

    def without_promise(self, material: str) -> Form:
        """The form with neither a pledge for this material nor a deferral of it."""
        pledges = {k: v for k, v in self.pledges.items() if k != material}
        return replace(self, pledges=pledges, deferred=tuple(m for m in self.deferred if m != material))


def latest_rev(session: Session, case_id: str) -> int:
    """The newest revision, 0 where there is none."""
    return session.scalar(select(func.max(CaseData.rev)).where(CaseData.case_id == case_id)) or 0


def read_form(session: Session, applicant_id: str, case_id: str, rev: int | None = None) -> Form:
    """A revision (the newest by default). Raises NotFound where it does not exist or the person was erased."""
    rev = latest_rev(session, case_id) if rev is None else rev
    if rev == 0:
        return Form()
    row, box = session.get(CaseData, (case_id, rev)), box_of(session, applicant_id)
    if row is None or box is None or row.form_enc is None:
        raise NotFound()
    data = box.open_json(row.form_enc, f"case_data:{case_id}:{rev}")
    return Form(
        rev, data["answers"], data["sources"], {k: tuple(v) for k, v in data["materials"].items()},
        tuple(data["declined"]), data.get("agreed_at"), tuple(data["pages_done"]), tuple(data.get("deferred", ())),
        data.get("pledges", {}), data.get("again", {}),
    )  # fmt: skip


def write_form(session: Session, applicant_id: str, case_id: str, form: Form, by: str, now: datetime) -> Form:
    """Adds the next revision and returns the form with its number; the same content writes nothing."""
    older = read_form(session, applicant_id, case_id)
    if older.rev and older.as_json() == form.as_json():
        return older
    box = box_of(session, applicant_id)
    if box is None:
        raise NotFound()
    rev = older.rev + 1
    content = {**form.as_json(), "salt": secrets.token_hex(16)}
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    session.add(
        CaseData(
            case_id=case_id,
            rev=rev,
            form_enc=box.seal_json(content, f"case_data:{case_id}:{rev}"),
            sha=digest,
            changed=form.changed_from(older),
            by=by,
            at=now,
        )  # fmt: skip
    )
    session.flush()
    return replace(form, rev=rev)
