"""`flask users create|disable|enable|erase|reset|list|rotate-keys`: accounts of staff, and keys of people."""

from __future__ import annotations

import json
import sys

import click

from govservice.commands import runtime
from govservice.errors import Invalid, NotFound, PortalError


@click.group()
def command() -> None:
    """Create, disable and reset accounts; re-wrap people's keys."""


@command.command()
@click.argument("login")
@click.option("--name-zh", required=True, help="Name in Chinese.")
@click.option("--name-en", required=True, help="Name in English.")
@click.option("--role", "roles", multiple=True, metavar="ROLE@DEPARTMENT", help="For example food@huaxi.market_reg.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is drawn.")
def create(login: str, name_zh: str, name_en: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Create a member of staff."""
    from govservice.operations.accounts import create_staff
    from govservice.operations.passwords import one_time_password

    rt = runtime()
    password = sys.stdin.readline().rstrip("\n") if password_stdin else one_time_password()
    pairs = [_role(text) for text in roles]
    try:
        create_staff(rt, login, password, name={"en": name_en, "zh": name_zh}, roles=pairs, now=rt.wall.now())
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"{login} can sign in.")
    if not password_stdin:
        click.echo(f"Password to hand over: {password}")


def _role(text: str) -> tuple[str, str]:
    role, separator, department = text.partition("@")
    if not separator or not role or not department:
        raise click.BadParameter(f"{text!r} is not of the form ROLE@DEPARTMENT", param_hint="--role")
    return role, department


def _failure(fault: PortalError) -> click.ClickException:
    if isinstance(fault, NotFound):
        return click.ClickException("There is no such account.")
    if isinstance(fault, Invalid) and fault.fields:
        return click.ClickException("\n".join(f"{name}: {words}" for name, words in fault.fields.items()))
    return click.ClickException(str(fault))


@command.command()
@click.argument("login")
def disable(login: str) -> None:
    """Close an account; its sessions end at once."""
    from govservice.operations import accounts

    rt = runtime()
    try:
        ended = accounts.disable(rt, login, now=rt.wall.now())
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"{login} is disabled; {ended} sessions ended.")


@command.command()
@click.argument("login")
@click.confirmation_option(prompt="Nobody can bring this back. Erase?")
def erase(login: str) -> None:
    """Destroy the data key of a citizen: what it sealed can never be read again."""
    from govservice.operations.erasing import erase_person

    rt = runtime()
    try:
        person = erase_person(rt, login, now=rt.now())
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"The person {person} is erased; the account is closed.")


@command.command()
@click.argument("login")
def enable(login: str) -> None:
    """Open a closed account again."""
    from govservice.operations import accounts

    try:
        accounts.enable(runtime(), login)
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"{login} can sign in again.")


@command.command()
@click.argument("login")
def reset(login: str) -> None:
    """Give an account a new password to hand over; its sessions end at once."""
    from govservice.operations import accounts

    rt = runtime()
    try:
        password = accounts.reset(rt, login, now=rt.wall.now())
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"Password to hand over: {password}")


@command.command("own-person")
@click.argument("login")
@click.argument("number", required=False)
@click.option("--none", "forget", is_flag=True, help="Take the link away.")
def own_person(login: str, number: str | None, forget: bool) -> None:
    """Say who a member of staff is in private (18-digit number): they decide none of their own cases."""
    from govservice.operations.accounts import set_own_person

    if forget == bool(number):
        raise click.UsageError("Give the number, or --none.")
    try:
        set_own_person(runtime(), login, number)
    except PortalError as fault:
        raise _failure(fault) from None
    click.echo(f"{login}: {'no private person is known' if forget else 'the private person is known'}.")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_users(as_json: bool) -> None:
    """List the accounts of staff with their roles, and how many citizens have one."""
    from govservice.operations.accounts import overview

    found = overview(runtime())
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for user in found["staff"]:
        state = "  (disabled)" if user["disabled"] else ""
        click.echo(f"{user['login']:<16} {user['name']:<10} {', '.join(user['roles'])}{state}")
    click.echo(f"{len(found['staff'])} members of staff, {found['citizens']} citizens")


@command.command("rotate-keys")
def rotate_keys() -> None:
    """Wrap every person's data key with the current key-encryption key (the first of KEK)."""
    from govservice.operations.people import rotate_keys

    click.echo(f"{rotate_keys(runtime())} keys wrapped anew.")
