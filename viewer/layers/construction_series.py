"""Series of industrial housing."""

from viewer.layers.base import Layer, View, classes

TITLE = "construction_series"


def spec(view: View) -> Layer:
    """Series of industrial housing per building, such as WBS 70."""
    return classes(view, TITLE, view.district.buildings["construction_series"])
