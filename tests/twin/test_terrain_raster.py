"""Terrain and ground image: sampling by hand, and files that GIS open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from twin import DistrictError, rasters
from twin.terrain import Orthophoto, Terrain


def plane(rows: int = 20, columns: int = 30, cell: float = 2.0) -> Terrain:
    """h = 100 + 0.5·x − 0.25·y at the cells' centres, from the south-west corner."""
    x = (np.arange(columns) + 0.5) * cell
    y = (rows - np.arange(rows) - 0.5) * cell
    heights = 100 + 0.5 * x[None, :] - 0.25 * y[:, None]
    return Terrain(heights.astype(np.float32), 684_000, 5_640_000 + rows * cell, cell)


def test_bounds() -> None:
    assert plane().bounds == (684_000, 5_640_000, 684_060, 5_640_040)


def test_a_plane_is_sampled_exactly() -> None:
    """Bilinear interpolation keeps planes."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(1, 59, 200), rng.uniform(1, 39, 200)
    found = plane().sample(684_000 + x, 5_640_000 + y)
    assert found == pytest.approx(100 + 0.5 * x - 0.25 * y, abs=1e-4)


def test_the_rim_keeps_the_outer_cells_height_and_outside_is_nan() -> None:
    terrain = plane()
    assert terrain.sample(684_000, 5_640_040) == pytest.approx(float(terrain.heights_m[0, 0]))
    assert terrain.sample(684_060, 5_640_000) == pytest.approx(float(terrain.heights_m[-1, -1]))
    outside = terrain.sample(
        [683_999.9, 684_030, np.nan, np.inf], [5_640_020, 5_640_040.1, 5_640_020, 5_640_020]
    )
    assert np.isnan(outside).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_narrow_rasters(shape: tuple[int, int]) -> None:
    terrain = Terrain(np.full(shape, 7, np.float32), 0, shape[0], 1.0)
    assert terrain.sample(shape[1] / 3, shape[0] / 3) == 7


def test_samples_keep_the_shape_of_the_points() -> None:
    assert plane().sample(np.full((3, 4), 684_010), np.full((3, 4), 5_640_010)).shape == (3, 4)


@pytest.mark.parametrize("shape", [(1, 1), (20, 30), (700, 530)])
def test_terrain_on_disk(tmp_path: Path, shape: tuple[int, int]) -> None:
    heights = np.random.default_rng(1).uniform(-5, 400, shape).astype(np.float32)
    terrain = Terrain(heights, 684_000.5, 5_641_000.25, 0.5)
    rasters.write_terrain(terrain, tmp_path / "terrain.tif")
    again = rasters.read_terrain(tmp_path / "terrain.tif")
    np.testing.assert_array_equal(again.heights_m, heights)
    assert (again.west_m, again.north_m, again.cell_m) == (684_000.5, 5_641_000.25, 0.5)
    with rasterio.open(tmp_path / "terrain.tif") as raster:
        assert raster.crs.to_epsg() == 25832
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_image_on_disk(tmp_path: Path) -> None:
    """JPEG is lossy, so colours come back nearly."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48], pixels[:, 48:] = (200, 60, 40), (30, 120, 210)
    rasters.write_ortho(Orthophoto(pixels, (684_000, 5_640_000, 684_192, 5_640_064)), tmp_path / "ortho.tif")
    again = rasters.read_ortho(tmp_path / "ortho.tif")
    assert again.bounds == (684_000, 5_640_000, 684_192, 5_640_064)
    assert np.abs(again.pixels.astype(int) - pixels).mean() < 5


@pytest.mark.parametrize("read", [rasters.read_terrain, rasters.read_ortho])
def test_broken_rasters_are_said(tmp_path: Path, read: object) -> None:
    (tmp_path / "x.tif").write_bytes(b"no raster")
    with pytest.raises(DistrictError, match=r"x\.tif.*cannot be read.*Import"):
        read(tmp_path / "x.tif")  # type: ignore[operator]
