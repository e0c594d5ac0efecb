"""One fault at a time in the reference example: each is told under its code and at its line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.check import check_bytes
from govservice.definitions.loader import Rules, examine
from tests.builders.definitions import DATA
from tests.builders.faults import FAULTS, TOLD_AT_THE_OWNER

ROOT = Path(__file__).parents[3]
EXAMPLE = (DATA / "open_restaurant_full.yaml").read_text()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT / "workflows")


def faults(text: str, catalogue: Catalogue | None, **rules: bool) -> list[tuple[str, int, str]]:
    _, findings = examine(text.encode(), "example.yaml", Rules(catalogue, **rules))
    return [(f.code, f.line, f.message) for f in findings if f.severity == "error"]


def test_the_reference_example_is_clean(catalogue: Catalogue) -> None:
    checked = check_bytes(EXAMPLE.encode(), Rules(catalogue), "example.yaml")
    assert list(checked.findings) == []
    assert checked.clean


@pytest.mark.parametrize(("old", "new", "code", "words"), FAULTS, ids=[f"{f[2]}-{i}" for i, f in enumerate(FAULTS)])
def test_each_fault_is_told_at_its_line(catalogue: Catalogue, old: str, new: str, code: str, words: str) -> None:
    assert old in EXAMPLE
    found = faults(EXAMPLE.replace(old, new, 1), catalogue)
    hits = [(line, message) for kind, line, message in found if kind == code and words in message]
    assert hits, found
    changed = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
    near = range(changed, changed + new.count("\n") + old.count("\n") + 1)
    assert code in TOLD_AT_THE_OWNER or any(line in near for line, _ in hits), (changed, hits)


def test_all_problems_of_a_file_are_told_at_once(catalogue: Catalogue) -> None:
    text = EXAMPLE
    for old, new in (
        ("{en: Draft, zh: 填写}", "{en: Draft}"),
        ("submit: {to: acceptance,", "submit: {to: nowhere,"),
        ("department: fire_rescue", "department: fire_resque"),
        ("owner: window\n", "owner: nobody\n"),
        ("premises.area >= 300.0", "premises.aria >= 300.0"),
        ("summary:", "sumary:"),
    ):
        text = text.replace(old, new, 1)
    codes = {code for code, _, _ in faults(text, catalogue)}
    assert codes >= {
        "E-TEXT", "E-UNKNOWN-STEP", "E-UNKNOWN-DEPARTMENT", "E-UNKNOWN-ROLE", "E-EXPRESSION", "E-UNKNOWN-KEY",
    }  # fmt: skip


def test_names_of_the_catalogue_are_free_when_it_is_open(catalogue: Catalogue) -> None:
    text = EXAMPLE.replace("department: fire_rescue", "department: harbour_office").replace("GR-2031", "GR-9999")
    assert {code for code, _, _ in faults(text, catalogue)} == {"E-UNKNOWN-DEPARTMENT", "E-UNKNOWN-GRANT"}
    assert faults(text, catalogue, open_names=True) == []


def test_publishing_asks_whether_the_grant_covers_this_service(catalogue: Catalogue) -> None:
    text = EXAMPLE.replace("service: open_restaurant", "service: open_tavern", 1)
    assert faults(text, catalogue) == []
    told = faults(text, catalogue, publishing=True)
    assert {code for code, _, _ in told} == {"E-GRANT"}
    assert len(told) == 4


def test_a_lapse_end_may_be_left_out_where_only_one_fits(catalogue: Catalogue) -> None:
    text = EXAMPLE.replace("  terminated: {kind: end, outcome: terminated}\n", "")
    text = text.replace("within: 10wd, to: terminated", "within: 10wd").replace("30wd, lapse_to: withdrawn}", "30wd}")
    assert faults(text, catalogue) == []


def hiding(catalogue: Catalogue) -> Catalogue:
    """The catalogue with a purpose that a law lets be hidden, and a dataset that can be asked for last month."""
    purpose = catalogue.purposes["LICENSE"].model_copy(update={"hides": {"en": "Some law", "zh": "《某法》"}})
    dataset = catalogue.datasets["real_estate/1"].model_copy(update={"periods": ("last_month",)})
    return dataclasses.replace(
        catalogue, purposes={**catalogue.purposes, "LICENSE": purpose},
        datasets={**catalogue.datasets, "real_estate/1": dataset},
    )  # fmt: skip


ALL_KEYS = (
    "pending: allowed, pending_within: 5wd, consent: explicit, on_change: {task: head}, dispute: {hold: all},"
    " as_of: last_month, show: hidden,"
)


def test_every_key_of_a_fact_is_carried_out_and_found_without_a_word(catalogue: Catalogue) -> None:
    text = EXAMPLE.replace("freshness: 30d,", f"freshness: 30d, {ALL_KEYS}")
    _, findings = examine(text.encode(), "example.yaml", Rules(hiding(catalogue)))
    assert findings == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("freshness: 30d,", "freshness: 30d, show: hidden,", "E-HIDDEN", "no law lets this be hidden"),
        ("freshness: 30d,", "freshness: 30d, as_of: last_month,", "E-AS-OF", "cannot be asked for 'last_month'"),
        ("freshness: 30d,", "freshness: 30d, as_of: lastmonth,", "E-VALUE", "last_month"),
        ("{dataset: real_estate/1, grant: GR-2033}", "[{dataset: real_estate/1, grant: GR-2033}, {vault: title_dead}]",
         "E-UNKNOWN-VAULT", "did you mean 'title_deed'"),
        ("purpose: IDENTIFY,", "purpose: IDENTIFY, show: editable,", "E-FACT", "says who applies"),
        ("purpose: LICENSE,\n", "purpose: LICENSE, consent: explicit,\n", "E-CONSENT", "without a penalty"),
        ("purpose: LICENSE,\n", "purpose: LICENSE, if: 'menu.seets > 0',\n", "E-EXPRESSION", "did you mean"),
        ("premises.district], purpose: LICENSE,", "premises.district], purpose: LICENSE, if: 'premises.area > 9.0',",
         "E-EXPRESSION", "premises.area"),
        ("freshness: 30d,", "freshness: 30d, opens: post_check,", "E-FACT", "belongs to a fact with `subscribe`"),
        ("freshness: 30d,", "freshness: 30d, subscribe: [org.dissolved], opens: decision,", "E-AFTER-CLOSE", "must"),
        ("signage.text: {type: text,", "signage.text: {type: text, default: [org.nom],", "E-DEFAULT", "did you mean"),
        ("signage.text: {type: text,", "signage.text: {type: text, default: [premises.area],", "E-DEFAULT", "decimal"),
        ("org.name:           {type: text,", "org.name:           {type: text, default: [person.name],", "E-KEY",
         "belongs to a field that people answer"),
    ],
)  # fmt: skip
def test_what_a_fact_may_not_say_is_refused_at_its_line(
    catalogue: Catalogue, old: str, new: str, code: str, words: str
) -> None:
    found = faults(EXAMPLE.replace(old, new, 1), catalogue)
    line = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
    assert [(kind, at) for kind, at, message in found if words in message] == [(code, line)], found


FACTS_IN_FULL = """
  adult:
    predicate: person.is_over_18
    from: {dataset: population/2, grant: GR-2031}
    purpose: IDENTIFY
    fallback: [declare]
  income:
    take: [income.taxable]
    as_of: last_tax_year
    from:
      - {dataset: tax/5, grant: GR-2050}
      - {vault: tax_assessment, max_age: 18mo}
    purpose: MEANS_TEST
    consent: explicit
    show: readonly
    fallback: [declare, {upload: tax_assessment}]
    freshness: 7d
    pending: allowed
    pending_within: 5wd
    revalidate: {before: decided, within: 1d, material: "abs(new.income.taxable - old.income.taxable) > 500.0", if_unavailable: block}
    on_change: correct
    dispute: {hold: adverse}
    subscribe: [income.revised]
  owner: """  # noqa: E501


def everything() -> str:
    """The example with all the rest that the format can say."""
    text = EXAMPLE.replace("\n  owner: ", FACTS_IN_FULL, 1)
    text = text.replace(
        "materials:  ", "materials:\n  tax_assessment: {replaced_by: income, label: {en: a, zh: b}}\n#", 1
    )
    text = text.replace('show_if: "menu.seats > 0"', 'show_if: "menu.seats > 0 and adult"', 1)
    text = text.replace("reads: [signage]", "reads: [signage]\n        each: menu.kind", 1)
    guard = "income.taxable > 5.0 and actor.role == 'window'"
    acts = f'accept:  {{to: [{{guard: "{guard}", to: review}}, {{to: bundle}}], marks'
    more = """
      hear: {pause: hearing, length: 20d, notice: {en: a, zh: b}, label: {en: Hear, zh: 听证}}
      test: {pause: {kind: test, length: 20d}, label: {en: Test, zh: 检验}}
      go_on: {resume: hearing, label: {en: Go on, zh: 恢复}}
      ask: {consult: {departments: [natural_resources], limit: 5wd, blocking: true, on_timeout: no_objection}, label: {en: Ask, zh: 征询}}
"""  # noqa: E501
    text = text.replace("accept:  {to: review, marks", acts, 1).replace(
        "\n      correct: {", f"{more}      correct: {{", 1
    )
    bundle = """  bundle:
    title: {en: Several at once, zh: 一件事}
    kind: cases
    owner: lead
    spawn: [{service: food_business_licence, when: "menu.seats > 0", with: {business.form: menu.kind}}]
    join: [{if: any(refused), to: refused}, {to: decision}]
  post_check:"""
    return text.replace("  post_check:", bundle, 1)


def test_the_whole_format_is_read_and_checked(catalogue: Catalogue) -> None:
    assert {message for _, _, message in faults(everything(), catalogue, open_names=True)} == set()
    checked = check_bytes(everything().encode(), Rules(catalogue, open_names=True), "all.yaml")
    assert [f for f in checked.findings if f.severity == "error"] == []
    assert {f.severity for f in checked.findings} <= {"warning"}, "nothing is checked and not carried out"


def test_what_the_catalogue_does_not_know_is_told_unless_it_is_open(catalogue: Catalogue) -> None:
    told = faults(everything().replace("income.taxable", "income.unheard"), catalogue)
    assert {code for code, _, _ in told} >= {"E-UNKNOWN-DATASET", "E-UNKNOWN-GRANT", "E-UNKNOWN-FACT-TYPE"}


def test_an_open_fact_still_has_one_type(catalogue: Catalogue) -> None:
    text = everything().replace("menu.seats > 0 and adult", "income.taxable == 'much' and adult")
    found = faults(text, catalogue, open_names=True)
    assert [code for code, _, _ in found] == ["E-EXPRESSION"]


def test_a_pause_of_a_kind_that_no_limit_lists_is_a_warning(catalogue: Catalogue) -> None:
    wait = "wait: {pause: tender, length: 5wd, label: {en: Wait, zh: 等}}"
    text = EXAMPLE.replace("      reopen:  {to: review", f"      {wait}\n      reopen:  {{to: review")
    _, findings = examine(text.encode(), "example.yaml", Rules(catalogue))
    assert [(f.code, f.step) for f in findings if f.severity == "warning"] == [("W-PAUSE", "decision")]
