"""Meetings with applicants: which hours are free, taking one, and the one that is set where nobody chose.

An hour of a team is a row that its key lets exist once (`models.appointments`), written in the transaction of the
case's own event: two cases that want the same hour at the same moment are settled by the database, and the loser sees
what is still free. What a case has left behind (withdrawn, sent back) holds no hour: whoever wants it takes it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.engine import SYSTEM, Actor, Applied, Command, Token, apply, load_state
from govservice.errors import N_, LostRace, NotAllowed, NotFound
from govservice.messaging.outbox import Effect
from govservice.models.appointments import Appointment
from govservice.models.base import new_id, to_iso
from govservice.models.cases import Visit
from govservice.operations.deciding import in_transaction
from govservice.operations.recusal import weigh
from govservice.operations.runtime import Runtime
from govservice.worktime.calendar import Calendar

HOURS = (time(9), time(10), time(11), time(14), time(15), time(16))  # local; a meeting takes an hour
LANES = 2  # teams of a department that go out at the same time
DAYS = 10  # working days ahead, from the next one on
TAKEN = N_("This hour was taken by somebody else a moment ago. Choose another one.")


@dataclass(frozen=True, slots=True)
class Place:
    """The stay of a case that has a meeting: `seq` counts its stays, `department` goes out, `due_on` is the last day of
    the stay's limit."""

    case_id: str
    token_id: int
    seq: int
    department: str
    kind: str
    area: str | None
    due_on: date | None


def place_of(rt: Runtime, session: Session, case_id: str, token_id: int) -> Place | None:
    """The meeting that a token's present step asks for; None where it asks for none (any more)."""
    state = load_state(session, case_id)
    token, compiled = state.tokens.get(token_id), rt.definitions.by_sha(state.def_sha)
    step = compiled.steps.get(token.step) if token is not None else None
    task = state.task_of(token_id)
    if token is None or step is None or step.appointment is None or task is None or token.status != "active":
        return None
    limit = state.step_clock(token)
    due_on = date.fromisoformat(limit.statutory_on) if limit is not None and limit.statutory_on else None
    return Place(case_id, token_id, token.entered_seq, task.department, step.appointment, state.area, due_on)


def hours(calendar: Calendar, now: datetime) -> list[datetime]:
    """Every hour that may be chosen, the earliest first."""
    day, found = calendar.local_date(now), []
    for n in range(1, DAYS + 1):
        on = calendar.add_working_days(day, n)
        found += [datetime.combine(on, hour, calendar.zone) for hour in HOURS]
    return found


def free_hours(rt: Runtime, session: Session, place: Place, now: datetime) -> list[datetime]:
    """Hours in which a team of the department is free: within the limit of the step, as long as there are any."""
    all_hours = hours(rt.calendars.for_area(place.area), now)
    held: dict[str, int] = {}
    for row in _held(session, place, all_hours):
        held[to_iso(row.starts_at)] = held.get(to_iso(row.starts_at), 0) + 1
    free = [hour for hour in all_hours if held.get(to_iso(hour), 0) < LANES]
    return [hour for hour in free if place.due_on is None or hour.date() <= place.due_on] or free


def _held(session: Session, place: Place, wanted: Sequence[datetime]) -> Sequence[Appointment]:
    """Appointments at these hours that still count: their stay has not ended."""
    return session.scalars(
        select(Appointment)
        .join(Visit, (Visit.case_id == Appointment.case_id) & (Visit.token_id == Appointment.token_id)
              & (Visit.seq == Appointment.seq))
        .where(Appointment.department_id == place.department, Appointment.kind == place.kind,
               Appointment.starts_at.in_(wanted), Visit.left_at.is_(None))
    ).all()  # fmt: skip


def appointment_of(session: Session, place: Place) -> Appointment | None:
    return session.scalar(
        select(Appointment).where(
            Appointment.case_id == place.case_id, Appointment.token_id == place.token_id, Appointment.seq == place.seq
        )
    )


def appointments_of(session: Session, case_id: str, tokens: Sequence[Token]) -> dict[int, Appointment]:
    """The meetings of a case's present stays, by token."""
    stays = {(t.id, t.entered_seq) for t in tokens if t.open}
    rows = session.scalars(select(Appointment).where(Appointment.case_id == case_id))
    return {row.token_id: row for row in rows if (row.token_id, row.seq) in stays}


def choose(
    rt: Runtime, actor: Actor, case_id: str, token_id: int, starts_at: datetime, *, idem: str, now: datetime
) -> Applied:  # fmt: skip
    """An hour for the meeting, in place of another one that was chosen before. Raises NotAllowed where the hour is not
    free or the step asks for no meeting, Forbidden, NotFound."""
    actor = weigh(rt, actor, case_id, now)

    def work(session: Session) -> Applied:
        place = place_of(rt, session, case_id, token_id)
        if place is None:
            raise NotFound()
        return _take(rt, session, place, actor, starts_at, idem, now)

    return in_transaction(rt, work)


def set_one(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """Nobody chose in time: the first free hour is set, as the system."""
    place = place_of(rt, session, effect.case_id, effect.payload["token_id"])
    if place is None or appointment_of(session, place) is not None:
        return
    free = free_hours(rt, session, place, now)
    if free:
        _take(rt, session, place, SYSTEM, free[0], effect.key, now)


def _take(
    rt: Runtime, session: Session, place: Place, actor: Actor, starts_at: datetime, idem: str, now: datetime
) -> Applied:  # fmt: skip
    before = appointment_of(session, place)
    command = Command(
        place.case_id, "@appoint", idem, now, actor, token_id=place.token_id,
        data={"starts_at": to_iso(starts_at)},
    )  # fmt: skip
    applied = apply(session, command, rt.definitions, rt.calendars)
    if applied.replayed or (before is not None and before.starts_at == starts_at):
        return applied
    lane = _lane(rt, session, place, starts_at, now)
    if before is not None:
        session.delete(before)
        session.flush()
    session.add(
        Appointment(
            id=new_id(), case_id=place.case_id, token_id=place.token_id, seq=place.seq, department_id=place.department,
            kind=place.kind, starts_at=starts_at, lane=lane, made_by=actor.id, made_at=now,
        )
    )  # fmt: skip
    try:
        session.flush()
    except IntegrityError as error:  # another case took it meanwhile: tried again, it is seen
        raise LostRace() from error
    return applied


def _lane(rt: Runtime, session: Session, place: Place, starts_at: datetime, now: datetime) -> int:
    """A team that is free at the hour; rows that a case has left behind make room."""
    if starts_at not in hours(rt.calendars.for_area(place.area), now):
        raise NotAllowed(TAKEN, why="hour")
    held = _held(session, place, [starts_at])
    lanes = {row.lane for row in held}
    free = next((lane for lane in range(LANES) if lane not in lanes), None)
    if free is None:
        raise NotAllowed(TAKEN, why="hour")
    session.execute(
        delete(Appointment).where(
            Appointment.department_id == place.department, Appointment.kind == place.kind,
            Appointment.starts_at == starts_at, Appointment.lane == free,
        )
    )  # fmt: skip
    return free


def until(starts_at: datetime) -> datetime:
    return starts_at + timedelta(hours=1)
