"""The portal's signature: what it hands out or keeps can be checked by anybody with the public key alone.

Compact JWS (RFC 7515) with Ed25519 (RFC 8037; `alg` as in RFC 9864). The key comes from the environment, never from
the database, so that whoever can write rows cannot sign them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from govservice.errors import Tampered

ALGORITHM = "Ed25519"


def derived_key(secret: bytes, use: str) -> bytes:
    """A key of its own for one use, from a secret that serves another (HKDF-SHA256, RFC 5869): 32 bytes."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=use.encode()).derive(secret)


class Signer:
    """Signs and checks. `seed` are the 32 bytes of an Ed25519 private key; raises ValueError for another length."""

    def __init__(self, seed: bytes) -> None:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = OKPKey.import_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.key_id: str = self._key.thumbprint()  # RFC 7638

    @property
    def public(self) -> Mapping[str, Any]:
        """The public key as a JWK, with its id: all that somebody else needs for `check`."""
        return {**self._key.as_dict(private=False), "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}

    def sign(self, payload: bytes) -> str:
        """The payload with the signature over it, as one line of text."""
        return jws.serialize_compact({"alg": ALGORITHM, "kid": self.key_id}, payload, self._key, [ALGORITHM])

    def check(self, signed: str) -> bytes:
        """The payload of what this key signed. Raises Tampered for anything else."""
        return check(signed, self.public)


def check(signed: str, public: Mapping[str, Any]) -> bytes:
    """The payload of what the private half of `public` (a JWK) signed. Raises Tampered for anything else."""
    try:
        found = jws.deserialize_compact(signed.encode(), OKPKey.import_key(dict(public)), [ALGORITHM])
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise Tampered("A signature does not fit.", fault=type(wrong).__name__) from wrong
    return found.payload
