"""Results of an ensemble in a folder: Parquet for the district's figures, Zarr for those of its buildings.

A chunk's values go into the Zarr arrays first, then its Parquet file appears whole, by renaming: a chunk
whose file is there is done, any other is computed again, to the same values.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

from scenarios.ensemble import Ensemble, Variants
from twin.errors import CallError

CHUNK = 16  # variants a file: about a second of work, so that a kill costs little
UNITS = {"heating_need_kwh": "kWh", "delivered_kwh": "kWh", "co2_kg": "kg"}
_MANIFEST, _ZARR = "ensemble.json", "buildings.zarr"


class Store:
    """The folder of an ensemble's results, made if it is new.

    variants : how many the ensemble has.

    Raises
    ------
    CallError : the folder holds another ensemble, or files of nobody knows what.
    """

    def __init__(self, folder: Path, ensemble: Ensemble, variants: int) -> None:
        self.folder, self.variants = folder, variants
        self._claim(ensemble)
        self._arrays = zarr.open_group(folder / _ZARR, mode="r+", use_consolidated=False)

    @property
    def missing(self) -> list[int]:
        """First variants of the chunks that are not done."""
        return [first for first in range(0, self.variants, CHUNK) if not self._part(first).exists()]

    def write(self, first: int, found: Variants) -> None:
        """Keep a chunk; it is done when this returns, and not before."""
        for name, values in found.buildings.items():
            self._arrays[name][first : first + len(values)] = values
        beside = self._part(first).with_suffix(".part")
        found.table.to_parquet(beside)
        _to_disk(beside)
        beside.replace(self._part(first))

    def _part(self, first: int) -> Path:
        return self.folder / f"part-{first:07d}.parquet"

    def _claim(self, ensemble: Ensemble) -> None:
        """Make the folder the ensemble's, or see that it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self.folder / _MANIFEST
        if manifest.exists():
            if json.loads(manifest.read_text("utf-8"))["digest"] != ensemble.digest:
                raise CallError(
                    "the folder holds another ensemble", self.folder, "Name another folder, or empty this one"
                )
            return
        if any(self.folder.glob("part-*.parquet")):
            raise CallError(
                "the folder holds results of nobody knows what", self.folder, "Name another folder"
            )
        self._make_arrays(ensemble)
        said = {
            "digest": ensemble.digest,
            "scenario": ensemble.scenario.name,
            "inputs": list(ensemble.inputs),
            "sampling": ensemble.sampling,
            "count": ensemble.count,
            "seed": ensemble.seed,
        }
        beside = manifest.with_suffix(".part")
        beside.write_text(json.dumps(said, indent=1), "utf-8")
        _to_disk(beside)
        beside.replace(manifest)

    def _make_arrays(self, ensemble: Ensemble) -> None:
        """Arrays by variant and building, nan where a variant is not done; `xarray.open_zarr` reads them."""
        for left in (self.folder / _ZARR, beside := self.folder / f"{_ZARR}.part"):
            shutil.rmtree(left, ignore_errors=True)
        group = zarr.create_group(beside, zarr_format=2, attributes={"scenario": ensemble.scenario.name})
        ids = ensemble.case.envelope.index.to_numpy().astype(str)
        shape = (self.variants, len(ids))
        for name, unit in UNITS.items():
            array: Any = group.create_array(
                name, shape=shape, chunks=(min(CHUNK, self.variants), len(ids)), dtype="float32",
                fill_value=np.nan,
            )  # fmt: skip
            array.attrs.update({"_ARRAY_DIMENSIONS": ["variant", "building_id"], "units": f"{unit}"})
        for name, values in (("variant", np.arange(self.variants)), ("building_id", ids)):
            group.create_array(name, data=values).attrs["_ARRAY_DIMENSIONS"] = [name]
        zarr.consolidate_metadata(group.store, zarr_format=2)
        beside.replace(self.folder / _ZARR)


def read(folder: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """All variants that are done, in order; index variant.

    columns : only these inputs and figures; all without it.
    """
    names = None if columns is None else list(columns)
    parts = [pd.read_parquet(file, columns=names) for file in sorted(folder.glob("part-*.parquet"))]
    return pd.concat(parts).sort_index() if parts else pd.DataFrame()


def _to_disk(file: Path) -> None:
    """See that the file outlives a power cut."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
