"""A real PostgreSQL of Debian's packages for the tests, durable as in production."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pg8000.dbapi

from tests.conftest import skip_or_fail

_USER = "lobeda"


def program(name: str) -> Path | None:
    """A program of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    plain = shutil.which(name)
    return found[-1] if found else Path(plain) if plain else None


def _account() -> dict[str, Any]:
    """Whom the server runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Postgres:
    """A server on a free port of the loopback; `start` and `stop` at will.

    folder : of its data and its socket.
    """

    def __init__(self, initdb: Path) -> None:
        self._programs = initdb.parent
        self.folder = Path(tempfile.mkdtemp(prefix="lobeda-postgres-", dir="/tmp"))
        self._account = _account()
        self.own(self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.run("initdb", "-D", self.data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self._server: subprocess.Popen[bytes] | None = None
        self._made = 0

    @property
    def data(self) -> str:
        """The folder of its data, as its programs take it."""
        return str(self.folder / "data")

    def run(self, name: str, *arguments: str) -> None:
        """Runs a program of PostgreSQL as who the server runs as."""
        command = [str(self._programs / name), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._account)

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        settings = (
            "listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}",
            "fsync=on", "synchronous_commit=on", "max_connections=60",
        )  # fmt: skip
        options = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", self.data, *options],
                stdout=log, stderr=log, cwd="/", **self._account,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
                return
            except (pg8000.Error, OSError):
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text("utf-8")[-2000:]) from None
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends the server: SIGINT disconnects everybody, SIGQUIT is a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(60)
            self._server = None

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Runs one statement outside of a transaction."""
        connection = pg8000.dbapi.connect(_USER, host="127.0.0.1", port=self.port, database=database)
        try:
            connection.autocommit = True
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def new_database(self) -> str:
        """The address of a fresh, empty database."""
        self._made += 1
        self.execute(f"CREATE DATABASE d{self._made} TEMPLATE template0")
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/d{self._made}"

    def own(self, folder: Path) -> None:
        """Lets the server write into `folder`."""
        if self._account:
            os.chown(folder, self._account["user"], self._account["group"])

    def empty(self, url: str) -> None:
        """Removes all rows of a database, and numbers from 1 again; faster than a new database."""
        database = url.rpartition("/")[2]
        self.execute(
            """DO $$ DECLARE it record; BEGIN
            SET LOCAL session_replication_role = replica; -- no foreign keys, so that the order is free
            SET LOCAL lock_timeout = '20s';
            FOR it IN SELECT tablename AS name FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
                EXECUTE format('DELETE FROM %I', it.name); END LOOP;
            FOR it IN SELECT sequencename AS name FROM pg_sequences WHERE last_value IS NOT NULL LOOP
                PERFORM setval(it.name::regclass, 1, false); END LOOP;
            END $$""",
            database,
        )

    def close(self) -> None:
        """Ends the server at once, its data are not needed any more, and removes its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def started() -> Iterator[Postgres]:
    """A server that runs; the test skips, or fails, where none is installed."""
    initdb = program("initdb")
    if initdb is None:
        skip_or_fail("PostgreSQL is not installed (apt-get install postgresql)")
    server = Postgres(initdb)
    try:
        server.start()
        yield server
    finally:
        server.close()
