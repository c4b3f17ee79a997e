"""Thermal test cases as data (format "thermal-case/1"): read, checked, and run by either kernel.

The cases of ANSI/ASHRAE 140-2020 for thermal fabrics are such files. No constant is tuned per case.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import case_zones
from energy.weather import Weather
from twin.errors import CallError, SourceError

Array = npt.NDArray[np.floating[Any]]
FORMAT = "thermal-case/1"
METHODS = ("nodes", "rc5")
_PARTS = ("defaults", "materials", "constructions_outside_to_inside", "mass", "glazings", "cases")
_POSITIVE = ("width_m", "depth_m", "height_m")
_SHARES = (
    "internal_gain_radiant_fraction", "ground_reflectance", "solar_absorptance_exterior",
    "solar_absorptance_interior", "emissivity_exterior", "emissivity_interior",
)  # fmt: skip
_LISTS = ("heating_setpoint_c", "cooling_setpoint_c", "ventilation_m3_h")
_NUMBERS = ("infiltration_ach", "internal_gain_w", "ground_temperature_c")
_KNOWN = {
    *_POSITIVE, *_SHARES, *_LISTS, *_NUMBERS, "width_axis", "glazing", "mass", "windows", "overhang", "fins",
    "note", "notes", "name",
}  # fmt: skip
_WINDOW = {
    "orientation", "width_m", "height_m", "sill_m", "left_edge_m", "glazing", "overhang", "fins",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class CaseLoads:
    """One case's year, means over the hours of the weather; shape (time,). [W], [°C]"""

    heating_w: Array
    cooling_w: Array
    air_temperature_c: Array


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A document of thermal cases, checked.

    Raises
    ------
    SourceError : no such file, no JSON, another format, or a case whose figures cannot be; names the case,
        the key and what is wanted.
    """
    file = Path(path)
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", file, "Check the path") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"is no JSON: {error}", file, "Correct it") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SourceError(f"is not of the format {FORMAT}", file, f'It needs "format": "{FORMAT}"')
    if missing := [part for part in _PARTS if not isinstance(document.get(part), dict)]:
        raise SourceError(f"has no {missing[0]}", file, "See the format's parts: " + ", ".join(_PARTS))
    for name in document["cases"]:
        _check(document, name, file)
    return document


def _check(document: Mapping[str, Any], name: str, file: Path) -> None:
    case = merged(document, name)

    def stop(key: str, what: str) -> SourceError:
        return SourceError(f"{key} {what}", f"{file}, case {name}", "Correct the case")

    if unknown := sorted(set(case) - _KNOWN):
        raise stop(unknown[0], "is not a key of this format")
    for key in (*_POSITIVE, *_NUMBERS, *_SHARES):
        value = case.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
            raise stop(key, "is no number")
        if key in _POSITIVE and value <= 0:
            raise stop(key, f"is {value:g}, not above 0")
        if key in _SHARES and not 0 <= value <= 1:
            raise stop(key, f"is {value:g}, not within 0 and 1")
    if case["infiltration_ach"] < 0:
        raise stop("infiltration_ach", "is negative")
    for key in _LISTS:
        values = case.get(key)
        fits = isinstance(values, list) and len(values) == 24
        if values is not None and not (fits and all(v is None or isinstance(v, int | float) for v in values)):
            raise stop(key, "is neither null nor a list of 24 numbers")
    if case.get("mass") not in document["mass"]:
        raise stop("mass", f"{case.get('mass')!r} is not among {', '.join(document['mass'])}")
    for window in case.get("windows", []):
        if unknown := sorted(set(window) - _WINDOW):
            raise stop(f"windows: {unknown[0]}", "is not a key of a window")
        if window.get("orientation") not in case_zones.AZIMUTH_DEG:
            raise stop("windows: orientation", f"is not one of {', '.join(case_zones.AZIMUTH_DEG)}")
        if min(window.get("width_m", 0), window.get("height_m", 0)) <= 0:
            raise stop("windows", "have no width or height")
        if window.get("glazing", case["glazing"]) not in document["glazings"]:
            raise stop("glazing", f"{window.get('glazing', case['glazing'])!r} is not among the glazings")
    _check_constructions(document, case, stop)


def _check_constructions(document: Mapping[str, Any], case: Mapping[str, Any], stop: Any) -> None:
    for part in ("wall", "roof", "floor"):
        construction = document["mass"][case["mass"]].get(part)
        layers = document["constructions_outside_to_inside"].get(construction)
        if not layers:
            raise stop(f"mass: {part}", f"{construction!r} is not among the constructions")
        for material in layers:
            figures = document["materials"].get(material)
            if figures is None:
                raise stop(f"construction {construction}", f"has no material {material!r}")
            if any(not isinstance(v, int | float) or v <= 0 for v in figures.values()):
                raise stop(f"material {material}", "has a figure that is not above 0")
    for side, azimuth in case_zones.AZIMUTH_DEG.items():
        windows = [window for window in case.get("windows", []) if window["orientation"] == side]
        if sum(w["width_m"] * w["height_m"] for w in windows) >= case_zones.wall_area_m2(case, azimuth):
            raise stop("windows", f"to the {side} are not smaller than their wall")


def merged(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The figures of a case over the document's defaults."""
    return {**document["defaults"], **document["cases"][name]}


def run(
    document: Mapping[str, Any], weather: Weather, method: str = "nodes", names: Iterable[str] | None = None
) -> dict[str, CaseLoads]:
    """Each case's year.

    names : of cases; all without it.

    Raises
    ------
    CallError : an unknown method or case.
    """
    if method not in METHODS:
        raise CallError(f"there is no method {method!r}", "thermal cases", f"Use {' or '.join(METHODS)}")
    wanted = list(document["cases"]) if names is None else list(names)
    if lost := [name for name in wanted if name not in document["cases"]]:
        raise CallError(
            f"there is no case {lost[0]!r}", "thermal cases", f"Use {', '.join(document['cases'])}"
        )
    simulate = case_zones.by_nodes if method == "nodes" else case_zones.by_rc5
    return {name: CaseLoads(*simulate(document, merged(document, name), weather)) for name in wanted}
