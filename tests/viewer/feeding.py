"""A small feed for the viewer's tests: weather, a heat meter, a soil probe, a room without values."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np

from sensors.store import Store
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import now_us

HOUR_US = 3_600_000_000
NAMED = "Wetterstation Test"
_AT = (11.602486839817772, 50.8833973930566)  # 683060 E, 5640085 N in UTM zone 32, by PROJ


def _stream(key: str, prop: str, unit: str, name: str, **more: float) -> StreamSpec:
    return StreamSpec(
        key, name, ObservedProperty(prop, f"http://example.org/{prop}"), Unit(unit, unit),
        properties={"interval_s": 1} if key == "weather/temp" else more,
    )  # fmt: skip


def things(building_id: str | None) -> list[ThingSpec]:
    """What the feed measures; the heat meter stands in `building_id`."""
    place = {"type": "Point", "coordinates": list(_AT)}
    meter = {"type": "Point", "coordinates": [_AT[0] + 0.0004, _AT[1]]}
    soil = {"type": "Point", "coordinates": [_AT[0], _AT[1] - 0.0006]}
    return [
        ThingSpec(
            "test", "weather", f"{NAMED} (simulierte Messreihe / simulated feed)", "weather", location=place,
            simulated=True, public=True,
            streams=(_stream("weather/temp", "air temperature", "Cel", "Lufttemperatur"),),
        ),
        ThingSpec(
            "test", "heat", "Wärmezähler Test", "heat_meter", location=meter, building_id=building_id,
            simulated=True, properties={"block_id": "west"},
            streams=(_stream("heat/heat", "heat consumption", "kW.h", "Wärme der Stunde"),),
        ),
        ThingSpec(
            "test", "soil", "Bodenfeuchte Test", "soil_moisture", location=soil, simulated=True, public=True,
            properties={"reference_area": "park", "trees": ["t1", "t2"], "texture": "loam"},
            streams=(_stream("soil/potential-30", "matric potential", "kPa", "Matrixpotenzial", depth_cm=30),
                     _stream("soil/battery", "battery voltage", "V", "Batteriespannung")),
        ),
        ThingSpec(
            "test", "room", "Raumklima Test", "indoor_climate", simulated=True,
            streams=(_stream("room/temp", "indoor temperature", "Cel", "Raumtemperatur"),),
        ),
    ]  # fmt: skip


def fill(store: Store, building_id: str | None, *, days: int = 40) -> dict[str, int]:
    """The things and hourly values until now; stream key → datastream_id."""
    ids: dict[str, int] = {}
    for thing in things(building_id):
        ids |= store.ensure(thing)
    last = now_us() // HOUR_US * HOUR_US
    hours = last - np.arange(24 * days, 0, -1) * HOUR_US
    for key, value in _VALUES.items():
        store.append([_observed(ids[key], int(time), value(time / HOUR_US)) for time in hours])
    return ids


def live(building_id: str | None, every_s: float = 0.5, days: int = 40) -> Callable[..., None]:
    """A source for `viewer.feeds.Feeds`: history, then values of weather and soil until told to stop."""

    def run(store: Store, stop: threading.Event) -> None:
        ids = {key: number for thing in things(building_id) for key, number in store.ensure(thing).items()}
        if not store.series(ids["heat/heat"]).size:
            fill(store, building_id, days=days)
        turn = 0
        while not stop.wait(every_s):
            turn += 1
            store.append(
                [
                    NewObservation(ids["weather/temp"], now_us(), round(12 + 0.1 * (turn % 50), 1)),
                    NewObservation(ids["soil/potential-30"], now_us(), -35.0 - 0.1 * (turn % 7)),
                ]
            )

    return run


_VALUES: dict[str, Callable[[float], float]] = {
    "weather/temp": lambda hour: round(9 + 6 * math.sin(hour / 24 * 2 * math.pi), 1),
    "heat/heat": lambda hour: round(40 + 15 * math.cos(hour / 24 * 2 * math.pi), 1),
    "soil/potential-30": lambda hour: -30.0 - (hour % 200) / 10,
    "soil/battery": lambda hour: 3.6,
}


def _observed(stream: int, time: int, value: float) -> NewObservation:
    return NewObservation(stream, time, value, phenomenon_end=time + HOUR_US)
