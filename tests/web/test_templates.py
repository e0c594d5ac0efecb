"""Templates obey the content security policy (no inline style, no inline script) and compile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from config import ROOT
from govservice.web.forms_ui import init_forms
from govservice.web.i18n import init_i18n
from govservice.web.shell import init_shell
from govservice.web.static import init_static

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(
    r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:|<script(?![^>]*\ssrc=)|https?://", re.IGNORECASE
)
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("templates", template_folder=str(ROOT / "templates"), static_folder=None)
    init_static(app, ROOT / "static")
    init_i18n(app, ROOT / "translations")
    init_forms(app)
    init_shell(app)
    return app


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_nothing_inline(path: Path) -> None:
    found = INLINE.search(COMMENT.sub("", path.read_text(encoding="utf-8")))
    assert not found, found


def test_the_guard_can_fail() -> None:
    for bad in ('<p style="x">', "<script>1</script>", '<a onclick="x">', '<a href="https://elsewhere.example">'):
        assert INLINE.search(bad)
    assert not INLINE.search('<script type="module" src="{{ asset(1) }}"></script>')


@pytest.mark.parametrize(
    "name",
    [
        path.relative_to(ROOT / "templates").as_posix()
        for path in TEMPLATES
        if "components" in path.parts or "layouts" in path.parts
    ],
)
def test_components_compile(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)
