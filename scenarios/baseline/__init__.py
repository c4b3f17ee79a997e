"""Calibration: what meters measured against what is simulated, and the figures that bring both together."""

from scenarios.baseline.agreement import Agreement, agreement, cv_rmse, nmbe
from scenarios.baseline.calibrate import calibrate
from scenarios.baseline.calibration import Calibration, load
from scenarios.baseline.comparison import Comparison, compare, compare_unit
from scenarios.baseline.degree_days import degree_days
from scenarios.baseline.meter_list import read
from scenarios.baseline.readings import Readings, from_series
from scenarios.baseline.store_readings import read_store

__all__ = [
    "Agreement", "Calibration", "Comparison", "Readings", "agreement", "calibrate", "compare",
    "compare_unit", "cv_rmse", "degree_days", "from_series", "load", "nmbe", "read", "read_store",
]  # fmt: skip
