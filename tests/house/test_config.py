"""The settings: everything wrong is named at once, and no secret has a default outside demo mode."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from config import ConfigError, Settings, from_env

KEY = base64.b64encode(bytes(32)).decode()
PRODUCTION = {
    "DATABASE_URL": "postgres://portal@db/portal",
    "SECRET_KEY": "x" * 40,
    "KEK": f"k2:{KEY},k1:{KEY}",
    "INDEX_KEY": KEY,
    "STORAGE_DIR": "files",
    "BASE_URL": "https://portal.example",
    "REGISTRY_ENDPOINTS": "population=https://registry.example/p, enterprises=https://registry.example/e",
}


def problems(environ: dict[str, str], root: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        from_env(environ, root)
    return caught.value.problems


def test_an_empty_environment_is_production_and_names_everything_it_lacks(tmp_path: Path) -> None:
    said = " ".join(problems({}, tmp_path))
    for name in ("DATABASE_URL", "SECRET_KEY", "KEK", "INDEX_KEY", "STORAGE_DIR", "BASE_URL"):
        assert f"{name}" in said


def test_production_settings(tmp_path: Path) -> None:
    settings = from_env(PRODUCTION, tmp_path)
    assert settings.database_url == "postgresql+psycopg://portal@db/portal"
    assert [name for name, _ in settings.keks] == ["k2", "k1"]
    assert settings.registry_endpoints["enterprises"] == "https://registry.example/e"
    assert settings.secure_cookies
    assert not settings.demo
    assert settings.worker == "external"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("GOVSERVICE_MODE", "test", "demo, production"),
        ("DATABASE_URL", "mysql://db/portal", "neither"),
        ("DATABASE_URL", "sqlite://", "needs a file"),
        ("SECRET_KEY", "short", "shorter"),
        ("KEK", f"k1:{KEY},k1:{KEY}", "twice"),
        ("KEK", "k1:AAAA", "3 bytes"),
        ("INDEX_KEY", "not base64!", "base64"),
        ("SIGNING_KEY", "AAAA", "3 bytes"),
        ("BASE_URL", "http://portal.example", "https"),
        ("REGISTRY_ENDPOINTS", "population=gopher://registry", "form"),
        ("REGISTRY_ENDPOINTS", "population=http://127.0.0.1:8001/population", "this machine"),
        ("REGISTRY_ENDPOINTS", "population=http://169.254.169.254/latest", "its own link"),
        ("REGISTRY_ENDPOINTS", "population=http://[::ffff:169.254.169.254]/latest", "its own link"),
        ("REGISTRY_ENDPOINTS", "population=http://127.1:8001/population", "this machine"),
        ("REGISTRY_ENDPOINTS", "population=http://2130706433/population", "this machine"),
        ("REGISTRY_ENDPOINTS", "population=http://localhost./population", "this machine"),
        ("REGISTRY_KEYS", "market_reg=/nowhere/key.pem", "no file"),
        ("CLOCK", "simulated", "demo mode only"),
        ("MAX_UPLOAD_MB", "0", "from 1"),
        ("SESSION_HOURS", "２", "whole number"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("WORKER", "celery", "embedded"),
        ("KEK_FILE", "keks", "both"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: str, word: str) -> None:
    (said,) = problems(PRODUCTION | {name: value}, tmp_path)
    assert name in said
    assert word in said


def test_all_faults_are_named_together(tmp_path: Path) -> None:
    assert len(problems(PRODUCTION | {"LOG_LEVEL": "x", "WORKER": "y", "SECRET_KEY": ""}, tmp_path)) == 3


def test_keys_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keks").write_text(f"k3:{KEY}\nk2:{KEY}\n")
    environ = {key: value for key, value in PRODUCTION.items() if key != "KEK"}
    assert from_env(environ | {"KEK_FILE": "keks"}, tmp_path).keks[0][0] == "k3"
    demo = from_env({"GOVSERVICE_MODE": "demo", "KEK_FILE": "keks"}, tmp_path)
    assert demo.keks[0][0] == "k3"


def test_demo_draws_its_secrets_once_and_keeps_them_to_itself(tmp_path: Path) -> None:
    first, second = (from_env({"GOVSERVICE_MODE": "demo"}, tmp_path) for _ in range(2))
    assert first == second
    assert os.stat(tmp_path / "var" / "demo-secrets.env").st_mode & 0o077 == 0
    assert first.secret_key != from_env({"GOVSERVICE_MODE": "demo", "VAR_DIR": "other"}, tmp_path).secret_key


def test_demo_asks_its_registries_at_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "workflows" / "registries").mkdir(parents=True)
    (tmp_path / "workflows" / "registries" / "population.yaml").touch()
    demo = from_env({"GOVSERVICE_MODE": "demo", "SANDBOX_URL": "http://127.0.0.1:9/"}, tmp_path)
    assert demo.registry_endpoints == {"population": "http://127.0.0.1:9/population"}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    shown = repr(from_env(PRODUCTION, tmp_path))
    assert "x" * 40 not in shown
    assert "\\x00" not in shown
    assert isinstance(from_env(PRODUCTION, tmp_path), Settings)
