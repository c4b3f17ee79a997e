"""Buildings coloured by the hours of a day, the days or the months of the year, as frames of the scene.

The frames are simulated at the desk, a few buildings a step, of the plan that is shown. Hours and days are on
Berlin's clock, months in UTC as everywhere in the results; the weather is one year, so that what an hour
shifts beyond its end counts at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

import energy
from twin.errors import CallError
from viewer import colours, texts
from viewer.desk import Desk
from viewer.state import State

Span = Literal["day", "days", "months"]
SPANS = ("day", "days", "months")
# What it shows: columns of the results that are added, those that are taken away, and the colours.
QUANTITIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "heat": (("heating_delivered_kwh",), (), "heat"),
    "pv": (("pv_generation_kwh",), (), "cividis"),
    "grid": (("grid_import_kwh",), ("grid_export_kwh",), "difference"),
}
# Unit and factor of kWh per interval.
_UNITS: Mapping[str, tuple[str, float]] = {
    "day": ("kW", 1.0),
    "days": ("kWh/d", 1.0),
    "months": ("MWh", 1e-3),
}
_STEP_BUILDINGS = 96
_ZONE = "Europe/Berlin"
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see.

    day : of the hours, in any year.
    """

    span: Span
    quantity: str
    day: date

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Wish | None:
        """What a message asks; None for nothing.

        Raises
        ------
        CallError : there is no such span, quantity or day.
        """
        span, quantity = str(message.get("span") or ""), str(message.get("quantity") or "heat")
        if not span:
            return None
        if span not in SPANS or quantity not in QUANTITIES:
            known = f"Use {', '.join(SPANS)} of {', '.join(QUANTITIES)}"
            raise CallError(f"there are no {span!r} of {quantity!r}", "time", known)
        try:
            day = date.fromisoformat(str(message.get("day") or "2021-01-15"))
        except ValueError:
            raise CallError(f"{message.get('day')!r} is no day", "time", "Use YYYY-MM-DD") from None
        return cls(span, quantity, day)  # type: ignore[arg-type]  # checked above


@dataclass(frozen=True, eq=False)
class Frames:
    """Values of all buildings, float32, shape (frame, building), nan where nothing is known.

    starts : of the frames, seconds since 1970.
    """

    wish: Wish
    values: Values
    starts: tuple[int, ...]
    unit: str
    low: float
    high: float

    @property
    def palette(self) -> tuple[str, ...]:
        return colours.SCALES[QUANTITIES[self.wish.quantity][2]]


class TimeView:
    """One page's time slider.

    draw : takes parameters of the scene; None: the layer's own again.
    """

    def __init__(
        self, state: State, desk: Desk, show: Callable[..., None],
        draw: Callable[[dict[str, Any] | None], None], tell: Callable[..., None],
        fail: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.state, self.desk = state, desk
        self._show, self._draw, self._tell, self._fail = show, draw, tell, fail
        self.wish: Wish | None = None
        self.frames: Frames | None = None
        self.frame = 0
        self.asks = 0

    @property
    def active(self) -> bool:
        """Whether the buildings' colours are its."""
        return self.wish is not None

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        kind = message.get("type")
        if kind == "frames":
            self.wish = Wish.of(message)
            self.refresh()
        elif kind == "frame" and self.frames is not None:
            self.frame = min(max(int(message["at"]), 0), len(self.frames.values) - 1)
            self._draw({"frame": self.frame, "playing": False})
        elif kind == "play" and self.frames is not None:
            rate = {"day": 3.0, "days": 10.0, "months": 1.5}[self.frames.wish.span]
            self._draw({"playing": bool(message["on"]), "frame_rate": rate})
        else:
            return kind in ("frame", "play")
        return True

    def refresh(self) -> None:
        """Have the desk compute the frames of what is shown; without a wish show the layer again."""
        self.asks += 1
        if self.wish is None:
            self.leave()
            if self.frames is not None:
                self.frames = None
                self._draw(None)
            self._show(frames={})
            return
        self._show(
            frames={"busy": True, "share": 0.0, "span": self.wish.span, "quantity": self.wish.quantity}
        )
        job = self._job(self.wish, self.asks)
        self.desk.put((self, "frames"), job, partial(self._tell, self._fail))

    def leave(self) -> None:
        """Compute nothing any more."""
        self.desk.drop((self, "frames"))

    def _job(self, wish: Wish, ask: int) -> Iterator[None]:
        case = self.state.twin.variant(self.state.plan.effective(1))
        ids = list(self.state.twin.annual.index)
        annual = self.state.run.annual
        for found in compute(case, ids, wish, annual):
            if isinstance(found, float):
                self._tell(self._progress, wish, found, ask)
            else:
                self._tell(self._found, found, ask)
            yield

    def _progress(self, wish: Wish, share: float, ask: int) -> None:
        if ask == self.asks:
            self._show(frames={"busy": True, "share": share, "span": wish.span, "quantity": wish.quantity})

    def _found(self, frames: Frames, ask: int) -> None:
        if ask != self.asks:
            return
        same = self.frames is not None and self.frames.wish.span == frames.wish.span
        self.frame = min(self.frame, len(frames.values) - 1) if same else 0
        self.frames = frames
        self._draw(
            {
                "values": frames.values.tobytes(), "frames": len(frames.values), "frame": self.frame,
                "palette": list(frames.palette), "value_min": frames.low, "value_max": frames.high,
                "palette_steps": False, "palette_log": False, "playing": False, "line_values": None,
                "compare": "none", "compare_values": None,
            }
        )  # fmt: skip
        self._show(frames=self.shown() | {"busy": False})

    def shown(self) -> dict[str, Any]:
        """What the page's slider needs."""
        found = self.frames
        if found is None:
            return {}
        wish = found.wish
        return {
            "span": wish.span, "quantity": wish.quantity, "day": wish.day.isoformat(), "unit": found.unit,
            "starts": list(found.starts), "frame": self.frame, "total": _totals(found),
        }  # fmt: skip

    def legend(self) -> dict[str, Any] | None:
        """Scale of the frames, in place of the layer's; None while there are none."""
        found = self.frames
        if found is None:
            return None
        quantity = texts.text(self.state.language, f"time.{found.wish.quantity}")
        return {
            "unit": found.unit, "min": found.low, "max": found.high, "palette": list(found.palette),
            "ticks": colours.ticks(found.low, found.high, 4),
            "over": bool(np.nanmax(found.values) > found.high),
            "log": False, "categories": [],
            "note": texts.text(self.state.language, "time.note", quantity=quantity),
        }  # fmt: skip

    def value(self, row: int) -> tuple[float, str] | None:
        """Value of a building in the frame that is shown, and its unit; None without frames."""
        if self.frames is None:
            return None
        return float(self.frames.values[self.frame, row]), self.frames.unit


def compute(case: energy.Case, ids: list[str], wish: Wish, annual: pd.DataFrame) -> Iterator[float | Frames]:
    """The share that is done, step by step, and at last the frames of the buildings `ids`.

    annual : results of the year, which the panel shows: the hours are scaled to them, since plants see means
        in longer intervals (less than 1 %).
    """
    times = case.weather.times
    bins, starts = _bins(times, wish)
    heated = case.envelope["conditioned"].reindex(ids).to_numpy(bool)
    values = np.full((len(starts), len(ids)), np.nan, np.float32)
    rows = np.flatnonzero(heated)
    plus, minus, _ = QUANTITIES[wish.quantity]
    unit, factor = _UNITS[wish.span]
    for first in range(0, len(rows), _STEP_BUILDINGS):
        part = rows[first : first + _STEP_BUILDINGS]
        found = energy.simulate(
            case, outputs=[*plus, *minus], resolution="hour", buildings=[ids[r] for r in part]
        )
        hours = np.zeros((len(times), len(part)))
        for sign, names in ((1, plus), (-1, minus)):
            for name in names:
                one = found[name].transpose("time", "building_id").to_numpy().astype("float64")
                hours += sign * one * _ratio(one, name, annual, [ids[r] for r in part])
        values[:, part] = factor * _summed(hours, bins, len(starts))
        yield min(1.0, (first + len(part)) / len(rows))
    low, high = _limits(values, signed=bool(minus))
    yield Frames(wish, values, starts, unit, low, high)


def _ratio(
    hours: npt.NDArray[np.float64], name: str, annual: pd.DataFrame, ids: list[str]
) -> npt.NDArray[np.float64]:
    """The year's figure over the sum of its hours, shape (building,); 1 where there is none. [-]"""
    total = hours.sum(axis=0)
    if name not in annual:
        return np.ones(len(ids))
    known = annual[name].reindex(ids).to_numpy("float64")
    some = (total > 0) & np.isfinite(known)
    return np.where(some, known / np.where(some, total, 1.0), 1.0)


def _bins(times: pd.DatetimeIndex, wish: Wish) -> tuple[npt.NDArray[np.intp], tuple[int, ...]]:
    """The frame of each hour, -1 for none, and the starts of the frames."""
    local = times.tz_convert(_ZONE)
    year = int(times[len(times) // 2].year)
    if wish.span == "months":
        starts = pd.date_range(f"{year}-01-01", periods=12, freq="MS", tz=_ZONE)
        return times.month.to_numpy(np.intp) - 1, _seconds(starts)
    if wish.span == "days":
        starts = pd.date_range(f"{year}-01-01", f"{year}-12-31", freq="D", tz=_ZONE)
        day = local.dayofyear.to_numpy(np.intp) - 1
        return np.where(day < len(starts), day, 0), _seconds(starts)
    leap = wish.day.month == 2 and wish.day.day == 29
    first = pd.Timestamp(year, wish.day.month, 28 if leap else wish.day.day, tz=_ZONE)
    starts = pd.date_range(first, periods=24, freq="h")
    utc = starts.tz_convert("UTC")
    bins = np.full(len(times), -1, np.intp)
    found = times.get_indexer(utc)
    back = times.get_indexer(utc - pd.DateOffset(years=-1))  # New Year's first hour lies a year later
    rows = np.where(found >= 0, found, back)
    bins[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    return bins, _seconds(starts)


def _summed(hours: npt.NDArray[Any], bins: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.float64]:
    known = bins >= 0
    total = np.zeros((count, hours.shape[1]))
    np.add.at(total, bins[known], hours[known])
    return total


def _limits(values: Values, *, signed: bool) -> tuple[float, float]:
    sizes = np.abs(values[np.isfinite(values) & (values != 0)]).astype("float64")
    high = colours.limits(sizes)[1] if sizes.size else 1.0
    return (-high if signed else 0.0), high


def _totals(found: Frames) -> list[float]:
    """Sum over the buildings in each frame, in the frames' unit."""
    return [round(float(v), 3) for v in np.nansum(found.values.astype("float64"), axis=1)]


def _seconds(starts: pd.DatetimeIndex) -> tuple[int, ...]:
    return tuple(int(t.timestamp()) for t in starts)
