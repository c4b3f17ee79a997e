"""Health, figures for Prometheus and the log, around a tiny app; `test_server` has them in the real one."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from sensors import tokens
from sensors.store import Store
from sensors.store.feeds import BEAT
from sensors.times import now_us
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.districts import small
from tests.viewer.test_server import serving
from viewer import access, login, logs, server
from viewer.accounts.store import Accounts
from viewer.feeds import SILENT_S, Feeds
from viewer.health import DISK_FREE_BYTES, KEEP_S, Health
from viewer.metrics import Measured, Metrics
from viewer.participation.store import Comments

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
    root = logging.getLogger()
    known = {name: one for name, one in root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    known[""] = root
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
                logging.getLogger("bokeh.somewhere").error("Token for session %r was wrong", "s1234567")
                logging.getLogger("anything").warning("a warning of another library")
                assert client.get("/manage").status_code == 500  # uvicorn hangs up after it
                cookie = client.cookies[access.COOKIE]
            found = metrics.text().decode()
    finally:
        logging.captureWarnings(False)
        for name, (handlers, propagate, level) in before.items():
            known[name].handlers, known[name].propagate = handlers, propagate
            known[name].setLevel(level)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert [(line["area"], line["status"]) for line in requests[:3]] == [
        ("/login", 403), ("/login", 200), ("/login", 200),
    ]  # fmt: skip
    assert {"bokeh.somewhere", "anything"} <= {line["logger"] for line in lines}
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


def test_errors_of_the_databases_say_no_values(tmp_path: Path) -> None:
    """They stand in tracebacks: what residents write, digests of keys."""
    url = f"sqlite:///{tmp_path}/sensors.sqlite"
    with Accounts.open(url) as accounts, Store.open(url) as store, Comments.open(url) as comments:
        for one in (accounts, store, comments):
            with one.engine.connect() as connection, pytest.raises(OperationalError) as raised:
                connection.execute(text("SELECT :given FROM nowhere"), {"given": "Frau Beispiel"})
            assert "no such table" in str(raised.value) and "Frau Beispiel" not in str(raised.value)


def test_a_real_process_says_json_alone_and_no_secret(bundle: Path, tmp_path: Path) -> None:
    """Logins, tokens, a comment, wrong tokens at the websocket, a table that is away: all of its stderr."""
    town, content, data = tmp_path / "town", tmp_path / "content", tmp_path / "data"
    small().save(town)
    (content / "proposals").mkdir(parents=True)
    head = "title: {de: Bäume}\nplace: {de: Platz}\nwhy: {de: Schatten}\nstatus: planned\n"
    head += "contact: {name: Amt, email: amt@lobeda.example}"
    (content / "proposals" / "trees.md").write_text(f"---\n{head}\n---\nMehr Bäume.\n", "utf-8")
    address = f"sqlite:///{data}/sensors.sqlite"
    with Accounts.open(address, passwords=cheap()) as accounts, Store.open(address) as store:
        accounts.add("erika", ["administrator"], PASSWORD, "test")
        program = accounts.add_token("lab", "erika", ["scenarios:read"], 5, "test")
        link = accounts.add_link("street", 5, "test")
        sensor = tokens.create(store, "station", [tokens.SENSORTHINGS_WRITE])
    command = [sys.executable, "-m", "viewer.cli", "serve", str(town), "--port", "0", "--log-json",
               "--no-replay", "--content", str(content)]  # fmt: skip
    said = tmp_path / "said"
    with (tmp_path / "out").open("wb") as out, said.open("wb") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, env={**os.environ, "LOBEDA_DATA": str(data)}
        )
    try:
        web = _address(said, process)
        with httpx.Client(base_url=web, timeout=30) as client:
            client.post("/login", data={"name": "erika", "password": "quite another one"})
            client.post("/login", data={"name": "my-own-password", "password": "x"})
            client.get(f"/login?link={link}")
            client.post("/login", data={"link": link})
            assert client.post("/login", data={"name": "erika", "password": PASSWORD}).status_code == 200
            cookie = client.cookies[access.COOKIE]
            for token in (program, sensor):
                bearer = {"Authorization": f"Bearer {token}"}
                client.get("/manage/scenarios/a.yaml", headers=bearer)
                client.post("/api/sensorthings/v1.1/Things", content=b"{", headers=bearer)
            sent = client.post(
                "/api/participation/proposals/trees/comments", json={"text": "Linden bei Frau Beispiel"}
            )
            assert sent.status_code < 300, sent.text
            code = sent.json()["code"]
            client.post("/api/participation/deletions", json={"code": code[:-1]})
            for wrong in ("bad-websocket-token", _signed_wrongly(client)):
                _websocket(web, cookie, wrong)
            with contextlib.closing(sqlite3.connect(data / "participation_sample.sqlite")) as connection:
                connection.execute("ALTER TABLE comments RENAME TO away")
            client.post("/api/participation/proposals/trees/comments", json={"text": "Eichen im Hof"})
            client.get("/moderate/comments")
    finally:
        process.terminate()
        process.wait(30)
    lines = said.read_text("utf-8").splitlines()
    logged = [json.loads(line) for line in lines]
    assert any(line["message"] == "request" for line in logged)
    assert any(line["level"] == "error" for line in logged), lines  # the websockets' at least
    everything = said.read_text("utf-8") + (tmp_path / "out").read_text("utf-8")
    for secret in (
        PASSWORD, "quite another", "my-own-password", program, link, sensor, cookie.split(".")[0], code,
        "Frau Beispiel", "Eichen", "bad-websocket-token", "session-1234567",
    ):  # fmt: skip
        assert secret not in everything, secret
    assert (tmp_path / "out").read_text("utf-8") == ""


def _address(said: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the process answers, once it says so."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Public twin: +(http://[^/]+)/", said.read_text("utf-8"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(said.read_text("utf-8"))


def _signed_wrongly(client: httpx.Client) -> str:
    """A token of Bokeh's form that has not ended, of a session that is none."""
    payload = {"session_id": "session-1234567", "session_expiry": int(time.time()) + 300}
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")


def _websocket(web: str, cookie: str, token: str) -> None:
    """Asks for the manager's websocket with a token; it is refused or broken off."""
    with (
        contextlib.suppress(WebSocketException, OSError, EOFError),
        connect(
            web.replace("http", "ws") + "/manage/ws", origin=web, subprotocols=["bokeh", token],  # type: ignore
            additional_headers={"Cookie": f"{access.COOKIE}={cookie}"}, open_timeout=10,
        ) as socket,
    ):  # fmt: skip
        socket.recv(timeout=5)
