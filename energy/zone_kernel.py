"""The hour loop of the 5R1C zones: numba, up to 64 zones side by side (SIMD), nothing allocated per hour.

Arrays of one block of zones are laid out (hour, lane), so that the lanes of an hour are neighbours in memory.
`table` holds the responses of `energy.zone.coefficients`, shape (mode, row, lane): mode 0 and 1 are the
ventilation outside and within the time of use, mode 2 the opened windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twin.compute import compiled

Array = npt.NDArray[np.floating[Any]]
LANES = 64
_STEP = 8  # lanes that one instruction takes in float32 (AVX)


def width(first: int, count: int) -> int:
    """Lanes of the block of `count` zones that starts at `first`: `LANES`, fewer at the end."""
    return min(LANES, -(-(count - first) // _STEP) * _STEP)


@compiled
def advance(
    table: Array,
    collect: Array,
    sun: Array,
    outdoor: Array,
    heat_to: Array,
    cool_to: Array,
    gains: Array,
    mode: npt.NDArray[np.intp],
    first: int,
    last: int,
    mass: Array,
    heating: Array,
    cooling: Array,
    sums: Array,
) -> None:
    """Hours `first` to `last` of one block; the power [W] of hour t goes to row t − first.

    sun : irradiance on the windows, shape (time, lane). [W/m²]  collect : collecting area. [m²]
    outdoor, heat_to, cool_to [°C], gains [-], mode : shape (time,).
    mass : mass temperature at the hour's start, shape (lane,), left as it is at the end. [°C]
    heating, cooling : shape (last − first, lane). [W]
    sums : by mode, of mass temperature, solar gain and power, shape (mode, 5, lane), added
        to: what the balance of the zone is closed with (`energy.zone.imbalance`).
    """
    lanes = mass.shape[0]
    zero = mass[0] - mass[0]  # of the arrays' own type: an int would widen float32
    # Scratch of our own: with fewer arrays that might overlap, the compiler runs the lanes side by side.
    state, work = np.empty_like(mass), np.empty((3, lanes), mass.dtype)
    state[:] = mass
    for t in range(first, last):
        out, gain, low, high = outdoor[t], gains[t], heat_to[t], cool_to[t]
        c, total, h = table[mode[t]], sums[mode[t]], t - first
        for i in range(lanes):
            total[0, i] += state[i]
        for i in range(lanes):
            collected = collect[i] * sun[t, i]
            m = state[i]
            free = c[0, i] * m + c[1, i] * out + c[2, i] * gain + c[3, i] * collected
            heat = min(max((low + c[21, i] - free) * c[20, i], zero), c[22, i])
            cool = min(max((free - high) * c[20, i], zero), c[23, i])
            work[0, i] = heat
            work[1, i] = cool
            work[2, i] = collected
            state[i] = (
                c[5, i] * m + c[6, i] * out + c[7, i] * gain + c[8, i] * collected + c[9, i] * (heat - cool)
            )
        for i in range(lanes):
            heating[h, i] = work[0, i]
        for i in range(lanes):
            cooling[h, i] = work[1, i]
        for i in range(lanes):
            total[1, i] += work[2, i]
        for i in range(lanes):
            total[2, i] += work[0, i] - work[1, i]
    mass[:] = state


@compiled
def _caused(c: Array, row: int, i: int, mass: Any, out: Any, gain: Any, sun: Any, power: Any) -> Any:
    """A temperature of lane `i` from its causes, whose responses stand from `row` on."""
    return (
        c[row, i] * mass
        + c[row + 1, i] * out
        + c[row + 2, i] * gain
        + c[row + 3, i] * sun
        + c[row + 4, i] * power
    )


@compiled
def advance_states(
    table: Array,
    collect: Array,
    open_above: Array,
    sun: Array,
    outdoor: Array,
    heat_to: Array,
    cool_to: Array,
    gains: Array,
    mode: npt.NDArray[np.intp],
    first: int,
    last: int,
    mass: Array,
    before: Array,
    heating: Array,
    cooling: Array,
    air: Array,
    surface: Array,
    sums: Array,
) -> None:
    """As `advance`, with air and surface temperature [°C] and windows that people open.

    open_above : windows are open (mode 2) in an hour when the air was warmer than this in the hour before,
        and warmer than it is outdoors; shape (lane,). [°C]
    before : air temperature of the hour before, shape (lane,), left as it is at the end. [°C]
    air, surface : means of the hour, shape (last − first, lane). [°C]
    sums : as in `advance`, and of outdoor temperature and gains (rows 3 and 4).
    """
    lanes = mass.shape[0]
    zero = mass[0] - mass[0]
    one = zero + table.dtype.type(1)
    w, wide = table[2], sums[2]
    # Scratch of our own, as in `advance`: state, air before; open, solar gain, heat, cold, air, surface.
    state, work = np.empty((2, lanes), mass.dtype), np.empty((6, lanes), mass.dtype)
    state[0], state[1] = mass, before
    for t in range(first, last):
        out, gain, low, high = outdoor[t], gains[t], heat_to[t], cool_to[t]
        c, total, h = table[mode[t]], sums[mode[t]], t - first
        for i in range(lanes):
            o = one if (state[1, i] > open_above[i]) & (state[1, i] > out) else zero
            work[0, i], work[1, i] = o, collect[i] * sun[t, i]
        for i in range(lanes):
            shut, m = one - work[0, i], state[0, i]
            total[0, i] += shut * m
            wide[0, i] += work[0, i] * m
        for i in range(lanes):
            o, s, m = work[0, i], work[1, i], state[0, i]
            n = one - o
            free = n * _caused(c, 0, i, m, out, gain, s, zero) + o * _caused(w, 0, i, m, out, gain, s, zero)
            per_kelvin = n * c[20, i] + o * w[20, i]
            heat = min(max((low + c[21, i] - free) * per_kelvin, zero), c[22, i])
            cool = min(max((free - high) * per_kelvin, zero), c[23, i])
            p = heat - cool
            work[2, i], work[3, i] = heat, cool
            work[4, i] = n * _caused(c, 10, i, m, out, gain, s, p) + o * _caused(w, 10, i, m, out, gain, s, p)
            work[5, i] = n * _caused(c, 15, i, m, out, gain, s, p) + o * _caused(w, 15, i, m, out, gain, s, p)
            state[0, i] = n * _caused(c, 5, i, m, out, gain, s, p) + o * _caused(w, 5, i, m, out, gain, s, p)
            state[1, i] = work[4, i]
        for i in range(lanes):
            heating[h, i] = work[2, i]
        for i in range(lanes):
            cooling[h, i] = work[3, i]
        for i in range(lanes):
            air[h, i] = work[4, i]
        for i in range(lanes):
            surface[h, i] = work[5, i]
        for i in range(lanes):
            o, s, power = work[0, i], work[1, i], work[2, i] - work[3, i]
            n = one - o
            total[1, i] += n * s
            total[2, i] += n * power
            total[3, i] += n * out
            total[4, i] += n * gain
            wide[1, i] += o * s
            wide[2, i] += o * power
            wide[3, i] += o * out
            wide[4, i] += o * gain
    mass[:], before[:] = state[0], state[1]


@compiled
def collect_sun(planes: Array, area: Array, sun: Array) -> None:
    """Solar gain [W] into `sun`, shape (time, lane): irradiance (time, plane) times areas (plane, lane)."""
    for t in range(planes.shape[0]):
        for i in range(sun.shape[1]):
            sun[t, i] = 0
        for plane in range(planes.shape[1]):
            on = planes[t, plane]
            for i in range(sun.shape[1]):
                sun[t, i] += area[plane, i] * on


@compiled
def add_to_bins(course: Array, bins: npt.NDArray[np.intp], first: int, sums: Array) -> None:
    """Adds the hours of `course`, shape (hour, lane), that start at hour `first`, to their bins of `sums`."""
    for h in range(course.shape[0]):
        row = sums[bins[first + h]]
        for i in range(course.shape[1]):
            row[i] += course[h, i]
