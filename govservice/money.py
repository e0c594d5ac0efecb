"""Sums of money: whole minor units and a currency, never a float.

A sum is counted in the currency's minor unit (fen for CNY), as a whole number: that is what is stored, signed and
compared. People read it as a decimal with the currency's own number of places (ISO 4217).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

PLACES = {"CNY": 2, "HKD": 2, "MOP": 2, "TWD": 2, "USD": 2, "EUR": 2, "JPY": 0}  # ISO 4217 minor units
MAX_MINOR = 10**14  # a trillion yuan: nothing that a person pays is larger


class Money(NamedTuple):
    """A sum. `minor` is a whole number of minor units: 20000 and CNY are 200.00 yuan."""

    minor: int
    currency: str

    @classmethod
    def of(cls, value: Decimal, currency: str) -> Money:
        """From a decimal in the currency's own unit. Raises ValueError for a currency that we do not know, a sum that
        is not positive, and one with more places than the currency has."""
        places = PLACES.get(currency)
        if places is None:
            raise ValueError(f"the currency {currency!r} is not one of {', '.join(PLACES)}")
        scaled = value.scaleb(places)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {places} decimal places")
        if not 0 < scaled <= MAX_MINOR:
            raise ValueError(f"{value} is not a sum that can be paid")
        return cls(int(scaled), currency)

    @property
    def value(self) -> Decimal:
        """In the currency's own unit, exact: Decimal("200.00")."""
        return Decimal(self.minor).scaleb(-self.places)

    @property
    def places(self) -> int:
        return PLACES[self.currency]

    def __str__(self) -> str:
        return f"{self.value:.{self.places}f} {self.currency}"
