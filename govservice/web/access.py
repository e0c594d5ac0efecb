"""Who may see what: the only way a view learns who asks, and gets a case or a file.

Every view declares its audience, else it is not served (and a house test fails)::

    @blueprint.get("/cases/<number>")
    @audience("citizen")                       # below the route decorator
    def case(number: str) -> str:
        found = citizen_case(number)           # a models.cases.Case; 404 where it is not there or not yours

    @blueprint.post("/cases/<number>/files")
    @audience("citizen", uploads=True)         # bodies up to the upload limit instead of 256 kB

Audiences: anyone, signed_in, citizen, staff (any of the next), clerk, steward, supervisor, designer. Several may
be named.
Nobody signed in: 302 to the sign-in page, which comes back here after a GET. Wrong role: 404, as if there were nothing.

The rest: `current_actor()` (engine Actor, None for a visitor), `current_runtime()`, `now()` (the portal's time, one
look a request), `wall_now()`, `clerk_case(number)`, `supervisor_areas()`, `supervisor_case(session, number)`,
`case_file(file_id)` (file and case), `signed_in()` (login, name, roles). The case is a row of the session handed in
(`citizen_case(number, session)`), else a detached one. Reading a person's data is recorded by the desk that shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice import logs
from govservice.engine.types import Actor
from govservice.errors import NotFound, Unavailable
from govservice.models.accounts import STAFF_KINDS
from govservice.models.cases import Case, Token
from govservice.models.papers import File
from govservice.operations import absences
from govservice.operations.runtime import Runtime
from govservice.operations.sessions import SignedIn
from govservice.queries import access as queries
from govservice.queries import asked as asked_queries
from govservice.web.sessions import portal_session, portal_time, signed_in

AUDIENCES = ("anyone", "signed_in", "citizen", "staff", "clerk", "steward", "supervisor", "designer")
PORTAL_ROLES = frozenset(STAFF_KINDS) - {"clerk"}  # roles of the portal itself; every other role makes a clerk
View = TypeVar("View", bound=Callable[..., Any])
log = logs.get("govservice.web.access")

__all__ = [
    "AUDIENCES", "asked_part", "audience", "audiences", "case_file", "citizen_case", "clerk_case", "current_actor",
    "current_runtime", "init_access", "now", "signed_in", "supervisor_areas", "supervisor_case", "today", "wall_now",
    "work_roles",
]  # fmt: skip


# -- declaring ---------------------------------------------------------------------------------------------------------


def audience(*names: str, uploads: bool = False) -> Callable[[View], View]:
    """Declares who a view is for. Raises ValueError for an unknown audience. `uploads`: bodies may be large."""
    if not names or (unknown := set(names) - set(AUDIENCES)):
        raise ValueError(f"unknown audience: {', '.join(sorted(unknown)) if names else 'none'}")

    def declare(view: View) -> View:
        view.audience = names  # type: ignore[attr-defined]
        view.uploads = uploads  # type: ignore[attr-defined]
        return view

    return declare


def audiences(found: SignedIn | None) -> frozenset[str]:
    """What somebody is part of."""
    if found is None:
        return frozenset({"anyone"})
    if found.kind == "citizen":
        return frozenset({"anyone", "signed_in", "citizen"})
    roles = {role for role, _ in found.roles}
    own = roles & PORTAL_ROLES
    return frozenset({"anyone", "signed_in", "staff", *own, *({"clerk"} if roles - PORTAL_ROLES else ())})


def init_access(app: Flask) -> None:
    """Checks the audience before every view, and before the form's token: whoever may not see a page learns nothing
    of it. A view without a declared audience is never served."""
    app.before_request(_check_audience)


def _check_audience() -> Response | None:
    if request.endpoint is None:
        return None  # no such address: Flask says so
    declared = getattr(current_app.view_functions.get(request.endpoint), "audience", None)
    if declared is None:
        log.error("audience.missing", endpoint=request.endpoint)
        raise NotFound()
    if "anyone" in declared:
        return None
    if portal_session().broken:
        raise Unavailable()
    found = signed_in()
    if found is not None:
        logs.bind(user=found.user_id)
    if audiences(found).isdisjoint(declared):
        if found is None:
            return to_sign_in()
        log.warning("access.refused", endpoint=request.endpoint)
        raise NotFound()
    return None


def to_sign_in() -> Response:
    """To the sign-in page, and after it back to this page. Whoever sent a form comes back to the form: what they typed
    is not kept (it may be somebody else who signs in), and the sign-in page says so."""
    read = request.method in ("GET", "HEAD")
    form = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    back = request.full_path.rstrip("?") if read else request.path if form else None
    lost = None if read or not back else 1
    return redirect(url_for("account.sign_in", next=back if back != "/" else None, lost=lost), 302)


# -- who and when ------------------------------------------------------------------------------------------------------


def current_runtime() -> Runtime:
    """The portal's parts: database, definitions, calendars, registries."""
    found: Runtime = current_app.extensions["runtime"]
    return found


def now() -> datetime:
    """The portal's time of this request (simulated in a demonstration): for cases, limits, mandates."""
    return portal_time(current_runtime())


def today() -> date:
    """The day on the offices' calendar."""
    return current_runtime().today(now())


def wall_now() -> datetime:
    """The machine's time: for sessions, throttles and passwords only."""
    return current_runtime().wall.now()


def current_actor() -> Actor | None:
    """Who acts, as the engine wants it: a citizen (id `applicant:<person>`, with the organisation acted for) or a
    member of staff (id of the user, with the roles that hold today). None for a visitor."""
    if "actor" not in g:
        g.actor = _actor(signed_in())
    found: Actor | None = g.actor
    return found


def _actor(found: SignedIn | None) -> Actor | None:
    if found is None or found.user_id is None:
        return None
    name = next(iter((found.name or {}).values()), found.login)
    if found.kind != "citizen":
        return Actor(
            found.user_id, "user", found.roles, found.person_id, name=name, acts_for=_own_organisations(found),
            deputy_for=_absent_colleagues(found.user_id),
        )  # fmt: skip
    held = found.acts_for
    return Actor(
        f"applicant:{found.person_id}", "applicant", (), found.person_id, held.organisation_id if held else None, name,
        held.mandate_id if held else None,
    )  # fmt: skip


def _absent_colleagues(user_id: str) -> tuple[Actor, ...]:
    with current_runtime().read() as session:
        return absences.deputy_for(session, user_id, today())


def _own_organisations(found: SignedIn) -> tuple[str, ...]:
    """Asked only for the few members of staff whose own person is known."""
    if found.person_id is None:
        return ()
    with current_runtime().read() as session:
        return queries.organisations_of(session, found.person_id, today())


# -- fetching is the access check --------------------------------------------------------------------------------------


def citizen_case(number: str, session: Session | None = None) -> Case:
    """The case, if the person filed it or acts for its organisation by a mandate that holds today and covers it.
    Raises NotFound: not yours and not there look alike."""
    actor = current_actor()
    if actor is None or actor.person_id is None or actor.kind != "applicant":
        raise NotFound()
    person, organisation, day = actor.person_id, actor.organisation_id, today()
    return _found(
        session, lambda s: queries.citizens_case(s, number, person_id=person, organisation_id=organisation, today=day)
    )


def asked_part(number: str, session: Session | None = None) -> tuple[Case, Token]:
    """A part of somebody's case that was asked of this person, with the case. Raises NotFound."""
    actor = current_actor()
    if actor is None or actor.person_id is None or actor.kind != "applicant":
        raise NotFound()
    person = actor.person_id
    return _found(session, lambda s: asked_queries.asked_part(s, number, person))


def clerk_case(number: str, session: Session | None = None) -> Case:
    """The case, if a role of the clerk, in its department, has a task in it or did one. Raises NotFound."""
    roles = work_roles(current_actor())
    return _found(session, lambda s: queries.clerks_case(s, number, roles))


def supervisor_areas() -> tuple[str, ...]:
    """The areas the supervisor watches: those of the departments where the role is held, and all below them."""
    found, catalogue = signed_in(), current_runtime().definitions.catalogue
    places = [d for role, d in (found.roles if found else ()) if role == "supervisor"]
    held = {catalogue.departments[d].area for d in places if d in catalogue.departments}
    return tuple(a for a in catalogue.areas if held & {above.code for above in catalogue.line_of_areas(a)})


def supervisor_case(session: Session | None, number: str) -> Case:
    """The case, if it was filed in one of the supervisor's areas. Raises NotFound."""
    areas = supervisor_areas()
    return _found(session, lambda s: queries.supervisors_case(s, number, areas))


def case_file(file_id: str, session: Session | None = None) -> tuple[File, Case]:
    """A file and its case, if the case is the citizen's or the clerk's. Raises NotFound. Which files a clerk's step
    reads is for the clerk's desk to say."""
    actor = current_actor()
    if actor is None:
        raise NotFound()
    person = actor.person_id if actor.kind == "applicant" else None
    organisation, roles, day = actor.organisation_id, work_roles(actor), today()
    return _found(
        session,
        lambda s: queries.file_of(s, file_id, person_id=person, organisation_id=organisation, roles=roles, today=day),
    )


Found = TypeVar("Found")


def _found(session: Session | None, look: Callable[[Session], Found | None]) -> Found:
    if session is not None:
        found = look(session)
    else:
        with current_runtime().read() as own:
            found = look(own)
    if found is None:
        log.warning("access.not_theirs", endpoint=request.endpoint)
        raise NotFound()
    return found


def work_roles(actor: Actor | None) -> tuple[tuple[str, str], ...]:
    """(role, department id) pairs in which somebody does tasks; the portal's own roles have none."""
    return tuple(pair for pair in (actor.every_role if actor else ()) if pair[0] not in PORTAL_ROLES)
