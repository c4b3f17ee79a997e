"""Photovoltaics on roofs, with or without a battery."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base, photovoltaics

TITLE = {"de": "Photovoltaik auf Dächern", "en": "Photovoltaics on roofs"}
DESCRIPTION = {
    "de": "Module auf nutzbaren Dachflächen, auf Flachdächern in Reihen; das Gebäude nutzt den Strom zuerst.",
    "en": "Modules on the usable roof area; in rows on flat roofs. The building uses the electricity first.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE = ("battery",)
PARAMETERS = (
    base.share_of(
        "nutzbaren Fläche", "usable area", 1.0, "our choice: all of what energy.pv_potential finds usable"
    ),
)
KINDS = ("flat", "pitched")


def applicable(case: Case) -> base.Mask:
    """All buildings; those without a usable roof stay as they are."""
    return np.ones(len(case.envelope), bool)


def apply(case: Case, *, buildings: Iterable[str] | None = None, share: float = 1.0) -> Case:
    """The case with modules on roofs; without `buildings` (ids), on all.

    share : of the usable area of each roof. [0 to 1]

    Raises
    ------
    CallError : a share outside 0 to 1, or an unknown building.
    """
    base.check("roof_pv", PARAMETERS, {"share": share})
    rows = base.chosen(case, buildings, applicable(case), "roof_pv")
    if share == 0:
        return case
    systems = photovoltaics.fitting(case).copy()
    for column in ("usable_area_m2", "peak_power_kwp"):
        systems[column] *= share
    return photovoltaics.added(case, systems, rows, KINDS)
