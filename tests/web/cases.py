"""Cases for tests of the web: opened and moved through the one door, by members of the cast."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from govservice.engine import MAIN, Actor, Command, load_state
from govservice.models.accounts import User
from govservice.models.casedata import Form, read_form, write_form
from govservice.models.cases import Case, CaseData
from govservice.models.people import Mandate
from govservice.models.session import Database, box_of
from govservice.operations.files import Upload, keep
from govservice.operations.filing import case_number
from tests.support.verified import apply_verified, relied_on, verify
from tests.web.conftest import Stage

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ANSWERS: Mapping[str, Any] = {
    "premises.address": "Qingxi Road 86", "premises.area": "326.40", "menu.seats": 20, "menu.kind": ["hot"],
    "signage.text": "Qingwei",
}  # fmt: skip


@dataclass
class Office:
    """Verbs of the cast on cases of one stage."""

    stage: Stage
    count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def database(self) -> Database:
        return self.stage.runtime.database

    def actor(self, login: str, *, for_organisation: bool = False) -> Actor:
        """The actor that the portal makes of this sign-in; `for_organisation`: by the person's mandate."""
        with self.database.read() as session:
            user = session.scalars(select(User).where(User.login == login)).one()
            if user.kind == "staff":
                roles = tuple((role.role, role.department_id) for role in user.roles)
                return Actor(user.id, "user", roles, None, name=login)
            held = (
                session.scalar(select(Mandate).where(Mandate.person_id == user.person_id)) if for_organisation else None
            )
            return Actor(
                f"applicant:{user.person_id}", "applicant", (), user.person_id,
                held.organisation_id if held else None, login, held.id if held else None,
            )  # fmt: skip

    def draft(
        self, login: str, service: str, area: str, changes: Mapping[str, Any] | None = None, *,
        for_organisation: bool = False,
    ) -> str:  # fmt: skip
        """The number of a new draft with answers, filed in an area; `changes`: other answers (None: none)."""
        actor, idem = self.actor(login, for_organisation=for_organisation), f"open-{next(self.count)}-of-this-test"
        compiled = self.stage.runtime.definitions.current(service)
        number = case_number(self.stage.runtime, actor, idem)
        data = {
            "number": number, "service": service, "def_sha": compiled.sha, "person_id": actor.person_id,
            "organisation_id": actor.organisation_id, "mandate_id": actor.mandate_id, "channel": "online", "area": area,
        }  # fmt: skip
        self._apply(Command(None, "@open", idem, self.stage.wall.now(), actor, data=data))
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            given = {**ANSWERS, "premises.district": area, **(changes or {})}
            answers = {name: value for name, value in given.items() if value is not None}
            form = Form(answers=answers, sources=dict.fromkeys(answers, "you"), agreed_at="2026-03-02T02:00:00.000000Z")
            write_form(session, case.applicant_id, case.id, form, actor.id, self.stage.wall.now())
        return number

    def submitted(
        self, login: str, service: str, area: str, changes: Mapping[str, Any] | None = None, *,
        for_organisation: bool = True,
    ) -> str:  # fmt: skip
        """The number of a case that was sent and waits for acceptance."""
        number = self.draft(login, service, area, changes, for_organisation=for_organisation)
        self.do(self.actor(login, for_organisation=for_organisation), number, "submit", data={"data_rev": 1})
        return number

    def do(self, actor: Actor | str, number: str, trigger: str, token: int = MAIN, **more: Any) -> None:
        """One action of somebody at a token of a case."""
        who = self.actor(actor) if isinstance(actor, str) else actor
        idem = f"do-{next(self.count)}-of-this-test"
        self._apply(Command(self.id_of(number), trigger, idem, self.stage.wall.now(), who, token_id=token, **more))

    def wrong(self, number: str, answers: Mapping[str, Any]) -> None:
        """Puts answers into the revision that was sent, as if the applicant had typed them and been believed."""
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            form = read_form(session, case.applicant_id, case.id, case.data_rev).with_answers(answers, "you")
            box, row = box_of(session, case.applicant_id), session.get_one(CaseData, (case.id, case.data_rev))
            assert box is not None
            row.form_enc = box.seal_json({**form.as_json(), "salt": ""}, f"case_data:{case.id}:{case.data_rev}")

    def _apply(self, command: Command) -> None:
        rt = self.stage.runtime
        with rt.write() as session:
            apply_verified(session, command, rt.definitions, rt.calendars)

    def verified(self, number: str) -> None:
        """A clerk has looked at what the decision relies on: no registry is at hand here."""
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            relied = relied_on(self.stage.runtime.definitions.by_sha(case.def_sha))
            verify(session, case.id, relied, self.stage.wall.now())

    def id_of(self, number: str) -> str:
        with self.database.read() as session:
            return str(session.scalars(select(Case.id).where(Case.number == number)).one())

    def file(self, number: str, slot: str = "layout", name: str = "平面图.pdf", *, by: str = "test") -> str:
        """Id of a file given with a case."""
        with self.database.write() as session:
            case = session.scalars(select(Case).where(Case.number == number)).one()
            return keep(
                session, self.stage.runtime.storage, case.id, case.applicant_id, slot=slot, kind="material",
                upload=Upload(name, "application/pdf", PDF), by=by, now=self.stage.wall.now(),
            ).id  # fmt: skip

    def fingerprint(self) -> list[tuple[str, int, str, int]]:
        """What moves when a case moves: number, version, head of the chain, revision of the answers."""
        with self.database.read() as session:
            rows = session.execute(select(Case.number, Case.version, Case.head, Case.data_rev).order_by(Case.number))
            return [(row[0], row[1], row[2], row[3]) for row in rows]

    def state(self, number: str) -> Any:
        with self.database.read() as session:
            return load_state(session, self.id_of(number))
