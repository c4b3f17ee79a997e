"""A district's heat network: its own pipes where they are known, else laid out along the streets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString, Point

from energy.network import pipes, streets
from energy.network.model import Network, below
from energy.network.water import Indices, Water
from energy.parameters import Parameters
from twin.district import District
from twin.errors import CallError, DistrictError

_NO_TRENCH = ("motorway", "river", "rail", "tram", "tunnel")
_PLANT_NAME = r"(?i)\b(?:Fernwärmestation|Heizkraftwerk|Heizwerk|Heizzentrale|Energiezentrale)"


def of_district(
    district: District,
    power_kw: pd.Series,
    parameters: Parameters,
    *,
    plant: str | tuple[float, float] | None = None,
) -> Network:
    """The network that serves the buildings heated by district heating.

    Pipes of the table `network_pipes` are taken as they are; without any, pipes follow the streets in a short
    tree (`energy.network.streets`) with the least diameters that carry the load, which the network's notes
    say. Substations are those of the table `substations`; without any, one per block of buildings.

    Parameters
    ----------
    power_kw : design heat load of each building that the network serves, index building_id. [kW]
    plant : id of the building where heat is fed in, or its place in EPSG:25832; without it the building that
        is named after a heating plant, or else the middle of the load, which the notes say.

    Raises
    ------
    CallError : nothing is heated by district heating; the plant is unknown; a load is too large for any pipe.
    DistrictError : pipes are cut apart or form a loop, a substation lies far from all pipes.
    """
    if not len(power_kw) and not len(district.substations):
        raise CallError(
            "no building is heated by district heating",
            district.name,
            "Set the column heating of some buildings to district_heating",
        )
    notes: list[str] = []
    stations = _stations(district, power_kw, notes)
    root, plant_name = _plant(district, stations, plant, notes)
    places = [root, *stations["geometry"]]
    own = len(district.network_pipes) > 0
    if own:
        net, edges = _given(district, places, parameters, notes)
    else:
        net, edges = _along_streets(district, places, notes)
    tree = streets.rooted(net, edges, int(net.terminal[0]), keep=net.terminal, merge=not own)
    return _network(district, tree, net, stations, parameters, plant_name, notes)


def _stations(district: District, load: pd.Series, notes: list[str]) -> pd.DataFrame:
    """Columns geometry, power_kw, buildings (ids served); index substation_id."""
    buildings, connected = district.buildings, load.index
    given = district.substations
    if not len(given):
        members = pd.Series(connected, index=connected)
        block = buildings["block_id"].reindex(connected)
        block = block.where(block.notna(), members).astype(object)
        rows = []
        for name, mine in members.groupby(block.to_numpy(), sort=True):
            middle = shapely.union_all(buildings.geometry.loc[list(mine)].to_numpy()).representative_point()
            rows.append((str(name), middle, float(load[list(mine)].sum()), tuple(mine)))
        notes.append(f"{len(rows)} substations are estimated: one per block of buildings")
        return pd.DataFrame(rows, columns=["substation_id", "geometry", "power_kw", "buildings"]).set_index(
            "substation_id"
        )
    served: dict[str, list[str]] = {str(name): [] for name in given.index}
    lone = [str(name) for name, value in given["building_id"].items() if pd.isna(value)]
    by_building = {
        str(value): str(name) for name, value in given["building_id"].items() if not pd.isna(value)
    }
    by_block = {
        block: by_building[building]
        for building, block in buildings["block_id"].reindex(list(by_building)).dropna().items()
    }
    tree = shapely.STRtree(given.geometry.to_numpy())
    far = 0
    for building in connected:
        name = by_building.get(building) or by_block.get(buildings["block_id"][building])
        if name is None:
            far += 1
            name = str(given.index[int(tree.nearest(buildings.geometry[building]))])
        served[name].append(str(building))
    if far:
        notes.append(f"{far} buildings without a substation of their own count with the nearest one")
    idle = [name for name in lone if not served[name]]
    if idle:
        notes.append(f"{len(idle)} substations serve no building and draw nothing: {', '.join(idle[:5])}")
    estimate = pd.Series({name: float(load[ids].sum()) for name, ids in served.items()})
    power = given["power_kw"].astype("float64")
    return pd.DataFrame(
        {
            "geometry": given.geometry.to_numpy(),
            "power_kw": power.where(power.notna(), estimate.reindex(power.index)).to_numpy(),
            "buildings": [tuple(served[str(name)]) for name in given.index],
        },
        index=given.index.astype(str),
    )


def _plant(
    district: District, stations: pd.DataFrame, plant: str | tuple[float, float] | None, notes: list[str]
) -> tuple[Point, str]:
    buildings = district.buildings
    if isinstance(plant, tuple):
        return Point(plant), f"{plant[0]:.0f}, {plant[1]:.0f}"
    if isinstance(plant, str):
        if plant not in buildings.index:
            raise CallError(
                f"there is no building {plant!r} for the plant", district.name, "Give the id of a building"
            )
        return buildings.geometry[plant].representative_point(), str(plant)
    named = buildings.index[
        buildings["name"].astype("object").fillna("").astype(str).str.contains(_PLANT_NAME)
    ]
    if len(named):
        return buildings.geometry[named[0]].representative_point(), str(buildings["name"][named[0]])
    xy = np.array([(p.x, p.y) for p in stations["geometry"]])
    weight = stations["power_kw"].to_numpy("float64") + 1e-9
    middle = (xy * weight[:, None]).sum(axis=0) / weight.sum()
    notes.append("The plant's place is not known: the middle of the load is taken")
    return Point(middle), "?"


def _along_streets(
    district: District, places: Sequence[Point], notes: list[str]
) -> tuple[streets.Graph, Indices]:
    table = district.streets
    lines = [
        part
        for part in shapely.get_parts(table.geometry[~table["kind"].isin(_NO_TRENCH)].to_numpy())
        if isinstance(part, LineString) and part.length > 0
    ]
    if not lines:
        lines = _between(places)
        notes.append("There are no streets: pipes run straight between the substations")
    else:
        notes.append("Pipes follow the streets; their course and diameters are estimates")
    net, gaps = streets.bridged(streets.graph(lines, places))
    if gaps:
        notes.append(f"{len(gaps)} gaps between streets are bridged, {sum(gaps):.0f} m in all")
    return net, streets.steiner(net)


def _between(places: Sequence[Point]) -> list[LineString]:
    if len(places) == 1:
        return [LineString([places[0], Point(places[0].x + 1.0, places[0].y)])]
    lines: list[LineString] = shapely.get_parts(
        shapely.delaunay_triangles(shapely.MultiPoint(list(places)), only_edges=True)
    ).tolist()
    if lines and all(isinstance(line, LineString) for line in lines):
        return lines
    order = sorted(places, key=lambda p: (p.x, p.y))  # all in one line: no triangles
    return [LineString([a, b]) for a, b in pairwise(order)]


def _given(
    district: District, places: Sequence[Point], parameters: Parameters, notes: list[str]
) -> tuple[streets.Graph, Indices]:
    table, reach = district.network_pipes, parameters.constant("snap_m")
    lines = list(table.geometry)
    near = shapely.STRtree(lines)
    for number, place in enumerate(places):
        away = float(lines[int(near.nearest(place))].distance(place))
        if away > reach:
            name = "the plant" if number == 0 else f"substation {number}"
            raise DistrictError(
                f"{name} lies {away:.0f} m from the nearest pipe",
                f"{district.name}, network_pipes",
                f"Extend the pipes, or change snap_m ({reach:g} m) in network.csv",
            )
    net = streets.graph(lines, places, crossings=False)
    part = net.components()
    home = part[net.terminal[0]]
    if (cut := np.flatnonzero(part[net.terminal] != home)).size:
        pipe = _pipe_of(table, net, int(net.terminal[cut[0]]), part)
        raise DistrictError(
            f"the network is cut in two: pipe {pipe} and {cut.size} substation(s) have no way to the plant",
            f"{district.name}, network_pipes",
            "Join the pipes' ends, or take those substations out",
        )
    inside = np.flatnonzero((part[net.start] == home) & (net.start != net.end))
    nodes = np.unique(np.concatenate([net.start[inside], net.end[inside]]))
    if len(inside) > len(nodes) - 1:
        kept = set(streets.spanning(net, inside).tolist())
        loop = next(int(net.origin[e]) for e in inside if int(e) not in kept)
        raise DistrictError(
            f"the pipes form a loop, which pipe {table.index[loop]} closes",
            f"{district.name}, network_pipes",
            "Take one pipe of each loop out (as if its valve were shut): meshed networks are not solved",
        )
    away_from = int((part[net.start] != home).sum())
    if away_from:
        notes.append(f"{away_from} pipes without any substation lie apart and are left out")
    return net, inside


def _pipe_of(table: pd.DataFrame, net: streets.Graph, node: int, part: Indices) -> str:
    rows = net.origin[(part[net.start] == part[node]) & (net.origin >= 0)]
    return str(table.index[rows[0]]) if rows.size else "?"


def _network(
    district: District,
    tree: streets.Rooted,
    net: streets.Graph,
    stations: pd.DataFrame,
    parameters: Parameters,
    plant_name: str,
    notes: list[str],
) -> Network:
    water = Water.of(parameters)
    station_node = tree.number[net.terminal[1:]]
    power = stations["power_kw"].to_numpy("float64")
    behind = below(tree.parent, station_node, power)
    flow = pipes.design_flow_kg_s(behind * parameters.constant("simultaneity"), parameters, water)
    chosen = pipes.choose(flow, parameters, water)
    diameter = chosen["inner_diameter_mm"].to_numpy("float64")
    u_value = chosen["u_value_w_mk"].to_numpy("float64")
    names = np.array([f"pipe-{i}" for i in range(1, len(tree.node))], object)
    table = district.network_pipes
    if len(table):
        rows, known = tree.origin, tree.origin >= 0
        given = table["inner_diameter_mm"].to_numpy("float64")[rows]
        has = known & np.isfinite(given)
        diameter = np.where(has, given, diameter)
        u_value = np.where(has, pipes.u_value_of(diameter, parameters), u_value)
        given_u = table["u_value_w_mk"].to_numpy("float64")[rows]
        u_value = np.where(known & np.isfinite(given_u), given_u, u_value)
        if (~has).any():
            notes.append(
                f"{int((~has).sum())} pipes have no diameter: the least that carries the load is taken"
            )
        original = table.index.astype(str).to_numpy(object)[rows]
        twice = pd.Series(original).groupby(original).cumcount().to_numpy()
        named = np.array(
            [n if k == 0 else f"{n}#{k + 1}" for n, k in zip(original, twice, strict=True)], object
        )
        names = np.where(known, named, names)
    node_of_station = dict(zip(station_node.tolist(), stations.index, strict=True))
    node_id = [plant_name, *(str(node_of_station.get(i, f"node-{i}")) for i in range(1, len(tree.node)))]
    serving = {building: number for number, ids in enumerate(stations["buildings"]) for building in ids}
    return Network(
        node_id=pd.Index(node_id, dtype=object, name="node_id"),
        parent=tree.parent,
        xy=net.xy[tree.node],
        pipe_id=pd.Index(names, dtype=object, name="pipe_id"),
        geometry=tree.course,
        length_m=tree.length_m,
        inner_diameter_mm=diameter,
        u_value_w_mk=u_value,
        substation_id=pd.Index(stations.index, dtype=object, name="substation_id"),
        station_node=station_node,
        power_kw=power,
        building_station=pd.Series(serving, dtype="Int64"),
        roughness_m=parameters.constant("roughness_mm") / 1000,
        fittings_share=parameters.constant("fittings_share"),
        plant_name=plant_name,
        notes=tuple(notes),
    )
