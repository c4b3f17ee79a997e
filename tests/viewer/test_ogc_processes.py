"""OGC API – Processes, part 1 (18-062r2): ordered, watched, dismissed and read over HTTP, and by OWSLib."""

from __future__ import annotations

import email
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import owslib.ogcapi
import pandas as pd
import pytest
from owslib.ogcapi.processes import Processes

import energy
import scenarios
import twin as twins
from scenarios.scenario import Scenario, Step
from scenarios.shelf import Shelf
from tests.conftest import REPOSITORY, skip_or_fail
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.districts import small
from tests.viewer.test_record import entries, unwritable
from tests.viewer.test_server import Running, running
from viewer import cli, comparison_text
from viewer.accounts.store import Accounts
from viewer.api.ogc.jobs import Job, Jobs, Limits
from viewer.api.ogc.processes import Order
from viewer.turns import BusyError

BASE = "/api/ogc"
ERRORS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
CONFORMANCE = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
OWN = Scenario(
    name="half-the-roofs",
    measures=[Step(measure="roof_pv", parameters={"share": 0.5}), Step(measure="envelope_retrofit")],
)
WIRE: dict[str, Any] = OWN.model_dump(mode="json", exclude_defaults=True)
QUICK = {"inputs": {"scenario": "half-the-roofs"}, "outputs": {"indicators": {}}}
LONG = {"inputs": {"scenario": "half-the-roofs", "draws": 64}}
"""Takes a minute, far longer than any test waits."""


@dataclass
class Town:
    web: Running
    accounts: Accounts
    tokens: dict[str, str]

    @property
    def jobs(self) -> Jobs:
        found: Jobs = self.web.app.state.jobs
        return found

    def ask(self, method: str, path: str, who: str = "lab", **more: Any) -> httpx.Response:
        """A request of a program; "" : of nobody."""
        own = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers = {**own, **more.pop("headers", {})}
        return httpx.request(method, f"{self.web.address}{BASE}{path}", headers=headers, timeout=60, **more)

    def order(self, process: str, body: Any, who: str = "lab", **more: Any) -> httpx.Response:
        return self.ask("POST", f"/processes/{process}/execution", who, json=body, **more)

    def begun(self, process: str, body: Any, who: str = "lab") -> str:
        """The id of a job that was taken."""
        answer = self.order(process, body, who)
        assert answer.status_code == 201, answer.text
        name: str = answer.json()["jobID"]
        assert answer.headers["location"] == f"{self.web.address}{BASE}/jobs/{name}"
        return name

    def state(self, name: str, who: str = "lab") -> dict[str, Any]:
        answer = self.ask("GET", f"/jobs/{name}", who)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def until(self, name: str, *states: str, seconds: float = 240.0) -> list[dict[str, Any]]:
        """All that is said of a job until it is in one of the states."""
        seen = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            seen.append(self.state(name))
            if seen[-1]["status"] in states:
                return seen
            assert seen[-1]["status"] in ("accepted", "running"), seen[-1]
            time.sleep(0.05)
        raise AssertionError(f"the job did not become {states}: {seen[-1]}")

    def running_process(self, name: str) -> int:
        """The process of a job that has begun."""
        self.until(name, "running")
        deadline = time.monotonic() + 10
        while (process := self.jobs._jobs[name].process) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process is not None
        return process.pid


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def started(folder: Path) -> Iterator[Town]:
    """A server with programs that may run scenarios, one that may only read them, and a manager."""
    accounts = Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap())
    accounts.add("program", ["modeler"], PASSWORD, "test")
    accounts.add("erika", ["manager"], PASSWORD, "test")
    tokens = {
        "lab": accounts.add_token("lab", "program", ["scenarios:run"], 1, "test"),
        "other": accounts.add_token("other", "program", ["scenarios:run"], 1, "test"),
        "reader": accounts.add_token("reader", "program", ["scenarios:read"], 1, "test"),
    }
    shelf = Shelf(folder / "shelf")
    shelf.save(OWN, None)
    with running(accounts=accounts, scenarios=shelf.folder) as web:
        yield Town(web, accounts, tokens)


@pytest.fixture(scope="module")
def town(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with started(tmp_path_factory.mktemp("processes")) as begun:
        yield begun


@pytest.fixture(autouse=True)
def cleared(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing of one test runs on in the next."""
    yield
    if "town" in request.fixturenames:
        town: Town = request.getfixturevalue("town")
        for job in list(town.jobs._jobs.values()):
            if not job.ended:
                town.jobs.dismiss(job)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small().save(tmp_path_factory.mktemp("district") / "small")


@pytest.fixture
def owslib_client(town: Town, monkeypatch: pytest.MonkeyPatch) -> Processes:
    # OWSLib writes a client's headers into what all clients share.
    monkeypatch.setattr(owslib.ogcapi, "REQUEST_HEADERS", dict(owslib.ogcapi.REQUEST_HEADERS))
    own = {"Authorization": f"Bearer {town.tokens['lab']}"}
    return Processes(f"{town.web.address}{BASE}/", headers=own)


def test_owslib_simulates_the_year_as_the_command_does(
    town: Town, owslib_client: Processes, district: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [one["id"] for one in owslib_client.processes()] == ["simulate", "run-scenario"]
    assert set(owslib_client.process("simulate")["outputs"]) == {"buildings", "district"}
    job = owslib_client.execute("simulate", {"network": False}, async_=True)
    assert job["status"] in ("accepted", "running") and job["processID"] == "simulate"
    seen = town.until(job["jobID"], "successful")
    found = owslib_client._request(path=f"jobs/{job['jobID']}/results")
    out = tmp_path / "r.csv"
    assert cli.run(["simulate", str(district), "--csv", str(out), "--json"]) == 0
    assert found["district"] == json.loads(capsys.readouterr().out)
    written = pd.read_csv(out, index_col="building_id", float_precision="round_trip")
    year = energy.annual(energy.Case(twins.open(district), energy.weather.sample()))
    assert len(found["buildings"]) == len(written) == 20 and set(year) < set(written)
    for row in found["buildings"]:
        assert set(row) == {"building_id", *written}
        for name, value in written.loc[row["building_id"]].items():
            assert row[name] == (None if pd.isna(value) else value), name
            assert name not in year or row[name] == year.loc[row["building_id"], name], name
    shares = [one["progress"] for one in seen]
    assert shares == sorted(shares) and shares[-1] == 100
    assert any(0 < share < 100 for share in shares)
    times = [datetime.fromisoformat(seen[-1][name]) for name in ("created", "started", "finished")]
    assert times == sorted(times) and seen[-1]["updated"] == seen[-1]["finished"]


def test_owslib_runs_a_scenario_with_pythons_figures(
    town: Town, owslib_client: Processes, district: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {"scenario": "half-the-roofs", "network": False, "draws": 4, "details": ["hours"]}
    job = owslib_client.execute("run-scenario", inputs, async_=True)
    town.until(job["jobID"], "successful")
    found = town.ask("GET", f"/jobs/{job['jobID']}/results").json()
    place, weather = twins.open(district), energy.weather.sample()
    table = scenarios.indicators(scenarios.run([scenarios.BASELINE, OWN], place, weather, resolution="year"))
    assert found["indicators"] == table.to_dict("index")
    assert found["indicators"]["half-the-roofs"]["co2_kg_saved"] > 0
    case = energy.Case(place, weather)
    compared = scenarios.comparison([OWN], case, network=False, draws=4, details=["hours"])
    assert found["comparison"] == json.loads(json.dumps(comparison_text.plain(compared)))
    file = town.jobs._root.name + "/own.yaml"
    Path(file).write_text(scenarios.shelf.as_yaml(OWN), "utf-8")
    assert cli.run(["scenario", "run", file, "--district", str(district), "--json"]) == 0
    assert found["indicators"] == json.loads(capsys.readouterr().out)


def test_a_scenario_may_be_sent_itself_and_one_output_come_raw(town: Town) -> None:
    """Named, as an object, as a qualified value and by its address (18-062r2, 7.11.2): one and the same."""
    told = []
    link = {"href": f"{town.web.address}/api/scenarios/half-the-roofs.yaml"}
    for given in ("half-the-roofs", WIRE, {"value": WIRE}, link):
        body = {"inputs": {"scenario": given}, "outputs": {"indicators": {}}, "response": "raw"}
        name = town.begun("run-scenario", body)
        town.until(name, "successful")
        told.append(town.ask("GET", f"/jobs/{name}/results").json())
    assert set(told[0]) == {"baseline", "half-the-roofs"}
    assert told[0] == told[1] == told[2] == told[3]


def test_several_outputs_come_as_parts_where_they_are_wanted_raw(
    town: Town, district: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the heat network, as the command gives it."""
    name = town.begun("simulate", {"inputs": {"network": True}, "response": "raw"})
    town.until(name, "successful")
    answer = town.ask("GET", f"/jobs/{name}/results")
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.content).get_payload()
    found = {part["content-id"]: json.loads(part.get_payload(decode=True)) for part in parts}  # type: ignore
    assert set(found) == {"<buildings>", "<district>"}
    options = ["--network", str(tmp_path / "n.nc"), "--json"]
    assert cli.run(["simulate", str(district), *options]) == 0
    assert found["<district>"] == json.loads(capsys.readouterr().out)
    assert found["<district>"]["network"]["substations"] == 3


def test_simulating_a_scenario_is_the_scenarios_year(town: Town) -> None:
    year, after = ({"inputs": {}, "outputs": {"district": {}}},
                   {"inputs": {"scenario": "library/roof-pv"}, "outputs": {"district": {}}})  # fmt: skip
    names = [town.begun("simulate", body) for body in (year, after)]
    for name in names:
        town.until(name, "successful")
    before, with_pv = (town.ask("GET", f"/jobs/{name}/results").json()["district"] for name in names)
    assert with_pv["co2_kg"] < before["co2_kg"]
    assert with_pv["heating_need_kwh"] == before["heating_need_kwh"]


def test_the_page_about_open_data_orders_as_printed(town: Town) -> None:
    text = (REPOSITORY / "docs" / "open-data.md").read_text("utf-8")
    block = text.split("## Scenarios and calculations")[1].split("```sh\n")[1].split("```")[0]
    token = town.accounts.add_token("docs", "program", ["scenarios:read", "scenarios:run"], 1, "test")
    if shutil.which("curl") is None:
        skip_or_fail("curl is not installed")
    done = subprocess.run(
        ["bash", "-euc", block.replace("http://localhost:5006", town.web.address)],
        env={**os.environ, "TOKEN": token}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file, _, told = done.stdout.partition('"status":"successful"')
    assert file.startswith("version: 1\nname: roof-pv\n")
    assert set(json.loads(told.splitlines()[-1])["indicators"]) == {"baseline", "roof-pv"}


def test_the_landing_page_leads_to_what_is_offered(town: Town) -> None:
    links = {one["rel"]: one["href"] for one in town.ask("GET", "", "").json()["links"]}
    assert links[f"{REL}/processes"] == f"{town.web.address}{BASE}/processes"
    assert links[f"{REL}/job-list"] == f"{town.web.address}{BASE}/jobs"
    classes = town.ask("GET", "/conformance", "").json()["conformsTo"]
    for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss"):
        assert f"{CONFORMANCE}/{name}" in classes
    first = town.ask("GET", "/processes?limit=1", "").json()
    (following,) = [one["href"] for one in first["links"] if one["rel"] == "next"]
    second = httpx.get(following).json()
    assert [one["id"] for one in (*first["processes"], *second["processes"])] == ["simulate", "run-scenario"]
    for one in first["processes"] + second["processes"]:
        assert one["jobControlOptions"] == ["async-execute", "dismiss"]
        described = httpx.get(next(way["href"] for way in one["links"] if way["rel"] == "self")).json()
        for given in described["inputs"].values():
            jsonschema.Draft202012Validator.check_schema(given["schema"])
        assert f"{REL}/execute" in {way["rel"] for way in described["links"]}
    german = town.ask("GET", "/processes/simulate?lang=de", "")
    assert german.json()["title"] == "Jahr simulieren" and german.headers["content-language"] == "de"


@pytest.mark.parametrize("language", ["de", "en"])
def test_people_read_of_them_as_pages(town: Town, language: str) -> None:
    """As those of Features: negotiated, linked from the landing page, with all that the documents say."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": language}
    base = f"{town.web.address}{BASE}"
    landing = town.ask("GET", "", "", headers=browser)
    for name in ("simulate", "run-scenario"):
        assert f'href="{base}/processes/{name}?f=html"' in landing.text
    for path in (
        "/processes",
        "/processes/simulate",
        "/processes/run-scenario",
        "/processes?limit=1&offset=1",
    ):
        document = town.ask("GET", path, "", headers={"Accept-Language": language}).json()
        page = town.ask("GET", path, "", headers=browser)
        assert page.headers["content-type"] == "text/html; charset=utf-8" and "<script" not in page.text
        assert page.headers["content-language"] == language and f'<html lang="{language}">' in page.text
        sign = "&" if "?" in path else "?"
        assert (
            town.ask("GET", f"{path}{sign}f=html", "", headers={"Accept-Language": language}).text
            == page.text
        )
        assert town.ask("GET", f"{path}{sign}f=json", "", headers=browser).json() == document
        shown = html.unescape(page.text)
        for one in document.get("processes", [document]):
            for value in (one["id"], one["title"], one["description"]):
                assert value in shown
            for link in one["links"]:
                assert f'href="{link["href"]}"' in shown
        for part in ("inputs", "outputs"):
            for name, one in document.get(part, {}).items():
                assert name in shown and one["title"] in shown
                assert part == "outputs" or json.dumps(one["schema"], ensure_ascii=False) in shown
    turned = re.findall(r'<a href="([^"]*)">', page.text.partition('class="pages"')[2].partition("</nav>")[0])
    (before,) = [html.unescape(one) for one in turned]
    assert httpx.get(before, headers=browser).headers["content-type"].startswith("text/html")
    refused = town.ask("GET", "/processes", "", headers={"Accept": "image/png"})
    assert refused.status_code == 406 and refused.headers["content-type"] == "application/problem+json"


def test_without_a_manager_nothing_is_offered(bundle: Path) -> None:
    with running(public_only=True) as web, web.client() as client:
        landing = client.get(BASE).json()
        assert "/processes" not in client.get(BASE, params={"f": "html"}).text
        assert not any("processes" in one["rel"] for one in landing["links"])
        assert not any("processes" in one for one in client.get(f"{BASE}/conformance").json()["conformsTo"])
        assert client.get(f"{BASE}/processes").status_code == 404


def test_a_dismissed_job_ends_at_once_and_leaves_nothing(town: Town) -> None:
    name = town.begun("run-scenario", LONG)
    pid = town.running_process(name)
    folder = town.jobs._jobs[name].folder
    assert not gone(pid) and folder.is_dir()
    early = town.ask("GET", f"/jobs/{name}/results")
    assert early.status_code == 404 and early.json()["type"] == f"{ERRORS}/result-not-ready"
    answer = town.ask("DELETE", f"/jobs/{name}")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert gone(pid) and not folder.exists()
    assert town.state(name)["status"] == "dismissed"
    assert town.ask("GET", f"/jobs/{name}/results").status_code == 410
    assert town.ask("DELETE", f"/jobs/{name}").json()["status"] == "dismissed"
    after = town.begun("run-scenario", QUICK)  # the queue goes on
    town.until(after, "successful")
    assert town.jobs._jobs[after].result.is_file()
    town.ask("DELETE", f"/jobs/{after}")
    assert not town.jobs._jobs[after].folder.exists()


def test_other_peoples_jobs_are_not_there(town: Town) -> None:
    name = town.begun("run-scenario", LONG)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/results")):
        answer = town.ask(method, f"/jobs/{name}{path}", "other")
        assert answer.status_code == 404 and answer.json()["type"] == f"{ERRORS}/no-such-job"
    assert name not in town.ask("GET", "/jobs?limit=1000", "other").text
    assert name in town.ask("GET", "/jobs?limit=1000").text
    assert town.state(name)["status"] in ("accepted", "running")


@pytest.mark.parametrize(("who", "status"), [("", 401), ("reader", 403)])
def test_only_who_may_run_scenarios_does(town: Town, who: str, status: int) -> None:
    before = len(town.jobs._jobs)
    for method, path in (
        ("POST", "/processes/simulate/execution"), ("GET", "/jobs"), ("GET", "/jobs/0123456789abcdef"),
        ("GET", "/jobs/0123456789abcdef/results"), ("DELETE", "/jobs/0123456789abcdef"),
    ):  # fmt: skip
        answer = town.ask(method, path, who)
        assert answer.status_code == status and answer.json()["message"], path
        assert answer.headers.get("access-control-allow-origin") is None
    assert len(town.jobs._jobs) == before
    assert town.ask("GET", "/processes", who).status_code == 200


def test_a_managers_session_runs_them_but_no_page_elsewhere_by_it(town: Town) -> None:
    with town.web.client() as manager:
        assert manager.post("/login", data={"name": "erika", "password": PASSWORD}).status_code == 200
        path = f"{BASE}/processes/run-scenario/execution"
        refused = manager.post(path, json=QUICK, headers={"Origin": "https://evil.example"})
        assert refused.status_code == 401
        assert manager.post(path, json=QUICK).status_code == 201
        assert manager.get(f"{BASE}/jobs").headers["cache-control"] == "no-store"


def test_one_runs_some_wait_and_more_are_sent_away(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.jobs, "limits", replace(town.jobs.limits, waiting=1))
    first = town.begun("run-scenario", LONG)
    town.running_process(first)
    second = town.begun("run-scenario", QUICK)
    before = len(town.jobs._jobs)
    refused = town.order("simulate", {}, "other")
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(town.jobs._jobs) == before and town.state(second)["status"] == "accepted"
    town.ask("DELETE", f"/jobs/{first}")
    town.until(second, "successful")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/processes/none", "no-such-process"), ("/jobs/none", "no-such-job"),
     ("/jobs/0123456789abcdef/results", "no-such-job")],
)  # fmt: skip
def test_what_there_is_not_is_said_by_the_standards_types(town: Town, path: str, kind: str) -> None:
    answer = town.ask("GET", path)
    assert answer.status_code == 404
    told = answer.json()
    assert (told["type"], told["status"]) == (f"{ERRORS}/{kind}", 404) and told["detail"]
    assert town.order("none", {}).json()["type"] == f"{ERRORS}/no-such-process"


BOTH = [{"measure": "set_points"}, {"measure": "smart_heating"}]


@pytest.mark.parametrize(
    ("process", "body", "said"),
    [
        ("run-scenario", [], "no JSON object"),
        ("run-scenario", {}, "input scenario is missing"),
        ("run-scenario", {"inputs": []}, "inputs: give an object"),
        ("run-scenario", {"inputs": {"scenario": "none"}}, "input scenario: there is no such scenario"),
        ("run-scenario", {"inputs": {"scenario": "library/none"}}, "Shipped are library/balcony-pv"),
        ("run-scenario", {"inputs": {"scenario": "../secret"}}, "is no name of a scenario"),
        ("run-scenario", {"inputs": {"scenario": 5}}, "input scenario: give a name"),
        ("run-scenario", {"inputs": {"scenario": {"href": "http://x/a.yaml"}}}, "link to an address of http"),
        ("run-scenario", {"inputs": {"scenario": {"name": "x", "mesures": []}}}, "no key 'mesures'"),
        ("run-scenario", {"inputs": {"scenario": {"name": "baseline"}}}, "take another name"),
        ("run-scenario", {"inputs": {"scenario": {"name": "x", "measures": [{"measure": "os:system"}]}}},
         "input scenario: os:system would run code"),
        ("run-scenario", {"inputs": {"scenario": {"name": "x", "measures": [
            {"measure": "roof_pv", "parameters": {"share": 2}}]}}}, "share"),
        ("run-scenario", {"inputs": {"scenario": {"name": "x", "measures": BOTH}}}, "exclude each other"),
        ("run-scenario", {"inputs": {"scenario": "half-the-roofs", "draws": True}}, "input draws: give a"),
        ("run-scenario", {"inputs": {"scenario": "half-the-roofs", "draws": 65}}, "0 to 64"),
        ("run-scenario", {"inputs": {"scenario": "half-the-roofs", "details": ["x"]}}, "hours, rooms, sun"),
        ("simulate", {"inputs": {"network": 1}}, "input network: give true or false"),
        ("simulate", {"inputs": {"wether": 1}}, "no input 'wether' of simulate; use scenario, network"),
        ("simulate", {"outputs": {"x": {}}}, "no output 'x' of simulate; use buildings, district"),
        ("simulate", {"outputs": {"district": {"transmissionMode": "reference"}}}, "by value alone"),
        ("simulate", {"response": "file"}, "response: give document or raw"),
        ("simulate", {"inputs": {"network": {"href": "http://x"}}}, "input network: give the value"),
        ("simulate", {"subscriber": {"successUri": "http://x"}}, "nobody is called back"),
        ("simulate", {"mode": "sync"}, "no member 'mode'"),
    ],
)  # fmt: skip
def test_a_wrong_input_is_refused_with_its_remedy(town: Town, process: str, body: Any, said: str) -> None:
    before = len(town.jobs._jobs)
    answer = town.order(process, body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert said in told["detail"] and told["status"] == 400 and "/tmp" not in told["detail"]
    assert len(town.jobs._jobs) == before


def test_odd_bodies_are_refused(town: Town) -> None:
    path = "/processes/simulate/execution"
    for content in (b"", b"{", b"\xff", b'{"inputs": {"network": NaN}}', b"[" * 100_000):
        assert town.ask("POST", path, content=content).status_code == 400, content[:20]
    assert town.ask("POST", path, content=b" " * 200_001).status_code == 413


def test_jobs_are_listed_by_what_is_asked(town: Town) -> None:
    names = [town.begun("run-scenario", LONG), town.begun("simulate", {}), town.begun("simulate", {})]
    town.ask("DELETE", f"/jobs/{names[2]}")
    town.running_process(names[0])

    def listed(query: str) -> list[str]:
        answer = town.ask("GET", f"/jobs?limit=1000&{query}")
        assert answer.status_code == 200, answer.text
        return [one["jobID"] for one in answer.json()["jobs"] if one["jobID"] in names]

    assert listed("") == [names[2], names[1], names[0]]  # the latest first
    assert listed("processID=simulate") == [names[2], names[1]]
    assert listed("status=dismissed") == [names[2]]
    assert listed("status=running,dismissed") == listed("status=running&status=dismissed")
    assert listed("status=running") == [names[0]]
    assert listed("type=process&processID=none") == []
    created = town.state(names[1])["created"]
    assert names[1] in listed(f"datetime={created}")
    assert set(listed(f"datetime={created}/..")) >= {names[1], names[2]}
    assert listed("datetime=../2020-01-01T00:00:00Z") == []
    assert listed("minDuration=3600") == [] and names[0] in listed("maxDuration=3600")
    page = town.ask("GET", "/jobs?limit=1&processID=simulate").json()
    (following,) = [one["href"] for one in page["links"] if one["rel"] == "next"]
    assert "processID=simulate" in following
    for odd in ("status=x", "type=x", "datetime=x", "datetime=a/b/c", "limit=0", "minDuration=x", "x=1",
                "f=html", "limit=1,2"):  # fmt: skip
        assert town.ask("GET", f"/jobs?{odd}").status_code == 400, odd


def test_the_record_names_orders_before_and_results_after(town: Town) -> None:
    name = town.begun("run-scenario", QUICK)
    path = f"{BASE}/processes/run-scenario/execution"
    assert entries(town.accounts)[:2] == [
        ("program/lab", "process.run", f"{name}: run-scenario half-the-roofs"),
        ("program/lab", "process", f"POST {path}"),
    ]
    town.until(name, "successful")
    with unwritable(town.accounts):
        answer = town.ask("GET", f"/jobs/{name}/results")
        assert answer.status_code == 503 and "baseline" not in answer.text
        before = len(town.jobs._jobs)
        assert town.order("simulate", {}).status_code == 503
        assert town.ask("DELETE", f"/jobs/{name}").status_code == 503
        assert len(town.jobs._jobs) == before and town.state(name)["status"] == "successful"
    assert town.ask("GET", f"/jobs/{name}/results").status_code == 200
    exported = ("program/lab", "export", f"job {name}: run-scenario half-the-roofs")
    assert entries(town.accounts)[0] == exported
    assert town.order("run-scenario", {}).status_code == 400
    assert entries(town.accounts)[0] == ("program/lab", "process.failed", f"POST {path} (400)")


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"seconds": 0.3}, "longer than 0.3 seconds"), ({"memory": 2**20, "still_s": 20.0}, "memory")],
)
def test_a_job_that_takes_too_much_fails_and_says_so(
    town: Town, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(town.jobs, "limits", replace(town.jobs.limits, **limits))
    name = town.begun("run-scenario", LONG)
    state = town.until(name, "failed")[-1]
    assert said in state["message"]
    job = town.jobs._jobs[name]
    assert job.process is not None and gone(job.process.pid) and not job.folder.exists()
    answer = town.ask("GET", f"/jobs/{name}/results")
    assert answer.status_code == 422 and said in answer.json()["detail"]
    assert answer.json()["type"] == "NoApplicableCode"  # OWS: no other of its codes fits


def test_a_job_that_stands_still_fails_and_the_next_one_runs(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.jobs, "limits", replace(town.jobs.limits, still_s=10.0))
    name = town.begun("run-scenario", LONG)
    early = town.ask("GET", f"/jobs/{name}/results").json()
    assert (early["type"], early["status"]) == (f"{ERRORS}/result-not-ready", 404)
    os.kill(town.running_process(name), signal.SIGSTOP)
    assert "stood still" in town.until(name, "failed")[-1]["message"]
    monkeypatch.setattr(town.jobs, "limits", Limits())
    assert town.until(town.begun("simulate", {}), "successful")


def test_what_fails_in_the_work_says_why(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of a scenario that fits, and cannot be applied."""
    order = Order("run-scenario", {"network": False, "draws": 0, "details": []}, ("indicators",),
                  Scenario(name="x", measures=[Step(measure="none")]))  # fmt: skip
    job = town.jobs.start(order, "program/lab")
    state = town.until(job.id, "failed")[-1]
    assert "there is no measure 'none'" in state["message"] and str(job.folder) not in state["message"]
    told = town.ask("GET", f"/jobs/{job.id}/results").json()
    # 18-062r2, /req/core/job-results-failed C: "e.g. InvalidParameterValue for invalid input data".
    assert (told["type"], told["status"]) == ("InvalidParameterValue", 422)
    assert told["detail"] == state["message"]


def test_jobs_end_with_their_server(bundle: Path, tmp_path: Path) -> None:
    with started(tmp_path) as town:
        name = town.begun("run-scenario", LONG)
        town.begun("simulate", {})
        pid, root = town.running_process(name), Path(town.jobs._root.name)
    assert gone(pid) and not root.exists()
    assert not any(thread is town.jobs._thread for thread in threading.enumerate())
    with pytest.raises(BusyError):
        town.jobs.start(Order("simulate", {"network": False}, ("district",)), "x")


def test_a_job_outlives_no_killed_server(district: Path, tmp_path: Path) -> None:
    """As when the kernel ends the server: nobody is left to stop its jobs."""
    told = {"process": "simulate", "inputs": {"network": False}, "outputs": ["district"], "raw": False,
            "district": str(district), "memory": 4 * 2**30}  # fmt: skip
    (tmp_path / "order.json").write_text(json.dumps(told), "utf-8")
    os.mkfifo(tmp_path / "progress")  # nobody writes: the worker is stopped before it has ended by itself
    begin = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-c', {_HANGS!r}, {str(tmp_path)!r}]\n"
        "p = subprocess.Popen(command, start_new_session=True)\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", begin], stdout=subprocess.PIPE, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        time.sleep(3)
        assert not gone(pid)
        server.send_signal(signal.SIGKILL)
        server.wait()
        deadline = time.monotonic() + 30
        while not gone(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
    left = not gone(pid)
    if left:
        os.kill(pid, signal.SIGKILL)
    assert not left


_HANGS = (
    "import sys, pathlib, viewer.process_worker as w\n"
    "w._simulated = lambda folder, order, told: open(folder / 'progress').read()\n"
    "w.main(pathlib.Path(sys.argv[1]))\n"
)
"""A worker whose calculation never ends."""


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_only_some_jobs_are_kept_and_for_some_time() -> None:
    clock, order = Clock(), Order("simulate", {"network": False}, ("district",))
    jobs = Jobs(small(), Limits(waiting=5, each=2, all=3, kept_s=60.0), clock)

    def ended(owner: str) -> Job:
        job = jobs.start(order, owner)
        jobs.dismiss(job)
        return job

    try:
        mine = [ended("a") for _ in range(4)]
        assert jobs.of("a") == [mine[3], mine[2]] and jobs.find(mine[0].id, "a") is None
        others = [ended("b"), ended("c")]
        assert jobs.of("a") == [mine[3]] and jobs.of("b") == [others[0]]  # three together
        clock.now += timedelta(seconds=61)
        assert jobs.of("a") == jobs.of("b") == jobs.of("c") == []
        assert not any(job.folder.exists() for job in (*mine, *others))
    finally:
        jobs.close()
