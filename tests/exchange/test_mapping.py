"""From a hostile or odd answer to values: nothing wrong gets through, nothing more than was taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.exchange.mapping import Mapper
from govservice.exchange.outcomes import REQUIREMENT_STATE, SENTENCES, Outcome
from govservice.wire.json_limits import BadJson, parse

USCC = "91990111MA7K2Q5X12"
TAKE = ("premises.title_no", "premises.address", "premises.area", "premises.district")
RECORD: dict[str, Any] = {
    "title_no": "黔（2024）花溪区不动产权第 0012345 号",
    "holder": {"uscc": USCC},
    "address": "花溪区清溪路 86 号一层",
    "region": "990111",
    "floor_area_m2": "326.40",
    "use": "商业服务",
    "updated_at": "2024-07-02T11:00:00+08:00",
}
CATALOGUE = load_catalogue(ROOT / "workflows")
MAPPER = Mapper(CATALOGUE.datasets["real_estate/1"], CATALOGUE.area_of_region)


def body(**changes: Any) -> dict[str, Any]:
    return {"records": [{k: v for k, v in {**RECORD, **changes}.items() if v is not None}]}


def test_values_come_in_the_portals_form_and_no_more_than_taken() -> None:
    reading = MAPPER.read(body(address="  花溪区\u200b清溪路　86 号一层 "), USCC, TAKE)
    assert reading.outcome is Outcome.OK
    assert reading.values == {
        "premises.title_no": "黔（2024）花溪区不动产权第 0012345 号",
        "premises.address": "花溪区清溪路 86 号一层",
        "premises.area": "326.40",
        "premises.district": "huaxi",
    }
    assert reading.updated_at == datetime(2024, 7, 2, 3, 0, tzinfo=UTC)
    assert MAPPER.source_fields(TAKE) == ("title_no", "address", "floor_area_m2", "region")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"floor_area_m2": "NaN"}, Outcome.SCHEMA_VIOLATION),
        ({"floor_area_m2": 326.4}, Outcome.SCHEMA_VIOLATION),
        ({"floor_area_m2": "1e9999"}, Outcome.SCHEMA_VIOLATION),
        ({"updated_at": "2024-07-02T11:00:00"}, Outcome.SCHEMA_VIOLATION),
        ({"updated_at": "yesterday"}, Outcome.SCHEMA_VIOLATION),
        ({"holder": None}, Outcome.SCHEMA_VIOLATION),
        ({"holder": {"uscc": "91990102MA7H3N8T26"}}, Outcome.IDENTITY_MISMATCH),
        ({"holder": {"uscc": USCC.lower()}}, Outcome.SCHEMA_VIOLATION),
        ({"address": "x" * 301}, Outcome.SCHEMA_VIOLATION),
        ({"address": "\u200b"}, Outcome.SCHEMA_VIOLATION),
        ({"flags": ["withheld"]}, Outcome.WITHHELD),
        ({"flags": ["under_investigation"]}, Outcome.UNDER_INVESTIGATION),
    ],
)
def test_what_is_doubtful_is_an_outcome(changes: dict[str, Any], outcome: Outcome) -> None:
    reading = MAPPER.read(body(**changes), USCC, TAKE)
    assert reading.outcome is outcome
    assert bool(reading.values) == (outcome is Outcome.UNDER_INVESTIGATION)


def test_a_place_outside_the_portals_areas_leaves_the_district_open() -> None:
    reading = MAPPER.read(body(region="110105"), USCC, TAKE)
    assert reading.outcome is Outcome.OK
    assert "premises.district" not in reading.values


@pytest.mark.parametrize("wrong", [None, [], "text", {}, {"records": None}, {"records": {}}, {"records": [None]}, 7])
def test_another_shape_is_no_answer(wrong: Any) -> None:
    assert MAPPER.read(wrong, USCC, TAKE).outcome is Outcome.SCHEMA_VIOLATION


@pytest.mark.parametrize("odd", [7, [], {}, [None], [{"number": None, "holder": 1, "valid_until": []}]])
def test_what_a_function_of_a_path_cannot_take_is_an_outcome_too(odd: Any) -> None:
    """A schema that lets more through than the path of a field can work with: no answer breaks the fetch."""
    dataset = CATALOGUE.datasets["health_certificates/1"].model_copy(update={"response": {"type": "object"}})
    record = {"employer_uscc": USCC, "record_id": "1", "updated_at": "2024-07-02T11:00:00+08:00", "certificates": odd}
    reading = Mapper(dataset, CATALOGUE.area_of_region).read({"records": [record]}, USCC, ("staff.certificates",))
    assert (reading.outcome in (Outcome.SCHEMA_VIOLATION, Outcome.NO_RECORD), reading.values) == (True, {})


def test_one_strangers_record_among_several_is_a_mismatch() -> None:
    stranger = {**RECORD, "holder": {"uscc": "91990102MA7H3N8T26"}}
    assert MAPPER.read({"records": [RECORD, stranger]}, USCC, TAKE).outcome is Outcome.IDENTITY_MISMATCH
    assert MAPPER.read({"records": [RECORD, RECORD]}, USCC, TAKE).outcome is Outcome.AMBIGUOUS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*RECORD, "records", "x"]), inner),
    max_leaves=30,
)


@given(JSON)
def test_no_answer_breaks_the_mapping(answer: Any) -> None:
    reading = MAPPER.read(answer, USCC, TAKE)
    assert reading.values == {} or answer["records"][0]["holder"]["uscc"] == USCC


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 2}', b"[" * 33 + b"]" * 33,
        b"[" * 100_000, b"1" * 5000, b"[" + b"0," * 100_001 + b"0]", b'{"a": "\\ud800"} x',
    ],
)  # fmt: skip
def test_hostile_json_is_refused(raw: bytes) -> None:
    with pytest.raises(BadJson):
        parse(raw)


def test_numbers_keep_their_digits() -> None:
    assert str(parse(b'{"a": 326.40}')["a"]) == "326.40"
    assert parse(b"[" * 31 + b"]" * 31) is not None


def test_every_end_of_a_call_has_a_state_and_a_sentence(catalogue: Catalogue) -> None:
    assert set(REQUIREMENT_STATE) == set(SENTENCES) == set(Outcome)
    assert all("%(registry)s" in sentence for sentence in SENTENCES.values())
