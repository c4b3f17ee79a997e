"""Heights as text, one point a line: x, y, z on a regular grid, in any order and with any separator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.sources.archive import Member

CHUNK_ROWS = 1 << 20  # a tile of 1 km at 1 m fits, so that it is parsed once
MAX_GRID_LINES = 200_000
MAX_GRID_CELLS = 256_000_000
FARTHEST = 1e9
"""Of a coordinate in any CRS; beyond, sums of them overflow."""
_SPARSEST = 100  # cells per point beyond which points are no grid
_OFF_GRID = 0.05  # part of a cell
_OBLONG = 20  # times that a cell may be longer than wide; one wrong digit makes a row far away
_NUMBER = r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?|nan|NaN"


@dataclass(frozen=True)
class Format:
    """How the lines are to be read."""

    separator: str
    decimal: str
    header_lines: int


@dataclass(frozen=True)
class Grid:
    """Where the points lie: centres of cells, north at row 0. Units are those of the coordinates."""

    west: float
    north: float
    cell_x: float
    cell_y: float
    rows: int
    columns: int


def sniff(head: bytes) -> Format | None:
    """The format of a file that begins with `head`; None where it is no list of points."""
    text = head.decode("ascii", errors="replace").lstrip("\ufffd")
    lines = [line.strip() for line in text.splitlines()[:20]]
    if len(head) > 2000 and len(lines) > 1 and len(text.splitlines()) <= 20:
        lines = lines[:-1]
    for number, line in enumerate(lines[:5]):
        for separator, pattern in ((";", r"\s*;\s*"), ("\t", r"\t\s*"), (",", r"\s*,\s*"), (r"\s+", r"\s+")):
            words = [word for word in re.split(pattern, line) if word]
            if len(words) >= 3 and all(re.fullmatch(_NUMBER, word) for word in words[:3]):
                comma = separator != "," and any("," in word for word in words[:3])
                return Format(separator, "," if comma else ".", number)
    return None


def chunks(member: Member, form: Format) -> Iterator[NDArray[np.float64]]:
    """The points, shape (point, 3), some at a time.

    Raises
    ------
    SourceError : a line that does not hold three numbers.
    """
    with member.open() as stream:
        try:
            reader = pd.read_csv(
                stream, sep=form.separator, decimal=form.decimal, header=None, skiprows=form.header_lines,
                usecols=[0, 1, 2], dtype="float64", chunksize=CHUNK_ROWS, skipinitialspace=True,
            )  # fmt: skip
            for frame in reader:
                yield frame.to_numpy()
        except (ValueError, pd.errors.ParserError) as error:
            raise SourceError(
                f"a line does not hold three numbers: {error}", member.label, "Correct or leave out the line"
            ) from None


def survey(member: Member, form: Format, *, digits: int) -> tuple[Grid, NDArray[np.float64] | None]:
    """The grid that the points lie on, whatever their order.

    Parameters
    ----------
    digits : decimals of the coordinates that count (2 for metres).

    Returns
    -------
    grid, and the points if they fit one block, shape (point, 3); else None, to be read again.

    Raises
    ------
    SourceError : no points, or points that lie on no regular grid.
    """
    xs, ys, points = np.zeros(0), np.zeros(0), 0
    kept: NDArray[np.float64] | None = None
    for number, block in enumerate(chunks(member, form)):
        xyz = block[np.isfinite(block[:, :2]).all(axis=1)]
        if np.abs(xyz[:, :2]).max(initial=0.0) > FARTHEST:
            raise _no_grid(member)
        points += len(xyz)
        kept = xyz if number == 0 else None
        xs = np.union1d(xs, xyz[:, 0].round(digits))
        ys = np.union1d(ys, xyz[:, 1].round(digits))
        if max(len(xs), len(ys)) > MAX_GRID_LINES:
            raise _no_grid(member)
    if not points:
        raise SourceError("there are no points in it", member.label, "Download it again")
    cell_x, cell_y = _spacing(xs), _spacing(ys)
    cell_x, cell_y = cell_x or cell_y or 1.0, cell_y or cell_x or 1.0
    oblong = max(cell_x, cell_y) > _OBLONG * min(cell_x, cell_y)
    if oblong or _off_grid(xs, cell_x) or _off_grid(ys, cell_y):
        raise _no_grid(member)
    columns = round((xs[-1] - xs[0]) / cell_x) + 1
    rows = round((ys[-1] - ys[0]) / cell_y) + 1
    if rows * columns > max(_SPARSEST * points, 10_000) or rows * columns > MAX_GRID_CELLS:
        raise _no_grid(member)
    grid = Grid(float(xs[0] - cell_x / 2), float(ys[-1] + cell_y / 2), cell_x, cell_y, rows, columns)
    return grid, kept


def rasterise(blocks: Iterable[NDArray[np.float64]], grid: Grid) -> NDArray[np.float32]:
    """Heights on `grid`, nan where there is no point; of several points of a cell the last counts.

    Parameters
    ----------
    blocks : points, each of shape (point, 3).
    """
    heights = np.full((grid.rows, grid.columns), np.nan, np.float32)
    for block in blocks:
        xyz = block[np.isfinite(block[:, :2]).all(axis=1)]
        column = ((xyz[:, 0] - grid.west) / grid.cell_x).astype(np.int64)
        row = ((grid.north - xyz[:, 1]) / grid.cell_y).astype(np.int64)
        heights[row, column] = xyz[:, 2]
    return heights


def _spacing(values: NDArray[np.float64]) -> float:
    return float(np.diff(values).min()) if len(values) > 1 else 0.0


def _off_grid(values: NDArray[np.float64], cell: float) -> bool:
    steps = (values - values[0]) / cell
    return bool((np.abs(steps - steps.round()) > _OFF_GRID).any())


def _no_grid(member: Member) -> SourceError:
    return SourceError(
        "the points lie on no regular grid", member.label, "Pass a gridded terrain model (DGM)"
    )
