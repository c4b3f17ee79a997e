"""What the measures save of the heating need."""

import pandas as pd

from viewer.layers.base import Layer, View, continuous, per_building

TITLE = "saving"


def spec(view: View) -> Layer:
    """Heating need saved against the baseline per building (public: per group), %."""
    before = per_building(view, view.baseline["heating_need_kwh"])
    after = per_building(view, view.results["heating_need_kwh"])
    share = 100 * (1 - after / before.where(before > 0))
    return continuous(view, TITLE, share, limits_of=pd.Series([0.0, 80.0]), scale="saving")
