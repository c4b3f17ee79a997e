"""The year's figures of scenarios, and what each saves against the first."""

from __future__ import annotations

import pandas as pd
import xarray as xr

ENERGY = (
    "heating_need_kwh",
    "hot_water_need_kwh",
    "electricity_use_kwh",
    "heating_delivered_kwh",
    "primary_energy_kwh",
    "co2_kg",
    "energy_cost_eur",
)


def indicators(results: xr.Dataset) -> pd.DataFrame:
    """District totals of the year; one row a scenario, index `scenario`.

    Columns are the energy variables of the results, and for each `…_saved` against the first scenario.

    Examples
    --------
    >>> results = energy.simulate(twin.open("lobeda"), energy.weather.sample(), resolution="year")
    >>> scenarios.indicators(results)["co2_kg_saved"].tolist()  # against itself
    [0.0]
    """
    if "scenario" not in results.dims:
        results = results.expand_dims(scenario=["baseline"])
    names = [name for name in ENERGY if name in results]
    totals = results[names].sum([d for d in ("building_id", "time") if d in results.dims])
    table = pd.DataFrame({name: totals[name].to_pandas() for name in names}).rename_axis("scenario")
    saved = (table.iloc[0] - table).add_suffix("_saved")
    return pd.concat([table, saved], axis=1)
