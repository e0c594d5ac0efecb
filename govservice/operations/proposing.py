"""A version comes into force by two people: a designer proposes it, another person decides. Never the same one.

Every time, at the proposal and again at the approval, it is verified as it stands then: against the catalogue, the
people there are, and what running cases need. Going back to an older version is a proposal like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.definitions.check import Judges, check_bytes
from govservice.definitions.compile import canonical_json, compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.differences import Difference, differences
from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.loader import Rules
from govservice.engine import Actor
from govservice.engine.explore_findings import second_opinion
from govservice.errors import N_, Forbidden, Missing, NotAllowed, NotFound
from govservice.models.cases import Definition
from govservice.models.versions import Proposal
from govservice.operations.handlers import lost_handlers
from govservice.operations.in_force import in_force, take_in_force
from govservice.operations.judging import staffing_of
from govservice.operations.publishing import Version, put_in_force
from govservice.operations.runtime import Runtime

PROPOSES = frozenset({"designer"})
DECIDES = frozenset({"designer", "supervisor"})


@dataclass(frozen=True, slots=True)
class Review:
    """A draft as it stands now. `compiled` is None where it does not hold together; it may come into force where
    `refused` is empty."""

    findings: tuple[Finding, ...]
    compiled: Compiled | None
    canonical: str
    differences: tuple[Difference, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What keeps it out of force: errors."""
        return tuple(finding for finding in self.findings if finding.severity != "warning")


def review(rt: Runtime, session: Session, text: str, name: str, now: datetime) -> Review:
    """Verifies the text of a definition and compares it with what is in force."""
    judges = Judges(staffing_of(session, rt.today(now)), second_opinion)
    checked = check_bytes(text.encode(), Rules(rt.definitions.catalogue, publishing=True), name, judges)
    findings = [*checked.findings, *lost_handlers(session, rt.definitions)]
    if not checked.loaded:
        return Review(tuple(findings), None, "", ())
    service = checked.loaded[0].service
    compiled = compile_service(service, catalogue=rt.definitions.catalogue)
    sha = in_force(session).get(compiled.code)
    old = rt.definitions.by_sha(sha).service if sha is not None else None
    return Review(tuple(findings), compiled, canonical_json(service), tuple(differences(old, compiled.service)))


def propose(rt: Runtime, actor: Actor, text: str, name: str, *, now: datetime) -> str:
    """A designer proposes the text of a definition. Returns the id of the proposal.

    Raises DefinitionError with every finding that keeps it out of force, Forbidden, NotAllowed where it is in force
    already or another proposal for the service waits.
    """
    _may(actor, PROPOSES)
    with rt.read() as session:
        found = review(rt, session, text, name, now)
    if found.refused or found.compiled is None:
        raise DefinitionError(found.refused)
    return _add(rt, actor, Version(found.compiled.code, found.compiled.sha, text, found.canonical), now)


def propose_back(rt: Runtime, actor: Actor, service: str, number: int, *, now: datetime) -> str:
    """A designer proposes to go back to the version of that number. Raises NotFound, and as `propose`.

    What was in force once is not judged by the rules of today's format again; that running cases keep what they need
    is judged when it is decided.
    """
    _may(actor, PROPOSES)
    with rt.read() as session:
        row = session.scalar(select(Definition).where(Definition.service == service, Definition.version == number))
        if row is None:
            raise NotFound()
        version = Version(service, row.sha, row.source_yaml, row.canonical_json)
    return _add(rt, actor, version, now)


def _add(rt: Runtime, actor: Actor, version: Version, now: datetime) -> str:
    try:
        with rt.write() as session:
            if in_force(session).get(version.service) == version.sha:
                raise NotAllowed(N_("This version is in force already."))
            made = Proposal(
                service=version.service, sha=version.sha, source_yaml=version.source_yaml,
                canonical_json=version.canonical_json, status="open", proposed_by=actor.id, proposed_at=now,
            )  # fmt: skip
            session.add(made)
            session.flush()
            return made.id
    except IntegrityError:
        raise NotAllowed(N_("Another proposal for this service waits for a decision.")) from None


def approve(rt: Runtime, actor: Actor, proposal_id: str, *, now: datetime) -> int:
    """A second person puts a proposal in force. Returns the number of the version.

    Raises Forbidden for whoever proposed it, DefinitionError where it no longer holds, NotAllowed where it was decided,
    NotFound.
    """
    _may(actor, DECIDES)
    with rt.write() as session:
        row = _open(session, proposal_id)
        if row.proposed_by == actor.id:
            raise Forbidden("same_person", N_("You proposed this version. A second person must decide."))
        refused = lost_handlers(session, rt.definitions)
        if session.get(Definition, row.sha) is None:
            refused = list(review(rt, session, row.source_yaml, f"{row.service}.yaml", now).refused)
        if refused:
            raise DefinitionError(refused)
        version = Version(row.service, row.sha, row.source_yaml, row.canonical_json)
        number = put_in_force(session, version, actor.id, now)
        row.status, row.decided_by, row.decided_at = "approved", actor.id, now
    take_in_force(rt)
    return number


def refuse(rt: Runtime, actor: Actor, proposal_id: str, reason: str, *, now: datetime) -> None:
    """A second person refuses it with a reason, or whoever proposed it takes it back."""
    _may(actor, DECIDES)
    if not reason.strip():
        raise Missing(["reason"])
    with rt.write() as session:
        row = _open(session, proposal_id)
        row.status, row.decided_by, row.decided_at, row.reason = "refused", actor.id, now, reason.strip()[:2000]


def _open(session: Session, proposal_id: str) -> Proposal:
    row = session.get(Proposal, proposal_id, with_for_update=True)
    if row is None:
        raise NotFound()
    if row.status != "open":
        raise NotAllowed(N_("This proposal was decided already."))
    return row


def _may(actor: Actor, roles: frozenset[str]) -> None:
    if actor.kind != "user" or not any(role in roles for role, _ in actor.roles):
        raise Forbidden("role", N_("This is for another role or department."))
