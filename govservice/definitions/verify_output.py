"""The document that a service issues: there is one where a step issues it, it holds for a length that can be counted,
and it is renewed in a window before its end."""

from __future__ import annotations

from govservice.definitions.schema import Output
from govservice.definitions.verify_graph import Notes, place_of_step

ISSUE = "document.issue"
CALENDAR_UNITS = ("d", "mo", "y")


def check_output(notes: Notes) -> None:
    output = notes.graph.compiled.service.output
    if output is None:
        _check_issued(notes)
        return
    if output.valid is not None and output.valid.unit not in CALENDAR_UNITS:
        message = f"{output.valid} is working time, which ends on no day: count days, months or years (30d, 18mo, 5y)."
        notes.add("E-DURATION", ("output", "valid"), message)
    _check_renewal(notes, output)


def _check_issued(notes: Notes) -> None:
    for step in notes.graph.compiled.steps.values():
        if step.call == ISSUE:
            message = "There is nothing to issue, so every case would fail here. Say which document: `output`."
            place = (*place_of_step(step.path), "do")
            notes.add("E-NO-OUTPUT", place, message, step=step.path, trace=notes.graph.run_to(step.path))


def _check_renewal(notes: Notes, output: Output) -> None:
    for key, value in (("renew_from", output.renew_from), ("on_expiry_undecided", output.on_expiry_undecided)):
        if value is not None and output.valid is None:
            message = f"{output.document!r} never expires, so there is nothing to renew. Say how long it is `valid`."
            notes.add("E-RENEWAL", ("output", key), message)
    window, valid = output.renew_from, output.valid
    if window is not None and valid is not None and window.calendar_days >= valid.calendar_days:
        message = f"{window} before the end of {valid} is before its first day. Give a shorter window."
        notes.add("E-RENEWAL", ("output", "renew_from"), message)
    if output.on_expiry_undecided is not None and output.renew_from is None:
        message = "nobody can apply for a renewal: say from when, with `renew_from`."
        notes.add("E-RENEWAL", ("output", "on_expiry_undecided"), message)
