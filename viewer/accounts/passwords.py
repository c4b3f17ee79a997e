"""What a password must be, and its argon2id hash."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from twin.errors import CallError

LENGTH_MIN, LENGTH_MAX = 12, 256
AT_ONCE = 2
_DISTINCT_MIN = 5


class Passwords:
    """Hashes of passwords. At most `AT_ONCE` are computed at once: each takes 64 MiB.

    hasher : argon2id with the parameters of RFC 9106, 4, second choice, unless told otherwise.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.Semaphore(AT_ONCE)
        self._nobody = ""

    def hash(self, password: str) -> str:
        """The hash to keep."""
        with self._turn:
            return self._hasher.hash(password)

    def right(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one of the hash `kept`; None takes as long and is never right."""
        with self._turn:
            if not self._nobody:  # whoever is the first to ask: it must not tell an unknown name
                self._nobody = self._hasher.hash("no account has this hash")
            try:
                self._hasher.verify(kept or self._nobody, password[: LENGTH_MAX + 1])
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)


def require_sound(password: str, name: str) -> None:
    """Refuses what is guessed easily.

    Raises
    ------
    CallError : it is too short, too long, too uniform, or has the account's name in it.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        what = f"a password needs {LENGTH_MIN} to {LENGTH_MAX} characters"
    elif len(set(password)) < _DISTINCT_MIN:
        what = f"a password needs at least {_DISTINCT_MIN} different characters"
    elif name.casefold() in password.casefold():
        what = "the password has the account's name in it"
    else:
        return
    raise CallError(what, "password", "Take four or more words that nobody would guess together")
