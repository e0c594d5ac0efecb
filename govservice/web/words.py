"""Values of a definition in words: lengths of time, answers, conditions, masked numbers. Filters of the templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Flask
from flask_babel import gettext, ngettext

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.questions import UNITS, Question
from govservice.identifiers import mask, normalise, problem
from govservice.queries.fees import FeeView
from govservice.queries.lateness import Late
from govservice.queries.way import Condition
from govservice.web.i18n import date_text, masked, number_text, text, time_text, working_days
from govservice.web.language import current_language
from govservice.worktime.duration import Duration


def duration_text(length: Duration | None) -> str:
    """15 working days, 5 years: a length of time in words; nothing for None."""
    if length is None:
        return ""
    number = number_text(length.n)
    if length.unit == "wd":
        return working_days(length.n)
    if length.unit == "wh":
        return str(ngettext("%(number)s office hour", "%(number)s office hours", length.n, number=number))
    if length.unit == "d":
        return str(ngettext("%(number)s calendar day", "%(number)s calendar days", length.n, number=number))
    if length.unit == "mo":
        return str(ngettext("%(number)s month", "%(number)s months", length.n, number=number))
    if length.unit == "y":
        return str(ngettext("%(number)s year", "%(number)s years", length.n, number=number))
    return str(length)


def pause_name(kind: object) -> str:
    """Why a clock stands still, as the law names it (Administrative Licensing Law art. 45)."""
    names = {
        "correction": gettext("correction"), "hearing": gettext("hearing"), "tender": gettext("tender"),
        "auction": gettext("auction"), "inspection": gettext("inspection"), "test": gettext("test"),
        "quarantine": gettext("quarantine"), "appraisal": gettext("appraisal"),
        "expert_review": gettext("expert review"), "payment": gettext("payment of the fee"),
    }  # fmt: skip
    return str(names.get(str(kind), kind))


def answer_text(
    spec: Question | None, value: Any, catalogue: Catalogue, name: str = "", *, to_author: bool = False
) -> str:
    """An answer (JSON form) as people read it; nothing for an answer that was not given. Personal numbers are masked,
    but not to whoever typed them (`to_author`): they must see what they typed."""
    if value is None or value in ("", []):
        return ""
    known = catalogue.facts.get(name)
    if known is not None and known.identifier and not (to_author and name in catalogue.masked):
        return masked(str(value)) if name in catalogue.masked else grouped_uscc(str(value))
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, (list, tuple)):
        return list_text(_options(spec, value))
    kind = spec.type if spec else known.type if known else "text"
    if kind == "choice":
        return _options(spec, [value])[0]
    if kind == "district":
        area = catalogue.areas.get(str(value))
        return text(area.name) if area else str(value)
    if kind == "date":
        return _date(value)
    if kind in ("integer", "decimal"):
        return with_unit(value, spec.unit if spec else known.unit if known else None)
    return str(value)


def _date(value: Any) -> str:
    try:
        return date_text(value if isinstance(value, date) else date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def _options(spec: Question | None, values: Iterable[Any]) -> list[str]:
    options = (spec.options or {}) if spec else {}
    return [text(options[v]) if v in options else str(v) for v in values]


def list_text(items: list[str], limit: int = 40) -> str:
    """Hot dishes, cold dishes / 热食、冷食."""
    mark = str(gettext(", "))
    return mark.join(items[:limit])


def with_unit(value: Any, unit: str | None) -> str:
    """326.40 m² as it was given: no digit is dropped."""
    try:
        plain = format(Decimal(str(value)), ",f")
    except InvalidOperation:
        plain = str(value)
    return f"{plain} {text(UNITS.get(unit, unit))}" if unit else plain


def grouped_uscc(value: str) -> str:
    code = normalise(value)
    return mask("uscc", code) if problem("uscc", code) is None else value


def condition_text(condition: Condition | None, labels: Mapping[str, Any], fields: Mapping[str, Question]) -> str:
    """ "Floor area from 300 m² on": when a branch of a service takes part."""
    if condition is None:
        return str(gettext("where it applies"))
    what = text(labels.get(condition.field, condition.field))
    if condition.value in ("True", "False"):
        return what
    field = fields.get(condition.field)
    sign, bound = condition.sign, Decimal(condition.value).normalize()
    if field is not None and field.type == "integer" and sign in ("<", ">"):  # more than 0 seats: 1 or more
        sign, bound = f"{sign}=", bound + (1 if sign == ">" else -1)
    number = with_unit(bound, field.unit if field is not None else None)
    if sign == ">=":
        return str(gettext("%(what)s %(number)s or more", what=what, number=number))
    if sign == ">":
        return str(gettext("%(what)s more than %(number)s", what=what, number=number))
    if sign == "<=":
        return str(gettext("%(what)s %(number)s or less", what=what, number=number))
    if sign == "<":
        return str(gettext("%(what)s less than %(number)s", what=what, number=number))
    return str(gettext("%(what)s is %(number)s", what=what, number=number))


def person_at(person: str, department: str) -> str:
    """Zhang Qiang, Market Regulation / 市场监督管理局 张强; either alone where the other is not known."""
    if not person or not department:
        return person or department
    return str(gettext("%(person)s, %(department)s", person=person, department=department))


def day(value: datetime | date | None) -> str:
    """A day on which somebody must act: with its weekday."""
    return date_text(value, weekday=True)


def gap() -> str:
    """What stands between two sentences: a blank, but nothing in Chinese, whose full stop brings its own."""
    return "" if current_language().code == "zh" else " "


def fee_words(fee: FeeView) -> str:
    """Where a fee stands, in a few words."""
    last = fee.paid[-1] if fee.paid else None
    if fee.standing == "refunded" and last is not None:
        return str(gettext("Given back on %(day)s", day=date_text(last.refunded_at)))
    if fee.standing == "paid" and last is not None:
        return str(gettext("Paid on %(day)s", day=date_text(last.paid_at)))
    return str(
        {
            "later": gettext("Not to be paid yet"), "preparing": gettext("Not paid yet"),
            "due": gettext("Not paid yet"), "failed": gettext("Not paid yet"),
            "confirming": gettext("Being confirmed"), "paid": gettext("Paid"),
            "refunding": gettext("It is being given back"), "refunded": gettext("Given back"),
            "closed": gettext("No longer to be paid"),
        }[fee.standing]
    )  # fmt: skip


def fee_due_words(due: str, *, short: bool = False) -> str:
    """When a fee is due, as a note (`short`) or as the sentence before its sum."""
    notes = {
        "before_review": gettext("to be paid before the review"),
        "before_decision": gettext("to be paid before the decision"),
        "before_issue": gettext("to be paid after approval, before the licence is issued"),
    }
    sentences = {
        "before_review": gettext("Before the review begins you pay a fee of"),
        "before_decision": gettext("Before the decision you pay a fee of"),
        "before_issue": gettext("If it is approved, you pay before the licence is issued a fee of"),
    }
    return str((notes if short else sentences).get(due, ""))


def late_words(late: Late) -> str:
    """Since when something is late. Days are counted only once a whole working day has gone by; before that the day is
    named on which it was due, with the hour where the limit ended within it."""
    if late.days > 1:
        return str(gettext("late %(days)s", days=working_days(late.days)))
    named = {0: gettext("was due today"), 1: gettext("was due yesterday")}.get(late.days_ago)
    words = str(named or gettext("was due on %(day)s", day=date_text(late.due_on, weekday=True, year=False)))
    return str(gettext("%(due)s at %(time)s", due=words, time=time_text(late.due_at))) if late.ends_inside else words


def capital(words: str) -> str:
    """The first letter as at the start of a sentence."""
    return words[:1].upper() + words[1:]


def last_day(too_late: datetime) -> datetime:
    """The day that ends at an instant which is the first too late (00:00 of the next day)."""
    return too_late - timedelta(seconds=1)


FILTERS: Mapping[str, Callable[..., str]] = {
    "duration_text": duration_text, "pause_name": pause_name, "day": day, "list_text": list_text, "uscc": grouped_uscc,
    "late_words": late_words, "capital": capital,
}  # fmt: skip


def init_words(app: Flask) -> None:
    """Gives the templates of the public and the citizen's desk their filters."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(last_day=last_day, gap=gap, fee_due_words=fee_due_words, fee_words=fee_words)
