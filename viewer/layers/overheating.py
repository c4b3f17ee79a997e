"""How hot the critical room of each building gets in summer."""

import pandas as pd

from viewer.layers.base import Layer, View, continuous
from viewer.second_stage import SecondStage

TITLE = "overheating"


def spec(view: View) -> Layer:
    """Over-temperature degree-hours of the critical room, DIN 4108-2:2013, 8.4; for managers. [Kh/a]"""
    return continuous(
        view,
        TITLE,
        _of(view.second),
        limits_of=_of(view.second_before),
        scale="heat",
        energy=False,
        audience="manager",
    )


def _of(second: SecondStage | None) -> pd.Series:
    if second is None or second.overheating is None:
        return pd.Series(dtype="float64")
    return second.overheating["over_temperature_kh"]
