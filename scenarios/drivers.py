"""Which uncertain inputs drive the spread of what a scenario changes: Morris' elementary effects by SALib.

Each trajectory changes one input at a time between 5 and 95 % of its distribution; the mean of the absolute
effects on the difference of two scenarios, over the sum of all inputs', is an input's share. Prices, factors
and costs leave the simulation as it is, so that only steps of the others simulate again.

Sources: M. D. Morris, Technometrics 33, 1991; F. Campolongo et al., Environmental Modelling & Software 22,
2007 (mean of absolute effects).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from energy import Case
from scenarios.drawn_columns import SIMULATED
from scenarios.uncertainty import Drawn, Energies, Progress, Runs, energies, figures
from twin.errors import CallError
from twin.sources.base import no_progress

TRAJECTORIES = 4
_LEVELS = 4
_ENDS = (0.05, 0.95)
_NOISE = 1  # of the buildings: the same in all points, so that effects are the inputs' alone
Array = npt.NDArray[np.float64]


def drivers(
    runs: Sequence[Runs],
    case: Case,
    *,
    trajectories: int = TRAJECTORIES,
    seed: int = 1,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Effects of each input on what scenarios change; the first of `runs` is the base.

    Returns
    -------
    DataFrame, index (one, other, figure, input), the pairs being each scenario and the base, and each two
    scenarios. Columns mu (mean effect, in the figure's unit for 5 to 95 % of the input), mu_star (mean of
    absolute effects), sigma (their standard deviation: bent or joint effects) and share (of the sum
    of mu_star).

    Raises
    ------
    CallError : fewer than two scenarios or trajectories.
    """
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    if len(runs) < 2 or trajectories < 2:
        raise CallError("drivers need a base, a scenario and two trajectories", "drivers", "Give more")
    inputs = [str(name) for name in case.parameters.uncertainties.index]
    problem = {"num_vars": len(inputs), "names": inputs, "bounds": [list(_ENDS)] * len(inputs)}
    points: Array = sampling.sample(problem, trajectories, num_levels=_LEVELS, seed=seed)
    values = _values(runs, case, ndtri(points), inputs, progress)
    pairs = [(run.name, runs[0].name) for run in runs[1:]]
    pairs += [(one.name, other.name) for one, other in combinations(runs[1:], 2)]
    parts = {}
    for one, other in pairs:
        apart = values[one] - values[other]
        for figure in apart:
            effect = apart[figure].to_numpy("float64")
            if np.isfinite(effect).all() and np.ptp(effect) > 0:
                found = analysis.analyze(problem, points, effect, num_levels=_LEVELS, seed=seed)
                parts[one, other, str(figure)] = _table(inputs, found["mu"], found["mu_star"], found["sigma"])
    return pd.concat(parts, names=["one", "other", "figure"]) if parts else pd.DataFrame()


def _table(inputs: list[str], mu: Array, mu_star: Array, sigma: Array) -> pd.DataFrame:
    whole = float(np.sum(mu_star))
    share = np.asarray(mu_star) / whole if whole > 0 else 0.0
    return pd.DataFrame(
        {"mu": mu, "mu_star": mu_star, "sigma": sigma, "share": share},
        index=pd.Index(inputs, name="input"),
    ).sort_values("share", ascending=False, kind="stable")


def _values(
    runs: Sequence[Runs], case: Case, z: Array, inputs: list[str], progress: Progress
) -> dict[str, pd.DataFrame]:
    """Figures of each run at each point, by name of the run."""
    rows: dict[str, list[dict[str, float]]] = {run.name: [] for run in runs}
    last: tuple[float, ...] = ()
    kept: dict[str, list[Energies]] = {}
    for number, point in enumerate(z):
        progress("drivers", number / len(z))
        at = dict(zip(inputs, point.tolist(), strict=True))
        if (here := tuple(at[name] for name in SIMULATED)) != last:
            kept = {run.name: energies(run.states, at, _NOISE) for run in runs}
            last = here
        base: Drawn | None = None
        for run in runs:
            found, mine = figures(case, run, kept[run.name], at, base)
            rows[run.name].append(found)
            base = base or mine
    return {name: pd.DataFrame(found) for name, found in rows.items()}
