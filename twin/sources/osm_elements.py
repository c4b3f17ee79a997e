"""Tagged areas of OpenStreetMap files: closed ways and multipolygon relations, as polygons in WGS84."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from shapely.geometry.base import BaseGeometry

from twin.errors import SourceError
from twin.sources.base import Finding
from twin.sources.columns import listed

KEYS = ("building", "building:part")
_OPEN = "the outline is not closed, or nodes of it are missing"


@dataclass(frozen=True)
class Element:
    """A way or relation that is an area. key : ``osm-way-123``."""

    key: str
    tags: dict[str, str]
    geometry: BaseGeometry


def read(path: Path) -> tuple[list[Element], list[Finding]]:
    """All building areas of a file, told by content; what cannot be assembled is listed.

    Raises
    ------
    SourceError : no OSM file, or a broken one.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith(b"{"):
        return _from_overpass(path)
    if b"OSMHeader" in head[:64]:
        kind = "pbf"
    elif head.startswith((b"\x1f\x8b", b"BZh")):
        kind = "osm.gz" if head.startswith(b"\x1f\x8b") else "osm.bz2"
    elif b"<osm" in head:
        kind = "osm"
    else:
        raise SourceError(
            "the file is no OpenStreetMap data", path, "Pass OSM XML, PBF or an answer of Overpass"
        )
    return _from_osmium(path, kind)


def _from_osmium(path: Path, kind: str) -> tuple[list[Element], list[Finding]]:
    elements: list[Element] = []
    lines: dict[int, Element] = {}  # building ways until their area comes
    relations: dict[int, list[int]] = {}
    assembled: set[int] = set()
    broken: list[str] = []
    try:
        processor = osmium.FileProcessor(osmium.io.File(str(path), kind)).with_locations()
        for item in processor.with_areas(osmium.filter.KeyFilter(*KEYS)):
            if item.is_area():
                if _tagged(item.tags) and item.num_rings()[0]:  # without rings where they cross
                    key = f"osm-{'way' if item.from_way() else 'relation'}-{item.orig_id()}"
                    elements.append(Element(key, dict(item.tags), _polygon_of(item)))
                    if item.from_way():
                        lines.pop(item.orig_id(), None)
                    else:
                        assembled.add(item.orig_id())
            elif item.is_way() and _tagged(item.tags):
                ring = [(node.lon, node.lat) for node in item.nodes if node.location.valid()]
                whole = item.is_closed() and len(ring) == len(item.nodes) and len(ring) > 3
                shape = shapely.Polygon(ring) if whole else shapely.Polygon()
                lines[item.id] = Element(f"osm-way-{item.id}", dict(item.tags), shape)
            elif item.is_relation() and item.tags.get("type") == "multipolygon" and _tagged(item.tags):
                relations[item.id] = [m.ref for m in item.members if m.type == "w" and m.role != "inner"]
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise SourceError(
            f"the file cannot be read as OpenStreetMap: {error}", path, "Download it again"
        ) from None
    members = {f"osm-way-{way}" for relation in assembled for way in relations.get(relation, ())}
    for line in lines.values():  # a ring that crosses itself makes no area; it is repaired later
        if line.geometry.is_empty:
            broken.append(line.key)
        else:
            elements.append(line)
    broken += [f"osm-relation-{relation}" for relation in relations.keys() - assembled]
    kept = [element for element in elements if element.key not in members]
    return kept, listed("left_out", path.name, broken, _OPEN)


def _tagged(tags: Any) -> bool:
    return any(key in tags for key in KEYS)


def _polygon_of(area: Any) -> BaseGeometry:
    polygons = []
    for outer in area.outer_rings():
        holes = [[(node.lon, node.lat) for node in ring] for ring in area.inner_rings(outer)]
        polygons.append(shapely.Polygon([(node.lon, node.lat) for node in outer], holes))
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _from_overpass(path: Path) -> tuple[list[Element], list[Finding]]:
    try:
        answer = json.loads(path.read_text("utf-8-sig"))
        items = answer["elements"]
        by_key = {(item["type"], item["id"]): item for item in items}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError(
            "the JSON is no answer of Overpass", path, "Query with [out:json] and out geom"
        ) from None
    remark = str(answer.get("remark", ""))
    if "error" in remark:
        raise SourceError(f"Overpass did not finish: {remark[:200]}", path, "Query again, or a smaller area")
    elements: list[Element] = []
    broken: list[str] = []
    members: set[str] = set()
    for (kind, number), item in by_key.items():
        tags = {str(key): str(value) for key, value in (item.get("tags") or {}).items()}
        if kind not in ("way", "relation") or not _tagged(tags):
            continue
        if kind == "relation" and tags.get("type") not in ("multipolygon", None):
            continue
        key = f"osm-{kind}-{number}"
        shape = _way_shape(item, by_key) if kind == "way" else _relation_shape(item, by_key)
        if shape is None:
            broken.append(key)
            continue
        elements.append(Element(key, tags, shape))
        members |= {f"osm-way-{m.get('ref')}" for m in item.get("members", ()) if m.get("role") != "inner"}
    kept = [element for element in elements if element.key not in members]
    return kept, listed("left_out", path.name, broken, _OPEN)


Items = Mapping[tuple[str, int], Mapping[str, Any]]


def _line(item: Mapping[str, Any], items: Items) -> list[tuple[float, float]]:
    """Longitudes and latitudes along a way, of its own or its nodes; empty where one is missing."""
    points = item.get("geometry") or [items.get(("node", node)) for node in item.get("nodes", ())]
    if any(point is None for point in points):
        return []
    try:
        return [(float(point["lon"]), float(point["lat"])) for point in points]
    except (KeyError, TypeError, ValueError):
        return []


def _way_shape(item: Mapping[str, Any], items: Items) -> BaseGeometry | None:
    line = _line(item, items)
    return shapely.Polygon(line) if len(line) > 3 and line[0] == line[-1] else None


def _relation_shape(item: Mapping[str, Any], items: Items) -> BaseGeometry | None:
    """Outer areas without the inner ones; None where a ring stays open."""
    rings: dict[str, list[list[tuple[float, float]]]] = {"outer": [], "inner": []}
    for member in item.get("members", ()):
        if member.get("type") == "way":
            whole = member if member.get("geometry") else items.get(("way", member.get("ref", 0)), {})
            role = "inner" if member.get("role") == "inner" else "outer"
            line = _line(whole, items)
            if len(line) < 2:
                return None
            rings[role].append(line)
    outer, inner = _areas(rings["outer"]), _areas(rings["inner"])
    if outer is None or outer.is_empty or inner is None:
        return None
    return outer.difference(inner)


def _areas(lines: Iterable[list[tuple[float, float]]]) -> BaseGeometry | None:
    """The union of the rings that the lines close; None where some line closes none."""
    parts = np.array([shapely.LineString(line) for line in lines], object)
    if not len(parts):
        return shapely.Polygon()
    polygons, cuts, dangles, invalid = shapely.polygonize_full(parts)
    if len(shapely.get_parts(cuts)) or len(shapely.get_parts(dangles)) or len(shapely.get_parts(invalid)):
        return None
    return shapely.union_all(shapely.get_parts(polygons))
