"""The district model: geodata of a district in one set of tables. Imports nothing else of ours.

What stands here is loaded when it is first asked for: the libraries behind it take seconds, which a command
line's help or a feed that needs no district should not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.district import District
    from twin.district import open_district as open
    from twin.errors import CallError, DistrictError, SchemaError, SourceError, TwinError

__all__ = ["CallError", "District", "DistrictError", "SchemaError", "SourceError", "TwinError", "open"]

_PLACES = {"District": ("twin.district", "District"), "open": ("twin.district", "open_district")}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    module, attribute = _PLACES.get(name, ("twin.errors", name))
    found = getattr(importlib.import_module(module), attribute)
    globals()[name] = found
    return found
