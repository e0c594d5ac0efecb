"""The portal's own pages on the simulation's database (I8, I9): a clerk opens the worklist and a case, and whoever is
named there sees in their own list that it was read, by whom and for which case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from config import ROOT, Settings
from govservice.app import create_app
from govservice.engine import Actor
from govservice.operations import sessions
from govservice.queries.data_access import reads_of
from tests.sim.office import INDEX_KEY, KEYS
from tests.sim.reading import Case
from tests.sim.tables import Broken
from tests.sim.world import Sim
from tests.support.staged import TEMPLATES

HOURS = sessions.Limits(timedelta(hours=1), timedelta(hours=1))


class Pages:
    """Opens pages as members of staff and as citizens; the application is made when the first is asked for."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.app: Any = None

    def look(self) -> None:
        """Somebody in an office looks at what there is to do, and opens one of the cases."""
        sim, pick = self.sim, self.sim.random
        clerks = [a for a in sim.office.staff.values() if a.id not in ("boss", "qian", "lin")]
        actor = sim.acting(pick.choice(clerks))
        self.worklist(actor)
        mine = [c for c in sim.open_cases() if c.status == "open" and self._tasks(c, actor)]
        relative = any(each.person_id for each in (actor, *actor.deputy_for))  # then the registries are asked
        if mine and not relative:
            self.case(actor, pick.choice(mine))
        if sim.live:
            self.closed_to(sim.office.outsiders[0], sim.case(pick.choice(sim.live)))

    def worklist(self, actor: Actor) -> None:
        """Everything that waits for the clerk's roles, and nothing else; every name that is shown is a read."""
        sim = self.sim
        text = self._read(actor.id, "/clerk/")
        for case in sim.open_cases():
            tasks = self._tasks(case, actor)
            work = [t for t in tasks if not t["watch"] and not self._only_seen(case, t)]
            shown = case.number in text
            if shown and not tasks:
                raise Broken("I4", f"{actor.id} sees {case.number} in the list, which is not theirs")
            if work and not shown:
                raise Broken(
                    "I9", f"{case.number} waits for {actor.id} at {work[0]['step']}, and the list leaves it out"
                )
            if shown:
                self._told(actor, case, "list")
        for name, person in sim.office.called.items():
            if name in text and not any(c.person == person and c.number in text for c in sim.open_cases()):
                raise Broken("I8", f"{actor.id} was shown a name for no case")

    def case(self, actor: Actor, case: Case) -> None:
        text = self._read(actor.id, f"/clerk/cases/{case.number}")
        if case.number not in text:
            raise Broken("I9", f"the page of {case.number} is another one's")
        self._told(actor, case, "task")
        reads = self._read(case.person, "/my/data/reads")
        if f"Clerk-{actor.id}" not in reads or case.number not in reads:
            raise Broken("I8", f"whose case {case.number} is is not shown that {actor.id} read it")

    def closed_to(self, actor: Actor, case: Case) -> None:
        """Not yours and not there look alike. An application that a window of theirs collects is theirs."""
        rules = self.sim.rules
        if any(rules.in_role(case, actor, role) for role, _ in actor.roles if role in rules.of(case).service.roles):
            return
        if case.status != "draft" and self._get(actor.id, f"/clerk/cases/{case.number}").status_code != 404:
            raise Broken("I4", f"{actor.id} of another district was shown {case.number}")

    # -- by our own reading

    def _tasks(self, case: Case, actor: Actor) -> list[Any]:
        """What waits in one of the actor's roles; their colleagues' too, for whom they stand in."""
        roles = {pair for each in (actor, *actor.deputy_for) for pair in each.roles}
        return [t for t in case.tasks.values() if (t["role"], t["department"]) in roles]

    @staticmethod
    def _only_seen(case: Case, task: Any) -> bool:
        """The lead of departments that work, or of child cases, has nothing to do meanwhile."""
        token = case.tokens[task["token"]]
        return task["status"] == "waiting" and not (token.waits_for or "").startswith("correction")

    def _told(self, actor: Actor, case: Case, purpose: str) -> None:
        with self.sim.office.database.read() as session:
            reads = reads_of(session, case.person, since=self.sim.office.now, limit=None)
        mine = {"en": f"Clerk-{actor.id}", "zh": f"Clerk-{actor.id}"}
        if not any((r.actor_name, r.case_number, r.purpose) == (mine, case.number, purpose) for r in reads):
            raise Broken("I8", f"{actor.id} was shown {case.number} ({purpose}), and its applicant has no row of it")

    # -- the browser

    def _read(self, user: str, address: str) -> str:
        answer = self._get(user, address)
        if answer.status_code != 200:
            raise Broken("I9", f"{address} answered {answer.status_code} to {user}")
        return answer.get_data(as_text=True)

    def _get(self, user: str, address: str) -> TestResponse:
        sim = self.sim
        if self.app is None:
            self.app = self._made()
        token = f"{sim.random.getrandbits(172):043x}"
        with sim.office.database.write() as session:
            sessions.begin(session, token, user_id=user, limits=HOURS, now=sim.office.now)
        client = self.app.test_client()
        client.set_cookie("session", token)
        answer: TestResponse = client.get(address, headers={"Accept-Language": "en"})
        if sim.settle():
            raise Broken("I10", f"looking at {address} changed a case")
        return answer

    def _made(self) -> Any:
        office = self.sim.office
        settings = Settings(
            mode="demo", database_url=self.sim.eye.url, secret_key=office.rt.settings.secret_key, keks=KEYS,
            index_key=INDEX_KEY, storage_dir=ROOT, base_url="http://localhost", secure_cookies=False,
        )  # fmt: skip
        app = create_app(
            settings, database=office.database, definitions=office.definitions, calendars=office.calendars,
            wall=office.time, provider=office.provider,
        )  # fmt: skip
        app.jinja_env.bytecode_cache = TEMPLATES
        return app
