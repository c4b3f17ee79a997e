"""What is in the store, and how it is going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from sensors.store import schema
from sensors.store.database import shown
from sensors.store.store import Store
from sensors.store.tables import alarms, latest, set_aside, things
from sensors.times import from_us, now_us, to_us


def status(store: Store) -> dict[str, Any]:
    """The store's facts: database, counts, age of what is newest, feeds' counters, messages set aside.

    `streams` has one entry a datastream; `age_s` is the time since its latest value, None without one.
    """
    now = now_us()
    with store.connect() as connection:
        count = connection.execute(
            sa.select(sa.func.count()).select_from(things).where(sa.not_(things.c.deleted))
        ).scalar_one()
        total, first, last = connection.execute(
            sa.select(
                sa.func.coalesce(sa.func.sum(latest.c.count), 0),
                sa.func.min(latest.c.phenomenon_min),
                sa.func.max(latest.c.phenomenon_max),
            )
        ).one()
        aside = connection.execute(
            sa.select(
                set_aside.c.feed, set_aside.c.device, set_aside.c.reason, sa.func.count().label("messages"),
                sa.func.max(set_aside.c.received_at).label("latest"),
            )
            .group_by(set_aside.c.feed, set_aside.c.device, set_aside.c.reason)
            .order_by(sa.desc("messages"))
        ).mappings().all()  # fmt: skip
        open_alarms = connection.execute(
            sa.select(sa.func.count()).select_from(alarms).where(alarms.c.ended_at.is_(None))
        ).scalar_one()
        version, size = schema.version(connection), _size(store, connection)
    streams = store.streams()
    feeds: dict[str, dict[str, int]] = {}
    for feed, counter, value in store.counters().itertuples(index=False):
        feeds.setdefault(str(feed), {})[str(counter)] = int(value)
    return {
        "database": shown(store.engine.url), "schema": version, "size_bytes": size, "things": int(count),
        "datastreams": len(streams), "observations": int(total), "first": _iso(first), "last": _iso(last),
        "open_alarms": int(open_alarms), "feeds": feeds,
        "set_aside": [{**row, "latest": _iso(row["latest"])} for row in aside],
        "streams": _streams(streams, now),
    }  # fmt: skip


def _streams(streams: pd.DataFrame, now: int) -> list[dict[str, Any]]:
    rows = []
    for stream, row in streams.iterrows():
        time = row["latest_time"]
        known = not pd.isna(time)
        result = row["latest_result"]
        rows.append(
            {
                "datastream_id": int(str(stream)), "thing": row["thing"], "name": row["name"],
                "unit": row["unit_symbol"] or "", "simulated": bool(row["simulated"]),
                "count": int(row["count"]), "latest_time": time.isoformat() if known else None,
                "latest_result": result if known and not _is_nan(result) else None,
                "age_s": round((now - to_us(time.to_pydatetime())) / 1e6, 1) if known else None,
            }
        )  # fmt: skip
    return rows


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _iso(time: int | None) -> str | None:
    return None if time is None else from_us(time).isoformat()


def _size(store: Store, connection: sa.Connection) -> int:
    if store.engine.dialect.name == "sqlite":
        path = Path(str(store.engine.url.database))
        files = (path, path.with_name(path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
