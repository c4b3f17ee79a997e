"""From messages to the store: once each, together with counts, what is kept aside, and frame counters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.protocols import devices, intake
from sensors.protocols.formats import Mapped
from sensors.protocols.intake import Intake, Message
from sensors.protocols.lorawan import Assignment
from sensors.store import Store
from sensors.store.tables import things
from tests.sensors.feeds import aside, counts, distances
from tests.sensors.uplinks import as_bytes, chirpstack, device, real, things_stack


def message(number: int, **changes: Any) -> Message:
    return Message(as_bytes(chirpstack(number, **changes)))


UNKNOWN = {"devEui": "00000000000000aa", "deviceName": "a new one", "deviceProfileName": "MysteryBox 3"}


def test_real_uplinks_become_things_of_their_kind(sqlite: Store, shared_data: Path) -> None:
    outcomes, _ = Intake(sqlite, "jena").take([Message(body) for body in real(shared_data).values()])
    assert {outcome.status for outcome in outcomes} == {"stored"}
    table = sqlite.streams()
    kinds = table.drop_duplicates("thing").set_index("thing")["kind"].to_dict()
    assert kinds["LST25628782"] == "soil_moisture" and kinds["SenseCAP_S2120_003"] == "weather"
    row = table[(table["thing"] == "LST25628782") & (table["property"] == "soil_moisture")].iloc[0]
    assert (row["latest_result"], row["unit_symbol"]) == (13.74, "%")
    assert not table["public"].any() and (table["count"] == 1).all()


def test_messages_are_stored_once_whichever_way_they_come(store: Store) -> None:
    mqtt, webhook = Intake(store, "jena"), Intake(store, "hook")
    batch = [message(number) for number in (1, 2, 1)]
    outcomes, _ = mqtt.take(batch)
    assert [outcome.status for outcome in outcomes] == ["stored", "stored", "duplicate"]
    assert outcomes[0].observations == 5
    assert [one.status for one in Intake(store, "jena").take(batch)[0]] == ["duplicate"] * 3
    assert webhook.take([message(1)])[0][0].status == "duplicate"
    # Another deduplication id, but the same device, counter and payload.
    assert mqtt.take([message(1, deduplicationId="other")])[0][0].status == "duplicate"
    assert distances(store) == {1: 1, 2: 1}
    assert counts(store) == {"received": 7, "stored": 2, "duplicate": 5, "observations": 10}


def test_counter_resets_do_not_make_duplicates(sqlite: Store) -> None:
    frames = [(0, "2026-05-01T00:00:00Z"), (4, "2026-05-01T01:00:00Z"), (0, "2026-05-01T02:00:00Z")]
    batch = [
        Message(as_bytes({**things_stack(), "uplink_message": {
            **things_stack()["uplink_message"], "f_cnt": f_cnt, "received_at": time}}))
        for f_cnt, time in frames
    ]  # fmt: skip
    assert {outcome.status for outcome in Intake(sqlite, "tts").take(batch)[0]} == {"stored"}
    found = counts(sqlite, "tts")
    assert (found["lost_frames"], found["counter_resets"]) == (3, 1)
    (heard,) = devices.heard(sqlite)
    assert (heard.device, heard.decoder) == ("a84041ffff187106", "dragino_lse01")
    assert (heard.frames.lost, heard.frames.resets, heard.frames.last) == (3, 1, 0)
    # Known again after a restart: nothing is counted twice.
    Intake(sqlite, "tts").take(batch)
    assert counts(sqlite, "tts")["lost_frames"] == 3


def test_unknown_devices_are_kept_whole_and_stored_once_they_are_assigned(store: Store) -> None:
    odd = {"distance": 5.0, "colour": "red"}
    batch = [message(number, deviceInfo=UNKNOWN, object=odd, fCnt=number) for number in range(3)]
    outcomes, _ = Intake(store, "jena").take([*batch, message(1)])
    assert [outcome.status for outcome in outcomes] == ["set_aside"] * 3 + ["stored"]
    assert json.loads(aside(store)[0][2]) == json.loads(batch[0].payload)
    (kept,) = devices.unknown(store)
    assert (kept.device, kept.messages, kept.feed) == ("00000000000000aa", 3, "jena")
    assert "MysteryBox 3" in kept.reason
    said = Assignment("milesight_em310", "Bin at the school", building_id="B7", longitude=11.6, latitude=50.9)
    devices.assign(store, kept.device, said)
    assert intake.replay(store, kept.device) == {"stored": 3}
    assert devices.unknown(store) == [] and intake.replay(store, kept.device) == {}
    table = store.streams(building_id="B7")
    assert set(table["thing"]) == {"Bin at the school"} and set(table["kind"]) == {"level"}
    assert table[table["property"] == "distance"].iloc[0][["count", "longitude"]].tolist() == [3, 11.6]
    found = counts(store)
    assert (found["received"], found["set_aside"], found["replayed"]) == (4, 3, 3)


def test_only_assigned_devices_where_that_is_asked_for(sqlite: Store) -> None:
    strict = Intake(sqlite, "jena", accept="assigned")
    assert strict.take([message(1)])[0][0] == ("set_aside", "not assigned", 0)
    devices.assign(sqlite, device(1), Assignment(name="Bin"))
    assert Intake(sqlite, "jena", accept="assigned").take([message(1)])[0][0].status == "stored"


def test_bad_messages_are_kept_counted_and_stop_nothing(store: Store) -> None:
    bad = [
        b"{", b"\x00\xff", b"[" * 100_000, b"x" * 10_000_000,
        as_bytes(chirpstack(1, time="2100-01-01T00:00:00Z")),
        as_bytes(chirpstack(1, time="1970-01-01T00:00:00Z")),
        as_bytes(chirpstack(1, object={"distance": float("nan")})),
        as_bytes(chirpstack(1, object={"distance": {"much": 1}})),
    ]  # fmt: skip
    outcomes, _ = Intake(store, "jena").take([*map(Message.of, bad), message(2)])
    assert [outcome.status for outcome in outcomes] == ["set_aside"] * len(bad) + ["stored"]
    assert counts(store)["set_aside"] == len(bad) == len(aside(store))
    reasons = [reason for _, reason, _ in aside(store)]
    assert reasons[3] == "too large: 10000000 bytes, at most 262144 are read"
    assert len(aside(store)[3][2]) == 4096
    assert [found[0] for found in aside(store)[4:6]] == [device(1)] * 2


def test_a_value_at_fault_does_not_hold_back_the_others(sqlite: Store) -> None:
    (outcome,), _ = Intake(sqlite, "jena").take([message(1, object={"distance": "far", "battery": 60})])
    assert (outcome.status, outcome.observations) == ("stored", 3)
    assert aside(sqlite)[0][:2] == (device(1), "distance: not a number: far")


def test_no_flood_fills_the_disk(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_KEPT", 5)
    for _ in range(2):
        outcomes, _ = Intake(sqlite, "jena").take([Message(b"{")] * 4)
    assert [outcome.status for outcome in outcomes] == ["set_aside"] + ["refused"] * 3
    assert len(aside(sqlite)) == 5


def test_a_deleted_thing_is_there_again_with_its_next_message(sqlite: Store) -> None:
    running = Intake(sqlite, "jena")
    running.take([message(1)])
    with sqlite.transaction() as connection:
        thing = connection.execute(sa.select(things.c.id)).scalar_one()
        sqlite.delete(connection, "Things", thing)
    outcomes, _ = running.take([message(21), message(2)])
    assert [outcome.status for outcome in outcomes] == ["stored", "stored"]


def test_nothing_is_counted_where_the_store_cannot_be_written(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Intake(sqlite, "jena")
    original = devices.put_frames

    def broken(*_: object) -> None:
        raise StoreError("the database's disk is full")

    monkeypatch.setattr(devices, "put_frames", broken)
    with pytest.raises(StoreError):
        running.take([message(1)])
    assert not counts(sqlite) and not distances(sqlite)
    monkeypatch.setattr(devices, "put_frames", original)
    assert running.take([message(1)])[0][0].status == "stored"


PARKING = {
    "device": "topic.2", "time": "at", "time_format": "ms", "kind": "parking",
    "values": [
        {"path": "lots.0.free", "property": "free_spaces", "name": "Free spaces"},
        {"path": "t", "property": "air_temperature", "unit": "Cel", "unit_path": "unit"},
    ],
}  # fmt: skip


def test_plain_json_by_a_mapping(sqlite: Store) -> None:
    mapped = Mapped.model_validate({**PARKING, "id": "uuid"})
    at = 1_777_600_000_123
    body = {"lots": [{"free": 12}], "t": 68, "unit": "[degF]", "at": at, "uuid": "m1"}
    feed = Intake(sqlite, "city")
    first = Message(as_bytes(body), "jena/parking/P1", mapped)
    assert [one.status for one in feed.take([first, first])[0]] == ["stored", "duplicate"]
    table = sqlite.streams().set_index("property")
    assert table.loc["free_spaces", "latest_result"] == 12 and set(table["kind"]) == {"parking"}
    assert table.loc["air_temperature", "latest_result"] == pytest.approx(20.0)
    assert table.loc["free_spaces", "latest_time"].value == at * 1_000_000 and set(table["thing"]) == {"P1"}
    wrong = Message(as_bytes({**body, "unit": "kg", "uuid": "m2"}), "jena/parking/P1", mapped)
    assert feed.take([wrong])[0][0].observations == 1
    assert "t: " in aside(sqlite)[0][1]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"values": [{"path": "x", "property": "p", "unit": "Cel", "unit_given": "kg"}]}, "does not convert"),
        ({"values": []}, "at least 1"),
        ({"colour": 1}, "not permitted"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_at_once(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Mapped.model_validate({**PARKING, **change})
