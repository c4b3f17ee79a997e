"""An answer of a SensorThings service kept as a file: Datastreams or Things, with what is expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sensors.local_time import DAY_US
from sensors.protocols.file_content import Collector, FileContent, Reading
from sensors.protocols.meter_units import ucum
from sensors.things import ANYTHING, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import to_us
from twin.errors import SourceError

SOURCE = "sensorthings"


def read(document: Mapping[str, Any], path: Path, *, now: int) -> FileContent:
    """Things, streams and, where they are expanded, observations of an answer.

    Raises
    ------
    SourceError : it holds no Datastreams and no Things.
    """
    said = Collector(path.name)
    things: dict[str, ThingSpec] = {}
    readings: list[Reading] = []
    for row, entity in enumerate(document["value"], start=1):
        if not isinstance(entity, dict) or "@iot.id" not in entity:
            said.refuse(row, "it is no entity with an @iot.id", "Ask the service for Datastreams or Things")
            continue
        for thing, stream in _pairs(entity):
            spec = _thing(thing, stream, path)
            known = things.get(spec.key, spec)
            if stream is not None:
                own = _stream(stream)
                spec = replace(known, streams=(*(s for s in known.streams if s.key != own.key), own))
                readings += _readings(stream, spec.key, own.key, row, now, said)
            things[spec.key] = spec if stream is not None else known
    if not things:
        raise SourceError(
            "the answer holds no Datastreams and no Things", path, "Ask the service for one of them"
        )
    if document.get("@iot.nextLink"):
        said.note(f"{path.name} is one page of an answer; the service has more")
    return FileContent(
        tuple(things.values()), tuple(said.once(readings)), tuple(said.refused), tuple(said.notes)
    )


def _pairs(entity: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Thing and Datastream of an entity that is either."""
    if "observationType" in entity or "unitOfMeasurement" in entity:
        thing = entity.get("Thing")
        yield (thing if isinstance(thing, dict) else {}), entity
        return
    streams = [stream for stream in entity.get("Datastreams") or [] if isinstance(stream, dict)]
    if "name" in entity:
        yield from ((entity, stream) for stream in streams)
        if not streams:
            yield entity, None


def _thing(thing: Mapping[str, Any], stream: Mapping[str, Any] | None, path: Path) -> ThingSpec:
    """The Thing; not expanded, what the stream's id says of it (sensiNact: provider~service~name)."""
    key = thing.get("@iot.id")
    if key is None and stream is not None:
        key = str(stream["@iot.id"]).split("~")[0]
    service = _service(thing if thing.get("@iot.selfLink") else stream or {})
    location = next(
        (place.get("location") for place in thing.get("Locations") or [] if isinstance(place, dict)), None
    )
    if isinstance(location, dict) and location.get("type") == "Feature":
        location = location.get("geometry")
    return ThingSpec(
        source=f"{SOURCE} {service}".strip(),
        key=str(key),
        name=str(thing.get("name") or key),
        description=str(thing.get("description") or ""),
        location=location if isinstance(location, dict) else None,
        properties={"file": path.name, **(thing.get("properties") or {})},
    )


def _service(entity: Mapping[str, Any]) -> str:
    """Host and path of the service, from an entity's own link."""
    link = urlsplit(str(entity.get("@iot.selfLink") or ""))
    return (link.netloc + link.path.rsplit("/", 1)[0]) if link.netloc else ""


def _stream(stream: Mapping[str, Any]) -> StreamSpec:
    observed = stream.get("ObservedProperty") if isinstance(stream.get("ObservedProperty"), dict) else {}
    sensor = stream.get("Sensor") if isinstance(stream.get("Sensor"), dict) else {}
    assert isinstance(observed, dict) and isinstance(sensor, dict)
    name = str(stream.get("name") or stream["@iot.id"])
    return StreamSpec(
        key=str(stream["@iot.id"]),
        name=name,
        property=ObservedProperty(
            str(observed.get("name") or name),
            str(observed.get("definition") or ""),
            str(observed.get("description") or ""),
        ),
        unit=_unit(stream.get("unitOfMeasurement")),
        sensor=str(sensor.get("name") or "unknown"),
        observation_type=str(stream.get("observationType") or ANYTHING),
        description=str(stream.get("description") or ""),
        properties=stream.get("properties") or {},
    )


def _unit(unit: Any) -> Unit:
    known = unit if isinstance(unit, dict) else {}
    symbol = str(known.get("symbol") or "")
    try:
        code = ucum(symbol) if symbol else ""
    except ValueError:
        code = ""
    return Unit(str(known.get("name") or symbol), code)


def _readings(
    stream: Mapping[str, Any], thing: str, key: str, row: int, now: int, said: Collector
) -> Iterator[Reading]:
    for observation in stream.get("Observations") or []:
        try:
            start, end = _times(observation["phenomenonTime"])
            result = observation["result"]
        except (KeyError, TypeError, ValueError):
            said.refuse(row, "an observation has no result or no phenomenonTime", "Ask the service again")
            continue
        if result is None or start > now + DAY_US:
            said.refuse(row, "an observation has no result, or lies in the future", "Ask the service again")
        else:
            yield Reading(thing, key, row, start, result, end)


def _times(text: str) -> tuple[int, int | None]:
    times = []
    for part in text.split("/"):
        time = datetime.fromisoformat(part.strip())
        times.append(to_us(time if time.tzinfo else time.replace(tzinfo=UTC)))
    return times[0], times[1] if len(times) > 1 and times[1] > times[0] else None
