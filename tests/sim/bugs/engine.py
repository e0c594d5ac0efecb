"""Bugs of the engine: the door, the store, decisions, joins, parallel parts, corrections, the fold."""

# one bug an entry, read as a table
# ruff: noqa: E501

from __future__ import annotations

from tests.sim.bugs import Bug

E = "govservice/engine/"
BUGS = (
    # the door
    Bug("stale-page-accepted", "an old page acts as if it were new", E + "apply.py",
        "        if old_token or given_out or expected.data_rev not in (None, rev):", "        if False:"),
    Bug("key-not-looked-up", "the same request sent again is not answered with what it did", E + "apply.py",
        "        if held.request_sha is not None:\n", "        if False and held.request_sha is not None:\n"),
    Bug("key-for-anything", "one key answers for every request", E + "apply.py",
        "        if request_sha != self.request_sha:\n            raise KeyReused()", "        if False:\n            raise KeyReused()"),
    Bug("timers-not-first", "people act before what was due", E + "apply.py",
        "            timer = deciding.due_timer(state, now)", "            timer = deciding.due_timer(state, now) if self.cmd.actor.kind == 'system' else None"),
    Bug("rights-not-asked", "anybody may take any action", E + "apply.py",
        "        why = rights.refusal(d, state, token, edge, self.cmd.actor, state.ctx)\n        if why is not None:", "        why = None\n        if why is not None:"),
    Bug("needs-not-asked", "a refusal without a reason", E + "apply.py",
        "        rights.check_needs(d, self.cmd, rights.needs_of(token, edge), values or {})", "        pass"),
    Bug("replay-decides-again", "a repeated request is decided anew under a key of its own", E + "apply.py",
        "            return self.replayed(held.request_sha, held.result or \"\")", "            self.cmd = __import__('dataclasses').replace(self.cmd, idem=self.cmd.idem + '+')"),
    Bug("race-not-retried", "who loses a race gets an error", "govservice/models/session.py",
        "                if attempt == tries:\n                    raise", "                if attempt >= 1:\n                    raise"),
    # the store
    Bug("no-lock", "two may hold one case at a time", E + "store_sql.py",
        "PG_FOR_UPDATE = \" FOR NO KEY UPDATE OF c\"", "PG_FOR_UPDATE = \"\"", "postgres"),
    Bug("no-lock-sqlite", "a writer does not take the write lock first", "govservice/models/session.py",
        "\"BEGIN IMMEDIATE\" if writing else \"BEGIN\"", "\"BEGIN\""),
    Bug("commit-before-the-key", "events are committed before the key of their command", E + "store.py",
        "        cursor.execute(sql.LITE_KEY, key)\n        cursor.execute(sql.LITE_STATE, state)", "        if not opening:\n            cursor.execute(sql.LITE_MOVE, case)\n            moved = cursor.rowcount\n            cursor.execute('COMMIT')\n            cursor.execute('BEGIN IMMEDIATE')\n        cursor.execute(sql.LITE_KEY, key)\n        cursor.execute(sql.LITE_STATE, state)\n        if not opening:\n            return int(moved)"),
    Bug("commit-before-the-key-pg", "events are committed before the answer is known to be whole", "govservice/models/session.py",
        "            session.rollback()\n            raise", "            session.commit()\n            raise", "postgres"),
    Bug("error-swallowed", "an error on the way is not told", "govservice/models/session.py",
        "        except BaseException:\n            session.rollback()\n            raise", "        except Exception:\n            session.rollback()"),
    Bug("state-not-kept", "the kept state lags behind the events", E + "store.py",
        "        state = (after.case_id, after.seq, FORMAT, dump(after))", "        state = (after.case_id, after.seq, FORMAT, dump(before or after))"),
    Bug("chain-without-data", "the chain does not cover what an event says", E + "chain.py",
        "    return hashlib.sha256(_encode([prev, *link]).encode()).hexdigest()", "    return hashlib.sha256(_encode([prev, *link[:9], link[10]]).encode()).hexdigest()"),
    Bug("chain-not-compared", "a verification that looks at nothing but numbers", E + "chain.py",
        "        if link.seq != seq or said_prev != prev or link_hash(prev, link) != said_hash:", "        if link.seq != seq or said_prev != prev:"),
    Bug("tail-not-missed", "a cut tail is not noticed", E + "chain.py",
        "    if last_seq is not None and last_seq != seq:\n        raise Tampered(head=head, last_seq=last_seq, seq=min(seq, last_seq) + 1)\n    if head is not None and head != prev:", "    if False:"),
    # the fold and the tables
    Bug("token-version-stands-still", "a page does not grow old when a branch opens anew or a second person is needed", E + "fold_steps.py",
        "        version=token.version + 1, waits_for=\"second_person\", confirmed", "        version=token.version, waits_for=\"second_person\", confirmed"),
    Bug("claim-survives-confirmation", "the task stays with the first of two people", E + "fold_steps.py",
        "        st.tasks[task.opened_seq] = task._replace(assignee=None, claimed_at=None)\n\n\ndef token_paused", "        pass\n\n\ndef token_paused"),
    Bug("round-not-counted", "a second round of a parallel step is the first one", E + "fold_steps.py",
        "        st.rounds[d[\"step\"]] = st.rounds.get(d[\"step\"], 0) + 1", "        st.rounds[d[\"step\"]] = 1"),
    Bug("acts-forgotten", "who examined is forgotten when the step is left", E + "fold_steps.py",
        "    if \"role\" in d:\n        acted(st, d[\"step\"], ev)\n    if \"rev\" in d:", "    if \"rev\" in d:"),
    Bug("task-outlives-its-step", "a task stays open when its step is left", E + "fold_steps.py",
        "        end_task(st, task, \"cancelled\" if task.watch else task_status, ev.at)", "        pass"),
    Bug("task-due-unchanged", "the worklist keeps the old due date", E + "projections.py",
        "        if old.tasks.get(seq) is not task or due_of(old, task) != due:", "        if old.tasks.get(seq) is not task:"),
    Bug("effect-row-lost", "of several effects of one event only the first is written", E + "projections.py",
        "    for topic in dict.fromkeys(event.data.get(\"effects\", ())):", "    for topic in tuple(event.data.get(\"effects\", ()))[:1]:"),
    Bug("visit-not-ended", "a stay that ended in the same act stays open", E + "projections.py",
        "    rows.left = [left_row(after, left, cal) for left in ended.values()]", "    rows.left = [left_row(after, left, cal) for left in list(ended.values())[1:]]"),
    # joins and parts
    Bug("join-lost", "the last branch ends and no rule is weighed", E + "decide_moves.py",
        "        end_branch(work, token_id, dest)\n    else:\n        arrive(work, token_id, dest, edge)\n    settle(work)\n\n\ndef leave", "        end_branch(work, token_id, dest)\n        return\n    else:\n        arrive(work, token_id, dest, edge)\n    settle(work)\n\n\ndef leave"),
    Bug("atleast-one-less", "a rule is content with one less", "govservice/definitions/joins.py",
        "        return (lambda o: sum(outcome in named for outcome in o) >= least), False", "        return (lambda o: sum(outcome in named for outcome in o) >= max(1, least - 1)), False"),
    Bug("join-reads-old-rounds", "a part of an earlier round counts", E + "state.py",
        "            if t.round == round and (t.scope", "            if (t.scope"),
    Bug("each-one-short", "the last element of a list has no part", E + "decide_moves.py",
        "for index in range(len(work.elements(branch)))]", "for index in range(max(1, len(work.elements(branch)) - 1))]"),
    Bug("branches-not-cancelled", "leaving a parallel step leaves its parts open", E + "decide_moves.py",
        "        if token.open:\n            leaving.drop(work, token.id)\n            work.emit(\"branch.cancelled\"", "        if False:\n            work.emit(\"branch.cancelled\""),
    Bug("kept-answer-lost", "a payment that came early is thrown away on arrival", E + "decide_moves.py",
        "        edge = work.d.edge(token.step, kept.trigger) if kept is not None and token.status == \"active\" else None", "        edge = None"),
    # corrections
    Bug("recheck-forgotten", "an outcome on answers that have changed stands", E + "decide_moves.py",
        "    return any(rev > token.data_rev and reads(work, branch, names) for rev, names in work.st.changes)", "    return False"),
    Bug("notice-before-all-asked", "the one notice goes out when the first asks", E + "decide_correction.py",
        "    return all(t.acted for t in work.st.branches_of(block.path) if t.open)", "    return True"),
    Bug("suspended-for-ever", "the parts that waited with a correction are not let go", E + "decide_correction.py",
        "        if token.status == \"suspended\":\n            work.emit(\"branch.resumed\"", "        if False:\n            work.emit(\"branch.resumed\""),
    Bug("when-not-weighed-again", "a department that the new answers call for is not asked", E + "decide_correction.py",
        "    if token is None or token.outcome == \"not_needed\" or token.round != work.st.rounds[branch.block]:\n        return True", "    if token is None or token.round != work.st.rounds[branch.block]:\n        return True\n    if token.outcome == \"not_needed\":\n        return False"),
    Bug("part-begun-twice", "a part that begins anew keeps the owner of its old stay", E + "fold_steps.py",
        "    if old is not None and old.open:  # the list behind its parts has changed: what began on the old one is over", "    if False:"),
)  # fmt: skip
