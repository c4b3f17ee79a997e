"""Scenarios for programs: what is listed, fetched, by whom, and what the record says of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import scenarios
from scenarios.scenario import Scenario, Step, parsed
from scenarios.shelf import Shelf
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.test_record import entries, unwritable
from tests.viewer.test_server import Running, running
from viewer.accounts.store import Accounts
from viewer.api.scenarios import PREFIX

OWN = Scenario(
    name="roof-pv", title={"de": "Dächer"}, measures=[Step(measure="roof_pv", parameters={"share": 0.25})]
)
"""Named as a shipped one is, and another."""


@dataclass
class Town:
    web: Running
    accounts: Accounts
    shelf: Shelf
    client: httpx.Client

    def get(self, path: str = "", **more: str) -> httpx.Response:
        return self.client.get(f"{PREFIX}{path}", headers=more)


@pytest.fixture(scope="module")
def town(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A server with a program that may read scenarios, and one that may not."""
    folder = tmp_path_factory.mktemp("scenarios")
    accounts = Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap())
    accounts.add("program", ["modeler"], PASSWORD, "test")
    accounts.add("erika", ["manager"], PASSWORD, "test")
    token = accounts.add_token("lab", "program", ["scenarios:read"], 1, "test")
    shelf = Shelf(folder / "shelf")
    shelf.save(OWN, None)
    os.utime(shelf.folder / "roof-pv.yaml", (1_800_000_000, 1_800_000_000))  # 2027-01-15T08:00Z
    with running(accounts=accounts, scenarios=shelf.folder) as web, web.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield Town(web, accounts, shelf, client)


def test_the_list_holds_shipped_and_kept_scenarios(town: Town) -> None:
    answer = town.get()
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    listed = {one["name"]: one for one in answer.json()["scenarios"]}
    assert set(listed) == {"roof-pv", *(name.removesuffix(".yaml") for name in scenarios.library())}
    assert listed["roof-pv"] == {
        "name": "roof-pv", "title": {"de": "Dächer"}, "source": "shelf", "changed": "2027-01-15T08:00:00Z",
        "href": f"{town.web.address}{PREFIX}/roof-pv.yaml",
    }  # fmt: skip
    shipped = listed["library/roof-pv"]
    assert shipped["source"] == "library" and shipped["changed"] is None
    assert set(shipped["title"]) == {"de", "en"}


def test_every_listed_file_is_what_its_name_says(town: Town) -> None:
    for one in town.get().json()["scenarios"]:
        answer = town.client.get(one["href"])
        assert answer.headers["content-type"] == "application/yaml"
        assert answer.headers["cache-control"] == "no-store"
        meant = OWN if one["source"] == "shelf" else scenarios.load(f"{one['name']}.yaml")
        assert parsed(answer.text, Path("it")) == meant
        assert entries(town.accounts)[0] == (
            "program/lab", "export", f"GET {one['href'].removeprefix(town.web.address)}"
        )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["none", "library/none", "-", "..%2Fsecret", "library/..%2Fmeasures", "%2e%2e/x", "ROOF"]
)
def test_what_there_is_not_is_not_found(town: Town, name: str) -> None:
    before = entries(town.accounts)[0]
    answer = town.get(f"/{name}.yaml")
    assert answer.status_code == 404 and "not" in answer.text.lower()
    assert entries(town.accounts)[0] == before


def test_a_refusal_names_the_remedy_in_the_asked_language(town: Town) -> None:
    said = town.get("/library/none.yaml?lang=de").json()["message"]
    assert "gibt es nicht" in said and "library/roof-pv" in said
    assert "Shipped are" in town.get("/library/none.yaml?lang=en").json()["message"]


@pytest.mark.parametrize("path", ["", "/roof-pv.yaml", "/library/roof-pv.yaml"])
def test_only_who_may_reads(town: Town, path: str) -> None:
    other = town.accounts.add_token(f"m{len(path)}", "program", ["sensorthings:read"], 1, "test")
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {other}"}, 403)):
        answer = httpx.get(f"{town.web.address}{PREFIX}{path}", headers=headers)
        assert answer.status_code == status and answer.json()["message"]
        assert answer.headers["cache-control"] == "no-store"
    with town.web.client() as manager:
        assert manager.post("/login", data={"name": "erika", "password": PASSWORD}).status_code == 200
        assert manager.get(f"{PREFIX}{path}").status_code == 200


def test_what_cannot_be_recorded_does_not_leave(town: Town) -> None:
    with unwritable(town.accounts):
        answer = town.get("/roof-pv.yaml")
        assert answer.status_code == 503 and "roof_pv" not in answer.text
        assert town.get().status_code == 200  # names are no export


def test_a_broken_file_leaves_the_others_listed(town: Town) -> None:
    for name in ("broken", "No Name"):
        (town.shelf.folder / f"{name}.yaml").write_text("name: [", "utf-8")
    try:
        listed = {one["name"]: one for one in town.get().json()["scenarios"]}
    finally:
        for name in ("broken", "No Name"):
            (town.shelf.folder / f"{name}.yaml").unlink()
    assert listed["broken"]["fault"] and listed["No Name"]["fault"]
    assert "fault" not in listed["roof-pv"] and len(listed) == 3 + len(scenarios.library())
