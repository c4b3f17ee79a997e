"""What a district holds: counts, dwellings, coverage by kind of source, findings, provenance and licences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from twin import hazards, schema
from twin.district import FORMAT_VERSION, District
from twin.sources.base import Finding, Provenance

Language = Literal["de", "en"]
KINDS = ("given", "derived", "guessed", "unstated", "missing")
"""Kinds of source in the coverage: a value without a stated source is `unstated`, none at all `missing`."""
EXAMPLES = 3
DEFAULT_NOTICE = {
    "de": "Modell aus dokumentierten Fakten und Schätzungen, keine Vermessungsdaten",
    "en": "Model from documented facts and estimates, not survey data",
}


@dataclass(frozen=True)
class Coverage:
    """Where the values of one column come from: shares of its table's records, 0 to 1; they add up to 1."""

    table: str
    column: str
    records: int
    given: float
    derived: float
    guessed: float
    unstated: float
    missing: float


@dataclass(frozen=True)
class FindingGroup:
    """Findings that say the same of several records; `message` is that of the first."""

    kind: str
    message: str
    count: int
    examples: tuple[Finding, ...]


@dataclass(frozen=True)
class Licence:
    """One licence with what it holds for and the attributions that have to be shown."""

    licence: str
    tables: tuple[str, ...]
    attributions: tuple[str, ...]


@dataclass(frozen=True)
class Info:
    """The report on a district.

    counts : records per table. bounds_m : west, south, east, north, EPSG:25832; bounds_deg : the same, WGS84.
    area_km2 : convex hull of the footprints. footprint_area_m2 : sum of the footprints.
    dwellings : sum of what is known. dwellings_unknown : residential buildings that do not know theirs.
    watertight_share : of the buildings whose solid was checked; None where there is none.
    hazards : per flood or noise case what it reaches (`twin.hazards.summary`).
    notice : the mark that the district is a model and no survey, by language; None for surveyed ones.
    """

    name: str
    notice: dict[str, str] | None
    counts: dict[str, int]
    bounds_m: tuple[float, float, float, float] | None
    bounds_deg: tuple[float, float, float, float] | None
    area_km2: float
    footprint_area_m2: float
    dwellings: int
    dwellings_unknown: int
    dwellings_by_quarter: dict[str, int]
    hazards: dict[str, dict[str, Any]]
    coverage: tuple[Coverage, ...]
    watertight_share: float | None
    watertight_checked: int
    terrain: dict[str, Any] | None
    ortho: dict[str, Any] | None
    findings: tuple[FindingGroup, ...]
    provenance: tuple[Provenance, ...]
    licences: tuple[Licence, ...]
    format_version: int
    software_version: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `is_model` says whether the notice holds."""
        return {"is_model": self.notice is not None, **_plain(asdict(self))}

    def lines(self, language: Language = "en") -> list[str]:
        """The report as lines of text."""
        return list(_lines(self, language))


def info(district: District) -> Info:
    """The report on a district; nothing is read or written but the district's tables."""
    buildings = district.buildings
    shapes = buildings.geometry.to_numpy()
    bounds = tuple(float(value) for value in shapely.total_bounds(shapes)) if len(shapes) else None
    dwellings = buildings["dwellings"]
    closed = buildings["watertight"].dropna()
    notice = dict(district.metadata.get("notice") or DEFAULT_NOTICE) if district.is_model else None
    return Info(
        name=district.name,
        notice=notice,
        counts={table: len(frame) for table, frame in district.tables().items()},
        bounds_m=bounds,  # type: ignore[arg-type]
        bounds_deg=_degrees(bounds) if bounds else None,
        area_km2=float(shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(shapes))).area) / 1e6,
        footprint_area_m2=float(shapely.area(shapes).sum()),
        dwellings=round(dwellings.sum()),
        dwellings_unknown=int((dwellings.isna() & (buildings["function"] == "residential")).sum()),
        dwellings_by_quarter=_by_quarter(buildings),
        hazards={str(case): dict(row) for case, row in hazards.summary(district).iterrows()},
        coverage=tuple(coverage(district.tables())),
        watertight_share=float(closed.mean()) if len(closed) else None,
        watertight_checked=len(closed),
        terrain=_terrain(district),
        ortho=_ortho(district),
        findings=group_findings(district.findings),
        provenance=district.provenance,
        licences=_licences(district.provenance),
        format_version=FORMAT_VERSION,
        software_version=_software_version(),
        digest=district.digest(),
    )


def _degrees(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    transformer = Transformer.from_crs(schema.CRS, "EPSG:4326", always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bounds)
    return (round(west, 6), round(south, 6), round(east, 6), round(north, 6))


def _by_quarter(buildings: pd.DataFrame) -> dict[str, int]:
    """Dwellings by quarter, largest first; buildings without a quarter under ""."""
    sums = buildings["dwellings"].groupby(buildings["quarter"].fillna("")).sum()
    sums = sums[sums > 0].sort_values(ascending=False, kind="stable")
    return {str(quarter): round(count) for quarter, count in sums.items()}


def _terrain(district: District) -> dict[str, Any] | None:
    if district.terrain is None:
        return None
    heights = district.terrain.heights_m
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    return {
        "cells": list(heights.shape),
        "cell_m": district.terrain.cell_m,
        "lowest_m": low,
        "highest_m": high,
    }


def _ortho(district: District) -> dict[str, Any] | None:
    if district.ortho is None:
        return None
    rows, columns = district.ortho.pixels.shape[:2]
    west, _, east, _ = district.ortho.bounds
    return {"pixels": [rows, columns], "pixel_m": (east - west) / columns}


def _software_version() -> str:
    try:
        return version("lobeda")
    except PackageNotFoundError:
        return "unknown"


# -------------------------------------------------------------------------------------------- coverage
@cache
def source_pairs(table: str) -> tuple[tuple[str, str], ...]:
    """Columns of a table that state their source, as (column, source column); the latter comes next."""
    names = list(schema.columns(table))
    return tuple((names[i - 1], name) for i, name in enumerate(names) if name.endswith("_source"))


def coverage(tables: Mapping[str, pd.DataFrame]) -> Iterator[Coverage]:
    """Share of each kind of source, for every column that states its source in a table with records."""
    for table, frame in tables.items():
        for column, source_column in source_pairs(table) if len(frame) else ():
            yield Coverage(table, column, len(frame), **kind_shares(frame[column], frame[source_column]))


def kind_shares(values: pd.Series, sources: pd.Series) -> dict[str, float]:
    """Shares by `KINDS`, adding up to 1; a missing value counts as missing whatever its source says."""
    kind = sources.astype("object").where(sources.notna(), "").astype(str).str.partition(":")[0]
    kind = kind.where(kind.isin(schema.SOURCE_KINDS), "unstated").where(values.notna(), "missing")
    counts = kind.value_counts()
    return {name: float(counts.get(name, 0) / len(values)) for name in KINDS}


# ----------------------------------------------------------------------------------- findings, licences
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?[0-9][0-9.,:]*")


def group_findings(findings: Iterable[Finding]) -> tuple[FindingGroup, ...]:
    """Findings with the same kind and wording (figures and quoted words aside), most frequent first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, _VARYING.sub("…", finding.message)), []).append(finding)
    order = {"left_out": 0, "repaired": 1, "note": 2}
    made = [
        FindingGroup(kind, members[0].message, len(members), tuple(members[:EXAMPLES]))
        for (kind, _), members in groups.items()
    ]
    return tuple(sorted(made, key=lambda group: (order[group.kind], -group.count)))


def _licences(provenance: Iterable[Provenance]) -> tuple[Licence, ...]:
    tables: dict[str, dict[str, None]] = {}
    attributions: dict[str, dict[str, None]] = {}
    for record in provenance:
        tables.setdefault(record.licence, {})[record.table] = None
        attributions.setdefault(record.licence, {}).update(
            {record.attribution: None} if record.attribution else {}
        )
    return tuple(Licence(name, tuple(tables[name]), tuple(attributions[name])) for name in tables)


# ------------------------------------------------------------------------------------------------ text
_TEXT: dict[str, dict[str, str]] = {
    "en": {
        "model": "MODEL, NOT SURVEY", "tables": "Records", "extent": "Extent", "dwellings": "Dwellings",
        "hazards": "Flood and noise",
        "flood_line": "buildings, {dwellings} dwellings, up to {worst} m and more",
        "noise_line": "buildings, {dwellings} dwellings, up to {worst} dB(A) and more",
        "coverage": "Where the values come from (share of the records)", "quality": "Quality",
        "findings": "Findings", "provenance": "Origin", "licences": "Licences and attribution",
        "version": "Version", "no_quarter": "no quarter", "given": "given", "derived": "derived",
        "guessed": "guessed", "unstated": "unstated", "missing": "missing", "known": "known in total",
        "unknown": "residential buildings without a number", "closed": "closed solids",
        "of": "of", "none": "none", "left_out": "left out", "repaired": "repaired", "note": "note",
        "checked": "checked", "hull": "hull of the footprints", "footprints": "footprints",
        "terrain": "terrain",
        "ortho": "ground image", "cell": "cell", "not_stated": "licence not stated", "software": "software",
        "format": "format", "digest": "digest", "no_records": "no records", "such": "such as",
    },
    "de": {
        "model": "MODELL, KEINE VERMESSUNG", "tables": "Datensätze", "extent": "Ausdehnung",
        "dwellings": "Wohnungen", "hazards": "Hochwasser und Lärm",
        "flood_line": "Gebäude, {dwellings} Wohnungen, bis {worst} m und mehr",
        "noise_line": "Gebäude, {dwellings} Wohnungen, bis {worst} dB(A) und mehr",
        "coverage": "Woher die Werte stammen (Anteil der Datensätze)",
        "quality": "Qualität", "findings": "Befunde", "provenance": "Herkunft",
        "licences": "Lizenzen und Quellenvermerke", "version": "Version", "no_quarter": "ohne Ortsteil",
        "given": "gegeben", "derived": "abgeleitet", "guessed": "geschätzt", "unstated": "ohne Angabe",
        "missing": "fehlt", "known": "bekannt", "unknown": "Wohngebäude ohne Angabe",
        "closed": "geschlossene Körper", "of": "von", "none": "keine", "left_out": "ausgelassen",
        "repaired": "repariert", "note": "Hinweis", "checked": "geprüft", "hull": "Hülle der Grundrisse",
        "footprints": "Grundrisse", "terrain": "Gelände", "ortho": "Bodenbild", "cell": "Zelle",
        "not_stated": "Lizenz nicht angegeben", "software": "Software", "format": "Format",
        "digest": "Prüfsumme", "no_records": "keine Datensätze", "such": "etwa",
    },
}  # fmt: skip
_TABLES_DE = {
    "buildings": "Gebäude", "surfaces": "Flächen", "parts": "Gebäudeteile", "blocks": "Blöcke",
    "systems": "Anlagen", "pv": "PV-Anlagen", "network_pipes": "Wärmeleitungen",
    "substations": "Hausstationen", "usage": "Nutzungen", "trees": "Bäume", "streets": "Straßen",
    "places": "Orte", "hazard_areas": "Gefahrenflächen", "terrain": "Gelände", "ortho": "Bodenbild",
}  # fmt: skip


def number(value: float, language: Language, digits: int = 0) -> str:
    """1234.5 → "1,234.5" or "1.234,5"."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "de" else text


def _share(value: float, language: Language) -> str:
    """Percent; what is there is never shown as 0 %, nor what is missing as 100 %."""
    shown = f"{value:.0%}"[:-1]
    if shown == "0" and value > 0:
        shown = "<1"
    if shown == "100" and value < 1:
        shown = ">99"
    return f"{shown} %"


def _table(table: str, language: Language) -> str:
    return _TABLES_DE.get(table, table) if language == "de" else table.replace("_", " ")


def _lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    yield report.name
    if report.notice is not None:
        yield f"{t['model']}: {report.notice.get(language) or next(iter(report.notice.values()))}"
    sections = (
        ("tables", _table_lines), ("extent", _extent_lines), ("dwellings", _dwelling_lines),
        *((("hazards", _hazard_lines),) if report.hazards else ()),
        ("coverage", _coverage_lines), ("quality", _quality_lines), ("findings", _finding_lines),
        ("provenance", _provenance_lines), ("licences", _licence_lines), ("version", _version_lines),
    )  # fmt: skip
    for heading, section in sections:
        yield ""
        yield t[heading]
        yield from (f"  {line}" for line in section(report, language))


def _table_lines(report: Info, language: Language) -> Iterator[str]:
    width = max(len(_table(table, language)) for table in report.counts)
    for table, count in report.counts.items():
        yield f"{_table(table, language):<{width}} {number(count, language):>9}"


def _extent_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    if report.bounds_m is None or report.bounds_deg is None:
        yield t["no_records"]
        return
    yield "EPSG:25832  " + "  ".join(f"{value:.0f}" for value in report.bounds_m)
    yield "WGS84       " + "  ".join(f"{value:.5f}" for value in report.bounds_deg)
    footprints = number(report.footprint_area_m2, language)
    yield f"{number(report.area_km2, language, 2)} km² ({t['hull']}), {footprints} m² ({t['footprints']})"
    if report.terrain is not None:
        low, high = (number(report.terrain[key], language, 1) for key in ("lowest_m", "highest_m"))
        yield f"{t['terrain']}: {low}–{high} m, {t['cell']} {number(report.terrain['cell_m'], language, 1)} m"
    if report.ortho is not None:
        rows, columns = report.ortho["pixels"]
        yield f"{t['ortho']}: {columns} × {rows}, {number(report.ortho['pixel_m'], language, 2)} m"


def _dwelling_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    yield f"{number(report.dwellings, language)} {t['known']}"
    for quarter, count in report.dwellings_by_quarter.items():
        yield f"  {number(count, language)} {quarter or t['no_quarter']}"
    if report.dwellings_unknown:
        yield f"{number(report.dwellings_unknown, language)} {t['unknown']}"


def _hazard_lines(report: Info, language: Language) -> Iterator[str]:
    for case, found in report.hazards.items():
        worst = number(found["worst"], language, 1) if np.isfinite(found["worst"]) else "?"
        line = _TEXT[language][f"{found['kind']}_line"]
        words = line.format(dwellings=number(found["dwellings"], language), worst=worst)
        yield f"{case}: {number(found['buildings'], language)} {words}"


def _coverage_lines(report: Info, language: Language) -> Iterator[str]:
    if not report.coverage:
        yield _TEXT[language]["no_records"]
        return
    labels = [
        f"{_table(row.table, language)}: {schema.columns(row.table)[row.column].label(language)}"
        for row in report.coverage
    ]
    width = max(map(len, labels))
    yield " " * width + "".join(f"{_TEXT[language][kind]:>12}" for kind in KINDS)
    for label, row in zip(labels, report.coverage, strict=True):
        yield f"{label:<{width}}" + "".join(f"{_share(getattr(row, kind), language):>12}" for kind in KINDS)


def _quality_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    checked = f"{number(report.watertight_checked, language)} {t['checked']}"
    if report.watertight_share is None:
        yield f"{t['closed']}: {checked}"
    else:
        yield f"{t['closed']}: {_share(report.watertight_share, language)} ({checked})"


def _finding_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    if not report.findings:
        yield t["none"]
    for group in report.findings:
        where = "; ".join(" ".join(filter(None, (f.file, f.record))) for f in group.examples)
        such = f" ({t['such']} {where})" if where else ""
        yield f"{number(group.count, language)} × {t[group.kind]}: {group.message}{such}"


def _provenance_lines(report: Info, language: Language) -> Iterator[str]:
    if not report.provenance:
        yield _TEXT[language]["none"]
    for record in report.provenance:
        parts = [record.source, record.origin, record.date, record.changes]
        checksum = f"sha256 {record.sha256[:12]}…" if record.sha256 else ""
        yield f"{_table(record.table, language)}: " + "; ".join(filter(None, [*parts, checksum]))


def _licence_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    if not report.licences:
        yield t["none"]
    for licence in report.licences:
        tables = ", ".join(_table(table, language) for table in licence.tables)
        yield f"{licence.licence or t['not_stated']}: {tables}"
        yield from (f"  {attribution}" for attribution in licence.attributions)


def _version_lines(report: Info, language: Language) -> Iterator[str]:
    t = _TEXT[language]
    yield f"{t['format']} {report.format_version}, {t['software']} {report.software_version}"
    yield f"{t['digest']} {report.digest}"


def _plain(value: Any) -> Any:
    """Tuples as lists, NumPy figures as Python's, nan as None: what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
