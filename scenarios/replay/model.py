"""What the sensors of the feed would show: hours simulated by the model, and moments between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case, occupancy, pv_potential, simulate
from energy.calendar_days import LOCAL_TIME, kinds_of_day
from energy.weather import Weather
from scenarios import calendar_weather
from scenarios.replay import noise
from scenarios.replay.selection import Selection
from sensors import evapotranspiration, soil, water_balance
from sensors.figures import figure

Array = npt.NDArray[np.float64]
HOUR_US = 3_600_000_000
SPIN_UP_DAYS = 120  # of the soil, from a moist winter or a typical state
_STRETCH_H = 6
_SPIKE_KPA = -9000.0  # what the failing probe shows now and then: drier than any soil with roots
# Relative noise of an hour and of a moment, and least and greatest value; by quantity.
_SPREAD: dict[str, tuple[float, float, float, float]] = {
    "heat": (0.0, 0.0, 0.0, np.inf),
    "power": (0.0, 0.08, 0.0, np.inf),
    "temp_air": (0.0, 0.0, -60.0, 60.0),
    "wind": (0.05, 0.25, 0.0, 60.0),
    "ghi": (0.0, 0.06, 0.0, 1400.0),
    "inbound": (0.05, 0.12, 0.0, np.inf),
    "outbound": (0.05, 0.12, 0.0, np.inf),
    "free": (0.0, 0.0, 0.0, np.inf),
    "humidity": (0.01, 0.01, 2.0, 100.0),
    "co2": (0.02, 0.03, 380.0, 5000.0),
}
# The same as absolute figures.
_JITTER: dict[str, tuple[float, float]] = {
    "temp_air": (0.1, 0.15), "temperature": (0.1, 0.08), "battery": (0.0, 0.01), "free": (1.0, 2.0),
}  # fmt: skip
_DIGITS = {
    "heat": 2,
    "power": 2,
    "inbound": 0,
    "outbound": 0,
    "free": 0,
    "co2": 0,
    "battery": 3,
    "humidity": 1,
}


@dataclass(frozen=True, eq=False)
class Model:
    """Hourly values of all streams over a window.

    times : starts of the hours, UTC; shape (time,).
    hours : by stream key (`thing/quantity`), shape (time,); means of the hour, its sum of energy and rain.
        Noise and faults are in it, gaps are nan.
    failing_from : time from which the failing probe is stuck. [µs]  failing : its stream; empty: none.
    """

    times: pd.DatetimeIndex
    hours: dict[str, Array]
    seed: int
    failing: str
    failing_from: int

    @property
    def start_us(self) -> int:
        return int(self.times[0].value // 1000)

    def at(self, key: str, time_us: int) -> float:
        """A momentary value: between the hours' middles, with the noise of moments; nan in a gap."""
        values = self.hours[key]
        position = (time_us - self.start_us) / HOUR_US - 0.5
        low = int(np.clip(np.floor(position), 0, len(values) - 1))
        hour = int(np.clip((time_us - self.start_us) // HOUR_US, 0, len(values) - 1))
        if not np.isfinite(values[hour]):
            return float("nan")
        if key == self.failing and time_us >= self.failing_from:
            return float(values[hour])
        pair = values[low], values[min(low + 1, len(values) - 1)]
        value = values[hour] if not np.isfinite(pair).all() else np.interp(position - low, [0, 1], pair)
        return float(_noisy(key, np.array([value]), np.array([time_us // 1_000_000]), self.seed, 1)[0])


def simulate_feed(case: Case, selection: Selection, start: pd.Timestamp, days: int, seed: int = 1) -> Model:
    """Simulate what the sensors show from `start` (UTC midnight) for `days` days.

    The failing probe is stuck for the last days before the last day but one, which is today.
    """
    weather = calendar_weather.between(start, days * 24)
    times = weather.times
    hours = _weather(weather)
    hours |= _buildings(case, selection, weather)
    hours |= _soils(selection, times)
    if selection.road is not None:
        hours |= _road(times, case)
    number = times.asi8 // 3_600_000_000_000
    failing_from = int((times[-1].floor("D") - pd.Timedelta(days=1 + figure("failing_days", "replay"))).value)
    failing = ""
    if selection.areas:
        area = selection.areas[min(2, len(selection.areas) - 1)]
        failing = f"soil-{area.key}/potential-{area.depths_cm[len(area.depths_cm) // 2]:g}"
    found = {}
    for key, values in hours.items():
        shown = _noisy(key, values, number, seed, 0)
        if key == failing:
            shown = _stuck(shown, times, failing_from, number, seed)
        found[key] = np.where(_silent(key, number, seed), np.nan, shown)
    return Model(times, found, seed, failing, failing_from // 1000)


def _noisy(key: str, values: Array, numbers: npt.NDArray[np.int64], seed: int, moment: int) -> Array:
    """Values as a sensor shows them: noise of the hour (moment 0) or of the moment (1), rounded."""
    quantity = key.rpartition("/")[2]
    share, low, high = 0.0, -np.inf, np.inf
    if quantity in _SPREAD:
        spread = _SPREAD[quantity]
        share, low, high = spread[moment], *spread[2:]
    if quantity == "heat" and not moment:
        share = figure("heat_noise", "replay")
    if quantity.startswith("potential"):
        share = 0.01
    jitter = _JITTER.get(quantity, (0.0, 0.0))[moment]
    random = noise.normal(seed, f"{key} {moment}", numbers)
    shown = np.clip(values * (1 + share * random) + jitter * random, low, high)
    return np.asarray(np.round(shown, _DIGITS.get(quantity, 1)))


def _silent(key: str, numbers: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.bool_]:
    """Stretches of six hours without a word."""
    return noise.uniform(seed, f"{key} gap", numbers // _STRETCH_H) < figure("gap_share", "replay")


def _stuck(
    values: Array, times: pd.DatetimeIndex, failing_from: int, numbers: npt.NDArray[np.int64], seed: int
) -> Array:
    """The failing probe: the same value for days, and spikes."""
    late = times.asi8 >= failing_from
    if not late.any():
        return values
    shown = np.where(late, values[int(np.argmax(late))], values)
    return np.where(late & (noise.uniform(seed, "spike", numbers) < 0.03), _SPIKE_KPA, shown)


def _weather(weather: Weather) -> dict[str, Array]:
    return {
        "weather/temp_air": weather.temp_air,
        "weather/humidity": weather.relative_humidity,
        "weather/wind": weather.wind_speed,
        "weather/ghi": weather.ghi,
        "weather/rain": calendar_weather.rain(weather.times),
    }


def _buildings(case: Case, selection: Selection, weather: Weather) -> dict[str, Array]:
    """Heat of the blocks, solar power of the roofs, climate of the rooms, as `energy.simulate` has them."""
    if not selection.buildings:
        return {}
    roofs = [roof.building_id for roof in selection.roofs]
    case = case.replace(weather=weather, pv=_systems(case, roofs) if roofs else case.pv)
    outputs = ["heating_delivered_kwh", "pv_generation_kwh", "operative_temperature_c"]
    results = simulate(case, outputs=outputs, buildings=selection.buildings)
    row = {name: number for number, name in enumerate(selection.buildings)}
    heat, power, warm = (results[name].to_numpy().astype("float64") for name in outputs)
    found: dict[str, Array] = {}
    for meter in selection.meters:
        total = heat[[row[name] for name in meter.buildings]].sum(axis=0)
        found[f"heat-{meter.block_id}/heat"] = total
        found[f"heat-{meter.block_id}/power"] = total  # kWh in an hour are the hour's mean kW
    for roof in selection.roofs:
        found[f"pv-{roof.building_id}/power"] = power[row[roof.building_id]]
    for room in selection.rooms:
        found |= _room(f"room-{room.building_id}", room.function, warm[row[room.building_id]], weather, case)
    return found


def _systems(case: Case, roofs: list[str]) -> pd.DataFrame:
    """Modules on the roofs, as they would fit; those of the district stay."""
    surfaces = case.district.surfaces
    small = replace(case.district, surfaces=surfaces[surfaces["building_id"].isin(roofs)])
    fitting = pv_potential.potential(small, case.parameters, latitude=case.weather.latitude)
    return fitting[fitting["building_id"].isin(roofs) & fitting["kind"].isin(["flat", "pitched"])]


def _room(key: str, function: str, warm: Array, weather: Weather, case: Case) -> dict[str, Array]:
    """Temperature of the model; CO2 and moisture by presence, both simple estimates."""
    there = occupancy.schedule(function, weather, case.parameters).occupied.astype("float64")
    present = pd.Series(there).ewm(span=3).mean().to_numpy()
    outside, occupied = figure("co2_outside_ppm", "replay"), figure("co2_occupied_ppm", "replay")
    warm = np.where(np.isfinite(warm), warm, 20.0)
    vapour = np.asarray(evapotranspiration.saturation_vapour_pressure(weather.temp_air))
    vapour = (
        vapour * weather.relative_humidity / 100 + figure("humidity_added_g_kg", "replay") * 0.16 * present
    )
    return {
        f"{key}/temperature": warm,
        f"{key}/humidity": 100 * vapour / np.asarray(evapotranspiration.saturation_vapour_pressure(warm)),
        f"{key}/co2": outside + (occupied - outside) * present,
    }


def _soils(selection: Selection, times: pd.DatetimeIndex) -> dict[str, Array]:
    """Matric potential [kPa, below zero] of the probes by the water balance, from a spin-up on."""
    if not selection.areas:
        return {}
    ground = water_balance.Ground.of(selection.areas)
    start = times[0] - pd.Timedelta(days=SPIN_UP_DAYS)
    before = calendar_weather.between(start, SPIN_UP_DAYS * 24 + len(times))
    days, wet, thirsty = calendar_weather.daily_forcing(before, calendar_weather.rain(before.times))
    course = water_balance.run(
        ground, np.broadcast_to(ground.capacity, ground.roots.shape), days, wet, thirsty
    )
    potential = -soil.tension_hpa(ground.retention.pf(course.water_content.transpose(2, 0, 1))) / 10
    ends = days.as_unit("ns").asi8 + 24 * 3_600_000_000_000
    found = {}
    since = (times[0] - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta(days=1)
    age = since % 730 + np.arange(len(times)) / 24
    for row, area in enumerate(selection.areas):
        for layer, depth in enumerate(area.depths_cm):
            # Between the days' ends by the logarithm, in which the soil dries evenly.
            logarithm = np.interp(times.asi8, ends, np.log10(-potential[:, row, layer]))
            found[f"soil-{area.key}/potential-{depth:g}"] = -(10**logarithm)
        low = 0.35 if row == min(2, len(selection.areas) - 1) else 0.0
        found[f"soil-{area.key}/battery"] = 3.65 - low - 0.0001 * age
    return found


def _road(times: pd.DatetimeIndex, case: Case) -> dict[str, Array]:
    """Vehicles per hour both ways, and free spaces of car parks, by the kind of day and the hour."""
    local = times.tz_convert(LOCAL_TIME)
    kind, hour = kinds_of_day(local, False, case.parameters), local.hour.to_numpy()
    course = np.array([figure(f"traffic_{number:02d}", "replay") for number in range(24)])
    day = np.array([1.0, figure("traffic_saturday", "replay"), figure("traffic_sunday", "replay")])
    both = figure("vehicles_per_day", "replay") * course[hour] * day[kind]
    inbound = 0.5 + 0.12 * np.cos(2 * np.pi * (hour - 7.5) / 20) * (kind == 0)
    shopping = np.exp(-(((hour - 13.5) / 4.0) ** 2)) * np.array([0.75, 0.9, 0.15])[kind]
    commuting = np.exp(-(((hour - 11.5) / 5.0) ** 2)) * np.array([0.9, 0.3, 0.2])[kind]
    spaces = [figure(f"parking_{name}_spaces", "replay") for name in "ab"]
    return {
        "traffic/inbound": both * inbound,
        "traffic/outbound": both * (1 - inbound),
        "parking-a/free": spaces[0] * (1 - 0.9 * shopping),
        "parking-b/free": spaces[1] * (1 - 0.95 * commuting),
    }
