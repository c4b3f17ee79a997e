"""Buildings by the element-node model: each one zone of its elements, driven as in the chain.

Windows bring what `Case.window_sun` finds on them, by their g-value; outer walls get the same share of the
open facade's sun. A component against cellar, ground or an unheated neighbour counts with the share b of its
area against outdoor air without sun, and with the rest as storage only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from energy import constructions, heat_balance, node_elements, nodes, zone
from energy.node_elements import Elements, Slot
from energy.occupancy import Schedule
from energy.zone_kernel import LANES, width
from twin.compute import run_all
from twin.errors import CallError

if TYPE_CHECKING:
    from energy.case import Case

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
AIR_AND_FURNITURE_J_M2K = 10_000.0  # EN ISO 52016-1:2017, Table B.17, per floor area
CONVECTIVE_SHARE = 0.40  # of internal gains, EN ISO 52016-1:2017, Table B.11
SUN_TO_AIR = 0.10  # of the sun behind the glass that warms the air at once, EN ISO 52016-1:2017, Table B.11
_LEAST_M2 = 1e-6
_INNER = {"roof": "ceiling", "slab_ceiling_side": "ceiling", "floor": "floor", "slab_floor_side": "floor"}


@dataclass(frozen=True, eq=False)
class NodeLoads:
    """Needs [Wh] and mean temperatures [°C] per bin, shape (building, bin) each."""

    heating: Array
    cooling: Array
    air_temperature_c: Array
    operative_temperature_c: Array


def simulate_nodes(
    case: Case, rows: Rows, bins: Rows, plan: Schedule, meter: Any = None, workers: int | None = None
) -> NodeLoads:
    """The year of the buildings `rows` of the envelope, all of one use with the schedule `plan`.

    meter : as `energy.zone.Drive.meter`.

    Raises
    ------
    CallError : a building's temperatures are no numbers.
    """
    envelope = case.envelope.iloc[rows]
    simple = heat_balance.zones(case.columns.take(rows), case.parameters, shading=case.shading)
    parts = node_elements.elements(envelope, case.parameters)
    film = nodes.wind_film(case.weather, 0.5 * 3.0 * float(envelope["storeys"].mean()), nodes.ROUGH)
    zones = _zones(parts, len(rows), film, case.parameters.constant("solar_absorptance"))
    outside, sun = nodes.outer_drive(zones[0], case.weather, case.parameters.constant("albedo"))
    windows = case.window_sun(rows, simple.solar_area_m2)
    collecting, length = simple.solar_area_m2.sum(axis=1), np.bincount(bins)
    open_sun = float(case.planes[:, :-1].mean())
    out = np.zeros((4, len(rows), len(length)))

    def block(first: int) -> None:
        wide, used = width(first, len(rows)), min(LANES, len(rows) - first)
        here = slice(first, first + used)
        light = windows.block(first)
        lit = light[:, :used].mean(axis=0) / max(open_sun, 1e-9)
        some = [_shaded(one, share) for one, share in zip(zones[here], lit, strict=True)]
        made = _tables(some, simple, here, wide)
        hours = _hours(case, plan, outside, sun, light, collecting[here], some, simple.gains_w[here])
        year = nodes.run(made, hours)
        if meter is not None:
            meter(first)(0, len(case.weather), *(np.ascontiguousarray(v, np.float32) for v in year[:2]))
        for number, values in enumerate(year):
            sums = np.array([np.bincount(bins, values[:, lane]) for lane in range(used)])
            out[number, here] = sums if number < 2 else sums / length

    run_all(block, range(0, len(rows), LANES), workers)
    if (lost := np.flatnonzero(~np.isfinite(out).all(axis=(0, 2)))).size:
        raise CallError(
            "its temperatures are no numbers",
            f"building {envelope.index[lost[0]]}",
            "Check its areas and U-values",
        )
    return NodeLoads(out[0], out[1], out[2], 0.5 * (out[2] + out[3]))


def _zones(parts: Elements, count: int, film: float, absorptance: float) -> list[list[nodes.Element]]:
    """Elements of each building; all have the same ones by place, some without area."""
    spaced = [nodes.spaced(layers) for layers in parts.layers]
    made: list[list[nodes.Element]] = [[] for _ in range(count)]
    for slot in parts.slots:
        for number, zone_ in enumerate(made):
            zone_ += _of_slot(slot, number, spaced, film, absorptance)
    glass = nodes.GLASS * film / nodes.ROUGH
    films = constructions.R_INSIDE["wall"] + constructions.R_OUTSIDE
    for number, zone_ in enumerate(made):
        resistance = max(1 / max(parts.u_window_w_m2k[number], 0.1) - films, 0.01)
        area = max(float(parts.window_area_m2[number].sum()), _LEAST_M2)
        zone_.append(nodes.Element(area, np.array([resistance]), np.zeros(2), h_ce=glass, absorptance=0.0))
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


def _tables(some: list[list[nodes.Element]], simple: zone.Zones, here: slice, wide: int) -> nodes.Tables:
    area = np.array([[element.area_m2 for element in one] for one in some])
    area[:, -1] = 0.0  # what falls on the glass from inside is in its g-value
    spread = (1 - SUN_TO_AIR) * area / area.sum(axis=1, keepdims=True)
    off, on, wide_open = (rate[here] for rate in simple.ventilation_w_k)
    floor = simple.a_tot_m2[here] / 4.5
    return nodes.tables(
        some, air_j_k=AIR_AND_FURNITURE_J_M2K * floor, ventilation_w_k=np.stack([off, on, wide_open]),
        light=np.stack([spread, spread]),
        limits_w=np.stack([simple.heating_limit_w[here], simple.cooling_limit_w[here]]),
        offset_k=simple.set_offset_k[here], lanes=wide, dtype=np.float32,
    )  # fmt: skip


def _hours(
    case: Case, plan: Schedule, outside: Array, sun: Array, light: Array, collecting: Array,
    some: list[list[nodes.Element]], gains_w: Array,
) -> nodes.Hours:  # fmt: skip
    hours, wide = light.shape
    used = len(some)
    entering, gains = np.zeros((2, hours, wide)), np.zeros((2, hours, wide))
    entering[1, :, :used] = light[:, :used] * collecting
    total = np.array([sum(element.area_m2 for element in one) for one in some])
    mean = plan.gains[:, None] * gains_w
    gains[0, :, :used] = CONVECTIVE_SHARE * mean + SUN_TO_AIR * entering[1, :, :used]
    gains[1, :, :used] = (1 - CONVECTIVE_SHARE) * mean / total
    return nodes.Hours(
        outside, sun, np.zeros_like(sun), entering, case.weather.temp_air, gains, plan.set_heating_c,
        plan.set_cooling_c, plan.occupied.astype(np.intp),
    )  # fmt: skip
