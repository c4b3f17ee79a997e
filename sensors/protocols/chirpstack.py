"""Uplinks of ChirpStack v4, by MQTT (``application/ID/device/EUI/event/up``) or HTTP integration, as JSON.

The time is the event's `time`, which ChirpStack takes of the gateway, else of itself. Where a gateway's clock
is so wrong that it cannot be, the time at which ChirpStack received the frame counts (`nsTime`, newer ones).
Checked on real uplinks of Jena's ChirpStack.
"""

from __future__ import annotations

from typing import Any

from sensors import payload
from sensors.payload import RefusedError
from sensors.protocols import lorawan
from sensors.protocols.lorawan import Uplink


def parse(document: dict[str, Any], now: int) -> Uplink | None:
    """The uplink or device status of an event; None for an event of another kind (join, ack, txack, log).

    Parameters
    ----------
    now : microseconds since 1970 in UTC.

    Raises
    ------
    RefusedError : it is no event of ChirpStack v4, or its values make no sense.
    """
    info = payload.section(document, "deviceInfo")
    device = lorawan.eui(info.get("devEui"))
    try:
        if "fCnt" in document or "fPort" in document:
            return _uplink(document, info, device, now)
        if "margin" in document or "batteryLevel" in document:
            return _status(document, info, device, now)
    except RefusedError as fault:
        raise RefusedError(str(fault), device) from None
    return None


def matches(document: dict[str, Any]) -> bool:
    """Whether a message looks like an event of ChirpStack v4."""
    return "deviceInfo" in document


def _uplink(document: dict[str, Any], info: dict[str, Any], device: str, now: int) -> Uplink:
    f_cnt = payload.whole(document.get("fCnt", 0))
    data = payload.text(document.get("data"), 1000)
    values = document.get("object")
    if values is not None and not isinstance(values, dict):
        raise RefusedError("object is not an object")
    if data and values is None:
        raise RefusedError("not decoded by the network server: set a codec in its device profile")
    heard = document.get("rxInfo")
    receptions = heard if isinstance(heard, list) else []
    rssi_dbm, snr_db = lorawan.best(receptions, "rssi", "snr", zeros=True)
    time = _time(document, receptions, now)
    return Uplink(
        device,
        payload.text(info.get("deviceName")),
        time,
        payload.text(document.get("deduplicationId")) or f"{device}:{f_cnt}:{time}",
        f_cnt=f_cnt,
        f_port=payload.whole(document.get("fPort", 0), 255),
        frame=f"{f_cnt}:{data}",
        session=payload.text(document.get("devAddr")),
        values=values or None,
        rssi_dbm=rssi_dbm,
        snr_db=snr_db,
        **_profile(info),
    )


def _status(document: dict[str, Any], info: dict[str, Any], device: str, now: int) -> Uplink | None:
    """The battery as the device told its network server; None where it has none."""
    if document.get("batteryLevelUnavailable") or document.get("externalPowerSource"):
        return None
    time = _time(document, [], now)
    return Uplink(
        device,
        payload.text(info.get("deviceName")),
        time,
        payload.text(document.get("deduplicationId")) or f"{device}:status:{time}",
        battery_percent=payload.number(document.get("batteryLevel", 0)),
        **_profile(info),
    )


def _profile(info: dict[str, Any]) -> dict[str, Any]:
    tags = info.get("tags")
    return {
        "profile": payload.text(info.get("deviceProfileName")),
        "application": payload.text(info.get("applicationName")),
        "tags": {
            payload.text(key): payload.text(value)
            for key, value in (tags.items() if isinstance(tags, dict) else ())
        },
    }


def _time(document: dict[str, Any], receptions: list[Any], now: int) -> int:
    """The event's time; where it cannot be, that of the network server."""
    if document.get("time") is None:
        return now
    try:
        return payload.believable(payload.moment(document["time"]), now)
    except RefusedError as fault:
        for reception in receptions:
            if isinstance(reception, dict) and "nsTime" in reception:
                return payload.believable(payload.moment(reception["nsTime"]), now)
        raise fault
