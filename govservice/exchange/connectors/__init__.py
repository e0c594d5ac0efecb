"""The protocols spoken with registries, one module each, chosen by the registry's `kind`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.findings import Finding
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors.base import Connector
from govservice.exchange.connectors.csv_snapshot import CsvSnapshot
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.connectors.identity import NO_KEYS, Keys
from govservice.exchange.connectors.sql import Sql
from govservice.exchange.connectors.xroad_rest import XRoadRest

KINDS: Mapping[str, Callable[[RegistryFile, str, Keys], Connector]] = {
    "http_json": HttpJson,
    "sql": Sql,
    "csv_snapshot": CsvSnapshot,
    "xroad_rest": XRoadRest,
}
# What the address of each kind begins with.
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "http_json": ("http", "https"),
    "xroad_rest": ("http", "https"),
    "sql": ("postgresql", "sqlite"),
    "csv_snapshot": ("file",),
}


def unfit(catalogue: Catalogue, endpoints: Mapping[str, str], keys: Keys) -> list[Finding]:
    """Addresses that do not fit the kind of their registry, and keys that a registry's file names in vain. A registry
    without an address is no fault: it does not answer."""
    found = []
    for code, registry in catalogue.registries.items():
        address = endpoints.get(registry.endpoint)
        names = (*(registry.auth.references if registry.auth is not None else ()), registry.signer)
        if address is not None and _scheme(address) not in SCHEMES[registry.kind]:
            wanted = " or ".join(SCHEMES[registry.kind])
            found.append(_finding(code, f"the address of {registry.endpoint!r} has to begin with {wanted}"))
        elif address is not None:
            missing = [name for name in names if name is not None and name not in keys]
            found += [_finding(code, f"the deployment gives no file for the key {name!r}") for name in missing]
    return found


def _scheme(address: str) -> str:
    return address.partition(":")[0].partition("+")[0]


def _finding(code: str, message: str) -> Finding:
    return Finding("E-ENDPOINT", "error", f"registries/{code}.yaml", 1, None, message)


def connector_of(registry: RegistryFile, endpoint: str, keys: Keys = NO_KEYS) -> Connector:
    """The connector that speaks the registry's protocol. `endpoint` is what the deployment gives for its key; `keys`
    the files of the names that the registry's file refers to. Raises ValueError for an address of another kind and for
    a key that is not there."""
    if _scheme(endpoint) not in SCHEMES[registry.kind]:
        raise ValueError(f"{registry.registry}: an address of another kind than {registry.kind}")
    return KINDS[registry.kind](registry, endpoint, keys)
