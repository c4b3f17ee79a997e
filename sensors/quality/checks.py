"""Checks of one series, after QARTOD's tests: values in, flags out.

Flags: 1 good, 2 not evaluated, 3 suspect, 4 bad, 9 missing. All checks take times (rising, in microseconds)
and values of the same shape and give flags of that shape; nothing is changed or left out. They flag as
`ioos_qc` does on regular series (tests hold them equal) and go by time where it counts rows, so that a series
with gaps or in parts is judged alike; none loops over values.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from ioos_qc import qartod
from ioos_qc.qartod import QartodFlags
from numpy.typing import NDArray

Flags = NDArray[np.uint8]
Values = NDArray[np.float64]
Times = NDArray[np.int64]

GOOD, UNKNOWN = QartodFlags.GOOD, QartodFlags.UNKNOWN
SUSPECT, FAIL, MISSING = QartodFlags.SUSPECT, QartodFlags.FAIL, QartodFlags.MISSING
HOUR_US = 3_600_000_000
FEWEST_FLAT = 3
"""Equal values in a row that may be a flat line (QARTOD: REP_CNT_SUSPECT)."""


def value_range(
    values: Values, fail: tuple[float, float], suspect: tuple[float, float] | None = None
) -> Flags:
    """Gross range test (QARTOD test 4): beyond `fail` bad, beyond `suspect` suspect; bounds are good."""
    if suspect is not None:  # nothing may be suspect only where it is bad
        suspect = (max(suspect[0], fail[0]), min(suspect[1], fail[1]))
    return _plain(qartod.gross_range_test(values, fail, suspect))


def spike(values: Values, suspect: float, fail: float) -> Flags:
    """Spike test (QARTOD test 6): |v[i] − (v[i−1] + v[i+1])/2| above a threshold.

    Not evaluated at the ends and beside missing values.
    """
    flags = np.full(len(values), UNKNOWN, np.uint8)
    if len(values) > 2:
        distance = np.abs(values[1:-1] - (values[:-2] + values[2:]) / 2)
        inner = flags[1:-1]
        inner[np.isfinite(distance)] = GOOD
        with np.errstate(invalid="ignore"):
            inner[distance > suspect] = SUSPECT
            inner[distance > fail] = FAIL
    return _missing(flags, values)


def rate_of_change(
    times: Times, values: Values, suspect_per_h: float, fail_per_h: float | None = None, floor: float = 0.0
) -> Flags:
    """Rate of change test (QARTOD test 7): |v[i] − v[i−1]| / (t[i] − t[i−1]) above a threshold.

    floor : smaller steps are good however short the time, since noise has no rate.
    """
    flags = np.full(len(values), GOOD, np.uint8)
    if len(values) > 1:
        step, hours = np.abs(np.diff(values)), np.diff(times) / HOUR_US
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where((step > floor) & (hours > 0), step / hours, 0.0)
            flags[1:][rate > suspect_per_h] = SUSPECT
            if fail_per_h is not None:
                flags[1:][rate > fail_per_h] = FAIL
    return _missing(flags, values)


def flat_line(
    times: Times,
    values: Values,
    suspect_us: int,
    fail_us: int,
    tolerance: float,
    above: float | None = None,
) -> Flags:
    """Flat line test (QARTOD test 8): the values of the time before vary by less than `tolerance`.

    suspect_us, fail_us : how long they do so. [µs]
    above : values up to this rest rightly: no sun, no traffic, no heating.
    """
    flags = np.full(len(values), GOOD, np.uint8)
    known = np.isfinite(values)
    if known.sum() >= FEWEST_FLAT:
        index = pd.DatetimeIndex(times[known].astype("datetime64[us]"))
        series = pd.Series(values[known], index)
        judged = np.ones(len(series), bool) if above is None else values[known] > above
        found = flags[known]
        for length, flag in ((suspect_us, SUSPECT), (fail_us, FAIL)):
            window = series.rolling(pd.Timedelta(length, "us"), closed="both", min_periods=FEWEST_FLAT)
            span = window.max().to_numpy() - window.min().to_numpy()
            whole = times[known] - times[0] >= length
            with np.errstate(invalid="ignore"):
                found[judged & whole & (span < tolerance)] = flag
        flags[known] = found
    return _missing(flags, values)


def against_others(values: Values, others: NDArray[np.float64], difference: float, fewest: int = 2) -> Flags:
    """Spatial comparison: far from the median of what sensors near by measure at the same time.

    Parameters
    ----------
    others : shape (sensor, observation), nan where one has nothing at that time.
    fewest : not evaluated with fewer others, since it would not be known which of two is wrong.
    """
    flags = np.full(len(values), UNKNOWN, np.uint8)
    enough = np.isfinite(others).sum(axis=0) >= fewest
    if enough.any():
        middle = np.nanmedian(others[:, enough], axis=0)
        with np.errstate(invalid="ignore"):
            flags[enough] = np.where(np.abs(values[enough] - middle) > difference, SUSPECT, GOOD)
    return _missing(flags, values)


def against_model(
    values: Values, model: Values, difference: float, share: float = 0.0, fail_factor: float = 3.0
) -> Flags:
    """Far from a modelled series at the same times: beyond max(`difference`, `share` · |model|) suspect.

    fail_factor : beyond so many times that, bad. Not evaluated where the model has nothing.
    """
    flags = np.full(len(values), UNKNOWN, np.uint8)
    known = np.isfinite(model)
    allowed = np.maximum(difference, share * np.abs(model[known]))
    distance = np.abs(values[known] - model[known])
    with np.errstate(invalid="ignore"):
        flags[known] = np.select(
            [distance > fail_factor * allowed, distance > allowed], [FAIL, SUSPECT], default=GOOD
        )
    return _missing(flags, values)


LEARN = 10
"""Intervals before one that tell how often a sensor sends."""


def gaps(times: Times, expected_us: float = np.nan, factor: float = 3.0) -> NDArray[np.float64]:
    """Stretches without data (QARTOD test 1), longer than `factor` times the usual time between values.

    expected_us : usual time; nan: the median of the intervals before. [µs]

    Returns
    -------
    shape (gap, 3) : time of the last value before, of the first after, usual interval. [µs]
    """
    steps = np.diff(times).astype(np.float64)
    if not len(steps) or (not expected_us > 0 and steps.max() <= factor * steps.min()):
        return np.empty((0, 3))
    if expected_us > 0:
        usual = np.full(len(steps), float(expected_us))
    else:
        usual = pd.Series(steps).rolling(LEARN, min_periods=3).median().shift(1).to_numpy()
    with np.errstate(invalid="ignore"):
        wide = np.flatnonzero(steps > factor * usual)
    return np.column_stack([times[wide], times[wide + 1], usual[wide]])


def aggregate(results: list[Flags]) -> Flags:
    """The worst flag of all checks: bad, suspect, good, not evaluated, missing, in this order."""
    return _plain(qartod.qartod_compare(results))


def _missing(flags: Flags, values: Values) -> Flags:
    flags[~np.isfinite(values)] = MISSING
    return flags


def _plain(flags: np.ma.MaskedArray) -> Flags:
    return np.ma.getdata(flags).astype(np.uint8)
