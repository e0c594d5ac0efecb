"""Every sentence that people may read exists in Chinese as well."""

from __future__ import annotations

import subprocess
import sys

from config import ROOT


def test_no_sentence_is_left_untranslated() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/messages.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
