"""The manager's app: a Panel document of the 3D scene and a bridge between the page and `State`.

The page itself (viewer/site/templates/manager.html, viewer/static) is plain HTML, CSS and JavaScript shared
with the public site. The bridge carries plain data: what people do comes in as messages, and what follows
from it goes out as parameters. Stage 1 of the latest position of a slider is simulated in a thread of its
own; the stages behind it are the desk's (`viewer.desk`), which all pages share, and end when a newer position
comes.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import panel as pn
import param
from panel.custom import JSComponent
from panel.template import Template

from scenarios.shelf import Shelf
from scenarios.year_bands import YearBands
from twin.errors import CallError, TwinError
from viewer import (
    access,
    colours,
    derivations,
    economy,
    facts,
    format,
    layers,
    pages,
    panel,
    picking,
    privacy,
    texts,
    whatif,
)
from viewer.accounts.requests import Note, nowhere
from viewer.board import Board
from viewer.drafts import Drafts
from viewer.feeds import Feeds
from viewer.holding import Holding
from viewer.layers import LAYERS, NETWORK, SECOND_STAGE, Layer
from viewer.layers.difference import DIFFERENCE
from viewer.layers.network import lines
from viewer.live import Live
from viewer.picking import Picking
from viewer.scene.component import Scene
from viewer.second_stage import SecondStage
from viewer.selection_charts import Charts
from viewer.state import Run, State, Twin
from viewer.table_page import TablePage
from viewer.tables import KINDS
from viewer.time_view import TimeView
from viewer.tools import Tools
from viewer.whatif import Plan

REST_S = 0.2  # of a hand, before later stages begin


class Bridge(JSComponent):  # type: ignore[misc]  # Panel has no types
    """Plain data to the page, messages from it."""

    start = param.Dict(default={}, doc="Texts, language, layers, measures and scenarios.")
    layer = param.Dict(default={}, doc="The legend.")
    plan = param.Dict(default={}, doc="The measures as they are set.")
    result = param.Dict(default={}, doc="The district's figures, and which stages are in.")
    selection = param.Dict(default={}, doc="Facts of the selection.")
    frames = param.Dict(default={}, doc="The time slider; empty while it is off.")
    frame = param.Integer(default=0, doc="The frame that plays.")
    charts = param.Dict(default={}, doc="The charts of the selection; empty while they are closed.")
    shelf = param.Dict(default={}, doc="The scenario that is open, and those of the shelf.")
    pick = param.Dict(default={}, doc="The filter, what it finds, and whether clicks add up.")
    table = param.Dict(default={}, doc="The table; empty while it is closed.")
    file = param.Dict(default={}, doc="A file that the page saves: name, type, content in base64.")
    sensors = param.Dict(default={}, doc="All devices; empty where there are none.")
    readings = param.Dict(default={}, doc="What is new of some devices.")
    alarms = param.List(default=[], doc="Open alarms.")
    feed = param.Dict(default={}, doc="Whether the feed runs.")
    device = param.Dict(default={}, doc="The device whose history is open.")
    history = param.Dict(default={}, doc="Its chart.")
    watering = param.Dict(default={}, doc="Reference areas and the trees to water.")
    hover = param.Dict(default={}, doc="What is under the pointer.")
    derivation = param.Dict(default={}, doc="How the number follows that was asked for last.")
    tool = param.Dict(default={}, doc="What the tool says that was asked last.")
    error = param.String(default="", doc="What went wrong last.")
    refused = param.String(default="", doc="The type of the message that it answers; empty: of none.")
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


class Part(Protocol):
    """A part of the page with messages of its own."""

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of the part's."""
        ...


class Manager:
    """One open page: applies messages to the state and shows the state.

    scene_url : address of the scene's manifest.
    note : takes what the page is about to change or to hand out.
    """

    def __init__(
        self,
        twin: Twin,
        language: str,
        scene_url: str,
        sensors: tuple[Feeds, Board] | None = None,
        address: panel.Address | None = None,
        shelf: Shelf | None = None,
        note: Note = nowhere,
    ) -> None:
        address = address or panel.Address()
        self.twin = twin
        self.state = State(twin, language, colour=address.colour)
        self.state.select(address.selected, address.level)
        problem = address.problem.text(language) if address.problem else self._chosen(address.targets)
        self.names = facts.names(twin.district.buildings)
        self.wanted: Plan | None = None
        self.first = address.plan
        self.queries: dict[str, str] = {}
        self.busy = False
        self.economy: tuple[Plan, economy.Economy] | None = None
        self.seq = 0
        self.progress: dict[str, Any] | None = None
        self.document: Any = None
        self.looks = 0
        self.asked: derivations.Asked | None = None
        self.asks = 0
        self.holding = Holding(
            self.state, show=self._held, begin=self._ask, tell=self._tell, fail=self._failed
        )
        layer = self.state.layer()
        self.scene = Scene(
            manifest=scene_url,
            language=language if language in Scene.param.language.objects else "en",
            label=texts.text(language, "scene.label"),
            attribution=False,
            sizing_mode="stretch_both",
            **_colours(layer),
        )
        self.time = TimeView(self.state, twin.desk, self._show, self._draw_frames, self._tell, self._failed)
        self.bridge = Bridge(
            start={
                "texts": dict(texts.load(language)),
                "language": language,
                "layers": [
                    {"id": name, "title": texts.text(language, f"layer.{name}.title")}
                    for name in layers.of(self.state.twin.district)
                ],
                "measures": whatif.described(language, twin.case),
                "scenarios": panel.library(language),
                "tab": address.tab,
                "filters": picking.options(twin, language),
                "places": picking.places(twin),
                "tables": [kind for kind in KINDS if kind != "sensors" or sensors is not None],
            },
            layer=self._legend(layer),
            plan=self._plan_shown(),
            result=self._result(),
            selection={"facts": None},
            pick={},
            error=problem,
        )
        self.picking = Picking(self.state, self.bridge.param.update, self._show_selection)
        self.bridge.pick = self.picking.shown()
        self.tools = Tools(
            self.state, show=self.bridge.param.update, scene=self.scene.param.update, fail=self._fail,
            paint=self._paint,
        )  # fmt: skip
        self.drafts = Drafts(
            shelf or Shelf(Path(tempfile.mkdtemp(prefix="lobeda-shelf-"))), language,
            self.bridge.param.update, self._begin, lambda: self.state.settled,
        )  # fmt: skip
        self.charts = Charts(
            self.state, twin.desk, self.bridge.param.update, self._tell, self._failed, self._economy
        )
        self.table = TablePage(
            self.state, self.bridge.param.update, self._fail, None if sensors is None else sensors[1], note
        )
        self.parts: list[Part] = [
            self.picking, self.drafts, self.time, self.charts, self.tools, self.table, self.holding,
        ]  # fmt: skip
        self.to_hold = (address.held, address.held_title)
        self._resume(address.scenario)
        self.bridge.receive = self.receive
        self.scene.param.watch(self._clicked, "clicked")
        self.scene.param.watch(self._hovered, "hovered")
        self.scene.param.watch(self._drawn, "ready")
        self.scene.param.watch(self._played, "frame")
        self.live = None if sensors is None else self._live(*sensors, note)
        if self.live is not None:
            self.parts.append(self.live)

    def _resume(self, scenario: str) -> None:
        """Open the scenario that the address names."""
        try:
            if scenario:
                self.first = self.drafts.resume(scenario, self.first)
        except (TwinError, ValueError) as error:
            self._fail(texts.error(self.state.language, error))
        self.bridge.shelf = self.drafts.shown()

    def _begin(self, plan: Plan) -> None:
        """Another scenario takes the page over; there is nothing to undo."""
        self.queries |= {choice.measure: choice.targets for choice in plan.choices if choice.targets}
        self.state.begin(plan)
        self._simulate(plan)

    async def _keep(self, plan: Plan, name: str) -> None:
        """Save what people did, once a step of theirs is done."""
        try:
            await asyncio.to_thread(self.drafts.keep, plan, name)
        except (TwinError, OSError) as error:
            self._fail(texts.error(self.state.language, error))
        self.bridge.shelf = self.bridge.shelf | self.drafts.now()

    def _chosen(self, targets: str) -> str:
        """Select what an address says; what is wrong with it, if anything."""
        try:
            if targets:
                picking.read(self.state, targets)
        except CallError as error:
            return texts.error(self.state.language, error)
        return ""

    def _show(self, **news: Any) -> None:
        """News for the page, by name of the bridge's parameter."""
        self.bridge.param.update(**news)

    def _held(self) -> None:
        """A is another one, or more is known of it."""
        with pn.io.hold():
            self._paint()
            self.bridge.result = self._result()

    def _fail(self, message: str, refused: str = "") -> None:
        self.bridge.refused = refused  # first: the page reads it when the error comes
        self.bridge.error = message

    def _live(self, feeds: Feeds, board: Board, note: Note) -> Live:
        live = Live(
            self.twin, feeds, board, self.state.language,
            show=self._sensed, mark=self.scene.param.update, fail=self._fail, note=note,
        )  # fmt: skip
        self.scene.param.watch(self._marker_clicked, "marker_clicked")
        self.scene.param.watch(self._marker_hovered, "marker_hovered")
        return live

    def _sensed(self, **news: Any) -> None:
        """News of the sensors, which the table may show too."""
        self.bridge.param.update(**news)
        if "readings" in news or "sensors" in news:
            self.table.sensed()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Do what a message from the page asks; an unknown or broken one is answered with an error."""
        action = self._ACTIONS.get(str(message.get("type")))
        try:
            if action is None and any(part.receive(message) for part in self.parts):
                return
            if action is None:
                raise ValueError(f"unknown message {message.get('type')!r}")
            action(self, message)
        except (TwinError, KeyError, TypeError, ValueError) as error:
            self._fail(texts.error(self.state.language, error), str(message.get("type")))

    def _change(self, message: Mapping[str, Any]) -> None:
        """A measure is switched, set, or given other targets."""
        measure, nth = str(message["measure"]), int(message.get("nth", 0))
        base = self.wanted or self.state.plan
        targets = None
        if "targets" in message:
            targets = self._targets(str(message["targets"]), measure)
        plan = base.change(measure, nth, values=message.get("values"), on=message.get("on"), targets=targets)
        if message.get("targets") == "selection":  # whoever limits it wants to see something
            plan = plan.change(measure, nth, on=True)
        self._ask(plan, message, settled=bool(message.get("settled", True)))

    def _targets(self, kind: str, measure: str) -> str:
        if kind == "selection":
            chosen = picking.selection_targets(self.state)
            if chosen and not panel.is_unit(chosen):
                self.queries[measure] = chosen
            return chosen
        return self.queries.get(measure, "") if kind == "query" else ""

    def _load(self, message: Mapping[str, Any]) -> None:
        """A scenario of the library takes the place of the plan."""
        plan = panel.scenario(str(message["id"]))
        self.drafts.close()
        self.queries |= {choice.measure: choice.targets for choice in plan.choices if choice.targets}
        self._ask(plan, message)

    def _undo(self, message: Mapping[str, Any]) -> None:
        self._ask(self.state.undo(), message, settled=False)

    def _redo(self, message: Mapping[str, Any]) -> None:
        self._ask(self.state.redo(), message, settled=False)

    def _reset(self, message: Mapping[str, Any]) -> None:
        self._ask(Plan(), message)

    def _ask(self, plan: Plan, message: Mapping[str, Any], settled: bool = True) -> None:
        self.seq = int(message.get("seq", self.seq))
        if settled:
            self.state.settle(plan)
        self._simulate(plan)

    def _colour(self, message: Mapping[str, Any]) -> None:
        if message["id"] not in LAYERS:
            raise ValueError(f"there is no layer {message['id']!r}")
        self.state.colour = message["id"]
        self.time.wish = None
        self.time.refresh()
        self._paint()
        self._look()

    def _select(self, message: Mapping[str, Any]) -> None:
        level = message.get("level")
        self.state.select(message["id"], level if level in ("block", "building") else None)
        self._show_selection()
        if message.get("fly") and self.state.selection is not None:
            self.scene.fly_to = {"building_ids": self.state.selected_ids}

    def _level(self, message: Mapping[str, Any]) -> None:
        if self.state.selection is not None and message["level"] in ("block", "building"):
            self.state.select(self.state.selection.building_id, message["level"])
            self._show_selection()

    def _sun(self, message: Mapping[str, Any]) -> None:
        self.scene.sun_time = str(message["time"])

    def _derive(self, message: Mapping[str, Any]) -> None:
        self.asked = derivations.Asked.of(message)
        self._explain()

    def _error_seen(self, message: Mapping[str, Any]) -> None:
        self.bridge.error = ""

    _ACTIONS: Mapping[str, Callable[[Manager, Mapping[str, Any]], None]] = {
        "change": _change, "load": _load, "undo": _undo, "redo": _redo, "reset": _reset,
        "colour": _colour, "select": _select, "level": _level, "sun": _sun,
        "derive": _derive, "error_seen": _error_seen,
    }  # fmt: skip

    def _simulate(self, wanted: Plan) -> None:
        """Simulate `wanted`, or note it as next while another simulation runs; older later stages end."""
        self.wanted = wanted
        if wanted.effective() != self.state.plan.effective():
            self.twin.desk.drop(self)
            self.progress = None
        if not self.busy:
            self.busy = True
            pn.state.execute(self._work)

    async def _work(self) -> None:
        try:
            while self.wanted is not None:
                wanted, self.wanted = self.wanted, None
                seq = self.seq
                run = await asyncio.to_thread(self._quick, wanted)
                seq = self._answered(wanted, seq)
                self.state.show(run)
                with pn.io.hold():
                    self._paint()
                    shown = self._result(seq) | {"busy": self.wanted is not None}
                    self.bridge.param.update(plan=self._plan_shown(), result=shown)
                await asyncio.sleep(0)  # the figures are on their way before what people look at less
        except TwinError as error:
            self.wanted = None
            self.state.refuse()
            self.busy = False
            said = texts.error(self.state.language, error)
            self._fail(said, "change")
            self.bridge.param.update(plan=self._plan_shown(), result=self._result())
        finally:
            self.busy = False
        self._look()
        self.table.refresh()
        self._explain()
        self._deepen()
        if self.state.settled == self.state.plan and pn.state.curdoc is not None:
            pn.state.execute(partial(self._keep, self.state.plan, self.drafts.name))

    def _answered(self, plan: Plan, seq: int) -> int:
        """The act that a run of `plan` answers: the last one, unless something else is wanted since."""
        if self.wanted == plan:  # a slider came to rest as it was
            self.wanted = None
        return self.seq if self.wanted is None else seq

    def _quick(self, plan: Plan) -> Run:
        with self.twin.desk.quick():
            return self.twin.run(plan)

    def _deepen(self) -> None:
        """Ask the desk for the stages that what is shown still lacks, once the slider rests."""
        state = self.state
        done = state.stage == 3 and state.second is not None and state.second.overheating is not None
        if done or state.settled != state.plan or pn.state.curdoc is None:
            return
        self.document = pn.state.curdoc
        pn.state.execute(partial(self._rested, state.plan))

    async def _rested(self, plan: Plan) -> None:
        """Hands that move a slider again at once find the processor free for it."""
        await asyncio.sleep(REST_S)
        if self.document is not None and not self.busy and plan == self.state.plan == self.state.settled:
            self.twin.desk.put(self, self._later(plan), partial(self._tell, self._failed))

    def _later(self, plan: Plan) -> Iterator[None]:
        """Stages 2 and 3 of `plan`, in chunks and in the desk's thread, and what people look at less."""
        twin = self.twin
        before = twin.network_stage(Plan())
        yield
        now = twin.network_stage(plan)
        self._tell(self._second, plan, before, now)
        yield
        if not plan.idle:
            self._tell(self._costed, plan, economy.economy(twin, plan, (before, now)))
            yield
            yield from self._third(plan)
        yield from twin.summer(plan)
        before = replace(before, overheating=twin.overheating(Plan()))
        now = replace(now, overheating=twin.overheating(plan))
        self._tell(self._second, plan, before, now)
        for _ in twin.draws.prepare():  # for the first measure that comes
            yield

    def _third(self, plan: Plan) -> Iterator[None]:
        start, last = time.monotonic(), -1.0
        for number, bands in enumerate(self.twin.bands(plan), 1):
            if bands is not None:
                self._tell(self._banded, plan, bands)
                break
            now = time.monotonic()
            if now - last > 0.3:
                last, share = now, number / len(self.twin.draws)
                self._tell(self._progressed, plan, share, (now - start) * (1 - share) / share)
            yield

    def _tell(self, what: Callable[..., None], *news: Any) -> None:
        """Out of the desk's thread into the page's."""
        if self.document is None:  # the page is not drawn yet
            return
        self.document.add_next_tick_callback(partial(what, *news))

    def _second(self, plan: Plan, before: SecondStage, now: SecondStage) -> None:
        if plan != self.state.plan:
            return
        self.state.deepen(before, now)
        with pn.io.hold():
            self._paint()
            self.bridge.result = self._result()
        self._look()
        self.table.refresh()
        self._explain()

    def _costed(self, plan: Plan, found: economy.Economy) -> None:
        if plan == self.state.plan:
            self.economy = (plan, found)
            self.bridge.result = self._result()
            if self.charts.open:
                self.charts.refresh()

    def _banded(self, plan: Plan, bands: YearBands) -> None:
        if plan == self.state.plan:
            self.state.compare(bands)
            self.progress = None
            self.bridge.result = self._result()

    def _progressed(self, plan: Plan, share: float, left_s: float) -> None:
        if plan == self.state.plan and self.state.stage == 2:
            self.progress = {"share": share, "left_s": left_s}
            self.bridge.result = self._result()

    def _failed(self, error: Exception) -> None:
        self._fail(texts.error(self.state.language, error))
        if not isinstance(error, TwinError):
            raise error

    def _explain(self) -> None:
        """Have the desk derive the number that is asked for, anew whenever what is shown changes."""
        self.asks += 1
        owner, self.document = (self, "derivation"), self.document or pn.state.curdoc
        if self.asked is None or self.document is None:
            self.twin.desk.drop(owner)
            return
        job = self._explaining(copy(self.state), self.asked, self.asks)
        self.twin.desk.put(owner, job, partial(self._tell, self._unexplained, self.asked, self.asks))

    def _explaining(self, state: State, asked: derivations.Asked, ask: int) -> Iterator[None]:
        for shown in derivations.parts(state, asked):
            self._tell(self._explained, ask, shown)
            yield

    def _explained(self, ask: int, shown: dict[str, Any]) -> None:
        if ask == self.asks:
            self.bridge.derivation = shown | {"ask": ask}

    def _unexplained(self, asked: derivations.Asked, ask: int, error: Exception) -> None:
        self._explained(ask, asdict(asked) | {"error": texts.error(self.state.language, error)})
        if not isinstance(error, TwinError):
            raise error

    def leave(self) -> None:
        """The page is closed."""
        self.document = None
        self.twin.desk.drop(self)
        self.twin.desk.drop((self, "derivation"))
        self.time.leave()
        self.charts.leave()
        self.holding.leave()

    def _draw_frames(self, scene: dict[str, Any] | None) -> None:
        """The time slider takes over the colours, or gives them back."""
        layer = self.state.layer()
        if scene is None:
            scene = {
                **_colours(layer),
                **self.tools.compared(layer),
                "frames": 1,
                "frame": 0,
                "playing": False,
            }
        if "values" in scene:
            # Parameters come one by one: between them there are no values, which fit any number of frames.
            self.scene.param.update(values=None, compare_values=None)
            self.scene.frames = scene.pop("frames")
        self.scene.param.update(**scene)
        self.bridge.layer = self._legend(layer)

    def _paint(self) -> None:
        if self.time.active:
            self.time.refresh()
            return
        layer = self.state.layer()
        network = self.state.second_before.network if self.state.second_before else None
        if network is not None and self.scene.line_points is None:
            first = lines(network, "length_m")
            self.scene.draw_lines(first.course, first.width_m)
        self.scene.param.update(**{**_colours(layer), **self.tools.compared(layer), **self.tools.shaded})
        shown = self._legend(layer)
        if shown != self.bridge.layer:
            self.bridge.layer = shown

    def _legend(self, layer: Layer) -> dict[str, Any]:
        """The legend, which says while its values are still computed, or why there are none."""
        shown = legend(self.state.colour, layer)
        frames = self.time.legend()
        if frames is not None:
            return shown | frames
        if self.state.held is not None and self.state.colour in DIFFERENCE:
            shown["note"] = texts.text(self.state.language, "held.difference")
        if self.state.colour not in SECOND_STAGE:
            return shown
        language, second = self.state.language, self.state.second
        if second is None:
            shown["note"] = texts.text(language, "network.updating")
        elif self.state.colour in NETWORK and second.network is None:
            shown["note"] = texts.text(language, "network.none", reason=second.problem)
        return shown

    def _plan_shown(self) -> dict[str, Any]:
        state = self.state
        selected = picking.selection_targets(state)
        return {
            "rows": panel.rows(self.twin, state.plan, state.language, self.queries, selected),
            "can_scope": state.selection is not None,
            "can_undo": state.can_undo,
            "can_redo": state.can_redo,
            "can_reset": state.plan != Plan(),
            "text": state.plan.as_text(),
        }

    def _result(self, seq: int | None = None) -> dict[str, Any]:
        state = self.state
        return {
            "kpis": [asdict(kpi) for kpi in state.kpis()],
            "network": self._network(),
            "economy": economy.plain(
                self.economy[1] if self.economy and self.economy[0] == state.plan else None
            ),
            "buildings": int(self.twin.conditioned.sum()),
            "ms": None if state.plan.idle else round(state.run.milliseconds),
            "stage": state.stage,
            "compared": not state.plan.idle,
            "held": self.holding.shown(self._economy()),
            "progress": self.progress,
            "busy": self.busy,
            "seq": self.seq if seq is None else seq,
        }

    def _economy(self) -> economy.Economy | None:
        """Costs of what is shown; None until they are known."""
        return self.economy[1] if self.economy and self.economy[0] == self.state.plan else None

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
            notes = facts.network_notes(self.state)
        return {
            "updating": second is None,
            "kpis": [asdict(kpi) for kpi in self.state.network_kpis()],
            "basis": basis,
            "notes": notes,
        }

    def _show_selection(self) -> None:
        ids = self.state.selected_ids
        self.scene.selected = {"building_ids": ids} if ids else {}
        limited = any(choice.targets for choice in self.state.plan.choices)  # to these or to others
        if limited or (self.state.selection is not None) != self.bridge.plan["can_scope"]:
            self.bridge.plan = self._plan_shown()
        self._look()

    def _look(self) -> None:
        """Show the selection's facts; its months are simulated in a thread, and only the latest count."""
        self.looks += 1
        if self.charts.open:
            self.charts.refresh()
        if self.state.selection is None:
            if self.bridge.selection != {"facts": None}:
                self.bridge.selection = {"facts": None}
        elif pn.state.curdoc is not None:
            pn.state.execute(self._looking)

    async def _looking(self) -> None:
        look, chosen = self.looks, self.state.selection
        found = await asyncio.to_thread(facts.facts, copy(self.state))
        if look == self.looks and chosen is not None:
            self.bridge.selection = {
                "facts": found, "id": chosen.building_id, "level": chosen.level, "targets": chosen.targets,
                "rows": self.state.selected_rows,
            }  # fmt: skip

    def _clicked(self, event: Any) -> None:
        if event.new.get("line") is not None:  # by touch there is no hovering
            self._hovered(event)
            return
        self.picking.click(event.new.get("building_id"))

    def _drawn(self, event: Any) -> None:
        self.bridge.ready = bool(event.new)
        self.document = self.document or pn.state.curdoc
        if self.live is not None:
            self.live.start()
        if self.to_hold[0] is not None:
            self.holding.resume(self.to_hold[0], self.to_hold[1])
            self.to_hold = (None, "")
        if self.first.choices:
            if self.drafts.name:
                self.state.begin(self.first)
            self.state.settle(self.first)
            self._simulate(self.first)
        else:
            self._deepen()
        self._show_selection()

    def _played(self, event: Any) -> None:
        """The scene plays: the slider goes along."""
        if self.time.frames is not None and round(event.new) != self.time.frame:
            self.time.frame = min(int(event.new), len(self.time.frames.values) - 1)
            self.bridge.frame = self.time.frame

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
        now = self.time.value(int(self.twin.annual.index.get_indexer(pd.Index([building_id]))[0]))
        if now is not None:
            return "" if now[0] != now[0] else format.quantity(now[0], now[1], self.state.language, 1)
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


def manager(
    twin: Twin,
    scene_url: str,
    sensors: tuple[Feeds, Board] | None = None,
    shelf: Shelf | None = None,
    note: Note = nowhere,
) -> Template:
    """The document of one visit to /manage; ``?lang=en`` chooses the language."""
    language = _language()
    page = Manager(twin, language, scene_url, sensors, panel.Address.read(pn.state.session_args), shelf, note)
    pn.state.on_session_destroyed(lambda context: page.leave())
    district = twin.district
    template = Template(pages.template("manager.html"), items={"scene": page.scene, "bridge": page.bridge})
    variables = {
        **pages.context(language),
        "district_title": pages.district_title(district, language),
        "is_model": district.is_model,
        "credit": " · ".join(privacy.credit(district)),
        "app": "/manage/files",
        "nonce": access.NONCE.get(),
    }
    for name, value in variables.items():
        template.add_variable(name, value)
    return template


def _language() -> str:
    asked = pn.state.session_args.get("lang", [b""])[0].decode("ascii", "replace")
    return asked if asked in texts.languages() else texts.DEFAULT
