"""Buildings as elements of layers for a node model: what encloses them and what is within.

Every outer element carries the building's U-value with its share of the thermal bridges, so that steady
losses are those of the simple hourly method; slabs between storeys and inner walls are inner masses, both
sides facing the zone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import constructions
from energy.constructions import INSULATION_W_MK, Layers
from energy.envelope_areas import WALL_COLUMNS, WINDOW_COLUMNS
from energy.heat_balance import effective_u
from energy.parameters import Parameters
from energy.solar import SECTOR_WIDTH_DEG, SECTORS

Array = npt.NDArray[np.floating[Any]]
Boundary = Literal["outside", "adjusted", "adiabatic"]
_NEARLY = 0.97
_U_STEP = 1e-4  # U-values closer than this share their layers


@dataclass(frozen=True, eq=False)
class Slot:
    """One kind of element of all buildings.

    boundary : "outside" with sun and wind; "adjusted": the outdoor temperature by the factor `b` (cellar,
        ground, unheated neighbour), no sun; "adiabatic".
    tilt_deg, azimuth_deg : of the outer side; azimuth clockwise from north.
    area_m2, b : shape (building,). [m²], [-]
    construction : number of the construction, shape (building,); −1 without area.
    """

    name: str
    boundary: Boundary
    tilt_deg: float
    azimuth_deg: float
    area_m2: Array
    b: Array
    construction: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Elements:
    """The opaque elements and windows of buildings.

    layers : constructions, outside to inside, numbered as `Slot.construction` counts them.
    window_area_m2 : shape (building, 8), sectors as `energy.solar.SECTORS`. [m²]
    u_window_w_m2k, g_window : of the whole window, thermal bridges included; shape (building,).
    """

    slots: tuple[Slot, ...]
    layers: tuple[Layers, ...]
    window_area_m2: Array
    u_window_w_m2k: Array
    g_window: Array


@dataclass
class _Catalogue:
    """Constructions met so far, each once."""

    parameters: Parameters
    known: dict[tuple[str, str, int], int] = field(default_factory=dict)
    layers: list[Layers] = field(default_factory=list)

    def add(
        self, names: npt.ArrayLike, kind: str, numbers: Array, make: Callable[[str, float], Layers]
    ) -> Any:
        """Numbers of the constructions `names` with the figure `numbers` (U-value), shape (building,)."""
        steps = np.round(numbers / _U_STEP).astype(np.int64)
        keys = list(zip(np.asarray(names, "object"), steps, strict=True))
        for name, step in dict.fromkeys(keys):
            if (name, kind, int(step)) not in self.known:
                self.known[(name, kind, int(step))] = len(self.layers)
                self.layers.append(make(str(name), float(step) * _U_STEP))
        return np.array([self.known[(name, kind, int(step))] for name, step in keys], np.intp)


def elements(envelope: pd.DataFrame, parameters: Parameters) -> Elements:
    """The elements of the buildings of `envelope`."""
    fabric = parameters.fabrics.loc[envelope["fabric"]]
    catalogue = _Catalogue(parameters)
    bridges = _column(envelope, "delta_u_thermal_bridge_w_m2k")
    slots = [
        *_walls(envelope, fabric, bridges, catalogue),
        _roof(envelope, fabric, bridges, catalogue),
        _floor(envelope, fabric, bridges, catalogue),
        _door(envelope, bridges, catalogue),
        _party(envelope, fabric, catalogue),
        *_inner(envelope, fabric, catalogue),
    ]
    return Elements(
        slots=tuple(slots),
        layers=tuple(catalogue.layers),
        window_area_m2=envelope[list(WINDOW_COLUMNS)].to_numpy("float64"),
        u_window_w_m2k=_column(envelope, "u_window_w_m2k") + bridges,
        g_window=_column(envelope, "g_window"),
    )


def _column(envelope: pd.DataFrame, name: str) -> Array:
    return envelope[name].to_numpy("float64")


def _fitted(
    names: pd.Series[str], u_value: Array, component: str, catalogue: _Catalogue
) -> npt.NDArray[np.intp]:
    def make(name: str, u: float) -> Layers:
        parameters = catalogue.parameters
        return constructions.fit(constructions.layers(name, parameters), u, component, parameters)

    # With thermal bridges on top, a bare sheet's U-value may pass what its surfaces let through.
    most = _NEARLY / (constructions.R_INSIDE[component] + constructions.R_OUTSIDE)
    u_value = np.minimum(u_value, most)
    numbers: npt.NDArray[np.intp] = catalogue.add(names.to_numpy("object"), component, u_value, make)
    return numbers


def _walls(envelope: pd.DataFrame, fabric: pd.DataFrame, bridges: Array, catalogue: _Catalogue) -> list[Slot]:
    one = np.ones(len(envelope))
    number = _fitted(fabric["wall"], _column(envelope, "u_wall_w_m2k") + bridges, "wall", catalogue)
    return [
        Slot(f"wall_{sector}", "outside", 90.0, side * SECTOR_WIDTH_DEG, _column(envelope, name), one, number)
        for side, (sector, name) in enumerate(zip(SECTORS, WALL_COLUMNS, strict=True))
    ]


def _roof(envelope: pd.DataFrame, fabric: pd.DataFrame, bridges: Array, catalogue: _Catalogue) -> Slot:
    """Flat: the model has no roof faces by orientation. A loft above counts as resistance, as in TABULA."""
    u = effective_u(_column(envelope, "u_roof_w_m2k"), _column(envelope, "r_unheated_roof_m2k_w"))
    b = _column(envelope, "b_roof")
    names = fabric["roof_pitched"].where(envelope["pitched_roof"].to_numpy(bool), fabric["roof_flat"])
    number = _fitted(names, b * u + bridges, "roof", catalogue)
    return Slot("roof", "outside", 0.0, 180.0, _column(envelope, "roof_area_m2"), np.ones(len(b)), number)


def _floor(envelope: pd.DataFrame, fabric: pd.DataFrame, bridges: Array, catalogue: _Catalogue) -> Slot:
    u = effective_u(_column(envelope, "u_floor_w_m2k"), _column(envelope, "r_unheated_floor_m2k_w"))
    b = _column(envelope, "b_floor")
    # The supplement meets the whole temperature difference, the floor only the share b of it.
    number = _fitted(fabric["floor"], u + bridges / np.where(b > 0, b, 1.0), "floor", catalogue)
    return Slot("floor", "adjusted", 180.0, 0.0, _column(envelope, "floor_area_m2"), b, number)


def _door(envelope: pd.DataFrame, bridges: Array, catalogue: _Catalogue) -> Slot:
    names = pd.Series("door", index=envelope.index)
    number = _fitted(names, _column(envelope, "u_door_w_m2k") + bridges, "wall", catalogue)
    area = _column(envelope, "door_area_m2")
    return Slot("door", "outside", 90.0, 0.0, area, np.ones(len(area)), number)


def _party(envelope: pd.DataFrame, fabric: pd.DataFrame, catalogue: _Catalogue) -> Slot:
    """Party walls to unheated neighbours, uninsulated; those to heated ones exchange nothing."""
    parameters = catalogue.parameters

    def make(name: str, _u: float) -> Layers:
        return constructions.layers(name, parameters)

    number = catalogue.add(fabric["inner_wall"].to_numpy("object"), "whole", np.zeros(len(envelope)), make)
    b = np.full(len(envelope), parameters.constant("b_unheated_neighbour"))
    return Slot("party", "adjusted", 90.0, 0.0, _column(envelope, "party_unheated_area_m2"), b, number)


def _inner(envelope: pd.DataFrame, fabric: pd.DataFrame, catalogue: _Catalogue) -> list[Slot]:
    """Slabs between storeys (floor and ceiling side) and inner walls (both sides), cut where heat parts."""
    parameters, one = catalogue.parameters, np.ones(len(envelope))
    storeys, footprint = _column(envelope, "storeys"), _column(envelope, "floor_area_m2")
    slabs = footprint * np.maximum(storeys - 1, 0)
    walls = 2 * fabric["inner_wall_m2_m2"].to_numpy("float64") * parameters.constant("use_area_share")
    parts = (
        ("slab_floor_side", "ceiling", False, 180.0, slabs),
        ("slab_ceiling_side", "ceiling", True, 0.0, slabs),
        ("inner_walls", "inner_wall", False, 90.0, walls * storeys * footprint),
    )
    slots = []
    for name, component, below, tilt, area in parts:

        def make(construction: str, _u: float, below: bool = below) -> Layers:
            whole = constructions.layers(construction, parameters)
            return room_side(constructions.mirrored(whole) if below else whole)

        number = catalogue.add(fabric[component].to_numpy("object"), f"side {below}", 0 * area, make)
        slots.append(Slot(name, "adiabatic", tilt, 0.0, area, one, number))
    return slots


def room_side(whole: Layers) -> Layers:
    """The part of a partition that belongs to the room on its inner side: the rest swings with the other.

    Cut in the middle of the insulating layer that comes first from inside, else in the middle of the heat
    capacity.
    """
    capacity = whole.thickness_m * whole.density_kg_m3 * whole.specific_heat_j_kgk
    insulating = np.flatnonzero(whole.conductivity_w_mk < INSULATION_W_MK)
    if insulating.size:
        first, share = int(insulating[-1]), 0.5
    else:
        behind = np.cumsum(capacity) - 0.5 * capacity.sum()
        first = int(np.argmax(behind > 0))
        share = float(behind[first] / capacity[first])
    thickness = whole.thickness_m[first:].copy()
    thickness[0] *= share
    return Layers(
        thickness,
        whole.conductivity_w_mk[first:],
        whole.density_kg_m3[first:],
        whole.specific_heat_j_kgk[first:],
        whole.fitted[first:],
    )
