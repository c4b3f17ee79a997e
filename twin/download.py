"""Downloads that can be trusted: resumed where they broke off, checked, and noted with their digest.

Nothing stands under its final name before it is whole and is what it should be: bytes gather in
``NAME.part``, beside which ``NAME.part.json`` says what they are part of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from twin.errors import SourceError
from twin.sources import archive
from twin.thuringia import Item, Source, at

MANIFEST = "manifest.json"
SLOW = 3.0
_REDIRECTS = 4
_USER_AGENT = "lobeda (open-source digital twin)"
_HTML = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|\?xml)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Limits:
    """How long to wait and how often to try. Times in seconds.

    connect_s, read_s : for a connection, and for the next bytes (`SLOW` times that of slow servers).
    attempt_s : for one answer as a whole, against servers that drip.
    attempts : in a row that bring nothing new.
    backoff_s : before the second attempt, doubled each time.
    longest_wait_s : at most; where the server asks for more, the file is given up.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    attempt_s: float = 3600.0
    attempts: int = 4
    backoff_s: float = 2.0
    longest_wait_s: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """What became of an item: its file, or why there is none.

    fresh : downloaded now, not from the cache. absent : the server says that it has no such file.
    """

    item: Item
    source: Source
    file: Path | None
    reason: str = ""
    fresh: bool = False
    absent: bool = False


class _Refused(Exception):  # noqa: N818 - not an error of ours
    """The answer is not what was asked for; asking again does not help."""


class _Absent(_Refused):
    """The server has no such file."""


class _Retry(Exception):  # noqa: N818
    """It may work the next time.

    wait_s : what the server asks to wait.
    """

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Cache:
    """A folder of downloads with a manifest: address, date, licence, size and SHA-256 of each file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = folder / MANIFEST
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.files: dict[str, dict[str, Any]] = self._read()
        except OSError as error:
            raise SourceError(
                f"cannot be used for downloads: {error.strerror}", folder, "Name another folder"
            ) from None

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._manifest.read_text("utf-8"))["files"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return {}  # without a manifest nothing is known of the files: they are downloaded again
        return found if isinstance(found, dict) else {}

    def has(self, file: str) -> bool:
        """Whether the file stands there as it was noted."""
        noted, path = self.files.get(file), self.folder / file
        if noted is None or not path.is_file() or path.stat().st_size != noted.get("bytes"):
            return False
        return digest(path) == noted.get("sha256")

    def note(self, item: Item, source: Source, url: str, headers: httpx.Headers) -> None:
        """Add a file that is complete to the manifest."""
        path = self.folder / source.file
        entry = {
            "url": url, "product": item.product, "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "last_modified": headers.get("last-modified", ""), "etag": headers.get("etag", ""),
            "licence": item.licence, "attribution": item.attribution,
            "bytes": path.stat().st_size, "sha256": digest(path),
        }  # fmt: skip
        beside = self._manifest.with_name(f".{MANIFEST}.part")
        with self._lock:  # several downloads may end at once
            self.files[source.file] = entry
            text = json.dumps({"files": self.files}, ensure_ascii=False, indent=1, sort_keys=True)
            beside.write_text(text + "\n", "utf-8")
            beside.replace(self._manifest)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def client(base_url: str | None) -> httpx.AsyncClient:
    """A client that follows no redirects by itself and asks for bytes as they are stored."""
    host = urlsplit(base_url or "").hostname or ""
    return httpx.AsyncClient(
        headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
        trust_env=host not in ("localhost", "127.0.0.1", "::1"),
    )


async def download(
    http: httpx.AsyncClient, item: Item, cache: Cache, limits: Limits, base_url: str | None = None
) -> Outcome:
    """One item into the cache, from the first of its sources that the server has; failures are told.

    Raises
    ------
    SourceError : the cache cannot be written.
    """
    for source in item.sources:
        if await asyncio.to_thread(cache.has, source.file):
            return Outcome(item, source, cache.folder / source.file)
    outcome = Outcome(item, item.sources[0], None, "no address")
    for source in item.sources:
        outcome = await _from(http, item, source, cache, limits, base_url)
        if not outcome.absent:
            break
    return outcome


async def _from(
    http: httpx.AsyncClient, item: Item, source: Source, cache: Cache, limits: Limits, base_url: str | None
) -> Outcome:
    """Attempt until the file is there, is known to be absent, or nothing new comes any more."""
    target, url = cache.folder / source.file, at(source.url, base_url)
    tries, reason = 0, ""
    for attempt in range(limits.attempts * 8):
        before = _size(_part(target))
        try:
            headers = await _attempt(http, url, target, item, limits)
            await asyncio.to_thread(cache.note, item, source, url, headers)
            return Outcome(item, source, target, fresh=True)
        except _Refused as error:
            return Outcome(item, source, None, str(error), absent=isinstance(error, _Absent))
        except _Retry as error:
            reason = str(error)
            tries = 0 if _size(_part(target)) > before else tries + 1
            if tries >= limits.attempts or error.wait_s > limits.longest_wait_s:
                break
            wait = limits.backoff_s * 2 ** max(tries - 1, 0) * random.uniform(0.75, 1.25)
            if attempt + 1 < limits.attempts * 8:
                await asyncio.sleep(min(max(wait, error.wait_s), limits.longest_wait_s))
        except OSError as error:
            raise SourceError(
                f"cannot be written: {error.strerror}", target, "Free space or name a folder"
            ) from None
    return Outcome(item, source, None, f"{reason} (tried {attempt + 1} times)")


async def _attempt(
    http: httpx.AsyncClient, url: str, target: Path, item: Item, limits: Limits
) -> httpx.Headers:
    """One request; the file is in place afterwards. What arrived of a broken answer stays for the next."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    silent_s = limits.read_s * (SLOW if item.slow else 1.0)
    timeout = httpx.Timeout(silent_s, connect=limits.connect_s)
    try:
        async with asyncio.timeout(limits.attempt_s):
            response = await _get(http, url, _resume_headers(target, url), timeout)
            try:
                _check_status(response, part)
                if response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                    await _receive(response, url, target, item)
            finally:
                await response.aclose()
    except TimeoutError:
        raise _Retry(f"the answer was not complete within {limits.attempt_s:g} s") from None
    except httpx.TimeoutException:
        raise _Retry(f"no answer within {silent_s:g} s") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise _Refused(f"the address cannot be used: {error}") from None
    except httpx.TransportError as error:
        raise _Retry(f"the connection broke off ({error or type(error).__name__})") from None
    try:
        await asyncio.to_thread(_check_content, part, item)
    except (_Retry, _Refused):
        _discard(target)
        raise
    part.replace(target)
    _note_file(target).unlink(missing_ok=True)
    return response.headers


async def _get(
    http: httpx.AsyncClient, url: str, headers: dict[str, str], timeout: httpx.Timeout
) -> httpx.Response:
    """The answer, its body still to come; redirects are followed on the same host only."""
    for _ in range(_REDIRECTS):
        request = http.build_request("GET", url, headers=headers, timeout=timeout)
        response = await http.send(request, stream=True)
        if not response.is_redirect:
            return response
        await response.aclose()
        onward = urljoin(url, response.headers["location"])
        if urlsplit(onward).hostname != urlsplit(url).hostname:
            raise _Refused(f"the server sends on to another host ({urlsplit(onward).hostname})")
        url = onward
    raise _Refused("the server sends on in circles")


def _check_status(response: httpx.Response, part: Path) -> None:
    """Sort out everything but a body to be read, and a request for what is already there.

    Raises
    ------
    _Absent, _Refused, _Retry : by the status.
    """
    status = response.status_code
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise _Absent(f"the server has no such file ({status})")
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = response.headers.get("content-range", "").rpartition("/")[2]
        if total == str(_size(part)):
            return  # it was complete, only not yet checked and named
        _discard(part.with_suffix(""))
        raise _Retry("the part from an earlier download fits no more")
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:
        raise _Retry(f"the server answered {status}", _retry_after(response))
    if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        raise _Refused(f"the server answered {status}")


async def _receive(response: httpx.Response, url: str, target: Path, item: Item) -> None:
    """Write the body behind what is there already."""
    part = _part(target)
    start = 0
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        start = _size(part)
        if not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
            _discard(target)
            raise _Retry("the server sent another part than was asked for")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _Refused("the server sent the file packed although it was asked not to")
    length = response.headers.get("content-length", "")
    if length.isdigit() and start + int(length) > item.max_bytes:
        raise _Refused(f"the file is larger than {item.max_bytes >> 20} MiB")
    if not start:
        validators = {key: response.headers.get(key, "") for key in ("etag", "last-modified")}
        _note_file(target).write_text(json.dumps({"url": url, **validators}), "utf-8")
    size = start
    with part.open("ab" if start else "wb") as file:
        async for block in response.aiter_raw():
            size += len(block)
            if size > item.max_bytes:
                break
            file.write(block)
    if size > item.max_bytes:
        _discard(target)
        raise _Refused(f"the file is larger than {item.max_bytes >> 20} MiB")


def _resume_headers(target: Path, url: str) -> dict[str, str]:
    """Ask for the rest only, if the server can tell whether the file is still the same."""
    size = _size(_part(target))
    try:
        noted = json.loads(_note_file(target).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        noted = {}
    etag, modified = str(noted.get("etag", "")), str(noted.get("last-modified", ""))
    validator = etag if etag and not etag.startswith("W/") else modified
    if not size or noted.get("url") != url or not validator:
        return {}
    return {"Range": f"bytes={size}-", "If-Range": validator}


def _check_content(part: Path, item: Item) -> None:
    """Whether the file is what was asked for.

    Raises
    ------
    _Refused : it is something else. _Retry : it is damaged.
    """
    with part.open("rb") as file:
        head = file.read(65536)
    if _HTML.match(head):
        title = _TITLE.search(head.decode("utf-8", errors="replace"))
        said = f" ({' '.join(title[1].split())[:80]})" if title else ""
        raise _Refused(f"the server answered with a web page{said} instead of a {item.kind.upper()} file")
    check: Callable[[Path], None] = _check_zip if item.kind == "zip" else _check_json
    check(part)


def _check_zip(part: Path) -> None:
    with part.open("rb") as file:
        if not file.read(4).startswith(b"PK"):
            raise _Refused("the server answered with something that is no ZIP file")
    try:
        archive.members(part)
        with zipfile.ZipFile(part) as packed:
            damaged = packed.testzip()
    except SourceError as error:
        if "damaged" in error.what:
            raise _Retry("the ZIP file is cut off or damaged") from None
        raise _Refused(error.what) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        raise _Retry("the ZIP file is cut off or damaged") from None
    if damaged is not None:
        raise _Retry(f"the ZIP file is damaged ({damaged})")


def _check_json(part: Path) -> None:
    try:
        answer = json.loads(part.read_bytes())
    except (ValueError, RecursionError):
        raise _Retry("the JSON is cut off or damaged") from None
    if isinstance(answer, dict) and "error" in str(answer.get("remark", "")):
        raise _Retry(f"the server did not finish: {str(answer['remark'])[:120]}")


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to wait, by number or date; 0 where it says nothing."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return 0.0


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _note_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.json")


def _discard(target: Path) -> None:
    _part(target).unlink(missing_ok=True)
    _note_file(target).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
