"""What the picture's tools ask the server, on the small district, by trigonometry."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.scenes import ORIGIN, flat, town
from tests.viewer.districts import EAST, NORTH, small
from twin import visibility
from twin.errors import CallError
from viewer import tools
from viewer.state import State, Twin
from viewer.whatif import Plan, retrofit


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin.of(small())


@pytest.fixture
def state(twin: Twin) -> State:
    return State(twin)


def place(
    east: float, north: float, height: float = 160.0, normal: list[float] | None = None
) -> dict[str, object]:
    return {"east": EAST + east, "north": NORTH + north, "height": height, "normal": normal}


def test_a_block_between_two_people_is_named(state: State) -> None:
    """The western slab stands from 100 to 112 m north: an eye 20 m before it sees 20 m far."""
    told = tools.sight(state, {"eye": place(27, 80), "target": place(27, 140)})
    assert not told["clear"]
    assert told["free_m"] == pytest.approx(20.0, abs=0.01) and told["length_m"] == pytest.approx(60.0)
    assert told["blocker"].startswith("Karl-Marx-Allee")
    assert told["end"][1] == pytest.approx(NORTH + 100, abs=0.01)
    assert told["eye"][2] == pytest.approx(160.0 + tools.EYE_M)
    free = tools.sight(state, {"eye": place(-40, 80), "target": place(-40, 140)})
    assert free["clear"] and free["blocker"] == "" and free["end"] == pytest.approx(free["target"])


def test_ground_behind_a_block_is_not_seen(state: State) -> None:
    told = tools.viewshed(state, {"eye": place(27, 80)})
    look = told["raster"]["raster_look"]
    cells = np.frombuffer(told["raster"]["raster"], np.uint8).reshape(look["rows"], look["columns"])
    west, _, _, top = look["bounds"]

    def at(east: float, north: float) -> int:
        cell = tools._VIEW_CELL_M
        return int(cells[int((top - NORTH - north) // cell), int((EAST + east - west) // cell)])

    assert at(27, 70) == 1 and at(27, 130) == 0
    assert 0 < told["share_500m"] < 1
    assert told["seen_ha"] == pytest.approx(cells.sum() * 25 / 1e4)


def test_a_window_without_anything_before_it_sees_half_sky() -> None:
    """On level ground without an end the horizon halves the half space before a wall."""
    twin = Twin.of(town([(0, 0, 20, 12, 15)], terrain=flat(size_m=4000.0, cell_m=50.0)))
    window = {"east": ORIGIN[0] + 10, "north": ORIGIN[1], "height": 6.0, "normal": [0.0, -1.0, 0.0]}
    told = tools.outlook(State(twin), {"eye": window})
    assert told["window"]
    assert sum(told["shares"].values()) == pytest.approx(1.0)
    assert told["shares"]["sky"] == pytest.approx(0.5, abs=0.01)
    assert told["shares"]["ground"] == pytest.approx(0.5, abs=0.01)
    assert told["shares"]["buildings"] == told["shares"]["green"] == 0.0


def test_a_planned_building_takes_what_its_angles_say() -> None:
    """A wall of 60 m at 15 m before a window on level ground, by a rectangle's solid angle."""
    twin = Twin.of(town([(0, 0, 20, 12, 15)], terrain=flat(size_m=4000.0, cell_m=50.0)))
    east, north = ORIGIN[:2]
    window = {"east": east + 10, "north": north, "height": 6.0, "normal": [0.0, -1.0, 0.0]}
    ring = [
        [east - 20, north - 25.3],
        [east + 40, north - 25.3],
        [east + 40, north - 15.3],
        [east - 20, north - 15.3],
    ]
    told = tools.outlook(State(twin), {"eye": window, "planned": {"areas": [[ring]], "height_m": 21.0}})

    def corner(a: float, b: float, d: float) -> float:
        """Solid angle of a rectangle a by b before one of its corners at distance d. [sr]"""
        return float(np.arctan(a * b / (d * np.sqrt(a * a + b * b + d * d))))

    sky = 2 * corner(30.0, 15.0, 15.0) / (2 * np.pi)
    land = 2 * corner(30.0, 6.0, 15.0) / (2 * np.pi)
    assert told["taken"]["sky_sr"] == pytest.approx(sky, abs=0.01)
    assert told["taken"]["land_sr"] == pytest.approx(land, abs=0.01)
    assert tools.outlook(State(twin), {"eye": window})["taken"] is None
    for plan, said in (
        ({"areas": [[ring]], "height_m": 0.2}, "out of range"),
        ({"areas": [[ring[:2]]], "height_m": 9.0}, "three points"),
        ({"areas": [], "height_m": 9.0}, "no area"),
        ({"areas": [[ring * 501]], "height_m": 9.0}, "too many"),
    ):
        with pytest.raises(CallError, match=said):
            tools.outlook(State(twin), {"eye": window, "planned": plan})


def test_hours_of_sun_are_coloured_and_trees_of_the_plan_take_some(state: State) -> None:
    message = {"period": "day", "date": "2026-06-21", "at": [EAST + 60, NORTH + 110]}
    told = tools.sun_hours(state, message)
    look = told["raster"]["raster_look"]
    assert len(told["raster"]["raster"]) == look["rows"] * look["columns"]
    assert len(told["edges"]) == len(told["colours"]) == len(look["colours"])
    assert told["possible_h"] == pytest.approx(16.5, abs=0.3)  # 21 June at 50.9° north
    assert 0 < told["mean_h"] <= told["possible_h"]
    assert told["taken"] is None and not told["may_plant"]
    state.run = state.twin.run(Plan().change("trees", on=True))
    planted = tools.sun_hours(state, message)
    assert planted["planted"] and planted["taken"] > 0 and planted["mean_h"] < told["mean_h"]
    without = tools.sun_hours(state, message | {"trees": False})
    assert without["mean_h"] == pytest.approx(told["mean_h"]) and without["may_plant"]


def test_hours_of_sun_colour_facades_by_building_and_tell_a_wall(twin: Twin) -> None:
    state, sent = State(twin), dict[str, object]()
    page = tools.Tools(state, show=sent.update, scene=sent.update, fail=lambda text: None)
    told = tools.sun_hours_facades(
        state, {"period": "day", "date": "2026-06-21", "at": [EAST + 60, NORTH + 110]}
    )
    assert np.isnan(np.frombuffer(told["shaded"]["values"], "<f4")).all()  # roofs tell no hours
    assert told["buildings"] > 15
    assert told["sides"]["south"] > told["sides"]["north"] and told["taken_h"] is None
    laid, walls = told["walls_laid"], told["sunny"].walls
    look, triangles = laid["walls_look"], np.frombuffer(laid["walls"], "<f4").reshape(-1, 3, 3)
    assert sum(look["counts"]) == len(triangles) and look["colours"] == told["colours"]
    # Each wall's triangles have its area (nothing of these stands against another) and lie in its class.
    sides = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(sides, axis=1) / 2
    first = np.concatenate([[0], np.cumsum(look["counts"])])
    edges = np.array([*told["edges"], np.inf])
    for number in range(len(told["edges"])):
        inside = (walls["hours"] >= edges[number]) & (walls["hours"] < edges[number + 1])
        laid_m2 = area[first[number] : first[number + 1]].sum()
        assert laid_m2 >= walls.loc[inside, "area_m2"].sum() - 0.5
    assert (np.abs(sides[:, 2]) < area).all()  # upright, tilted by 30° at most
    # The western slab's south wall looks over open ground.
    page._shade(told.pop("shaded"), told.pop("sunny"))
    page.receive({"type": "sun_wall", **place(9, 100, 166.0, [0.0, -1.0, 0.0]), "ask": 1})
    wall = sent["tool"]["wall"]  # type: ignore[index]
    assert wall["name"] == "Karl-Marx-Allee 1" and 0 < wall["hours"] < told["possible_h"]
    assert wall["area_m2"] == pytest.approx(18 * 15.0)
    page.receive({"type": "sun_wall", **place(9, 106, 175.0, [0.0, 0.0, 1.0]), "ask": 2})
    assert sent["tool"] == {"kind": "sun_wall", "wall": None, "ask": 2} and page.shaded
    page.receive({"type": "tool_off"})
    assert page.shaded == {} and page.sunny is None


def test_the_left_side_is_today_on_the_scale_of_the_right(state: State) -> None:
    sent: dict[str, object] = {}
    page = tools.Tools(state, show=sent.update, scene=sent.update, fail=lambda text: None)
    state.run = state.twin.run(retrofit(1.0))
    assert page.receive({"type": "compare", "mode": "swipe"})
    left = np.frombuffer(sent["compare_values"], "<f4")  # type: ignore[call-overload]
    heated = np.isfinite(left)
    assert sent["compare"] == "swipe" and sent["compare_labels"] == ["heute", "mit Maßnahme"]
    assert (left[heated] > state.layer().values[heated]).all()
    state.colour = "construction_series"
    np.testing.assert_array_equal(tools.other_side(state, state.layer()), state.layer().values)
    page.receive({"type": "compare", "mode": "none"})
    assert sent["compare_values"] is None
    with pytest.raises(CallError, match="no way"):
        page.receive({"type": "compare", "mode": "blink"})
    assert not page.receive({"type": "select", "id": None})


def test_what_is_no_place_is_refused(state: State) -> None:
    with pytest.raises(CallError, match="no number"):
        tools.viewshed(state, {"eye": place(float("nan"), 0)})
    with pytest.raises(KeyError):
        tools.sight(state, {"eye": place(0, 0)})


def test_obstacles_are_made_once(state: State) -> None:
    first, again = (tools._SHARED.of(state.twin, state.twin.district) for _ in range(2))
    assert first is again and isinstance(first.frame, visibility.Scene)
