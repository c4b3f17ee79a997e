"""Scenarios → one Dataset with the dimension `scenario`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from energy import Case, simulate
from energy.weather import Weather
from scenarios.scenario import Scenario
from twin.district import District
from twin.errors import CallError


def run(
    scenarios: Sequence[Scenario],
    district: District,
    weather: Weather,
    *,
    resolution: str = "hour",
    outputs: Sequence[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Results of all scenarios; dimensions (scenario, building_id, time).

    Raises
    ------
    CallError : no scenario, or two of one name.

    Examples
    --------
    >>> retrofit = scenarios.load("library/retrofit-wbs70.yaml")
    >>> pair = [scenarios.BASELINE, retrofit]
    >>> district, weather = twin.open("lobeda"), energy.weather.sample()
    >>> results = scenarios.run(pair, district, weather, outputs=["heating_need_kwh"], resolution="year")
    >>> results.sizes["scenario"]
    2
    """
    names = [scenario.name for scenario in scenarios]
    if not names:
        raise CallError("there is no scenario to run")
    if len(set(names)) < len(names):
        raise CallError("two scenarios have the same name", ", ".join(names), "Rename one")
    case = Case(district, weather)
    results: list[xr.Dataset] = []
    for number, scenario in enumerate(scenarios):
        if progress is not None:
            progress(scenario.name, number / len(scenarios))
        options: dict[str, Any] = {"resolution": resolution, "outputs": outputs}
        results.append(simulate(scenario.apply(case), **options).assign_coords(scenario=scenario.name))
    return xr.concat(results, "scenario", join="exact", combine_attrs="drop_conflicts")
