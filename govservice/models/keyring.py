"""Keys of people: envelope encryption and blind indexes.

Each person has a random 256-bit data key; it is stored wrapped (AES-GCM) by a key-encryption key that only the
environment holds. Rotation re-wraps the data keys and touches no data. Losing a data key erases the person.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from govservice.errors import Tampered
from govservice.models.signing import Signer, derived_key

NONCE = 12  # bytes, as NIST SP 800-38D recommends for AES-GCM


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


class Keyring:
    """The key-encryption keys by id (the first is the current one), the key of the blind index, and the one that signs.

    Keys are 32 bytes each; without `signing_key` one is derived from the index key. Raises ValueError for any other
    length.
    """

    def __init__(self, keks: Mapping[str, bytes], index_key: bytes, signing_key: bytes | None = None) -> None:
        if not keks or any(len(k) != 32 for k in keks.values()) or len(index_key) != 32:
            raise ValueError("keys must be 32 bytes")
        self.signer = Signer(signing_key or derived_key(index_key, "portal signature"))
        self._keks = dict(keks)
        self.current = next(iter(keks))
        self._index_key = index_key

    def new_key(self) -> tuple[bytes, str]:
        """A fresh wrapped data key and the id of the key that wrapped it."""
        return self._wrap(AESGCM.generate_key(256), self.current), self.current

    def rewrap(self, wrapped: bytes, key_id: str) -> tuple[bytes, str]:
        """The same data key wrapped by the current key-encryption key."""
        return self._wrap(self._unwrap(wrapped, key_id), self.current), self.current

    def box(self, wrapped: bytes | None, key_id: str) -> Box | None:
        """The person's box, or None when the person was erased."""
        return None if wrapped is None else Box(self._unwrap(wrapped, key_id))

    def blind(self, kind: str, value: str) -> str:
        """A keyed index of an identifier: equal values give equal text, nothing else is revealed."""
        return hmac.new(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def _wrap(self, key: bytes, kek_id: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + _cipher(self._keks[kek_id]).encrypt(nonce, key, kek_id.encode())

    def _unwrap(self, wrapped: bytes, key_id: str) -> bytes:
        if key_id not in self._keks:
            raise Tampered("The key-encryption key %(key_id)s is not configured.", key_id=key_id)
        try:
            return _cipher(self._keks[key_id]).decrypt(wrapped[:NONCE], wrapped[NONCE:], key_id.encode())
        except InvalidTag as error:
            raise Tampered("A person's data key does not open.", key_id=key_id) from error


class Box:
    """Seals and opens values with one person's data key. `context` binds a box to its place (`facts:<id>`),
    so that sealed values cannot be moved between rows unnoticed."""

    def __init__(self, key: bytes) -> None:
        self._cipher = _cipher(key)

    def seal(self, value: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises Tampered when the box was changed or moved."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        except InvalidTag as error:
            raise Tampered("A sealed value does not open.", context=context.partition(":")[0]) from error

    def seal_text(self, value: str, context: str) -> bytes:
        return self.seal(value.encode(), context)

    def open_text(self, sealed: bytes, context: str) -> str:
        return self.open(sealed, context).decode()

    def seal_json(self, value: Any, context: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), context)

    def open_json(self, sealed: bytes, context: str) -> Any:
        return json.loads(self.open(sealed, context))
