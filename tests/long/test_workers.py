"""`lobeda serve --workers 2` behind Debian's nginx, as `deploy/nginx.conf` sets it up.

Managers stay with the process that holds their page, both processes serve some, what one saves the other
shows, a killed process comes back, and feeds are kept by the first alone.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.conftest import REPOSITORY
from tests.long.bokeh_client import Slider
from tests.long.opened import healthy
from tests.proxy import free_ports, proxied
from tests.sensors.postgres import started
from tests.sensors.waiting import until
from tests.viewer.districts import small
from tests.viewer.test_legal import FILLED
from viewer.accounts.store import Accounts

pytestmark = pytest.mark.long
MANAGERS, WORKERS = 6, 2
PASSWORD = "eine lange Tür aus Holz"
START_S = 600.0


@dataclass(frozen=True)
class Site:
    """The proxy's address, the processes' ports, and a token for their figures."""

    address: str
    ports: tuple[int, ...]
    token: str
    supervisor: subprocess.Popen[bytes]

    def figure(self, number: int, name: str) -> float:
        """A figure of one process."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.ports[number]}/metrics",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        assert answer.status_code == 200, answer.text
        found = re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", answer.text, re.M)
        assert found is not None, name
        return float(found[1])


@contextmanager
def serving(folder: Path, database: str) -> Iterator[Site]:
    listen, *ports = free_ports(1 + WORKERS)
    address = f"http://127.0.0.1:{listen}"
    town = small()
    replace(town, metadata={**town.metadata, "is_model": False}).save(folder / "district")
    environment = {
        **os.environ,
        "LOBEDA_DATA": str(folder),
        "LOBEDA_TRUST_PROXY": "1",
        "LOBEDA_LOG_JSON": "1",
    }
    environment |= {"LOBEDA_DATABASE_URL": database} if database else {}
    with Accounts.open(database or f"sqlite:///{folder / 'sensors.sqlite'}") as accounts:
        accounts.add("erika", ["administrator"], PASSWORD, "test")
        for number in range(MANAGERS):
            accounts.add(f"manager{number}", ["manager"], PASSWORD, "test")
        token = accounts.add_token("scrape", "erika", ["metrics:read"], 1, "test")
    command = [sys.executable, "-m", "viewer.cli", "serve", str(folder / "district"), "--url", address]
    command += ["--port", str(ports[0]), "--workers", str(WORKERS), "--content", str(folder)]
    (folder / "legal.yaml").write_text(FILLED, "utf-8")
    with proxied(folder / "nginx", listen, ports):
        run = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
        try:
            for port in ports:
                until(partial(healthy, port), START_S, 0.2)
            yield Site(address, tuple(ports), token, run)
        finally:
            run.terminate()
            run.wait(60)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        kind = request.param
        database = "" if kind == "sqlite" else stack.enter_context(started()).new_database()
        yield stack.enter_context(serving(tmp_path, database))


async def log_in(site: Site, name: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=site.address, timeout=300)
    answer = await client.post("/login", data={"name": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


async def work(site: Site) -> None:
    doors = [await log_in(site, f"manager{number}") for number in range(MANAGERS)]
    sliders = [await Slider.open(site.address, door) for door in doors]
    waits = await asyncio.gather(*(slider.move(0.2 + 0.1 * n) for n, slider in enumerate(sliders)))
    print(f"\n{MANAGERS} sliders at once: longest {max(waits):.1f} s")
    open_pages = [site.figure(number, "lobeda_websockets_open") for number in range(WORKERS)]
    assert sum(open_pages) == MANAGERS and all(open_pages), open_pages
    assert [site.figure(number, "lobeda_worker_keeps") for number in range(WORKERS)] == [1, 0]
    scenario = (REPOSITORY / "scenarios" / "library" / "roof-pv.yaml").read_bytes()
    sent = await doors[0].post("/manage/scenarios", content=scenario)
    assert sent.status_code == 201, sent.text
    for door in doors:  # whatever process they are with
        assert (await door.get(f"/manage/scenarios/{sent.json()['name']}.yaml")).status_code == 200
    for slider in sliders:
        await slider.close()
    for door in doors:
        await door.aclose()


def test_managers_stay_with_their_process(site: Site) -> None:
    asyncio.run(work(site))
    children = Path(f"/proc/{site.supervisor.pid}/task/{site.supervisor.pid}/children").read_text().split()
    assert len(children) == WORKERS
    os.kill(int(children[1]), 9)
    assert httpx.get(site.address, timeout=120).status_code == 200  # the proxy goes to the other one
    until(partial(healthy, site.ports[1]), START_S, 0.2)
    asyncio.run(work(site))
    site.supervisor.terminate()
    assert site.supervisor.wait(60) == 0
    assert not any(Path(f"/proc/{child}").exists() for child in children)
