"""Storeys above the ground."""

from viewer.layers.base import Layer, View, continuous

TITLE = "storeys"


def spec(view: View) -> Layer:
    """Storeys above the ground per building."""
    storeys = view.district.buildings["storeys_above_ground"]
    return continuous(view, TITLE, storeys, limits_of=storeys, scale="cividis", energy=False)
