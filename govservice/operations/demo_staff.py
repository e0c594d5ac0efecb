"""The staff of the demonstration at work: who may do a task, and what they look at while they do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, CaseState, Ctx, Offer, available
from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.exchange import DataAccess


class Staff:
    """Members of staff by role and department; specialists before those who hold several roles."""

    def __init__(self, session: Session) -> None:
        self.actors: dict[str, Actor] = {}
        self.by_login: dict[str, Actor] = {}
        self.holders: dict[tuple[str, str], list[Actor]] = defaultdict(list)
        users = session.scalars(select(User).where(User.kind == "staff", User.disabled_at.is_(None)))
        for user in sorted(users, key=lambda u: (len(u.roles), u.login)):
            roles = tuple((role.role, role.department_id) for role in user.roles)
            actor = Actor(user.id, "user", roles, user.person_id, name=user.name.get("zh", ""))
            self.actors[user.id] = self.by_login[user.login] = actor
            for role in roles:
                self.holders[role].append(actor)

    def able(
        self, d: Compiled, state: CaseState, ctx: Ctx, token_id: int, action: str, role: str, department: str
    ) -> list[tuple[Actor, Offer]]:
        """Who may take the action now, with what it needs."""
        found = []
        for actor in self.holders[(role, department)]:
            for offer in available(d, state, actor, ctx):
                if (offer.token_id, offer.action) == (token_id, action) and offer.allowed:
                    found.append((actor, offer))
        return found


def pick(random: Random, able: Sequence[tuple[Actor, Offer]]) -> tuple[Actor, Offer]:
    """One of those who may: whoever holds only this role first, so that examiners stay free to inspect elsewhere."""
    fewest = min(len(actor.roles) for actor, _ in able)
    return random.choice([each for each in able if len(each[0].roles) == fewest])


class Reads:
    """Reads of applicants' data, written in one statement now and then."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def note(
        self, actor: Actor, role: str, department: str, person: str, case_id: str, what: Sequence[str], purpose: str,
        at: datetime,
    ) -> None:  # fmt: skip
        self.rows.append(
            {
                "id": new_id(), "subject_id": person, "actor": actor.id, "role": role, "department_id": department,
                "case_id": case_id, "what": list(what), "purpose": purpose, "registry_code": None, "exchange_id": None,
                "at": at,
            }
        )  # fmt: skip

    def write(self, session: Session) -> None:
        if self.rows:
            session.execute(insert(DataAccess), self.rows)
            self.rows = []
