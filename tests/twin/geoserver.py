"""A server on 127.0.0.1 with the paths of the Thuringian portal and of Overpass, and with their bad days."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import rasterio
from rasterio.transform import Affine

APPS = "/gaialight-th/_apps/dladownload"
OVERVIEW, DOWNLOAD = f"{APPS}/_ajax/overview.php", f"{APPS}/download.php"
OVERPASS = "/api/interpreter"
OUTLINES = "/hausko_umr/HU-TH.zip"


def lod2(east: int, north: int) -> str:
    return f"/3dgebaeude/LoD2/LoD2_32_{east}_{north}_2_TH.zip"


def dgm1(east: int, north: int) -> str:
    return f"/hoehendaten/DGM/dgm_2020-2025/dgm1_32_{east}_{north}_1_th_2020-2025.zip"


def older_dgm1(east: int, north: int) -> str:
    return f"/hoehendaten/DGM/dgm_2014-2019/dgm1_{east}_{north}_1_th_2014-2019.zip"


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def height(x: float | np.ndarray, y: float | np.ndarray) -> float | np.ndarray:
    """The made-up relief: rises 1 in 100 to the east and 1 in 50 to the north."""
    return 150 + 0.01 * (x - 682_000) + 0.02 * (y - 5_639_000)


def terrain_tile(east: int, north: int, cell: float = 20.0) -> bytes:
    """A zipped GeoTIFF of 1 km."""
    size = int(1000 / cell)
    x = east * 1000 + cell * (np.arange(size) + 0.5)
    y = (north + 1) * 1000 - cell * (np.arange(size) + 0.5)
    values = height(x[None], y[:, None]).astype("float32")
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "float32", "nodata": -9999,
        "crs": "EPSG:25832", "transform": Affine(cell, 0, east * 1000, 0, -cell, (north + 1) * 1000),
    }  # fmt: skip
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(values, 1)
        return zipped(f"dgm1_{east}_{north}.tif", memory.read())


def photograph(east: int, north: int) -> bytes:
    """A zipped RGB GeoTIFF of 1 km, all of one colour."""
    profile = {
        "driver": "GTiff", "width": 50, "height": 50, "count": 3, "dtype": "uint8", "crs": "EPSG:25832",
        "transform": Affine(20, 0, east * 1000, 0, -20, (north + 1) * 1000),
    }  # fmt: skip
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(np.full((3, 50, 50), 120, "uint8"))
        return zipped(f"dop_{east}_{north}.tif", memory.read())


def city(east: int, north: int) -> bytes:
    """A zipped CityGML of one box of 10 × 10 × 12 m in the middle of the tile, on the made-up relief."""
    x, y = (east + 1) * 1000, (north + 1) * 1000
    z = height(x, y)
    corners = [(x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10)]
    faces = [[(*corner, z) for corner in reversed(corners)], [(*corner, z + 12) for corner in corners]]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        faces.append([(x0, y0, z), (x1, y1, z), (x1, y1, z + 12), (x0, y0, z + 12)])
    members = "".join(
        "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>"
        + " ".join(f"{value:.3f}" for point in [*face, face[0]] for value in point)
        + "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
        for face in faces
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<core:CityModel xmlns:core="http://www.opengis.net/citygml/1.0" '
        'xmlns:bldg="http://www.opengis.net/citygml/building/1.0" xmlns:gml="http://www.opengis.net/gml">'
        '<gml:boundedBy><gml:Envelope srsName="urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH" srsDimension="3">'
        f"<gml:lowerCorner>{x} {y} {z}</gml:lowerCorner><gml:upperCorner>{x + 10} {y + 10} {z + 12}"
        "</gml:upperCorner></gml:Envelope></gml:boundedBy><core:cityObjectMember>"
        f'<bldg:Building gml:id="B{east}{north}">'
        f"<bldg:function>31001_1010</bldg:function><bldg:measuredHeight>12</bldg:measuredHeight>"
        f"<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface>{members}</gml:CompositeSurface>"
        "</gml:exterior></gml:Solid></bldg:lod2Solid></bldg:Building></core:cityObjectMember></core:CityModel>"
    )
    return zipped(f"LoD2_32_{east}_{north}_2_TH.gml", text.encode())


def overpass() -> bytes:
    ring = [(50.88, 11.61), (50.88, 11.6102), (50.8801, 11.6102), (50.8801, 11.61), (50.88, 11.61)]
    way = {
        "type": "way", "id": 7, "tags": {"building": "apartments", "building:levels": "5"},
        "geometry": [{"lat": lat, "lon": lon} for lat, lon in ring],
    }  # fmt: skip
    head = {"version": 0.6, "generator": "Overpass API", "osm3s": {"copyright": "ODbL"}}
    return json.dumps({**head, "elements": [way]}).encode()


Answer = Callable[["Handler", "GeoServer"], None]


@dataclass
class GeoServer:
    """What the server has, how it misbehaves, and what it was asked."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    always: dict[str, Answer] = field(default_factory=dict)
    validators: bool = True
    requests: Counter[str] = field(default_factory=Counter)
    queries: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    ranges: list[tuple[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def fail_once(self, path: str, *answers: Answer) -> None:
        """Answer the next requests of `path` like this, each one time."""
        self.faults.setdefault(path, []).extend(answers)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: GeoServer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        state, path = self.state, urlsplit(self.path).path
        with _lock:
            state.requests[path] += 1
            state.queries.append((path, parse_qs(urlsplit(self.path).query)))
            state.at_once += 1
            state.most_at_once = max(state.most_at_once, state.at_once)
            fault = state.faults[path].pop(0) if state.faults.get(path) else state.always.get(path)
        try:
            if fault is not None:
                fault(self, state)
            else:
                self.send_file(state)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with _lock:
                state.at_once -= 1

    def key(self) -> str:
        parts = urlsplit(self.path)
        if parts.path == DOWNLOAD:
            return f"{DOWNLOAD}?id={parse_qs(parts.query)['id'][0]}"
        return parts.path

    def send_file(self, state: GeoServer, upto: int | None = None) -> None:
        """The file, or the range of it that was asked for; `upto` breaks off after so many bytes."""
        content = state.files.get(self.key())
        if content is None:
            self.reply(404, b"not here")
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:12]}"'
        asked, start = self.headers.get("Range"), 0
        if asked and state.validators and self.headers.get("If-Range") in (tag, None):
            state.ranges.append((self.key(), asked))
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if state.validators:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(body if upto is None else body[:upto])
        if upto is not None and upto < len(body):
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_lock = threading.Lock()


def cut_off(after: int) -> Answer:
    """Send so many bytes and close the connection."""
    return lambda handler, state: handler.send_file(state, upto=after)


def status(code: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, state: handler.reply(code, b"no", named)


def page(handler: Handler, state: GeoServer) -> None:
    """A web page with status 200, as portals send it during maintenance."""
    body = b"<!DOCTYPE html>\n<html><head><title>Wartungsarbeiten</title></head><body>Bald</body></html>"
    handler.reply(200, body, {"Content-Type": "application/octet-stream"})


def truncated(handler: Handler, state: GeoServer) -> None:
    """Half of the file, said to be all of it."""
    content = state.files[handler.key()]
    handler.reply(200, content[: len(content) // 2])


def hang(handler: Handler, state: GeoServer) -> None:
    """Take the request and say nothing."""
    state.released.wait(30)
    handler.close_connection = True


def drip(handler: Handler, state: GeoServer) -> None:
    """A byte now and then."""
    content = state.files[handler.key()]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.send_header("ETag", '"drip"')
    handler.end_headers()
    for position in range(len(content)):
        handler.wfile.write(content[position : position + 1])
        handler.wfile.flush()
        if state.released.is_set():
            break
        time.sleep(0.05)
    handler.close_connection = True


@contextmanager
def serving(state: GeoServer) -> Iterator[GeoServer]:
    handler = type("BoundHandler", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def small_lobeda() -> GeoServer:
    """All that `fetch` asks for the area of Lobeda, in small."""
    state = GeoServer()
    for east in (682, 684):
        for north in (5638, 5640):
            state.files[lod2(east, north)] = city(east, north)
    features = []
    for east in range(682, 686):
        for north in range(5639, 5642):
            state.files[dgm1(east, north)] = terrain_tile(east, north)
            gid = east * 10_000 + north
            for flight, number in ((gid, 202301), (gid + 1, 201901)):  # an older flight must not be taken
                properties = {"gid": flight, "bildnr": f"32{east}_{north}", "bildflugnr": number}
                features.append({"type": "Feature", "properties": properties})
            state.files[f"{DOWNLOAD}?id={gid}"] = photograph(east, north)
    features.append(
        {"type": "Feature", "properties": {"gid": 1, "bildnr": "32700_5700", "bildflugnr": 202301}}
    )
    state.files[OVERVIEW] = json.dumps({"success": True, "result": {"features": features}}).encode()
    state.files[OVERPASS] = overpass()
    state.files[OUTLINES] = zipped("HU-TH.txt", b"outlines")
    return state
