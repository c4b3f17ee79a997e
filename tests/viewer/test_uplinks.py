"""The webhook for network servers: who may write, what is answered, and that 2xx means committed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from sensors import tokens
from sensors.protocols import intake
from sensors.store import Store
from tests.sensors.feeds import aside, counts, distances
from tests.sensors.uplinks import as_bytes, chirpstack, real, things_stack
from viewer.api import uplinks

URL = "/api/uplinks/jena"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'sensors.sqlite'}") as opened:
        yield opened


@pytest.fixture
def web(store: Store) -> Iterator[httpx.Client]:
    app = FastAPI()
    app.include_router(uplinks.router(store))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def bearer(store: Store) -> dict[str, str]:
    token = tokens.create(store, "jena", [tokens.UPLINKS_WRITE])
    return {"Authorization": f"Bearer {token}"}


def test_uplinks_of_both_network_servers(
    web: httpx.Client, store: Store, bearer: dict[str, str], shared_data: Path
) -> None:
    for body in real(shared_data).values():
        answer = web.post(f"{URL}?event=up", content=body, headers=bearer)
        assert (answer.status_code, answer.json()["status"]) == (200, "stored")
    answer = web.post(URL, content=as_bytes(things_stack(3)), headers=bearer)
    assert answer.json() == {"status": "stored", "observations": 7}
    again = web.post(URL, content=as_bytes(things_stack(3)), headers=bearer)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    joined = {"end_device_ids": {"dev_eui": "A84041FFFF187106"}, "join_accept": {}}
    assert web.post(URL, content=as_bytes(joined), headers=bearer).json()["status"] == "ignored"


def test_a_token_for_it_is_needed(web: httpx.Client, store: Store, bearer: dict[str, str]) -> None:
    body = as_bytes(chirpstack(1))
    other = tokens.create(store, "reader", [tokens.SENSORTHINGS_READ])
    wrong: list[tuple[dict[str, str], int]] = [
        ({}, 401), ({"Authorization": "Bearer nonsense"}, 401), ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": f"Bearer {other}"}, 403),
    ]  # fmt: skip
    for headers, status in wrong:
        answer = web.post(URL, content=body, headers=headers)
        assert answer.status_code == status
        assert status != 401 or answer.headers["WWW-Authenticate"] == "Bearer"
    assert not distances(store)
    token = {"X-Lobeda-Token": bearer["Authorization"].removeprefix("Bearer ")}
    assert web.post(URL, content=body, headers=token).status_code == 200
    tokens.revoke(store, "jena")
    assert web.post(URL, content=body, headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 422), (b"[" * 100_000, 422), (b'{"a": NaN}', 422), (b"x" * 10_000_000, 413),
        (as_bytes(chirpstack(1, time="2100-01-01T00:00:00Z")), 422),
        (as_bytes(chirpstack(1, time="1970-01-01T00:00:00Z")), 422),
    ],
)  # fmt: skip
def test_what_is_no_uplink_is_refused(
    web: httpx.Client, store: Store, bearer: dict[str, str], body: bytes, status: int
) -> None:
    assert web.post(URL, content=body, headers=bearer).status_code == status
    assert web.post(URL, content=iter([body]), headers=bearer).status_code == status  # without its length
    assert not aside(store) and counts(store) == ({"received": 2, "refused": 2} if status == 422 else {})


def test_an_unknown_device_waits_for_its_assignment(
    web: httpx.Client, store: Store, bearer: dict[str, str]
) -> None:
    unknown: dict[str, Any] = {"devEui": "00000000000000aa", "deviceProfileName": "MysteryBox"}
    body = as_bytes(chirpstack(1, deviceInfo=unknown, object={"colour": "red"}))
    answer = web.post(URL, content=body, headers=bearer)
    assert (answer.status_code, answer.json()["status"]) == (202, "set_aside")
    assert aside(store)[0][2].encode() == body


def test_no_acknowledgement_without_a_commit(
    web: httpx.Client, store: Store, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(intake.devices, "put_frames", _disk_full)
        answer = web.post(URL, content=as_bytes(chirpstack(1)), headers=bearer)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert not distances(store)
    assert web.post(URL, content=as_bytes(chirpstack(1)), headers=bearer).status_code == 200


def _disk_full(*_: object) -> None:
    from sensors.errors import StoreError

    raise StoreError("the database's disk is full")


def test_a_name_that_is_none(web: httpx.Client, bearer: dict[str, str]) -> None:
    assert web.post("/api/uplinks/a%20b", content=b"{}", headers=bearer).status_code == 404
    assert web.get(URL).status_code == 405
