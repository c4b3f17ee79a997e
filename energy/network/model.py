"""The network as arrays: a tree of pipes rooted at the plant, with substations and feed-ins on its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from shapely.geometry import LineString, Point

from energy.network.water import Array, Indices
from twin.errors import CallError


@dataclass(frozen=True, eq=False)
class Network:
    """A supply-and-return tree; never changed in place.

    Node 0 is the plant and parents come before their children; pipe i leads from `parent[i + 1]` to node
    i + 1, and each pipe is a pair of equal pipes.

    node_id : shape (node,).  parent : shape (node,), −1 for the plant.  xy : shape (node, 2). [m]
    pipe_id, geometry, length_m, inner_diameter_mm, u_value_w_mk [W/(mK), of each pipe of the pair] :
    shape (pipe,); geometry runs away from the plant.
    substation_id, station_node, power_kw : shape (substation,); the design power.
    building_station : number of the substation that serves a building, index building_id.
    feed_id, feed_node : feed-in points, shape (feed,).
    roughness_m, fittings_share : of all pipes.
    notes : what was estimated, bridged or left out, as sentences.
    """

    node_id: pd.Index
    parent: Indices
    xy: Array
    pipe_id: pd.Index
    geometry: npt.NDArray[Any]
    length_m: Array
    inner_diameter_mm: Array
    u_value_w_mk: Array
    substation_id: pd.Index
    station_node: Indices
    power_kw: Array
    building_station: pd.Series
    roughness_m: float
    fittings_share: float
    plant_name: str = ""
    feed_id: pd.Index = field(default_factory=lambda: pd.Index([], dtype=object))
    feed_node: Indices = field(default_factory=lambda: np.zeros(0, np.intp))
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        nodes = len(self.parent)
        if (self.parent[1:] >= np.arange(1, nodes)).any() or (self.parent[1:] < 0).any():
            raise CallError(
                "a node comes before its parent", "network", "Number nodes from the plant outwards"
            )
        for name in ("length_m", "u_value_w_mk"):
            _refuse(self.pipe_id, getattr(self, name), name, zero=True)
        _refuse(self.pipe_id, self.inner_diameter_mm, "inner_diameter_mm", zero=False)
        _refuse(self.substation_id, self.power_kw, "power_kw", zero=True)

    def __len__(self) -> int:
        """Nodes."""
        return len(self.parent)

    @property
    def trench_km(self) -> float:
        """Length of the trenches. [km]"""
        return float(self.length_m.sum() / 1000)

    def replace(self, **changes: Any) -> Network:
        """The network with some fields changed."""
        return replace(self, **changes)

    def with_feed_ins(self, places: Mapping[str, tuple[float, float] | Point], *, within_m: float) -> Network:
        """The network with feed-in points at the nodes nearest to `places` (EPSG:25832).

        Raises
        ------
        CallError : a place lies farther than `within_m` from every node.
        """
        nodes = []
        for name, place in places.items():
            x, y = (place.x, place.y) if isinstance(place, Point) else place
            away = np.hypot(*(self.xy - np.array([x, y])).T)
            if away.min() > within_m:
                raise CallError(
                    f"the feed-in lies {away.min():.0f} m from the network",
                    name,
                    "Move it or extend the pipes",
                )
            nodes.append(int(away.argmin()))
        return replace(self, feed_id=pd.Index(list(places), dtype=object), feed_node=np.array(nodes, np.intp))

    def station_heat(self, heat: Array, building_ids: Sequence[str] | pd.Index) -> Array:
        """Heat per substation from heat per building, shape (building, time) → (substation, time).

        Buildings without a substation do not count; substations without any of the buildings have none.

        Raises
        ------
        CallError : the heat has another number of rows than there are buildings.
        """
        number = self.building_station.reindex(pd.Index(building_ids))
        if heat.ndim != 2 or heat.shape[0] != len(number):
            raise CallError(
                f"heat has shape {heat.shape}, but there are {len(number)} buildings",
                "network",
                "Give shape (building, time)",
            )
        total = np.zeros((len(self.substation_id), heat.shape[1]))
        rows = np.flatnonzero(number.notna().to_numpy())
        if rows.size:
            station = number.iloc[rows].to_numpy(np.intp)
            order = np.argsort(station, kind="stable")
            served, first = np.unique(station[order], return_index=True)
            total[served] = np.add.reduceat(heat[rows[order]], first, axis=0, dtype="float64")
        return total

    def below(self, values: Array) -> Array:
        """`values` of substations, shape (substation,), summed behind each pipe; shape (pipe,)."""
        return below(self.parent, self.station_node, values)


def below(parent: Indices, station_node: Indices, values: Array) -> Array:
    """`values` of substations at their nodes, summed behind each pipe of a tree; shape (pipe,)."""
    total = np.zeros(len(parent))
    np.add.at(total, station_node, values)
    for i in range(len(parent) - 1, 0, -1):
        total[parent[i]] += total[i]
    return total[1:]


def straight(xy: Array, parent: Indices) -> npt.NDArray[Any]:
    """Straight courses from parents to nodes, shape (pipe,)."""
    lines = [LineString([xy[parent[i]], xy[i]]) for i in range(1, len(parent))]
    out = np.empty(len(lines), object)
    out[:] = lines
    return out


def _refuse(names: pd.Index, values: Array, column: str, *, zero: bool) -> None:
    good = np.isfinite(values) & ((values >= 0) if zero else (values > 0))
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise CallError(
            f"{column} is {values[row]:g}",
            f"network, {names[row]}",
            "Give a positive number, or leave it out",
        )
