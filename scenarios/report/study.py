"""What a report is made of: a scenario and the base side by side, with bands, hours and drivers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from energy import Case
from scenarios.comparison import Comparison, comparison
from scenarios.drivers import TRAJECTORIES
from scenarios.outcome import Outcome
from scenarios.scenario import BASELINE, Scenario, Step
from scenarios.uncertainty import Bands, of_scenario
from twin.errors import CallError
from twin.sources.base import Progress, no_progress

ZONE = "Europe/Berlin"
DRIVEN = ("co2_horizon_kg", "net_present_cost_eur")


@dataclass(frozen=True, eq=False)
class Done:
    """A step of the scenario as it was carried out.

    step : None for a callable of somebody's own.
    buildings : ids of those it changed; empty where it acts on the whole case.
    """

    step: Step | None
    name: str
    year: int
    buildings: pd.Index


@dataclass(frozen=True, eq=False)
class Study:
    """The figures of a report; every number in every format is one of these.

    compared : the base and the scenario, as `lobeda scenario compare` has them.
    hours : of base and scenario: `Outcome.hours`.
    done : what was done, in order.
    """

    scenario: Scenario
    compared: Comparison
    hours: tuple[pd.DataFrame, pd.DataFrame]
    done: tuple[Done, ...]
    seed: int

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        """The base and the scenario."""
        return self.compared.outcomes[0], self.compared.outcomes[1]

    @property
    def base(self) -> Outcome:
        """The outcome before any measure."""
        return self.compared.outcomes[0]

    @property
    def after(self) -> Outcome:
        """The outcome of the scenario."""
        return self.compared.outcomes[1]

    @property
    def table(self) -> pd.DataFrame:
        """The district's indicators, index the names of base and scenario."""
        return self.compared.table

    @property
    def bands(self) -> Bands | None:
        """None where no draws were asked for."""
        return self.compared.bands

    @cached_property
    def drivers(self) -> dict[str, pd.DataFrame] | None:
        """What the scenario's change of each of `DRIVEN` depends on: columns as `scenarios.drivers`, index
        input, the most to CO2 first. None without draws, or where no input moves one of them."""
        table = self.compared.drivers
        if table is None or table.empty:
            return None
        mine = of_scenario(table.rename_axis(index={"one": "scenario"}), self.after.name).droplevel("other")
        figures = mine.index.get_level_values("figure")
        if not set(DRIVEN) <= set(figures):
            return None
        found = {name: mine[figures == name].droplevel("figure") for name in DRIVEN}
        order = found[DRIVEN[0]].index
        return {name: part.reindex(order) for name, part in found.items()}

    @property
    def draws(self) -> int:
        """How many draws the bands are of."""
        return 0 if self.bands is None else len(self.bands.z)

    @property
    def affected(self) -> pd.Series:
        """Whether any step changes the building itself, index building_id."""
        index = self.base.case.district.buildings.index
        mine = pd.Index([]).append([one.buildings for one in self.done])
        return pd.Series(index.isin(mine), index=index)

    def months(self) -> pd.DataFrame:
        """The district's months in local time; columns (base or after, figure of `Outcome.hours`). [kWh]"""
        clocks = [pd.DatetimeIndex(hours.index).tz_convert(ZONE).month for hours in self.hours]
        parts = [
            hours.groupby(np.asarray(months)).sum() for hours, months in zip(self.hours, clocks, strict=True)
        ]
        return pd.concat(parts, axis=1, keys=["base", "after"]).rename_axis("month")

    def buildings(self) -> pd.DataFrame:
        """Each building's indicators; columns (base, after or change, indicator), index building_id."""
        index = self.base.case.district.buildings.index
        table = self.compared.indicators("building")
        base, after = (of_scenario(table, one.name).reindex(index) for one in self.outcomes)
        return pd.concat([base, after, after - base], axis=1, keys=["base", "after", "change"])


def study(
    scenario: Scenario,
    case: Case,
    *,
    network: bool = True,
    draws: int = 16,
    seed: int = 1,
    progress: Progress = no_progress,
) -> Study:
    """Run a scenario and the base on a case, as `lobeda scenario compare` does.

    network : simulate the heat network, where the district has one.
    draws : of the uncertain inputs; 0: no bands and no drivers.

    Raises
    ------
    CallError : a scenario of the base's name, or as `scenarios.comparison` says.

    Examples
    --------
    >>> from datetime import date
    >>> case = energy.Case(twin.open("lobeda"), energy.weather.sample())
    >>> study = report.study(scenarios.load("library/roof-pv.yaml"), case, network=False, draws=0)
    >>> report.write(study, folder / "roofs.xlsx", report.Options("en", date(2026, 1, 1))).name
    'roofs.xlsx'
    """
    if scenario.name == BASELINE.name:
        raise CallError(f"the scenario is called {BASELINE.name}, as the base is", "report", "Rename it")
    found = comparison(
        [scenario], case, network=network, draws=draws, seed=seed,
        trajectories=TRAJECTORIES if draws else 0, progress=progress,
    )  # fmt: skip
    progress("hours", math.nan)
    hours = [outcome.hours() for outcome in found.outcomes]
    return Study(scenario, found, (hours[0], hours[1]), done(scenario, case), seed)


def done(scenario: Scenario, case: Case) -> tuple[Done, ...]:
    """The steps of a scenario with the buildings that each changes."""
    before, found = case, []
    for measure, after in scenario.trail(case):
        step = measure if isinstance(measure, Step) else None
        name = step.measure if step else str(getattr(measure, "__name__", "callable"))
        year = (step.year if step else None) or case.parameters.year
        found.append(Done(step, name, int(year), changed(before, after)))
        before = after
    return tuple(found)


def changed(before: Case, after: Case) -> pd.Index:
    """Ids of the buildings whose envelope, supply or systems differ between two cases."""
    index = before.envelope.index
    if before.envelope is after.envelope:
        differs = pd.Series(False, index=index)
    else:
        old, new = before.envelope.align(after.envelope, join="outer", axis=1)
        differs = ~((old == new) | (old.isna() & new.isna())).all(axis=1)
    if before.pv is not after.pv:
        columns = [c for c in after.pv.columns if pd.api.types.is_numeric_dtype(after.pv[c])]
        sums = [
            one.pv.groupby("building_id")[columns].sum().reindex(index).fillna(0.0) for one in (before, after)
        ]
        differs |= (sums[0] != sums[1]).any(axis=1)
    return index[differs.to_numpy(bool)]
