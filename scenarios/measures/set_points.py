"""Heating set-points: another room temperature, and a set-back in hours of the night."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base
from scenarios.measures.base import Parameter
from twin.errors import CallError

TITLE = {"de": "Raumtemperatur ändern", "en": "Heating set-points"}
DESCRIPTION = {
    "de": "Die Heizung hält in der Nutzungszeit die Solltemperatur, nachts die abgesenkte Temperatur.",
    "en": "Heating keeps the set-point in the time of use, and the set-back at night.",
}
STAGE = 1
EXCLUDES = ("smart_heating",)
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    Parameter(
        "set_heating_c",
        {"de": "Solltemperatur", "en": "Set-point"},
        20.0, "°C", 15.0, 25.0,
        source="TABULA boundary condition EU.MUH",
    ),
    base.set_back(
        "Nachttemperatur", "Set-back at night", 25.0,
        "estimate: 3 K below the set-point, as thermostats are usually set",
    ),
    Parameter(
        "from_hour",
        {"de": "Absenkung ab", "en": "Set-back from"},
        23, "h", 0, 23,
        source="estimate: DIN V 18599-10 no. 43 ends the heating day at 23 h", is_estimate=True,
    ),
    Parameter(
        "to_hour",
        {"de": "Absenkung bis", "en": "Set-back until"},
        6, "h", 0, 23,
        source="estimate: DIN V 18599-10 no. 43 starts the heating day at 6 h", is_estimate=True,
    ),
)  # fmt: skip
applicable = base.homes


def apply(
    case: Case,
    *,
    buildings: Iterable[str] | None = None,
    set_heating_c: float = 20.0,
    set_back_c: float = 17.0,
    from_hour: int = 23,
    to_hour: int = 6,
) -> Case:
    """The case with other set-points in homes.

    The air change stays as it is day and night: people breathe at night too.

    Parameters
    ----------
    buildings : ids; without them, all homes.
    set_heating_c, set_back_c : air temperature in the time of use and in the hours of set-back. [°C]
    from_hour, to_hour : local hours between which the set-back holds; equal: never.

    Raises
    ------
    CallError : a value out of range, a set-back above the set-point, or an unknown building.
    """
    values = {
        "set_heating_c": set_heating_c,
        "set_back_c": set_back_c,
        "from_hour": from_hour,
        "to_hour": to_hour,
    }
    base.check("set_points", PARAMETERS, values)
    if set_back_c > set_heating_c:
        raise CallError(
            f"the set-back of {set_back_c:g} °C is above the set-point of {set_heating_c:g} °C",
            "measure set_points",
            "Lower set_back_c",
            german=f"Die Absenkung auf {base.german(set_back_c)} °C liegt über der Solltemperatur von "
            f"{base.german(set_heating_c)} °C. Senken Sie set_back_c.",
        )
    rows = base.chosen(case, buildings, applicable(case), "set_points")
    label = f"set-{set_heating_c:g}-{set_back_c:g}-{from_hour:g}-{to_hour:g}"
    figures = {"set_heating_c": float(set_heating_c), "set_back_c": float(set_back_c)}
    return with_hours(case, rows, label, figures, used_hours(int(from_hour), int(to_hour)))


def used_hours(from_hour: int, to_hour: int) -> np.ndarray:
    """1 in the hours without set-back, else 0; shape (24,)."""
    hour = np.arange(24)
    if from_hour <= to_hour:
        return np.where((hour >= from_hour) & (hour < to_hour), 0.0, 1.0)
    return np.where((hour >= from_hour) | (hour < to_hour), 0.0, 1.0)


def with_hours(case: Case, rows: base.Mask, label: str, figures: dict[str, float], hours: np.ndarray) -> Case:
    """The case whose homes `rows` are heated by other figures and hours, with the air change of all hours."""
    after = base.variant_of_use(case, rows, label, figures, hours)
    envelope = after.envelope
    envelope.loc[rows, "ventilation_off_1_h"] = envelope.loc[rows, "ventilation_1_h"]
    return after
