"""What a file holds for the store: Things, readings, and the rows that could not be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sensors.things import ThingSpec


@dataclass(frozen=True)
class Reading:
    """A value of a file: times in µs (UTC), its line in the file; `key` tells it apart in its stream."""

    thing: str
    stream: str
    row: int
    time: int
    value: Any
    end: int | None = None
    parameters: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        return f"{self.time}" if self.end is None else f"{self.time}/{self.end}"


@dataclass(frozen=True)
class Refusal:
    """A row that was not used: what is wrong and what to do."""

    file: str
    row: int
    what: str
    remedy: str = ""

    def line(self) -> str:
        """One line for the terminal."""
        return f"{self.file}, row {self.row}: {self.what}" + (f". {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class FileContent:
    """Things with their streams, readings, refused rows and what else is worth knowing, of one file.

    bare : the file only names its Things; what is known of them already stays.
    """

    things: tuple[ThingSpec, ...]
    readings: tuple[Reading, ...] = ()
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    bare: bool = False


@dataclass
class Collector:
    """Gathers what is noticed while a file is read."""

    file: str
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, row: int, what: str, remedy: str = "") -> None:
        self.refused.append(Refusal(self.file, row, what, remedy))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def once(self, readings: Iterable[Reading]) -> list[Reading]:
        """Readings, each time once: a second one is left out, or refused where it says another value."""
        kept: dict[tuple[str, str, str], Reading] = {}
        for reading in readings:
            first = kept.setdefault((reading.thing, reading.stream, reading.key), reading)
            if first is not reading and first.value != reading.value:
                what = f"{reading.thing} has {reading.value} here and {first.value} in row {first.row}"
                self.refuse(reading.row, what, "Keep the right one")
        return list(kept.values())
