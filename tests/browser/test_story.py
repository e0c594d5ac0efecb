"""The whole story in a real Chromium, against a running portal and the registries as a process of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.visitor import visitor

pytestmark = pytest.mark.browser


def test_wang_fang_opens_a_restaurant(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    with visitor(browser, portal.url, "zh", eyes=eyes) as wang:
        story.find(wang, "开餐馆")
        story.begin(wang, "wang.fang")
        story.sees_what_is_held(wang)
        story.answer(wang)
        filed = story.send(wang)
        print(filed)
    print("\n".join(eyes.faults))
    assert eyes.faults == []
