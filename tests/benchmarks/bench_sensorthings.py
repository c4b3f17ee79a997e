"""The SensorThings service over HTTP, beside bare loops of sqlite3 in the same run.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_sensorthings [STREAMS] [VALUES]``: observations a
second that are acknowledged when they are on the disk, one a request (from one client and from eight at once)
and a thousand a request; and the latest value of each of STREAMS datastreams with VALUES observations each.
The bare loops write and read the same numbers with `synchronous=FULL`, without HTTP, checks, features of
interest, latest values and roll-ups. Service and clients share this machine's cores.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from sensors.store import Store
from sensors.things import NewObservation
from tests.sensors.sensorthings.entities import datastream, named, observed, place, point, ref, sensor
from tests.sensors.sensorthings.servers import created, sensorthings

SINGLE, CLIENTS, ARRAYS, ROWS = 400, 8, 20, 1000
LATEST = "Observations($orderby=phenomenonTime desc;$top=1;$select=result)"


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def streams(client: httpx.Client, count: int) -> list[int]:
    """Ids of new datastreams of one thing."""
    made = [
        datastream(f"stream {i}", Sensor=sensor("s"), ObservedProperty=observed("o")) for i in range(count)
    ]
    thing = created(
        client, "/Things", named("t", Locations=[place("p", point(11.6, 50.9))], Datastreams=made)
    )
    link, found = f"/Things({thing})/Datastreams?$select=id&$top=100", []
    while link:
        answer = client.get(link).json()
        found += [entity["@iot.id"] for entity in answer["value"]]
        link = answer.get("@iot.nextLink", "")
    return found


def one_by_one(address: str, stream: int, count: int) -> None:
    with httpx.Client(base_url=address, timeout=60) as client:
        for number in range(count):
            body = {"result": number, "phenomenonTime": "2024-01-01T00:00:00Z", "Datastream": ref(stream)}
            assert client.post("/Observations", json=body).status_code == 201


def at_once(address: str, stream: int) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: one_by_one(address, stream, SINGLE // CLIENTS), range(CLIENTS)))


def arrays(stream: int) -> list[bytes]:
    """Bodies of data array requests."""
    rows = [[f"2024-01-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z", i / 7] for i in range(ROWS)]
    body = [{"Datastream": ref(stream), "components": ["phenomenonTime", "result"], "dataArray": rows}]
    return [json.dumps(body).encode()] * ARRAYS


def send(client: httpx.Client, bodies: list[bytes]) -> None:
    for body in bodies:
        assert len(client.post("/CreateObservations", content=body).json()) == ROWS


def bare(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE o (stream, time, value);"
    )
    return database


def bare_single(database: sqlite3.Connection) -> None:
    for number in range(SINGLE):
        database.execute("INSERT INTO o VALUES (1, '2024-01-01T00:00:00Z', ?)", (number,))


def bare_arrays(database: sqlite3.Connection, bodies: list[bytes]) -> None:
    for body in bodies:
        part = json.loads(body)[0]
        database.execute("BEGIN")
        database.executemany("INSERT INTO o VALUES (1, ?, ?)", part["dataArray"])
        database.execute("COMMIT")


def latest(client: httpx.Client) -> int:
    """How many datastreams show their newest value."""
    count, link = 0, f"/Datastreams?$select=id&$top=100&$expand={LATEST}"
    while link:
        answer = client.get(link).json()
        count += sum(len(entity["Observations"]) for entity in answer["value"])
        link = answer.get("@iot.nextLink", "")
    return count


def bare_latest(file: Path, ids: list[int]) -> int:
    with sqlite3.connect(file) as database:
        query = (
            "SELECT result FROM observations WHERE datastream_id = ? AND current = 1 AND deleted = 0 "
            "ORDER BY phenomenon_time DESC LIMIT 1"
        )
        return sum(database.execute(query, (i,)).fetchone() is not None for i in ids)


def main() -> None:
    count, values = (int(a) if a else b for a, b in zip([*sys.argv[1:], "", ""], (400, 500), strict=False))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "store.sqlite"
        with Store.open(f"sqlite:///{file}") as store, sensorthings(store) as client:
            (stream,) = streams(client, 1)
            address, bodies, database = str(client.base_url), arrays(stream), bare(folder)
            one_by_one(address, stream, 20)
            plain = SINGLE / seconds(lambda: bare_single(database))
            for label, action in (
                ("one client", lambda: one_by_one(address, stream, SINGLE)),
                (f"{CLIENTS} clients", lambda: at_once(address, stream)),
            ):
                rate = SINGLE / seconds(action)
                print(f"single observations, {label}: {rate:,.0f}/s; bare {plain:,.0f}/s; {rate / plain:.2f}")
            total = ARRAYS * ROWS
            plain = total / seconds(lambda: bare_arrays(database, bodies))
            rate = total / seconds(lambda: send(client, bodies))
            print(f"data arrays of {ROWS}: {rate:,.0f}/s; bare {plain:,.0f}/s; {rate / plain:.2f}")
            ids = streams(client, count)
            start = 1_704_067_200_000_000
            for first in range(0, values, 100):
                store.append(
                    [
                        NewObservation(i, start + n * 60_000_000, float(n))
                        for i in ids
                        for n in range(first, min(first + 100, values))
                    ]
                )
            assert latest(client) == count + 1
            ours = statistics.median(seconds(lambda: latest(client)) for _ in range(5))
            peer = statistics.median(seconds(lambda: bare_latest(file, ids)) for _ in range(5))
            print(
                f"latest of {count} datastreams of {count * values:,} observations: {ours * 1000:.0f} ms "
                f"over HTTP; bare {peer * 1000:.1f} ms; {ours / peer:.1f} times"
            )


if __name__ == "__main__":
    main()
