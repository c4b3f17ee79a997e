"""What is measured, where and by what: the entities of OGC SensorThings 1.1 (18-088) that feeds describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
CATEGORY = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CategoryObservation"
TRUTH = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_TruthObservation"
ANYTHING = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Observation"

# Chooses symbol, wording and checks of a Thing.
Kind = Literal[
    "", "heat_meter", "electricity_meter", "pv_meter", "weather", "soil_moisture", "indoor_climate",
    "parking", "traffic", "air_quality", "level",
]  # fmt: skip


@dataclass(frozen=True)
class ObservedProperty:
    """A quantity; `definition` is a URI that identifies it."""

    name: str
    definition: str
    description: str = ""


@dataclass(frozen=True)
class Unit:
    """A unit of measurement; `ucum` is its UCUM code, empty where it has none."""

    name: str
    ucum: str

    @property
    def definition(self) -> str:
        return f"http://unitsofmeasure.org/ucum.html#{self.ucum}" if self.ucum else ""


@dataclass(frozen=True)
class StreamSpec:
    """A datastream as a feed describes it; `key` is unique within its feed."""

    key: str
    name: str
    property: ObservedProperty
    unit: Unit
    sensor: str = "unknown"
    observation_type: str = MEASUREMENT
    description: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ThingSpec:
    """A thing as a feed describes it; `source` and `key` together are unique.

    location : GeoJSON geometry in WGS84; None: not known.
    building_id, tree_id, street : what of the twin it belongs to.
    public : whether residents may see it.
    simulated : whether its values come from a model; said wherever they show.
    """

    source: str
    key: str
    name: str
    kind: Kind = ""
    description: str = ""
    location: Mapping[str, Any] | None = None
    building_id: str | None = None
    tree_id: str | None = None
    street: str | None = None
    public: bool = False
    simulated: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    streams: tuple[StreamSpec, ...] = ()


@dataclass(frozen=True)
class NewObservation:
    """An observation to store.

    phenomenon_time, phenomenon_end, result_time : microseconds since 1970 in UTC.
    result : a finite number, text, truth value or structure.
    source_key : the source's own id of this observation; a second one of the same datastream is a duplicate.
    """

    datastream_id: int
    phenomenon_time: int
    result: Any
    phenomenon_end: int | None = None
    result_time: int | None = None
    valid_start: int | None = None
    valid_end: int | None = None
    feature_id: int | None = None
    parameters: Mapping[str, Any] | None = None
    result_quality: Any = None
    flag: int = 2
    source_key: str | None = None
