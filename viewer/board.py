"""All sensors at a glance: each device with its latest values, its state and its place in the picture.

One board serves all open pages: it asks the store at most once a second.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import pyproj
import sqlalchemy as sa

from sensors import alarms, soil, units
from sensors.store import Store
from sensors.store.tables import things
from viewer.watering import Care

DeviceState = Literal["ok", "suspect", "silent", "alarm", "waiting"]
FRESH_S = 1.0
_CRS = "EPSG:25832"
_SAYS_SIMULATED = re.compile(r"\s*\(simul[^()]*\)$", re.IGNORECASE)
_SUSPECT, _BAD = 3, 4


@dataclass(frozen=True)
class Reading:
    """The latest value of a datastream.

    observed : name of its property.  time_ms : since 1970 in UTC; None: nothing came yet.
    """

    stream_id: int
    name: str
    observed: str
    unit: str
    value: float | None
    time_ms: int | None
    flag: int

    @property
    def is_service(self) -> bool:
        """Whether it tells of the device itself, not of what it measures."""
        return any(word in self.observed for word in ("battery", "signal", "rssi", "snr"))


@dataclass(frozen=True)
class Device:
    """A Thing as the app shows it.

    xy : in EPSG:25832; None: its place is not known.  pf : of a soil sensor, the driest of its depths; nan
    where it has none.  colour : Jena's colour of it.  properties : as the feed gave them.
    """

    thing_id: int
    kind: str
    name: str
    building_id: str | None
    street: str | None
    simulated: bool
    xy: tuple[float, float] | None
    readings: tuple[Reading, ...]
    state: DeviceState
    pf: float
    properties: Mapping[str, Any]

    @property
    def colour(self) -> str:
        return soil.colour(self.pf)

    def called(self, language: str) -> str:
        """Its name in a language, where the feed gives one as property `name_de` or `name_en`."""
        named = self.properties.get(f"name_{language}")
        return named if isinstance(named, str) and named else self.name

    @property
    def main(self) -> Reading:
        """What stands for it on the map."""
        measured = [r for r in self.readings if not r.is_service]
        return next((r for r in measured if r.value is not None), (measured or list(self.readings))[0])

    @property
    def time_ms(self) -> int | None:
        return max((r.time_ms for r in self.readings if r.time_ms is not None), default=None)


@dataclass(frozen=True, eq=False)
class Glance:
    """The devices by thing_id, and the open alarms as `sensors.alarms.alarms` has them."""

    devices: Mapping[int, Device]
    alarms: pd.DataFrame


class Board:
    """Looks at a store for all pages. Safe in any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.care = Care(store)
        self._lock = threading.Lock()
        self._seen: tuple[float, Glance] | None = None

    def look(self, *, fresh: bool = False) -> Glance:
        """Devices and alarms, not older than a second; with `fresh` as they are now.

        Raises
        ------
        StoreError : the database cannot be reached.
        """
        with self._lock:
            if fresh or self._seen is None or time.monotonic() - self._seen[0] > FRESH_S:
                self._seen = (time.monotonic(), glance(self.store))
            return self._seen[1]


def glance(store: Store) -> Glance:
    """What `Board.look` gives, read from the store."""
    streams, standing = store.streams(), alarms.alarms(store)
    with store.connect() as connection:
        rows = connection.execute(sa.select(things.c.id, things.c.properties))
        properties = {int(row[0]): dict(row[1] or {}) for row in rows}
    to_grid = pyproj.Transformer.from_crs("EPSG:4326", _CRS, always_xy=True)
    devices = {}
    for thing_id, rows_of in streams.groupby("thing_id", sort=False):
        number = int(str(thing_id))
        mine = standing[standing["thing_id"] == number]
        devices[number] = _device(number, rows_of, mine, properties.get(number, {}), to_grid)
    return Glance(devices, standing)


def _device(
    thing_id: int,
    rows: pd.DataFrame,
    standing: pd.DataFrame,
    properties: Mapping[str, Any],
    to_grid: pyproj.Transformer,
) -> Device:
    first = rows.iloc[0]
    readings = tuple(_reading(int(str(number)), row) for number, row in rows.iterrows())
    place = first["longitude"], first["latitude"]
    xy = to_grid.transform(*place) if math.isfinite(place[0]) else None
    return Device(
        thing_id=thing_id,
        kind=str(first["kind"] or ""),
        name=bare(str(first["thing"])),
        building_id=_text(first["building_id"]),
        street=_text(first["street"]),
        simulated=bool(first["simulated"]),
        xy=None if xy is None else (round(xy[0], 1), round(xy[1], 1)),
        readings=readings,
        state=_state(readings, standing),
        pf=_driest_pf(readings),
        properties=properties,
    )


def bare(name: str) -> str:
    """A name without the words that it is simulated, which the app says beside it."""
    return _SAYS_SIMULATED.sub("", name)


def _reading(stream_id: int, row: pd.Series) -> Reading:
    value, known = row["latest_result"], pd.notna(row["latest_time"])
    number = float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    return Reading(
        stream_id=stream_id,
        name=bare(str(row["name"])),
        observed=str(row["property"]),
        unit=str(row["unit_symbol"] or ""),
        value=number,
        time_ms=int(row["latest_time"].value // 1_000_000) if known else None,
        flag=int(row["latest_flag"]) if pd.notna(row["latest_flag"]) else 2,
    )


def _state(readings: tuple[Reading, ...], standing: pd.DataFrame) -> DeviceState:
    if (standing["kind"] == "silent").any():
        return "silent"
    if len(standing):
        return "alarm"
    if all(reading.time_ms is None for reading in readings):
        return "waiting"
    return "suspect" if any(reading.flag in (_SUSPECT, _BAD) for reading in readings) else "ok"


def _driest_pf(readings: tuple[Reading, ...]) -> float:
    """pF at the driest depth of which the value is not bad; nan without any."""
    found = [
        float(soil.pf(units.convert(reading.value, reading.unit, "hPa")))
        for reading in readings
        if "potential" in reading.observed
        and reading.value is not None
        and reading.flag != _BAD
        and units.converts(reading.unit, "hPa")
    ]
    return max(found, default=math.nan)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None
