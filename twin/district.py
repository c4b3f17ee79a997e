"""The district: a frozen set of tables with terrain, ground image and provenance; a folder on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.errors import RasterioError
from shapely.geometry.base import BaseGeometry

from twin import assets, rasters, schema
from twin.errors import DistrictError, SchemaError
from twin.sources.base import Finding, Provenance
from twin.terrain import Orthophoto, Terrain

FORMAT_VERSION = 1
_BY_PLACE = ("trees", "streets", "places", "network_pipes", "hazard_areas")


@dataclass(frozen=True)
class District:
    """One table per feature type, keyed by id; never changed in place.

    Tables keep the columns of `twin.schema`; geometry is EPSG:25832, heights DHHN2016.
    """

    name: str
    buildings: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame
    parts: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    systems: pd.DataFrame
    pv: gpd.GeoDataFrame
    network_pipes: gpd.GeoDataFrame
    substations: gpd.GeoDataFrame
    usage: pd.DataFrame
    trees: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    hazard_areas: gpd.GeoDataFrame
    terrain: Terrain | None = None
    ortho: Orthophoto | None = None
    provenance: tuple[Provenance, ...] = ()
    findings: tuple[Finding, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_tables(
        cls,
        name: str,
        tables: Mapping[str, pd.DataFrame],
        *,
        terrain: Terrain | None = None,
        ortho: Orthophoto | None = None,
        provenance: Iterable[Provenance] = (),
        findings: Iterable[Finding] = (),
        metadata: Mapping[str, Any] | None = None,
        derive: bool = True,
    ) -> District:
        """A district from tables; what follows from geometry is computed where it is missing.

        Parameters
        ----------
        tables : by name; `buildings` with footprints and heights is enough.
        derive : compute surfaces, areas, volume, party walls, storeys and blocks where they are missing.

        Raises
        ------
        SchemaError : a table does not keep its schema, or names a building that does not exist.
        """
        if unknown := set(tables) - set(schema.TABLES):
            raise SchemaError(
                f"there is no table {', '.join(sorted(unknown))}",
                remedy=f"Tables are {', '.join(schema.TABLES)}",
            )
        found = list(findings)
        if derive:
            from twin import geometry

            checked, more = geometry.derive(tables, terrain)
            found += more
        else:
            checked = {table: schema.conform(table, tables.get(table)) for table in schema.TABLES}
        _check_references(checked)
        return cls(
            name=name,
            **checked,
            terrain=terrain,
            ortho=ortho,
            provenance=tuple(provenance),
            findings=tuple(found),
            metadata=dict(metadata or {}),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, in the schema's order."""
        return {table: getattr(self, table) for table in schema.TABLES}

    def replace(self, **changes: Any) -> District:
        """A district with some fields changed; changed tables are checked against the schema."""
        for table in set(changes) & set(schema.TABLES):
            changes[table] = schema.conform(table, changes[table])
        result = replace(self, **changes)
        _check_references(result.tables())
        return result

    def select(self, area: BaseGeometry | Sequence[str]) -> District:
        """The part inside `area` (EPSG:25832; buildings by representative point) or with these ids.

        Examples
        --------
        >>> district = twin.open("lobeda")
        >>> len(district.select(district.buildings.index[:2]).buildings)
        2
        """
        if isinstance(area, BaseGeometry):
            inside = shapely.intersects(area, shapely.point_on_surface(self.buildings.geometry.to_numpy()))
            keep = self.buildings.index[inside]
        else:
            keep = self.buildings.index.intersection(pd.Index(list(area)))
        tables: dict[str, Any] = dict(self.tables())
        tables["buildings"] = self.buildings.loc[keep]
        for table, frame in tables.items():
            if table in ("buildings", "blocks"):
                continue
            if "building_id" in frame.columns:
                tables[table] = frame[frame["building_id"].isin(keep) | frame["building_id"].isna()]
            if isinstance(area, BaseGeometry) and table in _BY_PLACE:
                tables[table] = frame[frame.geometry.intersects(area)]
        tables["blocks"] = self.blocks[self.blocks.index.isin(tables["buildings"]["block_id"].dropna())]
        return replace(self, **tables)

    @property
    def is_model(self) -> bool:
        """Whether the district is a model from documented facts and estimates, not survey data."""
        return bool(self.metadata.get("is_model", False))

    def digest(self) -> str:
        """Content digest of all tables and the terrain: equal for equal content, whatever the platform.

        The ground image does not count: nothing is computed from it, and it is stored as JPEG.
        """
        total = hashlib.sha256()
        for table, frame in self.tables().items():
            total.update(f"{table}:{len(frame)}".encode())
            for name, column in frame.reset_index().items():
                total.update(str(name).encode())
                total.update(_column_bytes(column))
        if self.terrain is not None:
            place = (
                *self.terrain.heights_m.shape,
                self.terrain.west_m,
                self.terrain.north_m,
                self.terrain.cell_m,
            )
            total.update(np.array(place, "<f8").tobytes())
            total.update(np.ascontiguousarray(self.terrain.heights_m, "<f4").tobytes())
        return total.hexdigest()

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the district as a folder; an existing one is replaced only once the new one is complete.

        Raises
        ------
        DistrictError : the folder is something else, or cannot be written.
        """
        target = Path(folder)
        if target.exists() and not _is_district_or_empty(target):
            raise DistrictError(
                "the folder exists and is no district", target, "Name a new folder or an existing district"
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        except OSError as error:
            raise _unwritable(target, error) from None
        try:
            self._write(beside)
            beside.chmod(0o755)
            _put_in_place(beside, target)
        except (OSError, RasterioError) as error:
            raise _unwritable(target, error) from None
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return target

    def _write(self, folder: Path) -> None:
        for table, frame in self.tables().items():
            _to_disk(table, frame, folder / f"{table}.parquet")
        if self.terrain is not None:
            rasters.write_terrain(self.terrain, folder / "terrain.tif")
        if self.ortho is not None:
            rasters.write_ortho(self.ortho, folder / "ortho.tif")
        document = {
            "format": "lobeda district",
            "version": FORMAT_VERSION,
            "name": self.name,
            "epsg": 25832,
            "vertical_datum": "DHHN2016",
            "metadata": dict(self.metadata),
            "counts": {table: len(frame) for table, frame in self.tables().items()},
            "provenance": [asdict(record) for record in self.provenance],
            "findings": [asdict(finding) for finding in self.findings],
        }
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / "district.json").write_text(text + "\n", "utf-8")

    def plot(self, values: Any = None, **options: Any) -> Any:
        """The district as a pyvista plotter, coloured by `values` per building (a series or DataArray).

        Options and errors: see `twin.picture.plot`.

        Examples
        --------
        >>> district = twin.open("lobeda")
        >>> plotter = district.plot("measured_height_m", off_screen=True, window_size=(300, 200))
        >>> plotter.screenshot(None, return_img=True).shape
        (200, 300, 3)
        >>> plotter.close()
        """
        from twin import picture

        return picture.plot(self, values, **options)


def open_district(place: str | os.PathLike[str] = "lobeda") -> District:
    """Open a district folder; ``"lobeda"`` is the shipped sample unless a folder of that name is a district.

    Raises
    ------
    DistrictError : no such folder, no district in it, or a version that this software cannot read.

    Examples
    --------
    >>> district = twin.open("lobeda")
    >>> "year_of_construction" in district.buildings
    True
    """
    folder = Path(place)
    if str(place) == "lobeda" and not (folder / "district.json").is_file():
        folder = assets.path("lobeda")
    document = folder / "district.json"
    if not folder.is_dir():
        raise DistrictError(
            "there is no such folder", folder, "Make one with `lobeda import` or `lobeda fetch`"
        )
    if not document.is_file():
        raise DistrictError(
            "the folder holds no district.json", folder, "Name a folder that `lobeda import` wrote"
        )
    try:
        head = json.loads(document.read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise DistrictError(
            f"district.json cannot be read: {error}", folder, "Import the district again"
        ) from None
    if not isinstance(head, dict) or not isinstance(head.get("version"), int):
        raise DistrictError("district.json is of another program", folder, "Import the district again")
    if head["version"] > FORMAT_VERSION:
        raise DistrictError(
            f"the district has version {head['version']}, this software reads up to {FORMAT_VERSION}",
            folder,
            "Update the software (pip install --upgrade lobeda)",
        )
    tables: dict[str, Any] = {
        table: _from_disk(table, folder / f"{table}.parquet") for table in schema.TABLES
    }
    terrain, ortho = folder / "terrain.tif", folder / "ortho.tif"
    try:
        provenance = tuple(Provenance(**record) for record in head.get("provenance", []))
        findings = tuple(Finding(**record) for record in head.get("findings", []))
    except TypeError as error:
        raise DistrictError(
            f"district.json is damaged: {error}", folder, "Import the district again"
        ) from None
    return District(
        name=str(head.get("name", folder.name)),
        **tables,
        terrain=rasters.read_terrain(terrain) if terrain.is_file() else None,
        ortho=rasters.read_ortho(ortho) if ortho.is_file() else None,
        provenance=provenance,
        findings=findings,
        metadata=head.get("metadata", {}),
    )


def _to_disk(table: str, frame: pd.DataFrame, file: Path) -> None:
    counts = [c.column for c in schema.columns(table).values() if c.dtype == "count"]
    frame = frame.assign(**{name: frame[name].round().astype("Int32") for name in counts})
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(file, compression="zstd", schema_version="1.1.0", write_covering_bbox=False)
    else:
        frame.to_parquet(file, compression="zstd")


def _from_disk(table: str, file: Path) -> pd.DataFrame:
    if not file.is_file():  # a table that a later version added
        return schema.empty(table)
    try:
        frame = gpd.read_parquet(file) if schema.has_geometry(table) else pd.read_parquet(file)
    except (ValueError, OSError) as error:
        raise DistrictError(f"the table cannot be read: {error}", file, "Import the district again") from None
    return schema.conform(table, frame)


def _unwritable(target: Path, error: Exception) -> DistrictError:
    return DistrictError(
        f"the folder cannot be written: {error}", target, "Free some space or name another folder"
    )


def _put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`; what was there is removed, or put back if that fails."""
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / "old")
    try:
        new.rename(target)
    except BaseException:
        (old / "old").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _is_district_or_empty(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "district.json").is_file() or not any(folder.iterdir()))


def _check_references(tables: Mapping[str, pd.DataFrame]) -> None:
    known = tables["buildings"].index
    for table in ("surfaces", "parts", "systems", "usage", "pv", "substations"):
        ids = tables[table]["building_id"].dropna()
        if (lost := ids[~ids.isin(known)]).size:
            raise SchemaError(f"building_id {lost.iloc[0]!r} is not in the table buildings", f"table {table}")
    blocks = tables["buildings"]["block_id"].dropna()
    if (lost := blocks[~blocks.isin(tables["blocks"].index)]).size:
        raise SchemaError(f"block_id {lost.iloc[0]!r} is not in the table blocks", "table buildings")


def _column_bytes(column: pd.Series) -> bytes:
    if isinstance(column.dtype, gpd.array.GeometryDtype):
        shapes = shapely.to_wkb(column.to_numpy(), byte_order=1, output_dimension=3)
        return b"\x1f".join(b"" if shape is None else shape for shape in shapes)
    if column.dtype == "float64":
        numbers = column.to_numpy("<f8")
        return np.where(np.isnan(numbers), np.nan, numbers + 0.0).tobytes()  # one nan, one zero
    return "\x1f".join("" if pd.isna(v) else str(v) for v in column).encode()
