"""Every sentence that people may read exists in Chinese as well."""

from __future__ import annotations

import re
import subprocess
import sys

from config import ROOT


def test_no_sentence_is_left_untranslated() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/messages.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_translation_has_a_percent_sign_that_python_would_read() -> None:
    """A lone % in a translation is a placeholder to gettext: the page that shows it falls over. %% is a sign;
    %{count} belongs to the browser's own counting."""
    lone = [
        f"{path.parent.parent.parent.name}: {line.strip()}"
        for path in sorted(ROOT.glob("translations/*/*/LC_MESSAGES/messages.po"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("msgstr", '"')) and re.search(r"%(?!\(|\{)", line.replace("%%", ""))
    ]
    assert lone == []
