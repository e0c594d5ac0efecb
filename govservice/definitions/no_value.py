"""Names that an expression may read and that never have a value there: what is written would never hold.

Only files are held against this; a version that is published already compiles as it always did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from govservice.definitions.reader import Path
from govservice.definitions.walk import Raw, Report, fields, mapping, ways, word

WRITTEN = ("text", "address")  # of a result: words of people, which no event keeps
Read = Mapping[Path, Set[str]]  # what the expression at a place reads


def check_no_value(report: Report, data: Raw, read: Read) -> None:
    """Adds a finding for each page shown by what is not known yet, and each guard by a word that is not kept."""
    shown = {path[1]: names for path, names in read.items() if path[0] == "form" and path[-1] == "show_if"}
    asked = {name: (page, node) for name, _, node, page in fields(data)} if shown else {}
    for index, names in shown.items():
        for name in sorted(names):
            if why := _not_yet(name, int(index), asked):
                message = f"{name!r} has no value when pages are chosen: {why}"
                report.error("E-SHOW-IF", ("form", index, "show_if"), message)
    for path, name in _results(data, read):
        message = f"{name!r} is a text, and texts of an answer are not kept: declare a number, a date or a choice"
        report.error("E-RESULT", path, message)


def _not_yet(name: str, index: int, asked: Mapping[str, tuple[int, Raw]]) -> str:
    """Why a page that stands at `index` cannot be chosen by this name; "" where it can."""
    if name.startswith("case."):
        return "read fields of earlier pages instead, and put what hangs on the case into a `guard` or a `when`"
    page, node = asked.get(name, (-1, {}))
    if "issued" in node:
        return "it comes with the document that the case issues"
    if page >= index:
        return f"it stands on {'this page' if page == index else 'a later page'}; move it to an earlier one"
    return ""


def _results(data: Raw, read: Read) -> Iterator[tuple[Path, str]]:
    for way in ways(data):
        if way.what != "answer":
            continue
        written = {f"result.{n}" for n, kind in mapping(way.data, "result").items() if kind in WRITTEN}
        for path, alternative in way.alternatives() if written else ():
            if word(alternative, "guard"):
                place: Path = (*path, "guard")
                yield from ((place, name) for name in sorted(written & read.get(place, frozenset())))
