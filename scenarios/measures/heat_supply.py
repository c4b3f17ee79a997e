"""Other heat supplies: connection to the district heating, heat pumps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from energy import Case
from scenarios.measures import base


def replace_supply(
    case: Case, buildings: Iterable[str] | None, may: base.Mask, heating: str, measure: str
) -> Case:
    """The case whose chosen buildings are heated by `heating` (a row of the table systems)."""
    rows = base.chosen(case, buildings, may, measure)
    envelope = case.envelope.copy()
    envelope["heating"] = np.where(rows, heating, envelope["heating"].to_numpy(object))
    envelope["heating_source"] = np.where(
        rows, f"measure:{measure}", envelope["heating_source"].to_numpy(object)
    )
    return case.replace(envelope=envelope)


def heated_otherwise(case: Case, *heatings: str) -> base.Mask:
    """Heated buildings whose supply is none of `heatings`, shape (building,)."""
    return base.conditioned(case) & ~case.envelope["heating"].isin(heatings).to_numpy(bool)
