"""What goes into the audit record from elsewhere than HTTP: the manager's websocket, and commands."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from scenarios.scenario import Scenario
from scenarios.shelf import Saved, Shelf
from viewer import spaces
from viewer.accounts.store import SPACE, Accounts

Note = Callable[[str, str], None]
"""Takes an action and the thing that it was done to."""


class RecordedShelf(Shelf):
    """A shelf of scenarios whose changes are recorded."""

    def __init__(self, folder: Path, note: Note) -> None:
        super().__init__(folder)
        self._note = note

    def save(self, scenario: Scenario, since: str | None) -> Saved:
        """As `Shelf.save`."""
        saved = super().save(scenario, since)
        self._note("scenario.save", scenario.name)
        return saved

    def remove(self, name: str) -> str:
        """As `Shelf.remove`."""
        state = super().remove(name)
        self._note("scenario.remove", name)
        return state

    def restore(self, name: str, state: str) -> Saved:
        """As `Shelf.restore`."""
        saved = super().restore(name, state)
        self._note("scenario.restore", name)
        return saved


def terminal() -> str:
    """Who works on this terminal."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in containers
        return "cli"


def note(action: str, thing: str) -> None:
    """Records what a command did, where this machine or its PostgreSQL keeps accounts; elsewhere nothing.

    Raises
    ------
    StoreError : the record cannot be written.
    """
    where = spaces.address(None, SPACE)
    if where.get_backend_name() == "sqlite" and not Path(str(where.database)).exists():
        return
    with Accounts.open() as accounts:
        accounts.note(terminal(), action, thing)
