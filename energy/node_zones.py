"""Buildings by the element-node model: each one zone of its elements, driven as in the chain.

Windows bring what `Case.window_sun` finds on them, by their g-value and the sun's angle as `window_glass`
says; outer walls get the windows' share of the open facade's sun. A component against cellar, ground or an
unheated neighbour counts with the share b of its area against outdoor air without sun, and with the rest as
storage only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from energy import constructions, node_elements, nodes, window_glass, zone
from energy.lanes import LANES, width
from energy.node_elements import Elements, Slot
from twin.compute import run_all

if TYPE_CHECKING:
    from energy.case import Case

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
AIR_AND_FURNITURE_J_M2K = 10_000.0  # EN ISO 52016-1:2017, Table B.17, per floor area
CONVECTIVE_SHARE = 0.40  # of internal gains, EN ISO 52016-1:2017, Table B.11
SUN_TO_AIR = 0.10  # of the sun behind the glass that warms the air at once, EN ISO 52016-1:2017, Table B.11
_LEAST_M2 = 1e-6
_OF_GLASS = ("u_window_w_m2k", "g_window")
_INNER = {"roof": "ceiling", "slab_ceiling_side": "ceiling", "floor": "floor", "slab_floor_side": "floor"}


@dataclass(frozen=True, eq=False)
class NodeLoads:
    """Needs [Wh] and mean temperatures [°C] per bin, shape (building, bin) each."""

    heating: Array
    cooling: Array
    air_temperature_c: Array
    operative_temperature_c: Array


def simulate_nodes(
    case: Case, rows: Rows, simple: zone.Zones, drive: zone.Drive, workers: int | None = None
) -> NodeLoads:
    """The year of the buildings `rows` of the envelope, all driven alike.

    simple, drive : what the simple method takes of them; the sun on their windows and the meter are the same.

    Raises
    ------
    CallError : a building's heat balance does not close, or its temperatures are no numbers.
    """
    envelope, count = case.envelope.iloc[rows], len(rows)
    parts = node_elements.elements(envelope, case.parameters)
    zones = _zones(parts, envelope["storeys"].to_numpy("float64"), case)
    outside, sun = nodes.outer_drive(zones[0], case.weather, case.parameters.constant("albedo"))
    glass = window_glass.of_windows(*(envelope[name].to_numpy("float64") for name in _OF_GLASS))
    through = case.window_sun(rows, simple.solar_area_m2, glass)
    # The simple method's areas carry one factor for slanting sun: here each hour has its own.
    slanting = case.parameters.constant("non_normal_incidence")
    collecting, length = simple.solar_area_m2.sum(axis=1) / slanting, np.bincount(drive.bins)
    floor = case.columns.take(rows)["a_use_m2"]
    sun_on = drive.window_sun
    assert sun_on is not None  # the chain always gives it
    open_sun = float(case.planes[:, :-1].mean())
    out, off = np.zeros((4, count, len(length))), np.zeros(-(-count // LANES) * LANES)

    def block(first: int) -> None:
        wide, used = width(first, count), min(LANES, count - first)
        here = slice(first, first + used)
        light = sun_on(first)
        lit = light[:, :used].mean(axis=0) / max(open_sun, 1e-9)
        some = [_shaded(one, share) for one, share in zip(zones[here], lit, strict=True)]
        made = _tables(some, simple, floor[here], here, wide)
        entering = through.block(first)
        hours = _hours(drive, outside, sun, entering, collecting[here], some, simple.gains_w[here])
        year, off[first : first + wide] = nodes.run_balanced(made, hours)
        if drive.meter is not None:
            drive.meter(first)(0, len(light), *(np.ascontiguousarray(v, np.float32) for v in year[:2]))
        for number, values in enumerate(year):
            sums = np.array([np.bincount(drive.bins, values[:, lane]) for lane in range(used)])
            out[number, here] = sums if number < 2 else sums / length

    run_all(block, range(0, count, LANES), workers)
    zone.check_balance(np.where(np.isfinite(out).all(axis=(0, 2)), off[:count], np.nan), envelope.index)
    return NodeLoads(out[0], out[1], out[2], 0.5 * (out[2] + out[3]))


def _zones(parts: Elements, storeys: Array, case: Case) -> list[list[nodes.Element]]:
    """Elements of each building; all have the same ones by place, some without area."""
    spaced = [nodes.spaced(layers) for layers in parts.layers]
    middle = 0.5 * storeys * case.parameters.constant("storey_height_m")
    film, glass = (nodes.wind_film(case.weather, middle, rough) for rough in (nodes.ROUGH, nodes.GLASS))
    absorptance = case.parameters.constant("solar_absorptance")
    films = constructions.R_INSIDE["wall"] + constructions.R_OUTSIDE
    made = []
    for number in range(len(storeys)):
        one = [
            element
            for slot in parts.slots
            for element in _of_slot(slot, number, spaced, float(film[number]), absorptance)
        ]
        resistance = max(1 / max(parts.u_window_w_m2k[number], 0.1) - films, 0.01)
        area = max(float(parts.window_area_m2[number].sum()), _LEAST_M2)
        h_ce = float(glass[number])
        one.append(nodes.Element(area, np.array([resistance]), np.zeros(2), h_ce=h_ce, absorptance=0.0))
        made.append(one)
    return made


def _of_slot(
    slot: Slot, number: int, spaced: list[Any], film: float, absorptance: float
) -> list[nodes.Element]:
    between, capacity = spaced[max(int(slot.construction[number]), 0)]
    area, inner = float(slot.area_m2[number]), _INNER.get(slot.name, "wall")
    whole = nodes.Element(
        max(area, _LEAST_M2), between, capacity, inner=inner, tilt_deg=slot.tilt_deg,
        azimuth_deg=slot.azimuth_deg, h_ce=film, absorptance=absorptance,
    )  # fmt: skip
    if slot.boundary == "outside":
        return [whole]
    if slot.boundary == "adiabatic":
        return [replace(whole, outer="adiabatic")]
    share = float(slot.b[number])
    return [
        replace(whole, area_m2=max(area * share, _LEAST_M2), outer="air", absorptance=0.0),
        replace(whole, area_m2=max(area * (1 - share), _LEAST_M2), outer="adiabatic", absorptance=0.0),
    ]


def _shaded(zone_: list[nodes.Element], lit: float) -> list[nodes.Element]:
    """The zone with the sun on its walls that its windows get, as a share of the open facade's."""
    return [
        replace(e, absorptance=e.absorptance * min(lit, 1.5))
        if e.outer == "outside" and e.tilt_deg > 45
        else e
        for e in zone_
    ]


def _tables(
    some: list[list[nodes.Element]], simple: zone.Zones, floor_m2: Array, here: slice, wide: int
) -> nodes.Tables:
    area = np.array([[element.area_m2 for element in one] for one in some])
    area[:, -1] = 0.0  # what falls on the glass from inside is in its g-value
    spread = (1 - SUN_TO_AIR) * area / area.sum(axis=1, keepdims=True)
    off, on, wide_open = (rate[here] for rate in simple.ventilation_w_k)
    return nodes.tables(
        some, air_j_k=AIR_AND_FURNITURE_J_M2K * floor_m2, ventilation_w_k=np.stack([off, on, wide_open]),
        light=np.stack([spread, spread]),
        limits_w=np.stack([simple.heating_limit_w[here], simple.cooling_limit_w[here]]),
        offset_k=simple.set_offset_k[here], lanes=wide, dtype=np.float32,
    )  # fmt: skip


def _hours(
    drive: zone.Drive, outside: Array, sun: Array, light: Array, collecting: Array,
    some: list[list[nodes.Element]], gains_w: Array,
) -> nodes.Hours:  # fmt: skip
    plan, used = drive.schedule, len(some)
    entering, gains = (np.zeros((2, *light.shape), np.float32) for _ in range(2))
    entering[1, :, :used] = light[:, :used] * collecting
    total = np.array([sum(element.area_m2 for element in one) for one in some])
    mean = plan.gains[:, None] * gains_w
    gains[0, :, :used] = CONVECTIVE_SHARE * mean + SUN_TO_AIR * entering[1, :, :used]
    gains[1, :, :used] = (1 - CONVECTIVE_SHARE) * mean / total
    return nodes.Hours(
        outside, sun, np.zeros_like(sun), entering, drive.temp_air, gains, plan.set_heating_c,
        plan.set_cooling_c, plan.occupied.astype(np.intp),
    )  # fmt: skip
