"""Orthophotos: images of known colours at known places."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from twin.errors import SourceError
from twin.sources import ortho

W, N = 682_000.0, 5_640_000.0
RED, BLUE = (250, 0, 0), (0, 0, 250)


def halves(size: int = 100) -> np.ndarray:
    """Red above blue."""
    image = np.empty((size, size, 3), "uint8")
    image[: size // 2], image[size // 2 :] = RED, BLUE
    return image


def tiff(file: Path, image: np.ndarray, west=W, north=N, pixel=1.0, crs="EPSG:25832", **profile) -> Path:
    bands = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    options = {
        "driver": "GTiff", "width": bands.shape[2], "height": bands.shape[1], "count": len(bands),
        "dtype": bands.dtype.name, "crs": crs, "transform": Affine(pixel, 0, west, 0, -pixel, north),
    } | profile  # fmt: skip
    with rasterio.open(file, "w", **options) as raster:
        raster.write(bands)
    return file


def world(file: Path, pixel: float = 1.0, west: float = W, north: float = N) -> None:
    """A world file names the centre of the upper left pixel."""
    file.write_text(f"{pixel}\n0\n0\n{-pixel}\n{west + pixel / 2}\n{north - pixel / 2}\n")


def near(found, expected, by: int = 6) -> bool:
    return bool(np.abs(found.astype(int) - np.array(expected)).max() <= by)


@pytest.mark.parametrize(
    ("name", "side"), [("a.jpg", "a.jgw"), ("a.png", "a.pgw"), ("a.JPG", "a.JGW"), ("a.tif", "a.tfw")]
)
def test_image_with_world_file(tmp_path, name, side) -> None:
    Image.fromarray(halves()).save(tmp_path / name)
    world(tmp_path / side)
    with pytest.raises(SourceError, match="no CRS"):
        ortho.read(tmp_path / name)
    answer = ortho.read(tmp_path / name, crs="EPSG:25832")
    assert answer.ortho.bounds == (W, N - 100, W + 100, N)
    assert answer.ortho.pixels.shape == (100, 100, 3)
    assert answer.ortho.pixels.dtype == np.uint8
    assert near(answer.ortho.pixels[10, 50], RED)
    assert near(answer.ortho.pixels[90, 50], BLUE)


def test_image_without_place_names_the_world_file(tmp_path) -> None:
    Image.fromarray(halves()).save(tmp_path / "a.jpg")
    with pytest.raises(SourceError, match="world file"):
        ortho.read(tmp_path / "a.jpg", crs="EPSG:25832")


@pytest.mark.parametrize("transform", [Affine(1, 0, -8e147, 0, -1, N), Affine(1, 0, W, 0, -0.0, N)])
def test_image_whose_pixels_have_no_size_has_no_place(tmp_path, transform) -> None:
    """As damaged headers give them."""
    with pytest.raises(SourceError, match="no place on the ground"):
        ortho.read(tiff(tmp_path / "a.tif", halves(), transform=transform))


def test_tiles_become_one_and_what_none_covers_is_said(tmp_path) -> None:
    files = [tiff(tmp_path / "a.tif", halves()), tiff(tmp_path / "b.tif", halves()[::-1], west=W + 200)]
    answer = ortho.read(files)
    assert answer.ortho.pixels.shape == (100, 300, 3)
    assert answer.ortho.pixels[10, 10].tolist() == list(RED)
    assert answer.ortho.pixels[10, 290].tolist() == list(BLUE)
    assert answer.ortho.pixels[10, 150].tolist() == list(ortho.GROUND)
    assert answer.findings[0].message == "33.3 % of the image is covered by no tile"


def test_large_image_is_averaged_down(tmp_path) -> None:
    stripes = np.zeros((400, 400, 3), "uint8")
    stripes[:, ::2] = 200
    answer = ortho.read(tiff(tmp_path / "a.tif", stripes, pixel=0.25), max_pixels=100)
    assert answer.ortho.pixels.shape == (100, 100, 3)
    assert answer.ortho.bounds == (W, N - 100, W + 100, N)
    assert near(answer.ortho.pixels[50, 50], (100, 100, 100))
    assert "1.00 m" in answer.provenance[0].changes


def test_archive_and_folder(tmp_path) -> None:
    tiff(tmp_path / "a.tif", halves())
    with zipfile.ZipFile(tmp_path / "dop.zip", "w") as archive:
        archive.write(tmp_path / "a.tif", "deep/dop20.tif")
        archive.writestr("deep/readme.html", "<html></html>")
    assert ortho.read(tmp_path / "dop.zip").ortho.pixels.shape == (100, 100, 3)
    assert ortho.read(tmp_path).ortho.pixels.shape == (100, 100, 3)


def test_other_zone_is_brought_to_25832(tmp_path) -> None:
    answer = ortho.read(
        tiff(tmp_path / "a.tif", halves(), west=271_500.0, north=5_640_000.0, crs="EPSG:25833")
    )
    rows, columns, _ = answer.ortho.pixels.shape
    assert near(answer.ortho.pixels[rows // 4, columns // 2], RED)
    assert near(answer.ortho.pixels[3 * rows // 4, columns // 2], BLUE)


@pytest.mark.parametrize("top", [255, 1023, 4095, 65535])
def test_deep_colours_become_eight_bits(tmp_path, top) -> None:
    image = np.zeros((20, 20, 3), "uint8" if top == 255 else "uint16")
    image[:10] = top
    found = ortho.read(tiff(tmp_path / "a.tif", image)).ortho.pixels
    assert near(found[2, 2], (255, 255, 255))
    assert near(found[17, 2], (0, 0, 0))


def test_grey_palette_and_infrared(tmp_path) -> None:
    grey = ortho.read(tiff(tmp_path / "grey.tif", np.full((10, 10), 90, "uint8"))).ortho.pixels
    assert grey[5, 5].tolist() == [90, 90, 90]
    file = tiff(tmp_path / "palette.tif", np.full((10, 10), 3, "uint8"), photometric="palette")
    with rasterio.open(file, "r+") as raster:
        raster.write_colormap(1, {3: (10, 20, 30, 255)})
    assert ortho.read(file).ortho.pixels[5, 5].tolist() == [10, 20, 30]
    rgbi = np.dstack([halves(), np.zeros((100, 100), "uint8")])  # infrared of 0 is no hole in the image
    file = tiff(tmp_path / "rgbi.tif", rgbi)
    with rasterio.open(file, "r+") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined]
    assert ortho.read(file).ortho.pixels[10, 10].tolist() == list(RED)


def test_nothing_that_is_an_image(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("no")
    with pytest.raises(SourceError, match="no image"):
        ortho.read(tmp_path / "a.txt")
    heights = tiff(tmp_path / "h.tif", np.full((10, 10), 1.5, "float32"))
    with pytest.raises(SourceError, match=r"no colours.*--terrain"):
        ortho.read(heights)
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"\x00" * 50)
    with pytest.raises(SourceError, match="cannot be read"):
        ortho.read(tmp_path / "cut.jpg", crs="EPSG:25832")
    (tmp_path / "vrt.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    with pytest.raises(SourceError, match="no image"):
        ortho.read(tmp_path / "vrt.tif")
