"""The chain: need → use → delivered → primary energy, CO2 and cost, for all buildings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energy import (
    heat_balance,
    heat_supply,
    heat_year,
    occupancy,
    results,
    supply,
    weighting,
    window_sun,
    zone,
)
from energy.case import Case
from energy.weather import Weather
from twin.district import District
from twin.errors import CallError
from twin.sources.base import no_progress

Array = npt.NDArray[np.floating[Any]]
Resolution = Literal["hour", "month", "year"]
Progress = Callable[[str, float], None]
METHODS = {"rc5": "ISO 13790:2008 Annex C, simple hourly method (5R1C)"}
RESOLUTIONS = ("hour", "month", "year")
_FLOW = "supply_temperature_c"
_LABELS = ("function", "heating", "conditioned", "dwellings")


def simulate(
    case: Case | District,
    weather: Weather | None = None,
    *,
    outputs: Sequence[str] | None = None,
    resolution: Resolution = "hour",
    buildings: Iterable[str] | None = None,
    method: str = "rc5",
    progress: Progress | None = None,
) -> xr.Dataset:
    """Energy and temperatures of buildings over the weather's year.

    Parameters
    ----------
    case : a case, or a district (with `weather`, and the default parameters).
    outputs : names of variables (see `energy.results.VARIABLES`); all without it.
    resolution : length of the intervals: "hour", "month" or "year" (UTC).
    buildings : ids; all without it.
    method : "rc5".
    progress : called with a text and the share done, 0 to 1.

    Returns
    -------
    Dataset, dimensions (building_id, time), `delivered_kwh` also carrier; energy per interval in kWh, starts
    of the intervals in UTC; every variable has `units` and `long_name`. Buildings that are not conditioned
    have zero need and no temperatures (nan).

    Raises
    ------
    CallError : an unknown output, resolution, method or building, or a building that cannot be simulated.
    """
    whole = as_case(case, weather)
    names = results.checked(outputs)
    _check(resolution, method)
    ids = selected(whole, buildings)
    report = progress or no_progress
    report("simulate", 0.0)
    arrays = chain(whole, ids, bins_of(whole.weather, resolution), names)
    report("simulate", 1.0)
    return results.dataset(whole, ids, starts_of(whole.weather, resolution), arrays, METHODS[method])


def annual(
    case: Case, *, buildings: Iterable[str] | None = None, since: tuple[Case, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Annual sums per building, index building_id: the fast path of the live app.

    since : a case and its annual sums: only the buildings that differ from it are simulated, where weather
        and parameters are the same.

    Columns heating_need_kwh, cooling_need_kwh, hot_water_need_kwh, electricity_use_kwh,
    heating_delivered_kwh, primary_energy_kwh, co2_kg, energy_cost_eur; equal to `simulate` by months, summed.
    Needs are those of the hours; what is delivered follows from monthly ratios (`energy.heat_year`).
    """
    if since is not None and buildings is None and (changed := changed_buildings(since[0], case)) is not None:
        table = since[1].copy()
        if changed.any():
            again = annual(case, buildings=case.envelope.index[changed])
            rows = np.flatnonzero(changed)
            for number, name in enumerate(table.columns):
                column = table[name].to_numpy("float64", copy=True)
                column[rows] = again[name].to_numpy()
                table.isetitem(number, column)
        return table
    ids = selected(case, buildings)
    arrays = chain(case, ids, bins_of(case.weather, "month"), results.ANNUAL)
    return pd.DataFrame(
        {name: arrays[name].sum(axis=1, dtype="float64") for name in results.ANNUAL}, index=ids
    )


def changed_buildings(before: Case, after: Case) -> npt.NDArray[np.bool_] | None:
    """Which buildings' figures for the simulation differ, shape (building,); None where everything may.

    Weather and parameters must be the same objects: a measure that leaves them hands them on.
    """
    a, b = before.envelope, after.envelope
    same = before.weather is after.weather and before.parameters is after.parameters
    if not same or not a.index.equals(b.index):
        return None
    changed = np.zeros(len(a), bool)
    for name in (*heat_balance.NUMBERS, *heat_balance.SIGNED, *_LABELS):
        if a[name] is not b[name]:
            changed |= a[name].to_numpy() != b[name].to_numpy()
    return changed


def chain(case: Case, ids: pd.Index, bins: npt.NDArray[np.intp], outputs: Sequence[str]) -> dict[str, Array]:
    """All `outputs` of the buildings `ids`, shape (building, bin), from need to cost."""
    envelope = case.envelope[[*heat_balance.NUMBERS, *heat_balance.SIGNED, *_LABELS]]
    envelope = envelope if ids is envelope.index else envelope.loc[ids]
    supplied = supply.supply_of(envelope, case.parameters)
    states = any(name in results.STATES for name in outputs)
    heating, cooling, air, operative = _heat_needs(case, envelope, bins, states)
    hot_water = _shaped(case, envelope, supplied.hot_water_kwh_a, "hot_water", bins)
    electricity = _shaped(case, envelope, supplied.electricity_kwh_a, "electricity", bins)
    plants = heat_supply.plants_of(envelope, case.parameters, supplied)
    found = heat_year.heat(
        plants, case.weather, case.parameters, heating, hot_water, bins, temperatures=_FLOW in outputs
    )
    heat = found.delivered_kwh
    power = supply.electricity_delivered(supplied, electricity, cooling, found.auxiliary_kwh)
    ready: dict[str, Callable[[], Array]] = {
        "heating_need_kwh": lambda: heating,
        "cooling_need_kwh": lambda: cooling,
        "hot_water_need_kwh": lambda: hot_water,
        "electricity_use_kwh": lambda: electricity,
        "heating_delivered_kwh": lambda: heat,
        "auxiliary_electricity_kwh": lambda: found.auxiliary_kwh,
        _FLOW: lambda: found.flow_temperature_c,
        "delivered_kwh": lambda: supply.by_carrier(supplied, heat, power),
        "air_temperature_c": lambda: air,
        "operative_temperature_c": lambda: operative,
    }
    for quantity in weighting.FACTORS:
        ready[quantity] = lambda q=quantity: weighting.weighted(q, supplied, heat, power, case.parameters)  # type: ignore[misc]
    return {name: ready[name]() for name in outputs}


def _heat_needs(
    case: Case, envelope: pd.DataFrame, bins: npt.NDArray[np.intp], states: bool
) -> tuple[Array, Array, Array, Array]:
    """Heating and cooling need [kWh], air and operative temperature [°C]; shape (building, bin) each."""
    shape = (len(envelope), int(bins.max()) + 1)
    need = [np.zeros(shape, np.float32) for _ in range(2)]
    temperature = [np.full(shape if states else (len(envelope), 0), np.nan, np.float32) for _ in range(2)]
    planes = case.planes
    heated = np.flatnonzero(envelope["conditioned"].to_numpy(bool))
    zones = heat_balance.zones(envelope.iloc[heated], case.parameters)
    function = envelope["function"].to_numpy("object")[heated]
    for name in pd.unique(function):
        mine = np.flatnonzero(function == name)
        rows = heated[mine]
        plan = occupancy.schedule(str(name), case.weather, case.parameters)
        group = zones.take(mine)
        sun = window_sun.from_planes(planes, group.solar_area_m2)
        drive = zone.Drive(case.weather.temp_air, planes, plan, bins, sun.block)
        loads = zone.simulate_zones(group, drive, temperatures=states)
        _check_balance(loads.imbalance, envelope.index[rows])
        need[0][rows], need[1][rows] = loads.heating, loads.cooling
        if states:
            temperature[0][rows], temperature[1][rows] = (
                loads.air_temperature_c,
                loads.operative_temperature_c,
            )
    for watts in need:
        watts *= np.float32(0.001)
    return need[0], need[1], temperature[0], temperature[1]


_CLOSES = 1e-3  # float32 over a year; `tests/energy/test_zone.py` holds float64 to 1e-6


def _check_balance(imbalance: Array, ids: pd.Index) -> None:
    """Refuse results whose heat in, out and stored do not match, naming the worst building."""
    if (bad := ~(np.abs(imbalance) < _CLOSES)).any():
        worst = int(np.argmax(np.where(np.isfinite(imbalance), np.abs(imbalance), np.inf)))
        raise CallError(
            f"the heat balance of {int(bad.sum())} building(s) does not close; the worst is off by "
            f"{imbalance[worst]:.1%} of its turnover",
            f"building {ids[worst]}",
            "Check its areas, U-values and air change for figures far from any building",
        )


def _shaped(
    case: Case, envelope: pd.DataFrame, kwh_a: Array, quantity: str, bins: npt.NDArray[np.intp]
) -> Array:
    """Annual amounts spread over the bins by the schedule of each use; shape (building, bin). [kWh]"""
    out = np.zeros((len(envelope), int(bins.max()) + 1), np.float32)
    function = envelope["function"].to_numpy("object")
    for name in pd.unique(function):
        rows = np.flatnonzero(function == name)
        plan = occupancy.schedule(str(name), case.weather, case.parameters)
        course = np.bincount(bins, getattr(plan, quantity)).astype(np.float32)
        out[rows] = kwh_a[rows, None].astype(np.float32) * course
    return out


def as_case(case: Case | District, weather: Weather | None) -> Case:
    """The case itself, or one of the district and the weather with default parameters."""
    if isinstance(case, Case):
        if weather is not None:
            raise CallError("the case has its weather already", "simulate", "Use case.replace(weather=…)")
        return case
    if weather is None:
        raise CallError(
            "a district needs a weather", "simulate", "Use simulate(district, energy.weather.sample())"
        )
    return Case(case, weather)


def selected(case: Case, buildings: Iterable[str] | None) -> pd.Index:
    """Ids of the chosen buildings, in the order asked for."""
    if buildings is None:
        return case.envelope.index
    ids = pd.Index(list(buildings), name="building_id")
    if (lost := ids[~ids.isin(case.envelope.index)]).size:
        raise CallError(
            f"there is no building {lost[0]!r}", case.district.name, "See district.buildings.index"
        )
    return ids


def bins_of(weather: Weather, resolution: str) -> npt.NDArray[np.intp]:
    """Number of the interval that each hour belongs to; shape (time,)."""
    if resolution == "hour":
        return np.arange(len(weather), dtype=np.intp)
    if resolution == "year":
        return np.zeros(len(weather), np.intp)
    months = weather.times.year.to_numpy() * 12 + weather.times.month.to_numpy()
    return np.asarray(months - months[0], np.intp)


def starts_of(weather: Weather, resolution: str) -> npt.NDArray[np.datetime64]:
    """Starts of the intervals in UTC, without a time zone as xarray wants them; shape (interval,)."""
    times = weather.times.tz_localize(None).to_numpy("datetime64[ns]")
    _, first = np.unique(bins_of(weather, resolution), return_index=True)
    return times[first]


def _check(resolution: str, method: str) -> None:
    if resolution not in RESOLUTIONS:
        raise CallError(f"there is no resolution {resolution!r}", "simulate", f"Use {', '.join(RESOLUTIONS)}")
    if method not in METHODS:
        raise CallError(f"there is no method {method!r}", "simulate", f"Use {', '.join(METHODS)}")
