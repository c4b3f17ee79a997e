"""How a message is read: network servers' formats, told by name or content, and plain JSON by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sensors import decoders, payload, units
from sensors.errors import UnitError
from sensors.payload import RefusedError
from sensors.protocols import chirpstack, things_stack
from sensors.protocols.lorawan import Reading, Uplink
from sensors.things import CATEGORY, MEASUREMENT, Kind, ObservedProperty, StreamSpec, ThingSpec

LoRaWAN = Literal["chirpstack", "things_stack"]


class _Server(Protocol):
    """A network server's module."""

    def matches(self, document: dict[str, Any]) -> bool: ...

    def parse(self, document: dict[str, Any], now: int) -> Uplink | None: ...


_SERVERS: dict[str, _Server] = {"chirpstack": chirpstack, "things_stack": things_stack}
_PER_SECOND = {"s": 1, "ms": 1000, "us": payload.SECOND}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Part):
    """A value of a plain JSON message: where it stands and what it is.

    Parameters
    ----------
    path : names with dots, such as ``data.temperature``; a number is a place in a list.
    unit : UCUM code of the stored values.
    unit_given : UCUM code of the message's values, where it is another.
    unit_path : path of the UCUM code in the message, where it says so itself.
    """

    path: str
    property: str
    key: str = ""
    name: str = ""
    unit: str = "1"
    unit_given: str = ""
    unit_path: str = ""
    definition: str = ""
    text: bool = False

    @model_validator(mode="after")
    def _converts(self) -> Value:
        if self.unit_given and not units.converts(self.unit_given, self.unit):
            raise ValueError(f"{self.unit_given} does not convert into {self.unit}")
        return self

    def read(self, document: Mapping[str, Any]) -> Any | None:
        """The value in its unit; None: the message has none.

        Raises
        ------
        RefusedError : it is of another type, or of a unit that does not convert.
        """
        found = _at(document, self.path)
        if found is None:
            return None
        if self.text:
            if not isinstance(found, str):
                raise RefusedError(f"not a text: {payload.short(found)}")
            return payload.text(found)
        given = self.unit_given
        if self.unit_path:
            given = payload.text(_at(document, self.unit_path)) or given
        value = payload.number(found)
        if not given or given == self.unit:
            return value
        try:
            return payload.number(float(units.convert(value, given, self.unit)))
        except UnitError as error:
            raise RefusedError(error.what) from None


class Mapped(_Part):
    """What a plain JSON message means.

    Parameters
    ----------
    device : path of the device's id, or ``topic.N`` for the topic's N-th level (from 0).
    time : path of the time; left out: the time of receipt.
    time_format : RFC 3339 text (iso), or a number of s, ms or us since 1970 in UTC.
    zone : of texts that name none.
    id : path of the message's own id, or ``payload`` for a digest of topic and payload. Without it a message
        that a broker delivers again after a crash is stored again.
    """

    device: str
    values: tuple[Value, ...] = Field(min_length=1)
    time: str = ""
    time_format: Literal["iso", "s", "ms", "us"] = "iso"
    zone: str = ""
    id: str = ""
    kind: Kind = ""
    sensor: str = "unknown"
    public: bool = False

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{zone} is no time zone") from None
        return zone


def parse(document: dict[str, Any], now: int, server: LoRaWAN | None = None) -> Uplink | None:
    """The uplink of a network server's message; None for a message of another kind.

    server : None: told by the content.

    Raises
    ------
    RefusedError : it is no such message.
    """
    if server is None:
        for module in _SERVERS.values():
            if module.matches(document):
                return module.parse(document, now)
        raise RefusedError("neither of ChirpStack v4 nor of The Things Stack v3")
    return _SERVERS[server].parse(document, now)


def read(mapped: Mapped, feed: str, topic: str, message: bytes, now: int) -> Reading:
    """What a plain JSON message measures.

    Raises
    ------
    RefusedError : it has no device, no believable time, or none of the values.
    """
    document = payload.document(message)
    device = _device(mapped, topic, document)
    try:
        values: dict[str, Any] = {}
        streams: list[StreamSpec] = []
        faults: list[str] = []
        for part in mapped.values:
            try:
                found = part.read(document)
            except RefusedError as fault:
                faults.append(f"{part.path}: {fault}")
                continue
            if found is not None:
                values[part.key or part.property] = found
                streams.append(_stream(part, mapped.sensor))
        if not values:
            raise RefusedError("; ".join(faults) or "it holds none of the mapped values")
        time = _time(mapped, document, now)
        key = _key(mapped, topic, document, message)
    except RefusedError as fault:
        raise RefusedError(str(fault), device) from None
    thing = ThingSpec(feed, device, device, kind=mapped.kind, public=mapped.public, streams=tuple(streams))
    return Reading(thing, values, time, key, tuple(faults))


def _device(mapped: Mapped, topic: str, document: Mapping[str, Any]) -> str:
    if mapped.device.startswith("topic."):
        levels, number = topic.split("/"), mapped.device.removeprefix("topic.")
        found: object = levels[int(number)] if number.isdigit() and int(number) < len(levels) else None
    else:
        found = _at(document, mapped.device)
    device = payload.text(str(found)) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not device:
        raise RefusedError(f"no device at {mapped.device}")
    return device


def _time(mapped: Mapped, document: Mapping[str, Any], now: int) -> int:
    if not mapped.time:
        return now
    found = _at(document, mapped.time)
    if mapped.time_format == "iso":
        return payload.believable(payload.moment(found, mapped.zone), now)
    # The number is checked before it is scaled, so that no digit of a whole number is lost.
    value = payload.number(found)
    exact = found if isinstance(found, int) else value
    return payload.believable(int(exact * (payload.SECOND // _PER_SECOND[mapped.time_format])), now)


def _key(mapped: Mapped, topic: str, document: Mapping[str, Any], message: bytes) -> str | None:
    if not mapped.id:
        return None
    if mapped.id == "payload":
        return payload.digest(topic, message)
    found = _at(document, mapped.id)
    key = payload.text(str(found)) if isinstance(found, str | int) else ""
    if not key:
        raise RefusedError(f"no id at {mapped.id}")
    return key


def _at(document: object, path: str) -> Any:
    found = document
    for name in path.split("."):
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _stream(part: Value, sensor: str) -> StreamSpec:
    known = decoders.properties().get(part.property)
    quantity = known or ObservedProperty(part.property, part.definition)
    return StreamSpec(
        part.key or part.property,
        part.name or part.property.replace("_", " ").capitalize(),
        quantity,
        decoders.NO_UNIT if part.text else decoders.unit(part.unit),
        sensor=sensor,
        observation_type=CATEGORY if part.text else MEASUREMENT,
        description=quantity.description,
    )
