"""Where sensors stand: sites and reference areas in KML, KMZ and GeoJSON.

A Thing is a site (in Jena's files `gid` of the site, `sensorstandort_gid` of its sensors), its streams are
the quantities by sensor and depth. A reference area stands for similar tree sites; its Thing has an area as
place. Secrets of devices (field `key`) are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lxml import etree
from shapely.errors import ShapelyError
from shapely.geometry import shape

from sensors import decoders
from sensors.protocols.file_content import Collector, FileContent
from sensors.things import StreamSpec, ThingSpec
from twin.addresses import fold
from twin.errors import SourceError
from twin.sources import archive

SITES, AREAS = "sites", "reference_areas"
MAX_BYTES = 64 << 20
_SECRET = {"key", "appkey", "app_key", "nwkkey", "nwk_key", "nwkskey", "appskey"}
_QUANTITIES: tuple[tuple[str, str, str, str], ...] = (
    (
        r"wasserpotenzial|wasserpotential|water potential|matric",
        "soil_water_potential",
        "Soil water potential",
        "kPa",
    ),
    (r"bodenfeuchte|soil moisture", "soil_moisture", "Soil moisture", "%"),
    (r"temperatur", "soil_temperature", "Soil temperature", "Cel"),
    (r"leitfaehigkeit|conductivity", "electrical_conductivity", "Soil conductivity", "uS/cm"),
    (r"\bph\b", "ph", "Soil pH", "[pH]"),
)
"""Words of `was`, property of assets/decoders, name, unit."""
_MODELS = {"teros21": "wasserpotenzial", "teros 21": "wasserpotenzial"}


@dataclass(frozen=True)
class Place:
    """A placemark or feature: its number in the file, name, properties and geometry (GeoJSON, WGS84)."""

    row: int
    name: str
    properties: Mapping[str, str]
    geometry: Mapping[str, Any] | None


def read(path: Path) -> FileContent:
    """Sensor sites and reference areas of a KML, KMZ or GeoJSON file.

    Raises
    ------
    SourceError : the file is broken, or holds neither.
    """
    said = Collector(path.name)
    places = list(_places(path))
    areas: dict[str, ThingSpec] = {}
    sites: dict[str, ThingSpec] = {}
    for place in places:
        if place.geometry is None:
            said.note(f"{path.name}, record {place.row}: it has no place and was left out")
        elif place.geometry["type"] in ("Polygon", "MultiPolygon"):
            spec = _area(place, path)
            areas[spec.key] = spec
        elif place.geometry["type"] == "Point":
            spec = _site(place, path)
            sites[spec.key] = _joined(sites.get(spec.key), spec)
        else:
            said.refuse(
                place.row,
                f"a {place.geometry['type']} is neither a site nor an area",
                "Export points or areas",
            )
    things = (*areas.values(), *sites.values())
    if not things:
        raise SourceError(
            "the file holds no sensor sites and no reference areas", path, "Export points or areas"
        )
    return FileContent(things, refused=tuple(said.refused), notes=tuple(said.notes))


def _places(path: Path) -> Iterator[Place]:
    for member in archive.members(path):
        name = (member.name or path.name).lower()
        if member.name and not name.endswith((".kml", ".json", ".geojson")):
            continue  # pictures of a KMZ
        with member.open() as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SourceError(f"the file has more than {MAX_BYTES >> 20} MiB", path, "Export the sites only")
        yield from (
            _json(data, path) if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"[") else _kml(data, path)
        )


def _kml(data: bytes, path: Path) -> Iterator[Place]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"the KML cannot be read: {error}", path, "Export it again") from None
    for row, mark in enumerate(root.iter("{*}Placemark"), start=1):
        found = {
            element.get("name") or "": (
                element.text if element.tag.endswith("SimpleData") else element.findtext("{*}value")
            )
            for element in mark.iter("{*}Data", "{*}SimpleData")
        }
        if not found:
            found = dict(re.findall(r"([\w ]+): ?([^<\n]*)", mark.findtext("{*}description") or ""))
        yield Place(row, (mark.findtext("{*}name") or "").strip(), _clean(found), _kml_geometry(mark))


def _kml_geometry(mark: etree._Element) -> dict[str, Any] | None:
    polygons = [rings for element in mark.iter("{*}Polygon") if (rings := _rings(element))]
    if polygons:
        one = len(polygons) == 1
        return {"type": "Polygon" if one else "MultiPolygon", "coordinates": polygons[0] if one else polygons}
    for tag, kind in (("Point", "Point"), ("LineString", "LineString")):
        if (element := mark.find(f".//{{*}}{tag}")) is not None and (
            points := _points(element.findtext("{*}coordinates"))
        ):
            return {"type": kind, "coordinates": points[0] if kind == "Point" else points}
    return None


def _rings(polygon: etree._Element) -> list[list[list[float]]]:
    rings = [_points(element.text) for element in polygon.iter("{*}coordinates")]
    return [ring for ring in rings if len(ring) > 3]


def _points(text: str | None) -> list[list[float]]:
    """Longitude and latitude of "lon,lat[,height] …"; what is none is left out."""
    out = []
    for part in (text or "").split():
        numbers = part.split(",")
        try:
            longitude, latitude = float(numbers[0]), float(numbers[1])
        except (ValueError, IndexError):
            continue
        if abs(longitude) <= 180 and abs(latitude) <= 90:
            out.append([longitude, latitude])
    return out


def _json(data: bytes, path: Path) -> Iterator[Place]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the JSON cannot be read: {error}", path, "Export it again") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise SourceError("the JSON has no features", path, "Export it as GeoJSON")
    for row, feature in enumerate(features, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        found = _clean(properties if isinstance(properties, dict) else {})
        yield Place(row, found.get("name", ""), found, geometry if _is_geometry(geometry) else None)


def _is_geometry(geometry: Any) -> bool:
    try:
        found = shape(geometry)
        west, south, east, north = found.bounds
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError):
        return False
    return bool(-180 <= west <= east <= 180 and -90 <= south <= north <= 90)


def _clean(properties: Mapping[str, Any]) -> dict[str, str]:
    """Properties that say something, as text, without secrets."""
    plain = {
        str(name).strip(): " ".join(str(value).split())
        for name, value in properties.items()
        if value is not None
    }
    return {name: value for name, value in plain.items() if value and name.casefold() not in _SECRET}


# ------------------------------------------------------------------------------------------------ things
def _area(place: Place, path: Path) -> ThingSpec:
    known = place.properties
    name = place.name or known.get("gid") or f"{path.stem} {place.row}"
    count = known.get("anzahl_sens") or known.get("sensorCount")
    properties = {"reference_area": True, "file": path.name, **_without(known, ("name", "gid"))}
    if count and re.fullmatch(r"\d+(\.0)?", count):
        properties["sensor_count"] = int(float(count))
    return ThingSpec(AREAS, name, name, kind="soil_moisture", location=place.geometry, properties=properties)


def _site(place: Place, path: Path) -> ThingSpec:
    known = place.properties
    is_sensor = any(name in known for name in ("was", "model", "eui", "sensor_nr", "in_tiefe"))
    key = known.get("sensorstandort_gid") or (None if is_sensor else known.get("gid"))
    if key is None:
        assert place.geometry is not None
        longitude, latitude = place.geometry["coordinates"][:2]
        key = f"{longitude:.6f},{latitude:.6f}"
    where = known.get("standort") or known.get("strasse") or place.name
    spec = site(key, where or f"Site {key}", place.geometry, _without(known, ()), path)
    if not is_sensor:
        return spec
    of_sensor = ("was", "in_tiefe", "model", "eui", "sensor_nr", "s_n", "hersteller", "eingesetzt", "gid")
    properties = {name: value for name, value in spec.properties.items() if name not in of_sensor}
    return replace(spec, streams=tuple(_streams(known, place.row)), properties=properties)


def site(
    key: str, name: str, geometry: Mapping[str, Any] | None, known: Mapping[str, Any], path: Path
) -> ThingSpec:
    """A tree site or sensor site; `gisid` is the tree in the city's cadastre."""
    return ThingSpec(
        SITES,
        str(int(float(key))) if re.fullmatch(r"\d+(\.0+)?", key) else key,
        name,
        kind="soil_moisture",
        location=geometry,
        tree_id=known.get("gisid") or None,
        street=known.get("strasse") or None,
        properties={"file": path.name, **known},
    )


def _streams(known: Mapping[str, str], row: int) -> Iterator[StreamSpec]:
    """Quantities by depth of one sensor."""
    model = known.get("model", "")
    words = fold(known.get("was") or _MODELS.get(model.casefold(), ""))
    device = known.get("eui") or known.get("s_n") or known.get("sensor_nr") or str(row)
    depths = re.findall(r"\d+", known.get("in_tiefe", "")) or [""]
    about = {
        name: known[name]
        for name in ("eui", "s_n", "hersteller", "eingesetzt", "bnr", "sensor_nr")
        if name in known
    }
    for pattern, key, name, unit in _QUANTITIES:
        if re.search(pattern, words):
            for depth in depths:
                yield StreamSpec(
                    key="/".join(filter(None, (device.lower(), key, depth))),
                    name=f"{name}{f', {depth} cm' if depth else ''}",
                    property=decoders.properties()[key],
                    unit=decoders.unit(unit),
                    sensor=model or "unknown",
                    properties={**about, **({"depth_m": int(depth) / 100} if depth else {})},
                )


def soil_moisture_stream() -> StreamSpec:
    """The stream of a list of soil moisture by site that names neither sensor nor depth."""
    _, key, name, unit = _QUANTITIES[1]
    observed = decoders.properties()[key]
    return StreamSpec(key, name, observed, decoders.unit(unit), properties={"unit_is_estimate": True})


def _joined(first: ThingSpec | None, second: ThingSpec) -> ThingSpec:
    """One Thing of a site and its sensors, or of several sensors at a site."""
    if first is None:
        return second
    streams = {stream.key: stream for stream in (*first.streams, *second.streams)}
    return replace(
        first,
        streams=tuple(streams.values()),
        tree_id=first.tree_id or second.tree_id,
        street=first.street or second.street,
        properties={**second.properties, **first.properties},
    )


def _without(known: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in known.items()
        if name not in (*names, "description", "html", "styleQML")
    }
