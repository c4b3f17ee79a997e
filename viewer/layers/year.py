"""Year of construction."""

from viewer.layers.base import Layer, View, continuous

TITLE = "year"


def spec(view: View) -> Layer:
    """Year of construction per building."""
    years = view.district.buildings["year_of_construction"]
    return continuous(view, TITLE, years, limits_of=years, scale="viridis", zero=False, energy=False)
