"""The files that an administrator copies: units that systemd understands, an image without ballast."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, skip_or_fail

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    """Every line, with a program that is there in place of ours."""
    if shutil.which("systemd-analyze") is None:
        skip_or_fail("systemd-analyze is not installed (Debian: systemd)")
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
    copy = tmp_path / unit.name
    copy.write_text(text)
    run = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0 and unit.name not in run.stderr, run.stderr


def test_the_image_copies_what_is_there_and_leaves_out_what_is_large() -> None:
    """Every path of ours that the file names exists, and its context lacks folders of gigabytes."""
    left_out = (REPOSITORY / ".containerignore").read_text().splitlines()
    assert {".git", ".venv*", "**/node_modules", "tests"} <= set(left_out)
    needed = ["pyproject.toml", "constraints.txt", "README.md", "LICENSE", "assets"]
    needed += ["twin", "energy", "sensors", "scenarios", "viewer"]
    for name in needed:
        assert (REPOSITORY / name).exists() and name not in left_out, name
    text = (DEPLOY / "Containerfile").read_text()
    assert "libexpat1" in text and "HEALTHCHECK" in text and text.count("\nFROM ") == 2


def test_the_guide_names_every_file_that_is_deployed() -> None:
    guide = (REPOSITORY / "docs" / "administration.md").read_text()
    for file in DEPLOY.iterdir():
        assert file.name in guide, file.name
