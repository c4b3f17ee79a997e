"""Smart heating control: rooms are heated when somebody is there, and less at night.

The saving follows from the hours and temperatures, hour by hour; none is subtracted. Smartes Quartier
Jena-Lobeda names up to 30 %: that the model reaches it is not presumed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base, set_points
from scenarios.measures.base import Parameter

TITLE = {"de": "Smarte Heizungsregelung", "en": "Smart heating control"}
DESCRIPTION = {
    "de": "Räume werden nur geheizt, wenn jemand da ist; nachts und bei Abwesenheit wird abgesenkt.",
    "en": "Rooms are heated when somebody is there; at night and in absence the temperature is set back.",
}
STAGE = 1
EXCLUDES = ("set_points",)
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    base.set_back(
        "Temperatur bei Abwesenheit und nachts", "Temperature in absence and at night", 20.0,
        "estimate: 3 K below the set-point",
    ),
    Parameter(
        "absent_share",
        {"de": "Anteil der tagsüber leeren Räume", "en": "Share of rooms that are empty by day"},
        0.4, "1", 0.0, 1.0,
        source="estimate: bedrooms, and homes of people at work", is_estimate=True,
    ),
)  # fmt: skip
applicable = base.homes
_NIGHT, _DAY = (22, 6), (8, 16)  # our choice: the hours of sleep and of work and school


def apply(
    case: Case,
    *,
    buildings: Iterable[str] | None = None,
    set_back_c: float = 17.0,
    absent_share: float = 0.4,
) -> Case:
    """The case with smart heating control in homes.

    At night (22 to 6 h) all rooms are set back. By day (8 to 16 h) a share of the rooms is: a building is one
    zone, whose set-point is then the mean of its rooms', because heat flows through inner walls. That the
    control also keeps the set-point better than thermostatic valves is not counted.

    Parameters
    ----------
    buildings : ids; without them, all homes.
    set_back_c : air temperature that empty and sleeping rooms may fall to. [°C]
    absent_share : of the floor area, empty by day. [0 to 1]

    Raises
    ------
    CallError : a value out of range, or an unknown building.
    """
    values = {"set_back_c": set_back_c, "absent_share": absent_share}
    base.check("smart_heating", PARAMETERS, values)
    rows = base.chosen(case, buildings, applicable(case), "smart_heating")
    label = f"smart-{set_back_c:g}-{absent_share:g}"
    figures = {"set_back_c": float(set_back_c)}
    return set_points.with_hours(case, rows, label, figures, _used(absent_share))


def _used(absent_share: float) -> np.ndarray:
    hours = set_points.used_hours(*_NIGHT)
    return np.where(set_points.used_hours(*_DAY) > 0, hours, hours * (1 - absent_share))
