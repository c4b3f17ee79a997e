"""The store's series as Parquet, for pandas, DuckDB, R and the like."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from sensors.store.reading import Step
from sensors.store.rollups import LIVE
from sensors.store.store import Store
from sensors.store.tables import daily, hourly, observations
from sensors.times import to_us
from twin.errors import CallError

Progress = Callable[[str, float], None]
_ROWS = 100_000
_TIME = pa.timestamp("us", "UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())
_ABOUT = {
    "thing": _NAME, "kind": _NAME, "building_id": _NAME, "stream": _NAME, "property": _NAME, "unit": _NAME,
    "simulated": pa.bool_(),
}  # fmt: skip
_RAW = {"id": pa.int64(), "time": _TIME, "end": _TIME, "result": pa.float64(), "result_json": pa.string(),
        "flag": pa.int8()}  # fmt: skip
_ROLLED = {
    "start": _TIME, "count": pa.int32(), "mean": pa.float64(), "min": pa.float64(), "max": pa.float64(),
    "sum": pa.float64(), "last": pa.float64(), "worst_flag": pa.int8(),
}  # fmt: skip


def export(
    store: Store,
    file: Path,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    step: Step = "raw",
    kind: str | None = None,
    progress: Progress = lambda _text, _share: None,
) -> int:
    """Writes all series from `start` until before `end` into a Parquet file; gives the number of rows.

    Times are UTC; `simulated` says which values come from a model. Memory does not grow with the rows.

    Raises
    ------
    CallError : there is no such folder.
    """
    if not file.resolve().parent.is_dir():
        raise CallError("there is no such folder", file.resolve().parent, "Make it, or name another file")
    shown = _RAW if step == "raw" else _ROLLED
    fields = pa.schema([("datastream_id", pa.int64()), *_ABOUT.items(), *shown.items()])
    streams = store.streams(kind=kind)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    count = 0
    try:
        with pq.ParquetWriter(part, fields, compression="zstd") as writer:
            for number, (stream, about) in enumerate(streams.iterrows()):
                progress(str(about["name"]), number / len(streams))
                for columns in _pages(store, int(str(stream)), start, end, step):
                    table = _table(int(str(stream)), about.to_dict(), columns, shown, fields)
                    writer.write_table(table)
                    count += table.num_rows
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return count


def _table(
    stream: int, about: dict[Any, Any], columns: list[Any], shown: dict[str, pa.DataType], fields: pa.Schema
) -> pa.Table:
    size = len(columns[0])
    names = {"stream": "name", "unit": "unit_symbol"}
    constant = [about[names.get(name, name)] for name in _ABOUT]
    head = [pa.array([stream] * size, pa.int64())] + [
        pa.array([value if isinstance(value, (str, bool)) else None] * size, kind)
        for value, kind in zip(constant, _ABOUT.values(), strict=True)
    ]
    values = [pa.array(column, kind) for column, kind in zip(columns, shown.values(), strict=True)]
    return pa.Table.from_arrays(head + values, schema=fields)


def _pages(
    store: Store, stream: int, start: datetime | None, end: datetime | None, step: Step
) -> Iterator[list[Any]]:
    """The columns of one series, some rows at a time."""
    o = observations.c
    table = hourly if step == "hour" else daily
    if step == "raw":
        query = sa.select(
            o.id, o.phenomenon_time, o.phenomenon_end, o.result, sa.cast(o.result_json, sa.Text), o.flag
        ).where(LIVE, o.datastream_id == stream)
        key: list[sa.ColumnElement[Any]] = [o.phenomenon_time, o.id]
        places: tuple[int, ...] = (1, 0)
    else:
        query = sa.select(*(table.c[name] for name in _ROLLED)).where(table.c.datastream_id == stream)
        key, places = [table.c.start], (0,)
    if start is not None:
        query = query.where(key[0] >= to_us(start))
    if end is not None:
        query = query.where(key[0] < to_us(end))
    last: tuple[Any, ...] | None = None
    while True:
        page = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, last)))
        with store.connect() as connection:
            rows = connection.execute(page.order_by(*key).limit(_ROWS)).all()
        if rows:
            yield list(zip(*rows, strict=True))
            last = tuple(rows[-1][place] for place in places)
        if len(rows) < _ROWS:
            return
