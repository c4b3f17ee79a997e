"""Names of coordinate reference systems in German geodata, and the way from them to EPSG:25832.

Heights are taken as they are: DHHN92 and DHHN2016 differ by centimetres in Thuringia.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from twin.errors import SourceError

Floats = NDArray[np.float64]

REMEDY = "Say the CRS with --crs, such as --crs EPSG:25832"
_TARGET = 25832
_GEOGRAPHIC_LIMIT = (180.0, 180.0)
_DEGREE_EDGE = 0.01
"""Edges of buildings are shorter than this in degrees (about 1 km), and longer in metres."""

_ADV_NAMES = {
    "ETRS89_UTM31": 25831, "ETRS89_UTM32": 25832, "ETRS89_UTM33": 25833, "ETRS89_LAT-LON": 4258,
    "DE_DHDN_3GK2": 31466, "DE_DHDN_3GK3": 31467, "DE_DHDN_3GK4": 31468, "DE_DHDN_3GK5": 31469,
    "DE_42-83_3GK4": 2398, "DE_42/83_3GK4": 2398, "DE_42-83_3GK5": 2399, "DE_42/83_3GK5": 2399,
    "DE_RD-83_3GK4": 3398, "DE_RD/83_3GK4": 3398, "DE_RD-83_3GK5": 3399, "DE_RD/83_3GK5": 3399,
}  # fmt: skip
_EPSG_FORMS = (
    re.compile(r"^(?:urn:(?:x-)?ogc:def:crs[,:](?:crs:)?)?epsg:(?:[\d.]*:)?(\d{4,6})(?![\d.])", re.I),
    re.compile(r"/def/crs/epsg/[\d.]+/(\d{4,6})", re.I),
    re.compile(r"epsg\.xml#(\d{4,6})$", re.I),
    re.compile(r"^(\d{4,6})$"),
)


@lru_cache(maxsize=64)
def parse(name: str) -> CRS | None:
    """The horizontal CRS of a name as found in files, or None where it is no name of one.

    Understood: AdV names (``urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016``), OGC URNs and addresses, also
    compound (``urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783``), ``EPSG:n``, ``n``, WKT and more.
    """
    text = name.strip()
    if not text:
        return None
    if text.lower().startswith("urn:adv:crs:"):
        code = _ADV_NAMES.get(text[12:].split("*")[0].upper())
        return None if code is None else CRS.from_epsg(code)
    for form in _EPSG_FORMS:
        if match := form.search(text):
            text = f"EPSG:{match[1]}"
            break
    try:
        found = CRS.from_user_input(text)
    except CRSError:
        return None
    if found.is_compound:
        found = found.sub_crs_list[0]
    return found if found.is_projected or found.is_geographic else None


def choose(stated: str | None, given: str | None, where: object) -> CRS:
    """The file's CRS: what it states, else what the user gives.

    Raises
    ------
    SourceError : neither says one, or what they say is not known.
    """
    if stated and (crs := parse(stated)) is not None:
        return crs
    if given:
        if (crs := parse(given)) is not None:
            return crs
        raise SourceError(f"'{given[:80]}' is no CRS that is known", where, REMEDY)
    if stated:
        raise SourceError(f"the file's CRS '{stated[:80]}' is not known", where, REMEDY)
    raise SourceError("the file names no CRS", where, REMEDY)


def label(crs: CRS) -> str:
    """Short name, such as ``EPSG:25833``."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)


def to_district(xy: Floats, crs: CRS, where: object) -> tuple[Floats, list[str]]:
    """Points in `crs` → EPSG:25832.

    Parameters
    ----------
    xy : shape (point, 2), consecutive points of outlines; finite. [m or degrees, as `crs` has it]
    crs : as by `parse`. The order of the axes is told from the values.
    where : the file, for the message.

    Returns
    -------
    xy : shape (point, 2), EPSG:25832. [m]
    notes : what was noticed: swapped axes, a zone in front of the easting, an odd place.

    Raises
    ------
    SourceError : the values contradict the CRS (degrees where metres are said, or the other way).
    """
    if not len(xy):
        return xy, []
    middle = np.median(xy, axis=0)
    if crs.is_projected:
        _refuse_degrees(xy, middle, crs, where)
        return _from_metres(xy, middle, crs)
    return _from_degrees(xy, middle, crs, where)


def _refuse_degrees(xy: Floats, middle: Floats, crs: CRS, where: object) -> None:
    if (np.abs(middle) > _GEOGRAPHIC_LIMIT).any():
        return
    edges = np.abs(np.diff(xy, axis=0)).max(axis=1)
    edges = edges[edges > 0]
    if len(edges) and np.median(edges) < _DEGREE_EDGE:
        raise SourceError(
            f"the coordinates ({middle[0]:.4f}, {middle[1]:.4f}) are degrees, but {label(crs)} is in metres",
            where,
            "Correct the CRS in the file, or convert the data",
        )


def _from_metres(xy: Floats, middle: Floats, crs: CRS) -> tuple[Floats, list[str]]:
    notes: list[str] = []
    zone = int(middle[0] // 1e6)
    if crs.to_epsg() == 25800 + zone and zone in (31, 32, 33):
        xy = xy - np.array([zone * 1e6, 0.0])
        notes.append(f"the zone {zone} in front of the eastings was taken off")
    elif not _inside(middle, crs) and _inside(middle[::-1], crs):
        xy = xy[:, ::-1]
        notes.append("the coordinates stand as north, east: they were swapped")
    result = _transform(xy, crs)
    middle = np.median(xy, axis=0)
    if not _inside(middle, crs):
        notes.append(f"the coordinates lie outside the area that {label(crs)} is made for: check the CRS")
    return result, notes


def _from_degrees(xy: Floats, middle: Floats, crs: CRS, where: object) -> tuple[Floats, list[str]]:
    if (np.abs(middle) > _GEOGRAPHIC_LIMIT).any() or np.abs(middle).min() > 90:
        raise SourceError(
            f"the coordinates ({middle[0]:.0f}, {middle[1]:.0f}) are no degrees, as {label(crs)} says",
            where,
            "Correct the CRS in the file, or convert the data",
        )
    latitude_first = crs.axis_info[0].direction == "north"
    as_said = middle[::-1] if latitude_first else middle
    swap = latitude_first if _in_europe(as_said) or not _in_europe(as_said[::-1]) else not latitude_first
    return _transform(xy[:, ::-1] if swap else xy, crs), []


def _in_europe(lon_lat: Floats) -> bool:
    return bool(-32 <= lon_lat[0] <= 45 and 33 <= lon_lat[1] <= 82)


@lru_cache(maxsize=64)
def _transformer(crs: CRS, target: int) -> Transformer:
    return Transformer.from_crs(crs, target, always_xy=True)


def _transform(xy: Floats, crs: CRS) -> Floats:
    if crs.to_epsg() == _TARGET:
        return np.ascontiguousarray(xy)
    return np.column_stack(_transformer(crs, _TARGET).transform(xy[:, 0], xy[:, 1]))


def _inside(xy: Floats, crs: CRS) -> bool:
    """Whether a point lies in the area of use of a projected CRS, or near it."""
    area = crs.area_of_use
    if area is None:
        return True
    lon, lat = _transformer(crs, 4326).transform(xy[0], xy[1])
    margin = 5.0
    return bool(
        area.west - margin <= lon <= area.east + margin and area.south - margin <= lat <= area.north + margin
    )
