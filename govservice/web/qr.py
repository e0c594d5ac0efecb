"""The code that leads from a printed licence to its public page."""

from __future__ import annotations

import segno
from flask import url_for
from markupsafe import Markup

from govservice.operations.runtime import Runtime


def qr_of(rt: Runtime, code: str) -> Markup:
    """The QR of a licence's public page, as SVG without inline style."""
    address = rt.settings.base_url.rstrip("/") + url_for("public.licence", code=code)
    drawn = segno.make(address, error="m", micro=False)
    # segno draws numbers only; nothing a person typed gets into the markup
    return Markup(drawn.svg_inline(scale=4, border=2, dark="#17211f", light="#ffffff", svgclass=None, lineclass=None))  # noqa: S704
