"""The province without HTTP, for the demonstration's history: thousands of cases are made in one process.

The connector stands behind the ordinary gateway: grants, schema, subject, mapping, log and records are the same.
"""

from __future__ import annotations

import hashlib
import json

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors.base import Answer, Query
from govservice.exchange.connectors.limits import parse
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox import answers, province


class Direct:
    """The connector of one registry of the province, in this process."""

    kind = "sandbox"

    def __init__(self, registry: RegistryFile, endpoint: str) -> None:
        self.registry = registry
        self.province = province.build(int(endpoint))

    def fetch(self, query: Query) -> Answer:
        """Answers from memory, through the same JSON text that the server would send."""
        asked = {"subject": query.subject.value, "fields": list(query.fields)}
        path = self.registry.datasets[query.dataset].request.path.lstrip("/")
        raw = json.dumps(
            answers.answer(self.province, self.registry.registry, path, asked), ensure_ascii=False
        ).encode()
        request_sha = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        return Answer(Outcome.OK, parse(raw), 200, request_sha, hashlib.sha256(raw).hexdigest())

    def close(self) -> None:
        """Nothing is held open."""


def direct_gateway(catalogue: Catalogue, seed: int = province.DEFAULT_SEED) -> Gateway:
    """A gateway to the province in memory. For the demonstration only: nothing leaves the process."""
    return Gateway(catalogue, {r.endpoint: str(seed) for r in catalogue.registries.values()}, connect=Direct)
