"""What goes into the audit record from elsewhere than HTTP: the manager's websocket, and commands."""

from __future__ import annotations

import getpass
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scenarios.shelf import Shelf
from sensors.store.database import reported
from twin.errors import TwinError
from viewer import spaces
from viewer.accounts.begun import NOTED
from viewer.accounts.requests import Note
from viewer.accounts.store import SPACE, Accounts

HOUR_S = 3600.0
_REMEMBERED = 10_000


class RecordedShelf(Shelf):
    """A shelf of scenarios: a change is recorded before it is made, or not made.

    note : raises StoreError where it cannot.
    """

    def __init__(self, folder: Path, note: Note) -> None:
        super().__init__(folder)
        self._note = note

    def _about_to(self, action: str, name: str) -> None:
        self._note(f"scenario.{action}", name)


class Hourly:
    """Notes what programs do over and over: the first time in an hour, for each that does it.

    note : takes actor, action and thing.
    clock : seconds that only grow.
    """

    def __init__(
        self, note: Callable[[str, str, str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.note = note
        self._clock = clock
        self._noted: dict[tuple[str, str, str], float] = {}

    def __call__(self, actor: str, action: str, thing: str) -> None:
        """Notes it, unless that was done within the hour."""
        now, key = self._clock(), (actor, action, thing)
        if now - self._noted.get(key, -math.inf) < HOUR_S:
            return
        self.note(actor, action, thing)
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[key] = now


def terminal() -> str:
    """Who works on this terminal."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in containers
        return "cli"


def failed(code: int) -> None:
    """Records that nothing came of what the command was about to do; its exit code."""
    while NOTED:
        action, thing, database = NOTED.pop()
        with suppress(TwinError):  # the entry that stands says that it was asked for
            _write(f"{action}.failed", f"{thing} ({code})", database)


def note(action: str, thing: object, database: str | None = None) -> None:
    """Records what a command is about to do, where this machine or its PostgreSQL keeps accounts.

    thing : what it is about; a path by its whole address.
    database : of the sensors, as in `Store.open`; the accounts stand beside it.

    Raises
    ------
    StoreError : the record cannot be written: the command then does nothing.
    """
    said = str(thing.absolute() if isinstance(thing, Path) else thing)
    if _write(action, said, database):
        NOTED.append((action, said, database))


def _write(action: str, thing: str, database: str | None) -> bool:
    """Whether there is a record here."""
    where = spaces.address(database, SPACE)
    with reported(where):
        if not spaces.exists(where, SPACE):
            return False
    with Accounts.open(database) as accounts:
        accounts.note(terminal(), action, thing)
    return True
