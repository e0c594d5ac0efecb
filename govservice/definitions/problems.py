"""From pydantic's errors to findings: the place in the file, a sentence, a near miss where a key is unknown."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from govservice.definitions.findings import Finding, did_you_mean
from govservice.definitions.reader import Path, Source

MAX_FINDINGS = 300  # of one kind of check in one file; nobody reads more
_CODES = {"missing": "E-MISSING", "extra_forbidden": "E-UNKNOWN-KEY"}


def findings_of(error: ValidationError, model: type[BaseModel], source: Source, file: str) -> list[Finding]:
    """One finding for each thing that is wrong, at its line."""
    details = error.errors(include_url=False, include_input=False)[:MAX_FINDINGS]
    return [_finding(detail, model, source, file) for detail in details]


def place(loc: Sequence[str | int], data: Any) -> Path:
    """The part of pydantic's location that exists in the data: union tags and the like are skipped."""
    path: list[str | int] = []
    for part in loc:
        known: Any = range(len(data)) if isinstance(data, list) else data
        if isinstance(data, (dict, list)) and part in known:
            path.append(part)
            data = data[part]  # type: ignore[index]
    return tuple(path)


def step_of(path: Path) -> str | None:
    """The step's path that a place in the file belongs to, if any: `review.food.desk`."""
    keys = [str(part) for part in path]
    if len(keys) < 2 or keys[0] != "steps":
        return None
    if len(keys) >= 6 and keys[2] == "branches" and keys[4] == "steps":
        return f"{keys[1]}.{keys[3]}.{keys[5]}"
    if len(keys) >= 4 and keys[2] == "branches":
        return f"{keys[1]}.{keys[3]}"
    return keys[1]


def _finding(detail: ErrorDetails, model: type[BaseModel], source: Source, file: str) -> Finding:
    loc = detail["loc"]
    path = place(loc, source.data)
    code, message = _words(detail, model, path)
    return Finding(code, "error", file, source.line(*path), step_of(path), message)


def _words(detail: ErrorDetails, model: type[BaseModel], path: Path) -> tuple[str, str]:
    kind, key = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    where = ".".join(str(part) for part in path)
    if kind == "definition":
        context = detail.get("ctx", {})
        return str(context["code"]), f"{where}: {context['message']}" if where else str(context["message"])
    if kind == "missing":
        return _CODES[kind], f"{where + ': ' if where else ''}{key!r} is required"
    if kind == "extra_forbidden":
        return _CODES[kind], f"{where}: unknown key{did_you_mean(key, keys_at(model, path[:-1]))}"
    return "E-VALUE", f"{where}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that may stand at a place of the file."""
    at: Any = model
    for part in path:
        at = _inside(at, part)
    node = _model_in(at)
    return [field.alias or name for name, field in node.model_fields.items()] if node else []


def _inside(annotation: Any, part: str | int) -> Any:
    node = _model_in(annotation)
    if node is not None and isinstance(part, str):
        for name, field in node.model_fields.items():
            if (field.alias or name) == part:
                return field.annotation
        return None
    for option in _options(annotation):
        origin, arguments = get_origin(option), get_args(option)
        if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(part, str):
            return arguments[1]
        if origin in (tuple, list):
            return arguments[0] if isinstance(part, int) else _inside(arguments[0], part)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _options(annotation: Any) -> list[Any]:
    """The alternatives of an annotation without Annotated and None."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [o for a in get_args(annotation) if a is not type(None) for o in _options(a)]
    return [] if annotation is None else [annotation]
