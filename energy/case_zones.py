"""A thermal case as a zone of either kernel: a box, its windows with their devices, its schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import constructions, nodes, perez, zone
from energy.constructions import Layers
from energy.glazing import Glazing, Pane
from energy.occupancy import Schedule
from energy.weather import Weather
from energy.window_shading import Devices, diffuse_left, lit_share

Array = npt.NDArray[np.floating[Any]]
AZIMUTH_DEG = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}
_AIR_J_KGK = 1006.0
_LANES = 8
_NEVER_C = 1000.0
_UNLIMITED = zone.UNLIMITED_W
_SKY_K = 11.0  # ISO 13790:2008, 11.4.6


def wall_area_m2(case: Mapping[str, Any], azimuth_deg: float) -> float:
    """Area of the wall that faces an azimuth, windows included. [m²]"""
    along = case["width_m"] if case["width_axis"] == "east-west" else case["depth_m"]
    across = case["depth_m"] if case["width_axis"] == "east-west" else case["width_m"]
    return float((along if azimuth_deg in (0.0, 180.0) else across) * case["height_m"])


def air_density_kg_m3(altitude_m: float) -> float:
    """Density of air at 20 °C by height above the sea (ICAO standard atmosphere's pressure)."""
    return float(1.2041 * (1 - 2.25577e-5 * altitude_m) ** 5.25588)


def glazing(figures: Mapping[str, Any]) -> Glazing:
    """A glazing of the document; panes as a number of equal ones, or a list of each."""
    panes = figures["panes"]
    each = [figures] * panes if isinstance(panes, int) else [{**figures, **pane} for pane in panes]

    def of(pane: Mapping[str, Any], *names: str) -> float:
        return float(next(pane[name] for name in names if name in pane))

    made = tuple(
        Pane(
            of(pane, "pane_thickness_m", "thickness_m"),
            of(pane, "pane_conductivity_w_mk", "conductivity_w_mk"),
            of(pane, "pane_solar_transmittance_normal", "solar_transmittance_normal"),
            of(pane, "pane_solar_reflectance_normal", "solar_reflectance_normal"),
            of(pane, "emissivity_outside", "pane_emissivity", "emissivity"),
            of(pane, "emissivity_inside", "pane_emissivity", "emissivity"),
        )
        for pane in each
    )
    gaps = len(made) - 1
    width = tuple([float(figures.get("gap_m", 0.012))] * gaps)
    return Glazing(made, width, (str(figures.get("gap_gas", "air")),) * gaps)


def by_nodes(document: Mapping[str, Any], case: Mapping[str, Any], weather: Weather) -> tuple[Array, ...]:
    """Heating, cooling [W] and air temperature [°C] of each hour by the element-node model."""
    windows = list(case.get("windows", []))
    h_wall, h_glass = _films(case, weather)
    opaque = opaque_elements(document, case, h_wall)
    glass = [glazing(document["glazings"][w.get("glazing", case["glazing"])]) for w in windows]
    elements = [*opaque, *(_pane_element(w, g, h_glass) for w, g in zip(windows, glass, strict=True))]
    outside, sun = nodes.outer_drive(elements, weather, case["ground_reflectance"])
    inside = np.zeros_like(outside)
    entering = np.zeros((2, len(weather), _LANES))
    for number, (window, panes) in enumerate(zip(windows, glass, strict=True)):
        column = len(opaque) + number
        beam, diffuse, cosine = _on_window(case, window, weather)
        through, held = panes.at(np.maximum(cosine, 1e-6))
        passed, taken, _ = panes.diffuse
        area = window["width_m"] * window["height_m"]
        entering[0] += (area * beam * through)[:, None]
        entering[1] += (area * diffuse * passed)[:, None]
        absorbed = beam * held + diffuse * taken[:, None]
        # Each pane's heat goes to both surfaces by the resistances on its two sides.
        outwards = _outward_share(panes)
        outside[:, column] += (absorbed * outwards[:, None]).sum(axis=0)
        inside[:, column] += (absorbed * (1 - outwards[:, None])).sum(axis=0)
        sun[:, column] = 0.0
    volume, air, leak = _air(case, weather)
    vent = np.asarray(_daily(case.get("ventilation_m3_h"), 0.0), "float64")
    hour = local_hour(weather)
    flows = np.unique(vent)
    light = _light(opaque, glass, windows, case)
    made = nodes.tables(
        [elements], air_j_k=np.array([air * volume]),
        ventilation_w_k=np.array([[leak + air * flow / 3600] for flow in flows]),
        light=light[:, None, :], limits_w=np.full((2, 1), _UNLIMITED), lanes=_LANES,
    )  # fmt: skip
    gains = np.zeros((2, len(weather), _LANES))
    radiant = case["internal_gain_radiant_fraction"]
    gains[0] = case["internal_gain_w"] * (1 - radiant)
    gains[1] = case["internal_gain_w"] * radiant / sum(element.area_m2 for element in elements)
    hours = nodes.Hours(
        outside, sun, inside, entering, weather.temp_air, gains,
        _daily(case.get("heating_setpoint_c"), -_NEVER_C)[hour],
        _daily(case.get("cooling_setpoint_c"), _NEVER_C)[hour],
        np.searchsorted(flows, vent[hour]),
    )  # fmt: skip
    heating, cooling, temperature, _ = nodes.run(made, hours)[:, :, 0]
    return heating, cooling, temperature


def _films(case: Mapping[str, Any], weather: Weather) -> tuple[float, float]:
    """Convection outside at walls and roof, and at glass. [W/(m²K)]"""
    middle = case["height_m"] / 2
    return (
        float(nodes.wind_film(weather, middle, nodes.ROUGH)),
        float(nodes.wind_film(weather, middle, nodes.GLASS)),
    )


def _air(case: Mapping[str, Any], weather: Weather) -> tuple[float, float, float]:
    """Volume [m³], heat capacity of air [J/(m³K)] and conductance of the infiltration [W/K]."""
    volume = case["width_m"] * case["depth_m"] * case["height_m"]
    air = air_density_kg_m3(weather.altitude_m) * _AIR_J_KGK
    return volume, air, air * case["infiltration_ach"] * volume / 3600


def local_hour(weather: Weather) -> npt.NDArray[np.intp]:
    """Hour of the day in local standard time of the weather's meridian, shape (time,)."""
    zone_h = round(weather.longitude / 15.0)
    return np.asarray((weather.times + pd.Timedelta(hours=zone_h)).hour.to_numpy(), np.intp)


def _daily(values: Sequence[float | None] | None, none: float) -> npt.NDArray[np.float64]:
    if values is None:
        return np.full(24, none)
    return np.array([none if value is None else float(value) for value in values])


def _layers(document: Mapping[str, Any], construction: str) -> tuple[Layers, Array]:
    """A construction's layers, and the resistances of those that are given so (else nan)."""
    rows = [document["materials"][name] for name in document["constructions_outside_to_inside"][construction]]

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([row.get(name, 1.0) for row in rows], "float64")

    given = np.array([row.get("resistance_m2k_w", np.nan) for row in rows])
    made = Layers(
        column("thickness_m"), column("conductivity_w_mk"), column("density_kg_m3"),
        column("specific_heat_j_kgk"), np.zeros(len(rows), bool),
    )  # fmt: skip
    return made, given


def opaque_elements(document: Mapping[str, Any], case: Mapping[str, Any], h_ce: float) -> list[nodes.Element]:
    """Four walls (less their windows), roof and floor."""
    mass = document["mass"][case["mass"]]

    def element(part: str, area_m2: float, **more: Any) -> nodes.Element:
        between, capacity = nodes.spaced(*_layers(document, mass[part]))
        return nodes.Element(
            area_m2, between, capacity, h_ce=h_ce, absorptance=case["solar_absorptance_exterior"],
            emissivity_ratio=case["emissivity_exterior"] / 0.9, **more,
        )  # fmt: skip

    result = []
    for side, azimuth in AZIMUTH_DEG.items():
        taken = sum(
            window["width_m"] * window["height_m"]
            for window in case.get("windows", [])
            if window["orientation"] == side
        )
        result.append(element("wall", wall_area_m2(case, azimuth) - taken, azimuth_deg=azimuth))
    ground = case["width_m"] * case["depth_m"]
    result.append(element("roof", ground, inner="ceiling", tilt_deg=0.0))
    held = case["ground_temperature_c"]
    result.append(element("floor", ground, inner="floor", outer="held", tilt_deg=180.0, held_c=held))
    return result


def _pane_element(window: Mapping[str, Any], panes: Glazing, h_ce: float) -> nodes.Element:
    _, resistance = panes.resistance_m2k_w()
    return nodes.Element(
        window["width_m"] * window["height_m"], np.array([resistance]), np.zeros(2),
        azimuth_deg=AZIMUTH_DEG[window["orientation"]], absorptance=0.0, h_ce=h_ce,
        emissivity_ratio=panes.panes[0].emissivity_out / 0.9,
    )  # fmt: skip


def _outward_share(panes: Glazing) -> Array:
    """Share of the heat absorbed in each pane that acts at the outer surface, shape (pane,)."""
    before, whole = panes.resistance_m2k_w()
    return np.asarray(1 - before / whole)


def _on_window(
    case: Mapping[str, Any], window: Mapping[str, Any], weather: Weather
) -> tuple[Array, Array, Array]:
    """Beam and diffuse light on a window behind its devices [W/m²], and the beam's cosine; shape (time,)."""
    azimuth = AZIMUTH_DEG[window["orientation"]]
    beam, (sky, ground) = nodes.irradiance(weather, 90.0, azimuth, case["ground_reflectance"])
    devices = Devices.of(window, case)
    if devices is not None:
        beam = beam * lit_share(devices, perez.sky(weather).sun, azimuth)
        of_sky, of_ground = diffuse_left(devices)
        sky, ground = sky * of_sky, ground * of_ground
    return beam, sky + ground, nodes.incidence(weather, 90.0, azimuth)


def _light(
    opaque: Sequence[nodes.Element],
    glass: Sequence[Glazing],
    windows: Sequence[Mapping[str, Any]],
    case: Mapping[str, Any],
) -> Array:
    """Share of entered light that each element absorbs, shape (2, element): beam, diffuse.

    Beam meets the floor first; what it reflects, and diffuse light, falls on all surfaces by their areas
    until it is absorbed or leaves by the windows.
    """
    absorbs = case["solar_absorptance_interior"]
    area = np.array([e.area_m2 for e in opaque] + [w["width_m"] * w["height_m"] for w in windows])
    takes = np.array([absorbs] * len(opaque) + [1 - panes.diffuse[2] for panes in glass])
    held = [(panes.turned.diffuse[1][::-1] * (1 - _outward_share(panes))).sum() for panes in glass]
    stays = np.array([absorbs] * len(opaque) + held)
    spread = area * stays / (area * takes).sum()
    beam = (1 - absorbs) * spread
    beam[len(opaque) - 1] += absorbs
    return np.stack([beam, spread])


def by_rc5(document: Mapping[str, Any], case: Mapping[str, Any], weather: Weather) -> tuple[Array, ...]:
    """Heating, cooling [W] and air temperature [°C] of each hour by ISO 13790:2008, Annex C.

    The method knows two air flows: hours with more than the least get the largest.
    """
    mass = document["mass"][case["mass"]]
    h_wall, h_glass = _films(case, weather)
    opaque = opaque_elements(document, case, h_wall)
    windows = list(case.get("windows", []))
    glass = [glazing(document["glazings"][w.get("glazing", case["glazing"])]) for w in windows]
    parts = ["wall"] * 4 + ["roof", "floor"]
    h_opaque = ground = stored = weighed = 0.0
    solar = np.zeros(len(weather))
    outside_sun = nodes.outer_drive(opaque, weather, case["ground_reflectance"])[1]
    for number, (part, element) in enumerate(zip(parts, opaque, strict=True)):
        made, given = _layers(document, mass[part])
        resistance = np.where(np.isfinite(given), given, made.resistance_m2k_w).sum()
        outer = 1 / nodes.film_outside(element)
        u_value = 1 / (resistance + constructions.R_INSIDE[part] + outer)
        capacity = _kappa(made, given)
        stored += element.area_m2 * capacity
        weighed += element.area_m2 * capacity**2
        if element.outer == "held":
            ground += u_value * element.area_m2
        else:
            h_opaque += u_value * element.area_m2
            above = (1 + np.cos(np.radians(element.tilt_deg))) / 2
            gain = element.absorptance * outside_sun[:, number] - above * nodes.H_RE * _SKY_K
            solar += outer * u_value * element.area_m2 * gain
    h_window = 0.0
    for window, panes in zip(windows, glass, strict=True):
        area = window["width_m"] * window["height_m"]
        outer = 1 / nodes.film_outside(_pane_element(window, panes, h_glass))
        u_value = 1 / (panes.resistance_m2k_w(outer)[1] + constructions.R_INSIDE["wall"])
        h_window += u_value * area
        beam, diffuse, cosine = _on_window(case, window, weather)
        g_beam, g_diffuse = panes.g_value(np.maximum(cosine, 1e-6), outer, constructions.R_INSIDE["wall"])
        sky = 0.5 * nodes.H_RE * _SKY_K * u_value * outer
        solar += area * (beam * g_beam + diffuse * g_diffuse - sky)
    _, air, leak = _air(case, weather)
    hour = local_hour(weather)
    vent = _daily(case.get("ventilation_m3_h"), 0.0)
    total_area = sum(element.area_m2 for element in opaque) + sum(
        w["width_m"] * w["height_m"] for w in windows
    )
    mass_area = max(stored**2 / max(weighed, 1e-9), 2.0 * (h_opaque + ground) / zone.H_MS)
    # The ground's steady temperature acts as a gain: the model has one outdoor temperature.
    solar += ground * (case["ground_temperature_c"] - weather.temp_air)
    one = np.ones(1)
    zones = zone.Zones(
        h_tr_op_w_k=(h_opaque + ground) * one, h_tr_w_w_k=max(h_window, 1e-6) * one,
        h_ve_on_w_k=(leak + air * vent.max() / 3600) * one,
        h_ve_off_w_k=(leak + air * vent.min() / 3600) * one,
        c_m_wh_k=max(stored / 3600, 1.0) * one, a_m_m2=mass_area * one,
        a_tot_m2=max(total_area, mass_area * 1.2) * one,
        gains_w=case["internal_gain_w"] * one, solar_area_m2=np.eye(1, 9), set_offset_k=0 * one,
        heating_limit_w=_UNLIMITED * one, cooling_limit_w=_UNLIMITED * one, control_air_share=one,
    )  # fmt: skip
    plan = Schedule(
        _daily(case.get("heating_setpoint_c"), -_NEVER_C)[hour],
        _daily(case.get("cooling_setpoint_c"), _NEVER_C)[hour],
        (vent > vent.min())[hour] if vent.max() > vent.min() else np.ones(len(weather), bool),
        np.ones(len(weather)), np.ones(len(weather)), np.ones(len(weather)),
    )  # fmt: skip
    planes = np.zeros((len(weather), 9))
    planes[:, 0] = solar
    drive = zone.Drive(weather.temp_air, planes, plan, np.arange(len(weather), dtype=np.intp))
    loads = zone.simulate_zones(zones, drive, dtype=np.float64)
    return loads.heating[0], loads.cooling[0], loads.air_temperature_c[0]


def _kappa(made: Layers, given: Array) -> float:
    """Heat capacity of the inner side within 0.10 m, up to insulation; ISO 13790:2008, 12.3.1. [J/(m²K)]"""
    left, total = constructions.EFFECTIVE_THICKNESS_M, 0.0
    for number in range(len(given) - 1, -1, -1):
        if np.isfinite(given[number]) or made.conductivity_w_mk[number] < constructions.INSULATION_W_MK:
            break
        depth = min(left, made.thickness_m[number])
        total += depth * made.density_kg_m3[number] * made.specific_heat_j_kgk[number]
        left -= depth
    return float(total)
