"""Tables. Importing this package registers every model on `Base.metadata`."""

from govservice.models import (
    accounts,
    appointments,
    cases,
    consents,
    exchange,
    papers,
    payments,
    people,
    places,
    recusals,
    reliance,
    system,
    versions,
    work,
)
from govservice.models.base import Base, new_id

__all__ = [
    "Base", "accounts", "appointments", "cases", "consents", "exchange", "new_id", "papers", "payments", "people",
    "places", "recusals", "reliance", "system", "versions", "work",
]  # fmt: skip
