"""Stills: drawn without a display and without a word on stderr, coloured and labelled as asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from shapely.geometry import box

from twin import CallError, District, picture
from twin.terrain import Orthophoto, Terrain

WINDOW = (320, 200)


@pytest.fixture(scope="module")
def district() -> District:
    shapes = [box(684_000 + 40 * i, 5_640_000, 684_025 + 40 * i, 5_640_012) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"building_id": ["a", "b", "c"], "measured_height_m": [16.0, 33.0, 9.0]}, geometry=shapes, crs=25832
    )
    terrain = Terrain(np.full((30, 40), 150, np.float32), 683_900, 5_640_100, 10.0)
    return District.from_tables("three", {"buildings": frame}, terrain=terrain)


def need(scenarios: int = 1) -> xr.DataArray:
    values = np.arange(3.0 * scenarios).reshape(scenarios, 3)
    names = [f"s{number}" for number in range(scenarios)]
    return xr.DataArray(
        values,
        dims=("scenario", "building_id"),
        coords={"scenario": names, "building_id": ["a", "b", "c"]},
        name="heating_need_kwh",
    )


def coloured(plotter: object) -> np.ndarray:
    """The values on the buildings' triangles."""
    (mesh,) = (found for found in plotter.meshes if found.n_cells and found.cell_data.keys())  # type: ignore[attr-defined]
    return np.unique(np.asarray(mesh.active_scalars))


def bars(plotter: object) -> list[str]:
    titles = plotter.scalar_bars.keys()  # type: ignore[attr-defined]
    return [title.strip() for title in titles]


def test_an_outlier_does_not_take_all_colours() -> None:
    values = np.append(np.linspace(1900, 2000, 300), 1166)
    assert picture._limits(values) == pytest.approx((1900, 2000), abs=2)
    assert picture._limits(values[:-1]) == (1900, 2000)
    assert picture._limits(np.array([5.0, np.nan])) == (5, 5)


def test_a_series_colours_the_buildings(district: District) -> None:
    plotter = district.plot(pd.Series({"c": 3.0, "a": 1.0}), off_screen=True, window_size=WINDOW)
    values = coloured(plotter)
    assert values[~np.isnan(values)].tolist() == [1.0, 3.0]
    assert np.isnan(values).any()
    image = plotter.screenshot(return_img=True)
    assert image.shape == (200, 320, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 50
    plotter.close()


def test_the_scale_names_value_and_unit(district: District) -> None:
    plotter = district.plot(need(), off_screen=True, window_size=WINDOW)
    assert bars(plotter) == ["Heating need, kWh"]
    plotter.close()


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ("volume_m3", "Gross volume, m³"),
        (pd.Series({"a": 1.0}, name="co2_kg"), "Co2, kg"),
        (pd.Series({"a": 1.0}, name="share"), "Share"),
        (need().assign_attrs(long_name="Heat need", units="MWh"), "Heat need, MWh"),
    ],
)
def test_labels(district: District, values: object, label: str) -> None:
    plotter = district.plot(values, off_screen=True, window_size=WINDOW)
    assert bars(plotter) == [label]
    plotter.close()


def test_of_several_scenarios_the_first_is_drawn_and_named(district: District) -> None:
    plotter = district.plot(need(2), off_screen=True, window_size=WINDOW)
    assert coloured(plotter).tolist() == [0.0, 1.0, 2.0]
    notes = [actor for actor in plotter.actors.values() if actor.IsA("vtkCornerAnnotation")]
    texts = [note.GetText(corner) for note in notes for corner in range(4)]
    assert "scenario: s0" in texts
    plotter.close()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ("no_such_column", "no column"),
        (pd.Series({"x": 1.0}), "no building of the district has a value"),
        (pd.Series({"a": "red"}), "not numbers"),
        (3.0, "not numbers"),
        (need().expand_dims(time=2), r"\.sum\('time'\)"),
    ],
)
def test_wrong_values_are_said(district: District, values: object, what: str) -> None:
    with pytest.raises(CallError, match=what):
        picture.plot(district, values, off_screen=True)


def test_a_file_is_written_with_the_ground_image(district: District, tmp_path: Path) -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[..., 0] = 250
    dressed = district.replace(ortho=Orthophoto(pixels, district.terrain.bounds))
    dressed.plot(screenshot=tmp_path / "still.png", window_size=WINDOW).close()
    assert (tmp_path / "still.png").stat().st_size > 1000


def test_an_empty_district_is_an_empty_picture() -> None:
    District.from_tables("none", {}).plot(off_screen=True, window_size=WINDOW).close()


def test_no_display_and_no_word_on_stderr(tmp_path: Path) -> None:
    script = f"""
import geopandas as gpd
from shapely.geometry import box
from twin import District
frame = gpd.GeoDataFrame({{"building_id": ["a"]}}, geometry=[box(0, 0, 9, 9)], crs=25832)
district = District.from_tables("one", {{"buildings": frame}})
district.plot("volume_m3", screenshot={str(tmp_path / "a.png")!r}).close()
"""
    clean = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, env=clean, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.png").is_file()


def test_the_parallel_view_keeps_lengths(district: District) -> None:
    # The three slabs reach over 105 m from west to east: so many pixels wide they are in the picture.
    width, _ = picture.extent_m(district)
    assert width == pytest.approx(105.0)
    values = pd.Series({"a": 0.0, "b": 1.0, "c": 2.0})
    flat = District.from_tables("three", {"buildings": district.buildings, "surfaces": district.surfaces})
    plotter = picture.plot(
        flat, values, off_screen=True, parallel=True, legend=False, limits=(0.0, 4.0), window_size=(600, 300)
    )
    image = np.asarray(plotter.screenshot(None, return_img=True)).astype(int)
    metre = 300 / (2 * plotter.camera.parallel_scale)
    assert bars(plotter) == []
    plotter.close()
    drawn = np.abs(image - image[0, 0]).max(axis=2) > 30
    columns = np.flatnonzero(drawn.any(axis=0))
    assert columns[-1] - columns[0] + 1 == pytest.approx(105.0 * metre, abs=3)


def test_a_focus_fills_the_picture(district: District) -> None:
    assert picture.extent_m(district, ["b"])[0] == pytest.approx(25.0)
    whole, part = (
        picture.plot(
            district, off_screen=True, parallel=True, focus=ids, window_size=WINDOW
        ).camera.parallel_scale
        for ids in (None, ["b"])
    )
    assert part < whole / 2


def test_a_machine_without_graphics_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(picture.ctypes, "CDLL", missing)
    monkeypatch.setattr(picture.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CallError, match="apt-get install libegl1"):
        picture.require_graphics()
