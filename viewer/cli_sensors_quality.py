"""`lobeda sensors alarms | acknowledge | findings | check`: what is the matter with the sensors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError
from viewer.cli_common import Language, progress_bar

if TYPE_CHECKING:
    import pandas as pd

    from sensors.quality.run import ModelOf
    from sensors.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[Language, typer.Option("--lang", help="Language of the text.")]


def alarms(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: AsJson = False,
    language: Lang = Language.en,
) -> None:
    """Alarms: sensors that went silent, low batteries, weak signals, failing values.

    Example: lobeda sensors alarms --json
    """
    from sensors import alarms as alarms_
    from sensors.store import Store
    from viewer.findings import alarm_reason, clock
    from viewer.texts import text

    with Store.open() as store:
        table = alarms_.alarms(store, all_=all_)
    table["reason"] = [
        alarm_reason(kind, figures, language.value)
        for kind, figures in zip(table["kind"], table["figures"], strict=True)
    ]
    if as_json:
        typer.echo(_json(table.reset_index()))
        return
    if table.empty:
        typer.echo(text(language.value, "alarm.none"))
    for alarm_id, row in zip(table.index, table.to_dict("records"), strict=True):
        where = row["thing"] + (f", {row['stream']}" if row["stream"] else "")
        label = f" ({text(language.value, 'alarm.simulated')})" if row["simulated"] else ""
        parts = [f"{alarm_id}  {where}{label}: {row['reason']}"]
        if row["acknowledged_by"]:
            seen = clock(row["acknowledged_at"], language.value)
            parts.append(text(language.value, "alarm.acknowledged", name=row["acknowledged_by"], time=seen))
        if row["ended_at"] == row["ended_at"]:
            parts.append(text(language.value, "alarm.ended", time=clock(row["ended_at"], language.value)))
        typer.echo(" ".join(parts))


def acknowledge(
    alarm_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID…]", help="Numbers of the alarms.")
    ] = None,
    by: Annotated[str, typer.Option(help="Name of who has seen it.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="All that nobody has acknowledged.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back for these alarms.")] = False,
) -> None:
    """Note that you have seen alarms; they stand until they are over.

    Example: lobeda sensors acknowledge 3 --by "Ada Lovelace"
    """
    from sensors import alarms as alarms_
    from sensors.store import Store
    from viewer.accounts import recording

    numbers = alarm_ids or []
    if all_ == bool(numbers) or (undo and all_):
        raise CallError("it is not said which alarms", "acknowledge", "Name their numbers, or say --all")
    action = "alarm.withdraw" if undo else "alarm.acknowledge"
    recording.note(action, "all" if all_ else " ".join(map(str, numbers)))
    with Store.open() as store:
        if undo:
            typer.echo(f"{alarms_.withdraw(store, numbers)} taken back")
        elif all_:
            done = alarms_.acknowledge_all(store, by)
            typer.echo(f"{len(done)} acknowledged: {' '.join(map(str, done))}".rstrip(": "))
        else:
            for number in numbers:
                alarms_.acknowledge(store, number, by)


def findings(
    thing: Annotated[int | None, typer.Option(help="Only of the Thing with this number.")] = None,
    days: Annotated[float, typer.Option(help="How far back.", min=0)] = 30,
    as_json: AsJson = False,
    language: Lang = Language.en,
) -> None:
    """What the quality checks found, by Thing, with reasons.

    Example: lobeda sensors findings --days 7
    """
    from sensors import quality
    from sensors.store import Store
    from sensors.times import to_us
    from viewer.findings import clock, reason
    from viewer.texts import text

    with Store.open() as store:
        since = to_us(datetime.now(UTC) - timedelta(days=days))
        table = quality.findings(store, thing_id=thing, since=since)
        older = len(quality.findings(store, thing_id=thing)) if table.empty else 0
    table["reason"] = [
        reason(row["check"], row["flag"], row["count"], row["figures"], row["unit"] or "", language.value)
        for row in table.to_dict("records")
    ]
    if as_json:
        typer.echo(_json(table))
        return
    if table.empty:
        key = "alarm.older_findings" if older else "alarm.no_findings"
        typer.echo(text(language.value, key, count=older, days=f"{days:g}"))
    for name, part in table.groupby("thing", sort=True):
        typer.echo(str(name))
        for row in part.to_dict("records"):
            span = f"{clock(row['start'], language.value)} – {clock(row['end'], language.value)}"
            flag = text(language.value, f"flag.{row['flag']}")
            typer.echo(f"  {row['stream']}, {span}, {flag}: {row['reason']}")


def check(
    district: Annotated[
        str | None,
        typer.Option(help="A district folder, or `lobeda`: hold its heat meters against the simulation too."),
    ] = None,
    weather: Annotated[
        Path | None, typer.Option(help="With --district: measured weather; without it a typical year.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what is new in the store now, and look for alarms; the feeds do so by themselves.

    Example: lobeda sensors check --district lobeda
    """
    from sensors import watching
    from sensors.store import Store

    if weather is not None and district is None:
        raise CallError("there is nothing to simulate", "--weather", "Name the --district too")
    with Store.open() as store, progress_bar() as progress:
        model = None if district is None else _heat_model(store, district, weather)
        summary, changes = watching.look(store, model=model, progress=progress)
    counts = {
        "streams": summary.streams, "observations": summary.observations, "flags_changed": summary.changed,
        "alarms_raised": len(changes.raised), "alarms_ended": len(changes.ended),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items()))


def _heat_model(store: Store, place: str, weather: Path | None) -> ModelOf:
    import energy
    import twin
    from scenarios.model_check import HeatModel

    known = energy.weather.sample() if weather is None else energy.weather.read(weather)
    return HeatModel(store, energy.Case(twin.open(place), known))


def _json(table: pd.DataFrame) -> str:
    return table.to_json(orient="records", date_format="iso", force_ascii=False, indent=1)
