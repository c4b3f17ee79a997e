"""Quality of measurements: flags after QARTOD (1 good, 2 not evaluated, 3 suspect, 4 bad, 9 missing)."""

from sensors.quality.check import CHECKS, Checked, Finding, Model, check_series
from sensors.quality.rules import Rules, rules_for
from sensors.quality.run import Summary, check, findings

__all__ = [
    "CHECKS",
    "Checked",
    "Finding",
    "Model",
    "Rules",
    "Summary",
    "check",
    "check_series",
    "findings",
    "rules_for",
]
