"""Loading a long history at once: the last weeks as observations, what is older as roll-ups alone.

That is the state that retention leaves behind (see `frozen`): a chart has its year, the store its size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.store.calendar import HOUR, day_of_hour
from sensors.store.sql import Rows, insert
from sensors.store.tables import daily, hourly

_COLUMNS = (
    "datastream_id", "start", "count", "mean", "min", "max", "sum", "last", "last_time", "worst_flag",
)  # fmt: skip


def load_hours(
    connection: Connection, datastream_id: int, hours: Sequence[int], values: npt.NDArray[np.float64]
) -> None:
    """Hourly values of a datastream as its roll-ups, frozen: there are no observations behind them.

    hours : their starts, µs since 1970 in UTC, in order, before any observation of the datastream.
    values : finite; one an hour.

    Days that have roll-ups already are left out.
    """
    taken = connection.execute(
        sa.select(sa.func.min(daily.c.start)).where(daily.c.datastream_id == datastream_id)
    ).scalar()
    starts = np.asarray(hours, np.int64)
    day = np.array([day_of_hour(int(hour) - int(hour) % HOUR) for hour in starts], np.int64)
    keep = slice(None) if taken is None else day < taken
    starts, values, day = starts[keep], np.asarray(values, float)[keep], day[keep]
    if not len(starts):
        return
    same = [values.tolist()] * 5
    ids, ones, flags = [datastream_id] * len(starts), [1] * len(starts), [2] * len(starts)
    hour_rows = list(zip(ids, starts.tolist(), ones, *same, starts.tolist(), flags, strict=True))
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    count = np.diff(np.append(first, len(day)))
    total, last = np.add.reduceat(values, first), first + count - 1
    rows = zip(
        [datastream_id] * len(first), day[first].tolist(), count.tolist(), (total / count).tolist(),
        np.minimum.reduceat(values, first).tolist(), np.maximum.reduceat(values, first).tolist(),
        total.tolist(), values[last].tolist(), starts[last].tolist(), [2] * len(first), [True] * len(first),
        strict=True,
    )  # fmt: skip
    insert(connection, Rows(hourly, _COLUMNS, hour_rows), Rows(daily, (*_COLUMNS, "frozen"), list(rows)))
