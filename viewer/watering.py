"""The watering map: reference areas with the days they turn dry, and the trees to water, for the page."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import shapely

from scenarios import green_care
from sensors.store import Store
from twin.district import District
from viewer import format, texts

REFRESH_S = 60.0
MOST_MARKED = 150
_SAYS_KIND = re.compile(r"^Bodenfeuchte\s+|\s*\(simul[^()]*\)$")


class Care:
    """Outlooks of a store's reference areas for all pages, reckoned at most once a minute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: tuple[float, list[green_care.Outlook]] | None = None

    def outlooks(self) -> list[green_care.Outlook]:
        """Takes a second or so; safe in any thread.

        Raises
        ------
        StoreError : the database cannot be reached.
        """
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > REFRESH_S:
                found = green_care.of_store(self._store, pd.Timestamp.now("UTC"))
                self._seen = (time.monotonic(), found)
            return self._seen[1]


def page(found: list[green_care.Outlook], district: District, language: str) -> dict[str, Any]:
    """What the page shows: areas by colour and days, trees by place and litres; dates as text."""
    trees = green_care.waterings(found)
    return {
        "areas": [_area(one, language) for one in sorted(found, key=lambda one: -one.pf)],
        "trees": [
            {
                "name": tree_name(district, tree.tree_id), "tree": tree.tree_id, "litres": tree.litres,
                "by": day(tree.by, language), "colour": tree.colour,
            }
            for tree in trees
        ],
        "litres": sum(tree.litres for tree in trees),
        "simulated": any(one.state.simulated for one in found),
    }  # fmt: skip


def marked_trees(
    found: list[green_care.Outlook], district: District, language: str, name: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Symbols of the trees on the list, the driest first, coloured like their area."""
    markers = []
    for tree in green_care.waterings(found)[:MOST_MARKED]:
        if tree.tree_id not in district.trees.index:
            continue
        point = district.trees.geometry.loc[tree.tree_id]
        litres = format.quantity(tree.litres, "l", language)
        markers.append(
            {
                "id": f"tree:{tree.tree_id}", "kind": "tree", "title": name(tree.tree_id), "xy": [
                    round(float(shapely.get_x(point)), 1), round(float(shapely.get_y(point)), 1)],
                "building_id": None, "state": "ok", "text": litres, "colour": tree.colour,
            }
        )  # fmt: skip
    return markers


def tree_name(district: District, tree_id: str) -> str:
    """Species and number of a tree."""
    if tree_id not in district.trees.index:
        return tree_id
    species = district.trees["species"].loc[tree_id]
    return f"{species} {tree_id}" if isinstance(species, str) and species else tree_id


def by_area(found: list[green_care.Outlook]) -> Mapping[str, green_care.Outlook]:
    """Outlooks by the key of their area."""
    return {one.state.area.key: one for one in found}


def day(when: date | None, language: str) -> str:
    """A day as people write it; a text for one beyond the horizon."""
    if when is None:
        return texts.text(language, "watering.later")
    return f"{when:%d.%m.}" if language == "de" else f"{when.day} {when:%b}"


def _area(one: green_care.Outlook, language: str) -> dict[str, Any]:
    def turn(found: green_care.Turn) -> str:
        if found.expected is None and found.earliest is None:
            return "–"
        first, last = day(found.earliest, language), day(found.latest, language)
        if found.earliest == found.latest:
            return first
        return f"{day(found.expected, language)} ({first} – {last})"

    return {
        "key": one.state.area.key,
        "name": _SAYS_KIND.sub("", one.state.area.name),
        "colour": one.colour,
        "state": texts.text(language, f"watering.{one.colour or 'unknown'}"),
        "pf": format.number(one.pf, language, 1),
        "yellow": turn(one.yellow),
        "red": turn(one.red),
    }
