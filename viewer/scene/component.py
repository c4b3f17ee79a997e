"""The 3D scene as a Panel component: parameters only, all drawing is in the bundle built from `src`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import param
from numpy.typing import ArrayLike
from panel.custom import JSComponent

from twin.errors import TwinError

BUNDLE = Path(__file__).parent / "dist" / "scene.js"


class Scene(JSComponent):  # type: ignore[misc]
    """The scene of a manifest that `viewer.scene.build.build` wrote.

    Values are in the order of the buildings in the manifest, which is that of `District.buildings`. Ids that
    the manifest does not know select nothing. The browser sets `hovered`, `clicked`,
    `camera` and `ready`, and `frame` and `compare_share` while people play or swipe.
    """

    manifest = param.String(default="", doc="Address of the manifest; its files lie beside it.")
    values = param.Bytes(
        default=None,  # bokeh cannot copy empty bytes as a default
        allow_None=True,
        doc="float32, little-endian, frames × buildings; nan: unknown; None: plain.",
    )
    frames = param.Integer(default=1, bounds=(1, None), doc="Number of frames in `values`.")
    frame = param.Number(default=0, bounds=(0, None), doc="Frame shown; between two, values are mixed.")
    playing = param.Boolean(
        default=False,
        doc="Whether the frames play, in a circle; set back by the browser where people want less motion.",
    )
    frame_rate = param.Number(default=2.0, bounds=(0.05, 30), doc="Frames per second while they play.")
    compare = param.Selector(
        default="none", objects=["none", "swipe", "split"], doc="How `compare_values` stand beside `values`."
    )
    compare_values = param.Bytes(
        default=None,
        allow_None=True,
        doc="Of the left side, as `values`, which are the right; None: no left.",
    )
    compare_share = param.Number(default=0.5, bounds=(0, 1), doc="Where the divider stands, from the left.")
    compare_labels = param.List(default=[], item_type=str, doc="Names of the left and the right side.")
    raster = param.Bytes(
        default=None,
        allow_None=True,
        doc="Colours on the ground, uint8, rows from the north × columns: 0 clear, n colour number n - 1.",
    )
    raster_look = param.Dict(
        default={}, doc="Of `raster`: bounds (W, S, E, N in EPSG:25832), columns, rows, colours, opacity."
    )
    walls = param.Bytes(
        default=None,
        allow_None=True,
        doc="Colours on single walls: float32, (triangle, corner, east-north-height), by colour; None: none.",
    )
    walls_look = param.Dict(
        default={}, doc="Of `walls`: corner (EPSG:25832 and height of their zero), counts by colour, colours."
    )
    palette = param.List(
        default=["#ffffcc", "#fd8d3c", "#800026"], item_type=str, doc="Colours, low to high."
    )
    value_min = param.Number(default=0.0, doc="Value of the first colour.")
    value_max = param.Number(default=1.0, doc="Value of the last colour.")
    palette_steps = param.Boolean(default=False, doc="Classes: flat colours of equal steps, no ramp.")
    palette_log = param.Boolean(default=False, doc="Logarithmic scale.")
    line_points = param.Bytes(
        default=None,
        allow_None=True,
        doc="float64 pairs in EPSG:25832, a pair of nan behind each line; None: no lines.",
    )
    line_widths = param.Bytes(default=None, allow_None=True, doc="float32, metres, one per line.")
    line_values = param.Bytes(
        default=None, allow_None=True, doc="float32, one per line, on the palette's scale; None: hidden."
    )
    markers = param.List(
        default=[],
        doc="Symbols: id, kind, title, xy in EPSG:25832, building_id (on its roof), state, text, colour.",
    )
    marker_news = param.Dict(default={}, doc="id → state, text, colour of those that spoke.")
    marker_selected = param.String(default="", doc="id of the symbol that is open.")
    marker_clicked = param.Dict(default={}, doc="id and a count of clicks; from the browser.")
    marker_hovered = param.Dict(default={}, doc="id, x, y; empty: none; from the browser.")
    selected = param.Dict(default={}, doc="building_id, block_id, or a list building_ids; empty: nothing.")
    fly_to = param.Dict(default={}, doc="Like `selected`: where the camera flies to.")
    sun_time = param.String(default=None, allow_None=True, doc="ISO 8601 with offset; None: a bright day.")
    scene_layers = param.Dict(
        default={"trees": True, "image": True, "shadows": True, "labels": True, "markers": True},
        doc="What is drawn.",
    )
    language = param.Selector(default="de", objects=["de", "en"])
    label = param.String(default="", doc="Spoken name of the picture; empty: how to use the keys.")
    attribution = param.Boolean(default=True, doc="Notice and sources at the lower edge.")
    padding = param.Dict(
        default={}, doc="left, right, top, bottom: pixels that panels cover; the overview is between them."
    )
    camera = param.Dict(default={}, doc="position and target, metres from the origin; empty: overview.")
    hovered = param.Dict(
        default={}, doc="building_id, label, block_id, block_name, line, x, y; from the browser."
    )
    clicked = param.Dict(default={}, doc="As `hovered`, with a count of clicks; from the browser.")
    ready = param.Boolean(default=False, doc="Whether the first picture is drawn; from the browser.")

    _esm = BUNDLE
    _bundle = BUNDLE

    def __init__(self, **params: Any) -> None:
        if not BUNDLE.is_file():
            raise TwinError(
                "the 3D scene is not built", BUNDLE, "Run `python viewer/scene/build_hook.py` in the checkout"
            )
        super().__init__(**params)

    def draw_lines(self, course: Sequence[ArrayLike], width_m: ArrayLike) -> None:
        """Lay lines on the ground, coloured by `line_values`; courses are x and y after each other."""
        pieces = [np.vstack([np.asarray(flat, "<f8").reshape(-1, 2), [[np.nan, np.nan]]]) for flat in course]
        data = np.vstack(pieces) if pieces else np.zeros((0, 2), "<f8")
        self.param.update(line_points=data.tobytes(), line_widths=np.asarray(width_m, "<f4").tobytes())

    def show(self, values: ArrayLike | None, *, frames: int = 1) -> None:
        """Colour the buildings by `values`, shape (buildings,) or (frames, buildings); None: plain."""
        data = None if values is None else np.ascontiguousarray(values, dtype="<f4").tobytes()
        self.param.update(values=data, frames=frames)

    def lay(
        self,
        cells: ArrayLike | None,
        bounds: Sequence[float] = (),
        colours: Sequence[str] = (),
        opacity: float = 0.8,
    ) -> None:
        """Lay colours on the ground: their numbers from 1, 0 clear, shape (rows, columns); None: none."""
        if cells is None:
            self.param.update(raster=None, raster_look={})
            return
        grid = np.ascontiguousarray(cells, np.uint8)
        rows, columns = grid.shape
        look = {
            "bounds": list(bounds),
            "columns": columns,
            "rows": rows,
            "colours": list(colours),
            "opacity": opacity,
        }
        self.param.update(raster=grid.tobytes(), raster_look=look)
