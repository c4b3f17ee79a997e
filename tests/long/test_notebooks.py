"""The notebooks in a Jupyter kernel, as people run them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import REPOSITORY
from tests.scenarios.test_examples import NOTEBOOKS

pytestmark = pytest.mark.long


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_runs_in_a_kernel(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    NotebookClient(nbformat.read(file, as_version=4), kernel_name="python3", timeout=600).execute()
