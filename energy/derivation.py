"""One building's year figure by figure: formula, inputs and source of each, for teaching and checking.

Each step's `formula` is an expression over its `inputs`: whoever doubts a value can work it out again (the
tests do). The hourly simulation itself appears by its heat flows over the year, which balance exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import heat_balance, occupancy, zone
from energy.archetypes import WINDOW_COLUMNS
from energy.case import Case
from energy.derivation_sheet import Sheet, Step, constant_source, lines, readers
from energy.derivation_supply import explain_supply
from energy.simulate import bins_of, selected
from energy.solar import SECTORS

__all__ = ["Step", "lines", "trace"]
_OF_NORM = "ISO 13790:2008"


def trace(case: Case, building_id: str) -> tuple[Step, ...]:
    """Every figure of a building's year, from areas to cost; float64.

    Raises
    ------
    CallError : there is no such building.

    Examples
    --------
    >>> case = energy.Case(twin.open("lobeda"), energy.weather.sample())
    >>> steps = energy.trace(case, case.envelope.index[0])
    >>> len(steps) > 20 and all(step.unit is not None for step in steps)
    True
    """
    row = case.envelope.iloc[selected(case, [building_id])]
    sheet = Sheet()
    _envelope(sheet, row, case)
    months = bins_of(case.weather, "month")
    heating_kwh: npt.NDArray[np.float64] = np.zeros(int(months.max()) + 1)
    if bool(row["conditioned"].iloc[0]):
        _zone(sheet, row, case)
        heating_kwh = np.bincount(months, _year(sheet, row, case)).astype("float64")
    else:
        sheet.nothing(
            "not conditioned",
            ("Q_H", "Heating need", "Heizwärmebedarf"),
            ("Q_C", "Cooling need", "Kühlbedarf"),
        )
    explain_supply(sheet, row, case, heating_kwh)
    return tuple(sheet.steps)


def _envelope(sheet: Sheet, row: pd.DataFrame, case: Case) -> None:
    figure, source = readers(row)
    sheet.given(
        "A_f", "Reference floor area", "Energiebezugsfläche", figure("a_use_m2"), "m²", source("a_use_source")
    )
    parts = (
        ("wall", "outer walls", "Außenwände"),
        ("roof", "roof", "Dach"),
        ("floor", "lowest floor", "Boden"),
        ("window", "windows", "Fenster"),
        ("door", "doors", "Türen"),
    )
    for part, name, name_de in parts:
        area, u_value = figure(f"{part}_area_m2"), figure(f"u_{part}_w_m2k")
        sheet.given(
            f"A_{part}", f"Area of {name}", f"Fläche {name_de}", area, "m²", source(f"{part}_area_source")
        )
        sheet.given(
            f"U_{part}",
            f"U-value of {name}",
            f"U-Wert {name_de}",
            u_value,
            "W/(m²K)",
            source(f"u_{part}_source"),
        )
    for part, name, name_de in parts[1:3]:
        sheet.given(
            f"R_{part}",
            f"Resistance of the unheated space at the {name}",
            f"Widerstand unbeheizter Raum {name_de}",
            figure(f"r_unheated_{part}_m2k_w"),
            "m²K/W",
            source("unheated_source"),
        )
        sheet.given(
            f"b_{part}",
            f"Adjustment factor, {name}",
            f"Temperaturfaktor {name_de}",
            figure(f"b_{part}"),
            "-",
            source("unheated_source"),
        )
    sheet.given(
        "dU_tb",
        "Thermal bridges",
        "Wärmebrückenzuschlag",
        figure("delta_u_thermal_bridge_w_m2k"),
        "W/(m²K)",
        source("delta_u_thermal_bridge_source"),
    )
    transmission = f"{_OF_NORM}, 8.3; TABULA"
    sheet.worked(
        "H_wall", "Transmission, walls", "Transmission Wände", "A_wall * U_wall", "W/K", transmission
    )
    for part, name, name_de in parts[1:3]:
        sheet.worked(
            f"H_{part}",
            f"Transmission, {name}",
            f"Transmission {name_de}",
            f"b_{part} * A_{part} * U_{part} / (1 + U_{part} * R_{part})",
            "W/K",
            transmission,
        )
    sheet.worked(
        "H_tb",
        "Transmission, thermal bridges",
        "Transmission Wärmebrücken",
        "dU_tb * (A_wall + A_roof + A_floor + A_window + A_door)",
        "W/K",
        transmission,
    )
    for symbol, name, name_de, column, unit, origin in (
        ("A_party", "Walls to unheated neighbours", "Wände zu unbeheizten Nachbarn",
         "party_unheated_area_m2", "m²", "geometry"),
        ("U_party", "U-value of these walls", "U-Wert dieser Wände",
         "u_party_w_m2k", "W/(m²K)", "as the outer walls before any measure"),
    ):  # fmt: skip
        sheet.given(symbol, name, name_de, figure(column), unit, origin)
    sheet.given(
        "b_party",
        "Adjustment factor, unheated neighbours",
        "Temperaturfaktor unbeheizte Nachbarn",
        case.parameters.constant("b_unheated_neighbour"),
        "-",
        constant_source(case, "b_unheated_neighbour"),
    )
    sheet.worked(
        "H_party",
        "Transmission to unheated neighbours",
        "Transmission zu unbeheizten Nachbarn",
        "b_party * A_party * U_party",
        "W/K",
        transmission,
    )
    sheet.worked(
        "H_op",
        "Transmission, opaque",
        "Transmission opak",
        "H_wall + H_roof + H_floor + H_tb + H_party",
        "W/K",
        transmission,
    )
    sheet.worked(
        "H_w",
        "Transmission, windows and doors",
        "Transmission Fenster und Türen",
        "A_window * U_window + A_door * U_door",
        "W/K",
        transmission,
    )


def _zone(sheet: Sheet, row: pd.DataFrame, case: Case) -> None:
    figure, source = readers(row)
    parameters = case.parameters
    zones = heat_balance.zones(row, parameters, shading=case.shading)
    sheet.given(
        "h_room",
        "Room height",
        "Raumhöhe",
        parameters.constant("room_height_m"),
        "m",
        constant_source(case, "room_height_m"),
    )
    sheet.given(
        "n_inf",
        "Infiltration",
        "Infiltration",
        figure("infiltration_1_h"),
        "1/h",
        source("infiltration_source"),
    )
    sheet.given(
        "n_use",
        "Ventilation in use",
        "Lüftung in der Nutzungszeit",
        figure("ventilation_1_h"),
        "1/h",
        source("ventilation_source"),
    )
    sheet.given(
        "n_off",
        "Ventilation out of use",
        "Lüftung außerhalb",
        figure("ventilation_off_1_h"),
        "1/h",
        source("ventilation_source"),
    )
    for symbol, rate in (("H_ve", "n_use"), ("H_ve_off", "n_off")):
        sheet.worked(
            symbol,
            f"Ventilation ({rate})",
            f"Lüftung ({rate})",
            f"{heat_balance.AIR_WH_M3K} * h_room * A_f * (n_inf + {rate})",
            "W/K",
            f"{_OF_NORM}, 9.3",
        )
    sheet.given(
        "c_m",
        "Heat capacity per floor area",
        "Wärmekapazität je Fläche",
        figure("heat_capacity_wh_m2k"),
        "Wh/(m²K)",
        source("heat_capacity_source"),
    )
    sheet.worked(
        "C_m", "Internal heat capacity", "Wirksame Wärmekapazität", "c_m * A_f", "Wh/K", f"{_OF_NORM}, 12.3.1"
    )
    sheet.given(
        "A_m", "Effective mass area", "Wirksame Massenfläche", zones.a_m_m2[0], "m²", f"{_OF_NORM}, 12.2.2"
    )
    sheet.given(
        "A_tot", "Inner surfaces", "Innere Oberflächen", zones.a_tot_m2[0], "m²", f"{_OF_NORM}, 7.2.2.2"
    )
    sheet.worked(
        "H_ms", "Mass to surface", "Masse zu Oberfläche", f"{zone.H_MS} * A_m", "W/K", f"{_OF_NORM}, (64)"
    )
    sheet.worked(
        "H_em", "Outdoors to mass", "Außen zu Masse", "1 / (1 / H_op - 1 / H_ms)", "W/K", f"{_OF_NORM}, (63)"
    )
    sheet.worked(
        "H_is", "Surface to air", "Oberfläche zu Luft", f"{zone.H_IS} * A_tot", "W/K", f"{_OF_NORM}, (9)"
    )
    sheet.given(
        "g", "Energy transmittance of the glass", "g-Wert", figure("g_window"), "-", source("g_window_source")
    )
    for symbol, name, name_de, constant in (
        ("F_sh", "Shading", "Verschattung", heat_balance.SHADING[case.shading]),
        ("F_f", "Frame share", "Rahmenanteil", "frame_share"),
        ("F_w", "Slanting sun", "Schräger Einfall", "non_normal_incidence"),
    ):
        sheet.given(
            symbol, name, name_de, parameters.constant(constant), "-", constant_source(case, constant)
        )
    weather = f"{case.weather.name}; Perez sky"
    terms = []
    shaded = case.shading == "rays"
    if shaded:
        sheet.given(
            "I_w",
            "Irradiation on the windows, with the surroundings' shade",
            "Einstrahlung auf die Fenster, mit dem Schatten der Umgebung",
            _on_windows(row, case, zones).sum() / 1000,
            "kWh/m²",
            f"{weather}; rays on the 3D model",
        )
    for number, (sector, column) in enumerate(zip(SECTORS, WINDOW_COLUMNS, strict=True)):
        if figure(column) > 0:
            sheet.given(
                f"A_w_{sector}",
                f"Windows {sector}",
                f"Fenster {sector}",
                figure(column),
                "m²",
                source("window_area_source"),
            )
            terms.append(f"A_w_{sector} * {'I_w' if shaded else f'I_{sector}'}")
            if shaded:
                continue
            sheet.given(
                f"I_{sector}",
                f"Irradiation {sector}",
                f"Einstrahlung {sector}",
                case.planes[:, number].sum() / 1000,
                "kWh/m²",
                weather,
            )
    sheet.worked(
        "Q_sol",
        "Solar gains",
        "Solare Gewinne",
        f"F_sh * (1 - F_f) * F_w * g * ({' + '.join(terms) or '0'})",
        "kWh",
        f"{_OF_NORM}, 11.3",
    )
    function = str(row["function"].iloc[0])
    use = parameters.use.loc[[function]]
    plan = occupancy.schedule(function, case.weather, parameters)
    sheet.given(
        "q_int",
        "Internal gains, mean",
        "Innere Gewinne, Mittel",
        float(use["gains_w_m2"].iloc[0] * row["gains_factor"].iloc[0]),
        "W/m²",
        f"{use['source'].iloc[0]}; {row['gains_source'].iloc[0]}",
    )
    sheet.given(
        "t",
        "Hours, weighted by the course of the gains",
        "Stunden, nach Verlauf der Gewinne gewichtet",
        float(plan.gains.sum()),
        "h",
        "schedule of the use",
    )
    sheet.worked(
        "Q_int", "Internal gains", "Innere Gewinne", "q_int * A_f * t / 1000", "kWh", f"{_OF_NORM}, 10.3"
    )


def _year(sheet: Sheet, row: pd.DataFrame, case: Case) -> Any:
    """The hourly simulation in float64, by its heat flows; the heating need of each hour. [kWh]"""
    zones = heat_balance.zones(row, case.parameters, shading=case.shading)
    sun = case.window_sun(case.envelope.index.get_indexer(row.index), zones.solar_area_m2)
    plan = occupancy.schedule(str(row["function"].iloc[0]), case.weather, case.parameters)
    hours = np.arange(len(case.weather), dtype=np.intp)
    drive = zone.Drive(case.weather.temp_air, case.planes, plan, hours, sun.block)
    loads = zone.simulate_zones(zones, drive, dtype=np.float64)
    air, out = loads.air_temperature_c[0], case.weather.temp_air
    share = zone.OPERATIVE_AIR_SHARE
    surface = (loads.operative_temperature_c[0] - share * air) / (1 - share)
    hourly = "hourly simulation, " + _OF_NORM + ", Annex C"
    h_ve = np.where(plan.occupied, zones.h_ve_on_w_k[0], zones.h_ve_off_w_k[0])
    sheet.given("T_air", "Air temperature, mean", "Lufttemperatur, Mittel", air.mean(), "°C", hourly)
    sheet.given(
        "T_out", "Outdoor temperature, mean", "Außentemperatur, Mittel", out.mean(), "°C", case.weather.name
    )
    sheet.given("Q_C", "Cooling need", "Kühlbedarf", loads.cooling.sum() / 1000, "kWh", hourly)
    sheet.given(
        "Q_ve",
        "Ventilation losses, hour by hour H_ve · (T_air − T_out)",
        "Lüftungsverluste",
        (h_ve * (air - out)).sum() / 1000,
        "kWh",
        hourly,
    )
    known = sheet.known
    sheet.given(
        "Q_w",
        "Losses through windows, hour by hour H_w · (T_surface − T_out)",
        "Verluste der Fenster",
        known["H_w"] * (surface - out).sum() / 1000,
        "kWh",
        hourly,
    )
    sheet.worked(
        "lost_share",
        "Share of the radiant gains that leaves by the windows at once",
        "Anteil der Strahlungsgewinne, der gleich verloren geht",
        f"H_w / ({zone.H_MS} * A_tot)",
        "-",
        f"{_OF_NORM}, (C.3)",
    )
    capacity = zones.c_m_wh_k[0] * (loads.mass_end_c[0] - loads.mass_start_c[0]) / 1000
    sheet.given(
        "Q_store", "Heat stored at the year's end over its start", "Speicherung", capacity, "kWh", hourly
    )
    gained = _on_windows(row, case, zones) * zones.solar_area_m2.sum()
    mass = _mass(sheet.known, surface, air, out, gained, zones.gains_w[0] * plan.gains, zones)
    sheet.given(
        "Q_op",
        "Losses through opaque elements, hour by hour H_em · (T_mass − T_out)",
        "Verluste der opaken Bauteile",
        known["H_em"] * (mass - out).sum() / 1000,
        "kWh",
        hourly,
    )
    sheet.worked(
        "Q_H",
        "Heating need",
        "Heizwärmebedarf",
        "Q_op + Q_w + Q_ve + Q_store + Q_C - Q_int / 2 - (1 - lost_share) * (Q_int / 2 + Q_sol)",
        "kWh",
        "balance of the simulated flows, which " + _OF_NORM + " closes each hour",
    )
    return loads.heating[0] / 1000


def _on_windows(row: pd.DataFrame, case: Case, zones: zone.Zones) -> npt.NDArray[np.float64]:
    """Irradiance on the building's windows, shape (time,). [W/m²]"""
    blocks = case.window_sun(case.envelope.index.get_indexer(row.index), zones.solar_area_m2)
    return np.asarray(blocks.block(0)[:, 0], "float64")


def _mass(
    known: Mapping[str, float], surface: Any, air: Any, out: Any, sun: Any, gains: Any, zones: zone.Zones
) -> Any:
    """Mass temperature from the balance of the surface node, (C.10). [°C]"""
    share = zones.a_m_m2[0] / zones.a_tot_m2[0]
    radiant = (1 - share - known["H_w"] / (zone.H_MS * zones.a_tot_m2[0])) * (0.5 * gains + sun)
    coming = radiant + known["H_w"] * (out - surface) + known["H_is"] * (air - surface)
    return surface - coming / known["H_ms"]
