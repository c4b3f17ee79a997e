"""Thousands of variants of a scenario on Dask: uncertain inputs and measures' parameters drawn together.

Each variant follows from its number alone, so that an ensemble that was killed goes on where it stopped:
results lie in a folder, one Parquet file a chunk, written whole or not at all; what is there is not computed
again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from energy import Case
from scenarios.measures import MEASURES
from scenarios.outcome import bought_items, stages
from scenarios.scenario import Scenario, Step
from scenarios.shelf import as_yaml
from scenarios.uncertainty import Draws, one
from twin.errors import CallError

if TYPE_CHECKING:
    from distributed import Client

Array = npt.NDArray[np.float64]
CHUNK = 8  # variants a file: some seconds of work, so that a kill costs little
SAMPLINGS = ("lhs", "sobol")
_MANIFEST = "ensemble.json"


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


def simulate_chunk(ensemble: Ensemble, first: int, levels: Array) -> pd.DataFrame:
    """The variants from number `first` on, each with its inputs and results; index variant."""
    uncertain = len(ensemble.inputs) - len(ensemble.vary)
    z = ndtri(np.clip(levels[:, :uncertain], 1e-9, 1 - 1e-9))
    names = ensemble.inputs[:uncertain]
    rows = {}
    for offset, level in enumerate(levels):
        if offset == 0 or ensemble.vary:  # else all variants have the same measures
            scenario = ensemble.variant(level)
            states, items = stages(scenario, ensemble.case), bought_items(scenario, ensemble.case)
        # The noise of the buildings follows from the variant's number, not from its place in the chunk.
        drawn = Draws(z[offset : offset + 1], names, ensemble.seed + first + offset)
        figures = one(ensemble.case, states, items, drawn, 0)
        values = [v.low + (v.high - v.low) * s for v, s in zip(ensemble.vary, level[uncertain:], strict=True)]
        inputs = dict(zip(ensemble.inputs, [*z[offset], *values], strict=True))
        rows[first + offset] = {**inputs, **figures}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


def run(
    ensemble: Ensemble,
    folder: Path,
    *,
    client: Client | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> pd.DataFrame:
    """Run what is still missing of an ensemble into `folder`; all its variants.

    client : of a Dask cluster; without it, all in this process. At most two chunks a worker are under way, so
        that memory is bounded by workers, not by variants.

    Raises
    ------
    CallError : the folder holds another ensemble.
    """
    _claim(ensemble, folder)
    levels = ensemble.levels()
    starts = range(0, len(levels), CHUNK)
    missing = [first for first in starts if not _part(folder, first).exists()]
    done = len(starts) - len(missing)
    chunks = ((first, levels[first : first + CHUNK]) for first in missing)
    for first, table in _here(ensemble, chunks) if client is None else _on(client, ensemble, chunks):
        _write(table, _part(folder, first))
        done += 1
        if progress is not None:
            progress(ensemble.scenario.name, done / len(starts))
    return read(folder)


@contextmanager
def cluster(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the cluster at `scheduler` (tcp://host:port), else of one of our own, closed at the end.

    Raises
    ------
    CallError : nobody answers there.
    """
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            there = Client(scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            raise CallError(
                f"no Dask scheduler answers: {error}", scheduler, "Start one with `dask scheduler`"
            ) from None
        with there:
            yield there
        return
    own = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    with own, Client(own) as client:
        yield client


def read(folder: Path) -> pd.DataFrame:
    """All variants that are there, in order; index variant."""
    parts = [pd.read_parquet(file) for file in sorted(folder.glob("part-*.parquet"))]
    return pd.concat(parts).sort_index() if parts else pd.DataFrame()


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


def _here(ensemble: Ensemble, chunks: Iterator[tuple[int, Array]]) -> Iterator[tuple[int, pd.DataFrame]]:
    for first, levels in chunks:
        yield first, simulate_chunk(ensemble, first, levels)


def _on(
    client: Client, ensemble: Ensemble, chunks: Iterator[tuple[int, Array]]
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Chunks as the cluster's workers finish them; each worker gets the ensemble once."""
    from distributed import as_completed

    there = client.scatter(ensemble, broadcast=True, hash=False)
    under_way = as_completed()
    numbers: dict[Any, int] = {}

    def send() -> bool:
        chunk = next(chunks, None)
        if chunk is None:
            return False
        future = client.submit(simulate_chunk, there, *chunk, pure=False)
        numbers[future.key] = chunk[0]
        under_way.add(future)
        return True

    for _ in range(2 * max(len(client.scheduler_info()["workers"]), 1)):
        send()
    for future in under_way:
        yield numbers.pop(future.key), future.result()
        future.release()
        send()


def _claim(ensemble: Ensemble, folder: Path) -> None:
    """Make the folder the ensemble's, or see that it is."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / _MANIFEST
    said: Mapping[str, Any] = {
        "digest": ensemble.digest,
        "scenario": ensemble.scenario.name,
        "inputs": list(ensemble.inputs),
        "sampling": ensemble.sampling,
        "count": ensemble.count,
        "seed": ensemble.seed,
    }
    if manifest.exists():
        if json.loads(manifest.read_text("utf-8"))["digest"] != said["digest"]:
            raise CallError(
                "the folder holds another ensemble", folder, "Name another folder, or empty this one"
            )
        return
    if any(folder.glob("part-*.parquet")):
        raise CallError("the folder holds results of nobody knows what", folder, "Name another folder")
    beside = manifest.with_suffix(".part")
    beside.write_text(json.dumps(said, indent=1), "utf-8")
    beside.replace(manifest)


def _part(folder: Path, first: int) -> Path:
    return folder / f"part-{first:07d}.parquet"


def _write(table: pd.DataFrame, file: Path) -> None:
    beside = file.with_suffix(".part")
    table.to_parquet(beside)
    beside.replace(file)
