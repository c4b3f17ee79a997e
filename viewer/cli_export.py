"""`lobeda export`: the district in formats that other programs read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import geopandas as gpd

from twin import mesh
from twin.district import District
from twin.errors import CallError

SUFFIXES = (".glb", ".gpkg", ".parquet")


def write(district: District, file: Path) -> None:
    """Write by suffix: .glb (meshes with building index), .gpkg (all tables), .parquet (the buildings).

    Raises
    ------
    CallError : another suffix, or a folder that does not exist.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise CallError(f"cannot export to {file.suffix or 'a folder'}", file, f"Use {', '.join(SUFFIXES)}")
    if not file.resolve().parent.is_dir():
        raise CallError("there is no such folder", file.resolve().parent, "Make it, or name another file")
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=file.resolve().parent))
    try:
        beside = folder / file.name
        if file.suffix.lower() == ".glb":
            beside.write_bytes(mesh.glb(district))
        elif file.suffix.lower() == ".gpkg":
            for table, frame in district.tables().items():
                if isinstance(frame, gpd.GeoDataFrame) and len(frame):
                    frame.to_file(beside, layer=table, driver="GPKG", engine="pyogrio")
        else:
            district.buildings.to_parquet(beside)
        beside.replace(file)
    finally:
        shutil.rmtree(folder)
