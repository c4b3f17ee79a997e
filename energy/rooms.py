"""The critical room of each building in summer: top floor, west corner, beside the building's own zone.

One zone per building hides overheating: its sunny and shady, upper and lower rooms share one temperature. The
critical room has two outer walls (one where the building has no such corner) and the roof above; towards the
other rooms it is adiabatic, as they are as warm. Boundary conditions by DIN 4108-2:2013, 8.4, where the table
rooms says so; its size is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import constructions
from energy.comfort import summer_comfort
from energy.envelope_areas import WALL_COLUMNS, WINDOW_COLUMNS
from energy.heat_balance import AIR_WH_M3K, effective_u
from energy.lanes import width
from energy.occupancy import schedule
from energy.parameters import Parameters
from energy.solar import SECTORS
from energy.weather import Weather
from energy.zone import H_MS, UNLIMITED_W, Drive, Zones, simulate_zones

Array = npt.NDArray[np.floating[Any]]
# How much each facade (SECTORS) heats a room in the afternoon, when the air is warmest; own estimate. It only
# ranks the corners of a building: south-west before north-west before south-east.
_AFTERNOON = np.array([0.1, 0.2, 0.4, 0.5, 0.7, 1.0, 1.0, 0.75])
_CORNER = 2  # sectors between two walls at a right angle
_LEAST_SHARE = 0.05  # of the outer walls: less is an oriel, no facade


@dataclass(frozen=True, eq=False)
class Rooms:
    """The critical rooms, one per building of the envelope given; shape (room,) unless said otherwise.

    zones : for the thermal kernel, with windows that people open; its collecting areas hold windows and
        opaque surfaces, no movable shading.
    building_id : shape (room,).
    facing : sectors of the two facades, −1 for none, shape (room, 2).
    floor_area_m2, volume_m3 : of the room.
    window_collecting_m2 : effective collecting area of each facade, shape (room, 2). [m²]
    opaque_collecting_m2 : of the outer wall of each facade and of the roof, shape (room, 3). [m²]
    sky_loss_w : radiation of the outer surfaces to the sky. [W]
    shading_reduction, shading_above_w_m2 : factor of closed movable shading, and the irradiance on a facade
        from which it is closed.
    """

    zones: Zones
    building_id: npt.NDArray[np.object_]
    facing: npt.NDArray[np.intp]
    floor_area_m2: Array
    volume_m3: Array
    window_collecting_m2: Array
    opaque_collecting_m2: Array
    sky_loss_w: Array
    shading_reduction: Array
    shading_above_w_m2: Array

    def __len__(self) -> int:
        return len(self.floor_area_m2)

    def take(self, rows: npt.NDArray[np.intp] | slice) -> Rooms:
        """The rooms at `rows`."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "zones"}
        picked = np.arange(len(self))[rows]
        return Rooms(self.zones.take(picked), **{name: values[picked] for name, values in chosen.items()})


@dataclass(frozen=True)
class _Shape:
    """Size and outer surfaces of the rooms; shape (room,), facades shape (room, 2)."""

    width_m: Array
    depth_m: Array
    height_m: Array
    facing: npt.NDArray[np.intp]
    windows_m2: Array
    walls_m2: Array

    @property
    def floor_m2(self) -> Array:
        return self.width_m * self.depth_m

    @property
    def volume_m3(self) -> Array:
        return self.floor_m2 * self.height_m

    @property
    def surfaces_m2(self) -> Array:
        return 2 * self.floor_m2 + 2 * (self.width_m + self.depth_m) * self.height_m

    @property
    def facades_m2(self) -> Array:
        return np.asarray((self.windows_m2 + self.walls_m2).sum(axis=1))


def critical_rooms(envelope: pd.DataFrame, parameters: Parameters) -> Rooms:
    """The critical room of each building of `envelope`; what the columns lack is in the table rooms."""
    kind = parameters.rooms.loc[envelope["function"]]
    shape = _shape(envelope, kind)
    figures = {name: envelope[name].to_numpy("float64") for name in _FIGURES}
    u_roof = effective_u(figures["u_roof_w_m2k"], figures["r_unheated_roof_m2k_w"])
    roof = figures["b_roof"] * u_roof * shape.floor_m2
    walls = shape.walls_m2 * figures["u_wall_w_m2k"][:, None]
    windows = shape.windows_m2 * (_glass_factor(kind, parameters) * figures["g_window"])[:, None]
    opaque = _opaque_collecting(walls, roof, parameters)
    device = parameters.shading_devices.loc[envelope["shading_device"]]
    capacity = _heat_capacity_wh_k(envelope, shape, parameters)
    losses = walls.sum(axis=1) + roof
    return Rooms(
        zones=_zones(shape, figures, kind, losses, capacity, _collecting(windows, opaque), parameters),
        building_id=envelope.index.to_numpy(object),
        facing=shape.facing,
        floor_area_m2=shape.floor_m2,
        volume_m3=shape.volume_m3,
        window_collecting_m2=windows,
        opaque_collecting_m2=opaque,
        sky_loss_w=_sky_loss_w(walls.sum(axis=1), roof, parameters),
        shading_reduction=device["reduction"].to_numpy("float64"),
        shading_above_w_m2=device["above_w_m2"].to_numpy("float64"),
    )


_FIGURES = (
    "u_wall_w_m2k", "u_roof_w_m2k", "u_window_w_m2k", "r_unheated_roof_m2k_w", "b_roof", "g_window",
    "delta_u_thermal_bridge_w_m2k", "infiltration_1_h", "ventilation_1_h", "ventilation_off_1_h",
    "setpoint_offset_k",
)  # fmt: skip


def _shape(envelope: pd.DataFrame, kind: pd.DataFrame) -> _Shape:
    width, depth, height = (kind[f"{side}_m"].to_numpy("float64") for side in ("width", "depth", "height"))
    facing = facing_of(envelope)
    facades = np.stack([width * height, depth * height], axis=1) * (facing >= 0)
    windows = facades * _window_share(envelope)[:, None]
    return _Shape(width, depth, height, facing, windows, facades - windows)


def facing_of(envelope: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Sectors of the two facades of the corner with the most afternoon sun; −1: none. Shape (building, 2)."""
    facing = envelope[list(WALL_COLUMNS)].to_numpy("float64")
    facing = facing + envelope[list(WINDOW_COLUMNS)].to_numpy("float64")
    total = facing.sum(axis=1, keepdims=True)
    there = (facing > _LEAST_SHARE * total) & (total > 0)
    other = np.roll(np.arange(len(SECTORS)), -_CORNER)
    corners = np.where(there & there[:, other], _AFTERNOON + _AFTERNOON[other], -1.0)
    single = np.where(there, _AFTERNOON, -1.0)
    first = np.where(corners.max(axis=1) > 0, corners.argmax(axis=1), single.argmax(axis=1))
    first = np.where(there.any(axis=1), first, -1)
    second = np.where(corners.max(axis=1) > 0, other[first], -1)
    return np.stack([first, second], axis=1).astype(np.intp)


def _window_share(envelope: pd.DataFrame) -> Array:
    """Windows over outer walls of the building. [-]"""
    window = envelope["window_area_m2"].to_numpy("float64")
    whole = window + (envelope["wall_area_m2"] + envelope["door_area_m2"]).to_numpy("float64")
    return np.asarray(window / np.where(whole > 0, whole, 1.0))


def _glass_factor(kind: pd.DataFrame, parameters: Parameters) -> Array:
    """Share of the window's radiation that meets glass; ISO 13790:2008, 11.4.2. [-]"""
    glass = (1 - parameters.constant("frame_share")) * parameters.constant("non_normal_incidence")
    return np.asarray(kind["unshaded_share"].to_numpy("float64") * glass)


def _opaque_collecting(walls_w_k: Array, roof_w_k: Array, parameters: Parameters) -> Array:
    """Effective collecting area of opaque surfaces, ISO 13790:2008, 11.3.4; shape (room, 3). [m²]"""
    share = parameters.constant("solar_absorptance") * constructions.R_OUTSIDE
    return np.concatenate([walls_w_k, roof_w_k[:, None]], axis=1) * share


def _sky_loss_w(walls_w_k: Array, roof_w_k: Array, parameters: Parameters) -> Array:
    """Long-wave loss of outer surfaces to the sky, ISO 13790:2008, 11.3.5: walls see half of it. [W]"""
    exchange = parameters.constant("sky_radiation_w_m2k") * parameters.constant("sky_difference_k")
    return constructions.R_OUTSIDE * exchange * (0.5 * walls_w_k + roof_w_k)


def _collecting(windows: Array, opaque: Array) -> Array:
    """All collecting area as the kernel holds it; shape (room, 9). [m²]

    The sun on it is given by room (`solar_gains_w`), so that only the sum over the planes counts.
    """
    out = np.zeros((len(windows), len(SECTORS) + 1))
    out[:, 0], out[:, -1] = windows.sum(axis=1) + opaque[:, :-1].sum(axis=1), opaque[:, -1]
    return out


def _heat_capacity_wh_k(envelope: pd.DataFrame, shape: _Shape, parameters: Parameters) -> Array:
    """Internal heat capacity of the room by the layers of the fabric, ISO 13790:2008, 12.3.1. [Wh/K]"""
    side = constructions.areal_heat_capacities(parameters).loc[envelope["fabric"]]
    roof = np.where(envelope["pitched_roof"], side["roof_pitched"], side["roof_flat"])
    inner = 2 * (shape.width_m + shape.depth_m) * shape.height_m - shape.facades_m2
    return np.asarray(
        side["wall"].to_numpy() * shape.walls_m2.sum(axis=1)
        + (roof + side["ceiling_above"].to_numpy()) * shape.floor_m2
        + side["inner_wall"].to_numpy() * inner
    )


def _zones(
    shape: _Shape,
    figures: dict[str, Array],
    kind: pd.DataFrame,
    losses: Array,
    capacity: Array,
    collecting: Array,
    parameters: Parameters,
) -> Zones:
    """The rooms for the kernel; `losses`: H_tr of walls and roof without thermal bridges. [W/K]"""
    floor = shape.floor_m2
    opaque = losses + figures["delta_u_thermal_bridge_w_m2k"] * (shape.facades_m2 + floor)
    window = shape.windows_m2.sum(axis=1) * figures["u_window_w_m2k"]
    air = AIR_WH_M3K * shape.volume_m3
    mass_area = np.maximum(constructions.mass_area_ratio(capacity / floor) * floor, 2 * opaque / H_MS)
    return Zones(
        h_tr_op_w_k=opaque,
        h_tr_w_w_k=window,
        h_ve_on_w_k=air * (figures["infiltration_1_h"] + figures["ventilation_1_h"]),
        h_ve_off_w_k=air * (figures["infiltration_1_h"] + figures["ventilation_off_1_h"]),
        c_m_wh_k=capacity,
        a_m_m2=mass_area,
        a_tot_m2=np.maximum(shape.surfaces_m2, 1.1 * (mass_area + window / H_MS)),
        gains_w=kind["gains_wh_m2d"].to_numpy("float64") / 24 * floor,
        solar_area_m2=collecting,
        set_offset_k=figures["setpoint_offset_k"],
        heating_limit_w=np.full(len(floor), UNLIMITED_W),
        cooling_limit_w=np.zeros(len(floor)),
        control_air_share=np.full(len(floor), parameters.constant("control_air_share")),
        h_ve_open_w_k=air * (figures["infiltration_1_h"] + kind["open_1_h"].to_numpy("float64")),
        open_above_c=kind["open_above_c"].to_numpy("float64"),
    )


def solar_gains_w(rooms: Rooms, facades: Array, level: Array) -> Array:
    """Solar gains of the rooms with movable shading and the opaque surfaces, less their loss to the sky. [W]

    Parameters
    ----------
    facades : irradiance on the facades, shape (time, room, 2).  level : on the roofs, shape (time,). [W/m²]

    Returns
    -------
    Array, shape (time, room). Shading is closed on a facade in the hours with more irradiance than its
    threshold. Negative at night, when the surfaces only radiate.
    """
    gains = level[:, None] * rooms.opaque_collecting_m2[:, -1] - rooms.sky_loss_w
    for side in range(2):
        on = facades[:, :, side]
        through = np.where(on > rooms.shading_above_w_m2, rooms.shading_reduction, 1.0)
        through *= rooms.window_collecting_m2[:, side]
        gains += (through + rooms.opaque_collecting_m2[:, side]) * on
    return np.asarray(gains)


class Sun(Protocol):
    """Irradiance on rooms (`energy.room_sun`)."""

    def facades(self, rooms: Rooms) -> Array:
        """On the two facades of each room, shape (time, room, 2). [W/m²]"""

    def level(self) -> Array:
        """On the roofs, shape (time,). [W/m²]"""


def operative_temperature_c(
    rooms: Rooms,
    functions: pd.Series,
    weather: Weather,
    sun: Sun,
    parameters: Parameters,
    *,
    dtype: type[np.floating[Any]] = np.float32,
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Operative temperature of the rooms [°C] and the hours of their use, shape (time, room) each.

    Parameters
    ----------
    functions : use of each room's building, index building_id.
    sun : in the weather's hours (`energy.room_sun`, `Case.room_sun`).
    """
    operative = np.empty((len(weather), len(rooms)), dtype)
    occupied = np.empty((len(weather), len(rooms)), bool)
    nothing = np.zeros((len(weather), 1))  # the rooms' gains stand in `_sun_of`
    names = functions.to_numpy("object")
    for name in pd.unique(names):
        rows = np.flatnonzero(names == name)
        mine, plan = rooms.take(rows), schedule(str(name), weather, parameters)
        drive = Drive(weather.temp_air, nothing, plan, np.arange(len(weather)), _sun_of(mine, sun))
        operative[:, rows] = simulate_zones(mine.zones, drive, dtype=dtype).operative_temperature_c.T
        occupied[:, rows] = plan.occupied[:, None]
    return operative, occupied


def _sun_of(rooms: Rooms, sun: Sun) -> Callable[[int], Array]:
    """Solar gains over the collecting area that the kernel multiplies with; blocks of shape (time, lane)."""
    area = rooms.zones.solar_area_m2.sum(axis=1)

    def block(first: int) -> Array:
        wide = width(first, len(area))
        part = slice(first, first + wide)
        mine = rooms.take(part)
        gains = solar_gains_w(mine, sun.facades(mine), sun.level())
        gains /= np.where(area[part] > 0, area[part], 1.0)
        return np.pad(gains, ((0, 0), (0, wide - gains.shape[1])))

    return block


def overheating(
    envelope: pd.DataFrame,
    weather: Weather,
    sun: Sun,
    parameters: Parameters,
    *,
    region: str | None = None,
) -> pd.DataFrame:
    """Over-temperature of the critical room of each building of `envelope` over the weather's year.

    Columns as `energy.comfort.summer_comfort`; `sun` as in `operative_temperature_c`.
    """
    rooms, functions = critical_rooms(envelope, parameters), envelope["function"]
    operative, occupied = operative_temperature_c(rooms, functions, weather, sun, parameters)
    return summer_comfort(operative, functions, occupied, parameters, region=region)
