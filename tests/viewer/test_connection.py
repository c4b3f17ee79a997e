"""Connections of people who send slowly, without end, or do not read: raw bytes to a real server."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from websockets.sync.client import connect

from tests.viewer.test_server import serving
from viewer import connection

SHORT_S = 0.5


def app() -> FastAPI:
    found = FastAPI()

    @found.get("/")
    async def little() -> PlainTextResponse:
        return PlainTextResponse("here")

    @found.post("/")
    async def take(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    @found.get("/much")
    async def much() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(2_000):
                yield b"x" * 100_000

        return StreamingResponse(parts())

    @found.get("/slow")
    async def slow() -> PlainTextResponse:
        await asyncio.sleep(2 * SHORT_S)
        return PlainTextResponse("late")

    @found.websocket("/ws")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    return found


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name in ("REQUEST_S", "READING_S"):
        monkeypatch.setattr(connection, name, SHORT_S)
    with serving(app()) as address:
        number = urlsplit(address).port
        assert number is not None
        yield number


def opened(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=20)
    made.settimeout(20)
    return made


def rest(made: socket.socket) -> bytes:
    """What comes until the other side ends."""
    found = b""
    while True:
        try:
            part = made.recv(65_536)
        except ConnectionResetError:
            return found
        if not part:
            return found
        found += part


@pytest.mark.parametrize("endless", [b"X-Long: ", b"GET /"])
def test_a_head_without_end_is_refused(port: int, endless: bytes) -> None:
    with closing(opened(port)) as made:
        made.sendall(endless if endless.startswith(b"GET") else b"GET / HTTP/1.1\r\nHost: a\r\n" + endless)
        try:
            for _ in range(2_000):
                made.sendall(b"y" * 100_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            pytest.fail("200 MB of head were taken")


def test_many_small_headers_are_refused_too(port: int) -> None:
    with closing(opened(port)) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 10_000)
        assert rest(made).startswith(b"HTTP/1.1 431 ")


def test_a_large_head_within_the_limit_is_taken(port: int) -> None:
    with closing(opened(port)) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"b" * 60_000 + b"\r\nConnection: close\r\n\r\n")
        assert rest(made).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "begun",
    [b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc"],
)
def test_who_sends_slowly_is_let_go(port: int, begun: bytes) -> None:
    with closing(opened(port)) as made:
        made.sendall(begun)
        assert rest(made).startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_let_go_without_a_word(port: int) -> None:
    with closing(opened(port)) as made:
        assert rest(made) == b""


def test_a_slow_answer_and_a_waiting_connection_are_no_slow_request(port: int) -> None:
    with closing(opened(port)) as made:
        made.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        first = made.recv(65_536)
        assert first.startswith(b"HTTP/1.1 200 ")
        time.sleep(2 * SHORT_S)
        made.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
        assert rest(made).endswith(b"3")


def test_who_does_not_read_is_let_go(port: int) -> None:
    with closing(opened(port)) as made:
        made.sendall(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(3 * SHORT_S)
        assert 0 < len(rest(made)) < 1_000 * 100_000  # what was on its way


def test_who_reads_slowly_but_reads_gets_all(port: int) -> None:
    with closing(opened(port)) as made:
        made.sendall(b"GET /much HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        taken, began = 0, time.monotonic()
        while part := made.recv(4_000_000):
            taken += len(part)
            if time.monotonic() - began < 3 * SHORT_S:
                time.sleep(SHORT_S / 5)
        assert taken > 2_000 * 100_000


def test_a_websocket_stays(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/ws") as talking:
        for word in ("one", "two"):
            time.sleep(1.5 * SHORT_S)
            talking.send(word)
            assert talking.recv() == word
