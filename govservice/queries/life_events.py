"""Life events: the doors by which people who do not know a service's name find it. Definitions name them by code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """`icon` is one of the drawings of templates/components/icon.html."""

    code: str
    title: Text
    hint: Text
    icon: str


_ALL = (
    LifeEvent(
        "start_business",
        {"en": "Starting a business", "zh": "创业开店"},
        {"en": "Registering, opening a shop or a restaurant", "zh": "登记注册、开店、办餐馆"},
        "flag",
    ),
    LifeEvent(
        "run_business",
        {"en": "Running a business", "zh": "企业经营"},
        {"en": "Licences, changes, renewals", "zh": "许可证照、变更、延续"},
        "people",
    ),
    LifeEvent(
        "build",
        {"en": "Building and renovating", "zh": "工程建设"},
        {"en": "Planning, fire safety, signs", "zh": "规划、消防、店招"},
        "calendar",
    ),
    LifeEvent(
        "have_child",
        {"en": "Having a child", "zh": "生育孩子"},
        {"en": "Birth, registration, insurance", "zh": "出生、落户、参保"},
        "person",
    ),
    LifeEvent(
        "move",
        {"en": "Moving home", "zh": "搬家落户"},
        {"en": "Household registration, address", "zh": "户口迁移、住址变更"},
        "arrow",
    ),
    LifeEvent(
        "need_help",
        {"en": "Needing support", "zh": "困难救助"},
        {"en": "Allowances and assistance", "zh": "低保、救助、补贴"},
        "held",
    ),
)
LIFE_EVENTS: Mapping[str, LifeEvent] = {event.code: event for event in _ALL}


def life_event(code: str) -> LifeEvent:
    """The life event of a code; one that nobody described yet goes by its code."""
    words = code.replace("_", " ").capitalize()
    return LIFE_EVENTS.get(code) or LifeEvent(code, {"en": words, "zh": words}, {"en": "", "zh": ""}, "info")
