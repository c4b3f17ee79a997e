"""A folder of scenarios that several people edit: nobody's work is lost.

Each save says which state it started from. If somebody else saved in the meantime, nothing is overwritten:
the caller gets both states and can save under another name or start again from theirs.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from scenarios.scenario import Scenario, load
from twin.errors import CallError, SourceError, TwinError, quoted


class ConflictError(TwinError):
    """Somebody else saved the scenario since it was opened.

    theirs : as it stands now.  state : of it, to save upon.
    """

    def __init__(self, where: Path, theirs: Scenario, state: str) -> None:
        self.theirs, self.state = theirs, state
        super().__init__(
            "somebody else has saved this scenario since you opened it",
            where,
            "Save yours under another name, or open theirs and repeat your change",
            german="Jemand anderes hat dieses Szenario gespeichert, seit Sie es geöffnet haben. Speichern "
            "Sie Ihres unter einem anderen Namen, oder öffnen Sie das andere und wiederholen Sie Ihre "
            "Änderung.",
        )


@dataclass(frozen=True)
class Saved:
    """A scenario on the shelf; `state` identifies what it held when it was read."""

    scenario: Scenario
    state: str


class Shelf:
    """Scenarios as YAML files in a folder, each with its former states in ``.history``."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def names(self) -> list[str]:
        """Names of the scenarios."""
        return sorted(file.stem for file in self.folder.glob("*.yaml"))

    def open(self, name: str) -> Saved:
        """The scenario and its state.

        Raises
        ------
        SourceError : there is none of this name, or it is broken.
        """
        file = self._file(name)
        return Saved(load(file), _state(file))

    def save(self, scenario: Scenario, since: str | None) -> Saved:
        """Write a scenario; the state before it goes into the history.

        since : state that the change started from; None: it is new.

        Raises
        ------
        ConflictError : the scenario has changed since then, or, if it is new, there is one of this name.
        CallError : it holds callables, which no file can keep.
        """
        text = as_yaml(scenario)
        file = self._file(scenario.name)
        with self._locked():
            now = _state(file) if file.exists() else None
            if now != since and file.exists():
                raise ConflictError(file, load(file), str(now))
            self._about_to("save", scenario.name)
            if file.exists():
                self._old(scenario.name, str(now)).write_bytes(file.read_bytes())
            write(file, text)
            return Saved(scenario, _state(file))

    def changed(self, name: str) -> float:
        """When the scenario was saved last, in seconds since 1970; nan where there is none of this name."""
        try:
            return (self.folder / f"{name}.yaml").stat().st_mtime  # also of a file that is named wrongly
        except FileNotFoundError:
            return math.nan

    def remove(self, name: str) -> str:
        """Take a scenario off the shelf, into the history; gives its state, by which `restore` finds it.

        Raises
        ------
        SourceError : there is none of this name.
        """
        with self._locked():
            state = self.open(name).state
            self._about_to("remove", name)
            self._file(name).replace(self._old(name, state))
        return state

    def restore(self, name: str, state: str) -> Saved:
        """Put a former state back on the shelf, under its own name.

        Raises
        ------
        CallError : there is no such state, or there is a scenario of this name by now.
        """
        with self._locked():
            file, old = self._file(name), self._old(name, state)
            if file.exists() or not re.fullmatch("[0-9a-f]{16}", state) or not old.is_file():
                raise CallError(
                    f"{name} cannot be put back", "the shelf", "Look among the scenarios for it",
                    german=f"{quoted(name)} lässt sich nicht zurückholen. Suchen Sie es unter den Szenarien.",
                )  # fmt: skip
            self._about_to("restore", name)
            old.replace(file)
        return self.open(name)

    def _about_to(self, action: str, name: str) -> None:
        """Called when nothing stands against a change any more; what it raises prevents the change."""

    def _old(self, name: str, state: str) -> Path:
        history = self.folder / ".history"
        history.mkdir(parents=True, exist_ok=True)
        return history / f"{name}.{state}.yaml"

    def _file(self, name: str) -> Path:
        try:
            Scenario(name=name)  # refuses paths and what is no name
        except ValueError:
            raise SourceError(
                f"{name!r} is no name of a scenario", "the shelf", "Open one of those in the list",
                german=f"{quoted(name)} ist kein Name eines Szenarios. Öffnen Sie eines aus der Liste.",
            ) from None  # fmt: skip
        return self.folder / f"{name}.yaml"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One saver at a time, also among processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a+b") as lock:
            if os.name == "nt":  # pragma: no cover - other locks there
                yield
                return
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def as_yaml(scenario: Scenario) -> str:
    """The scenario as a file that `load` reads; defaults are left out.

    Raises
    ------
    CallError : it holds callables.
    """
    if any(callable(measure) for measure in scenario.measures):
        raise CallError(
            "a callable cannot be saved", f"scenario {scenario.name}", "Name it as module:function"
        )
    content = {"version": scenario.version, **scenario.model_dump(mode="json", exclude_defaults=True)}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)


def _state(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def write(file: Path, text: str) -> None:
    """Write beside, then rename: nobody ever reads half a file."""
    handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(beside).replace(file)
    finally:
        Path(beside).unlink(missing_ok=True)
