"""Errors of the twin: each says what is wrong, where, and what to do.

TwinError
├── SourceError      a source file is missing, broken, or not what it claims to be
├── SchemaError      a table does not keep its schema
├── DistrictError    a district folder cannot be opened or written
└── CallError        the call itself is at fault (the command line exits with 2)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATH = re.compile(r"^([A-Za-z]:)?[/\\]|[/\\][^/\\]*\.\w+(,|$)")
"""From the root, or to a file: a unit such as kWh/m² is none."""
LONGEST = 600
"""Characters of what is said of one thing: what a damaged file puts into a message may be its whole text."""


@dataclass(frozen=True)
class Place:
    """A place in a file that people write: its name and, where known, the line, counted from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """``file.yaml, line 3``, in German ``file.yaml, Zeile 3``."""
        if self.line is None:
            return self.file
        return f"{self.file}, {'Zeile' if language == 'de' else 'line'} {self.line}"


class TwinError(Exception):
    """The data are at fault. `str()` gives one line: what, where, what to do.

    Parameters
    ----------
    what : what is wrong, without a full stop.
    where : the file and, where known, the record; a `Place` is named in German too.
    remedy : what the user can do.
    german : what and remedy in German, as whole sentences, for what people meet on the page.
    """

    def __init__(self, what: str, where: object = "", remedy: str = "", *, german: str = "") -> None:
        self.german = _line(german)
        self.place = where if isinstance(where, Place) else None
        self.what, self.where, self.remedy = (_line(part) for part in (what, where, remedy))
        super().__init__(self._english(self.where))

    def text(self, language: str) -> str:
        """The line in German where there is one and it is asked for, else in English."""
        if language != "de" or not self.german:
            return str(self)
        return f"{_line(self.place.text(language))}: {self.german}" if self.place else self.german

    def told(self, language: str) -> str:
        """As `text`, for people elsewhere than on this machine: files by their names, and no databases."""
        if language != "de" or not self.german:
            return self._english(_unplaced(self.where))
        return f"{_unplaced(self.place.text(language))}: {self.german}" if self.place else self.german

    def _english(self, where: str) -> str:
        parts = [f"{where}: {self.what}" if where else self.what]
        if self.remedy:
            parts.append(self.remedy)
        return ". ".join(part.rstrip(".") for part in parts) + "."

    def at(self, where: object) -> SourceError:
        """The same, as the fault of a file at `where`, in both languages."""
        return SourceError(self.what, where, self.remedy, german=self.german)


def quoted(value: object) -> str:
    """A value in German quotation marks, with what cannot be printed escaped."""
    return f"„{repr(str(value))[1:-1]}“"


def _unplaced(where: str) -> str:
    """A place without the folders or the address that lead to it."""
    if "://" in where:
        return ""
    return re.split(r"[/\\]", where)[-1] if _PATH.search(where) else where


def _line(text: object) -> str:
    """One line; of a long one the beginning and the end."""
    line = " ".join(str(text).split())
    half = LONGEST // 2 - 1
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


class SourceError(TwinError):
    """A source file is missing, broken, or not what it claims to be."""


class SchemaError(TwinError):
    """A table does not keep its schema."""


class DistrictError(TwinError):
    """A district folder cannot be opened or written."""


class CallError(TwinError):
    """The call is at fault, not the data."""
