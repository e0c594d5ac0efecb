"""Translations of all rooms in one catalogue, and the ways dates, numbers and numbers of people are written.

Each room has its own folder `translations/<room>/<locale>/LC_MESSAGES/messages.po`. A compiled `.mo` is used when it is
not older than its `.po`; else the `.po` itself is read, so that an uncompiled checkout speaks Chinese all the same.
English is the language of the message ids and needs no catalogue.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from flask import Flask
from flask_babel import Babel, Domain, gettext, ngettext
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from govservice.money import Money
from govservice.web.charts import lane_length, line_chart
from govservice.web.language import LANGUAGES, Guard, current_language, init_language

ROOMS = ("common", "public", "citizen", "clerk", "supervisor", "steward", "designer", "account", "domain")
ZONE = ZoneInfo("Asia/Shanghai")


# -- catalogues ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _catalogue(po: Path, po_time: float, mo_time: float) -> Translations:
    """One room's catalogue in one language. The times are part of the key: a changed file is read again."""
    if mo_time >= po_time:
        with po.with_suffix(".mo").open("rb") as handle:
            return Translations(handle)
    buffer = io.BytesIO()
    with po.open("rb") as handle:
        write_mo(buffer, read_po(handle, locale=po.parts[-3]))
    buffer.seek(0)
    return Translations(buffer)


def _mtime(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else -1.0


def merged(folder: Path, locale: str) -> Translations:
    """All rooms' translations into `locale`; a later room wins where two translate one sentence differently."""
    result = Translations()
    for room in ROOMS:
        po = folder / room / locale / "LC_MESSAGES" / "messages.po"
        if po.exists():
            catalogue = _catalogue(po, _mtime(po), _mtime(po.with_suffix(".mo")))
            result.merge(catalogue)
            result.plural = catalogue.plural
    return result


class RoomsDomain(Domain):  # type: ignore[misc]
    """Flask-Babel's domain over the rooms' folders."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.merged: dict[str, Translations] = {}

    def get_translations(self) -> Translations:
        locale = current_language().locale
        if locale not in self.merged:
            self.merged[locale] = merged(self.folder, locale)
        return self.merged[locale]


# -- dates, times, numbers -------------------------------------------------------------------------------------------


def local(value: datetime | date) -> datetime | date:
    """An instant on the office's wall clock; a date stays as it is."""
    return value.astimezone(ZONE) if isinstance(value, datetime) else value


def date_text(value: datetime | date | None, weekday: bool = False, year: bool = True) -> str:
    """Friday 27 November 2026 / 2026年11月27日（星期五）. Give the weekday where somebody must act."""
    if value is None:
        return ""
    day = local(value)
    if current_language().code == "zh":
        text = f"{day.year}年{day.month}月{day.day}日" if year else f"{day.month}月{day.day}日"
        return f"{text}（星期{'一二三四五六日'[day.weekday()]}）" if weekday else text
    pattern = f"{'EEEE ' if weekday else ''}d MMMM{' y' if year else ''}"
    return str(format_date(day, pattern, locale=current_language().locale))


def month_text(value: date) -> str:
    """Nov / 11月: one of the last twelve."""
    return f"{value.month}月" if current_language().code == "zh" else str(format_date(value, "MMM", locale="en_GB"))


def time_text(value: datetime) -> str:
    """16:40, on the office's wall clock."""
    return str(format_datetime(value.astimezone(ZONE), "HH:mm", locale=current_language().locale))


def moment_text(value: datetime | None, weekday: bool = False) -> str:
    """9 November 2026, 16:40 / 2026年11月9日 16:40."""
    if value is None:
        return ""
    gap = " " if current_language().code == "zh" else ", "
    return f"{date_text(value, weekday)}{gap}{time_text(value)}"


def number_text(value: int | float | Decimal | None, places: int | None = None) -> str:
    """1,234.5; `places` fixes the decimals. Chinese groups by threes as well in official figures."""
    if value is None:
        return ""
    pattern = "#,##0" + ("." + "0" * places if places else "") if places is not None else "#,##0.###"
    return _number(value, pattern, current_language().locale)


@lru_cache(maxsize=4096)
def _number(value: int | float | Decimal, pattern: str, locale: str) -> str:
    """Kept, because a page of figures says the same few hundred numbers again and again."""
    return str(format_decimal(value, pattern, locale=locale))


def working_days(count: int | float | Decimal, places: int | None = None) -> str:
    """15 working days / 15 个工作日: legal time is never given in bare days."""
    whole = places is None and count == int(count)
    number = number_text(int(count) if whole else count, None if whole else (1 if places is None else places))
    return str(ngettext("%(number)s working day", "%(number)s working days", int(count) if whole else 2, number=number))


def sum_text(sum: Money) -> str:
    """200.00 yuan / 200.00 元; another currency by its code."""
    amount = number_text(sum.value, sum.places)
    return str(gettext("%(amount)s yuan", amount=amount)) if sum.currency == "CNY" else f"{amount} {sum.currency}"


def size_text(octets: int) -> str:
    """1.2 MB, 68 kB."""
    if octets >= 1_000_000:
        return f"{number_text(Decimal(octets) / 1_000_000, 1)} MB"
    return f"{number_text(max(1, round(octets / 1000)))} kB"


def masked(value: str | None) -> str:
    """9901 **** **** **2048: the first and last four of a person's number, grouped, else the two outer signs."""
    plain = "".join((value or "").split())
    if len(plain) < 12:
        return plain[:1] + "*" * max(0, len(plain) - 2) + plain[-1:] if len(plain) > 2 else "*" * len(plain)
    hidden = plain[:4] + "*" * (len(plain) - 8) + plain[-4:]
    body, last = hidden[:-6], hidden[-6:]
    return " ".join([body[i : i + 4] for i in range(0, len(body), 4)] + [last])


def text(value: object) -> str:
    """The current language's words of a {en, zh} mapping (or an object with such attributes); a string stays."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    codes = [current_language().code, *LANGUAGES]
    for code in codes:
        found = value.get(code) if isinstance(value, Mapping) else getattr(value, code, None)
        if found:
            return str(found)
    return "" if isinstance(value, Mapping) else str(value)


def clauses(value: str) -> Markup:
    """A long heading in unbreakable clauses, so that Chinese breaks after punctuation and not inside a word."""
    parts: list[str] = [""]
    for sign in value:
        parts[-1] += sign
        if sign in "，。；：、？！":
            parts.append("")
    return Markup("").join(Markup('<span class="gs-clause">{}</span>').format(part) for part in parts if part)


def unfolded(function: Callable[..., str]) -> Callable[..., str]:
    """A filter that Jinja may not compute while compiling: `{{ {"en": ..., "zh": ...} | text }}` is a constant to
    Jinja, and would else be written in the language of whoever opened the page first."""

    @pass_context
    def filtered(_context: Context, *args: object, **kwargs: object) -> str:
        return function(*args, **kwargs)

    return filtered


FILTERS: Mapping[str, Callable[..., str]] = {
    "date_text": date_text,
    "time_text": time_text,
    "moment_text": moment_text,
    "month_text": month_text,
    "number_text": number_text,
    "working_days": working_days,
    "size_text": size_text,
    "sum_text": sum_text,
    "masked": masked,
    "text": text,
    "clauses": clauses,
}


def init_i18n(
    app: Flask,
    translations: Path,
    stored: Callable[[], str | None] | None = None,
    remember: Callable[[str], None] | None = None,
    guard: Guard = lambda view: view,
) -> None:
    """Set up languages, catalogues and filters. See `init_language` for the hooks; call before CSRFProtect."""
    init_language(app, stored, remember, guard)
    babel = Babel(app, locale_selector=lambda: current_language().locale, default_timezone=ZONE.key)
    babel.domain_instance = RoomsDomain(translations)
    app.jinja_env.filters.update({name: unfolded(function) for name, function in FILTERS.items()})
    app.jinja_env.globals["line_chart"] = line_chart
    app.jinja_env.filters["lane_length"] = lane_length
    app.jinja_env.policies["ext.i18n.trimmed"] = True
