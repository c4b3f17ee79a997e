"""Ensembles: the same whether killed or not, here or on a cluster; indices by a function whose are known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energy
import scenarios
from energy import Case
from scenarios.ensemble import Ensemble, Vary, drivers
from scenarios.ensemble_run import cluster, run
from scenarios.ensemble_store import CHUNK
from scenarios.outcome import bought_items, stages
from scenarios.uncertainty import Draws, one
from tests.energy.districts import slabs
from twin import CallError

SCENARIO = scenarios.Scenario(
    name="part", measures=[scenarios.Step(measure="envelope_retrofit", parameters={"standard": "eh55"})]
)
VARY = (Vary.parse("1.share=0:1"),)


def ensemble(count: int = 20, **options: object) -> Ensemble:
    case = Case(slabs(surfaces=True), energy.weather.sample(), shading="tabula")
    return Ensemble(SCENARIO, case, VARY, count, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(folder: Path) -> pd.DataFrame:
    return run(ensemble(), folder)


def test_variants_cover_inputs_and_parameters(whole: pd.DataFrame) -> None:
    assert list(whole.index) == list(range(20))
    strata = np.sort((whole["1.share"].to_numpy() * 20).astype(int))
    assert (strata == np.arange(20)).all()  # a Latin hypercube: one in each twentieth
    # All three slabs are alike and one block each: a share refurbishes 0 to 3 of them, heat falls with it.
    assert np.corrcoef(whole["1.share"], whole["heating_need_kwh"])[0, 1] < -0.5


def check_draws(some: Ensemble, found: pd.DataFrame, numbers: tuple[int, ...]) -> None:
    """The figures are those that `uncertainty.one` reckons with tables, here with arrays."""
    names = some.inputs[: len(some.inputs) - len(some.vary)]
    levels = some.levels()
    for number in numbers:
        variant = some.variant(levels[number])
        z = found.loc[[number], list(names)].to_numpy()
        seed = some.seed + number  # times a prime in both
        drawn = Draws(z, names, seed)
        by_table = one(some.case, stages(variant, some.case), bought_items(variant, some.case), drawn, 0)
        assert found.loc[number, list(by_table)].to_dict() == pytest.approx(by_table, rel=1e-12)


def test_a_variant_is_a_draw_of_the_bands(whole: pd.DataFrame) -> None:
    check_draws(ensemble(), whole, (0, 19))


def test_a_fee_is_not_dearer_where_the_item_is(tmp_path: Path) -> None:
    yards = scenarios.Scenario(name="yards", measures=[scenarios.Step(measure="unsealing")])
    some = Ensemble(yards, ensemble().case, (), 4)
    check_draws(some, run(some, tmp_path), (0, 3))


def test_buildings_lie_in_zarr_and_add_up(whole: pd.DataFrame, folder: Path) -> None:
    with xr.open_zarr(folder / "buildings.zarr") as buildings:
        assert list(buildings["building_id"].to_numpy()) == ["b0", "b1", "b2"]
        for name in ("heating_need_kwh", "delivered_kwh", "co2_kg"):
            assert buildings[name].dims == ("variant", "building_id")
            sums = buildings[name].astype("float64").sum("building_id").to_numpy()
            assert sums == pytest.approx(whole[name].to_numpy(), rel=1e-6)  # kept in float32


def test_what_is_missing_is_computed_again_and_equal(whole: pd.DataFrame, tmp_path: Path) -> None:
    run(ensemble(), tmp_path)
    parts = sorted(tmp_path.glob("part-*.parquet"))
    assert len(parts) == -(-20 // CHUNK)
    kept = parts[0].stat().st_mtime_ns
    parts[1].unlink()
    seen: list[float] = []
    again = run(ensemble(), tmp_path, progress=lambda _, share: seen.append(share))
    assert seen == [0.5, 1.0] and parts[0].stat().st_mtime_ns == kept
    pd.testing.assert_frame_equal(again, whole)


KILLED = """
import sys
from pathlib import Path
from tests.scenarios.test_ensemble import ensemble
from scenarios.ensemble_run import run
run(ensemble(), Path(sys.argv[1]))
"""


def test_killed_and_resumed_is_uninterrupted(whole: pd.DataFrame, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."})
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("part-*.parquet")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    pd.testing.assert_frame_equal(run(ensemble(), tmp_path), whole)


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with pytest.raises(CallError, match="no Dask scheduler answers"), cluster("nowhere", 1):
        pass


def test_a_folder_of_another_ensemble_is_left_alone(tmp_path: Path) -> None:
    run(ensemble(count=2), tmp_path)
    with pytest.raises(CallError, match="another ensemble"):
        run(ensemble(count=3), tmp_path)
    (tmp_path / "ensemble.json").unlink()
    with pytest.raises(CallError, match="nobody knows"):
        run(ensemble(count=2), tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("share", "Write it as"),
        ("1.share=a:b", "Write it as"),
        ("2.share=0:1", "no such measure"),
        ("1.standard=0:1", "no number"),
        ("1.share=0:2", "Use 0 to 1"),
        ("1.share=1:0", "no range"),
    ],
)
def test_wrong_ranges_are_refused(text: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        Ensemble(SCENARIO, ensemble().case, (Vary.parse(text),), 4)


def test_sobol_indices_of_a_known_function() -> None:
    # y = 2 a + b of even a, b, c: variances 4/12 and 1/12, so that S = 0.8, 0.2, 0 (Saltelli 2008, 4.5).
    from SALib.sample import sobol

    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0.0, 1.0]] * 3}
    levels = sobol.sample(problem, 1024, calc_second_order=False, seed=1)
    table = pd.DataFrame({"y": 2 * levels[:, 0] + levels[:, 1]})
    found = drivers(table, ["a", "b", "c"], "y")
    assert list(found.index) == ["a", "b", "c"]
    assert found["first"].to_numpy() == pytest.approx([0.8, 0.2, 0.0], abs=0.01)
    with pytest.raises(CallError, match="Sobol"):
        drivers(table.iloc[:7], ["a", "b", "c"], "y")


def test_a_sobol_ensemble_has_its_design(tmp_path: Path) -> None:
    some = ensemble(count=2, sampling="sobol")
    assert len(some.levels()) == 2 * (len(some.inputs) + 2)
    with pytest.raises(CallError, match="sampling"):
        ensemble(sampling="dice")
