"""A manager's page without a browser: Bokeh's protocol over a websocket, as far as a slider needs it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

_TOKEN = re.compile(r'"token":\s*"([^"]+)"')


@dataclass
class Slider:
    """An open page; `move` sets the share of the retrofit and waits for its figures.

    bytes_in : all that the server has sent.
    """

    connection: Any
    bridge: str = ""
    seq: int = 0
    bytes_in: int = 0
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def open(cls, address: str, client: httpx.AsyncClient) -> Self:
        """The page of a manager whose cookie `client` has."""
        page = await client.get(f"{address}/manage")
        page.raise_for_status()
        token = _TOKEN.search(page.text)
        assert token is not None, "the page has no session"
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        connection = await connect(
            f"{address.replace('http', 'ws', 1)}/manage/ws",
            max_size=2**28,
            origin=Origin(address),
            subprotocols=[Subprotocol("bokeh"), Subprotocol(token[1])],
            additional_headers={"Cookie": cookie},
            ping_interval=None,
        )
        slider = cls(connection)
        await slider._message()  # ACK
        await slider._send("PULL-DOC-REQ", {})
        answer = await slider._until(lambda kind, content: content if kind == "PULL-DOC-REPLY" else None)
        slider.bridge = _find(answer, "bridge")
        assert slider.bridge, "the page has no bridge"
        await slider._event("document_ready", [])  # without, Panel holds its news back
        return slider

    async def move(self, share: float, patience_s: float = 120) -> float:
        """Let the slider rest at `share`; seconds until its figures have come. [s]"""
        self.seq += 1
        message = {"type": "change", "measure": "envelope_retrofit", "nth": 0, "settled": True,
                   "values": {"share": share}, "seq": self.seq}  # fmt: skip
        values = [["model", {"id": self.bridge}], ["data", _as_map(message)]]
        start = time.monotonic()
        await self._event("data_event", values)

        def mine(kind: str, content: Any) -> bool | None:
            return True if kind == "PATCH-DOC" and _holds(content, "seq", self.seq) else None

        async with asyncio.timeout(patience_s):
            await self._until(mine)
        return time.monotonic() - start

    async def close(self) -> None:
        """As when somebody closes the tab."""
        await self.connection.close()

    async def _event(self, name: str, values: list[list[Any]]) -> None:
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": values}}
        patch = {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]}
        await self._send("PATCH-DOC", patch)

    async def _send(self, kind: str, content: Any) -> None:
        header = {"msgid": str(next(self._ids)), "msgtype": kind}
        for part in (header, {}, content):
            await self.connection.send(json.dumps(part))

    async def _message(self) -> tuple[str, Any]:
        parts: list[str] = []
        buffers = 0
        while len(parts) < 3:
            received = await self.connection.recv()
            self.bytes_in += len(received)
            parts.append(received)
        header = json.loads(parts[0])
        for _ in range(2 * int(header.get("num_buffers", buffers))):
            self.bytes_in += len(await self.connection.recv())
        return header["msgtype"], json.loads(parts[2])

    async def _until(self, wanted: Any) -> Any:
        while True:
            kind, content = await self._message()
            if (found := wanted(kind, content)) is not None:
                return found


def _as_map(value: Any) -> Any:
    if isinstance(value, dict):
        return {"type": "map", "entries": [[key, _as_map(one)] for key, one in value.items()]}
    return value


def _find(content: Any, name: str) -> str:
    """The id of the model of this name."""
    if isinstance(content, dict):
        if content.get("type") == "object" and content.get("attributes", {}).get("name") == name:
            return str(content["id"])
        content = list(content.values())
    if isinstance(content, list):
        for one in content:
            if found := _find(one, name):
                return found
    return ""


def _holds(content: Any, key: str, value: Any) -> bool:
    """Whether a map somewhere in `content` has this entry."""
    if isinstance(content, dict):
        if content.get(key) == value:
            return True
        return any(_holds(one, key, value) for one in content.values())
    if isinstance(content, list):
        return content == [key, value] or any(_holds(one, key, value) for one in content)
    return False
