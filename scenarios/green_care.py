"""Green care: when reference areas turn yellow and red, and which trees want how much water.

The state is what the probes showed last (else a model from typical weather); from there the water balance of
`sensors.water_balance` runs on with measured, forecast and typical weather (`scenarios.recent_weather`),
three times: as forecast, and drier and wetter by the shares of assets/sensors/green_care.csv (estimates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from scenarios import calendar_weather, recent_weather
from sensors import soil, units, water_balance
from sensors.figures import figure
from sensors.soil import Colour
from sensors.store import Store
from sensors.store.tables import datastreams, latest, things
from sensors.times import from_us
from sensors.water_balance import Ground, ReferenceArea

Array = npt.NDArray[np.float64]
HORIZON_DAYS = 30
SPIN_UP_DAYS = 120
OLD = pd.Timedelta(days=3)  # a probe that has said nothing since is no start
_BAD = (4, 9)
_EXPECTED, _DRY, _WET = 0, 1, 2


@dataclass(frozen=True)
class State:
    """What is known of a reference area now.

    pf : by depth in cm; those without a usable value are absent. measured_at : of the latest; None: a model.
    """

    area: ReferenceArea
    pf: Mapping[float, float] = field(default_factory=dict)
    measured_at: pd.Timestamp | None = None
    simulated: bool = False


@dataclass(frozen=True)
class Turn:
    """The day on which a colour is reached, and its band; None: not within the horizon."""

    expected: date | None
    earliest: date | None
    latest: date | None


@dataclass(frozen=True)
class Outlook:
    """A reference area now and in the next days.

    pf, colour : of the layer with most roots.  course : pF by day as expected, shape (day,).
    deficit_l : what a typical tree's root space lacks of the pF up to which is watered. [l]
    """

    state: State
    pf: float
    colour: Colour
    yellow: Turn
    red: Turn
    days: tuple[date, ...]
    course: Array
    deficit_l: float


@dataclass(frozen=True)
class Watering:
    """A tree that wants water, by when, and how much at once. [l]"""

    tree_id: str
    area: str
    litres: int
    by: date
    colour: Colour
    young: bool
    simulated: bool


def states(store: Store, now: pd.Timestamp) -> list[State]:
    """The store's reference areas, by their Things' property `reference_area`, with their last values."""
    d, t, v = datastreams.c, things.c, latest.c
    query = (
        sa.select(
            t.id, t.name, t.street, t.simulated, t.properties.label("thing"), d.properties.label("stream"),
            d.unit_symbol, v.phenomenon_time, v.result, v.flag,
        )
        .join(datastreams, d.thing_id == t.id)
        .join(latest, v.datastream_id == d.id, isouter=True)
        .where(t.kind == "soil_moisture", sa.not_(t.deleted), sa.not_(d.deleted))
        .order_by(t.id, d.id)
    )  # fmt: skip
    with store.connect() as connection:
        rows = connection.execute(query).mappings().all()
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        if (row["thing"] or {}).get("reference_area") and (row["stream"] or {}).get("depth_cm"):
            found.setdefault(int(row["id"]), []).append(dict(row))
    return [_state(members, now) for members in found.values()]


def _state(members: Sequence[Mapping[str, Any]], now: pd.Timestamp) -> State:
    told = members[0]["thing"]
    area = ReferenceArea(
        key=str(told["reference_area"]),
        name=str(members[0]["name"]),
        texture=str(told.get("texture", "loam")),
        depths_cm=tuple(sorted({float(row["stream"]["depth_cm"]) for row in members})),
        crown_diameter_m=float(told.get("crown_diameter_m") or "nan"),
        age_years=float(told.get("age_years") or "nan"),
        sealed_share=float(told.get("sealed_share", figure("sealed_share_green"))),
        trees=tuple(map(str, told.get("trees", ()))),
        street=members[0]["street"],
        estimates=tuple(told.get("estimates", ())),
    )
    pf: dict[float, float] = {}
    at: pd.Timestamp | None = None
    for row in members:
        if row["result"] is None or row["flag"] in _BAD:
            continue
        time = pd.Timestamp(from_us(row["phenomenon_time"]))
        if now - time > OLD:
            continue
        pf[float(row["stream"]["depth_cm"])] = _pf(area, float(row["result"]), str(row["unit_symbol"]))
        at = time if at is None else max(at, time)
    return State(area, pf, at, bool(members[0]["simulated"]))


def _pf(area: ReferenceArea, value: float, unit: str) -> float:
    """pF of a matric potential (any unit of pressure), or of a water content in percent."""
    if unit == "%":
        return float(soil.Retention.of(area.texture).pf(value / 100))
    return float(soil.pf(units.convert(value, unit, "hPa")))


def start_of(known: Sequence[State], ground: Ground, now: pd.Timestamp) -> Array:
    """Water contents to start from, shape (area, layer). [m³/m³]

    Of probes; layers whose probe says nothing take the nearest that does, areas without any the model.
    """
    contents = _spun_up(ground, now)
    for row, state in enumerate(known):
        if not state.pf:
            continue
        depths = np.array(sorted(state.pf))
        nearest = [depths[np.argmin(np.abs(depths - depth))] for depth in state.area.depths_cm]
        curve = soil.Retention.of(state.area.texture)
        contents[row, : len(nearest)] = [
            float(curve.water_content(state.pf[float(depth)])) for depth in nearest
        ]
    return contents


def _spun_up(ground: Ground, now: pd.Timestamp) -> Array:
    weather = calendar_weather.between(now.floor("D") - pd.Timedelta(days=SPIN_UP_DAYS), SPIN_UP_DAYS * 24)
    forcing = calendar_weather.daily_forcing(weather, calendar_weather.rain(weather.times))
    start = np.broadcast_to(ground.capacity, ground.roots.shape)
    return water_balance.run(ground, start, *forcing).water_content[:, :, -1].copy()


def outlooks(
    known: Sequence[State], days: pd.DatetimeIndex, rain_mm: Array, et0_mm: Array, now: pd.Timestamp
) -> list[Outlook]:
    """How the areas go on, with the rain and reference evapotranspiration of the days to come. [mm]"""
    if not known:
        return []
    ground = Ground.of([state.area for state in known])
    start = start_of(known, ground, now)
    et, rain = figure("et_band"), figure("rain_band")
    little = np.where(rain_mm <= figure("rain_ignored_mm"), 0.0, rain_mm * (1 - rain))
    variants = ((rain_mm, et0_mm), (little, et0_mm * (1 + et)), (rain_mm * (1 + rain), et0_mm * (1 - et)))
    layer, rows = ground.main_layer(), np.arange(len(known))
    courses = []
    for wet, thirsty in variants:
        contents = water_balance.run(ground, start, days, wet, thirsty).water_content
        shown = ground.retention.pf(contents.transpose(2, 0, 1))
        courses.append(shown[:, rows, layer].T)
    begin = ground.retention.pf(start)[rows, layer].round(3)
    dates = tuple(day.date() for day in days)
    return [
        Outlook(
            state, float(begin[row]), soil.colour(float(begin[row])),
            _turn(begin[row], [course[row] for course in courses], dates, soil.GREEN_UP_TO),
            _turn(begin[row], [course[row] for course in courses], dates, soil.YELLOW_UP_TO),
            dates, courses[_EXPECTED][row], _deficit_l(state.area, ground, start, row),
        )
        for row, state in enumerate(known)
    ]  # fmt: skip


def _turn(begin: float, courses: Sequence[Array], dates: Sequence[date], limit: float) -> Turn:
    def first(course: Array) -> date | None:
        if begin > limit:
            return dates[0]
        above = np.flatnonzero(course > limit)
        return dates[int(above[0])] if len(above) else None

    found = [first(course) for course in courses]
    return Turn(found[_EXPECTED], found[_DRY], found[_WET])


def _deficit_l(area: ReferenceArea, ground: Ground, start: Array, row: int) -> float:
    """Water that the root space lacks of the pF up to which is watered; a millimetre on a m² is a litre."""
    target = float(soil.Retention.of(area.texture).water_content(figure("water_up_to_pf")))
    depth_mm = np.minimum(np.cumsum(ground.thickness_mm[row]), 10 * area.root_depth_cm)
    reached = np.diff(depth_mm, prepend=0.0)
    return float((np.maximum(target - start[row], 0.0) * reached).sum() * area.root_area_m2)


def waterings(found: Sequence[Outlook]) -> list[Watering]:
    """Trees to water: of areas that are yellow or red, or are expected to be so within days; driest first."""
    listed: list[tuple[float, Watering]] = []
    for one in found:
        by, area = one.yellow.expected, one.state.area
        if by is None or not one.days or (by - one.days[0]).days > figure("days_ahead"):
            continue
        usual = figure("litres_young" if area.young else "litres_mature")
        step = figure("litres_step")
        litres = int(np.ceil(min(one.deficit_l, usual) / step) * step)
        if litres <= 0:
            continue
        listed += [
            (-one.pf, Watering(tree, area.name, litres, by, one.colour, area.young, one.state.simulated))
            for tree in area.trees
        ]
    return [
        watering for _, watering in sorted(listed, key=lambda item: (item[1].by, item[0], item[1].tree_id))
    ]


def of_store(store: Store, now: pd.Timestamp, known: Sequence[State] | None = None) -> list[Outlook]:
    """Outlooks of the store's reference areas (or of `known`), with the weather that the store knows."""
    now = now.ceil("h")
    end = now.floor("D") + pd.Timedelta(days=HORIZON_DAYS + 1)
    coming = recent_weather.recent(store, now, end, now)
    forcing = calendar_weather.daily_forcing(coming.weather, coming.rain_mm)
    return outlooks(states(store, now) if known is None else known, *forcing, now=now)
