"""The hand-set plan: CSV files in `assets/lobeda_sources`, geometry as WKT in EPSG:25832."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import assets, schema
from twin.errors import SourceError

QUARTERS = ("Lobeda-West", "Lobeda-Ost", "Lobeda-Altstadt", "Drackendorf", "Klinikum")
BOUNDS = (682300.0, 5639000.0, 686100.0, 5642000.0)
"""West, south, east, north of terrain and ground image, EPSG:25832. [m]"""


def read(name: str) -> pd.DataFrame:
    """The table `name` of the plan; a GeoDataFrame where it has a column ``wkt``.

    Raises
    ------
    SourceError : the file is missing, or a geometry cannot be read.
    """
    file = assets.path("lobeda_sources", f"{name}.csv")
    if not file.is_file():
        raise SourceError("the file is missing", file, "Install the package again")
    frame: pd.DataFrame = pd.read_csv(file, keep_default_na=False)
    if "wkt" not in frame.columns:
        return frame
    try:
        geometry = shapely.from_wkt(frame.pop("wkt").to_numpy())
    except shapely.errors.GEOSException as error:
        raise SourceError(f"a geometry cannot be read: {error}", file, "Correct the WKT") from None
    located: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=geometry, crs=schema.CRS)
    return located


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of `frame`, their values as attributes; the index as `Index`."""
    return iter(frame.itertuples())


def slug(text: str) -> str:
    """`text` as an identifier: lower case ASCII letters, digits and hyphens.

    >>> slug("Emil-Wölk-Straße 11")
    'emil-woelk-strasse-11'
    """
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.lower().replace(letter, written)
    plain = unicodedata.normalize("NFKD", text.replace("–", "-")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def direction(bearing_deg: float) -> NDArray[np.float64]:
    """Unit vector (east, north) of a bearing clockwise from north. [-]"""
    angle = np.radians(bearing_deg)
    return np.array([np.sin(angle), np.cos(angle)])


def rectangle(
    centre: tuple[float, float], bearing_deg: float, length_m: float, depth_m: float
) -> shapely.Polygon:
    """Rectangle around `centre` (EPSG:25832), its length along the bearing; corners to the millimetre."""
    along = direction(bearing_deg) * length_m / 2
    across = direction(bearing_deg + 90) * depth_m / 2
    corners = np.array([-along - across, -along + across, along + across, along - across]) + centre
    return shapely.Polygon(np.round(corners, 3)[::-1])
