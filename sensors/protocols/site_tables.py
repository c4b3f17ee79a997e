"""Jena's lists of tree sites with soil sensors and of their daily values, as its hackathon had them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from sensors.local_time import BERLIN, DAY_US, after, utc_us
from sensors.protocols import site_files
from sensors.protocols.file_content import Collector, FileContent, Reading
from sensors.protocols.meter_times import OLDEST
from sensors.protocols.moments import parse_moment
from sensors.things import StreamSpec, ThingSpec
from sensors.times import to_us
from twin.errors import SourceError
from twin.facts_map import header_word
from twin.facts_values import is_empty, parse_number, parse_text
from twin.sources import crs as crs_
from twin.spreadsheet import Cell, Sheet

T = TypeVar("T")

_PLACE = (("rechtswert", "hochwert"), ("east", "north"), ("x", "y"))
_DEGREES = (("lon4326", "lat4326"), ("longitude", "latitude"), ("lon", "lat"))
_LEFT_OUT = (
    "thegeom",
    "geomoriginal",
    "geom4326",
    "geom4326json",
    "geom4326jsonbbox",
    "rechtswert",
    "hochwert",
    "lon4326",
    "lat4326",
)


def told(sheet: Sheet) -> Literal["sites", "values"] | None:
    """Whether a table is a list of sites, of daily values by site, or something else."""
    words = _words(sheet)
    if "gid" not in words:
        return None
    if {"datum", "wert"} <= set(words):
        return "values"
    pairs = (*_PLACE, *_DEGREES)
    return "sites" if any(a in words and b in words for a, b in pairs) and "datum" not in words else None


def _words(sheet: Sheet) -> list[str]:
    return [header_word(cell) for cell in sheet.rows[0]] if sheet.rows else []


def read_sites(sheet: Sheet, path: Path, crs: str | None) -> FileContent:
    """Sites with their trees. crs : of coordinates in metres; EPSG:25832 without it, as Jena's lists have it.

    Raises
    ------
    SourceError : no site has a place.
    """
    said = Collector(path.name)
    words = _words(sheet)
    # In small letters, as Jena writes them: exports of other programs have "GID" and "Strasse".
    names = [str(cell).strip().casefold() for cell in sheet.rows[0]]
    rows: list[tuple[int, dict[str, Cell], tuple[float, float]]] = []
    metres = False
    for number, row in enumerate(sheet.rows[1:], start=2):
        cells = dict(zip(words, row, strict=False))
        if all(is_empty(cell) for cell in row):
            continue
        if is_empty(cells.get("gid")):
            said.refuse(number, "it has no gid", "Number the sites")
            continue
        try:
            point, in_metres = _point(cells)
        except ValueError as error:
            said.refuse(number, str(error), "Correct the coordinates")
            continue
        metres |= in_metres
        rows.append((number, cells, point))
    if not rows:
        first = said.refused[0].line() if said.refused else "it has no rows"
        raise SourceError(
            f"no site has a place: {first}", path, "Give rechtswert and hochwert, or lon and lat"
        )
    points = np.array([point for _, _, point in rows])
    if metres:
        points = _degrees(points, crs or "EPSG:25832", path)
    keep = {word: name for word, name in zip(words, names, strict=True) if word not in _LEFT_OUT}
    things = tuple(
        _site(cells, keep, place, path) for (_, cells, _), place in zip(rows, points.tolist(), strict=True)
    )
    return FileContent(things, refused=tuple(said.refused), notes=tuple(said.notes))


def _point(cells: Mapping[str, Cell]) -> tuple[tuple[float, float], bool]:
    """Coordinates of a row; whether they are in metres."""
    for pairs, in_metres in ((_PLACE, True), (_DEGREES, False)):
        for a, b in pairs:
            if not is_empty(cells.get(a)) and not is_empty(cells.get(b)):
                x, y = _coordinate(cells[a]), _coordinate(cells[b])
                if not in_metres and not (abs(x) <= 180 and abs(y) <= 90):
                    raise ValueError(f"{x:g}, {y:g} are no degrees")
                return (x, y), in_metres and not (abs(x) <= 180 and abs(y) <= 90)
    raise ValueError("it has no coordinates")


def _coordinate(cell: Cell) -> float:
    """ "684988,059", "684988.059" and 684988.059 are the same: coordinates have no thousands' marks."""
    text = str(cell).strip()
    try:
        number = parse_number(text.replace(",", "."), ".")
    except ValueError:
        number = None
    if number is None:
        raise ValueError(f"{text[:40]!r} is no coordinate")
    return number


def _degrees(points: np.ndarray[Any, Any], crs: str, path: Path) -> np.ndarray[Any, Any]:
    import pyproj

    source = crs_.choose(None, crs, path)
    longitude, latitude = pyproj.Transformer.from_crs(source, 4326, always_xy=True).transform(
        points[:, 0], points[:, 1]
    )
    out = np.column_stack([longitude, latitude])
    if not (np.isfinite(out).all() and (np.abs(out[:, 0]) <= 180).all() and (np.abs(out[:, 1]) <= 90).all()):
        raise SourceError(
            f"the coordinates are none of {crs}", path, "Say the CRS with --crs, such as EPSG:25832"
        )
    return out


def _site(cells: Mapping[str, Cell], keep: Mapping[str, str], place: list[float], path: Path) -> ThingSpec:
    known = {name: text for word, name in keep.items() if (text := parse_text(cells.get(word))) is not None}
    key = known.pop(keep["gid"])
    name = known.get("standort") or known.get("strasse") or f"Site {key}"
    geometry = {"type": "Point", "coordinates": [round(place[0], 9), round(place[1], 9)]}
    spec = site_files.site(key, name, geometry, known, path)
    return ThingSpec(**{**spec.__dict__, "streams": (site_files.soil_moisture_stream(),)})


def read_values(sheet: Sheet, path: Path, now: int) -> FileContent:
    """Daily values of soil moisture by site.

    Raises
    ------
    SourceError : no row can be used.
    """
    said = Collector(path.name)
    words = _words(sheet)
    stream = site_files.soil_moisture_stream()
    readings = []
    for number, row in enumerate(sheet.rows[1:], start=2):
        if all(is_empty(cell) for cell in row):
            continue
        try:
            readings.append(_reading(dict(zip(words, row, strict=False)), number, stream, now))
        except ValueError as error:
            said.refuse(number, str(error), "Correct the row")
    kept = said.once(readings)
    if not kept:
        first = said.refused[0].line() if said.refused else "it has no rows"
        raise SourceError(f"no row can be used: {first}", path, "Export the list again")
    said.note("the file names no unit: values were taken for soil moisture in per cent, an assumption")
    keys = dict.fromkeys(reading.thing for reading in kept)
    things = tuple(
        ThingSpec(site_files.SITES, key, f"Site {key}", kind="soil_moisture", streams=(stream,))
        for key in keys
    )
    return FileContent(things, tuple(kept), tuple(said.refused), tuple(said.notes), bare=True)


def _reading(cells: Mapping[str, Cell], number: int, stream: StreamSpec, now: int) -> Reading:
    key = parse_text(cells.get("gid"))
    if key is None:
        raise ValueError("it has no gid")
    moment = _of(cells, "datum", parse_moment)
    value = _of(cells, "wert", _value)
    if value is None or not np.isfinite(value):
        raise ValueError("it has no value")
    start = utc_us(moment.local, moment.zone or BERLIN)
    if start > now + DAY_US:
        raise ValueError("the time lies in the future")
    if start < to_us(OLDEST.replace(tzinfo=UTC)):
        raise ValueError(f"the time lies before {OLDEST.year}")
    end = utc_us(after(moment.local, "day"), BERLIN) if moment.local.hour == 0 else None
    rest = {
        word: _of(cells, word, parse_number)
        for word, cell in cells.items()
        if word in ("prioritaet", "ausschluss") and isinstance(cell, str | int | float) and not is_empty(cell)
    }
    return Reading(key, stream.key, number, start, value, end, rest or None)


def _of(cells: Mapping[str, Cell], word: str, parse: Callable[[Cell], T]) -> T:
    """The value of a cell; what is wrong with it is said with its column and what stands there."""
    cell = cells.get(word)
    try:
        return parse(cell)
    except ValueError as error:
        raise ValueError(f"{word}: {str(cell)[:40]!r} {error}") from None


def _value(cell: Cell) -> float | None:
    """ "37,5" and "37.5" are the same: soil moisture has no thousands."""
    return parse_number(cell, "," if "," in str(cell) else ".")


def sheets_told(sheets: Sequence[Sheet]) -> tuple[Sheet, Literal["sites", "values"]] | None:
    """The first sheet that is one of Jena's lists."""
    for sheet in sheets:
        if (kind := told(sheet)) is not None:
            return sheet, kind
    return None
