"""The ORM reads the engine's tables and never writes them: what an attribute assignment would do is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from govservice.models.base import Base, EngineOwned
from govservice.models.cases import Case, Token
from tests.engine.world import World
from tests.house.test_source import ENGINE_TABLES


def test_every_table_of_the_engine_is_marked() -> None:
    marked = {m.class_.__tablename__ for m in Base.registry.mappers if issubclass(m.class_, EngineOwned)}
    assert marked == set(ENGINE_TABLES)


@pytest.mark.parametrize("model", [Case, Token])
def test_an_attribute_that_is_set_is_not_written(database: Any, model: Any) -> None:
    world = World(database)
    world.submit()
    before = world.rows(model.__tablename__)
    with pytest.raises(TypeError, match="only the engine writes"):
        _set(database, model)
    with pytest.raises(TypeError, match="only the engine writes"), database.write() as session:
        session.delete(session.query(model).first())
    assert world.rows(model.__tablename__) == before


def _set(database: Any, model: Any) -> None:
    with database.write() as session:
        row = session.query(model).first()
        if model is Case:
            row.promised_on = date(2026, 1, 1)
        else:
            row.step = "decision"
