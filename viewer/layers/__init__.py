"""The map's layers: one module each with `TITLE` and `spec(view) → Layer`; one line here lists it."""

from collections.abc import Callable

from viewer.layers import (
    co2,
    construction_series,
    electricity,
    function,
    heating_need,
    heating_need_per_area,
    pv_potential,
    pv_yield,
    saving,
    storeys,
    year,
)
from viewer.layers.base import Category, Layer, View

LAYERS: dict[str, Callable[[View], Layer]] = {
    heating_need_per_area.TITLE: heating_need_per_area.spec,
    heating_need.TITLE: heating_need.spec,
    saving.TITLE: saving.spec,
    electricity.TITLE: electricity.spec,
    co2.TITLE: co2.spec,
    pv_yield.TITLE: pv_yield.spec,
    pv_potential.TITLE: pv_potential.spec,
    year.TITLE: year.spec,
    construction_series.TITLE: construction_series.spec,
    storeys.TITLE: storeys.spec,
    function.TITLE: function.spec,
}

__all__ = ["LAYERS", "Category", "Layer", "View"]
