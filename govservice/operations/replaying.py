"""Replay on a draft: the newest cases of a service, played on a definition that nobody is bound by yet.

Nothing is written. Events and answers are read in bulk; whoever was erased is counted, not guessed. Big jobs are shared
between processes, each with a database connection of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compile import canonical_json, compile_service, service_from_json
from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine import Event
from govservice.engine.replay import ERASED, Draft, Verdict, draft_of, replay
from govservice.engine.replay_acts import READ, told
from govservice.errors import Tampered
from govservice.models.base import to_iso
from govservice.models.cases import Case, CaseData, CaseEvent
from govservice.models.keyring import Keyring
from govservice.models.people import Person
from govservice.operations.runtime import Runtime

CHUNK = 250  # cases read at once
SHARED_FROM = 2000  # below this many cases another process is not worth its start
EXAMPLES = 5  # numbers of cases told for each kind of difference


class Chunk(NamedTuple):
    """Verdicts by case number, in the order of the cases."""

    verdicts: tuple[tuple[str, Verdict], ...]


@dataclass
class Report:
    """What a replay found. `differences`: how often, by verdict, with a few numbers of cases."""

    cases: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    differences: Counter[Verdict] = field(default_factory=Counter)
    examples: dict[Verdict, list[str]] = field(default_factory=dict)

    def add(self, number: str, verdict: Verdict) -> None:
        self.cases += 1
        self.kinds[verdict.kind] += 1
        if verdict.kind in ("impossible", "other"):
            self.differences[verdict] += 1
            known = self.examples.setdefault(verdict, [])
            if len(known) < EXAMPLES:
                known.append(number)


def cases_to_replay(session: Session, service: str, limit: int) -> list[str]:
    """Ids of the newest cases of a service."""
    newest = select(Case.id).where(Case.service == service).order_by(Case.id.desc()).limit(limit)
    return list(session.scalars(newest))


def replay_on(
    rt: Runtime, draft: Compiled, *, limit: int, steps: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None, reopen: Callable[[], Runtime] | None = None,
    processes: int = 1,
) -> Report:  # fmt: skip
    """Plays up to `limit` cases on a draft. With `processes` and `reopen` (how another process opens the portal; it
    must be importable) the work is shared."""
    with rt.read() as session:
        ids = cases_to_replay(session, draft.code, limit)
    chunks = [ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK)]
    report = Report()
    for chunk in _played(rt, draft, dict(steps or {}), chunks, reopen if len(ids) >= SHARED_FROM else None, processes):
        for number, verdict in chunk.verdicts:
            report.add(number, verdict)
        progress(report.cases, len(ids))
    return report


def _played(
    rt: Runtime, d: Compiled, steps: Mapping[str, str], chunks: Sequence[list[str]],
    reopen: Callable[[], Runtime] | None, processes: int,
) -> Iterator[Chunk]:  # fmt: skip
    if reopen is None or processes < 2:
        draft = draft_of(d, rt.definitions.catalogue, rt.calendars, steps)
        for ids in chunks:
            with rt.read() as session:
                yield play(session, draft, ids)
        return
    canonical = canonical_json(d.service)
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (reopen, canonical, steps)) as pool:
        yield from pool.map(_in_process, chunks)


_OPENED: dict[str, Any] = {}  # of a process of the pool


def _begin(reopen: Callable[[], Runtime], canonical: str, steps: Mapping[str, str]) -> None:
    rt = reopen()
    d = compile_service(service_from_json(canonical), catalogue=rt.definitions.catalogue)
    _OPENED.update(rt=rt, draft=draft_of(d, rt.definitions.catalogue, rt.calendars, steps))


def _in_process(ids: list[str]) -> Chunk:
    with _OPENED["rt"].read() as session:
        return play(session, _OPENED["draft"], ids)


# -- one chunk


def play(session: Session, draft: Draft, ids: Sequence[str]) -> Chunk:
    """Reads and plays some cases."""
    rows = session.execute(
        select(Case.id, Case.number, Case.applicant_id).where(Case.id.in_(ids)).order_by(Case.id.desc())
    ).all()
    keys = _keys(session, {row.applicant_id for row in rows})
    events, forms = _events(session, ids), _forms(session, ids)
    verdicts = []
    for row in rows:
        wrapped, key_id = keys[row.applicant_id]
        if wrapped is None:
            verdicts.append((row.number, ERASED))
            continue
        case = told(events.get(row.id, ()))
        found = {rev: forms.get((row.id, rev)) for rev in case.revisions}
        if any(sealed is None for sealed in found.values()):
            verdicts.append((row.number, ERASED))
            continue
        answers = _opened(session.info["keyring"], wrapped, key_id, row.id, found, draft.compiled)
        verdicts.append((row.number, replay(draft, case, answers)))
    return Chunk(tuple(verdicts))


def _keys(session: Session, ids: Iterable[str]) -> dict[str, tuple[bytes | None, str]]:
    rows = session.execute(select(Person.id, Person.key_wrapped, Person.key_id).where(Person.id.in_(ids)))
    return {row.id: (row.key_wrapped, row.key_id) for row in rows}


def _events(session: Session, ids: Sequence[str]) -> dict[str, list[Event]]:
    e = CaseEvent
    rows = session.execute(
        select(e.case_id, e.seq, e.at, e.type, e.v, e.actor, e.on_behalf_of, e.token_id, e.data, e.idem)
        .where(e.case_id.in_(ids), e.type.in_(READ))
        .order_by(e.case_id, e.seq)
    )
    found: dict[str, list[Event]] = {}
    for case_id, seq, at, type, v, actor, obo, token, data, idem in rows:
        event = Event(seq, to_iso(at), type, v, actor, obo, token, json.loads(data), idem)
        found.setdefault(case_id, []).append(event)
    return found


def _forms(session: Session, ids: Sequence[str]) -> dict[tuple[str, int], bytes | None]:
    d = CaseData
    rows = session.execute(select(d.case_id, d.rev, d.form_enc).where(d.case_id.in_(ids)))
    return {(row.case_id, row.rev): row.form_enc for row in rows}


def _opened(
    keyring: Keyring, wrapped: bytes, key_id: str, case_id: str, sealed: Mapping[int, bytes | None], d: Compiled
) -> dict[int, dict[str, Any]]:
    """Typed answers by revision, as the draft's fields type them. Raises Tampered where a seal does not open."""
    box = keyring.box(wrapped, key_id)
    if box is None:
        raise Tampered(case_id=case_id)
    return {
        rev: typed(d.service.fields, box.open_json(form, f"case_data:{case_id}:{rev}")["answers"])
        for rev, form in sealed.items()
        if form is not None
    }
