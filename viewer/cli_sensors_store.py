"""`lobeda sensors status | backup | restore | export | purge | retention`: the store and its history."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.errors import CallError
from viewer.cli_common import Language, progress_bar

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[Language, typer.Option("--lang", help="Language of the text.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of Europe/Berlin.")]

retention = typer.Typer(help="How long values are kept.")


class StepName(StrEnum):
    """What is exported."""

    raw = "raw"
    hour = "hour"
    day = "day"


def status(as_json: AsJson = False, language: Lang = Language.en) -> None:
    """What is in the store: things, streams, age of the latest values, counters, what was set aside.

    Example: lobeda sensors status --json
    """
    from sensors.store import Store
    from sensors.store.status import status as describe

    with Store.open() as store:
        facts = describe(store)
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    typer.echo("\n".join(_lines(facts, language.value)))


def _lines(facts: dict[str, Any], language: str) -> list[str]:
    from viewer.findings import duration, shown_unit
    from viewer.format import number
    from viewer.texts import text

    size = number(facts["size_bytes"] / 1e6, language, 1)
    counts = {
        "things": facts["things"], "streams": facts["datastreams"], "values": facts["observations"],
        "alarms": facts["open_alarms"],
    }  # fmt: skip
    lines = [
        text(language, "store.status", database=facts["database"], size=size),
        text(language, "store.counts", **{name: number(one, language) for name, one in counts.items()}),
    ]
    for one in facts["streams"]:
        label = f" ({text(language, 'alarm.simulated')})" if one["simulated"] else ""
        if one["age_s"] is None:
            age = text(language, "store.never")
        else:
            age = text(language, "store.age", age=duration(max(one["age_s"], 0.0), language))
        unit = shown_unit(one["unit"], language)
        value = f"{_plain(one['latest_result'])} {unit}".strip() if one["age_s"] is not None else ""
        lines.append(
            f"  {one['datastream_id']}  {one['thing']}, {one['name']}{label}: {value} {age}".rstrip()
        )
    for feed, counters in facts["feeds"].items():
        lines.append(f"{feed}: " + ", ".join(f"{name} {value}" for name, value in counters.items()))
    lines += [
        text(
            language, "store.aside", count=one["messages"], device=one["device"] or "–", reason=one["reason"]
        )
        for one in facts["set_aside"]
    ]
    return lines


def _plain(result: Any) -> str:
    """A value without the rounding errors of its arithmetic."""
    return f"{result:.6g}" if isinstance(result, float) else str(result)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup; an older one is replaced.")],
    language: Lang = Language.en,
) -> None:
    """Write the whole store into one file, while feeds go on.

    Example: lobeda sensors backup sensors-backup.sqlite
    """
    from sensors.store import Store
    from sensors.store.backup import backup as write
    from viewer.accounts import recording
    from viewer.texts import text

    recording.note("sensors.backup", file)
    with Store.open() as store, progress_bar() as progress:
        size = write(store, file, progress=progress)
    typer.echo(text(language.value, "store.written", file=file, count=f"{size / 1e6:.1f} MB"))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup of `lobeda sensors backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what the store holds.")] = False,
    language: Lang = Language.en,
) -> None:
    """Put a backup in place of an empty store, SQLite or PostgreSQL.

    Example: LOBEDA_DATABASE_URL=postgresql://lobeda@db/lobeda lobeda sensors restore sensors-backup.sqlite
    """
    from sensors.store.backup import restore as put
    from viewer.accounts import recording
    from viewer.texts import text

    recording.note("sensors.restore", file)
    with progress_bar() as progress:
        put(file, force=force, progress=progress)
    typer.echo(text(language.value, "store.restored", file=file))


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT.parquet", help="The Parquet file.")],
    start: Day = None,
    end: Day = None,
    step: Annotated[StepName, typer.Option(help="Values as they came, or by hour or day.")] = StepName.raw,
    kind: Annotated[str | None, typer.Option(help="Only of this kind of Things, such as heat_meter.")] = None,
    language: Lang = Language.en,
) -> None:
    """Write all series as Parquet, for pandas, DuckDB or R; from the day --start to before the day --end.

    Example: lobeda sensors export 2026.parquet --start 2026-01-01 --end 2027-01-01 --step hour
    """
    from sensors.store import Store
    from sensors.store.export import export as write
    from viewer.accounts import recording
    from viewer.texts import text

    recording.note("export", f"sensors ({step.value}) to {out}")
    with Store.open() as store, progress_bar() as progress:
        rows = write(
            store, out, _midnight(start), _midnight(end), step=step.value, kind=kind, progress=progress
        )
    typer.echo(text(language.value, "store.written", file=out, count=f"{rows:,}"))


def _midnight(day: datetime | None) -> datetime | None:
    from viewer.findings import BERLIN

    return None if day is None else day.replace(tzinfo=BERLIN).astimezone(UTC)


def purge(
    thing: Annotated[int, typer.Argument(metavar="THING", help="Number of the Thing.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    language: Lang = Language.en,
) -> None:
    """Remove a Thing with all its data and their history, for good, as a person may ask for.

    Example: lobeda sensors purge 17 --yes
    """
    from sensors.store import Store
    from sensors.store.purge import purge as remove
    from sensors.store.purge import would_purge
    from viewer.accounts import recording
    from viewer.format import number
    from viewer.texts import text

    if not yes:
        with Store.open() as store:
            name, going = would_purge(store, thing)
        counts = {"count": going.observations, "streams": going.datastreams, "aside": going.set_aside}
        shown = {key: number(one, language.value) for key, one in counts.items()}
        typer.confirm(
            text(language.value, "store.ask", thing=thing, name=name, **shown), abort=True, err=True
        )
    recording.note("sensors.purge", f"thing {thing}")
    with Store.open() as store:
        gone = remove(store, thing)
    typer.echo(text(language.value, "store.purged", count=gone.observations, streams=gone.datastreams))


@retention.callback(invoke_without_command=True)
def rules(context: typer.Context, as_json: AsJson = False) -> None:
    """How long values are kept; without a further word the rules.

    Example: lobeda sensors retention --json
    """
    if context.invoked_subcommand is not None:
        return
    from sensors.store import Store
    from sensors.store.retention import rules as read

    with Store.open() as store:
        table = read(store).reset_index()
    if as_json:
        typer.echo(table.to_json(orient="records"))
    else:
        typer.echo(table.to_string(index=False) if len(table) else "no rule: everything is kept")


@retention.command("set")
def set_rule(
    raw_days: Annotated[
        int | None, typer.Option(help="Days that observations are kept as they came.", min=1)
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days that hourly and daily figures are kept.", min=1)
    ] = None,
    kind: Annotated[str, typer.Option(help="Only for this kind of Things.")] = "",
    observed_property: Annotated[
        str, typer.Option("--property", help="Only for this observed property.")
    ] = "",
) -> None:
    """Set a rule; what it names no days for is kept for ever.

    Example: lobeda sensors retention set --kind indoor_climate --raw-days 30 --days 730
    """
    from sensors.store import Store
    from sensors.store.retention import set_rule as write
    from viewer.accounts import recording

    if raw_days is None and days is None:
        raise CallError("a rule needs days", "retention set", "Name --raw-days, --days or both")
    kept = f"raw {raw_days or 'all'} days, figures {days or 'all'} days"
    recording.note("sensors.retention.set", f"{kind or 'all kinds'} {observed_property}: {kept}")
    with Store.open() as store:
        write(store, raw_days, days, kind=kind, observed_property=observed_property)


@retention.command("drop")
def drop_rule(rule: Annotated[int, typer.Argument(metavar="ID", help="Number of the rule.")]) -> None:
    """Remove a rule.

    Example: lobeda sensors retention drop 2
    """
    from sensors.store import Store
    from sensors.store.retention import drop_rule as drop
    from viewer.accounts import recording

    recording.note("sensors.retention.drop", f"rule {rule}")
    with Store.open() as store:
        drop(store, rule)


@retention.command("apply")
def apply_rules(as_json: AsJson = False, language: Lang = Language.en) -> None:
    """Remove now what the rules do not keep; run it daily.

    Example: lobeda sensors retention apply
    """
    from dataclasses import asdict

    from sensors.store import Store
    from sensors.store.retention import apply
    from viewer.accounts import recording
    from viewer.texts import text

    recording.note("sensors.retention.apply", "all rules")
    with Store.open() as store:
        gone = apply(store)
    if as_json:
        typer.echo(json.dumps(asdict(gone)))
    else:
        typer.echo(
            text(
                language.value,
                "store.applied",
                count=gone.observations,
                rolled=gone.rolled_up,
                things=gone.things,
            )
        )
