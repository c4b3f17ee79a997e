"""The district in formats that other programs read: CityJSON, 3D Tiles, glTF, GeoPackage, GeoParquet.

Each writer takes the buildings' attributes as a table of its own, so that the caller decides which leave and
which results travel along.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from pyogrio.errors import DataSourceError, FeatureError

from twin.district import District
from twin.errors import CallError
from twin.exports import cityjson, tables, tiles

Write = Callable[[District, Path, pd.DataFrame], None]
WRITERS: Mapping[str, Write] = {
    ".city.json": cityjson.write,
    ".city.jsonl": cityjson.write_sequence,
    ".gpkg": tables.write_gpkg,
    ".parquet": tables.write_parquet,
    ".glb": tiles.write_glb_file,
}


def writer(target: Path) -> Write:
    """The writer for a file by its suffix; for a name without one, of a folder of 3D Tiles.

    Raises
    ------
    CallError : another suffix.
    """
    name = target.name.lower()
    found = next((write for suffix, write in WRITERS.items() if name.endswith(suffix)), None)
    if found is not None:
        return found
    if target.suffix:
        known = ", ".join(WRITERS)
        raise CallError(f"cannot export to {target.suffix}", target, f"Use {known}, or a folder for 3D Tiles")
    return tiles.write


def write(district: District, target: Path, attributes: pd.DataFrame, *, undulation_m: float = 0.0) -> None:
    """Write by suffix, whole or not at all: beside, then renamed.

    Parameters
    ----------
    undulation_m : of 3D Tiles: the quasigeoid's height above the ellipsoid.

    Raises
    ------
    CallError : another suffix, or the district has no surfaces.
    OSError : it cannot be written there, for example since the disk is full.
    """
    found = writer(target)
    if found is tiles.write:
        found = partial(tiles.write, undulation_m=undulation_m)
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=target.resolve().parent))
    try:
        beside = folder / target.name
        found(district, beside, attributes)
        if target.is_dir():
            target.rmdir()
        beside.replace(target)
    except (DataSourceError, FeatureError) as error:  # how GDAL says that it cannot write
        raise OSError(f"{target} cannot be written: {error}") from error
    finally:
        shutil.rmtree(folder)
