"""What was deleted after a backup is deleted again where that backup is restored.

A backup knows nothing of what came after it. Where the databases that it stands in for can still be read,
they say which comments, Things, accounts and tokens are gone; numbers are never given twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sensors import tokens as sensor_tokens
from sensors.store import Store
from sensors.store.purge import purge
from sensors.store.tables import things
from twin.errors import CallError, SourceError
from viewer.accounts.store import SPACE as ACCOUNTS
from viewer.accounts.store import Accounts
from viewer.participation.database import SPACE as COMMENTS
from viewer.participation.store import DELETED, Comments, empty
from viewer.participation.tables import comments

ACTOR = "restore"


def repeat(restored: Path, old: Path) -> dict[str, int]:
    """Deletes in the SQLite databases of `restored` what was deleted in those of `old`; how many by kind.

    Raises
    ------
    CallError : there is no database in `old`.
    SourceError : one that is there cannot be read.
    """
    if not list(old.glob("*.sqlite")):
        raise CallError("there is no database", old, "Name the folder of the databases, such as LOBEDA_DATA")
    url = f"sqlite:///{restored / 'sensors.sqlite'}"
    done = {"comments": 0, "things": 0, "accounts": 0, "tokens": 0}
    for space in (COMMENTS, f"{COMMENTS}_sample"):
        if _both(restored, old, space):
            done["comments"] += _comments(url, old, space)
    if _both(restored, old, "sensors"):
        done["things"] = _things(url, old)
        done["tokens"] = _sensor_tokens(url, old)
    if _both(restored, old, ACCOUNTS):
        done["accounts"], revoked = _accounts(url, old)
        done["tokens"] += revoked
    return done


def _both(restored: Path, old: Path, name: str) -> bool:
    return all((folder / f"{name}.sqlite").is_file() for folder in (restored, old))


def _rows(old: Path, name: str, query: str) -> list[Any]:
    """Rows of an old database, of whatever version it is, without changing it."""
    file = old / f"{name}.sqlite"
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise SourceError(f"cannot be read: {error}", file, "Restore without --deleted-in") from error


def _comments(url: str, old: Path, space: str) -> int:
    gone = _rows(old, space, f"SELECT id, created_at FROM comments WHERE state = '{DELETED}'")
    with Comments.open(url, space) as store:
        with store.transaction() as connection:
            query = sa.select(comments.c.id, comments.c.created_at).where(comments.c.state != DELETED)
            kept = {(row.id, row.created_at) for row in connection.execute(query)}
            again = sorted(number for number, made in kept & {tuple(row) for row in gone})
            empty(connection, again, ACTOR)
        if again:
            store.wipe()
    return len(again)


def _things(url: str, old: Path) -> int:
    last = _last_number(old)
    left = {row[0] for row in _rows(old, "sensors", "SELECT id FROM things WHERE NOT deleted")}
    with Store.open(url) as store:
        with store.connect() as connection:
            ids = sorted(connection.execute(sa.select(things.c.id)).scalars())
        again = [number for number in ids if number <= last and number not in left]
        for number in again:
            purge(store, number, wipe=number == again[-1])
    return len(again)


def _last_number(old: Path) -> int:
    found = _rows(old, "sensors", "SELECT seq FROM sqlite_sequence WHERE name = 'things'")
    return int(found[0][0]) if found else 0


def _accounts(url: str, old: Path) -> tuple[int, int]:
    """How many accounts and how many tokens of theirs."""
    with Accounts.open(url) as store:
        names = [one.name for one in store.listed() if not one.disabled]
        left = "SELECT name FROM accounts WHERE disabled_at IS NULL"
        closed = _by_name(old, ACCOUNTS, left, names, partial(store.disable, actor=ACTOR))
        names = [one.name for one in store.listed_tokens()]
        revoke = partial(store.revoke_token, actor=ACTOR)
        return closed, _by_name(old, ACCOUNTS, "SELECT name FROM tokens", names, revoke)


def _sensor_tokens(url: str, old: Path) -> int:
    with Store.open(url) as store:
        names = [one.name for one in sensor_tokens.listed(store)]
        revoke = partial(sensor_tokens.revoke, store)
        return _by_name(old, "sensors", "SELECT name FROM tokens", names, revoke)


def _by_name(
    old: Path, database: str, query: str, names: Iterable[str], delete: Callable[[str], None]
) -> int:
    """Deletes what the old database has no longer by the names that `query` finds there; how many."""
    left = {row[0] for row in _rows(old, database, query)}
    again = [name for name in names if name not in left]
    for name in again:
        delete(name)
    return len(again)
