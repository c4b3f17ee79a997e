"""Fit metered units of a district to what their meters measured: readings and a case give a calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from energy.parameters import Parameters
from energy.weather import Weather
from scenarios.baseline import factors, posterior, report, screen, weather_span
from scenarios.baseline.calibration import Calibration, Unit
from scenarios.baseline.factors import NEUTRAL
from scenarios.baseline.forward import Model, Units
from scenarios.baseline.readings import Readings
from twin.errors import SourceError
from twin.sources.base import Finding, Progress, no_progress

Array = npt.NDArray[np.floating[Any]]
Moments = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
LEAST_DAYS = 28
"""A series with fewer whole days is not fitted."""
_YEAR_H = 8766.0
_DOUBTFUL = 0.15  # bias that a fit should not leave
_MONTH_DAYS = (2.0, 45.0)


@dataclass(frozen=True, eq=False)
class Periods:
    """Energies of periods, in order of unit and start; shape (period,) each. Moments in ns, UTC."""

    unit: Rows
    start: Moments
    end: Moments
    kwh: Array

    def take(self, keep: Flags) -> Periods:
        """Some of them."""
        return Periods(self.unit[keep], self.start[keep], self.end[keep], self.kwh[keep])

    @property
    def hours(self) -> Array:
        """Lengths. [h]"""
        return np.asarray((self.end - self.start) / 3.6e12)


def calibrate(
    case: Case,
    readings: Readings,
    *,
    date: str,
    weather: Weather | None = None,
    progress: Progress = no_progress,
) -> Calibration:
    """The factors with which the units of `readings` meet what was measured, each with its spread.

    Parameters
    ----------
    case : with a year's weather, to which consumption is normalised.
    date : ISO date, for the source of the calibrated figures.
    weather : measured, over the periods of the readings; may be longer than a year. Without it a typical
        year, that of the case, stands for each, and errors grow by the spread of years.

    All units are fitted at once (`posterior.fit`), one simulation of all of them in each step. What cannot be
    fitted is named in its `reason`; readings that are set aside in the findings.

    Raises
    ------
    SourceError : a unit whose buildings are not heated, or by another carrier; no reading within the weather.
    """
    progress("prepare", 0.0)
    units = _units(case, readings)
    findings = list(readings.findings)
    drawn = weather or weather_span.typical(
        case.weather, readings.values["start"].min(), readings.values["end"].max()
    )
    model = Model(case.replace(weather=drawn), units)
    every = _periods(readings)
    inside = _inside(every, drawn, readings, findings)
    before = _expected(model, every)
    alive = inside & ~_still(every, before, readings, findings)
    fitted, reasons = _fit_periods(every, alive, before, model, readings, case.parameters)
    used = fitted.take(np.array([not reasons[unit] for unit in fitted.unit], bool))
    if not len(used.unit):
        reason = next(iter(reason for reason in reasons if reason), "there are no readings")
        raise SourceError(f"no meter can be fitted: {reason}", "readings", "Check them against the bills")
    prior = factors.priors(case.envelope.iloc[units.rows], units.unit, case.parameters)
    known = posterior.fit(
        lambda x: model.energies(prior.values(x), used.unit, used.start, used.end),
        _data(used, _expected(model, used), len(units), case.parameters, weather is None),
        prior.low,
        prior.high,
        _setting(case.parameters),
        lambda share: progress("fit", 0.1 + 0.7 * share),
    )
    progress("compare", 0.8)
    made = report.Report(case, model, readings, every, alive, used, prior, known, tuple(reasons)).units()
    findings += [_doubt(unit) for unit in made if unit.fitted and abs(unit.after[-1].nmbe) > _DOUBTFUL]
    progress("done", 1.0)
    return Calibration(
        district=case.district.name,
        date=date,
        weather=f"{drawn.name} ({drawn.source})",
        typical_weather=weather is None,
        discrepancy=_discrepancy(case.parameters, weather is None),
        units=made,
        findings=tuple(findings),
    )


def _units(case: Case, readings: Readings) -> Units:
    """The heated buildings of each unit.

    Raises
    ------
    SourceError : none is heated, or they are by another carrier than the meter's.
    """
    rows, number = [], []
    heated = case.columns.conditioned
    carriers = case.parameters.systems["carrier"].to_dict()
    for unit, (meter, record) in enumerate(readings.units.iterrows()):
        mine = case.envelope.index.get_indexer(pd.Index(record["buildings"]))
        mine = mine[heated[mine]]
        if not mine.size:
            raise SourceError(
                f"building {record['buildings'][0]} is not heated in the model",
                f"meter {meter}",
                "Leave the meter out, or correct the building's use or heating",
            )
        by = {str(carriers[name]) for name in case.envelope["heating"].iloc[mine]}
        if record["carrier"] and by != {record["carrier"]}:
            building = case.envelope.index[mine[0]]
            raise SourceError(
                f"it measures {record['carrier']}, but building {building} takes {', '.join(sorted(by))}",
                f"meter {meter}",
                "Correct the carrier, or the building's heating",
            )
        rows.append(mine)
        number.append(np.full(len(mine), unit))
    return Units(
        np.concatenate(rows).astype(np.intp),
        np.concatenate(number).astype(np.intp),
        readings.units["includes_hot_water"].to_numpy(bool),
    )


def _periods(readings: Readings) -> Periods:
    start, end = (pd.DatetimeIndex(readings.values[name]).as_unit("ns").asi8 for name in ("start", "end"))
    return Periods(readings.unit_number, start, end, readings.values["kwh"].to_numpy("float64"))


def _inside(every: Periods, weather: Weather, readings: Readings, findings: list[Finding]) -> Flags:
    """Readings within the weather that have a value; what lies outside becomes a finding."""
    first, last = weather_span.extended(weather)
    within = (every.start >= first.value) & (every.end <= last.value)
    if not within.any():
        said = f"it reaches from {first:%Y-%m-%d} to {last:%Y-%m-%d}, the readings from "
        said += f"{readings.values['start'].min():%Y-%m-%d} to {readings.values['end'].max():%Y-%m-%d}"
        raise SourceError(said, f"weather {weather.name}", "Give the weather of the readings' years, or none")
    for unit, count in zip(*np.unique(every.unit[~within], return_counts=True), strict=True):
        said = f"{count} readings lie outside the weather ({first:%Y-%m-%d} to {last:%Y-%m-%d})"
        findings.append(Finding("left_out", "", f"meter {readings.units.index[unit]}", said))
    return within & np.isfinite(every.kwh)


def _expected(model: Model, periods: Periods) -> Array:
    """Heat of the periods before the fit. [kWh]"""
    neutral = np.broadcast_to(NEUTRAL, (1, len(model.units), NEUTRAL.shape[1]))
    return np.asarray(model.energies(neutral, periods.unit, periods.start, periods.end)[0])


def _still(every: Periods, expected: Array, readings: Readings, findings: list[Finding]) -> Flags:
    """Readings of series in runs that stand still; each run becomes a finding."""
    stuck = np.zeros(len(every.unit), bool)
    rows = np.flatnonzero(readings.is_series[every.unit] & np.isfinite(every.kwh))
    unit = every.unit[rows]
    for run in screen.still(unit, every.kwh[rows], every.hours[rows], expected[rows]):
        stuck[rows[run.first : run.last + 1]] = True
        begin = pd.Timestamp(every.start[rows[run.first]], tz="UTC").tz_convert("Europe/Berlin")
        said = f"stands still at {run.kwh:g} kWh for {run.hours:,.0f} hours from {begin:%Y-%m-%d %H:%M}"
        findings.append(Finding("left_out", "", f"meter {readings.units.index[int(unit[run.first])]}", said))
    return stuck


def _fit_periods(
    every: Periods, alive: Flags, expected: Array, model: Model, readings: Readings, parameters: Parameters
) -> tuple[Periods, list[str]]:
    """The periods that are fitted (days of series, bills as they are), and why a unit cannot be."""
    series = readings.is_series[every.unit]
    kwh = np.where(alive, every.kwh, np.nan)
    days = screen.summed(every.unit[series], every.start[series], every.end[series], kwh[series], "D")
    bills = every.take(alive & ~series)
    parts = [(days.unit, bills.unit), (days.start, bills.start), (days.end, bills.end), (days.kwh, bills.kwh)]
    joined = Periods(*(np.concatenate(pair) for pair in parts))
    order = np.lexsort((joined.start, joined.unit))
    joined = Periods(*(getattr(joined, name)[order] for name in ("unit", "start", "end", "kwh")))
    count = np.bincount(joined.unit, minlength=len(model.units))
    first, last = (moment.value for moment in weather_span.extended(model.case.weather))
    whole = (joined.start >= first) & (joined.end <= last)
    joined = joined.take(whole)
    measured = np.bincount(every.unit[alive], every.kwh[alive], len(model.units))
    awaited = np.bincount(every.unit[alive], expected[alive], len(model.units))
    ratio = measured / np.where(awaited > 0, awaited, 1.0)
    return joined, [
        _reason(
            int(count[unit]),
            bool(readings.is_series[unit]),
            float(ratio[unit]),
            float(awaited[unit]),
            parameters,
        )
        for unit in range(len(model.units))
    ]


def _reason(count: int, series: bool, ratio: float, awaited: float, parameters: Parameters) -> str:
    """Why a unit cannot be fitted, "" where it can."""
    unlike = parameters.constant("unlike_factor")
    if count < (LEAST_DAYS if series else 1):
        return f"only {count} whole days with readings" if series else "no reading that counts"
    if awaited <= 0:
        return "the model expects no heat in these periods"
    if 1 / unlike <= ratio <= unlike:
        return ""
    units = (
        " (are these MWh?)" if 0.0002 < ratio < 0.005 else " (are these Wh?)" if 200 < ratio < 5000 else ""
    )
    return (
        f"measured is {ratio:.3g} times what its type uses: the meter is broken, or misses buildings{units}"
    )


def _data(
    used: Periods, expected: Array, units: int, parameters: Parameters, is_typical: bool
) -> posterior.Data:
    """Readings with the error that is expected of each."""
    days = used.hours / 24
    names = ["day_error", "month_error", "year_error"]
    kind = np.digitize(days, _MONTH_DAYS)
    relative = np.array([parameters.constant(name) for name in names])[kind]
    if is_typical:
        relative = np.hypot(
            relative, parameters.constant("typical_weather_error") * np.sqrt(_YEAR_H / used.hours)
        )

    def total(values: Array) -> Array:
        return np.asarray(np.bincount(used.unit, values, units), "float64")

    hours, measured = total(used.hours), total(used.kwh)
    ratio = (measured / np.maximum(total(expected), 1e-9))[used.unit]
    mean = (measured / np.maximum(hours, 1e-9))[used.unit] * used.hours
    size = np.maximum(expected * ratio, parameters.constant("base_error_share") * mean)
    follows = np.r_[False, (used.unit[1:] == used.unit[:-1]) & (used.start[1:] == used.end[:-1])]
    return posterior.Data(used.unit, used.kwh, relative * size, follows, units)


def _doubt(unit: Unit) -> Finding:
    said = f"the fit leaves {unit.after[-1].nmbe:+.0%}: does the meter serve these buildings, and no others?"
    return Finding("note", "", f"meter {unit.meter}", said)


def _setting(parameters: Parameters) -> posterior.Setting:
    constant = parameters.constant
    return posterior.Setting(
        constant("level_error"),
        constant("tail_freedom"),
        constant("scatter_weight"),
        constant("least_scatter"),
    )


def _discrepancy(parameters: Parameters, is_typical: bool) -> str:
    said = (
        "The intervals hold for the simple hourly model (ISO 13790) with the use's schedules and these "
        f"factors: a lasting error of meter and model of {parameters.constant('level_error'):.0%} and the "
        "scatter of the readings are in them; habits by the hour, heat from neighbours and changes of the "
        "building within the periods are not."
    )
    if is_typical:
        said += (
            " A typical year stands for the weather of the readings, with an error of "
            f"{parameters.constant('typical_weather_error'):.0%} a year."
        )
    return said
