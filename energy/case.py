"""The case: what can be simulated. A measure takes a case and gives a case."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import archetypes, solar
from energy.parameters import Parameters
from energy.weather import Weather
from twin.district import District
from twin.errors import CallError


@dataclass(frozen=True, eq=False)
class Case:
    """A district, a weather and parameters; never changed in place.

    envelope : thermal description per building (see `energy.archetypes.fill`), filled where it is not given.
    """

    district: District
    weather: Weather
    parameters: Parameters = field(default_factory=Parameters.default)
    envelope: pd.DataFrame = None  # type: ignore[assignment]  # filled below, never None afterwards

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

    @cached_property
    def digest(self) -> str:
        """Content digest of what the results follow from: envelope, weather and parameters."""
        total = hashlib.sha256()
        total.update(pd.util.hash_pandas_object(self.envelope).to_numpy().tobytes())
        total.update(" ".join(self.envelope.columns).encode())
        total.update(self.weather.digest.encode())
        total.update(self.parameters.digest.encode())
        return total.hexdigest()

    @property
    def planes(self) -> npt.NDArray[np.float64]:
        """Irradiance on the planes of `energy.solar.PLANES`, unshaded, shape (time, 9). [W/m²]"""
        return solar.plane_irradiance(self.weather, self.parameters.constant("albedo"))

    def replace(self, **changes: Any) -> Case:
        """A case with some fields changed.

        A new district without a new envelope has its envelope filled anew; new parameters or a new weather
        leave the envelope, and the measures in it, as they are.
        """
        if "district" in changes and "envelope" not in changes:
            changes["envelope"] = None
        return replace(self, **changes)
