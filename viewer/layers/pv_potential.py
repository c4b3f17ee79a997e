"""How much electricity modules on the roofs could make."""

from __future__ import annotations

from energy import roof_potential
from viewer.layers.base import Layer, View, continuous, per_building

TITLE = "pv_potential"


def spec(view: View) -> Layer:
    """Electricity of all modules that fit on the roofs per building (public: per group), MWh/a."""
    potential = roof_potential.of_case(view.case).reindex(view.district.buildings.index)
    total = per_building(view, potential["annual_yield_kwh"]) / 1000
    return continuous(view, TITLE, total, limits_of=total, scale="viridis")
