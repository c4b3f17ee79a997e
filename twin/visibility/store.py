"""Visibilities kept by the digest of what they follow from: the last few in memory, all in a folder."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections import OrderedDict
from dataclasses import fields
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from twin.visibility.result import Visibility

_KEPT = 4
_FILES = 12  # in a folder; the sample district takes 22 MB
_memory: OrderedDict[str, Visibility] = OrderedDict()
_lock = Lock()


def default_folder() -> Path | None:
    """Where visibilities are kept between runs: LOBEDA_CACHE, else the user's cache; None: nowhere."""
    named = os.environ.get("LOBEDA_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lobeda"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # nowhere to write, or no home
        return None
    return folder


def find(key: str, folder: str | os.PathLike[str] | None) -> Visibility | None:
    """The visibility of a digest, from memory or from `folder`; a damaged file counts as none."""
    with _lock:
        if key in _memory:
            _memory.move_to_end(key)
            return _memory[key]
    if folder is None:
        return None
    found = _read(_file(folder, key))
    if found is None or found.key != key:
        return None
    remember(found)
    return found


def keep(found: Visibility, folder: str | os.PathLike[str] | None) -> None:
    """Keep it in memory and, where there is a folder, on disk (written beside, then renamed)."""
    remember(found)
    if folder is None:
        return
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=".visibility-", suffix=".npz", dir=place)
    try:
        with os.fdopen(handle, "wb") as file:
            values: dict[str, Any] = {f.name: _plain(getattr(found, f.name)) for f in fields(found)}
            np.savez(file, **values)
        Path(beside).replace(_file(folder, found.key))
        for old in sorted(place.glob("visibility-*.npz"), key=_age)[_FILES:]:
            old.unlink(missing_ok=True)
    finally:
        Path(beside).unlink(missing_ok=True)


def _age(file: Path) -> float:
    """Smaller for younger files; those that another process has just removed come last."""
    try:
        return -file.stat().st_mtime
    except OSError:
        return 0.0


def remember(found: Visibility) -> None:
    """Keep it in memory; the oldest go."""
    with _lock:
        _memory[found.key] = found
        _memory.move_to_end(found.key)
        while len(_memory) > _KEPT:
            _memory.popitem(last=False)


def forget() -> None:
    """Empty the memory."""
    with _lock:
        _memory.clear()


def _file(folder: str | os.PathLike[str], key: str) -> Path:
    return Path(folder) / f"visibility-{key[:32]}.npz"


def _plain(value: object) -> object:
    """Without Python objects, so that a file never runs code when it is read."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value.astype(str)
    return value


def _read(file: Path) -> Visibility | None:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            values = {field.name: stored[field.name] for field in fields(Visibility)}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    for name in ("convergence_deg", "latitude", "longitude"):
        values[name] = float(values[name])
    values.update(rays=int(values["rays"]), key=str(values["key"]))
    values["surface_id"] = values["surface_id"].astype(object)
    return Visibility(**values)
