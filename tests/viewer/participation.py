"""A server that takes comments on two proposals, and what asks it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from sensors.times import now_us
from tests.viewer.districts import EAST, NORTH, small
from tests.viewer.test_server import TOKEN, Running, serving
from viewer import pages, server
from viewer.access import Keeper, Link
from viewer.accounts.store import Accounts
from viewer.login import Doors
from viewer.login import router as login_router
from viewer.participation import api, desk
from viewer.participation.service import Participation, Settings
from viewer.participation.store import Comments, Topic

API = "/api/participation"
SITE = "https://zwilling.example"
TREES, ROOFS, OVER = "trees", "roofs", "over"
BOUNDS = (EAST, NORTH, EAST + 300, NORTH + 300)


def topics() -> list[Topic]:
    """Two open proposals and one that has ended."""
    return [
        Topic(TREES, {"de": "Bäume am Platz", "en": "Trees on the square"}),
        Topic(ROOFS, {"de": "Solardächer", "en": "Solar roofs"}, closes_at=now_us() + 86_400_000_000),
        Topic(OVER, {"de": "Alte Brücke"}, closed=True),
    ]


@contextlib.contextmanager
def taking(
    url: str,
    settings: Settings | None = None,
    folder: Path | None = None,
    about: Iterable[Topic] | None = None,
) -> Iterator[Running]:
    """A server with login, guard, files of `folder`, and participation `about` topics in the database beside
    `url`.

    What else a server has takes long to simulate; `test_server` has all of it together.
    """
    taken = Participation(
        Comments.open(url),
        topics() if about is None else about,
        settings=settings or Settings(site_origins=(SITE,)),
        bounds=BOUNDS,
        groups=["g1"],
    )
    with taken, Accounts.open(url) as accounts:
        links, app = list[str](), FastAPI(openapi_url=None)
        app.state.participation, app.state.accounts = taken, accounts
        doors = Doors(accounts, Link(TOKEN), links.append)
        app.include_router(login_router(doors))
        app.include_router(api.router(taken))
        app.include_router(desk.router(taken, small()))
        app.mount("/manage/files", server.Site(pages.FOLDER))
        if folder is not None:
            app.mount("/", server.Site(folder))
        server.add_guard(app, Keeper(accounts), doors.ways)
        with serving(app) as address:
            yield Running(address, links, app)


@contextlib.contextmanager
def moderator(web: Running) -> Iterator[httpx.Client]:
    """A client with the manager's session."""
    with web.client() as client:
        assert client.get(f"/login?token={TOKEN}").status_code == 200
        yield client


def send(client: httpx.Client, text: str, proposal: str = TREES, **more: Any) -> httpx.Response:
    """Sends a comment as a resident's page does."""
    return client.post(f"{API}/proposals/{proposal}/comments?lang=en", json={"text": text, **more})
