"""CO2 of the year per reference floor area."""

from viewer.layers.base import Layer, View, continuous, per_area

TITLE = "co2"


def spec(view: View) -> Layer:
    """CO2 of the energy delivered per building (public: per group), kg/(m²a)."""
    return continuous(
        view,
        TITLE,
        per_area(view, view.results["co2_kg"]),
        limits_of=per_area(view, view.baseline["co2_kg"]),
        scale="viridis",
        digits=1,
        weights=view.area_m2,
    )
