"""A registry's own database for tests: a table, a view on it, and a role that may read the view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, make_url, text

from govservice.exchange.sandbox.cast import QINGWEI

COLUMNS = "uscc, name, legal_person, address, status, established_on, updated_at"
ROLE = "registry_reader"


@dataclass(frozen=True)
class View:
    """`url` is what the portal is given; `owner` can change what the view shows."""

    url: str
    owner: Any

    def run(self, *statements: str, **values: Any) -> None:
        with self.owner.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)


def made(url: str, schema: str = "registry_of_enterprises") -> View:
    """The registry in the database of `url`, with one enterprise."""
    postgresql = url.startswith("postgresql")
    view = View(_reader(url) if postgresql else url, create_engine(url))
    types = "uscc text, name text, legal_person text, address text, status text, established_on date, updated_at "
    kind = "timestamptz" if postgresql else "text"
    view.run(f"CREATE TABLE enterprises_all ({types} {kind}, secret text)")
    view.run(f"CREATE VIEW shared AS SELECT {COLUMNS} FROM enterprises_all")
    if postgresql:
        view.run(
            f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN PASSWORD 'reader'; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"GRANT SELECT ON shared TO {ROLE}",
        )
    add(view)
    return view


def add(view: View) -> None:
    """One more row for the enterprise of the cast."""
    view.run(
        "INSERT INTO enterprises_all VALUES "
        "(:u, :n, '王芳', :a, 'active', '2026-09-18', '2026-09-18T06:30:00Z', 'secret')",
        u=QINGWEI.uscc, n=QINGWEI.name, a=QINGWEI.address,
    )  # fmt: skip


def _reader(url: str) -> str:
    return make_url(url).set(username=ROLE, password="reader").render_as_string(hide_password=False)
