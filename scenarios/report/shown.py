"""How key figures are written: in units that a council reads, one unit and the same digits in a row."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scenarios.report.tables import KeyFigure
from scenarios.report.words import MILLION_FROM, Words

# Divisor, text of the unit or its key, digits.
_UNITS = {
    "kWh/a": (1000.0, "unit.mwh", 0),
    "kg/a": (1000.0, "unit.tonnes", 0),
    "kg": (1000.0, "unit.tonnes_sum", 0),
    "kW": (1000.0, "MW", 1),
    "1": (0.01, "%", 0),
    "€/t": (1.0, "€/t", 0),
    "Kh/a": (1.0, "Kh/a", 0),
    "h/a": (1.0, "h/a", 0),
    "€/(m² Monat)": (1.0, "unit.rent", 2),
}


@dataclass(frozen=True)
class Shown:
    """A key figure in words: base, after, change, band and probability as texts."""

    figure: KeyFigure
    unit: str
    divisor: float
    digits: int
    words: Words

    @classmethod
    def of(cls, figure: KeyFigure, words: Words) -> Shown:
        """By the size of the figure: small districts get a digit, large sums are millions."""
        amounts = (figure.base, figure.after, figure.low, figure.high)
        largest = max((abs(value) for value in amounts if math.isfinite(value)), default=0.0)
        if figure.unit in ("€", "€/a"):
            if largest >= MILLION_FROM:
                return cls(figure, f"{words('unit.million_eur')}{figure.unit[1:]}", 1e6, 2, words)
            return cls(figure, figure.unit, 1.0, 0, words)
        divisor, name, digits = _UNITS[figure.unit]
        few = digits == 0 and figure.unit.startswith("k") and largest / divisor < 100
        return cls(figure, words.get(name) or name, divisor, 1 if few else digits, words)

    @property
    def base(self) -> str:
        return self.words.number(self.figure.base / self.divisor, self.digits)

    @property
    def after(self) -> str:
        return self.words.number(self.figure.after / self.divisor, self.digits)

    @property
    def change(self) -> str:
        return self._signed(self.figure.change)

    @property
    def band(self) -> str:
        """From 5 to 95 % of the draws; a dash without them."""
        if not math.isfinite(self.figure.low):
            return "–"
        low, high = (self._signed(value) for value in (self.figure.low, self.figure.high))
        return self.words("table.to", low=low, high=high)

    @property
    def probability(self) -> str:
        return self.words.percent(self.figure.probability)

    def _signed(self, value: float) -> str:
        return self.words.signed(value / self.divisor, self.digits)
