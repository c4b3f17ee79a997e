"""Selecting several buildings at once: by click after click, by a filter, by rows of the table, by lasso.

What is selected is written as `scenarios.scenario.Targets`, so that a measure can be limited to it, and so
that it fits in an address: a filter as its conditions, other sets as whole blocks where they are such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from scenarios.scenario import Targets
from twin.errors import CallError
from viewer import facts, texts
from viewer.state import Selection, State, Twin

# Columns of the table buildings that one may filter by, with the section of the texts that name their codes.
CLASSES: Mapping[str, str] = {
    "quarter": "", "construction_series": "", "function": "function", "heating": "heating",
    "refurbishment": "state",
}  # fmt: skip
RANGES = ("year_of_construction", "storeys_above_ground")
How = Literal["set", "add", "remove"]


class Picking:
    """One page's tools to select several buildings.

    show : takes news for the page, by name of the bridge's parameter.
    changed : is called once another selection stands.
    """

    def __init__(
        self, state: State, show: Callable[..., None], changed: Callable[[], None], several: bool = False
    ) -> None:
        self.state, self.changed, self.several = state, changed, several
        self._show = show
        self.where: dict[str, Any] = {}

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        action = self._ACTIONS.get(str(message.get("type")))
        if action is None:
            return False
        action(self, message)
        return True

    def shown(self) -> dict[str, Any]:
        """What the page needs: the filter as it is set, what it finds, and whether clicks add up."""
        found = filtered(self.state.twin, self.where)
        return {"where": self.where, "several": self.several, **summary(self.state.twin, found)}

    def click(self, building_id: str | None) -> None:
        """A click in the scene or the table: selects, or with several adds and takes away."""
        state = self.state
        if not self.several:
            state.select(building_id)
        elif building_id is not None and building_id in state.twin.annual.index:
            unit = list(state.twin.units.index[state.twin.units == state.twin.units[building_id]])
            held = set(state.selected_ids)
            self._choose(unit, "remove" if held.issuperset(unit) else "add")
        self.changed()

    def _lasso(self, message: Mapping[str, Any]) -> None:
        self._choose(_ids(message), "add" if self.several or message.get("add") else "set")
        self.changed()

    def _pick(self, message: Mapping[str, Any]) -> None:
        how = str(message.get("how", "set"))
        if how not in ("set", "add", "remove"):
            raise CallError(f"there is no way {how!r} to pick", "selection", "Use set, add or remove")
        ids = self._of_rows(message) if "rows" in message else _ids(message)
        self._choose(ids, how)  # type: ignore[arg-type]  # checked above
        self.changed()

    def _of_rows(self, message: Mapping[str, Any]) -> list[str]:
        """Buildings by their rows in the scene, as tables name them."""
        index = self.state.twin.annual.index
        rows = [int(row) for row in message["rows"]]
        if rows and not 0 <= min(rows) <= max(rows) < len(index):
            raise CallError("there is no building of this row", "selection", "Open the table again")
        return [str(index[row]) for row in dict.fromkeys(rows)]

    def _choose(self, ids: Sequence[str], how: How) -> None:
        known = [i for i in ids if i in self.state.twin.annual.index]
        held = self.state.selected_ids
        if how == "add":
            known = [*held, *(i for i in known if i not in set(held))]
        elif how == "remove":
            gone = set(known)
            known = [i for i in held if i not in gone]
        self.state.choose(targets_of(self.state.twin, known), known)

    def _filter(self, message: Mapping[str, Any]) -> None:
        self.where = conditions(self.state.twin, message.get("where") or {})
        if message.get("apply"):
            found = filtered(self.state.twin, self.where)
            if self.where and len(found):
                self.state.choose(_json(Targets(where=self.where)), found)
            else:
                self.state.select(None)
            self.changed()
        self._show(pick=self.shown())

    def _several(self, message: Mapping[str, Any]) -> None:
        self.several = bool(message["on"])
        self._show(pick=self.shown())

    _ACTIONS: Mapping[str, Callable[[Picking, Mapping[str, Any]], None]] = {
        "lasso": _lasso, "pick": _pick, "filter": _filter, "several": _several,
    }  # fmt: skip


def options(twin: Twin, language: str) -> list[dict[str, Any]]:
    """The filter's fields: classes with their number of buildings, numbers with their range."""
    table = twin.district.buildings
    fields: list[dict[str, Any]] = []
    for column, section in CLASSES.items():
        counts = table[column].dropna().astype(str).value_counts()
        if counts.empty:
            continue
        choices = [
            {"id": code, "title": texts.label(language, section, code) if section else code, "count": int(n)}
            for code, n in counts.items()
        ]
        fields.append(
            {"id": column, "kind": "class", "choices": sorted(choices, key=lambda c: str(c["title"]))}
        )
    for column in RANGES:
        known = table[column].dropna().astype(float)
        if len(known):
            fields.append(
                {"id": column, "kind": "range", "min": round(known.min()), "max": round(known.max())}
            )
    return [field | {"title": texts.text(language, f"column.{field['id']}")} for field in fields]


def places(twin: Twin) -> list[dict[str, str]]:
    """What one may search for: addresses and names, the first building of each."""
    named = facts.names(twin.district.buildings)
    known = named[named != named.index.to_series()].drop_duplicates()
    return [{"id": str(i), "title": str(title)} for i, title in known.items()]


def conditions(twin: Twin, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a filter as `Targets.where` has them; what asks for nothing is left out.

    Raises
    ------
    CallError : a column that is none of the filter's, or a limit that is no number.
    """
    where: dict[str, Any] = {}
    for column, wanted in asked.items():
        if column in CLASSES:
            values = [
                str(v) for v in (wanted if isinstance(wanted, list) else [wanted]) if v not in ("", None)
            ]
            if values:
                where[column] = values if len(values) > 1 else values[0]
        elif column in RANGES and isinstance(wanted, Mapping):
            limits = {end: _number(wanted.get(end), column) for end in ("min", "max")}
            if given := {end: value for end, value in limits.items() if value is not None}:
                where[column] = given
        else:
            raise CallError(
                f"there is no filter {column!r}", "filter", f"Use {', '.join([*CLASSES, *RANGES])}"
            )
    return where


def filtered(twin: Twin, where: Mapping[str, Any]) -> list[str]:
    """Ids of the buildings that fulfil all conditions; all without any."""
    return [str(i) for i in Targets(where=dict(where)).ids(twin.case)]


def summary(twin: Twin, ids: Sequence[str]) -> dict[str, int]:
    """How many buildings and dwellings these are, and how many of them are heated."""
    rows = twin.district.buildings.index.get_indexer(pd.Index(list(ids)))
    dwellings = twin.district.buildings["dwellings"].to_numpy("float64")[rows]
    return {
        "buildings": len(rows),
        "dwellings": int(np.nansum(dwellings)),
        "heated": int(twin.conditioned[rows].sum()),
    }


def targets_of(twin: Twin, ids: Sequence[str]) -> str:
    """Targets that mean exactly the buildings `ids`, as JSON: whole blocks where they are such."""
    table, chosen = twin.district.buildings, set(ids)
    blocks = table["block_id"].reindex(list(ids))
    if len(ids) and bool(blocks.notna().all()) and bool(blocks.isin(twin.district.blocks.index).all()):
        names = list(dict.fromkeys(str(b) for b in blocks))
        if chosen.issuperset(table.index[table["block_id"].isin(names)]):
            return _json(Targets(blocks=names))
    return _json(Targets(buildings=[str(i) for i in ids]))


def read(state: State, targets: str) -> None:
    """Select what an address's targets mean; nothing where they mean nothing here.

    Raises
    ------
    CallError : the text is none that a selection gives.
    """
    try:
        limits = Targets.model_validate_json(targets)
    except ValueError as error:  # pydantic's too
        raise CallError(
            f"this is no selection: {error}", "address", "Open the page without it",
            german="Die Adresse enthält eine Auswahl, die es so nicht gibt. Öffnen Sie die Seite ohne sie.",
        ) from None  # fmt: skip
    state.choose(_json(limits), [str(i) for i in limits.ids(state.twin.case)])


def selection_targets(state: State) -> str:
    """Targets of what is selected, as JSON; empty where nothing is."""
    chosen: Selection | None = state.selection
    if chosen is None:
        return ""
    return chosen.targets if chosen.level == "set" else targets_of(state.twin, state.selected_ids)


def _json(targets: Targets) -> str:
    return targets.model_dump_json(exclude_defaults=True, exclude_none=True)


def _ids(message: Mapping[str, Any]) -> list[str]:
    ids = message.get("ids")
    if not isinstance(ids, list):
        raise CallError("no list of buildings", f"message {message.get('type')}")
    return [str(i) for i in ids]


def _number(value: Any, column: str) -> float | None:
    if value in ("", None):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise CallError(f"{value!r} is no number", f"filter {column}") from None
