"""Use of the building."""

from viewer.layers.base import Layer, View, classes

TITLE = "function"


def spec(view: View) -> Layer:
    """Use class per building."""
    return classes(view, TITLE, view.district.buildings["function"], section="function")
