"""The panel of a case that waits for its fee: to pay, being confirmed, or not ready yet."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext

from govservice.queries.tracking import CasePage
from govservice.web.i18n import date_text, sum_text
from govservice.web.words import day, gap, last_day

Panel = dict[str, Any]


def pay_panel(page: CasePage) -> Panel:
    """The panel of a case that waits for its fee."""
    fee = page.fee
    if fee is None or fee.standing == "preparing":
        return {
            "kind": "with_us", "tag": gettext("With the portal"), "title": gettext("Your payment is being prepared"),
            "words": gettext("In a moment you can pay the fee here. You need not do anything until then."),
            "facts": [], "button": None, "links": [],
        }  # fmt: skip
    if fee.standing in ("confirming", "paid"):
        return _confirming(page)
    by = last_day(fee.due_by) if fee.due_by else None
    what = gettext("Pay the fee of %(sum)s", sum=sum_text(fee.sum))
    failed = gettext("The last try did not go through, and nothing was taken. You may try again.")
    once = gettext("Your application goes on as soon as the payment provider has confirmed it.")
    return {
        "kind": "you", "tag": gettext("Your turn"),
        "title": gettext("%(what)s by %(day)s", what=what, day=day(by)) if by else what,
        "words": failed if fee.standing == "failed" else once,
        "facts": [
            {"label": gettext("Fee"), "value": sum_text(fee.sum), "meta": fee.basis},
            {"label": gettext("Asked for"), "value": date_text(page.standing.since)},
        ],
        "button": {"text": gettext("Pay"), "href": url_for("citizen.pay", number=page.case.number)}, "links": [],
    }  # fmt: skip


def _confirming(page: CasePage) -> Panel:
    link = {"text": gettext("I have not paid yet"), "href": url_for("citizen.pay", number=page.case.number)}
    words = gettext("We are asking the payment provider whether your payment has arrived. Do not pay twice.")
    see = gettext("This usually takes less than a minute; open this page again to see.")
    return {
        "kind": "with_us", "tag": gettext("Being confirmed"), "title": gettext("Your payment is being confirmed"),
        "words": f"{words}{gap()}{see}",
        "facts": [], "button": None, "links": [link] if page.fee and page.fee.standing == "confirming" else [],
    }  # fmt: skip
