"""The import directions of the five packages, read from every module's syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "twin": set(),
    "energy": {"twin"},
    "sensors": {"twin"},
    "scenarios": {"twin", "energy", "sensors"},
    "viewer": {"twin", "energy", "sensors", "scenarios"},
}
HTTP_LIBRARIES = {"panel", "fastapi", "starlette", "uvicorn", "bokeh"}


def modules(package: str) -> list[Path]:
    return [path for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts]


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a module imports, wherever in the module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_it_may(package: str) -> None:
    found = modules(package)
    assert found
    for path in found:
        ours = imported(path) & set(MAY_IMPORT) - {package}
        assert ours <= MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {ours - MAY_IMPORT[package]}"


@pytest.mark.parametrize("package", sorted(set(MAY_IMPORT) - {"viewer"}))
def test_serving_http_stays_in_the_viewer(package: str) -> None:
    for path in modules(package):
        assert not imported(path) & HTTP_LIBRARIES, path.relative_to(ROOT)
