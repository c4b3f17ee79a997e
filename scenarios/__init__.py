"""What-if: scenarios of measures, their runs and indicators."""

from scenarios.comparison import Comparison, comparison
from scenarios.indicators import indicators
from scenarios.run import run
from scenarios.scenario import BASELINE, Range, Scenario, Step, Targets, library, load

__all__ = [
    "BASELINE",
    "Comparison",
    "Range",
    "Scenario",
    "Step",
    "Targets",
    "comparison",
    "indicators",
    "library",
    "load",
    "run",
]
