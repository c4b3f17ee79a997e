"""DWD MOSMIX_L forecasts (KML in a zip, one station): stamps in UTC, hourly.

Temperature (TTT), dew point (Td), wind (FF) and clouds (N) are instantaneous at the stamp; `Rad1h` [kJ/m²],
`SunD1` [s] and `RR1c` [kg/m²] are sums over the hour that ends at the stamp.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from lxml import etree

from energy.sky import ZERO_C
from energy.weather_formats.base import Reading, at_middles, ended, hours_between
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
_NAMES = {
    "dwd": "https://opendata.dwd.de/weather/lib/pointforecast_dwd_extension_V1_0.xsd",
    "kml": "http://www.opengis.net/kml/2.2",
}
_NEEDED = ("TTT", "FF")


def matches(text: str) -> bool:
    """Whether the text is a MOSMIX forecast."""
    return "pointforecast_dwd_extension" in text[:2000]


def parse(text: str, file: Path) -> Reading:
    """The forecast of one station.

    Raises
    ------
    SourceError : broken XML, a document type, several stations, or elements missing.
    """
    if "<!DOCTYPE" in text:
        raise SourceError(
            "the forecast declares a document type or entities, which attacks use", file, "Fetch it again"
        )
    # One encoding, whatever the file says: in another the document type could hide.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, encoding="iso-8859-1")
    try:
        document = etree.fromstring(text.encode("latin-1", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise SourceError(f"the forecast cannot be read: {error}", file, "Fetch it again") from None
    places = document.findall(".//kml:Placemark", _NAMES)
    if len(places) != 1:
        raise SourceError(
            f"the forecast holds {len(places)} stations", file, "Use a file of a single station"
        )
    try:
        steps = [step.text for step in document.iterfind(".//dwd:TimeStep", _NAMES)]
        stamps = pd.DatetimeIndex(pd.to_datetime(steps, utc=True, format="ISO8601"))
    except ValueError as error:
        raise SourceError(f"a time step is no time: {error}", file, "Fetch it again") from None
    elements = _elements(places[0], len(stamps), file)
    longitude, latitude, altitude = _coordinates(places[0], file)
    issued = document.findtext(".//dwd:IssueTime", "", _NAMES)
    title = (
        f"{places[0].findtext('kml:description', '', _NAMES)} {places[0].findtext('kml:name', '', _NAMES)}"
    )
    return Reading(
        table=_table(stamps, elements),
        name=f"MOSMIX {title.strip()}",
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude,
        source=f"DWD MOSMIX_L, {file.name}, issued {issued}",
        licence="CC BY 4.0",
        attribution="Deutscher Wetterdienst",
        metadata={"is_forecast": "yes", "issued": issued, "radiation": "Rad1h, the hour before the stamp"},
    )


def _elements(place: etree._Element, count: int, file: Path) -> dict[str, Array]:
    found = {}
    for forecast in place.iterfind(".//dwd:Forecast", _NAMES):
        name = forecast.get(f"{{{_NAMES['dwd']}}}elementName", "")
        words = forecast.findtext("dwd:value", "", _NAMES).split()
        if len(words) != count:
            raise SourceError(f"{name} has {len(words)} values for {count} hours", file, "Fetch it again")
        try:
            found[name] = np.array([np.nan if word == "-" else float(word) for word in words])
        except ValueError as error:
            raise SourceError(f"{name} is no number: {error}", file, "Fetch it again") from None
    for name in _NEEDED:
        if name not in found:
            raise SourceError(f"the forecast has no element {name}", file, "Use MOSMIX_L, not MOSMIX_S")
    return found


def _coordinates(place: etree._Element, file: Path) -> tuple[float, float, float]:
    try:
        longitude, latitude, altitude = place.findtext(".//kml:coordinates", "", _NAMES).split(",")
        return float(longitude), float(latitude), float(altitude)
    except ValueError:
        raise SourceError("the forecast names no place", file, "Fetch it again") from None


def _table(stamps: pd.DatetimeIndex, elements: dict[str, Array]) -> pd.DataFrame:
    times = hours_between(stamps)
    table = pd.DataFrame(
        {
            "temp_air": at_middles(stamps, elements["TTT"] - ZERO_C, times),
            "wind_speed": at_middles(stamps, elements["FF"], times),
        },
        index=times,
    )
    if "Td" in elements:
        table["temp_dew"] = at_middles(stamps, elements["Td"] - ZERO_C, times)
    if "N" in elements:
        table["cloud_cover"] = at_middles(stamps, elements["N"] / 100, times)
    if "Rad1h" in elements:
        table["ghi"] = ended(stamps, elements["Rad1h"] / 3.6, times)
    if "RR1c" in elements:
        table["precipitation"] = ended(stamps, elements["RR1c"], times)
    if "SunD1" in elements:
        table["sunshine"] = ended(stamps, elements["SunD1"] / 3600, times)
    return table
