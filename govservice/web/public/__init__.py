"""The public desk: find a service, read what it takes, verify a licence. Nothing here needs a sign-in."""

from flask import Blueprint

blueprint = Blueprint("public", __name__)

from govservice.web.public import home, pages, service, verify  # noqa: E402,F401  the views register themselves
