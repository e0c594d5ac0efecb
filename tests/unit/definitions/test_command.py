"""`flask definitions ...`: what it prints and with which code it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from govservice.commands.definitions import command
from tests.builders.definitions import DATA

ROOT = Path(__file__).parents[3]
FULL = str(DATA / "open_restaurant_full.yaml")


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def findings(result: Result) -> list[dict[str, Any]]:
    found = json.loads(result.output)
    assert list(found) == ["findings"]
    return list(found["findings"])


def test_what_is_shipped_is_clean() -> None:
    result = run("check", "--json")
    assert (result.exit_code, findings(result)) == (0, [])
    assert run("check", "workflows", "workflows/services/open_restaurant.yaml").exit_code == 0


def test_the_reference_example_is_clean() -> None:
    result = run("check", FULL, "--json")
    assert (result.exit_code, findings(result)) == (0, [])


def test_a_finding_has_all_its_parts(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(Path(FULL).read_text().replace("submit: {to: acceptance", "submit: {to: aceptance", 1))
    result = run("check", str(bad), "--json")
    assert result.exit_code == 1
    (found,) = [f for f in findings(result) if f["severity"] == "error"]
    assert set(found) == {"code", "severity", "file", "line", "step", "message", "trace"}
    assert (found["code"], found["step"], found["trace"]) == ("E-UNKNOWN-STEP", "draft", [])
    assert found["file"] == bad.as_posix()
    assert "did you mean 'acceptance'" in found["message"]
    assert f"{bad.as_posix()}:{found['line']}: error E-UNKNOWN-STEP [draft]" in run("check", str(bad)).output


def test_a_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("service: [\n")
    assert run("check", str(tmp_path)).output.count("E-YAML") == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("check", str(empty)).exit_code == 1


def test_open_leaves_names_alone(tmp_path: Path) -> None:
    file = tmp_path / "harbour.yaml"
    file.write_text(Path(FULL).read_text().replace("department: fire_rescue", "department: harbour"))
    assert run("check", str(file)).exit_code == 1
    assert run("check", str(file), "--open").exit_code == 0


def test_staffing_is_checked_where_it_is_given(tmp_path: Path) -> None:
    staff = tmp_path / "staff.yaml"
    staff.write_text("window: {huaxi.service_hall: [li.na]}\n")
    result = run("check", FULL, "--staff", str(staff), "--json")
    assert result.exit_code == 1
    assert [f for f in findings(result) if f["severity"] == "error"]
    staff.write_text("- no\n- mapping\n")
    assert run("check", FULL, "--staff", str(staff)).exit_code == 2
    staff.write_text("window: [\n")
    assert run("check", FULL, "--staff", str(staff)).exit_code == 2


def test_wrong_use_ends_with_two(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "nowhere")).exit_code == 2
    assert run("show", "no_such_service").exit_code == 2
    assert run("show").exit_code == 2
    assert run("check", "--jsn").exit_code == 2


def test_show_prints_the_diagram() -> None:
    result = run("show", "open_restaurant", "--mermaid")
    assert result.exit_code == 0
    assert result.output.startswith("stateDiagram-v2\n")
    assert "并联" in run("show", "open_restaurant", "--mermaid", "--language", "zh").output
    assert "review.food.desk" in run("show", "open_restaurant").output


def test_in_chinese_each_finding_says_what_its_code_means(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(Path(FULL).read_text("utf-8").replace("start: draft", "start: draf", 1), "utf-8")
    result = run("check", "--lang", "zh", str(file))
    assert result.exit_code == 1
    assert "错误 E-UNKNOWN-STEP：没有这个环节\n    start: the step 'draf' is unknown" in result.output
    assert result.output.endswith("1 个错误，0 个警告，0 个提示\n")
