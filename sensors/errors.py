"""Errors of the sensors.

TwinError
├── StoreError         the database cannot be reached, is full, or is not one of this program's
├── ObservationError   a message or observation cannot be stored as it is
└── UnitError          a unit is unknown, or does not convert into the wanted one
"""

from __future__ import annotations

from twin.errors import TwinError


class StoreError(TwinError):
    """The database cannot be reached, is full, or is not one of this program's. Nothing was stored."""


class ObservationError(TwinError):
    """An observation cannot be stored as it is: no number, no such datastream, an impossible time."""


class UnitError(TwinError):
    """A unit is unknown, or does not convert into the wanted one."""
