"""Elements of layers for the node model: the same steady losses as the simple method, the same masses."""

from __future__ import annotations

import numpy as np
import pytest

from energy import archetypes, constructions, heat_balance, node_elements, nodes, weather
from energy.parameters import Parameters
from tests.energy.districts import slabs

PARAMETERS = Parameters.default()


def envelope(count=1, **columns):
    return archetypes.fill(slabs(count, surfaces=True, **columns), PARAMETERS)


def conductance_w_k(parts, component):
    """U·A·b of the slots that are walls, roof or floor, from their layers (ISO 6946), per building. [W/K]"""
    total = 0.0
    surfaces = constructions.R_INSIDE[component] + constructions.R_OUTSIDE
    for slot in parts.slots:
        if slot.name.startswith(component) or (component == "wall" and slot.name == "door"):
            r = np.array([parts.layers[n].resistance_m2k_w.sum() for n in slot.construction])
            total = total + slot.b * slot.area_m2 / (surfaces + r)
    return total


@pytest.mark.parametrize("state", ["none", "usual", "advanced"])
def test_steady_losses_are_those_of_the_simple_method(state):
    """Opaque parts and windows with their thermal bridges, heat_balance against the layers."""
    frame = envelope(3, refurbishment=state, construction_series=["WBS 70", "M10", None])
    parts = node_elements.elements(frame, PARAMETERS)
    opaque = sum(conductance_w_k(parts, component) for component in ("wall", "roof", "floor"))
    glass = parts.window_area_m2.sum(axis=1) * parts.u_window_w_m2k
    simple = heat_balance.opaque_transmission(frame, PARAMETERS) + heat_balance.window_transmission(frame)
    np.testing.assert_allclose(opaque + glass, simple, rtol=2e-4)


def test_areas_are_the_envelopes():
    frame = envelope(2)
    parts = node_elements.elements(frame, PARAMETERS)
    area = {slot.name: slot.area_m2 for slot in parts.slots}
    walls = sum(value for name, value in area.items() if name.startswith("wall"))
    np.testing.assert_allclose(walls, frame["wall_area_m2"])
    np.testing.assert_allclose(parts.window_area_m2.sum(axis=1), frame["window_area_m2"])
    np.testing.assert_allclose(area["slab_floor_side"], 480 * 5)
    np.testing.assert_allclose(area["inner_walls"], 2 * 0.8 * 0.8 * 6 * 480)
    south = next(slot for slot in parts.slots if slot.name == "wall_s")
    assert (south.tilt_deg, south.azimuth_deg, south.boundary) == (90.0, 180.0, "outside")


def test_a_partition_is_cut_where_heat_parts():
    """Slab: screed above half the insulation, concrete below the other half; a wall in the middle."""
    slab = constructions.layers("slab_ceiling", PARAMETERS)
    above = node_elements.room_side(slab)
    below = node_elements.room_side(constructions.mirrored(slab))
    np.testing.assert_allclose(above.thickness_m, [0.01, 0.035])
    np.testing.assert_allclose(below.thickness_m, [0.01, 0.14])
    wall = node_elements.room_side(constructions.layers("slab_inner_wall", PARAMETERS))
    np.testing.assert_allclose(wall.thickness_m, [0.075])
    brick = node_elements.room_side(constructions.layers("inner_wall_brick", PARAMETERS))
    np.testing.assert_allclose(brick.thickness_m, [0.0575, 0.015])


def test_both_sides_of_every_partition_hold_all_its_mass():
    for name in {*PARAMETERS.fabrics["ceiling"], *PARAMETERS.fabrics["inner_wall"]}:
        whole = constructions.layers(name, PARAMETERS)
        sides = [node_elements.room_side(side) for side in (whole, constructions.mirrored(whole))]
        stored = [
            float((side.thickness_m * side.density_kg_m3 * side.specific_heat_j_kgk).sum())
            for side in (*sides, whole)
        ]
        if (whole.conductivity_w_mk < constructions.INSULATION_W_MK).sum() <= 1:
            assert stored[0] + stored[1] == pytest.approx(stored[2])


def test_alike_buildings_share_their_layers():
    parts = node_elements.elements(envelope(20), PARAMETERS)
    assert len(parts.layers) < 12


def test_bare_sheets_with_thermal_bridges_stay_solvable():
    frame = envelope().assign(u_wall_w_m2k=5.5, u_floor_w_m2k=4.5, delta_u_thermal_bridge_w_m2k=0.5)
    parts = node_elements.elements(frame, PARAMETERS)
    assert all((layers.resistance_m2k_w > 0).all() for layers in parts.layers)


@pytest.mark.parametrize(("dtype", "closes"), [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_heat_in_out_and_stored_meet(dtype, closes):
    """First law over half a year with all kinds of boundaries, sun, gains, ventilation and limited power."""
    year = weather.sample()
    part = 4380
    kinds = ("outside", "air", "held", "adiabatic")
    one = [
        nodes.Element(
            20.0 + 5 * number, np.array([0.1, 1.2, 0.05]), np.array([2e4, 8e4, 8e4, 3e4]), outer=kind,
            tilt_deg=45.0 * number,
        )
        for number, kind in enumerate(kinds)
    ]  # fmt: skip
    lanes = 8
    made = nodes.tables(
        [one] * 5, air_j_k=np.full(5, 4e5), ventilation_w_k=np.outer([10.0, 40.0], np.arange(1, 6)),
        light=np.full((2, 5, 4), 0.2), limits_w=np.full((2, 5), 2500.0), lanes=lanes, dtype=dtype,
    )  # fmt: skip
    outside, sun = nodes.outer_drive(one, year, 0.2)
    entering, gains = np.full((2, part, lanes), 150.0), np.full((2, part, lanes), 2.0)
    hours = nodes.Hours(
        outside[:part], sun[:part], 0 * sun[:part] + 1.0, entering, year.temp_air[:part], gains,
        np.full(part, 20.0), np.full(part, 25.0), np.arange(part) % 2,
    )  # fmt: skip
    _, off = nodes.run_balanced(made, hours)
    assert np.abs(off).max() < closes
