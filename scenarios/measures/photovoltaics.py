"""What the measures with solar modules share: systems that fit, over those that are there."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from energy import Case, pv_potential
from energy.parameters import Parameters
from energy.weather import SAMPLE_LATITUDE
from scenarios.measures import base
from twin.compute import Same
from twin.district import District


def fitting(case: Case, *, balconies: bool = False) -> pd.DataFrame:
    """Systems of the case and those that fit on roofs (and balconies); as `energy.pv_potential.potential`.

    Kept while district and figures stay: laying out thousands of roofs takes seconds.
    """
    latitude = float(getattr(case.weather, "latitude", SAMPLE_LATITUDE))
    return _fitting(Same(case.district), Same(case.parameters.pv), latitude, balconies).copy()


@lru_cache(maxsize=4)
def _fitting(
    district: Same[District], pv: Same[pd.DataFrame], latitude: float, balconies: bool
) -> pd.DataFrame:
    parameters = Parameters.default().replace(pv=pv.it)  # the one table that is looked at
    return pv_potential.potential(district.it, parameters, latitude=latitude, balconies=balconies)


def added(case: Case, systems: pd.DataFrame, rows: base.Mask, kinds: tuple[str, ...]) -> Case:
    """The case with those of `systems` that are of these kinds and stand on the buildings `rows`.

    What a surface carries already stays as it is.
    """
    ids = case.envelope.index[rows]
    new = systems[systems["kind"].isin(kinds) & systems["building_id"].isin(ids)]
    new = new[~new.index.isin(case.pv.index)]
    if new.empty:
        return case
    return case.replace(pv=pd.concat([case.pv, new]) if len(case.pv) else new)
