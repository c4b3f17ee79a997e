"""Thousands of variants of a scenario: uncertain inputs and measures' parameters drawn together.

Each variant follows from its number alone, wherever and however often it is computed (`ensemble_run`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from energy import Case
from scenarios import costs, rules
from scenarios.drawn import Ready
from scenarios.drawn_columns import Spread, spread_of
from scenarios.measures import MEASURES
from scenarios.outcome import Stage
from scenarios.scenario import Scenario, Step
from scenarios.shelf import as_yaml
from twin.compute import Same
from twin.errors import CallError

Array = npt.NDArray[np.float64]
SAMPLINGS = ("lhs", "sobol")
_PRIME = 100_003  # keeps the seeds of the buildings' noise apart from those of the draws


@dataclass(frozen=True)
class Vary:
    """A parameter of a measure that varies evenly from `low` to `high`; `step` counts from 1."""

    step: int
    parameter: str
    low: float
    high: float

    @property
    def name(self) -> str:
        return f"{self.step}.{self.parameter}"

    @classmethod
    def parse(cls, text: str) -> Vary:
        """Of ``1.share=0:1``.

        Raises
        ------
        CallError : another form.
        """
        place, _, limits = text.partition("=")
        step, _, parameter = place.partition(".")
        low, _, high = limits.partition(":")
        try:
            return cls(int(step), parameter, float(low), float(high))
        except ValueError:
            raise CallError(
                f"{text!r} is no range",
                "--vary",
                "Write it as 1.share=0:1: measure's number, parameter, limits",
            ) from None


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What is drawn.

    count : variants of "lhs"; of "sobol" the base number N, which gives N (k + 2) variants for k inputs.
    sampling : "lhs" (Latin hypercube), or "sobol": Saltelli's design, for sensitivity by Sobol indices.
    """

    scenario: Scenario
    case: Case
    vary: tuple[Vary, ...] = ()
    count: int = 1000
    sampling: str = "lhs"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise CallError(
                f"there is no sampling {self.sampling!r}", "ensemble", f"Use {', '.join(SAMPLINGS)}"
            )
        if self.count < 2:
            raise CallError(f"{self.count} variant(s) say nothing", "ensemble", "Use 2 or more")
        for vary in self.vary:
            _check_vary(self.scenario, vary)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what is drawn: uncertain inputs, then the measures' parameters."""
        uncertain = (str(name) for name in self.case.parameters.uncertainties.index)
        return (*uncertain, *(vary.name for vary in self.vary))

    def levels(self) -> Array:
        """Even numbers from 0 to 1, shape (variant, input); the same at every call."""
        width = len(self.inputs)
        if self.sampling == "lhs":
            even: Array = qmc.LatinHypercube(width, rng=np.random.default_rng(self.seed)).random(self.count)
            return even
        from SALib.sample import sobol

        problem = {"num_vars": width, "names": list(self.inputs), "bounds": [[0.0, 1.0]] * width}
        levels: Array = sobol.sample(problem, self.count, calc_second_order=False, seed=self.seed)
        return levels

    @property
    def digest(self) -> str:
        """Content digest of all that the results follow from."""
        said = json.dumps(
            [as_yaml(self.scenario), [asdict(v) for v in self.vary], self.count, self.sampling, self.seed]
        )
        return hashlib.sha256((said + self.case.digest).encode()).hexdigest()

    def variant(self, level: Array) -> Scenario:
        """The scenario with its measures' parameters at the levels of one variant."""
        measures = list(self.scenario.measures)
        for vary, share in zip(self.vary, level[len(level) - len(self.vary) :], strict=True):
            step = measures[vary.step - 1]
            assert isinstance(step, Step)
            value = vary.low + (vary.high - vary.low) * float(share)
            measures[vary.step - 1] = step.model_copy(
                update={"parameters": {**step.parameters, vary.parameter: value}}
            )
        return self.scenario.model_copy(update={"measures": measures})


def _check_vary(scenario: Scenario, vary: Vary) -> None:
    where = f"--vary {vary.name}"
    measures = scenario.measures
    if not 1 <= vary.step <= len(measures) or not isinstance(step := measures[vary.step - 1], Step):
        raise CallError("the scenario has no such measure", where, f"Count from 1 to {len(measures)}")
    known = {p.name: p for p in MEASURES[step.measure].PARAMETERS if isinstance(p.default, (int, float))}
    if vary.parameter not in known:
        raise CallError(
            f"{step.measure} has no number {vary.parameter!r}",
            where,
            f"Use {', '.join(known) or 'another measure'}",
        )
    parameter = known[vary.parameter]
    if not parameter.low <= vary.low < vary.high <= parameter.high:
        raise CallError(
            f"{vary.low:g} to {vary.high:g} is no range of it",
            where,
            f"Use {parameter.low:g} to {parameter.high:g}",
        )


@dataclass(frozen=True, eq=False)
class Variants:
    """Some variants, one after the other.

    table : inputs and the district's figures, index variant.
    buildings : quantity → shape (variant, building), float32.
    """

    table: pd.DataFrame
    buildings: dict[str, npt.NDArray[np.float32]]


def simulate_chunk(ensemble: Ensemble, first: int, levels: Array) -> Variants:
    """The variants from number `first` on, each with its inputs and results."""
    prepared = _prepared(Same(ensemble))
    uncertain = len(ensemble.inputs) - len(ensemble.vary)
    z = ndtri(np.clip(levels[:, :uncertain], 1e-9, 1 - 1e-9))
    names = ensemble.inputs[:uncertain]
    rows, parts = {}, []
    for offset, level in enumerate(levels):
        # The noise of the buildings follows from the variant's number, not from its place in the chunk.
        found = prepared.ready(level).draw(
            dict(zip(names, z[offset].tolist(), strict=True)), (ensemble.seed + first + offset) * _PRIME
        )
        values = [v.low + (v.high - v.low) * s for v, s in zip(ensemble.vary, level[uncertain:], strict=True)]
        inputs = dict(zip(ensemble.inputs, [*z[offset], *values], strict=True))
        rows[first + offset] = {**inputs, **found.figures}
        parts.append(found.buildings)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    stacked = {name: np.array([part[name] for part in parts], np.float32) for name in parts[0]}
    return Variants(table, stacked)


@lru_cache(maxsize=2)
def _prepared(ensemble: Same[Ensemble]) -> _Prepared:
    return _Prepared(ensemble.it)


class _Prepared:
    """What all variants of an ensemble share: the case, its spread, and the measures before the first varied.

    Measures are numbered from 0; a state is named by the numbers of the measures that led to it.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble, case = ensemble, ensemble.case
        rules.check(ensemble.scenario, case)
        self._varied = {vary.step - 1 for vary in ensemble.vary}
        self._kept: dict[tuple[int, ...], Case] = {(): case}
        self._spread: tuple[Case, Spread] = (case, spread_of(case))
        self._only = None if ensemble.vary else self._make(ensemble.scenario)

    def ready(self, level: Array) -> Ready:
        """The scenario of a variant, ready to be drawn from."""
        return self._only or self._make(self._ensemble.variant(level))

    def _make(self, scenario: Scenario) -> Ready:
        states: dict[tuple[int, ...], Case] = {}
        case, steps = self._ensemble.case, range(len(scenario.measures))
        start = case.parameters.year
        end = start + int(case.parameters.constant("horizon_a"))
        dates = [_date(measure, start) for measure in scenario.measures]
        turns = sorted({start, *(date for date in dates if start < date < end)})
        reached = [tuple(n for n in steps if dates[n] <= turn) for turn in turns]
        stages = [
            Stage(t, self._after(scenario, numbers, states))
            for t, numbers in zip(turns, reached, strict=True)
        ]
        trail = [self._after(scenario, tuple(steps[:n]), states) for n in range(len(steps) + 1)]
        bought = [costs.investments(trail[n], trail[n + 1], dates[n]) for n in steps]
        items = [part for part in bought if len(part)]
        joined = pd.concat(items, ignore_index=True) if items else costs.investments(case, case)
        return Ready.of(case, stages, joined, self._spread)

    def _after(
        self, scenario: Scenario, numbers: tuple[int, ...], states: dict[tuple[int, ...], Case]
    ) -> Case:
        """The case after some measures, each applied once; those before a varied one are kept for all."""
        here = states if self._varied.intersection(numbers) else self._kept
        if numbers not in here:
            before = self._after(scenario, numbers[:-1], states)
            measure = scenario.measures[numbers[-1]]
            here[numbers] = measure.apply(before) if isinstance(measure, Step) else measure(before)
        return here[numbers]


def _date(measure: Step | Callable[[Case], Case], start: int) -> int:
    dated = measure.year if isinstance(measure, Step) else None
    return dated or start


def drivers(table: pd.DataFrame, inputs: Sequence[str], figure: str) -> pd.DataFrame:
    """Which inputs drive the spread of a figure: Sobol's indices of a "sobol" ensemble; index input.

    Columns first (S1) and total (ST) share of the variance, with 95 % confidence (SALib, Saltelli 2010).

    Raises
    ------
    CallError : the table is no whole Saltelli design of these inputs.
    """
    from SALib.analyze import sobol

    width = len(inputs)
    if len(table) % (width + 2):
        raise CallError(
            "the ensemble is no whole Sobol design", figure, "Run it with --sampling sobol to the end"
        )
    problem = {"num_vars": width, "names": list(inputs), "bounds": [[0.0, 1.0]] * width}
    found = sobol.analyze(problem, table[figure].to_numpy("float64"), calc_second_order=False, seed=1)
    columns = {"first": "S1", "first_conf": "S1_conf", "total": "ST", "total_conf": "ST_conf"}
    result = pd.DataFrame(
        {name: found[key] for name, key in columns.items()}, index=pd.Index(inputs, name="input")
    )
    return result.sort_values("total", ascending=False)
