"""The district model: geodata of a district in one set of tables. Imports nothing else of ours."""

from twin.district import District
from twin.district import open_district as open
from twin.errors import CallError, DistrictError, SchemaError, SourceError, TwinError

__all__ = ["CallError", "District", "DistrictError", "SchemaError", "SourceError", "TwinError", "open"]
