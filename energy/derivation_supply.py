"""The explanation's second half: from the needs of a year to delivered and primary energy, CO2 and cost.

As in `energy.annual`, months are supplied by mean ratios (`energy.heat_year`); those shown are of the year.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import heat_supply, heat_year, occupancy, supply, weighting
from energy.case import Case, chain_columns
from energy.derivation_sheet import Sheet, constant_source
from energy.simulate import bins_of

Array = npt.NDArray[np.floating[Any]]
_WEIGHTED = {
    "primary_energy_kwh": ("Primary energy", "Primärenergie", "kWh", "f_p", "E_p", "factor_source"),
    "co2_kg": ("CO2", "CO2", "kg", "f_co2", "m_CO2", "factor_source"),
    "energy_cost_eur": ("Energy cost", "Energiekosten", "EUR", "p", "K", "price_source"),
}


def explain_supply(sheet: Sheet, row: pd.DataFrame, case: Case, heating_kwh: Array) -> None:
    """Steps from the needs to primary energy, CO2 and cost of the one building of `row`.

    heating_kwh : its heating need by month, shape (month,); the sheet knows Q_H and Q_C already.
    """
    parameters = case.parameters
    building = chain_columns(row, parameters)
    demand = supply.supply_of(building, parameters)
    function = str(row["function"].iloc[0])
    of_use = str(parameters.use.loc[[function], "source"].iloc[0])
    of_water = f"{of_use}; {row['hot_water_source'].iloc[0]}"
    water = float(demand.hot_water_kwh_a[0])
    sheet.given("Q_W", "Hot water need", "Trinkwarmwasserbedarf", water, "kWh", of_water)
    used = float(demand.electricity_kwh_a[0])
    sheet.given("E_use", "Electricity of appliances and light", "Nutzerstrom", used, "kWh", of_use)
    plants = heat_supply.plants_of(building, parameters, demand)
    if plants.figure("active")[0] > 0:
        plan = occupancy.schedule(function, case.weather, parameters)
        _heat(sheet, plants, case, heating_kwh, np.bincount(_months(case), plan.hot_water) * water)
    else:
        sheet.nothing(
            "no heat supply",
            ("E_heat", "Delivered for heat", "Endenergie Wärme"),
            ("E_aux", "Electricity of pumps", "Hilfsstrom der Pumpen"),
        )
    _electricity(sheet, demand, case, of_use)
    _weighted(sheet, plants, case)


def _months(case: Case) -> npt.NDArray[np.intp]:
    return bins_of(case.weather, "month")


def _mean(ratio: Array, amount: Array) -> float:
    """Mean of monthly ratios, weighted by the amounts where there are any."""
    return float(np.average(ratio, weights=amount if amount.sum() > 0 else None))


def _heat(sheet: Sheet, plants: heat_supply.Plants, case: Case, heating: Array, hot_water: Array) -> None:
    ratio = heat_year.ratios(plants, case.weather, case.parameters, heating[None], _months(case))
    kind = plants.kinds[0]
    plant = str(case.parameters.plants.loc[[kind], "source"].iloc[0])
    pipes, lost = float(ratio.pipe_loss_kwh.sum()), ratio.hot_water_loss_kwh[0]
    paid = float(ratio.pipe_delivered_kwh.sum())
    constants = "table supply"
    per_heat = _mean(ratio.per_heat[0], heating)
    per_water = _mean(ratio.per_water[0], hot_water + lost)
    by_hour = f"hours of {case.weather.name}; {plant}"
    for symbol, name, name_de, value, unit, source in (
        ("k_em", "Emission and control: heat over need", "Übergabe und Regelung: Wärme je Bedarf",
         plants.figure("use_per_need")[0], "-", constants),
        ("L_pipe", "Losses of heating pipes", "Verluste der Heizleitungen", pipes, "kWh", constants),
        ("L_W", "Losses of circulation and store", "Verluste von Zirkulation und Speicher",
         lost.sum(), "kWh", constants),
        ("e_H", "Delivered energy over heat for rooms, mean of the year",
         "Endenergie je Heizwärme, Jahresmittel", per_heat, "-", by_hour),
        ("e_pipe", "Delivered energy over pipe losses, mean of the year",
         "Endenergie je Leitungsverlust, Jahresmittel", paid / pipes if pipes > 0 else 0.0, "-", by_hour),
        ("e_W", "Delivered energy over heat for hot water, mean of the year",
         "Endenergie je Warmwasserwärme, Jahresmittel", per_water, "-", by_hour),
        ("f_pump", "Electricity of heating pumps over heat", "Pumpenstrom je Wärme",
         plants.figure("pump_share")[0], "-", constants),
        ("P_circ", "Power of the circulation pump", "Leistung der Zirkulationspumpe",
         plants.figure("circulation_pump_w")[0], "W", constants),
        ("t_year", "Hours of the year", "Stunden des Jahres", len(case.weather), "h", case.weather.name),
    ):  # fmt: skip
        sheet.given(symbol, name, name_de, value, unit, source)
    sheet.worked(
        "Q_gen",
        "Heat of the generator",
        "Wärme des Erzeugers",
        "k_em * Q_H + L_pipe + Q_W + L_W",
        "kWh",
        "balance of the supply",
    )
    sheet.worked(
        "E_heat",
        f"Delivered for heat ({kind})",
        f"Endenergie Wärme ({kind})",
        "k_em * Q_H * e_H + L_pipe * e_pipe + (Q_W + L_W) * e_W",
        "kWh",
        plant,
    )
    pumps = "f_pump * Q_gen + P_circ * t_year / 1000"
    sheet.worked("E_aux", "Electricity of pumps", "Hilfsstrom der Pumpen", pumps, "kWh", constants)


def _electricity(sheet: Sheet, demand: supply.Supply, case: Case, of_use: str) -> None:
    seer = constant_source(case, "cooling_seer")
    sheet.given("SEER", "Cooling over electricity", "Jahresarbeitszahl Kühlung", demand.seer, "-", seer)
    formula = "E_use + Q_C / SEER + E_aux"
    sheet.worked("E_el", "Electricity without heat", "Strom ohne Wärme", formula, "kWh", of_use)


def _weighted(sheet: Sheet, plants: heat_supply.Plants, case: Case) -> None:
    carrier = plants.carriers[plants.carrier[0]] if plants.carrier[0] >= 0 else supply.ELECTRICITY
    table = weighting.table(case.parameters)
    for quantity, column in weighting.FACTORS.items():
        name, name_de, unit, factor, symbol, origin = _WEIGHTED[quantity]
        for which, key in ((f"{factor}_heat", carrier), (f"{factor}_el", supply.ELECTRICITY)):
            value, source = float(table[column].to_dict()[key]), str(table[origin].to_dict()[key])
            texts = f"{name} per kWh, {key}", f"{name_de} je kWh, {key}"
            sheet.given(which, *texts, value, f"{unit}/kWh", f"{source}; year {case.parameters.year}")
        formula = f"{factor}_heat * E_heat + {factor}_el * E_el"
        sheet.worked(symbol, name, name_de, formula, unit, "weighting of the delivered energy")
