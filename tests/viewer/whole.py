"""The server as `lobeda serve` makes it, with all its parts, and what asks it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI

from scenarios.scenario import Scenario
from scenarios.shelf import Shelf
from sensors.store import Store
from tests.sensors.things import station, value
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.participation import BOUNDS, topics
from tests.viewer.test_server import TOKEN, serving
from twin.sources.base import Provenance
from viewer import server
from viewer.accounts.store import Accounts
from viewer.feeds import Feeds
from viewer.participation.service import Participation
from viewer.participation.store import Comments
from viewer.state import Twin

LICENSED = ("blocks", "trees", "sensors")
SCENARIO = "warm"


@dataclass(frozen=True)
class Whole:
    """token : of a program that may read and run scenarios."""

    root: str
    app: FastAPI
    token: str


@contextlib.contextmanager
def whole(twin: Twin, folder: Path) -> Iterator[Whole]:
    """A district whose tables all name a licence, sensors that everybody may write, comments, accounts."""
    records = [Provenance(name, "hand-made", "tests", "dl-de/by-2-0", "Stadt Jena") for name in LICENSED]
    district = replace(twin.district, provenance=(*twin.district.provenance, *records))
    store = Store.open(f"sqlite:///{folder / 'sensors.sqlite'}")
    ids = store.ensure(station(public=True, location={"type": "Point", "coordinates": [11.6, 50.88]}))
    store.append([value(ids["t"], "2026-01-01T00:00Z", 1.5)])
    Shelf(folder / "shelf").save(Scenario(name=SCENARIO, title={"de": "Warm"}), None)
    accounts = Accounts.open(f"sqlite:///{folder / 'sensors.sqlite'}")
    accounts.passwords = cheap()
    accounts.add("program", ["modeler"], PASSWORD, "test")
    token = accounts.add_token("reads", "program", ["scenarios:read", "scenarios:run"], 1, "test")
    app = server.create_app(
        district, token=TOKEN, announce=None, shown=Twin(district, twin.case, twin.annual),
        feeds=Feeds(store, {}, watch=False), open_sensorthings=True, accounts=accounts,
        participation=Participation(
            Comments.open(f"sqlite:///{folder / 'sensors.sqlite'}"), topics(), bounds=BOUNDS
        ),
        scenarios=folder / "shelf",
    )  # fmt: skip
    with serving(app) as root:
        yield Whole(root, app, token)
