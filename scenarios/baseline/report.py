"""From the posterior to what people read: estimates with intervals, agreement before and after, outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from energy.calendar_days import LOCAL_TIME
from scenarios.baseline import screen
from scenarios.baseline.agreement import Agreement, Step, agreement
from scenarios.baseline.calibration import Estimate, Heat, Unit
from scenarios.baseline.degree_days import degree_days, normalised
from scenarios.baseline.factors import NAMES, NEUTRAL, Priors
from scenarios.baseline.forward import Model
from scenarios.baseline.posterior import Posterior
from scenarios.baseline.readings import Readings

if TYPE_CHECKING:
    from scenarios.baseline.calibrate import Periods

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
QUANTILE = 1.6448536  # of the normal distribution at 95 %: the ends of the 90 % interval
_HOT_WATER = NAMES.index("hot_water_factor")
_LEAST_SHARE = 0.25  # of a year's degree days: fewer do not stand for a year
_MONTH_SHARE = 0.8
_NAMED = 12


@dataclass(frozen=True, eq=False)
class Report:
    """What the fit knows; `units` puts it into words.

    every, alive : all readings, and which of them count.  used : the periods that were fitted.
    reasons : why a unit was not fitted, "" for the others.
    """

    case: Case
    model: Model
    readings: Readings
    every: Periods
    alive: Flags
    used: Periods
    prior: Priors
    known: Posterior
    reasons: tuple[str, ...]

    def units(self) -> tuple[Unit, ...]:
        """All units, as in the readings."""
        values = self.prior.values(self.known.x)
        neutral = np.broadcast_to(NEUTRAL, values.shape)
        before, after = (self._agreements(each) for each in (neutral, values))
        heat = self._heat()
        by_degree_days = self._normalised(values)
        made = []
        for number, meter in enumerate(self.readings.units.index):
            record = self.readings.units.iloc[number]
            mine, used = _slice(self.every.unit, number), _slice(self.used.unit, number)
            unit = Unit(
                meter=str(meter),
                buildings=tuple(record["buildings"]),
                includes_hot_water=bool(record["includes_hot_water"]),
                step=self._step(number),
                readings=mine.stop - mine.start,
                used=int(self.alive[mine].sum()) if used.stop > used.start else 0,
                measured_kwh=float(self.every.kwh[mine][self.alive[mine]].sum()),
                reason=self.reasons[number],
                before=before[number],
            )
            if not self.reasons[number]:
                unit = Unit(
                    **{
                        **vars(unit),
                        "estimates": self._estimates(number, values),
                        "after": after[number],
                        "heat_before": heat[0][number],
                        "heat_after": heat[1][number],
                        "normalised_kwh_a": float(by_degree_days[number]),
                        "scatter": float(self.known.scatter[number]),
                        "outliers": self._outliers(number),
                    }
                )
            made.append(unit)
        return tuple(made)

    def _estimates(self, number: int, values: Array) -> dict[str, Estimate]:
        """Factors of a unit; hot water only where its meter counts it."""
        x, low, high = (a[number] for a in (self.known.x, self.prior.low, self.prior.high))
        sd = np.sqrt(np.diagonal(self.known.covariance[number])[: len(NAMES)])
        ends = [
            self.prior.values(
                np.broadcast_to(np.clip(x + side * QUANTILE * sd, low, high), self.known.x.shape)
            )[number]
            for side in (-1, 1)
        ]
        bound = (x <= low + 1e-6) | (x >= high - 1e-6)
        return {
            name: Estimate(
                float(values[number, n]),
                float(ends[0][n]),
                float(ends[1][n]),
                float(np.clip(1 - sd[n] ** 2, 0.0, 1.0)),
                bool(bound[n]),
            )
            for n, name in enumerate(NAMES)
            if name != "hot_water_factor" or self.readings.units["includes_hot_water"].iloc[number]
        }

    def _step(self, number: int) -> Step:
        hours = float(np.median(self.every.hours[_slice(self.every.unit, number)]))
        if hours <= 1.01:
            return "hour"
        if hours <= 36:
            return "day"
        return "month" if 27 * 24 <= hours <= 32 * 24 else "period"

    def _agreements(self, values: Array) -> list[tuple[Agreement, ...]]:
        """Agreement of each unit at its step, and by month for series."""
        steps = [self._step(number) for number in range(len(self.reasons))]
        hourly = np.array([step == "hour" for step in steps])
        hours = self.model.hours(values, hourly) if hourly.any() else np.empty((0, 0))
        line = np.cumsum(hourly) - 1
        out = []
        kwh = np.where(self.alive, self.every.kwh, np.nan)
        simulated = self.model.energies(values[None], self.every.unit, self.every.start, self.every.end)[0]
        for number, step in enumerate(steps):
            mine = _slice(self.every.unit, number)
            start, end = self.every.start[mine], self.every.end[mine]
            if step == "hour":
                whole = screen.summed(np.zeros(len(start), np.intp), start, end, kwh[mine], "h")
                at = pd.Series(hours[line[number]], self.model.case.weather.times.as_unit("ns").asi8)
                start, measured = whole.start, whole.kwh
                made = at.reindex(start).to_numpy("float64")
            else:
                measured, made = kwh[mine], simulated[mine]
            found = [agreement(measured, made, step, self.case.parameters)]
            if step in ("hour", "day"):
                found.append(self._monthly(start, measured, made))
            out.append(tuple(found))
        return out

    def _monthly(self, start: npt.NDArray[np.int64], measured: Array, made: Array) -> Agreement:
        """By month, over the readings that are there; months that lack a fifth of them do not count."""
        known = np.isfinite(measured) & np.isfinite(made)
        table = pd.DataFrame({"m": measured[known], "s": made[known]})
        if table.empty:
            return agreement(np.empty(0), np.empty(0), "month", self.case.parameters)
        month = screen.months(start[known])
        sums, count = table.groupby(month).sum(), table.groupby(month).size()
        sums = sums[count >= _MONTH_SHARE * count.max()]
        return agreement(sums["m"].to_numpy(), sums["s"].to_numpy(), "month", self.case.parameters)

    def _heat(self) -> tuple[list[Heat], list[Heat]]:
        """Heat of the reference year before and after, with the spread that its gradient gives."""
        model = Model(self.case, self.model.units)
        first, last = (moment.value for moment in model.span())
        units = np.arange(len(self.model.units))
        whole = np.full(len(units), first), np.full(len(units), last)
        found = []
        count = len(NAMES)
        prior = np.broadcast_to(np.eye(count), (len(units), count, count))
        for x, covariance in ((np.zeros_like(self.known.x), prior), (self.known.x, self.known.covariance)):
            variants = np.repeat(x[None], count + 1, axis=0)
            step = 0.1
            for n in range(count):
                variants[n + 1, :, n] += step
            heat = model.energies(self.prior.values(variants), units, *whole)
            slope = (heat[1:] - heat[0]).T / step
            sd = np.sqrt(np.einsum("ui,uij,uj->u", slope, covariance[:, :count, :count], slope))
            found.append(
                [
                    Heat(float(v), float(max(v - QUANTILE * s, 0.0)), float(v + QUANTILE * s))
                    for v, s in zip(heat[0], sd, strict=True)
                ]
            )
        return found[0], found[1]

    def _normalised(self, values: Array) -> Array:
        """Measured heat of a year by degree days: heating by their ratio, hot water by time. [kWh/a]"""
        parameters, units = self.case.parameters, len(self.reasons)
        dry = values.copy()
        dry[:, _HOT_WATER] = 0.0
        used = self.used
        both = self.model.energies(np.stack([values, dry]), used.unit, used.start, used.end)

        def total(of: Array) -> Array:
            return np.asarray(np.bincount(used.unit, of, units), "float64")

        water = np.minimum(total(both[0] - both[1]), total(used.kwh))
        reference = float(degree_days(self.case.weather, parameters).sum())
        period = total(self._degree_days(used))
        heating = normalised(total(used.kwh) - water, period, reference)
        years = total(used.hours) / 8766
        enough = period >= _LEAST_SHARE * reference
        return np.where(enough, heating + water / np.where(years > 0, years, 1.0), np.nan)

    def _degree_days(self, periods: Periods) -> Array:
        """Degree days of periods, those within a day even. [K d]"""
        days = degree_days(self.model.case.weather, self.case.parameters)
        starts = pd.DatetimeIndex(days.index).tz_convert("UTC").as_unit("ns").asi8
        edges = np.r_[starts, starts[-1] + 86_400_000_000_000]
        total = np.r_[0.0, days.to_numpy().cumsum()]
        return np.asarray(np.interp(periods.end, edges, total) - np.interp(periods.start, edges, total))

    def _outliers(self, number: int) -> tuple[str, ...]:
        """Readings far off, the first dozen by name, the rest as a count."""
        limit = self.case.parameters.constant("outlier_error")
        used = _slice(self.used.unit, number)
        far = used.start + np.flatnonzero(np.abs(self.known.error[used]) > limit)
        named = []
        for row in far[:_NAMED]:
            begin = pd.Timestamp(self.used.start[row], tz="UTC").tz_convert(LOCAL_TIME)
            named.append(
                f"{begin:%Y-%m-%d}: {self.used.kwh[row]:,.0f} kWh, expected {self.known.simulated[row]:,.0f}"
            )
        return (*named, f"and {len(far) - _NAMED} more") if len(far) > _NAMED else tuple(named)


def _slice(unit: npt.NDArray[np.intp], number: int) -> slice:
    """Where the entries of a unit stand, in the order of units."""
    return slice(*(int(np.searchsorted(unit, number, side)) for side in ("left", "right")))
