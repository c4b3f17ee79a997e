"""How peak loads, over-temperature and hours of sun follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from energy import comfort, solar, sun_access
from energy.derivation_sheet import Sheet
from scenarios import details
from scenarios.derivation_place import Place
from scenarios.measures.base import function_of

Recipe = Callable[[Sheet, Place], str]
_LARGEST = 3


def _peak(indicator: str, name: str, name_de: str) -> Recipe:
    """Recipe of the largest hour: the three largest with their times."""

    def recipe(sheet: Sheet, place: Place) -> str:
        hours, times = details.hours_of(place.outcome, place.ids)[indicator], place.outcome.case.weather.times
        order = np.argsort(-hours, kind="stable")[:_LARGEST]
        for number, hour in enumerate(order, start=1):
            stamp = f"{times[hour]:%Y-%m-%d %H:%M} UTC"
            texts = f"{name}, hour from {stamp}", f"{name_de}, Stunde ab {stamp}"
            sheet.given(f"P_{number}", *texts, float(hours[hour]), "kW", place.simulated)
        largest = ", ".join(f"P_{number}" for number in range(1, len(order) + 1))
        sheet.worked("P_max", name, name_de, f"max({largest})", "kW", "largest of the year's hourly means")
        return ""

    return recipe


def _weighted(
    sheet: Sheet, place: Place, values: pd.Series, weight: pd.Series, symbol: str, name: str, name_de: str,
    unit: str, source: str, weight_name: tuple[str, str],
) -> str:  # fmt: skip
    """The mean over the place's buildings, by use, weighted by area."""
    known = values[values.index.isin(place.ids)].dropna()
    area = weight.reindex(known.index).fillna(0.0)
    use = place.outcome.case.envelope["function"].reindex(known.index).map(function_of)
    parts, areas = [], []
    for kind in sorted(use.unique()):
        mine = (use == kind).to_numpy(bool)
        total = float(area[mine].sum())
        if not total > 0:
            continue
        mean = float((known[mine] * area[mine]).sum() / total)
        count = int(mine.sum())
        texts = f"{name}, {kind} ({count})", f"{name_de}, {kind} ({count})"
        sheet.given(f"{symbol}_{kind}", *texts, mean, unit, source)
        texts = f"{weight_name[0]}, {kind}", f"{weight_name[1]}, {kind}"
        sheet.given(f"A_{kind}", *texts, total, "m²", "envelope, see the chain of a building")
        parts.append(f"{symbol}_{kind} * A_{kind}")
        areas.append(f"A_{kind}")
    if not parts:
        return "No building here has one."
    formula = f"({' + '.join(parts)}) / ({' + '.join(areas)})"
    sheet.worked(symbol, name, name_de, formula, unit, "mean by area")
    return ""


def _over_temperature(sheet: Sheet, place: Place) -> str:
    parameters = place.parameters
    limit = comfort.reference_temperature_c(parameters)
    return _weighted(
        sheet, place, place.outcome.over_temperature_kh(),
        place.outcome.case.envelope["a_use_m2"].astype("float64"), "G", "Over-temperature degree-hours",
        "Übertemperaturgradstunden", "Kh",
        f"critical room, hour by hour: Σ max(θ_op − {limit:g} °C, 0) over the hours that count; "
        "DIN 4108-2:2013, 8.4; sun with neighbours, trees and terrain in its way at the top storey, "
        "where the rooms lie; rooms and their use: estimates of the table rooms",
        ("Reference area", "Bezugsfläche"),
    )  # fmt: skip


def _facade(sheet: Sheet, place: Place) -> str:
    case = place.outcome.case
    return _weighted(
        sheet, place, sun_access.facade_sun_h(case.weather, case.district, case.visibility),
        case.envelope["wall_area_m2"].astype("float64"), "h", "Hours of sun on walls",
        "Sonnenstunden der Wände", "h",
        f"pvlib's sun, rays on the 3D model with trees; sun from {solar.BRIGHT_DNI:g} W/m² (WMO-No. 8)",
        ("Wall area", "Wandfläche"),
    )  # fmt: skip


def _open(sheet: Sheet, place: Place) -> str:
    case = place.outcome.case
    points = sun_access.open_points(case.district)
    mine = points if place.is_district else points[points["building_id"].isin(place.ids)]
    if mine.empty:
        return "There is no open space nearest to it."
    hours = sun_access.open_sun_h(case.weather, case.district, mine)
    source = (
        f"pvlib's sun, rays on the 3D model with trees, {sun_access.EYE_M:g} m above the ground; sunshine "
        f"from {solar.BRIGHT_DNI:g} W/m² (WMO-No. 8)"
    )
    texts = "Hours of sun, summed over the places", "Sonnenstunden, Summe über die Orte"
    sheet.given("H", *texts, float(hours.sum()), "h", source)
    texts = "Places in open space, 20 m apart, nearest to it", "Orte im Freien, alle 20 m, ihm am nächsten"
    sheet.given("n", *texts, len(mine), "1", "grid within 40 m of buildings (our choice)")
    sheet.worked("h", "Hours of sun on open space", "Sonnenstunden im Freien", "H / n", "h", "mean")
    return ""


RECIPES: dict[str, Recipe] = {
    "peak_heat_kw": _peak("peak_heat_kw", "Heat delivered", "Gelieferte Wärme"),
    "peak_import_kw": _peak("peak_import_kw", "Power bought", "Netzbezug"),
    "peak_export_kw": _peak("peak_export_kw", "Power sold", "Einspeisung"),
    "over_temperature_kh": _over_temperature,
    "facade_sun_h": _facade,
    "open_sun_h": _open,
}
