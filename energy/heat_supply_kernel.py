"""The hour loop of the heat supply: need → use → delivered, 64 buildings side by side, nothing allocated.

Arrays of a block are laid out (hour, lane). Each lane points to a kind of plant whose temperatures and
efficiencies by hour are shared (`energy.heat_supply.Courses`); blocks of one kind only run faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twin.compute import compiled, put_row

Array = npt.NDArray[np.floating[Any]]
# Rows of a lane's figures, in the order in which the kernel counts them.
LANE_ROWS = (
    "active", "use_per_need", "pipe_loss_w_k", "hot_water_loss_w", "store_wh", "charge_w", "power_w",
    "per_nominal_power", "pump_share", "circulation_pump_w",
)  # fmt: skip
# Columns of the courses by kind of plant, shape (time, kind, column).
COURSE_COLUMNS = (
    "pipe_excess_k", "efficiency_0", "efficiency_x", "efficiency_xx", "per_hot_water", "capacity", "flow_c",
    "return_c",
)  # fmt: skip
# Rows of the sums, [Wh]; `conversion` is the generator's heat less the energy of the carrier.
SUM_ROWS = ("heating_need", "hot_water_need", "pipe_loss", "conversion", "delivered", "backup")
PART_LOAD_LEAST = 0.1  # lower end of the boilers' curves
_OF_HEAT, _COLUMNS = 6, 8  # columns that `deliver` needs, and all


@compiled
def _gather(course: Array, kind: npt.NDArray[np.intp], columns: int, figures: Array) -> None:
    """The figures of each lane's kind in one hour into `figures`, shape (column, lane)."""
    lanes = kind.shape[0]
    alike = True
    for i in range(lanes):
        alike = alike and kind[i] == kind[0]
    if alike:
        for c in range(columns):
            value = course[kind[0], c]
            for i in range(lanes):
                figures[c, i] = value
    else:
        for i in range(lanes):
            mine = course[kind[i]]
            for c in range(columns):
                figures[c, i] = mine[c]


@compiled
def deliver(
    lanes: Array,
    kind: npt.NDArray[np.intp],
    courses: Array,
    heating: Array,
    hot_water: Array,
    first: int,
    last: int,
    level: Array,
    delivered: Array,
    auxiliary: Array,
    for_space: Array,
    for_water: Array,
    sums: Array,
) -> None:
    """Hours `first` to `last` of one block of buildings; hour t goes to row t − first of needs and results.

    lanes : figures as `LANE_ROWS`, shape (row, lane).  kind : each lane's kind of plant, shape (lane,).
    courses : as `COURSE_COLUMNS`, shape (time, kind, column), over all hours.
    heating, hot_water : need, shape (last − first, lane). [W]
    level : content of the hot water store at the hour's start, shape (lane,), left as it is at the end. [Wh]
    delivered : energy of the lane's carrier for heat (for heat pumps electricity with the backup heater).
    auxiliary : electricity of pumps. Both of shape (last − first, lane). [W]
    for_space, for_water : the generator's heat for rooms and for hot water, shape (last − first, lane) [W],
        which `mixed_temperatures` takes; with no rows they are left out.
    sums : as `SUM_ROWS`, shape (row, lane), added to. [Wh]
    """
    count = lanes.shape[1]
    zero = level[0] - level[0]  # of the arrays' own type: a float would widen float32
    one = zero + lanes.dtype.type(1)
    tiny, least = lanes.dtype.type(1e-9), lanes.dtype.type(PART_LOAD_LEAST)
    states = for_space.shape[0] > 0
    # Scratch of our own, and few results in each loop: so the compiler runs the lanes side by side.
    p, f = lanes.copy(), np.empty((_COLUMNS, count), lanes.dtype)
    needs, heats = np.empty((3, count), lanes.dtype), np.empty((3, count), lanes.dtype)
    work = np.empty((3, count), lanes.dtype)
    total, store = np.zeros((6, count), lanes.dtype), level.copy()
    for t in range(first, last):
        row = t - first
        _gather(courses[t], kind, _OF_HEAT, f)
        for i in range(count):
            needs[0, i] = heating[row, i] * p[0, i]
        for i in range(count):
            needs[1, i] = hot_water[row, i] * p[0, i]
        for i in range(count):
            on = one if needs[0, i] > zero else zero
            needs[2, i] = on * p[2, i] * f[0, i]
        for i in range(count):
            leaving = needs[1, i] + p[3, i]
            charged = min(leaving + p[4, i] - store[i], p[5, i])
            after = store[i] + charged - leaving
            heats[1, i] = charged + max(-after, zero)
            store[i] = max(after, zero)
        for i in range(count):
            heats[0, i] = needs[0, i] * p[1, i] + needs[2, i]
        for i in range(count):
            heats[2, i] = min(heats[0, i] + heats[1, i], p[6, i] * f[5, i])
        for i in range(count):
            heat, main = heats[0, i] + heats[1, i], heats[2, i]
            load = min(max(main * p[7, i], least), one)
            efficiency = f[1, i] + load * (f[2, i] + load * f[3, i])
            carried = (main / max(heat, tiny)) * (heats[0, i] / efficiency + heats[1, i] * f[4, i])
            work[0, i] = main - carried
            work[1, i] = carried + heat - main
            work[2, i] = heat - main
        for i in range(count):
            delivered[row, i] = work[1, i]
        for i in range(count):
            auxiliary[row, i] = (heats[0, i] + heats[1, i]) * p[8, i] + p[9, i]
        for quantity in range(3):
            for i in range(count):
                total[quantity, i] += needs[quantity, i]
            for i in range(count):
                total[3 + quantity, i] += work[quantity, i]
        if states:
            for i in range(count):
                for_space[row, i] = heats[0, i]
            for i in range(count):
                for_water[row, i] = heats[1, i]
    put_row(level, store)
    for quantity in range(6):
        for i in range(count):
            sums[quantity, i] += total[quantity, i]


@compiled
def mixed_temperatures(
    kind: npt.NDArray[np.intp],
    courses: Array,
    hot_water_flow_c: float,
    hot_water_return_c: float,
    first: int,
    last: int,
    for_space: Array,
    for_water: Array,
    flow: Array,
    back: Array,
) -> None:
    """Flow and return temperature at the generator, mixed by the flows of water of rooms and hot water.

    for_space, for_water : the generator's heat, from `deliver`, shape (last − first, lane). [W]
    flow, back : shape (last − first, lane), [°C]; without any heat they are those of the heating curve.
    """
    count = kind.shape[0]
    figures = np.empty((_COLUMNS, count), flow.dtype)
    zero = flow.dtype.type(0)
    one, tiny = flow.dtype.type(1), flow.dtype.type(1e-9)
    hot, cold = flow.dtype.type(hot_water_flow_c), flow.dtype.type(hot_water_return_c)
    per_spread = one / (hot - cold)
    for t in range(first, last):
        row = t - first
        _gather(courses[t], kind, _COLUMNS, figures)
        for i in range(count):
            curve, under = figures[6, i], figures[7, i]
            space, water = for_space[row, i], for_water[row, i]
            through, taps = space / max(curve - under, one), water * per_spread
            together = through + taps
            mixed = (through * under + taps * cold) / max(together, tiny)
            hottest = max(curve if space > zero else zero, hot if water > zero else zero)
            flow[row, i] = hottest if together > tiny else curve
            back[row, i] = mixed if together > tiny else under
