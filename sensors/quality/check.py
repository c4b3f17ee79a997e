"""All checks of one series: flags by check, and what they found, in stretches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors.quality import checks
from sensors.quality.checks import HOUR_US, Flags, Times, Values
from sensors.quality.rules import Rules

CHECKS = ("range", "spike", "rate", "flat", "neighbours", "model", "gap")


@dataclass(frozen=True)
class Model:
    """A modelled series at the observations' times, and how far it may be off; see `checks.against_model`."""

    values: Values
    difference: float
    share: float = 0.0
    fail_factor: float = 3.0


@dataclass(frozen=True)
class Finding:
    """A stretch of observations that one check flags alike; it never spans two months (UTC).

    start, end : of the first and last observation; of a gap the last value before and the first after. [µs]
    figures : what the plain-language reason names, in the stream's unit.
    """

    check: str
    flag: int
    start: int
    end: int
    count: int
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """Flags of a series: all together, and by check; and what it was held against."""

    flags: Flags
    by_check: Mapping[str, Flags]
    model: Model | None = None


def check_series(
    times: Times,
    values: Values,
    rules: Rules | None,
    *,
    others: NDArray[np.float64] | None = None,
    model: Model | None = None,
) -> Checked:
    """Flags of a series; times rising, values nan where missing.

    others : what sensors near by measure, shape (sensor, observation).
    """
    found: dict[str, Flags] = {}
    if rules is not None:
        found["range"] = checks.value_range(values, rules.fail, rules.suspect)
        if rules.spike:
            found["spike"] = checks.spike(values, *rules.spike)
        if rules.rate:
            found["rate"] = checks.rate_of_change(times, values, *rules.rate, rules.rate_floor)
        if rules.flat_h:
            suspect, fail = (int(hours * HOUR_US) for hours in rules.flat_h)
            found["flat"] = checks.flat_line(
                times, values, suspect, fail, rules.flat_tolerance, rules.flat_above
            )
        if others is not None and rules.neighbour_difference is not None:
            found["neighbours"] = checks.against_others(values, others, rules.neighbour_difference)
    if model is not None:
        found["model"] = checks.against_model(
            values, model.values, model.difference, model.share, model.fail_factor
        )
    if not found:
        nothing = np.where(np.isfinite(values), checks.UNKNOWN, checks.MISSING).astype(np.uint8)
        return Checked(nothing, {})
    return Checked(checks.aggregate(list(found.values())), found, model)


def findings(
    times: Times,
    values: Values,
    checked: Checked,
    rules: Rules | None,
    *,
    expected_us: float = float("nan"),
    since: int | None = None,
) -> list[Finding]:
    """What the checks found, in stretches of like flags one after another.

    expected_us : usual time between values, for gaps; nan: learnt. [µs]
    since : only stretches of observations from here on. [µs]
    """
    begin = 0 if since is None else int(np.searchsorted(times, since))
    months = times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    out = []
    for check, flags in checked.by_check.items():
        marks = np.where(flags >= checks.SUSPECT, flags, 0).astype(np.int64)
        marks[flags == checks.MISSING] = 0
        for first, last in _runs(marks, months, begin):
            figures = {
                "low": float(values[first:last].min()),
                "high": float(values[first:last].max()),
                **_limits(check, int(marks[first]), rules),
            }
            if check == "model" and checked.model is not None:
                expected = checked.model.values[first:last]
                figures |= {"model_low": float(expected.min()), "model_high": float(expected.max())}
            out.append(
                Finding(
                    check, int(marks[first]), int(times[first]), int(times[last - 1]), last - first, figures
                )
            )
    missing = np.where(~np.isfinite(values), checks.MISSING, 0).astype(np.int64)
    for first, last in _runs(missing, months, begin):
        out.append(Finding("missing", checks.MISSING, int(times[first]), int(times[last - 1]), last - first))
    for start, end, usual in checks.gaps(times, expected_us).tolist():
        if since is None or end >= since:
            hours = {"hours": (end - start) / HOUR_US, "expected_h": usual / HOUR_US}
            out.append(Finding("gap", checks.MISSING, int(start), int(end), 0, hours))
    return sorted(out, key=lambda finding: (finding.start, finding.check, finding.flag))


def _runs(marks: NDArray[np.int64], months: NDArray[np.int64], begin: int) -> list[tuple[int, int]]:
    """Slices of equal marks above 0, within a month, from `begin` on."""
    if begin >= len(marks):
        return []
    part = marks[begin:]
    change = np.flatnonzero((np.diff(part) != 0) | (np.diff(months[begin:]) != 0)) + 1
    bounds = [0, *change.tolist(), len(part)]
    return [(begin + a, begin + b) for a, b in pairwise(bounds) if part[a] > 0]


def _limits(check: str, flag: int, rules: Rules | None) -> dict[str, Any]:
    """The limits that the reason names."""
    if rules is None:
        return {}
    bad = flag == checks.FAIL
    if check == "range":
        low, high = rules.fail if bad else rules.suspect
        return _finite({"limit_low": low, "limit_high": high})
    if check == "spike" and rules.spike:
        return _finite({"limit": rules.spike[bad]})
    if check == "rate" and rules.rate:
        return _finite({"limit_per_h": rules.rate[bad]})
    if check == "flat" and rules.flat_h:
        return _finite({"hours": rules.flat_h[bad]})
    if check == "neighbours":
        return _finite({"limit": rules.neighbour_difference})
    return {}


def _finite(figures: Mapping[str, float | None]) -> dict[str, float]:
    """Figures as JSON can hold them: a limit that is not there is left out."""
    return {name: float(value) for name, value in figures.items() if value is not None and np.isfinite(value)}
