"""Indicators that take more than a year's sums: peak loads, over-temperature, hours of sun.

Each takes seconds for a district, so that they are asked for by name (`DETAILS`), and at any level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import simulate, sun_access
from scenarios.compare import LEVELS, Level, units
from scenarios.outcome import Outcome
from twin.errors import CallError

DETAILS = {
    "hours": ("peak_heat_kw", "peak_import_kw", "peak_export_kw"),
    "rooms": ("over_temperature_kh",),
    "sun": ("facade_sun_h", "open_sun_h"),
}
FLOWS = {
    "peak_heat_kw": "heating_delivered_kwh",
    "peak_import_kw": "grid_import_kwh",
    "peak_export_kw": "grid_export_kwh",
}
_CHUNK = 1000  # buildings whose hours are held at a time
Hours = npt.NDArray[np.float64]


def details_of(outcome: Outcome, level: Level, kinds: Sequence[str] = tuple(DETAILS)) -> pd.DataFrame:
    """Indicators of the kinds at a level; index as in `compare.indicators_of`.

    Raises
    ------
    CallError : an unknown level or kind.
    """
    if level not in LEVELS:
        raise CallError(f"there is no level {level!r}", "details", f"Use {', '.join(LEVELS)}")
    if odd := [kind for kind in kinds if kind not in DETAILS]:
        raise CallError(f"there are no details {odd[0]!r}", "details", f"Use {', '.join(DETAILS)}")
    makers = {"hours": peaks, "rooms": over_temperature, "sun": sun}
    table: pd.DataFrame = pd.concat([makers[kind](outcome, level) for kind in kinds], axis=1)
    return table.rename_axis(level)


def loads(outcome: Outcome, level: Level) -> Iterator[tuple[pd.Index, dict[str, Hours]]]:
    """Hourly loads of units, some units at a time: names, and for each of `FLOWS` shape (unit, hour). [kW]

    A unit's load is the sum of its buildings' in the same hour, so that a block's peak is below the sum of
    its buildings' peaks.
    """
    unit = units(outcome, level).drop("", errors="ignore").dropna().sort_values(kind="stable")
    starts = np.flatnonzero(np.r_[True, unit.to_numpy()[1:] != unit.to_numpy()[:-1]])
    ends = np.r_[starts[1:], len(unit)]
    first = 0
    while first < len(starts):
        last = max(int(np.searchsorted(ends, starts[first] + _CHUNK, "right")), first + 1)
        mine = unit.iloc[starts[first] : ends[last - 1]]
        yield _chunk(outcome, mine, starts[first:last] - starts[first])
        first = last


def _chunk(
    outcome: Outcome, unit: pd.Series, starts: npt.NDArray[np.intp]
) -> tuple[pd.Index, dict[str, Hours]]:
    names = pd.Index(unit.to_numpy()[starts])
    total = {key: np.zeros((len(names), len(outcome.case.weather))) for key in FLOWS}
    number = np.repeat(np.arange(len(names)), np.diff(np.r_[starts, len(unit)]))
    for part in range(0, len(unit), _CHUNK):
        ids = unit.index[part : part + _CHUNK]
        found = simulate(outcome.case, outputs=list(FLOWS.values()), buildings=ids)
        for key, flow in FLOWS.items():
            hours = found[flow].transpose("building_id", "time").to_numpy().astype("float64")
            np.add.at(total[key], number[part : part + _CHUNK], hours)
    return names, total


def hours_of(outcome: Outcome, ids: pd.Index) -> dict[str, Hours]:
    """Hourly loads of some buildings together, for each of `FLOWS` shape (hour,). [kW]"""
    mine = outcome.annual.index[outcome.annual.index.isin(ids)]
    _, found = _chunk(outcome, pd.Series("", index=mine), np.zeros(1, np.intp))
    return {key: hours[0] for key, hours in found.items()}


def peaks(outcome: Outcome, level: Level) -> pd.DataFrame:
    """Largest hour of heat delivered, of power bought and of power sold. [kW]"""
    parts = [
        pd.DataFrame({key: hours.max(axis=1) for key, hours in found.items()}, index=names)
        for names, found in loads(outcome, level)
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(FLOWS), dtype="float64")


def duration_curves(outcome: Outcome, level: Level = "district") -> pd.DataFrame:
    """Hourly loads in falling order; index (unit, hours at or above), columns as `FLOWS`. [kW]"""
    parts = {}
    for names, found in loads(outcome, level):
        falling = {key: -np.sort(-hours, axis=1) for key, hours in found.items()}
        for row, name in enumerate(names):
            columns = {key: hours[row] for key, hours in falling.items()}
            table = pd.DataFrame(columns)
            parts[name] = table.set_axis(pd.RangeIndex(1, len(table) + 1, name="hours"))
    curves: pd.DataFrame = pd.concat(parts, names=[level])
    return curves


def over_temperature(outcome: Outcome, level: Level) -> pd.DataFrame:
    """Over-temperature degree-hours of the critical rooms (DIN 4108-2), mean by reference area. [Kh]"""
    found = outcome.over_temperature_kh()
    area = outcome.case.envelope["a_use_m2"].astype("float64")
    return weighted_mean(found.rename("over_temperature_kh"), area, outcome, level)


def sun(outcome: Outcome, level: Level) -> pd.DataFrame:
    """Hours of sun on walls, mean by wall area, and on the open space nearest to buildings. [h]

    Both with the trees and buildings of the outcome's district.
    """
    case = outcome.case
    facade = sun_access.facade_sun_h(case.weather, case.district, case.visibility)
    walls = case.envelope["wall_area_m2"].astype("float64").reindex(facade.index)
    points = sun_access.open_points(case.district)
    hours = pd.Series(sun_access.open_sun_h(case.weather, case.district, points), name="open_sun_h")
    of = units(outcome, level).reindex(points["building_id"])
    open_space = hours.groupby(of.to_numpy()).mean()
    table: pd.DataFrame = weighted_mean(facade, walls, outcome, level).join(open_space, how="outer")
    return table


def weighted_mean(values: pd.Series, weight: pd.Series, outcome: Outcome, level: Level) -> pd.DataFrame:
    """Weighted mean over the buildings of each unit that have a value."""
    known = values.dropna()
    share = weight.reindex(known.index).fillna(0.0)
    unit = units(outcome, level).reindex(known.index)
    total = (known * share).groupby(unit).sum() / share.groupby(unit).sum().replace(0.0, np.nan)
    table: pd.DataFrame = total.to_frame(values.name)
    return table
