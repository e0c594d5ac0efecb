"""Passwords: argon2id, the same work for an account that does not exist, and which passwords are refused.

Parameters: OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane). Policy: NIST SP 800-63B-4, 3.1.1.2 (length
counts, no composition rules, common passwords and the account's own words refused, Unicode composed before hashing).
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from govservice.errors import N_, Invalid

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
MIN_LENGTH = 10  # characters
MAX_LENGTH = 200  # a longer one only makes the server work
TOO_COMMON = frozenset(
    "password password1 passw0rd 1234567890 12345678901 123456789a 0123456789 9876543210 qwertyuiop qwerty12345 "
    "1q2w3e4r5t 1qaz2wsx3edc abcdefghij abcdef123456 iloveyou1314 woaini1314 woaini520 5201314520 letmein123 "
    "welcome123 administrator admin123456 admin12345 guest123456 changeme123 zaq12wsxcde3 qazwsxedcrfv a123456789 "
    "aa123456789 qq123456789 88888888888 66666666666 1111111111 0000000000 password12 password123 p@ssw0rd123".split()
)


def hash_password(password: str) -> str:
    """The argon2id string of a password (about 20 ms)."""
    return HASHER.hash(_composed(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether the password is right. Without an account (`stored` None) the same work is done and the answer is no."""
    try:
        HASHER.verify(stored if stored is not None else _nobodys_hash(), _composed(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with older parameters: hash the password again while it is known."""
    return HASHER.check_needs_rehash(stored)


def check_new(password: str, *, login: str, field: str = "password") -> None:
    """Refuses a weak password. Raises Invalid naming `field` with the sentence for the person."""
    plain = _composed(password)
    if len(plain) < MIN_LENGTH:
        raise Invalid({field: N_("Use at least 10 characters. Several words are easy to remember.")})
    if len(plain) > MAX_LENGTH:
        raise Invalid({field: N_("Use at most 200 characters.")})
    low = plain.lower()
    if low in TOO_COMMON or len(set(low)) < 4:
        raise Invalid({field: N_("This password is easy to guess. Choose another one.")})
    if login and login.lower() in low:
        raise Invalid({field: N_("The password must not contain the sign-in name.")})


def one_time_password() -> str:
    """A password to hand over: 20 characters without look-alikes, about 99 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def _composed(password: str) -> str:
    """The same password typed on different keyboards is the same text; absurd lengths are cut before any work."""
    return unicodedata.normalize("NFKC", password[: MAX_LENGTH * 4])


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_urlsafe(32))
