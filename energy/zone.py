"""Hourly need for heating and cooling of all zones at once: ISO 13790:2008, Annex C (5R1C, simple hourly).

Within an hour the norm's equations are linear in the mass temperature at its start, the outdoor temperature,
the internal and solar gains and the heating or cooling power. `coefficients` solves them once per zone for
each of these (named after the norm's equations); what remains for each hour is a handful of multiplications,
run by numba over 64 zones side by side (SIMD) and over blocks of zones in threads. Threads of our own rather
than numba's parallel loops: these are safe when a server calls from several threads at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from energy.occupancy import Schedule
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
H_IS = 3.45  # surface to air, 7.2.2.2. [W/(m²K)]
H_MS = 9.1  # mass to surface, 12.2.2. [W/(m²K)]
LANES = 64
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

    def __len__(self) -> int:
        return len(self.h_tr_op_w_k)

    def take(self, rows: npt.NDArray[np.intp]) -> Zones:
        """The zones at `rows`."""
        return Zones(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Loads:
    """Needs of zones: power [W] by hour, or energy [Wh] by month; temperatures are means [°C].

    Shapes (zone, time); cooling is positive. mass_start_c, mass_end_c : mass temperature, shape (zone,).
    """

    heating: Array
    cooling: Array
    air_temperature_c: Array
    operative_temperature_c: Array
    mass_start_c: Array
    mass_end_c: Array


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


def _kernel(
    rows: Array,
    area: Array,
    mass: Array,
    outdoor: Array,
    irradiance: Array,
    heat_to: Array,
    cool_to: Array,
    gains: Array,
    mode: npt.NDArray[np.intp],
    bin_of: npt.NDArray[np.intp],
    warm_up: int,
    temperatures: bool,
    heating: Array,
    cooling: Array,
    air: Array,
    surface: Array,
    mass_start: Array,
) -> None:
    """One block of zones through all hours; sums into the bins (row `bin_of` hour, lane)."""
    hours, lanes = outdoor.shape[0], mass.shape[0]
    zero = mass[0] - mass[0]  # of the arrays' own type: an int would widen float32
    warm, cold = np.zeros_like(mass), np.zeros_like(mass)
    sum_air, sum_surface = np.zeros_like(mass), np.zeros_like(mass)
    for step in range(warm_up + hours):
        t = step - warm_up
        if t < 0:
            t += hours
        if step == warm_up:
            warm[:], cold[:], sum_air[:], sum_surface[:] = zero, zero, zero, zero
            mass_start[:] = mass
        out, gain, low, high = outdoor[t], gains[t], heat_to[t], cool_to[t]
        i0, i1, i2 = irradiance[t, 0], irradiance[t, 1], irradiance[t, 2]
        i3, i4, i5 = irradiance[t, 3], irradiance[t, 4], irradiance[t, 5]
        i6, i7, i8 = irradiance[t, 6], irradiance[t, 7], irradiance[t, 8]
        c = rows[mode[t]]
        if temperatures:
            for i in range(lanes):
                sun = (
                    area[0, i] * i0 + area[1, i] * i1 + area[2, i] * i2
                    + area[3, i] * i3 + area[4, i] * i4 + area[5, i] * i5
                    + area[6, i] * i6 + area[7, i] * i7 + area[8, i] * i8
                )  # fmt: skip
                m = mass[i]
                free = c[0, i] * m + c[1, i] * out + c[2, i] * gain + c[3, i] * sun
                heat = min(max((low + c[21, i] - free) * c[20, i], zero), c[22, i])
                cool = min(max((free - high) * c[20, i], zero), c[23, i])
                power = heat - cool
                warm[i] += heat
                cold[i] += cool
                sum_air[i] += (
                    c[10, i] * m + c[11, i] * out + c[12, i] * gain + c[13, i] * sun + c[14, i] * power
                )
                sum_surface[i] += (
                    c[15, i] * m + c[16, i] * out + c[17, i] * gain + c[18, i] * sun + c[19, i] * power
                )
                mass[i] = c[5, i] * m + c[6, i] * out + c[7, i] * gain + c[8, i] * sun + c[9, i] * power
        else:
            for i in range(lanes):
                sun = (
                    area[0, i] * i0 + area[1, i] * i1 + area[2, i] * i2
                    + area[3, i] * i3 + area[4, i] * i4 + area[5, i] * i5
                    + area[6, i] * i6 + area[7, i] * i7 + area[8, i] * i8
                )  # fmt: skip
                m = mass[i]
                free = c[0, i] * m + c[1, i] * out + c[2, i] * gain + c[3, i] * sun
                heat = min(max((low + c[21, i] - free) * c[20, i], zero), c[22, i])
                cool = min(max((free - high) * c[20, i], zero), c[23, i])
                warm[i] += heat
                cold[i] += cool
                mass[i] = (
                    c[5, i] * m + c[6, i] * out + c[7, i] * gain + c[8, i] * sun + c[9, i] * (heat - cool)
                )
        if step >= warm_up and (t == hours - 1 or bin_of[t + 1] != bin_of[t]):
            b = bin_of[t]
            for i in range(lanes):
                heating[b, i], cooling[b, i] = warm[i], cold[i]
                warm[i] = cold[i] = zero
            if temperatures:
                for i in range(lanes):
                    air[b, i], surface[b, i] = sum_air[i], sum_surface[i]
                    sum_air[i] = sum_surface[i] = zero


def _compile(function: Callable[..., None]) -> Callable[..., None]:
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "nsz", "arcp", "reassoc", "nnan"},
    }
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


_run_block = _compile(_kernel)


@dataclass(frozen=True)
class Drive:
    """What all zones of one use share: weather and schedule; shape (time,) each.

    temp_air : outdoor. [°C]  planes : irradiance, shape (time, 9). [W/m²]
    bins : number of the result's bin (month or hour) of each hour, rising from 0.
    """

    temp_air: Array
    planes: Array
    schedule: Schedule
    bins: npt.NDArray[np.intp]


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
    count, bins = len(zones), int(drive.bins.max()) + 1
    sums = np.empty((4 if temperatures else 2, count, bins), dtype)
    ends = np.empty((2, count), dtype)
    table = np.stack([coefficients(zones, zones.h_ve_off_w_k), coefficients(zones, zones.h_ve_on_w_k)])
    shared = _shared(drive, dtype)
    warm_up = min(warm_up_h, len(drive.temp_air))

    def block(first: int) -> None:
        last = min(first + LANES, count)
        used = last - first
        rows = np.zeros((*table.shape[:2], LANES), dtype)
        rows[:, :, :used] = table[:, :, first:last]
        area = np.zeros((zones.solar_area_m2.shape[1], LANES), dtype)
        area[:, :used] = zones.solar_area_m2[first:last].T
        mass, start = np.full(LANES, initial_c, dtype), np.empty(LANES, dtype)
        part = np.empty((4, bins if temperatures else 1, LANES), dtype)
        needs = (part[0], part[1]) if temperatures else tuple(np.empty((2, bins, LANES), dtype))
        _run_block(rows, area, mass, *shared, warm_up, temperatures, *needs, part[2], part[3], start)
        for number, total in enumerate((*needs, part[2], part[3])[: len(sums)]):
            sums[number, first:last] = total[:, :used].T
        ends[:, first:last] = start[:used], mass[:used]

    run_all(block, range(0, count, LANES), workers)
    empty = np.empty((count, 0), dtype)
    air = surface = empty
    if temperatures:
        hours = np.bincount(drive.bins, minlength=bins).astype(dtype)
        air, surface = sums[2] / hours, sums[3] / hours
    share = dtype(OPERATIVE_AIR_SHARE)
    return Loads(sums[0], sums[1], air, share * air + (1 - share) * surface, ends[0], ends[1])


def _shared(drive: Drive, dtype: type[np.floating[Any]]) -> tuple[Any, ...]:
    plan = drive.schedule
    return (
        drive.temp_air.astype(dtype),
        np.ascontiguousarray(drive.planes, dtype),
        plan.set_heating_c.astype(dtype),
        plan.set_cooling_c.astype(dtype),
        plan.gains.astype(dtype),
        plan.occupied.astype(np.intp),
        np.ascontiguousarray(drive.bins, np.intp),
    )


def run_all(work: Callable[[int], None], items: range, workers: int | None) -> None:
    """`work` on all items, in threads where there are several of both."""
    threads = min(workers or available_cores(), len(items))
    if threads <= 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, items))


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
