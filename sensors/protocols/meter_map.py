"""The map of a list of meters: which column is what, which meter is where. In TOML, YAML or JSON:

reading = "cumulative"              # or "consumption"; else told by the header and the values
kind = "heat_meter"                 # or electricity_meter, pv_meter
unit = "MWh"
time_zone = "Europe/Berlin"         # "MEZ" for loggers that stay on standard time
stamp = "start"                     # a single time of a consumption is its start, or its end
decimal = ","
[columns]
meter = "Zählernummer"
time = "Ablesedatum"                # or date and clock, or start and end
value = "Stand"
[meters."4711"]
address = "Ziegesarstraße 9–19"     # or building_id = "…", building_ids = ["…"], block_id = "…"
register_size = 1000000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from sensors.local_time import BERLIN, zone
from sensors.protocols.meter_units import ucum
from sensors.things import Kind
from twin.errors import SourceError
from twin.facts_map import read_document

Mode = Literal["cumulative", "consumption", "instant"]
COLUMNS: dict[str, tuple[str, ...]] = {
    "meter": (
        "zaehlernummer",
        "zaehlernr",
        "zaehler",
        "zaehlpunkt",
        "zaehlpunktbezeichnung",
        "zaehlerid",
        "geraetenummer",
        "geraetenr",
        "geraet",
        "messstelle",
        "messpunkt",
        "messlokation",
        "melo",
        "marktlokation",
        "malo",
        "seriennummer",
        "station",
        "uebergabestation",
        "meter",
        "meterid",
        "meternumber",
        "metername",
        "sensor",
        "sensorid",
        "device",
        "deviceid",
        "gid",
    ),
    "start": (
        "von",
        "beginn",
        "start",
        "anfang",
        "zeitraumvon",
        "abrechnungvon",
        "abrechnungsbeginn",
        "datumvon",
        "zeitvon",
        "periodenbeginn",
        "from",
        "begin",
        "startdate",
        "periodstart",
        "starttime",
        "ab",
    ),
    "end": (
        "bis",
        "ende",
        "zeitraumbis",
        "abrechnungbis",
        "abrechnungsende",
        "datumbis",
        "zeitbis",
        "periodenende",
        "to",
        "until",
        "end",
        "enddate",
        "periodend",
        "endtime",
    ),
    "time": (
        "zeitstempel",
        "zeitpunkt",
        "datumzeit",
        "datumuhrzeit",
        "datumundzeit",
        "ablesezeitpunkt",
        "messzeit",
        "messzeitpunkt",
        "timestamp",
        "datetime",
        "datetimeutc",
        "dateandtime",
        "timestamputc",
        "zeitraum",
        "abrechnungszeitraum",
        "monat",
        "month",
        "period",
        "zeitutc",
    ),
    "year": ("jahr", "abrechnungsjahr", "year"),
    "date": ("datum", "ablesedatum", "tag", "date", "day", "readingdate", "stichtag", "messdatum"),
    "clock": ("uhrzeit", "zeit", "time", "clock", "ablesezeit"),
    "value": (
        "zaehlerstand",
        "stand",
        "ablesewert",
        "verbrauch",
        "waermeverbrauch",
        "stromverbrauch",
        "verbrauchswert",
        "energiemenge",
        "waermemenge",
        "energie",
        "menge",
        "arbeit",
        "messwert",
        "wert",
        "value",
        "reading",
        "meterreading",
        "consumption",
        "energy",
        "heat",
        "usage",
        "result",
        "erzeugung",
        "einspeisung",
        "leistung",
        "power",
        "generation",
    ),
    "unit": ("einheit", "mengeneinheit", "unit", "units", "uom"),
    "kind": (
        "sparte",
        "medium",
        "energieart",
        "energietraeger",
        "zaehlerart",
        "zaehlertyp",
        "art",
        "type",
        "kind",
    ),
    "name": ("bezeichnung", "name", "zaehlername", "objekt", "liegenschaft", "description"),
    "building_id": ("gebaeudeid", "buildingid", "gmlid", "gml:id"),
    "block_id": ("blockid", "block", "blocknr", "objektnr", "objektnummer", "wienr"),
    "address": ("adresse", "anschrift", "objektadresse", "address", "lage", "verbrauchsstelle"),
    "street": ("strasse", "str", "strassenname", "street"),
    "house_number": ("hausnummer", "hausnummern", "hausnr", "hnr", "housenumber", "nr"),
    "postcode": ("plz", "postleitzahl", "postcode", "zip"),
    "x": ("rechtswert", "ostwert", "easting", "lon", "longitude", "laengengrad", "x"),
    "y": ("hochwert", "nordwert", "northing", "lat", "latitude", "breitengrad", "y"),
}
"""Our columns, each with the header words (folded, without spaces and units) that mean it, surest first."""

_PLACE = (
    "building_id",
    "building_ids",
    "block_id",
    "address",
    "street",
    "house_number",
    "postcode",
    "x",
    "y",
)
_METER_KEYS = (*_PLACE, "name", "kind", "unit", "reading", "register_size", "column", "hot_water", "public")
_KEYS = (
    "columns",
    "meters",
    "reading",
    "kind",
    "unit",
    "time_zone",
    "stamp",
    "decimal",
    "sheet",
    "header_row",
    "crs",
    "source",
    "public",
    "register_size",
    "hot_water",
)


@dataclass(frozen=True)
class MeterMap:
    """What a map file says; an empty one leaves all to headers and values.

    columns : ours → theirs. meters : meter → what is known of it. source : name of the list, so that
    two owners may have meters of one number.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    meters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reading: Mode | None = None
    kind: Kind | None = None
    unit: str | None = None
    where: tzinfo = BERLIN
    stamp: Literal["start", "end"] = "start"
    decimal: str = ""
    sheet: str = ""
    header_row: int = 0
    crs: str = ""
    source: str = "meters"
    public: bool = False
    register_size: float | None = None
    hot_water: bool | None = None

    def of(self, meter: str) -> Mapping[str, Any]:
        """What is known of a meter."""
        return self.meters.get(meter, {})


def read_map(path: Path) -> MeterMap:
    """A map file.

    Raises
    ------
    SourceError : it cannot be read, or says something that is not known.
    """
    document = read_document(path)
    _known(document, _KEYS, "the map", path)
    columns = _table(document, "columns", path)
    _known(columns, tuple(COLUMNS), "[columns]", path)
    meters = {str(name): value for name, value in _table(document, "meters", path).items()}
    for name, about in meters.items():
        if not isinstance(about, Mapping):
            raise SourceError(
                f"[meters.{name}] is no table", path, f'Write [meters."{name}"] and lines below it'
            )
        _known(about, _METER_KEYS, f"[meters.{name}]", path)
        _checked(about, path)
    _checked(document, path)
    header_row = document.get("header_row", 0)
    if not isinstance(header_row, int) or isinstance(header_row, bool) or header_row < 0:
        raise SourceError("header_row is no row number", path, "Count rows from 1")
    try:
        where = zone(str(document.get("time_zone", "Europe/Berlin")))
    except ValueError as error:
        raise SourceError(f"time_zone: {error}", path, 'Such as "Europe/Berlin", "MEZ" or "UTC"') from None
    return MeterMap(
        columns={name: str(value) for name, value in columns.items()},
        meters=meters,
        where=where,
        header_row=header_row,
        **{
            key: document[key]
            for key in (
                "reading",
                "kind",
                "unit",
                "stamp",
                "decimal",
                "sheet",
                "crs",
                "source",
                "public",
                "register_size",
                "hot_water",
            )
            if key in document
        },
    )


def _table(document: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    table = document.get(key) or {}
    if not isinstance(table, Mapping):
        raise SourceError(f"[{key}] of the map is no table", path, f"Write [{key}] and lines below it")
    return table


def _known(given: Mapping[str, Any], known: tuple[str, ...], where: str, path: Path) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            remedy = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}"
            raise SourceError(f"{where} has the unknown key {name!r}", path, remedy)


def _checked(given: Mapping[str, Any], path: Path) -> None:
    """Values of keys that may be only one of a few."""
    allowed: dict[str, tuple[Any, ...]] = {
        "reading": get_args(Mode),
        "kind": get_args(Kind),
        "stamp": ("start", "end"),
        "decimal": ("", ",", "."),
        "public": (True, False),
        "hot_water": (True, False),
    }
    for key, values in allowed.items():
        if key in given and given[key] not in values:
            raise SourceError(
                f"{key} is {given[key]!r}", path, f"Write one of {', '.join(map(repr, values))}"
            )
    size = given.get("register_size", 1)
    if isinstance(size, bool) or not isinstance(size, int | float) or not size > 0:
        raise SourceError("register_size is no number above 0", path, "Such as 100000 for five figures")
    if "unit" in given:
        try:
            ucum(str(given["unit"]))
        except ValueError as error:
            raise SourceError(
                f"unit {given['unit']!r} {error}", path, "Such as kWh, MWh, GJ, m³ or kW"
            ) from None
