"""Participation as the server opens it: the store, its settings, the limits, and the keeper of retention."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from sensors.repeating import Repeating
from sensors.steady import Steady
from sensors.store import schema
from sensors.times import now_us
from twin.errors import CallError
from viewer.participation import moderation
from viewer.participation.database import SPACE
from viewer.participation.limits import Limiter, expiring
from viewer.participation.store import Comments, Topic

KEEP_MONTHS = 12
LOOK_S = 3600.0
"""Seconds between looks whether something is due for deletion."""


@dataclass(frozen=True)
class Settings:
    """How comments are taken.

    moderation : "before", a moderator shows them first; "after", they show at once.
    site_origins : sites (``https://host``) whose pages may send comments, beside the server's own.
    keep_months : comments are deleted so long after their proposal was closed.
    trust_proxy : whether X-Forwarded-For and X-Forwarded-Host say who asks, and under which name.
    """

    moderation: str = "before"
    site_origins: tuple[str, ...] = ()
    keep_months: int = KEEP_MONTHS
    trust_proxy: bool = False

    def __post_init__(self) -> None:
        if self.moderation not in ("before", "after"):
            raise CallError(f"{self.moderation!r} is no moderation", "--moderation", "Use before or after")
        if self.keep_months < 0:
            raise CallError(f"{self.keep_months} is no number of months", "--keep-comments-months")
        object.__setattr__(self, "site_origins", tuple(origin(given) for given in self.site_origins))


def origin(given: str) -> str:
    """A site's origin as browsers write it.

    Raises
    ------
    CallError : it is no origin.
    """
    try:
        parts = urlsplit(given.strip())
        port = parts.port
    except ValueError:
        raise _no_origin(given) from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query:
        raise _no_origin(given)
    if parts.path not in ("", "/"):
        raise _no_origin(given)
    name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    plain = port in (None, 80 if parts.scheme == "http" else 443)
    return f"{parts.scheme}://{name}{'' if plain else f':{port}'}"


def _no_origin(given: str) -> CallError:
    return CallError(f"{given!r} is no site", "--site-origin", "Use https://host, without a path")


class Participation:
    """Comments on the topics of a site; opened and closed with the server.

    bounds : west, south, east, north of the district in EPSG:25832, beyond which no place lies. [m]
    groups : privacy groups of buildings that a place may name; no others are kept or shown.
    keep : whether this process deletes what is kept no longer; another does else.
    """

    def __init__(
        self,
        store: Comments,
        topics: Iterable[Topic],
        *,
        settings: Settings | None = None,
        bounds: Sequence[float] | None = None,
        groups: Iterable[str] = (),
        limiter: Limiter | None = None,
        keep: bool = True,
    ) -> None:
        self.store = store
        self.settings = settings or Settings()
        self.bounds = None if bounds is None else tuple(float(limit) for limit in bounds)
        self.groups = frozenset(groups)
        self.limiter = limiter or Limiter()
        store.sync(topics)
        self._keep_too, self._steady = keep, Steady()
        self._expiring = expiring(self.limiter)
        self._keeper = Repeating("participation", self._keep, every_s=LOOK_S, failed=_say)

    @classmethod
    def of(
        cls,
        topics: Iterable[Topic],
        *,
        is_model: bool,
        settings: Settings | None = None,
        bounds: Sequence[float] | None = None,
        keep: bool = True,
    ) -> Self:
        """Participation in the database that the environment names; a model has one of its own in it.

        Raises
        ------
        StoreError : the database cannot be reached.
        """
        store = Comments.open(space=f"{SPACE}_sample" if is_model else SPACE)
        return cls(store, topics, settings=settings, bounds=bounds, keep=keep)

    def __enter__(self) -> Self:
        self._expiring.start()
        if self._keep_too:
            self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.stop()
        self._expiring.stop()
        self.store.close()

    def topic(self, topic_id: str) -> Topic | None:
        """The topic of this id; None: there is none."""
        return self.store.topics().get(topic_id)

    def open_topic(self, topic_id: str) -> bool:
        """Whether comments and votes on it are taken now."""
        found = self.topic(topic_id)
        return found is not None and found.is_open(now_us())

    def _keep(self) -> None:
        if not self._steady.believed(moderation.newest(self.store), "deleting comments"):
            return
        moderation.retain(self.store, self.settings.keep_months)
        schema.forget_copies(self.store.engine, datetime.now(UTC), self.store.space)
        if not self.store.wiped:
            self.store.wipe()


def topics_of(proposals: Iterable[Any]) -> list[Topic]:
    """The topics of a site's proposals (`viewer.proposals`): open until they are decided or withdrawn."""
    return [
        Topic(one.name, dict(one.head.title), closed=one.head.status in ("done", "withdrawn"))
        for one in proposals
    ]


def _say(error: Exception) -> None:
    print(f"lobeda: participation waits: {error}", file=sys.stderr, flush=True)
