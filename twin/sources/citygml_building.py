"""Facts of CityGML buildings and parts: attributes, codes, generic attributes, addresses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twin.sources import codes
from twin.sources.citygml_geometry import Shell
from twin.sources.citygml_tags import LOCAL, Element, child, gml_id, text
from twin.sources.store import Record

MAX_TEXT = 10_000
"""Longer texts of attributes are cut to this. [characters]"""
_YEAR = re.compile(r"^\s*(\d{4})(?!\d)")
_YEARS = (800, 2200)
_STOREYS = (1, 200)


@dataclass
class Thing:
    """A building or part as read: facts, generic attributes, addresses, geometry, and the parts' elements."""

    name: str | None
    functions: list[tuple[str, str | None]] = field(default_factory=list)
    roof_code: str | None = None
    height_m: float = math.nan
    storeys: float = math.nan
    year: float = math.nan
    attributes: dict[str, Any] = field(default_factory=dict)
    addresses: list[dict[str, str]] = field(default_factory=list)
    shell: Shell = field(default_factory=Shell)
    parts: list[Element] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def thing(element: Element) -> Thing:
    """Read a Building or BuildingPart, its geometry unparsed."""
    result = Thing(gml_id(element))
    for node in element:
        name = LOCAL[node.tag]
        if reader := _READERS.get(name):
            reader(node, result)
        elif name.startswith(("lod", "boun")):
            result.shell.add(node, name)
        elif name.endswith("Attribute") or name in ("genericAttributeSet", "GenericAttributeSet"):
            _generic(node, result)
    return result


def building_record(of: Thing, parts: list[Thing]) -> Record:
    """The schema's columns of a building; what it lacks itself is taken from its parts where they agree.

    The highest part's height is the building's; the roof is "mixed" where the parts' roofs differ.
    """
    code, space = of.functions[0] if of.functions else (None, None)
    if code is None:
        code, space = next((part.functions[0] for part in parts if part.functions), (None, None))
    record: Record = {"name": of.labels[0] if of.labels else None, "function_code": code}
    record["function"] = codes.function(code, space)
    record["function_source"] = "given:citygml" if record["function"] else None
    _roof(record, of, parts)
    heights = [part.height_m for part in parts if not math.isnan(part.height_m)]
    record["measured_height_m"] = (
        of.height_m if not math.isnan(of.height_m) else max(heights, default=math.nan)
    )
    storeys = [part.storeys for part in parts if not math.isnan(part.storeys)]
    record["storeys_above_ground"] = (
        of.storeys if not math.isnan(of.storeys) else max(storeys, default=math.nan)
    )
    record["storeys_source"] = None if math.isnan(record["storeys_above_ground"]) else "given:citygml"
    record["year_of_construction"] = (
        of.year if not math.isnan(of.year) else _only({part.year for part in parts})
    )
    record["year_source"] = None if math.isnan(record["year_of_construction"]) else "given:citygml"
    addresses = of.addresses + [address for part in parts for address in part.addresses]
    record |= _main_address(addresses)
    extra = dict(of.attributes)
    if len(addresses) > 1:
        extra["addresses"] = addresses
    if len(of.functions) > 1:
        extra["functions"] = [function for function, _ in of.functions]
    record["attributes"] = json.dumps(extra, ensure_ascii=False) if extra else None
    return record


def part_record(of: Thing, part_id: str) -> Record:
    """The schema's columns of a part."""
    return {
        "part_id": part_id,
        "roof_type_code": of.roof_code,
        "roof_type": codes.roof_type(of.roof_code),
        "measured_height_m": of.height_m,
        "storeys_above_ground": of.storeys,
        "function_code": of.functions[0][0] if of.functions else None,
    }


def _roof(record: Record, of: Thing, parts: list[Thing]) -> None:
    code = of.roof_code
    kind = codes.roof_type(code)
    if kind is None:
        of_parts = {part.roof_code for part in parts if part.roof_code}
        kinds = {codes.roof_type(part) for part in of_parts}
        code = of_parts.pop() if len(of_parts) == 1 else None
        kind = None if not kinds else kinds.pop() if len(kinds) == 1 else "mixed"
    record["roof_type_code"] = code
    record["roof_type"] = kind
    record["roof_type_source"] = "given:citygml" if kind else None


def _only(values: set[float]) -> float:
    known = {value for value in values if not math.isnan(value)}
    return known.pop() if len(known) == 1 else math.nan


def year(value: str) -> float:
    """The year of ``1985``, ``1985-07-01`` or ``1985+01:00``; nan where there is none that can be meant."""
    match = _YEAR.match(value)
    found = float(match[1]) if match else math.nan
    return found if _YEARS[0] <= found <= _YEARS[1] else math.nan


def number(value: str, least: float, most: float) -> float:
    """A number within limits, or nan; a decimal comma is understood."""
    try:
        found = float(value.replace(",", "."))
    except ValueError:
        return math.nan
    return found if least <= found <= most else math.nan


# ---------------------------------------------------------------------------------------------- attributes
def _function(node: Element, of: Thing) -> None:
    if code := text(node)[:100]:
        of.functions.append((code, node.get("codeSpace")))


def _roof_type(node: Element, of: Thing) -> None:
    of.roof_code = text(node)[:100] or of.roof_code


def _height(node: Element, of: Thing) -> None:
    of.height_m = number(text(node), 0.1, 1000.0)


def _height_3(node: Element, of: Thing) -> None:
    """CityGML 3.0: con:height/con:Height/con:value."""
    value = child(node[0], "value") if len(node) else None
    if math.isnan(of.height_m) and value is not None:
        _height(value, of)


def _storeys(node: Element, of: Thing) -> None:
    of.storeys = number(text(node), *_STOREYS)


def _year(node: Element, of: Thing) -> None:
    of.year = year(text(node))


def _label(node: Element, of: Thing) -> None:
    if value := text(node)[:MAX_TEXT]:
        of.labels.append(value)


def _keep(node: Element, of: Thing) -> None:
    """Attributes of the standard that the schema has no column for."""
    if value := text(node):
        _put(of, of.attributes, LOCAL[node.tag], value)


def _reference(node: Element, of: Thing) -> None:
    target = child(node, "externalObject")
    inner = child(target, "name") if target is not None else None
    if value := text(inner):
        _put(of, of.attributes, "externalReference", value)


def _part(node: Element, of: Thing) -> None:
    of.parts += [item for item in node if LOCAL[item.tag] == "BuildingPart"]


def _generic(node: Element, of: Thing) -> None:
    _put_generic(node, of, of.attributes, 0)


def _put_generic(node: Element, of: Thing, into: dict[str, Any], depth: int) -> None:
    """One generic attribute: CityGML 1 and 2 name it in an attribute, 3 in an element."""
    if LOCAL[node.tag] == "genericAttribute" and len(node):
        node = node[0]
    name = (node.get("name") or text(child(node, "name")))[:200]
    if not name:
        return
    if LOCAL[node.tag].lower().endswith("set"):
        inner: dict[str, Any] = into.setdefault(name, {})
        for item in node if depth < 4 and isinstance(inner, dict) else ():
            _put_generic(item, of, inner, depth + 1)
    elif value := text(child(node, "value")):
        _put(of, into, name, value)


def _put(of: Thing, into: dict[str, Any], name: str, value: str) -> None:
    if len(value) > MAX_TEXT:
        of.cut.append(name)
        value = value[:MAX_TEXT]
    into[name] = value


# ---------------------------------------------------------------------------------------------- addresses
_ADDRESS_FIELDS = {
    "ThoroughfareName": "street", "ThoroughfareNumber": "number", "ThoroughfareNumberFrom": "from",
    "ThoroughfareNumberTo": "to", "ThoroughfareNumberSuffix": "suffix", "PostalCodeNumber": "postcode",
    "LocalityName": "city", "DependentLocalityName": "quarter", "PremiseNumber": "premise",
    "Street": "street", "HouseNumber": "number", "ZipCode": "postcode", "City": "city",
}  # fmt: skip


def _address(node: Element, of: Thing) -> None:
    for address in (item for item in node if LOCAL[item.tag] == "Address"):
        found: dict[str, str] = {}
        for item in address.iter():
            field_name = _ADDRESS_FIELDS.get(LOCAL[item.tag])
            value = " ".join("".join(item.itertext()).split())[:200] if field_name else ""
            if field_name and value:
                found.setdefault(field_name, value)
        if found:
            of.addresses.append(_tidied(found))


def _tidied(found: dict[str, str]) -> dict[str, str]:
    """Number, range and suffix in one."""
    house = found.get("number") or found.get("premise") or ""
    if "from" in found and "to" in found:
        house = f"{found['from']}-{found['to']}"
    if "suffix" in found and not house.endswith(found["suffix"]):
        house += found["suffix"]
    result = {key: found[key] for key in ("street", "postcode", "city", "quarter") if key in found}
    return result | ({"house_number": house} if house else {})


def _main_address(addresses: list[dict[str, str]]) -> Record:
    """The first address with a street; all numbers in this street, as ``9, 11, 13``."""
    if not addresses:
        return {}
    main = next((address for address in addresses if "street" in address), addresses[0])
    same = [
        a["house_number"] for a in addresses if a.get("street") == main.get("street") and "house_number" in a
    ]
    record: Record = {key: main.get(key) for key in ("street", "postcode", "city", "quarter")}
    record["house_number"] = ", ".join(dict.fromkeys(same)) or None
    return record


_READERS: dict[str, Callable[[Element, Thing], None]] = {
    "function": _function,
    "roofType": _roof_type,
    "measuredHeight": _height,
    "height": _height_3,
    "storeysAboveGround": _storeys,
    "yearOfConstruction": _year,
    "dateOfConstruction": _year,
    "name": _label,
    "class": _keep,
    "usage": _keep,
    "description": _keep,
    "storeysBelowGround": _keep,
    "yearOfDemolition": _keep,
    "creationDate": _keep,
    "terminationDate": _keep,
    "externalReference": _reference,
    "address": _address,
    "consistsOfBuildingPart": _part,
    "buildingPart": _part,
    "genericAttribute": _generic,
}
