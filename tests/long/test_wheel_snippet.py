"""The README's Python on the installed wheel: it compiles all kernels anew, which takes a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_wheel import called, python, wheel

__all__ = ["python", "wheel"]  # fixtures
pytestmark = pytest.mark.long
SNIPPET = """
import os, sys
import twin, energy, scenarios
district = twin.open("lobeda")
weather = energy.weather.sample()
some = district.select(list(district.buildings.index[:40]))
results = energy.simulate(some, weather)
assert results.sizes["time"] == 8760 and results.sizes["building_id"] == 40
retrofit = scenarios.load("library/retrofit-wbs70.yaml")
table = scenarios.indicators(scenarios.run([scenarios.BASELINE, retrofit], some, weather))
assert list(table.index) == ["baseline", "retrofit-wbs70"]
some.plot(results.heating_need_kwh.sum("time"), off_screen=True).close()
print("snippet ok", twin.__file__)
"""


def test_the_readmes_python_runs(python: Path, tmp_path: Path) -> None:  # the fixture
    assert str(python.parent.parent) in called(python, tmp_path, "-c", SNIPPET)
