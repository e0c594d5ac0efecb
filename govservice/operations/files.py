"""Files that people give: sniffed, capped, sealed with the applicant's key, stored under random names.

The content on disk is one AES-GCM box: losing the person's key erases the file as well, and a copied storage
folder reveals nothing. The display name keeps Chinese characters and loses what could deceive a reader.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.errors import N_, Invalid, NotFound, TooLarge
from govservice.models.base import new_id
from govservice.models.keyring import Box
from govservice.models.papers import File, name_of
from govservice.models.session import box_of
from govservice.operations.sniffing import display_name, sniff

__all__ = ["KINDS", "Upload", "check_upload", "content_of", "display_name", "keep", "sniff", "store"]

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
MAX_FILES_PER_SLOT = 10  # at a time
MAX_KEPT_PER_SLOT = 50  # earlier versions included, so that nobody fills the disk by changing files for ever


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked file in memory: at most the cap, of an accepted kind."""

    name: str
    mime: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def check_upload(slot: str, name: str, content: bytes, accept: Iterable[str], max_mb: int) -> Upload:
    """Checks size, real type and ending. Raises Invalid (field = slot) or TooLarge with a sentence for the person."""
    if not content:
        raise Invalid({slot: N_("The file is empty. Choose another one.")})
    if len(content) > max_mb * 1024 * 1024:
        raise TooLarge(N_("The file is larger than %(max_mb)s MB. Choose a smaller one."), max_mb=max_mb)
    shown = display_name(name)
    kind = sniff(content)
    ending = shown.rpartition(".")[2].lower().replace("jpeg", "jpg")
    if kind is None or kind not in tuple(accept) or ending != kind:
        raise Invalid(
            {slot: N_("This file is not one of the accepted kinds, or its ending does not match its content.")}
        )
    return Upload(shown, KINDS[kind], content)


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
    present: int | None = None,
) -> File:
    """Stores an upload and adds its row (the caller commits). `kind` is material or attachment; `present` is how many
    files the form has in this slot (default: all that were not removed). Raises NotFound when the person was erased,
    TooLarge when the slot is full."""
    box = box_of(session, subject_id)
    if box is None:
        raise NotFound()
    kept, newest = session.execute(
        select(func.count(), func.max(File.revision)).where(File.case_id == case_id, File.slot == slot)
    ).one()
    here = present if present is not None else _not_removed(session, case_id, slot)
    if here >= MAX_FILES_PER_SLOT:
        raise TooLarge(N_("There are already %(n)s files here. Remove one first."), n=MAX_FILES_PER_SLOT)
    if kept >= MAX_KEPT_PER_SLOT:
        raise TooLarge(N_("Files were changed here too often. Ask the department how to go on."))
    file = store(
        box, storage, case_id, subject_id,
        slot=slot, kind=kind, revision=(newest or 0) + 1, upload=upload, by=by, now=now,
    )  # fmt: skip
    session.add(file)
    return file


def _not_removed(session: Session, case_id: str, slot: str) -> int:
    there = select(func.count()).select_from(File)
    return session.scalar(there.where(File.case_id == case_id, File.slot == slot, File.removed_at.is_(None))) or 0


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
    name, box = name_of(session, file), box_of(session, file.subject_id)
    path = storage / file.stored_name[:2] / file.stored_name
    if name is None or box is None or not path.is_file():
        raise NotFound()
    return name, box.open(path.read_bytes(), f"content:{file.id}")
