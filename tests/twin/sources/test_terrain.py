"""Terrain tiles of every make on one made-up relief: expected heights are those of its formula."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from twin.errors import SourceError
from twin.sources import terrain

W, N = 682_000.0, 5_640_000.0


def plane(x, y):
    """Rises 1 in 100 to the east and 1 in 50 to the north."""
    return 150 + 0.01 * (np.asarray(x) - W) + 0.02 * (np.asarray(y) - N)


def centres(west: float, north: float, cell: float, columns: int, rows: int):
    x = west + cell * (np.arange(columns) + 0.5)
    y = north - cell * (np.arange(rows) + 0.5)
    return np.meshgrid(x, y)


def tiff(file: Path, west=W, north=N, cell=1.0, size=50, crs="EPSG:25832", values=None, **profile) -> Path:
    x, y = centres(west, north, cell, size, size)
    values = plane(x, y).astype("float32") if values is None else values
    options = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": values.dtype.name, "crs": crs,
        "nodata": -9999, "transform": Affine(cell, 0, west, 0, -cell, north),
    } | profile  # fmt: skip
    with rasterio.open(file, "w", **options) as raster:
        raster.write(values, 1)
    return file


def points(west=W, north=N, cell=1.0, size=50, order=None) -> np.ndarray:
    x, y = (values.ravel() for values in centres(west, north, cell, size, size))
    table = np.column_stack([x, y, plane(x, y)])
    return table if order is None else table[order]


def xyz(file: Path, table: np.ndarray, form="{:.2f} {:.2f} {:.3f}", head="") -> Path:
    lines = "\n".join(form.format(*row) for row in table)
    file.write_text(f"{head}{lines}\n", "ascii")
    return file


def worst(found, inset: float = 1.0) -> float:
    """Largest error at 500 places in the raster."""
    west, south, east, north = found.bounds
    random = np.random.default_rng(7)
    x = random.uniform(west + inset, east - inset, 500)
    y = random.uniform(south + inset, north - inset, 500)
    return float(np.abs(found.sample(x, y) - plane(x, y)).max())


def test_geotiff(tmp_path) -> None:
    answer = terrain.read(tiff(tmp_path / "a.tif"))
    assert answer.terrain.bounds == (W, N - 50, W + 50, N)
    assert answer.terrain.cell_m == 1
    assert answer.terrain.heights_m.dtype == np.float32
    assert worst(answer.terrain) < 1e-3
    assert answer.findings == []
    assert answer.provenance[0].table == "terrain"


FORMS = {
    "spaces": ("{:.2f} {:.2f} {:.3f}", "", "."),
    "many spaces": ("  {:.2f}   {:.2f}  {:.3f}", "", "."),
    "tabs": ("{:.2f}\t{:.2f}\t{:.3f}", "", "."),
    "commas": ("{:.2f},{:.2f},{:.3f}", "", "."),
    "semicolons": ("{:.2f};{:.2f};{:.3f}", "", "."),
    "decimal comma": ("{:.2f};{:.2f};{:.3f}", "", ","),
    "decimal comma and tabs": ("{:.2f}\t{:.2f}\t{:.3f}", "", ","),
    "header": ("{:.2f} {:.2f} {:.3f}", "x y z\n", "."),
    "comma header": ("{:.2f},{:.2f},{:.3f}", "Rechtswert,Hochwert,Höhe in m\n", "."),
    "zone in front": ("32{:.2f} {:.2f} {:.3f}", "", "."),
    "fourth column": ("{:.2f} {:.2f} {:.3f} 7", "", "."),
    "exponents": ("{:.8e} {:.8e} {:.8e}", "", "."),
}


@pytest.mark.parametrize("name", FORMS)
def test_text_with_any_separator_in_any_order(tmp_path, name) -> None:
    form, head, decimal = FORMS[name]
    table = points(order=np.random.default_rng(1).permutation(2500))
    lines = "\n".join(form.format(*row) for row in table)
    lines = lines.replace(".", ",") if decimal == "," else lines
    (tmp_path / "a.xyz").write_bytes(f"{head}{lines}\r\n".encode("cp1252"))
    answer = terrain.read(tmp_path / "a.xyz", crs="EPSG:25832")
    assert answer.terrain.bounds == pytest.approx((W, N - 50, W + 50, N))
    assert answer.terrain.heights_m.shape == (50, 50)
    assert worst(answer.terrain) < 0.02


@pytest.mark.parametrize("cell", [0.5, 2.0, 10.0])
def test_cell_size_is_told_from_the_points(tmp_path, cell) -> None:
    answer = terrain.read(xyz(tmp_path / "a.xyz", points(cell=cell)), crs="EPSG:25832")
    assert answer.terrain.cell_m == cell


def test_text_in_blocks_that_do_not_fit_one_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(terrain.xyz, "CHUNK_ROWS", 97)
    answer = terrain.read(xyz(tmp_path / "a.xyz", points()), crs="EPSG:25832")
    assert answer.terrain.heights_m.shape == (50, 50)
    assert worst(answer.terrain) < 0.02


def test_archives_and_folders_and_the_geotiff_of_twins(tmp_path) -> None:
    """As Thuringia packs a tile: GeoTIFF, the same as text, and a description."""
    with zipfile.ZipFile(tmp_path / "dgm1_32_682_5639.zip", "w") as archive:
        archive.write(tiff(tmp_path / "a.tif"), "dgm1_682_5639.tif")
        archive.write(xyz(tmp_path / "a.xyz", points() + np.array([0, 0, 1000])), "dgm1_682_5639.xyz")
        archive.writestr("dgm1_682_5639.meta", "Stand: 2023 01 02\n")
    answer = terrain.read(tmp_path / "dgm1_32_682_5639.zip", crs="EPSG:25832")
    assert worst(answer.terrain) < 1e-3  # the text is 1000 m too high
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.xyz.gz").write_bytes(gzip.compress((tmp_path / "a.xyz").read_bytes()))
    tiff(folder / "c.tif", west=W + 50)
    found = terrain.read(folder, crs="EPSG:25832").terrain
    assert found.sample([W + 20, W + 80], [N - 20, N - 20]) == pytest.approx([1149.8, 150.4], abs=0.01)


def test_tiles_become_one_mosaic(tmp_path) -> None:
    files = [
        tiff(tmp_path / f"{i}{j}.tif", west=W + 50 * i, north=N - 50 * j) for i in (0, 1, 2) for j in (0, 1)
    ]
    answer = terrain.read(files)
    assert answer.terrain.bounds == (W, N - 100, W + 150, N)
    assert worst(answer.terrain) < 1e-3
    assert answer.findings == []


def test_nodata_and_gaps_between_tiles_are_filled_and_said(tmp_path) -> None:
    values = plane(*centres(W, N, 1, 50, 50)).astype("float32")
    values[20:25, 30:36] = -9999
    files = [tiff(tmp_path / "a.tif", values=values), tiff(tmp_path / "b.tif", west=W + 60)]
    answer = terrain.read(files)
    assert np.isfinite(answer.terrain.heights_m).all()
    share = 100 * (30 + 50 * 10) / (50 * 110)
    (finding,) = answer.findings
    assert finding.kind == "repaired"
    assert finding.message.startswith(f"{share:.1f} % of the")
    assert worst(answer.terrain) < 0.1  # between the tiles lies a strip of 10 m


@pytest.mark.parametrize("nodata", [None, -9999, -32768, 0])
def test_nodata_of_any_value(tmp_path, nodata) -> None:
    values = plane(*centres(W, N, 1, 50, 50)).astype("float32")
    values[10:12, 10:12] = -9999 if nodata is None else nodata
    values[30, 30] = np.nan
    answer = terrain.read(tiff(tmp_path / "a.tif", values=values, nodata=nodata))
    assert answer.terrain.heights_m.min() > 100
    assert worst(answer.terrain) < 0.05


def test_tiles_of_other_cells_are_resampled_to_the_finest(tmp_path) -> None:
    files = [tiff(tmp_path / "fine.tif"), tiff(tmp_path / "coarse.tif", west=W + 50, cell=5, size=10)]
    answer = terrain.read(files)
    assert answer.terrain.cell_m == 1
    assert answer.terrain.heights_m.shape == (50, 100)
    assert "cells of 1 m, 5 m were resampled to 1 m" in answer.findings[0].message
    assert worst(answer.terrain, inset=3) < 0.03


def test_tiles_off_the_grid_of_the_first_are_resampled(tmp_path) -> None:
    files = [tiff(tmp_path / "a.tif"), tiff(tmp_path / "b.tif", west=W + 50.3, north=N + 0.4)]
    assert worst(terrain.read(files).terrain, inset=2) < 0.03


def test_other_crs_is_brought_to_25832(tmp_path) -> None:
    """Zone 33 beside zone 32: the same plane, turned by the convergence of the meridians."""
    from rasterio.warp import transform

    west, north = 271_500.0, 5_640_000.0
    x, y = centres(west, north, 2, 50, 50)
    east, up = transform("EPSG:25833", "EPSG:25832", x.ravel(), y.ravel())
    values = plane(east, up).reshape(x.shape).astype("float32")
    file = tiff(tmp_path / "a.tif", west=west, north=north, cell=2, crs="EPSG:25833", values=values)
    found = terrain.read(file).terrain
    middle = np.mean(east), np.mean(up)
    assert found.sample(*middle) == pytest.approx(plane(*middle), abs=0.05)


def test_scaled_whole_numbers_are_metres(tmp_path) -> None:
    values = np.round(plane(*centres(W, N, 1, 50, 50)) * 100).astype("int32")
    file = tiff(tmp_path / "a.tif", values=values)
    with rasterio.open(file, "r+") as raster:
        raster.scales = (0.01,)
    assert worst(terrain.read(file).terrain) < 0.01


def test_ascii_grid(tmp_path) -> None:
    values = plane(*centres(W, N, 1, 50, 50))
    head = f"ncols 50\nnrows 50\nxllcorner {W}\nyllcorner {N - 50}\ncellsize 1\nNODATA_value -9999\n"
    rows = "\n".join(" ".join(f"{value:.3f}" for value in row) for row in values)
    (tmp_path / "a.asc").write_text(head + rows + "\n")
    with pytest.raises(SourceError, match="--crs"):
        terrain.read(tmp_path / "a.asc")
    assert worst(terrain.read(tmp_path / "a.asc", crs="EPSG:25832").terrain) < 0.01


def test_large_terrain_gets_larger_cells(tmp_path) -> None:
    answer = terrain.read([tiff(tmp_path / "a.tif"), tiff(tmp_path / "b.tif", west=W + 50)], max_cells=1000)
    assert answer.terrain.cell_m == 3  # 5,000 cells of 1 m
    assert "cells were made 3 m" in answer.findings[0].message
    assert worst(answer.terrain, inset=4) < 0.1


def test_text_is_read_in_bounded_memory(tmp_path, monkeypatch) -> None:
    """360,000 points are 8.6 MB as floats; 20,000 at a time take little more than the raster, 1.4 MB."""
    monkeypatch.setattr(terrain.xyz, "CHUNK_ROWS", 20_000)
    size = 600
    xyz(tmp_path / "a.xyz", points(size=size))
    tracemalloc.start()
    answer = terrain.read(tmp_path / "a.xyz", crs="EPSG:25832")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.terrain.heights_m.shape == (size, size)
    assert peak < 8e6


@pytest.mark.parametrize(
    ("content", "crs", "message"),
    [
        ("682000 5640000 150\n682001 5640000 151\n", None, "no CRS.*--crs"),
        ("11.60 50.88 150\n11.61 50.88 151\n", "EPSG:25832", "are degrees"),
        ("682000 5640000 150\n682001 5640000 abc\n", "EPSG:25832", "does not hold three numbers"),
        (
            "682000 5640000 150\n682000.37 5640011.73 151\n682013.91 5640000.2 3\n",
            "EPSG:25832",
            "no regular grid",
        ),
        ("682000 5640000 -9999\n682001 5640000 -9999\n", "EPSG:25832", "no heights in it"),
        ("682000 5640000 nan\n682001 5640000 inf\n", "EPSG:25832", "no heights in it"),
        ("682000 5640000 150\n682001 9e307 150\n", "EPSG:25832", "no regular grid"),
        ("682000 5640000 150\n682001 564003005 150\n", "EPSG:25832", "no regular grid"),
        (f"682000 5640000 150\n682001 5640000 1{'[' * 5000}\n", "EPSG:25832", "three numbers"),
        ("", "EPSG:25832", "empty"),
        ("a letter\nto nobody\n", "EPSG:25832", "no terrain"),
        ("682000 5640000 150\n682001 5640000 151\n", "EPSG:99999", "CRS"),
    ],
    ids=[
        "no crs",
        "degrees",
        "word",
        "scattered",
        "nodata only",
        "nan",
        "far",
        "a row far away",
        "long",
        "empty",
        "letter",
        "unknown crs",
    ],
)
def test_text_that_is_no_terrain_is_said_in_one_line(tmp_path, content, crs, message) -> None:
    (tmp_path / "a.xyz").write_text(content)
    with pytest.raises(SourceError, match=message) as caught:
        terrain.read(tmp_path / "a.xyz", crs=crs)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    assert "a.xyz" in str(caught.value) or crs == "EPSG:99999"


def test_rasters_that_are_no_terrain(tmp_path) -> None:
    with pytest.raises(SourceError, match="no CRS"):
        terrain.read(tiff(tmp_path / "a.tif", crs=None))
    with pytest.raises(SourceError, match="bands"):
        terrain.read(picture(tmp_path / "c.tif"))
    broken = tmp_path / "d.tif"
    broken.write_bytes((tmp_path / "c.tif").read_bytes()[:300])
    with pytest.raises(SourceError):
        terrain.read(broken)
    with pytest.raises(SourceError, match="are degrees, but EPSG:25832"):
        terrain.read(tiff(tmp_path / "e.tif", west=11.6, north=50.9, cell=0.001))


def picture(file: Path) -> Path:
    options = {"driver": "GTiff", "width": 4, "height": 4, "count": 3, "dtype": "uint8", "crs": "EPSG:25832"}
    with rasterio.open(file, "w", transform=Affine(1, 0, W, 0, -1, N), **options) as raster:
        raster.write(np.zeros((3, 4, 4), "uint8"))
    return file


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_raster_without_place(tmp_path) -> None:
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=4, height=4, count=1, dtype="float32", crs="EPSG:25832"
    ) as raster:
        raster.write(np.ones((1, 4, 4), "float32"))
    with pytest.raises(SourceError, match=r"no place on the ground.*world file"):
        terrain.read(tmp_path / "a.tif")
