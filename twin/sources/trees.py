"""Trees from a tree cadastre: CSV of any make, GeoPackage, KML, GeoJSON, shapefile."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import archive, botany, columns, tree_columns, vectors
from twin.sources import crs as crs_names
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.columns import numbers, texts, within, years

LICENCE = "as the file's owner says"
TABLES = ("trees",)
_VECTOR_MAGIC = (b"SQLite format 3", b"fgb", b"\x00\x00\x27\x0a", b"PK\x03\x04", b"\x89HDF")
MAX_COLUMNS = 300
"""Cadastres have some tens; lost line ends make thousands, and each is looked through."""
_SEPARATORS = ";\t,|"
_TALLEST_M, _WIDEST_M, _THICKEST_CM = 70.0, 45.0, 1500.0
_NUMERIC_CELL = re.compile(r"^\s*[+-]?[.,]*\d[\d.,]*\s*$")
_WGS84_LIMIT = 180.0
_ZONE_33_EAST = 600_000.0  # UTM zone 33 ends there within Germany, zone 32 goes on


def read(
    path: Path | str,
    *,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
) -> SourceData:
    """Trees with position, species and size, in EPSG:25832.

    Parameters
    ----------
    path : text with any separator, decimal mark and encoding, with or without header; or any vector file.
    crs : of the coordinates where the file names none; degrees and UTM zones with a number in front are
        recognised, and so is zone 32 east of 10.5° E.
    mapping : roles (`x`, `y`, `wkt`, `height`, `crown`, `circumference`, `diameter`, `species`, `genus`,
        `year`, `street`, `id`) to columns, by name or by number from 1. What it leaves out is told from the
        columns' names, and without such from their values.

    Returns
    -------
    SourceData with the table trees; sizes that nobody measured are guessed and marked so.

    Raises
    ------
    SourceError : unreadable, no trees in it, no coordinates, or no CRS.
    CallError : a mapping that does not fit.
    """
    path = Path(path)
    progress(f"{path.name}: trees", float("nan"))
    if not path.exists():
        raise SourceError("there is no such file", path, "Check the path")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError("the file is empty", path, "Export it again")
    table, place, findings = _table(path, crs, mapping or {})
    keep = ~np.asarray(np.isnan(place).any(axis=1))
    if not keep.any():
        raise SourceError("there are no trees with a position in it", path, "Name the columns with a mapping")
    records = table.index.astype(str).to_numpy(object)
    findings += columns.listed("left_out", path.name, records[~keep], "the tree has no position")
    chosen = table.attrs["chosen"]
    trees, notes = _trees(table.loc[keep].reset_index(drop=True), chosen, place[keep], path)
    record = Provenance("trees", "trees", path.name, LICENCE)
    return SourceData({"trees": trees}, findings=findings + notes, provenance=[record])


def _table(
    path: Path, crs: str | None, mapping: Mapping[str, str]
) -> tuple[pd.DataFrame, NDArray[np.float64], list[Finding]]:
    """The file's rows with `attrs["chosen"]` (role → column), and positions in EPSG:25832, shape (row, 2)."""
    if path.is_dir():
        return _from_vectors(path, crs, mapping)
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK\x03\x04") and path.suffix.lower() != ".kmz":
        lists = [
            m for m in archive.members(path) if (m.name or "").lower().endswith((".csv", ".txt", ".tsv"))
        ]
        if lists:
            with tempfile.TemporaryDirectory(prefix="lobeda-trees-") as folder:
                return _from_text(archive.extract(lists[:1], Path(folder))[0], crs, mapping)
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(_VECTOR_MAGIC) or start.startswith((b"<", b"{")):
        return _from_vectors(path, crs, mapping)
    return _from_text(path, crs, mapping)


def _from_vectors(
    path: Path, crs: str | None, mapping: Mapping[str, str]
) -> tuple[pd.DataFrame, NDArray[np.float64], list[Finding]]:
    frames, findings = [], []
    for layer, raw in vectors.layers(path):
        if raw.empty or raw.active_geometry_name is None:
            continue
        moved, notes = vectors.to_25832(raw, path, crs)
        findings += notes
        moved.index = pd.Index([f"{layer} feature {fid}" for fid in raw.index])
        points = np.isin(shapely.get_type_id(moved.geometry.to_numpy()), (0, 4))
        lost = moved.index[~points]
        findings += columns.listed("left_out", path.name, lost, "not a point")
        frames.append(moved[points])
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise SourceError("there are no trees: the file holds no points", path, "Pass points of trees")
    joined = pd.concat(frames)
    middle = shapely.centroid(joined.geometry.to_numpy())
    place = np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])
    table = pd.DataFrame(joined.drop(columns=joined.active_geometry_name))
    told = tree_columns.by_mapping([str(name) for name in table.columns], mapping, path)
    table.attrs["chosen"] = tree_columns.by_name(table, {"wkt": "", **told})
    return table, place, findings


def _from_text(
    path: Path, crs: str | None, mapping: Mapping[str, str]
) -> tuple[pd.DataFrame, NDArray[np.float64], list[Finding]]:
    table, has_names, findings = _rows(path)
    names = [str(name) for name in table.columns]
    chosen = tree_columns.by_mapping(names, mapping, path)
    meant = has_names and not tree_columns.nameless(names)
    if meant:
        chosen = tree_columns.by_name(table, chosen)
    placed = "wkt" in chosen or {"x", "y"} <= chosen.keys()
    if not (meant and placed):
        chosen = tree_columns.by_values(table, chosen, only_place=meant)
    if "wkt" in chosen:
        xy, hint = _from_wkt(table[chosen["wkt"]]), chosen["wkt"]
    elif {"x", "y"} <= chosen.keys():
        xy = np.column_stack([numbers(table[chosen["x"]]), numbers(table[chosen["y"]])])
        hint = chosen["x"]
    else:
        raise SourceError(
            "no columns of coordinates were recognised",
            path,
            "Name them with a mapping: x and y, by name or number",
        )
    table.attrs["chosen"] = chosen
    place, notes = _placed(xy, hint, crs, path)
    return table, place, findings + notes


def _rows(path: Path) -> tuple[pd.DataFrame, bool, list[Finding]]:
    """The lines as texts, whether the columns have names, and the lines that do not fit."""
    text = _decoded(path)
    separator = _separator([line[:10_000] for line in text[:1_000_000].splitlines()[:50]])
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise SourceError(
            f"the text cannot be split into columns: {error}", path, "Export it again"
        ) from None
    widths = Counter(len(row) for row in rows)
    if not rows or max(widths) < 2:
        raise SourceError("the file is no table of trees", path, "Pass CSV with one tree a line")
    width = max(widths, key=lambda size: (widths[size], size))
    if width > MAX_COLUMNS:
        raise SourceError(f"the file has {width} columns", path, "Pass CSV with one tree a line")
    odd = [number for number, row in enumerate(rows, 1) if len(row) != width]
    rows = [row for row in rows if len(row) == width]
    has_names = _is_header(rows)
    names = _unique(rows[0]) if has_names else [str(number) for number in range(1, width + 1)]
    body = rows[1:] if has_names else rows
    if not body:
        raise SourceError("there are no trees in it, only a header", path, "Export it again")
    table = pd.DataFrame(body, columns=names, dtype="object").replace({"": None, "NULL": None, "null": None})
    table.index = pd.Index([f"row {number}" for number in range(1, len(table) + 1)])
    message = f"the line has not {width} columns"
    return table, has_names, columns.listed("left_out", path.name, [f"line {n}" for n in odd], message)


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data[:4096]:
        raise SourceError(
            "the file is neither a table of text nor a vector file", path, "Pass CSV, GPKG or KML"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _separator(lines: list[str]) -> str:
    """The mark that splits most lines into the same, greatest number of columns."""

    def quality(mark: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if row)
        if not widths:
            return 0.0, 0
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (count / sum(widths.values()) if width > 2 else 0.0), width

    return max(_SEPARATORS, key=lambda mark: (round(quality(mark)[0], 1), quality(mark)[1]))


def _is_header(rows: list[list[str]]) -> bool:
    """A first line without numbers above lines with some."""
    first, rest = rows[0], rows[1:20]
    if any(_NUMERIC_CELL.match(cell) or cell.upper().startswith("POINT") for cell in first):
        return False
    return not rest or any(_NUMERIC_CELL.match(cell) for row in rest for cell in row)


def _unique(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    out = []
    for name in (name.strip() for name in names):
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _from_wkt(values: pd.Series) -> NDArray[np.float64]:
    pattern = r"^\s*(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*(\S+)\s+(\S+)"
    found = (
        values.astype("object")
        .where(values.notna(), "")
        .astype(str)
        .str.extract(pattern, flags=re.IGNORECASE)
    )
    return np.column_stack([numbers(found[0].str.rstrip(")")), numbers(found[1].str.rstrip(")"))])


def _placed(
    xy: NDArray[np.float64], hint: str, told: str | None, path: Path
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Positions in EPSG:25832, nan where there is none.

    Parameters
    ----------
    hint : name of the column; it may say the CRS (``rechtswert_25832``).
    """
    known = np.isfinite(xy).all(axis=1) & (xy != 0).all(axis=1)
    out = np.full(xy.shape, np.nan)
    if not known.any():
        return out, []
    middle = np.median(xy[known], axis=0)
    if middle[0] > 5_000_000 > middle[1] or (48 < middle[0] < 56 and 5 < middle[1] < 16):
        xy, middle = xy[:, ::-1], middle[::-1]
    stated, notes = _stated_crs(middle, hint, told, path)
    found = crs_names.choose(stated, told, path)
    vectors.refuse_degrees(np.concatenate([middle, middle]), found, path)
    moved, more = crs_names.to_district(xy[known], found, path)
    spread = np.abs(moved - np.median(moved, axis=0)).max(axis=1)
    moved[(spread > 500_000) | ~np.isfinite(moved).all(axis=1)] = (
        np.nan
    )  # places out of the country are typing errors
    out[known] = moved
    return out, [Finding("note", path.name, "CRS", note) for note in notes + more]


def _stated_crs(
    middle: NDArray[np.float64], hint: str, told: str | None, path: Path
) -> tuple[str | None, list[str]]:
    """The CRS that the user, the column's name or the values say, and what to note of it."""
    if told is not None:
        return None, []
    x, y = middle
    if code := re.search(r"(?<!\d)(258[23]\d|4326|4258|3146[6-9]|3857|326[23]\d)(?!\d)", hint):
        return f"EPSG:{code[1]}", []
    if abs(x) <= _WGS84_LIMIT and abs(y) <= _WGS84_LIMIT:
        return "EPSG:4326", []
    if 32_000_000 < x < 34_000_000 and y > 5_000_000:
        return f"EPSG:258{int(x // 1_000_000)}", []
    if _ZONE_33_EAST <= x < 1_000_000 and 5_000_000 < y < 6_200_000:
        return CRS, [f"the file names no CRS; the coordinates were taken as {CRS}, as their range says"]
    return None, []


def _trees(
    table: pd.DataFrame, chosen: dict[str, str], place: NDArray[np.float64], path: Path
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """The table of trees, and notes of values that cannot be."""
    sizes, notes = _measured(table, chosen, path.name)
    kinds = _kinds(table, chosen)
    trees = botany.with_sizes(pd.DataFrame({**sizes, **kinds}))
    trees["street"] = texts(table[chosen["street"]]).to_numpy() if "street" in chosen else None
    trees["source"] = "trees"
    trees["tree_id"] = _ids(table, chosen, path.stem)
    for column, name in (("height_source", "height"), ("crown_source", "crown")):
        if guessed := int(trees[column].str.startswith("guessed").sum()):
            notes.append(Finding("note", path.name, name, f"{guessed} of {len(trees)} trees: {name} guessed"))
    points = shapely.points(place)
    return gpd.GeoDataFrame(trees, geometry=points, crs=CRS).set_index("tree_id"), notes


def _measured(
    table: pd.DataFrame, chosen: dict[str, str], file: str
) -> tuple[dict[str, NDArray[np.float64]], list[Finding]]:
    """Sizes as the file gives them, nan where it does not or where they cannot be."""

    def get(role: str) -> NDArray[np.float64]:
        return numbers(table[chosen[role]]) if role in chosen else np.full(len(table), np.nan)

    def scaled(values: NDArray[np.float64], above: float, factor: float) -> NDArray[np.float64]:
        known = values[values > 0]
        return values * factor if len(known) and np.median(known) > above else values

    height = scaled(get("height"), 100, 0.01)
    crown = scaled(get("crown"), 100, 0.01)
    trunk = get("circumference")
    trunk = trunk * 100 if np.nanmedian([*trunk[trunk > 0], np.inf]) < 8 else trunk
    diameter = get("diameter")
    diameter = diameter * 100 if np.nanmedian([*diameter[diameter > 0], np.inf]) < 2.5 else diameter
    trunk = np.where(trunk > 0, trunk, diameter * np.pi)
    year = years(table[chosen["year"]]) if "year" in chosen else np.full(len(table), np.nan)
    out = {
        "height_m": within(height, 0.3, _TALLEST_M),
        "crown_diameter_m": within(crown, 0.1, _WIDEST_M),
        "trunk_circumference_cm": within(trunk, 1, _THICKEST_CM),
        "planting_year": within(year, 1400, 2100),
    }
    raw = {"height_m": height, "crown_diameter_m": crown, "trunk_circumference_cm": trunk}
    notes = []
    for column, values in raw.items():
        if odd := int((np.isnan(out[column]) & (values > 0)).sum()):
            notes.append(
                Finding(
                    "repaired",
                    file,
                    column,
                    f"{odd} of {len(table)} values cannot be a tree's and were left out",
                )
            )
    return out, notes


def _kinds(table: pd.DataFrame, chosen: dict[str, str]) -> dict[str, pd.Series]:
    empty = pd.Series([None] * len(table), dtype="object")
    said = texts(table[chosen["species"]]) if "species" in chosen else empty
    distinct = {text: botany.species(text) or None for text in said.dropna().unique()}
    species = said.map(distinct).astype("object")
    genera = {text: botany.genus(text) for text in said.dropna().unique()}
    genus = said.map(genera).astype("object")
    if "genus" in chosen:
        own = texts(table[chosen["genus"]])
        named = own.map({text: botany.genus(text) or text for text in own.dropna().unique()}).astype("object")
        genus = named.where(named.notna(), genus)
    return {"species": species.where(species.notna(), None), "genus": genus.where(genus.notna(), None)}


def _ids(table: pd.DataFrame, chosen: dict[str, str], stem: str) -> NDArray[np.object_]:
    """File name with the file's own id where it is unique, else with the row's number."""
    rows = pd.Series([f"{stem}-row-{number}" for number in range(1, len(table) + 1)], dtype="object")
    if "id" not in chosen:
        return rows.to_numpy()
    own = texts(table[chosen["id"]])
    usable = own.notna() & ~own.duplicated(keep=False)
    return (stem + "-" + own.astype("object")).where(usable, rows).to_numpy(object)
