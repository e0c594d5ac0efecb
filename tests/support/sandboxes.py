"""The sandboxes as real processes: started once per test process, their admin doors, no faults between tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from config import ROOT

REGISTRIES = tuple(sorted(path.stem for path in (ROOT / "workflows" / "registries").glob("*.yaml")))
PATIENCE = 20.0  # seconds: the machine may be busy
# A connection for each call, as short as the sandboxes' faults want it; one client, for making one takes longer than a
# call.
CLIENT = httpx.Client(timeout=PATIENCE, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


@contextmanager
def process(*command: str, environ: Mapping[str, str] | None = None) -> Iterator[str]:
    """`python -m ...` as a child; the address is the third word of its first line."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=None if environ is None else {"PATH": os.environ["PATH"], **environ},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            yield child.stdout.readline().split()[2].rstrip(",")
        finally:
            child.terminate()
            child.wait(timeout=10)


@dataclass(frozen=True)
class Doors:
    """What both sandboxes have for tests."""

    url: str

    def admin(self, door: str, body: Any) -> Any:
        answer = CLIENT.post(f"{self.url}/_admin/{door}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self) -> None:
        CLIENT.delete(f"{self.url}/_admin/faults").raise_for_status()


class Sandbox(Doors):
    """The registries."""

    def endpoints(self) -> dict[str, str]:
        return {code: f"{self.url}/{code}" for code in REGISTRIES}

    def fault(self, registry: str, mode: str | None, **how: float) -> None:
        self.admin("faults", {"registry": registry, "mode": mode, **how})

    def script(self, registry: str, *modes: str | None, **how: float) -> None:
        """What the next calls meet, one each; None: no fault."""
        script = [None if mode is None else {"mode": mode, **how} for mode in modes]
        self.admin("faults", {"registry": registry, "script": script})

    def delay(self, median_ms: float, sigma: float = 0.0) -> None:
        self.admin("delay", {"median_ms": median_ms, "sigma": sigma})

    def change(self, registry: str, subject: str, **changes: Any) -> None:
        """From now on the registry says this of the subject; reset with the faults."""
        self.admin("records", {"registry": registry, "subject": subject, "changes": changes})

    def forget(self, registry: str, subject: str) -> None:
        """From now on the registry has no record of the subject."""
        self.admin("records", {"registry": registry, "subject": subject, "changes": None})

    def calls(self) -> dict[str, int]:
        calls: dict[str, int] = CLIENT.get(f"{self.url}/_admin/faults").json()["calls"]
        return calls

    def registered(self, national_id: str) -> dict[str, Any]:
        """Where somebody is entered, and what was done to the entry since the last reset."""
        found: dict[str, Any] = self.admin("registers", {"subject": national_id})
        return found

    def reset(self) -> None:
        super().reset()
        self.delay(1)


class PaymentSandbox(Doors):
    """The payment provider."""

    def fault(self, mode: str, **how: float) -> None:
        self.admin("faults", {"mode": mode, **how})

    def act(self, order: str, act: str) -> dict[str, Any]:
        """What the payer does (`pay`, `refuse`); its callbacks go out as the fault in force says."""
        said: dict[str, Any] = self.admin("act", {"order": order, "act": act})
        return said

    def release(self, order: str, *seqs: int) -> list[int]:
        """Sends held callbacks in this order; the portal's answers."""
        answers: list[int] = self.admin("release", {"order": order, "seqs": seqs})["answers"]
        return answers

    def sent(self, order: str) -> list[tuple[int, int]]:
        """(seq, answer) of each callback of an order that went out."""
        rows = CLIENT.get(f"{self.url}/_admin/sent").json()["sent"]
        return [(row["seq"], row["answer"]) for row in rows if row["order"] == order]
