"""Another year of evaluation, other prices: factors and prices follow their paths to 2045."""

from __future__ import annotations

import pandas as pd

from energy import Case
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
_CHANGES = ("electricity", "district_heating", "gas")
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
)  # fmt: skip


def apply(
    case: Case,
    *,
    year: int = 2025,
    electricity_change: float = 0.0,
    district_heating_change: float = 0.0,
    gas_change: float = 0.0,
) -> Case:
    """The case evaluated in `year`, with prices changed by a share (0.2: a fifth dearer).

    What CO2 in fuels costs follows its own path and is not changed by the share.

    Raises
    ------
    CallError : a value out of range.
    """
    changes = {
        "electricity": electricity_change,
        "district_heating": district_heating_change,
        "gas": gas_change,
    }
    base.check(
        "prices", PARAMETERS, {"year": year, **{f"{name}_change": value for name, value in changes.items()}}
    )
    parameters = case.parameters.with_constants(year=int(year))
    changed = {name: value for name, value in changes.items() if value}
    if changed:
        prices = parameters.carriers.loc[list(changed), "price_eur_kwh"]
        rows = pd.DataFrame({"price_eur_kwh": prices * (1 + pd.Series(changed))}).rename_axis("carrier")
        parameters = parameters.with_table("carriers", rows)
    return case.replace(parameters=parameters)
