"""What a file is by its content, and a name for it that deceives nobody. Nothing is decoded or unpacked here.

A file that is two things at once (a picture with an archive behind it) is refused: what a virus scanner, a viewer and
a person take it for must be the same.
"""

from __future__ import annotations

import io
import unicodedata
import zipfile

import puremagic

MAX_NAME = 120  # characters of a display name
MAX_ENDING = 12
MAX_MEMBERS = 2000  # entries of an archive
MAX_UNPACKED = 200 * 1024 * 1024  # bytes that an archive says it holds
MAX_RATIO = 200  # how much smaller than its content an archive may be
MAX_PIXELS = 120_000_000  # a larger picture is a bomb for whoever opens it
PDF_HEAD = 1024  # bytes in which readers look for the mark of a PDF
PDF_TAIL = 2048
SNIFFED = 64 * 1024  # bytes looked at for a second opinion
DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}
UNSAFE = str.maketrans(dict.fromkeys('<>:"|?*', "_"))  # signs that file systems of offices cannot keep
DECEIVING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, bidirectional, broken and private signs


def display_name(raw: str) -> str:
    """The name to show: last path part, NFC, without control or bidirectional signs, at most MAX_NAME long."""
    name = unicodedata.normalize("NFC", raw.replace("\\", "/").rsplit("/", 1)[-1])
    name = "".join(c for c in name if unicodedata.category(c) not in DECEIVING).translate(UNSAFE).strip(" .\u3000")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        return (ending or "file")[:MAX_NAME]
    if len(ending) > MAX_ENDING:
        return name[:MAX_NAME]
    if stem.strip().lower() in DEVICES:
        stem = f"_{stem}"
    return f"{stem[: MAX_NAME - len(ending) - 1]}{dot}{ending}"


def sniff(content: bytes) -> str | None:
    """The kind of a file by its content: pdf, png, jpg, docx, xlsx, dwg, zip; None for anything else, for a file that
    is two things at once, and for one that would harm whoever opens it."""
    if content.startswith(b"PK\x03\x04"):
        return _archive_kind(content)
    kind = _plain_kind(content)
    if kind is None or zipfile.is_zipfile(io.BytesIO(content)):
        return None
    if kind != "pdf" and b"%PDF-" in content[:PDF_HEAD]:
        return None
    return kind


def _magic(content: bytes) -> frozenset[str]:
    """A second opinion: endings that a library of signatures knows for how the content begins."""
    try:
        return frozenset(match.extension.lstrip(".") for match in puremagic.magic_string(content[:SNIFFED]))
    except (puremagic.PureError, ValueError):
        return frozenset()


def _plain_kind(content: bytes) -> str | None:
    if content.startswith(b"%PDF-"):
        return "pdf" if b"%%EOF" in content[-PDF_TAIL:] else None
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png" if "png" in _magic(content) and _fits(_png_size(content)) and b"IEND" in content else None
    if content.startswith(b"\xff\xd8\xff"):
        known = _magic(content) & {"jpg", "jpeg", "jfif"}
        return "jpg" if known and _fits(_jpeg_size(content)) and b"\xff\xd9" in content[2:] else None
    if content.startswith(b"AC10") and content[4:6].isdigit():
        return "dwg"
    return None


def _fits(size: tuple[int, int] | None) -> bool:
    return size is not None and 0 < size[0] * size[1] <= MAX_PIXELS


def _png_size(content: bytes) -> tuple[int, int] | None:
    """Width and height by the header chunk, which must come first."""
    if content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height by the first frame header; None where the segments lead nowhere."""
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in (0x01, *range(0xD0, 0xD8)):  # without a length
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    return None


def _archive_kind(content: bytes) -> str | None:
    """What an archive is, by its table of contents. None for a bomb, or for one with odd paths or macros."""
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return None
    unpacked = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * len(content):
        return None
    names = {m.filename.replace("\\", "/") for m in members}
    if any(n.startswith("/") or ":" in n or ".." in n.split("/") or n.endswith("vbaProject.bin") for n in names):
        return None
    if "[Content_Types].xml" not in names:
        return "zip"
    return "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else None
