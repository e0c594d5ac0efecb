"""A process that files cases as fast as it can: opens, answers, submits, each in its own transaction.

`python -m tests.hard.applicant LEDGER`: the portal is the one of the environment. It is killed, never asked to end.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy.exc import DBAPIError

from bench.office import ANSWERS, SERVICE, Office
from config import from_env
from govservice.engine import MAIN, Command
from govservice.errors import LostRace, Unavailable
from govservice.models.base import new_id
from govservice.models.casedata import Form, write_form
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.hard.ledger import Ledger

OVERDUE = timedelta(days=30)  # some were filed long ago: their limits are past, the worker acts on them at once


class Applicant:
    def __init__(self, ledger: Ledger) -> None:
        settings = from_env()
        self.ledger = ledger
        keyring = Keyring(dict(settings.keks), settings.index_key)
        self.office = Office(Database(make_engine(settings.database_url), keyring))
        self.random = Random()

    def ask(self, command: Command) -> str:
        """Sends a command until it is answered, always under its own key. Returns the case."""
        who = command.actor.id
        self.ledger.asked(who, command.idem)
        while True:
            try:
                applied = self.office.do(command)
            except (Unavailable, LostRace, DBAPIError):
                time.sleep(0.05)
                continue
            self.ledger.told(who, command.idem)
            return applied.case_id

    def file(self) -> None:
        now = datetime.now(UTC) - (OVERDUE if self.random.random() < 0.2 else timedelta())
        me, office = self.office.applicant, self.office
        data = {
            "number": f"K{new_id()}".upper(), "service": SERVICE, "def_sha": office.d.sha, "person_id": me.person_id,
            "organisation_id": None, "mandate_id": None, "channel": "online", "area": None,
        }  # fmt: skip
        case_id = self.ask(Command(None, "@open", new_id(), now, me, data=data))
        with office.db.write() as session:
            form = Form(answers=ANSWERS, sources=dict.fromkeys(ANSWERS, "you"))
            write_form(session, str(me.person_id), case_id, form, me.id, now)
        self.ask(Command(case_id, "submit", new_id(), now, me, token_id=MAIN, data={"data_rev": 1}))


def main(path: str) -> None:
    applicant = Applicant(Ledger(Path(path)))
    while True:
        try:
            applicant.file()
            time.sleep(applicant.random.uniform(0.0, 0.1))  # the desks are to have their share of the machine
        except (Unavailable, DBAPIError):
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
