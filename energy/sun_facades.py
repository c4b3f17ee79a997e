"""Hours of sun on the facades of a district: by wall and by building, for a day, a season or the year.

The same sun, days and obstacles as on the ground (`energy.sun_ground`), under a clear sky: what stands
before a wall, the building itself and trees take sun; weather does not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.sun_ground import STEP_MIN, Period, days_of, lit_hours, open_hours, steps_of
from twin import mesh
from twin.district import District
from twin.errors import CallError
from twin.party_walls import free_area_m2
from twin.sources.base import Progress, no_progress
from twin.visibility import Scene, samples, scene_of_district
from twin.visibility.district import HIDDEN_TYPES, place_of

Array = npt.NDArray[np.float64]
SIDES = ("north", "east", "south", "west")
_UPRIGHT = 0.5  # of the normal's vertical part: walls tilted 60° to 120°, as `energy.solar` counts them


@dataclass(frozen=True, eq=False)
class SunFacades:
    """Hours of sun on walls in a mean day.

    walls : index surface_id; building_id, hours (mean over the exposed area) [h/d], area_m2 (exposed),
        azimuth_deg of the outward normal on the map, and x_m, y_m, z_m, the middle of the exposed samples.
    possible_h : on open, level ground. [h/d]
    """

    walls: pd.DataFrame
    possible_h: float

    def by_building(self, index: pd.Index) -> pd.Series:
        """Mean over each building's exposed walls; nan where there is none of them. [h/d]"""
        return _mean(self.walls, self.walls["building_id"]).reindex(index)

    def by_side(self) -> dict[str, float]:
        """Mean over the walls that face each side of the sky; nan where none does. [h/d]"""
        side = np.mod(np.round(self.walls["azimuth_deg"].to_numpy() / 90.0), 4).astype(int)
        found = _mean(self.walls, pd.Series(np.array(SIDES)[side], self.walls.index))
        return {str(name): float(value) for name, value in found.reindex(list(SIDES)).items()}

    @property
    def mean_h(self) -> float:
        """Over all walls; nan without any. [h/d]"""
        return float(_mean(self.walls, pd.Series(0, self.walls.index)).get(0, np.nan))


def sun_hours_facades(
    district: District,
    period: Period = "day",
    day: datetime.date = datetime.date(2026, 6, 21),
    *,
    step_min: int = STEP_MIN,
    buildings: Iterable[str] | None = None,
    frame: Scene | None = None,
    found: mesh.Mesh | None = None,
    progress: Progress = no_progress,
) -> SunFacades:
    """Hours of sun on the exposed walls of buildings.

    Parameters
    ----------
    day : for ``day``; of the others its year.
    buildings : their ids; all without it.
    frame : the obstacles; the district's own without it. With other trees it says what those take.
    found : the district's triangles, where they are known already.

    Raises
    ------
    CallError : a step out of range, or a period that is none.
    """
    if not 1 <= step_min <= 60:
        raise CallError("give a step of 1 to 60 minutes", "hours of sun")
    obstacles = scene_of_district(district) if frame is None else frame
    triangles = mesh.of_district(district) if found is None else found
    days = days_of(period, day)
    times, weight = steps_of(days, step_min, place_of(obstacles.origin)[1])
    rows = _rows(district, buildings)
    points = samples.on_surfaces(triangles, rows, obstacles, district.terrain)
    points = points.take(np.abs(points.normal[points.surface, 2]) < _UPRIGHT)
    if len(points.surface):
        outward = triangles.normals[triangles.faces[:, 0]]
        points = points.take(~samples.covered(points, obstacles, outward))
    places = points.position.astype("float64") + obstacles.origin
    lit = lit_hours(obstacles, places, times, weight, progress=progress) if len(places) else np.zeros(0)
    return SunFacades(_walls(district, rows, points, places, lit), open_hours(obstacles, times, weight))


def _rows(district: District, buildings: Iterable[str] | None) -> npt.NDArray[np.intp]:
    """Surfaces of the buildings that something of is exposed."""
    surfaces = district.surfaces
    free = free_area_m2(surfaces).fillna(0.0) > 0
    chosen = free & ~surfaces["surface_type"].isin(HIDDEN_TYPES)
    if buildings is not None:
        chosen &= surfaces["building_id"].isin(list(buildings))
    return np.flatnonzero(chosen.to_numpy(bool))


def _walls(
    district: District, rows: npt.NDArray[np.intp], points: samples.Samples, places: Array, lit: Array
) -> pd.DataFrame:
    """Means over the samples of each wall that has any."""
    count = points.count()
    some = np.flatnonzero(count)
    surfaces = district.surfaces.iloc[rows[some]]
    means = [
        np.bincount(points.surface, values, len(count))[some] / count[some] for values in (lit, *places.T)
    ]
    normal = points.normal[some]
    return pd.DataFrame(
        {
            "building_id": surfaces["building_id"].to_numpy(object),
            "hours": means[0],
            "area_m2": free_area_m2(surfaces).to_numpy("float64"),
            "azimuth_deg": np.degrees(np.arctan2(normal[:, 0], normal[:, 1])) % 360.0,
            "x_m": means[1], "y_m": means[2], "z_m": means[3],
        },
        index=pd.Index(surfaces.index, name="surface_id"),
    )  # fmt: skip


def _mean(walls: pd.DataFrame, by: pd.Series) -> pd.Series:
    """Of the hours, weighted by area."""
    sums = pd.DataFrame({"h": walls["hours"] * walls["area_m2"], "m2": walls["area_m2"]}).groupby(by).sum()
    result: pd.Series = sums["h"] / sums["m2"]
    return result
