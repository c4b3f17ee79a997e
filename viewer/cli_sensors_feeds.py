"""`lobeda sensors ingest | devices | unknown | assign`: the feeds and their devices."""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.protocols import Module

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Database = Annotated[
    str | None,
    typer.Option(help="Address of the database; LOBEDA_DATABASE_URL, else a file in the user's data folder."),
]


def protocols() -> Mapping[str, Module]:
    """All protocols: those of the sensors, and those that need weather or models too."""
    from scenarios import weather_feed
    from sensors.protocols import PROTOCOLS

    return {**PROTOCOLS, "dwd": weather_feed}


def ingest(
    config: Annotated[Path, typer.Option(help="The feeds (TOML); docs/feeds.md explains it.")],
    database: Database = None,
    status_seconds: Annotated[
        float, typer.Option(help="Seconds between the lines of counts on stderr.", min=1)
    ] = 60,
    check: Annotated[bool, typer.Option("--check", help="Only look whether the config is right.")] = False,
) -> None:
    """Run all feeds of a config file until Ctrl-C or SIGTERM; checks, alarms and retention with them.

    Example: lobeda sensors ingest --config feeds.toml
    """
    from sensors import ingest as feeds_
    from sensors.keeping import Keeper
    from sensors.store import Store
    from sensors.watching import Watcher
    from viewer.accounts import recording

    feeds, rules = feeds_.read_config(config, protocols()), feeds_.read_retention(config)
    if check:
        typer.echo(f"{config}: {len(feeds)} feeds: {', '.join(feed.name for feed in feeds)}")
        return
    recording.note("sensors.ingest", config, database)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Store.open(database) as store, Watcher(store), Keeper(store, say=_say):
        feeds_.set_rules(store, rules)
        _say(f"{len(feeds)} feeds run. Stop with Ctrl-C.")
        feeds_.run(feeds, store, stop, say=_say, status_seconds=status_seconds)


def devices(database: Database = None, as_json: AsJson = False) -> None:
    """LoRaWAN devices that feeds hear: last frame, lost frames, counter resets.

    Example: lobeda sensors devices --json
    """
    from sensors.protocols import devices as devices_
    from sensors.store import Store

    with Store.open(database) as store:
        found = devices_.heard(store)
    rows = [
        {
            "device": one.device, "name": one.name, "decoder": one.decoder, "feed": one.feed,
            "last_time": _iso(one.frames.time), "frame_counter": one.frames.last,
            "lost_frames": one.frames.lost, "counter_resets": one.frames.resets,
        }
        for one in found
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    typer.echo(f"{len(rows)} devices")
    for row in rows:
        typer.echo(
            f"{row['device']}  {row['name'] or '?'} ({row['decoder'] or '?'}), {row['feed']}: "
            f"frame {row['frame_counter']} at {row['last_time']}, "
            f"{row['lost_frames']} lost, {row['counter_resets']} resets"
        )


def unknown(database: Database = None, as_json: AsJson = False) -> None:
    """Messages that are kept aside because nobody knows the device, or they cannot be read.

    Example: lobeda sensors unknown --json
    """
    from sensors.protocols import devices as devices_
    from sensors.store import Store

    with Store.open(database) as store:
        kept = devices_.unknown(store)
    if as_json:
        rows = [{**asdict(one), "first": _iso(one.first), "last": _iso(one.last)} for one in kept]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not kept:
        typer.echo("nothing is kept aside")
    for one in kept:
        typer.echo(
            f"{one.device or '(no device)'}  {one.feed}: {one.messages} messages, {_iso(one.first)} to "
            f"{_iso(one.last)}: {one.reason}"
        )


def assign(
    device: Annotated[str, typer.Argument(metavar="DEVEUI", help="The device, as `unknown` lists it.")],
    thing: Annotated[str, typer.Option(help="Name of its Thing.")] = "",
    building: Annotated[str, typer.Option(help="building_id of the twin that it belongs to.")] = "",
    tree: Annotated[str, typer.Option(help="tree_id of the twin.")] = "",
    street: Annotated[str, typer.Option(help="Street.")] = "",
    decoder: Annotated[str, typer.Option(help="A file of assets/decoders, without its ending.")] = "",
    kind: Annotated[str, typer.Option(help="Kind of the Thing; the decoder's where left out.")] = "",
    longitude: Annotated[float | None, typer.Option(help="Its place (WGS84).", min=-180, max=180)] = None,
    latitude: Annotated[float | None, typer.Option(help="Its place (WGS84).", min=-90, max=90)] = None,
    public: Annotated[bool, typer.Option("--public", help="Residents may see its values.")] = False,
    database: Database = None,
) -> None:
    """Say what a device is and where it belongs; what was kept of it is then stored.

    Example: lobeda sensors assign a84041ffff187106 --thing "Linden 12" --decoder dragino_lse01
    """
    from sensors import decoders
    from sensors.protocols import devices as devices_
    from sensors.protocols import intake
    from sensors.protocols.lorawan import Assignment
    from sensors.store import Store
    from viewer.accounts import recording

    if decoder and decoder not in decoders.load():
        raise CallError(
            f"there is no decoder {decoder}", "--decoder", f"Use one of {', '.join(decoders.load())}"
        )
    if kind and not decoders.kind(kind):
        raise CallError(f"{kind} is no kind of Thing", "--kind", "See docs/feeds.md")
    if (longitude is None) != (latitude is None):
        raise CallError("one half of a place", "--longitude, --latitude", "Give both")
    eui = device if "/" in device else device.lower().replace("-", "").replace(":", "")
    said = Assignment(decoder, thing, kind, building, tree, street, longitude, latitude, public)
    recording.note("sensors.assign", f"{eui} to {thing or 'its own thing'}", database)
    with Store.open(database) as store:
        devices_.assign(store, eui, said)
        counts = intake.replay(store, eui)
    stored = counts["stored"] + counts["duplicate"]
    left = sum(counts.values()) - stored
    typer.echo(f"{eui} is assigned; {stored} kept messages stored, {left} stay kept")


def _iso(microseconds: int) -> str:
    from sensors import times

    time: datetime = times.from_us(microseconds)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _say(line: str) -> None:
    sys.stderr.write(f"lobeda: {line}\n")
    sys.stderr.flush()
