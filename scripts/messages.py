"""Collect the sentences of templates and code into the rooms' catalogues and say what is not translated yet.

    python scripts/messages.py               change nothing; list what no room translates, exit 1 if there is any
    python scripts/messages.py ROOM [ROOM]   first add new sentences to translations/ROOM/<locale>/.../messages.po
                                             and drop those that are gone (translations are kept)

A sentence belongs to the first room that uses it, in the order below; rooms share one catalogue at run time.
English is the language of the sentences themselves and has no catalogue.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ("zh_CN",)
DATED = (b'"POT-Creation-Date', b'"PO-Revision-Date')  # left out: two changes at once would differ in them alone
ROOMS: dict[str, tuple[str, ...]] = {
    "common": ("templates/layouts", "templates/components", "templates/style", "govservice/web"),
    "citizen": (
        "templates/citizen",
        "govservice/web/citizen",
        "govservice/web/forms.py",
        "govservice/web/words.py",
        "govservice/web/picture.py",
    ),
    "account": (
        "templates/account",
        "templates/errors",
        "govservice/web/account",
        "govservice/web/frame",
        "govservice/web/errors",
        "govservice/operations/accounts",
        "govservice/operations/people",
        "govservice/operations/passwords",
        "govservice/errors",
    ),
    "public": ("templates/public", "govservice/web/public"),
    "clerk": ("templates/clerk", "govservice/web/clerk", "govservice/web/timeline.py"),
    "supervisor": ("templates/supervisor", "govservice/web/supervisor", "govservice/web/boards.py"),
    "steward": ("templates/steward", "govservice/web/steward"),
    "designer": ("templates/designer", "govservice/web/designer"),
    "domain": ("templates/messages", "govservice"),
}
KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "N_": None,
    # Domain errors carry their sentence as a message id; the doors translate it.
    "NotAllowed": (1,), "Stale": (1,), "TooLarge": (1,), "Forbidden": (2,), "Missing": (2,), "Refusal": (2,),
}  # fmt: skip


def files_of(room: str) -> Iterator[Path]:
    """The room's files: everything under (or beginning with) its prefixes that no other room claims more closely."""
    claims = [(prefix, name) for name, prefixes in ROOMS.items() for prefix in prefixes]
    for path in sorted([*ROOT.glob("templates/**/*.*"), *ROOT.glob("govservice/**/*.py")]):
        name = path.relative_to(ROOT).as_posix()
        fitting = [(len(prefix), owner) for prefix, owner in claims if name.startswith(prefix)]
        if fitting and max(fitting)[1] == room:
            yield path


def sentences(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], str | None]]:
    method = "python" if path.suffix == ".py" else "jinja2"
    options = {"silent": "false", "trimmed": "true"} if method == "jinja2" else {}
    method_name = method if method == "python" else "jinja2.ext:babel_extract"
    with path.open("rb") as handle:
        for line, message, _comments, context in extract(method_name, handle, KEYWORDS, (), options):
            yield line, message, context


def new_catalogue(locale: str | None = None) -> Catalog:
    return Catalog(
        locale=locale,
        project="One-Stop Services",
        header_comment="# Sentences of one room of the portal; see scripts/messages.py.",
        msgid_bugs_address="see CONTRIBUTING.md",
        last_translator="the authors of the portal",
        language_team="zh_CN",
        charset="utf-8",
        fuzzy=False,
    )


def collect(taken: set[object], room: str) -> Catalog:
    """The room's sentences that no earlier room has."""
    catalogue = new_catalogue()
    for path in files_of(room):
        for line, message, context in sentences(path):
            key = (message if isinstance(message, str) else message[0], context)
            if key not in taken:
                catalogue.add(message, locations=[(path.relative_to(ROOT).as_posix(), line)], context=context)
    taken.update((m.id if isinstance(m.id, str) else m.id[0], m.context) for m in catalogue if m.id)
    return catalogue


def merged(template: Catalog, po: Path, locale: str) -> Catalog:
    if po.exists():
        with po.open("rb") as handle:
            existing = read_po(handle, locale=locale)
    else:
        existing = new_catalogue(locale)
    existing.update(template, no_fuzzy_matching=True)
    return existing


def translated(locale: str) -> set[object]:
    """Every sentence that some room translates."""
    known: set[object] = set()
    for po in ROOT.glob(f"translations/*/{locale}/LC_MESSAGES/messages.po"):
        with po.open("rb") as handle:
            known.update(
                (m.id if isinstance(m.id, str) else m.id[0])
                for m in read_po(handle, locale=locale)
                if m.id and m.string and (isinstance(m.string, str) or all(m.string))
            )
    return known


def write(catalogue: Catalog, po: Path) -> None:
    po.parent.mkdir(parents=True, exist_ok=True)
    catalogue.header_comment, catalogue.fuzzy = new_catalogue().header_comment, False
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, ignore_obsolete=True, sort_output=True, include_lineno=False)
    lines = buffer.getvalue().splitlines(keepends=True)
    po.write_bytes(b"".join(line for line in lines if not line.startswith(DATED)))


def untranslated(templates: Mapping[str, Catalog], locale: str) -> Iterator[str]:
    """A line for each sentence of the rooms that no catalogue of the language translates."""
    known = translated(locale)
    for room, template in templates.items():
        ids = (m.id if isinstance(m.id, str) else m.id[0] for m in template if m.id)
        yield from (f"{room} {locale}: {sentence}" for sentence in ids if sentence not in known)


def main() -> int:
    chosen: set[str] = set(sys.argv[1:])
    if unknown := chosen - set(ROOMS):
        print(f"no such room: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    taken: set[object] = set()
    templates = {room: collect(taken, room) for room in ROOMS}
    for room in chosen:
        for locale in LOCALES:
            po = ROOT / "translations" / room / locale / "LC_MESSAGES" / "messages.po"
            write(merged(templates[room], po, locale), po)
    missing = [line for locale in LOCALES for line in untranslated(templates, locale)]
    print("\n".join(missing) if missing else "every sentence is translated")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
