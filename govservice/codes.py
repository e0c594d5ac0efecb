"""The codes that the portal makes up: case numbers and the codes under which a licence is verified.

Crockford base32, in groups: no I, L, O or U, so that what people misread (O for 0, I or L for 1) can be read back.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class CodeFormat:
    """`length` characters of 5 bits each, written in groups of `group`."""

    length: int
    group: int

    def random(self) -> str:
        """One that nobody can guess."""
        return self.written("".join(secrets.choice(ALPHABET) for _ in range(self.length)))

    def keyed(self, key: str, message: str) -> str:
        """The same for the same message, and nobody without the key can tell it (HMAC-SHA256)."""
        digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
        return self.written("".join(ALPHABET[byte & 31] for byte in digest[: self.length]))

    def written(self, signs: str) -> str:
        return "-".join(signs[at : at + self.group] for at in range(0, len(signs), self.group))

    def meant(self, typed: str) -> str | None:
        """The code that was meant: blanks and dashes anywhere, small and full-width letters, O for 0. None for a text
        of another length."""
        plain = unicodedata.normalize("NFKC", typed[:200]).upper()
        signs = "".join(c for c in plain if c.isascii() and c.isalnum()).translate(_MISREAD)
        return self.written(signs) if len(signs) == self.length else None


CASE_NUMBER = CodeFormat(15, 5)  # 75 bits
LICENCE_CODE = CodeFormat(16, 4)  # 80 bits: it cannot be found by trying
