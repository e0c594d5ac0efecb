"""Pictures of the main pages, Chinese and English, wide (1366 px) and narrow (320 px), into docs/pictures/.

    python scripts/pictures.py [URL [NAME ...]]   a running portal with demonstration data; default http://localhost:8000

With names ("11 14") only those pictures are taken anew.

The story of the browser tests is played to have something to show: Wang Fang files, two departments ask, she corrects.
Where Pillow is installed the files are reduced to a palette, which makes them several times smaller.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urljoin

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, ViewportSize, sync_playwright  # noqa: E402

from tests.support import browser as chromium  # noqa: E402
from tests.support import story  # noqa: E402
from tests.support.visitor import Visitor, visitor  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
WIDTHS = {"wide": {"width": 1366, "height": 768}, "320": {"width": 320, "height": 640}}
COLOURS = 256
TALLEST = 5200  # pixels


def shoot(who: Visitor, name: str) -> None:
    """The page as it is, in both languages and both widths."""
    path = who.path
    for language in ("zh", "en"):
        who.open(f"/language/{language}?back={quote(path, safe='')}")
        for width, size in WIDTHS.items():
            who.page.set_viewport_size(size)  # type: ignore[arg-type]
            file = FOLDER / f"{name}-{language}-{width}.png"
            who.page.set_viewport_size(tall(who))
            who.page.screenshot(path=file, animations="disabled")
            reduce(file)
            print(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1024} kB")
    who.open(f"/language/{who.t.code}?back={quote(path, safe='')}")
    who.page.set_viewport_size(WIDTHS["wide"])  # type: ignore[arg-type]


def tall(who: Visitor) -> ViewportSize:
    """A window as high as the page, so that nothing in it scrolls; long lists repeat themselves and are cut."""
    width = who.page.viewport_size["width"] if who.page.viewport_size else 0
    return {"width": width, "height": min(who.page.evaluate("document.documentElement.scrollHeight"), TALLEST)}


def reduce(file: Path) -> None:
    """Fewer colours: no eye tells the difference on a page of text."""
    if importlib.util.find_spec("PIL"):
        from PIL import Image

        with Image.open(file) as picture:
            reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        reduced.save(file, optimize=True)


def play(browser: Browser, url: str) -> Iterator[tuple[str, Visitor]]:
    """Each of the pages in turn, with the person who sees it."""
    with ExitStack() as stack:

        def person(login: str = "") -> Visitor:
            return stack.enter_context(visitor(browser, url, "zh", login=login))

        anybody, wang, zhang = person(), person("wang.fang"), person("zhang.qiang")
        anybody.open("/")
        yield "01-home", anybody
        wang.open(f"/services/{story.SERVICE}")
        yield "02-service", wang
        wang.open(f"/services/{story.SERVICE}/start")
        wang.press(story.go_on_words(wang))
        yield "11-what-we-hold", wang
        story.agree(wang)
        wang.follow("Go on")
        yield "03-question", wang
        wang.open(wang.path.replace("pages/menu", "tasks"))
        story.answer(wang)
        yield "04-check-answers", wang
        number = story.send(wang)
        story.decide(person("li.na"), number, "Accept")
        story.ask_for_correction(
            zhang, number, {"Seats for guests": "图纸为 86 个餐位，申请为 64 个。"}, "请核对餐位数。"
        )
        layout = {"Layout plan": "请标明两个安全出口和灭火器位置。"}
        story.ask_for_correction(person("zhou.jie"), number, layout, "图纸不完整。")
        story.decide(person("sun.min"), number, "Agree", "招牌尺寸符合规定。")
        notice = wang.main.locator(".gs-side").get_by_role("link", name=wang.t["Notice of correction"])
        story.until(wang, number, notice)
        yield "05-case", wang
        wang.open(f"/my/cases/{number}/correct")
        story.answer_the_notice(wang)
        zhang.open("/clerk/")
        yield "06-worklist", zhang
        story.open_task(zhang, number)
        yield "07-clerk-case", zhang
        zhao = person("zhao.lei")
        zhao.open(f"/supervisor/?service={story.SERVICE}")
        yield "08-supervisor", zhao
        wang.open(f"/my/data/reads?case={number}")
        yield "09-who-looked", wang
        wang.open("/my/data")
        yield "12-my-data", wang
        wang.open(f"/my/cases/{number}/wrong")
        wang.main.locator("[name='fact']").select_option("person.name")
        wang.main.locator("[name='claimed']").fill("王芳芳")
        wang.main.locator("[name='reason']").fill("去年已改名，户口簿已更正，登记库仍是旧名。")
        wang.press("Send it to the department")
        yield "13-a-register-is-wrong", wang
        owner = person("gu.wen")
        owner.open("/registers/disputes")
        owner.main.locator("table a").first.click()
        yield "14-owner-dispute", owner
        owner.open("/registers")
        yield "15-owner-quality", owner
        anybody.page.goto(licence_of(wang))
        yield "10-licence", anybody


def licence_of(who: Visitor) -> str:
    """The public address of a licence that the person has: what its QR holds."""
    who.open("/my/cases")
    granted = who.main.locator("li", has=who.page.locator(".gs-tag--ok")).get_by_role("link")
    case = granted.first.get_attribute("href")
    who.open(f"{case}/licence")
    return urljoin(who.page.url, who.main.locator(".gs-letter__foot a").get_attribute("href") or "")


def main() -> int:
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000").rstrip("/")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.launch_args())
        for name, who in play(browser, url):
            if not sys.argv[2:] or name.partition("-")[0] in sys.argv[2:]:
                shoot(who, name)
    total = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
    print(f"{total / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
