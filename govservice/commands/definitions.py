"""`flask definitions check [FILE|FOLDER...]`, `show CODE --mermaid`, and what concerns versions (`_versions`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from govservice.commands._versions import back, migrate, propose, publish, replay, versions
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.check import Checked, Judges, check_files, check_workflows, shown_path
from govservice.definitions.diagram import mermaid
from govservice.definitions.findings import DefinitionError, Finding, sorted_findings
from govservice.definitions.library import load_library
from govservice.definitions.loader import Rules
from govservice.definitions.reader import Unreadable, read
from govservice.engine.explore_findings import second_opinion
from govservice.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from govservice.definitions.catalogue_schema import Grant
    from govservice.definitions.verify import Staffing

WORKFLOWS = Path("workflows")
_WEIGHTS = {"error": "错误", "warning": "警告", "info": "提示"}
_FORM = "{role: {department id: [user, ...]}} (docs/verifier.md)"


@click.group()
def command() -> None:
    """Check, show and publish definitions of services."""


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of what each code means."
)
@click.option(
    "--staff", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=f"Who holds roles: {_FORM}."
)
@click.option("--open", "open_names", is_flag=True, help="Do not look names up in the catalogue of workflows/.")
@click.option("--workflows", type=click.Path(file_okay=False, path_type=Path), default=WORKFLOWS, show_default=True)
def check(
    paths: tuple[Path, ...], as_json: bool, lang: str, staff: Path | None, open_names: bool, workflows: Path
) -> None:
    """Check definitions: FILES, all YAML files of FOLDERS, or everything in workflows/.

    Each is played through beside the linear check. People are those of --staff; for a whole folder with services/ else
    those of the database, where one is configured and has the newest schema.

    Exit code 0: no error and no warning; 1: findings; 2: wrong use.
    """
    whole = all((path / "services").is_dir() for path in paths or (workflows,))
    staffing = _staffing(staff) if staff is not None else _staffing_in_database() if whole else None
    try:
        checked = _check(paths, workflows, open_names, Judges(staffing, second_opinion))
    except DefinitionError as error:
        checked = Checked(error.findings, ())
    _print(checked, as_json, lang)
    if not checked.clean:
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("code")
@click.option("--mermaid", "as_mermaid", is_flag=True, help="A Mermaid state diagram.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--escapes", is_flag=True, help="Draw withdrawals and lapses too.")
@click.option("--workflows", type=click.Path(file_okay=False, path_type=Path), default=WORKFLOWS, show_default=True)
def show(code: str, as_mermaid: bool, language: str, escapes: bool, workflows: Path) -> None:
    """Show the service CODE: its version, or its way as a diagram."""
    try:
        definitions = load_library(workflows)
        compiled = definitions.current(code)
    except DefinitionError as error:
        _print(Checked(error.findings, ()), False)
        raise click.exceptions.Exit(1) from None
    except NotFound:
        known = ", ".join(definitions.codes())
        raise click.BadParameter(f"there is no service {code!r}; known: {known}", param_hint="CODE") from None
    if as_mermaid:
        click.echo(mermaid(compiled, language=language, escapes=escapes), nl=False)
    else:
        click.echo(f"{code}  {compiled.service.title[language]}  {compiled.sha}")
        for path, step in compiled.steps.items():
            click.echo(f"  {path:32} {step.kind:10} {step.title[language]}")


for _one in (propose, publish, back, versions, migrate, replay):
    command.add_command(_one)


def _check(paths: tuple[Path, ...], workflows: Path, open_names: bool, judges: Judges) -> Checked:
    """Files are judged each alone; a folder with `services/` (or nothing given) as it would be published."""
    catalogue: Catalogue = load_catalogue(workflows, _grants_in_database())
    folders = [path for path in paths or (workflows,) if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]
    root = Path.cwd()
    publishing = Rules(catalogue, open_names, publishing=not open_names)
    parts = [check_files([file], Rules(catalogue, open_names), root, judges) for file in files]
    for folder in folders:
        others = sorted(folder.glob("*.y*ml"))
        if (folder / "services").is_dir():
            parts.append(check_workflows(folder, publishing, root, judges))
        elif others:
            parts += [check_files([file], Rules(catalogue, open_names), root, judges) for file in others]
        else:
            parts.append(Checked((_nothing_in(folder, root),), ()))
    findings = sorted_findings(finding for part in parts for finding in part.findings)
    return Checked(findings, tuple(loaded for part in parts for loaded in part.loaded))


def _nothing_in(folder: Path, root: Path) -> Finding:
    return Finding("E-FILE", "error", shown_path(folder, root), 1, None, "there is no definition in this folder")


def _staffing(path: Path) -> Staffing:
    """Reads who holds which role in which department. Raises UsageError where the file is not of that form."""
    from govservice.operations.judging import staffing_from

    try:
        return staffing_from(read(path.read_bytes()).data)
    except Unreadable as error:
        fault = error.faults[0]
        raise click.UsageError(f"{path}:{fault.line}: {fault.message}") from None
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from None


def _staffing_in_database() -> Staffing | None:
    """The people of the deployment's database; None where this machine has none that could be asked."""
    from config import ConfigError, from_env
    from govservice.clock import WallClock
    from govservice.operations.judging import staffing_in

    try:
        return staffing_in(from_env().database_url, WallClock().now().date())
    except (ConfigError, SQLAlchemyError):
        return None


def _grants_in_database() -> Mapping[str, Grant]:
    """Grants that departments asked for by a case; none where this machine has no database that could be asked."""
    from config import ConfigError, from_env
    from govservice.models.keyring import Keyring
    from govservice.models.session import Database, make_engine
    from govservice.operations.startup import grants_in

    try:
        settings = from_env()
        engine = make_engine(settings.database_url)
        try:
            return grants_in(Database(engine, Keyring(dict(settings.keks), settings.index_key)))
        finally:
            engine.dispose()
    except (ConfigError, SQLAlchemyError):
        return {}


def _print(checked: Checked, as_json: bool, language: str = "en") -> None:
    if as_json:
        click.echo(json.dumps({"findings": [f.as_json() for f in checked.findings]}, ensure_ascii=False))
        return
    for finding in checked.findings:
        click.echo(str(finding) if language == "en" else _in_chinese(finding))
    counts = {
        severity: sum(f.severity == severity for f in checked.findings) for severity in ("error", "warning", "info")
    }
    if language == "zh":
        click.echo("，".join(f"{count} 个{_WEIGHTS[word]}" for word, count in counts.items()))
    else:
        click.echo(", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items()))


def _in_chinese(finding: Finding) -> str:
    """What the code means, in Chinese; below it the detail, which names keys and values of the file, in English."""
    at = f" [{finding.step}]" if finding.step else ""
    way = "".join(f"\n      -> {each}" for each in finding.trace)
    head = f"{finding.file}:{finding.line}: {_WEIGHTS[finding.severity]} {finding.code}{at}：{finding.title['zh']}"
    return f"{head}\n    {finding.message}{way}"
