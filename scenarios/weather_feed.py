"""The feed `dwd` of feeds.toml: hourly station files and the forecast MOSMIX of the German weather service.

Files are asked for with what is known of the last one (ETag, Last-Modified), so that nothing comes twice; a
download that broke off is resumed; a server that fails is asked again later, ever less often. A product that
a station does not measure (404) is left out.
"""

from __future__ import annotations

import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field

from scenarios import weather_import
from scenarios.weather_import import SOURCE, Imported
from sensors.protocols import Counters, FeedError, FeedOptions
from sensors.store import Store
from twin.errors import SourceError

BASE_URL = "https://opendata.dwd.de"
_HOURLY = "climate_environment/CDC/observations_germany/climate/hourly"
# Folder and abbreviation of the hourly products that are used.
PRODUCTS = {
    "air_temperature": "TU", "wind": "FF", "sun": "SD", "precipitation": "RR", "cloudiness": "N",
    "pressure": "P0", "dew_point": "TD",
}  # fmt: skip
_MOST_BYTES = 50 * 2**20
_TRIES = 5
_USER_AGENT = "lobeda (open-source digital twin)"


class Options(FeedOptions):
    """Section of feeds.toml.

    station : number of the station, five digits; empty: no measurements.
    forecast : MOSMIX station; empty: no forecast.
    """

    protocol: Literal["dwd"]
    station: str = Field("02444", pattern=r"^(\d{5})?$")
    forecast: str = Field("10567", pattern=r"^([A-Z0-9]{5})?$")
    base_url: str = Field(BASE_URL, pattern=r"^https?://")
    every_minutes: float = Field(60.0, ge=1.0)
    backoff_s: float = Field(5.0, ge=0.0)
    timeout_s: float = Field(30.0, gt=0.0)


def feed(name: str, options: Options) -> WeatherFeed:
    """The feed `name`."""
    return WeatherFeed(name, options)


@dataclass
class WeatherFeed:
    """Fetches, imports, waits."""

    name: str
    options: Options

    def run(self, store: Store, counters: Counters, stop: threading.Event) -> None:
        """Look for new files every `every_minutes` until `stop` is set.

        Raises
        ------
        FeedError : the server cannot be reached, or sends something else than it should.
        """
        while not stop.is_set():
            self.once(store, counters, stop)
            stop.wait(self.options.every_minutes * 60)

    def once(self, store: Store, counters: Counters, stop: threading.Event) -> list[Imported]:
        """Fetch what is new, and import it; one file's fault leaves the others."""
        done: list[Imported] = []
        faults: list[FeedError] = []
        local = httpx.URL(self.options.base_url).host in ("localhost", "127.0.0.1", "::1")
        headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        with (
            tempfile.TemporaryDirectory(prefix="lobeda-dwd-") as folder,
            httpx.Client(headers=headers, timeout=self.options.timeout_s, trust_env=not local) as http,
        ):
            for path in self.paths():
                try:
                    done += self._file(store, counters, stop, http, path, Path(folder))
                except FeedError as error:
                    counters.add(errors=1)
                    faults.append(error)
                if stop.is_set():
                    return done
        if faults:
            raise faults[0]
        return done

    def paths(self) -> list[str]:
        """Paths below the base address."""
        station, forecast = self.options.station, self.options.forecast
        found = [
            f"{_HOURLY}/{folder}/recent/stundenwerte_{short}_{station}_akt.zip"
            for folder, short in PRODUCTS.items()
            if station
        ]
        if station:
            found.append(f"{_HOURLY}/solar/stundenwerte_ST_{station}_row.zip")
        if forecast:
            folder = f"weather/local_forecasts/mos/MOSMIX_L/single_stations/{forecast}/kml"
            found.append(f"{folder}/MOSMIX_L_LATEST_{forecast}.kmz")
        return found

    def _file(
        self,
        store: Store,
        counters: Counters,
        stop: threading.Event,
        http: httpx.Client,
        path: str,
        folder: Path,
    ) -> list[Imported]:
        url = f"{self.options.base_url.rstrip('/')}/{path}"
        known = store.state(SOURCE, url) or {}
        fetched = fetch(http, url, folder / Path(path).name, known, self.options.backoff_s, stop)
        if fetched is None:
            return []
        try:
            done = weather_import.import_file(store, fetched.file)
        except SourceError as error:
            counters.add(refused=1)
            store.set_aside(self.name, path, error.what, f"{len(fetched.file.read_bytes())} bytes from {url}")
            return []
        store.put_state(SOURCE, url, fetched.validators)
        counters.add(
            received=1,
            stored=sum(one.new + one.corrected for one in done),
            duplicate=sum(one.known for one in done),
        )
        return done


@dataclass(frozen=True)
class Fetched:
    """A file, and what the server says of its state."""

    file: Path
    validators: dict[str, str]


def fetch(
    http: httpx.Client, url: str, target: Path, known: dict[str, str], backoff_s: float, stop: threading.Event
) -> Fetched | None:
    """A zip file, whole; None where it is unchanged, or where the server has none.

    known : `validators` of the file that was there last.

    Raises
    ------
    FeedError : after five attempts that brought nothing, or an answer that is no such file.
    """
    reason, tries = "", 0
    validators: dict[str, str] = {}
    while tries < _TRIES and not stop.is_set():
        before = target.stat().st_size if target.exists() else 0
        try:
            answer = _attempt(http, url, target, known, validators)
            if answer is not True:
                return None
            _check(target, url)
            return Fetched(target, validators)
        except (httpx.TransportError, _AgainError) as error:
            reason = str(error) or type(error).__name__
        grown = target.exists() and target.stat().st_size > before
        tries = 1 if grown else tries + 1
        stop.wait(min(backoff_s * 2 ** (tries - 1), 300.0))
    raise FeedError(f"no file came: {reason or 'stopped'}", url, "It is tried again later")


class _AgainError(Exception):
    """It may work the next time."""


def _attempt(
    http: httpx.Client, url: str, target: Path, known: dict[str, str], validators: dict[str, str]
) -> bool:
    """One request, a part that is there already continued; false: nothing new, or no such file."""
    headers, start = {}, target.stat().st_size if target.exists() else 0
    same = validators.get("etag") or validators.get("last-modified")
    if start and same and not same.startswith("W/"):
        headers = {"Range": f"bytes={start}-", "If-Range": same}
    else:
        start = 0
        for name, header in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
            if known.get(name):
                headers[header] = known[name]
    with http.stream("GET", url, headers=headers) as response:
        status = response.status_code
        if status in (httpx.codes.NOT_MODIFIED, httpx.codes.NOT_FOUND, httpx.codes.GONE):
            return False
        if status in (httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE, 408, 429) or status >= 500:
            if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                target.unlink(missing_ok=True)
            raise _AgainError(f"the server answered {status}")
        if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise FeedError(f"the server answered {status}", url, "Look whether the address is right")
        if status != httpx.codes.PARTIAL_CONTENT:
            start = 0
        validators.clear()
        validators.update({name: response.headers.get(name, "") for name in ("etag", "last-modified")})
        _receive(response.iter_raw, target, start, url)
    return True


def _receive(blocks: Callable[[], Any], target: Path, start: int, url: str) -> None:
    size = start
    with target.open("ab" if start else "wb") as file:
        for block in blocks():
            size += len(block)
            if size > _MOST_BYTES:
                raise FeedError(f"the file is larger than {_MOST_BYTES >> 20} MiB", url, "Check the address")
            file.write(block)


def _check(target: Path, url: str) -> None:
    """Whether the file is a whole zip file; else it is thrown away.

    Raises
    ------
    FeedError : it is something else. _AgainError : it is damaged.
    """
    with target.open("rb") as file:
        head = file.read(2)
    if head != b"PK":
        target.unlink()
        raise FeedError("the server answered with something that is no ZIP file", url, "Tried again later")
    try:
        with zipfile.ZipFile(target) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        damaged = str(error) or "cut off"
    if damaged is not None:
        target.unlink()
        raise _AgainError("the ZIP file is damaged")
