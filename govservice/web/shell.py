"""What every page's frame shows: who is signed in, for whom they act, the way around, the demonstration note.

The composition root registers one provider that gives the `Shell` of the current request; templates read it as `shell`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.routing import BuildError

Text = object  # a str, a lazy string or an {en, zh} mapping; shown through the `text` filter

REGISTERS: tuple[tuple[str, Text, str], ...] = (
    ("steward.quality", lazy_gettext("Quality of our registers"), "quality"),
    ("steward.grants", lazy_gettext("Who may ask"), "grants"),
    ("steward.disputes", lazy_gettext("Entries said to be wrong"), "disputes"),
)
# (endpoint, words, section): a template marks its own section with {% set section = "cases" %}.
# An endpoint that is not registered is left out.
NAV: dict[str, tuple[tuple[str, Text, str], ...]] = {
    "citizen": (
        ("public.home", lazy_gettext("Services"), "services"),
        ("citizen.cases", lazy_gettext("My cases"), "cases"),
        ("citizen.my_data", lazy_gettext("My data"), "data"),
        ("public.verify", lazy_gettext("Verify a licence"), "verify"),
    ),
    "visitor": (  # staff on public pages: what is a citizen's alone leads nowhere for them
        ("public.home", lazy_gettext("Services"), "services"),
        ("public.verify", lazy_gettext("Verify a licence"), "verify"),
    ),
    "clerk": (
        ("clerk.worklist", lazy_gettext("Worklist"), "worklist"),
        ("clerk.search", lazy_gettext("Search cases"), "search"),
    ),
    "steward": REGISTERS,
    "supervisor": (
        ("supervisor.overview", lazy_gettext("Overview"), "overview"),
        ("supervisor.late", lazy_gettext("Late"), "late"),
        ("supervisor.workload_page", lazy_gettext("Workload"), "workload"),
        ("supervisor.steps", lazy_gettext("Steps"), "steps"),
        ("supervisor.burden", lazy_gettext("Burden"), "burden"),
        ("supervisor.registries", lazy_gettext("Registries"), "registries"),
        ("designer.services", lazy_gettext("Versions"), "versions"),
    ),
    "designer": (("designer.services", lazy_gettext("Versions"), "versions"),),
}
FOOTER: tuple[tuple[str, Text], ...] = (
    ("public.help", lazy_gettext("Help")),
    ("public.accessibility", lazy_gettext("Accessibility statement")),
    ("public.privacy", lazy_gettext("Privacy and data use")),
    ("public.complaints", lazy_gettext("Complaints: call 12345")),
)


@dataclass(frozen=True, slots=True)
class ActingFor:
    """The party a filing is made for: its name, by which right (`relation`, a phrase), where to switch."""

    name: str
    relation: Text = ""
    switch_href: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame's facts. `desk` names the dark header's desk; `area` the authority under the wordmark."""

    area: Text = ""
    desk: Text = ""
    user_name: str = ""
    user_role: Text = ""
    sign_in_href: str = ""
    sign_out_href: str = ""
    demo: bool = False
    acting_for: ActingFor | None = None
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NavItem:
    text: Text
    href: str
    section: str


def href(endpoint: str, **values: object) -> str | None:
    """`url_for`, or None where the endpoint is not registered (a desk that is not there yet)."""
    if endpoint not in current_app.view_functions:
        return None
    try:
        return url_for(endpoint, **values)  # type: ignore[arg-type]
    except BuildError:
        return None


def nav(desk: str, registers: object = False) -> list[NavItem]:
    """The main navigation of a desk, without the pages that do not exist. `registers`: a clerk who also looks after
    registries."""
    items = NAV.get(desk, ()) + (REGISTERS if registers and desk == "clerk" else ())
    found = ((label, href(endpoint), section) for endpoint, label, section in items)
    return [NavItem(label, address, section) for label, address, section in found if address]


def footer_links() -> list[tuple[Text, str]]:
    found = ((label, href(endpoint)) for endpoint, label in FOOTER)
    return [(label, address) for label, address in found if address]


def this_page() -> str:
    """The address of this page, as the language switch must return to it."""
    return request.full_path.rstrip("?") if request.query_string else request.path


def init_shell(app: Flask, provider: Callable[[], Shell] | None = None) -> None:
    """Give every template `shell`, `nav(desk)`, `footer_links()`, `this_page()` and `href(endpoint, ...)`."""

    def shell_context() -> dict[str, object]:
        return {
            "shell": provider() if provider else Shell(area=gettext("Government services")),
            "nav": nav,
            "footer_links": footer_links,
            "this_page": this_page,
            "href": href,
        }

    app.context_processor(shell_context)
