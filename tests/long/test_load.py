"""200 residents on the public page and 20 managers at work on the sample, with its feed running.

An hour of a busy evening, compressed: each resident opens the page, as a first visit does, looks around for
some seconds and comes back; each manager moves a slider every few seconds. Once the server stands alone, once
behind nginx, as `deploy/nginx.conf` sets it up. Printed are waiting times, the server's memory per open page
and what of it is given back; asserted are that nobody is refused or waits for ever, and that closed pages
leave. The clients share the cores with the server: it waits for them too. LOBEDA_LOAD names other numbers,
and seconds (``20,3,30``).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import numpy as np
import pytest

from tests.long.bokeh_client import Slider
from tests.long.opened import opened
from tests.proxy import free_ports, proxied

pytestmark = pytest.mark.long
RESIDENTS, MANAGERS, SECONDS = (int(n) for n in os.environ.get("LOBEDA_LOAD", "200,20,90").split(","))
LOOKING_S, THINKING_S = (4.0, 12.0), (4.0, 8.0)
PATIENCE_S = 60.0
AT_ONCE = 6
"""So many files a browser asks for at once."""
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture(params=["alone", "behind nginx"])
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, int]]:
    """Address, login link and process of `lobeda serve` on the sample."""
    environment = {**os.environ, "LOBEDA_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with ExitStack() as stack:
        server = stack.enter_context(opened("lobeda", environment))
        address = server.address
        if request.param != "alone":
            port = urlsplit(address).port
            assert port is not None
            address = stack.enter_context(proxied(tmp_path / "nginx", free_ports(1)[0], [port]))
        yield address, server.link.replace(server.address, address), server.process.pid
    server.process.wait()


def _memory_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


async def resident(address: str, number: int, until: float, waits: dict[str, list[float]]) -> None:
    """Opens the page and all files of a first visit, looks, and comes back with those files at hand."""
    random = np.random.default_rng(number)
    await asyncio.sleep(random.uniform(0, LOOKING_S[1]))
    # As it comes, packed: to unpack it would be the work of 200 browsers on the server's two cores.
    async with aiohttp.ClientSession(
        address, headers=BROWSER, timeout=aiohttp.ClientTimeout(PATIENCE_S), auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=AT_ONCE),
    ) as client:  # fmt: skip
        known = False

        async def fetch(file: str, headers: dict[str, str] = BROWSER) -> bytes:
            async with client.get(f"/{file}", headers=headers) as answer:
                assert answer.status == 200, file
                return await answer.read()

        while time.monotonic() < until:
            start = time.monotonic()
            await fetch("")
            waits["page"].append(time.monotonic() - start)
            if not known:
                site = await fetch("lobeda-site.json", {"Accept-Encoding": "identity"})
                await asyncio.gather(*(fetch(file) for file in json.loads(site)["first_load"]))
                waits["first visit"].append(time.monotonic() - start)
                known = True
            await asyncio.sleep(random.uniform(*LOOKING_S))


async def manager(slider: Slider, number: int, until: float, waits: dict[str, list[float]]) -> None:
    random = np.random.default_rng(1000 + number)
    await asyncio.sleep(random.uniform(0, THINKING_S[1]))
    while time.monotonic() < until:
        waits["slider"].append(await slider.move(round(random.uniform(0.05, 1), 3), PATIENCE_S))
        await asyncio.sleep(random.uniform(*THINKING_S))


async def evening(address: str, link: str, server: int) -> dict[str, Any]:
    waits: dict[str, list[float]] = {"page": [], "first visit": [], "slider": []}
    memory = {"before": _memory_mb(server)}
    async with httpx.AsyncClient(timeout=PATIENCE_S) as door:
        assert (await door.get(link)).status_code == 200
        for turn in ("open", "open again"):
            sliders = [await Slider.open(address, door) for _ in range(MANAGERS)]
            if turn == "open":
                until = time.monotonic() + SECONDS
                async with asyncio.TaskGroup() as group:
                    for number in range(RESIDENTS):
                        group.create_task(resident(address, number, until, waits))
                    for number, slider in enumerate(sliders):
                        group.create_task(manager(slider, number, until, waits))
            memory[turn] = _memory_mb(server)
            for slider in sliders:
                await slider.close()
            await asyncio.sleep(45)  # Panel lets closed pages go after 15 s, looked for every 15 s
            memory[f"{turn}, closed"] = _memory_mb(server)
        assert (await door.get(f"{address}/healthz")).status_code == 200
    return {"waits": waits, "memory": memory}


def test_an_evening(request: pytest.FixtureRequest, twin: tuple[str, str, int]) -> None:
    address, link, server = twin
    found = asyncio.run(evening(address, link, server))
    way = request.node.callspec.params["twin"]
    print(
        f"\n{way}: {RESIDENTS} residents, {MANAGERS} managers, {SECONDS:.0f} s, load {os.getloadavg()[0]:.1f}"
    )
    for name, values in found["waits"].items():
        low, high = np.quantile(values, (0.5, 0.95))
        print(f"  {name:12s} {len(values):6d} times, median {low * 1e3:6.0f} ms, 95 % {high * 1e3:6.0f} ms")
    memory = found["memory"]
    for name, size in memory.items():
        print(f"  memory {name:20s} {size:7.0f} MB")
    first = memory["open"] - memory["before"]
    print(f"  per manager's page at work {first / MANAGERS:.1f} MB")
    assert all(found["waits"].values())
    again = memory["open again"] - memory["open, closed"]
    # What a page holds is used again by the next: a second round of pages needs far less than the first.
    assert memory["open again, closed"] - memory["open, closed"] < 0.5 * max(first, again, 20.0)
