"""`lobeda sensors token`: tokens of programs that read or write sensor data over HTTP."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="Tokens of programs that read or write sensor data over HTTP.", no_args_is_help=True)


@app.command("create", epilog="Example: lobeda sensors token create weather-station --days 365")
def create(
    name: Annotated[str, typer.Argument(help="Says whose token it is.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it is good for; may stand several times. Without: sensorthings:write."),
    ] = None,
    days: Annotated[int, typer.Option(help="How long; at most 1096.")] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a token and print it, this once."""
    from sensors import tokens
    from sensors.store import Store
    from viewer.accounts import recording

    scopes = scope or [tokens.SENSORTHINGS_WRITE]
    recording.note("sensors.token.add", f"{name} ({' '.join(scopes)}, {days} days)")
    with Store.open() as store:
        token = tokens.create(store, name, scopes, days)
    if as_json:
        typer.echo(json.dumps({"name": name, "scope": scopes, "days": days, "token": token}))
        return
    typer.echo(token)
    typer.echo("Keep it: it cannot be shown again. Clients send it as `Authorization: Bearer …`.", err=True)


@app.command("list", epilog="Example: lobeda sensors token list --json")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """The tokens that are there, by name; never the tokens themselves."""
    from sensors import tokens
    from sensors.store import Store

    with Store.open() as store:
        known = tokens.listed(store)
    if as_json:
        rows = [
            {
                "name": token.name,
                "scope": token.scopes,
                "created_at": token.created_at.isoformat(),
                "ends_at": token.ends_at.isoformat() if token.ends_at else None,
            }
            for token in known
        ]
        typer.echo(json.dumps(rows))
        return
    if not known:
        typer.echo("There is no token. `lobeda sensors token create NAME` makes one.")
    for token in known:
        ends = f"until {token.ends_at:%Y-%m-%d}" if token.ends_at else "until revoked"
        typer.echo(f"{token.name:30s} {' '.join(token.scopes):40s} {ends}")


@app.command("revoke", epilog="Example: lobeda sensors token revoke weather-station")
def revoke(name: Annotated[str, typer.Argument(help="The token's name.")]) -> None:
    """Make a token worthless at once."""
    from sensors import tokens
    from sensors.store import Store
    from viewer.accounts import recording

    recording.note("sensors.token.revoke", name)
    with Store.open() as store:
        tokens.revoke(store, name)
