"""Zones as elements of nodes, in the manner of EN ISO 52016-1:2017, 6.5.6, with nodes where the layers are.

The standard gives each element five nodes by its mass class; here a layer has as many as its diffusivity
asks for, and surfaces have nodes of their own. Films inside: convection by the difference to the air (Walton
1983, NBSSIR 83-2655, TARP), radiation 5.13 W/(m²K) (EN ISO 52016-1, Table 25). Outside: convection by the
year's mean wind at the middle of the wall (Yazdanian and Klems 1994, ASHRAE Transactions 100, with the
roughness of Walton 1983), radiation 4.14 W/(m²K) (EN ISO 52016-1, Table 25); the sky's long-wave radiation by
the tilt, sky and air sharing what is above the horizon (Walton 1983).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import perez
from energy.constructions import Layers
from energy.glazing import STEFAN_BOLTZMANN
from energy.nodes_kernel import advance_nodes
from energy.weather import Weather
from twin.visibility.directions import normals

Array = npt.NDArray[np.floating[Any]]
# Convection of inner surfaces, over the cube root of the difference, warmer and colder than the air:
# W/(m²K^4/3), Walton 1983.
CONVECTION = {"wall": (1.31, 1.31), "ceiling": (0.76, 1.52), "floor": (1.52, 0.76)}
H_RI, H_RE = 5.13, 4.14
WIND_EXPONENT = 0.14  # of the profile over open land (ASHRAE Handbook Fundamentals, ch. 24, Table 1)
STEPS = 2  # per hour
WARM_UP_H = 1008  # six weeks: the heaviest slab has forgotten its first temperature
CELSIUS_K = 273.15
GLASS, ROUGH = 1.0, 1.52  # roughness of glass and of concrete, Walton 1983
STILL_DIFFERENCE_K = 5.0  # of outer surfaces to the air where no wind moves it; estimate
HELD = 1e4  # conductance that holds a surface at its temperature [W/(m²K)]


@dataclass(frozen=True, eq=False)
class Element:
    """One element of a zone.

    area_m2 : of its inner surface.
    resistance_m2k_w, capacity_j_m2k : between its nodes and of its nodes, outside to inside; shapes
        (node − 1,) and (node,).
    inner : "wall", "ceiling" or "floor".
    h_ce : convection outside. [W/(m²K)]
    outer : "outside" with sun and wind, "air" as warm as outdoors, "held" at a temperature, or
        "adiabatic".
    tilt_deg, azimuth_deg : of the outer side.  held_c : its temperature where it is held.
    absorptance : of the sun outside. [-]
    emissivity_ratio : emissivity of the outer side over the 0.9 that H_RE holds for. [-]
    """

    area_m2: float
    resistance_m2k_w: Array
    capacity_j_m2k: Array
    inner: str = "wall"
    outer: str = "outside"
    tilt_deg: float = 90.0
    azimuth_deg: float = 0.0
    held_c: float = 10.0
    h_ce: float = 20.0
    absorptance: float = 0.6
    emissivity_ratio: float = 1.0


def spaced(layers: Layers, resistances: Array | None = None, *, step_s: float = 3600 / STEPS) -> Any:
    """Resistances between and capacities of the nodes of a construction. [m²K/W], [J/(m²K)]

    A layer is cut so that heat crosses a cell in about a step, Δx ≤ √(2 a Δt); surfaces and the joints of
    layers carry nodes, a cell's mass lies half on each side.

    resistances : of layers that are given so, else nan; they hold no heat.
    """
    between: list[float] = []
    capacity = [0.0]
    for number in range(len(layers.thickness_m)):
        thickness, conducts = layers.thickness_m[number], layers.conductivity_w_mk[number]
        stores = layers.density_kg_m3[number] * layers.specific_heat_j_kgk[number]
        given = np.nan if resistances is None else resistances[number]
        if np.isfinite(given):
            between.append(float(given))
            capacity.append(0.0)
            continue
        cell = np.sqrt(2 * conducts / stores * step_s)
        cells = max(1, int(np.ceil(thickness / cell)))
        for _ in range(cells):
            between.append(thickness / cells / conducts)
            half = 0.5 * stores * thickness / cells
            capacity[-1] += half
            capacity.append(half)
    return np.array(between), np.array(capacity)


@dataclass(frozen=True, eq=False)
class Tables:
    """What `advance_nodes` takes of a block of zones with the same elements by place; see there.

    stored : heat that each node holds per step, c/Δt, shape (node, lane). [W/(m²K)]
    """

    starts: npt.NDArray[np.intp]
    chain: Array
    surface: Array
    zone: Array
    stored: Array


def tables(
    zones: Sequence[Sequence[Element]],
    *,
    air_j_k: Array,
    ventilation_w_k: Array,
    light: Array,
    limits_w: Array,
    offset_k: Array | None = None,
    lanes: int,
    steps: int = STEPS,
    dtype: type[np.floating[Any]] = np.float64,
) -> Tables:
    """Factors of zones, each with as many elements; unused lanes repeat the first zone.

    air_j_k : heat capacity of the air (and what follows it at once), shape (zone,).
    ventilation_w_k : by mode, shape (mode, zone).
    light : absorbed share of the beam and of the diffuse light that enters, shape (2, zone, element). [-]
    limits_w : largest heating and cooling power, shape (2, zone).
    offset_k : added to the heating set-point, shape (zone,); nothing without it.
    """
    step = 3600.0 / steps
    by_place = [[zone[e] for zone in zones] for e in range(len(zones[0]))]
    counts = [max(len(element.capacity_j_m2k) for element in some) for some in by_place]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    chain, stored = np.zeros((3, starts[-1], len(zones))), np.zeros((starts[-1], len(zones)))
    surface = np.zeros((10, len(by_place), len(zones)))
    total = np.sum([[element.area_m2 for element in some] for some in by_place], axis=0)
    for e, some in enumerate(by_place):
        here = slice(starts[e], starts[e + 1])
        between, capacity = _alike(some, counts[e])
        stored[here] = capacity / step
        film, area = (np.array(v) for v in zip(*((film_outside(o), o.area_m2) for o in some), strict=True))
        chain[:, here] = _factors(between, stored[here], film)
        per_area = 1 / np.maximum(area, 1e-9)
        surface[:2, e] = np.transpose([CONVECTION[element.inner] for element in some])
        surface[2, e], surface[3, e], surface[4, e] = H_RI, area / total, area
        surface[5, e], surface[6, e] = light[0, :, e] * per_area, light[1, :, e] * per_area
        surface[7, e] = [o.absorptance if o.outer == "outside" else 0.0 for o in some]
        surface[8, e] = film * np.array([o.outer in ("outside", "air") for o in some])
        surface[9, e] = film
    figures = np.zeros((4 + len(ventilation_w_k), len(zones)))
    figures[0], figures[1:3], figures[4:] = np.asarray(air_j_k) / step, limits_w, ventilation_w_k
    figures[3] = 0.0 if offset_k is None else offset_k
    lane = np.where(np.arange(lanes) < len(zones), np.arange(lanes), 0)
    made = (np.ascontiguousarray(v[..., lane], dtype) for v in (chain, surface, figures, stored))
    return Tables(starts, *made)


def _alike(some: Sequence[Element], count: int) -> tuple[Array, Array]:
    """Resistances and capacities of elements cut to `count` nodes, shape (node − 1, zone) and (node, zone).

    Nodes without mass within the first resistance change nothing.
    """
    between, capacity = np.zeros((count - 1, len(some))), np.zeros((count, len(some)))
    for number, element in enumerate(some):
        resistance, held = element.resistance_m2k_w, element.capacity_j_m2k
        more = count - len(held)
        between[: more + 1, number] = resistance[0] / (more + 1)
        between[more + 1 :, number] = resistance[1:]
        capacity[0, number], capacity[more + 1 :, number] = held[0], held[1:]
    return between, capacity


def film_outside(element: Element) -> float:
    """Conductance between the outer surface and what it faces. [W/(m²K)]"""
    open_air = element.h_ce + H_RE * element.emissivity_ratio
    return {"outside": open_air, "held": HELD, "air": HELD, "adiabatic": 0.0}[element.outer]


def _factors(between: Array, stored: Array, film: Array) -> Array:
    """Elimination from outside to inside of elements, shape (3, node, zone): see `advance_nodes`.

    between, stored : shape (node − 1, zone), [m²K/W], and (node, zone), [W/(m²K)].  film : outside, (zone,).
    """
    conduct, last = 1 / between, len(stored) - 1
    out = np.zeros((3, *stored.shape))
    outside, passed = film, np.zeros_like(film)  # conductance outside of a node, and what of it is eliminated
    for i in range(last):
        pivot = stored[i] + outside - passed + conduct[i]
        out[0, i], out[1, i], out[2, i] = stored[i] / pivot, outside / pivot, conduct[i] / pivot
        if i == 0:
            out[1, i] = 1 / pivot
        outside, passed = conduct[i], conduct[i] * conduct[i] / pivot
    out[:, last] = stored[last], outside, stored[last] + outside - passed
    return out


def wind_film(weather: Weather, height_m: npt.ArrayLike, roughness: float) -> Array:
    """Convection outside at heights over the ground, by the year's mean wind; shape as `height_m`. [W/(m²K)]

    Yazdanian and Klems 1994 for smooth glass, mean of windward and leeward; a rough surface raises the part
    of the wind (Walton 1983: glass 1.0, concrete 1.52).
    """
    profile = (np.maximum(height_m, 1.0) / 10.0) ** WIND_EXPONENT
    wind = float(weather.wind_speed.mean()) * profile
    still = 1.31 * STILL_DIFFERENCE_K ** (1 / 3)
    sides = ((3.26, 0.89), (3.55, 0.617))
    smooth = np.mean([np.hypot(still, a * wind**b) for a, b in sides], axis=0)
    return np.asarray(still + roughness * (smooth - still))


def outer_drive(zone: Sequence[Element], weather: Weather, albedo: float) -> tuple[Array, Array]:
    """Heat flow to outer surfaces but from air and sun, and irradiance on them, (time, element) each. [W/m²]

    The flow is the sky's long-wave radiation less the air's, or holds a surface at its temperature.
    """
    outside = np.zeros((len(weather), len(zone)))
    sun = np.zeros_like(outside)
    black = STEFAN_BOLTZMANN * (weather.temp_air + CELSIUS_K) ** 4
    for number, element in enumerate(zone):
        if element.outer == "held":
            outside[:, number] = HELD * element.held_c
        if element.outer != "outside":
            continue
        above = (1 + np.cos(np.radians(element.tilt_deg))) / 2
        emissivity = 0.9 * element.emissivity_ratio
        outside[:, number] = emissivity * above**1.5 * (weather.ir_horizontal - black)
        beam, diffuse = irradiance(weather, element.tilt_deg, element.azimuth_deg, albedo)
        sun[:, number] = beam + diffuse.sum(axis=0)
    return outside, sun


def irradiance(weather: Weather, tilt_deg: float, azimuth_deg: float, albedo: float) -> tuple[Array, Array]:
    """Beam (with the glow around the sun), shape (time,), and light of sky and ground, (2, time). [W/m²]"""
    light = perez.sky(weather)
    cosine = incidence(weather, tilt_deg, azimuth_deg)
    tilt = np.radians(tilt_deg)
    sky = light.dome * (1 + np.cos(tilt)) / 2 + light.band * np.sin(tilt)
    ground = light.ghi * albedo * (1 - np.cos(tilt)) / 2
    return (light.beam + light.glow) * cosine, np.maximum(np.stack([sky, ground]), 0.0)


def incidence(weather: Weather, tilt_deg: float, azimuth_deg: float) -> Array:
    """Cosine of the sun's angle of incidence, 0 where it is behind the plane; shape (time,)."""
    facing = normals(np.array([tilt_deg]), np.array([azimuth_deg]))[0]
    return np.asarray(np.maximum(perez.sky(weather).sun @ facing, 0.0))


@dataclass(frozen=True, eq=False)
class Hours:
    """What drives a block, hour by hour; see `advance_nodes`."""

    outside: Array
    sun: Array
    inside: Array
    entering: Array
    outdoor: Array
    gains: Array
    heat_to: Array
    cool_to: Array
    mode: npt.NDArray[np.intp]


def run(made: Tables, hours: Hours, *, steps: int = STEPS, warm_up_h: int = WARM_UP_H) -> Array:
    """Heating, cooling [W], air and mean surface temperature [°C] of a block, shape (4, time, lane)."""
    return run_balanced(made, hours, steps=steps, warm_up_h=warm_up_h)[0]


def run_balanced(
    made: Tables, hours: Hours, *, steps: int = STEPS, warm_up_h: int = WARM_UP_H
) -> tuple[Array, Array]:
    """What `run` gives, and how far each lane's heat in, out and stored fail to meet, shape (lane,). [-]

    The imbalance counts over the heat turned over, as in `energy.zone.imbalance`.
    """
    dtype = made.chain.dtype
    lanes, count = made.zone.shape[1], len(hours.outdoor)
    state = np.full(made.stored.shape, 15.0, dtype)
    air = np.full(lanes, 15.0, dtype)
    root = np.ones(made.surface.shape[1:], dtype)
    arrays = [
        np.ascontiguousarray(getattr(hours, name), dtype)
        for name in ("outside", "sun", "inside", "entering", "outdoor", "gains", "heat_to", "cool_to")
    ]
    mode = np.ascontiguousarray(hours.mode, np.intp)
    warm_up = min(warm_up_h, count)
    for begin, end in ((count - warm_up, count), (0, count)):
        results = np.empty((4, end - begin, lanes), dtype)
        sums, held = np.zeros((2, lanes), dtype), _stored_wh(made, state, air, steps)
        advance_nodes(
            made.starts, made.chain, made.surface, made.zone, *arrays, mode, steps, begin, end, state, air,
            root, results, sums,
        )  # fmt: skip
    stored = _stored_wh(made, state, air, steps) - held
    return results, _imbalance(made, hours, results, sums, stored)


def _stored_wh(made: Tables, state: Array, air: Array, steps: int) -> Array:
    """Heat in air and nodes over 0 °C, shape (lane,). [Wh]"""
    area = made.surface[4].astype("float64")
    nodes = np.add.reduceat(made.stored.astype("float64") * state, made.starts[:-1])
    return np.asarray(((area * nodes).sum(axis=0) + made.zone[0].astype("float64") * air) / steps)


def _imbalance(made: Tables, hours: Hours, results: Array, sums: Array, stored_wh: Array) -> Array:
    area = made.surface[4].astype("float64")
    heating, cooling = results[:2].sum(axis=1, dtype="float64")
    to_air, to_surfaces = hours.gains.sum(axis=1, dtype="float64")
    light = hours.entering.sum(axis=1, dtype="float64")
    absorbed = (made.surface[5:7].astype("float64") * area).sum(axis=1) * light
    inside = hours.inside.sum(axis=0, dtype="float64") @ area
    given = to_air + to_surfaces * area.sum(axis=0) + absorbed.sum(axis=0) + inside
    off = heating - cooling + given + sums[1] - sums[0] - stored_wh
    capacity = (area * np.add.reduceat(made.stored, made.starts[:-1])).sum(axis=0)
    return np.asarray(off / (heating + cooling + np.abs(given) + np.abs(sums[0]) + capacity + 1e-9))
