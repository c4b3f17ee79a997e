"""Where the shipped data lies: beside the packages in a checkout, inside `twin` in a wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def path(*names: str) -> Path:
    """Path below the assets folder, such as ``path("parameters", "tabula.csv")``."""
    shipped = _HERE / "_assets"
    root = shipped if shipped.is_dir() else _HERE.parent / "assets"
    return root.joinpath(*names)
