"""Papers of the demonstration: one small page each, real enough to be opened."""

from __future__ import annotations

from functools import lru_cache

from govservice.operations.demo_words import FILE_NAMES
from govservice.operations.files import KINDS, Upload


@lru_cache(maxsize=256)
def paper(slot: str, revision: int = 1) -> Upload:
    """A one-page PDF for a material or an attachment, under a Chinese name."""
    text = f"Demonstration: {slot.replace('_', ' ')}, version {revision}"
    return Upload(FILE_NAMES.get(slot, f"{slot}.pdf"), KINDS["pdf"], pdf(text))


def pdf(text: str) -> bytes:
    """A PDF of one page with one line of ASCII text (PDF 1.4, built-in Helvetica)."""
    shown = text.translate({ord(c): f"\\{c}" for c in "()\\"})
    stream = f"BT /F1 18 Tf 72 770 Td ({shown}) Tj ET"
    bodies = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return out.encode("ascii")
