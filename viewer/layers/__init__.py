"""The map's layers: functions `View → Layer`, one module by subject; one line here lists each."""

from collections.abc import Callable

from twin.district import District
from viewer.layers import (
    co2,
    construction_series,
    difference,
    electricity,
    function,
    hazards,
    heating_need,
    heating_need_per_area,
    network,
    overheating,
    pv_potential,
    pv_yield,
    saving,
    storeys,
    year,
)
from viewer.layers.base import Category, Layer, View

NETWORK: dict[str, Callable[[View], Layer]] = {
    "network_supply": network.supply,
    "network_flow": network.flow,
    "network_short": network.short,
}
LAYERS: dict[str, Callable[[View], Layer]] = {
    heating_need_per_area.TITLE: heating_need_per_area.spec,
    heating_need.TITLE: heating_need.spec,
    saving.TITLE: saving.spec,
    electricity.TITLE: electricity.spec,
    co2.TITLE: co2.spec,
    **difference.DIFFERENCE,
    pv_yield.TITLE: pv_yield.spec,
    pv_potential.TITLE: pv_potential.spec,
    overheating.TITLE: overheating.spec,
    **NETWORK,
    year.TITLE: year.spec,
    construction_series.TITLE: construction_series.spec,
    storeys.TITLE: storeys.spec,
    function.TITLE: function.spec,
    hazards.FLOOD: hazards.flood,
    hazards.NOISE: hazards.noise,
}

# The way of the pipes is not for everybody, as they carry a district's heat; a room's summer is its people's.
SECOND_STAGE = (*NETWORK, overheating.TITLE)
MANAGERS_ONLY = (*SECOND_STAGE, *difference.DIFFERENCE)
PUBLIC = tuple(name for name in LAYERS if name not in MANAGERS_ONLY)


def of(district: District, *, public: bool = False) -> tuple[str, ...]:
    """The layers that have something to show of a district, in the menu's order."""
    held = hazards.held(district)
    names = PUBLIC if public else tuple(LAYERS)
    return tuple(name for name in names if name not in (hazards.FLOOD, hazards.NOISE) or name in held)


__all__ = ["LAYERS", "MANAGERS_ONLY", "NETWORK", "PUBLIC", "SECOND_STAGE", "Category", "Layer", "View", "of"]
