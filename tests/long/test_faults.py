"""What residents see and what is lost when the database stops, the server is killed or ended and the disk is
full; and a year of readings backed up and restored: the figures, with the commands.

A town of its own (the sample's houses, not as a model) is served as docs/administration.md sets it up: on
PostgreSQL, behind nginx, with a broker's feed by `lobeda sensors ingest` and a network server's webhook, both
sending all the time. Asserted is that nothing acknowledged is lost, that no answer is an error of the
program, and that what is restored is what was backed up; waiting times are printed alone.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import twin
from sensors import tokens
from sensors.store import Store
from sensors.store.database import create_engine, database_url
from tests.conftest import REPOSITORY, disk
from tests.long.bokeh_client import Slider
from tests.long.opened import Opened, healthy, opened
from tests.proxy import free_ports, proxied
from tests.sensors import mosquitto
from tests.sensors.feeds import distances
from tests.sensors.kills import CONFIG
from tests.sensors.mosquitto import Publisher
from tests.sensors.postgres import Postgres, started
from tests.sensors.uplinks import TOPIC, as_bytes, chirpstack, device
from tests.sensors.waiting import until
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.participation import API, send
from viewer.accounts.store import Accounts
from viewer.participation.store import Comments

pytestmark = pytest.mark.long
AWAY_S = 20.0
"""So long a database is away, or a disk full."""
PACE_S = 0.02
PATIENCE_S = 300.0
WEBHOOK_FROM = 1_000_000
"""The first number of the webhook's uplinks; the broker's begin at 0."""
METERS, QUARTERS = 3, 365 * 96
COMMENTS, ACCOUNTS = 1000, 20
TOPIC_ID = "trees-karl-marx-allee"
PAGE, PAGES = "/", ("/", "/api/ogc/collections", "/api/sensorthings/v1.1/Things", "/readyz")
ROOF = (REPOSITORY / "scenarios" / "library" / "roof-pv.yaml").read_bytes()


# The table


@dataclass
class Seen:
    """Answers by address, and the longest wait for one. [s]"""

    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    worst_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def of(self, path: str) -> set[str]:
        return set(self.answers[path])

    def __str__(self) -> str:
        return ", ".join(
            f"{path} {' and '.join(sorted(found))} (longest {self.worst_s[path]:.2f} s)"
            for path, found in self.answers.items()
        )


class Table:
    """Rows as they come, printed at the end."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def row(self, what: str, commands: Collection[str], seen: Collection[object], *figures: str) -> None:
        self._lines += ["", what, *(f"  $ {one}" for one in commands)]
        self._lines += [f"  seen     {one}" for one in seen] + [f"  figures  {one}" for one in figures]

    def __str__(self) -> str:
        return "\n".join(self._lines)


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    made = Table()
    yield made
    print(f"\n\nFaults and restore, load {os.getloadavg()[0]:.1f}{made}")


# The town


@dataclass
class Sent:
    """What a sender has sent: the numbers that were acknowledged, and what else was answered."""

    number: int
    acknowledged: set[int] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)


@dataclass
class Town:
    """A served town and its commands.

    folder : of its data (LOBEDA_DATA).  url : of its database; empty: SQLite in `folder`.
    """

    folder: Path
    district: Path
    port: int
    url: str = ""
    token: str = ""
    sent: Sent = field(default_factory=lambda: Sent(WEBHOOK_FROM))

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "LOBEDA_DATA": str(self.folder), "LOBEDA_CONTENT": str(self.folder / "content"),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        return {**os.environ, **own, **({"LOBEDA_DATABASE_URL": self.url} if self.url else {})}

    @property
    def store_url(self) -> str:
        return self.url or f"sqlite:///{self.folder / 'sensors.sqlite'}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str | Path, given: str = "") -> float:
        """Run a command of ours as an administrator does; how long it took. [s]"""
        start = time.monotonic()
        run = subprocess.run(
            [sys.executable, "-m", "viewer.cli", *map(str, words)],
            cwd=REPOSITORY, env=self.environment, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, (words, run.stderr)
        return time.monotonic() - start

    def settle(self) -> None:
        """Content, an administrator who plans and moderates, and a token for the webhook."""
        shutil.copytree(REPOSITORY / "assets" / "content" / "Jena-Lobeda", self.folder / "content")
        roles = [word for role in ("administrator", "manager", "moderator") for word in ("--role", role)]
        self.command("accounts", "add", "erika", *roles, "--password-file", "-", given=f"{PASSWORD}\n")
        with Store.open(self.store_url) as store:
            self.token = tokens.create(store, "network", [tokens.UPLINKS_WRITE])

    @contextmanager
    def served(self) -> Iterator[tuple[Opened, float]]:
        """The server, once it is ready, and how long that took. [s] No answer is the program's fault."""
        start = time.monotonic()
        with opened(str(self.district), self.environment, self.port) as server:
            until(partial(healthy, self.port), PATIENCE_S, 0.05)
            yield server, time.monotonic() - start
        said = "".join(server.later)
        assert "Exception in ASGI application" not in said, said[-3000:]

    @contextmanager
    def manager(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.address, timeout=PATIENCE_S) as client:
            answer = client.post("/login", data={"name": "erika", "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield client

    def webhook(self, stop: threading.Event) -> None:
        """A network server: sends the next uplink once the one before was acknowledged."""
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not stop.wait(PACE_S):
                uplink = chirpstack(self.sent.number)
                uplink["deviceInfo"]["devEui"] = device(100 + self.sent.number % 20)
                status = _status(
                    lambda body=uplink: client.post(
                        f"{self.address}/api/uplinks/network", json=body,
                        headers={"Authorization": f"Bearer {self.token}"},
                    )
                )  # fmt: skip
                self.sent.answers[status] += 1
                if status == "200":
                    self.sent.acknowledged.add(self.sent.number)
                    self.sent.number += 1

    def takes_more(self) -> None:
        """Until the webhook's next few uplinks are acknowledged."""
        wanted = len(self.sent.acknowledged) + 5
        until(lambda: len(self.sent.acknowledged) >= wanted, PATIENCE_S)

    def back(self) -> str:
        """Once /readyz is 200: what it waited for at the end."""
        last = "nothing"
        while (answer := httpx.get(f"{self.address}/readyz")).status_code != 200:
            last = ", ".join(f"{name} {how}" for name, how in answer.json()["checks"].items() if how != "ok")
            time.sleep(0.05)
        return last

    def lost(self, more: Collection[int] = ()) -> str:
        """How many uplinks were acknowledged, of which none may be missing or there twice.

        more : those that the broker has acknowledged; the feed may still be at them.
        """
        acknowledged = self.sent.acknowledged | set(more)
        with Store.open(self.store_url) as store:
            until(lambda: set(more) <= set(distances(store)), PATIENCE_S, 0.5)
            found = distances(store)
        missing = acknowledged - set(found)
        twice = [number for number, count in found.items() if count > 1]
        assert (missing, twice) == (set(), []) and acknowledged
        return f"{len(acknowledged):,} uplinks acknowledged until then, {len(missing)} of them lost"


@dataclass
class Fed:
    """A town on PostgreSQL behind nginx, and its broker's feed."""

    town: Town
    postgres: Postgres
    proxy: str
    publisher: Publisher
    ingest: subprocess.Popen[bytes]
    published: int = 0

    def publish(self, stop: threading.Event) -> None:
        while not stop.wait(PACE_S):
            number = self.published
            self.publisher.publish(
                TOPIC.format(device=device(number % 20)), as_bytes(chirpstack(number)), number
            )
            self.published += 1

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Both feeds send; some of each is in already."""
        with beside(self.town.webhook), beside(self.publish):
            self.town.takes_more()
            yield

    def lost(self) -> str:
        until(lambda: len(self.publisher.acknowledged) == self.published, PATIENCE_S)
        return self.town.lost(self.publisher.acknowledged)


def own_town(folder: Path) -> Path:
    """The sample's houses as a town that keeps what it is sent."""
    sample = twin.open("lobeda")
    replace(sample, metadata={**sample.metadata, "is_model": False}).save(folder)
    return folder


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_town(tmp_path_factory.mktemp("town") / "district")


@pytest.fixture(scope="module")
def fed(district: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    folder = tmp_path_factory.mktemp("fed")
    listen, port = free_ports(2)
    with ExitStack() as stack:
        postgres = stack.enter_context(started())
        broker = stack.enter_context(mosquitto.broker(folder / "broker"))
        proxy = stack.enter_context(proxied(folder / "nginx", listen, [port]))
        town = Town(folder / "data", district, port, postgres.new_database())
        town.settle()
        feeds = folder / "feeds.toml"
        feeds.write_text(CONFIG.format(port=broker.port))
        ingest = subprocess.Popen(
            [sys.executable, "-m", "viewer.cli", "sensors", "ingest", "--config", str(feeds)],
            cwd=REPOSITORY, env=town.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(ingest.wait)
        stack.callback(ingest.terminate)
        with Store.open(town.url) as store:  # the broker keeps a session for the feed from now on
            until(lambda: len(store.beats()), PATIENCE_S)
        publisher = stack.enter_context(Publisher(broker.port))
        yield Fed(town, postgres, proxy, publisher, ingest)


# What goes on beside


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """`work` goes on until the block ends; its errors are the block's."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(work, stop)
        try:
            yield
        finally:
            stop.set()
            going.result()


@contextmanager
def watching(addresses: Mapping[str, str]) -> Iterator[Seen]:
    """A resident who asks for one address after the other, by the name each has in the table."""
    seen = Seen()

    def watch(stop: threading.Event) -> None:
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not stop.wait(0.1):
                for name, address in addresses.items():
                    start = time.monotonic()
                    seen.answers[name][_status(partial(client.get, address))] += 1
                    seen.worst_s[name] = max(seen.worst_s[name], time.monotonic() - start)

    with beside(watch):
        yield seen


def _status(ask: Callable[[], httpx.Response]) -> str:
    try:
        return str(ask().status_code)
    except httpx.TransportError:
        return "no connection"


def pages(address: str, of: str = "") -> dict[str, str]:
    return {f"{path}{of}": f"{address}{path}" for path in PAGES}


def shell(line: str) -> float:
    """Run a line as it stands in the table; how long it took. [s]"""
    start = time.monotonic()
    subprocess.run(shlex.split(line), check=True)
    return time.monotonic() - start


def rows(url: str, but: Collection[str] = ("sessions",)) -> dict[str, list[str]]:
    """All rows of all tables in PostgreSQL, but those that the docs except."""
    engine = create_engine(database_url(url))
    try:
        with engine.connect() as connection:
            named = [
                f"{space}.{name}"
                for space in sa.inspect(connection).get_schema_names()
                if space != "information_schema"
                for name in sa.inspect(connection).get_table_names(space)
                if name not in but
            ]
            found = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in named}
        return {name: sorted(map(repr, of)) for name, of in found.items()}
    finally:
        engine.dispose()


def files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def kept(town: Town) -> dict[str, Any]:
    """Comments, accounts and scenarios as they stand."""
    known = rows(town.url)
    names = ("participation.comments", "participation.votes", "accounts.accounts")
    return {"scenarios": files(town.folder / "scenarios"), **{name: known[name] for name in names}}


# The faults


def test_the_database_stops(fed: Fed, table: Table) -> None:
    town, postgres = fed.town, fed.postgres
    with town.served() as (_, _), fed.sending():
        before = len(town.sent.acknowledged)
        with watching(pages(town.address)) as usual:
            time.sleep(3)
        town.sent.answers.clear()
        postgres.run("pg_ctl", "stop", "-m", "immediate", "-D", postgres.data)
        postgres.stop()
        with watching(pages(town.address)) as seen:
            time.sleep(AWAY_S)
        refused = set(town.sent.answers)
        start = time.monotonic()
        postgres.start()
        answers_s = time.monotonic() - start
        town.takes_more()
        takes_s = time.monotonic() - start
        last = town.back()
        ready_s = time.monotonic() - start
        assert len(town.sent.acknowledged) > before
    lost = fed.lost()
    table.row(
        f"The database stops, and starts again after {AWAY_S:.0f} s",
        ["pg_ctl stop -m immediate -D DATA", "postgres -D DATA"],
        [f"while it is away: {seen}", f"by who sends: {', '.join(sorted(refused))}", f"usually: {usual}"],
        f"PostgreSQL answers after {answers_s:.1f} s, uplinks are taken after {takes_s:.1f} s, "
        f"/readyz is 200 after {ready_s:.1f} s (waited for at last: {last})",
        lost,
    )
    for path in PAGES[:2]:
        assert seen.of(path) == {"200"}, seen
    assert seen.of("/readyz") <= {"200", "503"} and "503" in seen.of("/readyz"), seen
    assert seen.of("/api/sensorthings/v1.1/Things") == {"503"}, seen
    assert refused <= {"200", "503"}, refused


def test_the_server_is_killed(fed: Fed, table: Table) -> None:
    town = fed.town
    with ExitStack() as stack:
        with town.served() as (server, _):
            manager = stack.enter_context(town.manager())
            assert manager.post("/manage/scenarios", content=ROOF).status_code == 201
            assert send(manager, "Mehr Linden", TOPIC_ID).status_code == 201
            stack.enter_context(fed.sending())
            seen = stack.enter_context(watching(pages(fed.proxy)))
            time.sleep(3)
            usual, before = {path: seen.of(path) for path in PAGES}, kept(town)
            acknowledged = len(town.sent.acknowledged)
            shell(f"kill -9 {server.process.pid}")
            server.process.wait()
        with town.served() as (_, ready_s):
            cookie = manager.get("/manage").status_code
            town.takes_more()
            stack.close()
            assert len(town.sent.acknowledged) > acknowledged
            assert kept(town) == before
            lost = fed.lost()
    held = {name: len(value) for name, value in before.items()}
    table.row(
        "The server is killed, and started again at once",
        ["kill -9 PID", f"lobeda serve ~/district --port {town.port}"],
        [f"through nginx: {seen}", f"by a manager with the cookie from before: /manage {cookie}"],
        f"/readyz is 200 after {ready_s:.1f} s (the year simulated, the public pages written)",
        lost,
        "kept: " + ", ".join(f"{count} in {name}" for name, count in held.items()),
    )
    assert all(found == {"200"} for found in usual.values()), usual
    assert seen.of(PAGE) == {"200"}, seen  # the proxy's copy
    for path in PAGES:
        assert seen.of(path) <= {"200", "502", "503", "504"}, seen
    assert cookie == 200  # logins stay


def test_the_disk_is_full(district: Path, table: Table) -> None:
    with disk(320) as small, ExitStack() as stack:
        town = Town(small / "data", district, free_ports(1)[0])
        town.settle()
        stack.enter_context(town.served())
        manager = stack.enter_context(town.manager())
        stack.enter_context(beside(town.webhook))
        town.takes_more()
        filler = small / "filler"
        with pytest.raises(subprocess.CalledProcessError):
            shell(f"dd if=/dev/zero of={filler} bs=4k status=none")
        until(lambda: "503" in town.sent.answers, PATIENCE_S)  # the log's room is used up
        with watching(pages(town.address)) as seen:
            refused = {
                "a scenario": manager.post("/manage/scenarios", content=ROOF).status_code,
                "a comment": send(manager, "Mehr Linden", TOPIC_ID).status_code,
            }
            time.sleep(AWAY_S)
        sent = set(town.sent.answers)
        start = time.monotonic()
        shell(f"rm {filler}")
        town.takes_more()
        takes_s = time.monotonic() - start
        last = town.back()
        ready_s = time.monotonic() - start
        after = {
            "a scenario": manager.post("/manage/scenarios", content=ROOF).status_code,
            "a comment": send(manager, "Mehr Linden", TOPIC_ID).status_code,
        }
        lost = town.lost()
    table.row(
        f"The disk is full for {AWAY_S:.0f} s (all on it: SQLite, scenarios)",
        ["dd if=/dev/zero of=~/filler bs=4k status=none", "rm ~/filler"],
        [str(seen), f"by who writes: {', '.join(f'{what} {code}' for what, code in refused.items())}, "
         f"uplinks {' and '.join(sorted(sent))}"],
        f"uplinks are taken {takes_s:.2f} s after there is room again, /readyz is 200 after {ready_s:.1f} s "
        f"(waited for at last: {last})",
        lost,
    )  # fmt: skip
    assert refused == {"a scenario": 503, "a comment": 503}
    assert after == {"a scenario": 201, "a comment": 201}
    assert sent == {"200", "503"}
    assert seen.of("/readyz") <= {"200", "503"} and "503" in seen.of("/readyz")  # an answer is good for 2 s
    assert all(seen.of(path) == {"200"} for path in PAGES[:3]), seen


def test_the_server_is_stopped(fed: Fed, table: Table) -> None:
    town = fed.town

    async def at_work(manager: httpx.Client) -> None:
        """A manager's page moves its slider, and is open when the server ends."""
        async with httpx.AsyncClient(cookies=manager.cookies, timeout=PATIENCE_S) as door:
            slider = await Slider.open(town.address, door)
            await slider.move(0.4)
            stopped.append(await asyncio.to_thread(stop))
            await slider.close()

    def stop() -> tuple[float, int]:
        took_s = shell(f"kill -TERM {server.process.pid}")
        start = time.monotonic()
        code = server.process.wait(PATIENCE_S)
        return took_s + time.monotonic() - start, code

    stopped: list[tuple[float, int]] = []
    with town.served() as (server, _), town.manager() as manager, fed.sending():
        before = kept(town)
        asyncio.run(at_work(manager))
    ((took_s, code),) = stopped
    lost = fed.lost()
    after = kept(town)
    new = {name: after["scenarios"].pop(name) for name in set(after["scenarios"]) - set(before["scenarios"])}
    assert after == before
    assert any(b"share: 0.4" in draft for draft in new.values()), new  # what the manager was at
    table.row(
        "The server is stopped while a manager's page is open and feeds send",
        ["kill -TERM PID"],
        [],
        f"ended after {took_s:.1f} s with code {code}; the manager's draft is kept",
        lost,
    )
    assert code in (0, -15)  # systemd counts both as a clean end


# The restore


def readings(file: Path) -> None:
    """A year of counters' readings, four an hour."""
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    with file.open("w", encoding="utf-8") as out:
        out.write("Zähler,Ablesedatum,Zählerstand (kWh)\n")
        for meter in range(1, METERS + 1):
            for number in range(QUARTERS):
                at = begin + timedelta(minutes=15 * number)
                out.write(f"{meter},{at.isoformat()},{0.25 * meter * number:.2f}\n")


def fill(town: Town, manager: httpx.Client, folder: Path) -> float:
    """The readings, comments, accounts and scenarios of a town; how long the readings took. [s]"""
    readings(folder / "readings.csv")
    took_s = town.command("sensors", "import", folder / "readings.csv", "--district", town.district)
    with Comments.open(town.url) as comments:
        for number in range(COMMENTS):
            comments.add(TOPIC_ID, f"Linde {number}", None, shown=number % 2 == 0, fingerprint=str(number))
    with Accounts.open(town.url, passwords=cheap()) as accounts:
        for number in range(ACCOUNTS):
            accounts.add(f"manager{number}", ["manager"], PASSWORD, "test")
    for file in sorted((REPOSITORY / "scenarios" / "library").glob("*.yaml")):
        answer = manager.post("/manage/scenarios", content=file.read_bytes())
        assert answer.status_code in (201, 409), (file.name, answer.text)
    return took_s


def test_all_is_restored(fed: Fed, table: Table, tmp_path: Path) -> None:
    town, file = fed.town, tmp_path / "all.lobeda"
    with town.served() as (_, _), town.manager() as manager:
        import_s = fill(town, manager, tmp_path)
        with fed.sending():
            pass
        fed.lost()
        shell(f"kill -TERM {fed.ingest.pid}")
        assert fed.ingest.wait(PATIENCE_S) == 0
        going_on_s = town.command("backup", file, "--district", town.district)
        shown = manager.get(f"{API}/proposals").json()
    # A server checks what came in, and writes what it found: what is compared is the backup after its end.
    backup_s = town.command("backup", file, "--district", town.district)
    before = rows(town.url)
    new = replace(
        town, folder=tmp_path / "restored", district=tmp_path / "restored" / "district",
        url=fed.postgres.new_database(), sent=Sent(WEBHOOK_FROM * 2),
    )  # fmt: skip
    restore_s = new.command("restore", file, new.folder)
    after = rows(new.url)
    (noted,) = set(after["accounts.audit"]) - set(before["accounts.audit"])
    assert "'restore'" in noted
    after["accounts.audit"].remove(noted)
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == []
    assert files(new.district) == files(town.district)
    for name in ("scenarios", "content"):
        assert files(new.folder / name) == files(town.folder / name) != {}, name
    with new.served() as (_, ready_s), new.manager() as manager:
        assert manager.get(f"{API}/proposals").json() == shown
        with beside(new.webhook):
            new.takes_more()
    count = len(before["public.observations"])
    assert count >= METERS * QUARTERS and len(before["participation.comments"]) >= COMMENTS
    total, scenarios = sum(map(len, before.values())), len(list((new.folder / "scenarios").rglob("*.yaml")))
    table.row(
        f"All is backed up and restored: {count:,} observations, {len(before['participation.comments']):,} "
        f"comments, {len(before['accounts.accounts'])} accounts, {scenarios} files of scenarios",
        [
            "lobeda sensors import readings.csv --district ~/district",
            "kill -TERM INGEST; lobeda backup all.lobeda --district ~/district   # the server goes on",
            "kill -TERM PID; lobeda backup all.lobeda --district ~/district",
            "LOBEDA_DATABASE_URL=postgresql://… lobeda restore all.lobeda ~/restored",
            f"lobeda serve ~/restored/district --port {new.port}",
        ],
        [],
        f"readings imported in {import_s:.1f} s ({METERS * QUARTERS / import_s:,.0f} observations/s)",
        f"backed up in {backup_s:.1f} s ({count / backup_s:,.0f} observations/s), "
        f"{file.stat().st_size / 1e6:.1f} MB; "
        f"in {going_on_s:.1f} s while the server was at its checks",
        f"restored in {restore_s:.1f} s ({count / restore_s:,.0f} observations/s), and served from there "
        f"after {ready_s:.1f} s",
        f"{total:,} rows in {len(before)} tables compared one by one: 0 differ",
    )
