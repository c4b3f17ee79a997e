"""Rows as GeoJSON (RFC 7946; in other reference systems as 18-058r1 wants it)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import Collection, plain
from viewer.api.ogc.crs import Crs

Links = Sequence[dict[str, str]]


def collection(
    source: Collection, rows: NDArray[np.intp], crs: Crs, matched: int, links: Links, attribution: str
) -> bytes:
    """A FeatureCollection of the features at `rows`; `matched` counts those of all pages."""
    head = {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(rows),
        "attribution": attribution,
        "links": list(links),
    }
    features = ",".join(_features(source, rows, crs))
    return f'{dumps(head)[:-1]},"features":[{features}]}}'.encode()


def feature(source: Collection, row: int, crs: Crs, links: Links) -> bytes:
    """One feature as a document of its own."""
    text = _features(source, np.array([row]), crs)[0]
    return f'{text[:-1]},"links":{dumps(list(links))}}}'.encode()


def values(source: Collection, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    """The properties of the features at `rows`; what is missing is None."""
    part = source.table.iloc[rows]
    columns = [plain(part[one.name], one) for one in source.properties]
    names = [one.name for one in source.properties]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] if len(rows) else []


def dumps(document: object) -> str:
    """JSON without spaces, and without what JSON does not know (nan)."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _features(source: Collection, rows: NDArray[np.intp], crs: Crs) -> list[str]:
    shapes = shapely.to_geojson(systems.in_order(source.shapes(crs)[rows], crs))
    return [
        f'{{"type":"Feature","id":{dumps(name)},"geometry":{shape or "null"},"properties":{dumps(known)}}}'
        for name, shape, known in zip(source.ids[rows], shapes, values(source, rows), strict=True)
    ]
