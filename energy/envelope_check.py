"""Bad input: figures that no building can have stop with the building, the column and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energy.parameters import Parameters
from twin.district import District
from twin.errors import CallError, SourceError, TwinError

_NEVER_NEGATIVE = (
    "footprint_area_m2", "volume_m3", "envelope_area_m2", "wall_area_m2", "party_wall_area_m2",
    "roof_area_m2", "gross_floor_area_m2", "a_use_m2", "measured_height_m", "storeys_above_ground",
    "dwellings", "u_wall_w_m2k", "u_roof_w_m2k", "u_floor_w_m2k", "u_window_w_m2k",
)  # fmt: skip


def check_facts(district: District) -> None:
    """Stop at negative or infinite figures of buildings and surfaces; empty ones are filled elsewhere.

    Raises
    ------
    SourceError : names the building (or surface), the column and the remedy.
    """
    remedy = "Correct the figure in the source, or leave it empty to have it filled"
    buildings = district.buildings
    _stop_at_negative(buildings, [name for name in _NEVER_NEGATIVE if name in buildings], "building", remedy)
    _stop_at_negative(district.surfaces, ["area_m2", "party_area_m2"], "surface", remedy)


def _stop_at_negative(table: pd.DataFrame, columns: list[str], kind: str, remedy: str) -> None:
    values = table[columns].to_numpy("float64", na_value=np.nan)
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise SourceError(
            f"{columns[column]} is {values[row, column]:g}", f"{kind} {table.index[row]}", remedy
        )


def check_envelope(
    envelope: pd.DataFrame, parameters: Parameters, error: type[TwinError] = CallError
) -> None:
    """Stop at figures outside the table limits; only columns that stand there and in the envelope count.

    Raises
    ------
    error : names the building, the column with its range, and the remedy. `SourceError` for a district,
        `CallError` for what a measure has set.
    """
    limits = parameters.limits[parameters.limits.index.isin(envelope.columns)]
    names = limits.index.to_numpy("object")
    values = envelope[list(names)].to_numpy("float64")
    low, high = (limits[side].to_numpy("float64") for side in ("low", "high"))
    bad = ~((values >= low) & (values <= high))
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    unit = str(limits["unit"].iloc[column])
    raise error(
        f"{names[column]} is {values[row, column]:g}, outside {low[column]:g} to {high[column]:g}"
        + (f" {unit}" if unit != "1" else ""),
        f"building {envelope.index[row]}",
        str(limits["remedy"].iloc[column]),
    )
