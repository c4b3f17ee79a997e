"""Polygons of CityGML buildings: the best level of detail, semantic and plain surfaces, links resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from twin.sources.citygml_tags import HREF, LOCAL, LOD, Element, gml_id
from twin.sources.store import FOOTPRINT, PLAIN, TYPE_NUMBER, Ring

LOD_ORDER = (2, 1, 3, 4, 0)
"""Best first: up to LoD2, finer ones only where there is nothing else, outlines last."""

_POLYGONS = frozenset({"Polygon", "PolygonPatch", "Triangle", "Rectangle"})
_POLYGON_TAGS = tuple(f"{{*}}{name}" for name in sorted(_POLYGONS))
_OPENINGS = frozenset({"opening", "fillingSurface"})
_MAX_LINKS = 8
"""Links from link to link are followed this far."""


class BrokenGeometryError(ValueError):
    """The numbers of a building cannot be read; the building is left out."""


@dataclass(slots=True)
class Face:
    """A polygon: rings, type number of `twin.sources.store`, id of the surface and of the polygon itself."""

    rings: list[Ring]
    type_number: int
    surface_id: str | None
    polygon_id: str | None


@dataclass
class Shell:
    """The geometry of one building or part, by level of detail; elements only, nothing is parsed yet."""

    semantic: dict[int, list[tuple[int, str | None, Element]]] = field(default_factory=dict)
    plain: dict[int, list[Element]] = field(default_factory=dict)

    @property
    def lods(self) -> list[int]:
        """Levels of detail at hand, best first."""
        return [lod for lod in LOD_ORDER if lod in self.semantic or lod in self.plain]

    def add(self, element: Element, name: str) -> None:
        """Take note of a geometry property or a boundary of the building."""
        if name in ("boundedBy", "boundary"):
            for surface in element:
                if (number := TYPE_NUMBER.get(LOCAL[surface.tag])) is not None:
                    self._add_boundary(surface, number, gml_id(surface))
        elif (lod := LOD[name]) >= 0:
            self.plain.setdefault(lod, []).append(element)

    def _add_boundary(self, surface: Element, number: int, name: str | None) -> None:
        for node in surface:
            local = LOCAL[node.tag]
            if (lod := LOD[local]) >= 0:
                self.semantic.setdefault(lod, []).append((number, name, node))
            elif local in _OPENINGS:
                for filling in node:
                    self._add_boundary(filling, number, gml_id(filling))


class Links:
    """The elements of one building by gml:id, looked up only when a link asks."""

    def __init__(self, building: Element) -> None:
        self._building = building
        self._by_id: dict[str, Element] | None = None
        self.lost = 0
        self.has_reversed = next(building.iter("{*}OrientableSurface"), None) is not None

    def resolve(self, href: str) -> Element | None:
        """The element that `href` (``#id``) leads to; None and counted where it is not in the building."""
        if self._by_id is None:
            named = ((gml_id(node), node) for node in self._building.iter())
            self._by_id = {name: node for name, node in named if name}
        found = self._by_id.get(href.rpartition("#")[2])
        self.lost += found is None
        return found


def faces(shell: Shell, lod: int, links: Links) -> tuple[list[Face], bool]:
    """The polygons of one level of detail, each once, and whether their coordinates are flat (2D).

    Semantic surfaces come first; polygons of solids and multi-surfaces are added where they are not the same.
    A solid that names a semantic polygon reversed turns it.

    Raises
    ------
    BrokenGeometryError : numbers that are none.
    """
    if lod == 0:
        return _outlines(shell.plain.get(0, []), links)
    result: list[Face] = []
    by_id: dict[str, Face] = {}
    flat = False
    for number, name, node in shell.semantic.get(lod, []):
        inside = _simple_polygons(node) or list(_polygons(node, False, links))
        for position, (polygon, turned) in enumerate(inside):
            polygon_id = gml_id(polygon)
            if polygon_id in by_id:
                continue
            label = polygon_id if name is None else name if len(inside) == 1 else f"{name}:{position + 1}"
            rings, is_flat = _rings(polygon, turned)
            flat |= is_flat
            face = Face(rings, number, label, polygon_id)
            result.append(face)
            if polygon_id:
                by_id[polygon_id] = face
    known = None
    for node in shell.plain.get(lod, []):
        if by_id and not links.has_reversed and _only_repeats(node, by_id):
            continue
        for target, turned in _hits(node, False):
            same = by_id.get(target.rpartition("#")[2]) if isinstance(target, str) else None
            if same is not None:
                if turned and same.type_number != PLAIN:
                    same.rings = [_reversed(ring) for ring in same.rings]
                continue
            for polygon, turn in _expanded(target, turned, links, 0):
                polygon_id = gml_id(polygon)
                if polygon_id in by_id:
                    continue
                rings, is_flat = _rings(polygon, turn)
                flat |= is_flat
                known = {_key(face.rings) for face in result} if known is None else known
                if (key := _key(rings)) in known:
                    continue
                known.add(key)
                face = Face(rings, PLAIN, polygon_id, polygon_id)
                result.append(face)
                if polygon_id:
                    by_id[polygon_id] = face
    return result, flat


def _simple_polygons(node: Element) -> list[tuple[Element, bool]]:
    """The polygons of the usual form property/MultiSurface/surfaceMember/Polygon; empty for any other."""
    result = []
    for surface in node:
        if LOCAL[surface.tag] != "MultiSurface":
            return []
        for member in surface:
            if len(member) != 1 or LOCAL[member[0].tag] != "Polygon":
                return []
            result.append((member[0], False))
    return result


def _only_repeats(node: Element, by_id: dict[str, Face]) -> bool:
    """Whether a solid holds nothing but links to polygons that are known."""
    if next(node.iter(*_POLYGON_TAGS), None) is not None:
        return False
    links = (href for item in node.iter() if (href := item.get(HREF)))
    return all(href.rpartition("#")[2] in by_id for href in links)


def _outlines(nodes: list[Element], links: Links) -> tuple[list[Face], bool]:
    result = []
    flat = False
    for node in nodes:
        for polygon, turned in _polygons(node, False, links):
            rings, is_flat = _rings(polygon, turned)
            flat |= is_flat
            result.append(Face(rings, FOOTPRINT, None, None))
    return result, flat


def _hits(node: Element, turned: bool) -> Iterator[tuple[Element | str, bool]]:
    """Polygons and links below `node`, and whether they stand reversed."""
    for item in node:
        local = LOCAL[item.tag]
        if local in _POLYGONS:
            yield item, turned
        elif href := item.get(HREF):
            yield href, turned
        elif local == "interior":  # a hollow inside a solid
            continue
        elif local == "OrientableSurface" and item.get("orientation") == "-":
            yield from _hits(item, not turned)
        else:
            yield from _hits(item, turned)


def _polygons(node: Element, turned: bool, links: Links) -> Iterator[tuple[Element, bool]]:
    href = node.get(HREF)
    if href:
        yield from _expanded(href, turned, links, 0)
    for target, turn in _hits(node, turned):
        yield from _expanded(target, turn, links, 0)


def _expanded(
    target: Element | str, turned: bool, links: Links, depth: int
) -> Iterator[tuple[Element, bool]]:
    """The polygons that a hit means, links followed."""
    if not isinstance(target, str):
        yield target, turned
        return
    element = links.resolve(target) if depth < _MAX_LINKS else None
    if element is None:
        return
    local = LOCAL[element.tag]
    if local in _POLYGONS:
        yield element, turned
        return
    turned ^= local == "OrientableSurface" and element.get("orientation") == "-"
    for inner, turn in _hits(element, turned):
        yield from _expanded(inner, turn, links, depth + 1)


def _rings(polygon: Element, turned: bool) -> tuple[list[Ring], bool]:
    """Rings of a polygon, exterior first, and whether they are flat."""
    exterior: list[Ring] = []
    interior: list[Ring] = []
    flat = False
    for node in polygon:
        local = LOCAL[node.tag]
        into = exterior if local in ("exterior", "outerBoundaryIs") else interior
        if local not in ("exterior", "interior", "outerBoundaryIs", "innerBoundaryIs"):
            continue
        for ring in node:
            numbers = _numbers(ring)
            dimension = _dimension(numbers)
            if dimension == 2:
                flat = True
                numbers = [value for i in range(0, len(numbers), 2) for value in (*numbers[i : i + 2], 0.0)]
            into.append(_reversed(numbers) if turned else numbers)
    return (exterior[:1] + interior if exterior else []), flat


def _numbers(ring: Element) -> list[float]:
    """Coordinates of a LinearRing: posList, pos, pointProperty or coordinates."""
    if len(ring) == 1 and LOCAL[ring[0].tag] == "posList":
        text = ring[0].text or ""
    else:
        lists = (
            node.text or "" for node in ring.iter() if LOCAL[node.tag] in ("posList", "pos", "coordinates")
        )
        text = " ".join(lists).replace(",", " ")
    try:
        result = list(map(float, text.split()))
    except ValueError as error:
        raise BrokenGeometryError(f"a coordinate is no number ({str(error)[-60:]})") from None
    if "_" in text:  # Python's own way to group digits
        raise BrokenGeometryError("a coordinate is no number (it holds an underscore)")
    return result


def _dimension(numbers: list[float]) -> int:
    """2 or 3, told from which way the ring closes: files often leave out or misstate srsDimension."""
    count = len(numbers)
    if count % 3 == 0 and (count % 2 or numbers[:3] == numbers[-3:] or numbers[:2] != numbers[-2:]):
        return 3
    if count % 2 == 0:
        return 2
    raise BrokenGeometryError(f"a ring has {count} numbers, which are neither 2D nor 3D points")


def _reversed(ring: Ring) -> Ring:
    return [value for i in range(len(ring) - 3, -1, -3) for value in ring[i : i + 3]]


def _key(rings: list[Ring]) -> frozenset[tuple[float, ...]]:
    """The same for the same polygon, wherever its ring starts and however it turns."""
    ring = rings[0] if rings else []
    return frozenset(tuple(round(v, 4) for v in ring[i : i + 3]) for i in range(0, len(ring), 3))
