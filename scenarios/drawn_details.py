"""Bands of what takes more than a year's sums: peak loads and over-temperature, in the draws of the others.

Hours of sun have none: no uncertain input moves buildings, trees or the sun. Nor have the shortfalls of the
heat network, which is simulated with the figures as known (`NO_BAND`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case, rooms
from energy.columns import Columns
from energy.simulate import chain
from scenarios.details import DETAILS, FLOWS, hours_of, weighted_mean
from scenarios.drawn_columns import draw_columns
from scenarios.outcome import Outcome
from scenarios.uncertainty import Bands, Progress, noise_of, of_scenario, perturbed, spread_kept
from twin.compute import Same
from twin.errors import CallError
from twin.sources.base import no_progress

DRAWN = ("hours", "rooms")
_HOURS = 40
NO_BAND = {
    **dict.fromkeys(DETAILS["sun"], "no_band_sun"),
    **dict.fromkeys(("network_short_stations", "network_unserved_kwh"), "no_band_network"),
}  # why they have none, as the key of a text


def no_band(bands: Bands, scenario: str, figure: str) -> str:
    """Why a figure has no band among those drawn, as the key of a text; empty where it has one."""
    if figure in NO_BAND:
        return NO_BAND[figure]
    if figure in bands.unmoved(scenario):
        return "no_band_unmoved"
    if figure in bands.values and of_scenario(bands.values, bands.scenarios[0])[figure].isna().all():
        return "no_band_base"
    return ""


def without_band(bands: Bands, scenario: str, figures: Iterable[str]) -> dict[str, list[str]]:
    """The figures that have no band, by reason."""
    groups: dict[str, list[str]] = {}
    for figure in figures:
        if reason := no_band(bands, scenario, figure):
            groups.setdefault(reason, []).append(figure)
    return groups


def with_details(
    bands: Bands,
    outcomes: Sequence[Outcome],
    kinds: Sequence[str],
    seed: int,
    progress: Progress = no_progress,
) -> Bands:
    """The bands with the district's figures of the kinds that are drawn (`DRAWN`).

    outcomes : those that the bands are of, in their order.  seed : as that of the bands.

    Raises
    ------
    CallError : other outcomes.
    """
    if bands.scenarios != [outcome.name for outcome in outcomes]:
        raise CallError("the bands are of other scenarios", "details", "Draw those of the same outcomes")
    if not set(kinds) & set(DRAWN):
        return bands
    known = [Peaks.of(outcome) if "hours" in kinds else None for outcome in outcomes]
    rows: dict[tuple[str, int], dict[str, float]] = {}
    inputs = [str(name) for name in bands.z.columns]
    for number, values in enumerate(bands.z.to_numpy("float64").tolist()):
        z, noise = dict(zip(inputs, values, strict=True)), noise_of(seed, number)
        before: Heat | None = None
        for outcome, peaks in zip(outcomes, known, strict=True):
            progress(outcome.name, number / len(bands.z))
            found = {} if peaks is None else peaks.in_draw(outcome.case, z, noise)
            if "rooms" in kinds:
                heat = over_temperature_kh(outcome.case, z, noise, before)
                before = before or heat
                area = outcome.case.envelope["a_use_m2"].astype("float64")
                mean = weighted_mean(heat.over_kh, area, outcome, "district").to_numpy("float64")
                found["over_temperature_kh"] = float(mean[0, 0]) if len(mean) else float("nan")
            rows[outcome.name, number] = found
    more = pd.DataFrame.from_dict(rows, orient="index")
    more.index = pd.MultiIndex.from_tuples(list(rows), names=bands.values.index.names)
    return replace(bands, values=bands.values.join(more))


@dataclass(frozen=True, eq=False)
class Peaks:
    """The district's largest loads as known, and how draws move them.

    Draws look at the `_HOURS` largest hours of each load only, and supply them by the year's mean ratios;
    the known peak moves as the largest of these does.

    known : by name of `FLOWS`. [kW]
    bins : one for each of those hours, all others together in the last, shape (time,).
    """

    known: dict[str, float]
    bins: npt.NDArray[np.intp]
    plain: dict[str, float]

    @classmethod
    def of(cls, outcome: Outcome) -> Peaks:
        """Of an outcome's hours."""
        hours = hours_of(outcome, outcome.annual.index)
        largest = np.unique(np.concatenate([np.argsort(-load)[:_HOURS] for load in hours.values()]))
        bins = np.full(len(outcome.case.weather), len(largest), np.intp)
        bins[largest] = np.arange(len(largest))
        known = {name: float(load.max()) for name, load in hours.items()}
        return cls(known, bins, _largest(outcome.case, bins, outcome.case.columns))

    def in_draw(self, case: Case, z: dict[str, float], noise: int) -> dict[str, float]:
        """The peaks of the case in one draw. [kW]"""
        drawn = _largest(case, self.bins, draw_columns(case, spread_kept(Same(case)), z, noise))
        return {
            name: most * drawn[name] / self.plain[name] if self.plain[name] > 0 else most
            for name, most in self.known.items()
        }


def _largest(case: Case, bins: npt.NDArray[np.intp], buildings: Columns) -> dict[str, float]:
    """The district's largest load in the hours with a bin of their own. [kW]"""
    rows = np.arange(len(buildings), dtype=np.intp)
    found = chain(case, rows, bins, list(FLOWS.values()), buildings=buildings)
    return {
        name: float(found[flow].sum(axis=0, dtype="float64")[:-1].max(initial=0.0))
        for name, flow in FLOWS.items()
    }


@dataclass(frozen=True, eq=False)
class Heat:
    """Over-temperature of critical rooms in a draw, and what it follows from.

    envelope : of the heated buildings as drawn.  over_kh : index building_id. [Kh]
    """

    case: Case
    envelope: pd.DataFrame
    over_kh: pd.Series


def over_temperature_kh(case: Case, z: dict[str, float], noise: int, before: Heat | None = None) -> Heat:
    """Degree-hours of the critical rooms in one draw; here a warmer year is one, since nothing is heated.

    before : of another case in the same draw: rooms that are the same are taken from there.
    """
    drawn = perturbed(case, z | {"weather": 0.0}, noise).envelope
    heated = drawn[drawn["conditioned"].to_numpy(bool)]
    known = pd.Series(dtype="float64")
    if before is not None and case.weather is before.case.weather:
        there = before.envelope.reindex(index=heated.index, columns=heated.columns)
        alike = ((heated == there) | (heated.isna() & there.isna())).all(axis=1)
        known = before.over_kh.reindex(heated.index[alike.to_numpy(bool)])
    open_rooms = heated.loc[heated.index.difference(known.index, sort=False)]
    if len(open_rooms):
        warmer = z["weather"] * case.parameters.uncertainties["spread"].astype("float64").to_dict()["weather"]
        weather = replace(case.weather, temp_air=case.weather.temp_air + warmer)
        found = rooms.overheating(open_rooms, weather, case.room_sun, case.parameters)["over_temperature_kh"]
        known = pd.concat([known, found]) if len(known) else found
    return Heat(case, heated, known.reindex(heated.index))
