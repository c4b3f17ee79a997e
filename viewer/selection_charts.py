"""The charts of what is selected (of the district where nothing is): plain data that the page draws.

Hours are simulated on demand at the desk, a few buildings a step, and summed: what is kept is one series per
quantity. All figures are of the same run as the panel's; their sums agree with it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import energy
from energy import weighting
from scenarios.derivation_place import CARRIERS
from scenarios.heat_network import POWER
from viewer import derivations, facts, texts
from viewer.desk import Desk
from viewer.economy import PARTS, Economy
from viewer.state import State
from viewer.whatif import Plan

Hours = dict[str, npt.NDArray[np.float64]]
QUANTITIES = (
    "heating_delivered_kwh", "electricity_use_kwh", "pv_generation_kwh", "grid_import_kwh", "grid_export_kwh",
)  # fmt: skip
MONTHLY = ("heating_need_kwh", "pv_generation_kwh", "grid_import_kwh", "grid_export_kwh")
_STEP_BUILDINGS = 64


class Charts:
    """One page's charts; they are computed while they are open, and anew when what they show changes.

    tell : runs a function in the page's thread, from the desk's.
    economy : what the plan costs; None while it is computed.
    """

    def __init__(
        self, state: State, desk: Desk, show: Callable[..., None], tell: Callable[..., None],
        fail: Callable[[Exception], None], economy: Callable[[], Economy | None],
    ) -> None:  # fmt: skip
        self.state, self.desk, self._show, self._tell = state, desk, show, tell
        self._fail, self._economy = fail, economy
        self.open = False
        self.asks = 0

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Open or close; False for any other message."""
        if message.get("type") != "charts":
            return False
        self.open = bool(message["open"])
        self.refresh()
        return True

    def refresh(self) -> None:
        """Have the desk compute what is shown, in place of what it computes by now."""
        self.asks += 1
        if not self.open:
            self.leave()
            return
        self._show(charts={"busy": True, "title": facts.selected_title(self.state), "share": 0.0})
        job = self._job(copy(self.state), self._economy(), self.asks)
        self.desk.put((self, "charts"), job, partial(self._tell, self._fail))

    def leave(self) -> None:
        """Compute nothing any more."""
        self.desk.drop((self, "charts"))

    def _job(self, state: State, costs: Economy | None, ask: int) -> Iterator[None]:
        title = facts.selected_title(state)
        for found in compute(state, costs):
            if isinstance(found, float):
                news: dict[str, Any] = {"busy": True, "title": title, "share": found}
            else:
                news = found | {"busy": False}
            self._tell(self._found, ask, news)
            yield

    def _found(self, ask: int, news: dict[str, Any]) -> None:
        if ask == self.asks:
            self._show(charts=news)


def compute(state: State, costs: Economy | None) -> Iterator[float | dict[str, Any]]:
    """The share that is done, step by step, and at last the charts."""
    ids = state.selected_ids or list(state.twin.annual.index)
    hours: list[Hours] = []
    plans = (Plan(),) if state.plan.idle else (Plan(), state.plan.effective(1))
    for number, plan in enumerate(plans):
        sums: Hours = {}
        steps = partial(hourly, state.twin.variant(plan, 1), ids)
        for share, sums in state.twin.stepped(("hours", (plan, tuple(ids))), steps):  # noqa: B007  # the last
            yield (number + share) / len(plans)
        hours.append(_as_in_the_year(sums, state.after if number else state.before, ids))
    months = [_months(state.twin.variant(plan, 1), ids) for plan in plans]
    before, after = hours[0], hours[-1]
    yield {
        "title": facts.selected_title(state),
        "changed": not state.plan.idle,
        "start": int(pd.Timestamp(state.twin.case.weather.times[0]).timestamp()),
        "hours": {name: [_packed(before[name]), _packed(after[name])] for name in QUANTITIES},
        "months": {name: [months[0][name], months[-1][name]] for name in MONTHLY},
        "sankey": sankey(state, ids, after),
        "waterfall": None if costs is None or state.selection is not None else waterfall(costs),
        "figures": facts.energy_rows(state, ids),
    }


def _as_in_the_year(hours: Hours, annual: pd.DataFrame, ids: Sequence[str]) -> Hours:
    """The hours scaled to the figures of the year, which the panel shows.

    The year is computed by longer intervals: plants and batteries see means there, which moves the sum by
    less than 1 %.
    """
    scaled = dict(hours)
    for name, values in hours.items():
        total = float(values.sum())
        if name in annual and total > 0:
            scaled[name] = values * (float(annual[name].loc[list(ids)].sum()) / total)
    return scaled


def hourly(case: energy.Case, ids: Sequence[str]) -> Iterator[tuple[float, Hours]]:
    """Hours of the buildings `ids` together, a few buildings a step: the share done, and the sums so far."""
    total = {name: np.zeros(len(case.weather.times)) for name in QUANTITIES}
    for first in range(0, len(ids), _STEP_BUILDINGS):
        part = list(ids[first : first + _STEP_BUILDINGS])
        found = energy.simulate(case, outputs=list(QUANTITIES), resolution="hour", buildings=part)
        for name in QUANTITIES:
            total[name] += found[name].astype("float64").sum("building_id").to_numpy()
        yield min(1.0, (first + len(part)) / len(ids)), total


def _months(case: energy.Case, ids: Sequence[str]) -> dict[str, list[float]]:
    """Sums by month, as the panel's bars have them. [kWh]"""
    found = energy.simulate(case, outputs=list(MONTHLY), resolution="month", buildings=list(ids))
    return {n: [float(v) for v in found[n].astype("float64").sum("building_id").to_numpy()] for n in MONTHLY}


def sankey(state: State, ids: Sequence[str], hours: Hours) -> dict[str, Any]:
    """Energy flows of a year with the measures: need → use → delivered by carrier → primary. [kWh]

    A link is [from, to, value]; where the sides of a node differ, plants lose or gain from the air and the
    ground. Primary energy is without the credit for electricity that is sold.
    """
    case = state.twin.variant(state.plan)
    annual = derivations.by_carrier(state.after.loc[list(ids)], case)
    sums = {str(name): float(value) for name, value in annual.fillna(0.0).sum(numeric_only=True).items()}
    heat_of = derivations.heat_carrier(case).reindex(annual.index)
    heat = annual["heating_delivered_kwh"].groupby(heat_of).sum()
    made, sold = float(hours["pv_generation_kwh"].sum()), float(hours["grid_export_kwh"].sum())
    used = max(made - sold, 0.0)
    links: list[tuple[str, str, float]] = [
        ("need_heating", "use_heat", sums["heating_need_kwh"]),
        ("need_hot_water", "use_heat", sums["hot_water_need_kwh"]),
        ("need_electricity", "use_power", sums["electricity_use_kwh"]),
        ("need_cooling", "use_power", sums["cooling_need_kwh"]),
    ]
    of_power = 0.0
    for carrier, value in heat.items():
        if carrier == POWER:
            of_power = float(value)
        links.append(("use_heat", f"carrier.{carrier}", float(value)))
    links.append(("use_power", f"carrier.{POWER}", max(sums["grid_import_kwh"] - of_power, 0.0)))
    links.append(("use_power", "pv", used))
    factors = weighting.factors(case.parameters)
    for carrier, factor in zip(factors.carriers, factors.primary_energy_factor, strict=True):
        links.append((f"carrier.{carrier}", "primary", sums[f"delivered_{carrier}_kwh"] * float(factor)))
    kept = [[a, b, value] for a, b, value in links if value > 0]
    names = dict.fromkeys(node for a, b, _ in kept for node in (a, b))
    return {"nodes": [[n, _node(n, state.language)] for n in names], "links": kept}


def _node(name: Any, language: str) -> str:
    if name.startswith("carrier."):
        code = name.removeprefix("carrier.")
        english, german = CARRIERS.get(code, (code, code))
        return str(german if language == "de" else english)
    return texts.text(language, f"charts.{name}")


def waterfall(costs: Economy) -> dict[str, Any]:
    """What is paid over the horizon (present value) and in each year, by part, and the same of today. [€]"""
    start = int(costs.parts.index[0])
    worth = (1 + costs.rate) ** -(costs.parts.index.to_numpy("float64") - start)

    def plain(table: pd.DataFrame) -> dict[str, Any]:
        return {
            "total": [float(table[part].to_numpy() @ worth) for part in PARTS],
            "years": [[float(v) for v in row] for row in table.to_numpy()],
        }

    return {
        "parts": list(PARTS),
        "years": [int(y) for y in costs.parts.index],
        "before": plain(costs.before),
        "after": plain(costs.parts),
    }


def _packed(values: npt.NDArray[np.float64]) -> str:
    """Base64 of little-endian float32: a tenth of the numbers as text."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
