"""What the simulation expects of heat meters, for the checks of what they measure."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from scenarios.baseline.comparison import covering
from scenarios.baseline.factors import NEUTRAL
from scenarios.baseline.forward import Model as Forward
from scenarios.baseline.forward import Units
from scenarios.meters import ENERGY, Meter, meters
from sensors import units
from sensors.quality.check import Model
from sensors.quality.checks import HOUR_US, Times
from sensors.store import Store

Array = npt.NDArray[np.float64]
_DAY = pd.Timedelta(days=1)
_AHEAD = 2 * _DAY  # simulated beyond what was asked for, so that the next hours need no simulation
_KIND = "heat_meter"


@dataclass(frozen=True, eq=False)
class _Hours:
    """Simulated heat of a meter by hour from `start` on, and its mean over a year. [µs, kWh]"""

    start: int
    heat: Array
    mean: float

    def at(self, times: Times) -> Array:
        """Of the hours that begin at or before `times`; nan outside."""
        hour = (times - self.start) // HOUR_US
        inside = (hour >= 0) & (hour < len(self.heat))
        return np.where(inside, self.heat[np.clip(hour, 0, len(self.heat) - 1)], np.nan)

    def covers(self, times: Times) -> bool:
        return bool(self.start <= times[0] and times[-1] < self.start + len(self.heat) * HOUR_US)


class HeatModel:
    """Datastream and times → what the simulation expects of the hourly heat of a meter, else None.

    The case's weather counts where it covers the times, else it stands as a typical year for them: values may
    be off by `model_check_share` (table calibration) of the greater of the hour's and the year's mean heat.
    Safe in any thread.
    """

    def __init__(self, store: Store, case: Case) -> None:
        self._store, self._case = store, case
        self._lock = threading.Lock()
        self._meters: dict[int, Meter] = {}
        self._seen = -1
        self._hours: dict[int, _Hours] = {}

    def __call__(self, stream_id: int, times: Times) -> Model | None:
        if not len(times):
            return None
        with self._lock:
            meter = self._meter(stream_id)
            if meter is None:
                return None
            hours = self._hours.get(meter.id)
            if hours is None or not hours.covers(times):
                hours = self._hours[meter.id] = self._simulated(meter, int(times[0]), int(times[-1]))
        stream = next(stream for stream in meter.streams if stream.id == stream_id)
        share = self._case.parameters.constant("model_check_share")
        expected = units.convert(hours.at(times), ENERGY, stream.unit)
        return Model(expected, share * float(units.convert(hours.mean, ENERGY, stream.unit)), share, np.inf)

    def _meter(self, stream_id: int) -> Meter | None:
        """The meter of a stream of hourly heat at heated buildings of the district."""
        if stream_id > self._seen:  # ids only rise: a new stream may be a new meter
            self._seen = stream_id
            known = self._case.envelope.index[self._case.columns.conditioned]
            for meter in meters(self._store, _KIND):
                buildings = set(meter.buildings(self._case.district))
                if buildings and buildings <= set(known):
                    self._meters |= {stream.id: meter for stream in meter.streams if stream.is_hourly}
        return self._meters.get(stream_id)

    def _simulated(self, meter: Meter, first: int, last: int) -> _Hours:
        start = pd.Timestamp(first, unit="us", tz="UTC").floor("D")
        end = pd.Timestamp(last, unit="us", tz="UTC").floor("D") + _AHEAD
        case, _ = covering(self._case, start, end)
        rows = np.asarray(case.envelope.index.get_indexer(pd.Index(meter.buildings(case.district))), np.intp)
        of = Units(rows, np.zeros(len(rows), np.intp), np.array([meter.hot_water]))
        heat = np.asarray(Forward(case, of).hours(NEUTRAL[None], np.ones(1, bool))[0], "float64")
        year = Forward(self._case, of)
        begin, stop = (np.array([moment.value]) for moment in year.span())
        total = year.energies(NEUTRAL[None, None], np.zeros(1, np.intp), begin, stop)[0, 0]
        return _Hours(int(case.weather.times[0].value // 1000), heat, float(total) / len(self._case.weather))
