"""The citizen's desk: apply, follow, correct, withdraw, read notices, see who looked.

Every view fetches through the access check (`citizen_case`), calls one operation or query, and renders or redirects.
"""

from flask import Blueprint

blueprint = Blueprint("citizen", __name__)

from govservice.web.citizen import (  # noqa: E402,F401  the views register themselves
    appointment,
    asked,
    bundle,
    cases,
    check,
    consents,
    correction,
    data,
    disputes,
    export,
    late,
    letters,
    pages,
    papers,
    pay,
    promises,
    sealed,
    start,
    tasks,
    uploads,
)
