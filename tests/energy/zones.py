"""Zones and drives for the tests of the thermal kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from energy import occupancy, zone


def zones(count: int = 1, *, area: float = 1000.0, **figures: Any) -> zone.Zones:
    """Alike zones of a slab's making; `figures` replace single ones (scalar or one per zone)."""
    base: dict[str, Any] = {
        "h_tr_op_w_k": 0.6 * area,
        "h_tr_w_w_k": 0.35 * area,
        "h_ve_on_w_k": 0.51 * area,
        "h_ve_off_w_k": 0.2 * area,
        "c_m_wh_k": 45.0 * area,
        "a_m_m2": 2.5 * area,
        "a_tot_m2": 4.5 * area,
        "gains_w": 3.0 * area,
        "set_offset_k": 0.0,
        "heating_limit_w": zone.UNLIMITED_W,
        "cooling_limit_w": zone.UNLIMITED_W,
        "control_air_share": 1.0,
    }
    solar = figures.pop("solar_area_m2", np.r_[np.full(8, 0.006 * area), 0.001 * area])
    filled = {
        name: np.broadcast_to(np.asarray(v, float), count).copy() for name, v in (base | figures).items()
    }
    return zone.Zones(**filled, solar_area_m2=np.broadcast_to(np.asarray(solar, float), (count, 9)).copy())


def schedule(hours: int, **figures: Any) -> occupancy.Schedule:
    """Always 20 °C, no cooling, always in use, steady gains; `figures` replace single courses."""
    base: dict[str, Any] = {
        "set_heating_c": 20.0,
        "set_cooling_c": 1000.0,
        "occupied": True,
        "gains": 1.0,
        "electricity": 1 / 8760,
        "hot_water": 1 / 8760,
    }
    return occupancy.Schedule(
        **{name: np.broadcast_to(value, hours).copy() for name, value in (base | figures).items()}
    )


def drive(temp_air: Any, planes: Any = 0.0, bins: Any = None, **figures: Any) -> zone.Drive:
    """Weather and schedule of the zones; hourly bins unless told."""
    temp_air = np.asarray(temp_air, float)
    hours = len(temp_air)
    return zone.Drive(
        temp_air,
        np.broadcast_to(np.asarray(planes, float), (hours, 9)).copy(),
        schedule(hours, **figures),
        np.arange(hours) if bins is None else bins,
    )
