"""What the frame of every page says of this request: who is signed in, in which office, for whom they act."""

from __future__ import annotations

from flask import has_request_context, request, url_for
from flask_babel import lazy_gettext

from govservice.operations.sessions import ActsFor, SignedIn
from govservice.web.access import PORTAL_ROLES, current_runtime
from govservice.web.language import COOKIE, current_language
from govservice.web.sessions import portal_session, seconds_left, signed_in
from govservice.web.shell import ActingFor, Shell, Text, href

PORTAL = {"en": "Guizhou Province", "zh": "贵州省"}
DESKS: dict[str, Text] = {
    "clerk": lazy_gettext("Clerk's desk"),
    "steward": lazy_gettext("Registers and sharing"),
    "supervisor": lazy_gettext("Supervision of turnaround"),
    "designer": lazy_gettext("Services and definitions"),
    "admin": lazy_gettext("Administration"),
}
DESK_HOME = {
    "clerk": "clerk.worklist", "steward": "steward.quality", "supervisor": "supervisor.overview",
    "designer": "designer.services", "": "public.home",
}  # fmt: skip
MANDATES: dict[str, Text] = {
    "legal_representative": lazy_gettext("as its legal representative"),
    "agent": lazy_gettext("as its agent"),
}


def stored_language() -> str | None:
    """The language a person chose for the portal's letters, where this browser has chosen none."""
    if request.cookies.get(COOKIE) or portal_session().broken:
        return None
    found = signed_in()
    return found.locale if found else None


def shell() -> Shell:
    """The frame's facts; on an error page too, where the session may not have been opened."""
    found = signed_in() if has_request_context() and _has_session() else None
    settings = current_runtime().settings
    if found is None:
        return Shell(area=PORTAL, sign_in_href=sign_in_href(), demo=settings.demo)
    return Shell(
        area=area_of(found),
        desk=desk_name(found),
        user_name=shown_name(found),
        user_role=role_name(found),
        sign_out_href=url_for("account.sign_out"),
        demo=settings.demo,
        acting_for=acting_banner(found.acts_for),
        extra={
            "account_href": url_for("account.home"),
            "seconds_left": seconds_left(),
            "kind": found.kind,
            "desk": desk_of(found),
            "home": desk_home(found),
            "registers": any(role == "steward" for role, _ in found.roles),
        },
    )


def _has_session() -> bool:
    from flask.globals import request_ctx

    return request_ctx.session is not None


def sign_in_href() -> str:
    """The sign-in page, coming back to a page that may be read again."""
    here = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else "/"
    account = url_for("account.sign_in")
    if request.path in ("/", account) or request.endpoint is None or (request.endpoint or "").startswith("account."):
        return account
    return url_for("account.sign_in", next=here)


def shown_name(found: SignedIn) -> str:
    """A citizen's own name; a member of staff's in the reader's language."""
    names = found.name or {}
    return names.get(current_language().code) or next(iter(names.values()), found.login)


def desk_of(found: SignedIn) -> str:
    """Which desk a member of staff works at first: clerk, steward, supervisor, designer or admin; "" for
    citizens."""
    if found.kind == "citizen":
        return ""
    roles = {role for role, _ in found.roles}
    if roles - PORTAL_ROLES:
        return "clerk"
    return next((desk for desk in ("steward", "supervisor", "designer", "admin") if desk in roles), "")


def desk_home(found: SignedIn) -> str:
    """The first page of somebody's desk; their account where they have none."""
    return href(DESK_HOME.get(desk_of(found), "")) or url_for("account.home")


def desk_name(found: SignedIn) -> Text:
    return DESKS.get(desk_of(found), "")


def role_name(found: SignedIn) -> Text:
    """The first role and its area, for the staff header: a department's name would not fit beside it."""
    if not found.roles:
        return ""
    role, department = found.roles[0]
    place = current_runtime().definitions.catalogue.departments.get(department)
    title = role_title(role)
    if place is None:
        return title
    area = current_runtime().definitions.catalogue.areas[place.area].name
    return {"en": f"{words_in(title, 'en')}, {area['en']}", "zh": f"{words_in(title, 'zh')}，{area['zh']}"}


def role_title(role: str) -> dict[str, str]:
    """A role in words: the portal's own, else as the services name it."""
    own = {
        "steward": {"en": "Data steward", "zh": "数据管理员"},
        "supervisor": {"en": "Supervisor", "zh": "效能监督员"},
        "designer": {"en": "Designer of services", "zh": "事项管理员"},
        "admin": {"en": "Administrator", "zh": "系统管理员"},
    }
    if role in own:
        return own[role]
    definitions = current_runtime().definitions
    for code in definitions.codes():
        spec = definitions.current(code).service.roles.get(role)
        if spec is not None and spec.title:
            return {"en": words_in(spec.title, "en"), "zh": words_in(spec.title, "zh")}
    return {"en": role, "zh": role}


def words_in(words: object, code: str) -> str:
    found = words.get(code) if hasattr(words, "get") else getattr(words, code, None)
    return str(found or "")


def area_of(found: SignedIn) -> Text:
    """The authority under the wordmark: a member of staff's area, the province for everybody else."""
    catalogue = current_runtime().definitions.catalogue
    places = [catalogue.departments[d] for _, d in found.roles if d in catalogue.departments]
    return catalogue.areas[places[0].area].name if places else PORTAL


def acting_banner(held: ActsFor | None) -> ActingFor | None:
    if held is None:
        return None
    return ActingFor(held.name, MANDATES.get(held.kind, ""), url_for("account.acting_for"))
