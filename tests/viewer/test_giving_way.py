"""When a database or the disk gives way: what the real server answers, address by address, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sensors.store import Store
from tests.conftest import REPOSITORY
from tests.sensors.postgres import Postgres, started
from tests.sensors.things import station
from tests.sensors.waiting import until
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.participation import BOUNDS, topics
from tests.viewer.test_server import running
from viewer.accounts import rights
from viewer.accounts.store import Accounts
from viewer.feeds import Feeds
from viewer.participation.service import Participation
from viewer.participation.store import Comments

PUBLIC = [
    "/", "/en/", "/api/ogc", "/api/ogc/collections", "/api/ogc/collections/buildings/items", "/api/docs",
    "/api/openapi.json", "/api/catalogue", "/api/files", "/healthz",
]  # fmt: skip


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with started() as server:
        yield server


@contextmanager
def served(url: str) -> Iterator[tuple[httpx.Client, httpx.Client, list[str]]]:
    """A manager and a stranger at a server whose databases all stand at `url`, and its addresses."""
    store = Store.open(url)
    store.ensure(station())
    accounts = Accounts.open(url, passwords=cheap())
    accounts.add("erika", ["manager", "moderator"], PASSWORD, "test")
    taken = Participation(Comments.open(url), topics(), bounds=BOUNDS)
    with (
        running(feeds=Feeds(store, {}, watch=False), accounts=accounts, participation=taken) as web,
        web.client() as manager,
        web.client() as stranger,
    ):
        answer = manager.post("/login", data={"name": "erika", "password": PASSWORD})
        assert answer.status_code == 200
        yield manager, stranger, sorted(set(rights.paths(web.app.routes)))


def test_without_its_database_it_shows_what_it_has(bundle: Path, postgres: Postgres) -> None:
    with served(postgres.new_database()) as (manager, stranger, addresses):
        before = {path: stranger.get(path).status_code for path in PUBLIC}
        postgres.stop()
        try:
            for path in [*PUBLIC, *addresses, "/login", "/api/ogc/collections/sensors/items"]:
                for client in (manager, stranger):
                    answer = client.get(path)
                    assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text[:200])
                    if answer.status_code == 503:
                        assert int(answer.headers.get("retry-after", 0)) > 0 or path == "/readyz", path
            assert {path: stranger.get(path).status_code for path in PUBLIC} == before
            wrong = stranger.post("/login", data={"name": "erika", "password": PASSWORD})
            assert wrong.status_code == 503
            assert stranger.get("/manage").status_code == 503  # nobody can say whose session it is
        finally:
            postgres.start()
        until(lambda: manager.get("/manage").status_code == 200, 30)
        assert stranger.get("/manage").status_code == 401
        until(lambda: stranger.get("/readyz").json()["checks"]["database accounts"] == "ok", 30)


def test_a_full_disk_is_said_and_gone_again(bundle: Path, small_disk: Path) -> None:
    scenario = (REPOSITORY / "scenarios" / "library" / "roof-pv.yaml").read_bytes()
    with running(scenarios=small_disk / "scenarios") as web, web.client() as manager:
        manager.post("/login/link")
        assert manager.get(web.links[-1]).status_code == 200
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 4096)
        answer = manager.post("/manage/scenarios", content=scenario)
        assert answer.status_code == 503 and "full" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
        assert not list((small_disk / "scenarios").rglob("*.yaml*"))
        filler.unlink()
        assert manager.post("/manage/scenarios", content=scenario).status_code == 201


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_what_is_no_address_is_no_fault_of_the_server(bundle: Path, method: str) -> None:
    with running() as web:
        host = web.address.removeprefix("http://")
        with httpx.Client() as client:
            request = client.build_request(method, web.address, extensions={"target": b"*"})
            assert client.send(request).status_code in (400, 404, 405), host


def test_health_answers_those_who_ask_for_the_head_alone(bundle: Path) -> None:
    with running() as web, web.client() as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = client.head(path)
            assert (answer.status_code, answer.content) == (200, b""), path


def test_pages_of_other_sites_may_read_the_catalogue_in_every_form(bundle: Path) -> None:
    with running() as web, web.client() as client:
        for ending in ("", ".ttl", ".rdf", ".jsonld"):
            answer = client.get(f"/api/catalogue{ending}", headers={"Origin": "https://portal.example"})
            assert answer.headers["access-control-allow-origin"] == "*", ending
