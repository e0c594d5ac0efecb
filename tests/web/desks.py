"""The desks of staff under test: cases with a canary in every value, forms as a browser reads them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from govservice.engine import MAIN, Expected
from govservice.models.base import new_id
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case, Task
from govservice.models.exchange import DataAccess, EvidenceRequirement, Fact
from govservice.models.papers import File
from govservice.models.session import box_of
from govservice.operations.files import Upload, keep
from tests.web.cases import PDF, Office
from tests.web.conftest import Browser

# One canary a value of `open_restaurant`; what a value must be (a number, a choice) is told apart by its digits.
CANARIES: Mapping[str, Any] = {
    "person.name": "CANARY-person-name", "person.national_id": "CANARY-person-national-id",
    "org.name": "CANARY-org-name", "org.uscc": "CANARY-org-uscc", "org.legal_person": "CANARY-org-legal-person",
    "premises.title_no": "CANARY-premises-title-no", "premises.address": "CANARY-premises-address",
    "premises.area": "4711.25", "menu.kind": ["hot"], "menu.seats": 4729, "signage.text": "CANARY-signage",
}  # fmt: skip
SHOWN: Mapping[str, tuple[str, ...]] = {
    **{name: (value,) for name, value in CANARIES.items() if isinstance(value, str)},
    "premises.area": ("4711.25", "4,711.25"), "menu.seats": ("4729", "4,729"), "menu.kind": ("Hot dishes", "热食类"),
    "staff.certificates": ("CANARY-certificate",), "layout": ("CANARY-layout",), "rules": ("CANARY-rules",),
}  # fmt: skip
READS: Mapping[str, frozenset[str]] = {
    "food": frozenset({"menu.kind", "menu.seats", "staff.certificates", "rules", "layout"}),
    "fire": frozenset({"premises.title_no", "premises.address", "premises.area", "layout"}),
    "urban": frozenset({"signage.text"}),
}


def told(session: Any, case: Case, now: Any, name: str, kind: str | None, value: Any) -> None:
    """A fact of the case as a register has told it, with one value or with none."""
    session.add(EvidenceRequirement(
        id=new_id(), case_id=case.id, name=name, state="available", outcome="ok", exchange_id=None, updated_at=now,
    ))  # fmt: skip
    if kind is None:
        return
    id, box = new_id(), box_of(session, case.applicant_id)
    assert box is not None
    session.add(Fact(
        id=id, case_id=case.id, subject_id=case.applicant_id, name=name, fact_type=kind,
        value_enc=box.seal_json(value, f"facts:{id}"), registry_code="health_certificates",
        dataset="health_certificates/1", record_id=None, registry_updated_at=None, fetched_at=now,
        assurance="registry", exchange_id=None, superseded_by=None,
    ))  # fmt: skip


@dataclass
class Desks(Office):
    """Cases of the cast at the departments, and what their people send."""

    browsers: dict[str, Browser] = field(default_factory=dict)

    def at(self, login: str) -> Browser:
        """The browser of a member of the cast, signed in once."""
        if login not in self.browsers:
            self.browsers[login] = self.stage.client_as(login)
        return self.browsers[login]

    def filed(self, login: str = "wang.fang", service: str = "open_restaurant", area: str = "huaxi", *,
              for_organisation: bool = True, answers: Mapping[str, Any] | None = None) -> str:  # fmt: skip
        """A case that waits for acceptance, with canaries in answers, facts and file names."""
        number = self.draft(login, service, area, for_organisation=for_organisation)
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            files = {slot: self._file(session, case, slot, f"CANARY-{slot}.pdf") for slot in ("layout", "rules")}
            told(session, case, self.stage.wall.now(), "health", "staff.certificates", ["CANARY-certificate"])
            for name in ("owner", "enterprise", "premises"):
                told(session, case, self.stage.wall.now(), name, None, None)
            form = read_form(session, case.applicant_id, case.id)
            given = {**form.answers, **CANARIES, **(answers or {})}
            facts = {"person": "owner", "org": "enterprise", "premises": "premises"}
            sources = {n: f"fact:{facts[p]}" if (p := n.partition(".")[0]) in facts else "you" for n in given}
            form = type(form)(
                answers=given, sources=sources, materials={s: (i,) for s, i in files.items()}, agreed_at=form.agreed_at
            )
            rev = write_form(session, case.applicant_id, case.id, form, "test", self.stage.wall.now()).rev
        actor = self.actor(login, for_organisation=for_organisation)
        self.do(actor, number, "submit", data={"data_rev": rev})
        return number

    def reviewed(self, **how: Any) -> str:
        """A case that stands with the departments."""
        number = self.filed(**how)
        self.do("li.na", number, "accept")
        return number

    def _file(self, session: Any, case: Case, slot: str, name: str) -> str:
        return keep(
            session, self.stage.runtime.storage, case.id, case.applicant_id, slot=slot, kind="material",
            upload=Upload(name, "application/pdf", PDF), by="test", now=self.stage.wall.now(),
        ).id  # fmt: skip

    # -- the applicant answers

    def resubmitted(self, number: str, *, by: str = "wang.fang", **changes: Any) -> None:
        """The corrections of the applicant, as new answers."""
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            form = read_form(session, case.applicant_id, case.id)
            changed = {name.replace("__", "."): value for name, value in changes.items()}
            rev = write_form(
                session, case.applicant_id, case.id, form.with_answers(changed, "you"), "test", self.stage.wall.now()
            ).rev
        data = {"data_rev": rev, "changed": sorted(changed)}
        self.do(self.actor(by, for_organisation=True), number, "@resubmit", data=data)

    # -- reading the tables

    def token(self, number: str, scope: str = "") -> int:
        found = self.state(number).token_of(scope)
        assert found is not None
        return int(found.id)

    def reads(self, login: str) -> list[tuple[str, tuple[str, ...], str | None, str]]:
        """(purpose, what, case id, actor's login) of every read of this person's data by staff, oldest first."""
        person = self.actor(login).person_id
        with self.database.read() as session:
            rows = session.scalars(
                select(DataAccess).where(DataAccess.subject_id == person).order_by(DataAccess.at, DataAccess.id)
            )
            return [(r.purpose, tuple(r.what), r.case_id, r.actor) for r in rows]

    def files(self, number: str) -> dict[str, str]:
        """Id of the newest file by slot."""
        with self.database.read() as session:
            rows = session.scalars(select(File).where(File.case_id == self.id_of(number)).order_by(File.revision))
            return {row.slot: row.id for row in rows}

    def seen(self, number: str, scope: str = "") -> dict[str, str]:
        """The hidden inputs of a page that was opened just now."""
        state = self.state(number)
        token = state.token_of(scope)
        return {"token_version": str(token.version), "data_rev": str(state.data_rev), "seen": str(state.seq)}

    # -- sending

    def send(self, login: str, number: str, scope: str, action: str, **form: Any) -> TestResponse:
        """Opens the page of an action at a branch (or the case, scope "") and sends it filled in."""
        address = f"/clerk/cases/{number}/{self.token(number, scope)}/{action}"
        page = self.at(login).get(address)
        assert page.status_code == 200, page.get_data(as_text=True)
        given = inputs(page.get_data(as_text=True), "page-form")
        return self.at(login).post(address, data={**given, **form}, content_type="multipart/form-data")

    def post(self, login: str, address: str, **form: Any) -> TestResponse:
        """A form with a good token, filled in by hand."""
        return self.at(login).post(address, data={"csrf_token": self.at(login).token("/account"), **form})

    def tasks(self, number: str) -> list[Task]:
        with self.database.read() as session:
            return list(session.scalars(select(Task).where(Task.case_id == self.id_of(number))))

    def pass_time(self, **span: float) -> datetime:
        """Time goes on; idle sessions end, so everybody signs in anew."""
        self.browsers.clear()
        return self.stage.wall.advance(timedelta(**span))


class _Inputs(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.found = form, dict[str, str]()
        self.inside: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = dict[str, str]()
            if self.form in (given.get("id"), given.get("action")):
                self.found = self.inside
        elif tag == "input" and self.inside is not None and given.get("type") == "hidden":
            self.inside[given["name"] or ""] = given.get("value") or ""
        elif tag == "button" and self.inside is not None and self.form == given.get("formaction"):
            self.found = self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = None if tag == "form" else self.inside


def inputs(page: str, form: str) -> dict[str, str]:
    """The hidden inputs of one form, by its id, its address or the address of one of its buttons."""
    reader = _Inputs(form)
    reader.feed(page)
    assert reader.found, f"no form {form!r}"
    return reader.found


def words(answer: TestResponse) -> str:
    """The page as text, with entities resolved."""
    return html.unescape(answer.get_data(as_text=True))


__all__ = ["CANARIES", "MAIN", "PDF", "READS", "SHOWN", "Desks", "Expected", "inputs", "words"]
