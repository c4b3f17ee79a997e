"""Bodies: JSON of limited size, and its properties as columns of the store; what is wrong is named."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import shapely

from sensors import iso8601
from sensors.times import now_us
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.model import GEOJSON, Entity, Property, Relation

MAX_DEPTH = 64
_UNIT = ("name", "symbol", "definition")


@dataclass(frozen=True)
class Link:
    """A related entity in a body: one that is there (`identifier`), or a new one (`body`)."""

    identifier: int | None
    body: Mapping[str, Any] | None
    where: str


@dataclass
class Checked:
    """A body: values by column, and related entities by relation."""

    columns: dict[str, Any] = field(default_factory=dict)
    links: dict[str, list[Link]] = field(default_factory=dict)


def parse(body: bytes) -> Any:
    """The JSON of a body.

    Raises
    ------
    BadRequestError : it is none, holds NaN or infinite numbers, or is nested too deeply.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise BadRequestError("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise BadRequestError("the body is not UTF-8") from None
    except ValueError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    _check(value, 0)
    return value


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises
    ------
    BadRequestError : it is none.
    """
    value = parse(body)
    if not isinstance(value, dict):
        raise BadRequestError("the body is not a JSON object")
    return value


def check(entity: Entity, body: Mapping[str, Any], *, partial: bool, where: str) -> Checked:
    """The properties and relations of a body.

    Parameters
    ----------
    partial : whether required properties may be missing.
    where : which entity of the body this is, for messages.

    Raises
    ------
    BadRequestError : a property is missing, unknown or of a wrong type.
    """
    checked = Checked()
    for name, value in body.items():
        prop = entity.properties.get(name)
        if prop is not None and not prop.automatic:
            checked.columns |= _columns(prop, value, body, f"{where}.{name}")
        elif name in entity.relations:
            checked.links[name] = _links(entity.relations[name], value, f"{where}.{name}")
        elif prop is None and "@iot." not in name and name != "id":
            raise BadRequestError(f"a {entity.singular} has no property {name[:40]!r}", where)
    if not partial:
        for prop in entity.properties.values():
            if prop.required and prop.name not in body:
                raise BadRequestError(f"the {entity.singular} has no {prop.name}", where)
    if entity.plural == "Things":
        _lift(checked)
    return checked


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadRequestError("the body is nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise BadRequestError("a text of the body holds the character of code 0")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequestError("a text of the body holds half of a character") from None


def _columns(prop: Property, value: Any, body: Mapping[str, Any], where: str) -> dict[str, Any]:
    if prop.kind == "result":
        return {"result": value}
    if value is None:
        if prop.required:
            raise BadRequestError("it is null", where)
        if prop.kind == "time":
            return {}
        return dict.fromkeys(prop.columns)
    if prop.kind == "unit":
        return _unit(prop, value, where)
    if prop.kind in ("instant", "time", "interval"):
        return _times(prop, value, where)
    if prop.kind == "text" and not isinstance(value, str):
        raise BadRequestError(f"it is not a text but {_type(value)}", where)
    if prop.kind == "object" and not isinstance(value, dict):
        raise BadRequestError(f"it is not an object but {_type(value)}", where)
    if prop.kind == "geometry" and body.get("encodingType", GEOJSON[0]) in GEOJSON:
        check_geometry(value, where, is_certain="encodingType" in body)
    return {prop.columns[0]: value}


def _unit(prop: Property, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequestError(f"it is not an object but {_type(value)}", where)
    for name, part in value.items():
        if name not in _UNIT:
            raise BadRequestError(f"a unit has {', '.join(_UNIT)}, not {name[:40]!r}", where)
        if part is not None and not isinstance(part, str):
            raise BadRequestError(f"its {name} is not a text but {_type(part)}", where)
    return {column: value.get(name) for name, column in zip(_UNIT, prop.columns, strict=True)}


def _times(prop: Property, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, str):
        raise BadRequestError(f"it is not an ISO 8601 time but {_type(value)}", where)
    try:
        start, end = iso8601.parse_time(value)
    except ValueError as error:
        raise BadRequestError(str(error), where) from None
    if prop.kind == "instant":
        if end is not None:
            raise BadRequestError("it is an interval, where an instant belongs", where)
        return {prop.columns[0]: start}
    if prop.kind == "interval" and end is None:
        end = start
    return {prop.columns[0]: start, prop.columns[1]: end}


def check_geometry(value: Any, where: str, *, is_certain: bool = True) -> None:
    """Whether a value is a GeoJSON geometry or feature.

    is_certain : False: other values pass too, but for objects that look like GeoJSON.

    Raises
    ------
    BadRequestError : it is not.
    """
    looks = isinstance(value, dict) and "coordinates" in value
    if not is_certain and not looks:
        return
    geometry = None
    if isinstance(value, dict):
        geometry = shapely.from_geojson(json.dumps(value), on_invalid="ignore")
    if geometry is None:
        raise BadRequestError("it is no GeoJSON geometry or feature", where)


def _links(relation: Relation, value: Any, where: str) -> list[Link]:
    if relation.many and not isinstance(value, list):
        raise BadRequestError(f"it is not a list but {_type(value)}", where)
    items = value if isinstance(value, list) else [value]
    if not relation.many and len(items) != 1:
        raise BadRequestError("it is not one entity", where)
    return [_link(item, f"{where}[{i}]" if relation.many else where) for i, item in enumerate(items)]


def _link(item: Any, where: str) -> Link:
    if not isinstance(item, dict):
        raise BadRequestError(f"it is not an entity but {_type(item)}", where)
    if "@iot.id" not in item:
        return Link(None, item, where)
    identifier = item["@iot.id"]
    if isinstance(identifier, bool) or not isinstance(identifier, int) or not 0 <= identifier < 2**63:
        raise BadRequestError(f"@iot.id is not an id of this service: {str(identifier)[:40]!r}", where)
    return Link(identifier, None, where)


def _lift(checked: Checked) -> None:
    """What the twin knows things by stands in columns too."""
    properties = checked.columns.get("properties")
    if "properties" not in checked.columns:
        return
    given = properties or {}
    for name in ("kind", "building_id", "tree_id", "street"):
        value = given.get(name)
        empty = "" if name == "kind" else None
        checked.columns[name] = value if isinstance(value, str) and value else empty
    for name in ("public", "simulated"):
        checked.columns[name] = given.get(name) is True


def phenomenon_time(columns: Mapping[str, Any]) -> tuple[int, int | None]:
    """When an observation was made; now, where it does not say."""
    start = columns.get("phenomenon_time")
    return (now_us(), None) if start is None else (start, columns.get("phenomenon_end"))


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")
