"""What a report is made of: a scenario and the base side by side, with bands, hours and drivers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from energy import Case
from scenarios import uncertainty
from scenarios.compare import compare, indicators_of
from scenarios.outcome import Outcome, bought_items, evaluate, stages
from scenarios.scenario import BASELINE, Scenario, Step
from scenarios.uncertainty import Bands, Draws
from twin.errors import CallError

Progress = Callable[[str, float], None]
ZONE = "Europe/Berlin"


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

    outcomes : the base and the scenario.
    table : `scenarios.compare.compare` of both, index their names.
    bands : None where no draws were asked for.
    drivers : change of the effect by one standard deviation of each input (see `drivers`), or None.
    hours : of base and scenario: `Outcome.hours`.
    done : what was done, in order.
    """

    scenario: Scenario
    outcomes: tuple[Outcome, Outcome]
    table: pd.DataFrame
    bands: Bands | None
    drivers: pd.DataFrame | None
    hours: tuple[pd.DataFrame, pd.DataFrame]
    done: tuple[Done, ...]
    draws: int
    seed: int

    @property
    def base(self) -> Outcome:
        """The outcome before any measure."""
        return self.outcomes[0]

    @property
    def after(self) -> Outcome:
        """The outcome of the scenario."""
        return self.outcomes[1]

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
        base, after = (indicators_of(one, self.base, "building") for one in self.outcomes)
        index = self.base.case.district.buildings.index
        base, after = base.reindex(index), after.reindex(index)
        return pd.concat([base, after, after - base], axis=1, keys=["base", "after", "change"])


def study(
    scenario: Scenario,
    case: Case,
    *,
    draws: int = 16,
    seed: int = 1,
    progress: Progress | None = None,
) -> Study:
    """Run a scenario and the base on a case, as `lobeda scenario compare` does.

    draws : of the uncertain inputs; 0: no bands and no drivers.

    Raises
    ------
    CallError : a scenario of the base's name, or as `Scenario.apply` and `uncertainty.bands` say.
    """
    if scenario.name == BASELINE.name:
        raise CallError(f"the scenario is called {BASELINE.name}, as the base is", "report", "Rename it")
    tell = progress or (lambda text, share: None)
    pair = (BASELINE, scenario)
    found = []
    for one in pair:
        tell(one.name, math.nan)
        found.append(evaluate(one, case))
    bands = uncertainty.bands(pair, case, count=draws, seed=seed, progress=tell) if draws else None
    driving = drivers(scenario, case, seed=seed, progress=tell) if draws else None
    tell("hours", math.nan)
    return Study(
        scenario=scenario,
        outcomes=(found[0], found[1]),
        table=compare(found),
        bands=bands,
        drivers=driving,
        hours=(found[0].hours(), found[1].hours()),
        done=done(scenario, case),
        draws=draws,
        seed=seed,
    )


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


FIGURES = ("co2_horizon_kg", "net_present_cost_eur")


def drivers(
    scenario: Scenario, case: Case, *, seed: int = 1, progress: Progress | None = None
) -> pd.DataFrame:
    """What the effect depends on: each uncertain input one standard deviation up, the others as known.

    Returns
    -------
    Table, index input, columns `FIGURES`: the scenario's change against the base with the input up, less the
    same change as known. [kg] [€]
    """
    inputs = tuple(str(name) for name in case.parameters.uncertainties.index)
    ready = [(stages(one, case), bought_items(one, case)) for one in (BASELINE, scenario)]
    effects = []
    for number, up in enumerate(np.vstack([np.zeros(len(inputs)), np.eye(len(inputs))])):
        if progress is not None:
            progress("drivers", number / (len(inputs) + 1))
        drawn = Draws(up[None, :], inputs, seed)  # one draw: every building keeps its own noise throughout
        base, after = (uncertainty.one(case, states, items, drawn, 0) for states, items in ready)
        effects.append([after[name] - base[name] for name in FIGURES])
    table = np.array(effects)
    return pd.DataFrame(table[1:] - table[0], index=pd.Index(inputs, name="input"), columns=list(FIGURES))
