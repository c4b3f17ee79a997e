"""Paved ground beside buildings that becomes lawn or grass pavers, so that rain stays where it falls.

It changes nothing of the buildings' energy: what it buys, the rain that no longer runs off and the fee that
is no longer paid for it follow from the table measure_costs.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {"de": "Flächen entsiegeln", "en": "Unseal paved ground"}
DESCRIPTION = {
    "de": "Asphalt an den Gebäuden weicht Rasen oder Rasengittersteinen: Regen versickert, die Gebühr für "
    "Niederschlagswasser sinkt. Wie sehr es die Luft kühlt, wird nicht gerechnet.",
    "en": "Asphalt beside buildings gives way to lawn or grass pavers: rain soaks in, and the fee for rain "
    "water falls. How much it cools the air is not computed.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
SURFACES = ("lawn", "grass_pavers")
PARAMETERS = (
    Parameter(
        "ground_share",
        {"de": "Entsiegelte Fläche je Grundfläche", "en": "Area unsealed per footprint"},
        0.25, "1", 0.0, 3.0,
        source="estimate: how much is paved around a building is in no open data set here", is_estimate=True,
    ),
    Parameter(
        "surface", {"de": "Neue Oberfläche", "en": "New surface"}, "lawn", choices=SURFACES,
        source="our choice: grass pavers still carry cars", is_estimate=True,
    ),
)  # fmt: skip


def column(surface: str) -> str:
    """The envelope's column with the area that has got a surface. [m²]"""
    return f"unsealed_{surface}_m2"


def applicable(case: Case) -> base.Mask:
    """All buildings with an outline."""
    area: base.Mask = case.district.buildings.geometry.area.to_numpy() > 0
    return area


def apply(
    case: Case,
    *,
    buildings: Iterable[str] | None = None,
    ground_share: float = 0.25,
    surface: str = "lawn",
) -> Case:
    """The case with ground unsealed beside `buildings` (ids), without them beside all.

    ground_share : area over that of the building's outline. [-]

    Raises
    ------
    CallError : a value out of range, or an unknown building.
    """
    base.check("unsealing", PARAMETERS, {"ground_share": ground_share, "surface": surface})
    rows = base.chosen(case, buildings, applicable(case), "unsealing")
    area = case.district.buildings.geometry.area.to_numpy("float64") * ground_share
    name = column(surface)
    known = case.envelope.get(name, 0.0)
    return case.replace(envelope=case.envelope.assign(**{name: np.where(rows, area, 0.0) + known}))
