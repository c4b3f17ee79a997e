"""Uplinks of The Things Stack v3, by MQTT (``v3/APP@TENANT/devices/ID/up``) or webhook, as JSON.

What is empty, 0 or false is left out of its messages: a missing `f_cnt`, `f_port`, `rssi` or `snr` is 0.
The time is that at which the network server received the frame. A gateway's own clock counts only where it
comes from GPS and is not after that: gateways that buffer deliver late, but others are minutes off.
Format: www.thethingsindustries.com/docs/integrations/data-formats.
"""

from __future__ import annotations

from typing import Any

from sensors import payload
from sensors.payload import RefusedError
from sensors.protocols import lorawan
from sensors.protocols.lorawan import Uplink

_DAY = 86_400 * payload.SECOND


def parse(document: dict[str, Any], now: int) -> Uplink | None:
    """The uplink of a message; None for a message of another kind (join, downlink, simulated).

    Parameters
    ----------
    now : microseconds since 1970 in UTC.

    Raises
    ------
    RefusedError : it is no message of The Things Stack v3, or its values make no sense.
    """
    ids = payload.section(document, "end_device_ids")
    device = _device(ids)
    try:
        message = payload.section(document, "uplink_message")
        if not message or document.get("simulated"):
            return None
        return _uplink(document, ids, message, device, now)
    except RefusedError as fault:
        raise RefusedError(str(fault), device) from None


def matches(document: dict[str, Any]) -> bool:
    """Whether a message looks like one of The Things Stack v3."""
    return "end_device_ids" in document


def _device(ids: dict[str, Any]) -> str:
    """The EUI; for a device without one, application and device id."""
    if "dev_eui" in ids:
        return lorawan.eui(ids["dev_eui"])
    application = payload.text(payload.section(ids, "application_ids").get("application_id"))
    device = payload.text(ids.get("device_id"))
    if not device:
        raise RefusedError("neither dev_eui nor device_id")
    return f"{application}/{device}"


def _uplink(
    document: dict[str, Any], ids: dict[str, Any], message: dict[str, Any], device: str, now: int
) -> Uplink:
    f_cnt = payload.whole(message.get("f_cnt", 0))
    data = payload.text(message.get("frm_payload"), 1000)
    values = payload.section(message, "decoded_payload")
    if data and not values:
        raise RefusedError("not decoded by the network server: set a payload formatter")
    heard = message.get("rx_metadata")
    receptions = heard if isinstance(heard, list) else []
    rssi_dbm, snr_db = lorawan.best(receptions, "rssi", "snr", zeros=True)
    received = message.get("received_at", document.get("received_at"))
    arrived = now if received is None else payload.believable(payload.moment(received), now)
    version = payload.section(message, "version_ids")
    application = payload.section(ids, "application_ids")
    return Uplink(
        device,
        payload.text(ids.get("device_id")),
        _gps_time(receptions, arrived),
        f"{device}:{f_cnt}:{arrived}",
        f_cnt=f_cnt,
        f_port=payload.whole(message.get("f_port", 0), 255),
        frame=f"{f_cnt}:{data}",
        session=payload.text(message.get("session_key_id")) or payload.text(ids.get("dev_addr")),
        profile=payload.text(version.get("model_id")),
        application=payload.text(application.get("application_id")),
        values=values or None,
        zeros_left_out=True,
        rssi_dbm=rssi_dbm,
        snr_db=snr_db,
        battery_percent=_battery(message),
        position=_position(message),
    )


def _gps_time(receptions: list[Any], arrived: int) -> int:
    """The earliest GPS time of a gateway that is within a day before the arrival, else the arrival."""
    found = []
    for reception in receptions:
        if isinstance(reception, dict) and reception.get("gps_time"):
            try:
                found.append(payload.moment(reception["gps_time"]))
            except RefusedError:
                continue
    return min((time for time in found if arrived - _DAY <= time <= arrived), default=arrived)


def _battery(message: dict[str, Any]) -> float | None:
    """The battery as of this very uplink; the network server repeats it in later ones."""
    level = payload.section(message, "last_battery_percentage")
    if not level or level.get("f_cnt", 0) != message.get("f_cnt", 0):
        return None
    return payload.number(level.get("value", 0))


def _position(message: dict[str, Any]) -> tuple[float, float] | None:
    place = payload.section(payload.section(message, "locations"), "user")
    if not place:
        return None
    longitude, latitude = (payload.number(place.get(key, 0)) for key in ("longitude", "latitude"))
    return (longitude, latitude) if abs(longitude) <= 180 and abs(latitude) <= 90 else None
