"""Addresses of Thuringia's open geodata and of OpenStreetMap for an area.

Thuringia: GDI-Th, Datenlizenz Deutschland Namensnennung 2.0. Tiles are named by the kilometres of their lower
left corner in EPSG:25832; those of the buildings are 2 km wide with even numbers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pyproj

Box = tuple[float, float, float, float]

PORTAL = "https://geoportal.geoportal-th.de"
OVERPASS = "https://overpass-api.de/api/interpreter"
_DOWNLOADS = f"{PORTAL}/gaialight-th/_apps/dladownload"
STATE = (9.8, 50.1, 12.75, 51.75)
"""Thuringia: west, south, east, north. [°]"""

DL_DE_BY = "dl-de/by-2-0"
ODBL = "ODbL-1.0"
GDI_TH = "© GDI-Th, dl-de/by-2-0"
OSM = "© OpenStreetMap contributors, ODbL"
PRODUCTS = ("lod2", "dgm1", "outlines", "dop", "osm")
_MIB = 1 << 20


@dataclass(frozen=True)
class Source:
    """One address and the file below the cache folder that its answer becomes."""

    url: str
    file: str


@dataclass(frozen=True)
class Item:
    """Something to download; of several sources the first that the server has.

    kind : ``zip`` or ``json``, what the answer must be.
    slow : the server first computes the answer, so that it may be silent for longer.
    """

    product: str
    label: str
    sources: tuple[Source, ...]
    kind: str
    max_bytes: int
    licence: str = DL_DE_BY
    attribution: str = GDI_TH
    slow: bool = False


def metres(bbox_wgs84: Box) -> Box:
    """The box around `bbox_wgs84` in EPSG:25832. [m]"""
    transformer = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bbox_wgs84)
    return west, south, east, north


def tiles(bounds_m: Box, size_km: int) -> list[tuple[int, int]]:
    """East and north kilometres of the tiles that touch the box; multiples of `size_km`."""
    west, south, east, north = (int(value // (1000 * size_km)) * size_km for value in bounds_m)
    return [(e, n) for e in range(west, east + 1, size_km) for n in range(south, north + 1, size_km)]


def items(product: str, bbox_wgs84: Box) -> list[Item]:
    """What to download of a product for an area; of ``dop`` the overview that names the images."""
    bounds = metres(bbox_wgs84)
    if product == "lod2":
        return [_lod2(e, n) for e, n in tiles(bounds, 2)]
    if product == "dgm1":
        return [_dgm1(e, n) for e, n in tiles(bounds, 1)]
    if product == "outlines":
        source = Source(f"{PORTAL}/hausko_umr/HU-TH.zip", "outlines/HU-TH.zip")
        return [Item("outlines", "Thuringia", (source,), "zip", 4096 * _MIB)]
    if product == "dop":
        return [_overview(bounds)]
    return [_overpass(bbox_wgs84)]


def _lod2(east: int, north: int) -> Item:
    name = f"LoD2_32_{east}_{north}_2_TH.zip"
    return Item(
        "lod2",
        f"{east} {north}",
        (Source(f"{PORTAL}/3dgebaeude/LoD2/{name}", f"lod2/{name}"),),
        "zip",
        512 * _MIB,
    )


def _dgm1(east: int, north: int) -> Item:
    """The newer flight, else the older one, whose files are named without the zone."""
    files = (
        ("dgm_2020-2025", f"dgm1_32_{east}_{north}_1_th_2020-2025.zip"),
        ("dgm_2014-2019", f"dgm1_{east}_{north}_1_th_2014-2019.zip"),
    )
    sources = tuple(
        Source(f"{PORTAL}/hoehendaten/DGM/{years}/{name}", f"dgm1/{name}") for years, name in files
    )
    return Item("dgm1", f"{east} {north}", sources, "zip", 256 * _MIB)


def _overview(bounds_m: Box) -> Item:
    # The service reads lists (type[], bbox[]); the plain forms before them are for servers that do not.
    corners = [f"{value:.0f}" for value in bounds_m]
    query = [("type", "op"), ("crs", "EPSG:25832"), ("bbox", ",".join(corners)), ("type[]", "op")]
    query += [("bbox[]", corner) for corner in corners]
    url = f"{_DOWNLOADS}/_ajax/overview.php?{urlencode(query)}"
    return Item(
        "dop", "overview", (Source(url, f"dop/overview_{'_'.join(corners)}.json"),), "json", 64 * _MIB
    )


def _overpass(bbox_wgs84: Box) -> Item:
    west, south, east, north = bbox_wgs84
    area = f"{south},{west},{north},{east}"
    kinds = ('way["building"]', 'relation["building"]', 'way["building:part"]')
    query = f"[out:json];({''.join(f'{kind}({area});' for kind in kinds)});out geom;"
    file = f"osm/overpass_{west}_{south}_{east}_{north}.json"
    source = Source(f"{OVERPASS}?{urlencode({'data': query})}", file)
    return Item("osm", "area", (source,), "json", 512 * _MIB, ODBL, OSM, slow=True)


def photographs(overview: Path, bounds_m: Box) -> list[Item]:
    """The newest orthophoto of each tile that the overview names; empty where it names none.

    The overview is a collection of features with `gid`, the tile as `bildnr` (``32682_5639``) and the number
    of the flight as `bildflugnr`; whatever else the answer holds is passed over.
    """
    wanted = set(tiles(bounds_m, 1))
    newest: dict[str, tuple[float, int]] = {}
    for record in _records(json.loads(overview.read_text("utf-8"))):
        gid = record["gid"]
        tile = re.fullmatch(r"(?:32)?_?(\d{3})_(\d{4})", str(record.get("bildnr", "")))
        if tile and (int(tile[1]), int(tile[2])) not in wanted:
            continue
        key = f"{tile[1]}_{tile[2]}" if tile else f"id_{gid}"
        flight = re.sub(r"\D", "", str(record.get("bildflugnr", "")))[:15]
        newest[key] = max(newest.get(key, (-1.0, -1)), (float(flight or 0), gid))
    return [_photograph(key, gid) for key, (_, gid) in sorted(newest.items())]


def _photograph(key: str, gid: int) -> Item:
    source = Source(f"{_DOWNLOADS}/download.php?type=op&id={gid}", f"dop/op_{key}_{gid}.zip")
    return Item("dop", key.replace("_", " "), (source,), "zip", 1024 * _MIB, slow=True)


def _records(answer: Any) -> list[dict[str, Any]]:
    """All objects with a whole number as `gid`, however deep."""
    found: list[dict[str, Any]] = []
    open_values = [answer]
    while open_values:
        value = open_values.pop()
        if isinstance(value, dict):
            gid = str(value.get("gid", ""))
            if re.fullmatch(r"\d{1,12}", gid):
                found.append({**value, "gid": int(gid)})
            open_values += value.values()
        elif isinstance(value, list):
            open_values += value
    return found


def at(url: str, base_url: str | None) -> str:
    """`url` with the scheme and host of `base_url`."""
    if base_url is None:
        return url
    base = urlsplit(base_url)
    rest = urlsplit(url)
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + rest.path, rest.query, ""))
