"""Build the two files we keep of GOV.UK Frontend (MIT): one stylesheet, one script, in our own dress.

Run by hand when the version changes; needs npm and a network. Running the portal needs neither: the result is
committed under static/vendor/govuk-frontend/.

    python scripts/vendor_frontend.py

What it leaves out: the crown, the crest, the logotype, header and footer, the GDS Transport font (its @font-face
rules and every declaration that names it), and every component that the portal does not use.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "6.3.0"
TOOLS = ("sass@1.108.2", "esbuild@0.28.2")
TARGET = Path(__file__).resolve().parent.parent / "static" / "vendor" / "govuk-frontend"
FORBIDDEN = re.compile(r"GDS Transport|@font-face|crown|crest|logotype|\bgov\.uk logo", re.IGNORECASE)

COMPONENTS = (
    "back-link", "breadcrumbs", "button", "character-count", "checkboxes", "date-input", "details",
    "error-message", "error-summary", "fieldset", "file-upload", "hint", "input", "inset-text", "label",
    "notification-banner", "pagination", "password-input", "radios", "select", "skip-link", "summary-list",
    "table", "task-list", "textarea", "warning-text",
)  # fmt: skip
SCRIPTS = {
    "button": "Button",
    "character-count": "CharacterCount",
    "checkboxes": "Checkboxes",
    "error-summary": "ErrorSummary",
    "notification-banner": "NotificationBanner",
    "password-input": "PasswordInput",
    "radios": "Radios",
    "skip-link": "SkipLink",
}

SETTINGS = """
@use "govuk/settings" with (
  $govuk-font-family: ("Noto Sans", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif),
  $govuk-font-family-print: ("Noto Sans", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif),
  $govuk-include-default-font-face: false,
  $govuk-page-width: 1080px,
  $govuk-border-width-form-element: 1px,
  $govuk-typography-scale: (
    80: (null: (font-size: 36px, line-height: 44px), print: (font-size: 24pt, line-height: 1.15)),
    48: (null: (font-size: 28px, line-height: 38px), tablet: (font-size: 36px, line-height: 44px),
         print: (font-size: 22pt, line-height: 1.2)),
    36: (null: (font-size: 24px, line-height: 32px), tablet: (font-size: 26px, line-height: 34px),
         print: (font-size: 18pt, line-height: 1.2)),
    27: (null: (font-size: 22px, line-height: 30px), tablet: (font-size: 24px, line-height: 32px),
         print: (font-size: 15pt, line-height: 1.25)),
    24: (null: (font-size: 21px, line-height: 30px), tablet: (font-size: 24px, line-height: 32px),
         print: (font-size: 15pt, line-height: 1.25)),
    19: (null: (font-size: 18px, line-height: 28px), print: (font-size: 11pt, line-height: 1.45)),
    16: (null: (font-size: 15px, line-height: 22px), print: (font-size: 10pt, line-height: 1.4)),
  ),
  $govuk-functional-colours: (
    brand: #0b5351, text: #17211f, secondary-text: #47524f, template-background: #f6f7f4,
    focus: #ffc845, focus-text: #17211f, error: #a3261b, success: #1c5d3c,
    border: #d3dad7, input-border: #47524f, hover: #d3dad7,
    link: #0a5a70, link-visited: #5a3b86, link-hover: #062f2f, link-active: #17211f,
    surface-background: #f6f7f4, surface-text: #17211f, surface-border: #d3dad7,
  )
);
@use "govuk/components/button/settings" as *;
@use "govuk/custom-properties";
@use "govuk/core";
@use "govuk/objects";
"""


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def stylesheet(work: Path) -> str:
    """Compile only the components we use, with our font stack and colours set in the sources."""
    lines = [
        SETTINGS,
        *(f'@use "govuk/components/{name}";' for name in COMPONENTS),
        '@use "govuk/utilities";',
    ]
    (work / "portal.scss").write_text("\n".join(lines), encoding="utf-8")
    run("npx", "sass", "--style=compressed", "--no-source-map", "--no-charset", "--quiet-deps",
        "--load-path=node_modules/govuk-frontend/dist", "portal.scss", "out.css", cwd=work)  # fmt: skip
    return (work / "out.css").read_text(encoding="utf-8")


def script(work: Path) -> str:
    """Bundle the behaviours into one module that starts them; every page works without it."""
    base = "./node_modules/govuk-frontend/dist/govuk"
    imports = "\n".join(
        f'import {{ {cls} }} from "{base}/components/{name}/{name}.mjs";' for name, cls in SCRIPTS.items()
    )
    body = (
        f'import {{ createAll }} from "{base}/init.mjs";\n{imports}\n'
        'document.body.classList.add("js-enabled", "govuk-frontend-supported");\n'
        + "\n".join(f"createAll({cls});" for cls in SCRIPTS.values())
    )
    (work / "entry.mjs").write_text(body, encoding="utf-8")
    run("npx", "esbuild", "entry.mjs", "--bundle", "--minify", "--format=esm", "--target=es2020",
        "--legal-comments=none", "--outfile=out.js", cwd=work)  # fmt: skip
    return (work / "out.js").read_text(encoding="utf-8")


def main() -> int:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "package.json").write_text('{"private": true}', encoding="utf-8")
        run("npm", "install", "--no-audit", "--no-fund", f"govuk-frontend@{VERSION}", *TOOLS, cwd=work)
        results = {"govuk.css": stylesheet(work), "govuk.js": script(work)}
    for name, text in results.items():
        if found := FORBIDDEN.search(text):
            print(f"{name} still holds {found.group()!r}: not written", file=sys.stderr)
            return 1
        (TARGET / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text)} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
