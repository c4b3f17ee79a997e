"""Decoders of LoRaWAN devices, as data: which field of a decoded payload is which property in which unit.

The files stand in ``assets/decoders``; its README explains them.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Item

from sensors import payload
from sensors.payload import RefusedError
from sensors.things import CATEGORY, MEASUREMENT, Kind, ObservedProperty, StreamSpec, Unit
from twin import assets
from twin.errors import SourceError

_DEPTH = 6
_ABSENT = object()
NO_UNIT = Unit("", "")
_STREAMS: dict[tuple[str, str], StreamSpec] = {}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(_Part):
    """A field of a payload and what it measures; `sources` are its names, the first present one counts."""

    property: str
    sources: tuple[str, ...] = Item(alias="from", min_length=1)
    unit: str = "1"
    key: str = ""
    name: str = ""
    text: bool = False
    always: bool = False

    def model_post_init(self, _: Any) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.property)

    def stream(self, decoder: Decoder | None) -> StreamSpec:
        """The datastream of this field; always the same object, which makes comparing quick."""
        sensor = decoder.name if decoder else "LoRaWAN"
        if (sensor, self.key) not in _STREAMS:
            _STREAMS[sensor, self.key] = self._stream(sensor)
        return _STREAMS[sensor, self.key]

    def _stream(self, sensor: str) -> StreamSpec:
        quantity = properties()[self.property]
        return StreamSpec(
            self.key,
            self.name or self.property.replace("_", " ").capitalize(),
            quantity,
            NO_UNIT if self.text else unit(self.unit),
            sensor=sensor,
            observation_type=CATEGORY if self.text else MEASUREMENT,
            description=quantity.description,
        )


class _List(_Part):
    path: str
    id: str
    value: str


class Decoder(_Part):
    """What a device type's payload means."""

    id: str
    name: str
    source: str
    kind: Kind = ""
    profiles: tuple[str, ...] = ()
    signature: tuple[str, ...] = Item(min_length=1)
    error: str = ""
    ignored: tuple[str, ...] = ()
    listing: _List | None = Item(default=None, alias="list")
    fields: tuple[Field, ...] = Item(alias="field", min_length=1)


# What the network itself tells of a device.
NETWORK = {
    "battery": Field.model_validate({"property": "battery_level", "from": ["battery"], "unit": "%"}),
    "rssi": Field.model_validate({"property": "rssi", "from": ["rssi"], "unit": "dBm", "name": "RSSI"}),
    "snr": Field.model_validate({"property": "snr", "from": ["snr"], "unit": "dB", "name": "SNR"}),
}


@dataclass(frozen=True)
class Decoded:
    """The values of a payload, and the reasons why others are left out."""

    values: tuple[tuple[Field, Any], ...]
    faults: tuple[str, ...]


def decode(decoder: Decoder, values: Mapping[str, Any], *, zeros_left_out: bool = False) -> Decoded:
    """What a decoded payload measures.

    Parameters
    ----------
    values : the payload as the network server's codec gives it.
    zeros_left_out : the network server leaves out what is empty, 0 or false (The Things Stack).

    Raises
    ------
    RefusedError : the codec of the network server has failed.
    """
    flat = flatten(decoder, values, zeros_left_out=zeros_left_out)
    failed = flat.get(decoder.error, 0) if decoder.error else 0
    if failed not in (0, "0", "", None) or flat.get("valid") is False:
        what = f"{decoder.error} is {payload.short(str(failed))}"
        raise RefusedError(f"the network server's codec failed: {what}")
    found: list[tuple[Field, Any]] = []
    faults: list[str] = []
    for part in decoder.fields:
        name = next((name for name in part.sources if _at(flat, name) is not _ABSENT), None)
        if name is None:
            continue
        try:
            found.append((part, _value(part, _at(flat, name))))
        except RefusedError as fault:
            faults.append(f"{name}: {fault}")
    if zeros_left_out and found:
        present = {part.key for part, _ in found}
        named = {fault.split(":")[0] for fault in faults}
        found += [
            (part, 0.0)
            for part in decoder.fields
            if part.always and part.key not in present and named.isdisjoint(part.sources)
        ]
    return Decoded(tuple(found), tuple(faults))


def choose(values: Mapping[str, Any] | None, hints: Iterable[str], name: str = "") -> Decoder | None:
    """The decoder for a device; None: none fits.

    Parameters
    ----------
    values : its decoded payload.
    hints : its device profile, model and tags.
    name : its name, which counts less.
    """
    named = _named((*hints, name))
    if named is not None:
        return named
    if values:
        for decoder in load().values():
            flat = flatten(decoder, values)
            if all(_at(flat, field) is not _ABSENT for field in decoder.signature):
                return decoder
    return None


@lru_cache(maxsize=4096)
def _named(texts: tuple[str, ...]) -> Decoder | None:
    for text in texts:
        squeezed = _squeeze(text)
        for decoder in load().values():
            if any(pattern in squeezed for pattern in decoder.profiles):
                return decoder
    return None


def flatten(decoder: Decoder, values: Mapping[str, Any], *, zeros_left_out: bool = False) -> dict[str, Any]:
    """The payload's fields by name; the items of its list by their id."""
    flat = dict(values)
    if decoder.listing is None:
        return flat
    items = flat.pop(decoder.listing.path, None)
    for item in _items(items, _DEPTH):
        name = item.get(decoder.listing.id)
        if name is None:
            flat.update({key: value for key, value in item.items() if key != "type"})
            continue
        try:
            key = str(payload.whole(name))
        except RefusedError:
            continue
        if zeros_left_out or decoder.listing.value in item:
            flat[key] = item.get(decoder.listing.value, 0)
    return flat


def _items(value: object, depth: int) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _items(item, depth - 1)


def _at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path of names with dots; `_ABSENT` where it is not there, or null."""
    found: Any = values
    for name in path.split("."):
        if not isinstance(found, Mapping) or found.get(name) is None:
            return _ABSENT
        found = found[name]
    return found


def _value(part: Field, value: object) -> Any:
    if not part.text:
        return payload.number(value)
    if not isinstance(value, str):
        raise RefusedError(f"not a text: {payload.short(value)}")
    return payload.text(value)


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


_KINDS: dict[str, Kind] = {known: known for known in get_args(Kind)}


def kind(name: str) -> Kind:
    """`name` where it is a kind of Thing, else empty."""
    return _KINDS.get(name, "")


@cache
def load() -> dict[str, Decoder]:
    """All decoders by their id, which is the file's name without its ending.

    Raises
    ------
    SourceError : a file is not as it should be.
    """
    return {path.stem: _read(path) for path in sorted(assets.path("decoders").glob("*.toml"))}


def _read(path: Path) -> Decoder:
    try:
        decoder = Decoder.model_validate({"id": path.stem, **tomllib.loads(path.read_text("utf-8"))})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SourceError(f"not a decoder: {error}", path, "See assets/decoders/README.md") from None
    for part in decoder.fields:
        if part.property not in properties() or (not part.text and part.unit not in _units()):
            raise SourceError(
                f"field {part.key}: unknown property or unit", path, "Add it to properties.csv or units.csv"
            )
    return decoder


@cache
def properties() -> dict[str, ObservedProperty]:
    """Observed properties by name."""
    return {
        row["property"]: ObservedProperty(row["property"], row["definition"], row["description"])
        for row in _rows("properties.csv")
    }


def unit(ucum: str) -> Unit:
    """A unit by its code; what the table does not know is taken for UCUM and named by its code."""
    return _units().get(ucum) or Unit(ucum, ucum)


@cache
def _units() -> dict[str, Unit]:
    return {row["unit"]: Unit(row["name"], row["ucum"]) for row in _rows("units.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with assets.path("decoders", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
