"""Rows as the JSON of 18-088, clause 8: control information, properties, links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from sensors.iso8601 import format_instant, format_time
from viewer.api.sensorthings.model import Entity, Property

Row = Mapping[str, Any] | RowMapping


class Renderer:
    """Writes entities with links below `root`, the service's address without a slash at the end."""

    def __init__(self, root: str) -> None:
        self.root = root

    def self_link(self, entity: Entity, identifier: int) -> str:
        return f"{self.root}/{entity.plural}({identifier})"

    def entity(
        self, entity: Entity, row: Row, select: tuple[str, ...] | None, *, links: bool = True
    ) -> dict[str, Any]:
        """One entity.

        select : what of it; None: all.
        links : whether to link to relations where nothing is selected.
        """
        here = self.self_link(entity, row["id"])
        shown: dict[str, Any] = {}
        if select is None or "id" in select:
            shown["@iot.id"] = row["id"]
            shown["@iot.selfLink"] = here
        for prop in entity.properties.values():
            if select is None or prop.name in select:
                value = value_of(prop, row)
                if value is not None or prop.required or prop.always:
                    shown[prop.name] = value
        for relation in entity.relations:
            if relation in select if select is not None else links:
                shown[f"{relation}@iot.navigationLink"] = f"{here}/{relation}"
        return shown


def value_of(prop: Property, row: Row) -> Any:
    """A property's value as JSON has it; None: it has none."""
    if prop.kind == "result":
        return result_of(row[prop.columns[0]], row[prop.columns[1]])
    first = row[prop.columns[0]]
    if prop.kind == "unit":
        names = ("name", "symbol", "definition")
        return {name: row[column] for name, column in zip(names, prop.columns, strict=True)}
    if prop.kind == "instant":
        return None if first is None else format_instant(first)
    if prop.kind == "time":
        return None if first is None else format_time(first, row[prop.columns[1]])
    if prop.kind == "interval":
        last = row[prop.columns[1]]
        return None if first is None else format_time(first, first if last is None else last)
    if prop.name == "properties" and "building_id" in row:
        return _thing_properties(first, row)
    return first


def result_of(number: float | None, other: Any) -> Any:
    """A result; whole numbers without a point."""
    if number is None:
        return other
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _thing_properties(given: Any, row: Row) -> Any:
    """What a client wrote, and what the twin knows of the thing."""
    known = {name: row[name] for name in ("kind", "building_id", "tree_id", "street") if row[name]}
    if row["simulated"]:
        known["simulated"] = True
    if row["public"] and given and "public" in given:
        known["public"] = True
    return {**known, **(given or {})} or None
