"""Heating need of the year per reference floor area."""

from viewer.layers.base import Layer, View, continuous, per_area

TITLE = "heating_need_per_area"


def spec(view: View) -> Layer:
    """Heating need per building (public: per group), kWh/(m²a)."""
    return continuous(
        view,
        TITLE,
        per_area(view, view.results["heating_need_kwh"]),
        limits_of=per_area(view, view.baseline["heating_need_kwh"]),
        scale="heat",
        weights=view.area_m2,
    )
