"""Footprints of buildings from any vector file: GeoPackage, GeoJSON, shapefile, FlatGeobuf, KML and the rest.

Heights are taken from a column of heights, else from the storeys, else from the default that the user states.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import columns, vectors, words
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress

LICENCE = "as the file's owner says"
TABLES = ("buildings",)
STOREY_HEIGHT_M = 3.0

_NAMES = {
    role: tuple(names.split())
    for role, names in {
        "building_id": "gmlid buildingid gebaeudeid gebid oi objektid objid uuid identifier osmid id",
        "height": """
            measuredheight measuredheightm hoehe height gebaeudehoehe gebhoehe objekthoehe
            hoeheobjekt bldgheight buildingheight heightm firsthoehe hoehegeb hgeb relhoehe relh
            heightmax hmax objhoehe traufhoehe""",
        "storeys": """
            storeysaboveground anzahlderoberirdischengeschosse anzahlgs anzahlgeschosse aog
            geschosse geschosszahl geschossanzahl vollgeschosse oberirdischegeschosse storeys
            stories storey buildinglevels levels floors numfloors numberoffloors nfloors etagen
            anzetagen""",
        "roof": "rooftype dachform dfo daf roofshape dachtyp dachart",
        "function": """
            function gfk gebaeudefunktion funktion gebfunktion nutzung buildinguse usage use
            gebaeudenutzung gfkbez building buildingtype class""",
        "year": """
            yearofconstruction baujahr bauj bja year yearbuilt constructionyear jahr startdate
            beginn fertigstellung""",
        "dwellings": """
            dwellings wohnungen wohneinheiten anzahlwohnungen anzwohn anzahlwe we dwellingunits
            buildingflats flats households numberofdwellings units""",
        "name": "name gebaeudename bezeichnung bez eigenname nam",
        "street": "street strasse strassenname str addrstreet streetname lage adrstrasse",
        "house_number": "housenumber hausnummer hausnr hnr hsnr addrhousenumber nummer",
        "suffix": "hausnummernzusatz hausnrzusatz hnrzusatz adz zusatz hnrz",
        "postcode": "postcode plz postleitzahl addrpostcode zip zipcode",
        "city": "city ort stadt gemeinde addrcity ortsname locality",
        "address": "address adresse anschrift",
        "quarter": "quarter ortsteil stadtteil district quartier",
        "ground": "groundheight gelaendehoehe bodenhoehe hoehegrund hgrund groundelevation dgmhoehe",
    }.items()
}
_ADDRESS = r"^\s*(?P<street>\D.*?)\s+(?P<number>\d+\s*[a-zA-Z]?(?:\s*[-–/]\s*\d+\s*[a-zA-Z]?)?)\s*(?:,|$)"


def read(
    path: Path | str,
    *,
    crs: str | None = None,
    default_height_m: float | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    progress: Progress = no_progress,
) -> SourceData:
    """Buildings from the areas of a vector file, in EPSG:25832.

    Parameters
    ----------
    path : file, zip with files, or folder (shapefiles, FileGDB).
    crs : for a file that names none.
    default_height_m : for footprints with neither height nor storeys. [m]
    bounds : west, south, east, north in EPSG:25832: only what touches it. [m]

    Returns
    -------
    SourceData with the table buildings; repaired and left out records as findings.

    Raises
    ------
    SourceError : unreadable, no CRS, degrees where metres are said, no buildings in it, or no heights at all
        and no default.
    """
    path = Path(path)
    frames: list[gpd.GeoDataFrame] = []
    findings: list[Finding] = []
    for layer, raw in vectors.layers(path, bounds=bounds):
        progress(f"{path.name}: {layer}", float("nan"))
        if raw.empty or raw.active_geometry_name is None:
            continue
        moved, notes = vectors.to_25832(raw, path, crs)
        frame, found = vectors.polygons(moved, path.name, _records(raw, layer))
        findings += notes + found
        if len(frame):
            frames.append(_buildings(frame, path.stem, layer))
    if not frames:
        raise SourceError(
            "no buildings: the file holds no areas", path, "Pass a file with polygons of buildings"
        )
    table, found = _one_each(pd.concat(frames, ignore_index=True), path.name)
    table, more = with_heights(table, path, default_height_m)
    record = Provenance("buildings", "footprints", path.name, LICENCE)
    return SourceData(
        {"buildings": table.set_index("building_id")},
        findings=[*findings, *found, *more],
        provenance=[record],
    )


def _records(frame: gpd.GeoDataFrame, layer: str) -> NDArray[np.object_]:
    """What to call each row: the source's id, else layer and feature number."""
    chosen = columns.first(_fields(frame), {"id": _NAMES["building_id"]})
    plain = np.array([f"{layer} feature {fid}" for fid in frame.index], object)
    if "id" not in chosen:
        return plain
    ids = columns.texts(frame[chosen["id"]]).to_numpy()
    return np.where(pd.isna(ids), plain, ids)


def _fields(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name != getattr(frame, "active_geometry_name", None)]


def _buildings(frame: gpd.GeoDataFrame, stem: str, layer: str) -> gpd.GeoDataFrame:
    """The schema's columns of one layer, as far as it has them."""
    chosen = columns.first(_fields(frame), _NAMES)
    get: Callable[[str], pd.Series] = lambda role: frame[chosen[role]]  # noqa: E731 - short and local
    own = np.array(
        [f"{stem}-{layer}-{fid}" if layer != stem else f"{stem}-{fid}" for fid in frame.index], object
    )
    out: dict[str, object] = {"geometry": frame.geometry.to_numpy(), "source": ["footprints"] * len(frame)}
    ids = (
        columns.texts(get("building_id")).to_numpy() if "building_id" in chosen else np.full(len(frame), None)
    )
    out["building_id"] = np.where(pd.isna(ids), own, ids)
    for role in ("name", "street", "house_number", "postcode", "city", "quarter"):
        if role in chosen:
            out[role] = columns.texts(get(role)).to_numpy()
    out |= _numeric(frame, chosen) | _coded(frame, chosen) | _address(frame, chosen)
    out["attributes"] = _rest(frame, set(chosen.values()))
    return gpd.GeoDataFrame(out, geometry="geometry", crs=CRS)


def _numeric(frame: pd.DataFrame, chosen: dict[str, str]) -> dict[str, object]:
    out: dict[str, object] = {}
    limits = {
        "height": (0.5, 500.0),
        "storeys": (1.0, 150.0),
        "dwellings": (0.0, 5000.0),
        "ground": (-400.0, 9000.0),
    }
    into = {
        "height": ("measured_height_m", "measured_height_source"),
        "storeys": ("storeys_above_ground", "storeys_source"),
        "dwellings": ("dwellings", "dwellings_source"),
        "ground": ("ground_height_m", "ground_height_source"),
        "year": ("year_of_construction", "year_source"),
    }
    for role, (column, source) in into.items():
        if role not in chosen:
            values = np.full(len(frame), np.nan)
        elif role == "year":
            values = columns.years(frame[chosen[role]])
        else:
            values = columns.within(columns.numbers(frame[chosen[role]]), *limits[role])
        if role in ("storeys", "dwellings"):
            values = np.floor(values)
        out[column] = values
        out[source] = given(values)
    return out


def given(values: object) -> NDArray[np.object_]:
    """``given:footprints`` where there is a value, shape as `values`."""
    return np.where(pd.isna(np.asarray(values)), np.array(None, object), np.array("given:footprints", object))


def _coded(frame: pd.DataFrame, chosen: dict[str, str]) -> dict[str, object]:
    """Use and roof form: the source's code or word, and ours."""
    out: dict[str, object] = {}
    for role, told in (("function", words.function), ("roof", words.roof_type)):
        if role not in chosen:
            continue
        name = "function" if role == "function" else "roof_type"
        codes = columns.texts(frame[chosen[role]])
        meaning = codes.map({code: told(code) for code in codes.dropna().unique()}).astype("object")
        meaning = meaning.where(meaning.notna(), None)
        out[f"{name}_code"] = codes.to_numpy()
        out[name] = meaning.to_numpy()
        out[f"{name}_source"] = given(meaning)
    return out


def _address(frame: pd.DataFrame, chosen: dict[str, str]) -> dict[str, object]:
    """Street and number out of one address column, or number and suffix joined."""
    if "house_number" in chosen and "suffix" in chosen:
        number = columns.texts(frame[chosen["house_number"]])
        suffix = columns.texts(frame[chosen["suffix"]]).fillna("")
        return {"house_number": (number + suffix.where(number.notna(), "")).to_numpy()}
    if "address" not in chosen or "street" in chosen:
        return {}
    parts = columns.texts(frame[chosen["address"]]).astype("str").str.extract(_ADDRESS)
    return {
        "street": columns.texts(parts["street"]).to_numpy(),
        "house_number": columns.texts(parts["number"]).to_numpy(),
    }


def _rest(frame: pd.DataFrame, used: set[str]) -> NDArray[np.object_]:
    """What no column of ours takes, as a JSON object a row."""
    names = [name for name in _fields(frame) if name not in used]
    if not names:
        return np.full(len(frame), None)
    columns_text = {name: columns.texts(frame[name]).to_list() for name in names}
    out = np.empty(len(frame), object)
    for row, values in enumerate(zip(*columns_text.values(), strict=True)):
        known = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        out[row] = json.dumps(known, ensure_ascii=False) if known else None
    return out


def _one_each(table: gpd.GeoDataFrame, file: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Every building once: the same id with the same footprint is left out, with another one renamed."""
    findings: list[Finding] = []
    again = table["building_id"].duplicated(keep="first")
    if not again.any():
        return table, findings
    shape = shapely.to_wkb(shapely.normalize(table.geometry.to_numpy()))
    same = pd.DataFrame({"id": table["building_id"], "shape": shape}).duplicated(keep="first")
    findings += columns.listed("left_out", file, table.loc[same, "building_id"], "the building stands twice")
    table = table[~same].reset_index(drop=True)
    number = table.groupby("building_id").cumcount()
    other = number > 0
    renamed = table["building_id"] + "-" + (number + 1).astype(str)
    findings += columns.listed(
        "repaired", file, table.loc[other, "building_id"], "the id stood twice, a number was added"
    )
    table.loc[other, "building_id"] = renamed[other]
    return _unique(table), findings


def _unique(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Where a renamed id met one that was there, the row number makes it unique."""
    clash = table["building_id"].duplicated(keep="first")
    table.loc[clash, "building_id"] += "-" + table.index[clash].astype(str)
    return table


def with_heights(
    table: gpd.GeoDataFrame, path: Path, default_height_m: float | None
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """`measured_height_m` for every row: given, from storeys, the default, or the median of the others.

    Raises
    ------
    SourceError : no row has a height or storeys, and there is no default.
    """
    height = table["measured_height_m"].to_numpy(float, copy=True)
    source = table["measured_height_source"].to_numpy(object, copy=True)
    storeys = table["storeys_above_ground"].to_numpy(float)
    by_storeys = np.isnan(height) & ~np.isnan(storeys)
    height[by_storeys] = storeys[by_storeys] * STOREY_HEIGHT_M
    source[by_storeys] = f"derived:storeys × {STOREY_HEIGHT_M:g} m"
    lost = np.isnan(height)
    findings: list[Finding] = []
    if lost.any():
        if default_height_m is None and lost.all():
            raise SourceError(
                "there are neither heights nor storeys",
                path,
                "Name a height with --default-height, for instance 9",
            )
        median = default_height_m is None
        value = float(np.round(np.nanmedian(height), 1)) if default_height_m is None else default_height_m
        height[lost] = value
        source[lost] = f"guessed:{'median of the file' if median else 'default'} {value:g} m"
        text = f"{int(lost.sum())} buildings without height stand {value:g} m high"
        findings.append(
            Finding("note", path.name, "heights", text + (" (the median of the others)" if median else ""))
        )
    return table.assign(measured_height_m=height, measured_height_source=source), findings


def clip(path: Path, bounds: tuple[float, float, float, float], target: Path) -> int:
    """Write what of `path` touches `bounds` (EPSG:25832) as a GeoPackage; how many rows it has."""
    rows = 0
    beside = target.with_name(f".{target.name}.part.gpkg")
    beside.unlink(missing_ok=True)
    for layer, frame in vectors.layers(path, bounds=bounds):
        if len(frame) and frame.active_geometry_name is not None:
            frame.to_file(beside, layer=layer, driver="GPKG", engine="pyogrio")
            rows += len(frame)
    if rows:
        beside.replace(target)
    return rows
