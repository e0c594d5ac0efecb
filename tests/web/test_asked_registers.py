"""Who is asked to authorise something reads what: which register is asked for what, why and by which law."""

from __future__ import annotations

import pytest

from govservice.exchange.conditional import unneeded
from govservice.models.casedata import Form
from govservice.web.citizen.asked import _registers
from tests.web.conftest import Stage


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_request_says_what_it_authorises(stage: Stage, language: str) -> None:
    compiled = stage.runtime.definitions.current("minimum_living_allowance")
    with stage.app.test_request_context("/my/requests/X", headers={"Accept-Language": language}):
        rows = {row["key"]: row for row in _registers(compiled, ())}
        nothing = _registers(stage.runtime.definitions.current("birth_certificate"), ())
    said = " ".join(f"{key} {row['value']} {row['meta']}" for key, row in rows.items())
    for words in {"en": ("Deposits", "income", "Social Assistance"), "zh": ("存款", "收入", "社会救助")}[language]:
        assert words in said, said
    assert nothing == [], "what is asked without consent is no matter of this request"


def test_registers_of_another_situation_are_not_named(stage: Stage) -> None:
    """Whoever is joined by a spouse authorises no look at who is whose parent."""
    compiled = stage.runtime.definitions.current("household_move")
    with stage.app.test_request_context("/my/requests/X", headers={"Accept-Language": "en"}):
        assert [row["key"] for row in _registers(compiled, ())] == ["Provincial Birth Records"]
        spouse = Form(answers={"move.reason": "family", "move.kin": "spouse"})
        assert _registers(compiled, unneeded(compiled, spouse)) == []
        parents = Form(answers={"move.reason": "family", "move.kin": "parents"})
        assert len(_registers(compiled, unneeded(compiled, parents))) == 1
