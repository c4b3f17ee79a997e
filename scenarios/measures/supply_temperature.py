"""A lower supply temperature of the district heating."""

from __future__ import annotations

from energy import Case
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {
    "de": "Vorlauftemperatur der Fernwärme senken",
    "en": "Lower supply temperature of the district heating",
}
DESCRIPTION = {
    "de": "Das Netz fährt das ganze Jahr um gleich viele Grad kälter. Es verliert weniger Wärme, pumpt mehr, "
    "und manche Station bekommt in kalten Stunden zu wenig: Das zeigt die Rechnung des Netzes.",
    "en": "The network runs colder by the same number of degrees all year. It loses less heat, pumps more, "
    "and some substations get too little in cold hours: the network's simulation shows it.",
}
STAGE = 2
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    Parameter(
        "supply_c",
        {"de": "Vorlauf außerhalb der kältesten Zeit", "en": "Supply outside the coldest time"},
        70.0, "°C", 55.0, 90.0,
        source="our choice: what refurbished blocks and hot water by DVGW W 551 allow", is_estimate=True,
    ),
)  # fmt: skip


def apply(case: Case, *, supply_c: float = 70.0) -> Case:
    """The case whose network is supplied at `supply_c` outside the coldest time, as much colder in it too.

    The buildings' need does not change; losses, pumping and shortfalls do: `energy.network.simulate_network`.

    Raises
    ------
    CallError : a temperature out of range, or above today's.
    """
    base.check("supply_temperature", PARAMETERS, {"supply_c": supply_c})
    today = case.parameters.constant("supply_min_c")
    return case.replace(parameters=case.parameters.with_constants(lowered_k=max(today - supply_c, 0.0)))
