"""The same chain as most would write it: hour by hour, NumPy over the building axis; the benchmark's peer.

ISO 13790:2008, Annex C with what does not change within the year worked out before; then photovoltaics
against the load of the hour, supply and weighting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from energy import case as cases
from energy import heat_balance, heat_supply, heat_year, occupancy, supply, weighting, zone

Array = Any


@dataclass(frozen=True)
class Inputs:
    """What both sides take: zones, schedules by use, sun on the windows and on the modules, supply."""

    zones: zone.Zones
    plans: list[occupancy.Schedule]
    use: Array
    supplied: supply.Supply
    plants: heat_supply.Plants
    months: Array
    sun: Array
    made_kwh: Array
    temp_air: Array


def inputs(case: cases.Case) -> Inputs:
    """Of all heated buildings of a case."""
    rows = np.flatnonzero(case.columns.conditioned)
    buildings = case.columns.take(rows)
    zones = heat_balance.zones(buildings, case.parameters, shading=case.shading)
    names = case.parameters.use.index
    found, use = np.unique(buildings.function, return_inverse=True)
    plans = [occupancy.schedule(str(names[number]), case.weather, case.parameters) for number in found]
    blocks = case.window_sun(rows, zones.solar_area_m2)
    pieces = [blocks.block(first) for first in range(0, len(rows), zone.LANES)]
    sun = np.concatenate(pieces, axis=1)[:, : len(rows)].astype("float64")
    made, _ = case.pv_power.of(rows)
    pieces = [made.block(first) for first in range(0, len(rows), zone.LANES)]
    made_kwh = np.concatenate(pieces, axis=1)[:, : len(rows)].astype("float64")
    supplied = supply.supply_of(buildings, case.parameters)
    plants = heat_supply.plants_of(buildings, case.parameters, supplied)
    months = case.weather.times.month.to_numpy() - 1
    return Inputs(
        zones, plans, use, supplied, plants, months, sun, made_kwh, case.weather.temp_air,
    )  # fmt: skip


def annual(given: Inputs, case: cases.Case) -> dict[str, Array]:
    """Monthly sums per building, shape (building, 12): what `energy.annual` sums up."""
    zones, supplied = given.zones, given.supplied
    mass_area, total = zones.a_m_m2, zones.a_tot_m2
    h_ms, h_is = zone.H_MS * mass_area, zone.H_IS * total
    h_em, h_w = 1 / (1 / zones.h_tr_op_w_k - 1 / h_ms), zones.h_tr_w_w_k
    modes = []
    for h_ve in (zones.h_ve_off_w_k, zones.h_ve_on_w_k):
        h_1 = 1 / (1 / h_ve + 1 / h_is)
        h_2 = h_1 + h_w
        modes.append((h_ve, h_1, h_2, 1 / (1 / h_2 + 1 / h_ms)))
    share = mass_area / total
    of_surface = 1 - share - h_w / (zone.H_MS * total)
    collecting, capacity = zones.solar_area_m2.sum(axis=1), zones.c_m_wh_k
    use = given.use

    def hourly(name: str) -> Array:
        return np.stack([getattr(plan, name) for plan in given.plans], axis=1)

    set_heating, set_cooling, gains = hourly("set_heating_c"), hourly("set_cooling_c"), hourly("gains")
    occupied, power_course, water_course = hourly("occupied"), hourly("electricity"), hourly("hot_water")
    tables = [np.stack([mode[part] for mode in modes]) for part in range(4)]
    mass = np.full(len(use), 20.0)
    electric = supplied.carrier == supplied.electricity
    names = ("heating", "cooling", "water", "load", "power", "bought", "sold", "made")
    result = {name: np.zeros((len(use), 12)) for name in names}
    per_heat, per_water = heat_year.mean_ratios(given.plants, case.weather, case.parameters)
    column = np.arange(len(use))

    def hour_of(hour: int, mass: Array) -> tuple[Array, Array]:
        mode = occupied[hour, use].astype(int)
        h_ve, h_1, h_2, h_3 = (table[mode, column] for table in tables)
        out, phi_sol = given.temp_air[hour], given.sun[hour] * collecting
        phi_int = gains[hour, use] * zones.gains_w
        phi_ia = 0.5 * phi_int
        phi_m = share * (phi_ia + phi_sol)
        phi_st = of_surface * (phi_ia + phi_sol)

        def state(power: Array) -> tuple[Array, Array]:
            air_side = (phi_ia + power) / h_ve + out
            phi_total = phi_m + h_em * out + h_3 * (phi_st + h_w * out + h_1 * air_side) / h_2
            after = (mass * (capacity - 0.5 * (h_3 + h_em)) + phi_total) / (capacity + 0.5 * (h_3 + h_em))
            middle = 0.5 * (mass + after)
            surface = (h_ms * middle + phi_st + h_w * out + h_1 * air_side) / (h_ms + h_w + h_1)
            return (h_is * surface + h_ve * out + phi_ia + power) / (h_is + h_ve), after

        free, after = state(np.zeros_like(mass))
        low, high = set_heating[hour, use] + zones.set_offset_k, set_cooling[hour, use]
        cold, hot = free < low, free > high
        if not (cold.any() or hot.any()):
            return np.zeros_like(mass), after
        ten = 10 * zones.gains_w + 1000
        with_ten, _ = state(ten)
        need = np.where(cold, low - free, np.where(hot, high - free, 0.0)) * ten / (with_ten - free)
        return need, state(need)[1]

    hours = len(given.temp_air)
    for hour in range(hours - zone.WARM_UP_H, hours):
        _, mass = hour_of(hour, mass)
    for hour in range(hours):
        need, mass = hour_of(hour, mass)
        heating, cooling = np.maximum(need, 0) / 1000, np.maximum(-need, 0) / 1000
        water = supplied.hot_water_kwh_a * water_course[hour, use]
        power = supplied.electricity_kwh_a * power_course[hour, use] + cooling / supplied.seer
        load = power + electric * (heating * per_heat + water * per_water)
        net = given.made_kwh[hour] - load
        for name, values in (
            ("heating", heating), ("cooling", cooling), ("water", water), ("power", power), ("load", load),
            ("made", given.made_kwh[hour]), ("bought", np.maximum(-net, 0)), ("sold", np.maximum(net, 0)),
        ):  # fmt: skip
            result[name][:, given.months[hour]] += values
    supplied_heat = heat_year.heat(
        given.plants, case.weather, case.parameters, result["heating"], result["water"], given.months
    )
    heat, power = supplied_heat.delivered_kwh, result["power"] + supplied_heat.auxiliary_kwh
    bought = result["bought"] + power + heat * electric[:, None] - result["load"]
    table = weighting.table(case.parameters)
    for name, column_name in weighting.FACTORS.items():
        of_carrier = table[column_name].to_numpy("float64")
        of_heat = np.where(electric, 0.0, of_carrier[supplied.carrier])[:, None]
        result[name] = heat * of_heat + bought * of_carrier[supplied.electricity]
    return result
