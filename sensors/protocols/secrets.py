"""Secrets of feeds: from the environment or from files, never from the config file, never in a log."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr, field_validator

from sensors.protocols.base import FeedError, FeedOptions


class Login(FeedOptions):
    """Options of a feed that may need a user and a password.

    Parameters
    ----------
    username : given here, or by username_env.
    password_env : name of the environment variable that holds the password.
    password_file : file that holds it, in its first line.
    """

    username: str = ""
    username_env: str = ""
    password_env: str = ""
    password_file: Path | None = None
    password: SecretStr | None = None

    @field_validator("password")
    @classmethod
    def _not_here(cls, _: SecretStr | None) -> None:
        raise ValueError("a password does not belong here; name password_env or password_file")

    def user(self) -> str:
        """The user's name; empty: none."""
        return read_secret(self.username_env) if self.username_env else self.username

    def secret(self) -> str | None:
        """The password; None: none.

        Raises
        ------
        FeedError : it is not where the config says.
        """
        if self.password_env or self.password_file:
            return read_secret(self.password_env, self.password_file)
        return None


def read_secret(variable: str = "", file: Path | None = None) -> str:
    """A secret from an environment variable or a file's first line.

    Raises
    ------
    FeedError : it is not there.
    """
    if variable:
        value = os.environ.get(variable)
        if not value:
            raise FeedError("the environment variable is not set", variable, "Set it and start again")
        return value
    try:
        lines = (file or Path()).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FeedError(
            f"the secret cannot be read: {error}", file, "Correct the path or its rights"
        ) from None
    if not lines or not lines[0]:
        raise FeedError("the secret is empty", file, "Write it into the first line")
    return lines[0]
