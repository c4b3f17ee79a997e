"""Buildings and parts of a CityJSON document: facts and polygons."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.sources import codes
from twin.sources.base import Finding
from twin.sources.citygml_building import MAX_TEXT, number, year
from twin.sources.store import FOOTPRINT, PLAIN, TYPE_NUMBER, Record, Ring, Store

Json = dict[str, Any]
Floats = NDArray[np.float64]
_OPENINGS = {"Window": TYPE_NUMBER["WallSurface"], "Door": TYPE_NUMBER["WallSurface"]}
_DEPTH = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
"""Levels of nesting above the list of surfaces."""
_USED = frozenset(
    {"measuredHeight", "storeysAboveGround", "yearOfConstruction", "roofType", "function", "name", "address"}
)
_ADDRESS_FIELDS = {
    "street": ("ThoroughfareName", "thoroughfareName", "street", "Street"),
    "house_number": ("ThoroughfareNumber", "thoroughfareNumber", "HouseNumber", "houseNumber", "number"),
    "postcode": ("PostalCode", "PostalCodeNumber", "postalCode", "Postcode", "postcode"),
    "city": ("LocalityName", "localityName", "Locality", "City", "city"),
}


class BrokenObjectError(ValueError):
    """An object cannot be read; it is left out."""


@dataclass(frozen=True)
class Templates:
    """Geometry templates: geometries, and their own vertices of shape (vertex, 3)."""

    geometries: list[Json]
    vertices: Floats


@dataclass
class _Thing:
    """A building or part: its facts, and its polygons at the best level of detail."""

    name: str
    facts: Json
    lod: float = math.nan
    faces: list[tuple[list[Ring], int]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def add_buildings(
    objects: dict[str, Any],
    vertices: Floats,
    templates: Templates | None,
    store: Store,
    file: str,
    findings: list[Finding],
) -> None:
    """Add the buildings among `objects` to the store; broken ones become findings.

    Parameters
    ----------
    vertices : shape (vertex, 3), transformed. [CRS of the file]
    """
    known = {name: value for name, value in objects.items() if isinstance(value, dict)}
    part_of = _part_owners(known)
    for name, value in known.items():
        is_building = value.get("type") == "Building"
        is_orphan = value.get("type") == "BuildingPart" and name not in part_of
        if not (is_building or is_orphan):
            continue
        mark = store.mark()
        try:
            cut = _add_building(name, known, part_of, vertices, templates, store)
            findings += [
                Finding("repaired", file, name, f"the attribute '{key[:80]}' was cut: it was too long")
                for key in cut
            ]
        except BrokenObjectError as error:
            store.rollback(mark)
            findings.append(Finding("left_out", file, name, str(error)))


def _part_owners(objects: dict[str, Json]) -> dict[str, str]:
    """Building of each part, told from children and from parents; also of parts of parts."""
    owner: dict[str, str] = {}
    for name, value in objects.items():
        for child in _names(value.get("children")):
            if objects.get(child, {}).get("type") == "BuildingPart":
                owner.setdefault(child, name)
        parents = _names(value.get("parents"))
        if value.get("type") == "BuildingPart" and parents and parents[0] in objects:
            owner.setdefault(name, parents[0])
    for name in owner:
        seen = {name}
        while (up := owner[name]) in owner and up not in seen:
            seen.add(up)
            owner[name] = owner[up]
    return {name: top for name, top in owner.items() if objects[top].get("type") == "Building"}


def _names(value: object) -> list[str]:
    return [name for name in _list(value) if isinstance(name, str)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _add_building(
    name: str,
    objects: dict[str, Json],
    part_of: dict[str, str],
    vertices: Floats,
    templates: Templates | None,
    store: Store,
) -> list[str]:
    """Add one building with its parts; the names of attributes that were cut."""
    whole = _thing(name, objects[name], vertices, templates)
    parts = [_thing(part, objects[part], vertices, templates) for part in _parts(name, objects, part_of)]
    best = max((_rank(part.lod) for part in parts), default=-math.inf)
    record = _record(whole, parts)
    store.add_building(record)
    lods = [_add_faces(part, store, store.add_part(_part_record(part))) for part in parts]
    if _rank(whole.lod) >= best:
        lods.append(_add_faces(whole, store, -1))
    known = [lod for lod in lods if not math.isnan(lod)]
    record["lod"] = f"{max(known):g}" if known else None
    return [key for thing in (whole, *parts) for key in thing.cut]


def _parts(name: str, objects: dict[str, Json], part_of: dict[str, str]) -> list[str]:
    children = [child for child in _names(objects[name].get("children")) if part_of.get(child) == name]
    others = [part for part, top in part_of.items() if top == name] if len(children) < len(part_of) else []
    return list(dict.fromkeys(children + others))


def _add_faces(thing: _Thing, store: Store, part: int) -> float:
    label = None
    added = [store.add_polygon(rings, number_, label, part) for rings, number_ in thing.faces]
    return thing.lod if any(added) else math.nan


# ---------------------------------------------------------------------------------------------- geometry
def _thing(name: str, value: Json, vertices: Floats, templates: Templates | None) -> _Thing:
    stated = value.get("attributes")
    facts = stated if isinstance(stated, dict) else {}
    short = {key[:200]: _cut(item) for key, item in facts.items()}
    thing = _Thing(name, short | _address_of(value))
    thing.cut = [key for key, item in facts.items() if short[key[:200]] is not item]
    geometries = [item for item in _list(value.get("geometry")) if isinstance(item, dict)]
    by_lod: dict[float, list[tuple[Json, Floats]]] = {}
    for geometry in geometries:
        shape, points = _instance(geometry, vertices, templates)
        if str(shape.get("type")) in _DEPTH:
            by_lod.setdefault(_lod(shape), []).append((shape, points))
    for lod in sorted(by_lod, key=_rank, reverse=True):
        thing.faces = [
            face for shape, points in by_lod[lod] for face in _faces(shape, points, outline=lod < 1)
        ]
        thing.lod = lod
        if thing.faces:
            break
    return thing


def _lod(geometry: Json) -> float:
    try:
        return float(geometry.get("lod", 1))
    except (TypeError, ValueError):
        return 1.0


def _rank(lod: float) -> float:
    """Best level of detail first: up to 2.x, then finer ones, outlines last."""
    if math.isnan(lod):
        return -math.inf
    return lod if 1 <= lod < 3 else -lod if lod >= 3 else -100 + lod


def _instance(geometry: Json, vertices: Floats, templates: Templates | None) -> tuple[Json, Floats]:
    """The geometry and its vertices; for an instance of a template, moved to its place."""
    if geometry.get("type") != "GeometryInstance":
        return geometry, vertices
    try:
        assert templates is not None
        template = templates.geometries[geometry["template"]]
        matrix = np.array(geometry["transformationMatrix"], float).reshape(4, 4)
        anchor = vertices[geometry["boundaries"][0]]
    except (AssertionError, KeyError, IndexError, TypeError, ValueError):
        raise BrokenObjectError("its geometry template cannot be found") from None
    points = np.column_stack([templates.vertices, np.ones(len(templates.vertices))]) @ matrix.T
    return template, points[:, :3] / points[:, 3:] + anchor


def _faces(geometry: Json, vertices: Floats, *, outline: bool) -> list[tuple[list[Ring], int]]:
    """Polygons with the number of their type; of solids the outer shell."""
    semantics = geometry.get("semantics")
    semantics = semantics if isinstance(semantics, dict) else {}
    kinds = [_kind(surface) for surface in _list(semantics.get("surfaces"))]
    depth = _DEPTH[geometry["type"]]
    found: list[tuple[list[Ring], int]] = []
    for surface, value in _surfaces(geometry.get("boundaries"), semantics.get("values"), depth):
        known = kinds[value] if isinstance(value, int) and 0 <= value < len(kinds) else PLAIN
        kind = FOOTPRINT if outline else known
        found.append(([_ring(ring, vertices) for ring in surface], kind))
    return found


def _kind(surface: object) -> int:
    name = surface.get("type") if isinstance(surface, dict) else None
    return TYPE_NUMBER.get(str(name), _OPENINGS.get(str(name), PLAIN))


def _surfaces(boundaries: object, values: object, depth: int) -> Iterator[tuple[list[Any], object]]:
    """Surfaces and their semantic values; the shells behind the first one are hollows inside."""
    if not isinstance(boundaries, list):
        raise BrokenObjectError("its boundaries cannot be read")
    if depth == 1:
        boundaries, values = boundaries[:1], values[:1] if isinstance(values, list) else None
    for position, item in enumerate(boundaries):
        value = values[position] if isinstance(values, list) and position < len(values) else None
        if depth:
            yield from _surfaces(item, value, depth - 1)
        elif isinstance(item, list):
            yield item, value


def _ring(ring: object, vertices: Floats) -> list[float]:
    try:
        index = np.array(ring)
        if index.dtype.kind not in "iu" or index.ndim != 1 or index.min() < 0:
            raise BrokenObjectError("a ring is no list of vertex numbers")
        return [float(value) for value in vertices[index].ravel()]
    except (IndexError, ValueError, TypeError, OverflowError):
        raise BrokenObjectError("a ring names a vertex that does not exist") from None


# ---------------------------------------------------------------------------------------------- facts
def _record(whole: _Thing, parts: list[_Thing]) -> Record:
    """The schema's columns of a building; what it lacks itself is taken from its parts where they agree."""
    every = [whole, *parts]
    functions = next((found for thing in every if (found := _texts(thing.facts.get("function")))), [])
    record: Record = {"building_id": whole.name, "name": _text(whole.facts.get("name"))}
    record["function_code"] = functions[0] if functions else None
    record["function"] = codes.function(record["function_code"])
    record["function_source"] = "given:cityjson" if record["function"] else None
    record |= _roof(whole, parts)
    heights = _numbers(every, "measuredHeight", 0.1, 1000.0)
    storeys = _numbers(every, "storeysAboveGround", 1, 200)
    years = [year(str(thing.facts.get("yearOfConstruction", ""))) for thing in every]
    record["measured_height_m"] = heights[0] if not math.isnan(heights[0]) else _most(heights)
    record["storeys_above_ground"] = storeys[0] if not math.isnan(storeys[0]) else _most(storeys)
    record["storeys_source"] = None if math.isnan(record["storeys_above_ground"]) else "given:cityjson"
    of_parts = {value for value in years if not math.isnan(value)}
    agreed = of_parts.pop() if len(of_parts) == 1 else math.nan
    record["year_of_construction"] = years[0] if not math.isnan(years[0]) else agreed
    record["year_source"] = None if math.isnan(record["year_of_construction"]) else "given:cityjson"
    addresses = [address for thing in every for address in thing.facts.get("address", [])]
    record |= _main_address(addresses)
    record["attributes"] = _rest(whole.facts, functions, addresses)
    return record


def _part_record(part: _Thing) -> Record:
    code = _text(part.facts.get("roofType"))
    functions = _texts(part.facts.get("function"))
    return {
        "part_id": part.name,
        "roof_type_code": code,
        "roof_type": codes.roof_type(code),
        "measured_height_m": _numbers([part], "measuredHeight", 0.1, 1000.0)[0],
        "storeys_above_ground": _numbers([part], "storeysAboveGround", 1, 200)[0],
        "function_code": functions[0] if functions else None,
    }


def _roof(whole: _Thing, parts: list[_Thing]) -> Record:
    code = _text(whole.facts.get("roofType"))
    kind = codes.roof_type(code)
    if kind is None:
        found = {part_code for part in parts if (part_code := _text(part.facts.get("roofType")))}
        kinds = {codes.roof_type(part_code) for part_code in found}
        code = next(iter(found)) if len(found) == 1 else None
        kind = None if not kinds else next(iter(kinds)) if len(kinds) == 1 else "mixed"
    return {
        "roof_type_code": code,
        "roof_type": kind,
        "roof_type_source": "given:cityjson" if kind else None,
    }


def _numbers(things: list[_Thing], name: str, least: float, most: float) -> list[float]:
    return [number(str(thing.facts.get(name, "")), least, most) for thing in things]


def _most(values: list[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def _text(value: object) -> str | None:
    return str(value).strip()[:MAX_TEXT] or None if isinstance(value, str | int | float) else None


def _texts(value: object) -> list[str]:
    """A code, or several in a list."""
    values = value if isinstance(value, list) else [value]
    return [text for item in values if (text := _text(item))]


def _address_of(value: Json) -> Json:
    """Addresses as a list: CityJSON 1.0 has one object, later versions a list, some files an attribute."""
    attributes = value.get("attributes")
    raw = value.get("address") or (attributes.get("address") if isinstance(attributes, dict) else None)
    items = raw if isinstance(raw, list) else [raw]
    found = [_address(item) for item in items if isinstance(item, dict)]
    return {"address": [address for address in found if address]}


def _address(item: Json) -> dict[str, str]:
    """Street, number, postcode and town of an address, flat or nested as xAL."""
    flat: Json = {}
    waiting: list[object] = [item]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, dict):
            flat = {key: text for key, value in node.items() if (text := _text(value))} | flat
            waiting += [value for key, value in node.items() if key not in ("location", "boundaries")]
    found = {}
    for column, names in _ADDRESS_FIELDS.items():
        value = next((flat[name] for name in names if name in flat), None)
        if value:
            found[column] = value
    return found


def _main_address(addresses: list[dict[str, str]]) -> Record:
    """The first address with a street; all numbers in this street."""
    if not addresses:
        return {}
    main = next((address for address in addresses if "street" in address), addresses[0])
    same = [
        a["house_number"] for a in addresses if a.get("street") == main.get("street") and "house_number" in a
    ]
    record: Record = {key: main.get(key) for key in ("street", "postcode", "city")}
    record["house_number"] = ", ".join(dict.fromkeys(same)) or None
    return record


def _rest(facts: Json, functions: list[str], addresses: list[dict[str, str]]) -> str | None:
    """Attributes that the schema has no column for, as a JSON object."""
    extra = {name: value for name, value in facts.items() if name not in _USED and value is not None}
    if len(functions) > 1:
        extra["functions"] = functions
    if len(addresses) > 1:
        extra["addresses"] = addresses
    return json.dumps(extra, ensure_ascii=False) if extra else None


def _cut(value: object) -> object:
    """The value, or its beginning where it is longer than texts may be."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= MAX_TEXT else text[:MAX_TEXT]
