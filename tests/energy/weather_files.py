"""Weather files written for tests, in the formats' own layouts, and solar noon by pvlib."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from energy.weather import Weather

UTC = "UTC"


def clear_weather(
    start: str, days: int, latitude: float, longitude: float, altitude: float = 100.0, step: str = "h"
) -> pd.DataFrame:
    """A cloudless spell by pvlib's Ineichen sky: columns ghi, dni, dhi at the middles of the steps.

    Index: the steps' starts in UTC.
    """
    width = pd.Timedelta(1, step) if step == "h" else pd.Timedelta(step)
    times = pd.date_range(start, periods=int(days * pd.Timedelta(days=1) / width), freq=width, tz=UTC)
    place = pvlib.location.Location(latitude, longitude, altitude=altitude)
    sky = place.get_clearsky(times + width / 2, linke_turbidity=3.0)
    return pd.DataFrame(sky.to_numpy(), columns=sky.columns, index=times)[["ghi", "dni", "dhi"]]


def noon_offsets_minutes(year: Weather, most: int = 20, roughest: float = 0.08) -> np.ndarray:
    """Centre of gravity of the radiation less solar noon on clear days; shape (day,). [min]

    Clear is a whole day whose hours differ from a constant share of pvlib's clear sky by less than `roughest`
    of its sum, and which reaches three quarters of it. Solar noon by NREL's algorithm (sun transit), which
    has no part in reading the files.
    """
    place = pvlib.location.Location(year.latitude, year.longitude, altitude=year.altitude_m)
    middle = year.times + pd.Timedelta(minutes=30)
    clear = place.get_clearsky(middle, linke_turbidity=3.0)["ghi"].to_numpy()
    local = timezone(timedelta(hours=round(year.longitude / 15)))
    day = middle.tz_convert(local).normalize()
    table = pd.DataFrame({"ghi": year.ghi, "clear": clear, "day": day, "middle": middle})
    whole = table.groupby("day").filter(lambda part: len(part) == 24)
    share = whole.groupby("day")["ghi"].sum() / whole.groupby("day")["clear"].sum()
    rough = (whole["ghi"] - whole["day"].map(share) * whole["clear"]).abs().groupby(whole["day"]).sum()
    rough = rough / whole.groupby("day")["clear"].sum()
    chosen = rough[(share > 0.75) & (rough < roughest)].nsmallest(most).index
    noon = place.get_sun_rise_set_transit(pd.DatetimeIndex(day.unique()) + pd.Timedelta(hours=12))["transit"]
    noon.index = noon.index.normalize()
    offsets = []
    for date in chosen:
        part = whole[whole["day"] == date]
        minutes = (part["middle"] - noon[date]).dt.total_seconds() / 60
        offsets.append(np.average(minutes, weights=part["ghi"]))
    return np.array(offsets)


def write_zip(path: Path, **contents: str) -> Path:
    """A zip of texts; the names' double underscores stand for dots."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name.replace("__", "."), text.encode("latin-1"))
    return path


GEOGRAPHY = (
    "Stations_id;Stationshoehe;Geogr.Breite;Geogr.Laenge;von_datum;bis_datum;Stationsname\n"
    "  2444; 155.00; 50.9251; 11.5830;19480101;        ;Jena (Sternwarte)\n"
)


def station_table(kind: str, columns: dict[str, np.ndarray], stamps: pd.DatetimeIndex, form: str) -> str:
    """A `produkt_…` table of station 2444."""
    head = f"STATIONS_ID;MESS_DATUM;QN;{';'.join(columns)};eor"
    rows = [
        f"       2444;{stamp.strftime(form)};    3;"
        + ";".join(f"{values[number]:8.2f}" for values in columns.values())
        + ";eor"
        for number, stamp in enumerate(stamps)
    ]
    return "\n".join([head, *rows]) + "\n"


def station_files(folder: Path, days: int = 8, start: str = "2024-02-25") -> dict[str, Path]:
    """Station files over a clear spell in Jena: TU and FF at the stamps, SOLAR as 10-minute sums to them."""
    hours = pd.date_range(start, periods=24 * days + 1, freq="h", tz=UTC)
    warm = 5 + 5 * np.sin(2 * np.pi * (hours.hour.to_numpy() - 9) / 24)
    tu = station_table("tu", {"TT_TU": warm, "RF_TU": np.full(len(hours), 70.0)}, hours, "%Y%m%d%H")
    ff = station_table(
        "ff", {"F": np.full(len(hours), 3.0), "D": np.full(len(hours), 90.0)}, hours, "%Y%m%d%H"
    )
    sky = clear_weather(start, days, 50.9251, 11.5830, 155.0, "10min")
    ends = sky.index + pd.Timedelta(minutes=10)
    to_j_cm2 = 600 / 1e4
    solar = station_table(
        "zehn",
        {"DS_10": sky["dhi"].to_numpy() * to_j_cm2, "GS_10": sky["ghi"].to_numpy() * to_j_cm2},
        ends,
        "%Y%m%d%H%M",
    )
    return {
        "TU": write_zip(
            folder / "stundenwerte_TU_02444_akt.zip",
            produkt_tu__txt=tu,
            Metadaten_Geographie_02444__txt=GEOGRAPHY,
        ),
        "FF": write_zip(
            folder / "stundenwerte_FF_02444_akt.zip",
            produkt_ff__txt=ff,
            Metadaten_Geographie_02444__txt=GEOGRAPHY,
        ),
        "SOLAR": write_zip(folder / "10minutenwerte_SOLAR_02444_akt.zip", produkt_zehn__txt=solar),
    }


def write_epw(
    path: Path,
    latitude: float,
    longitude: float,
    offset: float,
    changes: Sequence[tuple[int, slice, object]] = (),
) -> Path:
    """A clear year 2023 as EPW in local standard time; `changes` sets (column, rows) to values."""
    local_start = pd.Timestamp("2023-01-01", tz=UTC) - pd.Timedelta(hours=offset)
    times = pd.date_range(local_start, periods=8760, freq="h")
    place = pvlib.location.Location(latitude, longitude, altitude=10)
    sky = place.get_clearsky(times + pd.Timedelta(minutes=30), linke_turbidity=3.0)
    local = pd.date_range("2023-01-01", periods=8760, freq="h")
    season = np.cos(2 * np.pi * (local.dayofyear.to_numpy() - 200) / 365) * np.sign(latitude)
    rows = np.zeros((8760, 35))
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = local.year, local.month, local.day, local.hour + 1
    rows[:, 6], rows[:, 8], rows[:, 12], rows[:, 21] = 12 + 8 * season, 70, 320, 3
    rows[:, 13], rows[:, 14], rows[:, 15] = sky["ghi"], sky["dni"], sky["dhi"]
    for column, where, value in changes:
        rows[where, column] = value(rows[where, column]) if callable(value) else value
    text = [f"LOCATION,Somewhere,-,X,test,0,{latitude},{longitude},{offset},10.0"] + ["x"] * 7
    text += [",".join([*(f"{v:.0f}" for v in row[:5]), "A", *(f"{v:.2f}" for v in row[6:])]) for row in rows]
    path.write_text("\n".join(text) + "\n")
    return path


def write_try_2010(path: Path, days_sky: pd.DataFrame) -> Path:
    """A TRY of 2010 (region 9, Chemnitz) from hours of 2025 in CET; layout as DWD documents it."""
    head = [
        "Testreferenzjahre von Deutschland fuer mittlere und extreme Witterungsverhaeltnisse",
        "TRY09   Thueringer Becken und Saechsisches Huegelland  (Klimaregion  9)",
        "Station: Chemnitz                        WMO-Nummer: 10577",
        "Lage: 50°48'N <- B.  12°52'O <- L.   418 Meter ueber NN",
        "",
        "RG IS MM DD HH N  WR   WG    t    p     x  RF W    B    D IK    A     E IL",
        "***",
    ]
    cet = days_sky.index + pd.Timedelta(hours=1)
    sine = (days_sky["ghi"] - days_sky["dhi"]).to_numpy()
    rows = [
        f" 9  1 {stamp.month:2d} {stamp.day:2d} {stamp.hour + 1:2d} 0 190  2.5  4.3  961.2  4.4  83  0 "
        f"{sine[number]:4.0f} {days_sky['dhi'].iloc[number]:4.0f} 1  270  -330  0"
        for number, stamp in enumerate(cet)
    ]
    path.write_bytes(("\n".join(head + rows) + "\n").encode("latin-1"))
    return path


def open_meteo(sky: pd.DataFrame, latitude: float, longitude: float, offset_s: int = 3600) -> dict:
    """An Open-Meteo answer with radiation of the hour before the stamp, in a fixed local time."""
    stamps = sky.index.append(sky.index[-1:] + pd.Timedelta(hours=1))
    local = stamps + pd.Timedelta(seconds=offset_s)

    def before(values: pd.Series) -> list[float | None]:
        return [None, *values.round(1).tolist()]

    return {
        "latitude": latitude,
        "longitude": longitude,
        "elevation": 155.0,
        "utc_offset_seconds": offset_s,
        "timezone": "Europe/Berlin",
        "hourly_units": {
            "time": "iso8601",
            "temperature_2m": "°F",
            "relative_humidity_2m": "%",
            "wind_speed_10m": "km/h",
            "shortwave_radiation": "W/m²",
            "diffuse_radiation": "W/m²",
        },
        "hourly": {
            "time": local.strftime("%Y-%m-%dT%H:%M").tolist(),
            "temperature_2m": [50.0] * len(stamps),
            "relative_humidity_2m": [60] * len(stamps),
            "wind_speed_10m": [18.0] * len(stamps),
            "shortwave_radiation": before(sky["ghi"]),
            "diffuse_radiation": before(sky["dhi"]),
        },
    }


def write_json(path: Path, document: dict) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
