"""Running cases move to another version of their service: rehearsed first, then one by one, each by its own event.

A map comes from `workflows/migrations/<from>_<to>.yaml`; without one, what agrees keeps its place. Where the map
renames fields of the form, the answers are written anew under their new names, sealed with the applicant's key as
before; what the applicant sent stays sealed as it was sent. A case that cannot move stays, and is told with every
reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.migrations import Migration, leads_from_to, load_migration, paths_of
from govservice.engine import Actor, Command, Refusal, apply, load_state
from govservice.engine.rehearse import rehearse
from govservice.errors import N_, Forbidden, NotAllowed, NotFound
from govservice.models.base import to_iso
from govservice.models.casedata import Form, latest_rev, read_form, write_form
from govservice.models.cases import Case, Definition
from govservice.operations.deciding import in_transaction
from govservice.operations.in_force import take_in_force
from govservice.operations.runtime import Runtime

ERASED = Refusal("erased", N_("The applicant was erased: the answers cannot be written anew."))


@dataclass(frozen=True, slots=True)
class Route:
    """From one version to another, by a map (an empty one where there is no file)."""

    service: str
    old: str
    new: str
    old_number: int
    new_number: int
    steps: Mapping[str, str]
    fields: Mapping[str, str]

    def data(self) -> dict[str, Any]:
        return {"to": self.new, "steps": dict(self.steps), "fields": dict(self.fields)}


@dataclass(frozen=True, slots=True)
class Moved:
    """What became, or would become, of one case. No reasons: it moves."""

    number: str
    reasons: tuple[Refusal, ...]


def route(rt: Runtime, service: str, old: int, new: int, migration: Migration | None = None) -> Route:
    """The way between two published versions, by their numbers. Raises NotFound, and DefinitionError where the map
    names what the versions do not have."""
    with rt.read() as session:
        rows = {
            row.version: row.sha for row in session.scalars(select(Definition).where(Definition.service == service))
        }
    if old not in rows or new not in rows:
        raise NotFound(service=service)
    take_in_force(rt)
    found = migration or _from_file(rt, service, (old, rows[old]), (new, rows[new]))
    made = Route(service, rows[old], rows[new], old, new, dict(found.steps), dict(found.fields))
    _check(rt, made)
    return made


def _from_file(rt: Runtime, service: str, old: tuple[int, str], new: tuple[int, str]) -> Migration:
    folder = rt.settings.workflows_dir / "migrations"
    for path in sorted(folder.glob("*.y*ml")):
        if leads_from_to(path, old, new):
            migration, _ = load_migration(path, f"migrations/{path.name}")
            if migration.service == service:
                return migration
    return Migration(service=service)


def _check(rt: Runtime, made: Route) -> None:
    old, new = rt.definitions.by_sha(made.old).service, rt.definitions.by_sha(made.new).service
    there, here = set(paths_of(new)), set(paths_of(old))
    wrong = [f"the older version has no step {path!r}" for path in made.steps if path not in here]
    wrong += [f"the newer version has no step {path!r}" for path in made.steps.values() if path not in there]
    wrong += [f"the older version has no field {name!r}" for name in made.fields if name not in old.fields]
    wrong += [f"the newer version has no field {name!r}" for name in made.fields.values() if name not in new.fields]
    if wrong:
        file = f"migrations/{made.old_number}_{made.new_number}.yaml"
        raise DefinitionError([Finding("E-MIGRATION", "error", file, 1, None, what) for what in wrong])


def running(session: Session, made: Route) -> list[tuple[str, str]]:
    """(id, number) of the cases that are pinned to the older version and not closed."""
    rows = session.execute(
        select(Case.id, Case.number).where(Case.def_sha == made.old, Case.status != "closed").order_by(Case.id)
    )
    return [(row.id, row.number) for row in rows]


def dry_run(rt: Runtime, made: Route, *, now: datetime) -> Iterator[Moved]:
    """What would become of every case, changing nothing."""
    with rt.read() as session:
        cases = running(session, made)
        for id, number in cases:
            command = _command(id, made, Actor("system", "system", (), None), now)
            reasons, _ = rehearse(session, command, rt.definitions, rt.calendars)
            yield Moved(number, tuple(reasons) or _unreadable(session, id, made))


def migrate(rt: Runtime, actor: Actor, made: Route, *, now: datetime) -> Iterator[Moved]:
    """Moves every case that can be moved, each in a transaction of its own. Raises Forbidden for whoever is no
    designer."""
    if actor.kind != "system" and not any(role == "designer" for role, _ in actor.roles):
        raise Forbidden("role", N_("This is for another role or department."))
    with rt.read() as session:
        cases = running(session, made)
    for id, number in cases:
        yield Moved(number, _move(rt, actor, id, made, now))


def _move(rt: Runtime, actor: Actor, case_id: str, made: Route, now: datetime) -> tuple[Refusal, ...]:
    def work(session: Session) -> tuple[Refusal, ...]:
        unreadable = _unreadable(session, case_id, made)
        command = _command(case_id, made, actor, now)
        if unreadable:
            return tuple(rehearse(session, command, rt.definitions, rt.calendars)[0]) or unreadable
        if made.fields:
            command = replace(command, data={**command.data, **_written_anew(session, case_id, made, actor, now)})
        apply(session, command, rt.definitions, rt.calendars)
        return ()

    try:
        return in_transaction(rt, work)
    except NotAllowed as refused:
        reasons: Sequence[Refusal] = refused.facts.get("reasons", ())
        if not reasons:
            raise
        return tuple(reasons)


def _command(case_id: str, made: Route, actor: Actor, now: datetime) -> Command:
    idem = f"migrate:{case_id}:{made.new[:16]}:{to_iso(now)}"
    return Command(case_id=case_id, trigger="@migrate", idem=idem, now=now, actor=actor, data=made.data())


# -- answers under their new names


def _unreadable(session: Session, case_id: str, made: Route) -> tuple[Refusal, ...]:
    """Only where answers must be written anew: those of an erased person are gone."""
    if not made.fields:
        return ()
    try:
        read_form(session, session.get_one(Case, case_id).applicant_id, case_id)
    except NotFound:
        return (ERASED,)
    return ()


def _written_anew(session: Session, case_id: str, made: Route, actor: Actor, now: datetime) -> dict[str, int]:
    """Writes what was sent, then what the applicant is writing, under the new names; the case pins the first."""
    person, state = session.get_one(Case, case_id).applicant_id, load_state(session, case_id)
    newest = latest_rev(session, case_id)
    pinned = {}
    if state.status != "draft" and state.data_rev:
        sent = _renamed(read_form(session, person, case_id, state.data_rev), made.fields)
        pinned = {"data_rev": write_form(session, person, case_id, sent, actor.id, now).rev}
    if newest > (state.data_rev if pinned else 0):
        write_form(
            session, person, case_id, _renamed(read_form(session, person, case_id, newest), made.fields), actor.id, now
        )
    return pinned


def _renamed(form: Form, fields: Mapping[str, str]) -> Form:
    return replace(
        form,
        answers={fields.get(name, name): value for name, value in form.answers.items()},
        sources={fields.get(name, name): value for name, value in form.sources.items()},
    )
