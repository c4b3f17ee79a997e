"""Files → district: detect, read, merge, stand on the terrain, derive, match the owner's facts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from twin import facts as facts_reader
from twin import match, prior
from twin.district import District
from twin.errors import CallError, SourceError
from twin.sources import hazards as hazard_source
from twin.sources import ortho as ortho_source
from twin.sources import terrain as terrain_source
from twin.sources import trees as tree_source
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.detect import read_buildings

PathLike = str | os.PathLike[str]
_KEPT = ("trees", "streets", "places", "hazard_areas")  # stay where new buildings come


def build(
    name: str,
    *,
    buildings: Sequence[PathLike] = (),
    terrain: Sequence[PathLike] = (),
    ortho: Sequence[PathLike] = (),
    trees: Sequence[PathLike] = (),
    hazards: Sequence[tuple[str, PathLike]] = (),
    facts: PathLike | None = None,
    facts_map: PathLike | None = None,
    tree_map: Mapping[str, str] | None = None,
    year_grid: PathLike | None = None,
    crs: str | None = None,
    default_height_m: float | None = None,
    base: District | None = None,
    provenance: Iterable[Provenance] = (),
    metadata: Mapping[str, object] | None = None,
    progress: Progress = no_progress,
) -> District:
    """A district from files of any supported format, told by content.

    Parameters
    ----------
    buildings, terrain, ortho, trees : files, archives or folders.
    hazards : cases (`twin.sources.hazards.CASES`) and their files: flood areas and noise maps. A case that is
        there already is replaced.
    facts, facts_map : an owner's list (XLSX, CSV) and the map of its columns.
    year_grid : grid of building years (Zensus-like CSV), a prior where nothing else is known.
    crs : for files that name none.
    default_height_m : for footprints with neither height nor storeys.
    base : a district to add to; what is given here replaces its table.

    Raises
    ------
    CallError : nothing to import. SourceError : a file is at fault.
    """
    if not buildings and base is None:
        raise CallError(
            "there are no buildings to import", remedy="Pass --buildings, or --into for an existing district"
        )
    read = _read_all(buildings, terrain, ortho, trees, hazards, tree_map, crs, default_height_m, progress)
    tables: dict[str, pd.DataFrame] = dict(base.tables()) if base is not None else {}
    if "buildings" in read.tables:  # new buildings bring their own surfaces, parts and blocks
        tables = {key: frame for key, frame in tables.items() if key in _KEPT}
    if "hazard_areas" in read.tables and "hazard_areas" in tables:
        new, old = read.tables["hazard_areas"], tables["hazard_areas"]
        read.tables["hazard_areas"] = pd.concat([old[~old["scenario"].isin(new["scenario"])], new])
    tables.update(read.tables)
    progress("geometry", float("nan"))
    district = District.from_tables(
        name,
        tables,
        terrain=read.terrain or (base.terrain if base else None),
        ortho=read.ortho or (base.ortho if base else None),
        provenance=_merged_provenance(base, [*read.provenance, *provenance]),
        findings=[*(base.findings if base else ()), *read.findings],
        metadata={**(base.metadata if base else {}), **(metadata or {})},
    )
    if facts is not None:
        progress("owner's facts", float("nan"))
        rows = facts_reader.read(Path(facts), Path(facts_map) if facts_map else None)
        district = match.apply(district, match.match(district.buildings, rows))
    if year_grid is not None:
        district = prior.apply(district, Path(year_grid))
    return district


def _read_all(
    buildings: Sequence[PathLike],
    terrain: Sequence[PathLike],
    ortho: Sequence[PathLike],
    trees: Sequence[PathLike],
    hazards: Sequence[tuple[str, PathLike]],
    tree_map: Mapping[str, str] | None,
    crs: str | None,
    default_height_m: float | None,
    progress: Progress,
) -> SourceData:
    """All sources' answers in one."""
    answers: list[SourceData] = []
    if buildings:
        answers.append(
            read_buildings(
                _existing(buildings), crs=crs, default_height_m=default_height_m, progress=progress
            )
        )
    if terrain:
        answers.append(terrain_source.read(_existing(terrain), crs=crs, progress=progress))
    if ortho:
        answers.append(ortho_source.read(_existing(ortho), crs=crs, progress=progress))
    mapping = dict(tree_map) if tree_map else None
    answers += [tree_source.read(file, crs=crs, mapping=mapping) for file in _existing(trees)]
    for case, path in hazards:
        (file,) = _existing([path])
        answers.append(hazard_source.read(file, case=case, crs=crs, progress=progress))
    return _joined(answers)


def _joined(answers: Sequence[SourceData]) -> SourceData:
    tables: dict[str, pd.DataFrame] = {}
    findings: list[Finding] = []
    provenance: list[Provenance] = []
    for answer in answers:
        for table, frame in answer.tables.items():
            tables[table] = _appended(tables[table], frame) if table in tables else frame
        findings += answer.findings
        provenance += answer.provenance
    return SourceData(
        tables=tables,
        terrain=next((a.terrain for a in answers if a.terrain is not None), None),
        ortho=next((a.ortho for a in answers if a.ortho is not None), None),
        findings=findings,
        provenance=provenance,
    )


def _appended(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Both, a record that both name taken once."""
    return pd.concat([first, second[~second.index.isin(first.index)]])


def _existing(paths: Sequence[PathLike]) -> list[Path]:
    found = [Path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise SourceError("there is no such file or folder", path, "Check the path")
    return found


def _merged_provenance(base: District | None, new: Sequence[Provenance]) -> list[Provenance]:
    """What the new files bring replaces what the base says of the same table."""
    replaced = {record.table for record in new}
    kept = [record for record in (base.provenance if base else ()) if record.table not in replaced]
    return [*kept, *new]
