"""What differs between two versions of a service, part by part: what a second person reads before approving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from govservice.definitions.schema import Service

MAX_WORDS = 200  # characters of a value that are shown


class Difference(NamedTuple):
    """One part that differs, such as `steps.review.limit`. None: the part is not there."""

    path: str
    old: str | None
    new: str | None


def differences(old: Service | None, new: Service) -> list[Difference]:
    """Every part that differs, in the order of the file; of a part that is new or gone only its own name is told."""
    return list(_between("", _plain(old) if old is not None else {}, _plain(new)))


def _plain(service: Service) -> Any:
    return service.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def _between(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not (_is_text(old) and _is_text(new)):
        for key in dict.fromkeys([*old, *new]):
            yield from _between(f"{path}.{key}" if path else str(key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and _named(old) and _named(new):
        yield from _between(path, _by_name(old), _by_name(new))
    elif old != new:
        yield Difference(path, _words(old), _words(new))


def _is_text(node: Mapping[str, Any]) -> bool:
    return set(node) <= {"en", "zh"}


def _named(items: list[Any]) -> bool:
    """Pages of the form are a list, but people know them by their names."""
    return all(isinstance(item, Mapping) and "page" in item for item in items)


def _by_name(items: list[Any]) -> dict[str, Any]:
    return {str(item["page"]): item for item in items}


def _words(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        words = ", ".join(f"{k}: {_words(v)}" for k, v in value.items())
    elif isinstance(value, list):
        words = ", ".join(str(_words(v)) for v in value)
    else:
        words = str(value)
    return words if len(words) <= MAX_WORDS else words[:MAX_WORDS] + "…"
