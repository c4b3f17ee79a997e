"""LoRaWAN devices: what people said of them, how their frames came in, what waits for an assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors import times
from sensors.protocols.frames import Frames
from sensors.protocols.lorawan import SOURCE, Assignment
from sensors.store.tables import feed_state, set_aside, things

if TYPE_CHECKING:
    from sensors.store import Store

_ASSIGNED, _FRAMES = "device:", "frames:"


@dataclass(frozen=True)
class Kept:
    """Messages set aside of one device (empty: it is not known) for one reason."""

    feed: str
    device: str
    reason: str
    messages: int
    first: int
    last: int


@dataclass(frozen=True)
class Device:
    """A device that a feed hears: its frames and what it is."""

    feed: str
    device: str
    name: str
    decoder: str
    frames: Frames


def assignments(connection: Connection) -> dict[str, Assignment]:
    """What people said, by device."""
    rows = connection.execute(
        sa.select(feed_state.c.key, feed_state.c.value).where(
            feed_state.c.feed == SOURCE, feed_state.c.key.startswith(_ASSIGNED)
        )
    )
    return {key.removeprefix(_ASSIGNED): Assignment(**value) for key, value in rows}


def assign(store: Store, device: str, assignment: Assignment) -> None:
    """Note what a person says about a device; feeds that run take it up within seconds."""
    said = {name: value for name, value in asdict(assignment).items() if value not in ("", None, False)}
    store.put_state(SOURCE, _ASSIGNED + device, said)


def frames(connection: Connection, feed: str, wanted: Iterable[str]) -> dict[str, Frames]:
    """The frames of devices that the feed has heard."""
    keys = [_FRAMES + device for device in wanted]
    rows = connection.execute(
        sa.select(feed_state.c.key, feed_state.c.value).where(
            feed_state.c.feed == feed, feed_state.c.key.in_(keys)
        )
    )
    return {key.removeprefix(_FRAMES): Frames.from_json(value) for key, value in rows}


def put_frames(connection: Connection, feed: str, changed: Mapping[str, Frames]) -> None:
    """Note the frames of several devices at once."""
    if not changed:
        return
    keys = [_FRAMES + device for device in changed]
    connection.execute(feed_state.delete().where(feed_state.c.feed == feed, feed_state.c.key.in_(keys)))
    now = times.now_us()
    connection.execute(
        feed_state.insert(),
        [
            {"feed": feed, "key": _FRAMES + device, "value": state.to_json(), "changed_at": now}
            for device, state in changed.items()
        ],
    )


def unknown(store: Store) -> list[Kept]:
    """What is set aside, by feed, device and reason; the latest first."""
    row = set_aside.c
    latest = sa.func.max(row.received_at)
    query = (
        sa.select(row.feed, row.device, row.reason, sa.func.count(), sa.func.min(row.received_at), latest)
        .group_by(row.feed, row.device, row.reason)
        .order_by(latest.desc(), row.device)
    )
    with store.connect() as connection:
        return [Kept(*found) for found in connection.execute(query)]


def heard(store: Store) -> list[Device]:
    """The devices that feeds hear, with lost frames and resets."""
    state = feed_state.c
    with store.connect() as connection:
        named: dict[str, tuple[str, Any]] = {
            key: (name, facts)
            for key, name, facts in connection.execute(
                sa.select(things.c.source_key, things.c.name, things.c.properties).where(
                    things.c.source == SOURCE
                )
            )
        }
        rows = connection.execute(
            sa.select(state.feed, state.key, state.value)
            .where(state.key.startswith(_FRAMES))
            .order_by(state.feed, state.key)
        ).all()
    found = []
    for feed, key, value in rows:
        device = key.removeprefix(_FRAMES)
        name, facts = named.get(device, ("", None))
        found.append(Device(feed, device, name, (facts or {}).get("decoder", ""), Frames.from_json(value)))
    return found


def kept_messages(connection: Connection, device: str, after: int, limit: int) -> list[tuple[int, str, str]]:
    """Messages of `device` that are kept, in order from the row `after` on: row, feed, payload."""
    row = set_aside.c
    query = (
        sa.select(row.id, row.feed, row.payload)
        .where(row.device == device, row.id > after)
        .order_by(row.id)
        .limit(limit)
    )
    return [tuple(found) for found in connection.execute(query)]


def forget(connection: Connection, rows: Iterable[int]) -> None:
    """Drop kept messages that are stored now."""
    connection.execute(set_aside.delete().where(set_aside.c.id.in_(list(rows))))
