"""The heat network's part of a building's explanation: its substation's load, flow, temperature; CO2."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energy import heat_balance, weighting
from energy.case import Case
from energy.derivation_sheet import Sheet, Step
from energy.network.chain import HEATING
from energy.network.solver import NetworkYear

_SOLVED = "heat network, solved hour by hour"


def explain(found: NetworkYear, case: Case, building_id: str) -> tuple[Step, ...]:
    """Steps from the building's design load to the CO2 of its heat; none for one that the network leaves out.

    case : whose heat went into `found`.
    """
    station = found.network.building_station.get(building_id)
    if station is None:
        return ()
    sheet = Sheet()
    _load(sheet, found, case, building_id, int(station))
    _year(sheet, found, int(station))
    _co2(sheet, found, case)
    return tuple(sheet.steps)


def _load(sheet: Sheet, found: NetworkYear, case: Case, building_id: str, station: int) -> None:
    row = case.envelope.index.get_indexer(pd.Index([building_id]))
    zones = heat_balance.zones(case.columns.take(row), case.parameters)
    loss = float((zones.h_tr_op_w_k + zones.h_tr_w_w_k + zones.h_ve_on_w_k)[0])
    served = found.network.building_station
    constant = case.parameters.constant
    for symbol, name, name_de, value, unit, source in (
        ("H", "Heat loss by transmission and ventilation in use", "Wärmeverlust in der Nutzungszeit",
         loss, "W/K", "ISO 13790:2008, 8.3 and 9.3"),
        ("θ_i", "Room temperature of the design", "Raumtemperatur der Auslegung",
         constant("design_room_c"), "°C", "table supply"),
        ("θ_e", "Outdoor temperature of the design", "Außentemperatur der Auslegung",
         constant("design_outdoor_c"), "°C", "table supply"),
        ("f_res", "Reserve for hot water and heating up", "Reserve für Warmwasser und Aufheizen",
         constant("power_reserve"), "-", "table network"),
    ):  # fmt: skip
        sheet.given(symbol, name, name_de, value, unit, source)
    sheet.worked(
        "P_b", "Design load of the building", "Auslegungslast des Gebäudes",
        "H * (θ_i - θ_e) * f_res / 1000", "kW", "as DIN EN 12831-1, without gains",
    )  # fmt: skip
    name = found.network.substation_id[station]
    sheet.given(
        "n_b", f"Buildings at the substation {name}", f"Gebäude an der Hausstation {name}",
        int((served == station).sum()), "-", "network",
    )  # fmt: skip
    sheet.given(
        "P_st", "Design load of the substation", "Auslegungslast der Hausstation",
        found.network.power_kw[station], "kW", "sum of its buildings, of the state the network was laid for",
    )  # fmt: skip


def _year(sheet: Sheet, found: NetworkYear, station: int) -> None:
    heat, flow = found.served_kwh[station], found.station_flow_kg_s[station]
    supply = found.supply_c[found.network.station_node[station]]
    drawn = heat > 0
    mean = float(np.average(supply, weights=heat)) if drawn.any() else float(supply.mean())
    coldest = float((supply[drawn] if drawn.any() else supply).min())
    for symbol, name, name_de, value, unit in (
        ("Q_st", "Heat that the substation gets", "Wärme an der Hausstation", heat.sum(), "kWh"),
        ("P_max", "Its largest hour", "Größte Stunde", heat.max(), "kW"),
        ("m_max", "Its largest flow", "Größter Durchfluss", flow.max(), "kg/s"),
        ("θ_s", "Its supply temperature, mean by heat", "Vorlauftemperatur, Mittel nach Wärme", mean, "°C"),
        ("θ_s_min", "Coldest supply while it draws heat", "Kältester Vorlauf bei Abnahme", coldest, "°C"),
        ("Q_net", "Heat that arrives at all substations", "Wärme an allen Hausstationen",
         found.served_kwh.sum(), "kWh"),
        ("Q_lost", "Heat lost in the ground", "Wärmeverlust im Boden",
         found.supply_loss_kwh.sum() + found.return_loss_kwh.sum(), "kWh"),
    ):  # fmt: skip
        sheet.given(symbol, name, name_de, value, unit, _SOLVED)
    share = "Q_lost / max(Q_net, 1e-9)"
    sheet.worked("x_loss", "Losses over what arrives", "Verluste je Nutzwärme", share, "-", _SOLVED)


def _co2(sheet: Sheet, found: NetworkYear, case: Case) -> None:
    parameters = case.parameters
    carrier = str(parameters.systems.loc[[HEATING], "carrier"].iloc[0])
    row = parameters.carriers.loc[[carrier]]
    at_plant = float(row["co2_feed_in_kg_kwh"].to_numpy("float64")[0])
    year = weighting.path("co2", carrier, parameters.year, parameters)
    source = str(row["factor_source"].iloc[0])
    sheet.given(
        "f_feed", "CO2 per kWh fed into the network", "CO2 je eingespeister kWh", at_plant, "kg/kWh", source
    )
    sheet.given(
        "r_year", f"CO2 of {parameters.year} over that", f"CO2 von {parameters.year} dazu", year, "-",
        "table paths",
    )  # fmt: skip
    sheet.worked(
        "f_net", "CO2 per kWh at the substation, with the network's losses",
        "CO2 je kWh an der Hausstation, mit Netzverlusten", "f_feed * (1 + x_loss) * r_year", "kg/kWh",
        "feed-in times the simulated losses, instead of the certificate's figure at the customer",
    )  # fmt: skip
