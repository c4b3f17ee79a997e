"""Plug-in photovoltaics on balconies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base, photovoltaics

TITLE = {"de": "Balkonkraftwerke", "en": "Balcony photovoltaics"}
DESCRIPTION = {
    "de": "Steckersolargeräte an den Balkonen der sonnigsten Fassade; die Wohnungen nutzen den Strom selbst.",
    "en": "Plug-in sets on the balconies of the sunniest facade; homes use the electricity themselves.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE = ("battery",)
PARAMETERS = (
    base.share_of(
        "Wohnungen", "dwellings", 0.3, "estimate: dwellings with a sunny balcony whose tenants take part"
    ),
)


def applicable(case: Case) -> base.Mask:
    """Buildings with at least one dwelling."""
    return base.homes(case) & (case.envelope["dwellings"].fillna(0).to_numpy("float64") >= 1)


def apply(case: Case, *, buildings: Iterable[str] | None = None, share: float = 0.3) -> Case:
    """The case with plug-in sets; without `buildings` (ids), on all homes.

    share : of each building's dwellings, rounded to whole sets. [0 to 1]

    Raises
    ------
    CallError : a share outside 0 to 1, or an unknown building.
    """
    base.check("balcony_pv", PARAMETERS, {"share": share})
    rows = base.chosen(case, buildings, applicable(case), "balcony_pv")
    systems = photovoltaics.fitting(case, balconies=True)
    systems = systems[systems["kind"] == "balcony"].copy()
    whole = systems["sets"].to_numpy("float64")
    sets = np.floor(whole * share + 0.5)
    part = sets / np.where(whole > 0, whole, 1.0)
    for column in ("usable_area_m2", "peak_power_kwp"):
        systems[column] *= part
    systems["sets"] = sets.astype(int)
    return photovoltaics.added(case, systems[sets > 0], rows, ("balcony",))
