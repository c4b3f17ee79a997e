"""`deploy/day.sh`: an administrator's day as a script, with the data of an older version at its end.

It uses the installation that runs the tests; ``LOBEDA_DAY=install`` lets it make one of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.long
OLDER = "922e1bb"
"""The last commit whose accounts' database was of the first schema."""


def test_an_administrators_day(shared_data: Path) -> None:
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{OLDER}^{{commit}}"], cwd=REPOSITORY, capture_output=True, check=False
    )
    command = [str(REPOSITORY / "deploy" / "day.sh"), str(shared_data / "citygml" / "EssenExample.gml")]
    command += [OLDER] if known.returncode == 0 else []
    environment = {**os.environ}
    if os.environ.get("LOBEDA_DAY") != "install":
        environment["DAY_INSTALL"] = sys.prefix
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(run.stdout)
    assert run.returncode == 0, run.stderr
    assert "The day is over" in run.stdout
