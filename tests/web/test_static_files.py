"""Static files: names that change with the content, compressed once, kept for a year; and what must not be in them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask

from config import ROOT
from govservice.web.static import StaticFiles, init_static, minify_css

FORBIDDEN = re.compile(rb"GDS Transport|@font-face|crown|crest|logotype", re.IGNORECASE)
FOREIGN = re.compile(rb"url\(\s*['\"]?(?:https?:)?//|@import|https?://(?!www\.w3\.org/)[a-z0-9]")
FIRST_PAGE_BUDGET = 50_000  # octets over the wire, the page itself included
ROOM_FOR_HTML = 12_000


@pytest.fixture
def app() -> Flask:
    app = Flask("static", static_folder=None)
    init_static(app, ROOT / "static")
    return app


def test_a_fingerprinted_name_is_kept_for_a_year(app: Flask) -> None:
    url = app.extensions["assets"].url("css/portal.css")
    assert re.fullmatch(r"/static/css/portal\.[0-9a-f]{10}\.css", url)
    answer = app.test_client().get(url, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"gs-header" in gzip.decompress(answer.data)


def test_the_smallest_accepted_form_is_sent(app: Flask) -> None:
    client, url = app.test_client(), app.extensions["assets"].url("css/portal.css")
    sizes = {
        coding: len(client.get(url, headers={"Accept-Encoding": coding}).data) for coding in ("br, gzip", "gzip", "")
    }
    assert sizes["br, gzip"] < sizes["gzip"] < sizes[""]
    assert client.get(url, headers={"Accept-Encoding": "gzip;q=0"}).headers.get("Content-Encoding") is None


def test_plain_and_outdated_names_are_revalidated(app: Flask) -> None:
    client = app.test_client()
    for name in ("/static/css/portal.css", "/static/css/portal.0123456789.css"):
        answer = client.get(name)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "Content-Encoding" not in answer.headers
        assert client.get(name, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_what_is_not_there_is_not_there(app: Flask) -> None:
    client = app.test_client()
    for name in ("css/none.css", "../config.py", "..%2Fconfig.py", "vendor/govuk-frontend/README.md", ""):
        assert client.get(f"/static/{name}").status_code == 404
    with pytest.raises(KeyError):
        app.extensions["assets"].url("css/portall.css")


def test_a_changed_file_gets_a_new_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("govservice.web.static.BUNDLES", {})
    (tmp_path / "a.css").write_text("a { color: red }")
    before = StaticFiles(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("a { color: blue }")
    assert StaticFiles(tmp_path).url("a.css") != before


def test_the_first_page_is_light(app: Flask) -> None:
    client = app.test_client()
    names = ("css/portal.css", "js/portal.js", "images/seal.svg")
    sizes = {name: len(client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"}).data) for name in names}
    assert sum(sizes.values()) <= FIRST_PAGE_BUDGET - ROOM_FOR_HTML, sizes


@pytest.mark.parametrize("path", sorted((ROOT / "static").rglob("*.*")), ids=lambda path: path.name)
def test_no_foreign_marks_and_no_foreign_hosts(path: Path) -> None:
    if path.suffix == ".md":
        return
    body = path.read_bytes()
    assert not FORBIDDEN.search(body)
    assert not FOREIGN.search(body)


def test_minifying_keeps_what_matters() -> None:
    css = '/* a */ .a > .b {\n  width: calc(100% - 4px);\n  content: " / ";\n}\n@media print { .c { top: 0 } }'
    assert minify_css(css) == '.a > .b{width: calc(100% - 4px);content: " / "}@media print{.c{top: 0}}'
