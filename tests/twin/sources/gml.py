"""CityGML written by hand for tests: a house of 10 m × 8 m with walls of 6 m, in EPSG:25832 near Lobeda."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Point = tuple[float, float, float]

WEST, SOUTH, BASE = 683_000.0, 5_640_000.0, 160.0
LENGTH, WIDTH, HEIGHT = 10.0, 8.0, 6.0
SRS = "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH"
NAMES = ("ground", "roof", "south", "east", "north", "west")
TYPES = {"ground": "GroundSurface", "roof": "RoofSurface"}


def faces(
    west: float = WEST, south: float = SOUTH, base: float = BASE, height: float = HEIGHT
) -> dict[str, list[Point]]:
    """The six faces of the house, outward by the right-hand rule, closed."""
    a, b = (west, south), (west + LENGTH, south)
    c, d = (west + LENGTH, south + WIDTH), (west, south + WIDTH)
    top = base + height
    result: dict[str, list[Point]] = {
        "ground": [(*a, base), (*d, base), (*c, base), (*b, base)],
        "roof": [(*a, top), (*b, top), (*c, top), (*d, top)],
    }
    for name, (p, q) in zip(NAMES[2:], ((a, b), (b, c), (c, d), (d, a)), strict=True):
        result[name] = [(*p, base), (*q, base), (*q, top), (*p, top)]
    return {name: [*ring, ring[0]] for name, ring in result.items()}


def numbers(ring: Sequence[Sequence[float]]) -> str:
    """Coordinates as GML writes them."""
    return " ".join(
        f"{value:.3f}" if value > 1000 else repr(float(value)) for point in ring for value in point
    )


def polygon(
    ring: Sequence[Sequence[float]],
    name: str = "",
    holes: Sequence[Sequence[Sequence[float]]] = (),
    by: str = "posList",
) -> str:
    """A gml:Polygon; `by` is posList or pos."""
    rings = [("exterior", ring), *(("interior", hole) for hole in holes)]
    text = ""
    for kind, points in rings:
        inner = (
            f"<gml:posList>{numbers(points)}</gml:posList>"
            if by == "posList"
            else "".join(f"<gml:pos>{numbers([point])}</gml:pos>" for point in points)
        )
        text += f"<gml:{kind}><gml:LinearRing>{inner}</gml:LinearRing></gml:{kind}>"
    identity = f' gml:id="{name}"' if name else ""
    return f"<gml:Polygon{identity}>{text}</gml:Polygon>"


def link(name: str) -> str:
    """A surface member that is a link."""
    return f'<gml:surfaceMember xlink:href="#{name}"/>'


def member(content: str) -> str:
    return f"<gml:surfaceMember>{content}</gml:surfaceMember>"


def oriented(content: str, orientation: str) -> str:
    """An OrientableSurface around a polygon."""
    inner = f"<gml:baseSurface>{content}</gml:baseSurface>"
    return f'<gml:OrientableSurface orientation="{orientation}">{inner}</gml:OrientableSurface>'


def multi(*members: str) -> str:
    return f"<gml:MultiSurface>{''.join(members)}</gml:MultiSurface>"


def solid(*members: str) -> str:
    surface = f"<gml:CompositeSurface>{''.join(members)}</gml:CompositeSurface>"
    return f"<gml:Solid><gml:exterior>{surface}</gml:exterior></gml:Solid>"


def boundary(kind: str, content: str, name: str = "", lod: int = 2) -> str:
    """A boundary surface with the MultiSurface `content`."""
    identity = f' gml:id="{name}"' if name else ""
    inner = f"<bldg:lod{lod}MultiSurface>{content}</bldg:lod{lod}MultiSurface>"
    return f"<bldg:boundedBy><bldg:{kind}{identity}>{inner}</bldg:{kind}></bldg:boundedBy>"


def boundaries(house: dict[str, list[Point]] | None = None, prefix: str = "p", lod: int = 2) -> str:
    """The house's faces as boundary surfaces, each polygon with the id ``prefix-name``."""
    house = house or faces()
    return "".join(
        boundary(TYPES.get(name, "WallSurface"), multi(member(polygon(ring, f"{prefix}-{name}"))), lod=lod)
        for name, ring in house.items()
    )


def links(prefix: str = "p") -> str:
    """A LoD2 solid of nothing but links to `boundaries`."""
    return f"<bldg:lod2Solid>{solid(*(link(f'{prefix}-{name}') for name in NAMES))}</bldg:lod2Solid>"


def inline_solid(house: dict[str, list[Point]] | None = None, lod: int = 2, prefix: str = "") -> str:
    """A solid that holds its polygons itself."""
    items = (house or faces()).items()
    inner = (member(polygon(ring, f"{prefix}-{name}" if prefix else "")) for name, ring in items)
    return f"<bldg:lod{lod}Solid>{solid(*inner)}</bldg:lod{lod}Solid>"


def building(content: str, name: str | None = "B1") -> str:
    identity = f' gml:id="{name}"' if name else ""
    return (
        f"<core:cityObjectMember><bldg:Building{identity}>{content}</bldg:Building></core:cityObjectMember>"
    )


def part(content: str, name: str) -> str:
    inner = f'<bldg:BuildingPart gml:id="{name}">{content}</bldg:BuildingPart>'
    return f"<bldg:consistsOfBuildingPart>{inner}</bldg:consistsOfBuildingPart>"


def city(*members: str, srs: str | None = SRS, version: str = "1.0", head: str = "") -> str:
    """A CityModel; `srs` stands in its envelope."""
    envelope = (
        ""
        if srs is None
        else f'<gml:boundedBy><gml:Envelope srsName="{srs}"><gml:lowerCorner>0 0 0</gml:lowerCorner>'
        "<gml:upperCorner>1 1 1</gml:upperCorner></gml:Envelope></gml:boundedBy>"
    )
    gml = "http://www.opengis.net/gml/3.2" if version == "3.0" else "http://www.opengis.net/gml"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}'
        f'<core:CityModel xmlns:core="http://www.opengis.net/citygml/{version}" xmlns:gml="{gml}" '
        f'xmlns:bldg="http://www.opengis.net/citygml/building/{version}" '
        f'xmlns:con="http://www.opengis.net/citygml/construction/{version}" '
        f'xmlns:gen="http://www.opengis.net/citygml/generics/{version}" '
        'xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"{envelope}{''.join(members)}</core:CityModel>"
    )


def write(folder: Path, text: str, name: str = "tile.gml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def house_file(
    folder: Path, name: str = "tile.gml", building_id: str = "B1", **city_options: str | None
) -> Path:
    """A file with the house once."""
    return write(folder, city(building(boundaries(), building_id), **city_options), name)  # type: ignore[arg-type]
