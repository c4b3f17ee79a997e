"""`lobeda backup` and `lobeda restore`: everything that a server keeps, in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from viewer.cli_common import progress_bar

BACKUP_EXAMPLE = "Example: lobeda backup /backup/monday.lobeda --district my-town"
RESTORE_EXAMPLE = "Example: lobeda restore /backup/monday.lobeda /srv/lobeda"
_Json = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; a backup that is there gives way.")],
    district: Annotated[
        Path | None, typer.Option(help="Folder of the district; without, it is not in the backup.")
    ] = None,
    content: Annotated[
        Path | None,
        typer.Option(
            envvar="LOBEDA_CONTENT",
            help="Folder of proposals, stories and imprint; without, `content` in the data folder.",
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Write everything that the server keeps, and the district, into one file; the server may go on."""
    from viewer import backup as module
    from viewer.accounts import recording

    recording.note("backup", file)
    with progress_bar() as progress:
        manifest = module.backup(file, district, content, progress=progress)
    _say(file, manifest, as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A file of lobeda backup.")],
    into: Annotated[Path, typer.Argument(help="Folder for it, empty or not there yet; then LOBEDA_DATA.")],
    deleted_in: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the databases it stands in for: what was deleted there is deleted again."
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Put a backup into a fresh folder; its databases into PostgreSQL where LOBEDA_DATABASE_URL names one."""
    from viewer import backup as module
    from viewer.accounts.recording import terminal

    with progress_bar() as progress:
        manifest = module.restore(file, into, terminal(), deleted_in=deleted_in, progress=progress)
    _say(into, manifest, as_json)
    if as_json:
        return
    if deleted_in is None:
        typer.echo(
            f"What was deleted after {manifest['made_at']} is there again: comments, Things, accounts, "
            "tokens. Delete it once more (docs/administration.md), or restore with --deleted-in OLD where "
            "the old folder can still be read."
        )
    else:
        again = ", ".join(f"{count} {kind}" for kind, count in manifest["deleted_again"].items())
        typer.echo(f"Deleted again: {again}")


def _say(place: Path, manifest: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"place": str(place), **manifest}))
        return
    if missing := manifest.get("missing"):  # backups of older versions do not say
        typer.echo(f"Without {', '.join(missing)}: there was no such database")
    size = sum(one["bytes"] for one in manifest["files"].values())
    kinds = sorted({name.split("/")[name.startswith("databases/")] for name in manifest["files"]})
    typer.echo(f"{place}: {len(manifest['files'])} files, {size / 1e6:.1f} MB: {', '.join(kinds)}")
