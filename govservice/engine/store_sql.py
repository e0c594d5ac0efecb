"""SQL text of the hot path, per dialect, made once at import.

PostgreSQL: everything that a batch changes goes in ONE statement: each table's rows arrive as one JSON parameter and
are
written by a data-modifying CTE; the case itself is compared and set by the outermost UPDATE, which reads the inserted
events first, so that the guard trigger finds them. SQLite: one prepared statement per table, run on the raw cursor.
"""

from __future__ import annotations

from functools import lru_cache

from govservice.engine.projections import CASE_COLUMNS, COLUMNS

EVENT_COLUMNS = (
    "case_id", "seq", "at", "recorded_at", "type", "v", "actor", "on_behalf_of", "token_id", "data", "idem", "prev",
    "hash",
)  # fmt: skip
OPEN_COLUMNS = (
    "id", "number", "service", "applicant_id", "organisation_id", "mandate_id", "parent_case_id", "channel",
    "opened_at",
)  # fmt: skip
KEY_COLUMNS = ("actor", "idem", "case_id", "request_sha", "result", "at")
TEXT_COLUMNS = ("id", "case_id", "text_enc", "sha", "by", "at")

_TYPES = {
    **dict.fromkeys(
        ("seq", "v", "token_id", "id:tokens", "version", "parent", "round", "data_rev", "opened_seq"), "int"
    ),
    **dict.fromkeys(("armed_seq", "consumed", "working_s", "elapsed_s", "paused_s", "last_seq"), "int"),
    **dict.fromkeys(("statutory_on", "promised_on"), "date"),
    **dict.fromkeys(("paused_since",), "timestamptz"),
    "pauses": "jsonb",
    "provisional": "boolean",
}
# What a second write of the same row may change; everything else of it never moves.
_KEYS = {
    "tokens": ("case_id", "id"), "tasks": ("id",), "clocks": ("case_id", "key"), "timers": ("id",),
    "visits": ("case_id", "token_id", "seq"),
}  # fmt: skip
_CHANGES = {
    "tokens": (
        "version",
        "scope",
        "step",
        "status",
        "outcome",
        "round",
        "data_rev",
        "entered_at",
        "waits_for",
        "person_id",
    ),
    "tasks": (
        "step",
        "department_id",
        "role",
        "assignee_id",
        "claimed_at",
        "step_due_at",
        "due_at",
        "due_kind",
        "status",
        "done_at",
    ),
    "clocks": COLUMNS["clocks"][3:],
    "timers": ("clock_key", "due_at", "armed_seq", "status"),
    "visits": ("step", "department_id", "role"),
}
TABLES = ("events", "tokens", "tasks", "clocks", "timers", "visits", "left", "outbox")  # in the order they are written


def _type(table: str, column: str) -> str:
    if column.endswith("_at") or column == "at":
        return "timestamptz"
    return _TYPES.get(f"{column}:{table}", _TYPES.get(column, "text"))


def _columns(table: str) -> tuple[str, ...]:
    return EVENT_COLUMNS if table == "events" else COLUMNS[table]


def _target(table: str) -> str:
    return "case_events" if table == "events" else table


def _upsert(table: str) -> str:
    if table not in _KEYS:
        return ""
    changes = ", ".join(f"{c} = excluded.{c}" for c in _CHANGES[table])
    return f" ON CONFLICT ({', '.join(_KEYS[table])}) DO UPDATE SET {changes}"


def _extra(table: str) -> tuple[str, str]:
    """Columns with a fixed value: an outbox row starts without tries."""
    return (", attempts", ", 0") if table == "outbox" else ("", "")


# -- PostgreSQL


def _pg_insert(table: str) -> str:
    columns, (more, values) = _columns(table), _extra(table)
    names = ", ".join(columns)
    record = ", ".join(f'"{c}" {_type(table, c)}' for c in columns)
    return (
        f"INSERT INTO {_target(table)} ({names}{more}) SELECT {names}{values} "  # noqa: S608 - names of ours only
        f"FROM json_to_recordset(%s::json) AS x({record}){_upsert(table)}"
    )


def _pg_left() -> str:
    columns = COLUMNS["left"]
    record = ", ".join(f"{c} {_type('left', c)}" for c in columns)
    changes = ", ".join(f"{c} = x.{c}" for c in columns[3:])
    return (
        f"UPDATE visits v SET {changes} FROM json_to_recordset(%s::json) AS x({record}) "  # noqa: S608 - names of ours only
        "WHERE v.case_id = x.case_id AND v.token_id = x.token_id AND v.seq = x.seq"
    )


PG_LOCK = (
    "SELECT c.version, c.head, c.last_seq, c.def_sha, c.applicant_id, s.seq, s.format, s.state, "
    "k.request_sha, k.result FROM cases c LEFT JOIN case_states s ON s.case_id = c.id "
    "LEFT JOIN commands k ON k.actor = %s AND k.idem = %s WHERE c.id = %s"
)
PG_FOR_UPDATE = " FOR NO KEY UPDATE OF c"  # rows that refer to the case (files, notes) may be added meanwhile
_PG_KEY = f"INSERT INTO commands ({', '.join(KEY_COLUMNS)}) VALUES (%s, %s, %s, %s, %s, %s)"  # noqa: S608
_PG_TEXT = f"INSERT INTO case_texts ({', '.join(TEXT_COLUMNS)}) VALUES (%s, %s, %s, %s, %s, %s)"  # noqa: S608
_PG_STATE = (
    "INSERT INTO case_states (case_id, seq, format, state) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (case_id) DO UPDATE SET seq = excluded.seq, format = excluded.format, state = excluded.state"
)


@lru_cache(maxsize=256)
def pg_write(tables: tuple[str, ...], *, opening: bool, text: bool) -> str:
    """The one statement of a batch that touches these tables. Parameters: one JSON text per table in order, the key,
    the
    state, the words if any, then the case's columns with its id and old version (`opening`: the new row of cases)."""
    parts = [f"{table}_w AS ({_pg_left() if table == 'left' else _pg_insert(table)} RETURNING 1)" for table in tables]
    parts += [f"key_w AS ({_PG_KEY})", f"state_w AS ({_PG_STATE})"]
    if text:
        parts.append(f"text_w AS ({_PG_TEXT})")
    return f"WITH {', '.join(parts)} {PG_OPEN if opening else PG_MOVE}"


PG_OPEN = (
    f"INSERT INTO cases ({', '.join(OPEN_COLUMNS + CASE_COLUMNS)}) "  # noqa: S608 - names of ours only
    f"VALUES ({', '.join(['%s'] * len(OPEN_COLUMNS + CASE_COLUMNS))})"
)
PG_MOVE = (
    f"UPDATE cases SET {', '.join(f'{c} = %s' for c in CASE_COLUMNS)} "  # noqa: S608 - names of ours only
    "FROM (SELECT count(*) AS n FROM events_w) e WHERE cases.id = %s AND cases.version = %s AND e.n >= 0"
)
PG_KEY_ONLY = _PG_KEY


# -- SQLite


def _lite_insert(table: str, columns: tuple[str, ...], target: str) -> str:
    more, values = _extra(table)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {target} ({', '.join(columns)}{more}) VALUES ({marks}{values}){_upsert(table)}"  # noqa: S608


LITE_WRITE: dict[str, str] = {
    table: _lite_insert(table, _columns(table), _target(table)) for table in TABLES if table != "left"
}
LITE_LEFT = (
    f"UPDATE visits SET {', '.join(f'{c} = ?' for c in COLUMNS['left'][3:])} "  # noqa: S608 - names of ours only
    "WHERE case_id = ? AND token_id = ? AND seq = ?"
)
LITE_KEY, LITE_TEXT, LITE_STATE = (s.replace("%s", "?") for s in (_PG_KEY, _PG_TEXT, _PG_STATE))
LITE_OPEN = PG_OPEN.replace("%s", "?")
LITE_MOVE = f"UPDATE cases SET {', '.join(f'{c} = ?' for c in CASE_COLUMNS)} WHERE id = ? AND version = ?"  # noqa: S608

# -- reading, alike on both but for the marks

EVENTS = f"SELECT {', '.join(EVENT_COLUMNS)} FROM case_events WHERE case_id = %s AND seq > %s ORDER BY seq"  # noqa: S608
ANSWERS = (
    "SELECT d.form_enc, p.key_wrapped, p.key_id FROM people p "
    "LEFT JOIN case_data d ON d.case_id = %s AND d.rev = %s WHERE p.id = %s"
)
KEY = "SELECT request_sha, result FROM commands WHERE actor = %s AND idem = %s"


@lru_cache(maxsize=512)
def lite(sql: str) -> str:
    return sql.replace("%s", "?")


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """With the marks that the server knows ($1, $2 ...). psycopg keeps no converted text above 4,096 characters: it
    took our one statement apart anew at every step, a tenth of the step's processor time."""
    head, *parts = sql.split("%s")
    return head + "".join(f"${n}{part}" for n, part in enumerate(parts, start=1))
