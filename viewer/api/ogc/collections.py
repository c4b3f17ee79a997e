"""What the service offers: a released table with its columns' meaning, licence, extent and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import schema
from twin.district import District
from twin.exports import values
from twin.sources.base import Provenance
from viewer import privacy, texts
from viewer.api.ogc import crs as systems
from viewer.api.ogc.crs import CRS84, Crs
from viewer.privacy import Released

_YEARS = {"buildings": "year_of_construction", "blocks": "year_of_construction", "trees": "planting_year"}
FIRST_YEAR, LAST_YEAR = 1, 9999


@dataclass(frozen=True)
class Property:
    """A property of features. kind : str, float, count or bool."""

    name: str
    kind: str
    unit: str = ""
    meaning: str = ""
    labels: Mapping[str, str] | None = None

    def label(self, language: str) -> str:
        return (self.labels or {}).get(texts.base(language)) or self.name


@dataclass(frozen=True, eq=False)
class Collection:
    """A collection of features.

    year : the property whose year a feature begins in and from then on is; empty: it knows no time.
    """

    released: Released
    properties: tuple[Property, ...]
    provenance: tuple[Provenance, ...]
    year: str = ""

    @property
    def id(self) -> str:
        return self.released.name

    @property
    def table(self) -> gpd.GeoDataFrame:
        return self.released.table

    @cached_property
    def ids(self) -> NDArray[np.object_]:
        """The features' ids as text, in the table's order."""
        return np.array([str(name) for name in self.table.index], object)

    @cached_property
    def known(self) -> Mapping[str, Property]:
        return {one.name: one for one in self.properties}

    @cached_property
    def _projected(self) -> dict[str, NDArray[np.object_]]:
        return {}

    def shapes(self, crs: Crs) -> NDArray[np.object_]:
        """All geometries in `crs`, easting first; computed once."""
        if crs.uri not in self._projected:
            self._projected[crs.uri] = systems.projected(self.table.geometry, crs)
        return self._projected[crs.uri]

    def title(self, language: str) -> str:
        return texts.text(language, f"api.collection_{self.id}")

    def description(self, language: str) -> str:
        return texts.text(language, f"api.about_{self.id}")

    @cached_property
    def bbox(self) -> list[float] | None:
        """West, south, east, north in degrees; None: there are no features."""
        bounds = shapely.total_bounds(self.shapes(CRS84))
        return [round(float(edge), 7) for edge in bounds] if np.isfinite(bounds).all() else None

    @cached_property
    def first_year(self) -> int | None:
        """Of the oldest feature that says when it began."""
        years = self.table[self.year].dropna() if self.year and self.year in self.table else []
        return int(min(years)) if len(years) else None

    @cached_property
    def _published(self) -> dict[str, tuple[NDArray[Any], NDArray[np.bool_]]]:
        return {}

    def published(self, name: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """All values of a property as answers give them, and where there is none; computed once.

        Where there is none, the values are "", 0 or False.
        """
        if name not in self._published:
            known = self.known[name]
            listed = plain(self.table[name], known)
            dtype, nothing = _COLUMNS[known.kind]
            missing = np.array([value is None for value in listed], bool)
            values: NDArray[Any] = np.array([nothing if value is None else value for value in listed], dtype)
            self._published[name] = values, missing
        return self._published[name]


def collections(district: District, groups: Released) -> dict[str, Collection]:
    """The collections of a district, by id; tables without rows are left out.

    groups : sums of the energy results over whole privacy groups.
    """
    found = {
        name: Collection(table, _of_schema(name, table), _provenance(district, name), _YEARS.get(name, ""))
        for name, table in privacy.released(district).items()
        if len(table.table) and name != "surfaces"  # solids: see the 3D formats
    }
    found[groups.name] = modelled(district, groups)
    return found


def records(found: Iterable[Collection]) -> list[Provenance]:
    """Where all that is in the collections comes from."""
    return list(dict.fromkeys(record for one in found for record in one.provenance))


def modelled(district: District, groups: Released) -> Collection:
    """Sums of the model's results over whole privacy groups."""
    origin = ", ".join(dict.fromkeys(p.licence for p in _provenance(district, "buildings")))
    record = Provenance(
        "modelled_values", "Lobeda twin: ISO 13790, hourly, typical weather", "computed",
        origin or "unknown", " · ".join(dict.fromkeys(
            p.attribution for p in _provenance(district, "buildings") if p.attribution
        )),
        changes="modelled, not measured; summed over five or more dwellings or meters",
    )  # fmt: skip
    return Collection(groups, _described(groups, privacy.GROUP_COLUMNS), (record,))


def sensors(things: Released, district: District) -> Collection:
    """Where public sensors are; their licence is what the district's provenance says of a table `sensors`."""
    known = _provenance(district, "sensors")
    record = Provenance("sensors", "sensors of the district", "/api/sensorthings/v1.1", "unknown")
    return Collection(things, _described(things, privacy.THING_COLUMNS), known or (record,))


_COLUMNS: Mapping[str, tuple[type, object]] = {
    "str": (object, ""), "float": (float, 0.0), "count": (float, 0), "bool": (bool, False),
}  # fmt: skip
"""Type of a kind's values, and what stands for none."""


def plain(column: pd.Series[Any], known: Property) -> list[Any]:
    """Values as answers give them; what is missing is None."""
    if known.kind == "bool":
        return [None if pd.isna(value) else bool(value) for value in column]
    if known.kind in ("float", "count"):
        numbers = column.to_numpy("float64", na_value=np.nan).tolist()
        if known.kind == "count":
            return [int(value) if np.isfinite(value) else None for value in numbers]
        return [round(value, 3) if np.isfinite(value) else None for value in numbers]
    return [None if pd.isna(value) else str(value) for value in column]


_KINDS = {"buildings": "count", "dwellings": "count", "simulated": "bool",
          "a_use_m2": "float", "heating_need_kwh": "float", "co2_kg": "float"}  # fmt: skip
_UNITS = {"a_use_m2": "m²", "heating_need_kwh": "kWh/a", "co2_kg": "kg/a"}


def _described(table: Released, names: Sequence[str]) -> tuple[Property, ...]:
    return tuple(
        Property(
            name, _KINDS.get(name, "str"), _UNITS.get(name, ""), texts.text("en", f"api.column_{name}"),
            {code: texts.text(code, f"api.column_{name}") for code in texts.languages()},
        )
        for name in names
        if name in table.table
    )  # fmt: skip


def _of_schema(name: str, table: Released) -> tuple[Property, ...]:
    known = schema.columns(name)
    return tuple(
        Property(c.column, c.dtype, c.unit, c.meaning, {"de": c.label_de, "en": c.label_en})
        for c in known.values()
        if c.column in table.table and not c.is_geometry
    )


def _provenance(district: District, name: str) -> tuple[Provenance, ...]:
    return values.origin(privacy.released_provenance(district), name)
