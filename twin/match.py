"""Owner's lists to buildings: by id, by address, and where that fails by place.

One row may mean several buildings ("9–19") and several rows one building. An address that stands twice with
the same values is taken once; with different ones it is ambiguous, and neither row is applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from twin.addresses import HouseNumbers, street
from twin.facts import SUMS, VALUES, FactsList
from twin.facts_apply import apply
from twin.register import Answer, Register
from twin.sources.base import Finding

__all__ = ["MatchResult", "apply", "match"]

Record = dict[str, Any]

PLACE_WARNING_M = 100.0
"""A place this far from the buildings of its own address is worth a note."""


@dataclass(frozen=True)
class MatchResult:
    """Which rows of a list mean which buildings.

    facts : the list; rows that stand twice with the same values are merged into the first.
    assignments : `row building_id how detail numbers`; how is id, address or place; detail says how exactly;
        numbers are the house numbers met, as a tuple.
    ambiguous, unmatched : `row address reason`, ambiguous ones with `candidates` (building ids).
    duplicates : `row first_row address same`; same is False where the values differ.
    notes : `row address message`: applied, but worth knowing.
    """

    facts: FactsList
    assignments: pd.DataFrame
    ambiguous: pd.DataFrame
    unmatched: pd.DataFrame
    duplicates: pd.DataFrame
    notes: pd.DataFrame

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that a person should look at, in the order of the rows."""
        found: list[tuple[int, Finding]] = []
        for word, frame in (("ambiguous", self.ambiguous), ("not matched", self.unmatched)):
            found += self._listed(frame, "left_out", f"{word}, " + frame["reason"])
        same = self.duplicates[self.duplicates["same"].astype(bool)]
        found += self._listed(
            same, "note", "stands in row " + same["first_row"].astype(str) + " too, taken once"
        )
        found += self._listed(self.notes, "note", self.notes["message"])
        return (*self.facts.findings, *(finding for _, finding in sorted(found, key=lambda item: item[0])))

    def _listed(
        self, frame: pd.DataFrame, kind: Literal["left_out", "note"], messages: pd.Series
    ) -> list[tuple[int, Finding]]:
        return [
            (int(row), Finding(kind, self.facts.file, f"row {row}, {address}", str(message)))
            for row, address, message in zip(frame["row"].tolist(), frame["address"], messages, strict=True)
        ]


def match(buildings: gpd.GeoDataFrame, facts: FactsList) -> MatchResult:
    """Which buildings does each row of the list mean?

    buildings : table of a district (EPSG:25832); with `block_id`, a place may mean a whole row of houses.
    """
    register = Register(buildings)
    records = facts.records()
    answers = {row: _answer(register, record) for row, record in records.items()}
    duplicates, conflicts = _duplicates(register, records, answers)
    for row, reason in conflicts.items():
        answers[row] = replace(
            answers[row], status="ambiguous", reason=reason, candidates=tuple(answers[row].numbers)
        )
    agreeing = duplicates[duplicates["same"] & duplicates["whole"] & ~duplicates["row"].isin(conflicts)]
    merged = dict(zip(agreeing["row"].tolist(), agreeing["first_row"].tolist(), strict=True))
    return MatchResult(
        facts=_merge(facts, merged),
        assignments=_assignments(register, {r: a for r, a in answers.items() if r not in merged}),
        ambiguous=_listed(register, records, answers, "ambiguous"),
        unmatched=_listed(register, records, answers, "unmatched").drop(columns="candidates"),
        duplicates=duplicates.drop(columns="whole"),
        notes=_notes(records, {r: a for r, a in answers.items() if a.status == "matched"}),
    )


def _answer(register: Register, record: Record) -> Answer:
    """By id, else by address, else by place."""
    numbers: HouseNumbers = record["numbers"]
    name, postcode, city = (str(record[key] or "") for key in ("street", "postcode", "city"))
    tried: list[Answer] = []
    if record["building_id"]:
        tried.append(register.by_id(str(record["building_id"])))
    if name and numbers.items and not _done(tried):
        tried.append(register.by_address(name, numbers, postcode, city))
    x, y = record["x"], record["y"]
    if x is not None and y is not None:
        if not _done(tried):
            tried.append(register.by_place(x, y, max(len(numbers.numbers()), 1)))
        elif (
            tried[-1].how == "address"
            and (gap := register.distance_m(list(tried[-1].numbers), x, y)) > PLACE_WARNING_M
        ):
            note = f"the place is {gap:.0f} m from the buildings of this address, which was followed"
            return replace(tried[-1], notes=(*tried[-1].notes, note))
    if _done(tried):
        return tried[-1]
    worst = next((a for a in tried if a.status == "ambiguous"), tried[0])
    return replace(worst, reason="; ".join(dict.fromkeys(a.reason for a in tried)))


def _done(tried: list[Answer]) -> bool:
    return bool(tried) and tried[-1].status == "matched"


def shown_address(record: Record) -> str:
    """A row's address as the list writes it, else its id or place."""
    if record["street"]:
        return f"{record['street']} {record['house_number'] or ''}".strip()
    return str(record["building_id"] or f"{record['x']:.0f}, {record['y']:.0f}")


def _listed(
    register: Register, records: Mapping[int, Record], answers: Mapping[int, Answer], status: str
) -> pd.DataFrame:
    found = [
        (
            row,
            shown_address(records[row]),
            answer.reason,
            ", ".join(register.ids[list(answer.candidates)]),
        )
        for row, answer in answers.items()
        if answer.status == status
    ]
    return pd.DataFrame(found, columns=["row", "address", "reason", "candidates"])


def _assignments(register: Register, answers: dict[int, Answer]) -> pd.DataFrame:
    found = [
        (row, register.ids[position], answer.how, answer.detail, numbers)
        for row, answer in answers.items()
        if answer.status == "matched"
        for position, numbers in answer.numbers.items()
    ]
    return pd.DataFrame(found, columns=["row", "building_id", "how", "detail", "numbers"])


def _notes(records: Mapping[int, Record], answers: Mapping[int, Answer]) -> pd.DataFrame:
    found = []
    for row, answer in answers.items():
        shown = shown_address(records[row])
        if answer.how == "place":
            found.append((row, shown, f"matched by its place ({answer.detail})"))
        elif answer.how == "address" and answer.detail != "exact":
            found.append((row, shown, f"matched despite of another spelling ({answer.detail})"))
        found += [(row, shown, note) for note in answer.notes]
    return pd.DataFrame(found, columns=["row", "address", "message"])


# ------------------------------------------------------------------------------------------ duplicates
def _keys(register: Register, record: Record, answer: Answer) -> frozenset[Hashable]:
    """What a row claims: addresses, or buildings where there is no address."""
    if answer.how == "address":
        return frozenset((answer.street_key, n) for met in answer.numbers.values() for n in met)
    numbers: HouseNumbers = record["numbers"]
    if answer.how == "place" and record["street"] and numbers.items:
        key = street(record["street"]).key
        return frozenset((key, n) for n in numbers.numbers())
    own = [register.addresses[position] or (register.ids[position],) for position in answer.numbers]
    return frozenset(key for keys in own for key in keys)


def _duplicates(
    register: Register, records: Mapping[int, Record], answers: Mapping[int, Answer]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Rows that claim an address that an earlier row claims, and the reasons of those that contradict."""
    claims = {
        row: _keys(register, records[row], answer)
        for row, answer in answers.items()
        if answer.status == "matched"
    }
    claimed: dict[Hashable, list[int]] = defaultdict(list)
    doubles: list[tuple[int, int, str, bool, bool]] = []
    conflicts: dict[int, str] = {}
    for row, keys in claims.items():
        found = []
        for other in sorted({r for key in keys for r in claimed[key]}):
            whole = claims[other] == keys
            differing = _differing(records[other], records[row], whole=whole)
            found.append((row, other, shown_address(records[row]), not differing, whole))
            if differing:
                reason = f"with another {', '.join(differing)}; neither is applied"
                conflicts.setdefault(row, f"it stands in row {other} too, {reason}")
                conflicts.setdefault(other, f"it stands in row {row} too, {reason}")
        doubles += sorted(found, key=lambda record: (record[3], record[1]))[:1]
        for key in keys:
            claimed[key].append(row)
    frame = pd.DataFrame(doubles, columns=["row", "first_row", "address", "same", "whole"])
    return frame.astype({"same": bool, "whole": bool}), conflicts


def _differing(first: Record, second: Record, *, whole: bool) -> list[str]:
    """Columns in which both rows say something, and not the same.

    Where the rows share only some of their addresses, two sums (such as dwellings) always contradict.
    """
    out = []
    for column in VALUES:
        a, b = first[column], second[column]
        if a is None or b is None:
            continue
        if column in SUMS and not whole:
            out.append(column)
        elif isinstance(a, str):
            if a.casefold() != str(b).casefold():
                out.append(column)
        elif not np.isclose(a, b, rtol=1e-6):
            out.append(column)
    return out


def _merge(facts: FactsList, merged: Mapping[int, int]) -> FactsList:
    """The list with duplicates that agree taken into their first row."""
    rows = facts.rows.drop(index=list(merged))
    for row, first in merged.items():
        while first in merged:
            first = merged[first]
        rows.loc[[first]] = rows.loc[[first]].fillna(facts.rows.loc[[row]].set_axis([first]))
    return replace(facts, rows=rows)
