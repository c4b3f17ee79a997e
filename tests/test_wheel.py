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


def test_installed_wheel_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """The wheel alone in a new environment; its dependencies are lent by a path file, not installed again."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    site = next((environment / "lib").glob("python3*/site-packages"))
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    # Only directories of dependencies: the editable install of this checkout must not be found.
    (site / "lent.pth").write_text(f"import sys; sys.path.append({lent!r})\n")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def call(*arguments: str) -> str:
        done = subprocess.run([python, *arguments], cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(site) in call("-c", SNIPPET)
    facts = json.loads(call("-m", "viewer.cli", "info", "lobeda", "--json"))
    assert facts["is_model"] and facts["counts"]["buildings"] > 1000
