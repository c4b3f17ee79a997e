"""Another year of evaluation, other prices: factors and prices follow their paths to 2045."""

from __future__ import annotations

import pandas as pd

from energy import Case
from energy.parameters import Parameters
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {"de": "Jahr, Preise und Faktoren", "en": "Year, prices and factors"}
DESCRIPTION = {
    "de": "Strommix, Fernwärme und CO2-Preis folgen ihren Pfaden bis zum Jahr; Preise sind änderbar.",
    "en": "Grid mix, district heat and CO2 price follow their paths to the chosen year; prices can change.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
_CHANGES, _CO2 = ("electricity", "district_heating", "gas"), ("electricity", "district_heating")
PARAMETERS = (
    Parameter(
        "year", {"de": "Jahr", "en": "Year"}, 2025, "a", 2021, 2045, source="year of the table carriers"
    ),
    *(
        Parameter(
            f"{carrier}_change",
            {"de": f"Preisänderung {word}", "en": f"Change of price, {carrier.replace('_', ' ')}"},
            0.0, "1", -0.9, 5.0,
            source="our choice: prices as in the table carriers",
        )
        for carrier, word in zip(_CHANGES, ("Strom", "Fernwärme", "Gas"), strict=True)
    ),
    *(
        Parameter(
            f"{carrier}_co2_change",
            {
                "de": f"Änderung des CO2-Faktors, {word}",
                "en": f"Change of CO2 factor, {carrier.replace('_', ' ')}",
            },
            0.0, "1", -1.0, 5.0,
            source="our choice: factors as in the table carriers, along the table paths",
        )
        for carrier, word in zip(_CO2, ("Strom", "Fernwärme"), strict=True)
    ),
)  # fmt: skip


def apply(
    case: Case,
    *,
    year: int = 2025,
    electricity_change: float = 0.0,
    district_heating_change: float = 0.0,
    gas_change: float = 0.0,
    electricity_co2_change: float = 0.0,
    district_heating_co2_change: float = 0.0,
) -> Case:
    """The case evaluated in `year`, with prices and CO2 factors changed by a share (0.2: a fifth more).

    The share holds in all years of the paths. What CO2 in fuels costs follows its own path, unchanged.

    Raises
    ------
    CallError : a value out of range.
    """
    changes = {
        "electricity": electricity_change,
        "district_heating": district_heating_change,
        "gas": gas_change,
    }
    co2 = {"electricity": electricity_co2_change, "district_heating": district_heating_co2_change}
    values: dict[str, float] = {"year": year}
    values |= {f"{name}_change": value for name, value in changes.items()}
    values |= {f"{name}_co2_change": value for name, value in co2.items()}
    base.check("prices", PARAMETERS, values)
    parameters = case.parameters.with_constants(year=int(year))
    parameters = _changed(parameters, ("price_eur_kwh",), changes)
    return case.replace(parameters=_changed(parameters, ("co2_kg_kwh", "co2_feed_in_kg_kwh"), co2))


def _changed(parameters: Parameters, columns: tuple[str, ...], changes: dict[str, float]) -> Parameters:
    """Parameters whose table carriers has some columns changed by a share, by carrier."""
    changed = {name: value for name, value in changes.items() if value}
    if not changed:
        return parameters
    table = parameters.carriers.loc[list(changed)]
    rows = {column: table[column] * (1 + pd.Series(changed)) for column in columns}
    return parameters.with_table("carriers", pd.DataFrame(rows).rename_axis("carrier"))
