"""Uplinks of ChirpStack and The Things Stack: what they measure, when, and what is no uplink."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sensors import decoders, payload
from sensors.payload import RefusedError
from sensors.protocols import chirpstack, formats, lorawan, things_stack
from sensors.protocols.lorawan import Uplink
from sensors.times import from_us, to_us
from sensors.units import converts
from tests.sensors.uplinks import BEGAN, as_bytes, real
from tests.sensors.uplinks import chirpstack as of_chirpstack
from tests.sensors.uplinks import things_stack as of_things_stack

NOW = to_us(datetime(2026, 11, 26, tzinfo=UTC))
# What stands in each real uplink of shared/data/jena-udp/chirpstack, read off by hand.
REAL = {
    "example.json": (
        "dragino_lse01", "2024-06-20T08:48:38.863512+00:00",
        {"soil_moisture": 13.74, "soil_temperature": 13.25, "electrical_conductivity": 35.0,
         "probe_temperature": 0.0, "battery_voltage": 3.301, "sensor_connected": 1.0,
         "rssi": -116.0, "snr": -1.0},
    ),
    "example2.json": (
        "sensecap_s2120", "2025-07-03T14:07:30.917000+00:00",
        {"air_temperature": 24.4, "relative_humidity": 36.0, "illuminance": 83405.0, "uv_index": 5.3,
         "wind_speed": 4.1, "wind_direction": 354.0, "rainfall_rate": 0.0, "air_pressure": 100540.0,
         "wind_gust": 7.7, "rainfall": 278.638, "rssi": -100.0, "snr": 8.5},
    ),
    "example3.json": (
        "milesight_em310", "2025-07-07T15:42:11.141117+00:00",
        {"distance": 594.0, "device_position": "normal", "battery_level": 69.0, "rssi": -103.0, "snr": 1.0},
    ),
    "example4.json": (
        "tektelic_kiwi", "2025-07-08T15:42:59.764929+00:00",
        {"soil_water_tension_1": 63.0048, "soil_water_tension_2": 104.69359999999999,
         "sensor_frequency_1": 702.0, "sensor_frequency_2": 476.0, "illuminance": 0.0, "rssi": -123.0,
         "snr": -9.5},
    ),
    "example5.json": (
        "sensecap_s2106", "2025-07-09T07:31:17.836573+00:00",
        {"ph": 10.059, "probe_temperature": 15.17, "rssi": -116.0, "snr": -8.5},
    ),
}  # fmt: skip


def chosen(uplink: Uplink) -> decoders.Decoder | None:
    return decoders.choose(uplink.values, (uplink.profile, *uplink.tags.values()), uplink.name)


def parsed(document: dict[str, Any], now: int = NOW) -> Uplink:
    uplink = formats.parse(document, now)
    assert uplink is not None
    return uplink


def read(document: dict[str, Any]) -> lorawan.Reading:
    uplink = parsed(document)
    return lorawan.reading(uplink, chosen(uplink), None)


def test_jenas_real_uplinks_are_read_completely(shared_data: Path) -> None:
    messages = real(shared_data)
    assert set(REAL) <= set(messages)
    for name, message in messages.items():
        document = payload.document(message)
        uplink = parsed(document)
        decoder = chosen(uplink)
        assert decoder is not None
        reading = lorawan.reading(uplink, decoder, None)
        assert (decoder.id, from_us(reading.time).isoformat(), dict(reading.values)) == REAL[name]
        assert reading.source_key == document["deduplicationId"]
        assert reading.thing.key == document["deviceInfo"]["devEui"] and not reading.faults
        known = {source for part in decoder.fields for source in part.sources} | set(decoder.ignored)
        assert set(decoders.flatten(decoder, document["object"])) <= known


def test_each_decoder_names_its_source_and_units_that_convert() -> None:
    assert set(decoders.load()) >= {
        "dragino_lse01", "sensecap_s2105", "sensecap_s2106", "sensecap_s2120", "tektelic_kiwi",
        "teros21_solidos", "teros21_decentlab", "milesight_em310",
    }  # fmt: skip
    for decoder in decoders.load().values():
        assert decoder.source
        assert len({part.key for part in decoder.fields}) == len(decoder.fields)
        for part in decoder.fields:
            stream = part.stream(decoder)
            assert stream.property.definition.startswith("http")
            assert part.text or converts(stream.unit.ucum, stream.unit.ucum)


@pytest.mark.parametrize(
    ("values", "decoder", "expected"),
    [
        # Field names of the devices without a real uplink: see `source` in their files.
        ({"potentialwater_1": -875.9, "potentialwater_2": -1145.6, "temp_1": 20.6, "temp_2": 21.5,
          "battery_voltage": 3.57}, "teros21_solidos",
         {"soil_water_potential_1": -875.9, "soil_water_potential_2": -1145.6, "soil_temperature_1": 20.6,
          "soil_temperature_2": 21.5, "battery_voltage": 3.57}),
        ({"protocol_version": 2, "device_id": 3, "water_potential": {"value": -85.0, "unit": "kPa"},
          "soil_temperature": {"value": 21.5}, "battery_voltage": {"value": 3.0}}, "teros21_decentlab",
         {"soil_water_potential": -85.0, "soil_temperature": 21.5, "battery_voltage": 3.0}),
        ({"err": 0, "valid": True, "payload": "01", "messages": [
            {"type": "report_telemetry", "measurementId": 4102, "measurementValue": 23.9},
            {"type": "report_telemetry", "measurementId": 4103, "measurementValue": 45.5},
            {"type": "report_telemetry", "measurementId": 4108, "measurementValue": 0.18},
            {"type": "upload_battery", "battery": 87}]}, "sensecap_s2105",
         {"soil_moisture": 45.5, "soil_temperature": 23.9, "electrical_conductivity": 0.18,
          "battery_level": 87.0}),
    ],
)  # fmt: skip
def test_devices_are_known_by_their_fields_alone(
    values: dict[str, Any], decoder: str, expected: dict[str, float]
) -> None:
    info = {"devEui": "0000000000000001", "deviceName": "x"}
    reading = read(of_chirpstack(1, object=values, deviceInfo=info, rxInfo=[]))
    assert reading.thing.properties["decoder"] == decoder
    assert reading.values == expected


def test_things_stack_leaves_out_zeros() -> None:
    uplink = parsed(of_things_stack())
    assert (uplink.f_cnt, uplink.dev_eui) == (0, "a84041ffff187106")
    assert from_us(uplink.time) == BEGAN  # the network server's, not the gateway's clock of 2020
    assert (uplink.rssi_dbm, uplink.snr_db) == (-35.0, 5.0)
    # A gateway without snr has 0 dB; conduct_SOIL is in every message, so where it is left out it is 0.
    message = of_things_stack(7, rx_metadata=[{"rssi": -80}, {"rssi": -60, "snr": -3}])
    del message["uplink_message"]["decoded_payload"]["conduct_SOIL"]
    reading = read(message)
    assert reading.values == {
        "soil_moisture": 13.74, "soil_temperature": 13.25, "electrical_conductivity": 0.0,
        "probe_temperature": 0.0, "battery_voltage": 3.301, "rssi": -80.0, "snr": 0.0,
    }  # fmt: skip
    rain = {"messages": [[{"measurementId": "4097", "measurementValue": 3.0}, {"measurementId": "4113"}]]}
    station = read(of_things_stack(8, decoded_payload=rain, version_ids={"model_id": "s2120"}))
    assert station.values["rainfall_rate"] == 0.0


def test_gps_time_of_a_gateway_that_delivers_late() -> None:
    late = [
        {"rssi": -60, "gps_time": "2026-05-01T00:00:30Z"},
        {"rssi": -61, "gps_time": "1980-01-06T00:00:00Z"},
    ]
    assert from_us(parsed(of_things_stack(60, rx_metadata=late)).time) == datetime(
        2026, 5, 1, 0, 0, 30, tzinfo=UTC
    )


def test_gateway_clock_that_cannot_be_gives_way_to_the_network_server() -> None:
    wrong = of_chirpstack(
        0, time="1980-01-06T00:12:00Z", rxInfo=[{"rssi": -1, "nsTime": "2026-05-01T10:00:00Z"}]
    )
    assert from_us(parsed(wrong).time) == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_other_events_are_no_uplinks() -> None:
    info = {"devEui": "24e124713c401925", "deviceName": "bin"}
    assert chirpstack.parse({"deviceInfo": info, "time": "2026-05-01T10:00:00Z", "devAddr": "1"}, NOW) is None
    joined = {"end_device_ids": {"dev_eui": "A84041FFFF187106"}, "join_accept": {}}
    assert things_stack.parse(joined, NOW) is None
    status = chirpstack.parse(
        {"deviceInfo": info, "time": "2026-05-01T10:00:00Z", "margin": 5, "batteryLevel": 69.4}, NOW
    )
    assert status is not None and status.battery_percent == 69.4


DEEP = b'{"deviceInfo":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not JSON"),
        (b"{\"deviceInfo\": {", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (DEEP, "nested too deeply"),
        (b"{}", "neither of ChirpStack"),
        (b'{"deviceInfo": 3}', "deviceInfo is not an object"),
        (b'{"deviceInfo": {"devEui": 5}}', "no device EUI"),
        (as_bytes(of_chirpstack(1, fCnt="x")), "not a number: x"),
        (as_bytes(of_chirpstack(1, fCnt=-1)), "not a whole number"),
        (as_bytes(of_chirpstack(1, fCnt=1e300)), "not a whole number"),
        (as_bytes(of_chirpstack(1, fCnt=True)), "not a number: bool"),
        (as_bytes(of_chirpstack(1, object=[1])), "object is not an object"),
        (as_bytes(of_chirpstack(1, object=None)), "not decoded by the network server"),
        (as_bytes(of_chirpstack(1, time="2031-01-01T00:00:00Z")), "its time is in the future: 2031-01-01"),
        (as_bytes(of_chirpstack(1, time="1970-01-01T00:00:01Z")), "its time is before 2000: 1970-01-01"),
        (as_bytes(of_chirpstack(1, time="2026-05-01T00:00:00")), "not a time with zone"),
        (as_bytes(of_chirpstack(1, time=1777600000)), "not a time"),
        (as_bytes(of_chirpstack(1, object={"distance": float("nan")})), "NaN is no JSON number"),
        (as_bytes(of_chirpstack(1, object={"distance": float("inf")})), "Infinity is no JSON number"),
        (b'{"deviceInfo": ' + b"9" * 5000 + b"}", "not JSON"),
        (as_bytes(of_things_stack(1, f_cnt=[])), "not a number: list"),
        (as_bytes(of_things_stack(1, decoded_payload="no")), "decoded_payload is not an object"),
    ],
)  # fmt: skip
def test_what_is_no_uplink_says_why(message: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        formats.parse(payload.document(message), NOW)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("far", "not a number"), ([1], "not a number"), (True, "not a number"), ("NaN", "not a number"),
        ("1_000", "not a number"), ("1e999", "not a finite number"), (10**400, "not a finite number"),
    ],
)  # fmt: skip
def test_values_of_wrong_types_are_left_out_and_named(value: object, reason: str) -> None:
    reading = read(of_chirpstack(1, object={"distance": value, "position": "normal", "battery": 69}))
    assert reading.values == {"device_position": "normal", "battery_level": 69.0, "rssi": -103.0, "snr": 1.0}
    assert len(reading.faults) == 1 and reading.faults[0].startswith(f"distance: {reason}")


def test_a_failed_codec_is_not_a_measurement() -> None:
    failed = {"valid": False, "err": -1, "messages": [{"measurementId": 4102, "measurementValue": 0}]}
    info = {"devEui": "0000000000000001", "deviceProfileName": "SenseCAP S2105"}
    with pytest.raises(RefusedError, match="codec failed: err is -1"):
        read(of_chirpstack(1, object=failed, deviceInfo=info))


def test_text_that_databases_do_not_take_is_made_harmless() -> None:
    info = {"devEui": "0000000000000001", "deviceName": "a\x00b\ud800"}
    assert parsed(json.loads(json.dumps(of_chirpstack(1, deviceInfo=info)))).name == "a\ufffdb\ufffd"
