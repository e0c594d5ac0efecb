"""What registries hold of whoever works with food: the registered scope of business, the examined manager."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.answers_people import drawn
from govservice.exchange.sandbox.province import Province

Record = dict[str, Any]
FORMS = {"catering": "SERVICE", "food_retail": "SALES"}  # by trade; the scope of others holds no food
EXAMINED = 80  # per cent of the food enterprises whose manager has been examined
AT = "2026-01-05T01:00:00Z"


def scopes(province: Province, subject: str) -> Iterable[Record]:
    """What the enterprise is registered for. One of three food enterprises also sells online; none of the cast."""
    enterprise = province.enterprises.get(subject)
    if enterprise is None:
        return []
    record = {"record_id": f"FW-{subject[-8:]}", "uscc": subject, "updated_at": AT}
    if enterprise.trade not in FORMS:
        return [record]
    online = enterprise not in cast.ENTERPRISES and drawn(subject, "online") % 3 == 0
    return [{**record, "food_form": FORMS[enterprise.trade], "food_online": online}]


def managers(province: Province, subject: str) -> Iterable[Record]:
    """The member of the staff who passed the examination: one of those with a health certificate."""
    enterprise = province.enterprises.get(subject)
    staff = province.certificates.get(subject, ())
    if enterprise is None or not staff or drawn(subject, "examined") % 100 >= EXAMINED:
        return []
    return [{"record_id": f"SA-{subject[-8:]}", "employer_uscc": subject, "name": staff[0].holder, "updated_at": AT}]
