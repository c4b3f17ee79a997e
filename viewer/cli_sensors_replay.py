"""`lobeda sensors replay`: the simulated feed of the sample district."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Annotated, Any

import typer

from viewer.cli_common import progress_bar

_GRACE_S = 2.0


def replay(
    database: Annotated[
        str | None,
        typer.Option(
            help="Address of the store; without it LOBEDA_DATABASE_URL, else the user's data folder."
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(help="How fast time runs; a fast clock begins a week ago and ends at the present."),
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Write the year's history and end.")] = False,
    seed: Annotated[int, typer.Option(help="Of noise, gaps and what is measured.")] = 1,
    district: Annotated[
        str,
        typer.Option(help="A district folder; without it the sample. Its values are simulated all the same."),
    ] = "lobeda",
    while_open: Annotated[bool, typer.Option("--while-open", hidden=True)] = False,
) -> None:
    """Write a simulated feed, labelled so: a year of history, then a value every few seconds."""
    import energy
    import twin
    from scenarios.replay import Replay
    from sensors.store import Store

    stop = threading.Event()
    if while_open:
        _background(stop)
    case = energy.Case(twin.open(district), energy.weather.sample())
    feed = Replay(case, seed=seed, speed=speed)
    with Store.open(database) as store:
        typer.echo(f"simulated feed of {case.district.name}: {len(feed.things())} things; stop with Ctrl-C")
        with progress_bar() as progress:
            case.look(progress)
            feed.run(store, stop, once=once, report=progress)


def _background(stop: threading.Event) -> None:
    """End with the process that started this one, and let it go first."""
    if hasattr(os, "nice"):
        os.nice(5)

    def wait() -> None:
        source: Any = sys.stdin.buffer
        while source.read(1):
            pass
        stop.set()
        time.sleep(_GRACE_S)
        os._exit(0)  # in the middle of a simulation; what is in the store is whole all the same

    threading.Thread(target=wait, name="until-closed", daemon=True).start()
