"""MQTT 3.1.1 and 5: topics of a broker, each with its payload format, into the store.

Nothing is lost between the broker and the store: the session is persistent, the quality of service 1, and a
message is acknowledged only after the transaction that holds it is on the disk. What a crash or a lost
connection leaves unacknowledged the broker delivers again; its own id makes it a duplicate.

Memory is bounded: what waits is counted in messages and bytes, and where that is full the connection is no
longer read. Brokers that keep messages for a session need room for it: Mosquitto drops beyond 1,000
(`max_queued_messages`, 0 for no limit) and sends 20 at once (`max_inflight_messages`).
"""

from __future__ import annotations

import ssl
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sensors import payload
from sensors.protocols.base import Counters, FeedError
from sensors.protocols.formats import LoRaWAN, Mapped
from sensors.protocols.intake import Accept, Intake, Message
from sensors.protocols.secrets import Login
from sensors.store import Store

WAITING_BYTES = 32 * 2**20
BATCH = 1000
WAITING = 2 * BATCH
_CONNECT_SECONDS = 15.0
# Fewer than the packet ids of a session, and more than may be in flight.
_REMEMBERED = 50_000


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Topic(_Part):
    """A topic filter and the format of its messages; `mapping` for plain JSON."""

    topic: str = Field(min_length=1)
    format: Literal["chirpstack", "things_stack", "json"]
    mapping: Mapped | None = None

    @model_validator(mode="after")
    def _mapped(self) -> Topic:
        if (self.format == "json") != (self.mapping is not None):
            raise ValueError("a mapping belongs to the format json, and to it alone")
        return self

    def reader(self) -> LoRaWAN | Mapped | None:
        """What reads its messages."""
        return self.mapping if self.format == "json" else self.format

    def matches(self, topic: str) -> bool:
        """Whether a message's topic is of this filter, also of a shared subscription."""
        own = self.topic.split("/", 2)[2] if self.topic.startswith("$share/") else self.topic
        return paho.topic_matches_sub(own, topic)


class Tls(_Part):
    """Certificates; without `ca` those that the system trusts. `cert` and `key` are the client's own."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


class Options(Login):
    """A broker and its topics.

    Parameters
    ----------
    version : 3 for MQTT 3.1.1, 5 for MQTT 5.
    tls : true, or certificates.
    client_id : names the session at the broker, so it must be no other client's; lobeda-NAME where left out.
    session_hours : how long the broker shall keep the session without us (MQTT 5; for 3.1.1 it decides).
    max_inflight : messages that the broker may send before it gets an acknowledgement (MQTT 5).
    accept : ``known`` stores every device that a decoder fits, ``assigned`` only those that are assigned.
    """

    protocol: Literal["mqtt"] = "mqtt"
    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    version: Literal[3, 5] = 5
    tls: bool | Tls = False
    client_id: str = ""
    keepalive_seconds: int = Field(default=30, ge=5, le=3600)
    session_hours: float = Field(default=7 * 24, gt=0, le=24 * 365)
    max_inflight: int = Field(default=1000, ge=1, le=20_000)
    accept: Accept = "known"
    topics: tuple[Topic, ...] = Field(min_length=1)


@dataclass(frozen=True)
class _Arrived:
    message: Message
    mid: int
    qos: int
    again: bool
    digest: str


class MqttFeed:
    """Reads the topics of one broker into the store."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options
        self.connections = 0
        self._connection: _Connection | None = None
        # Of messages without an id of their own: what was committed lately, by packet id and digest, so that
        # it is known when the broker, which may not have got the acknowledgement, sends it again.
        self._committed: OrderedDict[tuple[int, str], None] = OrderedDict()

    def run(self, store: Store, counters: Counters, stop: threading.Event) -> None:
        """Connect, subscribe and store until `stop` is set.

        Raises
        ------
        FeedError : the broker cannot be reached, refuses us, or the connection was lost.
        StoreError : the store cannot be written; nothing was acknowledged.
        """
        intake = Intake(store, self.name, accept=self.options.accept)
        with _Connection(self.name, self.options) as connection:
            self.connections += 1
            self._connection = connection
            while not stop.is_set():
                batch = connection.next_batch(0.2)
                if not batch:
                    connection.check()
                    continue
                new = [arrived for arrived in batch if not self._was_committed(arrived)]
                repeated = len(batch) - len(new)
                counters.add(received=repeated, duplicate=repeated)
                _, counts = intake.take([arrived.message for arrived in new])
                counters.written(counts)
                self._remember(new)
                connection.acknowledge(batch)

    def _was_committed(self, arrived: _Arrived) -> bool:
        """Whether a message that the broker sends again is in the store."""
        return arrived.again and (arrived.mid, arrived.digest) in self._committed

    def _remember(self, stored: Sequence[_Arrived]) -> None:
        for arrived in stored:
            if arrived.digest:
                self._committed[arrived.mid, arrived.digest] = None
        while len(self._committed) > _REMEMBERED:
            self._committed.popitem(last=False)

    @property
    def waiting(self) -> int:
        """Messages that have arrived and are not in the store."""
        return len(self._connection.arrived) if self._connection else 0


class _Waiting:
    """Messages between the network's thread and the store's; `put` waits while it is full."""

    def __init__(self, messages: int, size: int) -> None:
        self._limit, self._size_limit = messages, size
        self._queue: deque[_Arrived] = deque()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, arrived: _Arrived) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._queue or not self._full())
            if not self._closed:
                self._queue.append(arrived)
                self._size += len(arrived.message.payload)
                self._changed.notify_all()

    def _full(self) -> bool:
        return len(self._queue) >= self._limit or self._size >= self._size_limit

    def take(self, most: int, seconds: float) -> list[_Arrived]:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._queue, seconds)
            taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
            self._size -= sum(len(arrived.message.payload) for arrived in taken)
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()


class _Connection:
    """One connection to the broker: from CONNECT to its end."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._options = options
        self._where = f"{options.host}:{options.port or (8883 if options.tls else 1883)}"
        self.arrived = _Waiting(WAITING, WAITING_BYTES)
        self._answered = threading.Event()
        self._ended = threading.Event()
        self._fault = ""
        self._client = self._make_client()

    def __enter__(self) -> _Connection:
        host, port = self._where.rsplit(":", 1)
        try:
            self._client.connect(
                host,
                int(port),
                self._options.keepalive_seconds,
                **self._clean(),
                properties=self._properties(),
            )
        except (OSError, ValueError) as error:
            raise self._error(f"the broker cannot be reached: {error}") from None
        self._client.loop_start()
        answered = self._answered.wait(_CONNECT_SECONDS)
        if not answered or self._ended.is_set():
            self.__exit__()
            raise self._error(self._fault or "the broker does not answer")
        return self

    def __exit__(self, *_: object) -> None:
        self.arrived.close()
        # The session stays at the broker.
        self._client.disconnect()
        self._client.loop_stop()

    def check(self) -> None:
        """Look whether the connection still stands.

        Raises
        ------
        FeedError : the connection is lost, or was refused.
        """
        if self._ended.is_set():
            raise self._error(self._fault or "the connection was lost")

    def next_batch(self, seconds: float) -> list[_Arrived]:
        """What has arrived; empty where nothing has within `seconds`."""
        return self.arrived.take(BATCH, seconds)

    def acknowledge(self, batch: Sequence[_Arrived]) -> None:
        """Tell the broker that these are on the disk.

        Raises
        ------
        FeedError : the connection is lost, so the broker will send them again.
        """
        self.check()
        for arrived in batch:
            if arrived.qos and self._client.ack(arrived.mid, arrived.qos):
                self._end("the connection was lost")
                self.check()

    def _make_client(self) -> paho.Client:
        options = self._options
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id or f"lobeda-{self._name}",
            protocol=MQTTProtocolVersion.MQTTv5 if options.version == 5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if options.version == 5 else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if user := options.user():
            client.username_pw_set(user, options.secret())
        if options.tls:
            client.tls_set_context(self._tls(options.tls if isinstance(options.tls, Tls) else Tls()))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _tls(self, files: Tls) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=files.ca)
            if files.cert:
                context.load_cert_chain(files.cert, files.key)
        except (OSError, ValueError) as error:
            raise self._error(f"the certificates cannot be used: {error}") from None
        return context

    def _clean(self) -> dict[str, Any]:
        return {"clean_start": False} if self._options.version == 5 else {}

    def _properties(self) -> Properties | None:
        if self._options.version != 5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = int(self._options.session_hours * 3600)
        properties.ReceiveMaximum = self._options.max_inflight
        return properties

    def _error(self, what: str) -> FeedError:
        return FeedError(what, f"{self._name} ({self._where})", "It is tried again")

    # Called by paho, in the network's thread.

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self._end(f"the broker refuses the connection: {reason}")
            return
        client.subscribe([(topic.topic, 1) for topic in self._options.topics])

    def _on_subscribe(self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _props: Any) -> None:
        refused = [
            topic.topic
            for topic, reason in zip(self._options.topics, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            self._end(f"the broker refuses the subscription to {', '.join(refused)}")
        self._answered.set()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        found = next((topic for topic in self._options.topics if topic.matches(message.topic)), None)
        reader = found.reader() if found else None
        arrived = Message.of(bytes(message.payload), message.topic, reader)
        nameless = isinstance(reader, Mapped) and not reader.id and message.qos > 0
        digest = payload.digest(message.topic, arrived.payload) if nameless else ""
        self.arrived.put(_Arrived(arrived, message.mid, message.qos, message.dup and nameless, digest))

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        self._end(f"the connection was lost: {reason}")

    def _end(self, fault: str) -> None:
        self._fault = self._fault or fault
        self._ended.set()
        self._answered.set()


def feed(name: str, options: Options) -> MqttFeed:
    """The feed `name` with its options."""
    return MqttFeed(name, options)
