"""The sample district Jena-Lobeda: a model from documented facts and estimates, not survey data.

The hand-set plan lies as CSV in `assets/lobeda_sources`; everything else follows from it by rule and seed.
``python -m twin.sample OUT`` writes the district.
"""

from twin.sample.build import build

__all__ = ["build"]
