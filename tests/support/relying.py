"""A restaurant's licence whose facts say more than the shipped file does, on a copy of the shipped files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from config import ROOT, Settings
from govservice.definitions.library import Definitions, load_library
from govservice.exchange.gateway import Gateway
from govservice.models.session import Database
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from govservice.operations.startup import open_runtime
from tests.support.clock import MovableClock
from tests.support.sandboxes import Sandbox

RELIES = {  # beside what the shipped file says of the enterprise and the premises
    "health": "revalidate: {before: decided, within: 1d, material: any, if_unavailable: proceed_with_condition}",
}
NO_EDITS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType({})
FACTS = ("owner", "enterprise", "premises", "health")


Edits = Mapping[str, tuple[tuple[str, str], ...]]  # file -> (old, new): each old must stand there


def relying_files(folder: Path, edits: Edits = NO_EDITS, **more: str) -> Path:
    """The shipped files with a service whose facts say more; registries may take ten seconds on a busy machine."""
    copy = shutil.copytree(ROOT / "workflows", folder / "workflows")
    path = copy / "services" / "open_restaurant.yaml"
    text = path.read_text(encoding="utf-8")
    for name in FACTS:
        lines = [line for line in (RELIES.get(name), more.get(name)) if line]
        text = text.replace(
            f"\n  {name}:\n    from:", "".join([f"\n  {name}:", *(f"\n    {x}" for x in lines), "\n    from:"]), 1
        )
    path.write_text(text, encoding="utf-8")
    for name, pairs in edits.items():
        said = (copy / name).read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in said, (name, old)
            said = said.replace(old, new, 1)
        (copy / name).write_text(said, encoding="utf-8")
    for registry in (copy / "registries").glob("*.yaml"):
        said = registry.read_text(encoding="utf-8")
        registry.write_text(said.replace("timeout_ms: 800", "timeout_ms: 10000"), encoding="utf-8")
    return copy


def _read(files: Path) -> Definitions:
    """The definitions of a copy; another copy that says the same shares them, as tests share the shipped ones."""
    said = hashlib.sha256()
    for path in sorted(files.rglob("*.yaml")):
        said.update(f"{path.relative_to(files)}\n".encode() + path.read_bytes())
    key = said.hexdigest()
    if key not in _KNOWN:
        _KNOWN[key] = load_library(files)
    return _KNOWN[key]


_KNOWN: dict[str, Definitions] = {}


def relying_runtime(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, folder: Path,
    edits: Edits = NO_EDITS, **more: str,
) -> Runtime:  # fmt: skip
    """A portal with that service in force, with a door of its own to the real registries."""
    files = relying_files(folder, edits, **more)
    parts = {"database": database, "wall": clock, "simulated": False, "definitions": _read(files)}
    made = open_runtime(replace(settings, workflows_dir=files), parts)
    made = replace(made, gateway=Gateway(made.definitions.catalogue, sandbox.endpoints()))
    publish_all(made, by="test", now=clock.now())
    return made
