"""From messages to the store: read, decoded, checked, and committed together in one transaction.

Shared by MQTT and webhooks. With the observations, the same transaction writes what is set aside, the frame
counters and the feed's counts, so that a crash leaves all of a batch or nothing; a message that is delivered
again after a crash is a duplicate by its own id.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, IntegrityError

from sensors import decoders, payload, times
from sensors.errors import ObservationError, StoreError
from sensors.payload import RefusedError
from sensors.protocols import devices, formats
from sensors.protocols.formats import LoRaWAN, Mapped
from sensors.protocols.frames import Frames, follow
from sensors.protocols.lorawan import Assignment, Reading, Uplink, reading
from sensors.store import Store
from sensors.store.tables import set_aside
from sensors.things import NewObservation, ThingSpec

Status = Literal["stored", "duplicate", "set_aside", "refused", "ignored"]
Accept = Literal["known", "assigned"]
_THERE: tuple[Status, ...] = ("stored", "duplicate")
# Rows that a feed may keep aside; beyond, messages are refused and counted, so that no flood fills the disk.
MAX_KEPT = 100_000
_ASSIGNMENTS_SECONDS = 5.0
# Devices whose state is at hand; others are read from the store when they speak.
_AT_HAND = 20_000


@dataclass(frozen=True)
class Message:
    """A message as it arrived.

    Parameters
    ----------
    reader : a network server's name, a mapping, or None to tell by the content.
    size : in bytes, where only the beginning is left of it.
    """

    payload: bytes
    topic: str = ""
    reader: LoRaWAN | Mapped | None = None
    size: int = 0

    @classmethod
    def of(cls, body: bytes, topic: str = "", reader: LoRaWAN | Mapped | None = None) -> Message:
        """The message; of one that is too large only the beginning, so that what waits stays small."""
        if len(body) <= payload.MAX_BYTES:
            return cls(body, topic, reader)
        return cls(body[: payload.KEPT_HEAD_BYTES], topic, reader, len(body))


class Outcome(NamedTuple):
    """What became of a message; `observations` counts the new ones."""

    status: Status
    reason: str = ""
    observations: int = 0


@dataclass(frozen=True)
class _Aside:
    device: str
    reason: str
    keep: bool = True


@dataclass
class _Batch:
    """What one transaction changes beyond the database; taken over after the commit."""

    streams: dict[tuple[str, str], tuple[ThingSpec, dict[str, int]]] = field(default_factory=dict)
    frames: dict[str, Frames] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Intake:
    """Stores the messages of one feed; safe from any thread.

    Parameters
    ----------
    accept : ``known`` stores every device that a decoder fits, ``assigned`` only those that are assigned.
    keep_unreadable : whether messages that are no uplinks are kept too; else they are refused.
    replaying : the messages were set aside before: not set aside again, and their frames are not counted.
    """

    def __init__(
        self,
        store: Store,
        feed: str,
        *,
        accept: Accept = "known",
        keep_unreadable: bool = True,
        replaying: bool = False,
    ) -> None:
        self.feed = feed
        self._store = store
        self._accept = accept
        self._keep_unreadable = keep_unreadable
        self._replaying = replaying
        self._lock = threading.Lock()
        self._streams: dict[tuple[str, str], tuple[ThingSpec, dict[str, int]]] = {}
        self._frames: dict[str, Frames] = {}
        self._assignments: dict[str, Assignment] = {}
        self._assignments_until = 0.0
        self._kept: int | None = None

    def take(self, messages: Sequence[Message]) -> tuple[list[Outcome], Counter[str]]:
        """What became of the messages, once that is on the disk; and the counts, which are in the store too.

        Raises
        ------
        StoreError : the store cannot be written; nothing of it is stored.
        """
        now = times.now_us()
        parsed = [self._parse(message, now) for message in messages]
        with self._lock:
            return self._take(messages, parsed)

    def _parse(self, message: Message, now: int) -> Uplink | Reading | _Aside | None:
        if message.size:
            reason = f"too large: {message.size} bytes, at most {payload.MAX_BYTES} are read"
            return _Aside("", reason, self._keep_unreadable)
        try:
            if isinstance(message.reader, Mapped):
                return formats.read(message.reader, self.feed, message.topic, message.payload, now)
            return formats.parse(payload.document(message.payload), now, message.reader)
        except RefusedError as fault:
            return _Aside(fault.device, str(fault), self._keep_unreadable)

    def _take(
        self, messages: Sequence[Message], parsed: Sequence[Uplink | Reading | _Aside | None]
    ) -> tuple[list[Outcome], Counter[str]]:
        batch = _Batch()
        try:
            with self._store.transaction() as connection:
                outcomes = self._write(connection, messages, parsed, batch)
        except (ObservationError, IntegrityError, StoreError) as error:
            if isinstance(error, StoreError) and not isinstance(error.__cause__, DataError):
                raise
            return self._part(messages, parsed, error)
        for cache in (self._streams, self._frames):
            if len(cache) > _AT_HAND:
                cache.clear()
        self._streams.update(batch.streams)
        self._frames.update(batch.frames)
        self._kept = (self._kept or 0) + batch.counts["set_aside"]
        return outcomes, batch.counts

    def _part(
        self,
        messages: Sequence[Message],
        parsed: Sequence[Uplink | Reading | _Aside | None],
        error: Exception,
    ) -> tuple[list[Outcome], Counter[str]]:
        """One message is at fault: the halves are tried apart, so that the others get in.

        What was known of datastreams may be no longer true: somebody may have deleted one.
        """
        self._streams.clear()
        if len(messages) == 1:
            reason = str(error.__cause__ or error).splitlines()[0][:200]
            device = parsed[0].dev_eui if isinstance(parsed[0], Uplink) else ""
            already = isinstance(parsed[0], _Aside) and parsed[0].reason.startswith("cannot be stored")
            if already:
                raise StoreError(reason, self.feed) from error
            return self._take(messages, [_Aside(device, f"cannot be stored: {reason}")])
        middle = len(messages) // 2
        first, counts = self._take(messages[:middle], parsed[:middle])
        second, more = self._take(messages[middle:], parsed[middle:])
        return first + second, counts + more

    def _write(
        self,
        connection: Connection,
        messages: Sequence[Message],
        parsed: Sequence[Uplink | Reading | _Aside | None],
        batch: _Batch,
    ) -> list[Outcome]:
        self._refresh(connection)
        self._load_frames(connection, parsed)
        readings = [self._reading(one, batch) for one in parsed]
        observations: list[NewObservation] = []
        owners: list[int] = []
        for number, one in enumerate(readings):
            if isinstance(one, Reading):
                new = self._observations(connection, one, batch)
                observations += new
                owners += [number] * len(new)
        new_of, old_of = Counter[int](), Counter[int]()
        for number, stored in zip(
            owners, self._store.append(observations, connection=connection), strict=True
        ):
            (new_of if stored.new else old_of)[number] += 1
        outcomes = [_outcome(one, new_of[number]) for number, one in enumerate(readings)]
        outcomes = self._keep(connection, messages, readings, outcomes)
        self._count(connection, outcomes, batch)
        devices.put_frames(connection, self.feed, batch.frames)
        return outcomes

    def _refresh(self, connection: Connection) -> None:
        if time.monotonic() >= self._assignments_until:
            self._assignments = devices.assignments(connection)
            self._assignments_until = time.monotonic() + _ASSIGNMENTS_SECONDS
        if self._kept is None:
            own = sa.select(sa.func.count()).where(set_aside.c.feed == self.feed)
            self._kept = int(connection.execute(own).scalar_one())

    def _load_frames(
        self, connection: Connection, parsed: Sequence[Uplink | Reading | _Aside | None]
    ) -> None:
        wanted = {one.dev_eui for one in parsed if isinstance(one, Uplink)} - set(self._frames)
        if wanted and not self._replaying:
            self._frames.update(dict.fromkeys(wanted, Frames()))
            self._frames.update(devices.frames(connection, self.feed, wanted))

    def _reading(self, one: Uplink | Reading | _Aside | None, batch: _Batch) -> Reading | _Aside | None:
        if not isinstance(one, Uplink):
            return one
        assignment = self._assignments.get(one.dev_eui)
        if assignment is None and self._accept == "assigned":
            return _Aside(one.dev_eui, "not assigned")
        decoder = self._decoder(one, assignment)
        if decoder is None and (one.values is not None or assignment is None):
            what = f"profile {one.profile}" if one.profile else "no device profile"
            return _Aside(one.dev_eui, f"unknown device: no decoder fits ({what})")
        key = one.message_id if self._replaying else self._follow(one, batch)
        try:
            return reading(one, decoder, assignment, key)
        except RefusedError as fault:
            return _Aside(one.dev_eui, str(fault))

    def _decoder(self, uplink: Uplink, assignment: Assignment | None) -> decoders.Decoder | None:
        if assignment is not None and assignment.decoder:
            return decoders.load().get(assignment.decoder)
        return decoders.choose(uplink.values, (uplink.profile, *uplink.tags.values()), uplink.name)

    def _follow(self, uplink: Uplink, batch: _Batch) -> str:
        """Count the device's frames; the id that its observations carry."""
        before = batch.frames.get(uplink.dev_eui, self._frames[uplink.dev_eui])
        after, message_id = follow(before, uplink)
        if after is not before:
            batch.frames[uplink.dev_eui] = after
            batch.counts["lost_frames"] += after.lost - before.lost
            batch.counts["counter_resets"] += after.resets - before.resets
        return message_id

    def _observations(self, connection: Connection, one: Reading, batch: _Batch) -> list[NewObservation]:
        streams = self._stream_ids(connection, one.thing, batch)
        return [
            NewObservation(streams[key], one.time, value, source_key=one.source_key)
            for key, value in one.values.items()
        ]

    def _stream_ids(self, connection: Connection, thing: ThingSpec, batch: _Batch) -> dict[str, int]:
        """The datastreams' ids; the store is asked only when something about the Thing is new."""
        name = (thing.source, thing.key)
        known, ids = batch.streams.get(name) or self._streams.get(name) or (None, {})
        if known == thing:
            return ids
        same = known is not None and replace(known, streams=thing.streams) == thing
        if not same or any(stream.key not in ids for stream in thing.streams):
            ids = {**ids, **self._store.ensure(thing, connection=connection)}
        batch.streams[name] = (thing, ids)
        return ids

    def _keep(
        self,
        connection: Connection,
        messages: Sequence[Message],
        readings: Sequence[Reading | _Aside | None],
        outcomes: list[Outcome],
    ) -> list[Outcome]:
        """Set aside what cannot be stored, as long as there is room."""
        room = 0 if self._replaying else MAX_KEPT - (self._kept or 0)
        rows: list[dict[str, Any]] = []
        result = []
        for message, one, outcome in zip(messages, readings, outcomes, strict=True):
            reason = one.reason if isinstance(one, _Aside) else _faults(one)
            kept = not isinstance(one, _Aside) or one.keep
            if reason and kept and len(rows) < room:
                device = one.device if isinstance(one, _Aside) else one.thing.key if one else ""
                rows.append(
                    {
                        "feed": self.feed,
                        "device": device,
                        "reason": payload.storable(reason)[:500],
                        "payload": payload.kept(message.payload),
                        "received_at": times.now_us(),
                    }
                )
            elif outcome.status == "set_aside":
                outcome = outcome._replace(status="refused")
            result.append(outcome)
        if rows:
            connection.execute(set_aside.insert(), rows)
        return result

    def _count(self, connection: Connection, outcomes: Sequence[Outcome], batch: _Batch) -> None:
        batch.counts["observations"] += sum(outcome.observations for outcome in outcomes)
        if self._replaying:
            batch.counts["replayed"] += sum(outcome.status in _THERE for outcome in outcomes)
        else:
            batch.counts["received"] += len(outcomes)
            batch.counts.update(outcome.status for outcome in outcomes)
        changed = {name: number for name, number in batch.counts.items() if number}
        self._store.count(self.feed, changed, connection=connection)


def _faults(one: Reading | None) -> str:
    return "; ".join(one.faults) if one is not None else ""


def _outcome(one: Reading | _Aside | None, new: int) -> Outcome:
    if one is None:
        return Outcome("ignored")
    if isinstance(one, _Aside):
        return Outcome("set_aside", one.reason)
    return Outcome("stored" if new else "duplicate", _faults(one), new)


def replay(store: Store, device: str) -> Counter[str]:
    """Store what was kept of `device`, now that somebody has said what it is; counts by status."""
    counts: Counter[str] = Counter()
    intakes: dict[str, Intake] = {}
    after = 0
    while True:
        with store.connect() as connection:
            rows = devices.kept_messages(connection, device, after, 500)
        if not rows:
            return counts
        after = rows[-1][0]
        for feed in {feed for _, feed, _ in rows}:
            own = [(row, text) for row, named, text in rows if named == feed]
            intake = intakes.setdefault(feed, Intake(store, feed, replaying=True))
            outcomes, _ = intake.take([Message(text.encode()) for _, text in own])
            done = [
                row
                for (row, _), outcome in zip(own, outcomes, strict=True)
                if outcome.status in _THERE and not outcome.reason
            ]
            with store.transaction() as connection:
                devices.forget(connection, done)
            counts.update(outcome.status for outcome in outcomes)
