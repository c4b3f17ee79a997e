"""Connection to the district heating."""

from __future__ import annotations

from collections.abc import Iterable

from energy import Case
from scenarios.measures import base, heat_supply
from scenarios.measures.base import Parameter

TITLE = {"de": "Anschluss an die Fernwärme", "en": "Connection to the district heating"}
DESCRIPTION = {
    "de": "Eine Fernwärmestation ersetzt Kessel oder Wärmepumpe; das Netz wächst zu neuen Kunden.",
    "en": "A substation replaces boiler or heat pump; the network is extended to the new customers.",
}
STAGE = 1
EXCLUDES = ("heat_pump",)
BEFORE: tuple[str, ...] = ()
PARAMETERS: tuple[Parameter, ...] = ()


def applicable(case: Case) -> base.Mask:
    """Heated buildings that are not connected yet."""
    return heat_supply.heated_otherwise(case, "district_heating")


def apply(case: Case, *, buildings: Iterable[str] | None = None) -> Case:
    """The case with buildings connected; without `buildings` (ids), all that are heated otherwise.

    Raises
    ------
    CallError : an unknown building.
    """
    return heat_supply.replace_supply(
        case, buildings, applicable(case), "district_heating", "district_heating"
    )
