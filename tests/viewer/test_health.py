"""Health, figures for Prometheus and the log, around a tiny app; `test_server` has them in the real one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from sensors.store import Store
from sensors.store.feeds import BEAT
from sensors.times import now_us
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.test_server import serving
from viewer import access, login, logs, server
from viewer.accounts.store import Accounts
from viewer.feeds import SILENT_S, Feeds
from viewer.health import DISK_FREE_BYTES, KEEP_S, Health
from viewer.metrics import Measured, Metrics

TOKEN = "token-of-the-first-login-link"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/sensors.sqlite") as opened:
        yield opened


def test_ready_is_said_by_part_and_kept_for_a_moment(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    feeds = Feeds(store, {"weather": lambda _store, _stop: None}, watch=False)
    health = Health({"sensors": store}, feeds, tmp_path / "not" / "yet", clock)
    assert health.checks() == {"database sensors": "ok", "feeds": "ok", "disk": "ok"}
    feeds._failed["weather"] = "the station is away"
    assert health.checks()["feeds"] == "ok"
    clock.now += 2 * KEEP_S
    assert health.checks()["feeds"] == "1 not running"


def test_feeds_of_another_process_are_looked_at_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A district of one's own has none in the server: `lobeda sensors ingest` says in the store how it is."""
    feeds = Feeds(store, {}, watch=False)
    clock = Clock()
    health = Health({"sensors": store}, feeds, tmp_path, clock)
    assert health.checks()["feeds"] == "ok"
    for state, said in (("runs", "ok"), ("waits after error 3", "1 not running"), ("runs", "ok")):
        store.put_state("jena", BEAT, state)
        clock.now += 2 * KEEP_S
        assert health.checks()["feeds"] == said
    store.count("jena", {"received": 3})
    figures = {
        family.name: family for family in text_string_to_metric_families(Metrics(health).text().decode())
    }
    (running,) = figures["lobeda_feed_running"].samples
    assert (running.labels["feed"], running.value) == ("jena", 1.0)
    (counted,) = figures["lobeda_feed_events"].samples
    assert (counted.name, counted.labels, counted.value) == (
        "lobeda_feed_events_total", {"feed": "jena", "event": "received"}, 3.0,
    )  # fmt: skip
    assert not [name for name in figures if name.endswith("_created")]
    late = now_us() + int(1e6 * (SILENT_S + 1))
    monkeypatch.setattr("sensors.store.feeds.now_us", lambda: late)
    clock.now += 2 * KEEP_S
    assert health.checks()["feeds"] == "1 not running"
    store.put_state("jena", BEAT, None)  # it was ended on purpose
    clock.now += 2 * KEEP_S
    assert health.checks()["feeds"] == "ok"


def test_a_database_that_is_gone_and_a_full_disk_are_said(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health({"sensors": store}, folder=tmp_path)
    monkeypatch.setattr(Health, "free_bytes", lambda self: DISK_FREE_BYTES - 1)
    store.close()
    file = tmp_path / "sensors.sqlite"
    file.unlink()
    file.mkdir()
    assert health.checks() == {"database sensors": "does not answer", "disk": "nearly full"}


def test_log_and_figures_hold_no_secret(tmp_path: Path) -> None:
    """A login by link, by password, by token, and wrong ones: logged is what was done, no more."""
    said = io.StringIO()
    known = {name: logging.getLogger(name) for name in ("lobeda", "uvicorn.error")}
    before = {name: (list(one.handlers), one.propagate, one.level) for name, one in known.items()}
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/manage/scenarios/{name}.yaml", lambda name: name)
    app.add_api_route("/manage", lambda: 1 / 0)
    try:
        with Accounts.open(f"sqlite:///{tmp_path}/sensors.sqlite", passwords=cheap()) as accounts:
            accounts.add("erika", ["modeler", "manager"], PASSWORD, "test")
            token = accounts.add_token("lab", "erika", ["scenarios:read"], 5, "test")
            metrics = Metrics(Health({"accounts": accounts}))
            doors = login.Doors(accounts, access.Link(TOKEN), lambda _path: None)
            app.include_router(login.router(doors))
            server.add_guard(app, access.Keeper(accounts), doors.ways)
            app.add_middleware(Measured, metrics=metrics)
            with serving(app) as address, httpx.Client(base_url=address, timeout=30) as client:
                logs.as_json(said)  # uvicorn has set up its own
                client.post("/login", data={"name": "erika", "password": "quite another one"})
                client.get(f"/login?token={TOKEN}")
                client.post("/login", data={"name": "erika", "password": PASSWORD})
                client.get("/manage/scenarios/a.yaml", headers={"Authorization": f"Bearer {token}"})
                client.get("/%2e%2e/etc/passwd?secret=1234567")
                assert client.get("/manage").status_code == 500  # uvicorn hangs up after it
                cookie = client.cookies[access.COOKIE]
            found = metrics.text().decode()
    finally:
        for name, (handlers, propagate, level) in before.items():
            known[name].handlers, known[name].propagate = handlers, propagate
            known[name].setLevel(level)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert [(line["area"], line["status"]) for line in requests[:3]] == [
        ("/login", 403), ("/login", 200), ("/login", 200),
    ]  # fmt: skip
    assert any("ZeroDivisionError" in line.get("error", "") for line in lines)
    for secret in (TOKEN, PASSWORD, "quite another", token, cookie.split(".")[0], "1234567", "127.0.0.1:"):
        assert secret not in said.getvalue() + found, secret
    families = {family.name: family for family in text_string_to_metric_families(found)}
    counted = {
        (sample.labels["area"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in families["lobeda_http_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted[("/login", "POST", "403")] == counted[("/login", "POST", "200")] == 1
    assert counted[("/manage", "GET", "500")] == 1
    assert {sample.labels["part"] for sample in families["lobeda_ready"].samples} >= {"disk"}
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
