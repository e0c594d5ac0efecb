"""What the definition says of time must hold together: excluded time by its listed kinds, extensions."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.walk import Raw, Report, Way, actions, children, mapping, word, words


def check_time(report: Report, data: Raw) -> None:
    """Only listed kinds stop a limit (Administrative Licensing Law art. 45); an extension counts as its limit does."""
    listed = {kind for _, limit in children(data, "limits") for kind in words(limit, "pauses")}
    pauses = list(_pauses(data))
    begun = {(way.step.label, kind) for way, kind in pauses if way.step}
    for way, kind in pauses:
        if kind == "correction":
            report.error("E-PAUSE", (*way.path, "pause"), "a correction is asked for by `correction: true`")
        elif kind not in listed:
            message = f"no limit lists {kind!r} in its `pauses`: only the step's own limit would stop"
            report.add("W-PAUSE", "warning", (*way.path, "pause"), message)
    for way in actions(data):
        ended = word(way.data, "resume")
        if ended is not None and (way.step.label if way.step else "", ended) not in begun:
            report.error("E-PAUSE", (*way.path, "resume"), f"no action of this step begins a pause of kind {ended!r}")
    for name, limit in children(data, "limits"):
        _check_extension(report, name, limit)


def _pauses(data: Raw) -> Iterator[tuple[Way, str]]:
    for way in actions(data):
        kind = word(way.data, "pause") or word(mapping(way.data, "pause"), "kind")
        if kind is not None:
            yield way, kind


def _check_extension(report: Report, name: str, limit: Raw) -> None:
    by, statutory = word(mapping(limit, "extend"), "by"), word(limit, "statutory")
    if by is not None and statutory is not None and by.lstrip("0123456789") != statutory.lstrip("0123456789"):
        report.error(
            "E-EXTEND", ("limits", name, "extend", "by"), f"is counted as the limit is ({statutory}), not {by}"
        )
