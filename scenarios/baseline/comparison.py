"""Measured against simulated by hour, day or month: the values side by side, as plain data for charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from energy import Case
from energy.calendar_days import LOCAL_TIME
from energy.simulate import selected
from scenarios.baseline import screen, weather_span
from scenarios.baseline.agreement import Agreement, agreement
from scenarios.baseline.factors import NEUTRAL
from scenarios.baseline.forward import Model, Units
from scenarios.baseline.readings import Readings, from_series
from twin.errors import CallError

Step = Literal["hour", "day", "month"]
_MONTH_SHARE = 0.8


@dataclass(frozen=True)
class Comparison:
    """Measured and simulated heat of a metered unit.

    values : index start of the interval (UTC), columns measured_kwh and simulated_kwh; nan in measured_kwh
        where readings are missing. Of months with gaps both count the hours with readings only; months with
        less than 80 % of them are left out.
    agreement : over the intervals with readings.
    typical_weather : whether a typical year stands for the weather of the readings.
    """

    values: pd.DataFrame
    agreement: Agreement
    typical_weather: bool


def compare(
    case: Case,
    buildings: Iterable[str],
    series: pd.Series,
    *,
    step: Step = "day",
    includes_hot_water: bool = True,
) -> Comparison:
    """A meter's series against the case as it is (calibrated or not).

    series : kWh by interval of an hour or less (for days and months: of a day or less), index its starts with
        a time zone.
    includes_hot_water : whether the meter counts the heat of hot water.

    The case's weather counts where it covers the series, else it stands as a typical year for it.

    Raises
    ------
    CallError : an unknown step, or none of the buildings is heated.
    SourceError : an unknown building, or periods that overlap.
    """
    readings = from_series(
        "measured", buildings, series, case.envelope.index, includes_hot_water=includes_hot_water
    )
    return compare_unit(case, readings, "measured", step=step)


def compare_unit(case: Case, readings: Readings, meter: str, *, step: Step = "day") -> Comparison:
    """As `compare`, of one meter of `readings` whose readings are an hour or less (or a day or less) long."""
    if step not in ("hour", "day", "month"):
        raise CallError(f"there is no step {step!r}", "compare", "Use hour, day or month")
    if meter not in readings.units.index:
        raise CallError(
            f"there is no meter {meter!r}", "compare", f"Use {', '.join(readings.units.index[:5])}"
        )
    number = list(readings.units.index).index(meter)
    values = readings.values[readings.unit_number == number]
    start, end = (pd.DatetimeIndex(values[name]).as_unit("ns").asi8 for name in ("start", "end"))
    if not readings.is_series[number] or (step == "hour" and np.median(end - start) > 3.7e12):
        raise CallError(
            f"the readings are longer than the step {step}",
            f"meter {meter}",
            "Use its periods, or a longer step",
        )
    kept = screen.summed(
        np.zeros(len(values), np.intp),
        start,
        end,
        values["kwh"].to_numpy("float64"),
        "h" if step == "hour" else "D",
    )
    covered, is_typical = covering(case, values["start"].min(), values["end"].max())
    model = Model(covered, _unit(covered, readings, number))
    first, last = (moment.value for moment in model.span())
    inside = (kept.start >= first) & (kept.end <= last)
    times = pd.DatetimeIndex(kept.start[inside].astype("datetime64[ns]"), name="time").tz_localize("UTC")
    table = pd.DataFrame({"measured_kwh": kept.kwh[inside]}, index=times)
    if step == "hour":
        table = table.reindex(pd.date_range(times.min(), times.max(), freq="h", name="time"))
        hours = model.hours(NEUTRAL, np.ones(1, bool))[0]
        table["simulated_kwh"] = pd.Series(hours, covered.weather.times).reindex(table.index)
    else:
        periods = np.zeros(len(table), np.intp), kept.start[inside], kept.end[inside]
        table["simulated_kwh"] = model.energies(NEUTRAL[None], *periods)[0]
    if step == "month":
        table = _monthly(table)
    measured, simulated = (table[name].to_numpy("float64") for name in table.columns)
    found = agreement(measured, simulated, step, case.parameters)
    return Comparison(table, found, is_typical)


def covering(case: Case, start: pd.Timestamp, end: pd.Timestamp) -> tuple[Case, bool]:
    """The case with weather from `start` to `end`: its own where it covers that, else as a typical year."""
    first, last = weather_span.extended(case.weather)
    if first <= start and end <= last:
        return case, False
    return case.replace(weather=weather_span.typical(case.weather, start, end)), True


def _unit(case: Case, readings: Readings, number: int) -> Units:
    buildings = readings.units["buildings"].iloc[number]
    rows = selected(case, buildings)
    rows = rows[case.columns.conditioned[rows]]
    if not rows.size:
        raise CallError(f"none of the buildings is heated, first {buildings[0]}", "compare", "Choose others")
    return Units(
        rows, np.zeros(len(rows), np.intp), readings.units["includes_hot_water"].to_numpy(bool)[[number]]
    )


def _monthly(days: pd.DataFrame) -> pd.DataFrame:
    """Sums of the days by local month."""
    month = pd.DatetimeIndex(days.index).tz_convert(LOCAL_TIME).tz_localize(None).to_period("M")
    grouped = days.groupby(month)
    sums, count = grouped.sum(), grouped.size()
    whole = pd.PeriodIndex(sums.index)
    starts = whole.to_timestamp().tz_localize(LOCAL_TIME).tz_convert("UTC")
    sums.index = pd.DatetimeIndex(starts, name="time")
    return sums[(count >= _MONTH_SHARE * whole.days_in_month).to_numpy()]
