"""Static files: read once, fingerprinted, compressed once, served for a year.

`asset('css/portal.css')` in a template gives `/static/css/portal.4f1c09ab2d.css`. The name changes with the content,
so the answer may be kept for ever; the plain name works too and is revalidated with its ETag. Stylesheets are bundled
(BUNDLES) so that a first visit fetches one stylesheet and one script.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from flask import Flask, Response, abort, request

Guard = Callable[[Callable[..., Response]], Callable[..., Response]]
BUNDLES: Mapping[str, tuple[str, ...]] = {
    "css/portal.css": (
        "vendor/govuk-frontend/govuk.css",
        "css/base.css",
        "css/shell.css",
        "css/components.css",
        "css/tables.css",
        "css/charts.css",
        "css/citizen.css",
        "css/staff.css",
        "css/dark.css",
        "css/session.css",
        "css/print.css",
    ),
    "js/portal.js": ("vendor/govuk-frontend/govuk.js", "js/page.js", "js/session.js"),
}
YEAR = "public, max-age=31536000, immutable"
COMPRESSED = {"text/css", "text/javascript", "image/svg+xml", "application/json", "text/plain"}
FINGERPRINT = re.compile(r"^(?P<stem>.+)\.(?P<print>[0-9a-f]{10})\.(?P<ext>\w+)$")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file ready to send: `body` as read (or bundled), `gzip`/`brotli` empty when they would not be smaller."""

    name: str
    mimetype: str
    body: bytes
    gzip: bytes
    brotli: bytes
    digest: str

    @property
    def fingerprinted(self) -> str:
        stem, _, ext = self.name.rpartition(".")
        return f"{stem}.{self.digest}.{ext}"


def minify_css(text: str) -> str:
    """Drop comments and needless blanks. Knows our own plain CSS, not every CSS."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,]) ?", r"\1", text).replace(";}", "}").strip()


@lru_cache(maxsize=256)
def make_asset(name: str, body: bytes) -> Asset:
    """Compress once per content: a process that builds several applications (tests do) pays only for the first."""
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    squeezed = packed = b""
    if mimetype in COMPRESSED:
        squeezed = gzip.compress(body, 9, mtime=0)
        packed = brotli.compress(body, quality=11)
    return Asset(name, mimetype, body, squeezed, packed, hashlib.sha256(body).hexdigest()[:10])


def load_assets(folder: Path) -> dict[str, Asset]:
    """Every bundle and every file that is not part of one, by its name. Raises FileNotFoundError for a missing part."""
    assets: dict[str, Asset] = {}
    parts_of_bundles = {part for parts in BUNDLES.values() for part in parts}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"):
        name = path.relative_to(folder).as_posix()
        if name not in parts_of_bundles:
            assets[name] = make_asset(name, path.read_bytes())
    for name, parts in BUNDLES.items():
        texts = [(folder / part).read_text(encoding="utf-8") for part in parts]
        if name.endswith(".css"):
            texts = [minify_css(text) for text in texts]
        assets[name] = make_asset(name, "\n".join(texts).encode())
    return assets


class StaticFiles:
    """The loaded files of one application. `reload` re-reads changed files (for people who edit the look)."""

    def __init__(self, folder: Path, prefix: str = "/static", reload: bool = False) -> None:
        self.folder, self.prefix, self.reload = folder, prefix, reload
        self._assets = load_assets(folder)
        self._stamp = self._newest()

    def _newest(self) -> float:
        return max((p.stat().st_mtime for p in self.folder.rglob("*") if p.is_file()), default=0.0)

    def assets(self) -> dict[str, Asset]:
        if self.reload and (newest := self._newest()) != self._stamp:
            self._assets, self._stamp = load_assets(self.folder), newest
        return self._assets

    def url(self, name: str) -> str:
        """The fingerprinted address. Raises KeyError for a file that is not there: a typo must not reach people."""
        return f"{self.prefix}/{self.assets()[name].fingerprinted}"

    def find(self, name: str) -> tuple[Asset, bool] | None:
        """The asset and whether the address was fingerprinted (an old fingerprint is answered with what is there)."""
        if match := FINGERPRINT.match(name):
            plain = self.assets().get(f"{match['stem']}.{match['ext']}")
            if plain is not None:
                return plain, plain.digest == match["print"]
        found = self.assets().get(name)
        return (found, False) if found else None

    def respond(self, name: str) -> Response:
        found = self.find(name)
        if found is None:
            abort(404)
        asset, forever = found
        body, encoding = choose_encoding(asset)
        response = Response(body, mimetype=asset.mimetype)
        if encoding:
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = YEAR if forever else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.set_etag(f"{asset.digest}-{encoding or 'plain'}")
        response.make_conditional(request)
        return response


def choose_encoding(asset: Asset) -> tuple[bytes, str]:
    """The smallest form that the browser says it accepts, with its Content-Encoding ("" for none)."""
    accepted = request.accept_encodings
    if asset.brotli and accepted["br"] > 0:
        return asset.brotli, "br"
    if asset.gzip and accepted["gzip"] > 0:
        return asset.gzip, "gzip"
    return asset.body, ""


def init_static(app: Flask, folder: Path, reload: bool = False, guard: Guard = lambda view: view) -> StaticFiles:
    """Register `/static/<name>` (endpoint `assets`) and the template global `asset`.

    Build the app with `Flask(..., static_folder=None)`, so that there is one static route. `guard` declares the
    audience of the route: pass `audience("anyone")`.
    """
    files = StaticFiles(folder, reload=reload)

    def assets(name: str) -> Response:
        return files.respond(name)

    app.add_url_rule("/static/<path:name>", "assets", guard(assets))
    app.jinja_env.globals["asset"] = files.url
    app.extensions["assets"] = files
    return files
