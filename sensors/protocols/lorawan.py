"""A LoRaWAN uplink, whichever network server sent it, and what it measures.

Things of LoRaWAN devices have the source ``lorawan`` and the device's EUI as key, so that a device stays one
Thing whether its messages come by MQTT or by webhook, and when it moves to another network server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sensors import decoders, payload
from sensors.decoders import Decoder
from sensors.payload import RefusedError
from sensors.things import Kind, StreamSpec, ThingSpec

SOURCE = "lorawan"
_EUI = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Uplink:
    """What a network server says about one uplink.

    Parameters
    ----------
    dev_eui : 16 hexadecimal digits, lower case.
    time : of the reception, microseconds since 1970 in UTC.
    message_id : unique for the message; the same when it is delivered again.
    frame : identifies what was sent by radio: the counter and the payload.
    session : changes when the device joins the network again.
    f_cnt : frame counter; None: the message is no data frame.
    values : the decoded payload; None: it was not decoded.
    zeros_left_out : the network server leaves out what is empty, 0 or false.
    rssi_dbm, snr_db : of the gateway that heard it best.
    battery_percent : as the device told its network server.
    """

    dev_eui: str
    name: str
    time: int
    message_id: str
    f_cnt: int | None = None
    f_port: int = 0
    frame: str = ""
    session: str = ""
    profile: str = ""
    application: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] | None = None
    zeros_left_out: bool = False
    rssi_dbm: float | None = None
    snr_db: float | None = None
    battery_percent: float | None = None
    position: tuple[float, float] | None = None


@dataclass(frozen=True)
class Assignment:
    """What a person said about a device; empty where nothing was said."""

    decoder: str = ""
    name: str = ""
    kind: str = ""
    building_id: str = ""
    tree_id: str = ""
    street: str = ""
    longitude: float | None = None
    latitude: float | None = None
    public: bool = False


@dataclass(frozen=True)
class Reading:
    """What a message measures, ready for the store.

    Parameters
    ----------
    values : by stream key; finite numbers, texts or truth values.
    time : microseconds since 1970 in UTC.
    source_key : the source's own id of the message; None: it has none.
    faults : reasons why some of its values are left out.
    """

    thing: ThingSpec
    values: Mapping[str, Any]
    time: int
    source_key: str | None = None
    faults: tuple[str, ...] = ()


def eui(value: object) -> str:
    """A device EUI in lower case.

    Raises
    ------
    RefusedError : it is none.
    """
    found = str(value).lower().replace("-", "").replace(":", "") if isinstance(value, str) else ""
    if not _EUI.fullmatch(found):
        raise RefusedError(f"no device EUI: {payload.short(value)}")
    return found


def best(
    receptions: Iterable[object], rssi: str, snr: str, *, zeros: bool
) -> tuple[float | None, float | None]:
    """RSSI [dBm] and SNR [dB] at the gateway that heard the frame best: by SNR, then RSSI.

    Parameters
    ----------
    receptions : one object a gateway.
    rssi, snr : the names of the two.
    zeros : whether what is left out is 0.
    """
    heard = []
    for reception in receptions:
        if not isinstance(reception, dict) or (rssi not in reception and snr not in reception):
            continue
        left_out = 0.0 if zeros else None
        try:
            heard.append(
                tuple(
                    payload.number(reception[name]) if reception.get(name) is not None else left_out
                    for name in (snr, rssi)
                )
            )
        except RefusedError:
            continue
    if not heard:
        return None, None
    snr_db, rssi_dbm = max(heard, key=lambda pair: tuple(-1e9 if value is None else value for value in pair))
    return rssi_dbm, snr_db


def reading(
    uplink: Uplink, decoder: Decoder | None, assignment: Assignment | None, source_key: str = ""
) -> Reading:
    """The uplink as a Thing with the streams that it has values for.

    Parameters
    ----------
    decoder : None for a message of the network alone (battery).
    assignment : None where nobody has assigned the device.
    source_key : the id of its observations, where it is not the message's own.

    Raises
    ------
    RefusedError : it measures nothing that the decoder knows.
    """
    streams: list[StreamSpec] = []
    values: dict[str, Any] = {}
    faults: list[str] = []
    if decoder is not None and uplink.values is not None:
        decoded = decoders.decode(decoder, uplink.values, zeros_left_out=uplink.zeros_left_out)
        faults += decoded.faults
        for part, value in decoded.values:
            streams.append(part.stream(decoder))
            values[part.key] = value
        if not values:
            reasons = "; ".join(faults) or f"it holds none of the fields of {decoder.name}"
            raise RefusedError(reasons, uplink.dev_eui)
    for part, value in _network_values(uplink):
        if part.key not in values:
            streams.append(part.stream(decoder))
            values[part.key] = value
    if not values:
        raise RefusedError("it measures nothing", uplink.dev_eui)
    thing = _thing(uplink, decoder, assignment or Assignment(), tuple(streams))
    return Reading(thing, values, uplink.time, source_key or uplink.message_id, tuple(faults))


def _network_values(uplink: Uplink) -> list[tuple[decoders.Field, float]]:
    found = {
        "battery": uplink.battery_percent,
        "rssi": uplink.rssi_dbm,
        "snr": uplink.snr_db,
    }
    return [(decoders.NETWORK[key], value) for key, value in found.items() if value is not None]


def _thing(
    uplink: Uplink, decoder: Decoder | None, assignment: Assignment, streams: tuple[StreamSpec, ...]
) -> ThingSpec:
    kind: Kind = decoders.kind(assignment.kind) or (decoder.kind if decoder else "")
    position = uplink.position
    if assignment.longitude is not None and assignment.latitude is not None:
        position = (assignment.longitude, assignment.latitude)
    facts = {
        "devEui": uplink.dev_eui,
        "deviceProfile": uplink.profile,
        "application": uplink.application,
        "decoder": decoder.id if decoder else "",
    }
    return ThingSpec(
        SOURCE,
        uplink.dev_eui,
        assignment.name or uplink.name or uplink.dev_eui,
        kind=kind,
        description=decoder.name if decoder else "",
        location={"type": "Point", "coordinates": list(position)} if position else None,
        building_id=assignment.building_id or None,
        tree_id=assignment.tree_id or None,
        street=assignment.street or None,
        public=assignment.public,
        properties={key: value for key, value in facts.items() if value},
        streams=streams,
    )
