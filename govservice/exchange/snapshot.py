"""What was submitted, sealed: canonical JSON (RFC 8785) of answers, files, facts and provenance, its hash, signed.

The hash stands on the receipt; the text is sealed with the applicant's key. Each snapshot of a case names the hash
of the one before, so that none can be exchanged or left out unnoticed. The portal signs the hash with its place (JWS,
Ed25519), not the text: the signature says nothing about the person and outlives the erasure of what they sent.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.errors import NotFound, Tampered
from govservice.exchange import consents
from govservice.exchange.views import Facts, FactView
from govservice.models.base import new_id, to_iso
from govservice.models.cases import Case
from govservice.models.exchange import Snapshot
from govservice.models.keyring import Keyring
from govservice.models.papers import File
from govservice.models.reliance import Revalidation
from govservice.models.session import box_of

Reason = Literal["submit", "correction", "supplement", "decision"]
FORMAT = 2


def seal_snapshot(
    session: Session, case: Case, compiled: Compiled, form: Mapping[str, Any], facts: Facts, *,
    reason: Reason, now: datetime,
) -> Snapshot:  # fmt: skip
    """Seals what is sent, in the caller's transaction, and returns the row with its hash.

    `form` is the revision as JSON (strings, integers, booleans, lists, mappings; decimals as text). Raises NotFound
    where the applicant was erased.
    """
    box = box_of(session, case.applicant_id)
    if box is None:
        raise NotFound()
    before = _last(session, case.id)
    number = before.n + 1 if before else 1
    content: dict[str, Any] = {
        "format": FORMAT,
        "case": case.number,
        "service": case.service,
        "definition": compiled.sha,
        "n": number,
        "reason": reason,
        "at": to_iso(now),
        "previous": before.sha256 if before else None,
        "form": dict(form),
        "files": _files(session, case.id, form),
        "consents": {
            "agreed_at": form.get("agreed_at"),
            "declined": list(form.get("declined", ())),
            **({"given": given} if (given := consents.sealed(session, case.id, now)) else {}),
        },
        "pending": sorted(name for name, view in facts.items() if view.state == "deferred"),
        "facts": {name: _provenance(view) for name, view in facts.items()},
        **({"settled": settled} if reason == "decision" and (settled := _settled(session, case.id)) else {}),
    }
    canonical = rfc8785.dumps(content)
    sha = hashlib.sha256(canonical).hexdigest()
    keyring: Keyring = session.info["keyring"]
    snapshot = Snapshot(
        id=(id := new_id()), case_id=case.id, n=number, reason=reason, subject_id=case.applicant_id,
        canonical_enc=box.seal(canonical, f"snapshots:{id}"), sha256=sha,
        prev_sha256=before.sha256 if before else None, created_at=now,
        jws=keyring.signer.sign(rfc8785.dumps(_statement(content, sha))),
    )  # fmt: skip
    session.add(snapshot)
    session.flush()
    return snapshot


def latest_snapshot(session: Session, case_id: str) -> Snapshot:
    """The newest snapshot of a case. Raises NotFound where nothing was sent yet."""
    found = _last(session, case_id)
    if found is None:
        raise NotFound()
    return found


def verify_snapshot(session: Session, snapshot: Snapshot) -> bytes | None:
    """The canonical text, after checking seal, hash, place and chain; None where the applicant was erased.

    Raises Tampered where anything does not agree.
    """
    _check_signature(session, snapshot)
    before = session.scalars(
        select(Snapshot).where(Snapshot.case_id == snapshot.case_id, Snapshot.n == snapshot.n - 1)
    ).one_or_none()
    if (before.sha256 if before else None) != snapshot.prev_sha256 or (before is None) != (snapshot.n == 1):
        raise Tampered("A snapshot does not follow the one before.", snapshot=snapshot.id)
    box = box_of(session, snapshot.subject_id)
    if box is None or snapshot.canonical_enc is None:
        return None
    canonical = box.open(snapshot.canonical_enc, f"snapshots:{snapshot.id}")
    if not hmac.compare_digest(hashlib.sha256(canonical).hexdigest(), snapshot.sha256):
        raise Tampered("A snapshot does not have its hash.", snapshot=snapshot.id)
    return canonical


def _statement(content: Mapping[str, Any], sha: str) -> dict[str, Any]:
    """What the portal signs: the hash and its place, nothing that anybody said."""
    return {**{name: content[name] for name in ("case", "n", "reason", "at", "previous")}, "sha256": sha}


def _check_signature(session: Session, snapshot: Snapshot) -> None:
    """Of a snapshot from before the portal signed there is none; once it signs, every later one has one."""
    keyring: Keyring = session.info["keyring"]
    if snapshot.jws is None:
        signed = select(Snapshot.id).where(Snapshot.jws.is_not(None), Snapshot.id < snapshot.id).limit(1)
        if session.scalar(signed) is not None:
            raise Tampered("A snapshot has lost its signature.", snapshot=snapshot.id)
        return
    said = json.loads(keyring.signer.check(snapshot.jws))
    case = session.get_one(Case, snapshot.case_id)
    place = (case.number, snapshot.n, snapshot.reason, to_iso(snapshot.created_at), snapshot.prev_sha256)
    if (said["case"], said["n"], said["reason"], said["at"], said["previous"], said["sha256"]) != (
        *place, snapshot.sha256,
    ):  # fmt: skip
        raise Tampered("A snapshot is not what was signed.", snapshot=snapshot.id)


def verify_snapshots(session: Session) -> tuple[int, list[str]]:
    """How many snapshots there are, and what does not agree of them (number of the case, snapshot, what)."""
    faults, seen = [], 0
    rows = session.execute(
        select(Snapshot, Case.number).join(Case, Case.id == Snapshot.case_id).order_by(Snapshot.id)
        .execution_options(yield_per=200)
    )  # fmt: skip
    for snapshot, number in rows:
        seen += 1
        try:
            verify_snapshot(session, snapshot)
        except Tampered as fault:
            faults.append(f"{number}, snapshot {snapshot.n}: {fault}")
    return seen, faults


def _settled(session: Session, case_id: str) -> list[dict[str, str | None]]:
    """What asking again has found and somebody has settled since: who let the decision rest on it."""
    rows = session.scalars(
        select(Revalidation)
        .where(Revalidation.case_id == case_id, Revalidation.resolution.is_not(None))
        .order_by(Revalidation.at, Revalidation.id)
    )
    return [
        {
            "fact": row.name, "found": row.result, "exchange": row.exchange_id, "settled": row.resolution,
            "by": row.resolved_by, "at": to_iso(row.resolved_at) if row.resolved_at else None,
        }
        for row in rows
    ]  # fmt: skip


def _last(session: Session, case_id: str) -> Snapshot | None:
    newest = select(Snapshot).where(Snapshot.case_id == case_id).order_by(Snapshot.n.desc()).limit(1)
    return session.scalars(newest).one_or_none()


def _files(session: Session, case_id: str, form: Mapping[str, Any]) -> dict[str, str]:
    """What is sent with this revision, by the file's id: the hash of its content. Files that a correction replaced
    stay in the record, not here."""
    sent = {id for ids in form["materials"].values() for id in ids}
    rows = session.execute(select(File.id, File.sha256).where(File.case_id == case_id, File.id.in_(sent)))
    return {row.id: row.sha256 for row in rows}


def _provenance(view: FactView) -> dict[str, Any]:
    return {
        "state": view.state,
        "outcome": view.outcome,
        "values": dict(view.values),
        "registry": view.registry,
        "dataset": view.dataset,
        "record": view.record_id,
        "assurance": view.assurance,
        "exchange": view.exchange_id,
        **({"as_of": view.as_of} if view.as_of is not None else {}),
        "fetched_at": to_iso(view.fetched_at) if view.fetched_at else None,
        "registry_updated_at": to_iso(view.registry_updated_at) if view.registry_updated_at else None,
    }
