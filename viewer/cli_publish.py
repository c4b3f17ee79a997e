"""`lobeda publish`: the residents' twin as static files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from twin.errors import CallError
from viewer.cli_common import progress_bar

if TYPE_CHECKING:
    from viewer.state import Twin

EXAMPLE = "Example: lobeda publish public-site --district out --content our-proposals"


def publish(
    site: Annotated[Path, typer.Argument(help="Folder for the static files.")],
    district: Annotated[str, typer.Option(help="A district folder, or `lobeda`.")] = "lobeda",
    content: Annotated[
        Path | None,
        typer.Option(
            envvar="LOBEDA_CONTENT",
            help="Folder with proposals/*.md and stories/*.md; the sample has examples of its own.",
        ),
    ] = None,
    api: Annotated[
        str, typer.Option(help="Address of a running twin for comments and live values; none without it.")
    ] = "",
    live: Annotated[
        bool,
        typer.Option("--live", help="Refuse unless legal.yaml says who answers for the site."),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="With --api https://…, which else means --live.")
    ] = False,
    keep_comments_months: Annotated[
        int,
        typer.Option(
            min=0,
            envvar="LOBEDA_KEEP_COMMENTS_MONTHS",
            help="As the twin at --api has it, for the page on data protection.",
        ),
    ] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the public twin as static files for any web server, below any path."""
    import twin
    from viewer import shown
    from viewer.accounts import recording
    from viewer.publish import Options, summary
    from viewer.publish import publish as write

    if live and preview:
        raise CallError("a site is either live or a preview", "--preview", "Leave one of both out")
    live = live or (api.startswith("https://") and not preview)
    recording.note("publish", site)
    with progress_bar() as progress:
        progress("opening", float("nan"))
        town = twin.open(district)
        options = Options(
            content=content, api=_address(api), going_live=live, comment_months=keep_comments_months,
            memory=shown.memory(town),
        )  # fmt: skip
        seen: list[Twin] = []
        write(town, site, options=options, progress=progress, tell=seen.append)
    beside = seen[0]
    said = {**summary(site), "held_back": len(beside.held_back)}
    if as_json:
        typer.echo(json.dumps(said))
        return
    typer.echo(
        f"{site}: {said['files']} files, {said['proposals']} proposals, "
        f"first load {said['first_load_bytes'] / 1e6:.2f} MB compressed before terrain and image"
    )
    if beside.held_back:
        typer.echo(
            f"{len(beside.held_back)} group(s) go on showing their old figures: fewer than five of their "
            "dwellings or meters have changed since, and the difference would tell of these."
        )
    if options.memory is not None and beside.earlier and beside.figures_before is None:
        typer.echo(
            "What lay behind the older site's figures is not known here: houses that have changed since show "
            "at once. Take LOBEDA_DATA/shown from a backup, if there is one, and publish again."
        )
    if said["preview"]:
        typer.echo(
            "A preview: nobody answers for it yet. Write your legal.yaml into the content; then use --live."
        )


def _address(api: str) -> str:
    """The address with a slash at its end."""
    from viewer.access import is_loopback

    parts = urlsplit(api)
    if api and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise CallError(f"{api!r} is no address of calls", "--api", "Write https://host/path")
    if parts.scheme == "http" and not is_loopback(parts.netloc):
        raise CallError(f"{api}: comments would travel in the clear", "--api", "Write https://host/path")
    return f"{api.rstrip('/')}/" if api else ""
