"""Typed identifiers of people and organisations: normalise what was typed, check it, show it masked.

Sources: GB 11643-1999 (18-digit citizen number, check character by ISO 7064 MOD 11-2), GB 32100-2015 (unified social
credit code, 统一社会信用代码, with the organisation code of GB 11714-1997 inside), ICAO Doc 9303-4 (passport numbers:
at most nine letters and digits), the notices on the travel permits of residents of Hong Kong, Macau and Taiwan.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Literal, get_args

IdKind = Literal["cn_id", "passport", "hk_macau_permit", "taiwan_permit", "uscc"]
KINDS: tuple[IdKind, ...] = get_args(IdKind)

_CN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CN_CHECKS = "10X98765432"
_USCC_CHARS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100 leaves out I, O, S, V and Z
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_CHECKS = "0123456789X"

_SHAPES: dict[IdKind, re.Pattern[str]] = {
    "cn_id": re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII),
    "passport": re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}", re.ASCII),
    "hk_macau_permit": re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?", re.ASCII),
    "taiwan_permit": re.compile(r"[0-9]{8}(?:[0-9]{2})?", re.ASCII),
    "uscc": re.compile(f"[{_USCC_CHARS}]{{2}}[0-9]{{6}}[{_USCC_CHARS}]{{10}}", re.ASCII),
}


def N_(message: str) -> str:
    """Marks a message id for extraction; the doors translate it."""
    return message


# What is wrong, in the words of the person who typed it.
_PROBLEMS: dict[IdKind, str] = {
    "cn_id": N_("An identity number has 18 digits; the last one may be an X."),
    "passport": N_("A passport number has 5 to 9 letters and digits."),
    "hk_macau_permit": N_("A permit number is the letter H or M with 8 digits."),
    "taiwan_permit": N_("A permit number has 8 digits."),
    "uscc": N_("A unified social credit code has 18 letters and digits."),
}
WRONG_CHECK = N_("One of these characters is wrong. Please compare it with the document.")
WRONG_DATE = N_("The birth date in this identity number does not exist.")


class WrongIdentifier(ValueError):
    """A text that is no identifier of its kind; the message is an English message id without personal data."""


def normalise(text: str) -> str:
    """ASCII capitals: full-width digits and letters narrowed, spaces, hyphens and invisible characters dropped."""
    narrow = unicodedata.normalize("NFKC", text)
    kept = (c for c in narrow if unicodedata.category(c) not in ("Cc", "Cf", "Zs", "Pd"))
    return "".join(kept).upper()


def problem(kind: IdKind, value: str) -> str | None:
    """The message id of what is wrong with a normalised identifier, or None where it is well formed."""
    if not _SHAPES[kind].fullmatch(value):
        return _PROBLEMS[kind]
    if kind == "cn_id":
        if _birth(value) is None:
            return WRONG_DATE
        return None if cn_check(value[:17]) == value[17] else WRONG_CHECK
    if kind == "uscc":
        return None if uscc_check(value[:17]) == value[17] else WRONG_CHECK
    return None


def parse(kind: IdKind, text: str) -> str:
    """The normalised identifier. Raises WrongIdentifier with a message id."""
    value = normalise(text)
    if (wrong := problem(kind, value)) is not None:
        raise WrongIdentifier(wrong)
    return value


def mask(kind: IdKind, value: str) -> str:
    """What a screen shows: `9901 **** **** **2048`; a uscc is public and only grouped."""
    if kind == "uscc":
        return " ".join((value[:4], value[4:8], value[8:12], value[12:16], value[16:]))
    if kind == "cn_id":
        return f"{value[:4]} **** **** **{value[-4:]}"
    return f"{value[:2]}{'*' * max(len(value) - 4, 1)}{value[-2:]}"


def cn_check(first17: str) -> str:
    """The check character of a citizen number (GB 11643). Raises ValueError for anything but 17 digits."""
    if len(first17) != 17 or not (first17.isascii() and first17.isdigit()):
        raise ValueError("17 digits are needed")
    total = sum(w * int(d) for w, d in zip(_CN_WEIGHTS, first17, strict=True))
    return _CN_CHECKS[total % 11]


def uscc_check(first17: str) -> str:
    """The check character of a unified social credit code (GB 32100). Raises ValueError for other characters."""
    if len(first17) != 17:
        raise ValueError("17 characters are needed")
    total = sum(w * _USCC_CHARS.index(c) for w, c in zip(_USCC_WEIGHTS, first17, strict=True))
    return _USCC_CHARS[-total % 31]


def organisation_check(first8: str) -> str:
    """The check character of an organisation code (GB 11714), which stands inside the uscc at places 9 to 17."""
    if len(first8) != 8:
        raise ValueError("8 characters are needed")
    total = sum(w * int(c, 36) for w, c in zip(_ORG_WEIGHTS, first8, strict=True))
    return _ORG_CHECKS[-total % 11]


def birth_date(cn_id: str) -> date:
    """The birth date inside a citizen number. Raises WrongIdentifier where there is none."""
    born = _birth(cn_id)
    if born is None:
        raise WrongIdentifier(WRONG_DATE)
    return born


def _birth(cn_id: str) -> date | None:
    try:
        born = date(int(cn_id[6:10]), int(cn_id[10:12]), int(cn_id[12:14]))
    except ValueError:
        return None
    return born if born.year >= 1800 else None
