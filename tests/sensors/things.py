"""Things that the tests of the store measure."""

from __future__ import annotations

from datetime import UTC, datetime

from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import to_us

TEMPERATURE = ObservedProperty("Air temperature", "https://qudt.org/vocab/quantitykind/AirTemperature")
CELSIUS = Unit("degree Celsius", "Cel")


def at(text: str) -> int:
    """Microseconds of an ISO time, UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return to_us(time if time.tzinfo else time.replace(tzinfo=UTC))


def station(key: str = "a", streams: tuple[str, ...] = ("t",), **other: object) -> ThingSpec:
    """A weather station with temperature streams of these keys."""
    return ThingSpec(
        source="test",
        key=key,
        name=f"Station {key}",
        kind="weather",
        streams=tuple(StreamSpec(name, f"Temperature {name}", TEMPERATURE, CELSIUS) for name in streams),
        **other,  # type: ignore[arg-type]
    )


def value(stream: int, time: str, result: object, **other: object) -> NewObservation:
    """An observation at an ISO time."""
    return NewObservation(stream, at(time), result, **other)  # type: ignore[arg-type]
