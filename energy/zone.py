"""Hourly need for heating and cooling of all zones at once: ISO 13790:2008, Annex C (5R1C, simple hourly).

Within an hour the norm's equations are linear in the mass temperature at its start, the outdoor temperature,
the internal and solar gains and the heating or cooling power. `coefficients` solves them once per zone for
each of these (named after the norm's equations); what remains for each hour is a handful of multiplications
(`energy.zone_kernel`), run over 64 zones side by side and over blocks of zones in threads. Threads of our own
rather than numba's parallel loops: these are safe when a server calls from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.lanes import LANES, width
from energy.occupancy import Schedule
from energy.zone_kernel import (
    CHUNK_H,
    add_to_bins,
    advance_metered,
    advance_states,
    advance_year,
    collect_sun,
)
from twin.compute import Same, run_all
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
H_IS = 3.45  # surface to air, 7.2.2.2. [W/(m²K)]
H_MS = 9.1  # mass to surface, 12.2.2. [W/(m²K)]
WARM_UP_H = 504  # three weeks before the year starts: mass of any building has forgotten its first value
UNLIMITED_W = 1e12
OPERATIVE_AIR_SHARE = 0.3  # θ_op = 0.3 θ_air + 0.7 θ_s (C.12)
# Rows of the coefficient table, as the kernel counts them: temperatures by each cause, then single figures.
_CAUSES = ("mass", "outdoor", "internal", "solar", "power")
_TEMPERATURES = ("controlled", "next_mass", "air", "surface")
_FIGURES = ("power_per_kelvin", "set_offset", "heating_limit", "cooling_limit")
ROWS = (*(f"{of}_{cause}" for of in _TEMPERATURES for cause in _CAUSES), *_FIGURES)


@dataclass(frozen=True)
class Zones:
    """Thermal zones, structure of arrays; shape (zone,) unless said otherwise.

    h_tr_op_w_k : transmission through opaque elements with thermal bridges. [W/K]
    h_tr_w_w_k : transmission through windows and doors. [W/K]
    h_ve_on_w_k, h_ve_off_w_k : ventilation within and outside the time of use. [W/K]
    c_m_wh_k : internal heat capacity. [Wh/K]  a_m_m2 : effective mass area.  a_tot_m2 : all inner surfaces.
    gains_w : mean internal gains. [W]
    solar_area_m2 : effective collecting areas, shape (zone, 9), as in `energy.solar.PLANES`. [m²]
    set_offset_k : added to the heating set-point. [K]
    heating_limit_w, cooling_limit_w : largest power. [W]
    control_air_share : share of the air in the controlled temperature: 1 is the norm's air temperature,
        0.3 the operative temperature. [-]
    h_ve_open_w_k : ventilation while people have the windows open [W/K]: in an hour when the air was warmer
        than `open_above_c` [°C] in the hour before, and warmer than it is outdoors. None: they stay shut.
    """

    h_tr_op_w_k: Array
    h_tr_w_w_k: Array
    h_ve_on_w_k: Array
    h_ve_off_w_k: Array
    c_m_wh_k: Array
    a_m_m2: Array
    a_tot_m2: Array
    gains_w: Array
    solar_area_m2: Array
    set_offset_k: Array
    heating_limit_w: Array
    cooling_limit_w: Array
    control_air_share: Array
    h_ve_open_w_k: Array | None = None
    open_above_c: Array | None = None

    def __len__(self) -> int:
        return len(self.h_tr_op_w_k)

    @property
    def ventilation_w_k(self) -> tuple[Array, Array, Array]:
        """Ventilation outside and within the time of use and with open windows: the kernel's modes."""
        wide = self.h_ve_on_w_k if self.h_ve_open_w_k is None else self.h_ve_open_w_k
        return self.h_ve_off_w_k, self.h_ve_on_w_k, wide

    def take(self, rows: npt.NDArray[np.intp]) -> Zones:
        """The zones at `rows`."""
        chosen: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[rows]
            for name in self.__dataclass_fields__
        }
        return Zones(**chosen)


@dataclass(frozen=True)
class Loads:
    """Needs of zones: power [W] by hour, or energy [Wh] by month; temperatures are means [°C].

    Shapes (zone, time); cooling is positive. mass_start_c, mass_end_c : mass temperature, shape (zone,).
    imbalance : difference of heat in to heat out and stored, over the heat turned over; shape (zone,).
    """

    heating: Array
    cooling: Array
    air_temperature_c: Array
    operative_temperature_c: Array
    mass_start_c: Array
    mass_end_c: Array
    imbalance: Array


def coefficients(zones: Zones, ventilation_w_k: Array) -> Array:
    """Response of each zone to each cause within one hour, shape (row, zone); ISO 13790:2008, C.1 to C.11.

    Rows as in `ROWS`. A cause is the mass temperature at the hour's start [K], the outdoor (and supply)
    temperature [K], internal gains [1 of `gains_w`], solar gains [W], and heating or cooling power [W].

    Raises
    ------
    CallError : opaque elements conduct more than the mass surface can take up (H_tr,op ≥ H_tr,ms).
    """
    mass = H_MS * zones.a_m_m2  # H_tr,ms (64)
    if (tight := np.flatnonzero(zones.h_tr_op_w_k >= mass)).size:
        raise CallError(
            f"zone {tight[0]} loses {zones.h_tr_op_w_k[tight[0]]:.0f} W/K through opaque elements, more "
            f"than its mass can pass on ({mass[tight[0]]:.0f} W/K)",
            "thermal zone",
            "Check U-values, areas and the floor area",
        )
    outside = 1 / (1 / np.maximum(zones.h_tr_op_w_k, 1e-9) - 1 / mass)  # H_tr,em (63)
    air = H_IS * zones.a_tot_m2  # H_tr,is (9)
    window, ventilation = zones.h_tr_w_w_k, ventilation_w_k
    through = air / (air + ventilation)  # H_tr,1 / H_ve (C.6)
    to_out = ventilation * through + window  # H_tr,2 (C.7)
    passed = mass / (to_out + mass)  # H_tr,3 / H_tr,2 (C.8)
    loss = to_out * passed  # H_tr,3
    share = zones.a_m_m2 / zones.a_tot_m2  # (C.2)
    surface = 1 - share - window / (H_MS * zones.a_tot_m2)  # (C.3)
    half = 0.5 * (loss + outside)
    inertia = zones.c_m_wh_k + half
    gains = zones.gains_w
    # θ_m,t by cause (C.4, C.5)
    following = np.array(
        [
            (zones.c_m_wh_k - half) / inertia,
            (outside + loss) / inertia,
            gains * (0.5 * share + passed * (0.5 * surface + 0.5 * through)) / inertia,
            (share + passed * surface) / inertia,
            passed * through / inertia,
        ]
    )
    middle = 0.5 * following  # θ_m, mean over the hour (C.9)
    middle[0] += 0.5
    zero = np.zeros_like(share)
    direct = np.array([zero, to_out, gains * 0.5 * (surface + through), surface, through])
    star = (mass * middle + direct) / (mass + to_out)  # θ_s (C.10)
    flow = np.array([zero, ventilation, gains * 0.5, zero, zero + 1])
    indoor = (air * star + flow) / (air + ventilation)  # θ_air (C.11)
    controlled = zones.control_air_share * indoor + (1 - zones.control_air_share) * star
    figures = np.array([1 / controlled[4], zones.set_offset_k, zones.heating_limit_w, zones.cooling_limit_w])
    return np.concatenate([controlled, following, indoor, star, figures])


class Meter(Protocol):
    """Takes the hours of a block of zones as they are done, in their order (`energy.grid_exchange`).

    Called with the first hour, the one after the last, heating and cooling need [W], shape (hour, lane); or
    the hour loop takes what `energy.meter_kernel.meter` needs, and closes it.
    """

    @property
    def figures(self) -> tuple[Array, Array, Array, Array]: ...
    @property
    def level(self) -> Array: ...
    @property
    def binned(self) -> Array: ...
    def __call__(self, first: int, last: int, heating: Array, cooling: Array) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Drive:
    """What all zones of one use share: weather and schedule; shape (time,) each.

    temp_air : outdoor. [°C]  planes : irradiance, shape (time, 9). [W/m²]
    bins : number of the result's bin (month or hour) of each hour, rising from 0.
    window_sun : mean irradiance on the windows of the zones from a number on, shape (time, lane) [W/m²];
        with it, `planes` does not count, and `Zones.solar_area_m2` only by its sum.
    meter : for the zones from a number on, what takes their hours.
    """

    temp_air: Array
    planes: Array
    schedule: Schedule
    bins: npt.NDArray[np.intp]
    window_sun: Callable[[int], Array] | None = None
    meter: Callable[[int], Meter] | None = None


def simulate_zones(
    zones: Zones,
    drive: Drive,
    *,
    temperatures: bool = True,
    dtype: type[np.floating[Any]] = np.float32,
    workers: int | None = None,
    initial_c: float = 20.0,
    warm_up_h: int = WARM_UP_H,
) -> Loads:
    """Hourly simulation of `zones` under `drive`, results summed (temperatures: averaged) per bin.

    Parameters
    ----------
    temperatures : compute air and operative temperatures too; otherwise they are empty, shape (zone, 0).
    dtype : float32 is the fast path, float64 the reference; annual sums differ by less than 1e-4.
    workers : threads; all cores of the process without it.
    initial_c : mass temperature before the warm-up.
    warm_up_h : hours of the year's end simulated before its start.
    """
    everyone = np.arange(len(zones), dtype=np.intp)
    return simulate_groups(
        zones, [(everyone, drive)], temperatures=temperatures, dtype=dtype, workers=workers,
        initial_c=initial_c, warm_up_h=warm_up_h,
    )  # fmt: skip


def simulate_groups(
    zones: Zones,
    groups: Sequence[tuple[npt.NDArray[np.intp], Drive]],
    *,
    temperatures: bool = True,
    dtype: type[np.floating[Any]] = np.float32,
    workers: int | None = None,
    initial_c: float = 20.0,
    warm_up_h: int = WARM_UP_H,
) -> Loads:
    """`simulate_zones` of groups with a drive each, whose blocks share the threads; results as `zones`.

    groups : rows of the zones and their drive; each zone in one group, bins and hours alike in all.
    """
    table = responses(zones)
    run = _Run(zones, table, groups, temperatures, dtype, initial_c, warm_up_h)
    run_all(run.block, range(len(run.blocks)), workers)
    out, ends, total = run.out[..., run.place], run.ends[:, run.place], run.total[..., run.place]
    out = np.ascontiguousarray(out.transpose(0, 2, 1))
    air = surface = np.empty((len(zones), 0), dtype)
    if temperatures and groups:
        length = np.bincount(groups[0][1].bins, minlength=out.shape[2]).astype(dtype)
        air, surface = out[2] / length, out[3] / length
    share = dtype(OPERATIVE_AIR_SHARE)
    return Loads(
        out[0],
        out[1],
        air,
        share * air + (1 - share) * surface,
        ends[0],
        ends[1],
        imbalance(zones, table, total, ends[0], ends[1]),
    )


@dataclass(frozen=True)
class _Block:
    """A block of zones: its drive, the first of its zones in the group, its lanes in the run."""

    drive: Drive
    first: int
    lanes: slice


class _Run:
    """One simulation: `block` for each of `blocks`, in any order.

    The zones lie in lanes, group by group, each group filled up to whole blocks by its last zone; place has
    the lane of each zone. After the blocks, by lane, out holds heating, cooling and temperatures per bin,
    total the sums over all hours, ends the mass temperatures before and after.
    """

    def __init__(
        self,
        zones: Zones,
        table: Array,
        groups: Sequence[tuple[npt.NDArray[np.intp], Drive]],
        temperatures: bool,
        dtype: type[np.floating[Any]],
        initial_c: float,
        warm_up_h: int,
    ) -> None:
        self.dtype, self.initial_c, self.warm_up_h = dtype, initial_c, warm_up_h
        self.blocks: list[_Block] = []
        self.place = np.zeros(len(zones), np.intp)
        order, end = [], 0
        for rows, drive in groups:
            self.place[rows] = np.arange(end, end + len(rows))
            first = end
            for at in range(0, len(rows), LANES):
                wide = width(at, len(rows))
                self.blocks.append(_Block(drive, at, slice(end, end + wide)))
                end += wide
            spare = end - first - len(rows)
            order += [rows, rows[-1:].repeat(spare)]
        lanes = np.concatenate(order) if order else np.zeros(0, np.intp)
        self.table = table.astype(dtype)[:, :, lanes]
        self.areas, self.lanes = zones.solar_area_m2, lanes
        self.collecting = zones.solar_area_m2.sum(axis=1).astype(dtype)[lanes]
        self.temperatures, self.opens = temperatures, zones.open_above_c is not None
        never = np.finfo(dtype).max
        self.opening = np.full(end, never, dtype) if zones.open_above_c is None else (
            zones.open_above_c.astype(dtype)[lanes]
        )  # fmt: skip
        bins = max((int(drive.bins[-1]) + 1 for _, drive in groups), default=0)
        self.out = np.zeros((4 if temperatures else 2, bins, end), dtype)
        self.ends, self.total = np.empty((2, end), dtype), np.zeros((len(table), 5, end), dtype)

    def block(self, number: int) -> None:
        """Simulate one of the blocks."""
        drive, here = self.blocks[number].drive, self.blocks[number].lanes
        hours = len(drive.temp_air)
        warm_up = min(self.warm_up_h, hours)
        sun, collect = self._sun(self.blocks[number])
        rows = np.ascontiguousarray(self.table[:, :, here])
        mass = np.full(here.stop - here.start, self.initial_c, self.dtype)
        driven = (rows, collect, sun, *drivers(drive, self.dtype))
        meter = None if drive.meter is None else drive.meter(self.blocks[number].first)
        if self.temperatures or self.opens:
            self._states(driven, drive.bins, here, mass, meter)
        else:
            into = mass, self.ends[0, here], self.out[..., here], self.total[..., here]
            if meter is None:
                advance_year(*driven, drive.bins, warm_up, *into)
            else:
                advance_metered(
                    *driven, drive.bins, warm_up, *into, *meter.figures, meter.level, meter.binned
                )
                meter.close()
            add_drivers(self.total[..., here], drive)
        self.ends[1, here] = mass

    def _states(
        self, driven: tuple[Any, ...], bins: npt.NDArray[np.intp], here: slice, mass: Array,
        meter: Meter | None,
    ) -> None:  # fmt: skip
        """The hours with air and surface temperature, for windows that people open or as a result."""
        hours, wide = len(driven[2]), len(mass)
        rows, collect, opening = driven[0], driven[1], self.opening[here]
        before, sums = mass.copy(), np.zeros((len(rows), 5, wide), self.dtype)
        course = np.empty((4, CHUNK_H, wide), self.dtype)

        def run(begin: int, end: int, counted: bool) -> None:
            for a in range(begin, end, CHUNK_H):
                b = min(a + CHUNK_H, end)
                now = course[:, : b - a]
                advance_states(rows, collect, opening, *driven[2:], a, b, mass, before, *now, sums)
                if counted:
                    for values, sum_of in zip(now, self.out, strict=False):
                        add_to_bins(values, bins, a, sum_of[:, here])
                if counted and meter is not None:
                    meter(a, b, now[0], now[1])

        run(hours - min(self.warm_up_h, hours), hours, counted=False)
        self.ends[0, here], sums[:] = mass, 0
        run(0, hours, counted=True)
        self.total[..., here] = sums

    def _sun(self, block: _Block) -> tuple[Array, Array]:
        """Irradiance on the windows, shape (time, lane), and what the zones collect of it."""
        drive, here = block.drive, block.lanes
        if drive.window_sun is not None:
            return drive.window_sun(block.first).astype(self.dtype, copy=False), self.collecting[here]
        wide = here.stop - here.start
        sun = np.empty((len(drive.temp_air), wide), self.dtype)
        areas = np.ascontiguousarray(self.areas[self.lanes[here]].T, self.dtype)
        collect_sun(np.ascontiguousarray(drive.planes, self.dtype), areas, sun)
        return sun, np.ones(wide, self.dtype)


def responses(zones: Zones) -> Array:
    """`coefficients` of each kind of ventilation: outside the time of use, within it, windows open.

    Shape (mode, row, zone).
    """
    shut, used, wide = zones.ventilation_w_k
    by_mode = [coefficients(zones, shut), coefficients(zones, used)]
    return np.stack([*by_mode, by_mode[1] if wide is used else coefficients(zones, wide)])


def drivers(drive: Drive, dtype: type[np.floating[Any]]) -> tuple[Any, ...]:
    """Outdoor temperature, set-points, gains and mode of ventilation as the kernel takes them."""
    return _drivers(Same(drive.schedule), Same(drive.temp_air), np.dtype(dtype))


@lru_cache(maxsize=64)
def _drivers(schedule: Same[Schedule], temp_air: Same[Array], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    plan = schedule.it
    return (
        temp_air.it.astype(dtype),
        plan.set_heating_c.astype(dtype),
        plan.set_cooling_c.astype(dtype),
        plan.gains.astype(dtype),
        plan.occupied.astype(np.intp),
    )


def add_drivers(sums: Array, drive: Drive) -> None:
    """Sums of outdoor temperature and gains by mode, where every lane has the same (rows 3 and 4)."""
    sums[:2, 3:] = _driver_sums(Same(drive.schedule), Same(drive.temp_air))[..., None]


@lru_cache(maxsize=64)
def _driver_sums(schedule: Same[Schedule], temp_air: Same[Array]) -> Array:
    """Sums of outdoor temperature and gains by mode, shape (mode, 2)."""
    plan = schedule.it
    mode = plan.occupied.astype(np.intp)
    return np.stack([np.bincount(mode, course, 2) for course in (temp_air.it, plan.gains)], axis=1)


def imbalance(zones: Zones, table: Array, sums: Array, mass_start_c: Array, mass_end_c: Array) -> Array:
    """Heat in less heat out less heat stored over all hours, over the heat turned over; shape (zone,). [-]

    Parameters
    ----------
    table : responses, shape (mode, row, zone).
    sums : as `energy.zone_kernel` adds them, shape (mode, 5, zone).

    The flows are summed at the three nodes (C.4 to C.11 of ISO 13790:2008) from the temperatures, so that a
    wrong coefficient, a number that is none, and rounding all show.
    """
    mass, sun, power, out, gain = np.moveaxis(sums, 1, 0).astype("float64")
    causes = np.stack([mass, out, gain, sun, power], axis=1)
    air = (table[:, 10:15] * causes).sum(axis=1)
    surface = (table[:, 15:20] * causes).sum(axis=1)
    h_ms = H_MS * zones.a_m_m2
    h_em = 1 / (1 / np.maximum(zones.h_tr_op_w_k, 1e-9) - 1 / h_ms)
    entering = 1 - zones.h_tr_w_w_k / (H_MS * zones.a_tot_m2)  # shares of mass and surface (C.2, C.3)
    gains = gain.sum(axis=0) * zones.gains_w
    coming = power.sum(axis=0) + 0.5 * gains + entering * (0.5 * gains + sun.sum(axis=0))
    aired = sum(rate * (air[mode] - out[mode]) for mode, rate in enumerate(zones.ventilation_w_k))
    middle = mass.sum(axis=0) + 0.5 * (mass_end_c - mass_start_c)
    outdoor = out.sum(axis=0)
    going = aired + zones.h_tr_w_w_k * (surface.sum(axis=0) - outdoor) + h_em * (middle - outdoor)
    stored = zones.c_m_wh_k * (mass_end_c - mass_start_c)
    turned = np.abs(power).sum(axis=0) + gains + sun.sum(axis=0) + zones.c_m_wh_k
    return np.asarray((coming - going - stored) / turned)


_CLOSES = 1e-3  # float32 over a year; `tests/energy/test_zone.py` holds float64 to 1e-6


def check_balance(imbalance: Array, ids: pd.Index[Any], rows: npt.NDArray[np.intp] | None = None) -> None:
    """Refuse results whose heat in, out and stored do not match, naming the worst building.

    rows : of the zones in `ids`; all in their order without them.
    """
    if (bad := ~(np.abs(imbalance) < _CLOSES)).any():
        worst = int(np.argmax(np.where(np.isfinite(imbalance), np.abs(imbalance), np.inf)))
        raise CallError(
            f"the heat balance of {int(bad.sum())} building(s) does not close; the worst is off by "
            f"{imbalance[worst]:.1%} of its turnover",
            f"building {ids[worst if rows is None else rows[worst]]}",
            "Check its areas, U-values and air change for figures far from any building",
        )
