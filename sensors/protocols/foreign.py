"""Entities of another SensorThings service as this one's: checked, cut to size, nothing assumed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sensors import decoders, iso8601
from sensors.things import ANYTHING, Kind, NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit

MAX_TEXT = 1000
MAX_JSON = 64 * 1024
_GEOMETRIES = (
    "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
)  # fmt: skip


def parse(body: bytes) -> Any:
    """The JSON of an answer.

    Raises
    ------
    ValueError : it is none, or holds NaN.
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def key_of(entity: Mapping[str, Any]) -> str | None:
    """An entity's id as text; None: it has none that can be one."""
    identifier = entity.get("@iot.id")
    if isinstance(identifier, bool) or not isinstance(identifier, int | str):
        return None
    text = str(identifier)
    return text if 0 < len(text) <= 500 and "\x00" not in text else None


def thing(
    source: str,
    key: str,
    entity: Mapping[str, Any],
    locations: Sequence[Mapping[str, Any]],
    streams: Sequence[StreamSpec],
    public: bool,
    kind: Kind = "",
) -> ThingSpec:
    """A thing with its place and datastreams.

    kind : where its properties name none that is known here.
    """
    properties = _properties(entity.get("properties"))
    return ThingSpec(
        source,
        key,
        _text(entity.get("name")) or key,
        decoders.kind(str(properties.get("kind", ""))) or kind,
        description=_text(entity.get("description")),
        location=next(
            (g for g in (geometry(one.get("location")) for one in locations) if g is not None), None
        ),
        public=public,
        properties=properties,
        streams=tuple({stream.key: stream for stream in streams}.values()),
    )


def stream(
    key: str, entity: Mapping[str, Any], observed: Mapping[str, Any], sensor: Mapping[str, Any]
) -> StreamSpec:
    """A datastream; its unit may have no name, symbol or definition."""
    given = entity.get("unitOfMeasurement")
    unit = given if isinstance(given, dict) else {}
    name = _text(entity.get("name")) or key
    quantity = _text(observed.get("name")) or name
    return StreamSpec(
        key,
        name,
        ObservedProperty(quantity, _text(observed.get("definition")), _text(observed.get("description"))),
        Unit(_text(unit.get("name")), _text(unit.get("symbol"))),
        _text(sensor.get("name")) or "unknown",
        _text(entity.get("observationType")) or ANYTHING,
        _text(entity.get("description")),
        _properties(entity.get("properties")),
    )


def geometry(value: Any) -> Mapping[str, Any] | None:
    """A GeoJSON geometry, also out of a feature; None: it is neither."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict) or value.get("type") not in _GEOMETRIES:
        return None
    fits = len(json.dumps(value)) <= MAX_JSON and ("coordinates" in value or "geometries" in value)
    return value if fits else None


def observation(datastream_id: int, value: Mapping[str, Any]) -> NewObservation | None:
    """An observation; None: it is none that can be stored."""
    if "result" not in value:
        return None
    try:
        start, end = iso8601.parse_time(str(value.get("phenomenonTime")))
        made = value.get("resultTime")
        result_time = None if made is None else iso8601.parse_time(str(made))[0]
        valid = value.get("validTime")
        valid_start, valid_end = (None, None) if valid is None else iso8601.parse_time(str(valid))
    except ValueError:
        return None
    result, parameters, quality = (value.get(name) for name in ("result", "parameters", "resultQuality"))
    if not all(map(_is_storable, (result, parameters, quality))):
        return None
    return NewObservation(
        datastream_id,
        start,
        result,
        end,
        result_time,
        valid_start,
        valid_start if valid_end is None else valid_end,
        parameters=parameters if isinstance(parameters, dict) and parameters else None,
        result_quality=quality,
        source_key=key_of(value) or _digest(value),
    )


def _digest(value: Mapping[str, Any]) -> str:
    """A name for an observation without an id: its content."""
    known = {name: value.get(name) for name in ("phenomenonTime", "resultTime", "result")}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _is_storable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 10**300
    text = json.dumps(value)
    return len(text) <= MAX_JSON and "\\u0000" not in text and "\\ud" not in text.lower()


def _text(value: Any) -> str:
    """A text of limited length; of anything else, nothing."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_TEXT]


def _properties(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) and _is_storable(value) else {}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
