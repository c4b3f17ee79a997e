"""Every weather format: its hours against solar noon, its units, its place, its gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest

from energy import radiation, weather
from energy.weather_formats import decode, dwd, pvgis, texts
from tests.energy.weather_files import (
    GEOGRAPHY,
    clear_weather,
    noon_offsets_minutes,
    open_meteo,
    station_files,
    station_table,
    write_epw,
    write_json,
    write_try_2010,
    write_zip,
)
from twin.errors import SourceError

TMY = "pvgis/tmy_45.000_8.000_2005_2023.json"
SERIES = "pvgis/pvgis_hourly_Timeseries_45.000_8.000_SA_30deg_0deg_2016_2016.csv"
MOSMIX = "dwd/MOSMIX_L_LATEST.kmz"
SOLAR = "dwd/10minutenwerte_SOLAR_01766_now.zip"
TRY_2015 = "weather/TRY2015_Zone9_normal.txt"


@pytest.mark.parametrize(
    ("sample", "clear_days"),
    [
        ("weather/DEU_TH_Erfurt.Binderslebn.AP.105540_TMYx.2007-2021.epw", 15),
        ("validation/725650TYCST.epw", 15),
        (TRY_2015, 15),
        (TMY, 15),
    ],
)
def test_clear_days_are_symmetric_about_solar_noon(shared_data, sample, clear_days):
    offsets = noon_offsets_minutes(weather.read(shared_data / sample))
    assert len(offsets) >= clear_days
    assert np.abs(offsets).max() < 15


def test_a_forecasts_clear_days_are_symmetric_about_solar_noon(shared_data):
    """Ten days of forecast hold no perfectly clear one; those near it are symmetric together."""
    offsets = noon_offsets_minutes(weather.read(shared_data / MOSMIX), roughest=0.15)
    assert len(offsets) >= 3
    assert abs(offsets.mean()) < 15


def test_the_series_sun_height_is_that_of_its_stamps(shared_data):
    """14 hours of a dull day have no clear noon: the series' own H_sun shows what instant a stamp means."""
    rows = [
        line.split(",")
        for line in (shared_data / SERIES).read_text().splitlines()
        if line.startswith("2016") and float(line.split(",")[4]) > 0
    ]
    stamps = pd.DatetimeIndex(pd.to_datetime([row[0] for row in rows], format="%Y%m%d:%H%M", utc=True))
    sun = pvlib.solarposition.get_solarposition(stamps, 45.0, 8.0)["elevation"].to_numpy()
    np.testing.assert_allclose(sun, [float(row[4]) for row in rows], atol=0.3)
    later = pvlib.solarposition.get_solarposition(stamps + pd.Timedelta(minutes=20), 45.0, 8.0)["elevation"]
    assert np.abs(later.to_numpy() - [float(row[4]) for row in rows]).max() > 1.5


def test_a_tilted_series_comes_back_to_the_horizontal(shared_data):
    """Ground-reflected Gr = 0.2 · ghi · (1 − cos 30°)/2 of the same answer gives ghi independently."""
    reading = pvgis.parse_csv((shared_data / SERIES).read_text(), Path("x"))
    assert (reading.latitude, reading.longitude, reading.altitude_m) == (45.0, 8.0, 250.0)
    lines = [
        line for line in (shared_data / SERIES).read_text().splitlines() if line.startswith("20160101:08")
    ]
    reflected = float(lines[0].split(",")[3])
    ghi = reflected / (0.2 * (1 - np.cos(np.radians(30))) / 2)
    assert reading.table["ghi"].loc["2016-01-01 08:00+00:00"] == pytest.approx(ghi, rel=0.6)
    assert reading.metadata["plane"] == "from tilt 30° by Hay & Davies 1980"
    with pytest.raises(SourceError, match="fewer than 24"):
        weather.read(shared_data / SERIES)


def test_a_tilted_clear_series_gives_the_clear_sky_again(tmp_path):
    """Clear days transposed to 35° by pvlib's Hay & Davies, written as PVGIS does, and read again."""
    stamps = pd.date_range("2023-06-01 00:10", periods=72, freq="h", tz="UTC")
    place = pvlib.location.Location(50.9, 11.6, altitude=155)
    sky, sun = place.get_clearsky(stamps, linke_turbidity=3.0), place.get_solarposition(stamps)
    plane = pvlib.irradiance.get_total_irradiance(
        35, 180, sun["apparent_zenith"], sun["azimuth"], sky["dni"], sky["ghi"], sky["dhi"],
        dni_extra=pvlib.irradiance.get_extra_radiation(stamps), model="haydavies",
    )  # fmt: skip
    head = (
        "Latitude (decimal degrees):\t50.900\nLongitude (decimal degrees):\t11.600\nElevation (m):\t155\n"
        "\n\nSlope: 35 deg. (optimum)\nAzimuth: 0 deg. \ntime,Gb(i),Gd(i),Gr(i),H_sun,T2m,WS10m,Int\n"
    )
    rows = [
        f"{stamp:%Y%m%d:%H%M},{plane['poa_direct'].iloc[k]:.2f},{plane['poa_sky_diffuse'].iloc[k]:.2f},0,0,15,2,0"
        for k, stamp in enumerate(stamps)
    ]
    file = tmp_path / "series.csv"
    file.write_text(head + "\n".join(rows) + "\n\nGb(i): Beam\n")
    read = weather.read(file)
    hourly = clear_weather("2023-06-01", 3, 50.9, 11.6, 155.0, "10min").resample("h").mean()
    expected = hourly["ghi"].reindex(read.times).to_numpy()
    high = expected > 60
    np.testing.assert_allclose(read.ghi[high], expected[high], rtol=0.03)
    assert np.abs(noon_offsets_minutes(read)).max() < 5
    assert "FAO-56" in read.metadata["relative_humidity"]


def test_ten_minute_radiation_ends_at_its_stamp(shared_data, tmp_path):
    """The sample is half a dull day: dark until sunrise, its sums arrive; noon shows in a clear spell."""
    name, text = texts(shared_data / SOLAR)[0]
    assert dwd.matches(name, text)
    lit = [line.split(";")[1] for line in text.splitlines()[1:] if float(line.split(";")[4]) > 0]
    rise = pvlib.location.Location(52.13, 7.70).get_sun_rise_set_transit(
        pd.DatetimeIndex(["2023-04-12"], tz="UTC")
    )["sunrise"]
    first = pd.to_datetime(lit[0], format="%Y%m%d%H%M", utc=True)
    assert pd.Timedelta(0) < first - rise.iloc[0] < pd.Timedelta(minutes=30)
    files = station_files(tmp_path)
    read = weather.read_station(files.values())
    assert np.abs(noon_offsets_minutes(read)).max() < 3
    assert read.latitude == 50.9251
    assert (read.times[0], read.times[-1]) == (
        pd.Timestamp("2024-02-25", tz="UTC"),
        pd.Timestamp("2024-03-03 23:00", tz="UTC"),
    )
    assert "2024-02-29" in read.frame().index.strftime("%Y-%m-%d")


def test_pvgis_typical_year_is_put_into_one_calendar(shared_data):
    """Months of 2018, 2007, 2009 … in UTC; sums as in the file; long-wave as in the file."""
    year = weather.read(shared_data / TMY)
    rows = json.loads((shared_data / TMY).read_text())["outputs"]["tmy_hourly"]
    assert len({row["time(UTC)"][:4] for row in rows}) > 5
    assert (year.times[0], len(year)) == (pd.Timestamp("2025-01-01", tz="UTC"), 8760)
    assert year.ghi.sum() == pytest.approx(sum(row["G(h)"] for row in rows), rel=0.01)
    assert year.dhi.sum() == pytest.approx(sum(row["Gd(h)"] for row in rows), rel=0.01)
    assert year.ir_horizontal.mean() == pytest.approx(np.mean([row["IR(h)"] for row in rows]))
    assert year.temp_air[0] == pytest.approx((rows[0]["T2m"] + rows[1]["T2m"]) / 2)


def test_try_2015_has_the_place_and_figures_of_its_file(shared_data):
    """Lambert 4198500, 2678500 is near Chemnitz; row 1 is the year's last UTC hour."""
    year = weather.read(shared_data / TRY_2015)
    assert (year.latitude, year.longitude) == pytest.approx((50.83, 12.92), abs=0.01)
    assert year.altitude_m == 304
    assert (year.temp_air[-1], year.temp_air[0]) == (-3.2, -4.1)
    assert year.ir_horizontal[-1] == 193
    rows = [line.split() for line in (shared_data / TRY_2015).read_text("latin-1").splitlines()[34:]]
    total = sum(float(row[12]) + float(row[13]) for row in rows if len(row) == 17)
    assert year.ghi.sum() == pytest.approx(total)


def test_try_2010_has_other_columns_and_its_place_in_degrees(tmp_path):
    sky = clear_weather("2024-12-31 23:00", 365, 50.8, 12.8667)
    year = weather.read(write_try_2010(tmp_path / "TRY2010_09_Jahr.dat", sky))
    assert (year.latitude, year.longitude, year.altitude_m) == pytest.approx((50.8, 12.8667, 418), abs=1e-3)
    assert np.abs(noon_offsets_minutes(year)).max() < 5
    assert (year.temp_air[0], year.relative_humidity[0], year.wind_speed[0]) == (4.3, 83, 2.5)
    assert year.ir_horizontal[0] == 270
    assert year.name == "TRY 2010 Chemnitz"


def test_mosmix_units_and_stamps(shared_data):
    """First steps of the sample: TTT 282.75, 282.65 K at 10 and 11 UTC; Rad1h 540 kJ/m² in the hour to 11."""
    forecast = weather.read(shared_data / MOSMIX)
    assert forecast.times[0] == pd.Timestamp("2023-04-12 10:00", tz="UTC")
    assert forecast.temp_air[0] == pytest.approx((282.75 + 282.65) / 2 - 273.15)
    assert forecast.ghi[0] == pytest.approx(540 / 3.6)
    assert forecast.wind_speed[0] == pytest.approx((5.14 + 4.12) / 2)
    assert (forecast.longitude, forecast.latitude, forecast.altitude_m) == (7.63, 51.97, 60.0)
    assert forecast.metadata["diffuse_radiation"] == radiation.SPLIT_MODEL
    with pytest.raises(SourceError, match="not a year"):
        weather.require_year(forecast)


def test_open_meteo_units_and_time_zone(tmp_path):
    sky = clear_weather("2024-06-01", 5, 50.9, 11.6, 155.0)
    file = write_json(tmp_path / "archive.json", open_meteo(sky, 50.9, 11.6))
    read = weather.read(file)
    assert read.temp_air == pytest.approx(10.0)  # 50 °F
    assert read.wind_speed == pytest.approx(5.0)  # 18 km/h
    np.testing.assert_allclose(read.ghi, sky["ghi"].reindex(read.times), atol=0.06)
    assert np.abs(noon_offsets_minutes(read)).max() < 3
    document = open_meteo(sky, 50.9, 11.6)
    document["hourly_units"]["shortwave_radiation"] = "MJ/m²"
    with pytest.raises(SourceError, match="MJ/m²"):
        weather.read(write_json(tmp_path / "other.json", document))


def test_hourly_station_radiation_of_solar_hours_is_spread_by_overlap(tmp_path):
    """An hour that ends at 12:09 has 9 minutes in the hour from 12, 51 in the hour from 11."""
    stamps = pd.date_range("2024-05-01 00:09", periods=96, freq="h", tz="UTC")
    values = np.where(np.arange(96) % 24 == 12, 360.0, 0.0)  # J/cm² in the hour to 12:09: 1000 W/m²
    table = station_table("st", {"FG_LBERG": values}, stamps, "%Y%m%d%H:%M")
    file = write_zip(tmp_path / "stundenwerte_ST_02444_row.zip", produkt_st__txt=table)
    hours = pd.date_range("2024-05-01", periods=97, freq="h", tz="UTC")
    still = np.full(97, 10.0)
    rest = write_zip(
        tmp_path / "TU.zip",
        produkt_tu__txt=station_table(
            "tu", {"TT_TU": still, "RF_TU": 5 * still, "F": still / 5}, hours, "%Y%m%d%H"
        ),
        Metadaten_Geographie_02444__txt=GEOGRAPHY,
    )
    day = weather.read_station([rest, file]).frame()["ghi"].loc["2024-05-02"]
    assert day.iloc[11] == pytest.approx(850.0)
    assert day.iloc[12] == pytest.approx(150.0)
    assert day.sum() == pytest.approx(1000.0)


@pytest.mark.parametrize(
    ("column", "values", "model"),
    [("SD_SO", 30.0, radiation.SUNSHINE_MODEL), ("V_N", 4.0, radiation.CLOUD_MODEL)],
)
def test_radiation_from_sunshine_or_clouds_is_labelled(tmp_path, column, values, model):
    files = station_files(tmp_path)
    hours = pd.date_range("2024-02-25", periods=24 * 8 + 1, freq="h", tz="UTC")
    table = station_table("x", {column: np.full(len(hours), values)}, hours, "%Y%m%d%H")
    other = write_zip(tmp_path / "other.zip", produkt_x__txt=table)
    read = weather.read_station([files["TU"], files["FF"], other])
    assert read.metadata["global_radiation"] == model
    assert read.metadata["diffuse_radiation"] == radiation.SPLIT_MODEL
    clear = weather.read_station(files.values())
    assert 0.4 < read.ghi.sum() / clear.ghi.sum() < 1.0


def test_models_of_global_radiation_by_hand():
    """FAO-56: half an hour of sun gives 0.25 + 0.5 · 0.5 = 0.5 of the sky outside; Kasten & Czeplak: eight
    eighths of clouds leave a quarter of 910 sin γ − 30."""
    times = pd.date_range("2025-06-21", periods=24, freq="h", tz="UTC")
    outside = radiation.extraterrestrial_horizontal(times, 50.9, 11.6)
    half = radiation.from_sunshine(np.full(24, 0.5), times, 50.9, 11.6)
    np.testing.assert_allclose(half, 0.5 * outside)
    assert outside.sum() == pytest.approx(11_600, rel=0.02)  # Ra(50.9° N, June) 41.7 MJ/m²d, FAO-56 table 2.6
    dull, bright = (radiation.from_clouds(np.full(24, n), times, 50.9, 11.6) for n in (1.0, 0.0))
    np.testing.assert_allclose(dull, bright / 4)


def test_split_adds_up_and_erbs_is_pvlibs():
    times = pd.date_range("2025-03-20", periods=24, freq="h", tz="UTC")
    ghi = 0.6 * radiation.extraterrestrial_horizontal(times, 50.9, 11.6)
    dhi = radiation.diffuse_of(ghi, times, 50.9, 11.6)
    dni, rest = radiation.split(ghi, ghi - dhi, times, 50.9, 11.6)
    sine = np.maximum(radiation.sine_of_sun(times + pd.Timedelta(minutes=30), 50.9, 11.6), 0)
    np.testing.assert_allclose(dni * np.where(sine > 0.03, sine, 0) + rest, ghi, atol=1e-9)
    noon = 11
    expected = pvlib.irradiance.erbs(ghi[noon], np.degrees(np.arccos(sine[noon])), times.dayofyear[noon])
    assert dhi[noon] == pytest.approx(float(expected["dhi"]))


def test_only_the_wanted_year_of_a_longer_series(tmp_path):
    files = station_files(tmp_path, days=8, start="2023-12-29")
    with pytest.raises(SourceError, match="nothing of 2022"):
        weather.read_station(files.values(), year=2022)
    assert set(weather.read_station(files.values(), year=2024).times.year) == {2024}


def test_only_the_hours_between_two_moments(tmp_path):
    station_files(tmp_path, days=8, start="2023-12-29")
    first, last = (pd.Timestamp(text, tz="UTC") for text in ("2023-12-30 05:00", "2024-01-02 05:00"))
    times = weather.read(tmp_path, between=(first, last)).times
    assert (times[0], times[-1]) == (first, last - pd.Timedelta(hours=1))
    with pytest.raises(SourceError, match="nothing of 2030-01-01 and later"):
        weather.read(
            tmp_path,
            between=(first + pd.DateOffset(years=6, days=2, hours=-5), last + pd.DateOffset(years=7)),
        )


def test_a_folder_of_station_files_is_one_weather(tmp_path):
    station_files(tmp_path)
    assert weather.read(tmp_path).name == "DWD Jena (Sternwarte)"


def test_samples_of_stations_are_refused_with_what_is_missing(shared_data):
    with pytest.raises(SourceError, match=r"no file holds wind_speed.*Add the station's files"):
        weather.read(shared_data / "dwd/observations_recent_TU_akt.zip")
    with pytest.raises(SourceError, match="names the station's place"):
        weather.read(shared_data / SOLAR)
    with pytest.raises(SourceError, match="no weather file"):
        weather.read(shared_data / "dwd/station_list.html")


def test_texts_are_utf8_or_latin1():
    assert decode("ü".encode()) == decode("ü".encode("latin-1")) == "ü"
    assert decode(b"\xef\xbb\xbfLOCATION,") == "LOCATION,"


@pytest.mark.parametrize(
    ("latitude", "longitude", "offset"), [(-33.9, 151.2, 10.0), (28.6, 77.2, 5.5), (47.6, -52.7, -3.5)]
)
def test_any_place_and_half_hour_zones(tmp_path, latitude, longitude, offset):
    year = weather.read(write_epw(tmp_path / "w.epw", latitude, longitude, offset))
    offsets = noon_offsets_minutes(year)
    assert len(offsets) == 20
    assert np.abs(offsets).max() < 5
    warm = year.frame()["temp_air"].groupby(year.times.month).mean()
    assert (warm[1] > warm[7]) == (latitude < 0)
