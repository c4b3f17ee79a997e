"""Writing observations: new ones, corrections, deletions, flags; roll-ups in the same transaction."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.errors import ObservationError
from sensors.store import rollups
from sensors.store.calendar import FIRST, LAST
from sensors.store.rollups import LIVE, Value
from sensors.store.sql import chosen, many
from sensors.store.tables import datastreams, observations
from sensors.things import NewObservation
from sensors.times import now_us

FLAGS = (1, 2, 3, 4, 9)
_TIMES = ("phenomenon_time", "phenomenon_end", "result_time", "valid_start", "valid_end")
_COLUMNS = (
    "row_id", "id", "datastream_id", "feature_id", *_TIMES, "result", "result_json", "parameters",
    "result_quality", "flag", "source_key", "received_at",
)  # fmt: skip
_CHECKED = tuple(name for name in _COLUMNS if name not in ("row_id", "id", "result_json", "received_at"))
_DUPLICATE = "ON CONFLICT (datastream_id, source_key) WHERE source_key IS NOT NULL AND version = 1 DO NOTHING"


class Stored(NamedTuple):
    """What became of an observation: its id, and whether it is new or was there before."""

    id: int
    new: bool


Row = tuple[Any, ...]


def check(new: NewObservation) -> Row:
    """The columns of an observation from `datastream_id` on, checked.

    Raises
    ------
    ObservationError : what cannot be stored, and why.
    """
    time = new.phenomenon_time
    if type(time) is not int or not FIRST <= time <= LAST:
        raise _refused(
            new, f"the phenomenon time {time!r} is none (microseconds since 1970, years 1 to 9999)"
        )
    if new.phenomenon_end is not None or new.result_time is not None or new.valid_start is not None:
        _check_times(new)
    if new.flag not in FLAGS:
        raise _refused(new, f"the flag {new.flag!r} is none of 1, 2, 3, 4, 9")
    result, structure = new.result, None
    if type(result) is not float:
        result, structure = split(new, result)
    elif not math.isfinite(result):
        raise _refused(new, f"the result {result} is not a number")
    return (
        new.datastream_id, new.feature_id, time, new.phenomenon_end, new.result_time, new.valid_start,
        new.valid_end, result, structure, as_json(new, new.parameters), as_json(new, new.result_quality),
        new.flag, new.source_key,
    )  # fmt: skip


def _check_times(new: NewObservation) -> None:
    for name in _TIMES[1:]:
        time = getattr(new, name)
        if time is not None and (type(time) is not int or not FIRST <= time <= LAST):
            raise _refused(new, f"{name} {time!r} is no time (microseconds since 1970, years 1 to 9999)")
    if new.phenomenon_end is not None and new.phenomenon_end < new.phenomenon_time:
        raise _refused(new, "its phenomenon time ends before it begins")


def split(new: object, result: Any) -> tuple[float | None, str | None]:
    """A result as a number, or as the text of its JSON."""
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        number = float(result)
        if not math.isfinite(number):
            raise _refused(new, f"the result {result} is not a number")
        return number, None
    return None, as_json(new, result)


def as_json(new: object, value: Any) -> str | None:
    """The text of a JSON value; None stays None."""
    if value is None:
        return None
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(new, f"it is not JSON: {error}") from None


def _refused(new: object, why: str) -> ObservationError:
    where = f"observation of datastream {new.datastream_id}" if isinstance(new, NewObservation) else str(new)
    return ObservationError(why, where, "Nothing of this call was stored; correct it and send again")


def append(connection: Connection, rows: Sequence[Row]) -> list[Stored]:
    """Writes checked observations; the roll-ups and latest values with them.

    Raises
    ------
    ObservationError : a datastream that is not there.
    """
    if not rows:
        return []
    _require_datastreams(connection, {row[0] for row in rows})
    first, now = _next_ids(connection, len(rows)), now_us()
    full = [(first + i, first + i, *row, now) for i, row in enumerate(rows)]
    many(
        connection,
        observations,
        _COLUMNS,
        full,
        _DUPLICATE if any(row[12] is not None for row in rows) else "",
    )
    written = _written(connection, first, full)
    rollups.add(connection, [_value(row) for row, stored in zip(full, written, strict=True) if stored.new])
    return written


def _value(row: Row) -> Value:
    return Value(row[0], row[1], row[2], row[4], row[5], row[6], row[9], row[10], row[13], row[15])


def _require_datastreams(connection: Connection, wanted: set[int]) -> None:
    there = connection.execute(
        sa.select(datastreams.c.id).where(
            datastreams.c.id.in_(chosen(connection, wanted)), sa.not_(datastreams.c.deleted)
        )
    ).scalars()
    missing = wanted - set(there)
    if missing:
        raise ObservationError(f"there is no datastream {min(missing)}", "observation", "Create it first")


def _next_ids(connection: Connection, count: int) -> int:
    """The first of `count` ids that nobody else gets: the transaction is the only one that writes."""
    if connection.dialect.name == "sqlite":
        used = connection.exec_driver_sql(
            "SELECT seq FROM sqlite_sequence WHERE name = 'observations'"
        ).scalar()
        return (used or 0) + 1
    last = connection.exec_driver_sql(
        "SELECT setval('observations_row_id_seq', nextval('observations_row_id_seq') + %s)", (count - 1,)
    ).scalar_one()
    return int(last) - count + 1


def _written(connection: Connection, first: int, full: Sequence[Row]) -> list[Stored]:
    """Which of the rows are new, and for the others the id of the observation that was there before."""
    keyed = {(row[2], row[14]) for row in full if row[14] is not None}
    if not keyed:
        return [Stored(row[1], True) for row in full]
    new = set(
        connection.execute(
            sa.select(observations.c.row_id).where(observations.c.row_id.between(first, full[-1][0]))
        ).scalars()
    )
    known: dict[tuple[int, str], int] = {(row[2], row[14]): row[1] for row in full if row[1] in new}
    for row in full:
        if row[1] not in new and (row[2], row[14]) not in known:
            known[row[2], row[14]] = connection.execute(
                sa.select(observations.c.id).where(
                    observations.c.datastream_id == row[2],
                    observations.c.source_key == row[14],
                    observations.c.version == 1,
                )
            ).scalar_one()
    return [Stored(row[1], True) if row[1] in new else Stored(known[row[2], row[14]], False) for row in full]


def _current(connection: Connection, ids: Iterable[int]) -> list[dict[str, Any]]:
    """The valid rows of observations, locked by the transaction."""
    rows = connection.execute(
        sa.select(observations).where(observations.c.id.in_(chosen(connection, ids)), LIVE)
    )
    return [dict(row) for row in rows.mappings()]


def _any(row: Mapping[str, Any]) -> Any:
    return row["result_json"] if row["result"] is None else row["result"]


def _new_version(connection: Connection, row: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    connection.execute(
        observations.update().where(observations.c.row_id == row["row_id"]).values(current=False)
    )
    state = {**row, **changes, "version": row["version"] + 1, "row_id": _next_ids(connection, 1)}
    connection.execute(observations.insert().values(state))


def correct(connection: Connection, observation_id: int, changes: Mapping[str, Any]) -> None:
    """Writes a further version of an observation; `result` in `changes` may be of any kind.

    Raises
    ------
    ObservationError : there is no such observation, or the change cannot be stored.
    """
    rows = _current(connection, [observation_id])
    name = f"observation {observation_id}"
    if not rows:
        raise ObservationError("there is no such observation", name)
    changes = dict(changes)
    unknown = set(changes) - (set(_COLUMNS) - {"row_id", "id", "received_at"})
    if unknown:
        raise ObservationError(f"it has no {', '.join(sorted(unknown))} to change", name)
    old = rows[0]
    if "result" in changes and "result_json" not in changes:
        number, _ = split(name, changes["result"])
        changes |= {"result": number, "result_json": None if number is not None else changes["result"]}
    new = {**old, **changes}
    check(
        NewObservation(**{column: new[column] for column in _CHECKED if column != "result"}, result=_any(new))
    )
    if new["datastream_id"] != old["datastream_id"]:
        _require_datastreams(connection, {new["datastream_id"]})
    _new_version(connection, old, changes)
    rollups.again(connection, [(row["datastream_id"], row["phenomenon_time"]) for row in (old, new)])
    rollups.latest_again(connection, {old["datastream_id"], new["datastream_id"]})


def remove(connection: Connection, observation_ids: Iterable[int]) -> None:
    """Writes a tombstone for each observation; what is not there stays so."""
    rows = _current(connection, observation_ids)
    for row in rows:
        _new_version(connection, row, {"deleted": True})
    rollups.again(connection, [(row["datastream_id"], row["phenomenon_time"]) for row in rows])
    rollups.latest_again(connection, {row["datastream_id"] for row in rows})


def set_flags(connection: Connection, datastream_id: int, flags: Mapping[int, int]) -> None:
    """Sets the quality flags of observations of one datastream; their values stay.

    Raises
    ------
    ObservationError : a flag that is none.
    """
    wrong = set(flags.values()) - set(FLAGS)
    if wrong:
        raise ObservationError(
            f"the flag {min(wrong)!r} is none of 1, 2, 3, 4, 9", f"datastream {datastream_id}"
        )
    rows = connection.execute(
        sa.select(
            observations.c.id, observations.c.row_id, observations.c.flag, observations.c.phenomenon_time
        )
        .where(observations.c.id.in_(chosen(connection, flags)), LIVE)
        .where(observations.c.datastream_id == datastream_id)
    ).all()
    changed = [row for row in rows if row.flag != flags[row.id]]
    for flag in FLAGS:
        own = [row.row_id for row in changed if flags[row.id] == flag]
        if own:
            connection.execute(
                observations.update()
                .where(observations.c.row_id.in_(chosen(connection, own)))
                .values(flag=flag)
            )
    rollups.again(connection, [(datastream_id, row.phenomenon_time) for row in changed])
    if changed:
        rollups.latest_again(connection, [datastream_id])
