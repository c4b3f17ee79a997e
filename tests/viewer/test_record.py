"""The record of who changed, published and exported what: nothing that does so is without an entry."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import typer

from scenarios.scenario import Scenario
from scenarios.shelf import ConflictError
from sensors import tokens
from sensors.errors import StoreError
from sensors.store import Store
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.participation import BOUNDS, TREES, topics
from tests.viewer.test_server import Running, running
from tests.viewer.test_tables import state as state  # a fixture
from viewer import cli
from viewer.accounts import audit, rights
from viewer.accounts.recording import HOUR_S, Hourly, RecordedShelf
from viewer.accounts.store import Accounts
from viewer.feeds import Feeds
from viewer.participation.service import Participation, Settings
from viewer.participation.store import Comments
from viewer.state import State
from viewer.table_page import TablePage
from viewer.whatif import retrofit

STA = "/api/sensorthings/v1.1"
PLAN = retrofit(1.0).as_text()


def entries(accounts: Accounts) -> list[tuple[str, str, str]]:
    return [(one.actor, one.action, one.object) for one in audit.entries(accounts)]


@contextmanager
def unwritable(accounts: Accounts) -> Iterator[None]:
    """The record's table is away, as when its disk is."""

    def rename(old: str, new: str) -> None:
        with accounts.transaction() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("audit", "away")
    try:
        yield
    finally:
        rename("away", "audit")


@dataclass
class Town:
    web: Running
    accounts: Accounts
    store: Store
    client: httpx.Client
    bearer: dict[str, str]


@pytest.fixture(scope="module")
def town(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A whole server with an administrator who is logged in, and a token that writes sensor data."""
    folder = tmp_path_factory.mktemp("record")
    url = f"sqlite:///{folder}/sensors.sqlite"
    store = Store.open(url)
    scopes = [tokens.SENSORTHINGS_WRITE, tokens.UPLINKS_WRITE]
    bearer = {"Authorization": f"Bearer {tokens.create(store, 'station', scopes)}"}
    accounts = Accounts.open(url, passwords=cheap())
    accounts.add("erika", ["administrator"], PASSWORD, "test")
    comments = Participation(Comments.open(url), topics(), settings=Settings(), bounds=BOUNDS)
    with (
        running(
            accounts=accounts,
            feeds=Feeds(store, {}, watch=False),
            participation=comments,
            scenarios=folder / "shelf",
        ) as web,
        web.client() as client,
    ):
        assert client.post("/login", data={"name": "erika", "password": PASSWORD}).status_code == 200
        yield Town(web, accounts, store, client, bearer)


def comment(town: Town) -> int:
    """A new comment's number."""
    store: Comments = town.web.app.state.participation.store
    store.add(TREES, "Linden am Platz", None, shown=False, fingerprint=secrets.token_hex(8))
    return max(one["id"] for one in town.client.get("/moderate/comments").json()["comments"])


def thing(town: Town) -> str:
    """The address of a new thing."""
    body = {"name": "Linde", "description": "x", "properties": {"kind": "parking"}}
    made = town.client.post(f"{STA}/Things", json=body, headers=town.bearer)
    assert made.status_code == 201, made.text
    return made.headers["location"].removeprefix(town.web.address)


def _scenario(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    sent = town.client.post("/manage/scenarios", content=b"name: warm\ntitle: {de: Warme Stube}")
    return sent, ("erika", "scenario.save", "warme-stube")


def _report(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    sent = town.client.post("/manage/report", json={"plan": PLAN, "language": "en"})
    name = sent.json()["id"]
    town.client.delete(f"/manage/report/{name}")
    return sent, ("erika", "report.make", f"{name}: {PLAN}")


def _stop(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    return town.client.delete("/manage/report/42"), ("erika", "report", "DELETE /manage/report/42")


def _order(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    body = {"inputs": {"scenario": "library/roof-pv"}}
    sent = town.client.post("/api/ogc/processes/run-scenario/execution", json=body)
    name = sent.json()["jobID"]
    town.client.delete(f"/api/ogc/jobs/{name}")
    return sent, ("erika", "process.run", f"{name}: run-scenario roof-pv")


def _dismiss(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    name = town.client.post("/api/ogc/processes/simulate/execution", json={}).json()["jobID"]
    path = f"/api/ogc/jobs/{name}"
    return town.client.delete(path), ("erika", "process", f"DELETE {path}")


def _decide(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    number = comment(town)
    sent = town.client.post(f"/moderate/comments/{number}", json={"action": "show"})
    assert sent.json()["comment"]["trail"][-1]["actor"] == "erika"
    return sent, ("erika", "comment.show", str(number))


def _undo(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    shown = town.client.post(f"/moderate/comments/{comment(town)}", json={"action": "show"})
    number = shown.json()["decision"]
    sent = town.client.post("/moderate/undo", json={"decision": number})
    assert [one["actor"] for one in sent.json()["comment"]["trail"]] == ["erika", "erika"]
    return sent, ("erika", "comment.undo", f"decision {number}")


def _sensors(method: str) -> Callable[[Town], tuple[httpx.Response, tuple[str, str, str]]]:
    def work(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
        path = thing(town)
        if method == "POST":
            path, body = f"{STA}/Locations", _PLACE
        else:
            body = {"name": "Eiche", "description": "y"}
        sent = town.client.request(method, path, json=body, headers=town.bearer)
        return sent, ("token:station", "sensors.write", f"{method} {path.removeprefix(STA)}")

    return work


_PLACE = {
    "name": "Platz", "description": "x", "encodingType": "application/geo+json",
    "location": {"type": "Point", "coordinates": [11.6, 50.9]},
}  # fmt: skip


def _uplink(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    joined = {"end_device_ids": {"dev_eui": "A84041FFFF187106"}, "join_accept": {}}
    sent = town.client.post("/api/uplinks/jena", json=joined, headers=town.bearer)
    return sent, ("token:station", "sensors.write", "uplinks of jena")


def _log_in(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    with town.web.client() as other:
        sent = other.post("/login", data={"name": "erika", "password": PASSWORD})
    return sent, ("erika", "login", "administrator")


def _log_out(town: Town) -> tuple[httpx.Response, tuple[str, str, str]]:
    with town.web.client() as other:
        other.post("/login", data={"name": "erika", "password": PASSWORD})
        return other.post("/logout"), ("erika", "logout", "")


CHANGES: dict[str, Callable[[Town], tuple[httpx.Response, tuple[str, str, str]]]] = {
    "POST /manage/scenarios": _scenario,
    "POST /manage/report": _report,
    "DELETE /manage/report": _stop,
    "POST /api/ogc/processes": _order,
    "DELETE /api/ogc/jobs": _dismiss,
    "POST /moderate/comments": _decide,
    "POST /moderate/undo": _undo,
    **{f"{method} {STA}": _sensors(method) for method in ("POST", "PUT", "PATCH", "DELETE")},
    "POST /api/uplinks": _uplink,
    "POST /login": _log_in,
    "POST /logout": _log_out,
}
"""A request to each address that changes something, and the entry that it leaves."""
NOBODYS = {
    "POST /login/link": "whoever asks has no name; the link is printed at the terminal alone",
    "POST /api/participation/proposals": "residents are nobody that the record knows",
    "POST /api/participation/votes": "the same",
    "POST /api/participation/status": "the same",
    "POST /api/participation/deletions": "the same",
}


def changing(routes: Iterable[Any], prefix: str = "") -> set[str]:
    """Method and address (before its first parameter) of every route that changes something."""
    found: set[str] = set()
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            found |= changing(router.routes, prefix + route.include_context.prefix)
            continue
        path = f"{prefix}{getattr(route, 'path', '')}".split("{")[0].rstrip("/")
        found |= {f"{method} {path}" for method in (route_methods(route) - set(rights.SAFE))}
        found |= changing(getattr(route, "routes", None) or (), path)
    return found


def route_methods(route: Any) -> set[str]:
    return set(getattr(route, "methods", None) or ())


def test_every_address_that_changes_something_is_accounted_for(town: Town) -> None:
    found = changing(town.web.app.routes)
    assert found - set(CHANGES) - set(NOBODYS) == set()
    assert set(CHANGES) <= found


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_leaves_an_entry_that_names_the_thing(town: Town, change: str) -> None:
    sent, entry = CHANGES[change](town)
    assert sent.status_code < 400, sent.text
    assert entry in entries(town.accounts)


@pytest.mark.parametrize("change", ["POST /manage/scenarios", "POST /moderate/undo", f"DELETE {STA}"])
def test_what_cannot_be_recorded_is_not_done(town: Town, change: str) -> None:
    number, where, names = comment(town), thing(town), sorted(_shelf(town))
    with unwritable(town.accounts):
        if change == "POST /manage/scenarios":
            sent = town.client.post("/manage/scenarios", content=b"name: cold\ntitle: {de: Kalt}")
        elif change == "POST /moderate/undo":
            sent = town.client.post(f"/moderate/comments/{number}", json={"action": "delete"})
        else:
            sent = town.client.delete(where, headers=town.bearer)
        assert sent.status_code == 503 and "retry-after" in sent.headers
        export = town.client.get("/moderate/comments.csv")
        assert export.status_code == 503 and "Linden" not in export.text
        assert town.client.get(where).status_code == 503
    assert sorted(_shelf(town)) == names
    assert town.client.get(where, headers=town.bearer).status_code == 200
    kept = town.client.get("/moderate/comments").json()["comments"]
    assert next(one for one in kept if one["id"] == number)["state"] == "waiting"


def _shelf(town: Town) -> list[str]:
    folder = Path(str(town.accounts.engine.url.database)).parent / "shelf"
    return [file.name for file in folder.glob("*.yaml")]


def test_a_change_that_came_to_nothing_says_so(town: Town) -> None:
    number = comment(town)
    for _ in range(2):  # the second finds it shown already
        sent = town.client.post(f"/moderate/comments/{number}", json={"action": "show"})
    assert sent.status_code == 409
    assert entries(town.accounts)[0] == (
        "erika", "moderate.failed", f"POST /moderate/comments/{number} (409)"
    )  # fmt: skip


def test_exports_name_what_left_the_house(town: Town) -> None:
    _scenario(town)
    for path in ("/manage/scenarios/warme-stube.yaml", "/moderate/comments.csv"):
        assert town.client.get(path).status_code == 200
        assert entries(town.accounts)[0] == ("erika", "export", f"GET {path}")
    assert town.client.get("/manage/scenarios/none.yaml").status_code == 404
    assert "none.yaml" not in entries(town.accounts)[0][2]
    path = thing(town).removeprefix(STA)
    assert town.client.get(STA + path).status_code == 200  # by the session, also what is private
    assert entries(town.accounts)[0] == ("erika", "export", f"SensorThings {path}")
    assert town.client.get(f"{STA}{path}/Datastreams", headers=town.bearer).status_code == 200
    assert entries(town.accounts)[0] == ("token:station", "export", "SensorThings /Things/Datastreams")


def test_a_report_that_is_taken_away_is_an_export_of_its_plan(town: Town) -> None:
    sent = town.client.post("/manage/report", json={"plan": PLAN, "language": "en"})
    name = sent.json()["id"]
    town.client.delete(f"/manage/report/{name}")
    folder = next(one for one in Path("/tmp").glob(f"lobeda-reports-*/{name}"))
    (folder / "report.pdf").write_bytes(b"%PDF")  # as if it had come to its end
    assert town.client.get(f"/manage/report/{name}/file").content == b"%PDF"
    assert entries(town.accounts)[0] == ("erika", "export", f"report {name}: {PLAN}")


def test_what_programs_repeat_stands_there_once_an_hour() -> None:
    noted: list[tuple[str, str, str]] = []
    now = [0.0]
    hourly = Hourly(lambda *entry: noted.append(entry), lambda: now[0])
    for now[0] in (0.0, HOUR_S - 1, HOUR_S):
        hourly("token:a", "sensors.write", "POST /Observations")
        hourly("token:b", "sensors.write", "POST /Observations")
    assert [actor for actor, _, _ in noted] == ["token:a", "token:b"] * 2


def test_a_table_of_the_page_is_an_export(state: State) -> None:
    news: dict[str, Any] = {}
    noted: list[tuple[str, str]] = []

    def note(action: str, thing: str) -> None:
        if len(noted) == 1:
            raise StoreError("away", "accounts", "Wait")
        noted.append((action, thing))

    page = TablePage(state, news.update, pytest.fail, None, note)  # type: ignore[arg-type]
    page.receive({"type": "table", "open": True, "kind": "buildings"})
    ask = {"type": "table_file", "kind": "buildings", "format": "csv", "columns": ["name"], "rows": [0, 1]}
    page.receive(ask)
    assert noted == [("export", "table buildings: 2 rows (csv)")] and news.pop("file")
    with pytest.raises(StoreError):
        page.receive(ask)
    assert "file" not in news


def test_a_scenario_that_cannot_be_recorded_is_not_saved_and_saved_the_next_time(tmp_path: Path) -> None:
    away = [False]
    noted: list[tuple[str, str]] = []

    def note(action: str, thing: str) -> None:
        if away[0]:
            raise StoreError("away", "accounts", "Wait")
        noted.append((action, thing))

    shelf = RecordedShelf(tmp_path, note)
    first = shelf.save(Scenario(name="warm", title={"de": "Warm"}), None)
    changed = Scenario(name="warm", title={"de": "Wärmer"})
    away[0] = True
    for act in (lambda: shelf.save(changed, first.state), lambda: shelf.remove("warm")):
        with pytest.raises(StoreError):
            act()
    assert shelf.open("warm").state == first.state
    away[0] = False
    shelf.save(changed, first.state)  # no conflict with itself
    with pytest.raises(ConflictError):
        shelf.save(changed, first.state)
    assert noted == [("scenario.save", "warm")] * 2  # none of what was not done


# The commands


def commands(group: Any, before: str = "") -> Iterator[str]:
    """Every command by its words."""
    for name, command in group.commands.items():
        words = f"{before}{name}"
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} ")
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield words


CALLS: dict[str, tuple[list[str], str, str]] = {
    "import": (["--into", "lobeda", "DATA/town"], "import", "DATA/town"),
    "export": (["lobeda", "--to", "DATA/x.gpkg"], "export", "lobeda to DATA/x.gpkg"),
    "backup": (["DATA/all.lobeda"], "backup", "DATA/all.lobeda"),
    "participation export": (["DATA/c.csv"], "export", "comments to DATA/c.csv"),
    "participation purge": (["--months", "7"], "comments.purge", "whose proposal ended 7 months ago"),
    "sensors import": (["DATA/none.csv"], "sensors.import", "DATA/none.csv"),
    "sensors backup": (["DATA/s.sqlite"], "sensors.backup", "DATA/s.sqlite"),
    "sensors restore": (["DATA/none.sqlite"], "sensors.restore", "DATA/none.sqlite"),
    "sensors export": (["DATA/s.parquet"], "export", "sensors (raw) to DATA/s.parquet"),
    "sensors purge": (["17", "--yes"], "sensors.purge", "thing 17"),
    "sensors assign": (
        ["a84041ffff187106", "--thing", "Linde"], "sensors.assign", "a84041ffff187106 to Linde",
    ),
    "sensors acknowledge": (["3", "--by", "Ada"], "alarm.acknowledge", "3"),
    "sensors retention set": (
        ["--days", "9"], "sensors.retention.set", "all kinds : raw all days, figures 9 days",
    ),
    "sensors retention drop": (["4"], "sensors.retention.drop", "rule 4"),
    "sensors retention apply": ([], "sensors.retention.apply", "all rules"),
    "sensors token create": (["roof"], "sensors.token.add", "roof (sensorthings:write, 365 days)"),
    "sensors token revoke": (["none"], "sensors.token.revoke", "none"),
    "accounts add": (
        ["otto", "--role", "manager", "--password-file", "DATA/pw"], "account.add", "otto (manager)",
    ),
    "accounts role": (["erika", "--role", "administrator"], "account.role administrator", "erika"),
    "accounts password": (["erika", "--password-file", "DATA/pw"], "account.password", "erika"),
    "accounts logout": (["erika"], "account.logout", "erika"),
    "accounts link": (["street"], "token.add", "street (resident, 60 days)"),
    "accounts tokens create": (
        ["lab", "erika", "--scope", "metrics:read"], "token.add", "lab (metrics:read, 90 days)",
    ),
    "accounts tokens revoke": (["garden"], "token.revoke", "garden"),
    "accounts disable": (["erika"], "account.disable", "erika"),
}  # fmt: skip
"""A call of each command that changes or exports, and the entry that it leaves."""
BY_OTHER_TESTS = {
    "fetch": "downloads; notes as import does",
    "publish": "test_publish",
    "report": "test_cli_report",
    "restore": "test_backup: the entry stands in what was restored",
    "sensors ingest": "runs until it is stopped",
}
READ_ONLY = {
    "serve", "info", "simulate", "calibrate", "scenario run", "scenario compare", "scenario ensemble",
    "scenario optimise", "scenario explain", "scenario measures", "scenario schema", "validate ashrae140",
    "participation list", "sensors alarms", "sensors findings", "sensors check", "sensors devices",
    "sensors unknown", "sensors status", "sensors retention", "sensors token list", "sensors watering",
    "sensors replay", "accounts list", "accounts audit", "accounts tokens list",
}  # fmt: skip
"""They show, or compute from the model; `replay` writes simulated values of the sample."""


def test_every_command_is_accounted_for() -> None:
    group = typer.main.get_command(cli.app)
    found = set(commands(group))
    assert found - set(CALLS) - set(BY_OTHER_TESTS) - READ_ONLY == set()
    assert set(CALLS) | set(BY_OTHER_TESTS) <= found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "pw").write_text(PASSWORD)
    with Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap()) as accounts:
        accounts.add("erika", ["administrator"], PASSWORD, "test")
        accounts.add_link("garden", 5, "test")
    return folder


@pytest.mark.parametrize("words", CALLS)
def test_a_command_leaves_an_entry_before_it_acts(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(data))
    given, action, thing = CALLS[words]
    cli.run([*words.split(), *(one.replace("DATA", str(data)) for one in given)])
    capsys.readouterr()
    cli.run(["accounts", "audit", "--json", "--limit", "2"])
    found = json.loads(capsys.readouterr().out)
    wanted = action, thing.replace("DATA", str(data))
    who = [one["actor"] for one in found if (one["action"], one["object"]) == wanted]
    assert len(who) == 1 and who[0].startswith("cli")


@pytest.mark.parametrize(
    ("given", "action", "thing"),
    [
        ("sensors token create x --scope bogus", "sensors.token.add", "x (bogus, 365 days)"),
        ("sensors token create x --days 5000", "sensors.token.add", "x (sensorthings:write, 5000 days)"),
        ("publish DATA/pw --district lobeda", "publish", "DATA/pw"),
    ],
)
def test_a_command_that_broke_off_says_so(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    given: str, action: str, thing: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("LOBEDA_DATA", str(data))
    monkeypatch.chdir(data)  # a path stands in the record by its whole address
    code = cli.run(given.replace("DATA/", "").split())
    assert code in (1, 2)
    capsys.readouterr()
    cli.run(["accounts", "audit", "--json", "--limit", "2"])
    found = [(one["action"], one["object"]) for one in json.loads(capsys.readouterr().out)]
    named = thing.replace("DATA", str(data))
    assert sorted(found) == [(action, named), (f"{action}.failed", f"{named} ({code})")]


def test_a_command_that_cannot_be_recorded_does_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(data))
    with (
        Accounts.open(f"sqlite:///{data}/sensors.sqlite", passwords=cheap()) as accounts,
        unwritable(accounts),
    ):
        for call in (
            ["sensors", "token", "create", "late"],
            ["export", "lobeda", "--to", str(data / "y.gpkg")],
        ):
            assert cli.run(call) == 1
    with Store.open() as store:
        assert "late" not in [one.name for one in tokens.listed(store)]
    assert not (data / "y.gpkg").exists()
