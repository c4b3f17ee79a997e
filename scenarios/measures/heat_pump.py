"""Heat pumps in place of boilers or of the district heating."""

from __future__ import annotations

from collections.abc import Iterable

from energy import Case
from scenarios.measures import base, heat_supply
from scenarios.measures.base import Parameter

TITLE = {"de": "Wärmepumpe", "en": "Heat pump"}
DESCRIPTION = {
    "de": "Eine Wärmepumpe mit Luft oder Erdreich als Quelle heizt das Gebäude; der Vorlauf sinkt auf 55 °C.",
    "en": "A heat pump with air or ground as its source heats the building; the flow falls to 55 °C.",
}
STAGE = 1
EXCLUDES = ("district_heating",)
BEFORE: tuple[str, ...] = ()
SYSTEMS = {"air": "heat_pump", "ground": "heat_pump_ground"}
PARAMETERS = (
    Parameter(
        "heat_source", {"de": "Quelle", "en": "Source"}, "air", choices=tuple(SYSTEMS), source="our choice"
    ),
)


def applicable(case: Case) -> base.Mask:
    """Heated buildings without a heat pump."""
    return heat_supply.heated_otherwise(case, *SYSTEMS.values())


def apply(case: Case, *, buildings: Iterable[str] | None = None, heat_source: str = "air") -> Case:
    """The case with heat pumps; without `buildings` (ids), in all that have none.

    heat_source : "air" or "ground".

    Raises
    ------
    CallError : another source, or an unknown building.
    """
    base.check("heat_pump", PARAMETERS, {"heat_source": heat_source})
    return heat_supply.replace_supply(case, buildings, applicable(case), SYSTEMS[heat_source], "heat_pump")
