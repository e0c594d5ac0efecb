"""The steward's blueprint, and which registries somebody looks after."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from govservice.definitions.schema_registry import RegistryFile
from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.operations.disputing import owners
from govservice.operations.runtime import Runtime
from govservice.web.access import current_actor

blueprint = Blueprint("steward", __name__, url_prefix="/registers")


def steward() -> Actor:
    """The member of staff who asks. Raises NotFound for anybody else (the audience check comes first)."""
    actor = current_actor()
    if actor is None or actor.kind != "user":
        raise NotFound()
    return actor


def own_registries(rt: Runtime, actor: Actor) -> Mapping[str, RegistryFile]:
    """Registries of the departments at which the actor is a steward, by code."""
    mine = owners(actor)
    return {code: each for code, each in rt.definitions.catalogue.registries.items() if each.owner in mine}
