"""The report as a GeoPackage: each building with its figures today, after the measures, and the change."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from scenarios.report import tables
from scenarios.report.study import Study
from scenarios.report.words import Words
from scenarios.report.workbook import PLACE

LAYER = "buildings"


def write(study: Study, words: Words, path: str | os.PathLike[str]) -> Path:
    """Write the buildings' footprints, and the district's figures as a table without geometry."""
    target = Path(path)
    target.unlink(missing_ok=True)
    note = "; ".join(f"{name}: {value}" for name, value in tables.provenance(study, words))
    layer(study).to_file(
        target, layer=LAYER, driver="GPKG", engine="pyogrio", index=True,
        layer_options={"DESCRIPTION": f"{study.scenario.name}. {note}"},
    )  # fmt: skip
    key = pd.DataFrame([{**asdict(one), "change": one.change} for one in tables.key_figures(study).values()])
    pyogrio.write_dataframe(key, target, layer="district", driver="GPKG", append=True)
    return target


def layer(study: Study) -> gpd.GeoDataFrame:
    """The buildings with ``<indicator>_base``, ``_after`` and ``_change``; EPSG:25832."""
    known = study.base.case.district.buildings
    table = study.buildings()
    states = ("base", "after", "change")
    flat = pd.DataFrame({f"{name}_{state}": table[state, name] for name in table["base"] for state in states})
    kept = known[[*PLACE, "geometry"]].assign(changed_by_a_measure=study.affected.to_numpy(bool))
    return gpd.GeoDataFrame(kept.join(flat), geometry="geometry", crs=known.crs)
