"""How the heat network's figures follow: heat at the plant, losses, pumping, their CO2 and cost."""

from __future__ import annotations

from collections.abc import Callable

from energy import weighting
from energy.derivation_sheet import Sheet
from scenarios.derivation_place import Place, grid
from scenarios.heat_network import CARRIER, POWER, HeatNetwork

Recipe = Callable[[Sheet, Place], str]
_SOLVED = "heat network, solved hour by hour"


def _network(place: Place) -> HeatNetwork:
    assert place.network is not None  # `derive` refuses places without one
    return place.network


def _given(sheet: Sheet, place: Place, tag: str = "") -> None:
    """Heat, losses and pumping of the network's year."""
    network = _network(place)
    of = " of the base" if tag else ""
    of_de = " des Bestands" if tag else ""
    for symbol, name, name_de, value in (
        ("Q_arr", "Heat that arrives", "Wärme an den Stationen", network.heat_kwh),
        ("Q_lost", "Heat lost in the ground", "Wärmeverlust im Boden", network.loss_kwh),
        ("E_pump", "Pumping electricity", "Pumpstrom", network.pump_kwh),
    ):
        sheet.given(f"{symbol}{tag}", name + of, name_de + of_de, value, "kWh", _SOLVED)


def _fed(sheet: Sheet, place: Place) -> str:
    _given(sheet, place)
    sheet.worked(
        "Q_fed", "Heat at the plant", "Wärme ab Werk", "Q_arr + Q_lost", "kWh", "balance of the network"
    )
    return ""


def _single(
    symbol: str, name: str, name_de: str, of: Callable[[HeatNetwork], float], unit: str, source: str
) -> Recipe:
    """Recipe of what the network's simulation gives as it is."""

    def recipe(sheet: Sheet, place: Place) -> str:
        sheet.given(f"{symbol}_1", name, name_de, of(_network(place)), unit, source)
        sheet.worked(symbol, name, name_de, f"{symbol}_1", unit, source)
        return ""

    return recipe


def _loss_co2(sheet: Sheet, place: Place) -> str:
    _given(sheet, place)
    parameters = place.parameters
    row = parameters.carriers.loc[[CARRIER]]
    sheet.given(
        "f_feed", "CO2 per kWh fed in", "CO2 je eingespeister kWh", float(row["co2_feed_in_kg_kwh"].iloc[0]),
        "kg/kWh", str(row["factor_source"].iloc[0]),
    )  # fmt: skip
    ratio = weighting.path("co2", CARRIER, parameters.year, parameters)
    texts = f"CO2 of {parameters.year} over that", f"CO2 von {parameters.year} dazu"
    sheet.given("r_year", *texts, ratio, "-", "table paths")
    sheet.worked("m_lost", "CO2 of losses", "CO2 der Verluste", "Q_lost * f_feed * r_year", "kg", _SOLVED)
    return ""


def _pump_co2(sheet: Sheet, place: Place) -> str:
    _given(sheet, place)
    grid(sheet, place, "f_grid", place.parameters.year)
    sheet.worked("m_pump", "CO2 of pumping", "CO2 des Pumpstroms", "E_pump * f_grid", "kg", _SOLVED)
    return ""


def _prices(sheet: Sheet, place: Place, tag: str = "") -> None:
    parameters, year = place.parameters, place.parameters.year
    for symbol, constant, carrier, name, name_de in (
        ("w_heat", "heat_at_plant_eur_kwh", CARRIER, "Cost of heat at the plant", "Kosten der Wärme ab Werk"),
        ("w_power", "pump_power_eur_kwh", POWER, "Price of the pumps' power", "Preis des Pumpstroms"),
    ):
        row = parameters.economy.loc[[constant]]
        value = parameters.constant(constant) * weighting.path("price", carrier, year, parameters)
        sheet.given(f"{symbol}{tag}", name, name_de, value, "€/kWh", f"{row['source'].iloc[0]}; table paths")


def _cost(sheet: Sheet, place: Place, tag: str = "") -> str:
    _given(sheet, place, tag)
    _prices(sheet, place, tag)
    of, of_de = (" of the base", " des Bestands") if tag else ("", "")
    sheet.worked(
        f"N{tag}", "Cost of losses and pumping" + of, "Kosten von Verlusten und Pumpen" + of_de,
        f"Q_lost{tag} * w_heat{tag} + E_pump{tag} * w_power{tag}", "€", "what the operator pays for them",
    )  # fmt: skip
    return ""


def surplus(sheet: Sheet, place: Place) -> str:
    """What losses and pumping cost beyond what the price of heat holds for them, as dN."""
    _cost(sheet, place.of_base, "_0")
    _cost(sheet, place)
    sheet.worked(
        "dN", "Network cost beyond the heat price", "Netzkosten über dem Wärmepreis",
        "N - N_0 / max(Q_arr_0, 1e-9) * Q_arr", "€",
        "the price of heat holds what losses and pumping cost today per kWh that arrives",
    )  # fmt: skip
    return ""


RECIPES: dict[str, Recipe] = {
    "network_fed_kwh": _fed,
    "network_loss_kwh": _single(
        "Q_lost", "Heat lost in the ground", "Wärmeverlust im Boden", lambda n: n.loss_kwh, "kWh",
        f"{_SOLVED}: U-value of each pipe times its length and the difference to the ground",
    ),
    "network_pump_kwh": _single(
        "E_pump", "Pumping electricity", "Pumpstrom", lambda n: n.pump_kwh, "kWh",
        f"{_SOLVED}: flow times head over the pump's efficiency (estimate)",
    ),
    "network_loss_co2_kg": _loss_co2,
    "network_pump_co2_kg": _pump_co2,
    "network_cost_eur": _cost,
    "network_surplus_eur": surplus,
    "network_short_stations": _single(
        "n_short", "Under-supplied substations", "Unterversorgte Stationen", lambda n: len(n.short_stations),
        "1", f"{_SOLVED}: substations with an hour of 0.1 % less heat than asked, or too little pressure",
    ),
    "network_unserved_kwh": _single(
        "Q_miss", "Heat that does not arrive", "Nicht gelieferte Wärme",
        lambda n: float(n.stations["unserved_kwh"].sum()), "kWh", f"{_SOLVED}: asked less served",
    ),
}  # fmt: skip
