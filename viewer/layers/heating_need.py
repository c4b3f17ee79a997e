"""Heating need of the year."""

from viewer.layers.base import Layer, View, continuous, per_building

TITLE = "heating_need"


def spec(view: View) -> Layer:
    """Heating need per building (public: per group), MWh/a."""
    return continuous(
        view,
        TITLE,
        per_building(view, view.results["heating_need_kwh"]) / 1000,
        limits_of=per_building(view, view.baseline["heating_need_kwh"]) / 1000,
        scale="heat",
    )
