"""Notebooks, the README's Python block and the docstrings' examples run as printed, on one street.

A kernel runs the notebooks in tests/long; here their cells run in this process.
"""

from __future__ import annotations

import doctest
import json
import re
from functools import cache
from pathlib import Path
from types import FunctionType

import pytest

import energy
import scenarios
import twin
from scenarios import report
from tests.conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "scenarios" / "examples").glob("*.ipynb"))
DOCUMENTED = (
    twin.open, twin.District.select, twin.District.plot, energy.weather.sample, energy.simulate,
    energy.annual, energy.trace, scenarios.load, scenarios.library, scenarios.run, scenarios.indicators,
    report.study,
)  # fmt: skip
_open = twin.open


@cache
def street() -> twin.District:
    """Three sections of the sample."""
    whole = _open("lobeda")
    return whole.select(whole.buildings.index[whole.buildings["street"] == "Erlanger Allee"][:3])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens the sample gets one street of it."""
    monkeypatch.setattr(twin, "open", lambda place="lobeda": street())


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebooks_run_and_explain_themselves(file: Path, small: None) -> None:
    cells = json.loads(file.read_text("utf-8"))["cells"]
    kinds = [cell["cell_type"] for cell in cells]
    assert kinds[0] == "markdown" and kinds.count("markdown") * 3 >= len(kinds)
    names: dict[str, object] = {}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            assert not cell["outputs"]  # what a run gives is not kept
            exec(compile("".join(cell["source"]), f"{file.name}, cell {number}", "exec"), names)


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3


def test_the_readmes_python_runs(small: None) -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(compile(block[1], "README.md", "exec"), names)
    table = names["table"]
    assert table.loc["retrofit-wbs70", "heating_need_kwh_saved"] > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("function", DOCUMENTED, ids=lambda function: function.__qualname__)
def test_docstrings_have_running_examples(function: FunctionType, small: None, tmp_path: Path) -> None:
    names = {"twin": twin, "energy": energy, "scenarios": scenarios, "report": report, "folder": tmp_path}
    finder = doctest.DocTestFinder(recurse=False)
    found = [test for test in finder.find(function, function.__qualname__, globs=names) if test.examples]
    assert found, f"{function.__qualname__} has no example"
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in found:
        said: list[str] = []
        assert runner.run(test, out=said.append).failed == 0, "".join(said)
