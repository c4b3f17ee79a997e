"""DWD station files (CDC): `produkt_…` tables, one quantity group each, alone or in their zip; merged here.

Stamps are in UTC, before 2000 in CET. Temperature, humidity, wind and clouds of hourly tables are taken as
instantaneous at the stamp (measured at minute 50 before it). Sums belong to the interval that ends at the
stamp: sunshine `SD_SO` [min], rain `R1` [mm] and 10-minute radiation `GS_10`, `DS_10`, `LS_10` [J/cm²], as
DWD's catalogue has it (OBS_DEU_PT10M_RAD); others found that they begin there, ten minutes of doubt. Hourly
radiation (`FG_LBERG` …) sums hours of true solar time: `MESS_DATUM` is their end in UTC, to the minute; it is
spread on UTC hours by overlap. Missing is −999 (clouds: −1 too: sky not seen).
"""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.weather_formats.base import HOUR, Reading, at_middles, ended, hours, unpack
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
_W_PER_J_CM2_HOUR = 1e4 / 3600.0
# Quantity of ours, and factor to our unit, by DWD's column: at the stamp, and of the hour before it.
_AT_STAMP = {
    "TT_TU": ("temp_air", 1.0),
    "TT": ("temp_air", 1.0),
    "RF_TU": ("relative_humidity", 1.0),
    "TD": ("temp_dew", 1.0),
    "F": ("wind_speed", 1.0),
    "FF": ("wind_speed", 1.0),
    "V_N": ("cloud_cover", 1 / 8),
    "P0": ("pressure", 1.0),
    "TT_10": ("temp_air", 1.0),
    "RF_10": ("relative_humidity", 1.0),
    "TD_10": ("temp_dew", 1.0),
    "PP_10": ("pressure", 1.0),
    "FF_10": ("wind_speed", 1.0),
}
_BEFORE_STAMP = {"SD_SO": ("sunshine", 1 / 60), "R1": ("precipitation", 1.0)}
_TEN_MINUTES = {"GS_10": "ghi", "DS_10": "dhi", "LS_10": "ir_horizontal"}
_SOLAR_HOURS = {"FG_LBERG": "ghi", "FD_LBERG": "dhi", "ATMO_LBERG": "ir_horizontal"}
_LEAST_OF_SIX = 4  # ten-minute values that make an hour
_REMEDY = "Add the station's files TU or TD, FF, and SOLAR, ST, SD or N"


@dataclass(frozen=True)
class Measured:
    """One quantity of a station as it was measured, without gaps.

    values : in our unit (`base.QUANTITIES`), shape of `stamps` (UTC).
    minutes : length of the interval that ends at the stamp; 0: measured at the stamp.
    place : latitude, longitude [°], altitude [m], where the file names it.
    """

    station: str
    title: str
    place: tuple[float, float, float] | None
    quantity: str
    stamps: pd.DatetimeIndex
    values: Array
    minutes: int


@dataclass(frozen=True)
class _Product:
    """One `produkt_…` table with its station and, where the zip says, its place."""

    name: str
    rows: pd.DataFrame
    station: str
    place: tuple[float, float, float] | None
    title: str


def matches(name: str, text: str) -> bool:
    """Whether a file is a station table, or belongs to one."""
    return Path(name).name.startswith(("produkt_", "Metadaten_")) or text.lstrip().startswith("STATIONS_ID;")


def station(files: Sequence[Path], place: tuple[float, float, float] | None = None) -> Reading:
    """One weather from several station files.

    place : latitude, longitude [°] and altitude [m], where no file names it; else that of the temperature.

    Raises
    ------
    SourceError : a file that is no station table, no place, or temperature, wind or radiation missing.
    """
    products = [product for file in files for product in _products(file)]
    if not products:
        raise SourceError("there is no DWD table", ", ".join(map(str, files)) or "no file", _REMEDY)
    products.sort(key=lambda product: not {"TT_TU", "TT"} & set(product.rows.columns))
    where = ", ".join(product.name for product in products)
    place = place or next((product.place for product in products if product.place), None)
    if place is None:
        raise SourceError(
            "no file names the station's place", where, "Give place=(latitude, longitude, altitude)"
        )
    series: dict[str, pd.Series] = {}
    for product in products:
        for quantity, values in _series(product).items():
            known = series.get(quantity)
            series[quantity] = values if known is None else known.combine_first(values)
    table = _common(series, where)
    stations = sorted({product.station for product in products})
    return Reading(
        table=table,
        name=f"DWD {products[0].title or products[0].station}",
        latitude=place[0],
        longitude=place[1],
        altitude_m=place[2],
        source=f"DWD station {', '.join(stations)}: {where}",
        licence="CC BY 4.0",
        attribution="Deutscher Wetterdienst",
        metadata={"stations": ", ".join(stations)},
    )


def measured(file: Path) -> list[Measured]:
    """What a station file (zip or table) holds, quantity by quantity, at its own stamps.

    Raises
    ------
    SourceError : no such file, no station table, or none of its columns is a quantity of ours.
    """
    found = [_known(one) for product in _products(file) for one in _measured(product)]
    if not found:
        known = ", ".join((*_AT_STAMP, *_BEFORE_STAMP, *_TEN_MINUTES, *_SOLAR_HOURS))
        raise SourceError("the file holds no measurement that is used", file, f"Known columns are {known}")
    return found


def _common(series: dict[str, pd.Series], where: str) -> pd.DataFrame:
    """All quantities on the hours from the latest start to the earliest end of those that are needed."""
    radiation = next((name for name in ("ghi", "sunshine", "cloud_cover") if name in series), "ghi")
    needed = ("temp_air", "wind_speed", radiation)
    if missing := [name for name in needed if name not in series]:
        raise SourceError(f"no file holds {missing[0]}", where, _REMEDY)
    known = [pd.DatetimeIndex(series[name].dropna().index) for name in needed]
    first, last = max(index[0] for index in known), min(index[-1] for index in known)
    if last <= first:
        raise SourceError("the files have no time in common", where, "Use files of the same years")
    times = hours(first, int((last - first) / HOUR) + 1)
    return pd.DataFrame({name: values.reindex(times) for name, values in series.items()}, index=times)


def _products(file: Path) -> list[_Product]:
    contents: list[tuple[str, bytes]] = []
    if not file.is_file():
        raise SourceError("there is no such file", file, _REMEDY)
    if zipfile.is_zipfile(file):
        contents = unpack(file.read_bytes(), file)
    else:
        contents = [(file.name, file.read_bytes())]
    texts = {
        Path(name).name: content.removeprefix(codecs.BOM_UTF8).decode("latin-1") for name, content in contents
    }
    tables = {name: text for name, text in texts.items() if text.lstrip().startswith("STATIONS_ID;")}
    geography = next((text for name, text in texts.items() if name.startswith("Metadaten_Geographie")), "")
    return [_product(f"{file.name}/{name}", text, geography) for name, text in tables.items()]


def _product(name: str, text: str, geography: str) -> _Product:
    try:
        rows = pd.read_csv(io.StringIO(text), sep=";", skipinitialspace=True, dtype=str)
    except ValueError as error:  # pandas' own errors are such
        raise SourceError(f"the table cannot be read: {error}", name, "Fetch it again") from None
    rows.columns = rows.columns.str.strip()
    if "MESS_DATUM" not in rows or rows.empty:
        raise SourceError("the table has no rows, or no column MESS_DATUM", name, "Fetch it again")
    place, title = _place(geography, name)
    return _Product(name, rows, str(rows["STATIONS_ID"].iloc[0]).strip(), place, title)


def _place(geography: str, name: str) -> tuple[tuple[float, float, float] | None, str]:
    """Where the station stands now: the last row of its geography."""
    if not geography.strip():
        return None, ""
    fields = [word.strip() for word in geography.strip().splitlines()[-1].split(";")]
    try:
        return (float(fields[2]), float(fields[3]), float(fields[1])), fields[-1]
    except (ValueError, IndexError):
        raise SourceError("the station's geography cannot be read", name, "Fetch it again") from None


def _stamps(words: pd.Series, name: str) -> pd.DatetimeIndex:
    """Stamps in UTC, from YYYYMMDDHH, YYYYMMDDHHMM or YYYYMMDDHH:MM."""
    digits = words.str.strip().str.replace(":", "", regex=False).str.pad(12, "right", "0")
    read = pd.to_datetime(digits, format="%Y%m%d%H%M", utc=True, errors="coerce")
    _require_all(words, read.isna(), "is no time", name)
    stamps = pd.DatetimeIndex(read).as_unit("ns")
    return stamps.where(stamps >= pd.Timestamp("2000-01-01", tz="UTC"), stamps - HOUR)


def _require_all(cells: pd.Series, wrong: pd.Series, what: str, name: str) -> None:
    """Raises SourceError for the first cell that is wrong."""
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        where = f"{name}, line {row + 2}, column {cells.name}"
        raise SourceError(f"{str(cells.iloc[row]).strip()[:40]!r} {what}", where, "Fetch it again")


def _measured(product: _Product) -> list[Measured]:
    """The table's quantities at their stamps, nan where missing."""
    stamps = _stamps(product.rows["MESS_DATUM"], product.name)
    keep = ~stamps.duplicated()
    if set(_SOLAR_HOURS) & set(product.rows.columns):
        stamps = stamps.where(~stamps.minute.isin([59]), stamps.ceil("h"))  # some years round down a minute
    found = []
    for column in product.rows.columns:
        quantity, factor, minutes = _meaning(str(column))
        if not quantity:
            continue
        cells = product.rows[column]
        numbers = pd.to_numeric(cells, errors="coerce")
        _require_all(
            cells, numbers.isna() & (cells.fillna("").str.strip() != ""), "is no number", product.name
        )
        values = numbers.to_numpy("float64")
        values = np.where(values <= (-1 if column == "V_N" else -99), np.nan, values) * factor
        found.append(
            Measured(
                product.station, product.title, product.place, quantity, stamps[keep], values[keep], minutes
            )
        )
    return found


def _known(one: Measured) -> Measured:
    there = np.isfinite(one.values)
    return replace(one, stamps=one.stamps[there], values=one.values[there])


def _meaning(column: str) -> tuple[str, float, int]:
    """Quantity, factor to our unit, and minutes of the interval before the stamp; "" for other columns."""
    if column in _AT_STAMP:
        return *_AT_STAMP[column], 0
    if column in _BEFORE_STAMP:
        return *_BEFORE_STAMP[column], 60
    if column in _TEN_MINUTES:
        return _TEN_MINUTES[column], 6 * _W_PER_J_CM2_HOUR, 10
    if column in _SOLAR_HOURS:
        return _SOLAR_HOURS[column], _W_PER_J_CM2_HOUR, 60
    return "", 0.0, 0


def _series(product: _Product) -> dict[str, pd.Series]:
    """The table's quantities on hours by their start; nan where missing."""
    series = {}
    for one in _measured(product):
        if np.isfinite(one.values).any():
            first, last = one.stamps.min().floor("h") - HOUR, one.stamps.max().ceil("h")
            times = hours(first, int((last - first) / HOUR) + 1)
            series[one.quantity] = pd.Series(on_hours(one, times), index=times)
    return series


def on_hours(one: Measured, times: pd.DatetimeIndex) -> Array:
    """A quantity on the hours that begin at `times`; nan where it was not measured."""
    if one.minutes == 0:
        return at_middles(one.stamps, one.values, times)
    if one.minutes == 10:
        return _of_ten_minutes(one.stamps, one.values, times)
    if one.quantity in _SOLAR_HOURS.values():
        return _of_solar_hours(one.stamps, one.values, times)
    return ended(one.stamps, one.values, times)


def _of_ten_minutes(stamps: pd.DatetimeIndex, values: Array, times: pd.DatetimeIndex) -> Array:
    """Hourly means of means over ten minutes that end at the stamps; from four of six on."""
    hour = (stamps - pd.Timedelta(minutes=10)).floor("h")
    grouped = pd.Series(values, index=hour).groupby(level=0)
    means = grouped.mean().where(grouped.count() >= _LEAST_OF_SIX)
    return np.asarray(means.reindex(times), "float64")


def _of_solar_hours(stamps: pd.DatetimeIndex, values: Array, times: pd.DatetimeIndex) -> Array:
    """Hourly means of means over hours that end at stamps off the full hour, by overlap."""
    hour = stamps.ceil("h") - HOUR
    share = (stamps - hour) / HOUR  # of the interval that lies in the hour in which it ends
    here = pd.DataFrame({"value": values, "share": share}, index=hour)
    here = here[~here.index.duplicated()].reindex(times)
    after = here.shift(-1)
    spread = here["share"] * here["value"] + ((1 - after["share"]) * after["value"]).where(
        after["share"] < 1.0, 0.0
    )
    return np.asarray(spread, "float64")
