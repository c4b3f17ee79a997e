"""Batteries beside photovoltaics."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {"de": "Batteriespeicher", "en": "Batteries"}
DESCRIPTION = {
    "de": "Ein Speicher neben den Modulen hebt Solarstrom für den Abend auf.",
    "en": "A battery beside the modules keeps solar electricity for the evening.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    Parameter(
        "kwh_per_kwp",
        {"de": "Kapazität je Modulleistung", "en": "Capacity per modules' power"},
        1.0, "kWh/kWp", 0.0, 5.0,
        source="estimate: usual sizing of about one hour of peak power", is_estimate=True,
    ),
)  # fmt: skip


def applicable(case: Case) -> base.Mask:
    """Buildings with modules."""
    return np.asarray(case.envelope.index.isin(case.pv["building_id"]))


def apply(case: Case, *, buildings: Iterable[str] | None = None, kwh_per_kwp: float = 1.0) -> Case:
    """The case with batteries; without `buildings` (ids), wherever there are modules.

    A larger battery that is there already stays.

    Raises
    ------
    CallError : a capacity out of range, or an unknown building.
    """
    base.check("battery", PARAMETERS, {"kwh_per_kwp": kwh_per_kwp})
    rows = base.chosen(case, buildings, applicable(case), "battery")
    pv = case.pv.copy()
    mine = pv["building_id"].isin(case.envelope.index[rows]).to_numpy(bool)
    wanted = kwh_per_kwp * pv["peak_power_kwp"].to_numpy("float64")
    pv["battery_kwh"] = np.where(
        mine, np.maximum(pv["battery_kwh"].to_numpy("float64"), wanted), pv["battery_kwh"]
    )
    return case.replace(pv=pv)
