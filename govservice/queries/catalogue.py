"""Finding a service: by words in either language, by sound (pinyin), by life event, by what others use.

The catalogue is small and in memory: each service is indexed once per published version, a search scores them all.
A word may be mistyped by one letter. Nothing here reads a person's data, and searches are not stored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.library import Definitions
from govservice.models.cases import Case
from govservice.queries.pinyin import spellings
from govservice.worktime.duration import Duration

Text = Mapping[str, str]
MAX_QUERY = 100  # characters of a search that are looked at
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
NOISE = frozenset("a an the to for of in on my i want need how do get apply with and or".split())
CHINESE_NOISE = "我想要办理申请怎么如何办需要在哪里可以吗的"


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """A service as lists show it. `promised` is the decision's promised limit, where one is given."""

    code: str
    title: Text
    summary: Text
    department: str
    life_events: tuple[str, ...]
    promised: Duration | None


@dataclass(frozen=True, slots=True)
class _Index:
    """What a service is found by: phrases with their weight, the same by sound, and loose words of its summary."""

    card: ServiceCard
    phrases: tuple[tuple[str, float], ...]
    sounds: tuple[tuple[str, str, float], ...]
    words: frozenset[str]


def card_of(compiled: Compiled) -> ServiceCard:
    service = compiled.service
    limit = compiled.limit("decision")
    return ServiceCard(
        code=service.service,
        title=service.title,
        summary=service.summary or {},
        department=service.department,
        life_events=tuple(service.life_events),
        promised=(limit.promised or limit.statutory) if limit else None,
    )


def cards(definitions: Definitions) -> list[ServiceCard]:
    """Every service people may apply for, in the order of the catalogue."""
    return [card_of(definitions.current(code)) for code in definitions.codes()]


@dataclass(frozen=True, slots=True)
class LifeEventCard:
    """A moment in life with the services it needs."""

    code: str
    title: Text
    text: Text
    services: tuple[ServiceCard, ...]


def life_events(definitions: Definitions) -> list[LifeEventCard]:
    """The life events that have a service, in the order of the catalogue."""
    offered = cards(definitions)
    found = []
    for code, event in definitions.catalogue.life_events.items():
        services = tuple(card for card in offered if code in card.life_events)
        if services:
            found.append(LifeEventCard(code, event.title, event.text, services))
    return found


def popular(session: Session, definitions: Definitions, since: datetime, limit: int = 6) -> list[ServiceCard]:
    """The services most applied for since then, the others after them."""
    rows = session.execute(
        select(Case.service, func.count()).where(Case.received_at >= since).group_by(Case.service)
    ).all()
    counts: dict[str, int] = dict(rows)
    return sorted(cards(definitions), key=lambda card: -counts.get(card.code, 0))[:limit]


def search(definitions: Definitions, query: str) -> list[ServiceCard]:
    """The services that a text may mean, best first; an empty text means none."""
    asked = fold(query[:MAX_QUERY])
    if not asked:
        return []
    indexed = [_index(definitions, definitions.current(code)) for code in definitions.codes()]
    scored = [(score(index, asked), index.card) for index in indexed]
    return [card for points, card in sorted(scored, key=lambda pair: -pair[0]) if points >= 1.0]


def fold(text: str) -> str:
    """One spelling for one word: NFKC (full-width to ASCII), small letters, invisible signs and punctuation dropped."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = (c if unicodedata.category(c)[0] in "LN" else " " for c in plain if unicodedata.category(c) != "Cf")
    return " ".join("".join(kept).split())


_INDEXES: dict[str, _Index] = {}  # by hash: a published version never changes


def _index(definitions: Definitions, compiled: Compiled) -> _Index:
    if compiled.sha not in _INDEXES:
        _INDEXES[compiled.sha] = _build(definitions, compiled)
    return _INDEXES[compiled.sha]


def _build(definitions: Definitions, compiled: Compiled) -> _Index:
    service = compiled.service
    keywords = service.keywords or {}
    known = definitions.catalogue.life_events
    weighted: list[tuple[str, float]] = [(fold(words), 10.0) for words in service.title.values()]
    weighted += [(fold(word), 8.0) for words in keywords.values() for word in words]
    weighted += [(fold(w), 4.0) for code in service.life_events if code in known for w in known[code].title.values()]
    weighted.append((fold(service.service.replace("_", " ")), 6.0))
    chinese = [service.title.get("zh", ""), *keywords.get("zh", ())]
    sounds = tuple((*spellings(words), 6.0) for words in chinese if words)
    loose = " ".join(fold(words) for words in (service.summary or {}).values())
    return _Index(card_of(compiled), tuple(weighted), sounds, frozenset(_pieces(loose)))


def score(index: _Index, asked: str) -> float:
    """How well a folded query fits a service; below 1.0 it does not."""
    best = max((_phrase_score(phrase, asked) * weight for phrase, weight in index.phrases), default=0.0)
    best = max(best, max((_sound_score(whole, first, asked) * w for whole, first, w in index.sounds), default=0.0))
    wanted = _meaning(asked)
    if wanted:
        known = frozenset(p for phrase, _weight in index.phrases for p in _pieces(phrase))
        hits = sum(
            1.0 if w in known else 0.8 if _nearly(w, known) else 0.4 if w in index.words else 0.0 for w in wanted
        )
        best = max(best, 6.0 * hits / len(wanted)) if hits else best
    return best


def _phrase_score(phrase: str, asked: str) -> float:
    if not phrase:
        return 0.0
    if phrase == asked:
        return 1.0
    if len(asked) > 1 and phrase.startswith(asked):
        return 0.9
    if len(asked) > 1 and (asked in phrase.split() or (not asked.isascii() and asked in phrase)):
        return 0.8
    return 0.7 if len(phrase) > 1 and not phrase.isascii() and phrase in asked else 0.0


def _sound_score(whole: str, initials: str, asked: str) -> float:
    typed = asked.replace(" ", "")
    if len(typed) < 2 or any(c not in LETTERS for c in typed):
        return 0.0
    if typed in (whole, initials):
        return 1.0
    if len(typed) >= 4 and typed in whole:
        return 0.8
    return 0.6 if len(typed) >= 3 and typed in initials else 0.0


def _meaning(asked: str) -> list[str]:
    """The pieces of a query that say something: "how do I open a cafe" is open and cafe."""
    plain = "".join(" " if c in CHINESE_NOISE else c for c in asked)
    return [p for p in _pieces(plain) if p not in NOISE]


def _pieces(text: str) -> Iterable[str]:
    """Words of letters, and pairs of neighbouring Chinese characters (Chinese has no blanks between words)."""
    for word in text.split():
        if word.isascii() or len(word) == 1:
            yield word
        else:
            yield from ("".join(pair) for pair in pairwise(word))


def _nearly(word: str, known: Iterable[str]) -> bool:
    """Whether a known word differs by one letter, or by its ending (cafe, cafes)."""
    if len(word) < 4 or not word.isascii():
        return False
    forms = {word, word.removesuffix("s"), word.removesuffix("es")}
    likely = [k for k in known if k.isascii() and len(k) >= 4]
    return any(
        _one_off(form, k) or _same_stem(form, k) or _much_alike(form, k)
        for k in likely
        for form in forms
        if len(form) >= 4
    )


def _much_alike(a: str, b: str) -> bool:
    """Long words with the same beginning and nearly the same letters: "restraunt". Two slips in a short word may make
    another word of it."""
    return min(len(a), len(b)) >= 8 and a[:3] == b[:3] and SequenceMatcher(None, a, b).ratio() >= 0.8


def _same_stem(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and long[len(short) :] in ("s", "es", "ing", "ed")


def _one_off(a: str, b: str) -> bool:
    """One letter changed, added, left out, or two neighbours exchanged."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return a == b
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    return rest_a[1:] == rest_b or rest_a == rest_b[1:]
