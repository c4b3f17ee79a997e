"""The scene's ground: a square grid of heights, a drawn map, the photo fitted to it, and masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.ndimage
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.interpolate import NearestNDInterpolator

if TYPE_CHECKING:
    import geopandas as gpd

    from twin.district import District

_PAPER = (232, 230, 221)
_AREAS = {
    "green": (207, 221, 190), "hospital": (240, 224, 218), "school": (241, 233, 209),
    "shopping": (243, 226, 206), "water": (168, 203, 221),
}  # fmt: skip
_STREETS = {  # kind: (default width [m], colour), drawn in this order
    "river": (25.0, (168, 203, 221)),
    "path": (2.5, (247, 245, 238)),
    "residential": (7.0, (255, 255, 255)),
    "main": (12.0, (255, 255, 255)),
    "motorway": (26.0, (247, 226, 176)),
    "rail": (4.0, (190, 186, 180)),
    "tram": (6.0, (205, 200, 192)),
}
_CASING = (209, 205, 194)


@dataclass(frozen=True)
class Extent:
    """The scene's rectangle, EPSG:25832. [m]"""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def depth(self) -> float:
        return self.north - self.south

    def pixels(self, longest: int, finest_m: float = 0.0) -> tuple[int, int]:
        """Columns and rows of an image: at most `longest` pixels a side, of at least `finest_m`."""
        side = max(self.width, self.depth)
        pixel = max(side / longest, finest_m)
        return max(round(self.width / pixel), 16), max(round(self.depth / pixel), 16)


def extent(district: District, margin_m: float = 120.0, around_m: float = 1200.0) -> Extent:
    """The buildings with a margin, and the terrain around them as far as `around_m`."""
    west, south, east, north = district.buildings.total_bounds
    box = [west - margin_m, south - margin_m, east + margin_m, north + margin_m]
    if district.terrain is not None:
        left, low, right, high = district.terrain.bounds
        box[0] = min(box[0], max(left, west - around_m))
        box[1] = min(box[1], max(low, south - around_m))
        box[2] = max(box[2], min(right, east + around_m))
        box[3] = max(box[3], min(high, north + around_m))
    return Extent(*(float(value) for value in box))


def heights(district: District, area: Extent, base_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ground heights at the nodes of a grid over `area`, north at row 0, shape (2^k + 1, 2^k + 1). [m]

    Without terrain, the ground is smoothed from the buildings' bases; beyond the terrain its edge goes on.
    """
    cell = max(6.0, district.terrain.cell_m) if district.terrain is not None else 25.0
    power = int(np.clip(np.ceil(np.log2(max(area.width, area.depth) / cell)), 5, 9))
    size = 2**power + 1
    x = np.linspace(area.west, area.east, size)[np.newaxis, :]
    y = np.linspace(area.north, area.south, size)[:, np.newaxis]
    grid_x, grid_y = np.broadcast_arrays(x, y)
    if district.terrain is not None:
        west, south, east, north = district.terrain.bounds
        return district.terrain.sample(np.clip(grid_x, west, east), np.clip(grid_y, south, north))
    centres = shapely.centroid(district.buildings.geometry.to_numpy())
    nearest = NearestNDInterpolator(np.column_stack([shapely.get_x(centres), shapely.get_y(centres)]), base_m)
    smooth: NDArray[np.float64] = scipy.ndimage.gaussian_filter(nearest(grid_x, grid_y), 2.0, mode="nearest")
    return smooth


def drawn_map(district: District, area: Extent, longest: int = 2048) -> Image.Image:
    """A quiet map from the tables places and streets, the ground under coloured buildings."""
    columns, rows = area.pixels(longest, 0.5)
    image = Image.new("RGB", (2 * columns, 2 * rows), _PAPER)
    draw = _Pen(image, area)
    places, streets = district.places, district.streets
    for kind, colour in _AREAS.items():
        draw.areas(_of_kind(places, kind), colour)
    lines = {kind: _of_kind(streets, kind) for kind in _STREETS}
    for kind, (default, _) in _STREETS.items():
        if kind not in ("river", "path", "tram", "rail"):
            draw.lines(lines[kind], _widths(streets, kind, default) + 2.5, _CASING)
    for kind, (default, colour) in _STREETS.items():
        draw.lines(lines[kind], _widths(streets, kind, default), colour)
    return image.resize((columns, rows), Image.Resampling.BOX)


def photo(district: District, area: Extent, under: Image.Image, longest: int = 4096) -> Image.Image | None:
    """The ground image over `area`; where it does not reach, the drawn map shows."""
    ortho = district.ortho
    if ortho is None:
        return None
    west, south, east, north = ortho.bounds
    rows, columns, _ = ortho.pixels.shape
    size = area.pixels(longest, min((east - west) / columns, (north - south) / rows))
    image = under.resize(size, Image.Resampling.BICUBIC)
    scale_x, scale_y = size[0] / area.width, size[1] / area.depth
    target = (
        round((max(west, area.west) - area.west) * scale_x),
        round((area.north - min(north, area.north)) * scale_y),
        round((min(east, area.east) - area.west) * scale_x),
        round((area.north - max(south, area.south)) * scale_y),
    )
    if target[2] <= target[0] or target[3] <= target[1]:
        return None
    box = (
        (max(west, area.west) - west) / (east - west) * columns,
        (north - min(north, area.north)) / (north - south) * rows,
        (min(east, area.east) - west) / (east - west) * columns,
        (north - max(south, area.south)) / (north - south) * rows,
    )
    part = Image.fromarray(ortho.pixels).resize(
        (target[2] - target[0], target[3] - target[1]), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0
    )
    image.paste(part, target[:2])
    return image


def masks(district: District, area: Extent, longest: int = 1536) -> Image.Image:
    """Red: water. Green: how much the buildings shade the ground from the sky. Each 0 to 255."""
    columns, rows = area.pixels(longest, 1.0)
    water = Image.new("L", (columns, rows), 0)
    pen = _Pen(water, area)
    pen.areas(_of_kind(district.places, "water"), 255)
    default, _ = _STREETS["river"]
    pen.lines(_of_kind(district.streets, "river"), _widths(district.streets, "river", default), 255)
    built = Image.new("L", (columns, rows), 0)
    _Pen(built, area).areas(district.buildings.geometry.to_numpy(), 255)
    pixel = area.width / columns
    near = built.filter(ImageFilter.GaussianBlur(2.0 / pixel))
    far = built.filter(ImageFilter.GaussianBlur(9.0 / pixel))
    shade = np.maximum(np.asarray(near, float) * 0.7, np.asarray(far, float))
    dark = Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))
    soft = water.filter(ImageFilter.GaussianBlur(0.8))
    return Image.merge("RGB", (soft, dark, Image.new("L", (columns, rows), 0)))


class _Pen:
    """Draws geometries in metres on an image of the extent."""

    def __init__(self, image: Image.Image, area: Extent) -> None:
        self.draw = ImageDraw.Draw(image)
        self.scale = np.array([image.width / area.width, -image.height / area.depth])
        self.corner = np.array([area.west, area.north])

    def _at(self, geometry: Any) -> list[tuple[float, float]]:
        return [tuple(point) for point in (shapely.get_coordinates(geometry) - self.corner) * self.scale]

    def areas(self, geometries: Iterable[Any], colour: Any) -> None:
        for geometry in shapely.get_parts(np.asarray(geometries, dtype=object)):
            if geometry is not None and geometry.geom_type == "Polygon" and not geometry.is_empty:
                self.draw.polygon(self._at(geometry.exterior), fill=colour)

    def lines(self, geometries: Iterable[Any], widths: NDArray[np.float64], colour: Any) -> None:
        parts, of = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
        for line, width in zip(parts, np.asarray(widths)[of], strict=True):
            if line.geom_type != "LineString" or line.is_empty:
                continue
            points, across = self._at(line), max(float(width * self.scale[0]), 1.0)
            self.draw.line(points, fill=colour, width=round(across), joint="curve")
            for x, y in (points[0], points[-1]):
                r = across / 2
                self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _of_kind(table: gpd.GeoDataFrame, kind: str) -> NDArray[Any]:
    chosen: NDArray[Any] = table.geometry.to_numpy()[(table["kind"] == kind).to_numpy(bool, na_value=False)]
    return chosen


def _widths(streets: gpd.GeoDataFrame, kind: str, default: float) -> NDArray[np.float64]:
    width = streets.loc[(streets["kind"] == kind).to_numpy(bool, na_value=False), "width_m"].to_numpy(float)
    return np.where(width > 0, width, default)
