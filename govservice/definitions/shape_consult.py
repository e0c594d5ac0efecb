"""The shape of a consultation: where it may stand, and what does not go with it."""

from __future__ import annotations

from govservice.definitions.walk import Report, Way, mapping, words

OTHER_WAYS = ("to", "end", "correction", "pause", "resume", "marks")


def check_consult(report: Report, way: Way) -> None:
    """Adds a finding where an action asks other departments and does something else too, or nobody works there."""
    place = (*way.path, "consult")
    for key in OTHER_WAYS:
        if way.data.get(key):
            report.error("E-WAY", way.path, f"asks other departments and stays: `{key}` does not go with `consult`")
    step = way.step
    if way.what != "action" or step is None or step.kind != "human" or step.data.get("after_close"):
        report.error("E-CONSULT", place, "only a department's own step asks others, while the case is open")
    asked = words(mapping(way.data, "consult"), "departments")
    for code in dict.fromkeys(asked):
        if asked.count(code) > 1:
            report.error("E-CONSULT", place, f"asks {code!r} twice")
