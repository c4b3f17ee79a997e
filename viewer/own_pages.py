"""Whose page of the manager's app is whose: Panel's sessions, each for who opened it alone.

Panel lets the address of a page name the session to join, and lets in anybody who knows its id. Somebody
lured to such an address would work in a page that another one sees, and what the other does there would stand
in the record under the wrong name.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from bokeh.util.token import get_session_id
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from viewer import access

PREFIX = "/manage"
_NAMED = "bokeh_session_id"


class OwnPages:
    """Which session belongs to whom; ids are of this process alone."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def opened(self, session_id: str) -> None:
        """A page was made for who asks."""
        person = access.ASKING.get()
        if person is not None:
            self._names[session_id] = person.name

    def closed(self, session_id: str) -> None:
        """A page has gone."""
        self._names.pop(session_id, None)

    def is_own(self, session_id: str) -> bool:
        """Whether who asks may join a session: it is new, or theirs."""
        person = access.ASKING.get()
        owner = self._names.get(session_id)
        return owner is None or (person is not None and person.name == owner)


class Joining:
    """ASGI middleware behind the guard: nobody chooses a session, nor joins another's."""

    def __init__(self, app: ASGIApp, pages: OwnPages) -> None:
        self.app = app
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if not (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket" and not self._may_join(scope):
            await send({"type": "websocket.close", "code": 4403})
        elif scope["type"] == "http" and self._names_one(scope):
            await PlainTextResponse("Open the page without a session's id.\n", 400)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _may_join(self, scope: Scope) -> bool:
        offered = scope.get("subprotocols") or []
        if len(offered) != 2:
            return False
        try:
            session_id = get_session_id(offered[1])
        except Exception:  # whatever a token that is none makes Bokeh say
            return False
        return self.pages.is_own(str(session_id))

    def _names_one(self, scope: Scope) -> bool:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return _NAMED in asked or "bokeh-session-id" in Headers(scope=scope)
