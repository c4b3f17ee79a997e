"""Electricity of appliances and lighting in the year per reference floor area."""

from viewer.layers.base import Layer, View, continuous, per_area

TITLE = "electricity"


def spec(view: View) -> Layer:
    """Electricity use per building (public: per group), kWh/(m²a)."""
    return continuous(
        view,
        TITLE,
        per_area(view, view.results["electricity_use_kwh"]),
        limits_of=per_area(view, view.baseline["electricity_use_kwh"]),
        scale="viridis",
        weights=view.area_m2,
    )
