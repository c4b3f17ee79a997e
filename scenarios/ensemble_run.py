"""Runs an ensemble here or on Dask's workers; one that was killed goes on where it stopped.

The case goes to each worker once, chunks of variants after it, at most two a worker at a time: memory is
bounded by workers, not by variants. A worker that dies costs its chunks, which others take over.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.ensemble import Ensemble, Variants, simulate_chunk
from scenarios.ensemble_store import CHUNK, Store, read
from twin.errors import CallError

if TYPE_CHECKING:
    from distributed import Client, Future

Array = npt.NDArray[np.float64]
Chunk = tuple[int, Array]
_TRIES = 5  # of a chunk whose workers die, before the cluster is given up
_WAIT = "30s"


def run(
    ensemble: Ensemble,
    folder: Path,
    *,
    client: Client | None = None,
    progress: Callable[[str, float], None] | None = None,
    columns: list[str] | None = None,
) -> pd.DataFrame:
    """Run what is still missing of an ensemble into `folder`; all its variants.

    client : of a Dask cluster; without it, all in this process.
    columns : of the answer; all without it.

    Raises
    ------
    CallError : the folder holds another ensemble, or the cluster loses its workers again and again.
    """
    levels = ensemble.levels()
    store = Store(folder, ensemble, len(levels))
    missing = store.missing
    whole = -(-len(levels) // CHUNK)
    chunks = ((first, levels[first : first + CHUNK]) for first in missing)
    report = progress or (lambda _text, _share: None)
    report(ensemble.scenario.name, (whole - len(missing)) / whole)
    found = _here(ensemble, chunks) if client is None else _Crew(client, ensemble).work(chunks)
    for done, (first, variants) in enumerate(found, whole - len(missing) + 1):
        store.write(first, variants)
        report(ensemble.scenario.name, done / whole)
    return read(folder, columns)


def _here(ensemble: Ensemble, chunks: Iterator[Chunk]) -> Iterator[tuple[int, Variants]]:
    for first, levels in chunks:
        yield first, simulate_chunk(ensemble, first, levels)


@contextmanager
def cluster(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the cluster at `scheduler` (tcp://host:port), else of one of our own, closed at the end.

    Raises
    ------
    CallError : nobody answers there, or nobody works there.
    """
    import dask
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            there = Client(scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            raise CallError(
                f"no Dask scheduler answers: {error}", scheduler, "Start one with `dask scheduler`"
            ) from None
        with there:
            try:
                there.wait_for_workers(1, timeout=_WAIT)
            except TimeoutError:
                raise CallError(
                    "the scheduler has no worker", scheduler, f"Start some with `dask worker {scheduler}`"
                ) from None
            yield there
        return
    # Each worker keeps to a core, and says nothing of its own: what goes wrong is said once, by `run`.
    with dask.config.set({"logging": {"distributed": "critical", "distributed.nanny": "critical"}}):
        own = LocalCluster(
            n_workers=workers, threads_per_worker=1, silence_logs=50, dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            env={"LOBEDA_CORES": "1"},
        )  # fmt: skip
        with own, Client(own) as client:
            yield client


def peak_memory_mb() -> float:
    """Most memory that this process has held. [MB]"""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class _Crew:
    """Hands chunks to the workers of a cluster and takes them back, also from those that die."""

    def __init__(self, client: Client, ensemble: Ensemble) -> None:
        self._client, self._ensemble = client, ensemble
        self._there: Future | None = None
        self._tries: dict[int, int] = {}

    def work(self, chunks: Iterator[Chunk]) -> Iterator[tuple[int, Variants]]:
        """The chunks as they are finished."""
        from distributed import as_completed

        under_way = as_completed()
        sent: dict[str, Chunk] = {}

        def send(chunk: Chunk | None) -> None:
            if chunk is not None:
                future = self._submit(chunk)
                sent[future.key] = chunk
                under_way.add(future)

        for _ in range(2 * max(len(self._client.nthreads()), 1)):
            send(next(chunks, None))
        for future in under_way:
            chunk = sent.pop(future.key)
            if (found := self._result(future, chunk)) is None:
                send(chunk)
                continue
            yield chunk[0], found
            send(next(chunks, None))

    def _submit(self, chunk: Chunk) -> Future:
        if self._there is None or self._there.status in ("cancelled", "lost"):
            self._there = self._client.scatter(self._ensemble, broadcast=True, hash=False)
        return self._client.submit(simulate_chunk, self._there, *chunk, pure=False, retries=0)

    def _result(self, future: Future, chunk: Chunk) -> Variants | None:
        """What a worker found; None where it died with it.

        Raises
        ------
        CallError : it has died too often.
        """
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            found: Variants = future.result()
        except (KilledWorker, CancelledError) as error:
            number = self._tries[chunk[0]] = self._tries.get(chunk[0], 0) + 1
            if number >= _TRIES:
                raise CallError(
                    f"workers died {number} times over the variants from {chunk[0]} on: {error}",
                    "ensemble",
                    "Give them more memory; the same command goes on where it stopped",
                ) from None
            return None
        finally:
            future.release()
        return found


def workers_peak_mb(client: Client) -> float:
    """Most memory that any worker of the cluster holds or has held. [MB]"""
    held: dict[Any, float] = client.run(peak_memory_mb)
    return max(held.values(), default=0.0)
