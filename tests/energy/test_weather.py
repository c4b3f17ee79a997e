"""The sample year against its documented figures, and EPW files with their own hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest

from energy import radiation, sample_weather, weather
from tests.energy.weather_files import noon_offsets_minutes
from twin.errors import SourceError

EPW = "weather/DEU_TH_Erfurt.Binderslebn.AP.105540_TMYx.2007-2021.epw"
# Own calculation from the Erfurt EPW (TMYx 2007–2021), the documented targets of the sample year.
TEMPERATURE_C = [0.3, 2.5, 4.6, 9.1, 13.3, 17.5, 18.0, 18.2, 14.2, 9.1, 4.7, 3.0]
GLOBAL_KWH_M2 = [27, 47, 89, 145, 154, 161, 166, 140, 99, 55, 30, 19]
DIFFUSE_KWH_M2 = [16, 22, 39, 46, 68, 67, 70, 54, 40, 27, 18, 13]


def test_sample_is_a_year_of_utc_hours_without_leap_day():
    year = weather.sample()
    assert len(year) == 8760
    assert year.times[0] == pd.Timestamp("2025-01-01", tz="UTC")
    assert year.times[-1] == pd.Timestamp("2025-12-31 23:00", tz="UTC")
    assert "not measured" in year.source


@pytest.mark.parametrize(
    ("column", "how", "targets"),
    [("temp_air", "mean", TEMPERATURE_C), ("ghi", "sum", GLOBAL_KWH_M2), ("dhi", "sum", DIFFUSE_KWH_M2)],
)
def test_sample_keeps_the_documented_months(column, how, targets):
    table = weather.sample().frame()
    months = table[column].groupby(table.index.month).agg(how).to_numpy()
    months = months / 1000 if how == "sum" else months
    np.testing.assert_allclose(months, targets, rtol=0.05, atol=0.05)


def test_sample_keeps_the_documented_extremes_and_wind():
    table = weather.sample().frame()
    assert table["temp_air"].min() == pytest.approx(-17.0, abs=0.5)
    assert table["temp_air"].max() == pytest.approx(29.0, abs=0.5)
    assert table["temp_air"].mean() == pytest.approx(9.6, abs=0.1)
    assert table["wind_speed"].mean() == pytest.approx(3.9, rel=0.05)
    assert table["relative_humidity"].between(15, 100).all()


def test_sample_is_symmetric_about_solar_noon():
    assert np.abs(noon_offsets_minutes(weather.sample())).max() < 15


def test_sample_radiation_closes():
    """Global = diffuse + direct × cos(zenith) with the sun at the middle of the hour."""
    year = weather.sample()
    sun = pvlib.solarposition.get_solarposition(
        year.times + pd.Timedelta(minutes=30), year.latitude, year.longitude, year.altitude_m
    )
    beam = year.dni * np.maximum(np.cos(np.radians(sun["apparent_zenith"].to_numpy())), 0)
    np.testing.assert_allclose(year.dhi + beam, year.ghi, atol=0.3)
    assert (year.ghi[sun["apparent_zenith"].to_numpy() > 96] == 0).all()


def day_statistics(year: weather.Weather) -> dict[str, float]:
    """How the days of a year hang together: the figures a generator of weather is judged by."""
    table = year.frame()
    clear = radiation.clear_sky_hours(year.times, year.latitude, year.longitude, year.altitude_m)
    daily = table.resample("D")
    mean, low, high = (getattr(daily["temp_air"], how)().to_numpy() for how in ("mean", "min", "max"))
    share = daily["ghi"].sum().to_numpy() / clear.reshape(365, 24).sum(axis=1)
    wind, months = daily["wind_speed"].mean().to_numpy(), daily["ghi"].sum().index.month
    turn = 2 * np.pi * np.arange(365) / 365
    waves = np.stack([np.ones(365), *(f(k * turn) for k in (1, 2) for f in (np.cos, np.sin))], axis=1)
    anomaly = mean - waves @ np.linalg.lstsq(waves, mean, rcond=None)[0]
    summer, winter = months.isin([6, 7, 8]), months.isin([12, 1, 2])

    def together(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a, b)[0, 1])

    humid = [
        together(day["temp_air"], day["relative_humidity"])
        for _, day in table.groupby(table.index.date)
        if day["relative_humidity"].std() > 0
    ]
    return {
        "temperature, day to day": together(anomaly[1:], anomaly[:-1]),
        "temperature, three days on": together(anomaly[3:], anomaly[:-3]),
        "temperature, spread / 10 K": anomaly.std() / 10,
        "clearness, day to day": together(share[1:], share[:-1]),
        "clear days": float((share > 0.8).mean()),
        "dull days": float((share < 0.3).mean()),
        "clear summer days warm": together(share[summer], high[summer]),
        "clear winter nights cold": together(share[winter], low[winter]),
        "clear days swing": together(share, high - low),
        "windy winter days mild": together(wind[winter], anomaly[winter]),
        "wind, day to day": together(wind[1:], wind[:-1]),
        "wind, hour to hour": together(year.wind_speed[1:], year.wind_speed[:-1]),
        "dry in the day's warmth": float(np.mean(humid)),
        "summer's daily range / 20 K": (high - low)[summer].mean() / 20,
        "winter's daily range / 20 K": (high - low)[winter].mean() / 20,
        "humidity": float(year.relative_humidity.mean()) / 100,
    }


def test_sample_weather_belongs_together_as_measured_weather_does(shared_data):
    """Correlations and shares within 0.2 of the Erfurt test year, which the targets come from."""
    ours, theirs = day_statistics(weather.sample()), day_statistics(weather.read(shared_data / EPW))
    apart = {name: round(ours[name] - theirs[name], 2) for name in ours}
    assert not {name: value for name, value in apart.items() if abs(value) > 0.2}


def test_sample_has_the_signs_of_weather():
    """Without the measured year: what must hold of any Central European year."""
    figures = day_statistics(weather.sample())
    assert 0.6 < figures["temperature, day to day"] < 0.9
    assert figures["temperature, three days on"] < 0.5
    assert figures["clear summer days warm"] > 0.3
    assert figures["clear winter nights cold"] < -0.1
    assert figures["windy winter days mild"] > 0.2
    assert figures["dry in the day's warmth"] < -0.5
    by_hour = weather.sample().frame()["temp_air"].groupby(weather.sample().times.hour).mean()
    assert by_hour.idxmin() in range(3, 7)
    assert by_hour.idxmax() in range(12, 16)


def test_every_seed_keeps_the_months():
    table = sample_weather.generate(seed=3)
    months = table["temp_air"].groupby(table.index.month).mean()
    np.testing.assert_allclose(months, TEMPERATURE_C, atol=0.06)
    assert not np.allclose(table["ghi"], weather.sample().ghi, atol=1)


def test_sample_can_be_generated_again():
    again = sample_weather.generate()
    for name in again:
        np.testing.assert_allclose(
            again[name], getattr(weather.sample(), name), atol=0.11 if name != "relative_humidity" else 1.1
        )


def test_epw_hours_are_utc_and_symmetric(shared_data):
    year = weather.read(shared_data / EPW)
    assert len(year) == 8760
    assert year.times[0] == pd.Timestamp("2025-01-01", tz="UTC")
    table = year.frame()
    months = table["temp_air"].groupby(table.index.month).mean()
    np.testing.assert_allclose(months, TEMPERATURE_C, atol=0.06)
    assert np.abs(noon_offsets_minutes(year)).max() < 15
    assert year.metadata["radiation"] == "centred on the stamp, averaged to hours"
    sums = table[["ghi", "dhi"]].sum() / 1000  # the documented year sums: averaging moves no energy
    np.testing.assert_allclose(sums, [1129, 480], rtol=0.01)


def test_another_epw_with_hourly_means_is_symmetric_too(shared_data):
    year = weather.read(shared_data / "validation/725650TYCST.epw")
    assert np.abs(noon_offsets_minutes(year)).max() < 15
    assert year.metadata["radiation"] == "hourly means"


def test_epw_stamp_is_the_end_of_the_hour_in_standard_time(shared_data):
    """The first data row (1 January, hour 1, UTC+1) is 23:00 to 24:00 UTC: it stands at the year's end."""
    lines = (shared_data / EPW).read_text("latin-1").splitlines()
    first = [float(line.split(",")[6]) for line in lines[8:10]]
    year = weather.read(shared_data / EPW)
    assert year.metadata["hours_moved_to_the_year_end"] == "1"
    assert year.temp_air[-1] == first[0]
    assert year.temp_air[0] == first[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no weather file"),
        (b"<gml/>", "no weather file"),
        (b"LOCATION,Jena\n", "cannot be read"),
        (b"LOCATION,Jena,,,,,50.9,11.6,1.0,155.0\n" + b"x\n" * 7, "cannot be read"),
        (
            b"LOCATION,Jena,,,,,50.9,11.6,1.0,155.0\n"
            + b"x\n" * 7
            + b"2020,1,1,1,0,A,9.9"
            + b",1" * 28
            + b"\n",
            "holds 1 hours",
        ),
    ],
)
def test_bad_weather_is_named_in_one_line(tmp_path: Path, content, message):
    file = tmp_path / "bad.epw"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=message) as error:
        weather.read(file)
    assert "bad.epw" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_weather_file():
    with pytest.raises(SourceError, match="no such file"):
        weather.read("/nowhere/x.epw")


@pytest.mark.parametrize(
    ("name", "value", "message"), [("ghi", -5.0, "ghi is -5"), ("temp_air", np.nan, "temp_air is nan")]
)
def test_impossible_values_are_refused(name, value, message):
    year = weather.sample()
    values = {column: getattr(year, column).copy() for column in weather.LIMITS}
    values[name][100] = value
    with pytest.raises(SourceError, match=message) as error:
        weather.Weather(year.times, **values, latitude=50, longitude=11, altitude_m=1, name="x", source="x")
    assert "2025-01-05 04:00" in str(error.value)


def test_gaps_and_other_time_zones_are_refused():
    year = weather.sample()
    values = {column: getattr(year, column) for column in weather.LIMITS}
    place = {"latitude": 50.0, "longitude": 11.0, "altitude_m": 1.0, "name": "x", "source": "x"}
    with pytest.raises(SourceError, match="not in UTC"):
        weather.Weather(year.times.tz_convert("Europe/Berlin"), **values, **place)
    gap = year.times.delete(5).append(year.times[-1:] + pd.Timedelta(hours=1))
    with pytest.raises(SourceError, match="gaps"):
        weather.Weather(gap, **values, **place)
