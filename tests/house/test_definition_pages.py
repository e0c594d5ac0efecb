"""docs/definition.md and definition-steps.md are the whole reference of the format: no key, word or code is missing,
none is left over, and their examples stand in shipped files."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from config import ROOT
from govservice.definitions import catalogue, catalogue_schema, expression_functions, joins, migrations, names, schema
from govservice.definitions import schema_form as forms
from govservice.definitions import schema_registry as registry
from govservice.definitions import schema_request as request
from govservice.definitions import schema_steps as ways
from govservice.definitions.finding_titles import TITLES
from govservice.definitions.reader import read
from govservice.definitions.schema_base import Node
from govservice.definitions.shape import KEYS
from govservice.worktime.calendar import CalendarFile
from tests.support.source import modules, strings, tree

PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("definition.md", "definition-steps.md")}
SPAN = re.compile(r"`([^`\n]+)`")
WORD = re.compile(r"[A-Za-z_][\w.]*")
FENCE = re.compile(r"^```yaml (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"[EW](-[A-Z]+)+")
BEGINNINGS = {"W-GUARD", "W-UNUSED", "W-SHADOWED"}  # of codes: the code asks for all that begin so
# What stands where: all keys of these classes are the rows of the first table of keys under a heading ...
TABLES: dict[str, tuple[type[BaseModel], ...]] = {
    "The head": (schema.Service,),
    "Limits": (schema.LimitNode,),
    "Facts": (forms.Fact,),
    "Form": (forms.Page,),
    "Fields": (forms.FormField,),
    "Materials": (forms.Material,),
    "Roles": (schema.Role,),
    "Fee": (schema.Fee,),
    "Output": (schema.Output,),
    "Areas and departments": (catalogue_schema.DepartmentsFile,),
    "Calendars": (CalendarFile,),
    "Documents": (catalogue_schema.DocumentsFile,),
    "Flags": (catalogue_schema.FlagsFile,),
    "Facts that registers hold": (catalogue_schema.FactsFile,),
    "Purposes": (catalogue_schema.Purpose,),
    "Pledges": (catalogue_schema.Pledge,),
    "Life events": (catalogue_schema.LifeEvent,),
    "Registers": (registry.RegistryFile,),
    "Maps between versions": (migrations.Migration,),
    "Steps": (ways.StepNode, ways.BranchStep),
    "Actions": (ways.Action, ways.AlwaysAction),
    "Auto steps/do": (ways.Do,),
    "Auto steps/an answer": (ways.Answer,),
    "Timers": (ways.TimerNode,),
    "Parallel steps/a branch": (ways.BranchNode,),
    "Join/a rule": (ways.JoinNode,),
    "Corrections": (ways.CorrectionNode,),
    "Bundles/spawn": (ways.Spawn,),
}
# ... and those of small ones are told in one row of it, or in the section.
ROWS: dict[type[BaseModel], str] = {
    schema.Law: "The head: law",
    schema.Extend: "Limits: extend",
    schema.Money: "Fee: amount",
    forms.Source: "Facts: from",
    forms.FallbackWay: "Facts: fallback",
    forms.Revalidate: "Facts: revalidate",
    forms.OnChange: "Facts: on_change",
    forms.Dispute: "Facts: dispute",
    forms.ReplacedBy: "Materials: replaced_by",
    forms.PostCheck: "Materials: replaced_by",
    forms.Deferrable: "Materials: deferrable",
    ways.Alternative: "Actions: to",
    ways.Requires: "Actions: requires",
    ways.PauseRule: "Actions: pause",
    ways.Consult: "Actions: consult",
    ways.Retry: "Auto steps/do: retry",
    ways.Opens: "Steps: opens",
    catalogue_schema.AreaNode: "Areas and departments: areas",
    catalogue_schema.Hall: "Areas and departments: areas",
    catalogue_schema.Remedies: "Areas and departments: areas",
    catalogue_schema.KindNode: "Areas and departments: kinds",
    catalogue_schema.FactType: "Facts that registers hold: facts",
    catalogue_schema.PredicateType: "Facts that registers hold: predicates",
    catalogue_schema.ReplacedDocument: "Facts that registers hold: documents",
    catalogue_schema.DocumentType: "Documents: documents",
    catalogue_schema.PurposesFile: "Purposes",
    catalogue_schema.PledgesFile: "Pledges",
    catalogue_schema.LifeEventsFile: "Life events",
    request.Auth: "Registers: auth",
    request.XRoad: "Registers: xroad",
    request.Request: "Registers: datasets",
    registry.Dataset: "Registers: datasets",
    registry.FieldMap: "Registers: datasets",
    registry.Limits: "Registers: limits",
    registry.Breaker: "Registers: breaker",
    registry.RegisterAct: "Registers: acts",
    registry.Events: "Registers: events",
    registry.EventType: "Registers: events",
    registry.Grant: "Registers: grants",
}
DEFAULT_BY_CODE = {"required"}  # of a field of the form: true where a fact fills it
Table = dict[str, str]  # key -> its row, with the rows below that go on


def spans(text: str) -> set[str]:
    """Every word inside backticks."""
    return {word for span in SPAN.findall(text) for word in WORD.findall(span)}


@lru_cache
def sections() -> dict[str, str]:
    """Heading -> what stands under it, up to the next one."""
    found: dict[str, str] = {}
    for page in PAGES.values():
        _, *rest = re.split(r"^#{2,3} (.*)\n", page, flags=re.MULTILINE)
        found |= dict(zip(rest[::2], rest[1::2], strict=True))
    return found


def table(place: str) -> Table:
    """The rows of the table of keys at a place: a heading, or `Heading/which` for a table `key of which`."""
    heading, _, which = place.partition("/")
    wanted, rows = f"key of {which}".strip() if which else "key", Table()
    for block in re.findall(r"(?:^\|.*\n)+", sections()[heading], re.MULTILINE):
        head, _, *lines = block.splitlines()
        if head.split("|")[1].replace("`", "").strip() != wanted:
            continue
        keys: list[str] = []
        for line in lines:
            keys = WORD.findall(line.split("|")[1]) or keys
            rows |= {key: rows.get(key, "") + line for key in keys}
    return rows


def keys_of(model: type[BaseModel]) -> dict[str, bool]:
    """Key -> whether it must be given."""
    fields = model.model_fields.items()
    return {field.alias or name: field.is_required() and name not in DEFAULT_BY_CODE for name, field in fields}


def nodes(base: type[BaseModel] = Node) -> set[type[BaseModel]]:
    return {each for child in base.__subclasses__() for each in ({child} | nodes(child))}


def literals(annotation: Any) -> set[str]:
    """The words that a key may take."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    return {word for part in get_args(annotation) for word in literals(part)}


def test_every_class_of_the_schema_has_its_place() -> None:
    placed = {model for models in TABLES.values() for model in models} | set(ROWS)
    assert nodes() | {CalendarFile} == placed


@pytest.mark.parametrize("place", TABLES)
def test_a_table_has_the_keys_of_its_class_and_no_other(place: str) -> None:
    rows, models = table(place), TABLES[place]
    assert set(rows) == {key for model in models for key in keys_of(model)}
    bold = {key for key, row in rows.items() if f"**`{key}`**" in row.split("|")[1]}
    assert bold == {key for key, required in keys_of(models[0]).items() if required}


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_a_row_names_the_keys_of_its_class(model: type[BaseModel]) -> None:
    heading, _, key = ROWS[model].partition(": ")
    text = table(heading)[key] if key else sections()[heading]
    assert set(keys_of(model)) - spans(text) == set()


def test_every_word_that_a_key_may_take_is_said() -> None:
    said = {word for page in PAGES.values() for word in spans(page)}
    missing = {
        f"{model.__name__}.{name}: {word}"
        for model in nodes()
        for name, field in model.model_fields.items()
        for word in literals(field.annotation) - said
    }
    assert missing == set()


def test_the_steps_page_says_which_key_belongs_to_which_kind() -> None:
    for key, row in table("Steps").items():
        kinds = {kind for kind, keys in KEYS.items() if key in keys}
        cell = row.split("|")[2]
        assert (set(KEYS) if cell.strip() == "all" else spans(cell)) == kinds, key


def test_names_functions_calls_and_effects_are_said() -> None:
    said = spans(sections()["Expressions"])
    assert {*names.CASE_NAMES, names.PLEDGES, *names.ACTOR_NAMES, *expression_functions.FUNCTIONS, "has"} <= said
    steps = spans(PAGES["definition-steps.md"])
    effects = {word for name in catalogue.EFFECTS for word in ([name[8:]] if name.startswith("message.") else [name])}
    assert {*joins.AGGREGATES, *catalogue.CALLS, *effects, *catalogue.APPOINTMENTS} <= steps


def test_every_code_of_the_checks_is_said() -> None:
    pages = "\n".join([*PAGES.values(), (ROOT / "docs" / "verifier.md").read_text("utf-8")])
    said = set(SPAN.findall(pages)) | {"E-LOST-HANDLER"}  # of an upgrade: docs/operating.md
    paths = [path for path in modules() if path.name != "finding_titles.py"]
    raised = {text for path in paths for text, _ in strings(tree(path)) if CODE.fullmatch(text)} - BEGINNINGS
    assert len(raised) > 100
    assert raised == set(TITLES)
    assert raised - said == set()
    assert {span for span in said if CODE.fullmatch(span)} - raised == set()


# -- examples


def examples() -> list[tuple[str, str]]:
    return [found for page in PAGES.values() for found in FENCE.findall(page)]


@lru_cache
def shipped(name: str) -> Any:
    (path,) = (ROOT / "workflows").rglob(f"{name}.yaml")
    return read(path.read_bytes()).data


def part_of(part: Any, whole: Any) -> bool:
    """Whether a mapping leaves out keys of another at most; of the form, pages too."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and part_of(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list) and any(isinstance(one, dict) for one in part):
        return all(any(part_of(one, other) for other in whole) for one in part)
    return bool(part == whole)


@pytest.mark.parametrize(("where", "text"), examples())
def test_an_example_stands_in_a_shipped_file_or_keeps_to_the_schema(where: str, text: str) -> None:
    data = read(text.encode()).data
    if where != "schema":
        assert part_of(data, shipped(where))
        return
    base = {"service": "x", "title": {"en": "x", "zh": "x"}, "department": "x", "start": "x", "steps": {}}
    schema.Service.model_validate({**base, **data})
