"""Hourly shaded irradiance of 20,000 surfaces for a year, beside pvlib's Perez sky looped without any shade.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_sun [--surfaces 20000] [--peer 40]``. The surfaces
are those of the sample district with its trees and hills, copied eastward. pvlib gets the same planes,
weather and sun; sun position, extraterrestrial radiation and air mass are computed once for all of its calls,
which take either pandas Series, as in pvlib's documentation, or bare NumPy arrays. Best of n for ours; for
the peer a sample of surfaces, scaled. All in one process, on all of its cores (pvlib's loop uses one).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib

import twin
from energy import perez, solar
from energy.weather import Weather, sample
from tests.benchmarks.bench_simulation import best_of
from tests.benchmarks.closing_table import record
from twin import District, visibility
from twin.visibility import Visibility, directions, store
from twin.visibility.district import HIDDEN_TYPES

ALBEDO = 0.2


def copies(district: District, surfaces: int) -> District:
    """The district again and again to the east, terrain and trees too, up to a number of exposed surfaces."""
    exposed = ~district.surfaces["surface_type"].isin(HIDDEN_TYPES)
    count = int(np.ceil(surfaces / exposed.sum()))
    terrain = district.terrain
    assert terrain is not None
    step = terrain.heights_m.shape[1] * terrain.cell_m
    tables = {}
    for name in ("buildings", "surfaces", "trees"):
        parts = [_moved(getattr(district, name), number, step) for number in range(count)]
        tables[name] = gpd.GeoDataFrame(pd.concat(parts), crs=25832)
    wide = replace(terrain, heights_m=np.tile(terrain.heights_m, (1, count)))
    whole = District.from_tables("copies", tables, derive=False, terrain=wide)
    total = np.cumsum(~whole.surfaces["surface_type"].isin(HIDDEN_TYPES).to_numpy())
    last = whole.surfaces["building_id"].to_numpy()[np.searchsorted(total, surfaces)]
    return whole.select(list(whole.buildings.index[: whole.buildings.index.get_loc(last)]))


def _moved(table: gpd.GeoDataFrame, number: int, step_m: float) -> gpd.GeoDataFrame:
    moved = table.set_geometry(table.geometry.translate(number * step_m)).reset_index()
    for column in moved.columns.intersection(["building_id", "surface_id", "tree_id"]):
        moved[column] = moved[column] + f"-{number}"
    return moved.drop(columns=moved.columns.intersection(["block_id"]))


def pvlib_loop(weather: Weather, seen: Visibility, rows: np.ndarray, series: bool) -> Callable[[], None]:
    """`pvlib.irradiance.get_total_irradiance` once per surface."""
    middle = weather.times + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(
        middle, weather.latitude, weather.longitude, weather.altitude_m
    )
    zenith, azimuth = sun["apparent_zenith"], sun["azimuth"]
    extra = pd.Series(pvlib.irradiance.get_extra_radiation(middle.day_of_year.to_numpy()), middle)
    airmass = pvlib.atmosphere.get_relative_airmass(zenith)
    light = [pd.Series(values, middle) for values in (weather.dni, weather.ghi, weather.dhi)]
    shared = [zenith, azimuth, *light, extra, airmass]
    if not series:
        shared = [values.to_numpy() for values in shared]
    tilt, facing = seen.tilt_deg[rows], seen.azimuth_deg[rows]

    def loop() -> None:
        for one in range(len(rows)):
            pvlib.irradiance.get_total_irradiance(
                tilt[one], facing[one], shared[0], shared[1], shared[2], shared[3], shared[4],
                dni_extra=shared[5], airmass=shared[6], albedo=ALBEDO, model="perez",
            )  # fmt: skip

    return loop


def year(weather: Weather, seen: Visibility) -> float:
    """All hours of all surfaces, piece by piece; the sum, so that each piece is used. [W/m²]"""
    return sum(float(piece[4000].sum()) for _, piece in solar.irradiance_blocks(weather, seen, albedo=ALBEDO))


def cold(weather: Weather, district: District) -> Visibility:
    """Rays and the year, nothing kept from before."""
    store.forget()
    perez.sky.cache_clear()
    seen = visibility.of_district(district)
    year(weather, seen)
    return seen


def ray_rate(district: District) -> float:
    """Shading rays per second of embree alone, in one thread: from roofs and walls to one sun."""
    frame = visibility.scene_of_district(district)
    seen = visibility.of_district(district)
    middles = frame.local(np.array([_middle(shape) for shape in district.surfaces.geometry]))
    origins = middles[seen_rows(district, seen)] + 0.05 * seen.normal
    sun = directions.vectors(160.0, 35.0)
    facing = np.ascontiguousarray(origins[seen.normal @ sun > 0], np.float32)
    return len(facing) / best_of(20, lambda: frame.blocked(facing, sun[None].astype(np.float32)))


def _middle(shape: object) -> np.ndarray:
    return np.asarray(shape.exterior.coords)[:-1].mean(axis=0)  # type: ignore[attr-defined]


def seen_rows(district: District, seen: Visibility) -> np.ndarray:
    """Rows of `district.surfaces` that a visibility names."""
    return district.surfaces.index.get_indexer(pd.Index(seen.surface_id))


def main() -> None:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surfaces", type=int, default=20_000)
    parser.add_argument("--peer", type=int, default=40, help="surfaces of the peer's sample")
    options = parser.parse_args()
    weather, sample_district = sample(), twin.open("lobeda")
    cold(weather, sample_district.select(list(sample_district.buildings.index[:30])))  # compiles
    district = copies(sample_district, options.surfaces)
    seen = cold(weather, district)
    seconds_cold = best_of(2, lambda: cold(weather, district))
    seconds_cached = best_of(5, lambda: year(weather, seen))
    rows = np.linspace(0, len(seen) - 1, options.peer).astype(int)
    print(f"{len(seen):,} surfaces, {len(district.trees):,} trees, {len(os.sched_getaffinity(0))} cores")
    rate = ray_rate(sample_district) / 1e6
    print(f"rays: {seen.rays / 1e6:.1f} million; embree alone casts {rate:.1f} million a second")
    print(f"ours: {seconds_cold:.2f} s with rays, {seconds_cached:.3f} s with the visibility at hand")
    for name, series in (("Series", True), ("bare arrays", False)):
        loop = pvlib_loop(weather, seen, rows, series)
        peer = best_of(2, loop) / len(rows) * len(seen)
        print(f"pvlib, {name}: {peer:.0f} s ({len(rows)} surfaces, scaled)")
        if not series:  # the faster of the two
            record("sun_cold", peer / seconds_cold)
            record("sun_cached", peer / seconds_cached)
        print(f"  ratio cold {peer / seconds_cold:.1f} ×, cached {peer / seconds_cached:.0f} ×")


if __name__ == "__main__":
    main()
