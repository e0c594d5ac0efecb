"""Whether what a registry says now is what a case rests on: the same, only written otherwise, or materially another.

Two values of a fact type are held against each other as its `compare` says (workflows/facts.yaml): how something is
written (case, width, spaces, accents, trailing zeros, the order of a list, a date that has become more exact) is no
change. What a change means is then the definition's to say: `revalidate.material`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import brought
from govservice.definitions.values import clean_text, typed_as

Change = Literal["same", "immaterial", "material"]


def judge(
    compiled: Compiled, catalogue: Catalogue, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Change:
    """What a fact's new values are beside the old ones (JSON forms by fact type).

    A value that came or went counts as a change of it; where the definition's expression cannot be computed for lack
    of a value that was there, or is there now, the change is material: better a clerk looks once too often.
    """
    types = brought(name, compiled.service.facts[name])
    if all(old.get(each) == new.get(each) for each in types):
        return "same"
    if not differing(catalogue, types, old, new):
        return "immaterial"
    rule = compiled.materiality.get(name)
    if rule is None:
        return "material"
    values = {f"{age}.{n}": v for age, of in (("old", old), ("new", new)) for n, v in _typed(catalogue, of).items()}
    verdict = rule.evaluate(values)
    return "material" if verdict.value or verdict.missing else "immaterial"


def differing(
    catalogue: Catalogue, types: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[str, ...]:
    """Those of the fact types whose values mean something else."""
    return tuple(each for each in types if not alike(catalogue, each, old.get(each), new.get(each)))


def alike(catalogue: Catalogue, fact_type: str, old: Any, new: Any) -> bool:
    """Whether two values of a fact type mean the same."""
    if old in _NOTHING or new in _NOTHING:
        return old in _NOTHING and new in _NOTHING
    kind = catalogue.facts.get(fact_type)
    compare = _COMPARE[kind.compare if kind is not None else "exact"]
    return compare(old, new)


_NOTHING: tuple[Any, ...] = (None, "", [])


def _plain(value: Any) -> str:
    """Spaces, width, case and accents apart."""
    text = unicodedata.normalize("NFKD", clean_text(str(value))).casefold()
    return "".join(c for c in text if not unicodedata.combining(c) and not c.isspace())


def _same_text(old: Any, new: Any) -> bool:
    return _plain(old) == _plain(new)


def _exactly(old: Any, new: Any) -> bool:
    return unicodedata.normalize("NFKC", str(old)).strip() == unicodedata.normalize("NFKC", str(new)).strip()


def _same_number(old: Any, new: Any) -> bool:
    try:
        return Decimal(str(old)) == Decimal(str(new))
    except InvalidOperation:
        return _same_text(old, new)


def _same_date(old: Any, new: Any) -> bool:
    """A date of which only the year, or year and month, was known is the same once the rest is known."""
    a, b = sorted((str(old).strip(), str(new).strip()), key=len)
    return a == b or (len(a) in (4, 7) and b.startswith(f"{a}-"))


def _same_set(old: Any, new: Any) -> bool:
    a, b = (value if isinstance(value, list) else [value] for value in (old, new))
    return {_plain(each) for each in a} == {_plain(each) for each in b}


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "text": _same_text, "exact": _exactly, "number": _same_number, "date": _same_date, "district": _exactly,
    "set": _same_set,
}  # fmt: skip


def _typed(catalogue: Catalogue, values: Mapping[str, Any]) -> dict[str, Any]:
    """What expressions compute with. A registry's numbers are text, whole ones too; what cannot be read as its type is
    left out."""
    types = {name: catalogue.facts[name].type for name in values if name in catalogue.facts}
    return typed_as({name: "decimal" if type == "integer" else type for name, type in types.items()}, values)
