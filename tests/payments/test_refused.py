"""Clause 8, "signed callbacks": those that count for nothing. Forged, replayed, reordered, stale, of a wrong amount or
currency, another merchant's: refused, told in the log without personal data, nothing changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from govservice.payments import signing
from tests.payments.conftest import KEY, MERCHANT, Till, until

OTHER_KEY = bytes(32)
Said = dict[str, Any]


def post(till: Till, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{till.url}/payments/callback", content=body, headers=headers)


def sealed(
    body: bytes, *, key: bytes = KEY, merchant: str = MERCHANT, late: int = 0, kind: Any = "callback", about: str = "",
    nonce: str | None = None,
) -> dict[str, str]:  # fmt: skip
    return signing.sign(key, kind, merchant, int(time.time()) + late, about, body, nonce).headers()


def paid(order: str, seq: int = 2, **changes: Any) -> bytes:
    said = {"merchant": MERCHANT, "order": order, "seq": seq, "status": "paid", "amount": 20000, "currency": "CNY"}
    return json.dumps({k: v for k, v in {**said, **changes}.items() if v is not None}).encode()


# -- from the sandbox itself, by its faults


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("forged", 400), ("stale", 400), ("other_merchant", 400), ("float_amount", 400), ("wrong_amount", 422),
        ("wrong_currency", 422),
    ],
)  # fmt: skip
def test_what_the_sandbox_sends_wrong_changes_nothing(till: Till, mode: str, answer: int) -> None:
    till.sandbox.fault(mode)
    order = till.to_fee()
    before = till.everything()
    till.sandbox.act(order, "pay")
    until(lambda: len(till.sandbox.sent(order)) == 2, mode)
    assert {status for _seq, status in till.sandbox.sent(order)} == {answer}
    assert till.everything() == before
    till.sandbox.reset()
    till.pass_time(minutes=2)
    assert till.reconcile() == 1, "our own question finds the truth"
    assert (till.step, till.payment.status) == ("issue", "paid")


def test_a_replay_byte_by_byte_counts_once(till: Till) -> None:
    till.sandbox.fault("replayed", copies=3)
    order = till.to_fee()
    till.sandbox.act(order, "pay")
    until(lambda: len(till.sandbox.sent(order)) == 6, "three copies of two callbacks")
    answers = sorted(status for _seq, status in till.sandbox.sent(order))
    assert answers.count(200) in (1, 2), "the newer one may have come first"
    assert set(answers) == {200, 409}
    assert till.step == "issue"


# -- made by hand, with and without the key


def test_every_forgery_is_refused_alike_and_changes_nothing(till: Till) -> None:
    order = till.to_fee()
    good = paid(order)
    headers = sealed(good)
    others = paid(order, merchant="other")
    bent: list[tuple[str, bytes, dict[str, str]]] = [
        ("no seal", good, {}),
        ("another key", good, sealed(good, key=OTHER_KEY)),
        ("another merchant with its own key", others, sealed(others, key=OTHER_KEY, merchant="other")),
        ("another merchant under our seal", others, sealed(others)),
        ("a body changed under way", paid(order, seq=3), headers),
        ("a time changed under way", good, headers | {"X-Pay-Time": str(int(time.time()) + 1)}),
        ("a nonce changed under way", good, headers | {"X-Pay-Nonce": "x" * 24}),
        ("older than five minutes", good, sealed(good, late=-330)),
        ("from the future", good, sealed(good, late=330)),
        ("our own request sent back", good, sealed(good, kind="request", about="POST /payments/callback")),
        ("an answer sent as a callback", good, sealed(good, kind="answer")),
        ("a nonce too short", good, sealed(good, nonce="short")),
        ("a float", paid(order, amount=20000.0), sealed(paid(order, amount=20000.0))),
        ("a text for a sum", paid(order, amount="20000"), sealed(paid(order, amount="20000"))),
        ("yes for a sum", paid(order, amount=True), sealed(paid(order, amount=True))),
        ("a key too many", paid(order, extra=1), sealed(paid(order, extra=1))),
        ("a key too few", paid(order, currency=None), sealed(paid(order, currency=None))),
        ("a status we do not know", paid(order, status="gold"), sealed(paid(order, status="gold"))),
        ("no JSON", b"{", sealed(b"{")),
        ("a list", b"[]", sealed(b"[]")),
        ("nothing", b"", sealed(b"")),
        ("a bomb", b"[" * 3000, sealed(b"[" * 3000)),
    ]  # fmt: skip
    before = till.everything()
    for what, body, with_headers in bent:
        answer = post(till, body, with_headers)
        assert (answer.status_code, answer.json()) == (400, {"result": "refused"}), what
    assert post(till, b" " * 5000, sealed(b" " * 5000)).status_code in (400, 413)
    for what, changes, status in (
        ("less", {"amount": 19999}, 422), ("more", {"amount": 20001}, 422), ("nothing", {"amount": 0}, 422),
        ("another currency", {"currency": "HKD"}, 422), ("another order", {}, 404),
    ):  # fmt: skip
        body = paid(order if changes else "0" * 36, **changes)
        assert post(till, body, sealed(body)).status_code == status, what
    assert till.everything() == before
    assert post(till, good, headers).json() == {"result": "applied"}, "the true one counts"
    assert till.step == "issue"


def test_a_browser_cannot_be_made_to_speak_for_the_provider(till: Till) -> None:
    """The route asks for no form token; a message that comes from a page of another site is refused all the same."""
    body = paid(till.to_fee())
    before = till.everything()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert post(till, body, sealed(body) | headers).status_code == 400
    assert httpx.get(f"{till.url}/payments/callback").status_code == 405
    assert till.everything() == before


def test_an_order_goes_only_ways_that_orders_go(till: Till) -> None:
    order = till.to_fee()
    for seq, status, answer in (
        (1, "pending", 200), (1, "failed", 422), (2, "paid", 200), (3, "failed", 422), (4, "closed", 422),
        (5, "refunded", 200), (6, "paid", 422), (4, "refunding", 409),
    ):  # fmt: skip
        body = paid(order, seq=seq, status=status)
        assert post(till, body, sealed(body)).status_code == answer, (seq, status)
    assert till.payment.status == "refunded"


def test_a_hundred_copies_are_one_payment(till: Till) -> None:
    """Fifty byte-equal and fifty sealed anew, at once."""
    order = till.to_fee()
    body = paid(order)
    one = sealed(body)
    copies = [one] * 50 + [sealed(body) for _ in range(50)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda headers: post(till, body, headers), copies))
    assert [a.json()["result"] for a in answers].count("applied") == 1
    assert {a.status_code for a in answers} <= {200, 409}
    till.work()
    assert (till.state.outcome, till.documents(), len(till.payments)) == ("granted", 1, 1)
    till.check()


def test_refusals_are_told_in_the_log_without_personal_data(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order = till.to_fee()
    with capture_logs() as lines:
        for make in _wrong(order):
            body, headers = make()
            post(till, body, headers)
    told = [line for line in lines if line["event"] == "payment.callback_refused"]
    assert [line["code"] for line in told] == ["malformed", "signature", "stale", "amount", "order"]
    assert all(set(line) <= {"event", "code", "log_level", "request_id", "logger"} for line in told), told


def _wrong(order: str) -> list[Callable[[], tuple[bytes, dict[str, str]]]]:
    good, less, unknown = paid(order), paid(order, amount=1), paid("f" * 36)
    return [
        lambda: (good, {}),
        lambda: (good, sealed(good, key=OTHER_KEY)),
        lambda: (good, sealed(good, late=-999)),
        lambda: (less, sealed(less)),
        lambda: (unknown, sealed(unknown)),
    ]
