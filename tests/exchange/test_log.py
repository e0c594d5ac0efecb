"""The log of exchanges: insert only, chained by registry, sealed; whoever has no right to change it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random
from typing import Any, cast

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Table, column, func, insert, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from config import ROOT, Settings
from govservice.definitions.compiled import Compiled
from govservice.errors import Tampered
from govservice.exchange import log, seals
from govservice.exchange.gateway import Gateway
from govservice.models import Base, roles
from govservice.models.exchange import DataAccess, Exchange, ExchangeSeal
from govservice.models.session import Database, make_engine
from govservice.models.signing import Signer, check
from govservice.operations.exchange_log import keep_seal, seals_from, verify_log
from govservice.operations.runtime import Runtime
from govservice.worker import Worker
from tests.engine.world import CALENDARS
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.hard.log_tamper import row
from tests.support.clock import MONDAY, MovableClock


@pytest.fixture
def runtime(database: Database, gateway: Gateway, settings: Settings, definitions: Any, clock: MovableClock) -> Runtime:
    return Runtime(database, definitions, CALENDARS, gateway, settings, wall=clock)


def test_every_call_is_a_link_of_its_registrys_chain_granted_or_refused(
    runtime: Runtime, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    database = runtime.database
    sandbox.fault("real_estate", "status_500")
    prefill(database, runtime.gateway, open_restaurant, wang_fang)
    sandbox.reset()
    prefill(database, runtime.gateway, open_restaurant, wang_fang, trigger="retry")
    with database.read() as session:
        rows = session.scalars(select(Exchange).order_by(Exchange.registry_code, Exchange.seq)).all()
    chains = {code: [r for r in rows if r.registry_code == code] for code in {r.registry_code for r in rows}}
    assert len(chains) > 2
    for chain in chains.values():
        assert [r.seq for r in chain] == list(range(1, len(chain) + 1))
        assert chain[0].prev_hash == log.GENESIS
        assert all(later.prev_hash == earlier.row_hash for earlier, later in pairwise(chain))
    assert "unavailable" in {r.outcome for r in rows}
    report = verify_log(runtime)
    assert (report.exchanges, report.registries, report.faults) == (len(rows), len(chains), ())


def test_callers_at_the_same_moment_make_one_chain(database: Database) -> None:
    def call(seed: int) -> None:
        for number in range(5):
            with database.write() as session:
                log.append(session, [row(Random(f"{seed}.{number}.{n}"), number) for n in range(3)])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
    with database.read() as session:
        report = seals.verify(session, database.keyring.signer)
    assert (report.exchanges, report.faults) == (90, ())


def test_the_database_itself_refuses_to_change_or_remove_a_row(
    runtime: Runtime, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    prefill(runtime.database, runtime.gateway, open_restaurant, wang_fang)
    assert keep_seal(runtime)
    for name in ("exchanges", "exchange_seals", "data_accesses"):
        for act in (f"UPDATE {name} SET at = at", f"DELETE FROM {name}"):
            with pytest.raises(DBAPIError, match="insert only"), runtime.write() as session:
                session.execute(text(act))


def test_a_seal_is_kept_where_something_new_was_logged_and_can_be_checked_elsewhere(
    runtime: Runtime, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    assert not keep_seal(runtime)
    prefill(runtime.database, runtime.gateway, open_restaurant, wang_fang)
    Worker(runtime).round()
    assert not keep_seal(runtime)
    (text_of,) = seals_from(runtime, 1)
    said = json.loads(check(text_of, json.loads(json.dumps(dict(runtime.keyring.signer.public)))))
    with runtime.read() as session:
        assert {code: tuple(end) for code, end in said["heads"].items()} == dict(log.heads(session))
    assert (said["n"], said["previous"]) == (1, log.GENESIS)


def test_a_seal_of_another_key_is_none(runtime: Runtime, open_restaurant: Compiled, wang_fang: Filed) -> None:
    """Whoever writes the chains and the seals anew has no key to sign them with."""
    prefill(runtime.database, runtime.gateway, open_restaurant, wang_fang)
    with runtime.write() as session:
        seals.seal(session, Signer(b"7" * 32), runtime.wall.now())
    assert [fault.what for fault in verify_log(runtime).faults] == ["seal 1 is not ours"]
    with pytest.raises(Tampered):
        runtime.keyring.signer.check(seals_from(runtime, 1)[0])


def test_the_portals_role_may_add_and_read_and_nothing_else(
    postgresql_url: str, gateway: Gateway, open_restaurant: Compiled, keyring: Any
) -> None:
    """On PostgreSQL a whole round of calls works under the role, and no right lets it change what was logged."""
    as_app = make_url(postgresql_url).update_query_dict({"options": "-c role=portal_app"}, append=True)
    urls = (postgresql_url, as_app.render_as_string(hide_password=False))
    owner, app = (Database(make_engine(url), keyring) for url in urls)
    filed = file_draft(owner, open_restaurant, citizen("wang.fang"))
    with owner.write() as session:
        if session.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'portal_app'")).first() is None:
            session.execute(text("CREATE ROLE portal_app"))
        assert roles.grant(session.connection(), "portal_app") > 30
    prefill(app, gateway, open_restaurant, filed)
    with app.write() as session:
        assert session.execute(text("SELECT current_user")).scalar() == "portal_app"
        assert session.scalars(select(Exchange.id)).first()
        assert session.scalars(select(DataAccess.id)).first()
        assert seals.seal(session, keyring.signer, MONDAY)
        assert session.scalars(select(ExchangeSeal.n)).all() == [1]
    for name in roles.INSERT_ONLY:
        column = next(iter(Base.metadata.tables[name].columns)).name
        for act in (f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}", f"TRUNCATE {name}"):
            with pytest.raises(DBAPIError, match="permission denied"), app.write() as session:
                session.execute(text(act))
    with pytest.raises(DBAPIError, match="must be owner"), app.write() as session:
        session.execute(text("DROP TRIGGER exchanges_no_change ON exchanges"))
    for one in (owner, app):
        one.engine.dispose()


def test_calls_that_were_logged_before_there_were_chains_are_chained(database: Database) -> None:
    config = Config(str(ROOT / "alembic.ini"))

    def move(act: Callable[[Config, str], None], revision: str) -> None:
        with database.engine.execution_options(writing=True).begin() as connection:
            config.attributes["connection"] = connection
            act(config, revision)

    move(command.downgrade, "0010")
    then = table("exchanges", *(column(name, cast(Table, Exchange.__table__).c[name].type) for name in log.COLUMNS[1:]))
    with database.write() as session:
        session.execute(insert(then), [row(Random(n), n) for n in range(30)])
    move(command.upgrade, "head")
    with database.write() as session:
        log.append(session, [row(Random(99), 99)])
        assert seals.verify(session, database.keyring.signer).faults == ()
        assert session.scalar(select(func.count()).select_from(Exchange)) == 31


@pytest.mark.parametrize("name", ["", "a b", "portal; DROP TABLE cases", 'x"y', "Ä"])
def test_what_is_no_name_of_a_role_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        roles.grants(name)


def test_the_consent_under_which_a_call_was_made_stands_in_the_chain() -> None:
    """Another consent, or none, is another row; rows from before there were consents keep their hash."""
    values = ["1", "id"]
    bare = log.row_hash("0" * 64, values)
    assert bare == log.row_hash("0" * 64, values, None)
    assert len({bare, log.row_hash("0" * 64, values, "a"), log.row_hash("0" * 64, values, "b")}) == 3
