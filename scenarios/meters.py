"""Which buildings and which heat a meter of the store stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sensors import units
from sensors.store import Store
from sensors.store.tables import datastreams, things
from twin.district import District

ENERGY, POWER = "kW.h", "kW"


@dataclass(frozen=True)
class Stream:
    """A datastream of a meter."""

    id: int
    unit: str
    properties: Mapping[str, Any]

    @property
    def is_energy(self) -> bool:
        """Whether it has amounts or readings of a counter."""
        return units.converts(self.unit, ENERGY)

    @property
    def is_hourly(self) -> bool:
        """Whether each value is the energy of an hour."""
        return self.is_energy and self.properties.get("interval") == "hour"


@dataclass(frozen=True)
class Meter:
    """A Thing that is a meter, with its datastreams in order of their ids."""

    id: int
    name: str
    kind: str
    building_id: str | None
    properties: Mapping[str, Any]
    streams: tuple[Stream, ...]

    def buildings(self, district: District) -> tuple[str, ...]:
        """The buildings behind it."""
        return buildings_of(self.properties, self.building_id, district)

    @property
    def hot_water(self) -> bool:
        """Whether it counts the heat of hot water."""
        return hot_water([self.properties, *(stream.properties for stream in self.streams)])


def buildings_of(
    properties: Mapping[str, Any], building_id: str | None, district: District
) -> tuple[str, ...]:
    """The buildings behind a meter: those it names, else those of the block it names, else its own.

    A name that the district does not have is given as it is.
    """
    named = properties.get("building_ids")
    if isinstance(named, Sequence) and not isinstance(named, str):
        return tuple(dict.fromkeys(str(name) for name in named))
    block = properties.get("block_id")
    if block is not None:
        table = district.buildings
        return tuple(table.index[table["block_id"] == str(block)]) or (str(block),)
    return () if not building_id else (building_id,)


def hot_water(properties: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a meter counts the heat of hot water; taken as so where neither Thing nor stream says."""
    said = (one["hot_water"] for one in properties if one.get("hot_water") is not None)
    return bool(next(said, True))


def meters(store: Store, kind: str) -> list[Meter]:
    """The Things of a kind, in order of their ids."""
    t, d = things.c, datastreams.c
    with store.connect() as connection:
        found = connection.execute(
            sa.select(t.id, t.name, t.kind, t.building_id, t.properties)
            .where(t.kind == kind, sa.not_(t.deleted))
            .order_by(t.id)
        ).all()
        rows = connection.execute(
            sa.select(d.thing_id, d.id, d.unit_symbol, d.properties).where(sa.not_(d.deleted)).order_by(d.id)
        ).all()
    streams: dict[int, list[Stream]] = {}
    for thing_id, number, unit, properties in rows:
        streams.setdefault(thing_id, []).append(Stream(number, unit or "1", properties or {}))
    return [
        Meter(
            row.id, row.name, row.kind, row.building_id, row.properties or {}, tuple(streams.get(row.id, ()))
        )
        for row in found
    ]
