"""The district as whole files for everybody: ``/api/files``, with public columns and values of whole groups.

Each is written when it is first asked for and kept while the server runs. 3D Tiles and glTF carry each
building's public facts and the modelled values of its privacy group, the same for all buildings of it.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from fastapi import APIRouter, Request
from starlette.responses import Response

from twin import exports
from twin.district import District
from twin.exports import tables, values
from twin.sources.base import Provenance
from viewer import privacy
from viewer.api import answers
from viewer.api.catalogue_record import Offered
from viewer.privacy import Released

PREFIX = "/api/files"
RETRY_S = 60
"""When to ask again for a file that could not be written."""
_log = logging.getLogger("lobeda.files")
NAMES: Mapping[str, str] = {
    "district.city.json": "application/city+json",
    "district.city.jsonl": "application/city+json-seq",
    "district.gpkg": "application/geopackage+sqlite3",
    "district.glb": "model/gltf-binary",
    "buildings.parquet": "application/vnd.apache.parquet",
}
TILESET = "3dtiles/tileset.json"
SHOWN: Mapping[str, tuple[str, str]] = {
    "district.city.json": ("CityJSON 2.0", "JSON"),
    "district.city.jsonl": ("CityJSONSeq 2.0", "TXT"),
    "district.gpkg": ("GeoPackage", "GPKG"),
    "district.glb": ("glTF 2.0", "BIN"),
    "buildings.parquet": ("GeoParquet 1.1", "PARQUET"),
    TILESET: ("3D Tiles 1.1", "JSON"),
}
"""What the catalogue calls each, and its code in the EU's list of file types, which knows few 3D formats."""
_FLAT = (".gpkg", ".parquet")


class Files:
    """Writes each file once. Safe in any thread.

    Parameters
    ----------
    groups : of the modelled values, and the group of each building.
    """

    def __init__(self, district: District, groups: Released, group: pd.Series[str]) -> None:
        self._district = privacy.public_part(district)
        self._attributes = attributes(district, groups, group)
        self._folder = tempfile.TemporaryDirectory(prefix="lobeda-files-")
        self._lock = threading.Lock()
        self._digests: dict[Path, bytes] = {}

    @property
    def holds_solids(self) -> bool:
        """Whether there are surfaces, without which there is no 3D format."""
        return bool(len(self._district.surfaces))

    @property
    def names(self) -> tuple[str, ...]:
        """The files that there are."""
        return tuple(name for name in SHOWN if self.holds_solids or name.endswith(_FLAT))

    @property
    def offered(self) -> dict[str, Offered]:
        """For the catalogue."""
        kinds = {**NAMES, TILESET: "application/json"}
        return {n: Offered(SHOWN[n][0], kinds[n], SHOWN[n][1], self.provenance(n)) for n in self.names}

    def provenance(self, name: str) -> tuple[Provenance, ...]:
        """Where all that is in a file comes from."""
        known = self._district.provenance
        inside = (
            tables.drawn(self._district) if name.endswith(".gpkg") else ("buildings", "parts", "surfaces")
        )
        return tuple(dict.fromkeys(one for table in inside for one in values.origin(known, table)))

    def path(self, name: str) -> Path | None:
        """The file of that name, written if it is not yet; None: there is none.

        Raises
        ------
        OSError : it cannot be written, for example since the disk is full.
        """
        tiles = name.startswith("3dtiles/")
        if not tiles and name not in NAMES:
            return None
        if not self.holds_solids and not name.endswith(_FLAT):
            return None
        target = Path(self._folder.name) / ("3dtiles" if tiles else name)
        with self._lock:
            if not target.exists():
                exports.write(self._district, target, self._attributes)
        file = Path(self._folder.name) / name
        inside = file.resolve().is_relative_to(target.resolve())
        return file if inside and file.is_file() else None

    def digest(self, file: Path) -> bytes:
        """SHA-256 of a file that `path` gave; they do not change any more."""
        if file not in self._digests:
            with file.open("rb") as content:
                self._digests[file] = hashlib.file_digest(content, "sha256").digest()
        return self._digests[file]

    def packed(self, file: Path, packing: str) -> bytes:
        """A file that `path` gave, packed as `answers.packed` says; packed once and kept beside."""
        if not packing:
            return file.read_bytes()
        kept = Path(self._folder.name) / "packed" / f"{self.digest(file).hex()}.{packing}"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                beside = Path(folder) / kept.name
                beside.write_bytes(answers.packed(file.read_bytes(), packing))
                beside.replace(kept)
        return kept.read_bytes()

    def close(self) -> None:
        """Remove what was written."""
        self._folder.cleanup()


def attributes(district: District, groups: Released, group: pd.Series[str]) -> pd.DataFrame:
    """Public columns of the buildings, and the values of each one's group as ``group_…``."""
    own = pd.DataFrame(privacy.released(district)["buildings"].table.drop(columns="geometry"))
    shown = group[group != privacy.HIDDEN].reindex(own.index)
    values = groups.table.drop(columns="geometry").add_prefix("group_")
    return own.assign(group_id=shown).join(values, on="group_id")


def _read(file: Path, wanted: range) -> bytes:
    with file.open("rb") as content:
        content.seek(wanted.start)
        return content.read(len(wanted))


def router(files: Files) -> APIRouter:
    """The routes of `files`."""
    routes = APIRouter(prefix=PREFIX)

    def send(request: Request, name: str) -> Response:
        if request.query_params:
            return answers.failure(request, 400, "InvalidParameterValue", "there are no parameters here")
        try:
            return sent(request, name)
        except OSError as error:
            _log.error("the file %s cannot be written: %s", name, error)
            said = "it cannot be written now: the server's disk may be full"
            return answers.failure(request, 503, "NotAvailable", said, {"Retry-After": str(RETRY_S)})

    def sent(request: Request, name: str) -> Response:
        file = files.path(name)
        if file is None:
            known = ", ".join((*NAMES, TILESET))
            return answers.failure(request, 404, "NotFound", f"there is no file {name!r}; there are {known}")
        suffix = {".json": "application/json", ".glb": "model/gltf-binary"}.get(file.suffix, "")
        kind = NAMES.get(name) or suffix
        told, content = files.digest(file), partial(files.packed, file)
        size, origin, parts = file.stat().st_size, files.provenance(name), {"Accept-Ranges": "bytes"}
        wanted = answers.part(request, size)
        if wanted is None:
            return answers.answer(request, content, kind, provenance=origin, told=told, headers=parts)
        if not wanted:
            said = f"the file has {size} bytes"
            return answers.failure(
                request, 416, "RangeNotSatisfiable", said, {"Content-Range": f"bytes */{size}"}
            )
        parts["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
        return answers.answer(
            request, _read(file, wanted), kind, status=206, provenance=origin, told=told, headers=parts
        )

    routes.add_api_route("/{name:path}", send, methods=["GET", "HEAD"], include_in_schema=False)
    return routes
