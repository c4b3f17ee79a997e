"""A real Mosquitto for the tests: started, stopped, and started again with what it kept."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.conftest import skip_or_fail
from tests.sensors.waiting import until

USER, PASSWORD = "lobeda", "a secret of this test"


def require() -> str:
    """The program, or a skip with a reason."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        skip_or_fail("Mosquitto is not installed (Debian: apt install mosquitto)")
    return found


@dataclass(frozen=True)
class Certificates:
    """A certificate authority made for this test, and what it signed."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]


def certificates(folder: Path) -> Certificates:
    """Made by the openssl program; or a skip with a reason."""
    if not shutil.which("openssl"):
        skip_or_fail("openssl is not installed")
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    elliptic = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    _openssl(
        "req", "-x509", *elliptic, "-subj", "/CN=Test CA", "-keyout", ca_key, "-out", ca,
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    made = {}
    for name in ("server", "client"):
        key, request, signed = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        names = folder / f"{name}.ext"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *elliptic[:-2], "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
            "-extfile", names, "-out", signed,
        )  # fmt: skip
        made[name] = (signed, key)
    return Certificates(ca, made["server"], made["client"])


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Broker:
    """Mosquitto in a folder of its own; what it keeps outlives `stop` and `start`.

    more : further lines of its configuration.
    """

    def __init__(
        self, folder: Path, *, login: bool = False, tls: Certificates | None = None, more: str = ""
    ) -> None:
        self.program = require()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "max_queued_messages 0",
            "max_inflight_messages 1000",
            f"log_dest file {folder}/mosquitto.log",
            f"allow_anonymous {'false' if login else 'true'}",
        ]
        if os.geteuid() == 0:
            lines.insert(0, "user root")
        if login:
            passwords = folder / "passwords"
            tool = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
            command = [tool, "-b", "-c", str(passwords), USER, PASSWORD]
            subprocess.run(command, check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if tls:
            certificate, key = tls.server
            lines += [f"cafile {tls.ca}", f"certfile {certificate}", f"keyfile {key}"]
        self.config = folder / "mosquitto.conf"
        self.config.write_text("\n".join([*lines, more]) + "\n")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            [self.program, "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens, 10)

    def _listens(self) -> bool:
        assert self.process and self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it in order: it writes what it keeps."""
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@contextmanager
def broker(folder: Path, **options: object) -> Iterator[Broker]:
    """A running broker."""
    running = Broker(folder, **options)  # type: ignore[arg-type]
    running.start()
    try:
        yield running
    finally:
        running.stop()


class Publisher:
    """Publishes with quality of service 1, also over the broker's restart; knows what was acknowledged."""

    def __init__(self, port: int, *, login: bool = False, tls: Certificates | None = None) -> None:
        self._done: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._mids: deque[int] = deque()
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id="test-publisher",
            protocol=MQTTProtocolVersion.MQTTv311,
            clean_session=False,
        )
        if login:
            client.username_pw_set(USER, PASSWORD)
        if tls:
            client.tls_set_context(ssl.create_default_context(cafile=tls.ca))
        client.max_inflight_messages_set(200)
        client.reconnect_delay_set(1, 1)
        client.on_publish = self._on_publish
        client.connect("127.0.0.1", port)
        client.loop_start()
        self.client = client

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, payload: bytes, number: int = 0) -> None:
        """Hand over a message; `number` is in `acknowledged` once the broker has it."""
        self._numbers[self.client.publish(topic, payload, qos=1).mid] = number

    def _on_publish(self, _client: object, _data: object, mid: int, _reason: object, _props: object) -> None:
        # No lock: paho holds its own here, and takes it in publish() too.
        self._mids.append(mid)

    @property
    def acknowledged(self) -> set[int]:
        """The numbers of the messages that the broker has acknowledged."""
        for _ in range(len(self._mids)):
            mid = self._mids.popleft()
            if mid in self._numbers:
                self._done.add(self._numbers.pop(mid))
            else:
                self._mids.append(mid)
        return self._done
