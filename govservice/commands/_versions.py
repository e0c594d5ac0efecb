"""Versions on the command line: `flask definitions propose|publish|back|versions|migrate|replay`.

Whoever proposes or decides gives a sign-in name and the password: what two people must do, one at a shell cannot.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import click

from govservice.commands import runtime
from govservice.definitions.findings import DefinitionError
from govservice.errors import PortalError

if TYPE_CHECKING:
    from govservice.engine import Actor
    from govservice.operations.replaying import Report
    from govservice.operations.runtime import Runtime

T = TypeVar("T")
by = click.option("--by", "login", required=True, metavar="LOGIN", help="Who does it; the password is asked for.")
stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@contextmanager
def told() -> Iterator[None]:
    """A refusal ends the command with code 1 and its sentence; findings one a line."""
    try:
        yield
    except DefinitionError as refused:
        click.echo("\n".join(str(finding) for finding in refused.findings))
        raise click.exceptions.Exit(1) from None
    except PortalError as refused:
        click.echo(str(refused), err=True)
        raise click.exceptions.Exit(1) from None


def signed(rt: Runtime, login: str, password_stdin: bool) -> Actor:
    """The member of staff who acts. Raises Forbidden for a wrong password."""
    from govservice.operations.accounts import staff_actor

    password = sys.stdin.readline().rstrip("\n") if password_stdin else click.prompt("Password", hide_input=True)
    return staff_actor(rt, login, password, now=rt.now())


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@by
@stdin
def propose(file: Path, login: str, password_stdin: bool) -> None:
    """Propose the definition in FILE as the next version of its service (a designer)."""
    from govservice.definitions.loader import raw_bytes
    from govservice.operations import proposing

    rt = runtime()
    with told():
        text = raw_bytes(file, file.as_posix()).decode("utf-8", "replace")
        id = proposing.propose(rt, signed(rt, login, password_stdin), text, file.as_posix(), now=rt.now())
    click.echo(f"proposal {id}: a second person publishes it with `flask definitions publish SERVICE --by LOGIN`")


@click.command()
@click.argument("service")
@click.argument("number", type=click.IntRange(min=1))
@by
@stdin
def back(service: str, number: int, login: str, password_stdin: bool) -> None:
    """Propose to go back to version NUMBER of SERVICE; cases on the newer one stay there."""
    from govservice.operations import proposing

    rt = runtime()
    with told():
        id = proposing.propose_back(rt, signed(rt, login, password_stdin), service, number, now=rt.now())
    click.echo(f"proposal {id}: a second person publishes it with `flask definitions publish {service} --by LOGIN`")


@click.command()
@click.argument("service", required=False)
@click.option("--by", "login", metavar="LOGIN", help="The second person; the password is asked for.")
@stdin
def publish(service: str | None, login: str | None, password_stdin: bool) -> None:
    """Publish the proposal for SERVICE that waits, as the second person (a designer or supervisor).

    Without SERVICE: a portal's first versions from the files of workflows/, and in a demonstration what the files say,
    as long as no two people have decided about a service.
    """
    if (service is None) != (login is None):
        raise click.UsageError("give SERVICE and --by LOGIN together, or neither")
    rt = runtime()
    with told():
        if service is None:
            _from_files(rt)
        else:
            _decided(rt, service, signed(rt, login or "", password_stdin))


def _decided(rt: Runtime, service: str, actor: Actor) -> None:
    from govservice.operations import proposing
    from govservice.queries.versions import proposal_lines

    with rt.read() as session:
        waiting = [line for line in proposal_lines(session, service) if line.status == "open"]
    if not waiting:
        raise click.UsageError(f"no proposal for {service} waits")
    number = proposing.approve(rt, actor, waiting[0].id, now=rt.now())
    click.echo(f"published {service} version {number}")


def _from_files(rt: Runtime) -> None:
    from govservice.operations.publishing import changed_files, publish_all

    for code in publish_all(rt, by="system", now=rt.now()):
        click.echo(f"published {code}")
    with rt.read() as session:
        left = changed_files(rt, session)
    for code in left:
        click.echo(f"{code}: the file differs from the version in force; two people publish it (`propose`)")
    if not left:
        click.echo("all versions of the files are in force")


@click.command()
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def versions(service: str | None, as_json: bool) -> None:
    """List the versions of SERVICE (or of all): in force or not, running cases; and the proposals."""
    from govservice.queries.versions import proposal_lines, version_lines

    with runtime().read() as session:
        lines, proposals = version_lines(session, service), proposal_lines(session, service)
    if as_json:
        found = {"versions": [asdict(x) for x in lines], "proposals": [asdict(x) for x in proposals]}
        click.echo(json.dumps(found, default=str))
        return
    for line in lines:
        state = "in force" if line.status == "published" else "retired"
        click.echo(f"{line.service:<28} {line.number:>4}  {line.sha[:12]}  {state:<8}  {line.running} running cases")
    for p in proposals:
        if p.status == "open":
            what = f"back to version {p.number}" if p.number else p.sha[:12]
            click.echo(f"{p.service:<28} proposed {p.proposed_at:%Y-%m-%d}: {what}")


@click.command()
@click.argument("service")
@click.argument("old", type=click.IntRange(min=1), metavar="FROM")
@click.argument("new", type=click.IntRange(min=1), metavar="TO")
@click.option("--dry-run", is_flag=True, help="Only say which cases would move, and why the others would not.")
@click.option("--map", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A map of its own.")
@click.option("--by", "login", metavar="LOGIN", help="The designer who moves them; the password is asked for.")
@stdin
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def migrate(
    service: str, old: int, new: int, dry_run: bool, file: Path | None, login: str | None, password_stdin: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Move the running cases of SERVICE from version FROM to version TO, by workflows/migrations/FROM_TO.yaml.

    Every case that cannot move is listed with its reasons and stays where it is. Exit 1 where there is one.
    """
    from govservice.definitions.migrations import load_migration
    from govservice.operations import migrating

    if dry_run == (login is not None):
        raise click.UsageError("give --dry-run, or --by LOGIN")
    rt = runtime()
    with told():
        given = load_migration(file, file.as_posix())[0] if file is not None else None
        way = migrating.route(rt, service, old, new, given)
        actor = None if login is None else signed(rt, login, password_stdin)
        now = rt.now()
        results = migrating.dry_run(rt, way, now=now) if actor is None else migrating.migrate(rt, actor, way, now=now)
        moved = list(_with_progress(results, as_json))
    stays = [m for m in moved if m.reasons]
    if as_json:
        cases = [{"case": m.number, "reasons": [[r.code, r.text] for r in m.reasons]} for m in stays]
        click.echo(json.dumps({"moved": len(moved) - len(stays), "stay": cases}, ensure_ascii=False))
    else:
        for m in stays:
            click.echo(f"{m.number}: {' '.join(r.text for r in m.reasons)}")
        click.echo(f"{len(moved) - len(stays)} cases {'would move' if dry_run else 'moved'}, {len(stays)} stay")
    raise click.exceptions.Exit(1 if stays else 0)


def _with_progress(results: Iterable[T], quiet: bool) -> Iterator[T]:
    """A line for every thousand."""
    for n, result in enumerate(results, 1):
        if not quiet and n % 1000 == 0:
            click.echo(f"{n} cases ...", err=True)
        yield result


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="DRAFT.yaml")
@click.option("--cases", type=click.IntRange(min=1), default=10_000, show_default=True, help="How many, the newest.")
@click.option("--map", "map_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Renamed steps.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(file: Path, cases: int, map_file: Path | None, processes: int, as_json: bool) -> None:
    """Play past cases on a draft: same end, not possible at some step, another end, or erased. Exit 1 if any differ.

    Nothing is written. What people did is rebuilt from the events and the answers as they were; a person who was erased
    is counted and not replayed.
    """
    from govservice.commands import runtime as reopen  # by its own name, for the other processes
    from govservice.commands.demo import Bar
    from govservice.definitions.compile import compile_service
    from govservice.definitions.loader import Rules, load_file
    from govservice.definitions.migrations import load_migration
    from govservice.operations.replaying import replay_on

    rt = runtime()
    began = monotonic()
    with told():
        catalogue = rt.definitions.catalogue
        draft = compile_service(load_file(file, file.as_posix(), Rules(catalogue)).service, catalogue=catalogue)
        steps = dict(load_migration(map_file, map_file.as_posix())[0].steps) if map_file is not None else {}
        bar = (lambda _done, _total: None) if as_json else Bar(sys.stderr.isatty()).show
        found = replay_on(rt, draft, limit=cases, steps=steps, progress=bar, reopen=reopen, processes=processes)
    seconds = monotonic() - began
    if as_json:
        click.echo(json.dumps(_as_json(found, seconds), ensure_ascii=False))
    else:
        _print_report(found, seconds)
    raise click.exceptions.Exit(1 if found.differences else 0)


def _as_json(found: Report, seconds: float) -> dict[str, object]:
    told = [
        {**verdict._asdict(), "cases": n, "examples": found.examples[verdict]}
        for verdict, n in found.differences.most_common()
    ]
    kinds = {kind: found.kinds[kind] for kind in ("same", "impossible", "other", "erased")}
    return {"cases": found.cases, **kinds, "seconds": round(seconds, 1), "differences": told}


WHY = {
    "no_branch": "there is no such branch then", "no_action": "there is no such action",
    "role": "it is for another role",
    "missing": "something it needs was not given", "guard": "its conditions were not met",
    "four_eyes": "whoever examined may not decide", "same_person": "a second person must confirm",
}  # fmt: skip


def _print_report(found: Report, seconds: float) -> None:
    for verdict, n in found.differences.most_common():
        numbers = ", ".join(found.examples[verdict])
        if verdict.kind == "impossible":
            why = WHY.get(verdict.why, verdict.why)
            click.echo(f"{n:>7}  {verdict.action} is not possible at {verdict.step}: {why}  ({numbers})")
        else:
            click.echo(f"{n:>7}  {verdict.would} instead of {verdict.was}  ({numbers})")
    kinds = found.kinds
    click.echo(
        f"{found.cases} cases: {kinds['same']} the same, {kinds['impossible']} not possible at some step, "
        f"{kinds['other']} otherwise, {kinds['erased']} erased; {seconds:.0f} seconds"
    )
