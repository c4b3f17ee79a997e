"""The sensors on one open page: symbols in the picture, lists, alarms and histories, kept up to date.

Every few seconds the page gets what is new and nothing else: values of devices that have spoken since, states
that have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import panel as pn

from scenarios.green_care import Outlook
from sensors import alarms
from sensors.errors import StoreError
from sensors.times import now_us
from twin.errors import TwinError
from viewer import findings, history, metered, texts, watering
from viewer.accounts.requests import Note, nowhere
from viewer.board import Board, Device, Glance, Reading
from viewer.feeds import Feeds
from viewer.state import Twin

PERIOD_MS = 2_000
WATER_MS = 60_000
_SUMS = ("energy", "consumption", "precipitation", "rain")


class Live:
    """One page's sensors.

    Parameters
    ----------
    feeds, board : shared by all pages.
    show : takes the page's parameters that change: sensors, readings, alarms, device, history, watering.
    mark : takes the picture's: markers, marker_news, marker_selected.
    fail : takes what went wrong.
    note : takes what is about to be changed.
    """

    def __init__(
        self,
        twin: Twin,
        feeds: Feeds,
        board: Board,
        language: str,
        *,
        show: Callable[..., None],
        mark: Callable[..., None],
        fail: Callable[[str], None],
        note: Note = nowhere,
    ) -> None:
        self._note = note
        self.twin, self.feeds, self.board, self.language = twin, feeds, board, language
        self.care = board.care
        self._show, self._mark, self._fail = show, mark, fail
        self._known: dict[int, tuple[int | None, str]] = {}
        self._alarm_rows: list[dict[str, Any]] | None = None
        self._looking = False
        self._glance: Glance | None = None
        self._chosen: int | None = None
        self._shown: tuple[int, str, datetime | None] | None = None
        self._feed: dict[str, Any] = {}
        self._care: list[Outlook] | None = None
        self._caring = False
        self._marked: list[str] = []

    def start(self) -> None:
        """Look now, and then every few seconds while the page is open."""
        pn.state.execute(self._look)
        pn.state.add_periodic_callback(self._look, period=PERIOD_MS)
        pn.state.execute(self._water)
        pn.state.add_periodic_callback(self._water, period=WATER_MS)

    async def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        try:
            self.take(await asyncio.to_thread(self.board.look))
        except StoreError as error:
            self._fail(texts.error(self.language, error))
        finally:
            self._looking = False

    async def _water(self) -> None:
        """Once a minute, and again soon where the probes have said nothing yet."""
        if self._caring:
            return
        self._caring = True
        try:
            self.tend(await asyncio.to_thread(self.care.outlooks))
        except TwinError as error:
            self._fail(texts.error(self.language, error))
        finally:
            self._caring = False

    def tend(self, found: list[Outlook]) -> None:
        """Tell the page which areas are dry, and mark their trees."""
        known = None if self._care is None else [_dryness(one) for one in self._care]
        self._care = found
        if known == [_dryness(one) for one in found]:
            return
        self._show(watering=watering.page(found, self.twin.district, self.language))
        if self._glance is not None:
            self._mark(markers=self._markers(self._glance.devices))

    def _markers(self, devices: Mapping[int, Device]) -> list[dict[str, Any]]:
        trees = watering.marked_trees(
            self._care or [], self.twin.district, self.language,
            lambda tree: watering.tree_name(self.twin.district, tree),
        )  # fmt: skip
        return [self._marker(d) for d in devices.values() if d.xy is not None] + trees

    def _colour(self, device: Device) -> str:
        """Of the reference area as reckoned from all its depths, none before; else of the driest value."""
        area = device.properties.get("reference_area")
        if area is not None and self._care is None:
            return ""
        one = watering.by_area(self._care or []).get(str(area))
        return device.colour if one is None else one.colour

    def take(self, glance: Glance) -> None:
        """Tell the page what is new since the last look."""
        self._glance = glance
        devices = glance.devices
        if devices.keys() != self._known.keys():
            self._known = {number: (d.time_ms, d.state) for number, d in devices.items()}
            self._show(sensors=self._list(devices))
            self._mark(markers=self._markers(devices))
        news = {n: d for n, d in devices.items() if self._known[n] != (d.time_ms, d.state)}
        if news:
            self._known |= {number: (d.time_ms, d.state) for number, d in news.items()}
            self._show(readings={"now": _ms(), "of": {str(n): self._readings(d) for n, d in news.items()}})
            self._mark(
                marker_news={str(n): [d.state, self._value(d.main), self._colour(d)] for n, d in news.items()}
            )
        rows = self._alarms(glance.alarms)
        if rows != self._alarm_rows:
            self._alarm_rows = rows
            self._show(alarms=rows)
        feed = self._feed_state()
        if feed != self._feed:
            self._feed = feed
            self._show(feed=feed)

    # What people do

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks, if it is about sensors."""
        action = self._ACTIONS.get(str(message.get("type")))
        if action is not None:
            action(self, message)
        return action is not None

    def choose(self, thing_id: int | None) -> None:
        """Open the history of a device, or close it."""
        device = self._glance.devices.get(thing_id) if self._glance and thing_id is not None else None
        self._chosen = thing_id if device else None
        self._mark(marker_selected=str(thing_id) if device else "")
        self._show(device=self._device(device) if device else {})
        if device is not None and device.readings:
            self._open(device.main.stream_id, "week", None)

    def hover(self, thing_id: int) -> dict[str, Any]:
        """Tooltip of a device; empty where there is none."""
        device = self._glance.devices.get(thing_id) if self._glance else None
        if device is None:
            return {}
        lines = [f"{self._name(r)}: {self._value(r)}" for r in device.readings if not r.is_service][:4]
        since = device.time_ms
        if since is not None:
            lines.append(findings.ago((_ms() - since) / 1000, self.language))
        if device.state not in ("ok", "waiting"):
            lines.append(texts.text(self.language, f"sensor.state_{device.state}"))
        if device.simulated:
            lines.append(texts.text(self.language, "sensor.simulated"))
        return {"title": device.called(self.language), "line": "\n".join(lines)}

    def hover_tree(self, marker: str) -> dict[str, Any]:
        """Tooltip of a tree that wants water."""
        shown = watering.page(self._care or [], self.twin.district, self.language)
        tree = next((tree for tree in shown["trees"] if f"tree:{tree['tree']}" == marker), None)
        if tree is None:
            return {}
        lines = [texts.text(self.language, "sensor.tree", litres=tree["litres"], day=tree["by"])]
        if shown["simulated"]:
            lines.append(texts.text(self.language, "sensor.simulated"))
        return {"title": tree["name"], "line": "\n".join(lines)}

    def _on_sensor(self, message: Mapping[str, Any]) -> None:
        self.choose(None if message["id"] is None else int(message["id"]))

    def _on_history(self, message: Mapping[str, Any]) -> None:
        end = message.get("end")
        until = None if end is None else datetime.fromtimestamp(float(end), UTC)
        self._open(int(message["stream"]), str(message["range"]), until)

    def _on_acknowledge(self, message: Mapping[str, Any]) -> None:
        by = texts.text(self.language, "app.manager")
        self._note("alarm.acknowledge", str(int(message["alarm"])))
        alarms.acknowledge(self.board.store, int(message["alarm"]), by)
        self.take(self.board.look(fresh=True))

    def _on_acknowledge_all(self, message: Mapping[str, Any]) -> None:
        self._note("alarm.acknowledge", "all")
        alarms.acknowledge_all(self.board.store, texts.text(self.language, "app.manager"))
        self.take(self.board.look(fresh=True))

    def _on_withdraw(self, message: Mapping[str, Any]) -> None:
        numbers = [int(number) for number in message["alarms"]]
        self._note("alarm.withdraw", " ".join(map(str, numbers)))
        alarms.withdraw(self.board.store, numbers)
        self.take(self.board.look(fresh=True))

    def _on_feed(self, message: Mapping[str, Any]) -> None:
        action = self.feeds.start if message["run"] else self.feeds.stop
        names = list(self.feeds.sources)
        self._note("feed.start" if message["run"] else "feed.stop", ", ".join(names))

        async def work() -> None:
            for name in names:
                await asyncio.to_thread(action, name)
            await self._look()

        pn.state.execute(work)

    _ACTIONS: Mapping[str, Callable[[Live, Mapping[str, Any]], None]] = {
        "sensor": _on_sensor, "history": _on_history, "acknowledge": _on_acknowledge,
        "acknowledge_all": _on_acknowledge_all, "withdraw": _on_withdraw, "feed": _on_feed,
    }  # fmt: skip

    # Histories

    def _open(self, stream_id: int, range_: str, end: datetime | None) -> None:
        self._shown = (stream_id, range_, end)
        pn.state.execute(self._read)

    async def _read(self) -> None:
        """The history that was asked for last, then what the model says for the same time."""
        wanted = self._shown
        if wanted is None:
            return
        try:
            data = await asyncio.to_thread(self._history, *wanted)
            if wanted != self._shown:
                return
            self._show(history=data)
            if data["comparable"]:
                model = await asyncio.to_thread(self._modelled, data)
                if wanted == self._shown:
                    self._show(history={**data, **model})
        except TwinError as error:
            self._fail(texts.error(self.language, error))

    def _history(self, stream_id: int, range_: str, end: datetime | None) -> dict[str, Any]:
        device, reading = self._reading(stream_id)
        until = end or datetime.fromtimestamp(now_us() / 1e6, UTC)
        data = history.chart_data(self.board.store, stream_id, range_, until, sums=adds_up(reading))
        comparable = metered.is_heat(device, reading) and data["sums"] and len(data["t"]) > 1
        return data | {
            "unit": findings.shown_unit(reading.unit, self.language),
            "title": self._name(reading),
            "live": end is None,
            "comparable": comparable,
            "waiting": comparable,
        }

    def _modelled(self, data: Mapping[str, Any]) -> dict[str, Any]:
        device, reading = self._reading(int(data["stream"]))
        buildings = metered.buildings_of(device, self.twin.district)
        if not buildings:
            return {"waiting": False}
        hot_water = metered.hot_water(self.board.store, device)
        found = metered.modelled(self.twin.case, buildings, data, reading.unit, hot_water=hot_water)
        return {"waiting": False, **found}

    def _reading(self, stream_id: int) -> tuple[Device, Reading]:
        assert self._glance is not None
        pairs = ((d, r) for d in self._glance.devices.values() for r in d.readings)
        found = next(((d, r) for d, r in pairs if r.stream_id == stream_id), None)
        if found is None:
            raise StoreError(f"there is no datastream {stream_id}", "sensors", "Reload the page")
        return found

    # Plain data for the page

    def _list(self, devices: Mapping[int, Device]) -> dict[str, Any]:
        return {
            "now": _ms(),
            "simulated": any(d.simulated for d in devices.values()),
            "things": [
                {
                    "id": number, "name": d.called(self.language), "kind": d.kind, "simulated": d.simulated,
                    "building": d.building_id, "area": d.properties.get("reference_area"),
                    "read": self._readings(d),
                }
                for number, d in devices.items()
            ],
        }  # fmt: skip

    def _readings(self, device: Device) -> dict[str, Any]:
        shown = [r for r in device.readings if not r.is_service]
        return {
            "state": device.state,
            "time": device.time_ms,
            "value": self._value(device.main),
            "colour": self._colour(device),
            "of": {str(r.stream_id): [self._value(r), r.time_ms, r.flag] for r in shown}
            if device.thing_id == self._chosen
            else {},
        }

    def _marker(self, device: Device) -> dict[str, Any]:
        return {
            "id": str(device.thing_id), "kind": device.kind, "title": device.called(self.language),
            "xy": list(device.xy or ()), "building_id": device.building_id,
            "state": device.state, "text": self._value(device.main), "colour": self._colour(device),
        }  # fmt: skip

    def _device(self, device: Device) -> dict[str, Any]:
        building = device.building_id
        known = building is not None and building in self.twin.district.buildings.index
        return {
            "id": device.thing_id,
            "name": device.called(self.language),
            "kind": device.kind,
            "simulated": device.simulated,
            "building": building if known else None,
            "place": device.street or "",
            "streams": [
                {
                    "id": r.stream_id, "name": self._name(r), "value": self._value(r), "time": r.time_ms,
                    "flag": r.flag,
                }
                for r in sorted(device.readings, key=lambda r: r.is_service)
            ],
        }  # fmt: skip

    def _alarms(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """Those that wait for somebody first."""
        rows = [
            {
                "id": int(str(number)),
                "thing": int(row["thing_id"]),
                "kind": row["kind"],
                "reason": findings.alarm_reason(row["kind"], row["figures"], self.language),
                "seen_by": row["acknowledged_by"] if pd.notna(row["acknowledged_by"]) else None,
            }
            for number, row in table.iterrows()
        ]
        return sorted(rows, key=lambda row: row["seen_by"] is not None)  # newest first among each

    def _feed_state(self) -> dict[str, Any]:
        names = list(self.feeds.sources)
        return {
            "there": bool(names),
            "running": any(self.feeds.running(name) for name in names),
            "failed": "; ".join(filter(None, (self.feeds.failed(name) for name in names))),
        }

    def _value(self, reading: Reading) -> str:
        return "–" if reading.value is None else findings.amount(reading.value, reading.unit, self.language)

    def _name(self, reading: Reading) -> str:
        """In German as the feed names it, else by its observed property."""
        return reading.name if self.language == "de" else reading.observed.capitalize()


def _dryness(one: Outlook) -> tuple[object, ...]:
    return one.state.area.key, one.colour, round(one.pf, 1), one.yellow, one.red, round(one.deficit_l, -1)


def adds_up(reading: Reading) -> bool:
    """Whether the values of a stream may be summed over time, as energies and rain may."""
    return any(word in reading.observed.lower() for word in _SUMS)


def _ms() -> int:
    return now_us() // 1000
