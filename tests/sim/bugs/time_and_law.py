"""Bugs of clocks, timers and rights."""

# one bug an entry, read as a table
# ruff: noqa: E501

from __future__ import annotations

from tests.sim.bugs import Bug

E = "govservice/engine/"
BUGS = (
    # days
    Bug("first-day-counts", "the day of the start is counted", "govservice/worktime/limits.py",
        "        return _nth(first, limit.n, spans, cal.working_days_between, cal.add_working_days)", "        return _nth(first, max(1, limit.n - 1), spans, cal.working_days_between, cal.add_working_days)"),
    Bug("holidays-work", "holidays are working days", "govservice/worktime/days.py",
        "        return d in self.makeup or (d.weekday() < SATURDAY and d not in self.holidays)", "        return d in self.makeup or d.weekday() < SATURDAY"),
    Bug("makeup-days-off", "make-up days are days off", "govservice/worktime/days.py",
        "        return d in self.makeup or (d.weekday() < SATURDAY and d not in self.holidays)", "        return d.weekday() < SATURDAY and d not in self.holidays"),
    Bug("pause-one-day-short", "the day on which a pause ends is counted", "govservice/worktime/limits.py",
        "        left, cursor = left - before, max(cursor, end)", "        left, cursor = left - before, max(cursor, begin if end == begin else end - (end - begin) / max(1, (end - begin).days))"),
    Bug("share-rounded-up", "a warning comes a day late", "govservice/worktime/limits.py",
        "    return Duration(max(limit.n * percent // 100, min(limit.n, 1)), limit.unit)", "    return Duration(max(-(-limit.n * percent // 100), min(limit.n, 1)), limit.unit)"),
    Bug("day-in-utc", "the legal day is taken in UTC", "govservice/engine/clocks.py",
        "    return cal.local_date(moment(at))", "    return moment(at).date()"),
    Bug("weekend-ends-a-limit", "a limit in calendar days may end on a day off", "govservice/worktime/limits.py",
        "    due = cal.on_or_after(d)\n", "    due = d\n"),
    # clocks
    Bug("pause-forgotten", "the decision clock runs while the applicant corrects", E + "decide_correction.py",
        "    clocks.pause(work, [c.key for c in work.st.clocks.values() if _stops(work, c)], KIND)", "    pass"),
    Bug("clock-stays-paused", "the decision clock does not run on after the answer", E + "decide_correction.py",
        "            else:\n                clocks.resume(work, clock.key)\n    pauses.reconcile(work)", "    pauses.reconcile(work)"),
    Bug("intake-not-afresh", "the check for completeness goes on instead of beginning afresh", E + "decide_correction.py",
        "            if is_intake(work, clock):  # a fresh check, counted from the resubmission", "            if False:"),
    Bug("pause-all-any", "one waiting branch stops the clock where all must wait", E + "decide_correction.py",
        "or (policy.clock == \"pause_all\" and len(waiting) < len(opened)):", "or False:"),
    Bug("every-kind-pauses", "a pause stops limits that do not list it", E + "decide_pauses.py",
        "    return next((hold.kind for hold in work.st.holds if hold.kind in listed), None)", "    return next((hold.kind for hold in work.st.holds), None) if listed is not None else None"),
    Bug("extension-moves-the-promise", "an extension forgets its timers", E + "decide_clocks.py",
        "        days, timers = _recount(work, longer, clock.pauses)\n", "        days, _ = _recount(work, longer, clock.pauses)\n"),
    Bug("extended-twice", "a limit is extended more than once", E + "rights.py",
        "    if more.once and clock.extended:\n        return EXTENDED", "    if False:\n        return EXTENDED"),
    Bug("limit-not-stopped", "a milestone does not stop its limit", E + "decide_clocks.py",
        "        if limit.stop == milestone and limit_key(name) in work.st.clocks:", "        if limit.stop == milestone and milestone != \"decided\" and limit_key(name) in work.st.clocks:"),
    Bug("deemed-from-now", "deemed acceptance counts from today instead of from receipt", E + "decide_acts.py",
        "    moves.move(work, timer.token_id, edge, dest, facts, marked_at=marked_at)", "    moves.move(work, timer.token_id, edge, dest, facts)"),
    # timers
    Bug("timer-lost-on-pause", "a timer that stood still never acts again", E + "fold_steps.py",
        "            st.timers[name] = timer._replace(due_at=None)\n\n\ndef token_resumed", "            st.timers = {n: t for n, t in st.timers.items() if n != name}\n            break\n\n\ndef token_resumed"),
    Bug("timer-runs-in-a-pause", "timers go on while the clock stands still", E + "fold_clocks.py",
        "        if timer.clock_key == key and timer.due_at is not None:\n            st.timers[name] = timer._replace(due_at=None)", "        if False:\n            st.timers[name] = timer._replace(due_at=None)"),
    Bug("timer-not-rearmed", "after a pause the step's timers have no date", E + "decide_clocks.py",
        "        \"provisional\": due.provisional if due else False, \"timers\": rearmed(work, after),", "        \"provisional\": due.provisional if due else False, \"timers\": [],"),
    Bug("timer-fires-twice", "a timer that acted stays armed", E + "fold_clocks.py",
        "    if timer is not None:\n        end_timer(st, timer, \"fired\")", "    if timer is not None and not timer.key.endswith(\":promised\"):\n        end_timer(st, timer, \"fired\")\n    elif timer is not None:\n        st.timers[timer.name] = timer._replace(due_at=None)"),
    Bug("timers-in-any-order", "of several that are due the last acts first", E + "decide.py",
        "    return min(due, key=lambda t: (t.due_at, not t.key.startswith(\"limit:\"), t.armed_seq, t.name))", "    return max(due, key=lambda t: (t.due_at, not t.key.startswith(\"limit:\"), t.armed_seq, t.name))"),
    Bug("timers-follow-no-limit", "timers that hang on a limit keep the old date", E + "decide_clocks.py",
        "    if rows:\n        work.emit(\"timers.set\", None, {\"timers\": rows})", "    if False:\n        work.emit(\"timers.set\", None, {\"timers\": rows})"),
    Bug("case-skipped-by-tick", "the first case that is due is passed over", E + "tick.py",
        "        fired = sum(_fire(database, case_id, now, definitions, calendars, held) for case_id in cases)", "        fired = sum(_fire(database, case_id, now, definitions, calendars, held) for case_id in cases[1:])"),
    Bug("timer-of-the-fold-lost", "an early timer's row stays armed", E + "projections.py",
        "        elif isinstance(entry, TimerEnd) and entry.timer.name not in after.timers:", "        elif isinstance(entry, TimerEnd) and entry.status != \"fired\" and entry.timer.name not in after.timers:"),
    # rights
    Bug("own-case", "somebody decides on their own application", E + "rights.py",
        "    if own or own_organisation:\n        return OWN_CASE", "    if own_organisation:\n        return OWN_CASE"),
    Bug("four-eyes-skipped", "whoever examined decides", E + "rights.py",
        "        if not both.isdisjoint(st.acts.get(path, ())):", "        if False:"),
    Bug("one-person-is-two", "the same person confirms twice", E + "rights.py",
        "    if edge.two_people and first is not None and first[0] == edge.name and not both.isdisjoint({first[1], first[3]}):\n        return SAME_PERSON", "    if False:\n        return SAME_PERSON"),
    Bug("second-person-not-needed", "one person's word moves the case", E + "decide_acts.py",
        "    elif edge.two_people and work.actor.kind == \"user\" and not _confirmed_by_another(work, token, edge):", "    elif False:"),
    Bug("claim-means-nothing", "a task that somebody has taken is anybody's", E + "rights.py",
        "    if task is None or task.assignee is None or task.assignee in actor.ids or task.role != edge.by:\n        return None", "    if True:\n        return None"),
    Bug("any-area", "a clerk of another district may act", E + "rights.py",
        "        return (role, department_of(d, ctx, role, st.area)) in actor.roles", "        return any(held == role for held, _ in actor.roles)"),
    Bug("any-applicant", "any citizen may withdraw anybody's case", E + "rights.py",
        "    return actor.person_id is not None and actor.person_id == st.applicant_id\n", "    return actor.person_id is not None\n"),
    Bug("waiting-may-act", "a branch that waits for a correction may act", E + "rights.py",
        "    if token.status == \"active\":\n        return None\n    return WAITING if", "    if True:\n        return None\n    return WAITING if"),
    Bug("gaps-ignored", "granted although a document has not come", E + "decide_waits.py",
        "    if not (step.requires_gaps and step.call is not None and work.st.open_gaps):\n        return data", "    return data"),
)  # fmt: skip
