"""A thousand variants of the sample district: killed here and on a cluster, they are those of one run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scenarios.ensemble_store import CHUNK, read
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.long

VARIANTS = int(os.environ.get("LOBEDA_LONG_VARIANTS", "1000"))
KILLS = 4
PATIENCE_S = 3600


def start(*command: str) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that a kill takes its children too."""
    return subprocess.Popen(
        [sys.executable, "-m", *command], cwd=REPOSITORY, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stderr=subprocess.PIPE,
    )  # fmt: skip


def ensemble(out: Path, *options: str) -> subprocess.Popen[bytes]:
    """The real command."""
    return start(
        "viewer.cli", "scenario", "ensemble", "library/retrofit-wbs70.yaml", "--vary", "1.share=0:1",
        "--n", str(VARIANTS), "--out", str(out), *options,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()  # takes the pipe down too


def done(out: Path) -> dict[str, int]:
    """Finished files and when they were written."""
    return {file.name: file.stat().st_mtime_ns for file in out.glob("part-*.parquet")}


def until(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def finished(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end; nothing but results and progress may stand on the terminal."""
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and said == b"", said.decode()


def equal(out: Path, whole: Path) -> None:
    pd.testing.assert_frame_equal(read(out), read(whole), check_exact=True)
    with xr.open_zarr(out / "buildings.zarr") as one, xr.open_zarr(whole / "buildings.zarr") as other:
        xr.testing.assert_identical(one.load(), other.load())
        assert np.isfinite(one["heating_need_kwh"].to_numpy()).all()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    started = time.monotonic()
    finished(ensemble(out))
    print(f"{VARIANTS} variants uninterrupted in {time.monotonic() - started:.0f} s")
    return out


def test_killed_and_resumed_is_uninterrupted(whole: Path, tmp_path: Path) -> None:
    dice, kept = random.Random(1), {}
    chunks = len(done(whole))
    for number in range(KILLS):
        process = ensemble(tmp_path)
        goal = max((number + 1) * chunks // (KILLS + 1), len(kept) + 1)
        until(lambda goal=goal: len(done(tmp_path)) >= goal, process)
        time.sleep(dice.uniform(0, 0.5))  # anywhere in the work on a chunk
        kill(process)
        now = done(tmp_path)
        assert kept.items() <= now.items()  # what was done was not done again
        kept = now
        print(f"killed after {len(kept)} of {chunks} files of {CHUNK} variants")
    finished(ensemble(tmp_path))
    assert kept.items() <= done(tmp_path).items()
    equal(tmp_path, whole)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """A Dask cluster of two workers, as its own commands start it."""
    place = tmp_path / "scheduler.json"
    running = [start("distributed.cli.dask_scheduler", "--scheduler-file", str(place), "--host", "127.0.0.1",
                     "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")]  # fmt: skip
    until(place.exists, running[0])
    running += [worker(place, tmp_path / f"worker{number}") for number in range(2)]
    try:
        yield place, running
    finally:
        for process in running:
            if process.poll() is None:
                kill(process)


def worker(place: Path, folder: Path) -> subprocess.Popen[bytes]:
    return start("distributed.cli.dask_worker", "--scheduler-file", str(place), "--nthreads", "1",
                 "--local-directory", str(folder), "--no-dashboard", "--host", "127.0.0.1")  # fmt: skip


def test_a_cluster_that_loses_a_worker_gives_the_same(
    whole: Path, tmp_path: Path, scheduler: tuple[Path, list[subprocess.Popen[bytes]]]
) -> None:
    place, running = scheduler
    out, address = tmp_path / "out", json.loads(place.read_text("utf-8"))["address"]
    process = ensemble(out, "--scheduler", address)
    chunks = len(done(whole))
    until(lambda: len(done(out)) >= chunks // 3, process)
    kill(running[1])
    until(lambda: len(done(out)) >= chunks // 2, process)
    running.append(worker(place, tmp_path / "worker2"))
    until(lambda: len(done(out)) >= 2 * chunks // 3, process)
    kill(running[2])  # the last of the two that the work was first given to
    finished(process)
    equal(out, whole)
