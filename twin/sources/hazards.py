"""Flood areas and noise maps: polygons with classes of depth or level, or rasters of depth or level.

Depths are cut into the classes of the German flood hazard maps (LAWA, Empfehlungen zur Aufstellung von
Hochwassergefahrenkarten und Hochwasserrisikokarten, 2018: 0.5, 1, 2 and 4 m), levels into bands of 5 dB from
55 (Lden) and 50 dB(A) (Lnight) up to 75 and 70 (Directive 2002/49/EC, Annex VI).
"""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject
from shapely.geometry import shape

from twin.errors import CallError, SourceError
from twin.schema import CRS
from twin.sources import columns, rasterfiles, vectors
from twin.sources.archive import Member
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress

LICENCE = "as the file's owner says"
TABLES = ("hazard_areas",)
CASES = {
    "hq10": "flood", "hq20": "flood", "hq50": "flood", "hq100": "flood", "hq200": "flood",
    "hq_extreme": "flood", "lden": "noise", "lnight": "noise",
}  # fmt: skip
CLASSES = {
    "flood": (0.0, 0.5, 1.0, 2.0, 4.0),
    "lden": (55.0, 60.0, 65.0, 70.0, 75.0),
    "lnight": (50.0, 55.0, 60.0, 65.0, 70.0),
}
_LOW = ("dblow", "dblo", "dbmin", "isovmin", "pegelvon", "tiefevon", "tiefemin", "wertvon", "valuemin", "min")
_HIGH = ("dbhigh", "dbhi", "dbmax", "pegelbis", "tiefebis", "tiefemax", "wertbis", "valuemax", "max")
_CLASS = {
    "flood": (
        "tiefenklasse", "wassertiefe", "wassertiefen", "ueberflutungstiefe", "tiefe", "wt", "klasse",
        "depth", "waterdepth", "depthclass",
    ),
    "noise": (
        "category", "noiselevel", "laermpegel", "pegel", "pegelklasse", "isov", "db", "dba", "lden", "lnight",
        "klasse", "level",
    ),
}  # fmt: skip
_MOST_CELLS = 50_000_000
_DEEPEST_M, _LOUDEST_DB, _SOFTEST_DB = 50.0, 120.0, 20.0
_OPEN_ABOVE = re.compile(r">|≥|greater|ab\s|über|ueber|\bmehr", re.IGNORECASE)
_OPEN_BELOW = re.compile(r"<|≤|less|bis\s|unter|weniger", re.IGNORECASE)
Floats = NDArray[np.float64]


def read(
    path: Path | str, *, case: str, crs: str | None = None, progress: Progress = no_progress
) -> SourceData:
    """The areas of one case, in EPSG:25832.

    Parameters
    ----------
    path : any vector file with polygons, or a raster of depth [m] or level [dB(A)].
    case : of `CASES`.
    crs : for files that name none.

    Returns
    -------
    SourceData with the table hazard_areas. Depth or level come from columns such as TIEFE, DB_LO and DB_HI or
    category (also as classes in words: "0,5 - 1,0 m", "> 4 m", "Lden6569"); without such, only the extent is
    known.

    Raises
    ------
    CallError : no such case.
    SourceError : unreadable, no areas in it, no CRS, or values that are no depths in metres or levels in dB.
    """
    path = Path(path)
    if case not in CASES:
        raise CallError(f"there is no hazard case {case!r}", remedy=f"Cases are {', '.join(CASES)}")
    progress(f"{path.name}: {case}", float("nan"))
    findings: list[Finding] = []
    raster = _raster(path)
    if raster is not None:
        areas = _from_raster(raster, case, crs)
    else:
        areas, findings = _from_vectors(path, case, crs)
    if not len(areas):
        raise SourceError(
            f"there are no areas of {case} in it", path, "Pass polygons, or a raster of depth or level"
        )
    table = areas.assign(
        hazard_id=[f"{case}-{path.name}-{number}" for number in range(1, len(areas) + 1)],
        kind=CASES[case],
        scenario=case,
        source=f"given:{path.name}",
    ).set_index("hazard_id")
    record = Provenance("hazard_areas", "hazards", path.name, LICENCE)
    return SourceData({"hazard_areas": table}, findings=findings, provenance=[record])


def _raster(path: Path) -> Member | None:
    """The one raster that `path` holds, None where it holds none."""
    if not path.exists():
        raise SourceError("there is no such file", path, "Check the path")
    if path.is_dir():
        return None
    found = [
        member
        for member in rasterfiles.members(path)
        if rasterfiles.kind(member.head(200)) in ("tiff", "asc", "img")
    ]
    if len(found) > 1:
        raise SourceError(f"there are {len(found)} rasters in it", path, "Pass one raster for each case")
    return found[0] if found else None


def _from_vectors(path: Path, case: str, crs: str | None) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    frames: list[gpd.GeoDataFrame] = []
    findings: list[Finding] = []
    for layer, raw in vectors.layers(path):
        if raw.empty or raw.active_geometry_name is None:
            continue
        moved, notes = vectors.to_25832(raw, path, crs)
        records = np.array([f"{layer} feature {fid}" for fid in raw.index], object)
        areas, left = vectors.polygons(moved, path.name, records)
        findings += notes + left
        frames.append(_valued(areas, case, path))
    if not frames:
        return gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=CRS), findings
    joined = pd.concat(frames, ignore_index=True)
    if len(joined) and joined["value_min"].isna().all():
        findings.append(
            Finding(
                "note",
                path.name,
                case,
                "no column of depth or level was recognised: only the extent is known",
            )
        )
    return joined, findings


def _valued(areas: gpd.GeoDataFrame, case: str, path: Path) -> gpd.GeoDataFrame:
    """The areas with value_min and value_max."""
    kind = CASES[case]
    names = [str(name) for name in areas.columns if name != areas.active_geometry_name]
    low, high = (columns.find(names, words) for words in (_LOW, _HIGH))
    told = columns.find(names, _CLASS[kind])
    if low:
        least = columns.numbers(areas[low[0]])
        most = columns.numbers(areas[high[0]]) if high else np.full(len(areas), np.nan)
    elif told:
        least, most = limits(areas[told[0]], case)
    else:
        least = most = np.full(len(areas), np.nan)
    _check(least, kind, path, low[0] if low else told[0] if told else "")
    return gpd.GeoDataFrame(
        {"value_min": least, "value_max": most}, geometry=areas.geometry.to_numpy(), crs=CRS
    )


def limits(values: pd.Series, case: str) -> tuple[Floats, Floats]:
    """Least and greatest value of classes in words or numbers, shape (row,) each.

    A single number in a class stands for itself, one behind ">" for what is open above, one behind "<" for
    what begins at nothing. [m] or [dB(A)]
    """
    known = {value: _limits(str(value), case) for value in values.dropna().unique()}
    pairs = [
        known.get(value, (np.nan, np.nan)) if value is not None else (np.nan, np.nan) for value in values
    ]
    both = np.array(pairs, float).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _limits(text: str, case: str) -> tuple[float, float]:
    joined = re.search(
        r"[A-Za-z](\d{2})(\d{2})$", text.strip()
    )  # Lden6569, as member states report to the EU
    found = list(joined.groups()) if joined else re.findall(r"\d+(?:[.,]\d+)?", text)
    numbers = [float(number.replace(",", ".")) for number in found]
    if re.search(r"\bcm\b", text):
        numbers = [number / 100 for number in numbers]
    if not numbers:
        return np.nan, np.nan
    if len(numbers) > 1:
        return min(numbers[:2]), _upper(max(numbers[:2]), case)
    if _OPEN_ABOVE.search(text):
        return numbers[0], np.nan
    if _OPEN_BELOW.search(text):
        return 0.0 if CASES[case] == "flood" else np.nan, numbers[0]
    return numbers[0], numbers[0]


def _upper(value: float, case: str) -> float:
    """The band 55–59 dB ends where the next begins."""
    return value + 1.0 if CASES[case] == "noise" and value % 5 == 4 else value


def _check(values: Floats, kind: str, path: Path, column: str) -> None:
    known = values[np.isfinite(values)]
    low, high, unit = (0.0, _DEEPEST_M, "m") if kind == "flood" else (_SOFTEST_DB, _LOUDEST_DB, "dB(A)")
    wrong = known[(known < low) | (known > high)]
    if len(wrong):
        word = "depth" if kind == "flood" else "level"
        raise SourceError(
            f"{column or 'the raster'} holds {wrong[0]:g}, which is no {word} in {unit}", path,
            f"Check that the file holds {kind} and give {word}s in {unit}",
        )  # fmt: skip


def _from_raster(member: Member, case: str, told: str | None) -> gpd.GeoDataFrame:
    """Areas of the classes of `CLASSES`."""
    kind = CASES[case]
    with rasterfiles.opened(member) as raster:
        crs = rasterfiles.crs_of(raster, told, member)
        transform = rasterfiles.without_zone(raster.transform, crs)
        placed, (rows, columns_) = rasterfiles.in_district(
            transform, (raster.height, raster.width), crs, member.label
        )
        if raster.width * raster.height > _MOST_CELLS:
            raise SourceError(
                f"the raster has {raster.width * raster.height:,} cells", member.label,
                f"Cut it to the district, or make cells larger (up to {_MOST_CELLS:,})",
            )  # fmt: skip
        values = raster.read(1, masked=True).astype("float64").filled(np.nan)
    if (placed, (rows, columns_)) != (transform, values.shape):
        moved = np.full((rows, columns_), np.nan)
        reproject(
            values, moved, src_transform=transform, src_crs=crs.to_wkt(), dst_transform=placed, dst_crs=CRS,
            src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling.nearest,
        )  # fmt: skip
        values = moved
    edges = np.array(CLASSES["flood" if kind == "flood" else case])
    wet = np.isfinite(values) & ((values > 0) if kind == "flood" else (values >= edges[0]))
    _check(values[wet], kind, Path(member.label), "")
    classes = np.where(wet, np.searchsorted(edges, values, side="right"), 0).astype(np.int16)
    return _polygons(classes, placed, edges)


def _polygons(classes: NDArray[np.int16], placed: Affine, edges: Floats) -> gpd.GeoDataFrame:
    """One row per class, a multipolygon; class 0 is none."""
    upper = np.append(edges[1:], np.nan)
    rows = []
    for number in np.unique(classes[classes > 0]):
        parts = [
            shape(geometry)
            for geometry, _ in rasterio.features.shapes(classes, mask=classes == number, transform=placed)
        ]
        rows.append((edges[number - 1], upper[number - 1], shapely.union_all(parts)))
    table = pd.DataFrame(rows, columns=["value_min", "value_max", "geometry"])
    return gpd.GeoDataFrame(table, geometry="geometry", crs=CRS)
