"""What counts as a change: never the way in which something is written."""

from __future__ import annotations

from typing import Any

import pytest

from config import ROOT
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.loader import load_text
from govservice.exchange.comparing import alike, judge
from tests.support.relying import RELIES

WRITTEN_OTHERWISE = [
    ("org.name", "贵阳清味餐饮有限公司", " 贵阳　清味餐饮\u00a0有限公司 "),
    ("org.name", "ACME Food（Guiyang）Ltd", "acme food(guiyang) LTD"),
    ("person.name", "José Müller", "JOSE MULLER"),
    ("org.uscc", "91520111MA6XXXXX0A", "９１５２０１１１MA6XXXXX0A"),
    ("premises.area", "86.5", "86.50"),
    ("premises.area", "86", "8.6E+1"),
    ("person.birth_date", "1980", "1980-05-01"),
    ("person.birth_date", "1980-05", "1980-05-01"),
    ("staff.certificates", ["A 1", "b2"], ["B2", "a1"]),
    ("premises.title_no", None, ""),
]
MEANT_OTHERWISE = [
    ("org.name", "贵阳清味餐饮有限公司", "贵阳青味餐饮有限公司"),
    ("premises.area", "86.5", "865"),
    ("person.birth_date", "1980", "1981-05-01"),
    ("person.birth_date", "1980-05-01", "1980-05-10"),
    ("staff.certificates", ["a1", "b2"], ["a1"]),
    ("premises.district", "huaxi", "nanming"),
    ("org.uscc", "91520111MA6XXXXX0A", "91520111MA6XXXXX0B"),
    ("premises.title_no", "x", None),
]


@pytest.mark.parametrize(("kind", "old", "new"), WRITTEN_OTHERWISE)
def test_written_otherwise(catalogue: Catalogue, kind: str, old: Any, new: Any) -> None:
    assert alike(catalogue, kind, old, new)
    assert alike(catalogue, kind, new, old)


@pytest.mark.parametrize(("kind", "old", "new"), MEANT_OTHERWISE)
def test_meant_otherwise(catalogue: Catalogue, kind: str, old: Any, new: Any) -> None:
    assert not alike(catalogue, kind, old, new)
    assert not alike(catalogue, kind, new, old)


@pytest.fixture(scope="module")
def relying(catalogue: Catalogue) -> Compiled:
    text = (ROOT / "workflows/services/open_restaurant.yaml").read_text(encoding="utf-8")
    for name, line in RELIES.items():
        text = text.replace(f"\n  {name}:\n    from:", f"\n  {name}:\n    {line}\n    from:", 1)
    return compile_service(load_text(text).service, catalogue=catalogue)


HELD = {"premises.title_no": "1", "premises.address": "a", "premises.area": "100", "premises.district": "huaxi"}


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (HELD, "same"),
        ({**HELD, "premises.address": "Ａ "}, "immaterial"),
        ({**HELD, "premises.address": "another street"}, "immaterial"),  # not what `material` names
        ({**HELD, "premises.area": "100.9"}, "immaterial"),
        ({**HELD, "premises.area": "102"}, "material"),
        ({n: v for n, v in HELD.items() if n != "premises.area"}, "material"),  # nothing to compute with
        ({**HELD, "premises.area": "many"}, "material"),
        ({}, "material"),
    ],
)
def test_the_definitions_own_rule(relying: Compiled, catalogue: Catalogue, new: dict[str, Any], said: str) -> None:
    assert judge(relying, catalogue, "premises", HELD, new) == said
