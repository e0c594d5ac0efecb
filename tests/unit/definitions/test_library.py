"""A folder of definitions: loaded whole or refused whole; older versions; the catalogue's own faults."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from govservice.definitions.bundles import merged
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.findings import DefinitionError
from govservice.definitions.library import Definitions, load_library
from govservice.definitions.reader import read
from govservice.errors import NotFound

WORKFLOWS = Path(__file__).parents[3] / "workflows"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORKFLOWS, tmp_path / "workflows"))


def told(folder: Path) -> set[tuple[str, str, int]]:
    with pytest.raises(DefinitionError) as refused:
        load_library(folder)
    return {(f.code, f.file, f.line) for f in refused.value.findings}


def change(path: Path, old: str, new: str) -> int:
    """Replaces a text once; the line where it stood."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def test_what_is_shipped_loads_without_warnings(folder: Path) -> None:
    definitions = load_library(folder)
    assert {"food_business_licence", "open_restaurant", "open_business"} <= set(definitions.codes())
    assert definitions.findings == ()


def test_one_bad_file_refuses_all_and_every_problem_of_every_file_is_told(folder: Path) -> None:
    services = folder / "services"
    first = change(services / "open_restaurant.yaml", "department: fire_rescue", "department: fire_resque")
    second = change(services / "food_business_licence.yaml", "start: draft", "start: draf")
    (services / "broken.yaml").write_text("service: broken\ntitle: [\n")
    assert told(folder) == {
        ("E-UNKNOWN-DEPARTMENT", "workflows/services/open_restaurant.yaml", first),
        ("E-UNKNOWN-STEP", "workflows/services/food_business_licence.yaml", second),
        ("E-YAML", "workflows/services/broken.yaml", 3),
    }


def test_two_files_cannot_define_one_service(folder: Path) -> None:
    shutil.copy(folder / "services" / "open_restaurant.yaml", folder / "services" / "zweite.yaml")
    assert [code for code, _, _ in told(folder)] == ["E-DUPLICATE-SERVICE"]


def test_a_grant_must_cover_the_service_that_uses_it(folder: Path) -> None:
    registry = folder / "registries" / "population.yaml"
    change(registry, "services: [open_restaurant, food_business_licence]", "services: [food_business_licence]")
    assert {code for code, _, _ in told(folder)} == {"E-GRANT"}


def test_an_older_version_is_adopted_from_its_canonical_json(folder: Path) -> None:
    old = load_library(folder)
    sha, canonical = old.current("open_restaurant").sha, old.canonical_of("open_restaurant")
    change(folder / "services" / "open_restaurant.yaml", "department: market_reg", "department: government")
    new = load_library(folder)
    assert new.current("open_restaurant").sha != sha
    with pytest.raises(NotFound):
        new.by_sha(sha)
    adopted = new.adopt(canonical)
    assert adopted.sha == sha
    assert new.by_sha(sha) is adopted
    assert adopted.service.fields["org.name"].label["zh"] == "企业名称"
    assert new.current("open_restaurant").sha != sha  # adopting does not bring it into force


def test_maps_between_versions_are_checked(folder: Path) -> None:
    maps = folder / "migrations"
    maps.mkdir()
    (maps / "1_2.yaml").write_text("service: open_restaurant\nsteps: {review.fire.visit: review.fire.site}\n")
    load_library(folder)
    (maps / "2_1.yaml").write_text("service: open_restaurant\nsteps: {review.fire.site: review.fire.visit}\n")
    load_library(folder)  # a map back: only the database knows where it leads to
    (maps / "1_2.yaml").write_text(
        "service: open_restaurant\nsteps:\n  review.fire.visit: review.fire.sight\nfields:\n  menu.chairs: menu.seat\n"
    )
    file = "workflows/migrations/1_2.yaml"
    assert told(folder) == {("E-UNKNOWN-STEP", file, 3), ("E-UNKNOWN-FIELD", file, 5)}


def test_an_unknown_service_is_not_found(folder: Path) -> None:
    definitions = Definitions(load_catalogue(folder))
    with pytest.raises(NotFound):
        definitions.current("open_restaurant")


def test_the_catalogue_finds_departments_up_the_line(folder: Path) -> None:
    catalogue = load_catalogue(folder)
    assert catalogue.department_for("fire_rescue", "huaxi") == "huaxi.fire_rescue"
    assert catalogue.department_for("data_bureau", "huaxi") == "guizhou.data_bureau"
    assert catalogue.department_for("data_bureau", None) is None
    assert catalogue.department_for("navy", "huaxi") is None
    assert catalogue.departments["huaxi.market_reg"].parent_id == "guiyang.market_reg"
    assert catalogue.area_of_region("990111") == "huaxi"
    assert catalogue.registry_of("population/2") == "population"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("departments.yaml", "parent: guiyang", "parent: guiyan", "did you mean 'guiyang'"),
        ("departments.yaml", "parent: guizhou", "parent: huaxi", "circle"),
        ("departments.yaml", "[government, service_hall,", "[goverment, service_hall,", "did you mean 'government'"),
        ("departments.yaml", "prefix: HX", "prefx: HX", "did you mean 'prefix'"),
        ("facts.yaml", "{type: text, sensitivity: personal", "{type: txt, sensitivity: personal", "text"),
        ("purposes.yaml", "zh: 审查许可条件", "zh2: 审查许可条件", "en and zh"),
        ("documents.yaml", "prefix: CG", "prefix: cg", "pattern"),
        ("registries/population.yaml", "owner: guizhou.public_security", "owner: guizhou.police", "no department"),
    ],
)
def test_faults_of_the_data_files_are_told(folder: Path, file: str, old: str, new: str, words: str) -> None:
    change(folder / file, old, new)
    with pytest.raises(DefinitionError) as refused:
        load_library(folder)
    assert [f for f in refused.value.findings if f.file.endswith(file) and words in f.message]


def test_a_fact_that_only_stands_for_a_childs_paper_is_fetched_as_the_child_says() -> None:
    """The restaurant's health certificates replace a paper and fill no field: a bundle asks for what its child does."""
    child = read((WORKFLOWS / "services" / "open_restaurant.yaml").read_bytes()).data
    steps = {"parts": {"kind": "cases", "spawn": [{"service": "open_restaurant"}]}}
    assert merged({"steps": steps}, {"open_restaurant": child})["facts"]["health"]["take"] == ["staff.certificates"]


BUNDLE = """\
service: one_day
title: {{en: One day, zh: 一件事}}
department: market_reg
audience: [{audience}]
limits:
  decision: {{from: received, to: decided, statutory: 45wd, basis: "art. 42"}}
roles:
  lead: {{department: market_reg, title: {{en: Lead, zh: 牵头}}}}
start: draft
always:
  withdraw: {{to: withdrawn, by: applicant, unless: [draft], label: {{en: Withdraw, zh: 撤回}}}}
steps:
  draft:
    title: {{en: Draft, zh: 填写}}
    kind: applicant
    actions:
      submit: {{to: together, marks: received, label: {{en: Send, zh: 提交}}}}
  together:
    title: {{en: Together, zh: 联办}}
    kind: cases
    owner: lead
    limit: 30wd
    spawn: [{{service: {child}}}]
    join:
      - {{if: "all(granted)", to: done, marks: decided}}
      - {{to: refused, marks: decided}}
  done:      {{title: {{en: Done, zh: 办结}}, kind: end, outcome: granted}}
  refused:   {{title: {{en: Refused, zh: 未办成}}, kind: end, outcome: refused, effects: [message.refusal]}}
  withdrawn: {{title: {{en: Withdrawn, zh: 已撤回}}, kind: end, outcome: withdrawn}}
"""


@pytest.mark.parametrize(
    ("child", "audience"),
    [
        ("food_business_licence", "organisation"),  # a pledge, a deferral, conditions of both
        ("building_permit", "organisation"),  # a fact and a pledge for one paper
        ("minimum_living_allowance", "person"),  # facts that open steps, wait, and are asked again
        ("household_move", "person"),  # a role that sits where an answer says
    ],
)
def test_a_service_may_be_a_part_of_a_bundle_whatever_it_says_of_facts_and_papers(
    folder: Path, child: str, audience: str
) -> None:
    """What it does about them names its own steps and roles, which the bundle does not have."""
    (folder / "bundles" / "one_day.yaml").write_text(BUNDLE.format(child=child, audience=audience), "utf-8")
    for registry in (folder / "registries").glob("*.yaml"):
        text = registry.read_text("utf-8")
        registry.write_text(re.sub(rf"(services: \[[^]]*\b{child}\b)", r"\1, one_day", text), "utf-8")
    bundle, part = (load_library(folder).current(code) for code in ("one_day", child))
    assert bundle.service.materials.keys() == part.service.materials.keys()
    assert {n for n, m in bundle.service.materials.items() if m.replaced_by and m.replaced_by.pledge} == {
        n for n, m in part.service.materials.items() if m.replaced_by and m.replaced_by.pledge
    }
    assert bundle.deferrals.keys() == part.deferrals.keys()
    assert not bundle.post_checks, "each part checks what was pledged for it"
