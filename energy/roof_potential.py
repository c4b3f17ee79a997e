"""What modules on all roofs of a district would yield, kept while district, weather and figures stay."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from energy import generation, pv_potential
from energy.case import Case
from energy.generation import Site
from energy.parameters import Parameters
from energy.weather import Weather
from twin.compute import Same
from twin.district import District


def of_case(case: Case) -> pd.DataFrame:
    """Peak power and yield per building, index building_id; only buildings whose roofs have room.

    Columns: peak_power_kwp, annual_yield_kwh (shaded by neighbours, trees and terrain).
    """
    return _kept(Same(case.district), Same(case.weather), Same(case.parameters))


@lru_cache(maxsize=4)
def _kept(district: Same[District], weather: Same[Weather], parameters: Same[Parameters]) -> pd.DataFrame:
    case = Case(district.it, weather.it, parameters.it)
    systems = pv_potential.potential(case.district, case.parameters, latitude=case.weather.latitude)
    site = Site(case.weather, case.visibility, case.parameters)
    table = pd.DataFrame(
        {
            "building_id": systems["building_id"].to_numpy(object),
            "peak_power_kwp": systems["peak_power_kwp"].to_numpy("float64"),
            "annual_yield_kwh": generation.annual_yield(site, systems).to_numpy(),
        }
    )
    return table.groupby("building_id")[["peak_power_kwp", "annual_yield_kwh"]].sum()
