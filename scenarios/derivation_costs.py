"""How costs follow: what is bought, running cost, warm rent, net present and abatement cost; CO2 by year."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from energy import weighting
from energy.derivation_sheet import Sheet
from energy.parameters import Parameters
from scenarios import costs, heat_network
from scenarios.compare import heat_cost_eur
from scenarios.derivation_energy import cost, revenue
from scenarios.derivation_network import surplus
from scenarios.derivation_place import CARRIERS, SHORT, Place
from scenarios.outcome import living_area_m2

_SOLVED = "heat network, solved hour by hour"


def _price_of(place: Place, item: str) -> dict[str, Any]:
    """The item's row of the table measure_costs."""
    row = place.parameters.measure_costs.loc[[item]].iloc[0]
    return {str(name): value for name, value in row.items()}


def _items(sheet: Sheet, place: Place) -> list[str]:
    """What is bought, each item with its quantity and prices; symbols of the investments."""
    found = []
    for item, rows in place.items.groupby("item"):
        row = _price_of(place, str(item))
        source, guess = str(row["source"]), bool(row["is_estimate"])
        unit = str(row["unit"])
        texts = row["title_en"], row["title_de"]
        sheet.given(
            f"a_{item}", f"Quantity: {texts[0]}", f"Menge: {texts[1]}", float(rows["quantity"].sum()), unit,
            "what the measures change, building by building",
        )  # fmt: skip
        sheet.given(
            f"c_{item}", f"Unit cost: {texts[0]}", f"Kosten je Einheit: {texts[1]}",
            float(row["unit_cost_eur"]), f"€/{unit}", source, is_estimate=guess,
        )  # fmt: skip
        sheet.given(f"n_{item}", "Buildings that buy it", "Gebäude, die es kaufen", len(rows), "1", "count")
        sheet.given(
            f"c0_{item}", "Fixed cost for each", "Feste Kosten je Kauf", float(row["fixed_eur"]), "€", source,
            is_estimate=guess,
        )  # fmt: skip
        sheet.worked(
            f"I_{item}", f"Investment: {texts[0]}", f"Investition: {texts[1]}",
            f"a_{item} * c_{item} + n_{item} * c0_{item}", "€", "table measure_costs",
        )  # fmt: skip
        found.append(str(item))
    return found


def _rain(sheet: Sheet, place: Place) -> str:
    parts = []
    for item in _items(sheet, place):
        if _price_of(place, item)["rain_kept_share"]:
            _share(sheet, place, "q", item, "rain_kept_share", "Run-off coefficient less", "Weniger Abfluss")
            parts.append(f"a_{item} * q_{item}")
    row = place.parameters.constants.loc[["rain_mm_a"]].iloc[0].to_dict()
    sheet.given(
        "N", "Rain of a year", "Niederschlag im Jahr", float(row["value"]), "mm", str(row["source"]),
        is_estimate=bool(row["is_estimate"]),
    )  # fmt: skip
    texts = "Rain that no longer runs off", "Regen, der nicht mehr abfließt"
    sheet.worked(
        "V", *texts, f"({' + '.join(parts) or '0'}) * N / 1000", "m³", "DWA-M 153, run-off coefficients"
    )
    return "" if parts else "No ground is unsealed."


def _share(
    sheet: Sheet, place: Place, symbol: str, item: str, column: str, name: str, name_de: str, unit: str = "1"
) -> None:
    row = _price_of(place, item)
    guess = bool(row["is_estimate"])
    texts = f"{name}: {row['title_en']}", f"{name_de}: {row['title_de']}"
    sheet.given(f"{symbol}_{item}", *texts, float(row[column]), unit, str(row["source"]), is_estimate=guess)


def _investment(sheet: Sheet, place: Place) -> str:
    parts = [f"I_{item}" for item in _items(sheet, place)]
    sheet.worked("I", "Investment", "Investition", " + ".join(parts) or "0", "€", "sum of what is bought")
    return "" if parts else "Nothing is bought."


def _subsidy(sheet: Sheet, place: Place) -> str:
    found = _items(sheet, place)
    for item in found:
        _share(sheet, place, "s", item, "subsidy_share", "Subsidised share", "Geförderter Anteil")
        _eligible(sheet, place, item)
    formula = " + ".join(f"E_{item} * s_{item}" for item in found) or "0"
    sheet.worked("S", "Subsidy", "Förderung", formula, "€", "table measure_costs")
    return "" if found else "Nothing is bought."


def _eligible(sheet: Sheet, place: Place, item: str) -> None:
    """What of an item's cost the subsidy counts: U-value reached, and not above the caps by dwellings."""
    row = _price_of(place, item)
    share, limit = float(row["subsidy_share"]), float(row["subsidy_u_value_w_m2k"])
    paid = float(place.items.loc[place.items["item"] == item, "subsidy_eur"].sum())
    rule = "building by building, up to the cap per dwelling (economy)"
    if not math.isnan(limit):
        rule += f"; nothing where U stays above {limit:g} W/(m²K)"
    sheet.given(
        f"E_{item}", f"Eligible cost: {row['title_en']}", f"Förderfähige Kosten: {row['title_de']}",
        paid / share if share > 0 else 0.0, "€", f"{rule}; {row['subsidy_source']}",
        is_estimate=bool(row["is_estimate"]),
    )  # fmt: skip


def _running(sheet: Sheet, place: Place) -> str:
    cost(sheet, place)
    revenue(sheet, place)
    found = _items(sheet, place)
    for item in found:
        _share(sheet, place, "m", item, "maintenance_share", "Yearly upkeep", "Unterhalt im Jahr")
    upkeep = " + ".join(f"I_{item} * m_{item}" for item in found) or "0"
    sheet.worked("U", "Upkeep of what is bought", "Unterhalt des Gekauften", upkeep, "€", "VDI 2067")
    formula = "K - R + U"
    for item in found:
        if _price_of(place, item)["fee_eur_a"]:
            texts = "Change of fees per unit", "Änderung der Gebühren je Einheit"
            _share(sheet, place, "g", item, "fee_eur_a", *texts, unit="€/m²")
            formula += f" + a_{item} * g_{item}"
    if place.network is not None and place.is_district:
        surplus(sheet, place)
        formula += " + dN"
    sheet.worked("B", "Running cost", "Laufende Kosten", formula, "€", "sum")
    return ""


def _rent(sheet: Sheet, place: Place) -> str:
    area = living_area_m2(place.base.case)
    mine = area.loc[area.index.isin(place.ids)]
    sheet.given(
        "A", "Living area of the homes before", "Wohnfläche der Wohnungen vorher", float(mine.sum()), "m²",
        "reference area times dwelling_share (TABULA, not looked up again: estimate)",
    )  # fmt: skip
    if not mine.sum() > 0:
        return "There are no homes: there is no rent."
    _levy(sheet, place, mine)
    for symbol, which, name, name_de in (
        ("K_1", place.outcome, "Heat cost of homes, after", "Wärmekosten der Wohnungen, danach"),
        ("K_0", place.base, "Heat cost of homes, before", "Wärmekosten der Wohnungen, vorher"),
    ):
        paid = heat_cost_eur(which).reindex(mine.index).where(mine > 0, 0.0)
        sheet.given(
            symbol, name, name_de, float(paid.sum()), "€", "heat delivered times its price (carriers)"
        )
    sheet.worked(
        "dW", "Change of the warm rent", "Änderung der Warmmiete", "(L + (K_1 - K_0) / 12) / A",
        "€/(m² month)", "levy and heat cost per living area",
    )  # fmt: skip
    return ""


def _levy(sheet: Sheet, place: Place, area: pd.Series) -> None:
    """The landlord's levy as L [€/month]: of one building from its costs, else summed over the buildings."""
    parameters = place.parameters
    rule = "BGB § 559, § 559a (subsidies and upkeep that was due off), § 559e (heating)"
    per_area = costs.rent_levy(place.outcome.items, living_area_m2(place.base.case), parameters)
    if place.level != "building":
        total = float((per_area.reindex(area.index) * area).sum())
        texts = "Levy, summed over the buildings", "Umlage, Summe über die Gebäude"
        sheet.given("L", *texts, total, "€/month", f"{rule}; open a building for its own")
        return
    items = place.items
    due = (items["investment_eur"] * (1 - items["anyway_share"]) - items["subsidy_eur"]).clip(lower=0.0)
    for symbol, kind, name, name_de in (
        ("P_m", "modernisation", "Costs that may be levied", "Umlagefähige Kosten"),
        ("P_h", "heating", "Costs of heating that may be levied", "Umlagefähige Kosten der Heizung"),
    ):
        paid = float(due[items["levy"] == kind].sum())
        sheet.given(symbol, name, name_de, paid, "€", f"investment less subsidy and upkeep due; {rule}")
    low = parameters.constant("rent_eur_m2") < parameters.constant("low_rent_eur_m2")
    cap = "levy_cap_low_rent_eur_m2_month" if low else "levy_cap_eur_m2_month"
    for symbol, constant, name, name_de, unit in (
        ("q_m", "levy_modernisation", "Share of them a year", "Anteil im Jahr", "1/a"),
        ("q_h", "levy_heating", "Share of them a year, heating", "Anteil im Jahr, Heizung", "1/a"),
        ("cap_h", "levy_heating_cap_eur_m2_month", "Cap for heating", "Kappung Heizung", "€/(m² month)"),
        ("cap", cap, "Cap within six years", "Kappung in sechs Jahren", "€/(m² month)"),
    ):
        row = parameters.economy.loc[[constant]]
        sheet.given(symbol, name, name_de, parameters.constant(constant), unit, str(row["source"].iloc[0]))
    sheet.worked(
        "L", "Levy", "Umlage", "min(P_m * q_m / 12 / A + min(P_h * q_h / 12 / A, cap_h), cap) * A", "€/month",
        rule,
    )  # fmt: skip


def _present(sheet: Sheet, place: Place, tag: str = "") -> None:
    """The net present cost as C and its years."""
    parameters = place.base.case.parameters
    if "i" not in sheet.known:
        row = parameters.economy.loc[["interest_rate"]]
        sheet.given(
            "i", "Real interest rate", "Realer Zins", parameters.constant("interest_rate"), "1/a",
            str(row["source"].iloc[0]), is_estimate=bool(row["is_estimate"].iloc[0]),
        )  # fmt: skip
    payments, start, terms = place.payments(), parameters.year, []
    more = None
    if place.network is not None and place.is_district:
        more = heat_network.surplus(place.outcome.years, place.base.years)
    for year, state in _states(place):
        energies = _energies(sheet, place, state, tag)
        prices = []
        for carrier, energy in energies:
            symbol = f"p_{SHORT.get(carrier, carrier)}_{year}{tag}"
            _price(sheet, place, state, symbol, carrier, year)
            prices.append(f"{energy} * {symbol}")
        sheet.given(
            f"P_{year}{tag}", f"Purchase, subsidy, replacement, upkeep, {year}",
            f"Kauf, Förderung, Ersatz, Unterhalt, {year}", float(payments.to_dict()[year]), "€",
            "VDI 2067; table measure_costs (see investment_eur); residual value in the last year",
        )  # fmt: skip
        formula = " + ".join([*prices, f"P_{year}{tag} - R_{state}{tag}"])
        if more is not None:
            sheet.given(
                f"dN_{year}{tag}", f"Network cost beyond the heat price, {year}",
                f"Netzkosten über dem Wärmepreis, {year}", float(more.to_dict()[year]), "€",
                "see network_surplus_eur, with the prices of the year",
            )  # fmt: skip
            formula += f" + dN_{year}{tag}"
        sheet.worked(
            f"T_{year}{tag}", f"Paid in {year}", f"Zahlungen {year}", formula, "€", "sum of the year"
        )
        terms.append(f"T_{year}{tag} / (1 + i)**{year - start}")
    sheet.worked(
        f"C{tag}", f"Net present cost{_of(tag)}", f"Barwert der Kosten{_of(tag, 'de')}", " + ".join(terms),
        "€", "VDI 2067",
    )  # fmt: skip


def _of(tag: str, language: str = "en") -> str:
    if not tag:
        return ""
    return " of the base" if language == "en" else " des Bestands"


def _states(place: Place) -> list[tuple[int, int]]:
    """Each year of the horizon with the number of its state."""
    stages, last = place.outcome.stages, int(place.outcome.years.index[-1])
    turns = [*(stage.first_year for stage in stages[1:]), last + 1]
    return [
        (year, number)
        for number, (stage, behind) in enumerate(zip(stages, turns, strict=True))
        for year in range(stage.first_year, behind)
    ]


def _energies(sheet: Sheet, place: Place, state: int, tag: str) -> list[tuple[str, str]]:
    """Delivered energy by carrier and feed-in revenue of a state, put down once; (carrier, symbol)."""
    annual = place.outcome.annuals[state]
    found = []
    for carrier, value in place.delivered(annual).items():
        symbol = f"E_{SHORT.get(carrier, carrier)}_{state}{tag}"
        if symbol not in sheet.known:
            name, name_de = CARRIERS.get(carrier, (carrier, carrier))
            since = place.outcome.stages[state].first_year
            texts = f"Delivered {name} a year from {since}", f"Endenergie {name_de} im Jahr ab {since}"
            sheet.given(symbol, *texts, value, "kWh", place.simulated)
        found.append((carrier, symbol))
    if f"R_{state}{tag}" not in sheet.known:
        mine = annual.loc[annual.index.isin(place.ids)]
        sheet.given(
            f"R_{state}{tag}", "Feed-in revenue a year", "Einspeisevergütung im Jahr",
            float(mine["feed_in_revenue_eur"].sum()), "€", "EEG 2023 § 48 and § 25; table feed_in",
        )  # fmt: skip
    return found


def _price(sheet: Sheet, place: Place, state: int, symbol: str, carrier: str, year: int) -> None:
    """The price of a carrier in a year of a state."""
    parameters = place.outcome.stages[state].case.parameters
    of_year = weighting.factors_in(parameters, year)
    name, name_de = CARRIERS.get(carrier, (carrier, carrier))
    source = str(parameters.carriers.loc[[carrier], "price_source"].iloc[0])
    sheet.given(
        symbol, f"Price of {name} in {year}", f"Preis von {name_de} {year}",
        float(of_year.price_eur_kwh[of_year.carriers.index(carrier)]), "€/kWh",
        f"{source}; tables paths (estimate of later years), co2_prices",
    )  # fmt: skip


def _horizon(sheet: Sheet, place: Place, tag: str = "") -> None:
    """CO2 over the horizon as M and its years."""
    terms = []
    for year, state in _states(place):
        stage = place.outcome.stages[state]
        energies = _energies(sheet, place, state, tag)
        factors = weighting.factors_in(stage.case.parameters, year)
        parts = []
        for carrier, energy in energies:
            symbol = f"f_{SHORT.get(carrier, carrier)}_{year}{tag}"
            name, name_de = CARRIERS.get(carrier, (carrier, carrier))
            sheet.given(
                symbol, f"CO2 factor, {name}, {year}", f"CO2-Faktor, {name_de}, {year}",
                float(factors.co2_kg_kwh[factors.carriers.index(carrier)]), "kg/kWh",
                f"{_co2_source(place, carrier)}; table paths (estimate of later years)",
            )  # fmt: skip
            parts.append(f"{energy} * {symbol}")
        if place.network is not None and place.is_district:
            pumped = place.outcome.networks[state].pump_kwh
            if f"E_pump_{state}{tag}" not in sheet.known:
                texts = "Pumping electricity", "Pumpstrom"
                sheet.given(f"E_pump_{state}{tag}", *texts, pumped, "kWh", _SOLVED)
            symbol = f"f_grid_{year}{tag}"
            _grid(sheet, stage.case.parameters, symbol, year)
            parts.append(f"E_pump_{state}{tag} * {symbol}")
        formula = " + ".join(parts) or "0"
        sheet.worked(
            f"M_{year}{tag}", f"CO2 in {year}", f"CO2 {year}", formula, "kg", "sum over the carriers"
        )
        terms.append(f"M_{year}{tag}")
    texts = f"CO2 over the horizon{_of(tag)}", f"CO2 im Betrachtungszeitraum{_of(tag, 'de')}"
    sheet.worked(f"M{tag}", *texts, " + ".join(terms), "kg", "sum over the years")


def _grid(sheet: Sheet, parameters: Parameters, symbol: str, year: int) -> None:
    """CO2 of the grid mix in a year."""
    row = parameters.carriers.loc[[heat_network.POWER]]
    ratio = weighting.path("co2", heat_network.POWER, year, parameters)
    sheet.given(
        symbol, f"CO2 factor of the grid, {year}", f"CO2-Faktor des Strommixes, {year}",
        float(row["co2_kg_kwh"].iloc[0]) * ratio, "kg/kWh",
        f"{row['factor_source'].iloc[0]}; table paths (estimate of later years)",
    )  # fmt: skip


def _co2_source(place: Place, carrier: str) -> str:
    source = str(place.parameters.carriers.loc[[carrier], "factor_source"].iloc[0])
    if place.network is not None and carrier == heat_network.CARRIER:
        return f"{source}; at the feed-in with the simulated losses (see co2_kg)"
    return source


def _net_present(sheet: Sheet, place: Place) -> str:
    _present(sheet, place)
    return ""


def _co2_horizon(sheet: Sheet, place: Place) -> str:
    _horizon(sheet, place)
    return ""


def _extra(sheet: Sheet, place: Place) -> str:
    _present(sheet, place.of_base, "_0")
    _present(sheet, place)
    sheet.worked("dC", "Extra cost", "Mehrkosten", "C - C_0", "€", "against the base")
    return ""


def _saved(sheet: Sheet, place: Place) -> str:
    _horizon(sheet, place.of_base, "_0")
    _horizon(sheet, place)
    sheet.worked("dM", "CO2 saved", "Vermiedenes CO2", "M_0 - M", "kg", "against the base")
    return ""


def _abatement(sheet: Sheet, place: Place) -> str:
    _extra(sheet, place)
    # The CO2's symbols of energies are the same as the cost's and stand there already.
    _saved(sheet, place)
    if not sheet.known["dM"] > 0:
        return "No CO2 is saved: there is no abatement cost, whatever the scenario costs."
    sheet.worked(
        "v", "Abatement cost", "CO2-Vermeidungskosten", "dC / (dM / 1000)", "€/t",
        "extra net present cost over CO2 saved in the same years, not discounted",
    )  # fmt: skip
    return ""


RECIPES: dict[str, Callable[[Sheet, Place], str]] = {
    "investment_eur": _investment,
    "subsidy_eur": _subsidy,
    "running_cost_eur": _running,
    "warm_rent_change_eur_m2_month": _rent,
    "net_present_cost_eur": _net_present,
    "co2_horizon_kg": _co2_horizon,
    "extra_cost_eur": _extra,
    "co2_saved_kg": _saved,
    "abatement_cost_eur_t": _abatement,
    "rain_kept_m3": _rain,
}
