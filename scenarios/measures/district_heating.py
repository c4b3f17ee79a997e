"""Connection to the district heating."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import shapely

from energy import Case
from scenarios.measures import base, heat_supply
from scenarios.measures.base import Parameter

TITLE = {"de": "Anschluss an die Fernwärme", "en": "Connection to the district heating"}
DESCRIPTION = {
    "de": "Eine Fernwärmestation ersetzt Kessel oder Wärmepumpe; das Netz wächst zu neuen Kunden.",
    "en": "A substation replaces boiler or heat pump; the network is extended to the new customers.",
}
STAGE = 1
EXCLUDES = ("heat_pump",)
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    Parameter(
        "within_m",
        {"de": "Abstand zur nächsten Leitung", "en": "Distance to the nearest pipe"},
        100.0, "m", 0.0, 5000.0,
        source="estimate: longer house connections of single buildings seldom pay", is_estimate=True,
    ),
)  # fmt: skip


def applicable(case: Case) -> base.Mask:
    """Heated buildings that are not connected yet."""
    return heat_supply.heated_otherwise(case, "district_heating")


def apply(case: Case, *, buildings: Iterable[str] | None = None, within_m: float = 100.0) -> Case:
    """The case with buildings near a pipe connected; without `buildings` (ids), all heated otherwise.

    within_m : of the outline to the nearest pipe that the district knows; where it knows none, to the nearest
        building that is connected. [m]

    Raises
    ------
    CallError : a distance out of range, or an unknown building.
    """
    base.check("district_heating", PARAMETERS, {"within_m": within_m})
    may = applicable(case) & (distance_m(case) <= within_m)
    return heat_supply.replace_supply(case, buildings, may, "district_heating", "district_heating")


def distance_m(case: Case) -> npt.NDArray[np.float64]:
    """Distance of each building to the heat network, shape (building,); inf where there is none. [m]"""
    outlines = case.district.buildings.geometry.to_numpy()
    pipes = case.district.network_pipes.geometry.to_numpy()
    connected = (case.envelope["heating"] == "district_heating").to_numpy(bool)
    there = pipes if len(pipes) else outlines[connected]
    if not len(there):
        return np.full(len(outlines), np.inf)
    (numbers, _), apart = shapely.STRtree(there).query_nearest(
        outlines, return_distance=True, all_matches=False
    )
    distance = np.full(len(outlines), np.inf)
    distance[numbers] = apart
    return distance
