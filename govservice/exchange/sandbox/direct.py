"""The province without HTTP, for the demonstration's history: thousands of cases are made in one process.

The connector stands behind the ordinary gateway: grants, schema, subject, mapping, log and records are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors.base import Answer, Deed, Probe, Query, of_when
from govservice.exchange.gateway import BUDGET, Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.queries import FactResult, Wanted
from govservice.exchange.sandbox import answers, province
from govservice.exchange.sandbox.registers import ENTRIES, registers_of
from govservice.models.session import Database
from govservice.wire.json_limits import parse


class Direct:
    """The connector of one registry of the province, in this process."""

    kind = "sandbox"

    def __init__(self, registry: RegistryFile, endpoint: str) -> None:
        self.registry = registry
        self.province = province.build(int(endpoint))
        self.registers = registers_of(self.province)

    def fetch(self, query: Query) -> Answer:
        """Answers from memory, through the same JSON text that the server would send."""
        asked = {"subject": query.subject.value, "fields": list(query.fields), **of_when(query)}
        path = self.registry.datasets[query.dataset].request.path.lstrip("/")
        raw = json.dumps(
            answers.answer(self.province, self.registry.registry, path, asked), ensure_ascii=False
        ).encode()
        request_sha = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        return Answer(Outcome.OK, parse(raw), 200, request_sha, hashlib.sha256(raw).hexdigest())

    def do(self, deed: Deed) -> Answer:
        """Has the household registers of this process do it."""
        said = {**deed.values, "subject": deed.subject.value, "transfer": deed.transfer, "order": deed.order}
        path = self.registry.acts[deed.act].path.lstrip("/")
        entries = path.startswith(ENTRIES)
        body = self.registers.act(path.removeprefix(ENTRIES), deed.key, said) if entries else answers.done(path, said)
        return Answer(Outcome.OK, body, 200, hashlib.sha256(json.dumps(said).encode()).hexdigest())

    def probe(self, deadline: float) -> Probe:
        return Probe(True, "in memory")

    def close(self) -> None:
        """Nothing is held open."""


class DirectGateway(Gateway):
    """Asks one after the other in the caller's thread: nobody has to be waited for."""

    paced = False

    def ask(self, database: Database, wanted: Sequence[Wanted], budget: float = BUDGET) -> list[FactResult]:
        """As `Gateway.ask`. Breakers are not looked at: memory does not fail."""
        return self.ask_in_turn(wanted, budget)


def direct_gateway(catalogue: Catalogue, seed: int = province.DEFAULT_SEED) -> DirectGateway:
    """A gateway to the province in memory. For the demonstration only: nothing leaves the process."""
    return DirectGateway(catalogue, {r.endpoint: str(seed) for r in catalogue.registries.values()}, connect=Direct)
