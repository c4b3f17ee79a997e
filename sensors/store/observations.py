"""Writing observations: new ones, corrections, deletions, flags; roll-ups in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.errors import ObservationError
from sensors.store import rollups
from sensors.store.calendar import FIRST, LAST
from sensors.store.rollups import LIVE
from sensors.store.sql import Rows, array, ask, chosen, insert
from sensors.store.tables import observations
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


_FIELDS = attrgetter(
    "datastream_id", "feature_id", *_TIMES, "result", "parameters", "result_quality", "flag", "source_key"
)
_NO_TIMES = (None, None, None, None)
_LARGEST = 2**63 - 1
# Sums of many results must be numbers too.
_LARGEST_RESULT = 1e200


def check(new: NewObservation) -> Row:
    """The columns of an observation from `datastream_id` on, checked.

    Raises
    ------
    ObservationError : what cannot be stored, and why.
    """
    stream, feature, time, end, result_time, start, stop, result, parameters, quality, flag, key = _FIELDS(
        new
    )
    if type(time) is not int or not FIRST <= time <= LAST:
        raise _refused(new, f"the phenomenon time {time!r} is none ({_TIMES_ARE})")
    others = (end, result_time, start, stop)
    if others != _NO_TIMES:
        _check_times(new, time, others)
    if flag not in FLAGS:
        raise _refused(new, f"the flag {flag!r} is none of 1, 2, 3, 4, 9")
    if type(stream) is not int or not 0 < stream <= _LARGEST:
        raise _refused(new, f"{stream!r} is no number of a datastream")
    if feature is not None and (type(feature) is not int or not 0 < feature <= _LARGEST):
        raise _refused(new, f"{feature!r} is no number of a feature of interest")
    structure = None
    if type(result) is not float:
        result, structure = split(new, result)
    elif not -_LARGEST_RESULT <= result <= _LARGEST_RESULT:
        raise _refused(new, f"the result {result} is not a number, or too large")
    if key is not None:
        _check_key(new, key)
    return (
        stream, feature, time, end, result_time, start, stop, result, structure, as_json(new, parameters),
        as_json(new, quality), flag, key,
    )  # fmt: skip


_TIMES_ARE = "microseconds since 1970, years 1 to 9999"


def _check_times(new: NewObservation, begin: int, others: tuple[Any, ...]) -> None:
    for name, time in zip(_TIMES[1:], others, strict=True):
        if time is not None and (type(time) is not int or not FIRST <= time <= LAST):
            raise _refused(new, f"{name} {time!r} is no time ({_TIMES_ARE})")
    if others[0] is not None and others[0] < begin:
        raise _refused(new, "its phenomenon time ends before it begins")


def _check_key(new: NewObservation, key: Any) -> None:
    """A source's id is text that both databases can hold."""
    if not isinstance(key, str) or "\0" in key:
        raise _refused(new, f"the source's id {key!r} is no text")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise _refused(new, f"the source's id {key!r} is no text") from None


def split(new: object, result: Any) -> tuple[float | None, str | None]:
    """A result as a number, or as the text of its JSON."""
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        if not -_LARGEST_RESULT <= result <= _LARGEST_RESULT:
            raise _refused(new, f"the result {result} is not a number, or too large")
        return float(result), None
    return None, as_json(new, result)


def as_json(new: object, value: Any) -> str | None:
    """The text of a JSON value; None stays None."""
    if value is None:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        return text
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
    first, now = _next_ids(connection, len(rows), {row[0] for row in rows}), now_us()
    full = [(first + i, first + i, *row, now) for i, row in enumerate(rows)]
    # Columns that no row fills are left out: most feeds fill few.
    by_column = zip(_COLUMNS, zip(*full, strict=True), strict=True)
    used = [k for k, (name, of) in enumerate(by_column) if name in _REQUIRED or of.count(None) < len(of)]
    filled = full if len(used) == len(_COLUMNS) else list(map(itemgetter(*used), full))
    keyed = _COLUMNS.index("source_key") in used
    columns = tuple(_COLUMNS[k] for k in used)
    new = Rows(observations, columns, filled, _DUPLICATE if keyed else "")
    if not keyed:  # all is new: one round trip with what follows from it
        insert(connection, new, *rollups.parts(connection, list(map(_value, full))))
        return [Stored(row[1], True) for row in full]
    insert(connection, new)
    written = _written(connection, first, full)
    rollups.add(connection, [_value(row) for row, stored in zip(full, written, strict=True) if stored.new])
    return written


_REQUIRED = ("row_id", "id", "datastream_id", "phenomenon_time", "flag", "received_at")
_value = itemgetter(*(_COLUMNS.index(name) for name in rollups.VALUE))


def _next_ids(connection: Connection, count: int, datastreams: set[int]) -> int:
    """The first of `count` ids that nobody else gets: the transaction is the only one that writes.

    Raises
    ------
    ObservationError : one of the datastreams is not there.
    """
    postgres = connection.dialect.name == "postgresql"
    found = ask(
        connection,
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'observations'), 0) + ?, id "
        "FROM datastreams WHERE id IN (SELECT value FROM json_each(?)) AND NOT deleted",
        "SELECT (SELECT setval('observations_row_id_seq', nextval('observations_row_id_seq') - 1 + %s)), id "
        "FROM datastreams WHERE id = ANY(CAST(%s AS bigint[])) AND NOT deleted",
        count,
        array(list(datastreams)) if postgres else json.dumps(list(datastreams)),
    )
    missing = datastreams - {row[1] for row in found}
    if missing:
        raise ObservationError(f"there is no datastream {min(missing)}", "observation", "Create it first")
    return int(found[0][0]) - count + 1


def _written(connection: Connection, first: int, full: Sequence[Row]) -> list[Stored]:
    """Which of the rows are new, and for the others the id of the observation that was there before."""
    between = "SELECT row_id FROM observations WHERE row_id BETWEEN {} AND {}"
    rows = ask(connection, between.format("?", "?"), between.format("%s", "%s"), first, full[-1][0])
    new = {row[0] for row in rows}
    known: dict[tuple[int, str], int] = {(row[2], row[14]): row[1] for row in full if row[1] in new}
    before = {(row[2], row[14]) for row in full if row[1] not in new} - known.keys()
    known |= _known(connection, sorted(before))
    return [Stored(row[1], True) if row[1] in new else Stored(known[row[2], row[14]], False) for row in full]


def _known(connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The ids of observations by datastream and source's id."""
    if not keys:
        return {}
    postgres = connection.dialect.name == "postgresql"
    same = "AND o.version = 1 AND o.source_key IS NOT NULL"
    rows = ask(
        connection,
        "SELECT o.datastream_id, o.source_key, o.id FROM json_each(?) k CROSS JOIN observations o "
        "ON o.datastream_id = json_extract(k.value, '$[0]') AND o.source_key = json_extract(k.value, '$[1]') "
        + same,
        "SELECT o.datastream_id, o.source_key, o.id "
        "FROM unnest(CAST(%s AS bigint[]), CAST(%s AS text[])) AS k(stream, key) "
        "JOIN observations o ON o.datastream_id = k.stream AND o.source_key = k.key " + same,
        *([array([key[part] for key in keys]) for part in (0, 1)] if postgres else [json.dumps(keys)]),
    )
    return {(row[0], row[1]): row[2] for row in rows}


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
    state = {
        **row,
        **changes,
        "version": row["version"] + 1,
        "row_id": _next_ids(connection, 1, {int(changes.get("datastream_id", row["datastream_id"]))}),
    }
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
