"""The district in formats that other programs read: CityJSON, 3D Tiles, glTF, GeoPackage, GeoParquet.

Each writer takes the buildings' attributes as a table of its own, so that the caller decides which leave and
which results travel along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

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
