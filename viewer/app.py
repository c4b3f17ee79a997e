"""The manager's app: a Panel document of the 3D scene and a bridge between the page and `State`.

The page itself (viewer/site/templates/manager.html, viewer/static) is plain HTML, CSS and JavaScript shared
with the public site. The bridge carries plain data: what people do comes in as messages, and what follows
from it goes out as parameters. One simulation runs at a time, of the latest position of the slider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent
from panel.template import Template

from twin.errors import TwinError
from viewer import colours, facts, format, layers, pages, texts
from viewer.board import Board
from viewer.feeds import Feeds
from viewer.layers import LAYERS, NETWORK, SECOND_STAGE, Layer
from viewer.layers.network import lines
from viewer.live import Live
from viewer.scene.component import Scene
from viewer.state import Retrofit, State, Twin


class Bridge(JSComponent):  # type: ignore[misc]  # Panel has no types
    """Plain data to the page, messages from it."""

    start = param.Dict(default={}, doc="Texts, language and layers.")
    layer = param.Dict(default={}, doc="The legend.")
    result = param.Dict(default={}, doc="Settings of the retrofit and the district's figures.")
    selection = param.Dict(default={}, doc="Facts of the selection.")
    table = param.Dict(default={}, doc="The table's columns; empty while it is closed.")
    sensors = param.Dict(default={}, doc="All devices; empty where there are none.")
    readings = param.Dict(default={}, doc="What is new of some devices.")
    alarms = param.List(default=[], doc="Open alarms.")
    feed = param.Dict(default={}, doc="Whether the feed runs.")
    device = param.Dict(default={}, doc="The device whose history is open.")
    history = param.Dict(default={}, doc="Its chart.")
    watering = param.Dict(default={}, doc="Reference areas and the trees to water.")
    hover = param.Dict(default={}, doc="What is under the pointer.")
    error = param.String(default="", doc="What went wrong last.")
    ready = param.Boolean(default=False, doc="Whether the scene is drawn.")

    _esm = """
    export async function render({ model }) {
      const { mount } = await import(new URL("/manage/files/manager.js", location.origin).href);
      mount(model);
      return document.createElement("span");
    }
    """

    def __init__(self, **params: Any) -> None:
        self.receive: Callable[[Mapping[str, Any]], None] = lambda message: None
        super().__init__(**params)

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, Mapping):
            self.receive(data)


class Manager:
    """One open page: applies messages to the state and shows the state.

    scene_url : address of the scene's manifest.
    """

    def __init__(
        self, twin: Twin, language: str, scene_url: str, sensors: tuple[Feeds, Board] | None = None
    ) -> None:
        self.twin = twin
        self.state = State(twin, language)
        self.names = facts.names(twin.district.buildings)
        self.table_open = False
        self.wanted: Retrofit | None = None
        self.busy = False
        self.seq = 0
        self.deepening = False
        layer = self.state.layer()
        self.scene = Scene(
            manifest=scene_url,
            language=language if language in Scene.param.language.objects else "en",
            label=texts.text(language, "scene.label"),
            attribution=False,
            sizing_mode="stretch_both",
            **_colours(layer),
        )
        self.bridge = Bridge(
            start={
                "texts": dict(texts.load(language)),
                "language": language,
                "layers": [
                    {"id": name, "title": texts.text(language, f"layer.{name}.title")}
                    for name in layers.of(self.state.twin.district)
                ],
            },
            layer=self._legend(layer),
            result=self._result(),
            selection={"facts": None},
        )
        self.bridge.receive = self.receive
        self.scene.param.watch(self._clicked, "clicked")
        self.scene.param.watch(self._hovered, "hovered")
        self.scene.param.watch(self._drawn, "ready")
        self.live = None if sensors is None else self._live(*sensors)

    def _live(self, feeds: Feeds, board: Board) -> Live:
        def fail(message: str) -> None:
            self.bridge.error = message

        live = Live(
            self.twin, feeds, board, self.state.language,
            show=self.bridge.param.update, mark=self.scene.param.update, fail=fail,
        )  # fmt: skip
        self.scene.param.watch(self._marker_clicked, "marker_clicked")
        self.scene.param.watch(self._marker_hovered, "marker_hovered")
        return live

    def receive(self, message: Mapping[str, Any]) -> None:
        """Do what a message from the page asks; an unknown or broken one is answered with an error."""
        action = self._ACTIONS.get(str(message.get("type")))
        try:
            if action is None and self.live is not None and self.live.receive(message):
                return
            if action is None:
                raise ValueError(f"unknown message {message.get('type')!r}")
            action(self, message)
        except (TwinError, KeyError, TypeError, ValueError) as error:
            self.bridge.error = str(error)

    def _retrofit(self, message: Mapping[str, Any]) -> None:
        names = {"share", "components", "standard"} & set(message)
        changes = {name: message[name] for name in names}
        base = self.wanted or self.state.retrofit
        wanted = self.state.retrofit_with(**{**asdict(base), **changes})
        self.seq = int(message.get("seq", self.seq))
        if message.get("settled"):
            self.state.settle(wanted)
        self._simulate(wanted)

    def _scope(self, message: Mapping[str, Any]) -> None:
        unit = self.state.unit
        limited = message["id"] == "selection" and unit is not None
        wanted = self.state.retrofit_with(units=(unit,) if limited else None)
        if limited and wanted.share == 0:
            wanted = self.state.retrofit_with(units=(unit,), share=1.0)
        self.state.settle(wanted)
        self._simulate(wanted)

    def _undo(self, message: Mapping[str, Any]) -> None:
        self._simulate(self.state.undo())

    def _redo(self, message: Mapping[str, Any]) -> None:
        self._simulate(self.state.redo())

    def _reset(self, message: Mapping[str, Any]) -> None:
        self.state.settle(Retrofit())
        self._simulate(Retrofit())

    def _colour(self, message: Mapping[str, Any]) -> None:
        if message["id"] not in LAYERS:
            raise ValueError(f"there is no layer {message['id']!r}")
        self.state.colour = message["id"]
        self._paint()
        if self.state.selection is not None:
            self.bridge.selection = {"facts": facts.facts(self.state)}

    def _select(self, message: Mapping[str, Any]) -> None:
        self.state.select(message["id"])
        self._show_selection()
        if message.get("fly") and self.state.selection is not None:
            self.scene.fly_to = {"building_ids": self.state.selected_ids}

    def _level(self, message: Mapping[str, Any]) -> None:
        if self.state.selection is not None and message["level"] in ("block", "building"):
            self.state.select(self.state.selection.building_id, message["level"])
            self._show_selection()

    def _table(self, message: Mapping[str, Any]) -> None:
        self.table_open = bool(message["open"])
        self._show_table()

    def _sun(self, message: Mapping[str, Any]) -> None:
        self.scene.sun_time = str(message["time"])

    def _error_seen(self, message: Mapping[str, Any]) -> None:
        self.bridge.error = ""

    _ACTIONS: Mapping[str, Callable[[Manager, Mapping[str, Any]], None]] = {
        "retrofit": _retrofit, "scope": _scope, "undo": _undo, "redo": _redo, "reset": _reset,
        "colour": _colour, "select": _select, "level": _level, "table": _table, "sun": _sun,
        "error_seen": _error_seen,
    }  # fmt: skip

    def _simulate(self, wanted: Retrofit) -> None:
        """Simulate `wanted`, or note it as next while another simulation runs."""
        if not self.busy and wanted == self.state.retrofit:
            self.bridge.result = self._result()
            return
        self.wanted = wanted
        if not self.busy:
            self.busy = True
            pn.state.execute(self._work)

    async def _work(self) -> None:
        try:
            while self.wanted is not None:
                wanted, self.wanted = self.wanted, None
                run = await asyncio.to_thread(self.twin.run, wanted)
                self.state.show(run)
                self._paint()
                self.bridge.result = self._result()
        except TwinError as error:
            self.bridge.error = str(error)
        finally:
            self.busy = False
        self.bridge.result = self._result()
        self._show_selection()
        self._show_table()
        self._deepen()

    def _deepen(self) -> None:
        """Compute what takes longer for the state that is shown, unless that runs already."""
        if not self.deepening and self.state.second is None:
            self.deepening = True
            pn.state.execute(self._deepening)

    async def _deepening(self) -> None:
        """Until what is shown has its second stage; while the slider moves, the loop waits for its end."""
        try:
            while self.state.second is None and not self.busy:
                wanted = self.state.retrofit
                before = await asyncio.to_thread(self.twin.second_stage, Retrofit())
                now = await asyncio.to_thread(self.twin.second_stage, wanted)
                if wanted == self.state.retrofit:
                    self.state.deepen(before, now)
        except TwinError as error:
            self.bridge.error = str(error)
            return
        finally:
            self.deepening = False
        if self.state.second is not None:
            self._paint()
            self.bridge.result = self._result()
            self._show_selection()

    def _paint(self) -> None:
        layer = self.state.layer()
        network = self.state.second_before.network if self.state.second_before else None
        if network is not None and self.scene.line_points is None:
            first = lines(network, "length_m")
            self.scene.draw_lines(first.course, first.width_m)
        self.scene.param.update(**_colours(layer))
        shown = self._legend(layer)
        if shown != self.bridge.layer:
            self.bridge.layer = shown

    def _legend(self, layer: Layer) -> dict[str, Any]:
        """The legend, which says while its values are still computed, or why there are none."""
        shown = legend(self.state.colour, layer)
        if self.state.colour not in SECOND_STAGE:
            return shown
        language, second = self.state.language, self.state.second
        if second is None:
            shown["note"] = texts.text(language, "network.updating")
        elif self.state.colour in NETWORK and second.network is None:
            shown["note"] = texts.text(language, "network.none", reason=second.problem)
        return shown

    def _result(self) -> dict[str, Any]:
        state = self.state
        retrofit = state.retrofit
        count, total = self.twin.reached(retrofit)
        scope = None
        if retrofit.units:
            first = str(self.twin.units.index[self.twin.units == retrofit.units[0]][0])
            scope = self._title(first, block=True)
        return {
            "share": retrofit.share,
            "components": list(retrofit.components),
            "standard": retrofit.standard,
            "scope": scope,
            "can_scope": state.selection is not None,
            "count": count,
            "total": total,
            "kpis": [asdict(kpi) for kpi in state.kpis()],
            "network": self._network(),
            "buildings": int(self.twin.conditioned.sum()),
            "ms": None if retrofit.idle else round(state.run.milliseconds),
            "busy": self.busy,
            "seq": self.seq,
            "can_undo": state.can_undo,
            "can_redo": state.can_redo,
            "can_reset": retrofit != Retrofit(),
        }

    def _network(self) -> dict[str, Any]:
        """The district's network figures, and how CO2 counts its losses."""
        language, second = self.state.language, self.state.second
        network = second.network if second is not None else None
        if second is None:
            basis, notes = texts.text(language, "network.co2_waiting"), ""
        elif network is None:
            basis, notes = texts.text(language, "network.co2_flat"), ""
        else:
            share = format.quantity(100 * network.loss_share, "%", language, 1)
            basis = texts.text(language, "network.co2_simulated", share=share)
            district = self.twin.district
            guessed = (
                ("network.guessed_pipes", district.network_pipes),
                ("network.guessed_stations", district.substations),
            )
            notes = " ".join(texts.text(language, key) for key, table in guessed if not len(table))
        return {
            "updating": second is None,
            "kpis": [asdict(kpi) for kpi in self.state.network_kpis()],
            "basis": basis,
            "notes": notes,
        }

    def _show_selection(self) -> None:
        ids = self.state.selected_ids
        self.scene.selected = {"building_ids": ids} if ids else {}
        self.bridge.selection = {"facts": facts.facts(self.state)}
        result = self._result()
        if result["can_scope"] != self.bridge.result["can_scope"]:
            self.bridge.result = result

    def _show_table(self) -> None:
        self.bridge.table = facts.table(self.state) if self.table_open else {}

    def _clicked(self, event: Any) -> None:
        if event.new.get("line") is not None:  # by touch there is no hovering
            self._hovered(event)
            return
        self.state.select(event.new.get("building_id"))
        self._show_selection()

    def _drawn(self, event: Any) -> None:
        self.bridge.ready = bool(event.new)
        if self.live is not None:
            self.live.start()
        self._deepen()

    def _hovered(self, event: Any) -> None:
        building_id, line = event.new.get("building_id"), event.new.get("line")
        if line is not None:
            self.bridge.hover = facts.pipe(self.state, int(line)) or {}
            return
        if building_id not in self.twin.annual.index:
            self.bridge.hover = {}
            return
        self.bridge.hover = {"title": str(self.names[building_id]), "line": self._value(building_id)}

    def _marker_clicked(self, event: Any) -> None:
        if self.live is not None and str(event.new["id"]).isdigit():
            self.live.choose(int(event.new["id"]))

    def _marker_hovered(self, event: Any) -> None:
        thing = str(event.new.get("id", ""))
        shown: dict[str, Any] = {}
        if self.live is not None and thing:
            shown = self.live.hover(int(thing)) if thing.isdigit() else self.live.hover_tree(thing)
        at = [event.new["x"], event.new["y"]] if shown and "x" in event.new else None
        self.bridge.hover = shown | {"at": at} if shown else {}

    def _value(self, building_id: str) -> str:
        layer = self.state.layer()
        value = float(layer.values[self.twin.annual.index.get_loc(building_id)])
        if value != value:
            return ""
        if layer.categories:
            return layer.categories[int(value)].label
        if self.state.colour == "year":
            return str(round(value))
        return format.quantity(value, layer.unit, self.state.language, layer.digits)

    def _title(self, building_id: str, block: bool) -> str:
        district = self.twin.district
        return facts.title(district.buildings, district.blocks, building_id, block, self.state.language)


def _colours(layer: Layer) -> dict[str, Any]:
    """What the scene needs of a layer, as its parameters."""
    return {
        "values": layer.values.tobytes(),
        "palette": list(layer.palette),
        "value_min": layer.value_min,
        "value_max": layer.value_max,
        "palette_steps": bool(layer.categories),
        "palette_log": layer.log,
        "line_values": None if layer.lines is None else layer.lines.values.tobytes(),
    }


def legend(name: str, layer: Layer) -> dict[str, Any]:
    """What the page's legend needs of a layer."""
    return {
        "id": name,
        "unit": layer.unit,
        "note": layer.note,
        "min": layer.value_min,
        "max": layer.value_max,
        "ticks": list(layer.ticks),
        "over": layer.over,
        "log": layer.log,
        "palette": list(layer.palette),
        "categories": [asdict(category) for category in layer.categories],
        "missing": colours.MISSING,
        "framed": False,
    }


def manager(twin: Twin, scene_url: str, sensors: tuple[Feeds, Board] | None = None) -> Template:
    """The document of one visit to /manage; ``?lang=en`` chooses the language."""
    language = _language()
    page = Manager(twin, language, scene_url, sensors)
    district = twin.district
    template = Template(pages.template("manager.html"), items={"scene": page.scene, "bridge": page.bridge})
    variables = {
        **pages.context(language),
        "district_title": pages.district_title(district, language),
        "is_model": district.is_model,
        "credit": " · ".join(sorted({p.attribution for p in district.provenance if p.attribution})),
        "app": "/manage/files",
    }
    for name, value in variables.items():
        template.add_variable(name, value)
    return template


def _language() -> str:
    asked = pn.state.session_args.get("lang", [b""])[0].decode("ascii", "replace")
    return asked if asked in texts.languages() else texts.DEFAULT
