"""Trees as ellipsoids that let some light through: less in leaf than bare (Beer-Lambert along the chord).

A crown's transmissivity holds along its mean chord, which is 4/3 of the radius once the ellipsoid is scaled
to a sphere; a ray along another chord is dimmed by the power of its length over that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.compute import compiled
from twin.visibility.figures import figures

Floats = NDArray[np.float64]
EVERGREEN = frozenset(
    ("Abies", "Buxus", "Calocedrus", "Cedrus", "Chamaecyparis", "Cryptomeria", "Cupressus", "Ilex",
     "Juniperus", "Picea", "Pinus", "Pseudotsuga", "Sequoiadendron", "Taxus", "Thuja", "Tsuga")
)  # fmt: skip
SEASONS = ("leafless", "in_leaf")
_CELL_M = 10.0
_BLOCK = 8  # cells along a block's side
_DARK = -12.0  # logarithm of light that is none


@dataclass(frozen=True, eq=False)
class Crowns:
    """Crowns in the scene's frame, and a grid of cells and of blocks of cells over the map.

    shape : shape (crown, 5): centre east, north, up, radius, half height. [m]
    evergreen : shape (crown,).
    start : crowns of each cell are rows start[cell]:start[cell + 1] of `entries`; cells run east, then north.
    entries : centre, 1 / radius, 1 / half height, 1 if evergreen, shape (entry, 6).
    cell_top, block_top : height of the highest crown of each, shape (cell,), (block,). [m]
    place : west and south edge [m], numbers of blocks to the east and to the north, height of the top [m].
    """

    shape: Floats
    evergreen: NDArray[np.bool_]
    start: NDArray[np.int64]
    entries: Floats
    cell_top: Floats
    block_top: Floats
    place: Floats

    def __len__(self) -> int:
        return len(self.shape)


def crowns(shape: ArrayLike, evergreen: ArrayLike) -> Crowns:
    """Crowns from centres and half axes, shape (crown, 5), as in `Crowns`."""
    body = np.asarray(shape, float).reshape(-1, 5)
    green = np.asarray(evergreen, bool).reshape(-1)
    if not len(body):
        none = np.zeros(0)
        return Crowns(body, green, np.zeros(1, np.int64), np.zeros((0, 6)), none, none, np.zeros(5))
    low = np.floor((body[:, :2] - body[:, 3:4]) / _CELL_M).astype(np.int64)
    high = np.floor((body[:, :2] + body[:, 3:4]) / _CELL_M).astype(np.int64)
    corner = low.min(axis=0) // _BLOCK * _BLOCK
    blocks = (high.max(axis=0) - corner) // _BLOCK + 1
    cells = blocks * _BLOCK
    wide = high - low + 1
    number = wide[:, 0] * wide[:, 1]
    owner = np.repeat(np.arange(len(body)), number)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
    column = low[owner, 0] + step % wide[owner, 0] - corner[0]
    row = low[owner, 1] + step // wide[owner, 0] - corner[1]
    cell = row * cells[0] + column
    order = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells[0] * cells[1]))])
    top = body[:, 2] + body[:, 4]
    cell_top, block_top = np.full(cells[0] * cells[1], -1e30), np.full(blocks[0] * blocks[1], -1e30)
    np.maximum.at(cell_top, cell, top[owner])
    np.maximum.at(block_top, row // _BLOCK * blocks[0] + column // _BLOCK, top[owner])
    entries = np.column_stack([body[:, :3], 1 / body[:, 3:5], green.astype(float)])[owner[order]]
    place = np.array([*(corner * _CELL_M), *blocks, top.max()])
    return Crowns(body, green, start.astype(np.int64), entries, cell_top, block_top, place)


def leaf_share(day_of_year: ArrayLike, latitude: float = 50.0) -> Floats:
    """Share of its leaves that a deciduous tree bears, 0 to 1; half a year later in the south.

    Shape as `day_of_year`; straight lines between the days of assets/parameters/shading.csv.
    """
    day = np.asarray(day_of_year, float)
    if latitude < 0:
        day = np.mod(day + 182.0, 365.0)
    known = figures()
    days = [known[f"leaf_{name}_day"] for name in ("out_start", "out_end", "fall_start", "fall_end")]
    return np.asarray(np.interp(day, days, [0.0, 1.0, 1.0, 0.0]))


def light(
    found: Crowns,
    origins: NDArray[np.float32],
    directions: NDArray[np.float32],
    length_m: ArrayLike = 1e9,
) -> NDArray[np.float64]:
    """What passes the crowns of each ray's light in each season, shape (2, ray).

    origins : shape (ray, 3).  directions : shape (ray, 3), or (1, 3) for all; unit where `length_m` counts.
    length_m : of the rays, shape (ray,), or one for all; crowns beyond it do not dim.
    """
    result = np.empty((len(SEASONS), len(origins)))
    if not len(found):
        result[:] = 1.0
        return result
    known = figures()
    logs = np.log([known["transmissivity_leafless"], known["transmissivity_in_leaf"]])
    lengths = np.atleast_1d(np.asarray(length_m, float))
    _light(origins, directions, lengths, found.start, found.entries, found.cell_top, found.block_top,
           found.place, logs[0], logs[1], result)  # fmt: skip
    return result


def _darkened(x, y, z, dx, dy, dz, reach, entries, first, last, west, south, column, row, bare, leafy):  # type: ignore[no-untyped-def]
    """Logarithms of what the crowns of one cell let through, leafless and in leaf.

    A crown that lies in several cells counts in the one that holds the middle of the ray's chord.
    """
    dark_bare = dark_leafy = 0.0
    level = dx * dx + dy * dy
    for one in range(first, last):
        per_radius, per_half = entries[one, 3], entries[one, 4]
        ox, oy = (x - entries[one, 0]) * per_radius, (y - entries[one, 1]) * per_radius
        aside = ox * dy - oy * dx
        if aside * aside > level:
            continue
        oz = (z - entries[one, 2]) * per_half
        ux, uy, uz = dx * per_radius, dy * per_radius, dz * per_half
        a = ux * ux + uy * uy + uz * uz
        b = ox * ux + oy * uy + oz * uz
        inside = b * b - a * (ox * ox + oy * oy + oz * oz - 1.0)
        if inside <= 0.0:
            continue
        root = np.sqrt(inside)
        if root <= b:
            continue
        enter, leave = max((-root - b) / a, 0.0), min((root - b) / a, reach)
        if enter >= leave:
            continue
        middle = 0.5 * (enter + leave)
        if int(np.floor((x + middle * dx - west) / _CELL_M)) != column:
            continue
        if int(np.floor((y + middle * dy - south) / _CELL_M)) != row:
            continue
        chord = (leave - enter) * np.sqrt(a) * 0.75
        dark_leafy += chord * leafy
        dark_bare += chord * (leafy if entries[one, 5] > 0.0 else bare)
    return dark_bare, dark_leafy


_cell = compiled(_darkened)


def _start(at, speed, first, size, low, count):  # type: ignore[no-untyped-def]
    """Cell, of `count` from `low` on, where a ray stands at `first` on one axis, and where the ray leaves it.

    On an edge, rounding may name the cell before: it is held to those asked for.
    """
    number = min(max(int(np.floor((at + first * speed) / size)), low), low + count - 1)
    if abs(speed) < 1e-12:
        return number, 1e30
    return number, ((number + (1 if speed > 0 else 0)) * size - at) / speed


_enter = compiled(_start)


def _within(at, speed, size, first, last):  # type: ignore[no-untyped-def]
    """The part of a ray over [0, size) of one axis."""
    if abs(speed) < 1e-12:
        return first, (last if 0.0 <= at < size else -1.0)
    one, two = -at / speed, (size - at) / speed
    return max(first, min(one, two)), min(last, max(one, two))


_clip = compiled(_within)


def _walk(origins, directions, lengths, start, entries, cell_top, block_top, place, bare, leafy, result):  # type: ignore[no-untyped-def]
    """Each ray through the blocks of the grid and, where it is below their tops, through their cells."""
    west, south, top = place[0], place[1], place[4]
    columns, rows = int(place[2]), int(place[3])
    wide = _CELL_M * _BLOCK
    for ray in range(len(origins)):
        result[0, ray] = result[1, ray] = 1.0
        turn = ray if len(directions) > 1 else 0
        x, y, z = float(origins[ray, 0]), float(origins[ray, 1]), float(origins[ray, 2])
        dx, dy, dz = float(directions[turn, 0]), float(directions[turn, 1]), float(directions[turn, 2])
        reach = lengths[ray if len(lengths) > 1 else 0]
        end = min((top - z) / dz if dz > 1e-9 else 1e9, reach)
        now, end = _clip(x - west, dx, columns * wide, 0.0, end)
        now, end = _clip(y - south, dy, rows * wide, now, end)
        if now >= end:
            continue
        block_x, next_x = _enter(x - west, dx, now, wide, 0, columns)
        block_y, next_y = _enter(y - south, dy, now, wide, 0, rows)
        dark_bare = dark_leafy = 0.0
        while now < end and dark_bare > _DARK:
            leave = min(next_x, next_y, end)
            block = block_y * columns + block_x
            if min(z + now * dz, z + leave * dz) <= block_top[block]:
                column, edge_x = _enter(x - west, dx, now, _CELL_M, block_x * _BLOCK, _BLOCK)
                row, edge_y = _enter(y - south, dy, now, _CELL_M, block_y * _BLOCK, _BLOCK)
                at = now
                while column // _BLOCK == block_x and row // _BLOCK == block_y and column >= 0 and row >= 0:
                    out = min(edge_x, edge_y)
                    cell = row * columns * _BLOCK + column
                    if min(z + at * dz, z + out * dz) <= cell_top[cell]:
                        more = _cell(x, y, z, dx, dy, dz, reach, entries, start[cell], start[cell + 1],
                                     west, south, column, row, bare, leafy)  # fmt: skip
                        dark_bare += more[0]
                        dark_leafy += more[1]
                    if out >= leave:
                        break
                    at = out
                    if edge_x < edge_y:
                        column += 1 if dx > 0 else -1
                        edge_x += _CELL_M / abs(dx)
                    else:
                        row += 1 if dy > 0 else -1
                        edge_y += _CELL_M / abs(dy)
            if leave >= end:
                break
            now = leave
            if next_x < next_y:
                block_x += 1 if dx > 0 else -1
                next_x += wide / abs(dx)
            else:
                block_y += 1 if dy > 0 else -1
                next_y += wide / abs(dy)
            if block_x < 0 or block_y < 0 or block_x >= columns or block_y >= rows:
                break
        if dark_leafy < 0.0:
            result[0, ray], result[1, ray] = np.exp(dark_bare), np.exp(dark_leafy)


_light = compiled(_walk)
