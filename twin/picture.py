"""Stills of a district for reports and notebooks, drawn by pyvista; they need no display."""

from __future__ import annotations

import ctypes
import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkLogger

from twin import mesh, schema
from twin.district import District
from twin.errors import CallError
from twin.terrain import Terrain

Floats = NDArray[np.float64]

PLAIN, NO_VALUE, GROUND, PAPER = "#d9d3c7", "#bdbdbd", "#b9c7a5", "#f4f6f8"
_MARGIN_M = 120.0
_MOST_CELLS = 400
"""Rows and columns of the terrain that is drawn at most."""
_UNITS = {
    "kwh": "kWh", "kwp": "kWp", "kw": "kW", "w": "W", "kg": "kg", "eur": "€", "c": "°C", "m": "m", "m2": "m²",
    "m3": "m³", "deg": "°",
}  # fmt: skip


def plot(
    district: District,
    values: Any = None,
    *,
    off_screen: bool | None = None,
    show: bool = False,
    cmap: Any = "viridis",
    limits: tuple[float, float] | None = None,
    legend: bool = True,
    parallel: bool = False,
    focus: Any = None,
    window_size: tuple[int, int] = (1200, 700),
    screenshot: str | os.PathLike[str] | None = None,
) -> pv.Plotter:
    """The district in 3D with its terrain, coloured by a value per building.

    Parameters
    ----------
    values : series (index building_id), DataArray (dimension building_id) or name of a column of the
        buildings; a dimension `scenario` is taken at its first entry, which the picture says. Buildings
        without a value are grey.
    off_screen : draw without a window; by default where there is no display.
    show : open the window, or show the picture in a notebook.
    cmap : colours, any of matplotlib's.
    limits : values of the scale's ends; by default those of the values.
    legend : draw the scale of colours.
    parallel : view from the south without perspective, so that lengths from west to east are true everywhere.
    focus : ids of the buildings that fill the picture; by default all.
    window_size : width and height of the picture. [pixel]
    screenshot : PNG file to write.

    Returns
    -------
    The plotter, already drawn once; `.show()`, `.screenshot(file)` and `.close()` are the caller's.

    Raises
    ------
    CallError : the values are not one number per building of this district, or the machine cannot draw 3D.
    """
    column, label, note = _column(district, values)
    hidden = _no_display() if off_screen is None else off_screen
    if hidden or screenshot is not None:
        require_graphics()
    with _quiet():
        plotter = pv.Plotter(off_screen=hidden or screenshot is not None, window_size=list(window_size))
        plotter.set_background(PAPER)
        shape = mesh.of_district(district)
        origin = _origin(district, shape)
        _add_terrain(plotter, district, origin)
        ends = limits or _limits(column)
        _add_buildings(plotter, shape, origin, column, label, cmap, ends, legend)
        notes = [note, _cut(column) if limits is None else ""]
        if any(notes):
            plotter.add_text(
                "\n".join(filter(None, notes)), position="upper_left", font_size=9, color="#333333"
            )
        shown = _vertices_of(district, shape, focus) - origin
        if parallel:
            _look_parallel(plotter, shown, window_size)
        else:
            _look(plotter, shown)
        if hidden or screenshot is not None:
            plotter.screenshot(None if screenshot is None else Path(screenshot), return_img=True)
        if show:
            plotter.show(auto_close=False)
    return plotter


def _column(district: District, values: Any) -> tuple[Floats | None, str, str]:
    """One number per building (nan without), the label of the scale, and a note on the scenario."""
    if values is None:
        return None, "", ""
    note = ""
    if isinstance(values, str):
        if values not in district.buildings.columns:
            raise CallError(
                f"the buildings have no column '{values}'", "plot", "Pass a series by building_id"
            )
        values = district.buildings[values]
    label = _label(values)
    if hasattr(values, "dims"):
        values, note = _series(values)
    if not isinstance(values, pd.Series) or not pd.api.types.is_numeric_dtype(values.dtype):
        raise CallError(
            "values are not numbers by building_id", "plot", "Pass a Series or DataArray of numbers"
        )
    values = values[~values.index.duplicated()].reindex(district.buildings.index).astype("float64")
    if values.isna().all():
        raise CallError("no building of the district has a value", "plot", "Index the values by building_id")
    return values.to_numpy(), label, note


def _series(values: Any) -> tuple[pd.Series, str]:
    """A DataArray as a series by building_id, of its first scenario, and a note that says which."""
    note = ""
    if "scenario" in values.dims:
        if values.sizes["scenario"] > 1:
            name = values["scenario"].values[0] if "scenario" in values.coords else 1
            note = f"scenario: {name}"
        values = values.isel(scenario=0, drop=True)
    values = values.squeeze(
        [name for name in values.dims if values.sizes[name] == 1 and name != "building_id"]
    )
    if values.dims != ("building_id",):
        more = [str(name) for name in values.dims if name != "building_id"]
        remedy = f"Reduce it, such as by .sum('{more[0]}')" if more else "Give it the dimension building_id"
        raise CallError(f"values have the dimensions {', '.join(map(str, values.dims))}", "plot", remedy)
    return values.to_series(), note


def _label(values: Any) -> str:
    """Name and unit: from the attributes, the schema, or the name that ends in its unit."""
    name = str(values.name) if getattr(values, "name", None) is not None else ""
    said = getattr(values, "attrs", {})
    known = schema.columns("buildings").get(name)
    if known is not None:
        return known.label_en if known.unit in ("", "a") else f"{known.label_en}, {known.unit}"
    words, unit = name, str(said.get("units", ""))
    if (match := re.fullmatch(r"(.+)_([a-z0-9]+)", name)) and match[2] in _UNITS:
        words, unit = match[1], unit or _UNITS[match[2]]
    words = str(said.get("long_name", "")) or words.replace("_", " ").capitalize()
    words = words or "Value"
    return f"{words}, {unit}" if unit else words


def _origin(district: District, shape: mesh.Mesh) -> Floats:
    """What is subtracted from all coordinates, since graphics compute in single precision."""
    if len(shape.vertices):
        return np.asarray(np.floor(shape.vertices.mean(axis=0)), float)
    if district.terrain is not None:
        west, south, east, north = district.terrain.bounds
        return np.array([(west + east) / 2, (south + north) / 2, float(district.terrain.heights_m.mean())])
    return np.zeros(3)


def _add_buildings(
    plotter: pv.Plotter,
    shape: mesh.Mesh,
    origin: Floats,
    column: Floats | None,
    label: str,
    cmap: Any,
    limits: tuple[float, float],
    legend: bool,
) -> None:
    if not len(shape.faces):
        return
    faces = np.column_stack([np.full(len(shape.faces), 3), shape.faces]).ravel()
    surface = pv.PolyData((shape.vertices - origin).astype(np.float32), faces)
    look: dict[str, Any] = {"smooth_shading": False, "ambient": 0.25, "diffuse": 0.8, "specular": 0.0}
    if column is None:
        plotter.add_mesh(surface, color=PLAIN, **look)
    else:
        surface.cell_data[label] = column[shape.building[shape.faces[:, 0]]]
        bar = {
            "title": f"{label}\n", "fmt": _format(column), "color": "#222222", "vertical": False,
            "position_x": 0.3, "position_y": 0.03, "width": 0.4, "height": 0.14,
            "n_labels": 4, "title_font_size": 17, "label_font_size": 14,
        }  # fmt: skip
        plotter.add_mesh(
            surface, cmap=cmap, clim=limits, nan_color=NO_VALUE, show_scalar_bar=legend,
            scalar_bar_args=bar if legend else None, **look,
        )  # fmt: skip
    lines = np.column_stack([np.full(len(shape.outline), 2), shape.outline]).ravel()
    edges = pv.PolyData((shape.vertices - origin).astype(np.float32), lines=lines)
    plotter.add_mesh(edges, color="#3b3b3b", line_width=1, opacity=0.35, lighting=False)


def _limits(column: Floats | None) -> tuple[float, float]:
    """The range of the scale: all values, or 98 of 100 where a few others would take most of the colours."""
    if column is None:
        return 0.0, 1.0
    low, high = float(np.nanmin(column)), float(np.nanmax(column))
    least, most = (float(value) for value in np.nanpercentile(column, [1, 99]))
    return (least, most) if 0 < 2 * (most - least) < high - low else (low, high)


def _cut(column: Floats | None) -> str:
    if column is None or _limits(column) == (np.nanmin(column), np.nanmax(column)):
        return ""
    return f"values from {np.nanmin(column):.4g} to {np.nanmax(column):.4g}; the scale shows 98 % of them"


def _format(column: Floats) -> str:
    """As many digits as tell the values apart, never a power of ten for heat in kWh."""
    largest = float(np.nanmax(np.abs(column)))
    return "%.0f" if largest >= 1000 else "%.1f" if largest >= 10 else "%.3g"


def _add_terrain(plotter: pv.Plotter, district: District, origin: Floats) -> None:
    """The ground around the buildings, with the district's image where there is one."""
    if district.terrain is None:
        return
    x, y = _cells(district.terrain, district)
    east, north = np.meshgrid(x, y)
    height = district.terrain.sample(east, north)
    grid = pv.StructuredGrid(east - origin[0], north - origin[1], height - origin[2] - 0.1)
    if district.ortho is None:
        plotter.add_mesh(grid, color=GROUND, ambient=0.3, specular=0.0)
        return
    left, bottom, right, top = district.ortho.bounds
    across, up = (east - left) / (right - left), (north - bottom) / (top - bottom)
    grid.active_texture_coordinates = np.column_stack([across.ravel("F"), up.ravel("F")]).astype(np.float32)
    plotter.add_mesh(grid, texture=pv.Texture(district.ortho.pixels), ambient=0.4, specular=0.0)


def _cells(terrain: Terrain, district: District) -> tuple[Floats, Floats]:
    """Columns and rows of the terrain around the buildings, thinned where there are many."""
    west, south, east, north = terrain.bounds
    if len(district.buildings):
        a, b, c, d = district.buildings.total_bounds
        box = (
            max(west, a - _MARGIN_M),
            max(south, b - _MARGIN_M),
            min(east, c + _MARGIN_M),
            min(north, d + _MARGIN_M),
        )
        if box[0] < box[2] and box[1] < box[3]:
            west, south, east, north = box
    counts = [
        int(np.clip((high - low) / terrain.cell_m, 2, _MOST_CELLS))
        for low, high in ((west, east), (south, north))
    ]
    return np.linspace(west, east, counts[0]), np.linspace(south, north, counts[1])


def extent_m(district: District, focus: Any = None) -> tuple[float, float]:
    """Width and height of the buildings `focus` (ids; all by default) in the parallel view. [m]"""
    points = _vertices_of(district, mesh.of_district(district), focus)
    if not len(points):
        return 1.0, 1.0
    sides = points @ np.array([_RIGHT, _UP]).T
    width, height = sides.max(axis=0) - sides.min(axis=0)
    return float(width), float(height)


def _vertices_of(district: District, shape: mesh.Mesh, focus: Any) -> Floats:
    if focus is None:
        return shape.vertices
    rows = district.buildings.index.get_indexer(pd.Index(focus))
    mine = shape.vertices[np.isin(shape.building, rows)]
    return mine if len(mine) else shape.vertices


def _look(plotter: pv.Plotter, points: Floats) -> None:
    """From the south-west and above, all points in view."""
    plotter.view_vector((-0.45, -1.0, 0.75), viewup=(0.0, 0.0, 1.0))
    if len(points):
        low, high = points.min(axis=0), points.max(axis=0)
        plotter.reset_camera(bounds=[value for pair in zip(low, high, strict=True) for value in pair])
    plotter.camera.zoom(1.4)
    plotter.reset_camera_clipping_range()


_TILT = math.radians(52.0)  # of the parallel view, above the horizon
_RIGHT = (1.0, 0.0, 0.0)
_UP = (0.0, math.sin(_TILT), math.cos(_TILT))
_TOWARDS = np.array([0.0, -math.cos(_TILT), math.sin(_TILT)])


def _look_parallel(plotter: pv.Plotter, points: Floats, window_size: tuple[int, int]) -> None:
    """From the south without perspective, all points in view."""
    plotter.enable_parallel_projection()
    axes = np.array([_RIGHT, _UP, _TOWARDS])
    sides = points @ axes.T if len(points) else np.zeros((1, 3))
    low, high = sides.min(axis=0), sides.max(axis=0)
    centre = (low + high) / 2 @ axes
    width, height = (high - low)[:2]
    plotter.camera.focal_point = centre
    plotter.camera.position = centre + 5000.0 * _TOWARDS
    plotter.camera.up = (0.0, 0.0, 1.0)
    plotter.camera.parallel_scale = 0.53 * max(height, width * window_size[1] / window_size[0], 1.0)
    plotter.reset_camera_clipping_range()


def require_graphics() -> None:
    """Refuse to draw where VTK would end the process: without a screen it needs EGL or OSMesa.

    Raises
    ------
    CallError : says what to install.
    """
    if not sys.platform.startswith("linux") or not _no_display():
        return
    for library in ("libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"):
        with suppress(OSError):
            ctypes.CDLL(library)
            return
    raise CallError(
        "this machine cannot draw 3D pictures: neither EGL nor OSMesa is there",
        "plot",
        "Install one (Debian: apt-get install libegl1 libgl1-mesa-dri), or leave the pictures out",
    )


def _no_display() -> bool:
    return sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without VTK's words on stderr, such as on a missing display before it draws without one."""
    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)
