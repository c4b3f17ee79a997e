"""The sensors' store beside bare loops on the same database: appending, latest values, a year for a chart.

Run by `make bench`. The bare loops keep one table of four columns with one index and commit as durably; they
keep no versions, duplicates, latest values or roll-ups. PostgreSQL is started from Debian's packages.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pg8000.dbapi
from sqlalchemy.engine import make_url

from sensors.store import Store
from sensors.things import NewObservation
from tests.sensors.postgres import Postgres, program
from tests.sensors.things import station

STREAMS = 400
MINUTE = 60_000_000
TOGETHER = 50_000
"""Observations of one transaction when filling."""
START = 1_735_689_600_000_000  # 2025-01-01 in UTC
_TABLE = "CREATE TABLE bare (stream BIGINT, time BIGINT, result DOUBLE PRECISION, flag SMALLINT)"
_INDEX = "CREATE INDEX bare_series ON bare (stream, time)"


class Bare:
    """A connection to the same kind of database, with one table."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self.postgres = address.get_backend_name() == "postgresql"
        if self.postgres:
            assert address.username is not None
            self.connection: Any = pg8000.dbapi.connect(
                address.username, host=address.host, port=address.port, database=address.database
            )
        else:
            self.connection = sqlite3.connect(str(address.database) + ".bare")
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
        self.cursor = self.connection.cursor()
        for statement in (_TABLE, _INDEX):
            self.cursor.execute(statement)
        self.connection.commit()

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """One commit; on PostgreSQL one statement of arrays, which is faster there than a loop."""
        if self.postgres:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self.cursor.execute(
                "INSERT INTO bare SELECT * FROM unnest(CAST(%s AS bigint[]), CAST(%s AS bigint[]), "
                "CAST(%s AS float8[]), CAST(%s AS smallint[]))",
                columns,
            )
        else:
            self.cursor.executemany("INSERT INTO bare VALUES (?, ?, ?, ?)", rows)
        self.connection.commit()

    def read(self, statement: str) -> list[Any]:
        self.cursor.execute(statement)
        return list(self.cursor.fetchall())


def best(runs: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of `runs`."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def line(name: str, ours: float, theirs: float, unit: str, more_is_better: bool) -> None:
    ratio = ours / theirs if more_is_better else theirs / ours
    print(f"  {name:52s}{theirs:12,.1f}{ours:12,.1f} {unit:6s} ratio {ratio:6.2f} ×")


def appending(store: Store, bare: Bare, streams: list[int], count: int, runs: int) -> None:
    """Every stream sends once a minute, as meters of a district do."""
    ticks = itertools.count()

    def rows(number: int) -> list[tuple[Any, ...]]:
        numbers = [next(ticks) for _ in range(number)]
        return [(streams[i % STREAMS], START + i // STREAMS * MINUTE, i / 7, 2) for i in numbers]

    def observations(number: int) -> list[NewObservation]:
        return [NewObservation(*row[:3]) for row in rows(number)]

    singles = count // 20
    ours = [observations(1) for _ in range(singles)]
    theirs = [rows(1) for _ in range(singles)]
    line(
        "single, one thread: observations acknowledged",
        singles / best(runs, lambda: [store.append(one) for one in ours]),
        singles / best(runs, lambda: [bare.write(one) for one in theirs]),
        "1/s", True,
    )  # fmt: skip
    line(
        "single, 16 threads (group commit), bare: one thread",
        singles / best(runs, lambda: threads(store, ours, 16)),
        singles / best(runs, lambda: [bare.write(one) for one in theirs]),
        "1/s", True,
    )  # fmt: skip
    for size in (100, 5000):
        batches = [observations(size) for _ in range(count // size)]
        plain = [rows(size) for _ in range(count // size)]
        line(
            f"batches of {size:,}: observations acknowledged",
            count / best(runs, lambda given=batches: [store.append(one) for one in given]),  # type: ignore[misc]
            count / best(runs, lambda given=plain: [bare.write(one) for one in given]),  # type: ignore[misc]
            "1/s", True,
        )  # fmt: skip


def threads(store: Store, batches: list[list[NewObservation]], number: int) -> None:
    def work(own: list[list[NewObservation]]) -> None:
        for batch in own:
            store.append(batch)

    running = [threading.Thread(target=work, args=(batches[i::number],)) for i in range(number)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def fill(store: Store, bare: Bare, streams: list[int], per_stream: int) -> None:
    """A year of every stream, one transaction for some streams: to be read, its writing is timed above."""
    step = 365 * 24 * 60 * MINUTE // per_stream
    together = max(1, TOGETHER // per_stream)
    for first in range(0, len(streams), together):
        part = streams[first : first + together]
        rows = [(s, START + i * step, i / 7, 2) for s in part for i in range(per_stream)]
        with store.transaction() as connection:
            store.append([NewObservation(*row[:3]) for row in rows], connection=connection)
        bare.write(rows)
        if sys.stderr.isatty():
            print(
                f"\r  filled {min(first + together, len(streams))} of {len(streams)} streams ",
                end="",
                file=sys.stderr,
            )


def reading(store: Store, bare: Bare, streams: list[int], count: int, runs: int) -> None:
    """Fills up to `count` observations, then latest values and a year of one stream."""
    fill(store, bare, streams, count // STREAMS)
    bare.cursor.execute("ANALYZE")  # as a database does by itself after a while
    bare.connection.commit()
    newest = "SELECT stream, time, result FROM bare WHERE stream = {} ORDER BY time DESC LIMIT 1"
    line(
        f"latest of {STREAMS} streams over {count:,} (our table, streams())",
        best(runs, store.streams) * 1e3,
        best(runs, lambda: [bare.read(newest.format(stream)) for stream in streams]) * 1e3,
        "ms", False,
    )  # fmt: skip
    from sqlalchemy import select

    from sensors.store.tables import latest

    def table() -> None:
        with store.connect() as connection:
            connection.execute(
                select(latest.c.datastream_id, latest.c.phenomenon_time, latest.c.result)
            ).all()

    line(
        "the same, the table of latest values alone",
        best(runs, table) * 1e3,
        best(runs, lambda: [bare.read(newest.format(stream)) for stream in streams]) * 1e3,
        "ms", False,
    )  # fmt: skip
    start, end = pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2026-01-01", tz="UTC")
    year = (
        "SELECT time / 3600000000, avg(result), min(result), max(result) FROM bare "
        f"WHERE stream = {streams[7]} AND time >= {START} AND time < {START + 365 * 24 * 60 * MINUTE} "
        "GROUP BY 1 ORDER BY 1"
    )
    line(
        "a year by the hour for one chart, as a table",
        best(runs, lambda: store.series(streams[7], start, end, step="hour")) * 1e3,
        best(runs, lambda: pd.DataFrame(bare.read(year))) * 1e3,
        "ms", False,
    )  # fmt: skip


@contextmanager
def databases() -> Iterator[list[tuple[str, str]]]:
    """Names and addresses of what there is."""
    with tempfile.TemporaryDirectory(prefix="lobeda-bench-") as folder:
        found = [("SQLite", f"sqlite:///{Path(folder) / 'sensors.sqlite'}")]
        initdb = program("initdb")
        if initdb is None:
            print("PostgreSQL is not installed: SQLite only")
            yield found
            return
        server = Postgres(initdb)
        try:
            server.start()
            yield [*found, ("PostgreSQL", server.new_database())]
        finally:
            server.close()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--append", type=int, default=20_000, help="observations appended in batches")
    parser.add_argument("--stored", type=int, default=2_000_000, help="observations that are read over")
    options = parser.parse_args()
    with databases() as found:
        for name, url in found:
            print(f"\n{name:54s}{'bare':>12s}{'store':>12s}")
            with Store.open(url) as store:
                bare = Bare(url)
                spec = station(streams=tuple(str(i) for i in range(STREAMS)))
                streams = list(store.ensure(spec).values())
                appending(store, bare, streams, options.append, options.runs)
                if options.stored:
                    reading(store, bare, streams, options.stored, options.runs)
                bare.connection.close()


if __name__ == "__main__":
    main()
