"""Rows of a list in XLSX or CSV, told by content: any separator, any usual encoding."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from twin.errors import SourceError

Cell = str | int | float | bool | datetime | date | None
MAX_BYTES = 200 * 1024 * 1024
"""Lists of owners have kilobytes; what unpacks to more than this is something else."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name ("" in CSV) and rows; a row is a list of cells, row 0 is line 1 of the file."""

    name: str
    rows: list[list[Cell]]


def read_sheets(path: Path) -> list[Sheet]:
    """All sheets of an XLSX file, or the one of a CSV file.

    Raises
    ------
    SourceError : the file is missing, empty, broken, or of a kind that is not read (.xls, .ods, .pdf).
    """
    if path.is_dir():
        raise SourceError("this is a folder", path, "Name the XLSX or CSV file")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise SourceError(f"the file cannot be read: {error.strerror}", path, "Check the path") from None
    if size == 0:
        raise SourceError("the file is empty", path, "Export the list again")
    if size > MAX_BYTES:
        raise SourceError(
            f"the file has {size >> 20} MiB", path, f"Lists up to {MAX_BYTES >> 20} MiB are read"
        )
    if head.startswith(b"PK"):
        return _xlsx(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise SourceError(
            "this is an old Excel file (.xls) or a protected one", path, "Save it as .xlsx or .csv"
        )
    if head.startswith(b"%PDF"):
        raise SourceError("this is a PDF", path, "Export the list as .xlsx or .csv")
    return [Sheet("", _csv(path))]


def _xlsx(path: Path) -> list[Sheet]:
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise SourceError("this is no XLSX file", path, "Save the list as .xlsx or .csv")
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise SourceError(
                    f"the file unpacks to more than {MAX_BYTES >> 20} MiB", path, "Export the list only"
                )
        with warnings.catch_warnings(), path.open("rb") as file:  # openpyxl leaves broken ones open
            warnings.simplefilter("ignore", UserWarning)  # it tells of styles that it leaves out
            return _sheets(file)
    except _BROKEN as error:
        raise SourceError(
            f"the XLSX file is broken: {error}", path, "Save it again as .xlsx or .csv"
        ) from None


_BROKEN = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, KeyError, ValueError, TypeError, AttributeError,
    IndexError, SyntaxError, OSError, EOFError, RuntimeError,
)  # fmt: skip
"""What openpyxl and zipfile raise at damaged or protected files; XML errors are SyntaxErrors."""


def _sheets(file: BinaryIO) -> list[Sheet]:
    """The visible sheets, streamed: a stray cell in the last row or column costs nothing."""
    book = openpyxl.load_workbook(file, data_only=True, read_only=True)
    try:
        sheets = []
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                sheet.reset_dimensions()  # what the file states of its size is often wrong
                rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
                sheets.append(Sheet(sheet.title, rows))
        return sheets
    finally:
        book.close()


def _cell(value: object) -> Cell:
    """Formulas have come as their values; what else there is (times, rich text) as its text."""
    return value if value is None or isinstance(value, str | int | float | datetime | date) else str(value)


def _csv(path: Path) -> list[list[Cell]]:
    text = decode(path.read_bytes(), path)
    separator = guess_separator(text)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise SourceError(f"the CSV file cannot be read: {error}", path, "Export the list again") from None


def decode(data: bytes, path: Path) -> str:
    """Text from UTF-8 or UTF-16 with byte order mark, UTF-8, or Windows-1252 (Excel's CSV in Germany)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise SourceError("this is neither XLSX nor text", path, "Save the list as .xlsx or .csv")


def guess_separator(text: str) -> str:
    """The one of ``; tab , |`` that splits most lines into the same number (two or more) of fields."""
    sample = "\n".join(text.splitlines()[:60])
    scores = {
        separator: _regularity(csv.reader(io.StringIO(sample), delimiter=separator)) for separator in ";\t,|"
    }
    return max(scores, key=lambda separator: scores[separator])


def _regularity(rows: Iterable[Sequence[str]]) -> tuple[int, int]:
    """Lines that have the most frequent number of fields, and that number."""
    try:
        widths = [len(row) for row in rows if len(row) > 1]
    except csv.Error:
        return (0, 0)
    if not widths:
        return (0, 0)
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    return (widths.count(usual), usual)
