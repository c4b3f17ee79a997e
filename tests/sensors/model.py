"""What the store must say of its observations, computed the plain way with pandas from them alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sensors.store import Store
from sensors.store.tables import daily, hourly, latest, observations

FIGURES = ["count", "mean", "min", "max", "sum", "last", "worst_flag"]


def live(store: Store) -> pd.DataFrame:
    """All observations that count, in the order of time and id."""
    o = observations.c
    with store.connect() as connection:
        found = connection.execute(
            sa.select(o.row_id, o.id, o.datastream_id, o.phenomenon_time, o.result, o.flag, o.source_key)
            .where(o.current, sa.not_(o.deleted))
            .order_by(o.datastream_id, o.phenomenon_time, o.id)
        )
        return pd.DataFrame(found.all(), columns=list(found.keys()))


def rolled_up(raw: pd.DataFrame, step: str) -> pd.DataFrame:
    """Hourly or daily figures; index datastream and start in microseconds."""
    numbers = raw[raw["result"].notna()].copy()
    local = pd.to_datetime(numbers["phenomenon_time"], unit="us", utc=True)
    if step == "day":
        local = local.dt.tz_convert("Europe/Berlin").dt.normalize().dt.tz_convert("UTC")
    else:
        local = local.dt.floor("h")
    numbers["start"] = (
        local.astype("int64") if local.dt.unit == "us" else local.dt.as_unit("us").astype("int64")
    )
    groups = numbers.groupby(["datastream_id", "start"])
    worst = groups["flag"].max()
    good = numbers[~numbers["flag"].isin([4, 9])].groupby(["datastream_id", "start"])["result"]
    table = good.agg(["count", "mean", "min", "max", "sum", "last"]).reindex(worst.index)
    table["count"] = table["count"].fillna(0)
    table["worst_flag"] = worst
    return table[FIGURES].astype(float).sort_index()


def kept(store: Store, table: sa.Table) -> pd.DataFrame:
    """The figures that the store keeps, in the same form."""
    with store.connect() as connection:
        found = connection.execute(
            sa.select(table.c.datastream_id, table.c.start, *(table.c[name] for name in FIGURES))
        )
        rows = pd.DataFrame(found.all(), columns=list(found.keys()))
    return rows.set_index(["datastream_id", "start"]).astype(float).sort_index()


def require_consistent(store: Store) -> pd.DataFrame:
    """Fails where roll-ups or latest values are not what the observations say; gives the observations."""
    raw = live(store)
    for table, step in ((hourly, "hour"), (daily, "day")):
        wanted, found = rolled_up(raw, step), kept(store, table)
        assert list(found.index) == list(wanted.index), step
        np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=1e-9, atol=1e-9, err_msg=step)
    with store.connect() as connection:
        rows: Any = connection.execute(sa.select(latest).order_by(latest.c.datastream_id)).mappings().all()
    newest = raw.groupby("datastream_id").tail(1)
    columns = ["datastream_id", "row_id", "phenomenon_time", "flag"]
    assert [[row[name] for name in columns] for row in rows] == newest[columns].to_numpy().tolist()
    spans = raw.groupby("datastream_id")["phenomenon_time"].agg(["count", "min", "max"]).to_numpy().tolist()
    assert [[row["count"], row["phenomenon_min"], row["phenomenon_max"]] for row in rows] == spans
    return raw
