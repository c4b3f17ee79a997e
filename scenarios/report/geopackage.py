"""The report as a GeoPackage: each building or group with its figures today, after, and the change."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from scenarios.report import grouping, tables
from scenarios.report.study import Study
from scenarios.report.words import Words
from scenarios.report.workbook import PLACE

LAYER, PUBLIC_LAYER = "buildings", "groups"


def write(study: Study, words: Words, path: str | os.PathLike[str], groups: pd.Series | None = None) -> Path:
    """Write the footprints of buildings, or of `groups` of them, and the district's figures beside them."""
    target = Path(path)
    target.unlink(missing_ok=True)
    note = "; ".join(f"{name}: {value}" for name, value in tables.provenance(study, words))
    found, name, access = layer(study), LAYER, words("title.internal")
    if groups is not None:
        found, name, access = group_layer(study, groups), PUBLIC_LAYER, words("title.public")
    found.to_file(
        target, layer=name, driver="GPKG", engine="pyogrio", index=True,
        layer_options={"DESCRIPTION": f"{access}. {study.scenario.name}. {note}"},
    )  # fmt: skip
    key = pd.DataFrame([{**asdict(one), "change": one.change} for one in tables.key_figures(study).values()])
    pyogrio.write_dataframe(key, target, layer="district", driver="GPKG", append=True)
    return target


def layer(study: Study) -> gpd.GeoDataFrame:
    """The buildings with ``<indicator>_base``, ``_after`` and ``_change``; EPSG:25832."""
    known = study.base.case.district.buildings
    kept = known[[*PLACE, "geometry"]].assign(changed_by_a_measure=study.affected.to_numpy(bool))
    return gpd.GeoDataFrame(kept.join(_flat(study.buildings())), geometry="geometry", crs=known.crs)


def group_layer(study: Study, groups: pd.Series) -> gpd.GeoDataFrame:
    """The same of whole groups."""
    return grouping.places(study, groups).join(_flat(grouping.sums(study, groups)))


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    states = ("base", "after", "change")
    return pd.DataFrame({f"{name}_{state}": table[state, name] for name in table["base"] for state in states})
