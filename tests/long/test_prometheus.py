"""Prometheus itself scrapes a running server with a token, and its own checker finds the names good.

Needs Debian's `prometheus`, which nothing else here needs: the test says so where it is not there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.long.opened import opened
from tests.proxy import free_ports
from tests.sensors.waiting import until
from viewer.accounts.store import Accounts

pytestmark = pytest.mark.long
PASSWORD = "eine lange Tür aus Holz"
SETTINGS = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: lobeda
  authorization: {{credentials_file: {folder}/token}}
  static_configs: [{{targets: ["{target}"]}}]
"""


def ask(address: str, path: str, **query: str) -> Any:
    answer = httpx.get(f"{address}/api/v1/{path}", params=query, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def is_scraped(address: str) -> bool:
    try:
        targets = ask(address, "targets")["activeTargets"]
    except httpx.HTTPError:
        return False
    return any(target["health"] == "up" for target in targets)


def test_prometheus_scrapes_a_running_server(tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus is not installed (Debian: prometheus)")
    environment = {**os.environ, "LOBEDA_DATA": str(tmp_path)}
    with opened("lobeda", environment) as server:
        with Accounts.open(f"sqlite:///{tmp_path}/sensors.sqlite") as accounts:
            accounts.add("otto", ["administrator"], PASSWORD, "test")
            token = accounts.add_token("prometheus", "otto", ["metrics:read"], 30, "test")
        (tmp_path / "token").write_text(token)
        figures = httpx.get(f"{server.address}/metrics", headers={"Authorization": f"Bearer {token}"})
        assert figures.status_code == 200
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=figures.text, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0 and not checked.stderr, checked.stderr
        target = urlsplit(server.address).netloc
        (tmp_path / "prometheus.yml").write_text(SETTINGS.format(folder=tmp_path, target=target))
        address = f"http://127.0.0.1:{free_ports(1)[0]}"
        process = subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
             f"--web.listen-address={urlsplit(address).netloc}", "--log.level=warn"]
        )  # fmt: skip
        try:
            until(partial(is_scraped, address), 60, 0.2)
            for _ in range(3):
                assert httpx.get(server.address).status_code == 200
            until(lambda: _value(address, 'sum(lobeda_http_requests_total{area="/"})') >= 3, 30, 0.5)
            assert _value(address, "lobeda_disk_free_bytes") > 0
        finally:
            process.terminate()
            process.wait(30)
    server.process.wait()


def _value(address: str, query: str) -> float:
    result = ask(address, "query", query=query)["result"]
    return float(result[0]["value"][1]) if result else 0.0
