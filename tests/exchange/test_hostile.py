"""Whatever a hostile registry puts into its answers, nothing of it is shown, stored or logged; how it ended is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from govservice.definitions.compiled import Compiled
from govservice.exchange.gateway import Gateway
from govservice.exchange.sandbox.cast import QINGWEI
from govservice.models.exchange import Exchange
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, prefill
from tests.exchange.test_connector import AS_JSON, Registry, registry
from tests.exchange.test_predicates import everything_in

__all__ = ["registry"]
CANARY = "CANARY-7f3a-不可外泄"
GOOD: Mapping[str, Any] = {
    "title_no": "黔（2024）1 号", "holder": {"uscc": QINGWEI.uscc}, "address": "花溪区清溪路 86 号", "region": "990111",
    "floor_area_m2": "326.40", "updated_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def of(*records: Any, **more: Any) -> bytes:
    return json.dumps({"records": list(records), **more}, ensure_ascii=False).encode()


# what -> (status, headers, body, outcome)
ANSWERS: Mapping[str, tuple[int, Mapping[str, str], bytes, str]] = {
    "another shape": (200, AS_JSON, of({**GOOD, "holder": CANARY}), "schema_violation"),
    "a number that is none": (200, AS_JSON, of({**GOOD, "floor_area_m2": CANARY}), "schema_violation"),
    "a time that is none": (200, AS_JSON, of({**GOOD, "updated_at": CANARY}), "schema_violation"),
    "a stranger's record": (
        200, AS_JSON, of({**GOOD, "holder": {"uscc": "91990102MA7H3N8T26"}, "address": CANARY}), "identity_mismatch",
    ),
    "a stranger's beside ours": (
        200, AS_JSON, of(GOOD, {**GOOD, "holder": {"uscc": "91990102MA7H3N8T26"}, "address": CANARY}),
        "identity_mismatch",
    ),
    "two records": (200, AS_JSON, of(GOOD, {**GOOD, "address": CANARY}), "ambiguous"),
    "withheld, and said after all": (200, AS_JSON, of({**GOOD, "address": CANARY, "flags": ["withheld"]}), "withheld"),
    "more than was asked": (200, AS_JSON, of({**GOOD, "owner_phone": CANARY, "notes": {"x": [CANARY]}}), "ok"),
    "an unknown flag": (200, AS_JSON, of({**GOOD, "flags": [CANARY]}), "ok"),
    "beside the records": (200, AS_JSON, of(GOOD, comment=CANARY), "ok"),
    "torn": (200, AS_JSON, b'{"records": [{"address": "' + CANARY.encode(), "schema_violation"),
    "a key twice": (200, AS_JSON, b'{"a": 1, "a": "' + CANARY.encode() + b'"}', "schema_violation"),
    "a page": (200, {"Content-Type": "text/html"}, f"<h1>{CANARY}</h1>".encode(), "unavailable"),
    "an error that chats": (500, AS_JSON, json.dumps({"error": CANARY}).encode(), "unavailable"),
    "a refusal that chats": (403, {**AS_JSON, "X-Reason": "CANARY-7f3a"}, CANARY.encode(), "denied"),
    "a way elsewhere": (302, {"Location": "http://169.254.169.254/CANARY-7f3a"}, b"", "unavailable"),
    "too many": (429, {**AS_JSON, "Retry-After": "CANARY-7f3a"}, CANARY.encode(), "rate_limited"),
    "a script": (200, AS_JSON, of({**GOOD, "region": f"<script>{CANARY}</script>"}), "schema_violation"),
}  # fmt: skip


@pytest.mark.parametrize("what", ANSWERS)
def test_nothing_of_it_is_kept_anywhere(
    what: str, database: Database, make_gateway: Callable[..., Gateway], sandbox: Sandbox, registry: Registry,
    open_restaurant: Compiled, wang_fang: Filed, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    status, headers, body, outcome = ANSWERS[what]
    registry.status, registry.headers, registry.body = status, dict(headers), body
    gateway = make_gateway({**sandbox.endpoints(), "real_estate": registry.url})
    facts = prefill(database, gateway, open_restaurant, wang_fang).facts
    assert facts["premises"].outcome == outcome
    assert CANARY not in repr(facts)
    with database.read() as session:
        logged = session.scalars(select(Exchange).where(Exchange.registry_code == "real_estate")).all()
        assert [row.outcome for row in logged] == [outcome]
    told = "".join(capsys.readouterr()) + caplog.text
    for place in (everything_in(database), told):
        assert "CANARY-7f3a" not in place
