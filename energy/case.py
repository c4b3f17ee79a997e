"""The case: what can be simulated. A measure takes a case and gives a case."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import archetypes, grid_exchange, heat_balance, pv_potential, room_sun, solar, window_sun
from energy.blocks import Blocks
from energy.columns import Columns, columns
from energy.parameters import Parameters
from energy.weather import Weather
from energy.window_glass import Glass
from twin.compute import Same
from twin.district import District
from twin.errors import CallError
from twin.sources.base import Progress
from twin.visibility import Visibility, default_folder, of_district


@dataclass(frozen=True, eq=False)
class Case:
    """A district, a weather and parameters; never changed in place.

    envelope : thermal description per building (see `energy.archetypes.fill`), filled where it is not given.
    pv : photovoltaic systems (columns of `energy.pv_potential.potential`); those of the district where not
        given.
    shading : "rays": windows and modules get the sun that neighbours, trees and terrain leave
        (`twin.visibility`); "tabula": open facades and TABULA's flat factor, without a look at the geometry.
    """

    district: District
    weather: Weather
    parameters: Parameters = field(default_factory=Parameters.default)
    envelope: pd.DataFrame = None  # type: ignore[assignment]  # filled below, never None afterwards
    pv: pd.DataFrame = None  # type: ignore[assignment]  # likewise
    shading: Literal["rays", "tabula"] = "rays"

    def __post_init__(self) -> None:
        given: object = self.envelope
        if given is None:
            filled = archetypes.fill(self.district, self.parameters)
            object.__setattr__(self, "envelope", filled)
        elif not self.envelope.index.equals(self.district.buildings.index):
            raise CallError(
                "the envelope lists other buildings than the district",
                self.district.name,
                "Use case.replace(district=…) without an envelope to fill it anew",
            )

        systems: object = self.pv
        if systems is None:
            systems = pv_potential.with_given(pv_potential.nothing(), self.district.pv)
            object.__setattr__(self, "pv", systems)

    @cached_property
    def columns(self) -> Columns:
        """The envelope's figures that the chain takes, as arrays; none is missing or negative.

        Raises
        ------
        CallError : names the building and the column.
        """
        return chain_columns(self.envelope, self.parameters)

    @cached_property
    def digest(self) -> str:
        """Content digest of what the results follow from: envelope, systems, sun, weather and parameters."""
        total = hashlib.sha256()
        for table in (self.envelope, self.pv):
            counted = table[[name for name in table.columns if not name.endswith("_source")]]
            total.update(pd.util.hash_pandas_object(counted).to_numpy().tobytes())
            total.update(" ".join(counted.columns).encode())
        total.update((self.visibility.key if self.shading == "rays" else self.shading).encode())
        total.update(self.weather.digest.encode())
        total.update(self.parameters.digest.encode())
        return total.hexdigest()

    @property
    def planes(self) -> npt.NDArray[np.float64]:
        """Irradiance on the planes of `energy.solar.PLANES`, unshaded, shape (time, 9). [W/m²]"""
        return solar.plane_irradiance(self.weather, self.parameters.constant("albedo"))

    @property
    def room_sun(self) -> room_sun.OpenSun:
        """The sun on the critical rooms (`energy.rooms`), shaded as windows are."""
        if self.shading == "tabula":
            return room_sun.OpenSun(self.planes)
        albedo = self.parameters.constant("albedo")
        return room_sun.ShadedSun(self.planes, self.weather, albedo, self.district, self.envelope)

    @property
    def visibility(self) -> Visibility:
        """What the district's surfaces see, computed at first use and kept (`twin.visibility`)."""
        return _visibility(Same(self.district))

    def look(self, progress: Progress) -> None:
        """Compute `visibility` now, where shading needs it: it takes seconds the first time."""
        if self.shading == "rays":
            of_district(self.district, cache=default_folder(), progress=progress)

    @property
    def pv_power(self) -> grid_exchange.PvPower:
        """The photovoltaic systems' power by building, computed at first use and kept."""
        rays = self.shading == "rays"
        parameters = self.parameters.part("pv", "constants")
        return _pv_power(Same(self.pv), Same(self.district), rays, self.weather, parameters)

    def has_systems(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Whether the buildings `rows` of the envelope carry modules."""
        return self.pv_power.has_systems(rows) if len(self.pv) else np.zeros(len(rows), bool)

    def window_sun(
        self, rows: npt.NDArray[np.intp], solar_area_m2: npt.NDArray[Any], glass: Glass | None = None
    ) -> Blocks:
        """Irradiance on the windows of buildings, in the kernel's blocks.

        rows : of the buildings in the envelope.
        solar_area_m2 : their collecting areas by plane, shape (building, 9); with rays the exposed walls
            weigh instead.
        glass : of the windows: the sun counts as it lets it in by its angle, over g.
        """
        albedo = self.parameters.constant("albedo")
        if self.shading == "rays":
            return window_sun.from_walls(self.weather, self.district, self.visibility, albedo, rows, glass)
        if glass is None:
            return window_sun.from_planes(self.planes, solar_area_m2)
        return window_sun.glazed_planes(self.weather, albedo, solar_area_m2, glass)

    def replace(self, **changes: Any) -> Case:
        """A case with some fields changed.

        A new district without a new envelope or systems has them filled anew; new parameters or a new weather
        leave them, and the measures in them, as they are.
        """
        if "district" in changes:
            changes = {"envelope": None, "pv": None, **changes}
        return replace(self, **changes)


def chain_columns(envelope: pd.DataFrame, parameters: Parameters) -> Columns:
    """What the chain takes of an envelope; the figures of heated buildings are checked."""
    taken = columns(envelope, heat_balance.COLUMNS, parameters)
    plants = _has_plant(Same(parameters.systems), Same(parameters.plants))
    if (lost := np.flatnonzero((taken.heating < 0) | ~plants[taken.heating])).size:
        raise CallError(
            f"there is no heat supply {envelope['heating'].iloc[lost[0]]!r}",
            f"building {envelope.index[lost[0]]}",
            f"Use {', '.join(parameters.systems.index[plants])}",
        )
    heat_balance.check(taken, envelope.index)
    return taken


@lru_cache(maxsize=16)
def _has_plant(systems: Same[pd.DataFrame], plants: Same[pd.DataFrame]) -> npt.NDArray[np.bool_]:
    """Whether each heat supply of the table systems stands in the table plants."""
    return np.asarray(systems.it.index.isin(plants.it.index))


@lru_cache(maxsize=4)
def _visibility(district: Same[District]) -> Visibility:
    return of_district(district.it, cache=default_folder())


@lru_cache(maxsize=8)
def _pv_power(
    pv: Same[pd.DataFrame], district: Same[District], rays: bool, weather: Weather, parameters: Parameters
) -> grid_exchange.PvPower:
    """Kept beyond a case: measures on buildings leave it."""
    index = district.it.buildings.index
    look = (lambda: _visibility(district)) if rays else (lambda: None)
    return grid_exchange.PvPower(pv.it, index, weather, parameters, look)
