"""The wheel, installed into an empty environment and called from another folder, works by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(folder.glob("lobeda-*.whl"))


def test_wheel_holds_assets_and_scene_but_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "twin/_assets/lobeda/district.json" in names
    assert "viewer/scene/dist/scene.js" in names
    assert any(name.startswith("twin/_assets/parameters/") for name in names)
    assert not [name for name in names if name.startswith("tests/") or "node_modules" in name]


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone in a new environment; its dependencies are lent by a path file, not installed again."""
    environment = tmp_path_factory.mktemp("installed") / "env"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python3*/site-packages"))
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    # Only directories of dependencies: the editable install of this checkout must not be found.
    (site / "lent.pth").write_text(f"import sys; sys.path.append({lent!r})\n")
    return environment / "bin" / "python"


def called(python: Path, folder: Path, *arguments: str) -> str:
    """What the installed packages say, called from `folder`."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([python, *arguments], cwd=folder, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_wheel_works_from_another_folder(python: Path, tmp_path: Path) -> None:
    where = called(python, tmp_path, "-c", "import twin, energy, scenarios, viewer; print(twin.__file__)")
    assert str(python.parent.parent) in where
    facts = json.loads(called(python, tmp_path, "-m", "viewer.cli", "info", "lobeda", "--json"))
    assert facts["is_model"] and facts["counts"]["buildings"] > 1000
