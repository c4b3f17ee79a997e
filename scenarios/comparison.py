"""A comparison in one call: what `lobeda scenario compare` prints, for Python.

>>> found = scenarios.comparison([scenarios.load("library/retrofit-wbs70-advanced.yaml")], case)
>>> found.table.T, found.years, found.bands.quantiles(changes=True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import pandas as pd

from energy import Case
from energy.network import Network
from scenarios import heat_network
from scenarios.compare import Level, indicators_of, same_basis, years_of
from scenarios.details import DETAILS, details_of
from scenarios.drawn_details import with_details
from scenarios.drivers import drivers
from scenarios.outcome import Outcome, evaluate
from scenarios.scenario import BASELINE, Scenario
from scenarios.uncertainty import Bands, Progress, Runs, bands_of
from twin.errors import CallError, TwinError
from twin.sources.base import no_progress

SKIPPED = "skipped: network=False"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios against the district as it is; the first outcome is the base.

    bands : None where nothing was drawn.
    network_missing : why the heat network is not in the figures; empty where it is.
    details : kinds of `details.DETAILS` that the tables have too.
    drivers : as `drivers.drivers`; None where they were not asked for.
    """

    case: Case
    outcomes: tuple[Outcome, ...]
    bands: Bands | None
    network_missing: str
    details: tuple[str, ...] = ()
    drivers: pd.DataFrame | None = None

    @property
    def base(self) -> Outcome:
        return self.outcomes[0]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The district's indicators, index scenario."""
        found = self.indicators("district")
        return found.droplevel("district").loc[[outcome.name for outcome in self.outcomes]]

    @cached_property
    def years(self) -> pd.DataFrame:
        """Costs, CO2 and primary energy by year of the horizon; index (scenario, year)."""
        alike = same_basis(self.outcomes)
        parts = {outcome.name: years_of(outcome, alike[0]) for outcome in alike}
        return pd.concat(parts, names=["scenario"])

    def indicators(self, level: Level) -> pd.DataFrame:
        """Indicators at a level; index (scenario, level)."""
        if level not in self._levels:
            alike = same_basis(self.outcomes)
            parts = {}
            for outcome in alike:
                parts[outcome.name] = indicators_of(outcome, alike[0], level)
                if self.details:
                    more = details_of(outcome, level, self.details)
                    parts[outcome.name] = parts[outcome.name].join(more)
            self._levels[level] = pd.concat(parts, names=["scenario"])
        return self._levels[level]

    @cached_property
    def _levels(self) -> dict[str, pd.DataFrame]:
        return {}

    def directly(self) -> pd.DataFrame:
        """Each pair of scenarios beside the base, as `Bands.apart`; index (one, other, figure).

        Empty with fewer than two scenarios, or where nothing was drawn.
        """
        names = [outcome.name for outcome in self.outcomes[1:]]
        if self.bands is None or len(names) < 2:
            return pd.DataFrame()
        pairs = {(one, other): self.bands.apart(one, other) for one, other in combinations(names, 2)}
        return pd.concat(pairs, names=["one", "other"])


def comparison(
    scenarios: Sequence[Scenario],
    case: Case,
    *,
    network: bool = True,
    draws: int = 16,
    seed: int = 1,
    details: Sequence[str] = tuple(DETAILS),
    trajectories: int = 0,
    progress: Progress = no_progress,
) -> Comparison:
    """Scenarios against the case as it is, with the heat network and bands.

    network : simulate it, for all or, where the district has none, for nobody; `network_missing` says why.
    draws : of the uncertain inputs; 0: no bands.
    details : peak loads ("hours"), over-temperature ("rooms"), hours of sun ("sun"); some seconds each.
    trajectories : of Morris' method, for which inputs drive the spread (`drivers`); 0: not looked at.

    Raises
    ------
    CallError : no scenario, two of one name, or as `evaluate` says.
    """
    if odd := [kind for kind in details if kind not in DETAILS]:
        raise CallError(f"there are no details {odd[0]!r}", "details", f"Use {', '.join(DETAILS)}")
    if not scenarios:
        raise CallError("there is no scenario to compare")
    chosen = [BASELINE, *scenarios]
    names = [scenario.name for scenario in chosen]
    if len(set(names)) < len(names):
        raise CallError("two scenarios have the same name", ", ".join(names), "Rename one")
    net, missing = _network(case, network)
    found = []
    for number, scenario in enumerate(chosen):
        progress(scenario.name, number / len(chosen))
        found.append(evaluate(scenario, case, network=net, progress=progress))
    alike = [Runs.of(one) for one in same_basis(found)]
    band = bands_of(alike, case, count=draws, seed=seed, progress=progress) if draws else None
    if band is not None:
        band = with_details(band, same_basis(found), details, seed, progress)
    driving = None
    if trajectories:
        driving = drivers(alike, case, trajectories=trajectories, seed=seed, progress=progress)
    return Comparison(case, tuple(found), band, missing, tuple(details), driving)


def _network(case: Case, wanted: bool) -> tuple[Network | None, str]:
    if not wanted:
        return None, SKIPPED
    try:
        return heat_network.laid_out(case), ""
    except TwinError as error:
        return None, str(error)
