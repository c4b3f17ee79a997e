"""Bodies of entities for the tests."""

from __future__ import annotations

from typing import Any

UNIT = {"name": "degree Celsius", "symbol": "Cel", "definition": "http://unitsofmeasure.org/ucum.html#Cel"}
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"{name}.", **more}


def place(name: str, geometry: Any, **more: Any) -> dict[str, Any]:
    return named(name, encodingType="application/geo+json", location=geometry, **more)


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


def sensor(name: str, **more: Any) -> dict[str, Any]:
    return named(name, encodingType="text/plain", metadata="none", **more)


def observed(name: str, **more: Any) -> dict[str, Any]:
    return named(name, definition=f"http://example.org/{name}", **more)


def datastream(name: str, **more: Any) -> dict[str, Any]:
    return named(name, unitOfMeasurement=UNIT, observationType=MEASUREMENT, **more)


def ref(identifier: int) -> dict[str, int]:
    return {"@iot.id": identifier}
