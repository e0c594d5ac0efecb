"""Compiles every catalogue `translations/*/*/LC_MESSAGES/*.po` whose `.mo` is missing or older."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

ROOT = Path(__file__).resolve().parents[1]


def compile_catalogue(po: Path) -> bool:
    """Writes the `.mo` beside `po`; False when it was new enough. Raises PoFileError for a broken file."""
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        return False
    with po.open("rb") as source:
        catalogue = read_po(source, locale=po.parts[-3], abort_invalid=True)
    with mo.open("wb") as target:
        write_mo(target, catalogue)
    return True


def main() -> int:
    faults = []
    for po in sorted(ROOT.glob("translations/*/*/LC_MESSAGES/*.po")):
        try:
            compile_catalogue(po)
        except PoFileError as fault:
            faults.append(f"{po.relative_to(ROOT)}: {fault}")
    print(*faults, sep="\n", file=sys.stderr, end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
