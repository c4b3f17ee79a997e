"""Uplinks as network servers send them, for the tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TOPIC = "application/e8d62144-b9b6-4fee-937f-5d8248eee499/device/{device}/event/up"
BEGAN = datetime(2026, 5, 1, tzinfo=UTC)


def device(number: int) -> str:
    """A device EUI."""
    return f"24e124713c{number:06x}"


def chirpstack(number: int, *, devices: int = 20, **changes: Any) -> dict[str, Any]:
    """The n-th uplink of distance sensors, as in Jena's example3.json: devices in turn, a minute apart."""
    count = number // devices
    document = {
        "deduplicationId": f"00000000-0000-4000-8000-{number:012d}",
        "time": (BEGAN + timedelta(minutes=count)).isoformat(),
        "deviceInfo": {
            "tenantName": "Jena",
            "applicationName": "TrashLevel_KSJ",
            "deviceProfileName": "EM310-UDL",
            "deviceName": f"bin {number % devices}",
            "devEui": device(number % devices),
            "tags": {"dev_type": "em310-udl"},
        },
        "devAddr": "0103fd23",
        "fCnt": count,
        "fPort": 85,
        "data": "AXVFA4JSAgQAAA==",
        "object": {"distance": float(number), "position": "normal", "battery": 69.0},
        "rxInfo": [{"gatewayId": "503139535d604750", "rssi": -103, "snr": 1.0}],
    }
    return {**document, **changes}


def things_stack(number: int = 0, **changes: Any) -> dict[str, Any]:
    """An uplink of The Things Stack v3 as its documentation shows it; f_cnt 0 is left out."""
    received = (BEGAN + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
    message: dict[str, Any] = {
        "session_key_id": "AXBSH1Pk6Z0G166=",
        "f_port": 2,
        "frm_payload": "DOUAAAVeBS0AIxA=",
        "decoded_payload": {
            "Bat": 3.301, "TempC_DS18B20": "0.0", "water_SOIL": "13.74", "temp_SOIL": "13.25",
            "conduct_SOIL": 35,
        },
        "rx_metadata": [
            {"gateway_ids": {"gateway_id": "gtw1"}, "time": "2020-02-12T15:15:45Z", "rssi": -35, "snr": 5},
            {"gateway_ids": {"gateway_id": "gtw2"}, "rssi": -80},
        ],
        "received_at": received,
        "version_ids": {"brand_id": "dragino", "model_id": "lse01"},
    }  # fmt: skip
    if number:
        message["f_cnt"] = number
    return {
        "end_device_ids": {
            "device_id": "soil-1",
            "application_ids": {"application_id": "green"},
            "dev_eui": "A84041FFFF187106",
            "join_eui": "800000000000000C",
            "dev_addr": "00BCB929",
        },
        "correlation_ids": ["as:up:01"],
        "received_at": received,
        "uplink_message": {**message, **changes},
    }


def as_bytes(document: object) -> bytes:
    """Its JSON."""
    return json.dumps(document).encode()


def real(shared_data: Path) -> dict[str, bytes]:
    """Real uplinks of Jena's ChirpStack by file name."""
    folder = shared_data / "jena-udp" / "chirpstack"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}
