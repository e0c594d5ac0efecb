"""The portal's signature: anybody with the public key can check it, nobody without the private one can make it."""

from __future__ import annotations

import json

import pytest

from govservice.errors import Tampered
from govservice.models.keyring import Keyring
from govservice.models.signing import Signer, check, derived_key

ONE, OTHER = Signer(b"1" * 32), Signer(b"2" * 32)


def test_what_was_signed_is_read_with_the_public_key_alone() -> None:
    signed = ONE.sign("收件回执".encode())
    public = json.loads(json.dumps(ONE.public))
    assert "d" not in public
    assert check(signed, public) == "收件回执".encode()


@pytest.mark.parametrize("at", range(0, 140, 7))
def test_a_changed_sign_anywhere_is_noticed(at: int) -> None:
    signed = ONE.sign(b"root 1, root 2")
    changed = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
    with pytest.raises(Tampered):
        ONE.check(changed)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "....", "é.é.é", ONE.sign(b"x") + ".y"])
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(Tampered):
        ONE.check(text)


def test_another_key_does_not_count() -> None:
    with pytest.raises(Tampered):
        ONE.check(OTHER.sign(b"x"))


def test_without_a_key_of_its_own_one_is_derived_that_is_not_the_index_key() -> None:
    index = bytes(range(32, 64))
    derived = Keyring({"a": b"k" * 32}, index).signer
    assert derived.key_id == Signer(derived_key(index, "portal signature")).key_id != Signer(index).key_id
    assert Keyring({"a": b"k" * 32}, index, b"1" * 32).signer.key_id == ONE.key_id
