"""Tables as CSV for a spreadsheet: no cell may begin like a formula, which a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: object) -> object:
    """Numbers as they are; a text that begins like a formula with a quotation mark before it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip(" \u3000\ufeff").startswith(FORMULA) else text


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download, UTF-8 with the mark by which spreadsheets know it. `name` is ASCII."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(head)
    table.writerows([safe_cell(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response("\ufeff" + out.getvalue(), mimetype="text/csv", headers=headers)
