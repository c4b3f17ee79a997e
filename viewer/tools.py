"""What the picture's tools ask the server: sight, ground in view, view from a window, hours of sun, compare.

Rays are cast in a thread; only the latest question of a page is answered. The obstacles are the district
as it is, with the trees that the page's plan plants.
"""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import panel as pn
from numpy.typing import NDArray

from energy import sun_ground
from energy.sun_facades import SunFacades
from energy.sun_facades import sun_hours_facades as facade_hours
from twin import mesh, visibility
from twin.district import District
from twin.errors import CallError, TwinError
from twin.sources.base import Progress, no_progress
from twin.terrain import Terrain
from twin.visibility.directions import vectors
from twin.visibility.sight import LAND, SKY, SOLID
from viewer import colours, facts, planned, texts
from viewer.layers import LAYERS, Layer
from viewer.state import State, Twin

EYE_M = 1.6
_FROM_WALL_M = 0.3
_VIEW_CELL_M = 5.0
_CREST = "#1f9e89"
_AREA_M = 300.0  # half the side of what hours of sun are drawn for around the middle of the picture
_EDGES = {"day": (0, 1, 2, 3, 4, 6, 8, 10, 12), "year": (0, 1, 2, 3, 4, 5, 6, 7, 8)}
_FARTHEST_WALL_M = 60.0  # from a wall's middle to where somebody pointed at it
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Obstacles:
    """The rays' scene, its triangles, and the row of the building of each, shape (triangle,)."""

    frame: visibility.Scene
    found: mesh.Mesh
    building: NDArray[np.int64]


class Shared:
    """Obstacles by district, which all pages share."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Twin, dict[int, tuple[District, Obstacles]]] = WeakKeyDictionary()
        self._making = threading.Lock()

    def of(self, twin: Twin, district: District) -> Obstacles:
        """The obstacles of a district; the twin's own is kept for good, of others the last."""
        with self._making:
            kept = self._known.setdefault(twin, {})
            own = int(district is not twin.district)
            if own not in kept or kept[own][0] is not district:
                found = mesh.of_district(district)
                frame = visibility.scene_of_district(district, found=found)
                kept[own] = (district, Obstacles(frame, found, found.building[found.faces[:, 0]]))
            return kept[own][1]


_SHARED = Shared()


class Tools:
    """One page's tools.

    show : takes what the page's tools say, by name of the bridge's parameter (``tool``).
    scene : takes the picture's parameters: raster and raster_look, compare and its values.
    fail : takes what went wrong.
    paint : colours the buildings anew, by `shaded` while a tool colours them.
    """

    def __init__(
        self,
        state: State,
        *,
        show: Callable[..., None],
        scene: Callable[..., None],
        fail: Callable[[str], None],
        paint: Callable[[], None] = lambda: None,
    ) -> None:
        self.state, self._show, self._scene, self._fail, self._paint = state, show, scene, fail, paint
        self.shaded: dict[str, Any] = {}
        self.sunny: SunFacades | None = None
        self.mode = "none"
        self.asked = 0

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        kind = str(message.get("type", ""))
        if kind == "compare":
            self._compare(str(message["mode"]))
        elif kind == "tool_off":
            self.asked += 1
            self._scene(raster=None, raster_look={}, walls=None, walls_look={})
            self._shade({}, None)
        elif kind == "sun_wall":
            wall = None if self.sunny is None else sun_wall(self.state, self.sunny, message)
            self._show(tool={"kind": "sun_wall", "wall": wall, "ask": message.get("ask")})
        elif kind in _ANSWERS:
            self.asked += 1
            pn.state.execute(partial(self._answer, kind, dict(message), self.asked, pn.state.curdoc))
        else:
            return False
        return True

    async def _answer(self, kind: str, message: Mapping[str, Any], asked: int, document: Any) -> None:
        ask = message.get("ask")

        def report(text: str, share: float) -> None:
            if document is not None and asked == self.asked and share < 1:
                document.add_next_tick_callback(
                    partial(self._show, tool={"kind": "progress", "ask": ask, "share": share})
                )

        try:
            answer = await asyncio.to_thread(_ANSWERS[kind], self.state, message, report)
        except (TwinError, KeyError, TypeError, ValueError) as error:
            self._fail(texts.error(self.state.language, error))
            answer = {"kind": "failed"}
        if asked != self.asked:
            return
        for laid in (answer.pop("raster", None), answer.pop("walls_laid", None)):
            if laid is not None:
                self._scene(**laid)
        if kind.startswith("sun_hours"):
            self._shade(answer.pop("shaded", {}), answer.pop("sunny", None))
        self._show(tool=answer | {"ask": ask})

    def _shade(self, shaded: dict[str, Any], sunny: SunFacades | None) -> None:
        """Let a tool colour the buildings, or give the colours back."""
        self.sunny = sunny
        if shaded or self.shaded:
            self.shaded = shaded
            self._paint()

    def _compare(self, mode: str) -> None:
        if mode not in ("none", "swipe", "split"):
            raise CallError(f"there is no way {mode!r} to compare", "compare", "Use none, swipe or split")
        self.mode = mode
        self._scene(compare=mode, **self.compared(self.state.layer()))

    def compared(self, layer: Layer) -> dict[str, Any]:
        """What the left side of a comparison shows beside `layer`, on the same scale: A, else today."""
        if self.mode == "none":
            return {"compare_values": None}
        language = self.state.language
        labels = [texts.text(language, f"kpi.{side}") for side in ("before", "after")]
        if self.state.held is not None:
            labels = ["A", "B"]
        return {"compare_values": other_side(self.state, layer).tobytes(), "compare_labels": labels}


def other_side(state: State, layer: Layer) -> NDArray[np.float32]:
    """The layer's values in the state that is held, else before any measure; classes as in `layer`."""
    if state.held is not None:
        view = replace(state.held.view(), baseline=state.view().baseline)
    else:
        view = replace(
            state.twin.view(state.before, state.language), baseline=state.before,
            second=state.second_before, second_before=state.second_before,
        )  # fmt: skip
    before = LAYERS[state.colour](view)
    if not before.categories:
        return before.values
    number = {category.code: float(i) for i, category in enumerate(layer.categories)}
    codes = [number.get(category.code, np.nan) for category in before.categories]
    known = np.isfinite(before.values)
    values = np.full(len(before.values), np.nan, np.float32)
    values[known] = np.array(codes, np.float32)[before.values[known].astype(int)]
    return values


def sight(state: State, message: Mapping[str, Any], progress: Progress = no_progress) -> dict[str, Any]:
    """Whether a line of sight is free, where it ends, and what stands in its way."""
    obstacles = _obstacles(state)
    eye, target = (_eye(message[end]) for end in ("eye", "target"))
    lines = visibility.sightlines(obstacles.frame, eye, target)
    free, length = float(lines.free_m[0]), float(lines.length_m[0])
    blocked = not bool(lines.clear[0])
    end = eye + (target - eye) * min(free / max(length, 1e-9), 1.0)
    return {
        "kind": "sight", "clear": not blocked, "length_m": length, "free_m": free, "eye": eye.tolist(),
        "end": end.tolist(), "target": target.tolist(), "light": [float(v) for v in lines.light[:, 0]],
        "blocker": _name(state, obstacles, int(lines.triangle[0])) if blocked else "",
    }  # fmt: skip


def viewshed(state: State, message: Mapping[str, Any], progress: Progress = no_progress) -> dict[str, Any]:
    """The ground that is seen from a point, as colours on the ground."""
    eye = _eye(message["eye"])
    terrain = _terrain(state.twin.district)
    seen, _ = visibility.viewshed(_obstacles(state).frame, eye, terrain, cell_m=_VIEW_CELL_M)
    cells = (seen.heights_m > 0).astype(np.uint8)
    x, y = _middles(seen)
    near = np.hypot(x - eye[0], y - eye[1]) <= 500.0
    return {
        "kind": "viewshed", "eye": eye.tolist(),
        "seen_ha": float(cells.sum()) * seen.cell_m**2 / 1e4,
        "share_500m": float(cells[near].mean()) if near.any() else 0.0,
        "raster": _raster(cells, seen, [_CREST], 0.5),
    }  # fmt: skip


def outlook(state: State, message: Mapping[str, Any], progress: Progress = no_progress) -> dict[str, Any]:
    """What is seen from a window, or all around from a place: shares of the view, and those that a planned
    building takes."""
    place = message["eye"]
    eye = _eye(place)
    obstacles = _obstacles(state)
    view = visibility.panorama(obstacles.frame, eye, step_deg=1.0)
    levels, turns = view.kind.shape
    sine = -1 + (np.arange(levels) + 0.5) * 2 / levels
    azimuth = (np.arange(turns) + 0.5) * 360 / turns
    ways = vectors(np.tile(azimuth, levels), np.repeat(np.degrees(np.arcsin(sine)), turns))
    normal = np.asarray(place.get("normal") or [0, 0, 0], float)
    window = _is_window(place)
    chosen = (ways @ normal > 0 if window else np.ones(len(ways), bool)).reshape(levels, turns)
    tree = (view.light[1] < 0.999) & chosen
    shares = {"green": float(tree.sum()) / chosen.sum()}
    for name, kind in (("sky", SKY), ("buildings", SOLID), ("ground", LAND)):
        shares[name] = float(((view.kind == kind) & chosen & ~tree).sum()) / chosen.sum()
    taken = None
    if message.get("planned"):
        found = planned.mesh_beside(obstacles.found, message["planned"], _terrain(state.twin.district))
        after = visibility.panorama(
            visibility.scene_of_district(_district(state), found=found), eye, step_deg=1.0
        )
        seen_sr = float(chosen.sum()) * view.cell_sr
        taken = {name: sr / seen_sr for name, sr in visibility.taken(view, after).items()}
    return {"kind": "outlook", "window": window, "eye": eye.tolist(), "shares": shares, "taken": taken}


def sun_hours(state: State, message: Mapping[str, Any], progress: Progress = no_progress) -> dict[str, Any]:
    """Hours of sun on the ground as colours, and what the plan's trees take of them."""
    period: sun_ground.Period = message.get("period", "day")
    day = datetime.date.fromisoformat(str(message["date"]))
    district, base = _district(state), state.twin.district
    x, y = (float(v) for v in message["at"])
    bounds = (x - _AREA_M, y - _AREA_M, x + _AREA_M, y + _AREA_M)
    planted = district is not base
    if planted and not message.get("trees", True):
        district, planted = base, False

    def found(of: District) -> sun_ground.SunGround:
        frame = _SHARED.of(state.twin, of).frame
        step = 15 if period == "day" else 30
        return sun_ground.sun_hours_ground(
            of, period, day, cell_m=3.0, step_min=step, bounds=bounds, frame=frame, progress=progress
        )

    shown = found(district)
    edges = _EDGES["day" if period in ("day", "summer") else "year"]
    palette = [_hex(row) for row in colours.ramp("cividis", len(edges))]
    cells = sun_ground.colours_of(shown.hours.heights_m, edges)
    known = shown.hours.heights_m[np.isfinite(shown.hours.heights_m)]
    return {
        "kind": "sun_hours", "period": period, "date": day.isoformat(),
        "edges": list(edges), "colours": palette,
        "possible_h": shown.possible_h, "mean_h": float(known.mean()) if len(known) else 0.0,
        "least_2h": float((known >= 2).mean()) if len(known) else 0.0,
        "planted": planted, "may_plant": _district(state) is not base,
        "taken": sun_ground.shaded_share(found(base), shown) if planted else None,
        "raster": _raster(cells, shown.hours, palette, 0.82),
    }  # fmt: skip


def sun_hours_facades(
    state: State, message: Mapping[str, Any], progress: Progress = no_progress
) -> dict[str, Any]:
    """Hours of sun on the facades around the middle of the picture as colours of each wall, by side of the
    sky, and what the plan's trees take of them."""
    period: sun_ground.Period = message.get("period", "day")
    day = datetime.date.fromisoformat(str(message["date"]))
    district, base = _district(state), state.twin.district
    may_plant = district is not base
    if not message.get("trees", True):
        district = base
    middle = district.buildings.geometry.centroid
    x, y = (float(v) for v in message["at"])
    near = ((middle.x - x).abs() <= _AREA_M) & ((middle.y - y).abs() <= _AREA_M)

    def found(of: District) -> SunFacades:
        obstacles = _SHARED.of(state.twin, of)
        return facade_hours(
            of, period, day, step_min=15 if period == "day" else 30, buildings=near.index[near],
            frame=obstacles.frame, found=obstacles.found, progress=progress,
        )  # fmt: skip

    shown = found(district)
    edges = _EDGES["day" if period in ("day", "summer") else "year"]
    # No cividis: its grey middle would look like buildings without a value.
    palette = [_hex(row) for row in colours.ramp("viridis", len(edges))]
    classes = sun_ground.colours_of(shown.walls["hours"].to_numpy("float64"), edges).astype(np.int64) - 1
    sides = {side: value if np.isfinite(value) else None for side, value in shown.by_side().items()}
    mean = shown.mean_h if np.isfinite(shown.mean_h) else 0.0
    return {
        "kind": "sun_hours_facades", "period": period, "date": day.isoformat(),
        "edges": list(edges), "colours": palette, "possible_h": shown.possible_h, "mean_h": mean,
        "sides": sides, "walls": len(shown.walls), "buildings": shown.walls["building_id"].nunique(),
        "taken_h": None if district is base else float(found(base).mean_h - mean), "may_plant": may_plant,
        "sunny": shown,
        "walls_laid": walls_laid(_SHARED.of(state.twin, district).found, district, shown, classes, palette),
        # Roofs and the walls further away are grey, so that no other value is mistaken for hours of sun.
        "shaded": {
            "values": np.full(len(state.twin.annual), np.nan, np.float32).tobytes(), "compare_values": None,
        },
    }  # fmt: skip


def walls_laid(
    found: mesh.Mesh, district: District, sunny: SunFacades, classes: NDArray[np.int64], palette: list[str]
) -> dict[str, Any]:
    """Triangles of walls in the order of their classes, as the picture's parameters.

    found : the district's triangles.  classes : number of the colour of each wall, shape (wall,).
    """
    of_surface = np.full(len(district.surfaces), -1)
    of_surface[district.surfaces.index.get_indexer(sunny.walls.index)] = classes
    of_face = of_surface[found.polygon[found.faces[:, 0]]]
    order = np.argsort(of_face, kind="stable")[np.count_nonzero(of_face < 0) :]
    points = found.vertices[found.faces[order]]
    corner = np.floor(points.reshape(-1, 3).min(axis=0)) if len(points) else np.zeros(3)
    counts = np.bincount(of_face[order], minlength=len(palette))
    return {
        "walls": (points - corner).astype("<f4").tobytes(),
        "walls_look": {"corner": corner.tolist(), "counts": counts.tolist(), "colours": palette},
    }


def sun_wall(state: State, sunny: SunFacades, place: Mapping[str, Any]) -> dict[str, Any] | None:
    """The wall at a place on a facade: its hours, its building's mean and name; None where there is none."""
    normal = np.asarray(place.get("normal") or [0, 0, 1], float)
    if abs(normal[2]) >= 0.5 or not len(sunny.walls):
        return None
    walls = sunny.walls
    bearing = np.radians(walls["azimuth_deg"].to_numpy())
    outward = np.column_stack([np.sin(bearing), np.cos(bearing)])
    apart = np.array([float(place["east"]), float(place["north"])]) - walls[["x_m", "y_m"]].to_numpy()
    off = np.abs((apart * outward).sum(axis=1)) + 10.0 * (outward @ normal[:2] < 0.9)
    along = np.hypot(*apart.T)
    row = walls.iloc[int(np.argmin(np.where(off < 0.5, along, np.inf)))]
    if not (off < 0.5).any() or along.min() > _FARTHEST_WALL_M:
        return None
    building = str(row["building_id"])
    index = pd.Index([building])
    return {
        "hours": float(row["hours"]), "area_m2": float(row["area_m2"]),
        "mean_h": float(sunny.by_building(index).iloc[0]),
        "name": str(facts.names(state.twin.district.buildings.loc[index]).iloc[0]),
    }  # fmt: skip


_ANSWERS: dict[str, Callable[[State, Mapping[str, Any], Progress], dict[str, Any]]] = {
    "sight": sight, "viewshed": viewshed, "outlook": outlook, "sun_hours": sun_hours,
    "sun_hours_facades": sun_hours_facades,
}  # fmt: skip


def _district(state: State) -> District:
    """The district with the trees of the plan, or the twin's own."""
    if not any(choice.measure == "trees" for choice in state.plan.active):
        return state.twin.district
    return state.twin.variant(state.plan).district


def _obstacles(state: State) -> Obstacles:
    return _SHARED.of(state.twin, _district(state))


def _is_window(place: Mapping[str, Any]) -> bool:
    normal = place.get("normal")
    return normal is not None and abs(float(normal[2])) < 0.5


def _eye(place: Mapping[str, Any]) -> Floats:
    """Where an eye is for a place that was picked: before a facade, or of a person who stands there."""
    point = np.array([float(place[name]) for name in ("east", "north", "height")])
    if not np.isfinite(point).all():
        raise CallError("a place is no number", "the picture")
    if _is_window(place):
        return np.asarray(point + np.asarray(place["normal"], float) * _FROM_WALL_M)
    return np.asarray(point + np.array([0.0, 0.0, EYE_M]))


def _name(state: State, obstacles: Obstacles, triangle: int) -> str:
    """What a triangle belongs to: a building's address, or the ground."""
    if triangle >= len(obstacles.building):
        return texts.text(state.language, "tools.ground")
    row = int(obstacles.building[triangle])
    if row < 0:
        return texts.text(state.language, "tools.building")
    name = str(facts.names(state.twin.district.buildings).iloc[row])
    return name or texts.text(state.language, "facts.unnamed")


def _terrain(district: District) -> Terrain:
    """The ground that is looked at: the terrain, or a plane where there is none."""
    if district.terrain is not None:
        return district.terrain
    west, south, east, north = district.buildings.total_bounds
    ground = float(np.nan_to_num(np.nanmedian(district.buildings["ground_height_m"].to_numpy("float64"))))
    shape = tuple(int(np.ceil((side + 400) / 20)) for side in (north - south, east - west))
    return Terrain(np.full(shape, ground, np.float32), float(west) - 200, float(north) + 200, 20.0)


def _middles(grid: Terrain) -> list[Floats]:
    rows, columns = grid.heights_m.shape
    x = grid.west_m + (np.arange(columns) + 0.5) * grid.cell_m
    y = grid.north_m - (np.arange(rows) + 0.5) * grid.cell_m
    return list(np.meshgrid(x, y))


def _raster(cells: NDArray[np.uint8], grid: Terrain, palette: list[str], opacity: float) -> dict[str, Any]:
    rows, columns = cells.shape
    look = {
        "bounds": list(grid.bounds),
        "columns": columns,
        "rows": rows,
        "colours": palette,
        "opacity": opacity,
    }
    return {"raster": np.ascontiguousarray(cells).tobytes(), "raster_look": look}


def _hex(colour: NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(value):02x}" for value in colour[:3])
