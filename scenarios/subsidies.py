"""Federal subsidies of what measures buy: shares, the U-values they ask for, and caps by dwellings.

Rates, limits and caps are rows of assets/parameters (measure_costs, economy), each with source and date.
Bonuses (refurbishment plan, climate speed, income) and the caps of other buildings are not counted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from energy.parameters import Parameters

Array = npt.NDArray[np.float64]


def subsidies(items: pd.DataFrame, paid_eur: pd.Series, after: Case) -> Array:
    """Subsidy of each of some items, shape (item,). [€]

    items : columns building_id, item, levy.  paid_eur : what they cost.
    after : the case with them, whose U-values must be good enough.
    """
    parameters = after.parameters
    prices = parameters.measure_costs.loc[items["item"]]
    eligible = np.where(_good_enough(items, prices, after), paid_eur.to_numpy("float64"), 0.0)
    share = prices["subsidy_share"].to_numpy("float64")
    dwellings = after.envelope["dwellings"].reindex(items["building_id"]).fillna(0.0).to_numpy("float64")
    for levy, cap in (("modernisation", cap_envelope), ("heating", cap_heating)):
        mine = (items["levy"] == levy).to_numpy(bool) & (share > 0) & (dwellings >= 1)
        together = (
            pd.Series(np.where(mine, eligible, 0.0)).groupby(items["building_id"].to_numpy()).transform("sum")
        )
        most = cap(dwellings, parameters)
        part = np.minimum(
            1.0, np.divide(most, together, out=np.ones(len(items)), where=together.to_numpy() > 0)
        )
        eligible = np.where(mine, eligible * part, eligible)
    return np.asarray(eligible * share)


def cap_envelope(dwellings: Array, parameters: Parameters) -> Array:
    """Most that is subsidised of a home's envelope and controls; shape as `dwellings`. [€]"""
    return dwellings * parameters.constant("subsidy_cap_envelope_eur_dwelling")


def cap_heating(dwellings: Array, parameters: Parameters) -> Array:
    """Most that is subsidised of a home's heating system; shape as `dwellings`. [€]"""
    get = parameters.constant
    return np.asarray(
        np.minimum(dwellings, 1) * get("subsidy_cap_heating_first_eur")
        + np.clip(dwellings - 1, 0, 5) * get("subsidy_cap_heating_next_eur")
        + np.maximum(dwellings - 6, 0) * get("subsidy_cap_heating_more_eur")
    )


def _good_enough(items: pd.DataFrame, prices: pd.DataFrame, after: Case) -> npt.NDArray[np.bool_]:
    """Whether each item's component has the U-value that the subsidy asks for, or it asks for none."""
    limit = prices["subsidy_u_value_w_m2k"].to_numpy("float64")
    good = np.isnan(limit)
    for component in items["item"][~good].unique():
        mine = (items["item"] == component).to_numpy(bool)
        reached = after.envelope[f"u_{component}_w_m2k"].reindex(items["building_id"]).to_numpy("float64")
        good |= mine & (reached <= limit + 1e-9)
    return np.asarray(good)
