"""Answers of several files in one: every building once, ids unique, provenance per file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import geopandas as gpd
import numpy as np
import pandas as pd

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources.archive import Member
from twin.sources.assembly import SAME_M, Assembled, free_name, unique_surface_ids
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.footprints import with_heights

UNKNOWN_LICENCE = "unknown: ask the data's owner"
_LICENCES = re.compile(
    r"dl-de/[a-z]+-2-0|Datenlizenz Deutschland[^<\"\n]{0,60}|CC[ -]?BY(?:-[A-Z]{2})*[ -]\d\.\d"
    r"|CC0(?:[ -]1\.0)?|ODbL",
    re.I,
)


class Rejoined:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """The head first, then the rest."""
        if self._head:
            head, self._head = self._head, b""
            return head + self._stream.read() if size < 0 else head
        return self._stream.read(size)


def stated_licence(text: str) -> str:
    """The licence that a file's head or metadata name, or nothing."""
    found = _LICENCES.search(text)
    return found[0].strip() if found else ""


def source_data(
    assembled: Assembled,
    *,
    source: str,
    file: str,
    where: Path,
    licence: str,
    sha256: str,
    findings: Sequence[Finding],
    default_height_m: float | None,
) -> SourceData:
    """One file's answer, heights filled and provenance stated."""
    buildings, more = with_heights(assembled.buildings, where, default_height_m)
    found = [*findings, *assembled.findings, *more]
    tables: dict[str, pd.DataFrame] = {"buildings": buildings}
    if len(assembled.surfaces):
        tables["surfaces"] = assembled.surfaces
    if len(assembled.parts):
        tables["parts"] = assembled.parts
    moved = sorted(name for name in assembled.crs if name != CRS)
    changes = [f"transformed from {name} to {CRS}" for name in moved]
    if left_out := sum(finding.kind == "left_out" for finding in found):
        changes.append(f"{left_out} buildings left out")
    record = Provenance(
        "buildings", source, file, licence or UNKNOWN_LICENCE, changes="; ".join(changes), sha256=sha256
    )
    return SourceData(tables, findings=found, provenance=[replace(record, table=table) for table in tables])


def read_each(
    members: Sequence[Member],
    read: Callable[..., SourceData],
    *,
    crs: str | None,
    progress: Progress,
    default_height_m: float | None,
) -> SourceData:
    """Read several files and merge them; progress runs once from 0 to 1 by their sizes."""
    sizes = np.array([member.size for member in members])
    share = np.nan_to_num(sizes, nan=1.0) / max(np.nansum(sizes), 1.0)
    before = np.concatenate([[0.0], np.cumsum(share)])
    answers = []
    for number, member in enumerate(members):
        step = progress if len(members) == 1 else _scaled(progress, before[number], share[number])
        answers.append(read(member, crs=crs, progress=step, default_height_m=default_height_m))
    return merged(answers)


def _scaled(progress: Progress, start: float, share: float) -> Progress:
    if progress is no_progress:
        return progress
    return lambda text, done: progress(text, float(start + share * done))


def merged(answers: Sequence[SourceData]) -> SourceData:
    """Several answers in one: a building that two files hold is taken once, from the first.

    Another building with a taken id is renamed, and with it the ids in its surfaces and parts.
    """
    if len(answers) == 1:
        return answers[0]
    findings: list[Finding] = [finding for answer in answers for finding in answer.findings]
    taken: dict[str, tuple[float, float]] = {}
    frames: dict[str, list[pd.DataFrame]] = {}
    for answer in answers:
        for table, frame in _without_doubles(answer, taken, findings).items():
            frames.setdefault(table, []).append(frame)
    tables = {table: _stacked(table, parts) for table, parts in frames.items()}
    if "buildings" not in tables:
        raise SourceError("no buildings in the files", remedy="Check the files")
    return SourceData(
        tables, findings=findings, provenance=[record for answer in answers for record in answer.provenance]
    )


def _without_doubles(
    answer: SourceData, taken: dict[str, tuple[float, float]], findings: list[Finding]
) -> dict[str, pd.DataFrame]:
    """The answer's tables without buildings that are taken; other buildings of a taken id renamed."""
    buildings = answer.tables["buildings"]
    centres = gpd.GeoSeries(buildings.geometry).centroid
    names = buildings.index.to_numpy(object).copy()
    again: set[str] = set()
    file = answer.provenance[0].origin if answer.provenance else ""
    for row, (name, x, y) in enumerate(zip(buildings.index, centres.x, centres.y, strict=True)):
        if name not in taken:
            taken[name] = (x, y)
        elif np.hypot(x - taken[name][0], y - taken[name][1]) < SAME_M:
            again.add(name)
            findings.append(Finding("note", file, name, "the building is in two files: it was taken once"))
        else:
            names[row] = free_name(name, taken)
            taken[names[row]] = (x, y)
            findings.append(
                Finding(
                    "repaired", file, name, f"another building has this id too: it was renamed {names[row]}"
                )
            )
    return _renamed(answer.tables, again, dict(zip(buildings.index, names, strict=True)))


def _renamed(
    tables: dict[str, pd.DataFrame], drop: set[str], names: dict[str, str]
) -> dict[str, pd.DataFrame]:
    changed = {old: new for old, new in names.items() if old != new}
    if not drop and not changed:
        return dict(tables)
    result: dict[str, pd.DataFrame] = {}
    for table, frame in tables.items():
        if table == "buildings":
            result[table] = frame[~frame.index.isin(drop)].rename(index=changed)
        else:
            kept = frame[~frame["building_id"].isin(drop)]
            result[table] = kept.assign(building_id=kept["building_id"].replace(changed))
    return result


def _stacked(table: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    frame = pd.concat([part.reset_index() for part in parts if len(part)] or [parts[0].reset_index()])
    if table == "surfaces":
        frame["surface_id"] = unique_surface_ids(
            frame["surface_id"].to_numpy(object), frame["building_id"].to_numpy(object)
        )
    key = {"buildings": "building_id", "surfaces": "surface_id", "parts": "part_id"}[table]
    if table == "parts":
        frame = frame[~frame[key].duplicated()]
    result: pd.DataFrame = gpd.GeoDataFrame(frame.set_index(key), geometry="geometry", crs=CRS)
    return result
