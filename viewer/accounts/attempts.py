"""Wrong passwords: counted by name and network, of names that no account has just as of others.

Whoever guesses locks out their own network from that name, not its owner elsewhere. Against guessing from
many networks, a name that has seen many wrong passwords takes one try in a while from networks where it was
not let in lately. Rows are forgotten after a day (networks where the name was let in: after a month), and
there are never more than `ROWS_MAX`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from viewer.accounts.tables import attempts

TRIES = 5
"""Wrong passwords in a row from one network that lock it out."""
LOCK_S, LOCK_MAX_S = 60, 3600
"""First lock, doubled with every further wrong password up to the longest. [s]"""
NAME_TRIES, NAME_WAIT_S = 50, 30
"""Wrong passwords from everywhere, after which strange networks wait so long after each. [s]"""
FORGET_S, KNOWN_S = 86_400, 30 * 86_400
ROWS_MAX = 20_000
_SECOND = 1_000_000


def wait_s(connection: Connection, mine: str, name: str, now: int) -> int:
    """How long the name has to wait from this network; 0: it may try. [s]

    mine, name : digests of name with network, and of the name alone.
    """
    rows = {row.digest: row for row in _rows(connection, (mine, name))}
    own = rows.get(mine)
    if own is not None and own.let_in_at is not None and 0 <= now - own.let_in_at <= KNOWN_S * _SECOND:
        rows.pop(name, None)
    return max((_left_s(row.locked_until, now) for row in rows.values()), default=0)


def failed(connection: Connection, mine: str, name: str, now: int) -> tuple[int, int]:
    """Count a wrong password; how many in a row from this network, and for how long that locks it. [s]"""
    _forget(connection, now)
    count = _count(connection, mine, name, now)
    lock_s = min(LOCK_S * 2 ** min(count - TRIES, 10), LOCK_MAX_S) if count >= TRIES else 0
    _lock(connection, mine, now, lock_s)
    if _count(connection, name, name, now) >= NAME_TRIES:
        _lock(connection, name, now, NAME_WAIT_S)
    return count, lock_s


def let_in(connection: Connection, mine: str, name: str, now: int) -> None:
    """The password was right: the network's count starts again."""
    _forget(connection, now)
    connection.execute(attempts.delete().where(attempts.c.digest == mine))
    _add(connection, mine, name, now, failures=0, let_in_at=now)


def forget_name(connection: Connection, name: str) -> None:
    """Open the name again, from everywhere."""
    connection.execute(attempts.delete().where(attempts.c.name_digest == name))


def locked_until(connection: Connection, name: str, now: int) -> int | None:
    """Until when some network is locked out from the name; None: none is."""
    query = sa.select(attempts.c.locked_until).where(
        attempts.c.name_digest == name, attempts.c.digest != name
    )
    return max((one for one in connection.execute(query).scalars() if _left_s(one, now)), default=None)


def _rows(connection: Connection, digests: tuple[str, ...]) -> Any:
    return connection.execute(sa.select(attempts).where(attempts.c.digest.in_(digests))).all()


def _left_s(until: int, now: int) -> int:
    """What would last longer than any lock comes of a clock that was ahead."""
    left = until - now
    return -(-left // _SECOND) if 0 < left <= LOCK_MAX_S * _SECOND else 0


def _count(connection: Connection, digest: str, name: str, now: int) -> int:
    found = _rows(connection, (digest,))
    if not found:
        _add(connection, digest, name, now, failures=1, let_in_at=None)
        return 1
    count = int(found[0].failures) + 1
    mine = attempts.c.digest == digest
    connection.execute(attempts.update().where(mine).values(failures=count, last_at=now))
    return count


def _lock(connection: Connection, digest: str, now: int, seconds: int) -> None:
    mine = attempts.c.digest == digest
    connection.execute(attempts.update().where(mine).values(locked_until=now + seconds * _SECOND))


def _add(
    connection: Connection, digest: str, name: str, now: int, *, failures: int, let_in_at: int | None
) -> None:
    connection.execute(
        attempts.insert().values(
            digest=digest, name_digest=name, failures=failures, last_at=now, locked_until=0,
            let_in_at=let_in_at,
        )
    )  # fmt: skip


def _forget(connection: Connection, now: int) -> None:
    """Rows that are over, those of a clock that was ahead, and the oldest where there are too many."""
    at, known = attempts.c.last_at, attempts.c.let_in_at.is_not(None)
    over = sa.or_(
        sa.and_(~known, at <= now - FORGET_S * _SECOND),
        at <= now - KNOWN_S * _SECOND,
        at > now + LOCK_MAX_S * _SECOND,
    )
    connection.execute(attempts.delete().where(over))
    total = connection.execute(sa.select(sa.func.count()).select_from(attempts)).scalar_one()
    if total > ROWS_MAX - 2:
        oldest = sa.select(attempts.c.digest).order_by(known, at).limit(total - ROWS_MAX + 2)
        connection.execute(attempts.delete().where(attempts.c.digest.in_(oldest)))
