"""How a network is run: supply temperature by heating curve, returns, needs of substations, ground."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from energy.heating_curve import Temperatures, heating_curve, load_share
from energy.network.water import Array
from energy.parameters import Parameters

_YEAR_H = 8760.0


def radiators(parameters: Parameters) -> tuple[float, float, float]:
    """Supply and return temperature of the design [°C], exponent of buildings with district heat (plants)."""
    columns = ["flow_design_c", "return_design_c", "emitter_exponent"]
    supply, back, exponent = parameters.plants.loc[["district_heating"], columns].to_numpy("float64")[0]
    return float(supply), float(back), float(exponent)


@dataclass(frozen=True)
class Operation:
    """Temperatures and limits of operation; each from the parameters, changed by `replace`.

    lowered_k : taken off the supply temperature all year. [K]  radiator_… : as plants of buildings have them.
    Other names as in the tables.
    """

    supply_min_c: float
    supply_max_c: float
    design_outdoor_c: float
    outdoor_supply_min_c: float
    design_room_c: float
    radiator_supply_c: float
    radiator_return_c: float
    radiator_exponent: float
    approach_k: float
    station_supply_min_c: float
    station_return_min_c: float
    station_drop_pa: float
    minimum_flow_share: float
    valve_reserve: float
    pump_efficiency: float
    pump_reserve: float
    pipe_depth_m: float
    soil_diffusivity_m2_s: float
    lowered_k: float

    @classmethod
    def of(cls, parameters: Parameters | None = None) -> Operation:
        """The operation that the parameters describe."""
        known = parameters or Parameters.default()
        supply, back, exponent = radiators(known)
        own = {"radiator_supply_c": supply, "radiator_return_c": back, "radiator_exponent": exponent}
        constants = [name for name in cls.__dataclass_fields__ if name not in own]
        return cls(**own, **{name: known.constant(name) for name in constants})

    def replace(self, **changes: float) -> Operation:
        """The operation with some figures changed, as in ``replace(lowered_k=20)``."""
        return replace(self, **changes)

    def supply_c(self, temp_air: Array) -> Array:
        """Supply temperature at the plant: straight between its corners; shape (time,). [°C]"""
        corners = [self.design_outdoor_c, self.outdoor_supply_min_c]
        curve = np.interp(temp_air, corners, [self.supply_max_c, self.supply_min_c])
        return np.asarray(curve - self.lowered_k)

    def radiators_c(self, temp_air: Array) -> Temperatures:
        """Supply and return temperature of the radiators by outdoor temperature; shape (time,). [°C]

        The mean excess over the room follows the load's share to the power 1/n, the spread the share itself
        (the usual heating curve).
        """
        share = np.minimum(load_share(temp_air, self.design_room_c, self.design_outdoor_c), 1.0)
        design = (np.asarray(self.radiator_supply_c), np.asarray(self.radiator_return_c))
        return heating_curve(share, *design, np.asarray(self.radiator_exponent), self.design_room_c)

    def return_c(self, temp_air: Array) -> Array:
        """Return temperature of the substations, shape (time,): of radiators or of hot water. [°C]"""
        radiators = self.radiators_c(temp_air)[1] + self.approach_k
        return np.asarray(np.maximum(radiators, self.station_return_min_c))

    def required_c(self, temp_air: Array) -> Array:
        """Least supply temperature that a substation needs, shape (time,). [°C]"""
        radiators = self.radiators_c(temp_air)[0] + self.approach_k
        return np.asarray(np.maximum(radiators, self.station_supply_min_c))

    def ground_c(self, temp_air: Array) -> Array:
        """Undisturbed ground at the pipes' depth, shape (time,). [°C]

        The year's first harmonic of the air temperature, damped and delayed with depth (Kusuda and
        Achenbach, ASHRAE Transactions 71, 1965).
        """
        hours = np.arange(len(temp_air))
        omega = 2 * np.pi / _YEAR_H
        wave = 2 * np.mean((temp_air - temp_air.mean()) * np.exp(-1j * omega * hours))
        if len(temp_air) < _YEAR_H - 24:
            wave = 0.0  # no year: its swing is not known
        damping = np.sqrt(omega / 3600 / (2 * self.soil_diffusivity_m2_s)) * self.pipe_depth_m
        course = wave * np.exp(-(1 + 1j) * damping + 1j * omega * hours)
        return np.asarray(temp_air.mean() + course.real)
