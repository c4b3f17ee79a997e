"""The map's layers: one module each with `TITLE` and `spec(view) → Layer`; one line here lists it."""

from collections.abc import Callable

from viewer.layers import (
    co2,
    construction_series,
    function,
    heating_need,
    heating_need_per_area,
    saving,
    storeys,
    year,
)
from viewer.layers.base import Category, Layer, View

LAYERS: dict[str, Callable[[View], Layer]] = {
    heating_need_per_area.TITLE: heating_need_per_area.spec,
    heating_need.TITLE: heating_need.spec,
    saving.TITLE: saving.spec,
    co2.TITLE: co2.spec,
    year.TITLE: year.spec,
    construction_series.TITLE: construction_series.spec,
    storeys.TITLE: storeys.spec,
    function.TITLE: function.spec,
}

__all__ = ["LAYERS", "Category", "Layer", "View"]
