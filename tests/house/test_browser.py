"""The browser of the tests is real: it starts, and it has a font for Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

# Without a font every Chinese sign is the same empty box.
DRAW = """(sign) => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d'); pen.font = '48px sans-serif'; pen.fillText(sign, 4, 52);
  return canvas.toDataURL();
}"""


@pytest.mark.browser
def test_chinese_signs_differ(page: Page) -> None:
    page.set_content("<!doctype html><html lang=zh-CN><title>字</title><body>办件</body></html>")
    first, second = (page.evaluate(DRAW, sign) for sign in "办件")
    assert first != second
