"""Bugs around the engine: outbox, notices, licences, money, bundles, promises."""

# one bug an entry, read as a table
# ruff: noqa: E501

from __future__ import annotations

from tests.sim.bugs import Bug

DOING = "govservice/operations/"
BUGS = (
    # outbox
    Bug("late-worker-delivers", "a worker whose lease ran out delivers all the same", "govservice/messaging/outbox.py",
        "    return row is not None and row.done_at is None and (row.claimed_by, row.attempts) == (worker, effect.attempts)", "    return row is not None"),
    Bug("lease-forgotten", "what one worker has claimed another claims too", "govservice/messaging/outbox.py",
        "            (Outbox.claimed_until.is_(None)) | (Outbox.claimed_until < wall),\n", ""),
    Bug("settled-before-done", "an effect counts as delivered although its handler failed", DOING + "effects.py",
        "            put_back(session, effect, now, error)", "            settle(session, effect.key, now)"),
    Bug("never-settled", "a delivered effect is not marked", DOING + "effects.py",
        "        handler(rt, session, effect, now)\n        settle(session, effect.key, now)\n        return True", "        handler(rt, session, effect, now)\n        return True"),
    Bug("put-back-for-ever", "what failed once is never tried again", "govservice/messaging/outbox.py",
        "        .values(due_at=now + effect.pause, claimed_by=None, claimed_until=None, last_error=error[:200])", "        .values(due_at=now + effect.pause * 10**6, claimed_by=None, claimed_until=None, last_error=error[:200])"),
    Bug("notice-twice", "a notice is put into the inbox whenever it is delivered", "govservice/messaging/notices.py",
        "    session.add(Message(**notice_row(effect, person, now)))\n    return True", "    for n in (\"\", \"+\"):\n        session.add(Message(**{**notice_row(effect, person, now), \"effect_key\": effect.key + n}))\n    return True"),
    Bug("notice-of-acceptance-missing", "the applicant is not told of the acceptance", "govservice/engine/decide_moves.py",
        "        if edge.marks in NOTICE_OF_MARK and _goes_on(work, dest):", "        if edge.marks == \"received\" and _goes_on(work, dest):"),
    # licences
    Bug("answered-twice", "a document is issued whether or not its case knows it", DOING + "effects.py",
        "        if answer(rt, session, effect, \"@ok\", now, NOTHING if rev is None else {\"data_rev\": rev}):", "        if answer(rt, session, effect, \"@ok\", now, NOTHING if rev is None else {\"data_rev\": rev}) or True:"),
    Bug("document-before-payment", "a licence goes out before its fee has come", DOING + "effects.py",
        "    if fees.fee_of(compiled) is not None and not fees.is_paid(session, case.id):", "    if False:"),
    Bug("document-lost", "the case is told that it was issued, and it was not", DOING + "effects.py",
        "            issue_document(rt, session, effect, now)\n        else:", "            pass\n        else:"),
    # money
    Bug("any-callback", "an order is believed whatever its seal says", "govservice/payments/signing.py",
        "    if not hmac.compare_digest(expected, seal.signature):", "    if False:"),
    Bug("older-word-wins", "an older message replaces a newer one", "govservice/payments/ledger.py",
        "    if said.seq < payment.seq:\n        raise Refused(\"superseded\")\n    if said.seq == payment.seq:", "    if said.seq == payment.seq:"),
    Bug("any-sum", "a payment of another sum counts", "govservice/payments/ledger.py",
        "    if said.sum.minor != payment.amount:", "    if False:"),
    Bug("no-refund", "what was paid stays when the applicant withdraws", "govservice/engine/decide_moves.py",
        "    return [\"payment.close\" if outcome == \"refused\" else REFUND]", "    return [\"payment.close\"]"),
    Bug("two-orders", "a case owes twice", DOING + "fees.py",
        "        return ledger.live(session, case.id) or ledger.owe(session, case.id, sum, now)", "        return ledger.owe(session, case.id, sum, now)"),
    # bundles and promises
    Bug("child-before-its-data", "a child case is asked for before what it needs is there", "govservice/engine/decide_bundle.py",
        "            if all(c.outcome == GOOD for c in needed):", "            if any(c.outcome == GOOD for c in needed) or not needed or any(c.status == \"asked\" for c in needed):"),
    Bug("child-unheard", "a bundle does not hear how its child ended", DOING + "bundles.py",
        "    outcome = case.outcome if case.status == \"closed\" else None", "    outcome = None"),
    Bug("pledge-not-checked", "granted on a pledge, and nobody looks whether it is kept", "govservice/engine/decide_moves.py",
        "    if step.outcome == \"granted\":\n        check_pledges(work)", "    if False:\n        check_pledges(work)"),
    Bug("gap-without-end", "what was put off may come whenever it likes", "govservice/engine/decide_promises.py",
        "    timers: list[list[Any]] = [[MAIN, f\"{key}:lapse\", None, due.at]]", "    timers: list[list[Any]] = []"),
    Bug("snapshot-of-something-else", "the sealed record is not what was sent", "govservice/exchange/snapshot.py",
        "sha = hashlib.sha256(canonical).hexdigest()", "sha = hashlib.sha256(canonical[1:]).hexdigest()"),
    # pages and figures
    Bug("list-read-untold", "names in a clerk's list are read, and nobody is told", "govservice/web/clerk/worklist.py",
        "    if by_role:\n", "    if False:\n"),
    Bug("page-read-untold", "a case is opened, and its applicant has no row of it", "govservice/web/clerk/cases.py",
        "        record_read(session, actor, opened, page.file.seen, \"task\", now)\n", "        pass\n"),
    Bug("list-of-everybody", "a clerk's list shows what another role has", "govservice/queries/worklist.py",
        "    clauses = [and_(Task.department_id == department, Task.role == role) for role, department in roles]\n", "    clauses = [Task.department_id == department for role, department in roles]\n"),
    Bug("late-a-day-early", "the desk calls late what is due today", "govservice/queries/turnaround.py",
        "filter(Case.promised_on < today)", "filter(Case.promised_on <= today)"),
    Bug("pauses-in-the-figures", "the time of a correction counts as the office's", "govservice/queries/turnaround.py",
        "        max(0, calendar.working_seconds(started, stopped) - paused), paused,", "        max(0, calendar.working_seconds(started, stopped)), paused,"),
    Bug("stopped-counts-as-work", "what waits for the applicant stands in the office's queue", "govservice/queries/turnaround.py",
        "        waiting[service, step] = (count - n_stopped, n_late, n_stopped)", "        waiting[service, step] = (count, n_late, n_stopped)"),
)  # fmt: skip
