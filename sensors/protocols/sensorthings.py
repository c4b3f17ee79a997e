"""Mirror of another SensorThings service: its things, locations, datastreams and observations.

Ids there may be texts; links there may name an address that only its own network knows, so only what stands
behind the version is taken of them, and no other host is ever asked. Where a service does not expand, filter
or sort, it is read link by link. What it says is not trusted: sizes are limited, and what is no observation
is counted and left out. An observation is known by its id there, so reading it twice stores it once; reading
goes on where it stopped, and once in a while from some hours before, since data come late.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

import httpx
from pydantic import Field, field_validator

from sensors import iso8601
from sensors.errors import ObservationError
from sensors.protocols import foreign
from sensors.protocols.base import Counters, FeedError
from sensors.protocols.secrets import Login
from sensors.store import Store
from sensors.things import Kind, NewObservation, StreamSpec, ThingSpec

MAX_BYTES = 16 * 2**20
_REDIRECTS = 3
_EXPAND = "Thing($expand=Locations),ObservedProperty,Sensor"


class Options(Login):
    """Another service.

    Parameters
    ----------
    url : its root, with the version, such as https://host/v1.1.
    poll_seconds : between two looks for observations.
    refresh_minutes : between two looks for new things and datastreams.
    page : observations asked for at once.
    overlap_hours : how far before the newest observation a look begins, for data that come late.
    since : date and time of the first observation to fetch; without it all there are.
    max_streams : datastreams at the most.
    public : whether residents may see the things, where their kind is one that may be seen.
    kind : of things whose properties name none.
    """

    protocol: Literal["sensorthings"] = "sensorthings"
    url: str = Field(pattern=r"^https?://[^/]+.*$")
    poll_seconds: float = Field(default=60, gt=0)
    refresh_minutes: float = Field(default=60, gt=0)
    page: int = Field(default=1000, ge=1, le=10_000)
    overlap_hours: float = Field(default=24, ge=0)
    since: str = ""
    max_streams: int = Field(default=5000, ge=1)
    public: bool = False
    kind: Kind = ""

    @field_validator("since")
    @classmethod
    def _is_time(cls, since: str) -> str:
        if since:
            iso8601.parse_instant(since)
        return since


@dataclass(frozen=True)
class Stream:
    """A datastream there and here; `link` leads to its observations there."""

    key: str
    link: str
    datastream_id: int


def feed(name: str, options: Options) -> Mirror:
    """The mirror `name`."""
    return Mirror(name, options)


class Mirror:
    """A feed that copies from another service."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options
        self.root = options.url.rstrip("/") + "/"

    def run(self, store: Store, counters: Counters, stop: threading.Event) -> None:
        """Copy until `stop` is set.

        Raises
        ------
        FeedError : the service cannot be reached, or answers with something else.
        """
        with httpx.Client(timeout=30, follow_redirects=False, headers=self._credentials()) as client:
            remote = Remote(client, self.root, counters)
            rounds = max(1, round(self.options.refresh_minutes * 60 / self.options.poll_seconds))
            streams: list[Stream] = []
            turn = 0
            while not stop.is_set():
                late = turn % rounds == 0
                if late:
                    streams = self._entities(store, remote, counters, stop)
                turn += 1
                for stream in streams:
                    if stop.is_set():
                        return
                    self._observations(store, remote, counters, stream, late, stop)
                counters.flush(store, self.name)
                stop.wait(self.options.poll_seconds)

    def _credentials(self) -> dict[str, str]:
        """Name and password, or a password alone as a token."""
        secret = self.options.secret()
        if secret is None:
            return {}
        if not self.options.user():
            return {"Authorization": f"Bearer {secret}"}
        pair = base64.b64encode(f"{self.options.user()}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _entities(
        self, store: Store, remote: Remote, counters: Counters, stop: threading.Event
    ) -> list[Stream]:
        """All datastreams there, made or brought up to date here."""
        described: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]], list[StreamSpec]]] = {}
        links: dict[tuple[str, str], str] = {}
        for number, stream in enumerate(remote.datastreams()):
            if stop.is_set() or number >= self.options.max_streams:
                break
            key = foreign.key_of(stream)
            if key is None:
                counters.add(refused=1)
                continue
            thing = remote.related(stream, "Thing") or {"@iot.id": key, "name": stream.get("name")}
            thing_key = foreign.key_of(thing) or key
            if thing_key not in described:
                described[thing_key] = (thing, remote.set_of(thing, "Locations"), [])
            observed, sensor = (remote.related(stream, name) or {} for name in ("ObservedProperty", "Sensor"))
            described[thing_key][2].append(foreign.stream(key, stream, observed, sensor))
            own = f"Datastreams({_quoted(stream)})/Observations"
            links[thing_key, key] = remote.link(stream, "Observations") or own
        found = []
        for thing_key, (thing, locations, streams) in described.items():
            spec: ThingSpec = foreign.thing(
                self.name, thing_key, thing, locations, streams, self.options.public, self.options.kind
            )
            ids = store.ensure(spec)
            found += [Stream(key, links[thing_key, key], number) for key, number in ids.items()]
        return found

    def _observations(
        self,
        store: Store,
        remote: Remote,
        counters: Counters,
        stream: Stream,
        late: bool,
        stop: threading.Event,
    ) -> None:
        """What is new of one datastream; each page is on the disk before it is noted as read."""
        state = store.state(self.name, stream.key) or {}
        newest = state.get("newest")
        for page in self._pages(remote, stream, state, late):
            new = []
            for value in page.values:
                one = foreign.observation(stream.datastream_id, value)
                new += [] if one is None else [one]
            counters.add(received=len(page.values), refused=len(page.values) - len(new))
            stored = _stored(store, new, counters)
            counters.add(stored=stored, duplicate=len(new) - stored)
            times = [one.phenomenon_time for one in new]
            newest = max([*times, *([newest] if newest is not None else [])], default=None)
            reached = {"newest": newest, "next": page.next}
            if reached != state:
                store.put_state(self.name, stream.key, reached)
                state = reached
            if stop.is_set():
                return

    def _pages(self, remote: Remote, stream: Stream, state: Mapping[str, Any], late: bool) -> Iterator[Page]:
        left = state.get("next")
        if left:
            yield from remote.pages(left)
        since = self._since(state.get("newest"), late)
        condition = "" if since is None else f"&$filter=phenomenonTime ge {iso8601.format_instant(since)}"
        asked = f"{stream.link}?$orderby=phenomenonTime asc&$top={self.options.page}{condition}"
        try:
            yield from remote.pages(asked)
        except NotUnderstoodError:
            # The service does not sort or filter: all of it, what is known falls away by its id.
            try:
                yield from remote.pages(stream.link)
            except NotUnderstoodError:
                remote.counters.add(errors=1)

    def _since(self, newest: int | None, late: bool) -> int | None:
        if newest is not None:
            before = round(self.options.overlap_hours * 3600) * iso8601.SECOND if late else 0
            return max(iso8601.EARLIEST, newest - before)
        return iso8601.parse_instant(self.options.since) if self.options.since else None


def _stored(store: Store, new: list[NewObservation], counters: Counters) -> int:
    """How many observations of a page are new here; one that is refused keeps no other out."""
    try:
        return sum(one.new for one in store.append(new))
    except ObservationError:
        count = 0
        for one in new:
            try:
                count += store.append([one])[0].new
            except ObservationError:
                counters.add(refused=1)
        return count


class NotUnderstoodError(Exception):
    """The service answers 4xx, 501 or without JSON to a question that not all services understand."""


@dataclass(frozen=True)
class Page:
    """Entities, and the link to the next ones."""

    values: list[Mapping[str, Any]]
    next: str | None


class Remote:
    """The service there, of which only its own host is asked."""

    def __init__(self, client: httpx.Client, root: str, counters: Counters) -> None:
        self.client = client
        self.root = root
        self.counters = counters

    def datastreams(self) -> Iterator[Mapping[str, Any]]:
        """All datastreams, with their related entities inline where the service does that."""
        try:
            for page in self.pages(f"Datastreams?$expand={_EXPAND}"):
                yield from page.values
        except NotUnderstoodError:
            try:
                for page in self.pages("Datastreams"):
                    yield from page.values
            except NotUnderstoodError as error:
                raise FeedError(
                    f"there is no SensorThings service: {error}", self.root, "See its url"
                ) from None

    def related(self, entity: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        """A related entity, inline or behind its link; None: there is none to be had."""
        inline = entity.get(name)
        if isinstance(inline, dict):
            return inline
        link = self.link(entity, name)
        if link is None:
            return None
        try:
            answer = self.get(link)
        except NotUnderstoodError:
            return None
        return answer if isinstance(answer, dict) else None

    def set_of(self, entity: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        """The first page of related entities."""
        inline = entity.get(name)
        if isinstance(inline, list):
            return [one for one in inline if isinstance(one, dict)]
        link = self.link(entity, name)
        try:
            return [] if link is None else next(iter(self.pages(link))).values
        except (NotUnderstoodError, StopIteration):
            return []

    def link(self, entity: Mapping[str, Any], name: str) -> str | None:
        """Where a relation leads, on the host that we know."""
        link = entity.get(f"{name}@iot.navigationLink")
        return self._own(link) if isinstance(link, str) else None

    def pages(self, link: str) -> Iterator[Page]:
        """A set page by page; ends where a page leads back to one before.

        Raises
        ------
        NotUnderstoodError : the service does not answer with a set.
        """
        seen: set[str] = set()
        following: str | None = link
        while following is not None and following not in seen:
            seen.add(following)
            answer = self.get(following)
            values = answer.get("value") if isinstance(answer, dict) else None
            if not isinstance(values, list):
                raise NotUnderstoodError(f"{following[:100]} has no value")
            named = answer.get("@iot.nextLink")
            following = self._own(named) if isinstance(named, str) else None
            yield Page([value for value in values if isinstance(value, dict)], following)

    def get(self, link: str) -> Any:
        """The JSON behind a link below the root.

        Raises
        ------
        FeedError : the service cannot be reached, is busy, or answers too much.
        NotUnderstoodError : it refuses the question.
        """
        address = urljoin(self.root, quote(link, safe="%/:=&?$,;()'~!*+@#[]"))
        for _ in range(_REDIRECTS + 1):
            status, body, target = self._fetch(address)
            if target is None:
                break
            address = urljoin(address, target)
            if urlsplit(address)[:2] != urlsplit(self.root)[:2]:
                raise FeedError(
                    "it sends us to another host", self.root, "Name that one, if it is the right one"
                )
        if status == 429 or (status >= 500 and status != 501):
            raise FeedError(f"it answers {status}", address, "Tried again later")
        if status in (401, 403):
            raise FeedError(f"it refuses us ({status})", address, "See user and password of the feed")
        if status != 200:
            raise NotUnderstoodError(f"{address[:200]} answers {status}")
        try:
            return foreign.parse(body)
        except ValueError as error:
            raise NotUnderstoodError(f"{address[:200]} answers no JSON: {error}") from None

    def _fetch(self, address: str) -> tuple[int, bytes, str | None]:
        try:
            with self.client.stream("GET", address, headers={"Accept": "application/json"}) as answer:
                if answer.is_redirect:
                    return answer.status_code, b"", answer.headers.get("location", "")
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_BYTES:
                        raise FeedError(f"an answer is larger than {MAX_BYTES // 2**20} MB", address)
                return answer.status_code, body, None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise FeedError(
                f"it cannot be reached: {error or type(error).__name__}", self.root, "Tried again later"
            ) from None

    def _own(self, link: str) -> str | None:
        """A link as relative to the root, whatever host it names; None: it leads out of the service."""
        if len(link) > 4000:
            return None
        if link.startswith(self.root):
            return link[len(self.root) :]
        match = re.search(r"/v\d+\.\d+/(.+)$", link)
        if match:
            return match[1]
        return None if urlsplit(link).scheme or link.startswith("/") else link


def _quoted(entity: Mapping[str, Any]) -> str:
    """An entity's id for a URL."""
    identifier = entity.get("@iot.id")
    if isinstance(identifier, int):
        return str(identifier)
    return "'" + quote(str(identifier).replace("'", "''"), safe="~") + "'"
