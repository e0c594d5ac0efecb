"""A yes or no instead of the value behind it: the day of birth is asked, used and forgotten; nobody finds it again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.findings import DefinitionError
from govservice.definitions.loader import Rules, examine
from govservice.definitions.schema_form import Fact as FactNode
from govservice.definitions.schema_registry import FieldMap
from govservice.exchange.gateway import Gateway
from govservice.exchange.mapping import Mapper
from govservice.exchange.outcomes import Outcome
from govservice.exchange.predicates import Predicates
from govservice.models.exchange import DataAccess, Exchange, Fact
from govservice.models.session import Database, box_of
from tests.exchange.conftest import Filed, Sandbox, prefill

CANARY = "1988-03-18"  # the day on which Wang Fang was born, as the register writes it
OF_AGE = "person.is_over_18"


@pytest.fixture
def asking(catalogue: Catalogue, open_restaurant: Compiled) -> tuple[Catalogue, Compiled]:
    """A service that needs to know whether its applicant is of age, and a grant for just that."""
    grant = catalogue.grants["GR-2031"]
    narrow = grant.model_copy(update={"take": (OF_AGE,)})
    node = FactNode.model_validate({
        "from": {"dataset": "population/2", "grant": "GR-2031"}, "predicate": OF_AGE, "purpose": "IDENTIFY",
        "fallback": ["declare"],
    })  # fmt: skip
    service = open_restaurant.service.model_copy(update={"facts": {"adult": node}})
    return (
        dataclasses.replace(catalogue, grants={**catalogue.grants, "GR-2031": narrow}),
        dataclasses.replace(open_restaurant, service=service),
    )


def everything_in(database: Database) -> str:
    """All that the database holds, as text; what is sealed is opened as well."""
    said = []
    with database.read() as session:
        for table in inspect(session.get_bind()).get_table_names():
            said += [str(row) for row in session.execute(text(f"SELECT * FROM {table}"))]
        for fact in session.scalars(select(Fact)):
            box = box_of(session, fact.subject_id)
            assert box is not None
            assert fact.value_enc is not None
            said.append(json.dumps(box.open_json(fact.value_enc, f"facts:{fact.id}")))
    return "\n".join(said)


def test_the_answer_comes_and_the_day_of_birth_stays_nowhere(
    database: Database, make_gateway: Callable[..., Gateway], sandbox: Sandbox, wang_fang: Filed,
    asking: tuple[Catalogue, Compiled], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:  # fmt: skip
    catalogue, compiled = asking
    gateway = make_gateway(catalogue=catalogue)
    found = prefill(database, gateway, compiled, wang_fang)
    assert found.facts["adult"].values == {"adult": True}
    with database.read() as session:
        logged = session.scalars(select(Exchange)).one()
        assert (logged.outcome, logged.fields) == ("ok", [OF_AGE])
        assert session.scalars(select(DataAccess)).one().what == [OF_AGE]
    held = everything_in(database)
    assert "adult" in held
    assert CANARY not in held
    logs = "".join(capsys.readouterr()) + caplog.text
    assert CANARY not in logs
    for file in tmp_path.rglob("*.db*"):
        assert CANARY.encode() not in file.read_bytes()


def test_the_grant_for_the_answer_is_none_for_the_day_of_birth(
    database: Database, make_gateway: Callable[..., Gateway], wang_fang: Filed, asking: tuple[Catalogue, Compiled]
) -> None:
    catalogue, compiled = asking
    node = compiled.service.facts["adult"].model_copy(update={"predicate": None, "take": ("person.birth_date",)})
    wider = compiled.service.model_copy(update={"facts": {"adult": node}})
    compiled = dataclasses.replace(compiled, service=wider)
    found = prefill(database, make_gateway(catalogue=catalogue), compiled, wang_fang)
    assert (found.facts["adult"].outcome, found.facts["adult"].values) == ("denied", {})


BORN = {"records": [{"record_id": "r", "national_id": "990111198803182048", "updated_at": "2026-01-01T00:00:00Z"}]}


@pytest.mark.parametrize(
    ("born", "today", "told"),
    [
        ("2008-03-02", date(2026, 3, 2), True), ("2008-03-03", date(2026, 3, 2), False),
        ("2008-02-29", date(2026, 2, 28), False), ("2008-02-29", date(2026, 3, 1), True),
        (None, date(2026, 3, 2), None),
    ],
)  # fmt: skip
def test_of_age_to_the_day(catalogue: Catalogue, born: str | None, today: date, told: bool | None) -> None:
    mapper = Mapper(catalogue.datasets["population/2"], catalogue.area_of_region, Predicates(catalogue))
    body = {"records": [{**BORN["records"][0], **({"birth_date": born} if born else {})}]}
    reading = mapper.read(body, "990111198803182048", (OF_AGE,), None, today)
    assert reading.values == ({} if told is None else {OF_AGE: told})
    assert reading.outcome is (Outcome.NO_RECORD if told is None else Outcome.OK)
    assert mapper.source_fields((OF_AGE,)) == ("birth_date",)


def test_a_registry_that_answers_itself_is_not_asked_for_the_base(catalogue: Catalogue) -> None:
    dataset = catalogue.datasets["population/2"]
    fields = {**dataset.fields, OF_AGE: FieldMap(path="of_age", normalise="yes_no")}
    mapper = Mapper(dataset.model_copy(update={"fields": fields}), catalogue.area_of_region, Predicates(catalogue))
    assert mapper.source_fields((OF_AGE,)) == ("of_age",)
    for said, outcome in ((True, Outcome.OK), (False, Outcome.OK), ("yes", Outcome.SCHEMA_VIOLATION)):
        body = {"records": [{**BORN["records"][0], "of_age": said}]}
        reading = mapper.read(body, "990111198803182048", (OF_AGE,))
        assert reading.outcome is outcome
        assert reading.values == ({OF_AGE: said} if outcome is Outcome.OK else {})


SERVICE = (ROOT / "workflows/services/open_restaurant.yaml").read_text("utf-8")


def test_a_service_may_show_the_answer_and_nothing_more(catalogue: Catalogue) -> None:
    fact = (
        "  adult:\n    predicate: person.is_over_18\n    from: {dataset: population/2, grant: GR-2031}\n"
        "    purpose: IDENTIFY\n    fallback: [declare]\n  owner:"
    )
    with_fact = SERVICE.replace("  owner:", fact, 1)
    _, findings = examine(with_fact.encode(), "x.yaml", Rules(catalogue))
    assert "nothing uses its answer" in " ".join(f.message for f in findings)
    unknown = with_fact.replace("person.is_over_18", "person.is_over_81")
    _, findings = examine(unknown.encode(), "x.yaml", Rules(catalogue))
    assert "did you mean 'person.is_over_18'" in " ".join(f.message for f in findings)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("base: person.birth_date, expr", "base: person.birthday, expr", "did you mean 'person.birth_date'"),
        ("age(person.birth_date, today) >= 18", "age(person.birth_date, today)", "person.is_over_18"),
        ("age(person.birth_date, today) >= 18", "person.name == 'x'", "person.is_over_18"),
    ],
)
def test_a_predicate_that_cannot_be_told_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, word: str
) -> None:  # fmt: skip
    folder = tmp_path / "workflows"
    shutil.copytree(ROOT / "workflows", folder)
    facts = (folder / "facts.yaml").read_text("utf-8")
    (folder / "facts.yaml").write_text(facts.replace(old, new, 1), "utf-8")
    with pytest.raises(DefinitionError) as refused:
        load_catalogue(folder)
    (finding,) = refused.value.findings
    line = next(n for n, each in enumerate(facts.splitlines(), start=1) if each.startswith("  person.is_over_18:"))
    assert (finding.file, finding.line) == ("facts.yaml", line)
    assert word in finding.message
