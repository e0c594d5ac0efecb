"""How far a case is brought in tests of what clerks do, and the files they attach."""

from __future__ import annotations

import io

from tests.web.desks import PDF, Desks


def pdf(name: str = "现场.pdf", content: bytes = PDF) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def at_site(desks: Desks) -> str:
    """A case whose papers on food safety are in order: the site visit is next."""
    number = desks.reviewed()
    desks.do("zhang.qiang", number, "pass", desks.token(number, "review.food"))
    return number
