"""Files as streams of bytes, also out of ZIP and gzip, with guards against hostile archives.

Nothing is ever written under a name that an archive gives.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from twin.errors import SourceError

MAX_RATIO = 200
"""Times that a member may be larger than it is packed; CityGML packs 10 to 30 times."""
MAX_RATIO_FREE_BYTES = 64 << 20
"""Members up to this size may have any ratio."""
MAX_TOTAL_BYTES = 32 << 30
"""All members of an archive together, unpacked."""
MAX_MEMBERS = 20_000

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP_MAGIC = b"\x1f\x8b"
_ARCHIVES = (*_ZIP_MAGIC, _GZIP_MAGIC, b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """One file, on disk or inside an archive.

    path : the file on disk. name : name inside a ZIP, or None. size : bytes unpacked, nan where unknown.
    """

    path: Path
    name: str | None = None
    size: float = float("nan")
    packed: bool = False

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.path) if self.name is None else f"{self.path}:{self.name}"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name or self.path.name).stem

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes as a stream.

        Raises
        ------
        SourceError : damaged, encrypted, a bomb, or unreadable; also while the stream is read.
        """
        try:
            if self.name is not None:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.name) as stream:
                    limit = max(archive.getinfo(self.name).compress_size * MAX_RATIO, MAX_RATIO_FREE_BYTES)
                    yield _guarded(stream, limit, self.label)
            elif self.packed:
                limit = max(self.path.stat().st_size * MAX_RATIO, MAX_RATIO_FREE_BYTES)
                with gzip.open(self.path) as stream:
                    yield _guarded(stream, limit, self.label)
            else:
                with self.path.open("rb") as stream:
                    yield stream
        except _DAMAGED as error:
            raise _damaged(self.label, error) from None
        except OSError as error:
            raise SourceError(
                f"cannot be read: {error.strerror or error}", self.label, "Check the file"
            ) from None

    def head(self, count: int = 65536) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(count)


def members(path: Path) -> list[Member]:
    """The files in `path`: of a folder (any depth), of a ZIP, or the file itself.

    Raises
    ------
    SourceError : no such file, or an archive that is damaged, encrypted, a bomb, or names unsafe members.
    """
    if path.is_dir():
        files = sorted(
            p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path).as_posix())
        )
        return [member for file in files for member in members(file)]
    if not path.is_file():
        raise SourceError("there is no such file or folder", path, "Check the path")
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic in _ZIP_MAGIC:
        return _zip_members(path)
    packed = magic[:2] == _GZIP_MAGIC
    return [Member(path, size=float("nan") if packed else path.stat().st_size, packed=packed)]


def is_archive(head: bytes) -> bool:
    """Whether these are the first bytes of an archive."""
    return head.startswith(_ARCHIVES)


def extract(chosen: list[Member], folder: Path) -> list[Path]:
    """Unpack members into `folder`, under the last part of their names; files on disk stay."""
    out = []
    for member in chosen:
        if member.name is None and not member.packed:
            out.append(member.path)
            continue
        name = PurePosixPath(member.name).name if member.name else member.path.stem
        target = folder / name
        with member.open() as stream, target.open("wb") as file:
            while block := stream.read(1 << 20):
                file.write(block)
        out.append(target)
    return out


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes, -1 for all."""
        ...


class CountingReader:
    """What a parser reads from: counts and digests the bytes as they pass, in blocks of its own size."""

    def __init__(self, stream: Readable, passed: Callable[[int], None]) -> None:
        self._stream = stream
        self._passed = passed
        self._digest = hashlib.sha256()
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """The next block; `size` is a hint only, -1 for all."""
        data = self._stream.read(max(size, 1 << 18) if size >= 0 else size)
        self.count += len(data)
        self._digest.update(data)
        self._passed(self.count)
        return data

    @property
    def sha256(self) -> str:
        """Digest of what was read so far."""
        return self._digest.hexdigest()


class _Guarded(io.RawIOBase):
    """A stream that refuses to give more than it may."""

    def __init__(self, stream: BinaryIO, limit: int, label: str) -> None:
        self._stream = stream
        self._left = limit
        self._label = label

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size if size >= 0 else self._left + 1)
        except _DAMAGED as error:
            raise _damaged(self._label, error) from None
        self._left -= len(data)
        if self._left < 0:
            raise _bomb(self._label)
        return data


def _guarded(stream: object, limit: int, label: str) -> BinaryIO:
    return _Guarded(stream, min(limit, MAX_TOTAL_BYTES), label)  # type: ignore[arg-type, return-value]


def _zip_members(path: Path) -> list[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            if any(info.header_offset < 0 for info in archive.infolist()):  # bytes are lost before it
                raise zipfile.BadZipFile
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except _DAMAGED as error:
        raise _damaged(str(path), error) from None
    if len(infos) > MAX_MEMBERS:
        raise SourceError(
            f"the archive holds {len(infos)} files, more than {MAX_MEMBERS}", path, "Unpack it first"
        )
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise _bomb(str(path))
    for info in infos:
        _check_member(path, info)
    kept = [info for info in infos if not _hidden(info.filename)]
    return [Member(path, info.filename, info.file_size) for info in kept]


def _check_member(path: Path, info: zipfile.ZipInfo) -> None:
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0] or stat.S_ISLNK(info.external_attr >> 16):
        raise SourceError(
            f"the archive names a file outside itself ({info.filename[:80]!r})",
            path,
            "Do not trust this archive",
        )
    if info.flag_bits & 1:
        raise SourceError("the archive is protected by a password", path, "Unpack it first")
    if info.file_size > max(info.compress_size * MAX_RATIO, MAX_RATIO_FREE_BYTES):
        raise _bomb(f"{path}:{info.filename}")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _damaged(label: str, error: BaseException) -> SourceError:
    if isinstance(error, NotImplementedError):
        return SourceError(f"the archive cannot be unpacked ({error})", label, "Unpack it first")
    return SourceError("the archive is damaged or cut off", label, "Download or copy it again")


def _bomb(label: str) -> SourceError:
    return SourceError(
        f"it unpacks to more than {MAX_RATIO} times its size or {MAX_TOTAL_BYTES >> 30} GiB (a zip bomb?)",
        label,
        "Unpack it first if you trust it",
    )
