"""`lobeda accounts`: who may log in, as what, and what was done.

Passwords come from a prompt, from stdin or from a file; never from the command line, where others see them.
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError

if TYPE_CHECKING:
    from viewer.accounts.store import Accounts

app = typer.Typer(help="Accounts, tokens, and the record of what was done.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens by which programs act for an account.", no_args_is_help=True)
app.add_typer(tokens, name="tokens")


_Name = Annotated[str, typer.Argument(help="The account's name.")]
_Role = Annotated[
    list[str], typer.Option("--role", help="modeler, manager, moderator or administrator; repeatable.")
]
_File = Annotated[
    Path | None,
    typer.Option("--password-file", help="File with the password in its first line; - is stdin."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _open() -> Accounts:
    from viewer.accounts.store import Accounts

    return Accounts.open()


def _actor() -> str:
    from viewer.accounts.recording import terminal

    return terminal()


def password(file: Path | None) -> str:
    """The new password, from where the user says.

    Raises
    ------
    CallError : the file cannot be read, the two typed ones differ, or nobody is there to type.
    """
    if file is not None:
        try:
            text = sys.stdin.readline() if str(file) == "-" else file.read_text("utf-8")
        except OSError as error:
            raise CallError(
                f"the password cannot be read: {error.strerror}", file, "Name another file"
            ) from None
        except UnicodeDecodeError:
            raise CallError("the password is no UTF-8 text", file, "Save it as UTF-8") from None
        return text.split("\n", 1)[0].rstrip("\r")
    if not sys.stdin.isatty():
        raise CallError(
            "there is no terminal to type a password", "accounts", "Use --password-file - or FILE"
        )
    first = getpass.getpass("New password: ")
    if first != getpass.getpass("Once more: "):
        raise CallError("the two passwords differ", "accounts", "Try again")
    return first


@app.command("add", epilog="Example: lobeda accounts add erika --role manager --role moderator")
def add(name: _Name, role: _Role, password_file: _File = None) -> None:
    """Make an account."""
    with _open() as accounts:
        accounts.add(name, role, password(password_file), _actor())
    typer.echo(f"{name}: {' '.join(role)}")


@app.command("list", epilog="Example: lobeda accounts list --json")
def show(as_json: _Json = False) -> None:
    """All accounts, with their roles and whether they are locked or disabled."""
    with _open() as accounts:
        known = accounts.listed()
    if as_json:
        rows = [
            {
                "name": one.name, "roles": one.roles, "kind": one.kind, "disabled": one.disabled,
                "created_at": one.created_at.isoformat(),
                "locked_until": one.locked_until.isoformat() if one.locked_until else None,
            }
            for one in known
        ]  # fmt: skip
        typer.echo(json.dumps(rows))
        return
    for one in known:
        locked = f"locked until {one.locked_until:%H:%M} UTC" if one.locked_until else ""
        state = "disabled" if one.disabled else locked
        typer.echo(f"{one.name:30s} {one.kind:9s} {' '.join(one.roles):40s} {state}".rstrip())
    if not known:
        typer.echo("No accounts yet: lobeda accounts add NAME --role administrator")


@app.command("role", epilog="Example: lobeda accounts role erika --role moderator")
def role(name: _Name, role: _Role) -> None:
    """Give an account other roles, in place of those it has."""
    with _open() as accounts:
        before = _administrators(accounts)
        accounts.set_roles(name, role, _actor())
        after = _administrators(accounts)
    typer.echo(f"{name}: {' '.join(role)}")
    _warn(before, after)


@app.command("password", epilog="Example: lobeda accounts password erika")
def change(
    name: _Name,
    password_file: _File = None,
    revoke_tokens: Annotated[
        bool, typer.Option("--revoke-tokens", help="Make the account's tokens worthless too.")
    ] = False,
) -> None:
    """Set another password; ends the account's sessions and its locks. Its tokens go on, unless told."""
    with _open() as accounts:
        accounts.set_password(name, password(password_file), _actor())
        gone = accounts.revoke_tokens(name, _actor()) if revoke_tokens else []
        left = [one.name for one in accounts.listed_tokens() if one.owner == name.strip().casefold()]
    typer.echo(f"{name}: the password is changed, all sessions are closed.")
    if gone:
        typer.echo(f"Tokens that are worthless now: {', '.join(gone)}")
    if left:
        typer.echo(f"Tokens that go on: {', '.join(left)}; --revoke-tokens ends them.", err=True)


@app.command("disable", epilog="Example: lobeda accounts disable erika")
def disable(
    name: _Name,
    undo: Annotated[bool, typer.Option("--undo", help="Open the account again.")] = False,
) -> None:
    """Close an account with its sessions and tokens. Nothing is deleted: the record goes on naming it."""
    with _open() as accounts:
        before = _administrators(accounts)
        accounts.disable(name, _actor(), enable=undo)
        after = _administrators(accounts)
    typer.echo(f"{name}: {'open again' if undo else 'disabled, all sessions are closed'}.")
    _warn(before, after)


def _administrators(accounts: Accounts) -> set[str]:
    return {one.name for one in accounts.listed() if "administrator" in one.roles and not one.disabled}


def _warn(before: set[str], after: set[str]) -> None:
    """Of the last administrator's end: the server goes back to a link at the terminal."""
    if before and not after:
        typer.echo(
            f"{', '.join(sorted(before))} was the last administrator: `lobeda serve` lets in by a link at "
            "the terminal again, and serves nobody else with --url. Name another: "
            "lobeda accounts role NAME --role administrator",
            err=True,
        )


@app.command("logout", epilog="Example: lobeda accounts logout erika")
def logout(name: Annotated[str, typer.Argument(help="The account's name, or a resident's link's.")]) -> None:
    """Close all sessions of an account, as after a lost notebook, or of a resident's link."""
    with _open() as accounts:
        accounts.log_out_everywhere(name, _actor())
    typer.echo(f"{name}: all sessions are closed.")


@app.command("audit", epilog="Example: lobeda accounts audit --limit 20 --json")
def show_audit(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many of the newest.")] = 100,
    as_json: _Json = False,
) -> None:
    """Who did what and when, newest first."""
    from viewer.accounts.audit import entries

    with _open() as accounts:
        found = entries(accounts, limit)
    if as_json:
        rows = [
            {"at": one.at.isoformat(), "actor": one.actor, "action": one.action, "object": one.object}
            for one in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"{one.at:%Y-%m-%d %H:%M:%S} {one.actor:24s} {one.action:20s} {one.object}".rstrip())


@app.command("link", epilog="Example: lobeda accounts link erlanger-allee-5 --days 60")
def link(
    name: Annotated[str, typer.Argument(help="Says whose link it is; `tokens revoke` ends it.")],
    days: Annotated[int, typer.Option(help="How long it opens the page.")] = 60,
) -> None:
    """Make a resident's link and print it, this once."""
    with _open() as accounts:
        typer.echo(f"/login?link={accounts.add_link(name, days, _actor())}")
    typer.echo("Put the server's address before it. It cannot be shown again.", err=True)


@tokens.command("create", epilog="Example: lobeda accounts tokens create lab erika --scope scenarios:read")
def create(
    name: Annotated[str, typer.Argument(help="Says what the token is for; unique.")],
    account: Annotated[str, typer.Argument(help="The account that the program acts for.")],
    scope: Annotated[
        list[str],
        typer.Option(help="scenarios:read, scenarios:run, sensorthings:read or metrics:read; repeatable."),
    ],
    days: Annotated[int, typer.Option(help="How long; at most 366.")] = 90,
    as_json: _Json = False,
) -> None:
    """Make a token and print it, this once. Programs that write sensor data: `lobeda sensors token`."""
    with _open() as accounts:
        token = accounts.add_token(name, account, scope, days, _actor())
    if as_json:
        typer.echo(
            json.dumps({"name": name, "account": account, "scope": scope, "days": days, "token": token})
        )
        return
    typer.echo(token)
    typer.echo("Keep it: it cannot be shown again. Programs send it as `Authorization: Bearer …`.", err=True)


@tokens.command("list", epilog="Example: lobeda accounts tokens list --json")
def show_tokens(as_json: _Json = False) -> None:
    """The tokens and links that are there; never the tokens themselves."""
    with _open() as accounts:
        known = accounts.listed_tokens()
    if as_json:
        rows = [
            {"name": one.name, "account": one.owner, "scope": one.scopes, "ends_at": one.ends_at.isoformat()}
            for one in known
        ]
        typer.echo(json.dumps(rows))
        return
    if not known:
        typer.echo("There is no token. `lobeda accounts tokens create NAME ACCOUNT` makes one.")
    for one in known:
        owner = one.owner or "(link)"
        typer.echo(f"{one.name:30s} {owner:20s} {' '.join(one.scopes):40s} until {one.ends_at:%Y-%m-%d}")


@tokens.command("revoke", epilog="Example: lobeda accounts tokens revoke notebook")
def revoke(name: Annotated[str, typer.Argument(help="The token's name.")]) -> None:
    """Make a token or a link worthless at once."""
    with _open() as accounts:
        accounts.revoke_token(name, _actor())
    typer.echo(f"{name}: worthless from now on.")
