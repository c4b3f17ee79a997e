"""A report of a scenario for a town council: PDF, workbook and GeoPackage, from the same figures."""

from scenarios.report.output import Options, write
from scenarios.report.study import Study, study

__all__ = ["Options", "Study", "study", "write"]
