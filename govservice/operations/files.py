"""Files that people give: sniffed, capped, sealed with the applicant's key, stored under random names.

The content on disk is one AES-GCM box: losing the person's key erases the file as well, and a copied storage
folder reveals nothing. The display name keeps Chinese characters and loses what could deceive a reader.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import puremagic
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.errors import Invalid, NotFound, TooLarge
from govservice.models.base import new_id
from govservice.models.keyring import Box
from govservice.models.papers import File
from govservice.models.session import box_of

OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "docx": OFFICE + "wordprocessingml.document",
    "xlsx": OFFICE + "spreadsheetml.sheet",
    "dwg": "image/vnd.dwg",
    "zip": "application/zip",
}
MAX_MEMBERS = 2000  # entries of an archive
MAX_UNPACKED = 200 * 1024 * 1024  # bytes that an archive says it holds
MAX_NAME = 120  # characters of a display name
MAX_FILES_PER_SLOT = 10
SNIFFED = 64 * 1024  # bytes looked at when sniffing


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked file in memory: at most the cap, of an accepted kind."""

    name: str
    mime: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def display_name(raw: str) -> str:
    """The name to show: last path part, NFC, without control or bidirectional characters, at most MAX_NAME long."""
    name = unicodedata.normalize("NFC", raw.replace("\\", "/").rsplit("/", 1)[-1])
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    stem, dot, ending = name.strip(" .").rpartition(".")
    if not stem:
        return (ending or "file")[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(ending) - 1]}{dot}{ending}"


def check_upload(slot: str, name: str, content: bytes, accept: Iterable[str], max_mb: int) -> Upload:
    """Checks size, real type and ending. Raises Invalid (field = slot) or TooLarge with a sentence for the person."""
    if not content:
        raise Invalid({slot: "The file is empty. Choose another one."})
    if len(content) > max_mb * 1024 * 1024:
        raise TooLarge("The file is larger than %(max_mb)s MB. Choose a smaller one.", max_mb=max_mb)
    shown = display_name(name)
    kind = sniff(content)
    accepted = tuple(accept)
    ending = shown.rpartition(".")[2].lower().replace("jpeg", "jpg")
    if kind is None or kind not in accepted or ending != kind:
        raise Invalid({slot: "This file is not one of the accepted kinds, or its ending does not match its content."})
    return Upload(shown, KINDS[kind], content)


def sniff(content: bytes) -> str | None:
    """The kind of a file by its content: a key of KINDS, or None. A polyglot is judged by how it begins."""
    if content.startswith(b"%PDF-"):
        return "pdf" if b"%%EOF" in content[-2048:] else None
    if content.startswith(b"PK\x03\x04"):
        return _archive_kind(content)
    if content.startswith(b"AC10"):
        return "dwg"
    try:
        found = {m.extension.lstrip(".") for m in puremagic.magic_string(content[:SNIFFED])}
    except (puremagic.PureError, ValueError):
        return None
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png" if "png" in found else None
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg" if found & {"jpg", "jpeg", "jfif"} else None
    return None


def _archive_kind(content: bytes) -> str | None:
    """What an archive is, by its table of contents; nothing is unpacked. None for a bomb or one with odd paths."""
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    names = {m.filename for m in members}
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
        return None
    if any(n.startswith("/") or ".." in n.split("/") or n.endswith("vbaProject.bin") for n in names):
        return None
    if "[Content_Types].xml" not in names:
        return "zip"
    return "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else None


def keep(
    session: Session,
    storage: Path,
    case_id: str,
    subject_id: str,
    *,
    slot: str,
    kind: str,
    upload: Upload,
    by: str,
    now: datetime,
) -> File:
    """Stores an upload and adds its row (the caller commits). `kind` is material or attachment. Raises NotFound
    when the person was erased, TooLarge when the slot is full."""
    box = box_of(session, subject_id)
    if box is None:
        raise NotFound()
    count = session.scalar(
        select(func.count())
        .select_from(File)
        .where(File.case_id == case_id, File.slot == slot, File.removed_at.is_(None))
    )
    if (count or 0) >= MAX_FILES_PER_SLOT:
        raise TooLarge("There are already %(n)s files here. Remove one first.", n=MAX_FILES_PER_SLOT)
    file = store(
        box, storage, case_id, subject_id,
        slot=slot, kind=kind, revision=(count or 0) + 1, upload=upload, by=by, now=now,
    )  # fmt: skip
    session.add(file)
    return file


def store(
    box: Box, storage: Path, case_id: str, subject_id: str, *, slot: str, kind: str, revision: int, upload: Upload,
    by: str, now: datetime, durable: bool = True,
) -> File:  # fmt: skip
    """Writes the sealed content and returns the row for it, not yet added. `durable`: on the disk before it returns."""
    file = File(
        id=new_id(), case_id=case_id, subject_id=subject_id, slot=slot, kind=kind, revision=revision,
        stored_name=secrets.token_hex(16), mime=upload.mime, size=len(upload.content), sha256=upload.sha256,
        uploaded_by=by, uploaded_at=now,
    )  # fmt: skip
    file.display_name_enc = box.seal_text(upload.name, f"files:{file.id}")
    path = storage / file.stored_name[:2] / file.stored_name
    _write(path, box.seal(upload.content, f"content:{file.id}"), durable=durable)
    return file


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    """Written whole or not at all: a full disk leaves no half file under the final name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    try:
        with partial.open("wb") as handle:
            handle.write(content)
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def content_of(session: Session, storage: Path, file: File) -> tuple[str, bytes]:
    """The display name and the content. Raises NotFound where person or file is gone, Tampered where changed."""
    box = box_of(session, file.subject_id)
    path = storage / file.stored_name[:2] / file.stored_name
    if box is None or file.display_name_enc is None or not path.is_file():
        raise NotFound()
    return box.open_text(file.display_name_enc, f"files:{file.id}"), box.open(path.read_bytes(), f"content:{file.id}")
