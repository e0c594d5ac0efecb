"""What a file is by its content, and what its name may be: files that are two things, bombs, deceiving names."""

from __future__ import annotations

import io
import unicodedata
import zipfile
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from govservice.errors import Invalid, TooLarge
from govservice.operations.files import check_upload
from govservice.operations.sniffing import MAX_MEMBERS, MAX_NAME, MAX_UNPACKED, display_name, sniff

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def png(width: int = 2, height: int = 2, tail: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    rows = b"".join(b"\x00" + b"\x00" * 3 * min(width, 4) for _ in range(min(height, 4)))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body + tail


def jpg(width: int = 2, height: int = 2, tail: bytes = b"", before: bytes = b"") -> bytes:
    app = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + app + before + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00" + b"\xff\xd9" + tail


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, (2026, 3, 2, 10, 0, 0)), content, compression)  # no hour of its own
    return out.getvalue()


DOCX = archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
XLSX = archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"})
ZIP = archive({"plan.dwg": b"AC1032 and more"})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "pdf"),
        (png(), "png"),
        (jpg(), "jpg"),
        (DOCX, "docx"),
        (XLSX, "xlsx"),
        (ZIP, "zip"),
        (b"AC1032\x00\x00", "dwg"),
        (png(tail=b"\x00" * 8), "png"),
        (jpg(tail=b"trailer of a camera"), "jpg"),
    ],
    ids=["pdf", "png", "jpg", "docx", "xlsx", "zip", "dwg", "png with a tail", "jpg with a trailer"],
)
def test_ordinary_files(content: bytes, kind: str) -> None:
    assert sniff(content) == kind
    assert check_upload("layout", f"文件.{kind}", content, (kind,), 1).name == f"文件.{kind}"


TWO_THINGS = {
    "archive behind a PDF": PDF + ZIP,
    "archive in a PDF": PDF[:-6] + ZIP + b"\n%%EOF\n",
    "archive behind a picture": png() + ZIP,
    "archive behind a photo": jpg() + ZIP,
    "PDF in a picture": png(tail=b"")[:8] + b"%PDF-1.4" + png()[8:],
    "PDF behind a photo's head": jpg(before=b"\xff\xfe\x00\x0c%PDF-1.4\n"),
    "GIF with a script": b"GIF89a/*<script>*/=1;",
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "SVG": b'<svg xmlns="x" onload="alert(1)"/>',
    "HTML that says it is a PDF": b"<html>%PDF-1.4 %%EOF",
    "program": b"MZ\x90\x00" + b"\x00" * 60,
    "script": b"#!/bin/sh\nrm -rf /",
    "test virus": rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!",
    "PDF without an end": b"%PDF-1.4\n" + b"x" * 9000,
    "half a picture": png()[:20],
    "half a photo": jpg()[:12],
    "nothing": b"",
    "text": b"plain text",
    "BOM": "\ufeff%PDF-1.4 %%EOF".encode(),
}


@pytest.mark.parametrize("content", TWO_THINGS.values(), ids=TWO_THINGS)
def test_what_is_refused(content: bytes) -> None:
    assert sniff(content) is None


def test_bombs_are_refused_unopened() -> None:
    zeros = b"\x00" * (MAX_UNPACKED // 4 + 1)
    assert sniff(archive({f"{n}.bin": zeros for n in range(4)})) is None, "unpacks to more than the cap"
    assert sniff(archive({"a.bin": b"\x00" * 5_000_000})) is None, "a thousand times smaller than its content"
    assert sniff(archive({f"{n}": b"" for n in range(MAX_MEMBERS + 1)}, zipfile.ZIP_STORED)) is None
    assert sniff(png(60_000, 60_000)) is None
    assert sniff(png(0, 10)) is None
    assert sniff(jpg(65_535, 65_535)) is None
    assert sniff(png(10_000, 12_000)) == "png", "a large plan is none"


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:\\x", "\\\\server\\x", "word/vbaProject.bin", "C:x"]
)
def test_archives_with_odd_paths_or_macros_are_refused(name: str) -> None:
    assert sniff(archive({"[Content_Types].xml": b"x", "word/document.xml": b"x", name: b"x"})) is None


def test_a_broken_archive_is_no_fault() -> None:
    for cut in range(0, len(DOCX), 7):
        assert sniff(DOCX[:cut]) is None
    for at in range(0, len(DOCX), 5):
        sniff(DOCX[:at] + b"\xff" + DOCX[at + 1 :])


@given(
    st.sampled_from([b"", b"%PDF-", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"AC10"]),
    st.binary(max_size=400),
)
@example(b"\xff\xd8\xff", b"\xff" * 50)
@example(b"\xff\xd8\xff", b"\xe0\x00\x00\xff\xe0\x00\x00")
def test_no_content_is_a_fault(head: bytes, rest: bytes) -> None:
    assert sniff(head + rest) in (None, "pdf", "png", "jpg", "docx", "xlsx", "dwg", "zip")


# -- upload as a whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plan.pdf.exe", PDF),
        ("plan.exe", PDF),
        ("plan.png", PDF),
        ("plan", PDF),
        ("plan．pdf", PDF),
        ("plan.pdf ", png()),
        ("plan.gpj\u202efdp.exe", PDF),
        ("plan.pdf\x00.exe", PDF),
        ("plan.svg", PDF),
        ("plan.pdf/", PDF),
        ("", PDF),
        ("plan.docm", DOCX),
    ],
)
def test_endings_that_do_not_fit(name: str, content: bytes) -> None:
    with pytest.raises(Invalid) as wrong:
        check_upload("layout", name, content, ("pdf", "png", "jpg", "docx"), 1)
    assert set(wrong.value.fields) == {"layout"}


@pytest.mark.parametrize(
    "name", ["PLAN.PDF", "plan.Pdf", "平面图.pdf", "a.tar.pdf", "C:\\plans\\plan.pdf", "𠮷.pdf", "pdf.pdf"]
)
def test_endings_that_fit(name: str) -> None:
    assert check_upload("layout", name, PDF, ("pdf",), 1).mime == "application/pdf"


def test_a_photo_may_be_called_jpeg() -> None:
    assert check_upload("photos", "店面.JPEG", jpg(), ("jpg",), 1).mime == "image/jpeg"


def test_size_and_kind() -> None:
    with pytest.raises(TooLarge):
        check_upload("layout", "plan.pdf", PDF + b"x" * 1024 * 1024, ("pdf",), 1)
    with pytest.raises(Invalid):
        check_upload("layout", "plan.pdf", b"", ("pdf",), 1)
    with pytest.raises(Invalid):
        check_upload("layout", "plan.pdf", PDF, ("png",), 1)


# -- names


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("平面布局图（修改）.pdf", "平面布局图（修改）.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\x\\图.pdf", "图.pdf"),
        ("a\x00b\r\nc.pdf", "abc.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("\u2066a\u2069.pdf", "a.pdf"),
        ("con.pdf", "_con.pdf"),
        ("LPT1.pdf", "_LPT1.pdf"),
        ('a"<b>:c|d?*.pdf', "a__b__c_d__.pdf"),
        (" .pdf", "pdf"),
        ("...", "file"),
        ("", "file"),
        ("a.pdf. ", "a.pdf"),
        ("e\u0301.pdf", "é.pdf"),
        ("\ud800a.pdf", "a.pdf"),
        ("a\u2028b.pdf", "ab.pdf"),
        ("\ue000a.pdf", "a.pdf"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
        ("𠮷野家.pdf", "𠮷野家.pdf"),
    ],
)
def test_names_shown(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


@given(st.text(max_size=400))
@example("x." + "y" * 300)
def test_no_name_deceives(raw: str) -> None:
    name = display_name(raw)
    assert 0 < len(name) <= MAX_NAME
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name)
    assert not set(name) & set('/\\<>:"|?*')
    name.encode()
