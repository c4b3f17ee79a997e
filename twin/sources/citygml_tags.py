"""Names in CityGML files: local names of the elements of OGC's schemas, whatever their version."""

from __future__ import annotations

import re
from typing import Any

Element = Any
"""An lxml element; lxml has no types of its own."""

_SCHEMAS = ("{http://www.opengis.net/", "{http://www.citygml.org/citygml/", "{urn:oasis:names:tc:ciq:")
_PROPERTY = re.compile(r"lod(\d)(?:FootPrint|RoofEdge|Solid|MultiSurface|Surface|Geometry)$")
_GML_ID = "{http://www.opengis.net/gml}id"
_GML_32_ID = "{http://www.opengis.net/gml/3.2}id"
HREF = "{http://www.w3.org/1999/xlink}href"


class _LocalNames(dict[str, str]):
    """Tag → local name; empty for the elements of other schemas (application domain extensions)."""

    def __missing__(self, tag: str) -> str:
        known = isinstance(tag, str) and tag.startswith(_SCHEMAS)
        name = tag.rpartition("}")[2] if known else ""
        self[tag] = name
        return name


LOCAL = _LocalNames()


def gml_id(element: Element) -> str | None:
    """The element's gml:id, in GML 3.1 or 3.2."""
    return element.get(_GML_ID) or element.get(_GML_32_ID) or None


def child(element: Element, name: str) -> Element | None:
    """The first child of that local name."""
    return next((node for node in element if LOCAL[node.tag] == name), None)


def text(element: Element | None) -> str:
    """The element's own text, stripped."""
    return "" if element is None or element.text is None else element.text.strip()


class _Lods(dict[str, int]):
    """Local name of a geometry property → level of detail; -1 for what is none."""

    def __missing__(self, name: str) -> int:
        match = _PROPERTY.match(name)
        self[name] = int(match[1]) if match else -1
        return self[name]


LOD = _Lods()


def srs_name(building: Element) -> str:
    """The CRS that a building's own geometry names, or nothing: at its first polygon or envelope."""
    for tag in ("{*}Polygon", "{*}Envelope"):
        first = next(building.iter(tag), None)
        for node in () if first is None else (*first.iter(), *first.iterancestors()):
            if name := node.get("srsName"):
                return str(name)
            if node is building:
                break
    return ""
