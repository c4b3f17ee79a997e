"""A connection that does not wait for ever: for who sends slowly, without end, or does not read.

A proxy before the server has limits of its own (nginx: `client_header_timeout`, `send_timeout`, 32 kB of
headers). On this machine alone, and in a container whose port is open, there is none.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 65_536
REQUEST_S = 60.0
"""From a connection's or a request's first byte to its last: 12 MB, the most that is taken, at 1.6 Mbit/s."""
READING_S = 60.0
"""How long nothing of an answer may be read."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(HttpToolsProtocol):  # type: ignore[misc]  # imported without its types
    """uvicorn's own, with limits on the size of a request's head and on how long one side may take."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes: int | None = 0  # None: the head is in
        self._arriving: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._was_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        self._await_request()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        self._head_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._was_read()
        self._unread = self.loop.call_later(READING_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._was_read()
        super().resume_writing()

    def _await_request(self) -> None:
        self._arrived()
        self._head_bytes = self._head_bytes or 0
        self._arriving = self.loop.call_later(REQUEST_S, self._refuse, _TOO_SLOW)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _was_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _refuse(self, answer: bytes) -> None:
        """End the connection, with an answer where a request has begun and none to it has."""
        waits = self.cycle is None or self.cycle.response_complete or not self.cycle.response_started
        if waits and self._head_bytes != 0:
            self.transport.write(answer)
        self.transport.close()
