"""Heat pumps in place of boilers or of the district heating."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from energy import Case
from scenarios import bought
from scenarios.measures import base, heat_supply
from scenarios.measures.base import Parameter
from twin.compute import Same
from twin.district import District

TITLE = {"de": "Wärmepumpe", "en": "Heat pump"}
DESCRIPTION = {
    "de": "Eine Wärmepumpe mit Luft oder Erdreich als Quelle heizt das Gebäude; der Vorlauf sinkt auf 55 °C.",
    "en": "A heat pump with air or ground as its source heats the building; the flow falls to 55 °C.",
}
STAGE = 1
EXCLUDES = ("district_heating",)
BEFORE: tuple[str, ...] = ()
SYSTEMS = {"air": "heat_pump", "ground": "heat_pump_ground"}
PARAMETERS = (
    Parameter(
        "heat_source", {"de": "Quelle", "en": "Source"}, "air", choices=tuple(SYSTEMS), source="our choice"
    ),
    Parameter(
        "most_kw", {"de": "Größte Heizlast eines Gebäudes", "en": "Largest heat load of a building"},
        250.0, "kW", 5.0, 2000.0,
        source="estimate: cascades of usual units; prices are known to 120 kW only", is_estimate=True,
    ),
    Parameter(
        "probes_within_m", {"de": "Erdsonden im Umkreis von", "en": "Ground probes within"},
        20.0, "m", 5.0, 100.0,
        source="estimate: courtyards and greens beside the building", is_estimate=True,
    ),
)  # fmt: skip
_PROBE_W_M = (
    50.0  # usual ground at 2,400 h a year, VDI 4640 part 2 of 2001 (not looked up again: an estimate)
)
_PROBE_M = 99.0  # deeper ones fall under mining law (BBergG § 127)
_PROBE_M2 = 36.0  # 6 m apart: an estimate
_FROM_GROUND = 0.75  # of the heat at a COP of 4 in the design: an estimate


def applicable(case: Case) -> base.Mask:
    """Heated buildings without a heat pump."""
    return heat_supply.heated_otherwise(case, *SYSTEMS.values())


def apply(
    case: Case,
    *,
    buildings: Iterable[str] | None = None,
    heat_source: str = "air",
    most_kw: float = 250.0,
    probes_within_m: float = 20.0,
) -> Case:
    """The case with heat pumps; without `buildings` (ids), in all that have none.

    A building whose heat load is larger, or that has no room for its ground probes, stays as it is.

    Parameters
    ----------
    heat_source : "air" or "ground".
    most_kw : heat load at the design's outdoor temperature that a building may have. [kW]
    probes_within_m : how far from the building ground probes may stand. [m]

    Raises
    ------
    CallError : another source, a value out of range, or an unknown building.
    """
    values = {"heat_source": heat_source, "most_kw": most_kw, "probes_within_m": probes_within_m}
    base.check("heat_pump", PARAMETERS, values)
    may = applicable(case)
    numbers = np.flatnonzero(may)
    load_kw = bought.design_load_kw(case, numbers)
    may[numbers] = load_kw <= most_kw
    if heat_source == "ground":
        ground = _free_ground(Same(case.district), float(probes_within_m))[numbers]
        may[numbers] &= probe_area_m2(load_kw) <= ground
    return heat_supply.replace_supply(case, buildings, may, SYSTEMS[heat_source], "heat_pump")


def probe_area_m2(load_kw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ground that the probes of heat loads take. [m²]"""
    return np.asarray(load_kw * 1000 * _FROM_GROUND / (_PROBE_W_M * _PROBE_M) * _PROBE_M2)


@lru_cache(maxsize=4)
def _free_ground(district: Same[District], within_m: float) -> npt.NDArray[np.float64]:
    """Ground around each building that no building stands on, counted for each alone, shape (building,). [m²]

    Streets, pipes and trees are not looked at: an upper limit.
    """
    outlines = district.it.buildings.geometry.to_numpy()
    around = shapely.buffer(outlines, within_m)
    free = shapely.area(around)
    first, second = shapely.STRtree(outlines).query(around, predicate="intersects")
    taken = shapely.area(shapely.intersection(around[first], outlines[second]))
    return np.asarray(np.maximum(free - np.bincount(first, taken, len(outlines)), 0.0))
