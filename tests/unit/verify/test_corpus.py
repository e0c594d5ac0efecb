"""Clause: it must accept every sound procedure the format can express (no false alarms) and refuse every unsound one.

Each definition of the corpus is one mutation of `sound.yaml`, checked as `flask definitions check FILE` does.
"""

from __future__ import annotations

import pytest

from tests.unit.verify.conftest import SOUND as TEXT
from tests.unit.verify.conftest import Check
from tests.unit.verify.corpus import SOUND, UNSOUND, Case


def changed(case: Case) -> str:
    text = TEXT
    for old, new in zip(case.changes[::2], case.changes[1::2], strict=True):
        assert old in text, f"{old!r} is not in the definition"
        text = text.replace(old, new, 1)
    return text


def test_the_corpus_is_as_large_as_was_asked() -> None:
    assert len(UNSOUND) >= 60
    assert len(SOUND) >= 60
    for corpus in (UNSOUND, SOUND):
        assert len({case.name for case in corpus}) == len(corpus)


@pytest.mark.parametrize("case", UNSOUND, ids=lambda case: case.name.replace(" ", "_"))
def test_an_unsound_definition_is_refused(case: Case, judged: Check) -> None:
    """With its code, its file, the line, the step, and a run that shows it."""
    text = changed(case)
    findings = judged(text=text)
    told = "\n".join(str(f) for f in findings)
    found = [f for f in findings if (f.code, f.step) == (case.code, case.step)]
    assert found, told
    lines = text.splitlines()
    assert any(case.at in lines[f.line - 1] for f in found), f"{told}\n{[lines[f.line - 1] for f in found]}"
    assert {f.file for f in found} == {"small.yaml"}
    assert not case.run or all(len(f.trace) > 1 for f in found), told


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.name.replace(" ", "_"))
def test_a_sound_definition_is_accepted_without_a_word(case: Case, judged: Check) -> None:
    assert [str(f) for f in judged(text=changed(case)) if f.severity != "info"] == []
