"""The staff of the demonstration at work: who may do a task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, CaseState, Ctx, Offer, available
from govservice.models.accounts import User


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
