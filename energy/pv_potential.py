"""Where modules fit: usable area, orientation and peak power of roofs, facades and balconies.

A surface's polygon is laid flat in its own plane, loses a strip along its edges (shapely's buffer) and a
share for structures; flat roofs carry rows, other roofs and facades modules in their plane. Systems that the
district knows (`district.pv`) win over what would fit. All shares are figures of assets/parameters/pv.csv.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from energy.parameters import Parameters
from energy.pv import value
from twin.district import District
from twin.party_walls import free_area_m2

Array = npt.NDArray[np.float64]
COLUMNS = (
    "building_id",
    "kind",
    "usable_area_m2",
    "usable_area_source",
    "surface_tilt",
    "surface_azimuth",
    "orientation_source",
    "peak_power_kwp",
    "peak_power_source",
    "sets",
    "battery_kwh",
)
GIVEN, ESTIMATE, GEOMETRY = "given", "estimate", "geometry and estimated shares"
_FLAT_WALL_DEG = 60.0  # roofs steeper than this count as walls do


def potential(
    district: District,
    parameters: Parameters,
    *,
    latitude: float = 50.9,
    facades: bool = False,
    balconies: bool = False,
) -> pd.DataFrame:
    """Systems that fit on the district's surfaces, and those that are there; index surface_id.

    Columns: building_id; kind (flat, pitched, facade, balcony); usable_area_m2; surface_tilt and
    surface_azimuth of the modules [°]; peak_power_kwp; sets (plug-in sets, else 0); battery_kwh beside the
    modules (none, where nothing is known); and for area, orientation
    and power a `_source`. A system of `district.pv` replaces what would fit on its surface, or on its
    building's roofs where it names no surface (index: pv_id then).

    latitude : of the district; on the southern half rows face north.
    """
    sunny = 180.0 if latitude >= 0 else 0.0
    kinds = [_roofs(district.surfaces, parameters, sunny)]
    if facades:
        kinds.append(_facades(district.surfaces, parameters, sunny))
    if balconies:
        kinds.append(_balconies(district, parameters, sunny))
    fitting = pd.concat([table for table in kinds if len(table)] or [nothing()])
    return with_given(fitting, district.pv)


def usable_area(polygon: shapely.Polygon, border_m: float) -> float:
    """Area of a polygon in its own plane less a strip along its edges. [m²]

    polygon : with heights; one that is no plane is taken in the plane of its largest extent.
    """
    flat = _in_own_plane(polygon)
    return float(flat.buffer(-border_m, join_style="mitre").area)


def with_given(fitting: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """The systems that fit, with those of `district.pv` in their place."""
    if given.empty:
        return fitting
    rows, replaced = [], set()
    for identifier, system in given.iterrows():
        on_surface = isinstance(system["surface_id"], str) and system["surface_id"] in fitting.index
        place = fitting.loc[system["surface_id"]] if on_surface else None
        rows.append(_given_row(str(identifier), system, place))
        if on_surface:
            replaced.add(system["surface_id"])
        else:
            roofs = (fitting["building_id"] == system["building_id"]) & fitting["kind"].isin(
                ["flat", "pitched"]
            )
            replaced.update(fitting.index[roofs])
    known = pd.DataFrame(rows).set_index("surface_id")
    several = known.index.duplicated(keep=False)  # two systems on one surface keep their own names
    known.index = pd.Index(np.where(several, known.pop("pv_id"), known.index), name="surface_id")
    return pd.concat([fitting.drop(index=list(replaced)), known[list(COLUMNS)]])


def _given_row(identifier: str, system: pd.Series, place: pd.Series | None) -> dict[str, Any]:
    stated = np.isfinite(system["tilt_deg"]) and np.isfinite(system["azimuth_deg"])
    tilt = float(system["tilt_deg"]) if stated else 30.0 if place is None else float(place["surface_tilt"])
    azimuth = (
        float(system["azimuth_deg"])
        if stated
        else 180.0
        if place is None
        else float(place["surface_azimuth"])
    )
    kind = str(place["kind"]) if place is not None else "facade" if tilt > _FLAT_WALL_DEG else "pitched"
    return {
        "pv_id": identifier,
        "surface_id": identifier if place is None else str(place.name),
        "building_id": system["building_id"],
        "kind": kind,
        "usable_area_m2": np.nan if place is None else float(place["usable_area_m2"]),
        "usable_area_source": "" if place is None else str(place["usable_area_source"]),
        "surface_tilt": tilt,
        "surface_azimuth": azimuth,
        "orientation_source": GIVEN
        if stated
        else ESTIMATE
        if place is None
        else str(place["orientation_source"]),
        "peak_power_kwp": float(system["peak_power_kwp"]),
        "peak_power_source": GIVEN,
        "sets": 0,
        "battery_kwh": 0.0,
    }


def _roofs(surfaces: gpd.GeoDataFrame, parameters: Parameters, sunny: float) -> pd.DataFrame:
    roofs = surfaces[(surfaces["surface_type"] == "RoofSurface") & (surfaces["tilt_deg"] < _FLAT_WALL_DEG)]
    flat = (roofs["tilt_deg"] < value(parameters, "flat_below_deg")).to_numpy()
    roofs, flat = _towards_sun(roofs, flat, parameters, sunny)
    border = np.where(flat, value(parameters, "border_flat_m"), value(parameters, "border_pitched_m"))
    share = np.where(flat, value(parameters, "usable_flat"), value(parameters, "usable_pitched"))
    inside = [usable_area(polygon, strip) for polygon, strip in zip(roofs.geometry, border, strict=True)]
    area = np.array(inside, "float64") * share
    cover = np.where(flat, value(parameters, "flat_ground_cover"), 1.0)
    return _table(
        roofs,
        kind=np.where(flat, "flat", "pitched"),
        area=area,
        tilt=np.where(flat, value(parameters, "flat_tilt_deg"), roofs["tilt_deg"]),
        azimuth=np.where(flat, sunny, roofs["azimuth_deg"].fillna(sunny)),
        oriented=np.where(flat, ESTIMATE, "geometry"),
        peak=area * cover * value(parameters, "module_efficiency"),
        parameters=parameters,
    )


def _facades(surfaces: gpd.GeoDataFrame, parameters: Parameters, sunny: float) -> pd.DataFrame:
    walls = surfaces[surfaces["surface_type"] == "WallSurface"]
    walls, _ = _towards_sun(walls, np.zeros(len(walls), bool), parameters, sunny)
    exposed = free_area_m2(walls).clip(lower=0.0).to_numpy("float64")
    area = exposed * value(parameters, "usable_facade")
    return _table(
        walls,
        kind=np.full(len(walls), "facade"),
        area=area,
        tilt=walls["tilt_deg"].to_numpy("float64"),
        azimuth=walls["azimuth_deg"].to_numpy("float64"),
        oriented=np.full(len(walls), "geometry"),
        peak=area * value(parameters, "module_efficiency"),
        parameters=parameters,
    )


def _balconies(district: District, parameters: Parameters, sunny: float) -> pd.DataFrame:
    """One plug-in set for each dwelling, on the exposed wall that faces the sun best (largest · cosine)."""
    walls = district.surfaces[district.surfaces["surface_type"] == "WallSurface"]
    dwellings = district.buildings["dwellings"].reindex(walls["building_id"]).to_numpy("float64")
    exposed = free_area_m2(walls)
    facing = np.cos(np.radians(walls["azimuth_deg"].to_numpy("float64") - sunny))
    rank = pd.Series(exposed.to_numpy("float64") * (1.0 + facing), index=walls.index)
    chosen = rank[np.nan_to_num(dwellings) >= 1].dropna()
    best = chosen.groupby(walls.loc[chosen.index, "building_id"]).idxmax()
    walls = walls.loc[best.to_numpy()]
    sets = district.buildings["dwellings"].reindex(walls["building_id"]).to_numpy("float64").astype(int)
    peak = sets * value(parameters, "balcony_peak_kwp")
    table = _table(
        walls,
        kind=np.full(len(walls), "balcony"),
        area=peak / value(parameters, "module_efficiency"),
        tilt=np.full(len(walls), value(parameters, "balcony_tilt_deg")),
        azimuth=walls["azimuth_deg"].to_numpy("float64"),
        oriented=np.full(len(walls), ESTIMATE),
        peak=peak,
        parameters=parameters,
        least_area_m2=0.0,
    )
    table["sets"] = sets
    table.index = pd.Index(table.index + "-balconies", name="surface_id")
    return table


def _towards_sun(
    surfaces: gpd.GeoDataFrame, flat: npt.NDArray[np.bool_], parameters: Parameters, sunny: float
) -> tuple[gpd.GeoDataFrame, npt.NDArray[np.bool_]]:
    """Without the steep surfaces that face the pole."""
    turned = np.abs(
        (surfaces["azimuth_deg"].fillna(sunny).to_numpy("float64") - sunny + 180.0) % 360.0 - 180.0
    )
    away = (turned > 180.0 - value(parameters, "away_from_sun_deg")) & (
        surfaces["tilt_deg"].to_numpy("float64") > value(parameters, "away_from_sun_tilt_deg")
    )
    return surfaces[~away], flat[~away]


def _table(
    surfaces: gpd.GeoDataFrame,
    *,
    kind: npt.NDArray[Any],
    area: Array,
    tilt: npt.NDArray[Any],
    azimuth: npt.NDArray[Any],
    oriented: npt.NDArray[Any],
    peak: Array,
    parameters: Parameters,
    least_area_m2: float | None = None,
) -> pd.DataFrame:
    least = value(parameters, "least_area_m2") if least_area_m2 is None else least_area_m2
    table = pd.DataFrame(
        {
            "building_id": surfaces["building_id"].to_numpy(object),
            "kind": kind.astype(object),
            "usable_area_m2": area,
            "usable_area_source": GEOMETRY,
            "surface_tilt": np.asarray(tilt, "float64"),
            "surface_azimuth": np.asarray(azimuth, "float64"),
            "orientation_source": oriented.astype(object),
            "peak_power_kwp": peak,
            "peak_power_source": ESTIMATE,
            "sets": 0,
            "battery_kwh": 0.0,
        },
        index=pd.Index(surfaces.index, name="surface_id"),
    )
    return table[table["usable_area_m2"] >= least]


def nothing() -> pd.DataFrame:
    """No systems, with the columns of `potential`."""
    return pd.DataFrame(columns=list(COLUMNS), index=pd.Index([], name="surface_id", dtype=object))


def _in_own_plane(polygon: shapely.Polygon) -> shapely.Polygon:
    """The polygon turned into the plane of its own directions (first two principal axes)."""
    shell = shapely.get_coordinates(polygon, include_z=True)
    centre = shell.mean(axis=0)
    _, _, axes = np.linalg.svd(shell - centre, full_matrices=False)
    turned = shapely.transform(polygon, lambda points: (points - centre) @ axes.T, include_z=True)
    return shapely.make_valid(shapely.force_2d(turned))
