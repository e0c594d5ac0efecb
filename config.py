"""The only door to the environment: read once into a frozen `Settings`, every fault named at once.

Nothing else in the product reads `os.environ`. Outside demo mode no secret has a default; in demo mode the
secrets are made once into `var/` (mode 0600) so that a restart keeps sessions and encrypted columns readable.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from govservice.wire.inside import is_inside

ROOT = Path(__file__).resolve().parent
KEY_BYTES = 32  # AES-256 and HMAC-SHA-256
DEMO_SECRETS_FILE = "demo-secrets.env"
WORKERS = ("embedded", "external")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

Mode = Literal["demo", "production"]
T = TypeVar("T")


class ConfigError(Exception):
    """The environment cannot be used; `problems` names every value that is missing or wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The settings cannot be used:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """Where fees are paid: the provider's address, our name there, and the key that signs both ways (32 bytes)."""

    url: str
    merchant: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the deployment decides. Keys are raw bytes and never shown by repr."""

    mode: Mode
    database_url: str  # an SQLAlchemy URL; PostgreSQL always through psycopg 3
    secret_key: str = field(repr=False)
    keks: tuple[tuple[str, bytes], ...] = field(repr=False)  # key-encryption keys (id, 32 bytes); the first is current
    index_key: bytes = field(repr=False)  # of the keyed blind index, 32 bytes
    storage_dir: Path
    base_url: str
    registry_endpoints: Mapping[str, str] = field(default_factory=dict)  # endpoint key -> URL: the allow-list
    registry_keys: Mapping[str, Path] = field(default_factory=dict)  # name in a registry's file -> PEM file
    payment: PaymentAccount | None = None  # None: no service with a fee can be offered
    signing_key: bytes | None = field(default=None, repr=False)  # Ed25519, 32 bytes; None: derived from the index key
    clock: Literal["wall", "simulated"] = "wall"
    secure_cookies: bool = True
    max_upload_mb: int = 20
    session_hours: int = 12  # a sign-in lives at most this long
    session_idle_minutes: int = 30  # and this long without being used
    trusted_proxies: int = 0  # reverse proxies in front, whose X-Forwarded-* headers are believed
    registration: Literal["open", "closed"] = "closed"  # whether people may register without a proof of identity
    log_level: str = "INFO"
    worker: Literal["embedded", "external"] = "external"
    var_dir: Path = ROOT / "var"
    workflows_dir: Path = ROOT / "workflows"

    @property
    def demo(self) -> bool:
        """Whether the demo accounts, the simulated clock and the registry sandbox are allowed."""
        return self.mode == "demo"


def from_env(environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> Settings:
    """The settings of this deployment. Raises `ConfigError` naming every missing or wrong value at once."""
    mode: Mode = "demo" if environ.get("GOVSERVICE_MODE", "production").strip() == "demo" else "production"
    var_dir = root / environ.get("VAR_DIR", "var")
    values = dict(environ)
    if mode == "demo":
        given = {name: value for name, value in environ.items() if value.strip()}
        values = {**_demo_defaults(root, var_dir, given), **given}
        if "KEK_FILE" in values and "KEK" not in environ:
            del values["KEK"]
    settings = _Reader(values, root, var_dir).settings(mode)
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    settings.storage_dir.mkdir(parents=True, exist_ok=True)
    return settings


class _Reader:
    """Reads one value at a time and remembers what is wrong, so that all faults are told together."""

    def __init__(self, values: Mapping[str, str], root: Path, var_dir: Path) -> None:
        self.values = values
        self.root = root
        self.var_dir = var_dir
        self.problems: list[str] = []

    def settings(self, mode: Mode) -> Settings:
        """Builds `Settings`, or raises `ConfigError` with all problems found on the way."""
        if (given := self.values.get("GOVSERVICE_MODE", mode).strip()) not in ("demo", "production"):
            self.problems.append(f"GOVSERVICE_MODE: {given!r} is not one of demo, production")
        base_url = self.read("BASE_URL", lambda text: _base_url(text, mode)) or ""
        # The simulated clock runs with the wall until `flask clock advance` moves it.
        worker, clock = ("embedded", "simulated") if mode == "demo" else ("external", "wall")
        settings = Settings(
            mode=mode,
            database_url=self.read("DATABASE_URL", lambda text: database_url(text, self.root)) or "",
            secret_key=self.read("SECRET_KEY", _secret) or "",
            keks=self.keks(),
            index_key=self.read("INDEX_KEY", _key) or b"",
            storage_dir=self.root / (self.read("STORAGE_DIR", str) or "var/files"),
            base_url=base_url,
            registry_endpoints=self.read("REGISTRY_ENDPOINTS", lambda text: _endpoints(text, mode), default="") or {},
            registry_keys=self.read("REGISTRY_KEYS", lambda text: _key_files(text, self.root), default="") or {},
            payment=self.payment(mode),
            signing_key=self.read("SIGNING_KEY", _key) if self.values.get("SIGNING_KEY", "").strip() else None,
            clock=cast("Literal['wall', 'simulated']", self.one_of("CLOCK", ("wall", "simulated"), clock)),
            secure_cookies=not (mode == "demo" and base_url.startswith("http:")),
            max_upload_mb=self.read("MAX_UPLOAD_MB", _whole(1, 200), default="20") or 0,
            session_hours=self.read("SESSION_HOURS", _whole(1, 168), default="12") or 0,
            session_idle_minutes=self.read("SESSION_IDLE_MINUTES", _whole(5, 720), default="30") or 0,
            trusted_proxies=self.read("TRUSTED_PROXIES", _whole(0, 5), default="0") or 0,
            registration=cast(
                "Literal['open', 'closed']",
                self.one_of("REGISTRATION", ("open", "closed"), "open" if mode == "demo" else "closed"),
            ),
            log_level=self.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
            worker=cast("Literal['embedded', 'external']", self.one_of("WORKER", WORKERS, worker)),
            var_dir=self.var_dir,
            workflows_dir=self.root / self.values.get("WORKFLOWS_DIR", "workflows"),
        )
        if mode != "demo" and settings.clock == "simulated":
            self.problems.append("CLOCK: simulated is allowed in demo mode only")
        if self.problems:
            raise ConfigError(self.problems)
        return settings

    def read(self, name: str, parse: Callable[[str], T], default: str | None = None) -> T | None:
        """The parsed value, or None after noting what is wrong with it."""
        text = (self.values.get(name) or "").strip()
        if not text:
            if default is None:
                self.problems.append(f"{name}: missing")
                return None
            text = default
        try:
            return parse(text)
        except ValueError as wrong:
            self.problems.append(f"{name}: {wrong}")
            return None

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """A word of a closed list."""

        def check(text: str) -> str:
            if text not in allowed:
                raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
            return text

        return self.read(name, check, default) or default

    def payment(self, mode: Mode) -> PaymentAccount | None:
        """PAYMENT_URL, PAYMENT_MERCHANT and PAYMENT_KEY: all three, or none where no service has a fee."""
        if not any(self.values.get(f"PAYMENT_{name}", "").strip() for name in ("URL", "MERCHANT", "KEY")):
            return None
        url = self.read("PAYMENT_URL", lambda text: _base_url(text, mode))
        merchant, key = self.read("PAYMENT_MERCHANT", _merchant), self.read("PAYMENT_KEY", _key)
        return PaymentAccount(url, merchant, key) if url and merchant and key else None

    def keks(self) -> tuple[tuple[str, bytes], ...]:
        """The key-encryption keys from KEK or from the file that KEK_FILE names (one of the two)."""
        inline, file = self.values.get("KEK", "").strip(), self.values.get("KEK_FILE", "").strip()
        if inline and file:
            self.problems.append("KEK, KEK_FILE: both are given; which one holds the current key?")
            return ()
        if not inline and not file:
            self.problems.append("KEK (or KEK_FILE): missing")
            return ()
        try:
            return _keks(inline or (self.root / file).read_text(encoding="utf-8"))
        except (ValueError, OSError) as wrong:
            self.problems.append(f"{'KEK' if inline else 'KEK_FILE'}: {wrong}")
            return ()


def database_url(text: str, root: Path = ROOT) -> str:
    """An SQLAlchemy URL: PostgreSQL goes through psycopg 3, a relative SQLite path starts at the project."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError("is not a database URL")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme != "sqlite":
        raise ValueError(f"{scheme!r} is neither sqlite nor postgresql")
    path = rest.removeprefix("/")
    if not path or ":memory:" in path:
        raise ValueError("an SQLite database needs a file: several processes share it")
    return f"sqlite:///{root / path}"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _secret(text: str) -> str:
    if len(text) < KEY_BYTES:
        raise ValueError(f"is shorter than {KEY_BYTES} characters")
    return text


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"holds {len(key)} bytes, {KEY_BYTES} are needed")
    return key


def _merchant(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", text):
        raise ValueError("is not of small letters, digits, _ and -")
    return text


def _keks(text: str) -> tuple[tuple[str, bytes], ...]:
    """`id:base64,id:base64` (or one per line); the first encrypts, all decrypt."""
    pairs: dict[str, bytes] = {}
    for part in filter(None, re.split(r"[\s,]+", text)):
        name, _, encoded = part.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
            raise ValueError("a key needs the form id:base64")
        if name in pairs:
            raise ValueError(f"the key id {name!r} is given twice")
        pairs[name] = _key(encoded)
    if not pairs:
        raise ValueError("holds no key")
    return tuple(pairs.items())


NETWORKS = ("http", "https", "postgresql", "postgresql+psycopg")  # addresses with a host
FILES = ("file", "sqlite")  # addresses of this machine's files


def _endpoints(text: str, mode: Mode = "demo") -> dict[str, str]:
    """`key=url` pairs separated by commas or white space. Outside demo mode a registry is no part of this machine."""
    found: dict[str, str] = {}
    for part in filter(None, re.split(r"[\s,]+", text)):
        key, _, url = part.partition("=")
        parts = urlsplit(url)
        known = parts.scheme in NETWORKS and bool(parts.hostname) or parts.scheme in FILES and bool(parts.path)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", key) or not known:
            raise ValueError(f"the entry {key[:64]!r} is not of the form key={'|'.join((*NETWORKS, *FILES))}://...")
        if mode != "demo" and parts.hostname and is_inside(parts.hostname):
            raise ValueError(f"{key!r}: {parts.hostname} is an address of this machine or of its own link")
        if key in found:
            raise ValueError(f"the key {key!r} is given twice")
        found[key] = url.rstrip("/")
    return found


def _key_files(text: str, root: Path) -> dict[str, Path]:
    """`name=path` pairs: what the files of registries call a key, and the PEM file that it is."""
    found: dict[str, Path] = {}
    for part in filter(None, re.split(r"[\s,]+", text)):
        name, _, path = part.partition("=")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not path:
            raise ValueError(f"{name[:64]!r} is not of the form name=path")
        if not (file := root / path).is_file():
            raise ValueError(f"{name!r}: there is no file {path}")
        found[name] = file
    return found


def _base_url(text: str, mode: Mode) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not an http(s) address")
    if mode != "demo" and parts.scheme != "https":
        raise ValueError("must be https outside demo mode: cookies, personal data and payments travel on it")
    return text.rstrip("/")


def _demo_defaults(root: Path, var_dir: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What a demo needs when nothing is set; the secrets are drawn once and kept in `var/`.

    Every registry of `workflows/registries/` is served by the one sandbox, under its own name.
    """
    sandbox = given.get("SANDBOX_URL", "http://127.0.0.1:8001").rstrip("/")
    drawn = _demo_secrets(var_dir)
    if "PAYMENT_KEY" not in drawn:  # secrets drawn before there were payments
        digest = hashlib.sha256(b"payment " + drawn["SECRET_KEY"].encode()).digest()
        drawn["PAYMENT_KEY"] = base64.b64encode(digest).decode("ascii")
    registries = sorted(path.stem for path in (root / "workflows" / "registries").glob("*.yaml"))
    return {
        "GOVSERVICE_MODE": "demo",
        "DATABASE_URL": f"sqlite:///{var_dir / 'portal.db'}",
        "STORAGE_DIR": str(var_dir / "files"),
        "BASE_URL": "http://localhost:8000",
        "REGISTRY_ENDPOINTS": ",".join(f"{name}={sandbox}/{name}" for name in registries),
        "PAYMENT_URL": "http://127.0.0.1:8002",
        "PAYMENT_MERCHANT": "demo-portal",
        **drawn,
    }


def _demo_secrets(var_dir: Path) -> dict[str, str]:
    """Reads `var/demo-secrets.env`, made on first use; two processes starting at once agree on one file."""
    path = var_dir / DEMO_SECRETS_FILE
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        draft = var_dir / f".{DEMO_SECRETS_FILE}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(f"SECRET_KEY={secrets.token_urlsafe(48)}\n")
            out.write(f"KEK=demo1:{_random_key()}\nINDEX_KEY={_random_key()}\n")
            out.write(f"PAYMENT_KEY={_random_key()}\n")
        try:
            os.link(draft, path)  # fails where the other process was first: its file counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
