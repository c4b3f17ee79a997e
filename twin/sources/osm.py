"""Buildings of OpenStreetMap: XML, PBF, and answers of Overpass in JSON (``out geom`` or with nodes).

Tags as in the OSM wiki's Key:building and Simple 3D Buildings: levels count without those in the roof, a
height is that of the highest point, a part lies inside its outline.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.sources import archive, columns, osm_elements, vectors, words
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.osm_elements import Element

LICENCE = "ODbL-1.0"
ATTRIBUTION = "© OpenStreetMap contributors"
TABLES = ("buildings", "parts")
STOREY_HEIGHT_M = 3.0
_NO_BUILDING = {"no", "demolished", "razed", "destroyed", "proposed", "none"}
# Storeys to expect of a kind of building that nobody has counted. Own estimates.
_STOREYS = {
    kind: storeys
    for storeys, kinds in {
        1.0: "garage garages carport shed hut kiosk greenhouse roof service farm_auxiliary allotment_house "
        "parking bungalow cabin static_caravan toilets bicycle_parking container sty stable cowshed",
        2.0: "house detached semidetached_house terrace farm kindergarten retail supermarket industrial "
        "warehouse school barn fire_station sports_hall sports_centre civic chapel train_station",
        3.0: "office commercial hospital university college hotel public government church",
        4.0: "apartments residential dormitory cathedral",
    }.items()
    for kind in kinds.split()
}
_HINTS = ("building:use", "amenity", "shop", "office", "tourism", "leisure", "craft", "healthcare")


def read(
    path: Path | str,
    *,
    crs: str | None = None,
    default_height_m: float | None = None,
    progress: Progress = no_progress,
) -> SourceData:
    """Buildings and building parts of an OSM file, in EPSG:25832.

    Parameters
    ----------
    path : OSM XML or PBF (also gzip, bzip2 or zip), or JSON of Overpass.
    crs : not needed, OSM is always WGS84.
    default_height_m : for buildings without height and levels; else what is usual for their kind. [m]

    Returns
    -------
    SourceData with the tables buildings and parts.

    Raises
    ------
    SourceError : unreadable, another format, or no buildings in it.
    """
    path = Path(path)
    progress(f"{path.name}: OpenStreetMap", float("nan"))
    elements, findings = _elements(path)
    outlines = [e for e in elements if e.tags.get("building", "no") not in _NO_BUILDING]
    inner = [e for e in elements if "building" not in e.tags and e.tags.get("building:part", "no") != "no"]
    buildings, found = _areas(outlines, path)
    parts, more = _areas(inner, path)
    if buildings.empty:
        raise SourceError(
            "no buildings: the file holds no area tagged building", path, "Extract a larger area"
        )
    findings += found + more
    parts, lost = _in_buildings(parts, buildings, path.name)
    table, notes = _building_table(buildings, parts, path.name, default_height_m)
    findings += lost + notes
    record = Provenance("buildings", "OpenStreetMap", path.name, LICENCE, ATTRIBUTION)
    tables: dict[str, pd.DataFrame] = {"buildings": table}
    if len(parts):
        tables["parts"] = _part_table(parts, table)
    return SourceData(tables, findings=findings, provenance=[record])


def _elements(path: Path) -> tuple[list[Element], list[Finding]]:
    """The elements of the file, or of the one in its archive."""
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError("the file is empty", path, "Download it again")
    members = archive.members(path)
    if len(members) == 1 and members[0].name is None:
        return osm_elements.read(path)
    with tempfile.TemporaryDirectory(prefix="lobeda-osm-") as folder:
        elements: list[Element] = []
        findings: list[Finding] = []
        for file in archive.extract(members, Path(folder)):
            found, more = osm_elements.read(file)
            elements += found
            findings += more
    return elements, findings


def _areas(elements: list[Element], path: Path) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Elements as rows `key`, `tags`, `geometry` in EPSG:25832; broken ones repaired or left out."""
    geometry = np.empty(len(elements), object)
    geometry[:] = [element.geometry for element in elements]
    frame = gpd.GeoDataFrame(
        {"key": [e.key for e in elements], "tags": [e.tags for e in elements]}, geometry=geometry, crs=4326
    )
    frame = frame.drop_duplicates("key").reset_index(drop=True)
    if frame.empty:
        return frame.set_crs(25832, allow_override=True), []
    moved, notes = vectors.to_25832(frame, path, None)
    areas, found = vectors.polygons(moved, path.name, frame["key"].to_numpy(object))
    return areas.reset_index(drop=True), notes + found


def _tag(frame: pd.DataFrame, *keys: str) -> pd.Series:
    """The first of `keys` that each row is tagged with, missing where none is."""
    values = [next((tags[key] for key in keys if tags.get(key, "").strip()), None) for tags in frame["tags"]]
    return pd.Series(values, index=frame.index, dtype="object")


def _levels(values: pd.Series) -> NDArray[np.float64]:
    """Whole levels; of "3;4" or "3-4" the most."""
    found = columns.numbers(values)
    several = values.astype("object").where(values.notna(), "").astype(str).str.findall(r"\d+(?:\.\d+)?")
    highest = np.array([max(map(float, words_)) if words_ else np.nan for words_ in several])
    return columns.within(np.floor(np.where(np.isnan(found), highest, found)), 0, 150)


def _heights(frame: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.object_], NDArray[np.float64]]:
    """Height of the highest point [m], where it comes from, and levels above ground without the roof's."""
    height = columns.within(columns.numbers(_tag(frame, "height", "building:height")), 0.5, 500)
    levels = _levels(_tag(frame, "building:levels"))
    roof_levels = np.nan_to_num(_levels(_tag(frame, "roof:levels")))
    roof_m = columns.within(columns.numbers(_tag(frame, "roof:height")), 0, 100)
    above = np.where(np.isnan(roof_m), roof_levels * STOREY_HEIGHT_M, roof_m)
    computed = levels * STOREY_HEIGHT_M + above
    by_levels = np.isnan(height) & (computed > 0)
    source = np.where(np.isnan(height), np.array(None, object), np.array("given:osm", object))
    source[by_levels] = f"derived:levels × {STOREY_HEIGHT_M:g} m and roof"
    return np.where(by_levels, computed, height), source, np.where(levels > 0, levels, np.nan)


def _in_buildings(
    parts: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, file: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Parts with the `building_id` of the outline that they lie in; those in none are left out and listed."""
    if parts.empty:
        return parts.assign(building_id=pd.Series(dtype="object")), []
    tree = shapely.STRtree(buildings.geometry.to_numpy())
    part, outline = tree.query(parts.geometry.to_numpy(), predicate="intersects")
    shared = shapely.area(
        shapely.intersection(parts.geometry.to_numpy()[part], buildings.geometry.to_numpy()[outline])
    )
    best = pd.DataFrame({"part": part, "outline": outline, "shared": shared}).sort_values("shared")
    best = best[best["shared"] > 0.5 * shapely.area(parts.geometry.to_numpy())[best["part"]]]
    home = best.drop_duplicates("part", keep="last").set_index("part")["outline"]
    found = home.reindex(range(len(parts)))
    lost = columns.listed(
        "left_out", file, parts.loc[found.isna().to_numpy(), "key"], "a part of a building without outline"
    )
    kept = parts[found.notna().to_numpy()]
    ids = buildings["key"].to_numpy()[found.dropna().astype(int).to_numpy()]
    return kept.assign(building_id=ids).reset_index(drop=True), lost


def _building_table(
    frame: gpd.GeoDataFrame, parts: gpd.GeoDataFrame, file: str, default_height_m: float | None
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    height, source, storeys = _heights(frame)
    if len(parts):  # a building is as high as its highest part
        tops = pd.Series(_heights(parts)[0]).groupby(parts["building_id"].to_numpy()).max()
        top = tops.reindex(frame["key"]).to_numpy()
        raised = np.isnan(height) & ~np.isnan(top)
        height, source = np.where(raised, top, height), np.where(raised, "derived:highest part", source)
    height, source, notes = _guessed(frame, height, source, file, default_height_m)
    roof = _tag(frame, "roof:shape", "building:roof:shape")
    year = columns.years(_tag(frame, "start_date", "building:start_date", "year_of_construction"))
    dwellings = columns.within(columns.numbers(_tag(frame, "building:flats")), 0, 5000)
    function, code = _functions(frame)
    out = {
        "building_id": frame["key"], "geometry": frame.geometry,
        "name": _tag(frame, "name", "addr:housename"),
        "street": _tag(frame, "addr:street", "addr:place"), "house_number": _tag(frame, "addr:housenumber"),
        "postcode": _tag(frame, "addr:postcode"), "city": _tag(frame, "addr:city"),
        "quarter": _tag(frame, "addr:suburb"), "function_code": code, "function": function,
        "function_source": _given(function), "roof_type_code": roof, "roof_type": (form := _roofs(roof)),
        "roof_type_source": _given(form), "measured_height_m": height, "measured_height_source": source,
        "storeys_above_ground": storeys, "storeys_source": _given(storeys), "year_of_construction": year,
        "year_source": _given(year), "dwellings": dwellings, "dwellings_source": _given(dwellings),
        "source": ["osm"] * len(frame), "attributes": _as_json(frame["tags"]),
    }  # fmt: skip
    table = gpd.GeoDataFrame(out, geometry="geometry", crs=frame.crs)
    return table.set_index("building_id"), notes


def _part_table(parts: gpd.GeoDataFrame, buildings: pd.DataFrame) -> gpd.GeoDataFrame:
    height, _, storeys = _heights(parts)
    height = np.where(np.isnan(height), buildings["measured_height_m"].reindex(parts["building_id"]), height)
    base = columns.within(columns.numbers(_tag(parts, "min_height", "building:min_height")), 0, 500)
    base_levels = _levels(_tag(parts, "building:min_level")) * STOREY_HEIGHT_M
    base = np.nan_to_num(np.where(np.isnan(base), base_levels, base))
    roof = _tag(parts, "roof:shape")
    out = {
        "part_id": parts["key"], "geometry": parts.geometry, "building_id": parts["building_id"],
        "roof_type_code": roof, "roof_type": _roofs(roof), "measured_height_m": height,
        "base_height_m": np.where(base < height, base, 0.0), "storeys_above_ground": storeys,
        "function_code": _tag(parts, "building:part"),
    }  # fmt: skip
    return gpd.GeoDataFrame(out, geometry="geometry", crs=parts.crs).set_index("part_id")


def _guessed(
    frame: pd.DataFrame,
    height: NDArray[np.float64],
    source: NDArray[np.object_],
    file: str,
    default_height_m: float | None,
) -> tuple[NDArray[np.float64], NDArray[np.object_], list[Finding]]:
    """Heights for buildings that have none: the user's default, else what is usual for their kind."""
    lost = np.isnan(height)
    if not lost.any():
        return height, source, []
    if default_height_m is not None:
        value, said = np.full(len(frame), default_height_m), np.full(len(frame), "default", object)
    else:
        kind = _tag(frame, "building")
        value = kind.map(_STOREYS).fillna(2.0).to_numpy(float) * STOREY_HEIGHT_M
        said = ("building=" + kind.astype(str)).to_numpy(object)
    height, source = np.where(lost, value, height), source.copy()
    source[lost] = [
        f"guessed:{why} {metres:g} m" for why, metres in zip(said[lost], value[lost], strict=True)
    ]
    how = "the default" if default_height_m is not None else "what is usual for their kind"
    text = f"{int(lost.sum())} of {len(frame)} buildings have neither height nor levels and got {how}"
    return height, source, [Finding("note", file, "heights", text)]


def _functions(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Use class and the tag's value that it was told from; ``building=yes`` says nothing: ask others."""
    code = _tag(frame, "building")
    function = code.map({value: words.function(value) for value in code.unique()}).astype("object")
    for key in _HINTS:
        values = _tag(frame, key)
        told = values.map({value: _hint(key, value) for value in values.dropna().unique()})
        free = function.isna() & told.notna()
        function[free], code[free] = told[free], values[free]
    return function.where(function.notna(), None), code


def _hint(key: str, value: str) -> str | None:
    if key in ("shop", "office", "craft") and value != "no":
        return {"shop": "retail", "office": "office", "craft": "industrial"}[key]
    return "church" if value == "place_of_worship" else words.function(value)


def _roofs(values: pd.Series) -> pd.Series:
    found = values.map({value: words.roof_type(value) for value in values.dropna().unique()}).astype("object")
    return found.where(found.notna(), None)


def _given(values: object) -> NDArray[np.object_]:
    return np.where(pd.isna(np.asarray(values)), np.array(None, object), np.array("given:osm", object))


def _as_json(tags: Iterable[dict[str, str]]) -> list[str]:
    return [json.dumps(mapping, ensure_ascii=False, sort_keys=True) for mapping in tags]
