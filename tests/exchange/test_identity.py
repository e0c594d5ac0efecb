"""Who we are to a registry: a statement signed for one call, or a certificate on a real TLS connection."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from govservice.clock import WallClock
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import RegistryFile
from govservice.definitions.schema_request import Auth
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.connectors.identity import Identity
from govservice.exchange.outcomes import Outcome
from tests.exchange.test_connector import Registry, query, registry

__all__ = ["registry"]
SIGNED = {"kind": "private_key_jwt", "key": "portal", "client": "one-stop-portal", "audience": "population-register"}


def with_auth(registry: RegistryFile, auth: dict[str, str]) -> RegistryFile:
    limits = registry.limits.model_copy(update={"timeout_ms": 10_000})
    return registry.model_copy(update={"auth": Auth.model_validate(auth), "limits": limits})


@pytest.fixture
def population(catalogue: Catalogue) -> RegistryFile:
    return catalogue.registries["population"]


@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "RSA"])
def test_each_call_carries_a_statement_of_its_own(
    kind: str, registry: Registry, population: RegistryFile, tmp_path: Path
) -> None:
    key = {"Ed25519": OKPKey, "P-256": ECKey, "RSA": RSAKey}[kind].generate_key(2048 if kind == "RSA" else kind)
    path = tmp_path / "portal.pem"
    path.write_bytes(key.as_pem(private=True))
    connector = HttpJson(with_auth(population, SIGNED), registry.url, {"portal": path})
    for call in ("call-1", "call-2"):
        assert connector.fetch(query(idempotency_key=call, deadline=time.monotonic() + 10)).outcome is Outcome.OK
    connector.close()
    now = WallClock().now().timestamp()
    for call, (_method, _path, headers, _body) in zip(("call-1", "call-2"), registry.asked, strict=True):
        token = headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["Ed25519", "ES256", "PS256"]).claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("one-stop-portal",) * 2 + ("population-register",)
        assert claims["jti"] == call
        assert claims["iat"] - 5 <= now < claims["exp"] <= claims["iat"] + 60
    assert "PRIVATE" not in str(registry.asked)


@pytest.mark.parametrize("content", [None, b"", b"no key", "public"])
def test_a_key_that_is_none_stops_the_start(content: bytes | str | None, tmp_path: Path) -> None:
    path = tmp_path / "portal.pem"
    if content is not None:
        public = OKPKey.generate_key("Ed25519").as_pem(private=False)
        path.write_bytes(public if isinstance(content, str) else content)
    with pytest.raises(ValueError, match="'portal'"):
        Identity(Auth.model_validate(SIGNED), {"portal": path})


class Authority:
    """Certificates for a test, made on the spot."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / f"{name}.pem"
        self.certificate = self._made(self.key, name, self.key, name, ca=True)
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Path:
        """A certificate for this name with its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._made(key, name, self.key, self.name, ca=False)
        path = self.folder / f"{self.name}-{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        return path

    @staticmethod
    def _made(
        key: ec.EllipticCurvePrivateKey, name: str, by: ec.EllipticCurvePrivateKey, issuer: str, *, ca: bool
    ) -> x509.Certificate:
        now = WallClock().now()
        named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer)]
        return (
            x509.CertificateBuilder()
            .subject_name(named[0]).issuer_name(named[1]).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                    key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
                ), critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
            .sign(by, hashes.SHA256())
        )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "state-ca")


@pytest.fixture
def tls(state: Authority) -> Iterator[tuple[Registry, str]]:
    """A registry that wants a certificate of the state's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state.issue("localhost"))
    context.load_verify_locations(state.path)
    context.verify_mode = ssl.CERT_REQUIRED
    with Registry() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server, f"https://localhost:{server.server_address[1]}/base"
        server.shutdown()
        thread.join()


def outcome(population: RegistryFile, url: str, auth: dict[str, str], keys: dict[str, Path]) -> Outcome:
    connector = HttpJson(with_auth(population, auth), url, keys)
    found = connector.fetch(query(deadline=time.monotonic() + 10)).outcome
    connector.close()
    return found


MUTUAL = {"kind": "mtls", "certificate": "ours", "trust": "state"}


def test_both_sides_show_a_certificate(tls: tuple[Registry, str], state: Authority, population: RegistryFile) -> None:
    server, url = tls
    keys = {"ours": state.issue("portal"), "state": state.path}
    assert outcome(population, url, MUTUAL, keys) is Outcome.OK
    assert len(server.asked) == 1


def test_without_ours_or_with_another_authority_nothing_is_asked(
    tls: tuple[Registry, str], state: Authority, population: RegistryFile, tmp_path: Path
) -> None:
    server, url = tls
    stranger = Authority(tmp_path, "other-ca")
    only_trust = {"kind": "tls", "trust": "state"}
    assert outcome(population, url, only_trust, {"state": state.path}) is Outcome.UNAVAILABLE  # ours is missing
    theirs = {"ours": stranger.issue("portal"), "state": state.path}
    assert outcome(population, url, MUTUAL, theirs) is Outcome.UNAVAILABLE  # they do not know ours
    unknown = {"ours": state.issue("portal"), "state": stranger.path}
    assert outcome(population, url, MUTUAL, unknown) is Outcome.UNAVAILABLE  # we do not know theirs
    assert server.asked == []
