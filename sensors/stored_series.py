"""A regular series of a datastream of the store, whatever it holds: states, periods, a counter's readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from sensors import series, units
from sensors.errors import StoreError
from sensors.local_time import HOUR_US
from sensors.series import USABLE, Amounts, How, Step
from sensors.store import Store
from sensors.store.tables import datastreams
from sensors.store.tables import observations as o


def read(
    store: Store,
    datastream_id: int,
    start: int,
    end: int,
    step: Step,
    *,
    how: How = "mean",
    unit: str | None = None,
    longest_us: int | None = None,
) -> pd.DataFrame:
    """The series by interval; a counter's readings become consumption, periods are spread evenly.

    Parameters
    ----------
    start, end : what of; whole intervals are taken. [µs]
    how : what stands for an interval of states.
    unit : UCUM code of the answer; None: the stream's own.
    longest_us : periods (or readings) farther apart are gaps. [µs]

    Returns
    -------
    index : start of the interval, UTC. columns : value, gap, and count (of states) or covered (of amounts).

    Raises
    ------
    StoreError : there is no such datastream. UnitError : its unit does not convert into `unit`.
    """
    bounds = series.edges(start, end, step)
    stored = _stored(store, datastream_id, unit, (int(bounds[0]) - HOUR_US, int(bounds[-1])))
    if stored.amounts is None:
        return series.regular(stored.times, stored.values, bounds, how=how)
    found = stored.amounts
    return series.spread(found.start, found.end, found.amount, bounds, longest_us=longest_us)


def amounts(store: Store, datastream_id: int, unit: str) -> Amounts | None:
    """What passed in the periods of a stream of amounts or of a counter, as they came; None: it has states.

    unit : UCUM code of the answer.

    Raises
    ------
    StoreError : there is no such datastream. UnitError : its unit does not convert into `unit`.
    """
    return _stored(store, datastream_id, unit, None).amounts


@dataclass(frozen=True)
class _Stored:
    """Usable values in order of time. amounts : of a counter or of amounts by period, else None."""

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    amounts: Amounts | None


def _stored(store: Store, datastream_id: int, unit: str | None, within: tuple[int, int] | None) -> _Stored:
    """Values of a stream; of states and periods those within some µs, of a counter all: the readings before
    the start and after the end count too."""
    with store.connect() as connection:
        stream = connection.execute(
            sa.select(datastreams.c.unit_symbol, datastreams.c.properties).where(
                datastreams.c.id == datastream_id, sa.not_(datastreams.c.deleted)
            )
        ).one_or_none()
        if stream is None:
            raise StoreError("there is no such datastream", f"datastream {datastream_id}")
        properties = stream.properties or {}
        counter = properties.get("reading") == "cumulative"
        query = (
            sa.select(o.c.phenomenon_time, o.c.phenomenon_end, o.c.result)
            .where(o.c.datastream_id == datastream_id, o.c.current, sa.not_(o.c.deleted))
            .where(o.c.result.is_not(None), o.c.flag.in_(USABLE))
            .order_by(o.c.phenomenon_time, o.c.id)
        )
        if within is not None and not counter:
            ended = sa.func.coalesce(o.c.phenomenon_end, o.c.phenomenon_time)
            query = query.where(ended >= within[0], o.c.phenomenon_time < within[1])
        rows = connection.execute(query).all()
    times = np.array([row[0] for row in rows], np.int64)
    values = np.array([row[2] for row in rows], np.float64)
    if unit is not None:
        values = units.convert(values, stream.unit_symbol or "1", unit)
    if counter:
        size = properties.get("register_size")
        if size is not None and unit is not None:
            size = float(units.convert(float(size), stream.unit_symbol or "1", unit))
        return _Stored(times, values, series.consumption(times, values, register_size=size))
    if properties.get("reading") != "consumption" and properties.get("interval") != "hour":
        return _Stored(times, values, None)
    ends = np.array([row[0] if row[1] is None else row[1] for row in rows], np.int64)
    ends = np.where((ends == times) & (properties.get("interval") == "hour"), times + HOUR_US, ends)
    return _Stored(times, values, Amounts(times, ends, values, np.full(len(times), "", object)))
