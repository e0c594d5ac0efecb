"""The small types that every part of a definition is made of: ids, texts in both languages, durations, numbers.

Nodes are frozen and refuse unknown keys. Mappings whose order means something to people (steps, pages' fields,
options ...) are `Ordered`: canonical JSON sorts keys, so they are written there as lists of pairs.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    WrapSerializer,
)
from pydantic_core import PydanticCustomError

from govservice.worktime.duration import Duration

LANGUAGES = ("en", "zh")
MAX_TEXT = 2000  # characters of a text shown to people
CANONICAL = {"canonical": True}  # context of reading and writing canonical JSON
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}", re.ASCII)
_RESERVED = frozenset({"case", "actor", "result", "old", "new"})  # namespaces of expressions


class Node(BaseModel):
    """A node of a definition: frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True, validate_by_name=False)


def _fault(code: str, message: str) -> PydanticCustomError:
    # the message is ours and may quote the designer's braces, which the template must not interpret
    return PydanticCustomError("definition", "{message}", {"code": code, "message": message})


def _id(value: Any) -> str:
    if not isinstance(value, str):
        raise _fault("E-ID", f"{_shown(value)} is not a name; write it in quotes if it is one")
    if not _ID.fullmatch(value):
        raise _fault("E-ID", f"{value!r} is not a name: small letters, digits and _, a letter first, at most 64")
    return value


def _dotted(value: str) -> str:
    if not _DOTTED.fullmatch(value) or len(value) > 100:
        raise _fault("E-ID", f"{value!r} is not a dotted name such as premises.area")
    if any(keyword.iskeyword(part) for part in value.split(".")):
        raise _fault("E-ID", f"{value!r} contains a word that expressions reserve")
    return value


def _field_name(value: str) -> str:
    if _dotted(value).split(".")[0] in _RESERVED:
        raise _fault("E-ID", f"{value!r}: names under {value.split('.')[0]}. belong to the portal")
    return value


def _text(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _fault("E-TEXT", f"a text is written {{en: ..., zh: ...}}, not {_shown(value)}")
    unknown = [k for k in value if k not in LANGUAGES]
    if unknown:
        raise _fault("E-TEXT", f"a text has the languages en and zh, not {', '.join(unknown)}")
    missing = [k for k in LANGUAGES if k not in value]
    if missing:
        raise _fault("E-TEXT", f"the text lacks its {' and '.join(missing)} version")
    for language, words in value.items():
        _words(language, words)
    return {language: value[language].strip() for language in LANGUAGES}


def _words(language: str, words: Any) -> None:
    if not isinstance(words, str):
        raise _fault("E-TEXT", f"the {language} version is {_shown(words)}, not a text; write it in quotes")
    if not words.strip():
        raise _fault("E-TEXT", f"the {language} version is empty")
    if len(words) > MAX_TEXT:
        raise _fault("E-TEXT", f"the {language} version is longer than {MAX_TEXT} characters")


def _words_by_language(value: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        raise _fault("E-TEXT", "write {en: [word, ...], zh: [word, ...]}, both languages")
    for language, words in value.items():
        if not isinstance(words, (list, tuple)):
            raise _fault("E-TEXT", f"the {language} words are a list")
        for word in words:
            _words(language, word)
    return {language: tuple(value[language]) for language in LANGUAGES}


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise _fault("E-DURATION", f"{_shown(value)} is not a duration such as 5wd, 4wh, 30d, 18mo, 5y or 80%limit")
    try:
        return Duration.parse(value)
    except ValueError as error:
        raise _fault("E-DURATION", str(error)) from None


def _length(value: Duration) -> Duration:
    if value.unit == "%limit":
        raise _fault("E-DURATION", f"{value} is a share of a limit; only timers are written so")
    if value.n == 0:
        raise _fault("E-DURATION", f"{value} is no time at all")
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,12})?", value, re.ASCII):
        return Decimal(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    raise _fault("E-VALUE", f"{_shown(value)} is not a number")


def _shown(value: Any) -> str:
    words = {True: "true", False: "false", None: "nothing"}
    if isinstance(value, (dict, list, tuple)):
        return "a list" if not isinstance(value, dict) else "a mapping"
    return words[value] if value is None or isinstance(value, bool) else repr(str(value))


Id = Annotated[str, PlainValidator(_id)]
Dotted = Annotated[str, AfterValidator(_dotted)]
FieldName = Annotated[str, AfterValidator(_field_name)]
Call = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Text = Annotated[Mapping[str, str], PlainValidator(_text)]
Words = Annotated[Mapping[str, tuple[str, ...]], PlainValidator(_words_by_language), PlainSerializer(dict)]
AnyDuration = Annotated[Duration, PlainValidator(_duration), PlainSerializer(str)]
Length = Annotated[Duration, PlainValidator(_duration), AfterValidator(_length), PlainSerializer(str)]
Number = Annotated[Decimal, PlainValidator(_number), PlainSerializer(str)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]


def _basis(value: Any) -> Any:
    return {"en": value, "zh": value} if isinstance(value, str) else value


# A citation: one line for both languages ("art. 32"), or {en, zh} where people of each language cite it otherwise.
Basis = Annotated[Text, BeforeValidator(_basis)]
ExpressionText = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Milestone = Literal["received", "accepted", "decided", "delivered"]
MILESTONES: tuple[Milestone, ...] = get_args(Milestone)  # in the order of a case
Pausing = Literal[
    "correction", "hearing", "tender", "auction", "inspection", "test", "quarantine", "appraisal", "expert_review"
]  # fmt: skip

V = TypeVar("V")
K = TypeVar("K")


def _from_pairs(value: Any, info: ValidationInfo) -> Any:
    return dict(value) if info.context is CANONICAL and isinstance(value, list) else value


def _to_pairs(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    plain = handler(value)
    return [[k, v] for k, v in plain.items()] if info.context is CANONICAL else plain


Ordered = Annotated[Mapping[K, V], BeforeValidator(_from_pairs), WrapSerializer(_to_pairs)]


def written_as(key: str) -> Callable[[Any], Any]:
    """A short form: a bare word or list stands for `{key: word}`."""

    def expand(value: Any) -> Any:
        return {key: value} if isinstance(value, (str, list, tuple)) else value

    return expand


def one_or_list(value: Any) -> Any:
    """A single mapping stands for a list of one."""
    return [value] if isinstance(value, dict) else value


def target_or_list(value: Any) -> Any:
    """`to: STEP` stands for `to: [{to: STEP}]`."""
    return [{"to": value}] if isinstance(value, str) else value
