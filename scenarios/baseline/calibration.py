"""What was fitted: factors of metered units with their spread, how well they meet the meters, and their use.

A calibration is a measure: called with a case it gives the case with the factors, each figure saying
"calibrated: meter X, date". On disk it is TOML.
"""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energy import Case
from scenarios.baseline import factors
from scenarios.baseline.agreement import Agreement
from twin.errors import CallError, SourceError
from twin.sources.base import Finding

VERSION = 1
INTERVAL = 0.9
"""Share of probability between `low` and `high`."""


@dataclass(frozen=True)
class Estimate:
    """One fitted figure: most probable value, ends of the 90 % interval, and what the readings told.

    told : 1 less the variance after over that before; near 0 where only the prior speaks.
    at_bound : whether the value lies at a physical bound.
    """

    value: float
    low: float
    high: float
    told: float
    at_bound: bool


@dataclass(frozen=True)
class Heat:
    """Heat of a year in the reference weather, most probable and 90 % interval. [kWh/a]"""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Unit:
    """One metered unit.

    step : hour, day, month or period.  readings, used : how many there are, and how many the fit took.
    measured_kwh : sum of the readings used.
    estimates : by name (`factors.NAMES`); empty where the unit could not be fitted, for `reason`.
    before, after : agreement of the case as it was and of the calibrated one, at the readings' step and, of
        series, by month.
    heat_before, heat_after : by the simulation in the reference weather.
    normalised_kwh_a : measured heat of a year by degree days (VDI 3807); nan where they are too few.
    scatter : errors over what the table calibration expects.  outliers : readings far off, as texts.
    """

    meter: str
    buildings: tuple[str, ...]
    includes_hot_water: bool
    step: str
    readings: int
    used: int
    measured_kwh: float
    reason: str = ""
    estimates: dict[str, Estimate] = field(default_factory=dict)
    before: tuple[Agreement, ...] = ()
    after: tuple[Agreement, ...] = ()
    heat_before: Heat | None = None
    heat_after: Heat | None = None
    normalised_kwh_a: float = math.nan
    scatter: float = math.nan
    outliers: tuple[str, ...] = ()

    @property
    def fitted(self) -> bool:
        """Whether there are factors."""
        return bool(self.estimates)

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """Names of the figures at a bound: the model or the meter may be wrong there."""
        return tuple(name for name, estimate in self.estimates.items() if estimate.at_bound)


@dataclass(frozen=True)
class Calibration:
    """Fitted factors of metered units of a district.

    date : ISO date of the fit.  weather : of the readings' periods.  typical_weather : whether a typical year
        stood for it.  discrepancy : what the intervals do and do not hold.
    """

    district: str
    date: str
    weather: str
    typical_weather: bool
    discrepancy: str
    units: tuple[Unit, ...]
    findings: tuple[Finding, ...] = ()

    def __call__(self, case: Case) -> Case:
        """The case with the factors of all fitted units.

        Raises
        ------
        CallError : a building that the case does not have.
        """
        rows = [
            {"building_id": building, "source": f"calibrated: meter {unit.meter}, {self.date}"}
            | {name: estimate.value for name, estimate in unit.estimates.items()}
            for unit in self.units
            if unit.fitted
            for building in unit.buildings
        ]
        if not rows:
            return case
        values = pd.DataFrame(rows).set_index("building_id")
        for number, name in enumerate(factors.NAMES):
            values[name] = values.get(name, pd.Series(np.nan, values.index)).fillna(
                factors.FACTORS[number].neutral
            )
        if (lost := values.index[~values.index.isin(case.envelope.index)]).size:
            raise CallError(
                f"there is no building {lost[0]!r}",
                f"calibration of {self.district}",
                "Calibrate this district",
            )
        return case.replace(envelope=factors.apply(case.envelope, values))

    def to_dict(self) -> dict[str, Any]:
        """Plain data; figures that are not known are None."""
        return {
            "version": VERSION,
            "district": self.district,
            "date": self.date,
            "weather": self.weather,
            "typical_weather": self.typical_weather,
            "discrepancy": self.discrepancy,
            "unit": [_unit(unit) for unit in self.units],
            "finding": [{"record": f.record, "message": f.message} for f in self.findings],
        }

    def save(self, path: Path) -> None:
        """Write TOML beside `path`, then rename.

        Raises
        ------
        CallError : there is no such folder.
        """
        if not path.resolve().parent.is_dir():
            raise CallError("there is no such folder", path.resolve().parent, "Make it, or name another file")
        beside = path.with_name(f".{path.name}.part")
        try:
            beside.write_text(_toml(self.to_dict()), "utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def load(path: Path) -> Calibration:
    """A calibration from its TOML file.

    Raises
    ------
    SourceError : no such file, or not a calibration of this version.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SourceError(f"the file cannot be read: {error.strerror}", path, "Check the path") from None
    except (ValueError, RecursionError) as error:  # also of whole numbers without end
        raise SourceError(f"it is no TOML: {error}", path, "Write it with `lobeda calibrate --out`") from None
    if document.get("version") != VERSION:
        raise SourceError(
            f"it is no calibration of version {VERSION}", path, "Write it with `lobeda calibrate --out`"
        )
    try:
        units = tuple(_unit_from(record, path) for record in document.get("unit", []))
        notes = tuple(
            Finding("note", path.name, f["record"], f["message"]) for f in document.get("finding", [])
        )
        texts = {name: str(document[name]) for name in ("district", "date", "weather", "discrepancy")}
        return Calibration(
            units=units, findings=notes, typical_weather=bool(document["typical_weather"]), **texts
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"an entry is missing: {error}", path, "Write it with `lobeda calibrate --out`"
        ) from None


def _unit(unit: Unit) -> dict[str, Any]:
    record: dict[str, Any] = {
        "meter": unit.meter,
        "buildings": list(unit.buildings),
        "includes_hot_water": unit.includes_hot_water,
        "step": unit.step,
        "readings": unit.readings,
        "used": unit.used,
        "measured_kwh": unit.measured_kwh,
        "reason": unit.reason,
        "normalised_kwh_a": _known(unit.normalised_kwh_a),
        "scatter": _known(unit.scatter),
        "outliers": list(unit.outliers),
        "at_bounds": list(unit.at_bounds),
        "before": [found.to_dict() for found in unit.before],
        "after": [found.to_dict() for found in unit.after],
    }
    for name in ("heat_before", "heat_after"):
        heat = getattr(unit, name)
        record[name] = None if heat is None else dict(vars(heat))
    record["estimates"] = {name: dict(vars(estimate)) for name, estimate in unit.estimates.items()}
    return record


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _unit_from(record: dict[str, Any], path: Path) -> Unit:
    estimates = {name: Estimate(**figures) for name, figures in record.get("estimates", {}).items()}
    for name, estimate in estimates.items():
        if name not in factors.NAMES or not all(
            map(math.isfinite, (estimate.value, estimate.low, estimate.high))
        ):
            raise SourceError(
                f"{name} is no figure of a calibration", f"{path}, meter {record['meter']}", "Calibrate again"
            )

    def agreements(side: str) -> tuple[Agreement, ...]:
        return tuple(
            Agreement(**{"cv_rmse": math.nan, "nmbe": math.nan, "within": None, **found})
            for found in record[side]
        )

    def heat(name: str) -> Heat | None:
        return Heat(**record[name]) if name in record else None

    return Unit(
        meter=record["meter"],
        buildings=tuple(record["buildings"]),
        includes_hot_water=record["includes_hot_water"],
        step=record["step"],
        readings=record["readings"],
        used=record["used"],
        measured_kwh=record["measured_kwh"],
        reason=record["reason"],
        estimates=estimates,
        normalised_kwh_a=record.get("normalised_kwh_a", math.nan),
        scatter=record.get("scatter", math.nan),
        outliers=tuple(record["outliers"]),
        before=agreements("before"),
        after=agreements("after"),
        heat_before=heat("heat_before"),
        heat_after=heat("heat_after"),
    )


def _toml(document: dict[str, Any]) -> str:
    """TOML of plain data: tables of units come last, what is None stays out."""
    lines = [f"{key} = {_value(value)}" for key, value in document.items() if key not in ("unit", "finding")]
    for key in ("unit", "finding"):
        for record in document[key]:
            lines += ["", f"[[{key}]]"]
            lines += [f"{name} = {_value(value)}" for name, value in record.items() if value is not None]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
