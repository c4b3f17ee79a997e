"""What modules on all roofs of a district would yield, kept while district, weather and figures stay."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import generation, pv_potential
from energy.case import Case
from energy.generation import Site
from energy.parameters import Parameters
from twin.compute import Same
from twin.district import District


def of_case(case: Case) -> pd.DataFrame:
    """Peak power and yield per building, index building_id; only buildings whose roofs have room.

    Columns: peak_power_kwp, annual_yield_kwh (shaded by neighbours, trees and terrain).
    """
    return _kept(Same(case.district), _site(case))


def monthly(case: Case, building_ids: list[str]) -> npt.NDArray[np.float64]:
    """What modules on all roofs of some buildings would make by month of the year, shape (12,). [kWh]"""
    systems = _fitting(Same(case.district), case.parameters, case.weather.latitude)
    mine = systems[systems["building_id"].isin(building_ids)]
    watts = generation.power(_site(case), mine, np.zeros(len(mine), np.intp), 1)[:, 0]
    return np.bincount(case.weather.times.month.to_numpy() - 1, watts, 12) / 1000.0


def _site(case: Case) -> Site:
    return Site(case.weather, case.visibility, case.parameters)


@lru_cache(maxsize=4)
def _kept(district: Same[District], site: Site) -> pd.DataFrame:
    systems = _fitting(district, site.parameters, site.weather.latitude)
    table = pd.DataFrame(
        {
            "building_id": systems["building_id"].to_numpy(object),
            "peak_power_kwp": systems["peak_power_kwp"].to_numpy("float64"),
            "annual_yield_kwh": generation.annual_yield(site, systems).to_numpy(),
        }
    )
    return table.groupby("building_id")[["peak_power_kwp", "annual_yield_kwh"]].sum()


@lru_cache(maxsize=4)
def _fitting(district: Same[District], parameters: Parameters, latitude: float) -> pd.DataFrame:
    return pv_potential.potential(district.it, parameters, latitude=latitude)
