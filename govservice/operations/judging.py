"""What a definition is held against beside itself: the people there are, and the play of everything that can happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, or_, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.verify import Staffing, verify
from govservice.engine.explore_findings import second_opinion
from govservice.models import migrate
from govservice.models.accounts import Role, User
from govservice.models.session import make_engine
from govservice.operations.runtime import Runtime

FORM = "{role: {department id: [user, ...]}}"


def staffing_of(session: Session, on: date) -> Staffing | None:
    """Who holds which role in which department on a day, disabled accounts apart. None where nobody holds any role yet:
    a new portal has definitions before it has people."""
    rows = session.execute(
        select(Role.role, Role.department_id, Role.user_id)
        .join(User, User.id == Role.user_id)
        .where(
            User.kind == "staff",
            User.disabled_at.is_(None),
            or_(Role.valid_from.is_(None), Role.valid_from <= on),
            or_(Role.valid_to.is_(None), Role.valid_to >= on),
        )
    ).all()
    found: dict[tuple[str, str], set[str]] = {}
    for role, department, user in rows:
        found.setdefault((role, department), set()).add(user)
    return {key: frozenset(users) for key, users in found.items()} or None


def staffing_in(database_url: str, on: date) -> Staffing | None:
    """The same from a database that may not be there yet: None where it is not, or has not the newest schema."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    engine = make_engine(database_url, pool_size=1)
    try:
        with Session(engine) as session:
            migrated = migrate.current(session.connection()) == migrate.head()
            return staffing_of(session, on) if migrated and inspect(engine).has_table("roles") else None
    finally:
        engine.dispose()


def staffing_from(data: Any) -> Staffing:
    """The same from a file of the form `FORM`, as it was read. Raises ValueError where it is of another form."""
    try:
        return {
            (str(role), str(department)): frozenset(str(user) for user in _list(users))
            for role, departments in data.items()
            for department, users in departments.items()
        }
    except (AttributeError, TypeError) as error:
        raise ValueError(f"write {FORM}") from error


def _list(users: Any) -> Sequence[Any]:
    if not isinstance(users, list):
        raise TypeError("users are a list")
    return users


def check_to_publish(rt: Runtime, codes: Sequence[str], now: datetime) -> None:
    """Holds what is to be published against the people there are, and plays it through. Raises DefinitionError with
    every error."""
    with rt.read() as session:
        staffing = staffing_of(session, rt.today(now))
    errors: list[Finding] = []
    for code in codes:
        compiled, loaded = rt.definitions.draft(code), rt.definitions.loaded(code)
        linear = verify(compiled, loaded, rt.definitions.catalogue, staffing)
        errors += [f for f in second_opinion(compiled, loaded, linear) if f.severity == "error"]
    if errors:
        raise DefinitionError(errors)
