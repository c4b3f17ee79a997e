"""What the measures with solar modules share: systems that fit, over those that are there."""

from __future__ import annotations

import pandas as pd

from energy import Case, pv_potential
from energy.weather import SAMPLE_LATITUDE
from scenarios.measures import base


def fitting(case: Case, *, balconies: bool = False) -> pd.DataFrame:
    """Systems of the case and those that fit on roofs (and balconies); as `energy.pv_potential.potential`."""
    latitude = getattr(case.weather, "latitude", SAMPLE_LATITUDE)
    return pv_potential.potential(case.district, case.parameters, latitude=latitude, balconies=balconies)


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
