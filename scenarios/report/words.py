"""Texts and figures of a report in one language: one TOML file each, the same keys in all."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from twin import format
from twin.errors import CallError

LANGUAGES = ("de", "en")
MILLION_FROM = 1e7  # euros from which on a table counts in millions


@dataclass(frozen=True)
class Words:
    """Texts by ``section.name`` and numbers as a language writes them."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text `key`, its ``{name}`` placeholders replaced by `values`."""
        return self.texts[key].format(**values)

    def get(self, key: str) -> str | None:
        """The text `key` where there is one."""
        return self.texts.get(key)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with grouped thousands; a dash where it is missing."""
        return format.number(value, self.language, digits)

    def signed(self, value: float, digits: int = 0) -> str:
        """The same with a plus sign: a change."""
        text = self.number(value, digits)
        return f"+{text}" if value > 0 and any(mark in "123456789" for mark in text) else text

    def percent(self, share: float, digits: int = 0) -> str:
        """A share as per cent."""
        return f"{self.number(100 * share, digits)}\u00a0%" if math.isfinite(share) else "–"

    def change(self, share: float) -> str:
        """A share as signed per cent."""
        return format.percent(share, self.language)

    def euros(self, value: float, largest: float | None = None) -> str:
        """An amount with its unit, in millions where it (or `largest` of its row) is that large."""
        if abs(value if largest is None else largest) >= MILLION_FROM:
            return f"{self.number(value / 1e6, 2)}\u00a0{self('unit.million_eur')}"
        return f"{self.number(value)}\u00a0€"

    def signed_euros(self, value: float, largest: float | None = None) -> str:
        """The same with a plus sign: a change."""
        text = self.euros(value, largest)
        return f"+{text}" if value > 0 and any(mark in "123456789" for mark in text) else text


@cache
def of(language: str) -> Words:
    """The words of a language.

    Raises
    ------
    CallError : a language without texts.
    """
    if language not in LANGUAGES:
        raise CallError(
            f"there is no report in language {language!r}", "report", f"Use {', '.join(LANGUAGES)}"
        )
    file = files("scenarios.report") / "texts" / f"{language}.toml"
    sections = tomllib.loads(file.read_text("utf-8"))
    flat = {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}
    return Words(language, flat)
