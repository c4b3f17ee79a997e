"""The store of observations and of what they belong to."""

from sensors.store.observations import Stored
from sensors.store.store import Store

__all__ = ["Store", "Stored"]
