"""Protocols: each module reads one kind of source into the store. One module, one line here.

`sensors.ingest.run` takes further ones from its caller, so that a protocol which needs more than this package
may import (weather, models) is added where both are known.
"""

from sensors.protocols import mqtt, sensorthings
from sensors.protocols.base import Counters, Feed, FeedError, FeedOptions, Module

__all__ = ["PROTOCOLS", "Counters", "Feed", "FeedError", "FeedOptions", "Module"]

PROTOCOLS: dict[str, Module] = {"mqtt": mqtt, "sensorthings": sensorthings}
