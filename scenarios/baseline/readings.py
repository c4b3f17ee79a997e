"""Measured heat by metered unit: one meter for one or several buildings, over any periods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.errors import SourceError
from twin.sources.base import Finding

SERIES_H = 36.0
"""Readings of at most this length are a series; longer ones are bills."""
_NS_H = 3_600_000_000_000


@dataclass(frozen=True, eq=False)
class Readings:
    """What meters measured; see `checked` for what holds.

    units : index meter; buildings (tuple of building_id), carrier, includes_hot_water.
    values : meter, start, end (UTC), kwh (nan where the reading is missing), where (file and row, or "");
        by meter as in `units`, then by start.
    findings : what was left out or is worth knowing.
    """

    units: pd.DataFrame
    values: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @cached_property
    def unit_number(self) -> npt.NDArray[np.intp]:
        """Row of each reading's meter in `units`, rising; shape (reading,)."""
        return np.asarray(self.units.index.get_indexer(pd.Index(self.values["meter"])), np.intp)

    @cached_property
    def hours(self) -> npt.NDArray[np.float64]:
        """Length of each reading. [h]"""
        return np.asarray(_ns(self.values["end"]) - _ns(self.values["start"]), "float64") / _NS_H

    @cached_property
    def is_series(self) -> npt.NDArray[np.bool_]:
        """Whether each unit's readings are a series (hours, days) rather than bills; shape (unit,)."""
        typical = pd.Series(self.hours).groupby(self.unit_number).median()
        return np.asarray(typical.reindex(range(len(self.units))).to_numpy() <= SERIES_H)


def _ns(times: pd.Series) -> npt.NDArray[np.int64]:
    return pd.DatetimeIndex(times).as_unit("ns").asi8


def checked(
    units: pd.DataFrame, values: pd.DataFrame, buildings: pd.Index, source: str = "readings"
) -> Readings:
    """Readings in order, with the gaps of series as findings.

    units, values : as in `Readings`.  buildings : ids of the district.

    Raises
    ------
    SourceError : an unknown building, a building of two meters, an end before its start, overlapping periods,
        or a negative or missing energy of a bill; it names the first such reading.
    """
    _check_buildings(units, buildings, source)
    order = {meter: number for number, meter in enumerate(units.index)}
    values = values.assign(_unit=values["meter"].map(order)).sort_values(["_unit", "start"], kind="stable")
    values = values.drop(columns="_unit").reset_index(drop=True)
    if values.empty:
        raise SourceError("there are no readings", source, "Give meter, building, from, to and kWh")
    _check_periods(values, source)
    made = Readings(units, values)
    series = made.is_series[made.unit_number]
    energy = values["kwh"].to_numpy("float64")
    wrong = ~series & ~(energy >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        said = "is missing" if np.isnan(energy[row]) else f"is {energy[row]:g}"
        _refuse(values, row, source, f"kWh {said}", "Give the heat of the period, 0 or more", wrong)
    negative = series & (energy < 0)
    values = values.assign(kwh=np.where(negative, np.nan, energy))
    findings = [*_negatives(made, negative, source), *_gaps(Readings(units, values), source)]
    return Readings(units, values, tuple(findings))


def from_series(
    meter: str,
    buildings: Iterable[str],
    series: pd.Series,
    known: pd.Index,
    *,
    carrier: str = "district_heating",
    includes_hot_water: bool = True,
) -> Readings:
    """Readings of one meter from regular energies per interval, as a store of observations gives them.

    series : kWh by interval, index its starts with a time zone; nan where there is none.
    known : ids of the district's buildings.
    """
    times = pd.DatetimeIndex(series.index).tz_convert("UTC").as_unit("ns")
    step = pd.Timedelta(np.median(np.diff(times.asi8)), "ns") if len(times) > 1 else pd.Timedelta(1, "h")
    unit = {"buildings": [tuple(buildings)], "carrier": carrier, "includes_hot_water": includes_hot_water}
    units = pd.DataFrame(unit, index=pd.Index([meter], name="meter"))
    values = pd.DataFrame(
        {"meter": meter, "start": times, "end": times + step, "kwh": series.to_numpy("float64"), "where": ""}
    )
    return checked(units, values, known, f"meter {meter}")


def _check_buildings(units: pd.DataFrame, known: pd.Index, source: str) -> None:
    seen: dict[str, object] = {}
    for meter, buildings in units["buildings"].items():
        if not buildings:
            raise SourceError("the meter has no building", f"{source}, meter {meter}", "Name its buildings")
        for building in buildings:
            if building not in known:
                raise SourceError(
                    f"there is no building {building!r}",
                    f"{source}, meter {meter}",
                    "Use building_id, block, or street and house number of the district",
                )
            if building in seen:
                raise SourceError(
                    f"building {building} stands with meter {seen[building]} too",
                    f"{source}, meter {meter}",
                    "One building counts with one meter: add up the readings, or drop one of the meters",
                )
            seen[building] = meter


def _check_periods(values: pd.DataFrame, source: str) -> None:
    start, end = _ns(values["start"]), _ns(values["end"])
    if (wrong := end <= start).any():
        row = int(np.argmax(wrong))
        said = (
            f"it ends on {_last_day(values['end'][row])}, not after its start on {_day(values['start'][row])}"
        )
        _refuse(values, row, source, said, "Correct the dates", wrong)
    same = (values["meter"].to_numpy()[1:] == values["meter"].to_numpy()[:-1]) & (start[1:] < end[:-1])
    if same.any():
        row = int(np.argmax(same))
        first = values["where"][row] or "another"
        said = f"the period from {_day(values['start'][row + 1])} overlaps that of {first}"
        wrong = np.concatenate([[False], same])
        _refuse(values, row + 1, source, said, "Give each period once, one after the other", wrong)


def _day(time: pd.Timestamp) -> str:
    local = time.tz_convert("Europe/Berlin")
    return f"{local:%Y-%m-%d}" if local == local.normalize() else f"{local:%Y-%m-%d %H:%M}"


def _last_day(end: pd.Timestamp) -> str:
    """The end as lists give it: the last day that counts, or a moment."""
    local = end.tz_convert("Europe/Berlin")
    return _day(end) if local != local.normalize() else f"{local - pd.Timedelta(hours=1):%Y-%m-%d}"


def _refuse(
    values: pd.DataFrame, row: int, source: str, what: str, remedy: str, wrong: npt.NDArray[np.bool_]
) -> None:
    more = int(wrong.sum()) - 1
    where = values["where"][row] or source
    raise SourceError(
        what + (f" ({more} more such rows)" if more else ""), f"{where}, meter {values['meter'][row]}", remedy
    )


def _negatives(readings: Readings, negative: npt.NDArray[np.bool_], source: str) -> list[Finding]:
    count = pd.Series(negative).groupby(readings.unit_number).sum()
    return [
        Finding("left_out", source, f"meter {readings.units.index[unit]}", f"{number:.0f} negative readings")
        for unit, number in enumerate(count.reindex(range(len(readings.units)), fill_value=0))
        if number
    ]


def _gaps(readings: Readings, source: str) -> list[Finding]:
    """Missing hours of series between their first and last reading."""
    found = []
    values, unit, hours = readings.values, readings.unit_number, readings.hours
    for number in np.flatnonzero(readings.is_series).tolist():
        mine = unit == number
        known = mine & values["kwh"].notna().to_numpy()
        span = (_ns(values["end"][mine]).max() - _ns(values["start"][mine]).min()) / _NS_H
        missing = span - hours[known].sum()
        if missing > 0.5:
            said = f"{missing:,.0f} of {span:,.0f} hours have no reading"
            found.append(Finding("note", source, f"meter {readings.units.index[number]}", said))
    return found
