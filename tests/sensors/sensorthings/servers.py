"""The service on a real port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from sensors.store import Store
from viewer.api.sensorthings.routes import PREFIX, Settings, mount


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of `app` on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", proxy_headers=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@contextmanager
def sensorthings(store: Store, settings: Settings | None = None) -> Iterator[httpx.Client]:
    """A client of the service over `store`; without settings everybody may do everything."""
    app = FastAPI()
    mount(app, store, settings or Settings(open_access=True))
    with served(app) as address, httpx.Client(base_url=f"{address}{PREFIX}", timeout=30) as client:
        yield client


def created(client: httpx.Client, path: str, body: object) -> int:
    """The id of a new entity."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    location = answer.headers["location"]
    return int(location[location.rindex("(") + 1 : -1])


def names(client: httpx.Client, path: str, **options: object) -> list[str]:
    """The names of the entities of a set, in the order of the answer."""
    params = {f"${name}": str(value) for name, value in options.items()}
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [entity["name"] for entity in answer.json()["value"]]
