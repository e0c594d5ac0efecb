"""How we show a registry who we are: a statement that we sign for each call, or a certificate for the connection."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from govservice.clock import WallClock
from govservice.definitions.schema_request import Auth

Keys = Mapping[str, Path]  # name in a registry's file -> file of the deployment
NO_KEYS: Keys = MappingProxyType({})
LIFETIME = 60  # seconds that a signed statement holds: one call, with some difference of clocks
_ALGORITHMS = {"EC": "ES256", "RSA": "PS256", "OKP": "Ed25519"}


class Identity:
    """Who we are to one registry. Keys are read once; raises ValueError where one is missing or no key."""

    def __init__(self, auth: Auth | None, keys: Keys) -> None:
        self._auth = auth
        self.context = _context(auth, keys) if auth is not None else None
        self._key = _key(keys, auth.key) if auth is not None and auth.key is not None else None
        self._clock = WallClock()

    def headers(self, call: str) -> dict[str, str]:
        """What goes with one call: RFC 7523's claims in the manner of a bearer token, good for this call alone."""
        auth, key = self._auth, self._key
        if auth is None or key is None:
            return {}
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": auth.client, "sub": auth.client, "aud": auth.audience, "jti": call, "iat": now,
            "exp": now + LIFETIME,
        }  # fmt: skip
        algorithm = _ALGORITHMS[key.key_type]
        header = {"alg": algorithm, "typ": "JWT", "kid": key.thumbprint()}
        return {"Authorization": f"Bearer {jwt.encode(header, claims, key, algorithms=[algorithm])}"}


def file_of(keys: Keys, name: str) -> Path:
    """The file that the deployment gives for a name. Raises ValueError where there is none."""
    path = keys.get(name)
    if path is None or not path.is_file():
        raise ValueError(f"the deployment gives no file for the key {name!r}")
    return path


def _key(keys: Keys, name: str) -> ECKey | OKPKey | RSAKey:
    pem = file_of(keys, name).read_bytes()
    for kind in (OKPKey, ECKey, RSAKey):
        try:
            key = kind.import_key(pem)
        except (ValueError, JoseError):
            continue
        if key.is_private:
            return key
    raise ValueError(f"the file of the key {name!r} holds no private key that we can sign with")


def _context(auth: Auth, keys: Keys) -> ssl.SSLContext | None:
    """A context for TLS 1.2 and later; None where the ordinary one will do."""
    if auth.certificate is None and auth.trust is None:
        return None
    trust = str(file_of(keys, auth.trust)) if auth.trust is not None else None
    context = ssl.create_default_context(cafile=trust)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if auth.certificate is not None:
        context.load_cert_chain(file_of(keys, auth.certificate))
    return context
