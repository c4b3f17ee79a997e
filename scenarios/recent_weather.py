"""This year until now and the next days, as one weather: measured, forecast, and typical where neither is.

What the store has of DWD's stations and of MOSMIX is put on whole hours; each hour and quantity says in
`Recent.origin` where it comes from. What is in no store is the sample year on the calendar, a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from energy import radiation, sky, weather, weather_fill
from energy.weather import Weather
from energy.weather_formats import dwd
from energy.weather_formats.base import Reading
from energy.weather_formats.dwd import Measured
from scenarios import calendar_weather
from scenarios.weather_import import SOURCE
from sensors.store import Store
from sensors.store.tables import datastreams, observations, things
from sensors.times import to_us

Array = npt.NDArray[np.float64]
MEASURED, FORECAST, TYPICAL = "measured", "forecast", "sample year"
QUANTITIES = ("temp_air", "relative_humidity", "wind_speed", "ghi", "precipitation")
WITHIN_KM = 60.0  # of a station that speaks for the district (our choice)
_EDGE = pd.Timedelta(hours=2)
_EARTH_RADIUS_KM = 6371.0
_BAD = (4, 9)


@dataclass(frozen=True, eq=False)
class Recent:
    """A weather with its rain, and where each figure comes from.

    rain_mm : of the hours; shape (time,).
    origin : index the hours, a column for each of `QUANTITIES`: measured, forecast or sample year.
    """

    weather: Weather
    rain_mm: Array
    origin: pd.DataFrame


def recent(
    store: Store,
    start: pd.Timestamp,
    end: pd.Timestamp,
    now: pd.Timestamp,
    place: tuple[float, float] = (weather.SAMPLE_LATITUDE, weather.SAMPLE_LONGITUDE),
    within_km: float = WITHIN_KM,
) -> Recent:
    """The hours from `start` until before `end` (UTC, whole hours), as they are known at `now`.

    Measured hours win; of hours not measured the latest forecast issued before `now` counts. Of several
    stations the nearest that has the quantity.

    place : latitude and longitude.  within_km : stations further away are left out.
    """
    times = pd.date_range(start, end, freq="h", inclusive="left", name="time", unit="ns")
    typical = calendar_weather.between(times[0], len(times))
    table = pd.DataFrame({name: getattr(typical, name) for name in QUANTITIES[:4]}, index=times)
    table["precipitation"] = calendar_weather.rain(times)
    origin = pd.DataFrame(TYPICAL, index=times, columns=list(QUANTITIES), dtype=object)
    near = _near(store, place, within_km)
    for name, forecast in ((FORECAST, True), (MEASURED, False)):
        found = _derived(_hours(store, times, now, forecast, near), times, place)
        for quantity in QUANTITIES:
            if quantity in found:
                known = found[quantity].notna().to_numpy()
                table.loc[known, quantity] = found.loc[known, quantity]
                origin.loc[known, quantity] = name
    return Recent(_whole(typical, table, origin), table["precipitation"].to_numpy(), origin)


def this_year(store: Store, now: pd.Timestamp, days_ahead: int = 10, **where: Any) -> Recent:
    """From 1 January (UTC) until some days after `now`; `where` as in `recent`."""
    end = now.floor("D") + pd.Timedelta(days=days_ahead + 1)
    return recent(store, pd.Timestamp(year=now.year, month=1, day=1, tz="UTC"), end, now, **where)


def _near(store: Store, place: tuple[float, float], within_km: float) -> dict[int, float]:
    """Distance of the Things that are near enough. [km]"""
    table = store.streams(kind="weather").drop_duplicates("thing_id")
    north, east = np.radians(table["latitude"] - place[0]), np.radians(table["longitude"] - place[1])
    distance = _EARTH_RADIUS_KM * np.hypot(north, east * np.cos(np.radians(place[0])))
    return {
        int(thing): float(km)
        for thing, km in zip(table["thing_id"], distance, strict=True)
        if km <= within_km
    }


def _hours(
    store: Store, times: pd.DatetimeIndex, now: pd.Timestamp, forecast: bool, near: Mapping[int, float]
) -> pd.DataFrame:
    """What the store has of the quantities on the hours; nan where nothing."""
    first, last = times[0] - _EDGE, times[-1] + _EDGE
    o, d, t = observations.c, datastreams.c, things.c
    query = (
        sa.select(d.properties, d.thing_id, o.phenomenon_time, o.phenomenon_end, o.result_time, o.result)
        .join(datastreams, d.id == o.datastream_id)
        .join(things, t.id == d.thing_id)
        .where(t.source == SOURCE, sa.not_(t.deleted), o.current, sa.not_(o.deleted))
        .where(o.flag.not_in(_BAD), o.result.is_not(None))
        .where(o.phenomenon_time.between(to_us(first.to_pydatetime()), to_us(last.to_pydatetime())))
        .order_by(d.thing_id, o.result_time, o.phenomenon_time)
    )
    with store.connect() as connection:
        rows = connection.execute(query).all()
    found: dict[tuple[int, str], list[tuple[int, int, float]]] = {}
    until = to_us(now.to_pydatetime())
    for properties, thing, time, end, issued, value in rows:
        told = properties or {}
        if (
            thing not in near
            or bool(told.get("forecast")) != forecast
            or (forecast and (issued or 0) > until)
        ):
            continue
        if not forecast and (end or time) > until:
            continue
        found.setdefault((thing, str(told.get("quantity"))), []).append((time, end or time, value))
    table = pd.DataFrame(index=times)
    for (_, quantity), values in sorted(found.items(), key=lambda item: near[item[0][0]]):
        column = _on_hours(quantity, values, times)
        known = table.get(quantity)
        table[quantity] = column if known is None else known.fillna(column)
    return table


def _on_hours(quantity: str, values: list[tuple[int, int, float]], times: pd.DatetimeIndex) -> pd.Series:
    """Values of one stream on the hours; of several issues of a forecast the last."""
    start, end, result = (np.array(column) for column in zip(*values, strict=True))
    latest = pd.Series(result, index=end).groupby(level=0).last()
    lengths = pd.Series((end - start) // 60_000_000, index=end).groupby(level=0).last()
    minutes = int(lengths.median())
    same = (lengths == minutes).to_numpy()
    stamps = pd.to_datetime(latest.index[same], unit="us", utc=True).as_unit("ns")
    one = Measured("", "", None, quantity, stamps, latest.to_numpy("float64")[same], minutes)
    if minutes == 60 and (stamps == stamps.floor("h")).all():
        return pd.Series(one.values, index=stamps - pd.Timedelta(hours=1)).reindex(times)
    return pd.Series(dwd.on_hours(one, times), index=times)


def _derived(table: pd.DataFrame, times: pd.DatetimeIndex, place: tuple[float, float]) -> pd.DataFrame:
    """Humidity from the dew point, and radiation from sunshine or clouds, where they are not there."""
    if "temp_dew" in table and "temp_air" in table:
        percent = sky.humidity_percent(table["temp_air"].to_numpy(), table["temp_dew"].to_numpy())
        humid = pd.Series(percent, index=times)
        known = table.get("relative_humidity")
        table["relative_humidity"] = humid if known is None else known.fillna(humid)
    for name, model in (("sunshine", radiation.from_sunshine), ("cloud_cover", radiation.from_clouds)):
        if name in table:
            modelled = model(table[name].clip(0.0, 1.0).to_numpy("float64"), times, *place)
            sun = pd.Series(modelled, index=times).where(table[name].notna())
            known = table.get("ghi")
            table["ghi"] = sun if known is None else known.fillna(sun)
    return table


def _whole(typical: Weather, table: pd.DataFrame, origin: pd.DataFrame) -> Weather:
    """A weather of the table: direct and diffuse radiation, and the sky's long-wave, are modelled."""
    counts = {name: int((origin == name).all(axis=1).sum()) for name in (MEASURED, FORECAST, TYPICAL)}
    reading = Reading(
        table.drop(columns="precipitation"), "", typical.latitude, typical.longitude, typical.altitude_m,
        "recent weather", "",
    )  # fmt: skip
    reading.table["relative_humidity"] = reading.table["relative_humidity"].clip(1.0, 100.0)
    filled, done = weather_fill.fill(reading)
    values: dict[str, Any] = {name: filled[name].to_numpy("float64") for name in weather.LIMITS}
    said = ", ".join(f"{count} h {name}" for name, count in counts.items())
    return replace(
        typical,
        times=pd.DatetimeIndex(filled.index, name="time"),
        **values,
        name=f"Jena, {table.index[0]:%Y-%m-%d} to {table.index[-1]:%Y-%m-%d}",
        source=f"DWD stations and MOSMIX, else the sample year, which is a model: {said}",
        metadata={**done, **{f"hours_{name.replace(' ', '_')}": str(n) for name, n in counts.items()}},
    )
