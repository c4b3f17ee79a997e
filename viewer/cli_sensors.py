"""`lobeda sensors`: feeds, their history and what is the matter with them."""

from __future__ import annotations

import typer

from viewer import (
    cli_sensors_feeds,
    cli_sensors_import,
    cli_sensors_quality,
    cli_sensors_replay,
    cli_sensors_store,
    cli_sensors_tokens,
    cli_sensors_watering,
)

app = typer.Typer(help="Feeds, history, quality and alarms of the sensors.")
app.command("alarms")(cli_sensors_quality.alarms)
app.command("acknowledge")(cli_sensors_quality.acknowledge)
app.command("findings")(cli_sensors_quality.findings)
app.command("check")(cli_sensors_quality.check)
app.command("import")(cli_sensors_import.import_files)
app.command("ingest")(cli_sensors_feeds.ingest)
app.command("devices")(cli_sensors_feeds.devices)
app.command("unknown")(cli_sensors_feeds.unknown)
app.command("assign")(cli_sensors_feeds.assign)
app.command("replay", epilog="Example: lobeda sensors replay --speed 60")(cli_sensors_replay.replay)
app.command("status")(cli_sensors_store.status)
app.command("backup")(cli_sensors_store.backup)
app.command("restore")(cli_sensors_store.restore)
app.command("export")(cli_sensors_store.export)
app.command("purge")(cli_sensors_store.purge)
app.add_typer(cli_sensors_store.retention, name="retention")
app.add_typer(cli_sensors_tokens.app, name="token")
app.command("watering", epilog="Example: lobeda sensors watering --json")(cli_sensors_watering.watering)
