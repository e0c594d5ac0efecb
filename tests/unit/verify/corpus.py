"""The corpus: one mutation of a sound definition each. `UNSOUND` must be refused with the code at the line, `SOUND`
must be accepted without a word."""

# one mutation a line, read as a table
# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple

REFUSE = "      refuse: {to: refused, reason: true, marks: decided, label: {en: Refuse, zh: 不予}}\n"
AGAIN = "      again: {to: review, reason: true, label: {en: Again, zh: 重审}}\n"
DECLINE = "      decline: {to: refused, reason: true, marks: decided, label: {en: Decline, zh: 不予受理}}\n"
ASK = "      ask: {correction: true, reason: true, label: {en: Ask, zh: 补正}}\n"
REJECTED = '      - {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n'
ALL = '      - {if: "all(approved, not_needed)", to: decision}\n'
FIRE_PASS = "              pass: {end: approved, label: {en: Pass, zh: 通过}}\n"
FIRE_FAIL = "              fail: {end: rejected, reason: true, label: {en: Fail, zh: 不通过}}\n"
PAPERS = "              pass: {to: site, label: {en: Pass, zh: 通过}}\n"
SITE = "              pass: {end: approved, two_people: true, label: {en: Pass, zh: 通过}}\n"
BACK = "              back: {to: papers, reason: true, label: {en: Back, zh: 退回}}\n"
OK = "      ok: {to: done, marks: delivered}\n"
ISSUE = "  issue:\n"
WHEN = '        when: "premises.area >= 300.0"\n'
DESK_LIMIT = "    owner: window\n    limit: 3wd\n"
SEATS = "shop.seats: {type: integer, min: 0, max: 50,"
SEATS_ASKED = "shop.seats: {type: integer, required: true, min: 0, max: 50,"
APPROVE = "approve: {to: issue, marks: decided, not_same_as: [review.food.site],"
BRANCHES = "    branches:\n"
OUTPUT = "output: {document: restaurant_licence}\n"
NO_CORRECTION = "correction: {within: 10wd, lapse_to: withdrawn}\n"


def label(word: str) -> str:
    return f"label: {{en: {word}, zh: {word}}}"


def step(name: str, *lines: str) -> str:
    inner = "".join(f"    {line}\n" for line in lines)
    return f"  {name}:\n    title: {{en: {name.capitalize()}, zh: 步}}\n{inner}"


def human(name: str, *actions: str, owner: str = "head", more: tuple[str, ...] = ()) -> str:
    return step(name, "kind: human", f"owner: {owner}", *more, "actions:", *(f"  {a}" for a in actions))


def third(when: str = "", each: str = "", *, end: str = "approved", limit: str = "") -> str:
    """A third department's branch, put before the others."""
    extra = (f'        when: "{when}"\n' if when else "") + (f"        each: {each}\n" if each else "")
    timed = f"            limit: {limit}\n" if limit else ""
    return (
        f"{BRANCHES}      third:\n        title: {{en: Third, zh: 三}}\n        owner: fire\n{extra}        start: look\n"
        f"        steps:\n          look:\n            title: {{en: Look, zh: 看}}\n{timed}            actions:\n"
        f"              pass: {{end: {end}, {label('Pass')}}}\n"
    )


class Case(NamedTuple):
    """`changes`: pieces of the sound text and what stands there instead. For an unsound one: `code` in the line that
    holds `at`, at `step`, with a run (`run`) that shows it."""

    name: str
    changes: tuple[str, ...]
    code: str = ""
    at: str = ""
    step: str | None = None
    run: bool = True


HEARING = ('promised: 10wd, basis: "art. 42"', 'promised: 10wd, basis: "art. 42", pauses: [hearing]')
HEAR = (
    f"      hear: {{pause: hearing, length: 10wd, notice: {{en: Hearing, zh: 听证}}, reason: true, {label('Hear')}}}\n"
)
HEARD = f"      heard: {{resume: hearing, {label('Heard')}}}\n"
CONSULT = "      consult: {consult: {departments: [fire_rescue], limit: 2wd}, label: {en: Consult, zh: 征求意见}}\n"

UNSOUND = [
    # -- facts
    Case("a fact hidden without a law", ("    fallback: [declare]\n", "    fallback: [declare]\n    show: hidden\n"), "E-HIDDEN", "show: hidden", None, run=False),
    Case("a register asked for a period that it cannot tell", ("    fallback: [declare]\n", "    fallback: [declare]\n    as_of: last_month\n"), "E-AS-OF", "as_of:", None, run=False),
    Case("a paper that the vault does not hold", ("from: {dataset: real_estate/1, grant: GR-2033}", "from: [{dataset: real_estate/1, grant: GR-2033}, {vault: title_dead}]"), "E-UNKNOWN-VAULT", "from:", None, run=False),
    Case("consent without another way", ("    fallback: [declare]\n", "    block: {en: No, zh: 否}\n    consent: explicit\n"), "E-CONSENT", "consent:", None, run=False),
    Case("what may come late and nobody can give", ("    fallback: [declare]\n", "    block: {en: No, zh: 否}\n    pending: allowed\n"), "E-FACT", "pending:", None, run=False),
    Case("a change that nobody weighs", ("    fallback: [declare]\n", "    fallback: [declare]\n    on_change: correct\n"), "E-FACT", "on_change:", None, run=False),
    Case("a change given to a role that there is not", ("    fallback: [declare]\n", "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n    on_change: {task: nobody}\n"), "E-UNKNOWN-ROLE", "on_change:", None, run=False),
    Case("a correction of a change that nobody can ask for", (NO_CORRECTION, "", ASK, "", "    fallback: [declare]\n", "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n    on_change: correct\n"), "E-ON-CHANGE", "on_change:", None, run=False),
    # -- what can never work
    Case("a page that the case's channel opens", ('show_if: "shop.seats > 0"', "show_if: \"case.channel == 'counter'\""), "E-SHOW-IF", "show_if", None, run=False),
    Case("a page opened by a fact that stands on it", ('show_if: "shop.seats > 0"\n    fields:\n', 'show_if: "premises.area > 50.0"\n    fields:\n      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n', "      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n", ""), "E-SHOW-IF", "show_if", None, run=False),
    Case("a page opened by a fact that a later one shows", ("    title: {en: One, zh: 一}\n", '    title: {en: One, zh: 一}\n    show_if: "premises.area > 50.0"\n', "      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n", "", "      shop.sign:", "      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n      shop.sign:"), "E-SHOW-IF", "premises.area >", None, run=False),
    Case("a page opened by a number that comes with the document", ("      shop.opened:", "      shop.number: {type: text, issued: serial, label: {en: N, zh: 号}}\n      shop.opened:", '"shop.seats > 0"', '"has(shop.number)"'), "E-SHOW-IF", "show_if", None, run=False),
    Case("a document that holds for working days", (OUTPUT, "output: {document: restaurant_licence, valid: 250wd}\n"), "E-DURATION", "output:", None, run=False),
    Case("a document that holds for office hours", (OUTPUT, "output: {document: restaurant_licence, valid: 80wh}\n"), "E-DURATION", "output:", None, run=False),
    Case("a step that issues what the service does not", (OUTPUT, ""), "E-NO-OUTPUT", "do:", "issue"),
    Case("a case-wide action of the system", ("withdraw: {to: withdrawn, by: applicant,", "withdraw: {to: withdrawn, by: system,"), "E-ALWAYS", "withdraw:", None, run=False),
    Case("a case-wide action of nobody in particular", ("withdraw: {to: withdrawn, by: applicant,", "withdraw: {to: withdrawn,"), "E-ALWAYS", "withdraw:", None, run=False),
    Case("a correction wherever the case stands", ("  withdraw: {to", "  fix: {correction: true, by: head, reason: true, label: {en: F, zh: 改}}\n  withdraw: {to"), "E-ALWAYS", "fix:", None, run=False),
    Case("a pause wherever the case stands", ("  withdraw: {to", "  wait: {pause: hearing, length: 5wd, by: head, label: {en: W, zh: 停}}\n  withdraw: {to"), "E-ALWAYS", "wait:", None, run=False),
    Case("an answer that no call gives", ("      fail: {to: decision}\n", "      fail: {to: decision}\n      late: {to: decision}\n"), "E-ANSWER", "late:", "issue", run=False),
    Case("second tries that come faster and faster", ("    do: {call: document.issue}\n", "    do: {call: document.issue, retry: {max: 8, backoff: 6h..1m}}\n"), "E-VALUE", "backoff", "issue", run=False),
    Case("a flag that nobody has words for", ("fail: {to: decision}", "fail: {to: decision, flag: issue_faild}"), "E-UNKNOWN-FLAG", "fail:", "issue", run=False),
    Case("a sample of which no page knows", ("  plan: {label:", "  plan: {sample: plan.pdf, label:"), "E-UNKNOWN-KEY", "plan:", None, run=False),
    Case("an attachment that nobody has a name for", (APPROVE, "approve: {to: issue, marks: decided, requires: {attachments: [site_reprot]}, not_same_as: [review.food.site],"), "E-UNKNOWN-ATTACHMENT", "approve:", "decision", run=False),
    Case("an attachment that the applicant would have to bring", ("      submit: {to: desk,", "      submit: {to: desk, requires: {attachments: [site_report]},"), "E-KEY", "submit:", "draft", run=False),
    Case("an attachment of a step by itself", ("    do: {call: document.issue}\n", "    do: {call: document.issue}\n    requires: {attachments: [letter], gaps: closed}\n"), "E-UNKNOWN-ATTACHMENT", "requires:", "issue", run=False),
    Case("a field of a step by itself that there is not", ("    do: {call: document.issue}\n", "    do: {call: document.issue}\n    requires: {fields: [shop.seets], gaps: closed}\n"), "E-UNKNOWN-FIELD", "requires:", "issue", run=False),
    Case("a way by words that no answer keeps", (OK, "      ok: {to: [{guard: \"result.note == 'x'\", to: decision}, {to: done}], result: {note: text}, marks: delivered}\n"), "E-RESULT", "ok:", "issue", run=False),
    # -- what does nothing
    Case("effects of a question to the applicant", (ASK, ASK.replace("reason: true,", "reason: true, effects: [message.warning],")), "W-IDLE-KEY", "ask:", "desk", run=False),
    Case("a milestone of a question to the applicant", (ASK, ASK.replace("reason: true,", "reason: true, marks: accepted,")), "W-IDLE-KEY", "ask:", "desk", run=False),
    Case("two people for a question to the applicant", (ASK, ASK.replace("reason: true,", "reason: true, two_people: true,")), "W-IDLE-KEY", "ask:", "desk", run=False),
    Case("a milestone of a pause", (*HEARING, AGAIN, HEAR.replace("reason: true,", "reason: true, marks: accepted,") + HEARD + AGAIN), "W-IDLE-KEY", "hear:", "decision", run=False),
    Case("a milestone of the end of a pause", (*HEARING, AGAIN, HEAR + HEARD.replace("label:", "marks: accepted, label:") + AGAIN), "W-IDLE-KEY", "heard:", "decision", run=False),
    Case("one notice for the steps of the case itself", (NO_CORRECTION, "correction: {within: 10wd, lapse_to: withdrawn, notice: once}\n"), "W-IDLE-KEY", "correction:", None, run=False),
    Case("the other branches, where there are none", (NO_CORRECTION, "correction: {within: 10wd, lapse_to: withdrawn, siblings: suspend}\n"), "W-IDLE-KEY", "correction:", None, run=False),
    Case("an attachment that a call would bring", ("    do: {call: document.issue}\n", "    do: {call: document.issue}\n    requires: {attachments: [site_report], gaps: closed}\n"), "W-IDLE-KEY", "requires:", "issue", run=False),
    Case("a pause that also leads on", (*HEARING, AGAIN, HEAR.replace("reason: true,", "reason: true, to: review,") + HEARD + AGAIN), "E-WAY", "hear:", "decision", run=False),
    Case("a pause that also asks the applicant", (*HEARING, AGAIN, HEAR.replace("reason: true,", "reason: true, correction: true,") + HEARD + AGAIN), "E-WAY", "hear:", "decision", run=False),
    Case("a wait for the applicant of which an owner has no task", (APPROVE, "approve: {to: sign, marks: decided, not_same_as: [review.food.site],", ISSUE, step("sign", "kind: applicant", "owner: head", f"actions: {{agree: {{to: issue, {label('Agree')}}}}}") + ISSUE), "E-WAIT", "sign:", "sign"),
    # -- renewal
    Case("a renewal of what never expires", (OUTPUT, "output: {document: restaurant_licence, renew_from: 90d}\n"), "E-RENEWAL", "output:", None, run=False),
    Case("a renewal from before the first day", (OUTPUT, "output: {document: restaurant_licence, valid: 30d, renew_from: 90d}\n"), "E-RENEWAL", "output:", None, run=False),
    Case("an expiry undecided of what nobody can apply to renew", (OUTPUT, "output: {document: restaurant_licence, valid: 5y, on_expiry_undecided: renewed}\n"), "E-RENEWAL", "output:", None, run=False),
    Case("a step from which only the law's renewal leads on", (OUTPUT, "output: {document: restaurant_licence, valid: 5y, renew_from: 90d, on_expiry_undecided: renewed}\n", f"      {APPROVE} label: {{en: Approve, zh: 准予}}}}\n", "", REFUSE, "", AGAIN, ASK), "E-NO-COMPLETION", "decision:", "decision"),
    # -- appointments
    Case("every action guarded, and only a meeting is set by itself", (PAPERS, PAPERS.replace("to: site,", 'to: site, guard: "premises.area > 5.0",') + "            appointment: inspection\n"), "E-MAY-STALL", "papers:", "review.food.papers"),
    Case("a meeting of a kind that nobody knows", (DESK_LIMIT, DESK_LIMIT + "    appointment: dinner\n"), "E-UNKNOWN-CALL", "dinner", "desk", run=False),
    Case("a meeting at a step that runs by itself", ("    do: {call: document.issue}\n", "    do: {call: document.issue}\n    appointment: inspection\n"), "E-KEY", "appointment", "issue", run=False),
    # -- consultations
    Case("a question to one department twice", (DECLINE, DECLINE + CONSULT.replace("[fire_rescue]", "[fire_rescue, fire_rescue]")), "E-CONSULT", "consult:", "desk", run=False),
    Case("a question that also leads on", (DECLINE, DECLINE + CONSULT.replace("label:", "to: review, label:")), "E-WAY", "consult:", "desk", run=False),
    Case("a question that the applicant asks", ("      submit: {to: desk,", CONSULT + "      submit: {to: desk,"), "E-CONSULT", "consult:", "draft", run=False),
    Case("a question that may be asked wherever the case is", ("  withdraw: {to: withdrawn,", CONSULT[4:] + "  withdraw: {to: withdrawn,"), "E-CONSULT", "consult:", None, run=False),
    Case("answers awaited longer than the law allows", (DESK_LIMIT, "    owner: window\n", DECLINE, DECLINE + CONSULT.replace("2wd", "9wd")), "E-SLA", "intake:", "desk", run=False),
    Case("a department that is only asked and answers nothing further on", (PAPERS, f"              ask: {{consult: {{departments: [fire_rescue], limit: 1wd}}, {label('Ask')}}}\n"), "E-NO-COMPLETION", "papers:", "review.food.papers"),
    # -- no way to an end
    Case("a start that is an end", ("start: draft", "start: done"), "E-START", "start:", None, run=False),
    Case("a start that runs by itself", ("start: draft", "start: issue"), "E-START", "start:", None, run=False),
    Case("a step without a way on", (PAPERS, f"              stay: {{correction: true, reason: true, {label('Stay')}}}\n", "    join:\n", "    correction: {within: 10wd, lapse_to: withdrawn}\n    join:\n"), "E-NO-COMPLETION", "papers:", "review.food.papers"),
    Case("two steps that only lead to each other", (APPROVE, "approve: {to: look,", ISSUE, human("look", f"back: {{to: decision, reason: true, {label('Back')}}}") + ISSUE, REFUSE, "", AGAIN, ""), "E-NO-COMPLETION", "decision:", "decision"),
    Case("only the clock leads out", ("    limit: 4wd\n    actions:\n      " + APPROVE, "    limit: 4wd\n    timers: [{at: 9wd, do: lapse, to: withdrawn}]\n    actions:\n      approve: {to: decision, reason: true,", REFUSE, "", AGAIN, ""), "E-NO-COMPLETION", "decision:", "decision"),
    Case("only the applicant's withdrawal leads out", (f"      {APPROVE} label: {{en: Approve, zh: 准予}}}}\n", "", REFUSE, "", AGAIN, ASK), "E-NO-COMPLETION", "decision:", "decision"),
    Case("a branch that only goes back", (SITE, "", "              fail: {end: rejected, reason: true, label: {en: Fail, zh: 不通过}}\n      fire:", "      fire:"), "E-NO-COMPLETION", "papers:", "review.food.papers"),
    Case("a branch that can only be cancelled", (BRANCHES, third().replace("end: approved", "to: look, reason: true")), "E-NO-COMPLETION", "look:", "review.third.look"),
    Case("an auto step whose every answer comes back to it", (OK, "      ok: {to: issue}\n", "fail: {to: decision}", "fail: {to: issue}"), "E-NO-COMPLETION", "issue:", "issue"),
    # -- never reached
    Case("a step nobody leads to", (ISSUE, human("attic", f"go: {{to: decision, {label('Go')}}}") + ISSUE), "E-UNREACHABLE", "attic:", "attic", run=False),
    Case("an end nobody leads to", ("  withdrawn: {", "  lost: {kind: end, outcome: terminated}\n  withdrawn: {"), "E-UNREACHABLE", "lost:", "lost", run=False),
    Case("a step of a branch nobody leads to", (PAPERS, f"              pass: {{end: approved, {label('Pass')}}}\n"), "E-UNREACHABLE", "site:", "review.food.site", run=False),
    Case("a parallel step passed by", ("accept: {to: review,", "accept: {to: decision,", AGAIN, ""), "E-UNREACHABLE", "review:", "review", run=False),
    Case("a step behind a branch that two conditions forbid", (SEATS, SEATS_ASKED, "        owner: food\n", '        owner: food\n        when: "shop.seats > 20"\n', WHEN, '        when: "shop.seats <= 20"\n', ALL, '      - {if: "atleast(2, approved)", to: decision}\n      - {to: refused}\n'), "W-UNUSED-ACTION", 'atleast(2', "review", run=False),
    # -- joins
    Case("no rule where a branch is not needed", (ALL, '      - {if: "all(approved)", to: decision}\n'), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("no rule for a rejection", (REJECTED, ""), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("no rule for an outcome of its own", (FIRE_PASS, f"              pass: {{end: doubtful, {label('Pass')}}}\n"), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("a rule for two where only one may be there", (ALL, '      - {if: "atleast(2, approved)", to: decision}\n'), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("more approvals than branches", (ALL, '      - {if: "atleast(3, approved)", to: decision}\n      - {to: refused}\n'), "E-JOIN-ATLEAST", "atleast(3", "review"),
    Case("an outcome that no branch has", (ALL, '      - {if: "all(approved, not_needed, noted)", to: decision}\n'), "E-UNKNOWN-OUTCOME", "noted", "review", run=False),
    Case("a rule behind one that has always fired", (ALL, '      - {if: "any(approved)", to: decision}\n' + ALL), "W-SHADOWED-RULE", "all(approved", "review"),
    Case("a rule without a condition before the last", (REJECTED, "      - {to: decision}\n" + REJECTED), "E-JOIN", "to: decision}", "review", run=False),
    Case("branches that exclude each other, and neither", ("        owner: food\n", '        owner: food\n        when: "premises.area < 300.0"\n', ALL, '      - {if: "any(approved)", to: decision}\n'), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("a rule that needs an answer nobody must give", ("        owner: food\n", '        owner: food\n        when: "shop.seats > 5"\n', WHEN, '        when: "shop.seats <= 5"\n', ALL, '      - {if: "any(approved)", to: decision}\n'), "E-JOIN-DEADLOCK", "join:", "review"),
    Case("an each that may have no element", (BRANCHES, third(each="shop.goods"), "      shop.opened:", f"      shop.goods: {{type: choices, {label('Goods')}, options: {{a: {{en: A, zh: 甲}}, b: {{en: B, zh: 乙}}}}}}\n      shop.opened:", WHEN, "", ALL, '      - {if: "all(approved)", to: decision}\n'), "E-JOIN-DEADLOCK", "join:", "review"),
    # -- conditions
    Case("every action guarded", (PAPERS, PAPERS.replace("to: site,", 'to: site, guard: "premises.area > 5.0",')), "E-MAY-STALL", "papers:", "review.food.papers"),
    Case("every action guarded, a timer that only warns", (PAPERS, PAPERS.replace("to: site,", 'to: site, guard: "premises.area > 5.0",') + "            timers: [{at: 100%limit, do: warn}]\n"), "E-MAY-STALL", "papers:", "review.food.papers"),
    Case("every action guarded, a timer that is refused too", (PAPERS, PAPERS.replace("to: site,", 'to: site, guard: "premises.area > 5.0",') + "            timers: [{at: 100%limit, do: pass}]\n"), "E-MAY-STALL", "papers:", "review.food.papers"),
    Case("what led there may have been corrected since", (APPROVE, 'approve: {to: check, marks: decided, guard: "shop.seats > 30",', ISSUE, human("check", f'go: {{to: issue, guard: "shop.seats > 20", {label("Go")}}}', f'ask: {{correction: true, reason: true, guard: "shop.seats > 20", {label("Ask")}}}') + ISSUE), "E-MAY-STALL", "check:", "check"),
    Case("a condition that does not follow from the branch's", (FIRE_PASS + FIRE_FAIL, (FIRE_PASS + FIRE_FAIL).replace("label:", 'guard: "premises.area > 300.0", label:')), "E-MAY-STALL", "check:", "review.fire.check"),
    Case("two guards that leave a gap", (APPROVE, 'approve: {to: issue, guard: "shop.seats > 10",', AGAIN, "", REFUSE, REFUSE.replace("to: refused,", 'to: refused, guard: "shop.seats < 10",')), "E-MAY-STALL", "decision:", "decision"),
    Case("answers for which the case only goes round", (APPROVE, 'approve: {to: issue, marks: decided, guard: "shop.seats > 30",', AGAIN, f"      again: {{to: look, reason: true, {label('Again')}}}\n", REFUSE, "", ISSUE, human("look", f'done: {{to: issue, marks: decided, guard: "shop.seats > 40", {label("Done")}}}', f"back: {{to: decision, reason: true, {label('Back')}}}") + ISSUE), "E-NO-COMPLETION", "look:", "look"),
    Case("a condition that no answer fulfils", (APPROVE, 'approve: {to: issue, guard: "shop.seats > 50",'), "W-GUARD-UNSAT", "seats > 50", "decision"),
    Case("a branch that is never needed", (WHEN, '        when: "premises.area > 1000.0"\n'), "W-GUARD-UNSAT", "when:", "review.fire", run=False),
    Case("a page that is never shown", ('show_if: "shop.seats > 0"', 'show_if: "shop.seats > 50"'), "W-GUARD-UNSAT", "show_if", None, run=False),
    Case("an option that the form does not offer", (WHEN, "        when: \"shop.kind == 'drinks'\"\n"), "E-EXPRESSION", "drinks", "review.fire", run=False),
    Case("an alternative behind one that always holds", (APPROVE, 'approve: {to: [{guard: "shop.seats > 3", to: issue}, {guard: "shop.seats > 5", to: refused}, {to: review}], reason: true,'), "W-GUARD-SHADOWED", "approve:", "decision"),
    Case("alternatives without a last one", (APPROVE, 'approve: {to: [{guard: "shop.seats > 3", to: issue}],'), "E-NOT-TOTAL", "approve:", "decision", run=False),
    Case("fields that an action requires and nobody must give", (APPROVE, "approve: {to: issue, marks: decided, requires: {fields: [shop.seats]},", AGAIN, "", REFUSE, ""), "E-MAY-STALL", "decision:", "decision"),
    Case("a comparison that never holds", (WHEN, '        when: "1 > 2"\n'), "W-GUARD-UNSAT", "when:", "review.fire", run=False),
    # -- what runs by itself
    Case("an auto step that leads back to itself", ("fail: {to: decision}", "fail: {to: issue}"), "E-AUTO-CYCLE", "issue:", "issue"),
    Case("an auto step that does not say what a failure does", ("      fail: {to: decision}\n", ""), "E-AUTO-NO-FAIL", "answers:", "issue", run=False),
    Case("a review that may skip everybody, entered again by itself", ("fail: {to: decision}", "fail: {to: review}", "        owner: food\n", '        owner: food\n        when: "shop.seats > 0"\n', ALL, '      - {if: "all(approved, not_needed)", to: issue}\n', AGAIN, "      again: {to: desk, reason: true, label: {en: Again, zh: 重审}}\n", DECLINE, DECLINE + f"      skip: {{to: decision, {label('Skip')}}}\n"), "E-AUTO-CYCLE", "review:", "review"),
    # -- waits, loops, fan-outs
    Case("a human step without an owner", ("    owner: window\n", ""), "E-MISSING", "desk:", "desk", run=False),
    Case("a parallel step without an owner", ("    owner: head\n    limit: 6wd\n", "    limit: 6wd\n"), "E-MISSING", "review:", "review", run=False),
    Case("a wait for the applicant without timer or owner", (APPROVE, "approve: {to: sign, marks: decided, not_same_as: [review.food.site],", ISSUE, step("sign", "kind: applicant", f"actions: {{agree: {{to: issue, {label('Agree')}}}}}") + ISSUE), "E-WAIT", "sign:", "sign"),
    Case("a wait for money without a timer", ("facts:\n", 'fee: {amount: {value: "200.00", currency: CNY}, basis: "tariff 3", due: before_issue}\nfacts:\n', APPROVE, "approve: {to: fee, marks: decided, not_same_as: [review.food.site],", ISSUE, step("fee", "kind: auto", "do: {call: fee.collect}", "answers: {ok: {to: issue}, fail: {to: decision}}") + ISSUE), "W-FEE-WAIT", "fee:", "fee"),
    Case("a fan-out without a limit", ('  intake:   {from: received, to: accepted, statutory: 5wd, basis: "art. 32"}\n  decision: {from: accepted, to: decided, statutory: 20wd, promised: 10wd, basis: "art. 42"}\n', "", "    limit: 6wd\n", ""), "W-FAN-OUT", "review:", "review"),
    Case("a loop without a reason, a limit or an applicant", ("    limit: 4wd\n    actions:\n      approve", "    actions:\n      approve", "    limit: 6wd\n", "", "again: {to: review, reason: true,", "again: {to: review,"), "E-LOOP", "review:", "review"),
    Case("a loop in a branch", ("            limit: 4wd\n", "", "            limit: 2wd\n", "", "back: {to: papers, reason: true,", "back: {to: papers,"), "E-LOOP", "papers:", "review.food.papers"),
    Case("a parallel step of one branch", (SITE, SITE, "      fire:\n        title: {en: Fire, zh: 消防}\n        owner: fire\n" + WHEN + "        start: check\n        steps:\n          check:\n            title: {en: Check, zh: 检查}\n            actions:\n" + FIRE_PASS + FIRE_FAIL, "", ALL, '      - {if: "all(approved)", to: decision}\n'), "W-ONE-BRANCH", "review:", "review"),
    # -- clocks
    Case("promised more than the law allows", ("promised: 10wd", "promised: 21wd"), "E-PROMISED", "decision:", None, run=False),
    Case("promised in calendar days beyond the law", ("promised: 10wd", "promised: 29d"), "E-PROMISED", "decision:", None, run=False),
    Case("steps that take longer than the law allows", ("statutory: 20wd, promised: 10wd", "statutory: 9wd"), "E-SLA", "decision:", "decision"),
    Case("an intake desk slower than the law", (DESK_LIMIT, "    owner: window\n    limit: 6wd\n"), "E-SLA", "intake:", "desk", run=False),
    Case("steps that take longer than promised", ("promised: 10wd", "promised: 9wd"), "W-SLA", "decision:", "decision"),
    Case("a branch that takes longer than its parallel step", ("    limit: 6wd\n", "    limit: 5wd\n"), "W-BLOCK-LIMIT", "limit: 5wd", "review"),
    Case("a milestone marked twice on a way", (OK, "      ok: {to: done, marks: decided}\n"), "E-MILESTONE-TWICE", "ok:", "issue"),
    Case("a grant with a clock still running", (OK, "      ok: {to: done}\n"), "E-LIMIT-OPEN", "delivery:", "done"),
    Case("a clock that never starts", ("accept: {to: review, marks: accepted,", "accept: {to: review,"), "W-LIMIT-UNUSED", "decision:", None, run=False),
    Case("a clock from later to earlier", ("{from: accepted, to: decided,", "{from: decided, to: accepted,"), "E-LIMIT", "decision:", None, run=False),
    Case("a timer by a limit that the step has not", (DESK_LIMIT, "    owner: window\n    timers: [{at: 80%limit, do: warn}]\n"), "E-TIMER", "timers:", "desk", run=False),
    Case("a timer by a clock that does not run there", (DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 100%limit, of: delivery, do: accept}]\n"), "W-TIMER-IDLE", "timers:", "desk"),
    Case("a timer that asks for a correction", (DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 100%limit, do: ask}]\n"), "E-TIMER", "timers:", "desk", run=False),
    Case("a grant for not answering", (NO_CORRECTION, "correction: {within: 10wd, lapse_to: done}\n"), "E-LAPSE", "correction:", None, run=False),
    Case("a correction without a last day", (NO_CORRECTION, ""), "E-MISSING", "desk:", "desk", run=False),
    # -- people, reasons, words
    Case("a refusal without a reason", (REFUSE, REFUSE.replace("reason: true, ", "")), "E-REASON", "refuse:", "decision", run=False),
    Case("a rejection in a branch without a reason", (FIRE_PASS + FIRE_FAIL, FIRE_PASS + FIRE_FAIL.replace("reason: true, ", "")), "E-REASON", "fail:", "review.fire.check", run=False),
    Case("a refusal among alternatives without a reason", (APPROVE, 'approve: {to: [{guard: "shop.seats > 3", to: issue}, {to: refused}], marks: decided,'), "E-REASON", "approve:", "decision", run=False),
    Case("four eyes on a step that never comes before", ("accept: {to: review,", "accept: {to: review, not_same_as: [decision],"), "W-VACUOUS-FOUR-EYES", "accept:", "desk"),
    Case("four eyes on a step of nobody", ("not_same_as: [review.food.site]", "not_same_as: [issue]"), "E-UNKNOWN-STEP", "approve:", "decision", run=False),
    Case("a step without a title", ("    title: {en: Desk, zh: 受理}\n", ""), "W-NO-TITLE", "desk:", "desk", run=False),
    Case("a title without its translation", ("title: {en: Desk, zh: 受理}", "title: {en: Desk}"), "E-TEXT", "Desk", "desk", run=False),
    Case("a label without its translation", ("label: {en: Refuse, zh: 不予}", "label: {zh: 不予}"), "E-TEXT", "refuse:", "decision", run=False),
    Case("a question about what a registry holds", ("      shop.opened:", f"      org.address: {{type: text, {label('Address')}}}\n      shop.opened:"), "E-DO-NOT-ASK", "org.address", None, run=False),
    Case("a fact that nothing uses", ("      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n", "", WHEN, ""), "E-OVER-FETCH", "take:", None, run=False),
    Case("an edge across a branch's border", (PAPERS, f"              pass: {{to: decision, {label('Pass')}}}\n"), "E-CROSSES-BORDER", "pass:", "review.food.papers", run=False),
    Case("a withdrawal that leads back into the case", ("withdraw: {to: withdrawn,", "withdraw: {to: desk,"), "E-ALWAYS", "withdraw:", None, run=False),
]  # fmt: skip

SOUND = [
    # -- what works
    Case("a page opened by a fact that an earlier one shows", ('"shop.seats > 0"', '"premises.area > 50.0"')),
    Case("a page opened by a fact that no page shows", ('"shop.seats > 0"', '"premises.area > 50.0"', "      premises.area: {type: decimal, fact: premises, min: 1, max: 1000}\n", "")),
    Case("a document that holds for days", (OUTPUT, "output: {document: restaurant_licence, valid: 365d}\n")),
    Case("a document that holds for months", (OUTPUT, "output: {document: restaurant_licence, valid: 18mo}\n")),
    Case("a service that issues nothing", (OUTPUT, "", "    kind: auto\n    do: {call: document.issue}\n    answers:\n      ok: {to: done, marks: delivered}\n      fail: {to: decision}\n", "    kind: human\n    owner: head\n    actions:\n      hand: {to: done, marks: delivered, label: {en: Hand over, zh: 交付}}\n")),
    Case("a case-wide action of whoever owns the step", ("by: applicant, unless: [draft],", "unless: [draft, issue],")),
    Case("second tries after the same pause", ("    do: {call: document.issue}\n", "    do: {call: document.issue, retry: {max: 8, backoff: 60s..1m}}\n")),
    Case("a way by a choice that an answer keeps", (OK, "      ok: {to: [{guard: \"result.note == 'x'\", to: decision}, {to: done}], result: {note: choice, words: text}, marks: delivered}\n")),
    # -- facts
    Case("a fact that may come late", ("    fallback: [declare]\n", "    fallback: [declare]\n    pending: allowed\n    pending_within: 3wd\n    revalidate: {before: decided, within: 1d, material: any}\n")),
    Case("the district of a case may be owed by a register that is down", ("department: market_reg\nlimits", "department: market_reg\narea: form.premises.district\nlimits", "take: [premises.area]", "take: [premises.area, premises.district]", "      premises.area: {", "      premises.district: {type: district, fact: premises}\n      premises.area: {", "    fallback: [declare]\n", "    fallback: [declare]\n    pending: allowed\n    revalidate: {before: decided, within: 1d, material: any}\n")),
    Case("a fact that may be changed", ("    fallback: [declare]\n", "    fallback: [declare]\n    show: editable\n    revalidate: {before: decided, within: 1d, material: any}\n")),
    Case("a fact with consent", ("    fallback: [declare]\n", "    fallback: [declare]\n    consent: explicit\n")),
    Case("a change that the applicant corrects", ("    fallback: [declare]\n", "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n    on_change: correct\n")),
    Case("a change that is a role's task", ("    fallback: [declare]\n", "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n    on_change: {task: head, within: 2wd}\n")),
    Case("a change that lets the clocks stand still", ("    fallback: [declare]\n", "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n    on_change: pause\n")),
    Case("earlier facts and an issued document as sources", ("from: {dataset: real_estate/1, grant: GR-2033}", "from: [{dataset: real_estate/1, grant: GR-2033}, {vault: facts, max_age: 90d}, {vault: food_business_licence}]")),
    Case("a licence that the law renews where nobody decides", (OUTPUT, "output: {document: restaurant_licence, valid: 5y, renew_from: 90d, on_expiry_undecided: renewed}\n")),
    Case("a licence that expires although its renewal is asked for", (OUTPUT, "output: {document: restaurant_licence, valid: 18mo, renew_from: 60d, on_expiry_undecided: expired}\n")),
    Case("a meeting for which the applicant chooses a time", (DESK_LIMIT, DESK_LIMIT + "    appointment: inspection\n")),
    Case("a meeting in a branch, at a step without a limit", (PAPERS, PAPERS + "            appointment: inspection\n", "            limit: 2wd\n", "")),
    Case("a question to another department", (DECLINE, DECLINE + CONSULT)),
    Case("a question to a department without another part in it", (DECLINE, DECLINE + CONSULT.replace("fire_rescue", "urban_mgmt"))),
    Case("a question whose silence is no objection", (DECLINE, DECLINE + CONSULT.replace("limit: 2wd", "limit: 2wd, on_timeout: no_objection"))),
    Case("a question that nothing waits for", (DECLINE, DECLINE + CONSULT.replace("limit: 2wd", "limit: 9wd, blocking: false"))),
    Case("a question within a branch, to two departments", (PAPERS, PAPERS + CONSULT.replace("      consult:", "              consult:").replace("[fire_rescue]", "[fire_rescue, service_hall]"))),
    Case("as it is", ()),
    # -- ways
    Case("a step more", (APPROVE, "approve: {to: check, marks: decided,", ISSUE, human("check", f"go: {{to: issue, {label('Go')}}}", f"back: {{to: decision, reason: true, {label('Back')}}}") + ISSUE)),
    Case("no way back", (AGAIN, "")),
    Case("every action asks for what its branch is opened for", (FIRE_PASS + FIRE_FAIL, (FIRE_PASS + FIRE_FAIL).replace("label:", 'guard: "premises.area > 200.0", label:'))),
    Case("every action asks for what led to its step", (APPROVE, 'approve: {to: check, marks: decided, guard: "shop.seats > 30",', ISSUE, human("check", f'go: {{to: issue, guard: "shop.seats > 20", {label("Go")}}}') + ISSUE)),
    Case("every action asks for what the alternatives before left", (APPROVE, 'approve: {to: [{guard: "shop.seats > 30", to: issue}, {guard: "has(shop.seats)", to: check}, {to: issue}], marks: decided,', ISSUE, human("check", f'go: {{to: issue, guard: "shop.seats <= 30", {label("Go")}}}') + ISSUE)),
    Case("no refusal at the decision", (REFUSE, "")),
    Case("only one way on from the desk", (ASK, "", DECLINE, "", NO_CORRECTION, "")),
    Case("a loop through the applicant", ("again: {to: review, reason: true,", "again: {to: draft,")),
    Case("a loop of steps that have limits", ("again: {to: review, reason: true,", "again: {to: review,")),
    Case("a loop that asks for a reason", ("    limit: 4wd\n    actions:\n      approve", "    actions:\n      approve", "    limit: 6wd\n", "")),
    Case("a decision that leads back to the desk", ("again: {to: review,", "again: {to: desk,")),
    Case("several granted ends", (OK, "      ok: {to: done, marks: delivered}\n", "  done: {", "  noted: {kind: end, outcome: granted}\n  done: {", REFUSE, REFUSE + f"      note: {{to: noted, marks: decided, {label('Note')}}}\n", '  delivery: {from: decided, to: delivered, statutory: 10wd, basis: "art. 44"}\n', "")),
    Case("every outcome of an end", ("  withdrawn: {", "  over: {kind: end, outcome: terminated}\n  gone: {kind: end, outcome: lapsed}\n  withdrawn: {", REFUSE, REFUSE + f"      stop: {{to: over, reason: true, {label('Stop')}}}\n", DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 100%limit, do: lapse, to: withdrawn}]\n", "  issue:\n    title: {en: Issue, zh: 发证}\n    kind: auto\n", "  issue:\n    title: {en: Issue, zh: 发证}\n    kind: auto\n    timers: [{at: 30d, do: lapse, to: gone}]\n")),
    Case("the same step for two ways", (DECLINE, DECLINE + f"      urgent: {{to: decision, marks: accepted, {label('Urgent')}}}\n")),
    Case("an applicant's step with a timer", (APPROVE, "approve: {to: sign, marks: decided, not_same_as: [review.food.site],", ISSUE, step("sign", "kind: applicant", "timers: [{at: 30d, do: lapse, to: withdrawn}]", f"actions: {{agree: {{to: issue, {label('Agree')}}}}}") + ISSUE)),
    Case("an applicant's step with a limit", (APPROVE, "approve: {to: sign, marks: decided, not_same_as: [review.food.site],", ISSUE, step("sign", "kind: applicant", "limit: 20wd", f"actions: {{agree: {{to: issue, {label('Agree')}}}}}") + ISSUE)),
    Case("an action of the applicant at a step of the office", (DECLINE, DECLINE + f"      hurry: {{to: review, by: applicant, marks: accepted, {label('Hurry')}}}\n")),
    Case("an action of another role", (DECLINE, DECLINE + f"      take: {{to: decision, by: head, marks: accepted, {label('Take')}}}\n")),
    Case("an action that needs fields and attachments", (APPROVE, "approve: {to: issue, marks: decided, requires: {fields: [shop.seats], attachments: [site_report]}, not_same_as: [review.food.site],")),
    Case("an action with a hint and effects", (REFUSE, REFUSE.replace("reason: true,", "reason: true, hint: {en: Why, zh: 理由}, effects: [message.refusal],"))),
    Case("fields that an action requires and everybody gives", (SEATS, SEATS_ASKED, APPROVE, "approve: {to: issue, marks: decided, requires: {fields: [shop.seats]},", AGAIN, "", REFUSE, "")),
    # -- alternatives and conditions
    Case("alternatives by a condition", (APPROVE, 'approve: {to: [{guard: "shop.seats > 3", to: issue}, {to: review}], reason: true, marks: decided,')),
    Case("three alternatives", (APPROVE, 'approve: {to: [{guard: "shop.seats > 30", to: issue}, {guard: "shop.seats > 3", to: review}, {to: refused}], reason: true, marks: decided,')),
    Case("one action guarded beside one that is open", (APPROVE, 'approve: {to: issue, marks: decided, guard: "shop.seats > 3",')),
    Case("two guards without a gap over an answer that must be given", (SEATS, SEATS_ASKED, APPROVE, 'approve: {to: issue, marks: decided, guard: "shop.seats > 10",', AGAIN, "", REFUSE, REFUSE.replace("to: refused,", 'to: refused, guard: "shop.seats <= 10",'))),
    Case("two guards without a gap over options", (APPROVE, "approve: {to: issue, marks: decided, guard: \"shop.kind == 'food'\",", AGAIN, "", REFUSE, REFUSE.replace("to: refused,", "to: refused, guard: \"shop.kind != 'food'\","))),
    Case("every action guarded, but a correction", (APPROVE, 'approve: {to: issue, marks: decided, guard: "shop.seats > 10",', AGAIN, ASK, REFUSE, REFUSE.replace("to: refused,", 'to: refused, guard: "shop.seats < 10",'))),
    Case("every action guarded, and the clock ends it", (APPROVE, 'approve: {to: issue, marks: decided, guard: "shop.seats > 10",', AGAIN, "", REFUSE, "", "    limit: 4wd\n    actions:\n      approve", "    limit: 4wd\n    timers: [{at: 100%limit, do: lapse, to: withdrawn}]\n    actions:\n      approve")),
    Case("a guard over dates", (APPROVE, 'approve: {to: issue, marks: decided, guard: "days_between(shop.opened, case.submitted_on) < 400",')),
    Case("a guard over who acts", (APPROVE, "approve: {to: issue, marks: decided, guard: \"actor.role == 'head'\",")),
    Case("a guard over the channel", (APPROVE, "approve: {to: issue, marks: decided, guard: \"case.channel == 'online'\",")),
    Case("a guard over what is there", (APPROVE, 'approve: {to: issue, marks: decided, guard: "has(shop.seats)",')),
    Case("a guard over a list", ("      shop.opened:", f"      shop.goods: {{type: choices, {label('Goods')}, options: {{tea: {{en: Tea, zh: 茶}}, cake: {{en: Cake, zh: 糕}}}}}}\n      shop.opened:", APPROVE, "approve: {to: issue, marks: decided, guard: \"any(g == 'tea' for g in shop.goods) or size(shop.goods) > 1\",")),
    Case("a guard with numbers put together", (APPROVE, 'approve: {to: issue, marks: decided, guard: "abs(shop.seats - 10) * 2 + 1 < max(20, shop.seats)",')),
    Case("a page that is always shown", ('    show_if: "shop.seats > 0"\n', "")),
    Case("every type of field", ("      shop.opened:", "".join(f"      more.{kind}: {{type: {kind}, {label('More')}}}\n" for kind in ("text", "address", "district", "integer", "decimal", "date", "yes_no")) + "      shop.opened:")),
    # -- branches and joins
    Case("a branch that is always needed", (WHEN, "", ALL, '      - {if: "all(approved)", to: decision}\n')),
    Case("a third branch", (BRANCHES, third())),
    Case("a fourth outcome with a rule", (BRANCHES, third(end="noted"), ALL, '      - {if: "all(approved, not_needed, noted)", to: decision}\n')),
    Case("a last rule for everything else", (ALL, "      - {to: decision}\n")),
    Case("enough approvals", (ALL, '      - {if: "atleast(2, approved)", to: decision}\n      - {to: refused}\n')),
    Case("enough approvals cancel the rest", (BRANCHES, third(when="shop.seats > 5"), ALL, '      - {if: "atleast(2, approved)", to: decision, siblings: cancel}\n      - {to: decision}\n')),
    Case("every department says what it has to say first", (REJECTED, '      - {if: "any(rejected)", to: refused, marks: decided}\n')),
    Case("rules joined by and, or", (REJECTED, '      - {if: "any(rejected) and any(approved)", to: decision}\n      - {if: "any(rejected) or all(not_needed)", to: refused, marks: decided}\n')),
    Case("branches that exclude each other over an answer that must be given", (SEATS, SEATS_ASKED, "        owner: food\n", '        owner: food\n        when: "shop.seats < 30"\n', WHEN, '        when: "shop.seats >= 30"\n', ALL, '      - {if: "any(approved)", to: decision}\n')),
    Case("branches under one condition", ("        owner: food\n", '        owner: food\n        when: "premises.area >= 300.0"\n', ALL, '      - {if: "all(not_needed)", to: decision}\n      - {if: "all(approved)", to: decision}\n')),
    Case("branches that may all be left out", ("        owner: food\n", '        owner: food\n        when: "shop.seats > 5"\n')),
    Case("a branch of one step", (PAPERS, f"              pass: {{to: site, {label('Pass')}}}\n              quick: {{end: approved, {label('Quick')}}}\n")),
    Case("an owner of its own inside a branch", ("            limit: 4wd\n", "            limit: 4wd\n            owner: head\n", "not_same_as: [review.food.site]", "not_same_as: [review.food.papers]")),
    Case("what branches read", ("        owner: food\n", "        owner: food\n        reads: [shop, plan]\n", "        owner: fire\n", "        owner: fire\n        reads: [premises]\n")),
    Case("a branch for each element", (BRANCHES, third(each="shop.goods"), "      shop.opened:", f"      shop.goods: {{type: choices, {label('Goods')}, options: {{a: {{en: A, zh: 甲}}, b: {{en: B, zh: 乙}}}}}}\n      shop.opened:")),
    Case("an each over a list that must be given", (BRANCHES, third(each="shop.goods"), "      shop.opened:", f"      shop.goods: {{type: choices, required: true, {label('Goods')}, options: {{a: {{en: A, zh: 甲}}, b: {{en: B, zh: 乙}}}}}}\n      shop.opened:")),
    Case("an auto step in a branch", (FIRE_PASS + FIRE_FAIL, f"              pass: {{to: print, {label('Pass')}}}\n" + FIRE_FAIL + "          print:\n            title: {en: Print, zh: 印}\n            kind: auto\n            do: {call: document.issue, retry: {max: 3, backoff: 1m..1h}}\n            answers: {ok: {end: approved}, fail: {to: check}}\n")),
    Case("an applicant's step in a branch", (FIRE_PASS + FIRE_FAIL, f"              pass: {{to: mine, {label('Pass')}}}\n" + FIRE_FAIL + f"          mine:\n            title: {{en: Mine, zh: 我}}\n            kind: applicant\n            actions: {{go: {{end: approved, {label('Go')}}}}}\n")),
    Case("two parallel steps one after the other", (APPROVE, "approve: {to: second, not_same_as: [review.food.site],", ISSUE, "  second:\n    title: {en: Second, zh: 二}\n    kind: parallel\n    owner: head\n    limit: 1wd\n    branches:\n" + "".join(f"      {b}:\n        title: {{en: B, zh: 支}}\n        owner: food\n        start: s\n        steps:\n          s: {{title: {{en: S, zh: 步}}, actions: {{yes: {{end: fine, {label('Yes')}}}, no: {{end: bad, reason: true, {label('No')}}}}}}}\n" for b in ("one", "two")) + '    join:\n      - {if: "any(bad)", to: decision}\n      - {if: "all(fine)", to: issue, marks: decided}\n' + ISSUE, "promised: 10wd", "promised: 12wd")),
    # -- corrections
    Case("no correction at the desk", (ASK, "", NO_CORRECTION, "")),
    Case("a correction in a branch, one notice", (PAPERS, PAPERS + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", "    join:\n", "    correction: {notice: once, collect_within: 3wd, siblings: continue, clock: pause_any, recheck: reads_changed, within: 30wd, lapse_to: withdrawn}\n    join:\n")),
    Case("corrections in two branches, a notice each", (PAPERS, PAPERS + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", FIRE_PASS + FIRE_FAIL, FIRE_PASS + FIRE_FAIL + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", "    join:\n", "    correction: {notice: each, clock: pause_all, within: 30wd, lapse_to: withdrawn}\n    join:\n")),
    Case("a correction while clocks run", (PAPERS, PAPERS + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", "    join:\n", "    correction: {clock: run, within: 30wd, lapse_to: withdrawn}\n    join:\n")),
    Case("a correction without a named end", ("correction: {within: 10wd, lapse_to: withdrawn}", "correction: {within: 10wd}")),
    Case("the others wait while one waits", (PAPERS, PAPERS + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", "    join:\n", "    correction: {siblings: suspend, within: 30wd, lapse_to: withdrawn}\n    join:\n")),
    Case("the others wait, one of them for each element", (BRANCHES, third(each="shop.goods"), "      shop.opened:", f"      shop.goods: {{type: choices, {label('Goods')}, options: {{a: {{en: A, zh: 甲}}, b: {{en: B, zh: 乙}}}}}}\n      shop.opened:", PAPERS, PAPERS + f"              ask: {{correction: true, reason: true, {label('Ask')}}}\n", "    join:\n", "    correction: {siblings: suspend, recheck: reads_changed, within: 30wd, lapse_to: withdrawn}\n    join:\n")),
    Case("a part of another person", ("      shop.opened:", f"      shop.other: {{type: text, required: true, {label('Other')}}}\n      shop.opened:", BRANCHES, f"{BRANCHES}      other:\n        title: {{en: Other, zh: 另一人}}\n        owner: fire\n        person: shop.other\n        start: agree\n        steps:\n          agree:\n            title: {{en: Agree, zh: 同意}}\n            kind: applicant\n            timers: [{{at: 10wd, do: no}}]\n            actions:\n              yes: {{end: approved, {label('Agree')}}}\n              no: {{end: rejected, reason: true, {label('Object')}}}\n")),
    # -- promises
    Case("a pledge with a check afterwards, a deferral", ("  plan: {label:", f"  rules: {{replaced_by: {{pledge: food_safety_pledge, post_check: {{step: post, within: 30wd}}}}, {label('Rules')}}}\n  cert: {{deferrable: {{until: issue, within: 10wd, to: gone}}, {label('Cert')}}}\n  plan: {{label:", ISSUE, f"  post:\n    title: {{en: Post, zh: 后}}\n    kind: human\n    owner: head\n    after_close: true\n    actions:\n      kept: {{end: kept, {label('Kept')}}}\n      broken: {{end: broken, reason: true, effects: [document.revoke], {label('Broken')}}}\n  issue:\n    requires: {{gaps: closed}}\n", "  withdrawn: {", "  gone: {kind: end, outcome: terminated}\n  withdrawn: {")),
    Case("another department is asked", (AGAIN, f"      ask: {{consult: {{departments: [market_reg], limit: 5wd, blocking: true, on_timeout: escalate}}, reason: true, {label('Ask')}}}\n{AGAIN}")),
    # -- clocks and timers
    Case("a hearing that stops the clock", (*HEARING, AGAIN, HEAR + HEARD + AGAIN)),
    Case("a hearing that tells the applicant something more", (*HEARING, AGAIN, HEAR.replace("reason: true,", "reason: true, effects: [message.warning],") + HEARD + AGAIN)),
    Case("a limit that may be extended", ('promised: 10wd, basis: "art. 42"', 'promised: 10wd, basis: "art. 42", extend: {by: 10wd, role: head, once: true}')),
    Case("no clocks of the case", ('limits:\n  intake:   {from: received, to: accepted, statutory: 5wd, basis: "art. 32"}\n  decision: {from: accepted, to: decided, statutory: 20wd, promised: 10wd, basis: "art. 42"}\n  delivery: {from: decided, to: delivered, statutory: 10wd, basis: "art. 44"}\n', "")),
    Case("a clock with pauses", ('promised: 10wd, basis: "art. 42"', 'promised: 10wd, basis: "art. 42", pauses: [correction, hearing]')),
    Case("deemed acceptance from receipt", (DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 100%limit, of: intake, do: accept, as: received, note: {en: By law, zh: 视为}}]\n")),
    Case("deemed consent of a branch", (FIRE_PASS, FIRE_PASS, "          check:\n            title: {en: Check, zh: 检查}\n", "          check:\n            title: {en: Check, zh: 检查}\n            limit: 3wd\n            timers: [{at: 100%limit, do: pass, note: {en: No objection, zh: 默认}}]\n")),
    Case("a warning and an escalation", (DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 80%limit, do: warn}, {at: 100%limit, do: escalate, to_role: head}]\n")),
    Case("a lapse at a step", (DESK_LIMIT, DESK_LIMIT + "    timers: [{at: 30d, do: lapse, to: withdrawn}]\n")),
    Case("hours, days, months, years", ("promised: 10wd", "promised: 80wh", "    limit: 4wd\n    actions:\n      approve", "    limit: 4wh\n    actions:\n      approve", "    limit: 6wd\n", "    limit: 9d\n", "statutory: 10wd", "statutory: 1mo")),
    Case("a parallel step that counts its longest branch", ("    limit: 6wd\n", "")),
    # -- people and money
    Case("two people", (REFUSE, REFUSE.replace("reason: true,", "reason: true, two_people: true,"))),
    Case("four eyes between branches", (FIRE_PASS, FIRE_PASS.replace("end: approved,", "end: approved, not_same_as: [review.food.papers],"))),
    Case("four eyes within a branch", (SITE, SITE.replace("two_people: true,", "two_people: true, not_same_as: [review.food.papers],"))),
    Case("a withdrawal that two steps forbid", ("unless: [draft]", "unless: [draft, issue]")),
    Case("two case-wide actions", ("  withdraw: {", f"  abandon: {{to: withdrawn, by: head, reason: true, unless: [draft], {label('Abandon')}}}\n  withdraw: {{")),
    Case("no withdrawal", ("always:\n  withdraw: {to: withdrawn, by: applicant, unless: [draft], label: {en: Withdraw, zh: 撤回}}\n", "")),
    Case("an auto step with a retry, a flag and a result", ("    do: {call: document.issue}\n", "    do: {call: document.issue, retry: {max: 8, backoff: 1m..6h}}\n", OK, "      ok: {to: [{guard: \"result.copies > 1\", to: decision}, {to: done}], result: {copies: integer}, marks: delivered}\n", "fail: {to: decision}", "fail: {to: decision, flag: issue_failed}")),
    Case("a fee", ("facts:\n", 'fee: {amount: {value: "200.00", currency: CNY}, basis: "tariff 3", due: before_issue}\nfacts:\n', APPROVE, "approve: {to: fee, marks: decided, not_same_as: [review.food.site],", ISSUE, step("fee", "kind: auto", "do: {call: fee.collect}", "answers: {ok: {to: issue}, fail: {to: decision}}", "timers: [{at: 30d, do: lapse, to: withdrawn}]") + ISSUE)),
    Case("a material replaced by a fact", ("  plan: {label:", f"  deed: {{replaced_by: premises, {label('Deed')}}}\n  plan: {{label:", "fallback: [declare]", "fallback: [declare, {upload: deed}]")),
    Case("an optional material of its own kinds", ("  plan: {label:", "  plan: {required: false, accept: [pdf, png], max_mb: 5, hint: {en: H, zh: 提示}, label:")),
    Case("a fact that blocks", ("fallback: [declare]", "block: {en: Needs a title, zh: 须有不动产登记}")),
    Case("a fact with freshness", ("fallback: [declare]", "fallback: [declare], freshness: 30d, show: readonly".replace(", f", "\n    f").replace(", s", "\n    s"))),
    Case("a fact asked as yes or no", ("facts:\n", "facts:\n  adult: {predicate: person.is_over_18, from: {dataset: population/2, grant: GR-2031}, purpose: IDENTIFY, fallback: [declare]}\n", APPROVE, 'approve: {to: issue, marks: decided, guard: "adult",')),
    Case("a fact asked again before the decision", ("fallback: [declare]", "fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}")),
    Case("life events, keywords, law, audience", ("department: market_reg\n", 'department: market_reg\nsummary: {en: S, zh: 简}\naudience: [person, organisation]\nlife_events: [start_business]\nkeywords: {en: [shop], zh: [店]}\nlaw: [{ref: "art. 1", title: {en: L, zh: 法}}]\n', OUTPUT, "output: {document: restaurant_licence, valid: 5y}\n")),
]  # fmt: skip
