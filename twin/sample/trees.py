"""Trees by rule: along streets, in courtyards and parks, by the river, and forest on the slopes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin import schema
from twin.sample import inputs

SOURCE = "guessed:sample"
_STREET_SPACING_M = {"main": 15.0, "residential": 19.0, "path": 22.0}
# species (weights) and mean height in metres of each kind of site
_SITES: dict[str, tuple[dict[str, float], float]] = {
    "street": (
        {"Tilia cordata": 4, "Acer platanoides": 3, "Platanus x hispanica": 1, "Fraxinus excelsior": 1}, 11,
    ),
    "court": ({"Acer pseudoplatanus": 3, "Betula pendula": 3, "Tilia cordata": 2, "Prunus avium": 1}, 12),
    "park": (
        {"Quercus robur": 3, "Fagus sylvatica": 2, "Tilia platyphyllos": 2, "Acer pseudoplatanus": 2}, 16,
    ),
    "river": ({"Salix alba": 4, "Alnus glutinosa": 3, "Populus nigra": 1, "Fraxinus excelsior": 2}, 13),
    "forest": (
        {"Fagus sylvatica": 5, "Quercus petraea": 2, "Pinus sylvestris": 2, "Carpinus betulus": 2}, 18,
    ),
    "garden": ({"Malus domestica": 4, "Prunus domestica": 2, "Pyrus communis": 1}, 5),
}  # fmt: skip


def plant(
    streets: gpd.GeoDataFrame,
    land_use: gpd.GeoDataFrame,
    courts: BaseGeometry,
    buildings: BaseGeometry,
    roads: BaseGeometry,
    seed: int,
) -> gpd.GeoDataFrame:
    """Table `trees`: none in a building, on a road or in the river.

    Parameters
    ----------
    land_use : areas with a column `land_use`.
    courts : the estates' area; buildings, roads : what is kept free. All EPSG:25832.
    """
    rng = np.random.default_rng([seed, 5])
    free_near = shapely.union(shapely.buffer(buildings, 3.5), roads)
    free_far = shapely.union(shapely.buffer(buildings, 5.0), shapely.buffer(roads, 1.0))
    parts = [_along(streets, shapely.union(shapely.buffer(buildings, 3.0), roads), rng)]
    parts.append(_scatter(courts, free_far, 23.0, "court", rng))
    for use, site, spacing in (
        ("forest", "forest", 32.0), ("park", "park", 15.0), ("cemetery", "park", 13.0),
        ("floodplain", "river", 34.0), ("garden", "garden", 17.0), 
        ("hospital", "court", 26.0), ("school", "court", 24.0), ("meadow", "river", 40.0),
    ):  # fmt: skip
        area = shapely.union_all(land_use.geometry[land_use["land_use"] == use].to_numpy())
        parts.append(_scatter(area, free_near, spacing, site, rng))
    trees = pd.concat(parts, ignore_index=True)
    return _table(trees, _street_heights(), rng)


def _along(streets: gpd.GeoDataFrame, blocked: BaseGeometry, rng: np.random.Generator) -> pd.DataFrame:
    """Street trees on both sides of the axes, every tenth missing."""
    parts = []
    for street in inputs.records(streets):
        spacing = _STREET_SPACING_M.get(street.kind)
        if spacing is None:
            continue
        for side in (-1, 1):
            line = street.geometry.offset_curve(side * (street.width_m / 2 + 3.2))
            stations = np.arange(spacing * rng.uniform(0.2, 0.8), line.length, spacing)
            stations = stations + rng.normal(0, 0.8, len(stations))
            points = shapely.line_interpolate_point(line, stations[rng.random(len(stations)) > 0.12])
            name = street.name if isinstance(street.name, str) else None
            parts.append(pd.DataFrame({"geometry": points, "site": "street", "street": name}))
    found = pd.concat(parts, ignore_index=True)
    return found[_free(found["geometry"].to_numpy(), blocked)]


def _scatter(
    area: BaseGeometry, blocked: BaseGeometry, spacing: float, site: str, rng: np.random.Generator
) -> pd.DataFrame:
    """One tree in each cell of a grid, anywhere in the cell."""
    west, south, east, north = area.bounds
    x, y = np.meshgrid(np.arange(west, east, spacing), np.arange(south, north, spacing))
    x, y = x + rng.random(x.shape) * spacing, y + rng.random(y.shape) * spacing
    points = shapely.points(x.ravel(), y.ravel())
    box = shapely.box(*inputs.BOUNDS)
    shapely.prepare(area)
    inside = shapely.contains(area, points) & shapely.contains(box, points)
    points = points[inside]
    return pd.DataFrame({"geometry": points[_free(points, blocked)], "site": site, "street": None})


def _free(points: NDArray[np.object_], blocked: BaseGeometry) -> NDArray[np.bool_]:
    shapely.prepare(blocked)
    free: NDArray[np.bool_] = ~shapely.intersects(blocked, points)
    return free


def _street_heights() -> dict[str, float]:
    """Mean tree height of the streets of `street_axes.csv`. [m]"""
    axes = inputs.read("street_axes")
    names = axes["street"].str.replace("Str.", "Straße").str.replace("str.", "straße")
    return {n: h for n, h in zip(names, axes["tree_height_m"].astype(float), strict=True) if h > 0}


def _table(
    trees: pd.DataFrame, street_heights: dict[str, float], rng: np.random.Generator
) -> gpd.GeoDataFrame:
    count = len(trees)
    species = np.empty(count, object)
    typical = np.empty(count)
    for site, (weights, metres) in _SITES.items():
        of_site = (trees["site"] == site).to_numpy()
        share = np.array(list(weights.values()), float)
        species[of_site] = rng.choice(list(weights), size=of_site.sum(), p=share / share.sum())
        typical[of_site] = metres
    mean = trees["street"].map(street_heights).fillna(pd.Series(typical, index=trees.index)).to_numpy()
    height = np.round(np.clip(mean * rng.lognormal(0, 0.25, count), 2.5, 30.0), 1)
    wide = 1.0 + 0.35 * (trees["site"] == "forest").to_numpy(float)
    crown = np.round(np.clip(height * wide * rng.uniform(0.4, 0.65, count), 1.5, 14.0), 1)
    xy = np.round(shapely.get_coordinates(trees["geometry"].to_numpy()), 1)
    return gpd.GeoDataFrame(
        {
            "tree_id": [f"tree-{n:05d}" for n in range(1, count + 1)],
            "species": species,
            "genus": [str(name).split()[0] for name in species],
            "height_m": height,
            "height_source": "guessed:sample",
            "crown_diameter_m": crown,
            "crown_source": "guessed:sample",
            "street": trees["street"],
            "source": SOURCE,
        },
        geometry=shapely.points(xy),
        crs=schema.CRS,
    ).set_index("tree_id")
