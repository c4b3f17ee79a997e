"""`lobeda participation`: comments and votes of residents, where the web app is not at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Comments and votes of residents on proposals.", no_args_is_help=True)

_Sample = Annotated[
    bool, typer.Option("--sample", help="Those of the sample district, which stand apart from your own.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _space(sample: bool) -> str:
    from viewer.participation.database import SPACE

    return f"{SPACE}_sample" if sample else SPACE


@app.command("list", epilog="Example: lobeda participation list --json")
def show(sample: _Sample = False, as_json: _Json = False) -> None:
    """Votes, and comments by state, for each proposal."""
    from sensors.times import from_us, now_us
    from viewer.participation.store import STATES, Comments

    with Comments.open(space=_space(sample)) as store:
        counts, known, moment = store.counts(), store.topics(), now_us()
    rows = [
        {
            "proposal": topic.id,
            "open": topic.is_open(moment),
            "closes_at": None if topic.closes_at is None else from_us(topic.closes_at).isoformat(),
            **counts[topic.id],
        }
        for topic in known.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        states = ", ".join(f"{row[state]} {state}" for state in STATES if row[state]) or "no comments"
        votes = f"{row['agree']} agree, {row['disagree']} disagree"
        typer.echo(f"{row['proposal']:40s} {'open' if row['open'] else 'ended':6s} {votes}; {states}")
    if not rows:
        typer.echo("No proposals yet: `lobeda serve` takes them from the district's content.")


@app.command("export", epilog="Example: lobeda participation export comments.csv")
def export(
    to: Annotated[Path, typer.Argument(help="CSV file; one that is there gives way.")],
    sample: _Sample = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the comments that are not deleted, with votes, answers and reasons, for a spreadsheet.

    The file holds what only moderators may read. Codes are not in it: nobody can read them again.
    """
    from twin.errors import CallError
    from viewer.accounts import recording
    from viewer.participation import moderation
    from viewer.participation.store import DELETED, Comments

    recording.note("export", f"comments to {to}")
    with Comments.open(space=_space(sample)) as store:
        content = moderation.as_csv(store)
        number = sum(count for state, count in moderation.totals(store).items() if state != DELETED)
    try:
        to.write_bytes(content)
    except OSError as error:
        raise CallError(f"cannot be written: {error.strerror}", to, "Name another file") from error
    typer.echo(json.dumps({"file": str(to), "comments": number}) if as_json else f"{to}: {number} comments")


@app.command("purge", epilog="Example: lobeda participation purge --months 6")
def purge(
    months: Annotated[
        int, typer.Option(min=0, help="Delete comments whose proposal ended so many months ago.")
    ] = 12,
    sample: _Sample = False,
    as_json: _Json = False,
) -> None:
    """Delete for good the comments of proposals that ended long ago, as the server does every hour."""
    from viewer.accounts import recording
    from viewer.participation import moderation
    from viewer.participation.store import Comments

    recording.note("comments.purge", f"whose proposal ended {months} months ago")
    with Comments.open(space=_space(sample)) as store:
        gone = moderation.retain(store, months)
        store.wipe()
        final = store.wiped
    if as_json:
        typer.echo(json.dumps({"deleted": gone, "final": final}))
        return
    typer.echo(f"{gone} comments deleted for good.")
    if not final:
        typer.echo("The database is in use: the server takes the rest out of the file.", err=True)
