"""Sources of geodata, one module each: ``LICENCE``, ``TABLES`` and ``read(path, …) -> SourceData``."""

from __future__ import annotations

from types import ModuleType

from twin.sources import citygml, cityjson, footprints, hazards, ortho, osm, terrain, trees

SOURCES: dict[str, ModuleType] = {
    "citygml": citygml,
    "cityjson": cityjson,
    "footprints": footprints,
    "osm": osm,
    "terrain": terrain,
    "ortho": ortho,
    "trees": trees,
    "hazards": hazards,
}
