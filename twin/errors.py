"""Errors of the twin: each says what is wrong, where, and what to do.

TwinError
├── SourceError      a source file is missing, broken, or not what it claims to be
├── SchemaError      a table does not keep its schema
├── DistrictError    a district folder cannot be opened or written
└── CallError        the call itself is at fault (the command line exits with 2)
"""

from __future__ import annotations


class TwinError(Exception):
    """The data are at fault. `str()` gives one line: what, where, what to do.

    Parameters
    ----------
    what : what is wrong, without a full stop.
    where : the file and, where known, the record.
    remedy : what the user can do.
    german : all of it in German, for what people meet on the page.
    """

    def __init__(self, what: str, where: object = "", remedy: str = "", *, german: str = "") -> None:
        self.german = " ".join(german.split())
        self.what = " ".join(str(what).split())
        self.where = " ".join(str(where).split())
        self.remedy = " ".join(str(remedy).split())
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.remedy:
            parts.append(self.remedy)
        super().__init__(". ".join(part.rstrip(".") for part in parts) + ".")

    def text(self, language: str) -> str:
        """The line in German where there is one and it is asked for, else in English."""
        return self.german if language == "de" and self.german else str(self)


class SourceError(TwinError):
    """A source file is missing, broken, or not what it claims to be."""


class SchemaError(TwinError):
    """A table does not keep its schema."""


class DistrictError(TwinError):
    """A district folder cannot be opened or written."""


class CallError(TwinError):
    """The call is at fault, not the data."""
