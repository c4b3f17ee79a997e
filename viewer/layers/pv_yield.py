"""What the sun on the roofs could yield: roofs by the yield of modules on them."""

from __future__ import annotations

from energy import roof_potential
from viewer.layers.base import Layer, View, continuous, per_building

TITLE = "pv_yield"


def spec(view: View) -> Layer:
    """Electricity per peak power of all modules that fit on the roofs (public: per group), kWh/(kWp a)."""
    potential = roof_potential.of_case(view.case).reindex(view.district.buildings.index)
    total = per_building(view, potential["annual_yield_kwh"])
    peak = per_building(view, potential["peak_power_kwp"])
    share = total / peak.where(peak > 0)
    return continuous(
        view, TITLE, share, limits_of=share, scale="viridis", zero=False, weights=peak.fillna(0.0)
    )
