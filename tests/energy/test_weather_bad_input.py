"""Weather with gaps, other units, negative radiation, other places and short years."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

from energy import weather
from energy.weather_formats import dwd, texts
from tests.energy.weather_files import clear_weather, open_meteo, station_files, write_epw, write_json
from tests.listener import listening
from twin.errors import SourceError

JENA = (50.9, 11.6, 1.0)
HUGE = "9" * 400  # as a whole number; no float is so large
WHOLE = slice(None)
TEMPERATURE, HUMIDITY, LONG_WAVE, GHI, WIND = 6, 8, 12, 13, 21


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(TEMPERATURE, WHOLE, lambda v: v + 273.15)], "in kelvin"),
        ([(TEMPERATURE, WHOLE, lambda v: v * 1.8 + 32)], "in degrees Fahrenheit"),
        ([(GHI, WHOLE, lambda v: v * 3.6)], "in kJ/m²"),
        ([(GHI, WHOLE, lambda v: v * 0.36)], "in J/cm²"),
        ([(HUMIDITY, WHOLE, lambda v: v / 100)], "in shares of 1"),
        ([(WIND, WHOLE, lambda v: v * 10)], "in km/h"),
        ([(GHI, slice(4000, 4001), -60.0)], "ghi is -60.* never negative"),
        ([(TEMPERATURE, slice(100, 107), 99.9)], "temp_air is missing in 7 hours, 7 .* 2023-01-05 03:00"),
        ([(GHI, slice(4000, 4030), 9999)], "ghi is missing in"),
        ([(WIND, slice(0, 8760, 15), 999)], "wind_speed is missing in 583 hours, 1 of them"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(tmp_path, changes, message):
    with pytest.raises(SourceError, match=message) as error:
        weather.read(write_epw(tmp_path / "bad.epw", *JENA, changes))
    assert "bad.epw" in str(error.value)
    assert error.value.remedy
    assert "\n" not in str(error.value)


def test_a_number_larger_than_any_is_refused(tmp_path):
    file = write_epw(tmp_path / "bad.epw", *JENA)
    lines = file.read_text().splitlines()
    cells = lines[5000].split(",")
    cells[TEMPERATURE] = HUGE
    file.write_text("\n".join([*lines[:5000], ",".join(cells), *lines[5001:]]))
    with pytest.raises(SourceError, match=r"bad\.epw.* the mean temperature is inf"):
        weather.read(file)


def test_short_gaps_are_filled_and_counted(tmp_path):
    gaps = [
        (TEMPERATURE, slice(100, 103), 99.9),
        (GHI, slice(4090, 4093), 9999),
        (LONG_WAVE, slice(0, 100), 9999),
    ]
    whole = weather.read(write_epw(tmp_path / "whole.epw", *JENA))
    filled = weather.read(write_epw(tmp_path / "gaps.epw", *JENA, gaps))
    assert filled.metadata["temp_air_hours_filled"] == "3"
    assert filled.metadata["ghi_hours_filled"] == "3"
    assert "Clark" in filled.metadata["ir_horizontal"]
    assert "temp_air_hours_filled: 3" in filled.provenance[0].changes
    np.testing.assert_allclose(filled.temp_air, whole.temp_air, atol=0.1)
    # by the clear-sky index a gap at noon keeps the sun's course; a straight line would miss it by far
    np.testing.assert_allclose(filled.ghi, whole.ghi, atol=8)


def test_night_offsets_of_a_pyranometer_become_zero(tmp_path):
    year = weather.read(write_epw(tmp_path / "w.epw", *JENA, [(GHI, slice(0, 5), -3.0)]))
    assert year.metadata["ghi_small_negatives_set_to_zero"] == "5"
    assert year.ghi.min() == 0.0


def test_nights_without_sunshine_records_are_no_gaps(tmp_path):
    """Stations report sunshine from 3 to 20 UTC only."""
    files = station_files(tmp_path)
    text = "STATIONS_ID;MESS_DATUM;QN_7;SD_SO;eor\n"
    for day in pd.date_range("2024-02-25", periods=8):
        text += "".join(f"2444;{day:%Y%m%d}{hour:02d};3; 30.00;eor\n" for hour in range(4, 21))
    sun = tmp_path / "produkt_sd_stunde_02444.txt"
    sun.write_text(text)
    read = weather.read_station([files["TU"], files["FF"], sun])
    assert len(read) > 170
    assert not [key for key in read.metadata if "filled" in key]
    assert read.ghi[read.times.hour == 0].max() == 0.0


def test_a_year_too_short_is_refused(tmp_path):
    file = write_epw(tmp_path / "short.epw", *JENA)
    file.write_text("\n".join(file.read_text().splitlines()[:5000]))
    with pytest.raises(SourceError, match="holds 4992 hours: the year is not whole"):
        weather.read(file)
    sky = clear_weather("2024-06-01", 40, 50.9, 11.6)
    some = weather.read(write_json(tmp_path / "some.json", open_meteo(sky, 50.9, 11.6)))
    with pytest.raises(SourceError, match="960 hours, from 2024-06-01 to 2024-07-10, not a year"):
        weather.require_year(some)
    weather.require_year(weather.sample())


def test_weather_of_another_part_of_the_world_is_refused():
    jena = weather.sample()
    assert weather.check_place(jena, 50.98, 11.03) == ""
    # Essen: 51.46 N, 7.01 E is about 328 km from 50.884 N, 11.618 E
    assert weather.check_place(jena, 51.46, 7.01) == "the weather is of a place 328 km away"
    with pytest.raises(SourceError, match=r"km from the district \(50.88, 11.62\)"):
        weather.check_place(jena, -33.9, 151.2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", '{"hourly_units": {}}', "Open-Meteo answer cannot be read"),
        ("x.json", '{"outputs": {"tmy_hourly": []}}', "PVGIS answer cannot be read"),
        ("x.csv", "Latitude (decimal degrees):\t45\n", "no line of column names"),
        (
            "x.csv",
            "Latitude (decimal degrees):\t45\nLongitude (decimal degrees):\t8\nElevation (m):\t250\n"
            "time,Gb(i),T2m\n20160101:0010,0.0,3.4\n20160101:0110,0.0,3.4\n",
            "PVGIS answer cannot be read",
        ),
        ("x.dat", "Kopf\nRW HW MM DD HH t RF WG B D\n***\n1 2 3\n", "data row 1 has 3 values"),
        ("x.dat", "Kopf\nRW HW MM DD HH t RF WG B\n***\n", "no column D"),
        ("produkt_x.txt", "STATIONS_ID;MESS_DATUM;TT_TU;eor\n", "no rows"),
        ("produkt_x.txt", "STATIONS_ID;MESS_DATUM;TT_TU;eor\n1;2;3;4\n1;2;3;4;5;6\n", "table cannot be read"),
        ("x.kml", '<?xml version="1.0"?><a xmlns:dwd="pointforecast_dwd_extension">', "cannot be read"),
        ("x.json", '{"Gb(i)": ' + "[" * 5000, "PVGIS answer cannot be read"),
        ("x.json", '{"hourly": {}, "hourly_units": ' + "[" * 5000, "Open-Meteo answer cannot be read"),
        (
            "x.json",
            f'{{"inputs": {{"location": {{"latitude": {HUGE}}}}}, "outputs": {{"tmy_hourly": []}}}}',
            "PVGIS answer cannot be read",
        ),
        (
            "x.json",
            '{"hourly_units": {"time": "iso8601", "temperature_2m": "°C"}, "latitude": 51, "longitude": 11,'
            f'"hourly": {{"time": ["2024-01-01T00:00", "2024-01-01T01:00"],"temperature_2m": [1, {HUGE}]}}}}',
            "Open-Meteo answer cannot be read",
        ),
    ],
)
def test_broken_files_of_each_format(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(SourceError, match=message) as error:
        weather.read(file)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("sound", "damaged", "message"),
    [
        (">2023-04-12T10:00:00.000Z<", ">2023-04-12T10:00:9**9<", "a time step is no time"),
        ("     282.75     282.65", "     2NaN.5     282.65", "is no number"),
    ],
)
def test_a_forecast_with_a_damaged_value(shared_data, tmp_path, sound, damaged, message):
    ((_, forecast),) = texts(shared_data / "dwd" / "MOSMIX_L_LATEST.kmz")
    file = tmp_path / "x.kml"
    file.write_text(forecast.replace(sound, damaged), "latin-1")
    with pytest.raises(SourceError, match=message):
        weather.read(file)


FORECAST = """<?xml version="1.0" encoding="ISO-8859-1"?>HEAD
<kml:kml xmlns:kml="http://www.opengis.net/kml/2.2"
 xmlns:dwd="https://opendata.dwd.de/weather/lib/pointforecast_dwd_extension_V1_0.xsd">
<kml:Document><dwd:IssueTime>TEXT</dwd:IssueTime><dwd:ForecastTimeSteps>STEPS</dwd:ForecastTimeSteps>
<kml:Placemark><kml:name>10567</kml:name><kml:description note="NOTE">Jena é</kml:description>
<dwd:Forecast dwd:elementName="TTT"><dwd:value>VALUES</dwd:value></dwd:Forecast>
<dwd:Forecast dwd:elementName="FF"><dwd:value>WIND</dwd:value></dwd:Forecast>
<dwd:Forecast dwd:elementName="N"><dwd:value>CLOUDS</dwd:value></dwd:Forecast>
<kml:Point><kml:coordinates>11.6,50.9,160</kml:coordinates></kml:Point>
</kml:Placemark></kml:Document></kml:kml>"""
STEPS = "".join(
    f"<dwd:TimeStep>2023-04-{12 + hour // 24}T{hour % 24:02}:00:00.000Z</dwd:TimeStep>" for hour in range(48)
)
BOMB = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))


def forecast(head="", text="", note=""):
    out = FORECAST.replace("HEAD", head).replace("TEXT", text).replace("NOTE", note).replace("STEPS", STEPS)
    for word, value in (("VALUES", "280.0 "), ("WIND", "3.0 "), ("CLOUDS", "50.0 ")):
        out = out.replace(word, value * 48)
    return out


def test_a_plain_forecast_of_this_form_is_read_in_its_encoding(tmp_path):
    for encoding in ("iso-8859-1", "utf-8"):
        file = tmp_path / "a.kml"
        file.write_bytes(forecast().replace("ISO-8859-1", encoding).encode(encoding))
        assert weather.read(file).name == "MOSMIX Jena é 10567"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize("kind", ["file", "address", "dtd", "bomb in text", "bomb in an attribute"])
def test_a_forecast_brings_in_no_entities(tmp_path, kind, encoding, packed):
    """An attribute's entities are put in even where those of texts are left."""
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP-SECRET")
    with listening() as listener:
        head, text, note = {
            "file": (f'[<!ENTITY x SYSTEM "{secret.as_uri()}">]', "&x;", ""),
            "address": (f'[<!ENTITY x SYSTEM "{listener.address}/x">]', "&x;", ""),
            "dtd": (f'SYSTEM "{listener.address}/x.dtd"', "", ""),
            "bomb in text": (f"[{BOMB}]", "&a9;", ""),
            "bomb in an attribute": (f"[{BOMB}]", "", "&a9;"),
        }[kind]
        content = forecast(f"<!DOCTYPE kml {head}>", text, note)
        if encoding == "utf-16":
            content = content.replace("ISO-8859-1", "utf-16").replace("?>", "?><!--HIDDEN-->", 1)
            hidden = b"pointforecast_dwd_extension ".decode("utf-16-le")  # what the format is told by
            content = content.replace("HIDDEN", hidden)
        file = tmp_path / ("a.kmz" if packed else "a.kml")
        if packed:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.kml", content.encode(encoding))
        else:
            file.write_bytes(content.encode(encoding))
        with pytest.raises(SourceError) as error:
            weather.read(file)
        assert "a.km" in str(error.value) and "TOP-SECRET" not in str(error.value)
        assert listener.heard == []


def test_an_archive_whose_beginning_is_lost(tmp_path):
    """Python's zipfile then looks before the file."""
    file = station_files(tmp_path)["TU"]
    file.write_bytes(file.read_bytes()[5:])
    for read in (weather.read, dwd.measured):
        with pytest.raises(SourceError, match="cannot be unpacked"):
            read(file)


def test_a_station_file_comes_with_a_byte_order_mark_and_names_a_bad_cell(tmp_path):
    file = tmp_path / "produkt_tu_stunde.txt"
    table = (
        "STATIONS_ID;MESS_DATUM;QN_9;TT_TU;RF_TU;eor\n2444;2023010100;3;{};-999;eor\n2444;{};3;5.2;88;eor\n"
    )
    file.write_bytes(b"\xef\xbb\xbf" + table.format(5.1, 2023010101).encode())
    (temperature, humidity) = dwd.measured(file)
    assert (temperature.values.tolist(), humidity.values.tolist()) == ([5.1, 5.2], [88.0])
    for cells, message in (
        (("5,1", 2023010101), "line 2, column TT_TU: '5,1' is no number"),
        ((5.1, 2023013300), "line 3, column MESS_DATUM: '2023013300' is no time"),
    ):
        file.write_text(table.format(*cells))
        with pytest.raises(SourceError, match=message):
            dwd.measured(file)
