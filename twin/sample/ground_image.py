"""The ground image: drawn by us from land use, streets and footprints; no photograph."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity
import shapely.ops
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from shapely.geometry.base import BaseGeometry

from twin.sample import courtyards, inputs
from twin.terrain import Orthophoto

PIXEL_M = 1.25
_FINER = 2
"""Drawn this many times finer and averaged, for smooth edges."""
Colour = tuple[int, int, int]
MEADOW: Colour = (168, 184, 128)
LAND_USE: dict[str, Colour] = {
    "floodplain": (151, 176, 116), "meadow": (160, 182, 120), "field": (196, 187, 132),
    "forest": (86, 112, 70), "park": (140, 170, 106), "garden": (150, 166, 108),
    "cemetery": (132, 158, 104), "industry": (181, 178, 168), "hospital": (164, 178, 134),
    "school": (158, 178, 122), "sports": (122, 160, 92), "plaza": (198, 191, 178),
    "solar": (128, 150, 100), "water": (104, 138, 148),
}  # fmt: skip
_FIELDS: tuple[Colour, ...] = (
    (206, 194, 140),
    (182, 186, 112),
    (190, 170, 128),
    (168, 182, 104),
    (212, 200, 152),
)
_YARDS: tuple[Colour, ...] = ((170, 168, 162), (158, 158, 156), (158, 176, 120), (184, 178, 160))
_HALLS: tuple[Colour, ...] = ((206, 206, 202), (138, 140, 144), (176, 150, 136), (192, 194, 198))
LAWN: Colour = (154, 178, 116)
GARDEN: Colour = (148, 170, 106)
PAVING: Colour = (190, 186, 176)
ASPHALT: Colour = (126, 127, 130)
SIDE_STREET: Colour = (141, 141, 141)
PATH: Colour = (208, 200, 180)
WATER: Colour = (92, 130, 146)
BANK: Colour = (128, 152, 98)
MARKING: Colour = (206, 206, 203)
BALLAST: Colour = (148, 140, 130)
RAIL: Colour = (92, 88, 86)
SAND: Colour = (220, 205, 164)


class Canvas:
    """A raster in EPSG:25832 to draw shapes on."""

    def __init__(self, background: Colour) -> None:
        self.west, self.south, self.east, self.north = inputs.BOUNDS
        self.scale = _FINER / PIXEL_M
        self.size = (
            round((self.east - self.west) * self.scale),
            round((self.north - self.south) * self.scale),
        )
        self.image = Image.new("RGB", self.size, background)
        self._pen = ImageDraw.Draw(self.image)

    def fill(self, shape: BaseGeometry, colour: Colour) -> None:
        """Fill polygons; a hole takes the colour that was under it."""
        for part in shapely.get_parts(shape):
            if part.geom_type != "Polygon" or part.is_empty:
                continue
            if part.interiors:
                self._fill_with_holes(part, colour)
            else:
                self._pen.polygon(self._pixels(part.exterior), fill=colour)

    def strip(self, line: BaseGeometry, width_m: float, colour: Colour) -> None:
        """A line with flat ends."""
        self.fill(shapely.buffer(line, width_m / 2, cap_style="flat"), colour)

    def dashes(
        self, line: shapely.LineString, width_m: float, on_m: float, off_m: float, colour: Colour
    ) -> None:
        for start in np.arange(off_m, line.length - on_m, on_m + off_m):
            self.strip(shapely.ops.substring(line, start, start + on_m), width_m, colour)

    def mask(self, shape: BaseGeometry) -> NDArray[np.bool_]:
        """Pixels of the finished image inside `shape`."""
        size = (self.size[0] // _FINER, self.size[1] // _FINER)
        area = Image.new("1", size)
        pen = ImageDraw.Draw(area)
        for part in shapely.get_parts(shape):
            pen.polygon([(x / _FINER, y / _FINER) for x, y in self._pixels(part.exterior)], fill=1)
        return np.array(area)

    def finished(self) -> NDArray[np.float32]:
        """The image at its final size; shape (rows, columns, 3)."""
        size = (self.size[0] // _FINER, self.size[1] // _FINER)
        return np.asarray(self.image.resize(size, Image.Resampling.BOX), np.float32)

    def _pixels(self, ring: shapely.LinearRing) -> list[tuple[float, float]]:
        xy = shapely.get_coordinates(ring)
        columns, rows = (xy[:, 0] - self.west) * self.scale, (self.north - xy[:, 1]) * self.scale
        return list(zip(columns.tolist(), rows.tolist(), strict=True))

    def _fill_with_holes(self, polygon: shapely.Polygon, colour: Colour) -> None:
        pixels = self._pixels(polygon.exterior)
        left, top = (int(max(min(p[k] for p in pixels), 0)) for k in (0, 1))
        right, bottom = (int(min(max(p[k] for p in pixels) + 2, self.size[k])) for k in (0, 1))
        if right <= left or bottom <= top:
            return
        stencil = Image.new("1", (right - left, bottom - top))
        pen = ImageDraw.Draw(stencil)
        for ring, ink in [(polygon.exterior, 1), *((hole, 0) for hole in polygon.interiors)]:
            pen.polygon([(x - left, y - top) for x, y in self._pixels(ring)], fill=ink)
        self.image.paste(colour, (left, top), stencil)


def draw(
    streets: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    trees: gpd.GeoDataFrame,
    seed: int,
) -> Orthophoto:
    """The ground image of the sample: 3,040 × 2,400 pixels of 1.25 m."""
    canvas = Canvas(MEADOW)
    rng = np.random.default_rng([seed, 13])
    _land(canvas, places, estates, rng)
    _water(canvas, streets, places)
    _gardens(canvas, buildings)
    _courts(canvas, buildings, estates, streets, rng)
    _sports(canvas, places)
    _roads(canvas, streets)
    _rails(canvas, streets)
    _plinths(canvas, buildings)
    pixels = _textured(canvas, places, trees, rng)
    return Orthophoto(pixels, inputs.BOUNDS)


def _land(
    canvas: Canvas, places: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, rng: np.random.Generator
) -> None:
    for estate in estates.geometry:
        canvas.fill(estate.buffer(12), LAWN)
    for use, colour in LAND_USE.items():
        of_use = places[places["land_use"] == use]
        for area, area_name in zip(of_use.geometry, of_use["name"], strict=True):
            soft = area if use in ("sports", "plaza", "solar") else _ragged(area, rng)
            canvas.fill(soft, colour)
            if use == "field":
                _strips(canvas, soft, rng)
            elif use == "garden":
                _plots(canvas, soft, rng)
            elif use == "solar":
                _modules(canvas, soft)
            elif use == "industry" and "Göschwitz" in area_name:
                _yards(canvas, soft, rng)


def _ragged(area: BaseGeometry, rng: np.random.Generator) -> BaseGeometry:
    """`area` with the wavy edge of a wood or meadow."""
    ring = shapely.segmentize(area.exterior, 22.0)
    xy = shapely.get_coordinates(ring)[:-1]
    wave = rng.normal(0, 5.0, xy.shape) + 7 * np.sin(np.arange(len(xy)) / 3.1)[:, None]
    return shapely.Polygon(xy + wave).buffer(0).buffer(-6).buffer(12).buffer(-6)


def _strips(canvas: Canvas, field: BaseGeometry, rng: np.random.Generator) -> None:
    """A field as a few long strips of different crops."""
    west, south, east, north = field.bounds
    turn = rng.uniform(-20, 20)
    x = west - 200
    while x < east + 200:
        width = rng.uniform(60, 150)
        upright = shapely.box(x, south - 300, x + width, north + 300)
        strip = shapely.affinity.rotate(upright, turn, origin=(west, south))
        colour = _FIELDS[rng.integers(len(_FIELDS))]
        canvas.fill(shapely.intersection(field, strip), colour)
        x += width


def _plots(canvas: Canvas, area: BaseGeometry, rng: np.random.Generator) -> None:
    """Allotments: small plots in many greens, with huts."""
    west, south, east, north = area.bounds
    for x in np.arange(west, east, 18.0):
        for y in np.arange(south, north, 22.0):
            plot = shapely.intersection(area, shapely.box(x + 0.8, y + 0.8, x + 17.2, y + 21.2))
            shade = int(rng.integers(-14, 15))
            canvas.fill(plot, (150 + shade, 168 + shade, 108 + shade // 2))
            if rng.random() < 0.6:
                hut = shapely.box(x + 3, y + 14, x + 8, y + 18)
                canvas.fill(shapely.intersection(plot, hut), (170, 150, 132))


def _yards(canvas: Canvas, area: BaseGeometry, rng: np.random.Generator) -> None:
    """Works yards beyond the district: halls, asphalt and grass, drawn flat."""
    west, south, east, north = area.bounds
    for x in np.arange(west, east, 75.0):
        for y in np.arange(south, north, 62.0):
            plot = shapely.intersection(area, shapely.box(x + 4, y + 4, x + 71, y + 58))
            canvas.fill(plot, _YARDS[rng.integers(len(_YARDS))])
            wide, deep = rng.uniform(20, 52), rng.uniform(14, 36)
            hall = shapely.box(x + 10, y + 10, x + 10 + wide, y + 10 + deep)
            if rng.random() < 0.75 and shapely.contains(area, hall):
                canvas.fill(hall, _HALLS[rng.integers(len(_HALLS))])


def _modules(canvas: Canvas, area: BaseGeometry) -> None:
    west, south, east, north = area.bounds
    for y in np.arange(south, north, 8.0):
        canvas.fill(shapely.intersection(area, shapely.box(west, y, east, y + 4)), (62, 74, 104))


def _water(canvas: Canvas, streets: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> None:
    for river in inputs.records(streets[streets["kind"] == "river"]):
        canvas.strip(river.geometry, river.width_m + 14, BANK)
        canvas.strip(river.geometry, river.width_m, WATER)
        canvas.strip(river.geometry, river.width_m * 0.5, (86, 123, 141))


def _gardens(canvas: Canvas, buildings: gpd.GeoDataFrame) -> None:
    small = buildings[(buildings["function"] == "residential") & (buildings["roof_type"] != "flat")]
    canvas.fill(shapely.union_all(shapely.buffer(small.geometry.to_numpy(), 14)), GARDEN)
    canvas.fill(shapely.union_all(shapely.buffer(small.geometry.to_numpy(), 1.5)), (188, 180, 160))


def _courts(
    canvas: Canvas,
    buildings: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    rng: np.random.Generator,
) -> None:
    """Entrance paths, parking rows and playgrounds of the estates."""
    plan = courtyards.plan(buildings, estates, streets, rng)
    canvas.fill(plan.parking, (156, 155, 153))
    canvas.fill(plan.bays, (206, 205, 200))
    canvas.fill(plan.paths, PATH)
    canvas.fill(plan.playgrounds, SAND)
    yards = buildings[
        buildings["function"].isin(["school", "kindergarten", "retail", "industrial", "garage"])
    ]
    canvas.fill(shapely.union_all(shapely.buffer(yards.geometry.to_numpy(), 9)), (184, 179, 168))


def _sports(canvas: Canvas, places: gpd.GeoDataFrame) -> None:
    """A pitch with white lines, and a running track where there is room."""
    for area in places.geometry[places["land_use"] == "sports"]:
        box = area.minimum_rotated_rectangle
        if box.area < 5000:
            canvas.fill(area, SAND)
            continue
        pitch = shapely.affinity.scale(box, 0.62, 0.58)
        canvas.fill(shapely.affinity.scale(box, 0.84, 0.84).buffer(-12).buffer(12), (172, 96, 76))
        canvas.fill(pitch.buffer(3), (112, 158, 84))
        for line in (pitch.exterior, pitch.centroid.buffer(9).exterior):
            canvas.strip(line, 0.9, MARKING)


def _roads(canvas: Canvas, streets: gpd.GeoDataFrame) -> None:
    cars = streets[streets["kind"].isin(["main", "residential"])]
    for street in inputs.records(cars):
        canvas.fill(shapely.buffer(street.geometry, street.width_m / 2 + 2.4), PAVING)
    for street in inputs.records(streets[streets["kind"] == "path"]):
        canvas.fill(shapely.buffer(street.geometry, street.width_m / 2), PATH)
    for kind, colour in (("residential", SIDE_STREET), ("main", ASPHALT)):
        for street in inputs.records(cars[cars["kind"] == kind]):
            canvas.fill(shapely.buffer(street.geometry, street.width_m / 2), colour)
    for street in inputs.records(cars[cars["kind"] == "main"]):
        _lanes(canvas, street.geometry, street.width_m)
    for motorway in inputs.records(streets[streets["kind"] == "motorway"]):
        _motorway(canvas, motorway.geometry, motorway.width_m)


def _lanes(canvas: Canvas, line: shapely.LineString, width: float) -> None:
    """Markings; a dual carriageway with a green middle where the street is wide."""
    if width >= 20:
        canvas.strip(line, 4.0, LAWN)
        for side in (-1, 1):
            canvas.dashes(line.offset_curve(side * (width + 4) / 4), 0.6, 6, 9, MARKING)
    else:
        canvas.dashes(line, 0.6, 6, 8, MARKING)


def _motorway(canvas: Canvas, line: shapely.LineString, width: float) -> None:
    canvas.strip(line, width + 16, (146, 166, 108))
    canvas.strip(line, width, ASPHALT)
    canvas.strip(line, 3.0, (150, 160, 120))
    for side in (-1, 1):
        canvas.strip(line.offset_curve(side * (width / 2 - 3.0)), 0.9, MARKING)
        for lane in (5.4, 9.2):
            canvas.dashes(line.offset_curve(side * lane), 0.8, 6, 12, (180, 180, 178))


def _rails(canvas: Canvas, streets: gpd.GeoDataFrame) -> None:
    for track in inputs.records(streets[streets["kind"].isin(["tram", "rail"])]):
        canvas.strip(track.geometry, track.width_m, BALLAST)
        for middle in (-1.7, 1.7):
            for rail in (-0.72, 0.72):
                canvas.strip(track.geometry.offset_curve(middle + rail), 0.45, RAIL)


def _plinths(canvas: Canvas, buildings: gpd.GeoDataFrame) -> None:
    flat = buildings[buildings["roof_type"] == "flat"]
    canvas.fill(shapely.union_all(shapely.buffer(flat.geometry.to_numpy(), 1.3)), PAVING)
    canvas.fill(shapely.union_all(buildings.geometry.to_numpy()), (150, 146, 140))


def _textured(
    canvas: Canvas, places: gpd.GeoDataFrame, trees: gpd.GeoDataFrame, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Light and dark as grass and canopy have it, and soft shade under trees."""
    pixels = canvas.finished()
    shape = pixels.shape[:2]
    tone = 1 + 0.045 * gaussian_filter(_grain(shape, rng), 0.7) + 0.035 * _cloud(shape, rng)
    clumps = gaussian_filter(_grain(shape, rng), 2.2)
    forest = canvas.mask(shapely.union_all(places.geometry[places["land_use"] == "forest"].to_numpy()))
    tone += np.where(forest, 0.10 / clumps.std() * clumps, np.float32(0))
    tone -= 0.22 * np.clip(_shade(canvas, trees, shape), 0, 1)
    shaded: NDArray[np.uint8] = np.clip(pixels * tone[..., None], 0, 255).round().astype(np.uint8)
    return shaded


def _grain(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)


def _cloud(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Broad light and dark of unit spread, some 50 m wide: drawn coarsely, then stretched."""
    coarse = gaussian_filter(_grain((shape[0] // 20 + 1, shape[1] // 20 + 1), rng), 2.0)
    image = Image.fromarray(coarse / coarse.std())
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)


def _shade(canvas: Canvas, trees: gpd.GeoDataFrame, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Shade of the crowns, 0 to about 1."""
    shade = np.zeros(shape, np.float32)
    xy = shapely.get_coordinates(trees.geometry.to_numpy())
    column = np.clip((xy[:, 0] - canvas.west) / PIXEL_M, 0, shape[1] - 1).astype(int)
    row = np.clip((canvas.north - xy[:, 1]) / PIXEL_M, 0, shape[0] - 1).astype(int)
    np.add.at(shade, (row, column), trees["crown_diameter_m"].to_numpy(np.float32) ** 2 / 2)
    soft: NDArray[np.float32] = gaussian_filter(shade, 2.4)
    return soft
