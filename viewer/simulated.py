"""What a simulated year is told as, by `lobeda simulate` and to programs."""

from __future__ import annotations

from typing import Any


def network_totals(found: Any) -> dict[str, Any]:
    """What the heat network's year comes to, and what was estimated."""
    stations = found.substations()
    short = stations.index[stations["short_h"] + stations["low_pressure_h"] > 0]
    return {
        "trench_km": round(found.network.trench_km, 2),
        "substations": len(stations),
        "heat_delivered_kwh": float(found.served_kwh.sum()),
        "heat_lost_kwh": float(found.supply_loss_kwh.sum() + found.return_loss_kwh.sum()),
        "pump_electricity_kwh": float(found.pump_kwh.sum()),
        "unserved_kwh": float(stations["unserved_kwh"].sum()),
        "under_supplied": [str(name) for name in short],
        "worst_substation": found.worst_substation,
        "notes": list(found.network.notes),
    }


def overheating(case: Any) -> Any:
    """Over-temperature of the critical room of each conditioned building, as a table."""
    from energy import rooms

    heated = case.envelope[case.envelope["conditioned"].to_numpy(bool)]
    return rooms.overheating(heated, case.weather, case.room_sun, case.parameters)
