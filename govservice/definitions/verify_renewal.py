"""Renewal: a window that opens before the end of a validity that there is, and a grant to come to."""

from __future__ import annotations

from govservice.definitions.verify_graph import Notes


def check_renewal(notes: Notes) -> None:
    output = notes.graph.compiled.service.output
    if output is None:
        return
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
