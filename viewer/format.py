"""Numbers as people of a language write them; see `twin.format`."""

from twin.format import number, percent, quantity

__all__ = ["number", "percent", "quantity"]
