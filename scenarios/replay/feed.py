"""Writes the simulated feed into a store: a year of history, meanwhile a value every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sqlalchemy.engine import Connection

from energy import Case
from scenarios.replay import noise
from scenarios.replay.model import HOUR_US, Model, simulate_feed
from scenarios.replay.selection import Selection, select
from scenarios.replay.things import SOURCE, things
from sensors.store import Store
from sensors.store.calendar import day_start
from sensors.store.history import load_hours
from sensors.things import NewObservation, StreamSpec, ThingSpec
from sensors.times import from_us, now_us, to_us
from twin.errors import CallError
from twin.sources.base import Progress, no_progress

__all__ = ["SOURCE", "Replay"]
DAY_US = 24 * HOUR_US
_AHEAD_DAYS = 2  # today and tomorrow; simulated again before the clock gets there
_FAST_LAG_US = 7 * DAY_US  # a fast clock begins so long ago, so that it never runs into the future
_ALL_YEAR = ("heat", "temp_air", "wind", "ghi", "rain", "inbound", "outbound", "free", "temperature")
_SOIL_STEP_H = 6
_TOGETHER = 4  # streams of a commit
_DENSE = 40  # last values of the history that come as often as live ones, so that silence is soon known


@dataclass(frozen=True)
class _Stream:
    """A stream of the feed with its place in the store.

    every_us : between two live values.  shift_us : of its clock, so that not all speak at once.
    hourly : its values belong to whole hours.  year : whether it has a history of a year.
    """

    datastream_id: int
    key: str
    every_us: int
    shift_us: int
    hourly: bool
    year: bool
    step_h: int


@dataclass
class Replay:
    """The simulated feed of a district.

    case : whose district is measured, and whose parameters the model takes.
    seed : of noise, gaps and choice. The values follow from it and the time alone.
    speed : of the clock; a faster one begins a week ago and ends at the present, at which it stays.
    days, recent_days : of history, and of those as observations; what is older is kept as hours and days.
    clock : gives now. [µs since 1970, UTC]  tick_s : between two looks at it.
    """

    case: Case
    seed: int = 1
    speed: float = 1.0
    days: int = 365
    recent_days: int = 30
    clock: Callable[[], int] = now_us
    tick_s: float = 2.0
    _selection: Selection = field(init=False)
    _model: Model | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if not 1.0 <= self.speed <= 100_000:
            raise CallError(f"the speed {self.speed:g} is not possible", "--speed", "Use 1 to 100000")
        self._selection = select(self.case.district, self.seed)

    def things(self) -> list[ThingSpec]:
        """What the feed measures."""
        return things(self._selection)

    def run(
        self, store: Store, stop: threading.Event, *, once: bool = False, report: Progress = no_progress
    ) -> None:
        """Write history, and live values meanwhile and afterwards, until `stop` is set.

        once : end when the history stands.
        """
        began = self.clock()
        lag = _FAST_LAG_US if self.speed > 1 else 0
        report("simulate", 0.0)
        model = self.model(began - lag)
        streams = self._ensure(store)
        seen = began - lag
        steps = self._history(store, streams, model, seen, store.streams()["latest_time"])
        done, total = 0, 2 * -(-len(streams) // _TOGETHER)
        while not stop.is_set():
            now = self.clock()
            now = min(now, began - lag + round((now - began) * self.speed))
            if not once:
                self._live(store, streams, seen, now)
                seen = now
            if next(steps, False):
                done += 1
                report("history", done / total)
                stop.wait(0.01)  # the page comes first
            elif once:
                return
            else:
                stop.wait(self.tick_s)

    def model(self, time_us: int) -> Model:
        """The model whose window holds `time_us`; simulated where the last one does not."""
        model = self._model
        if model is None or not model.start_us <= time_us < model.start_us + len(model.times) * HOUR_US:
            today = pd.Timestamp(from_us(time_us)).floor("D")
            start = today - pd.Timedelta(days=self.days - 1)
            model = simulate_feed(self.case, self._selection, start, self.days + _AHEAD_DAYS - 1, self.seed)
            self._model = model
        return model

    def _ensure(self, store: Store) -> list[_Stream]:
        found = []
        with store.transaction() as connection:
            for thing in self.things():
                ids = store.ensure(thing, connection=connection)
                found += [self._stream(spec, ids[spec.key]) for spec in thing.streams]
        return found

    def _stream(self, spec: StreamSpec, datastream_id: int) -> _Stream:
        quantity = spec.key.rpartition("/")[2]
        soil, solar = quantity.startswith("potential"), spec.key.startswith("pv-")
        every = round(min(spec.properties["live_s"] * self.speed, 3600.0) * 1e6)
        shift = float(noise.uniform(self.seed, spec.key, [0])[0])
        outdoors = spec.key == "weather/humidity"
        return _Stream(
            datastream_id, spec.key, every, round(shift * every), spec.properties.get("interval") == "hour",
            quantity in _ALL_YEAR or soil or solar or outdoors,
            24 if quantity == "battery" else _SOIL_STEP_H if soil else 1,
        )  # fmt: skip

    def _history(
        self, store: Store, streams: list[_Stream], model: Model, until: int, latest: pd.Series
    ) -> Iterator[bool]:
        """First the last weeks of all streams, then what is older; a step is true when it is written.

        latest : by datastream, the time of what the store has already; from there on it is continued.
        """
        groups = [streams[start : start + _TOGETHER] for start in range(0, len(streams), _TOGETHER)]
        recent = day_start(max(until - self.recent_days * DAY_US, model.start_us + DAY_US))
        for group in groups:
            with store.transaction() as connection:
                for stream in group:
                    known = latest.get(stream.datastream_id)
                    whole = store.state(SOURCE, f"recent {stream.key}")
                    first = max(recent, to_us(known) + 1) if whole and not pd.isna(known) else recent
                    found = self._hours(stream, model, first, until)
                    if not stream.hourly:
                        found += self._moments(
                            stream, model, max(first, until - _DENSE * stream.every_us), until
                        )
                    store.append(found, connection=connection)
                    store.put_state(SOURCE, f"recent {stream.key}", True, connection=connection)
            yield True
        for group in groups:
            with store.transaction() as connection:
                for stream in group:
                    if stream.year:
                        self._older(connection, stream, model, recent)
            yield True

    def _hours(self, stream: _Stream, model: Model, first: int, until: int) -> list[NewObservation]:
        """Whole hours of a stream between two times, those without a value left out."""
        hour = -(-first // HOUR_US)
        rows = np.arange(hour, until // HOUR_US) - model.start_us // HOUR_US
        values = model.hours[stream.key]
        rows = rows[(rows >= 0) & (rows < len(values))]
        rows = rows[np.isfinite(values[rows]) & (rows % stream.step_h == 0)]
        return [
            self._of_hour(stream, model.start_us + int(row) * HOUR_US, float(values[row])) for row in rows
        ]

    @staticmethod
    def _of_hour(stream: _Stream, start: int, value: float) -> NewObservation:
        end = start + HOUR_US if stream.hourly else None
        return NewObservation(stream.datastream_id, start, value, phenomenon_end=end)

    @staticmethod
    def _older(connection: Connection, stream: _Stream, model: Model, recent: int) -> None:
        values = model.hours[stream.key][: (recent - model.start_us) // HOUR_US]
        rows = np.arange(len(values))
        rows = rows[np.isfinite(values) & (rows % stream.step_h == 0)]
        first = day_start(model.start_us) + DAY_US  # from the first whole day on
        hours = model.start_us + rows * HOUR_US
        rows, hours = rows[hours >= first], hours[hours >= first]
        load_hours(connection, stream.datastream_id, hours.tolist(), values[rows])

    @staticmethod
    def _moments(stream: _Stream, model: Model, after: int, until: int) -> list[NewObservation]:
        """Momentary values that are due after a time and until another, those in gaps left out."""
        turns = range(
            (after - stream.shift_us) // stream.every_us + 1, (until - stream.shift_us) // stream.every_us + 1
        )
        times = [turn * stream.every_us + stream.shift_us for turn in turns]
        values = [model.at(stream.key, time) for time in times]
        return [
            NewObservation(stream.datastream_id, time, value)
            for time, value in zip(times, values, strict=True)
            if np.isfinite(value)
        ]

    def _live(self, store: Store, streams: list[_Stream], seen: int, now: int) -> None:
        """The values that are due between two looks at the clock, in one commit."""
        model, found = self.model(now), []
        for stream in streams:
            if stream.hourly:
                found += (
                    self._hours(stream, model, seen - HOUR_US, now)
                    if now // HOUR_US > seen // HOUR_US
                    else []
                )
                continue
            found += self._moments(stream, model, max(seen, now - stream.every_us), now)
        if found:
            store.append(found)
