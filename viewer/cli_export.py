"""`lobeda export`: the district in formats that other programs read."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import xarray as xr

from twin import exports
from twin.district import District
from twin.errors import CallError, SourceError
from viewer import privacy

_SUMMED = (
    "heating_need_kwh", "cooling_need_kwh", "hot_water_need_kwh", "electricity_use_kwh",
    "heating_delivered_kwh", "pv_generation_kwh", "primary_energy_kwh", "co2_kg", "energy_cost_eur",
)  # fmt: skip


def write(
    district: District,
    target: Path,
    *,
    public: bool = False,
    results: pd.DataFrame | None = None,
    undulation_m: float = 0.0,
) -> None:
    """Write by suffix (see `twin.exports.WRITERS`); a name without one becomes a folder of 3D Tiles.

    Parameters
    ----------
    public : only what `viewer.privacy` lets everybody read; then without results of single buildings.
    results : annual results that travel with each building, index building_id.
    undulation_m : of 3D Tiles: the quasigeoid's height above the ellipsoid.

    Raises
    ------
    CallError : another suffix, a folder that does not exist or is not empty, results that may not be public.
    """
    exports.writer(target)  # refuses other suffixes
    if public and results is not None:
        raise CallError(
            "results of single buildings are not public", "--public", "Leave out --results, or --public"
        )
    parent = target.resolve().parent
    if not parent.is_dir():
        raise CallError("there is no such folder", parent, "Make it, or name another place")
    if target.is_dir() and any(target.iterdir()):
        raise CallError("the folder holds other files", target, "Name a new folder")
    if public:
        district = privacy.public_part(district)
    columns = [c for c in district.buildings.columns if c != "geometry"]
    attributes = pd.DataFrame(district.buildings[columns])
    if public:
        attributes = attributes.drop(columns=[c for c in columns if c not in privacy.COLUMNS["buildings"]])
    if results is not None:
        attributes = attributes.join(results)
    exports.write(district, target, attributes, undulation_m=undulation_m)


def annual(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Annual sums by building of results that `lobeda simulate` wrote; of several scenarios the first.

    Raises
    ------
    SourceError : no such results.
    """
    try:
        with xr.open_dataset(file) as found:
            first = found.isel(scenario=0) if "scenario" in found.dims else found
            names = [name for name in _SUMMED if name in first and "building_id" in first[name].dims]
            sums = {
                name: first[name].sum([d for d in first[name].dims if d != "building_id"], min_count=1)
                for name in names
            }
            if not sums:
                raise SourceError("no results by building are in it", file, "Write them with lobeda simulate")
            table: pd.DataFrame = xr.Dataset(sums).to_dataframe()[names]
            return table
    except (OSError, ValueError) as error:
        raise SourceError(f"the results cannot be read: {error}", file, "Simulate again") from None
