"""What registries tell by themselves: somebody died, moved; an enterprise was dissolved.

Told at least once, in any order: a message is one row, and what it leads to is asking the registry how things stand
now. So nothing that is told decides anything: running cases whose definition subscribes to it are flagged as it is
heard, then asked again; a change that matters stops their decision until a clerk has looked at it (and does what the
fact's `on_change` says), the applicant is told, and supervision sees the list. What was granted is looked at again by
somebody, where the fact says so (`opens`); of that the registers are not asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.schema_registry import EventType
from govservice.engine import SYSTEM, Command
from govservice.errors import NotFound, Tampered, told
from govservice.identifiers import WrongIdentifier, parse
from govservice.models.base import from_iso, new_id
from govservice.models.cases import Case
from govservice.models.papers import IssuedDocument
from govservice.models.people import Organisation
from govservice.models.reliance import FlaggedCase, RegistryEvent
from govservice.models.signing import check
from govservice.operations.changing import tried
from govservice.operations.people import find_person
from govservice.operations.revalidating import ask_again
from govservice.operations.runtime import Runtime
from govservice.queries.flags import TOLD

DOOR = "/registry-events"
MAX_BODY = 4096  # bytes of a message
AHEAD = timedelta(minutes=5)  # by which a registry's clock may be ahead of ours
LEASE = timedelta(minutes=2)  # while one worker asks, no other does
AGAIN = timedelta(minutes=1)  # after a registry that said nothing when it was asked again
MOST_TRIES = 60
RARELY = timedelta(hours=12)  # the longest between two tries of a message that cannot be followed
BATCH = 20
NUMBER = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
LOOKED_AT = "review"  # somebody looks whether what was granted still holds
WORST = ("same", "immaterial", "unverified", "unavailable", "gone", "material")
log = logs.get(__name__)


class Unheard(Exception):
    """A message that counts for nothing. `why` is a word for the log."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def hear(rt: Runtime, code: str, body: bytes, now: datetime) -> str:
    """Takes a registry's message (a compact JWS of `{id, type, subject, occurred_at}`): heard, or known already.

    Raises Unheard for whatever is not truly the registry's, or is not of the agreed shape.
    """
    registry = rt.definitions.catalogue.registries.get(code)
    if registry is None or registry.events is None:
        raise Unheard("registry")
    if len(body) > MAX_BODY:
        raise Unheard("size")
    said = _read(_key(rt.settings.registry_keys, registry.events.signer), body)
    kind = registry.events.types.get(str(said.get("type")))
    number, occurred = said.get("id"), _moment(said.get("occurred_at"))
    if kind is None or not isinstance(number, str) or not NUMBER.fullmatch(number) or occurred is None:
        raise Unheard("shape")
    if occurred > now + AHEAD:
        raise Unheard("future")
    with rt.write() as session:
        person_id, organisation_id = _subject(rt, session, kind, said.get("subject"))
        row = {
            "id": new_id(), "registry_code": code, "number": number, "type": said["type"], "person_id": person_id,
            "organisation_id": organisation_id, "occurred_at": occurred, "received_at": now, "next_try_at": None,
            "processed_at": None if person_id or organisation_id else now, "tries": 0,
        }  # fmt: skip
        add = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        made = session.execute(add(RegistryEvent).values(row).on_conflict_do_nothing().returning(RegistryEvent.id))
        if made.first() is None:
            return "known"
        if row["processed_at"] is None:
            session.flush()
            for case_id, _names, _granted in _touched(rt, session, session.get_one(RegistryEvent, row["id"])):
                session.add(FlaggedCase(id=new_id(), event_id=row["id"], case_id=case_id, result=TOLD, at=now))
        return "heard"


def _key(keys: Mapping[str, Path], name: str) -> Mapping[str, object]:
    """The registry's public key as a JWK. Raises Unheard where the deployment has none."""
    try:
        return OKPKey.import_key(keys[name].read_bytes()).as_dict(private=False)
    except (KeyError, OSError, ValueError, JoseError):
        raise Unheard("no_key") from None


def _read(key: Mapping[str, object], body: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(check(body.decode("ascii").strip(), key))
    except (Tampered, ValueError):
        raise Unheard("signature") from None
    if not isinstance(said, dict):
        raise Unheard("shape")
    return said


def _moment(text: object) -> datetime | None:
    try:
        at = from_iso(text) if isinstance(text, str) and len(text) < 40 else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _subject(rt: Runtime, session: Session, kind: EventType, subject: object) -> tuple[str | None, str | None]:
    """Whom of ours it is about, if anybody; a number of nobody of ours is not kept."""
    try:
        number = parse("cn_id" if kind.subject == "person" else "uscc", subject if isinstance(subject, str) else "")
    except WrongIdentifier:
        raise Unheard("subject") from None
    if kind.subject == "person":
        person = find_person(session, rt.keyring, "cn_id", number)
        return (person.id if person is not None else None), None
    return None, session.scalar(select(Organisation.id).where(Organisation.uscc == number))


def follow_due(rt: Runtime, now: datetime) -> int:
    """The worker's part: asks again what the running cases rest on that a message concerns. Returns how many messages
    were looked at."""
    return sum(_followed(rt, event_id, now) for event_id in _claimed(rt, now))


def _followed(rt: Runtime, event_id: str, now: datetime) -> bool:
    """One message that cannot be followed must not keep the others waiting: it comes again, each time after twice as
    long, and is never dropped: its cases stay flagged as told."""
    try:
        _follow(rt, event_id, now)
        return True
    except Exception as error:  # meant to be broad: no fault of one message may keep the others from their turn
        log.error("registry_event.stuck", **told(error, event_id=event_id))
        with rt.write() as session:
            row = session.get_one(RegistryEvent, event_id)
            row.next_try_at = now + min(LEASE * 2 ** min(row.tries - 1, 20), RARELY)
        return False


def _follow(rt: Runtime, event_id: str, now: datetime) -> None:
    with rt.read() as session:
        event = session.get_one(RegistryEvent, event_id)
        touched = _touched(rt, session, event)
    silent = False
    for case_id, names, granted in touched:
        if granted:
            _look_again(rt, event_id, case_id, names, now)
        else:
            silent = _flag(rt, event_id, case_id, names, now) == "unavailable" or silent
    with rt.write() as session:
        row = session.get_one(RegistryEvent, event_id)
        if silent and row.tries < MOST_TRIES:
            row.next_try_at = now + AGAIN
        else:
            row.processed_at = now
    log.info("registry_event.followed", registry=event.registry_code, cases=len(touched))


def _claimed(rt: Runtime, now: datetime) -> list[str]:
    due: list[ColumnElement[bool]] = [
        RegistryEvent.processed_at.is_(None),
        or_(RegistryEvent.next_try_at.is_(None), RegistryEvent.next_try_at <= now),
    ]
    with rt.read() as session:
        if session.scalar(select(RegistryEvent.id).where(*due).limit(1)) is None:
            return []
    with rt.write() as session:
        rows = session.scalars(
            select(RegistryEvent).where(*due).order_by(RegistryEvent.received_at).limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()  # fmt: skip
        for row in rows:
            row.next_try_at, row.tries = now + LEASE, row.tries + 1
        return [row.id for row in rows]


def _touched(rt: Runtime, session: Session, event: RegistryEvent) -> list[tuple[str, list[str], bool]]:
    """Cases of the subject with the facts that subscribe to this: those that run, and (True) those that were granted,
    whose document is in force and whose definition says that somebody looks at it (`opens`)."""
    subject = Case.applicant_id == event.person_id if event.person_id else Case.organisation_id == event.organisation_id
    stands = or_(Case.status == "open", and_(Case.status == "closed", Case.outcome == "granted"))
    found = []
    for case in session.scalars(select(Case).where(subject, stands).order_by(Case.id)):
        facts, granted = rt.definitions.by_sha(case.def_sha).service.facts, case.status == "closed"
        names = [name for name, node in facts.items() if event.type in node.subscribe and (node.opens or not granted)]
        if names and not (granted and _revoked(session, case.id)):
            found.append((case.id, names, granted))
    return found


def _revoked(session: Session, case_id: str) -> bool:
    gone = select(IssuedDocument.id).where(IssuedDocument.case_id == case_id, IssuedDocument.revoked_at.is_not(None))
    return session.scalar(gone.limit(1)) is not None


def _look_again(rt: Runtime, event_id: str, case_id: str, names: list[str], now: datetime) -> None:
    """What was granted is looked at by somebody; once for each message and case. The registers are not asked: the
    consent to that ended with the case, and whoever looks hears the person first."""
    for name in names:
        tried(rt, Command(case_id, "@review", f"told:{event_id}:{case_id}:{name}", now, SYSTEM, data={"fact": name}))
    _note(rt, event_id, case_id, LOOKED_AT, now)


def _flag(rt: Runtime, event_id: str, case_id: str, names: list[str], now: datetime) -> str:
    """Asks again and notes what came, once for each message and case."""
    try:
        found = ask_again(rt, SYSTEM, case_id, names, now=now, trigger="event")
    except NotFound:
        return "same"  # the case is not there any more
    result = max((row.result for row in found), key=WORST.index, default="same")
    _note(rt, event_id, case_id, result, now)
    return result


def _note(rt: Runtime, event_id: str, case_id: str, result: str, now: datetime) -> None:
    """What came of a message for a case."""
    with rt.write() as session:
        rows = select(FlaggedCase).where(FlaggedCase.event_id == event_id, FlaggedCase.case_id == case_id)
        known = session.scalars(rows).one_or_none()
        if known is None:
            session.add(FlaggedCase(id=new_id(), event_id=event_id, case_id=case_id, result=result, at=now))
        else:
            known.result, known.at = result, now
