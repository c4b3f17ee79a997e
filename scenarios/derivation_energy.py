"""How the energy figures follow: needs, delivered and primary energy, CO2, energy cost, solar electricity."""

from __future__ import annotations

from collections.abc import Callable

from energy.derivation_sheet import Sheet
from scenarios.derivation_place import CARRIERS, SHORT, Place, factor, grid
from scenarios.heat_network import CARRIER
from scenarios.measures.base import function_of

_SOLVED = "heat network, solved hour by hour"


def _by_use(column: str, symbol: str, name: str, name_de: str) -> Callable[[Sheet, Place], str]:
    """Recipe of an energy that the simulation gives: the sum over uses, or the building's own."""

    def recipe(sheet: Sheet, place: Place) -> str:
        envelope = place.outcome.case.envelope.loc[place.annual.index]
        groups = place.annual[column].groupby(envelope["function"].map(function_of)).agg(["sum", "size"])
        parts = []
        for use, total, count in groups.itertuples():
            if total:
                part = f"{symbol}_{use}"
                texts = f"{name}, {use} ({count})", f"{name_de}, {use} ({count})"
                sheet.given(part, *texts, float(total), "kWh", place.simulated)
                parts.append(part)
        sheet.worked(symbol, name, name_de, " + ".join(parts) or "0", "kWh", "sum over the uses of buildings")
        return ""

    return recipe


def delivered(sheet: Sheet, place: Place, tag: str = "") -> list[tuple[str, str]]:
    """Delivered energy by carrier as given; (carrier, symbol)."""
    found = []
    for carrier, value in place.delivered().items():
        symbol = f"E_{SHORT.get(carrier, carrier)}{tag}"
        name, name_de = CARRIERS.get(carrier, (carrier, carrier))
        texts = f"Delivered {name}", f"Endenergie {name_de}"
        sheet.given(symbol, *texts, value, "kWh", place.simulated)
        found.append((carrier, symbol))
    return found


def _delivered(sheet: Sheet, place: Place) -> str:
    parts = [symbol for _, symbol in delivered(sheet, place)]
    formula = " + ".join(parts) or "0"
    sheet.worked("E", "Delivered energy", "Endenergie", formula, "kWh", "sum over the carriers")
    return ""


def weighed(sheet: Sheet, place: Place, quantity: str, letter: str, year: int, tag: str = "") -> str:
    """Formula of the delivered energy weighed by its factors in a year; the factors are put down."""
    terms = []
    for carrier, energy in _known(sheet, place, tag):
        symbol = f"{letter}_{SHORT.get(carrier, carrier)}{tag}"
        factor(sheet, place, symbol, carrier, quantity, year)
        terms.append(f"{energy} * {symbol}")
    return " + ".join(terms) or "0"


def _known(sheet: Sheet, place: Place, tag: str) -> list[tuple[str, str]]:
    """Delivered energy by carrier, put down at the first call; `tag` names year and state."""
    state = "_0" if tag.endswith("_0") else ""
    symbols = [(c, f"E_{SHORT.get(c, c)}{state}") for c in place.delivered()]
    return symbols if all(s in sheet.known for _, s in symbols) else delivered(sheet, place, state)


def _primary(sheet: Sheet, place: Place) -> str:
    formula = weighed(sheet, place, "primary_energy_kwh", "f", place.parameters.year)
    sheet.worked("E_p", "Primary energy", "Primärenergie", formula, "kWh", "GEG § 22, Anlage 4")
    return ""


def _co2(sheet: Sheet, place: Place) -> str:
    year = place.parameters.year
    formula = weighed(sheet, place, "co2_kg", "f", year)
    if place.network is not None and place.is_district:
        sheet.given(
            "E_pump", "Pumping electricity of the network", "Pumpstrom des Netzes", place.network.pump_kwh,
            "kWh", _SOLVED,
        )  # fmt: skip
        grid(sheet, place, "f_grid", year)
        formula += " + E_pump * f_grid"
    sheet.worked("m_CO2", "CO2", "CO2", formula, "kg", "delivered energy by carrier times its factor")
    if place.network is None and CARRIER in place.delivered():
        return "Without the network's simulation: district heat counts with the certificate at the customer."
    return ""


def cost(sheet: Sheet, place: Place, symbol: str = "K") -> None:
    """Energy cost of the year of evaluation."""
    formula = weighed(sheet, place, "energy_cost_eur", "p", place.parameters.year)
    sheet.worked(symbol, "Energy cost", "Energiekosten", formula, "€", "delivered energy times its price")


def _cost(sheet: Sheet, place: Place) -> str:
    cost(sheet, place)
    return ""


def _flow(sheet: Sheet, place: Place, symbol: str, column: str, name: str, name_de: str) -> None:
    sheet.given(symbol, name, name_de, float(place.annual[column].sum()), "kWh", place.simulated)


def revenue(sheet: Sheet, place: Place) -> None:
    """Feed-in revenue as R."""
    _flow(sheet, place, "E_out", "grid_export_kwh", "Electricity fed into the grid", "Eingespeister Strom")
    sold = float(place.annual["grid_export_kwh"].sum())
    paid = float(place.annual["feed_in_revenue_eur"].sum())
    rate = place.parameters.feed_in
    sheet.given(
        "r_in", "Mean rate of the plants fed in, by their power", "Mittlere Vergütung nach Leistung",
        paid / sold if sold > 0 else 0.0, "€/kWh", f"table feed_in: {rate['source'].iloc[0]}",
        is_estimate=bool(rate["is_estimate"].any()) if "is_estimate" in rate else False,
    )  # fmt: skip
    sheet.worked("R", "Feed-in revenue", "Einspeisevergütung", "E_out * r_in", "€", "EEG 2023 § 48")


def _revenue(sheet: Sheet, place: Place) -> str:
    revenue(sheet, place)
    return ""


def _self_consumption(sheet: Sheet, place: Place) -> str:
    _flow(sheet, place, "E_pv", "pv_generation_kwh", "Generated", "Erzeugt")
    _flow(sheet, place, "E_out", "grid_export_kwh", "Fed into the grid", "Eingespeist")
    if not sheet.known["E_pv"] > 0:
        return "Nothing is generated: there is no self-consumption."
    sheet.worked(
        "s", "Self-consumption", "Eigenverbrauch", "max(E_pv - E_out, 0) / E_pv", "1", "by definition"
    )
    return ""


def _autarky(sheet: Sheet, place: Place) -> str:
    _flow(sheet, place, "E_pv", "pv_generation_kwh", "Generated", "Erzeugt")
    _flow(sheet, place, "E_out", "grid_export_kwh", "Fed into the grid", "Eingespeist")
    _flow(sheet, place, "E_in", "grid_import_kwh", "Taken from the grid", "Aus dem Netz")
    sheet.worked(
        "E_own", "Solar electricity used", "Selbst genutzt", "max(E_pv - E_out, 0)", "kWh", "by definition"
    )
    if not sheet.known["E_own"] + sheet.known["E_in"] > 0:
        return "No electricity is used."
    sheet.worked("a", "Autarky", "Autarkie", "E_own / (E_own + E_in)", "1", "by definition")
    return ""


RECIPES: dict[str, Callable[[Sheet, Place], str]] = {
    "heating_need_kwh": _by_use("heating_need_kwh", "Q_H", "Heating need", "Heizwärmebedarf"),
    "hot_water_need_kwh": _by_use("hot_water_need_kwh", "Q_W", "Hot water need", "Warmwasserbedarf"),
    "electricity_use_kwh": _by_use("electricity_use_kwh", "E_use", "Electricity use", "Nutzerstrom"),
    "pv_generation_kwh": _by_use("pv_generation_kwh", "E_pv", "Solar electricity", "Solarstrom"),
    "delivered_kwh": _delivered,
    "primary_energy_kwh": _primary,
    "co2_kg": _co2,
    "energy_cost_eur": _cost,
    "feed_in_revenue_eur": _revenue,
    "self_consumption": _self_consumption,
    "autarky": _autarky,
}
