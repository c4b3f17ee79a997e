"""Roles, rights, and the right that each address of the server needs. What is allowed is decided here alone.

A new route needs a line in `NEEDS`: the server does not start without (`undeclared`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


class Right(StrEnum):
    """What somebody may do."""

    LOOK = "look"  # what is public
    PARTICIPATE = "participate"  # write comments and vote
    ENTER = "enter"  # scripts and styles of the pages behind the login
    PLAN = "plan"  # the manager's app, its scenarios and reports
    READ_SCENARIOS = "scenarios:read"
    RUN_SCENARIOS = "scenarios:run"  # simulate, and see what single buildings need
    READ_SENSORS = "sensors:read"  # all measured values, the private ones too
    MODERATE = "moderate"
    READ_METRICS = "metrics:read"  # figures of the running server
    ADMINISTER = "administer"


class Role(StrEnum):
    """Who somebody is. An account may have several."""

    PUBLIC = "public"
    RESIDENT = "resident"  # has a link
    MODELER = "modeler"  # works by tokens
    MANAGER = "manager"
    MODERATOR = "moderator"
    ADMINISTRATOR = "administrator"


_EVERYBODY = frozenset({Right.LOOK, Right.PARTICIPATE})
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.PUBLIC: _EVERYBODY,
    Role.RESIDENT: _EVERYBODY,
    Role.MODELER: _EVERYBODY | {Right.READ_SCENARIOS, Right.RUN_SCENARIOS, Right.READ_SENSORS},
    Role.MANAGER: _EVERYBODY
    | {Right.ENTER, Right.PLAN, Right.READ_SCENARIOS, Right.RUN_SCENARIOS, Right.READ_SENSORS},
    Role.MODERATOR: _EVERYBODY | {Right.ENTER, Right.MODERATE},
    Role.ADMINISTRATOR: frozenset(Right),
}
ACCOUNT_ROLES = (Role.MODELER, Role.MANAGER, Role.MODERATOR, Role.ADMINISTRATOR)
"""Roles that an account can have; the other two need none."""


@dataclass(frozen=True)
class Need:
    """The right that an address and all below it need.

    changes : what requests that change something need instead; None: the same.
    record : what they are called in the audit record; empty: what they do is noted elsewhere, or is nobody's.
    exports : what reading it is called in the audit record, where data leave the house by it.
    own_check : the address has tokens of its own that decide further.
    """

    path: str
    right: Right
    changes: Right | None = None
    record: str = ""
    exports: str = ""
    own_check: bool = False

    def covers(self, path: str) -> bool:
        """Whether `path` is the address or lies below it (`covers`)."""
        return covers(self.path, path)

    def of(self, method: str) -> Right:
        """The right that a request of this method needs; "WEBSOCKET" is a method here."""
        return self.right if method in SAFE or self.changes is None else self.changes


def covers(address: str, path: str) -> bool:
    """Whether `path` is `address` or lies below it; one that ends in a dot stands for all endings."""
    below = address if address.endswith((".", "/")) else f"{address}/"
    return path == address or path.startswith(below)


# The longest address that covers a path decides.
NEEDS = (
    Need("/", Right.LOOK),  # the published site
    Need("/static", Right.LOOK),  # Bokeh's and Panel's own scripts
    Need("/healthz", Right.LOOK),
    Need("/readyz", Right.LOOK),
    Need("/metrics", Right.READ_METRICS),
    Need("/login", Right.LOOK),
    Need("/logout", Right.LOOK),
    Need("/components", Right.PLAN),  # what Panel serves of the app's own components
    Need("/manage", Right.PLAN),
    Need("/manage/files", Right.ENTER),
    Need("/manage/report", Right.PLAN, record="report"),
    Need("/manage/scenarios", Right.READ_SCENARIOS, changes=Right.PLAN, record="scenario", exports="export"),
    Need("/api/scenarios", Right.READ_SCENARIOS),  # the list: names and titles
    Need("/api/scenarios/", Right.READ_SCENARIOS, exports="export"),
    Need("/moderate", Right.MODERATE, record="moderate"),
    Need("/moderate/comments.csv", Right.MODERATE, exports="export"),
    Need("/api/ogc", Right.LOOK),
    Need("/api/ogc/processes", Right.LOOK, changes=Right.RUN_SCENARIOS, record="process"),
    Need("/api/ogc/jobs", Right.RUN_SCENARIOS, record="process"),  # one's own
    Need("/api/catalogue", Right.LOOK),
    Need("/api/catalogue.", Right.LOOK),
    Need("/api/files", Right.LOOK),
    Need("/api/docs", Right.LOOK),
    Need("/api/openapi.json", Right.LOOK),
    Need("/api/participation", Right.LOOK, changes=Right.PARTICIPATE),
    Need("/api/participation/status", Right.LOOK),  # whoever has a comment's code may look it up
    Need("/api/participation/deletions", Right.LOOK),  # and delete it, also when their link has ended
    Need("/api/sensorthings", Right.LOOK, own_check=True),
    Need("/api/uplinks", Right.LOOK, own_check=True),
)


def need_of(path: str) -> Need:
    """What the address `path` needs; what is none (``OPTIONS *``) is looked for in the published site."""
    found = (need for need in NEEDS if need.covers(path))
    return max(found, key=lambda need: len(need.path), default=NEEDS[0])


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """What the roles together may do; roles that do not exist may nothing."""
    known = [RIGHTS[Role(role)] for role in roles if role in set(Role)]
    return frozenset().union(*known)


def undeclared(routes: Iterable[Any]) -> list[str]:
    """Addresses of an app's routes that only the published site's line covers, though they are not of it."""
    return [path for path in paths(routes) if path != "/" and need_of(path).path == "/"]


def paths(routes: Iterable[Any]) -> Iterator[str]:
    """Every address of the routes; of those with parameters the part before the first."""
    for address in addresses(routes):
        yield address.split("{")[0].rstrip("/") or "/"


def addresses(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """Every address of the routes, with its parameters in braces."""
    for route in routes:
        router = getattr(route, "original_router", None)  # how FastAPI keeps what `include_router` was given
        if router is not None:
            yield from addresses(router.routes, prefix + route.include_context.prefix)
            continue
        address = f"{prefix}{getattr(route, 'path', '')}"
        yield address or "/"
        yield from addresses(getattr(route, "routes", None) or (), address.rstrip("/"))
