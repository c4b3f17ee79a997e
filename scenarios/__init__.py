"""What-if: scenarios of measures, their runs and indicators."""

from scenarios.indicators import indicators
from scenarios.run import run
from scenarios.scenario import BASELINE, Range, Scenario, Step, Targets, library, load

__all__ = ["BASELINE", "Range", "Scenario", "Step", "Targets", "indicators", "library", "load", "run"]
