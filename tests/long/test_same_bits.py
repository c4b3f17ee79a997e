"""Last bits do not depend on whether a process compiled the inner loops or found them on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.long
YEAR = """
import zlib
import energy, energy.network, twin
case = energy.Case(twin.open("lobeda"), energy.weather.sample())
found = energy.network.simulate_network(case, energy.network.of_case(case))
year = energy.annual(case)
arrays = (found.asked_kwh, found.supply_loss_kwh, found.lost_pa, year.select_dtypes("number").to_numpy(float))
print(*(zlib.crc32(array.tobytes()) for array in arrays))
"""


def test_a_year_is_the_same_compiled_and_loaded(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    said = [
        subprocess.run(
            [sys.executable, "-c", YEAR], cwd=REPOSITORY, env=environment, capture_output=True, text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert list((tmp_path / "compiled").rglob("*.nbc"))  # the first one compiled, into this folder
    assert said[0] == said[1]
