"""The account's room: signing in and out, registering, password, where one is signed in, language, acting for."""

from flask import Blueprint

blueprint = Blueprint("account", __name__)

from govservice.web.account import absence, agents, profile, register, sign_in  # noqa: E402,F401  the views register themselves
