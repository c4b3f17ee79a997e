"""Random networks for tests and benchmarks, and pandapipes' results for them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energy.network import Network, NetworkYear, Operation, solve
from energy.network.model import straight
from energy.network.water import Water
from energy.parameters import Parameters

PARAMETERS = Parameters.default()
REPOSITORY = Path(__file__).resolve().parents[3]
PEER = Path(sys.prefix) / "peer" / "bin" / "python"
SCRIPT = REPOSITORY / "tests" / "reference" / "pandapipes_peer.py"
CONSTANT = (4180.0, 980.0, 4e-4)


def network(
    parent: list[int],
    length_m: list[float],
    diameter_mm: list[float],
    u_value_w_mk: list[float],
    stations: dict[int, float],
    **changes: Any,
) -> Network:
    """A network of given pipes (one per node after the first); stations: node → power. [kW]"""
    nodes = len(parent)
    xy = np.zeros((nodes, 2))
    for i in range(1, nodes):
        angle = 0.3 * i
        xy[i] = xy[parent[i]] + length_m[i - 1] * np.array([np.cos(angle), np.sin(angle)])
    tree = np.array(parent, np.intp)
    names = [f"s{i}" for i in stations]
    fields: dict[str, Any] = {
        "node_id": pd.Index([f"n{i}" for i in range(nodes)]),
        "parent": tree,
        "xy": xy,
        "pipe_id": pd.Index([f"p{i}" for i in range(1, nodes)]),
        "geometry": straight(xy, tree),
        "length_m": np.array(length_m, float),
        "inner_diameter_mm": np.array(diameter_mm, float),
        "u_value_w_mk": np.array(u_value_w_mk, float),
        "substation_id": pd.Index(names, name="substation_id"),
        "station_node": np.array(list(stations), np.intp),
        "power_kw": np.array(list(stations.values()), float),
        "building_station": pd.Series({f"b{i}": k for k, i in enumerate(stations)}, dtype="Int64"),
        "roughness_m": 1e-4,
        "fittings_share": 0.0,
    }
    return Network(**(fields | changes))


def random_tree(seed: int, nodes: int) -> Network:
    """A random tree; every end and some branches have a substation; diameters fit the load."""
    rng = np.random.default_rng(seed)
    parent = [-1, 0] + [int(rng.integers(max(0, i - 8), i)) for i in range(2, nodes)]
    ends = set(range(1, nodes)) - set(parent)
    chosen = sorted(ends | {int(i) for i in rng.choice(np.arange(1, nodes), nodes // 10, replace=False)})
    stations = {i: float(rng.uniform(40, 300)) for i in chosen}
    bare = network(
        parent, rng.uniform(15, 120, nodes - 1).tolist(), [100.0] * (nodes - 1),
        rng.uniform(0.1, 0.45, nodes - 1).tolist(), stations,
    )  # fmt: skip
    flow = bare.below(bare.power_kw) * 1000 / (4200 * 60)
    return bare.replace(inner_diameter_mm=np.clip(np.sqrt(flow / (980 * 0.8) * 4 / np.pi) * 1000, 20, 600))


def loads(net: Network, seed: int, hours: int, parts: tuple[float, float] = (0.05, 1.0)) -> np.ndarray:
    """Part loads between the shares `parts` of each substation's power, shape (substation, time). [kW]"""
    rng = np.random.default_rng(seed)
    level = rng.uniform(*parts, hours)
    return net.power_kw[:, None] * level * rng.uniform(0.8, 1.0, (len(net.power_kw), hours))


def operation(**changes: float) -> Operation:
    """The shipped operation without least flows and with wide valves: substations take what they need."""
    return Operation.of(PARAMETERS).replace(**({"minimum_flow_share": 0.0, "valve_reserve": 100.0} | changes))


def run(net: Network, heat_kw: np.ndarray, outdoor_c: np.ndarray, **options: Any) -> NetworkYear:
    """`solve` with the operation of `operation` unless another is given."""
    times = pd.date_range("2025-01-01", periods=len(outdoor_c), freq="h", tz="UTC")
    return solve(net, heat_kw, outdoor_c, times, PARAMETERS, **({"operation": operation()} | options))


@dataclass(frozen=True, eq=False)
class Peer:
    """pandapipes' results: shapes as in `NetworkYear`; seconds of each hour; its water."""

    supply_c: np.ndarray
    return_c: np.ndarray
    flow_kg_s: np.ndarray
    lost_pa: np.ndarray
    seconds: np.ndarray
    version: str
    water: Water


def pandapipes(
    net: Network, year: NetworkYear, law: str, fluid: tuple[float, ...] = (), hours: int | None = None
) -> Peer:
    """The first `hours` of `year` by pandapipes, from the same inputs; `fluid` as in `Water.constant`."""
    count = hours or len(year.times)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(
            source, parent=net.parent, length_m=np.r_[0.0, net.length_m],
            diameter_mm=np.r_[1.0, net.inner_diameter_mm], u_value_w_mk=np.r_[0.0, net.u_value_w_mk],
            roughness_mm=net.roughness_m * 1000, station=net.station_node,
            heat_w=1000 * year.asked_kwh[:, :count], return_c=year.operation.return_c(year.outdoor_c)[:count],
            plant_c=year.plant_supply_c[:count], ground_c=year.operation.ground_c(year.outdoor_c)[:count],
            law=law, fluid=np.array(fluid),
        )  # fmt: skip
        done = subprocess.run([PEER, SCRIPT, source, target], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        found = dict(np.load(target))

    def fit(values: np.ndarray) -> tuple[float, ...]:
        made = np.polynomial.Polynomial.fit(found["celsius"], values, 6, w=1 / values)
        return tuple(float(c) for c in np.r_[made.convert().coef, np.zeros(7)][:7])

    water = Water(fit(found["heat_capacity"]), fit(found["density"]), fit(1 / found["viscosity"]), 1.0, 150.0)
    names = ("supply_c", "return_c", "flow_kg_s", "lost_pa", "seconds")
    return Peer(*(found[name] for name in names), version=str(found["version"]), water=water)
