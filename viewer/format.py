"""Numbers as people of a language write them; see `twin.format`."""

from twin.format import day, number, percent, quantity

__all__ = ["day", "number", "percent", "quantity"]
