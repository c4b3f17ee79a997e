"""A grid with building years as prior: what a house of unknown year most likely is, by the cell it stands in.

Reads CSV such as the German census publishes it (cells of 100 m, 1 km or 10 km in EPSG:3035)::

    GITTER_ID_100m;x_mp_100m;y_mp_100m;Insgesamt_Gebaeude;Vor1919;a1919bis1948;a1949bis1978;…
    CRS3035RES100mN2881700E4473200;4473250;2881750;12;–;–;9;3;…

A cell is told by its INSPIRE id (which names the lower left corner) or its centre's coordinates; the years by
one column per period with counts, by rows of one period each (`Auspraegung_Text`, `Anzahl`; census 2011), or
by one column with a year. "–", "." and empty counts are 0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from twin.addresses import fold
from twin.errors import SourceError
from twin.sources.base import Finding, Provenance
from twin.spreadsheet import decode, guess_separator

if TYPE_CHECKING:
    from twin.district import District

GRID_CRS = "EPSG:3035"
OPEN_CLASS_YEARS = 20
"""An open class ("before 1919", "2020 and later") is taken as this long."""
_CHUNK = 200_000
_HEAD_BYTES = 65_536
_ID = re.compile(r"(?:CRS3035RES)?([0-9]+k?m)N([0-9]+)E([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Period:
    """First and last year of a class."""

    first: int
    last: int

    @property
    def middle(self) -> int:
        return (self.first + self.last) // 2

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


@dataclass(frozen=True)
class YearGrid:
    """Counts of buildings per cell and period.

    east_m, north_m : lower left corners, EPSG:3035, shape (cell,). counts : shape (cell, period).
    """

    cell_m: float
    east_m: NDArray[np.int64]
    north_m: NDArray[np.int64]
    periods: tuple[Period, ...]
    counts: NDArray[np.float64]

    def lookup(self, east_m: ArrayLike, north_m: ArrayLike) -> NDArray[np.int64]:
        """Row of the cell that holds each point (EPSG:3035); −1 where the grid has none."""
        keys = pd.MultiIndex.from_arrays([self.east_m, self.north_m])
        corner = [
            (np.floor(np.asarray(c, float) / self.cell_m) * self.cell_m).astype(np.int64)
            for c in (east_m, north_m)
        ]
        return np.asarray(keys.get_indexer(pd.MultiIndex.from_arrays(corner)), np.int64)


def apply(
    district: District,
    path: Path | str,
    *,
    draw: Literal["most likely", "by count"] = "most likely",
    seed: int = 0,
) -> District:
    """The district with a guessed year for every building that has none and stands in a cell with counts.

    draw : the cell's most frequent period, or one drawn by the counts (the same for the same seed and id).
        The year is the period's middle.

    Raises
    ------
    SourceError : the file is no such grid, or has no cell in the district.
    """
    path = Path(path)
    unknown = district.buildings[district.buildings["year_of_construction"].isna()]
    east, north = _centres(district)
    grid = read(
        path, (east.min() - 1, north.min() - 1, east.max() + 1, north.max() + 1) if len(east) else None
    )
    if not len(grid.east_m):
        raise SourceError(
            "no cell of the grid lies in the district", path, "Check the area and the CRS (EPSG:3035)"
        )
    here = district.buildings.index.get_indexer(unknown.index)
    choice, share = choose(grid, grid.lookup(east[here], north[here]), list(unknown.index), draw, seed)
    known = choice >= 0
    buildings = district.buildings.copy()
    ids = unknown.index[known]
    periods = [grid.periods[c] for c in choice[known]]
    buildings.loc[ids, "year_of_construction"] = [float(period.middle) for period in periods]
    buildings.loc[ids, "year_source"] = [
        f"guessed:grid {period} ({part:.0%})" for period, part in zip(periods, share[known], strict=True)
    ]
    message = f"{known.sum()} of {len(unknown)} buildings without a year got one from the grid"
    record = Provenance(
        table="buildings", source="year grid", origin=path.name, licence="as the grid's publisher states",
        changes=message, sha256=_sha256(path),
    )  # fmt: skip
    return district.replace(
        buildings=buildings,
        provenance=(*district.provenance, record),
        findings=(*district.findings, Finding("note", path.name, "", message)),
    )


def _centres(district: District) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points inside the footprints, EPSG:3035."""
    points = shapely.point_on_surface(district.buildings.geometry.to_numpy())
    transformer = Transformer.from_crs("EPSG:25832", GRID_CRS, always_xy=True)
    x, y = transformer.transform(shapely.get_x(points), shapely.get_y(points))
    return np.asarray(x, float), np.asarray(y, float)


def choose(
    grid: YearGrid,
    cells: NDArray[np.int64],
    building_ids: list[str],
    draw: Literal["most likely", "by count"] = "most likely",
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Period of each building and that period's share of its cell; −1 and nan where the cell says nothing.

    cells : rows of the grid, shape (building,), −1 for none. Of equal counts the earlier period is taken.
    """
    counts = np.where((cells >= 0)[:, None], grid.counts[np.maximum(cells, 0)], 0.0)
    total = counts.sum(axis=1)
    known = total > 0
    shares = counts / np.where(known, total, 1.0)[:, None]
    if draw == "most likely":
        choice = shares.argmax(axis=1)
    else:
        level = np.array([_uniform(building_id, seed) for building_id in building_ids])
        choice = (np.cumsum(shares, axis=1) <= level[:, None] * (1 - 1e-12)).sum(axis=1)
        choice = np.minimum(choice, shares.shape[1] - 1)
    picked = shares[np.arange(len(choice)), choice]
    return np.where(known, choice, -1), np.where(known, picked, np.nan)


def _uniform(building_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on seed and id alone, not on the order of buildings."""
    digest = hashlib.sha256(f"{seed}:{building_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


# --------------------------------------------------------------------------------------------- reading
def read(path: Path | str, bounds_m: tuple[float, float, float, float] | None = None) -> YearGrid:
    """The cells of a grid file that touch `bounds_m` (west, south, east, north, EPSG:3035); all without.

    Raises
    ------
    SourceError : the file is missing, empty, or names neither cells nor years.
    """
    path = Path(path)
    layout = _layout(path)
    parts = [_cells(chunk, layout, bounds_m) for chunk in _chunks(path, layout)]
    frame = pd.concat(parts) if parts else pd.DataFrame()
    if frame.empty:
        none = np.zeros(0, np.int64)
        return YearGrid(layout.cell_m, none, none, layout.periods, np.zeros((0, len(layout.periods))))
    if not layout.periods:
        frame, periods = _spread(frame, path)
    else:
        periods = layout.periods
    frame = frame.groupby(["east", "north"], sort=True).sum()
    return YearGrid(
        layout.cell_m,
        frame.index.get_level_values(0).to_numpy(np.int64),
        frame.index.get_level_values(1).to_numpy(np.int64),
        periods,
        frame.to_numpy(float),
    )


@dataclass(frozen=True)
class _Layout:
    """Where the grid's columns are; `periods` is empty where each row states its own period or year."""

    encoding: str
    separator: str
    cell_m: float
    id_column: str
    x_column: str
    y_column: str
    period_columns: Mapping[str, Period]
    text_column: str
    count_column: str

    @property
    def periods(self) -> tuple[Period, ...]:
        return tuple(self.period_columns.values())

    @property
    def used(self) -> list[str]:
        place = [self.id_column] if self.id_column else [self.x_column, self.y_column]
        return [c for c in (*place, *self.period_columns, self.text_column, self.count_column) if c]


def _layout(path: Path) -> _Layout:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise SourceError(f"the grid cannot be read: {error.strerror}", path, "Check the path") from None
    head = head[: head.rfind(b"\n") + 1] or head
    text = decode(head, path) if head.strip() else ""
    lines = text.splitlines()
    if len(lines) < 2:
        raise SourceError("the grid has no cells", path, "Download it again")
    separator = guess_separator(text)
    names = [name.strip().strip('"') for name in lines[0].split(separator)]
    first = [cell.strip().strip('"') for cell in lines[1].split(separator)]
    found = {fold(name): name for name in names}
    id_column = next((n for n, cell in zip(names, first, strict=False) if _ID.fullmatch(cell)), "")
    x, y = (_first(found, signs) for signs in (("x_mp", "x", "ost", "east"), ("y_mp", "y", "nord", "north")))
    periods = {name: period for name in names if (period := parse_period(name)) is not None}
    text_column = "" if periods else _first(found, ("auspraegung_text", "baujahr", "year", "jahr"))
    count_column = "" if periods else _first(found, ("anzahl", "count"))
    if not id_column and not (x and y):
        raise SourceError("the grid has no cell id and no x and y", path, "Name columns GITTER_ID or x and y")
    if not periods and not text_column:
        raise SourceError("the grid has no column with years", path, "Expected columns such as a1949bis1978")
    encoding = "utf-8-sig" if "�" not in head.decode("utf-8-sig", "replace") else "cp1252"
    cell_m = _cell_size(first[names.index(id_column)] if id_column else "", x)
    return _Layout(encoding, separator, cell_m, id_column, x, y, periods, text_column, count_column)


def _first(found: Mapping[str, str], signs: tuple[str, ...]) -> str:
    """The column whose name is a sign or begins with it and an underscore."""
    for sign in signs:
        for folded, name in found.items():
            if folded == sign or folded.startswith(f"{sign}_"):
                return name
    return ""


def _cell_size(cell_id: str, x_column: str) -> float:
    """From "…RES100mN…", else from "x_mp_1km", else 100 m."""
    size = _ID.fullmatch(cell_id)
    text = size[1] if size else (re.search(r"[0-9]+k?m$", x_column) or ["100m"])[0]
    return float(re.sub("[^0-9]", "", text)) * (1000 if "k" in text.lower() else 1)


def parse_period(text: str) -> Period | None:
    """The period that a header or a label names: "a1949bis1978", "Vor 1919", "2020 und später", "1983"."""
    plain = fold(text)
    years = [int(year) for year in re.findall(r"(?<![0-9])(1[5-9][0-9]{2}|20[0-9]{2})(?![0-9])", plain)]
    if len(years) == 2 and years[0] <= years[1]:
        return Period(years[0], years[1])
    if len(years) != 1:
        return None
    if re.search(r"(?:vor|before|bis|until)[\s_]*[12]|frueher", plain):
        last = years[0] - (1 if re.search(r"(?:vor|before)[\s_]*[12]", plain) else 0)
        return Period(last - OPEN_CLASS_YEARS + 1, last)
    if re.search(r"(?:\bab|since|from)[\s_]*[12]|spaet|later", plain):
        return Period(years[0], years[0] + OPEN_CLASS_YEARS - 1)
    return Period(years[0], years[0]) if re.fullmatch(r"a?[0-9]{4}(\.0)?", plain.strip()) else None


def _chunks(path: Path, layout: _Layout) -> Iterator[pd.DataFrame]:
    try:
        yield from pd.read_csv(
            path, sep=layout.separator, encoding=layout.encoding, usecols=layout.used, dtype=str,
            chunksize=_CHUNK, encoding_errors="replace",
        )  # fmt: skip
    except (ValueError, pd.errors.ParserError) as error:
        raise SourceError(f"the grid cannot be read: {error}", path, "Download it again") from None


def _cells(
    chunk: pd.DataFrame, layout: _Layout, bounds_m: tuple[float, float, float, float] | None
) -> pd.DataFrame:
    """Rows of one chunk inside the bounds: `east north` (lower left corner) and counts, or text and count."""
    if layout.id_column:
        parts = chunk[layout.id_column].str.extract(_ID)
        # older ids leave out the zeros of the cell's size: 100mN28817E44732
        scale = np.where(parts[1].str.len() < 7, layout.cell_m, 1.0)
        east, north = (pd.to_numeric(parts[c], errors="coerce") * scale for c in (2, 1))
    else:
        half = layout.cell_m / 2
        east, north = (_figures(chunk[c]) - half for c in (layout.x_column, layout.y_column))
    inside = east.notna() & north.notna()
    if bounds_m is not None:
        west, south, right, top = bounds_m
        inside &= (
            (east + layout.cell_m > west) & (east < right) & (north + layout.cell_m > south) & (north < top)
        )
    here = chunk[inside]
    cell = pd.DataFrame({"east": east[inside].round(), "north": north[inside].round()})
    if layout.period_columns:
        return cell.join(here[list(layout.period_columns)].apply(partial(_figures, missing=0.0)))
    count = _figures(here[layout.count_column], missing=0.0) if layout.count_column else 1.0
    return cell.assign(text=here[layout.text_column], count=count)


def _figures(texts: pd.Series, missing: float = np.nan) -> pd.Series:
    """Numbers with decimal comma or point; what is no number counts as missing."""
    return pd.to_numeric(texts.str.strip().str.replace(",", ".", regex=False), errors="coerce").fillna(
        missing
    )


def _spread(frame: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, tuple[Period, ...]]:
    """Rows of one period each to one column per period."""
    by_text = {text: parse_period(str(text)) for text in frame["text"].dropna().unique()}
    named = frame[frame["text"].map(by_text).notna()]
    if named.empty:
        raise SourceError(f"{frame['text'].iloc[0]!r} and the like name no years", path, "Check the grid")
    periods = tuple(sorted({p for p in by_text.values() if p is not None}, key=lambda p: (p.first, p.last)))
    columns = named["text"].map(lambda text: periods.index(by_text[text]))
    wide = named.assign(column=columns).pivot_table(
        index=["east", "north"], columns="column", values="count", aggfunc="sum", fill_value=0.0
    )
    return wide.reset_index(), periods


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
