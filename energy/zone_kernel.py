"""The hour loop of the 5R1C zones: numba, up to 64 zones side by side (SIMD), nothing allocated per hour.

Arrays of one block of zones are laid out (hour, lane), so that the lanes of an hour are neighbours in memory.
`table` holds the responses of `energy.zone.coefficients`, shape (mode, row, lane): mode 0 and 1 are the
ventilation outside and within the time of use, mode 2 the opened windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energy.lanes import PITCH, move, put
from energy.meter_kernel import meter
from twin.compute import compiled, copied, put_row

Array = npt.NDArray[np.floating[Any]]
CHUNK_H = 438  # hours at a time, so that what they hold stays in the processor's cache
_MODE_0, _MODE_1 = 1, 25  # responses (24 rows each) by ventilation; row 0 is the mass temperature
_SUM_0, _SUM_1 = 49, 52  # by mode: mass temperature, solar gain, power
_COLLECT, _SUN, _HEAT, _COOL, _HEAT_BIN, _COOL_BIN, _ROWS = 55, 56, 57, 58, 59, 60, 61


@copied
def _hour(
    work: Array, lanes: int, table: int, sums: int, out: Any, gain: Any, low: Any, high: Any
) -> None:  # fmt: skip
    """One hour of all lanes; `table` and `sums` are the first rows of the hour's mode (`energy.lanes`)."""
    zero = work[0] - work[0]  # of the array's own type: an int would widen float32
    c, s = table * PITCH, sums * PITCH
    for i in range(lanes):
        m = work[i]
        collected = work[_COLLECT * PITCH + i] * work[_SUN * PITCH + i]
        # What waits for the hour before (m) comes last, so that the lanes' hours follow each other sooner.
        free = (
            work[c + PITCH + i] * out + work[c + 2 * PITCH + i] * gain + work[c + 3 * PITCH + i] * collected
        )
        then = (
            work[c + 6 * PITCH + i] * out
            + work[c + 7 * PITCH + i] * gain
            + work[c + 8 * PITCH + i] * collected
        )
        free += work[c + i] * m
        per_kelvin = work[c + 20 * PITCH + i]
        heat = min(max((low + work[c + 21 * PITCH + i] - free) * per_kelvin, zero), work[c + 22 * PITCH + i])
        cool = min(max((free - high) * per_kelvin, zero), work[c + 23 * PITCH + i])
        power = heat - cool
        work[_HEAT * PITCH + i] = heat
        work[_COOL * PITCH + i] = cool
        work[_HEAT_BIN * PITCH + i] += heat
        work[_COOL_BIN * PITCH + i] += cool
        work[s + i] += m
        work[s + PITCH + i] += collected
        work[s + 2 * PITCH + i] += power
        work[i] = work[c + 5 * PITCH + i] * m + (then + work[c + 9 * PITCH + i] * power)


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
    bins: npt.NDArray[np.intp],
    first: int,
    last: int,
    mass: Array,
    binned: Array,
    course: Array,
    sums: Array,
) -> None:
    """Hours `first` to `last` of one block, whose lanes are one of the widths that `width` gives.

    sun : irradiance on the windows, shape (time, lane). [W/m²]  collect : collecting area. [m²]
    outdoor, heat_to, cool_to [°C], gains [-], mode, bins : shape (time,).
    mass : mass temperature at the hour's start, shape (lane,), left as it is at the end. [°C]
    binned : heating and cooling by bin, shape (2, bin, lane), added to. [Wh]
    course : heating and cooling, hour t in row t − first, shape (2, hour, lane); none where hour is 0. [W]
    sums : by mode, of mass temperature, solar gain and power, shape (mode, 5, lane), added
        to: what the balance of the zone is closed with (`energy.zone.imbalance`).
    """
    lanes = mass.shape[0]
    work = np.zeros(_ROWS * PITCH, mass.dtype)
    put(work, 0, mass)
    put(work, _COLLECT, collect)
    for row in range(24):
        put(work, _MODE_0 + row, table[0, row])
        put(work, _MODE_1 + row, table[1, row])
    for t in range(first, last):
        for i in range(lanes):
            work[_SUN * PITCH + i] = sun[t, i]
        if mode[t]:
            _hour(work, lanes, _MODE_1, _SUM_1, outdoor[t], gains[t], heat_to[t], cool_to[t])
        else:
            _hour(work, lanes, _MODE_0, _SUM_0, outdoor[t], gains[t], heat_to[t], cool_to[t])
        if course.shape[1]:
            for i in range(lanes):
                course[0, t - first, i] = work[_HEAT * PITCH + i]
            for i in range(lanes):
                course[1, t - first, i] = work[_COOL * PITCH + i]
        # Bins are added to at the same hours with and without a meter, so that both round alike.
        if t + 1 == last or bins[t + 1] != bins[t] or (t + 1) % CHUNK_H == 0:
            move(work, _HEAT_BIN, binned[0, bins[t]])
            move(work, _COOL_BIN, binned[1, bins[t]])
    put_row(mass, work)
    for row in range(3):
        move(work, _SUM_0 + row, sums[0, row])
        move(work, _SUM_1 + row, sums[1, row])


@compiled
def advance_year(
    table: Array,
    collect: Array,
    sun: Array,
    outdoor: Array,
    heat_to: Array,
    cool_to: Array,
    gains: Array,
    mode: npt.NDArray[np.intp],
    bins: npt.NDArray[np.intp],
    warm_up: int,
    mass: Array,
    start: Array,
    binned: Array,
    sums: Array,
) -> None:
    """`advance` over the last `warm_up` hours, which do not count, and then over all; one call a block.

    start : takes the mass temperature between the two, shape (lane,). [°C]
    """
    hours, none = len(outdoor), np.empty((2, 0, mass.shape[0]), mass.dtype)
    advance(
        table, collect, sun, outdoor, heat_to, cool_to, gains, mode, bins, hours - warm_up, hours, mass,
        binned, none, sums,
    )  # fmt: skip
    put_row(start, mass)
    binned[:], sums[:] = 0, 0
    advance(
        table, collect, sun, outdoor, heat_to, cool_to, gains, mode, bins, 0, hours, mass, binned, none, sums
    )


@compiled
def advance_metered(
    table: Array,
    collect: Array,
    sun: Array,
    outdoor: Array,
    heat_to: Array,
    cool_to: Array,
    gains: Array,
    mode: npt.NDArray[np.intp],
    bins: npt.NDArray[np.intp],
    warm_up: int,
    mass: Array,
    start: Array,
    binned: Array,
    sums: Array,
    figures: Array,
    store: Array,
    courses: Array,
    made: Array,
    level: Array,
    flows: Array,
) -> None:
    """`advance_year` whose hours a meter takes, `CHUNK_H` hours at a time (`energy.meter_kernel.meter`)."""
    hours, none = len(outdoor), np.empty((2, 0, mass.shape[0]), mass.dtype)
    advance(
        table, collect, sun, outdoor, heat_to, cool_to, gains, mode, bins, hours - warm_up, hours, mass,
        binned, none, sums,
    )  # fmt: skip
    put_row(start, mass)
    binned[:], sums[:] = 0, 0
    course = np.empty((2, CHUNK_H, mass.shape[0]), mass.dtype)
    for first in range(0, hours, CHUNK_H):
        last = min(first + CHUNK_H, hours)
        advance(
            table, collect, sun, outdoor, heat_to, cool_to, gains, mode, bins, first, last, mass, binned,
            course, sums,
        )  # fmt: skip
        meter(figures, store, courses, made, course[0], course[1], bins, first, last, level, flows)


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
    put_row(state[0], mass)
    put_row(state[1], before)
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
    put_row(mass, state[0])
    put_row(before, state[1])


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
