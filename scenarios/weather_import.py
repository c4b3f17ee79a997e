"""Weather of the German weather service as observations: station files and MOSMIX, read by `energy`'s parser.

A station is a Thing, a quantity a datastream. Importing again adds what is new and corrects what DWD's own
quality control has changed; nothing is doubled. A forecast's observations carry the time of its issue as
their result time, so that all issues stay; `scenarios.recent_weather` takes the latest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.engine import Connection

from energy import weather_formats
from energy.weather_formats import dwd, dwd_places, mosmix
from energy.weather_formats.base import Reading
from energy.weather_formats.dwd import Measured
from sensors.store import Store, reading
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import from_us, to_us
from twin.errors import SourceError

SOURCE = "dwd"
LICENCE, ATTRIBUTION = "CC BY 4.0", "Deutscher Wetterdienst"
HOUR_US = 3_600_000_000
_QUANTITY = "http://qudt.org/vocab/quantitykind/"
# Property, kind of quantity and unit of what is stored, by quantity of the parser.
STREAMS: dict[str, tuple[str, str, Unit]] = {
    "temp_air": ("air temperature", "Temperature", Unit("degree Celsius", "Cel")),
    "temp_dew": ("dew point", "DewPointTemperature", Unit("degree Celsius", "Cel")),
    "relative_humidity": ("relative humidity", "RelativeHumidity", Unit("percent", "%")),
    "wind_speed": ("wind speed", "Speed", Unit("metre per second", "m/s")),
    "ghi": ("global radiation", "Irradiance", Unit("watt per square metre", "W/m2")),
    "dhi": ("diffuse radiation", "Irradiance", Unit("watt per square metre", "W/m2")),
    "ir_horizontal": ("long-wave radiation", "Irradiance", Unit("watt per square metre", "W/m2")),
    "cloud_cover": ("cloud cover", "DimensionlessRatio", Unit("share", "1")),
    "sunshine": ("sunshine", "DimensionlessRatio", Unit("share of the hour", "1")),
    "precipitation": ("precipitation", "Length", Unit("millimetre", "mm")),
    "pressure": ("air pressure", "Pressure", Unit("hectopascal", "hPa")),
}
_PART = 5000


@dataclass(frozen=True)
class Imported:
    """What became of a file."""

    thing: str
    new: int = 0
    corrected: int = 0
    known: int = 0


def import_file(store: Store, file: Path) -> list[Imported]:
    """A station file, a MOSMIX forecast or the list of stations into the store: all of it, or nothing.

    Raises
    ------
    SourceError : no such file, or none of the kinds named. StoreError : nothing was stored.
    """
    if not file.is_file():
        raise SourceError("there is no such file", file, "Name a DWD station file or a MOSMIX forecast")
    texts = weather_formats.texts(file)
    for name, text in texts:
        if dwd_places.matches(text):
            places = dwd_places.parse(text, file)
            store.put_state(SOURCE, "places", {key: list(place) for key, place in places.items()})
            return [Imported(f"{len(places)} places of stations")]
        if mosmix.matches(text):
            return [import_forecast(store, mosmix.parse(text, file))]
        if dwd.matches(name, text):
            found = dwd.measured(file)
            with store.transaction() as connection:
                return _import_station(store, connection, found)
    raise SourceError(
        "the file is neither a DWD station file nor a MOSMIX forecast", file, "Name one of those"
    )


def _import_station(store: Store, connection: Connection, found: list[Measured]) -> list[Imported]:
    done: list[Imported] = []
    places: dict[str, Any] = store.state(SOURCE, "places") or {}
    for station in sorted({one.station for one in found}):
        mine = [one for one in found if one.station == station]
        listed = places.get(str(int(station)) if station.isdigit() else station)
        title = next((one.title for one in mine if one.title), "") or (listed[0] if listed else station)
        place = next((one.place for one in mine if one.place), None) or (
            tuple(listed[1:]) if listed else None
        )
        thing = _thing(f"station-{station}", f"DWD {title}", [one.quantity for one in mine], place)
        ids = store.ensure(thing, connection=connection)
        counts = np.zeros(3, np.int64)
        for one in mine:
            counts += _add(store, connection, ids[f"station-{station}/{one.quantity}"], one)
        done.append(Imported(f"DWD {title}", *(int(count) for count in counts)))
    return done


def _thing(
    key: str, name: str, quantities: list[str], place: tuple[float, ...] | None, forecast: bool = False
) -> ThingSpec:
    streams = []
    for quantity in dict.fromkeys(quantities):
        prop, kind, unit = STREAMS[quantity]
        properties = {"quantity": quantity, "forecast": forecast}
        label = f"{prop}, forecast" if forecast else prop
        streams.append(
            StreamSpec(
                f"{key}/{quantity}", label, ObservedProperty(label, _QUANTITY + kind), unit,
                sensor="MOSMIX_L" if forecast else "DWD station", properties=properties,
            )
        )  # fmt: skip
    location = None if place is None else {"type": "Point", "coordinates": [place[1], place[0]]}
    return ThingSpec(
        SOURCE, key, name, "weather", location=location, public=True, streams=tuple(streams),
        description=f"© {ATTRIBUTION}, {LICENCE}",
        properties={"licence": LICENCE, "attribution": ATTRIBUTION, "forecast": forecast,
                    **({} if place is None else {"altitude_m": place[2]})},
    )  # fmt: skip


def _add(store: Store, connection: Connection, datastream_id: int, one: Measured) -> tuple[int, int, int]:
    """New, corrected and known values."""
    if not len(one.stamps):
        return 0, 0, 0
    length = one.minutes * 60_000_000
    starts = one.stamps.as_unit("us").asi8 - length
    first, last = from_us(int(starts.min())), from_us(int(starts.max()) + 1)
    known = reading.series(connection, datastream_id, first, last, "raw")
    times = pd.DatetimeIndex(known.index).as_unit("us").asi8.tolist()
    stored = zip(known["id"].tolist(), known["result"].tolist(), strict=True)
    before = dict(zip(times, stored, strict=True))
    new: list[NewObservation] = []
    changed: dict[int, float] = {}
    for start, value in zip(starts.tolist(), one.values.tolist(), strict=True):
        old = before.get(start)
        if old is None:
            end = start + length if length else None
            new.append(NewObservation(datastream_id, start, value, phenomenon_end=end, source_key=str(start)))
        elif old[1] != value:
            changed[old[0]] = value
    for position in range(0, len(new), _PART):
        store.append(new[position : position + _PART], connection=connection)
    for observation_id, value in changed.items():
        store.correct(observation_id, {"result": value}, connection=connection)
    return len(new), len(changed), len(starts) - len(new) - len(changed)


def import_forecast(store: Store, forecast: Reading) -> Imported:
    """A MOSMIX forecast, hour by hour; the same issue twice is stored once."""
    issued = to_us(pd.Timestamp(forecast.metadata["issued"]).to_pydatetime())
    table = forecast.table[[name for name in STREAMS if name in forecast.table]]
    key = forecast.name.split()[-1]
    place = forecast.latitude, forecast.longitude, forecast.altitude_m
    thing = _thing(f"mosmix-{key}", forecast.name, list(table.columns), place, forecast=True)
    starts = pd.DatetimeIndex(table.index).as_unit("us").asi8.tolist()
    with store.transaction() as connection:
        ids = store.ensure(thing, connection=connection)
        new = [
            NewObservation(
                ids[f"mosmix-{key}/{name}"], start, value, phenomenon_end=start + HOUR_US, result_time=issued,
                source_key=f"{issued}/{start}",
            )
            for name in table.columns
            for start, value in zip(starts, table[name].tolist(), strict=True)
            if np.isfinite(value)
        ]  # fmt: skip
        stored = [
            one.new
            for first in range(0, len(new), _PART)
            for one in store.append(new[first : first + _PART], connection=connection)
        ]
    return Imported(forecast.name, new=sum(stored), known=len(stored) - sum(stored))
