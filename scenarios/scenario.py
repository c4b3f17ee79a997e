"""A scenario: a name and ordered measures, from YAML or Python, by one schema."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import shapely
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from energy import Case
from scenarios.measures import MEASURES
from twin.errors import CallError, SourceError

VERSION = 1


class Range(BaseModel):
    """Values from `min` to `max`, both included; an open end where one is absent."""

    model_config = ConfigDict(extra="forbid")
    min: float | None = None
    max: float | None = None


class Targets(BaseModel):
    """Which buildings: all that fulfil every condition given.

    where : column of the table buildings → a value, a list of values, or a range.
    """

    model_config = ConfigDict(extra="forbid")
    buildings: list[str] | None = None
    blocks: list[str] | None = None
    where: dict[str, str | float | bool | list[str | float] | Range] = Field(default_factory=dict)
    area: dict[str, Any] | None = Field(default=None, description="GeoJSON polygon, EPSG:25832")

    def ids(self, case: Case) -> pd.Index:
        """The ids of the buildings meant.

        Raises
        ------
        CallError : a column, building or block that does not exist.
        """
        table = case.district.buildings
        keep = pd.Series(True, index=table.index)
        if self.buildings is not None:
            _must_exist(self.buildings, table.index, "building")
            keep &= table.index.isin(self.buildings)
        if self.blocks is not None:
            _must_exist(self.blocks, case.district.blocks.index, "block")
            keep &= table["block_id"].isin(self.blocks)
        for column, wanted in self.where.items():
            if column not in table.columns:
                raise CallError(
                    f"there is no column {column!r}",
                    "targets",
                    "See twin/schema/buildings.csv for the columns",
                )
            keep &= _fulfils(table[column], wanted)
        if self.area is not None:
            inside = shapely.intersects(_polygon(self.area), table.geometry.representative_point().to_numpy())
            keep &= inside
        chosen: pd.Index = table.index[keep.to_numpy(bool)]
        return chosen


class Step(BaseModel):
    """One measure with its targets and parameters."""

    model_config = ConfigDict(extra="forbid")
    measure: str
    targets: Targets = Field(default_factory=Targets)
    parameters: dict[str, Any] = Field(default_factory=dict)

    def apply(self, case: Case) -> Case:
        """The case after this measure."""
        if self.measure not in MEASURES:
            raise CallError(f"there is no measure {self.measure!r}", "scenario", f"Use {', '.join(MEASURES)}")
        buildings = None if self.targets == Targets() else self.targets.ids(case)
        try:
            after: Case = MEASURES[self.measure].apply(case, buildings=buildings, **self.parameters)
        except TypeError as error:  # a parameter that the measure does not have
            raise CallError(str(error), f"measure {self.measure}", "See the measure's description") from None
        return after


Text = dict[Literal["de", "en"], str]


class Scenario(BaseModel):
    """Ordered measures on a case; `measures` may hold any callable Case → Case beside steps."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text = Field(default_factory=dict)
    description: Text = Field(default_factory=dict)
    measures: list[Step | Callable[[Case], Case]] = Field(default_factory=list)

    def apply(self, case: Case) -> Case:
        """The case after all measures, in order."""
        for measure in self.measures:
            case = measure.apply(case) if isinstance(measure, Step) else measure(case)
        return case


BASELINE = Scenario(name="baseline", title={"de": "Bestand", "en": "As is"})


def load(place: str | Path) -> Scenario:
    """Read a scenario from a YAML file; ``library/…`` names a shipped one.

    Raises
    ------
    SourceError : no such file, not YAML, or not a scenario; the message names the entry.
    """
    path = Path(place)
    shipped = files("scenarios") / str(place)
    if not path.is_file() and str(place).startswith("library/") and shipped.is_file():
        text = shipped.read_text("utf-8")
    elif path.is_file():
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"cannot be read: {error}", path, "Save it as UTF-8 text") from None
    else:
        names = sorted(f"library/{f.name}" for f in (files("scenarios") / "library").iterdir())
        raise SourceError("there is no such scenario", path, f"Shipped are {', '.join(names)}")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"not YAML: {error}", path, "Correct the line named") from None
    if not isinstance(content, dict):
        raise SourceError("holds no scenario", path, "Write at least `name:` and `measures:`")
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SourceError(f"{first['msg']} at {where}", path, "Correct this entry") from None


def _must_exist(wanted: list[str], known: pd.Index, kind: str) -> None:
    if lost := [name for name in wanted if name not in known]:
        raise CallError(
            f"there is no {kind} {lost[0]!r}", "targets", f"{len(lost)} of {len(wanted)} are unknown"
        )


def _fulfils(column: pd.Series, wanted: Any) -> pd.Series:
    if isinstance(wanted, Range):
        low = column >= wanted.min if wanted.min is not None else column.notna()
        return low & (column <= wanted.max) if wanted.max is not None else low
    values = wanted if isinstance(wanted, list) else [wanted]
    return column.isin(values)


def _polygon(area: dict[str, Any]) -> shapely.Geometry:
    try:
        polygon = shapely.geometry.shape(area)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise CallError(
            f"area is no GeoJSON polygon: {error}", "targets", "Use type and coordinates"
        ) from None
    if polygon.geom_type not in ("Polygon", "MultiPolygon"):
        raise CallError(f"area is a {polygon.geom_type}", "targets", "Draw a polygon")
    return polygon
