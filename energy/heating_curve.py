"""Flow and return temperature of the heating by outdoor temperature: the weather-compensated heating curve.

An emitter gives heat as the n-th power of its mean excess temperature over the room (EN 442: n about 1.3 for
radiators, 1.1 for heated floors). At the design's constant flow of water the spread falls in proportion to
the load, so that with the load β over the design's load

    θ_flow = θ_room + Δθ_m β^(1/n) + β (θ_V − θ_R) / 2,   θ_return = θ_room + Δθ_m β^(1/n) − β (θ_V − θ_R) / 2

with Δθ_m the mean excess temperature of the design (arithmetic mean).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


class Temperatures(NamedTuple):
    """Flow and return. [°C]"""

    flow_c: Array
    return_c: Array


def load_share(temp_air: Array, room_c: float, design_outdoor_c: float) -> Array:
    """Heating load over the design's, β; 0 from the room's temperature on, above 1 in colder hours. [-]"""
    return np.asarray(np.maximum(room_c - np.asarray(temp_air), 0.0) / (room_c - design_outdoor_c))


def heating_curve(
    share: Array, flow_design_c: Array, return_design_c: Array, exponent: Array, room_c: float
) -> Temperatures:
    """Flow and return temperature at a load; all arrays broadcast.

    Parameters
    ----------
    share : load over the design's load, β. [-]
    flow_design_c, return_design_c : temperatures of the design. [°C]
    exponent : of the emitters, n. [-]
    """
    excess = 0.5 * (np.asarray(flow_design_c) + return_design_c) - room_c
    mean = room_c + excess * np.asarray(share) ** (1 / np.asarray(exponent))
    half = 0.5 * np.asarray(share) * (np.asarray(flow_design_c) - return_design_c)
    return Temperatures(np.asarray(mean + half), np.asarray(mean - half))
