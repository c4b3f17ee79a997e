"""Measures: each takes a Case and gives a Case. One module, one line here; any callable works too."""

from types import ModuleType

from scenarios.measures import (
    balcony_pv,
    battery,
    climate,
    district_heating,
    envelope_retrofit,
    heat_pump,
    prices,
    roof_pv,
    set_points,
    smart_heating,
    supply_temperature,
    trees,
    unsealing,
)

MEASURES: dict[str, ModuleType] = {
    "envelope_retrofit": envelope_retrofit,
    "set_points": set_points,
    "smart_heating": smart_heating,
    "supply_temperature": supply_temperature,
    "district_heating": district_heating,
    "heat_pump": heat_pump,
    "roof_pv": roof_pv,
    "balcony_pv": balcony_pv,
    "battery": battery,
    "trees": trees,
    "unsealing": unsealing,
    "climate": climate,
    "prices": prices,
}
