"""What leaves by `lobeda export`: everything for the town itself, public columns alone with --public."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import xarray as xr

from tests.viewer.districts import SECRET_CENTRE, SECRET_OWNER, small
from twin.errors import CallError, SourceError
from viewer import cli_export, privacy

FILES = ("a.city.json", "a.city.jsonl", "a.gpkg", "a.parquet", "a.glb", "tiles")


def content(place: Path) -> bytes:
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    return b"".join(file.read_bytes() for file in files)


def test_public_files_hold_public_columns_alone(tmp_path: Path) -> None:
    district = small()
    for name in FILES:
        cli_export.write(district, tmp_path / name, public=True)
        told = content(tmp_path / name)
        for secret in (SECRET_OWNER, SECRET_CENTRE, "Familie Beispiel", "district_heating"):
            assert secret.encode() not in told, (name, secret)
    columns = set(gpd.read_parquet(tmp_path / "a.parquet").columns) - {"geometry"}
    assert columns <= set(privacy.COLUMNS["buildings"])
    for layer, _ in pyogrio.list_layers(tmp_path / "a.gpkg"):
        assert layer in privacy.COLUMNS
    cli_export.write(district, tmp_path / "all.parquet")
    assert SECRET_OWNER in set(gpd.read_parquet(tmp_path / "all.parquet")["owner"])


def test_results_travel_but_not_in_public(tmp_path: Path) -> None:
    district = small()
    ids = list(district.buildings.index)
    months = np.arange(12.0) * np.ones((2, len(ids), 1)) + np.arange(2.0)[:, None, None]
    dimensions = ("scenario", "building_id", "time")
    values = dict.fromkeys(("heating_need_kwh", "air_temperature_c"), (dimensions, months))
    named = {"scenario": ["today", "later"], "building_id": ids}
    xr.Dataset(values, named).to_netcdf(tmp_path / "r.nc", engine="netcdf4")
    annual = cli_export.annual(tmp_path / "r.nc")
    cli_export.write(district, tmp_path / "a.city.json", results=annual)
    told = json.loads((tmp_path / "a.city.json").read_text())["CityObjects"]["west-0"]["attributes"]
    assert told["heating_need_kwh"] == sum(range(12)) and "air_temperature_c" not in told
    with pytest.raises(CallError, match="--public"):
        cli_export.write(district, tmp_path / "b.glb", public=True, results=annual)
    with pytest.raises(SourceError, match="Simulate again"):
        cli_export.annual(tmp_path / "a.city.json")
