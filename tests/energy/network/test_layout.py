"""Pipes along streets, given pipes, diameters, heat losses, and the network in the chain."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

import energy
import twin
from energy import weighting
from energy.network import Network, layout, of_case, pipes, simulate_network, streets, trace, with_losses
from energy.network.chain import design_power_kw
from energy.network.friction import gradient
from energy.network.water import Water
from energy.parameters import Parameters
from tests.energy.districts import slabs
from twin.errors import CallError, DistrictError

PARAMETERS = Parameters.default()
WEATHER = energy.weather.sample()


@pytest.fixture(scope="module")
def sample() -> energy.Case:
    return energy.Case(twin.open("lobeda"), WEATHER, shading="tabula")


def table(rows: list[dict[str, object]], index: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:25832").set_index(index)


def test_the_shortest_tree_of_a_cross() -> None:
    """Four ends of a cross of 100 m arms: 400 m; the ring road around it is longer."""
    ends = [(-100, 0), (100, 0), (0, -100), (0, 100)]
    cross = [LineString([ends[0], ends[1]]), LineString([ends[2], ends[3]])]
    ring = LineString([(-100, 0), (-130, 130), (0, 100), (130, 130), (100, 0), (130, -130), (0, -100)])
    net = streets.graph([*cross, ring], [Point(p) for p in ends])
    edges = streets.steiner(net)
    assert net.length_m[edges].sum() == pytest.approx(400)
    tree = streets.rooted(net, edges, int(net.terminal[0]), keep=net.terminal, merge=True)
    assert tree.length_m.sum() == pytest.approx(400)
    assert len(tree.node) == 5  # the crossing and the four ends
    for i, line in enumerate(tree.course, start=1):  # courses run away from the plant
        assert line.coords[0] == pytest.approx(tuple(net.xy[tree.node[tree.parent[i]]]))
        assert line.coords[-1] == pytest.approx(tuple(net.xy[tree.node[i]]))


def test_gaps_between_streets_are_bridged() -> None:
    parts = [
        LineString([(0, 0), (100, 0)]),
        LineString([(130, 0), (200, 0)]),
        LineString([(0, 900), (9, 900)]),
    ]
    net, gaps = streets.bridged(streets.graph(parts, [Point(0, 5), Point(200, 5)]))
    assert gaps == [pytest.approx(30)]
    assert net.length_m[streets.steiner(net)].sum() == pytest.approx(5 + 100 + 30 + 70 + 5)


def test_the_sample_has_a_network(sample: energy.Case) -> None:
    net = of_case(sample)
    connected = sample.envelope.index[sample.envelope["heating"] == "district_heating"]
    assert set(net.building_station.index) == set(connected)
    assert net.plant_name == "Fernwärmestation 2"
    assert (net.length_m > 0).all() and 15 < net.trench_km < 60  # the whole of Jena has 226 km
    assert (np.diff(net.inner_diameter_mm[np.argsort(net.below(net.power_kw))]) >= 0).all()
    assert any("estimate" in note for note in net.notes)
    again = of_case(sample)
    np.testing.assert_array_equal(net.length_m, again.length_m)


def test_heat_of_the_chain_goes_through_the_network(sample: energy.Case) -> None:
    """Substations together ask what the connected buildings take; CO2 counts with the losses, once."""
    net = of_case(sample)
    year = simulate_network(sample, net)
    annual = energy.annual(sample)
    connected = sample.envelope["heating"] == "district_heating"
    assert year.asked_kwh.sum() == pytest.approx(
        annual.loc[connected, "heating_delivered_kwh"].sum(), rel=0.01
    )
    assert 0.03 < year.loss_share < 0.2
    counted = with_losses(sample, year)
    after = energy.annual(counted)
    ratio = after["co2_kg"] / annual["co2_kg"]
    np.testing.assert_allclose(ratio[~connected & (annual["co2_kg"] > 0)], 1.0, rtol=1e-6)
    # 0.097 t/MWh at the feed-in, 0.111 at the customer (Stadtwerke Jena); electricity is in co2_kg too
    heat = annual.loc[connected, "heating_delivered_kwh"].sum()
    change = (after["co2_kg"] - annual["co2_kg"])[connected].sum()
    assert change == pytest.approx(heat * (0.097 * (1 + year.loss_share) - 0.111), rel=1e-3)


def test_a_lower_supply_temperature_in_the_sample(sample: energy.Case) -> None:
    net = of_case(sample)
    lower = sample.replace(parameters=sample.parameters.with_constants(lowered_k=15))
    before, after = simulate_network(sample, net), simulate_network(lower, net)
    assert after.loss_share < before.loss_share and after.pump_share > before.pump_share
    assert after.substations()["cold_h"].sum() > before.substations()["cold_h"].sum()


def test_a_building_outside_the_network_is_named(sample: energy.Case) -> None:
    net = of_case(sample)
    envelope = sample.envelope.copy()
    other = envelope.index[envelope["heating"] == "gas"][0]
    envelope.loc[other, "heating"] = "district_heating"
    with pytest.raises(CallError, match="no substation") as caught:
        simulate_network(sample.replace(envelope=envelope), net)
    assert other in str(caught.value)


def test_no_building_on_the_network() -> None:
    case = energy.Case(slabs(2, heating="gas"), WEATHER, shading="tabula")
    with pytest.raises(CallError, match="no building is heated"):
        of_case(case)


def _pipes(courses: list[list[tuple[float, float]]], **columns: list[object]) -> pd.DataFrame:
    rows = [
        {"pipe_id": f"L{i}", "geometry": LineString(c), **{k: v[i] for k, v in columns.items()}}
        for i, c in enumerate(courses)
    ]
    return table(rows, "pipe_id")


def _stations(places: dict[str, tuple[float, float, str | None]]) -> pd.DataFrame:
    rows = [
        {"substation_id": name, "geometry": Point(x, y), "building_id": building, "power_kw": 100.0}
        for name, (x, y, building) in places.items()
    ]
    return table(rows, "substation_id")


def _laid(
    courses: list[list[tuple[float, float]]], stations: pd.DataFrame, **columns: list[object]
) -> Network:
    base = slabs(4)
    changed = base.replace(network_pipes=_pipes(courses, **columns), substations=stations)
    load = pd.Series(50.0, index=base.buildings.index[:2])
    return layout.of_district(changed, load, PARAMETERS, plant=(0.0, 0.0))


def _two() -> pd.DataFrame:
    a, b = slabs(4).buildings.index[:2]
    return _stations({"S1": (100.0, 50.0, a), "S2": (200.0, 0.0, b)})


CROSS = [[(0, 0), (100, 0)], [(100, 0), (100, 50)], [(100, 0), (200, 0)]]


def test_given_pipes_keep_what_is_known() -> None:
    net = _laid(CROSS, _two(), inner_diameter_mm=[107.1, np.nan, 54.5], u_value_w_mk=[0.33, np.nan, np.nan])
    assert net.length_m.sum() == pytest.approx(250)
    known = dict(zip(net.pipe_id, net.inner_diameter_mm, strict=True))
    assert known["L0"] == 107.1 and known["L2"] == 54.5
    assert dict(zip(net.pipe_id, net.u_value_w_mk, strict=True))["L0"] == 0.33
    assert any("no diameter" in note for note in net.notes)


def test_a_network_cut_in_two_names_the_pipe() -> None:
    with pytest.raises(DistrictError, match="cut in two: pipe L2"):
        _laid([*CROSS[:2], [(120, 0), (200, 0)]], _two())


def test_a_loop_names_the_pipe() -> None:
    with pytest.raises(DistrictError, match="form a loop, which pipe L"):
        _laid([*CROSS, [(100, 50), (150, 90), (200, 0)]], _two())


def test_a_substation_far_from_all_pipes() -> None:
    a, b = slabs(4).buildings.index[:2]
    with pytest.raises(DistrictError, match="from the nearest pipe"):
        _laid(CROSS, _stations({"S1": (100.0, 500.0, a), "S2": (200.0, 0.0, b)}))


def test_a_substation_without_a_building_draws_nothing() -> None:
    a, b = slabs(4).buildings.index[:2]
    ring = _stations({"S1": (100.0, 50.0, a), "S2": (200.0, 0.0, b), "S3": (100.0, 25.0, None)})
    net = _laid(CROSS, ring)
    heat = net.station_heat(np.ones((2, 3)), pd.Index([a, b]))
    np.testing.assert_array_equal(heat[list(net.substation_id).index("S3")], 0.0)
    assert any("S3" in note for note in net.notes)


def test_water_by_known_values() -> None:
    """Saturated water at 80 °C: 971.8 kg/m³, 4.196 kJ/(kgK), 354.4 µPas (IAPWS steam tables)."""
    water, at = Water.of(PARAMETERS), np.array(80.0)
    assert water.density_at(at) == pytest.approx(971.8, rel=1e-3)
    assert np.polynomial.polynomial.polyval(80.0, water.heat_capacity) == pytest.approx(4196, rel=1e-3)
    assert water.viscosity_at(at) == pytest.approx(354.4e-6, rel=3e-3)
    assert water.enthalpy_at(at) == pytest.approx(335.0e3, rel=2e-3)


def test_gradient_by_colebrook() -> None:
    """The factor that comes out of the gradient satisfies Colebrook's equation."""
    water, d, flow = Water.constant(4180, 980, 4e-4), 0.1071, 8.0
    steep = float(gradient(np.array(flow), np.array(d), water, 80.0, 1e-4))
    speed = flow / (980 * np.pi / 4 * d**2)
    factor = steep * d / (980 / 2 * speed**2)
    reynolds = 980 * speed * d / 4e-4
    right = -2 * np.log10(1e-4 / (3.71 * d) + 2.51 / (reynolds * np.sqrt(factor)))
    assert 1 / np.sqrt(factor) == pytest.approx(right, rel=1e-6)


def test_diameters_carry_their_load() -> None:
    """The chosen pipe stays within the planning gradient and the next smaller one would not."""
    flows = np.array([0.3, 2.0, 10.0, 80.0])
    chosen = pipes.choose(flows, PARAMETERS)
    inner = PARAMETERS.pipes["inner_diameter_mm"].to_numpy("float64")
    water = Water.of(PARAMETERS)
    celsius = 0.5 * (PARAMETERS.constant("supply_max_c") + pipes.design_return_c(PARAMETERS))
    limit, fast = PARAMETERS.constant("design_gradient_pa_m"), PARAMETERS.constant("design_velocity_m_s")
    for flow, d in zip(flows, chosen["inner_diameter_mm"], strict=True):

        def fits(mm: float, flow: float = flow) -> bool:
            speed = flow / (float(water.density_at(np.array(celsius))) * np.pi / 4 * (mm / 1000) ** 2)
            steep = float(gradient(np.array(flow), np.array(mm / 1000), water, celsius, 1e-4))
            return steep <= limit * 1.001 and speed <= fast * 1.001

        assert fits(d) and not fits(inner[np.searchsorted(inner, d) - 1])
    with pytest.raises(CallError, match="more than DN"):
        pipes.choose(np.array([1e5]), PARAMETERS)


def test_heat_loss_of_a_pair_by_hand() -> None:
    """DN 100 in DN 200 casing: resistances of foam, soil and neighbour added up (EN 13941-1)."""
    foam = np.log(200 / 114.3) / (2 * np.pi * 0.0275)
    depth = 1.2 + 0.0685 * 1.5
    soil = np.log(4 * depth / 0.2) / (2 * np.pi * 1.5)
    pair = np.log(1 + (2 * depth / 0.35) ** 2) / (4 * np.pi * 1.5)
    found = pipes.u_value_w_mk(np.array([114.3]), np.array([200.0]), PARAMETERS)
    assert found[0] == pytest.approx(1 / (foam + soil + pair), rel=1e-9)


def test_a_district_without_streets() -> None:
    case = energy.Case(slabs(3, heating="district_heating"), WEATHER, shading="tabula")
    net = of_case(case)
    assert any("no streets" in note for note in net.notes)
    year = simulate_network(case, net)
    assert year.served_kwh.sum() == pytest.approx(year.asked_kwh.sum(), rel=0.01)


def test_a_building_explains_its_substation() -> None:
    """Every formula gives its figure; the load is the layout's, the CO2 the chain's."""
    case = energy.Case(slabs(3, heating="district_heating"), WEATHER, shading="tabula")
    found = simulate_network(case)
    steps = {step.symbol: step for step in trace.explain(found, case, "b1")}
    for step in steps.values():
        if step.formula:
            known = {"__builtins__": {}, "max": max}
            assert eval(step.formula, known, dict(step.inputs)) == pytest.approx(step.value)
    assert steps["P_b"].value == pytest.approx(design_power_kw(case)["b1"])
    station = int(found.network.building_station["b1"])
    assert steps["Q_st"].value == pytest.approx(found.served_kwh[station].sum())
    assert steps["θ_s_min"].value <= steps["θ_s"].value <= found.plant_supply_c.max()
    counted = weighting.factors(with_losses(case, found).parameters)
    factor = counted.co2_kg_kwh[counted.carriers.index("district_heating")]
    assert steps["f_net"].value == pytest.approx(factor)
    assert trace.explain(found, case, "nobody") == ()
