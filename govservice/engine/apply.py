"""The one door through which a case changes (docs: engine). In one transaction, in this order:

1. the same key again gets the recorded result; the same key with another request is refused
2. the case is locked, its state read; timers that are due act first, each at its own hour
3. what the page showed is compared: the token's version and the revision of the answers
4. the token is found  5. the actor's right is asked  6. what must come with it is asked
7. `decide`, and whether what a decision relies on holds (`reliance`)  8. the folded state is checked
9. events, chain, projections, key are written  10. the case is compared and set

The caller owns the transaction: it commits, and rolls back whatever is raised, fired timers included. A LostRace
means that
the whole transaction is to be tried again (`apply_retrying` does).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine import decide as deciding
from govservice.engine import decide_data, decide_migration, decide_review, reliance, rights
from govservice.engine import rights_supervision as supervision
from govservice.engine.chain import GENESIS, canonical
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.forms import SENTENCE, check_form
from govservice.engine.invariants import check
from govservice.engine.needs import reads_answers
from govservice.engine.projections import project, timer_id
from govservice.engine.state import CaseState, TimerState, Token
from govservice.engine.store import Held, KeyRow, Store, TextRow
from govservice.engine.types import SYSTEM, Applied, Command, Ctx, Event, Expected, Needs, Refusal, TextRef, moment
from govservice.errors import Invalid, KeyReused, Missing, NotAllowed, Stale, Tampered
from govservice.models.base import new_id, to_iso
from govservice.models.keyring import Box
from govservice.models.session import TRIES, Database

MAX_IDEM = 200
TIMERS = "@timers"  # only what is due; `tick` sends it
WORDS = ("items", "opinion")  # of `Command.data`: kept out of the events


class DefinitionsLike(Protocol):
    """What is needed of `definitions.library.Definitions`."""

    @property
    def catalogue(self) -> Catalogue: ...
    def by_sha(self, sha: str) -> Compiled: ...


def apply(session: Session, command: Command, definitions: DefinitionsLike, calendars: CalendarsLike) -> Applied:
    """Changes a case by one command, or raises and changes nothing (the caller rolls back).

    Raises NotFound, Forbidden, NotAllowed, Stale, Missing, Invalid, KeyReused, LostRace.
    """
    return _Door(session, command, definitions, calendars).run()


def apply_retrying(
    database: Database, command: Command, definitions: DefinitionsLike, calendars: CalendarsLike, tries: int = TRIES
) -> Applied:
    """`apply` in a transaction of its own, tried again as a whole where another one was first."""
    return database.retrying(lambda session: apply(session, command, definitions, calendars), tries)


class _Door:
    """One command on its way through."""

    def __init__(self, session: Session, cmd: Command, definitions: DefinitionsLike, calendars: CalendarsLike) -> None:
        if not cmd.idem or len(cmd.idem) > MAX_IDEM or not cmd.idem.isprintable():
            raise Invalid({}, SENTENCE)
        check_form(cmd)
        self.store = Store(session)
        self.cmd, self.definitions, self.calendars = cmd, definitions, calendars
        self.request_sha = request_sha(cmd)
        self.head = GENESIS
        self.fired = 0

    def run(self) -> Applied:
        if self.cmd.trigger == deciding.OPEN:
            return self.open()
        assert self.cmd.case_id is not None
        held = self.store.hold(self.cmd.case_id, self.cmd.actor.id, self.cmd.idem)
        if held.request_sha is not None:
            return self.replayed(held.request_sha, held.result or "")
        if self.cmd.trigger == TIMERS and self.cmd.actor.kind != "system":
            raise rights.raised(rights.NOT_SYSTEM)
        d = self.definitions.by_sha(held.state.def_sha)
        state, head = self.due_timers(d, held)
        if self.cmd.trigger == TIMERS:
            self.store.forget()
            return Applied(state.case_id, state.version, held.state.seq + 1, state.seq, state, (), fired=self.fired)
        applied = self.act(d, state, head, held.applicant_id)
        self.store.forget()
        return applied

    # -- (1) the same key again

    def replayed(self, request_sha: str, result: str) -> Applied:
        if request_sha != self.request_sha:
            raise KeyReused()
        said = json.loads(result)
        events = [e for e in self.store.events(said["case_id"], said["seq_from"] - 1) if e.seq <= said["seq_to"]]
        state = self.store.hold(said["case_id"], "", "", lock=False).state
        return Applied(
            said["case_id"], said["version"], said["seq_from"], said["seq_to"], state, tuple(events), replayed=True
        )

    # -- opening

    def open(self) -> Applied:
        known = self.store.key(self.cmd.actor.id, self.cmd.idem)
        if known is not None:
            return self.replayed(*known)
        d = self.definitions.by_sha(str(self.cmd.data["def_sha"]))
        why = rights.open_refusal(self.cmd)
        if why is not None:
            raise rights.raised(why)
        data = {**self.cmd.data, "case_id": new_id()}
        state = CaseState(ctx=Ctx(self.definitions.catalogue))
        work = deciding.plan(d, state, _with(self.cmd, data), self.calendars)
        return self.finish(d, None, work.st, work.events, GENESIS, None)

    # -- (2) what is due comes first

    def due_timers(self, d: Compiled, held: Held) -> tuple[CaseState, str]:
        state, head, now = held.state, held.head, to_iso(self.cmd.now)
        for _ in range(1000):
            timer = deciding.due_timer(state, now)
            if timer is None:
                return state, head
            command = timer_command(state, timer)
            state.ctx = self.context(d, state, command, held.applicant_id)
            work = deciding.plan(d, state, command, self.calendars)
            self.finish(d, state, work.st, work.events, head, None, command)
            state, head, self.fired = work.st, self.head, self.fired + 1
        raise Tampered("The timers of a case do not come to rest.", case_id=state.case_id)

    # -- (3) to (7)

    def act(self, d: Compiled, state: CaseState, head: str, applicant_id: str) -> Applied:
        cmd = self.cmd
        token = rights.resolve_token(d, state, cmd)
        self.compare(state, token)
        text = self.words(state, applicant_id)
        state.ctx = self.context(d, state, cmd, applicant_id, text)
        self.ask(d, state, token)
        cmd = self.for_whom(d, state, token)
        if cmd.trigger == deciding.MIGRATE:
            new = self.definitions.by_sha(str(cmd.data["to"]))
            moved = decide_migration.plan(d, new, state, cmd, self.calendars)
            return self.finish(new, state, moved.st, moved.events, head, None)
        work = deciding.plan(d, state, cmd, self.calendars)
        reliance.check(self.store.session, work)
        if not work.events:
            self.store.write_key(self.key_row(state, state.seq + 1, state.seq, self.cmd))
            return Applied(state.case_id, state.version, state.seq + 1, state.seq, state, ())
        return self.finish(d, state, work.st, work.events, head, text)

    def for_whom(self, d: Compiled, state: CaseState, token: Token) -> Command:
        """The command with the absent colleague for whom a member of staff acts. Nobody says so themselves: it follows
        from whose task it is and whose role gives the right."""
        cmd = self.cmd
        if cmd.actor.kind != "user" or cmd.trigger in deciding.AD_HOC or cmd.trigger == deciding.MIGRATE:
            return cmd if cmd.actor.kind != "user" else replace(cmd, on_behalf_of=None)
        edge, task = d.edge(token.step, cmd.trigger), state.task_of(token.id)
        limit = d.limits.get(cmd.trigger.partition(":")[2]) if cmd.trigger.startswith(deciding.EXTEND) else None
        role = limit.extend.role if limit is not None and limit.extend is not None else edge.by if edge else None
        role = role or (task.role if task is not None else None)
        absent = rights.behalf(d, state, cmd.actor, role, state.ctx, token) if role is not None else None
        return replace(cmd, on_behalf_of=absent.id if absent is not None else None)

    def compare(self, state: CaseState, token: Token) -> None:
        """What the page showed against what is. Only this token's own moves and a new revision make a page stale; a
        request that was on its way since before the last revision never brings an older one back."""
        expected, rev = self.cmd.expected, self.cmd.data.get("data_rev", state.data_rev)
        if rev < state.data_rev:
            raise Stale(events=_since(self.store, state, token, None), case_id=state.case_id)
        if expected is None:
            return
        task = state.task_of(token.id)
        old_token = expected.token_version not in (None, token.version)
        given_out = expected.holder not in (None, (task.assignee if task else None) or "")
        if old_token or given_out or expected.data_rev not in (None, rev):
            raise Stale(events=_since(self.store, state, token, expected.token_version), case_id=state.case_id)

    def ask(self, d: Compiled, state: CaseState, token: Token) -> None:
        """Rights and needs of the command. Raises Forbidden, NotAllowed, Missing, Invalid."""
        cmd, ctx = self.cmd, state.ctx
        if cmd.trigger in (deciding.TIMER, deciding.RECALCULATE, deciding.INVITED, deciding.CHILD):
            raised = rights.NOT_SYSTEM if cmd.actor.kind != "system" or cmd.trigger == deciding.TIMER else None
        elif cmd.trigger in (deciding.DATA, deciding.SETTLED):
            raised = decide_data.refusal(state, cmd.actor, str(cmd.data.get("why")))
        elif cmd.trigger == deciding.REVIEW:
            raised = decide_review.refusal(state, cmd.actor)
        elif cmd.trigger == deciding.CLAIM:
            raised = rights.claim_refusal(d, state, state.task_of(token.id), cmd.actor, ctx)
        elif cmd.trigger == deciding.RELEASE:
            raised = rights.release_refusal(state.task_of(token.id), cmd.actor)
        elif cmd.trigger == deciding.SEND_NOTICE:
            raised = rights.notice_refusal(d, state, cmd.actor, ctx)
        elif cmd.trigger == deciding.APPOINT:
            raised = rights.appoint_refusal(d, state, token, cmd.actor, ctx)
        elif cmd.trigger == deciding.RESTART:
            raised = rights.restart_refusal(state, cmd.actor)
        elif cmd.trigger == deciding.RESUBMIT:
            raised = rights.resubmit_refusal(state, cmd.actor)
        elif cmd.trigger in deciding.AD_HOC:
            raised = self.ask_ad_hoc(d, state, token)
        elif cmd.trigger.startswith(deciding.EXTEND + ":"):
            raised = rights.extend_refusal(d, state, cmd.actor, cmd.trigger.partition(":")[2], ctx)
            if raised is None:
                rights.check_needs(d, cmd, Needs(reason=True), {})
        elif cmd.trigger in deciding.ANSWERS and "step" in cmd.data:
            raised = rights.answer_refusal(d, state, cmd.actor, str(cmd.data["step"]), cmd.trigger)
        elif cmd.trigger == deciding.MIGRATE:
            raised = rights.migrate_refusal(cmd.actor)
        elif cmd.trigger == deciding.SUPPLY:
            raised = rights.supply_refusal(state, cmd.actor, cmd.data.get("supplied", ()))
        else:
            self.ask_edge(d, state, token)
            return
        if raised is not None:
            raise rights.raised(raised)

    def ask_ad_hoc(self, d: Compiled, state: CaseState, token: Token) -> Refusal | None:
        """What supervision does needs reasons; a task that nobody has is given out without."""
        cmd, ctx, task = self.cmd, state.ctx, state.task_of(token.id)
        if cmd.trigger == deciding.ASSIGN:
            if cmd.assignee is None:
                raise Missing(["assignee"])
            why = supervision.assign_refusal(d, state, token, cmd.actor, cmd.assignee, ctx)
        elif cmd.trigger == deciding.CANCEL:
            why = supervision.cancel_refusal(d, state, token, cmd.actor, ctx)
        else:
            why = supervision.reopen_refusal(d, state, token, cmd.actor, ctx)
        if why is None:
            given_out = cmd.trigger == deciding.ASSIGN and task is not None and task.assignee is None
            rights.check_needs(d, cmd, Needs(reason=not given_out), {})
        return why

    def ask_edge(self, d: Compiled, state: CaseState, token: Token) -> None:
        edge = d.edge(token.step, self.cmd.trigger)
        if edge is None or edge.kind in ("join", "lapse"):
            raise NotAllowed(action=self.cmd.trigger, step=token.step)
        why = rights.refusal(d, state, token, edge, self.cmd.actor, state.ctx)
        if why is not None:
            raise rights.raised(why)
        values = state.ctx.values if state.ctx is not None else None
        rights.check_needs(d, self.cmd, rights.needs_of(token, edge), values or {})

    def context(
        self, d: Compiled, state: CaseState, cmd: Command, applicant_id: str, text: TextRow | None = None
    ) -> Ctx:
        """The answers only where something on the way reads them: opening them costs a query and a decryption."""
        values: dict[str, Any] | None = None
        if reads_answers(d, state, cmd):
            rev = int(cmd.data.get("data_rev") or state.data_rev)
            answers, _ = self.store.answers(state.case_id, rev, applicant_id)
            values = typed(d.service.fields, answers)
        return Ctx(self.definitions.catalogue, values, TextRef(text.id, text.sha) if text is not None else None)

    def words(self, state: CaseState, applicant_id: str) -> TextRow | None:
        """The row for what a person wrote, sealed with the applicant's key; None where nothing was written."""
        if not any(words_of(self.cmd).values()):
            return None
        _, box = self.store.answers(state.case_id, 0, applicant_id)
        return sealed_words(self.cmd, state.case_id, box)

    # -- (8) to (10)

    def finish(
        self, d: Compiled, before: CaseState | None, after: CaseState, events: list[Event], head: str,
        text: TextRow | None, cmd: Command | None = None,
    ) -> Applied:  # fmt: skip
        check(d, after)
        cal = self.calendars.for_area(after.area)
        key = self.key_row(after, events[0].seq, after.seq, cmd or self.cmd)
        rows = project(d, before, after, events, cal)
        self.head = self.store.write(before, after, events, rows, head, key, text)
        after.ctx = None
        return Applied(after.case_id, after.version, events[0].seq, after.seq, after, tuple(events))

    def key_row(self, state: CaseState, seq_from: int, seq_to: int, cmd: Command) -> KeyRow:
        said = {"case_id": state.case_id, "version": state.version, "seq_from": seq_from, "seq_to": seq_to}
        sha = self.request_sha if cmd is self.cmd else request_sha(cmd)
        return KeyRow(cmd.actor.id, cmd.idem, state.case_id, sha, canonical(said), to_iso(cmd.now))


def words_of(cmd: Command) -> dict[str, Any]:
    """What a person wrote, by what it is."""
    return {"reason": cmd.reason, **{k: cmd.data[k] for k in WORDS if cmd.data.get(k)}}


def sealed_words(cmd: Command, case_id: str, box: Box | None) -> TextRow | None:
    """The row that keeps what a person wrote, out of reach where the applicant was erased; None where nothing was."""
    kept = {k: v for k, v in words_of(cmd).items() if v}
    if not kept:
        return None
    plain = canonical({**kept, "salt": secrets.token_hex(16)}).encode("utf-8", "replace")
    id = new_id()
    sealed = box.seal(plain, f"case_texts:{id}") if box is not None else None
    return TextRow(id, case_id, sealed, hashlib.sha256(plain).hexdigest(), cmd.actor.id, to_iso(cmd.now))


def timer_command(state: CaseState, timer: TimerState) -> Command:
    """The command by which a timer acts: at its own hour, never before what happened last, and once per arming."""
    at = max(timer.due_at or "", state.last_at)
    return Command(
        case_id=state.case_id, trigger=deciding.TIMER, idem=f"timer:{timer_id(state.case_id, timer)}:{timer.armed_seq}",
        now=moment(at), actor=SYSTEM, token_id=timer.token_id,
        data={"timer": timer.name, "armed_seq": timer.armed_seq},
    )  # fmt: skip


def request_sha(cmd: Command) -> str:
    """What a key stands for: everything of the request but its time."""
    expected = cmd.expected
    said = [
        cmd.case_id, cmd.trigger, cmd.token_id, cmd.on_behalf_of, cmd.reason, list(cmd.attachments), dict(cmd.data),
        None if expected is None else [expected.token_version, expected.data_rev, *_holder(expected)],
        *([cmd.assignee.id] if cmd.assignee is not None else []),
    ]  # fmt: skip
    return hashlib.sha256(canonical(said).encode("utf-8", "surrogatepass")).hexdigest()


def _holder(expected: Expected) -> list[str]:
    return [] if expected.holder is None else [expected.holder]


def _with(cmd: Command, data: dict[str, Any]) -> Command:
    return Command(None, cmd.trigger, cmd.idem, cmd.now, cmd.actor, cmd.on_behalf_of, data=data)


def _since(store: Store, state: CaseState, token: Token, version: int | None) -> tuple[Event, ...]:
    """The events of this token (and of the applicant's answers) since the page was made, newest last."""
    told = [e for e in store.events(state.case_id) if e.token_id == token.id]
    count = max(1, token.version - (version or 0))
    return tuple(told[-2 * count :])
