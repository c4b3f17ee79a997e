"""Readings of a store's metered streams, as `meter_list.read` gives them of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from scenarios.baseline.readings import SERIES_H, Readings, checked
from scenarios.meters import ENERGY, POWER, Meter, meters
from sensors import series, stored_series, units
from sensors.series import Amounts
from sensors.store import Store
from sensors.times import to_us
from twin.errors import CallError, SourceError
from twin.sources.base import Finding

MeterKind = Literal["heat", "electricity"]
_THINGS: Mapping[MeterKind, str] = {"heat": "heat_meter", "electricity": "electricity_meter"}
_HOUR_US = 3_600_000_000
_WHERE = "store"


def read_store(
    store: Store,
    case: Case,
    *,
    kind: MeterKind = "heat",
    since: pd.Timestamp | None = None,
    until: pd.Timestamp | None = None,
) -> Readings:
    """What the meters of a store measured of the heat of the case's buildings, one unit a Thing.

    Hourly and daily values are a series, longer periods bills; a counter's readings become consumption, power
    is taken as its mean of each hour. Values that the quality checks called bad do not count.

    Parameters
    ----------
    kind : heat meters, or meters of the electricity that heats.
    since, until : readings that lie within; None: all.

    What cannot be used (no building of the district, a building of another meter already, other carrier,
    overlapping periods) is left out and named in the findings.

    Raises
    ------
    SourceError : no meter of the store can be used.
    """
    if since is not None and until is not None and until <= since:
        raise CallError("the span is empty", "--since, --until", "Give --until after --since")
    found: list[Finding] = []
    rows: dict[str, dict[str, Any]] = {}
    parts: list[pd.DataFrame] = []
    for meter in meters(store, _THINGS[kind]):
        name = meter.name if meter.name not in rows else f"{meter.name} [{meter.id}]"
        taken = {building for row in rows.values() for building in row["buildings"]}
        try:
            unit = _unit(case, meter, taken, kind)
            values = _values(store, meter, since, until)
        except SourceError as error:
            found.append(Finding("left_out", _WHERE, f"meter {name}", error.what))
            continue
        rows[name] = unit
        parts.append(values.assign(meter=name, where=""))
    if not parts:
        why = f"; {found[0].record}: {found[0].message}" if found else ""
        raise SourceError(
            f"no meter of {kind} can be used{why}",
            "the sensors' store",
            "Import readings with building_id (lobeda sensors import), or give --meters",
        )
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("meter")
    made = checked(table, pd.concat(parts, ignore_index=True), case.district.buildings.index, _WHERE)
    return Readings(made.units, made.values, (*made.findings, *found))


def _unit(case: Case, meter: Meter, taken: set[str], kind: MeterKind) -> dict[str, Any]:
    """Buildings, carrier and hot water of a meter.

    Raises
    ------
    SourceError : it cannot stand for buildings of the case.
    """
    buildings = meter.buildings(case.district)
    rows = case.envelope.index.get_indexer(pd.Index(buildings, dtype=object))
    if not buildings or (rows < 0).any():
        lost = buildings[int(np.argmax(rows < 0))] if buildings else ""
        raise SourceError(f"there is no building {lost!r} in {case.district.name}" if lost else "no building")
    if twice := sorted(taken & set(buildings)):
        raise SourceError(f"building {twice[0]} stands with a meter before it")
    heated = rows[case.columns.conditioned[rows]]
    if not heated.size:
        raise SourceError(f"building {buildings[0]} is not heated in the model")
    carriers = case.parameters.systems["carrier"].to_dict()
    by = {str(carriers[name]) for name in case.envelope["heating"].iloc[heated]}
    if kind == "electricity" and by != {"electricity"}:
        raise SourceError(f"building {buildings[0]} takes {', '.join(sorted(by))} for its heat")
    return {
        "buildings": buildings,
        "carrier": "electricity" if kind == "electricity" else "",
        "includes_hot_water": meter.hot_water,
    }


def _values(
    store: Store, meter: Meter, since: pd.Timestamp | None, until: pd.Timestamp | None
) -> pd.DataFrame:
    """Readings of a meter: start, end (UTC) and kWh, by hour or day where they are short, else as they are.

    Raises
    ------
    SourceError : there are none, or periods overlap.
    """
    amounts = _amounts(store, meter)
    inside = np.isfinite(amounts.amount) & (amounts.end > amounts.start)
    inside &= amounts.start >= (to_us(since.to_pydatetime()) if since is not None else amounts.start)
    inside &= amounts.end <= (to_us(until.to_pydatetime()) if until is not None else amounts.end)
    start, end, amount = amounts.start[inside], amounts.end[inside], amounts.amount[inside]
    if not len(start):
        raise SourceError(
            "there are no readings" + ("" if since is None and until is None else " in the span")
        )
    if (start[1:] < end[:-1]).any():
        raise SourceError("periods of its readings overlap")
    typical = float(np.median(end - start))
    if typical <= SERIES_H * _HOUR_US:
        step: series.Step = "hour" if typical <= 1.01 * _HOUR_US else "day"
        bounds = series.edges(int(start[0]), int(end[-1]), step)
        kwh = series.spread(start, end, amount, bounds)["value"].to_numpy("float64")
        start, end, amount = bounds[:-1], bounds[1:], kwh
    return pd.DataFrame({"start": _utc(start), "end": _utc(end), "kwh": amount})


def _amounts(store: Store, meter: Meter) -> Amounts:
    """The energies of a meter's first stream of energy, else of the hours of its power. [kWh]

    Raises
    ------
    SourceError : it has neither.
    """
    for stream in meter.streams:
        if stream.is_energy and (found := stored_series.amounts(store, stream.id, ENERGY)) is not None:
            return found
    for stream in meter.streams:
        if units.converts(stream.unit, POWER):
            hours = store.series(stream.id, step="hour")
            start = pd.DatetimeIndex(hours.index).as_unit("us").asi8
            mean = units.convert(hours["mean"].to_numpy("float64"), stream.unit, POWER)
            return Amounts(start, start + _HOUR_US, mean, np.full(len(start), "", object))
    raise SourceError("it has no stream of energy (counter or consumption by period) and none of power")


def _utc(moments: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex((moments * 1000).astype("datetime64[ns]")).tz_localize("UTC")
