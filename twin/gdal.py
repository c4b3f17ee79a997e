"""GDAL held to the file that it is given: nothing is fetched, whatever the file names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyogrio
import rasterio

CLOSED = {
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",  # no /vsicurl/ and its kin
    "GDAL_HTTP_PROXY": "http://127.0.0.1:1",  # all else asks a proxy where none can listen
    "GDAL_HTTPS_PROXY": "http://127.0.0.1:1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GML_DOWNLOAD_SCHEMA": "NO",
    "GML_SKIP_RESOLVE_ELEMS": "ALL",
    "LIBKML_EXTERNAL_STYLE": "NO",
    "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
    "OGR_SQLITE_STATIC_VIRTUAL_OGR": "NO",
    "ALLOW_VIRTUAL_OGR_FROM_TRIGGER_AND_VIEW": "NO",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
}
"""The second line, behind the choice of formats: options under which GDAL cannot reach another host."""

_lock = threading.Lock()
_inside = 0
_before: dict[str, object] = {}


def rasters() -> rasterio.Env:
    """For a with statement: what this thread opens with rasterio in it stays closed."""
    return rasterio.Env(**CLOSED)


@contextmanager
def vectors() -> Iterator[None]:
    """While it lasts, what pyogrio opens stays closed; then its options are as they were.

    pyogrio has no options of one thread: its other users are closed for as long, too.
    """
    global _inside
    with _lock:
        if not _inside:
            _before.update({name: pyogrio.get_gdal_config_option(name) for name in CLOSED})
            pyogrio.set_gdal_config_options(CLOSED)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                pyogrio.set_gdal_config_options(_before)
