"""Makes a whole weather of what a file says: checks units, fills short gaps, models what is missing.

Every step is counted or named in the metadata; long gaps and impossible figures are refused. Gaps of up to
six hours are filled (our choice): by straight lines, for radiation by straight lines of the clear-sky index,
so that the sun's course is kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import radiation, sky
from energy.weather_formats.base import ASIDE, RADIATION, Reading
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
LONGEST_GAP_H = 6
MOST_FILLED = 0.05  # of the hours, by quantity
_OFFSET_W_M2 = -10.0  # pyranometers read a little below zero at night
_DIM_CLEARNESS, _DIM_DAYS = 0.35, 60  # no place stays so dull so long (estimate)
_HOTTEST_MEAN_C, _STRONGEST_MEAN_M_S = 36.0, 20.0  # of any place on earth over months (estimates)
_HUMIDITY_MODEL = "dew point = the day's lowest temperature (FAO-56, equation 48)"


def fill(reading: Reading) -> tuple[pd.DataFrame, dict[str, str]]:
    """Complete columns of `energy.weather.Weather`, and what was done for them.

    Raises
    ------
    SourceError : no temperature, wind or radiation; a gap too long; figures in other units.
    """
    table, done = reading.table.drop(columns=list(ASIDE), errors="ignore").copy(), dict(reading.metadata)
    for name in ("temp_air", "wind_speed"):
        if name not in table:
            raise SourceError(f"the file has no {name}", reading.source, "Use a file that holds it")
    _check_units(table, reading.source)
    _clear_night(table, reading, done)
    table = _trim(table, done)
    for name in table.columns:
        _fill_gaps(table, name, reading, done)
    _humidity(table, done)
    _radiation(table, reading, done)
    return table, done


def _check_units(table: pd.DataFrame, where: str) -> None:
    """Refuse what shows that a column is in another unit, with a guess which."""
    mean_c, mean_wind = table["temp_air"].mean(), table["wind_speed"].mean()
    if not -60 < mean_c < _HOTTEST_MEAN_C:
        unit = "kelvin" if mean_c > 150 else "degrees Fahrenheit"
        raise SourceError(f"the mean temperature is {mean_c:.0f}", where, f"Give °C; is the file in {unit}?")
    if mean_wind > _STRONGEST_MEAN_M_S:
        raise SourceError(f"the mean wind is {mean_wind:.0f}", where, "Give m/s; is the file in km/h?")
    if (humidity := table.get("relative_humidity")) is not None and 0 < humidity.max() <= 1.5:
        raise SourceError(
            f"the highest humidity is {humidity.max():g}", where, "Give percent; is the file in shares of 1?"
        )


def _clear_night(table: pd.DataFrame, reading: Reading, done: dict[str, str]) -> None:
    """Small negative radiation to zero, large refused; nights without a value are dark, not gaps."""
    present = [name for name in (*RADIATION, "sunshine") if name in table]
    place = reading.latitude, reading.longitude
    times = pd.DatetimeIndex(table.index)
    outside = radiation.extraterrestrial_horizontal(times, *place)
    for name in present:
        values = table[name]
        if (values < _OFFSET_W_M2).any():
            at = times[int(np.argmax(values < _OFFSET_W_M2))]
            raise SourceError(
                f"{name} is {values[at]:g} at {at:%Y-%m-%d %H:%M} UTC",
                reading.source,
                "Radiation is never negative",
            )
        if negative := int((values < 0).sum()):
            done[f"{name}_small_negatives_set_to_zero"] = str(negative)
        table[name] = values.clip(lower=0.0).mask(values.isna() & (outside == 0.0), 0.0)
    if "ghi" in table:
        _check_radiation(table["ghi"], outside, reading.source)


def _check_radiation(ghi: pd.Series, outside: Array, where: str) -> None:
    """Days cannot be brighter than outside the atmosphere, nor dull for months."""
    known = pd.DataFrame({"ghi": ghi, "outside": outside}).dropna()
    days = known.groupby(pd.DatetimeIndex(known.index).floor("D")).sum()
    days = days[days["outside"] > 500.0]
    share = days["ghi"] / days["outside"]
    if (share > 1.0).any():
        raise SourceError(
            f"on {days.index[int(share.argmax())]:%Y-%m-%d} there is {share.max():.1f} times the radiation "
            "that arrives outside the atmosphere",
            where,
            "Give W/m²; is the file in kJ/m², or are its hours in another time zone?",
        )
    if len(share) >= _DIM_DAYS and share.max() < _DIM_CLEARNESS:
        raise SourceError(
            f"the clearest of {len(share)} days has {share.max():.0%} of the radiation "
            "that arrives outside the atmosphere",
            where,
            "Give W/m²; is the file in J/cm² or MJ/m²?",
        )


def _trim(table: pd.DataFrame, done: dict[str, str]) -> pd.DataFrame:
    """The span from the first to the last hour at which temperature, wind and radiation are known."""
    needed = ["temp_air", "wind_speed", _radiation_source(table)]
    known = table[[name for name in needed if name in table]].notna().all(axis=1).to_numpy()
    if not known.any():
        return table
    first, last = int(np.argmax(known)), len(known) - int(np.argmax(known[::-1]))
    if cut := len(table) - (last - first):
        done["hours_cut_at_the_ends"] = str(cut)
    return table.iloc[first:last]


def _radiation_source(table: pd.DataFrame) -> str:
    return next((name for name in ("ghi", "sunshine", "cloud_cover") if name in table), "ghi")


def _fill_gaps(table: pd.DataFrame, name: str, reading: Reading, done: dict[str, str]) -> None:
    """Fill the short gaps of one column in place; drop it where another can stand for it."""
    missing = table[name].isna().to_numpy()
    count = int(missing.sum())
    if not count:
        return
    starts, lengths = _runs(missing)
    if lengths.max() > LONGEST_GAP_H or count > MOST_FILLED * len(table):
        if name not in ("temp_air", "wind_speed", _radiation_source(table)):
            del table[name]  # modelled below, and named there
            return
        first = int(np.argmax(lengths == lengths.max()))
        at = table.index[int(starts[first])]
        raise SourceError(
            f"{name} is missing in {count} hours, "
            f"{int(lengths[first])} of them on end from {at:%Y-%m-%d %H:%M} UTC",
            reading.source,
            f"Gaps of up to {LONGEST_GAP_H} hours, and {MOST_FILLED:.0%} in all, are filled; "
            "take another span or station",
        )
    done[f"{name}_hours_filled"] = str(count)
    if name in RADIATION:
        place = reading.latitude, reading.longitude, reading.altitude_m
        clear = radiation.clear_sky_hours(pd.DatetimeIndex(table.index), *place)
        lit = clear > 1.0
        index = pd.Series(np.where(lit, table[name] / np.where(lit, clear, 1.0), np.nan), index=table.index)
        table.loc[missing, name] = (index.interpolate(limit_direction="both").fillna(0.0) * clear)[missing]
    else:
        table[name] = table[name].interpolate(limit_direction="both")


def _runs(missing: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Starts and lengths of the runs of missing hours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype("int8"), [0]])))
    return edges[::2], edges[1::2] - edges[::2]


def _humidity(table: pd.DataFrame, done: dict[str, str]) -> None:
    temperature = table["temp_air"].to_numpy("float64")
    if "relative_humidity" not in table:
        if "temp_dew" in table:
            dew = table["temp_dew"].to_numpy("float64")
        else:
            dew = (
                table["temp_air"]
                .groupby(pd.DatetimeIndex(table.index).floor("D"))
                .transform("min")
                .to_numpy()
            )
            done["relative_humidity"] = _HUMIDITY_MODEL
        table["relative_humidity"] = sky.humidity_percent(temperature, dew)
    table["relative_humidity"] = table["relative_humidity"].clip(upper=100.0)


def _radiation(table: pd.DataFrame, reading: Reading, done: dict[str, str]) -> None:
    """Global, direct and diffuse radiation that add up, and the sky's long-wave, all columns in place."""
    times, place = pd.DatetimeIndex(table.index), (reading.latitude, reading.longitude)
    if "ghi" not in table:
        table["ghi"] = _global(table, times, place, reading, done)
    ghi = table["ghi"].to_numpy("float64")
    if not {"dni", "dhi"} <= set(table.columns):
        if "bhi" in table:
            bhi = table["bhi"].to_numpy("float64")
        elif "dhi" in table:
            bhi = ghi - table["dhi"].to_numpy("float64")
        else:
            bhi = ghi - radiation.diffuse_of(ghi, times, *place)
            done["diffuse_radiation"] = radiation.SPLIT_MODEL
        table["dni"], table["dhi"] = radiation.split(ghi, np.clip(bhi, 0.0, ghi), times, *place)
    if "ir_horizontal" not in table:
        if "cloud_cover" in table:
            clouds = table["cloud_cover"].clip(0.0, 1.0).to_numpy("float64")
        else:
            clouds = sky.cloud_cover(ghi, times, *place)
        dew = sky.dew_point_c(table["temp_air"].to_numpy(), table["relative_humidity"].to_numpy())
        table["ir_horizontal"] = sky.long_wave(table["temp_air"].to_numpy(), dew, clouds)
        done["ir_horizontal"] = (
            "Clark & Allen 1978 with Walton's clouds" if "cloud_cover" in table else sky.IR_MODEL
        )


def _global(
    table: pd.DataFrame,
    times: pd.DatetimeIndex,
    place: tuple[float, float],
    reading: Reading,
    done: dict[str, str],
) -> Array:
    if "sunshine" in table:
        done["global_radiation"] = radiation.SUNSHINE_MODEL
        return radiation.from_sunshine(table["sunshine"].clip(0.0, 1.0).to_numpy("float64"), times, *place)
    if "cloud_cover" in table:
        done["global_radiation"] = radiation.CLOUD_MODEL
        return radiation.from_clouds(table["cloud_cover"].clip(0.0, 1.0).to_numpy("float64"), times, *place)
    raise SourceError(
        "the file has no radiation, sunshine or cloud cover", reading.source, "Add a file that holds one"
    )
