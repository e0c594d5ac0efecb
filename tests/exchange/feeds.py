"""A registry that sends signed files, for tests."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from govservice.exchange.sandbox.cast import QINGWEI

COLUMNS = ("uscc", "name", "legal_person", "address", "status", "established_on")
NAME = "enterprises"


@dataclass(frozen=True)
class Feed:
    """The folder that both sides know, and the sender's key."""

    folder: Path
    key: OKPKey

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    @property
    def public(self) -> Path:
        path = self.folder.parent / "market_reg.pem"
        path.write_bytes(self.key.as_pem(private=False))
        return path

    def send(
        self, as_of: str, rows: int = 50, name: str = QINGWEI.name, key: OKPKey | None = None, text: str | None = None,
        **said: Any,
    ) -> str:  # fmt: skip
        """Writes a file and its manifest; `said` is signed instead of the truth. The file's digest."""
        body = (table(rows, name) if text is None else text).encode()
        digest = hashlib.sha256(body).hexdigest()
        manifest = {
            "file": f"{NAME}.csv", "sha256": digest, "rows": rows, "as_of": as_of, "schema": list(COLUMNS), **said,
        }  # fmt: skip
        (self.folder / f"{NAME}.csv").write_bytes(body)
        signed = jws.serialize_compact(
            {"alg": "Ed25519"}, json.dumps(manifest), key or self.key, algorithms=["Ed25519"]
        )  # fmt: skip
        (self.folder / f"{NAME}.jws").write_text(signed)
        return digest


def table(rows: int, name: str = QINGWEI.name) -> str:
    """The enterprise of the cast, and others that nobody asks for."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerow([QINGWEI.uscc, name, "王芳", QINGWEI.address, "active", "2026-09-18"])
    for n in range(rows - 1):
        writer.writerow([f"91990111MA{n:08d}", f"企业 {n}", "无名", "某路", "active", "2020-01-01"])
    return out.getvalue()


def made(folder: Path) -> Feed:
    folder.mkdir()
    return Feed(folder, OKPKey.generate_key("Ed25519"))
