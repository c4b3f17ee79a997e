"""One ASGI process on one port: the public twin at /, the manager's app at /manage, and health.

It listens on this machine only. Other addresses need an administrator's account, and TLS before it.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Collection
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from scenarios.model_check import HeatModel
from scenarios.shelf import Shelf
from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.database import Opened, data_folder
from twin.district import District
from twin.errors import CallError
from twin.exports import values
from twin.sample.inputs import slug
from viewer import access, drafts, legal, login, logs, pages, privacy, publish, report_jobs
from viewer import shown as seen_groups
from viewer.accounts import rights
from viewer.accounts.keeping import MONTHS, RecordKeeper
from viewer.accounts.openid import Provider
from viewer.accounts.openid import Settings as OpenID
from viewer.accounts.recording import RecordedShelf
from viewer.accounts.requests import Note
from viewer.accounts.rights import Right
from viewer.accounts.store import Accounts
from viewer.api import answers, catalogue, description, files, licences, uplinks
from viewer.api import scenarios as scenarios_api
from viewer.api.ogc import execution
from viewer.api.ogc import routes as ogc
from viewer.api.ogc.collections import records
from viewer.api.ogc.jobs import Jobs
from viewer.api.ogc.service import service as ogc_service
from viewer.api.sensorthings import routes as sensorthings
from viewer.board import Board
from viewer.connection import Connection
from viewer.feeds import Feeds
from viewer.health import Health
from viewer.metrics import MEDIA_TYPE, Measured, Metrics
from viewer.own_pages import Joining, OwnPages
from viewer.participation import api as participation_api
from viewer.participation import desk as participation_desk
from viewer.participation.limits import Limiter, expiring
from viewer.participation.service import KEEP_MONTHS, Participation, Settings, topics_of
from viewer.participation.store import Comments
from viewer.report_jobs import ReportJobs
from viewer.scene import build
from viewer.state import Twin
from viewer.uploads import Uploads
from viewer.workers import Worker

_HASHED = re.compile(r"-[0-9a-f]{12,64}(\.\w+$|/)")
_DATA = re.compile(r"(data|scene)/.*\.(?!js$|txt$)\w+$")
_SUFFIXES = {"br": ".br", "gzip": ".gz"}
_IMMUTABLE = "public, max-age=31536000, immutable"
_NEVER_KEPT = {"Cache-Control": "no-store"}
_PROXY_KEEPS_S = {True: 30 * 86_400, False: 10}
"""How long a proxy before the server may answer in its place: files with a hash in their name, and others."""
_HELD_BYTES, _LARGEST_HELD = 64_000_000, 4_000_000  # of files in memory
_KEPT_OPEN_S = 75
"""How long an idle connection stays open: longer than a proxy keeps its own (nginx 60 s), and than a busy
server may take to look. With 5 s, uvicorn's own, it hung up on people whose next request had just arrived."""
_SWITCH_S = 0.001
"""After how long a computing thread lets others run: with Python's 5 ms an answer of ten turns takes 50."""


def create_app(
    district: District,
    *,
    token: str,
    public_only: bool = False,
    announce: Callable[[str], None] | None = print,
    feeds: Feeds | None = None,
    open_sensorthings: bool = False,
    shown: Twin | None = None,
    scenarios: Path | None = None,
    participation: Participation | None = None,
    accounts: Accounts | None = None,
    reach: access.Reach = access.HERE,
    comments_by_link: bool = False,
    openid: OpenID | None = None,
    content: Path | None = None,
    worker: Worker | None = None,
    keep_record_months: int = MONTHS,
    seen: Path | None = None,
) -> FastAPI:
    """The web app for `district`.

    Parameters
    ----------
    token : of the one-time login link ``/login?token=…``.
    public_only : leave out /manage and /login.
    announce : takes the path of a further login link that somebody asked for, for the terminal alone; None:
        there is no terminal, and no link.
    feeds : the sensors' store and what fills it; started and closed with the app.
    open_sensorthings : let everybody on this machine read and write all sensor data.
    scenarios : folder of the managers' own scenarios; without, they end with the app.
    shown : the district simulated already; it is with the sample year without.
    participation : comments and votes on the site's proposals; started and closed with the app.
    accounts : who may log in; closed with the app. Without, only the login link does, until the app ends.
    reach : under which address people reach the server.
    comments_by_link : only who has a link or an account may write comments and vote.
    openid : the provider by whose accounts people may log in too.
    content : folder of the residents' pages' content; without, what is shipped for the district.
    worker : which of several processes this one is.
    keep_record_months : how long the record of the accounts is kept.
    seen : the file of the groups that the public has seen of the district (`viewer.shown`); None: none.
    """
    earlier, figures = seen_groups.read(seen), seen_groups.figures(seen)
    folder = tempfile.TemporaryDirectory(prefix="lobeda-site-")
    reports = None if public_only else ReportJobs(district, memory=seen)
    jobs = None if public_only else Jobs(district)
    uploads = Uploads("viewer.drafts:uploaded")
    twin = (shown or Twin.of(district)).after(earlier, figures)
    if accounts is None and not public_only:
        accounts = Accounts.open(f"sqlite:///{folder.name}/sensors.sqlite")
    asked = participation is not None or feeds is not None
    calls = publish.Options(
        content=content,
        api="/" if asked else "",
        live=feeds is not None,
        by_link=comments_by_link,
        secure=reach.secure,
        comment_months=KEEP_MONTHS if participation is None else participation.settings.keep_months,
        record_months=keep_record_months,
        memory=seen,
    )
    site = publish.publish(district, Path(folder.name) / "site", results=twin, options=calls)

    record = (
        RecordKeeper(accounts, keep_record_months)
        if accounts is not None and (worker or Worker()).keeps
        else nullcontext()
    )

    attempts = Limiter(login.LIMITS)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        with (
            feeds or nullcontext(),
            participation or nullcontext(),
            accounts or nullcontext(),
            record,
            expiring(attempts),
        ):
            yield
        if reports is not None:
            reports.close()
        if jobs is not None:
            await run_in_threadpool(jobs.close)
        uploads.close()
        folder.cleanup()
        offered.close()

    # No OpenAPI pages: FastAPI's load their scripts from another host.
    app = FastAPI(title="Lobeda", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.feeds = feeds
    app.state.url, app.state.trust_proxy = reach.url, reach.trust_proxy
    app.state.twin = twin
    app.state.participation = participation
    if feeds is not None:
        feeds.hold_against(HeatModel(feeds.store, twin.case))
    app.state.accounts = accounts
    app.state.jobs = jobs
    withheld = frozenset({Right.PARTICIPATE}) if comments_by_link else frozenset()
    # On this machine alone, whoever could ask can look at the process itself.
    granted = frozenset() if reach.url else frozenset({Right.READ_METRICS})
    keeper = access.Keeper(accounts, reach, withheld, granted)
    stores: dict[str, Opened | None] = {
        "accounts": accounts,
        "sensors": None if feeds is None else feeds.store,
        "comments": None if participation is None else participation.store,
    }
    health = Health({name: store for name, store in stores.items() if store is not None}, feeds)
    metrics = Metrics(health, worker)
    _add_state(app, health, metrics)
    ways: Callable[[], pages.Ways] = pages.Ways
    app.add_exception_handler(404, _not_found)
    app.add_exception_handler(StoreError, _unavailable)
    app.add_exception_handler(OSError, _unavailable)
    if accounts is not None and not public_only:
        provider = None if openid is None else Provider(openid, accounts)
        link = None if announce is None else access.Link(token)
        doors = login.Doors(accounts, link, announce or _print, reach, provider, attempts)
        ways = doors.ways
        app.include_router(login.router(doors))
        if reports is not None:
            app.include_router(report_jobs.router(reports))
        shelf = Shelf(scenarios or Path(folder.name) / "scenarios")
        app.include_router(drafts.router(shelf, uploads))
        app.include_router(scenarios_api.router(shelf))
        sensors = None if feeds is None else (feeds, Board(feeds.store))
        scene_url = f"/scene/{build.build(district, site / 'scene')}"
        _add_manager(app, twin, scene_url, sensors, shelf, accounts)
    if feeds is not None:
        sites = () if participation is None else participation.settings.site_origins
        origin = values.origin(privacy.released_provenance(district), "sensors")
        things = sensorthings.Settings(open_sensorthings, site_origins=sites, provenance=origin)
        _add_sensorthings(app, feeds, keeper, things)
        app.include_router(uplinks.router(feeds.store, None if accounts is None else accounts.note))
    if participation is not None:
        participation.groups = frozenset(twin.group[twin.group != privacy.HIDDEN].astype(str))
        app.include_router(participation_api.router(participation, keeper.may_write))
        if not public_only:
            app.include_router(participation_desk.router(participation, district))
    tables = replace(ogc_service(twin, None if feeds is None else feeds.store), processes=jobs is not None)
    offered = files.Files(district, tables.found()["modelled_values"].released, twin.group)
    app.include_router(ogc.router(tables))
    if jobs is not None:
        app.include_router(
            execution.router(
                jobs,
                partial(scenarios_api.find, shelf),
                twin.case,
                lambda: records(tables.found().values()),
            )
        )
    app.include_router(files.router(offered))
    app.include_router(
        description.router(
            tables,
            offered,
            participation=participation is not None,
            sensors=feeds is not None,
            scenarios=accounts is not None and not public_only,
        )
    )
    app.include_router(
        catalogue.router(district, tables.found, sensors=feeds is not None, files=offered.offered)
    )
    licence = licences.link_header(privacy.released_provenance(district))
    app.mount("/", Site(site, licence), name="public")
    if unknown := rights.undeclared(app.routes):
        raise RuntimeError(f"viewer.accounts.rights.NEEDS says of no right for {', '.join(unknown)}")
    add_guard(app, keeper, ways, () if participation is None else participation.settings.site_origins)
    app.add_middleware(Measured, metrics=metrics)
    return app


def add_guard(
    app: FastAPI,
    keeper: access.Keeper,
    ways: Callable[[], pages.Ways] = pages.Ways,
    sites: Collection[str] = (),
) -> None:
    """Put the guard before everything: as the last, since Panel 1.10 answers from a middleware of its own.

    sites : origins whose pages may read why they are refused.
    """
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(access.Guard, keeper=keeper, refused=login.refusal(ways, sites))


def serve(
    district: District,
    host: str = "127.0.0.1",
    port: int = 5006,
    public_only: bool = False,
    *,
    replay: str = "",
    open_sensorthings: bool = False,
    say: Callable[[str], None] | None = None,
    settings: Settings | None = None,
    url: str = "",
    comments_by_link: bool = False,
    openid: OpenID | None = None,
    log_json: bool = False,
    content: Path | None = None,
    worker: Worker | None = None,
    keep_record_months: int = MONTHS,
) -> None:
    """Serve `district` until interrupted; says the address and the login link once the port is open.

    replay : where the district lies, for its simulated feed, which only a model has; empty: none.
    settings : how comments are taken, where the district has proposals.
    url : ``https://host``, under which people reach it through a proxy; empty: on this machine alone.
    comments_by_link : only who has a link or an account may write comments and vote.
    openid : the provider by whose accounts people may log in too.
    log_json : say everything as JSON lines on stderr, for a service; then there is no login link.
    content : folder of the residents' pages' content, as `publish` takes it.
    worker : which of several processes this one is; the first alone runs feeds and cleans up.
    keep_record_months : how long the record of the accounts is kept.

    Raises
    ------
    CallError : others could reach it though nobody has an account or answers for it (`viewer.legal`), or the
        port is taken or not allowed.
    """
    if log_json:
        logs.as_json()
    tell = logging.getLogger("lobeda").info if log_json else say or _print
    reach, worker = access.Reach.at(url), worker or Worker()
    accounts = None if public_only and not _beyond(host, reach) else Accounts.open()
    with ExitStack() as ready:
        if accounts is not None:
            ready.callback(accounts.close)
        administered = accounts is not None and (openid is not None or accounts.has_administrator())
        if _beyond(host, reach) and not (administered and url):
            raise _unguarded(host, reach)
        if url:
            legal.required(publish.content_of(district, content))
        listener = _listen(host, port)
        closing = ready.pop_all()
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    try:
        seen = urlsplit(url).port if url else listener.getsockname()[1]
        if seen in access.BLOCKED_PORTS:
            other = _other(seen)
            tell(f"Browsers open no page on port {seen}, another protocol's. Use another, such as {other}.")
        if reach.secure and not reach.trust_proxy:
            tell(
                "LOBEDA_TRUST_PROXY=1 is not set: everybody comes from the proxy's address, and shares its "
                "limits of logins and comments."
            )
        tell("Simulating the year and writing the public twin …")
        token = secrets.token_urlsafe(32)
        app = create_app(
            district,
            token=token,
            public_only=public_only,
            announce=None if log_json else lambda path: tell(f"New login link: {address}{path}"),
            feeds=Feeds.for_trials() if open_sensorthings else Feeds.of(district, replay, keep=worker.keeps),
            open_sensorthings=open_sensorthings,
            participation=_participation(
                district,
                replace(settings or Settings(), trust_proxy=reach.trust_proxy),
                content,
                keep=worker.keeps,
            ),
            scenarios=data_folder() / "scenarios" / (slug(district.name) or "district"),
            accounts=accounts,
            reach=reach,
            comments_by_link=comments_by_link,
            openid=openid,
            content=content,
            worker=worker,
            keep_record_months=keep_record_months,
            seen=seen_groups.memory(district),
        )
        lines = [f"Public twin:   {address}/"]
        if administered and not public_only:  # a link in a log would be a key
            lines.append(f"Manager's app: {url or address}/manage   (log in with your account)")
        elif log_json and not public_only:
            lines.append("Nobody can log in yet: lobeda accounts add NAME --role administrator")
        elif not public_only:
            lines.append(f"Manager's app: {address}/login?token={token}   (works once)")
            if app.state.participation is not None:
                lines.append(f"Comments:      {address}/moderate   (after the login)")
        if open_sensorthings:
            lines.append(f"SensorThings:  {address}{sensorthings.PREFIX}   (open to all on this machine)")
        lines.append("Stop with Ctrl-C.")
        if log_json:
            logs.as_json()  # Panel and Bokeh have set up their own
        chosen = None if log_json else uvicorn.config.LOGGING_CONFIG
        config = uvicorn.Config(
            app, log_level="warning", log_config=chosen, access_log=False, server_header=False,
            timeout_keep_alive=_KEPT_OPEN_S, timeout_graceful_shutdown=2, ws_max_size=64 * 2**20,
            proxy_headers=False, http=Connection,
        )  # fmt: skip
        server = _Server(config, lambda: tell("\n".join(lines)), worker)
        sys.setswitchinterval(_SWITCH_S)
        with logs.printed() if log_json else nullcontext():
            server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
        closing.close()


def _participation(
    district: District, settings: Settings, content: Path | None, *, keep: bool = True
) -> Participation | None:
    """Comments on the district's proposals; None: it has none."""
    topics = topics_of(publish.planned(district, content))
    if not topics:
        return None
    bounds = district.buildings.total_bounds
    return Participation.of(topics, is_model=district.is_model, settings=settings, bounds=bounds, keep=keep)


class Site(StaticFiles):
    """A folder as `publish` writes it: pre-compressed files, long caching of what carries a content hash.

    Files with a hash stay in memory, up to a limit: reading one takes several turns of threads, each of which
    waits for a busy server's computing.
    """

    def __init__(self, directory: str | os.PathLike[str], licence: str = "") -> None:
        """licence : header Link of what lies below `data` and `scene`."""
        super().__init__(directory=directory, html=True)
        self._held: dict[tuple[str, str], tuple[bytes, dict[str, str]]] = {}
        self._free = _HELD_BYTES
        self._licence = licence

    async def get_response(self, path: str, scope: Scope) -> Response:
        asked = Request(scope).headers
        hashed = bool(_HASHED.search(path))
        packing = answers.packing(asked.get("accept-encoding", ""))
        key = path, packing
        whole = scope["method"] == "GET" and "range" not in asked
        if whole and key in self._held:
            content, headers = self._held[key]
            known = self.is_not_modified(Headers(headers), asked)
            return NotModifiedResponse(Headers(headers)) if known else Response(content, headers=headers)
        response = await self._packed(path, scope, packing) or await super().get_response(path, scope)
        response.headers["Cache-Control"] = _IMMUTABLE if hashed else "no-cache"
        response.headers["X-Accel-Expires"] = str(_PROXY_KEEPS_S[hashed])
        response.headers["Vary"] = "Accept-Encoding"
        if self._licence and _DATA.match(path) and response.status_code < 400:
            response.headers["Link"] = self._licence
        if hashed and whole and isinstance(response, FileResponse) and response.status_code == 200:
            return await self._hold(key, response)
        return response

    async def _hold(self, key: tuple[str, str], response: FileResponse) -> Response:
        """The same answer from memory, where the file is not too large for it."""
        size = int(response.headers["content-length"])
        if size > min(self._free, _LARGEST_HELD):
            return response
        content, headers = await run_in_threadpool(Path(response.path).read_bytes), dict(response.headers)
        if key not in self._held and len(content) == size:
            self._held[key] = content, headers
            self._free -= size
        return Response(content, headers=headers)

    async def _packed(self, path: str, scope: Scope, packing: str) -> Response | None:
        """The answer from what lies packed beside the file; None: nothing that the client takes does."""
        if scope["path"].endswith("/"):
            path = (Path(path) / "index.html").as_posix()
        suffix = _SUFFIXES.get(packing, "")
        if not suffix or path.endswith(tuple(publish.PACKINGS)) or not self.lookup_path(path + suffix)[1]:
            return None
        response = await super().get_response(path + suffix, scope)
        if response.status_code == 200:
            response.headers["Content-Encoding"] = packing
        response.headers["Content-Type"] = publish.media_type(path)
        return response


class _Server(uvicorn.Server):  # type: ignore[misc]  # imported without its types
    """Says where it is once it really answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], worker: Worker) -> None:
        super().__init__(config)
        self._say_started = started
        self._worker = worker

    async def on_tick(self, counter: int) -> bool:
        return bool(await super().on_tick(counter)) or self._worker.orphaned

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._say_started()


def ready_for_several(district: District, url: str, content: Path | None = None) -> None:
    """Bring the databases forward once, before several processes open them.

    Raises
    ------
    CallError : `district` or the way people reach the server is none for several processes.
    """
    if district.is_model:
        raise CallError(
            "the sample's simulated values go with one process", "--workers", "Serve a district of your own"
        )
    if not url:
        raise CallError(
            "several processes need a proxy that keeps each person with one of them",
            "--workers",
            "Name its address: --url https://…",
        )
    legal.required(publish.content_of(district, content))
    with Accounts.open(), Store.open(), Comments.open():
        pass


def _beyond(host: str, reach: access.Reach) -> bool:
    """Whether other machines can reach the server."""
    return host not in access.LOOPBACK or reach.secure


def _unguarded(host: str, reach: access.Reach) -> CallError:
    if not reach.url:
        return CallError(
            f"the address {host} is not this machine alone, and nothing says how it is reached by TLS",
            "--host",
            "Use 127.0.0.1, or name the proxy's address: --url https://…",
        )
    return CallError(
        "other machines can reach it, and nobody has an administrator's account yet",
        "--url",
        "Make one: lobeda accounts add NAME --role administrator",
    )


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise CallError(f"{port} is no port", "--port", "Use 1024 to 65535")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except PermissionError:
        listener.close()
        raise CallError(
            f"port {port} needs the administrator's rights", "--port", "Use 1024 or higher"
        ) from None
    except OSError:
        listener.close()
        raise CallError(
            f"port {port} is already in use", "--port", f"Stop the other program or use --port {_other(port)}"
        ) from None
    return listener


def _other(port: int) -> int:
    higher = range(port + 1, 65536)
    return next((other for other in higher if other not in access.BLOCKED_PORTS), 5007)


def _print(text: str) -> None:
    print(text, flush=True)


def _add_state(app: FastAPI, health: Health, metrics: Metrics) -> None:
    """What those who run the server ask: whether it lives, whether it can work, and how much it does."""

    looked = partial(app.api_route, methods=["GET", "HEAD"], include_in_schema=False)

    @looked("/healthz")
    async def alive() -> Response:
        return JSONResponse({"status": "ok"}, headers=_NEVER_KEPT)

    @looked("/readyz")
    def ready() -> Response:
        found = health.checks()
        good = all(state == "ok" for state in found.values())
        return JSONResponse({"ready": good, "checks": found}, 200 if good else 503, _NEVER_KEPT)

    @looked("/metrics")
    def figures() -> Response:
        return Response(metrics.text(), media_type=MEDIA_TYPE, headers=_NEVER_KEPT)


async def _not_found(request: Request, error: Exception) -> Response:
    if request.url.path.startswith((f"{ogc.PREFIX}/", f"{catalogue.PREFIX}.", f"{files.PREFIX}/")):
        # No route takes a line break in an id, which is as unknown as any other.
        return answers.failure(request, 404, "NotFound", "there is nothing of this name")
    if not isinstance(error, HTTPException) or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": "Not Found"}, 404)
    return HTMLResponse(pages.not_found(login.language(request)), 404)


async def _unavailable(_request: Request, error: Exception) -> Response:
    """A database that is away and a disk that is full are no fault of the program: it goes on after them."""
    if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    what = "The server's disk is full." if isinstance(error, OSError) else "A database does not answer."
    detail = f"{what} Try again in a minute."
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "60", "Cache-Control": "no-store"})


def _add_sensorthings(
    app: FastAPI, feeds: Feeds, keeper: access.Keeper, settings: sensorthings.Settings
) -> None:
    def reads_all(request: Request) -> bool:
        return keeper.may(access.person(request), Right.READ_SENSORS)

    note = None if keeper.accounts is None else keeper.accounts.note
    trusted = keeper.reach.trust_proxy
    sensorthings.mount(app, feeds.store, replace(settings, session=reads_all, trust_proxy=trusted, note=note))


def _add_manager(
    app: FastAPI,
    twin: Twin,
    scene_url: str,
    sensors: tuple[Feeds, Board] | None,
    shelf: Shelf,
    accounts: Accounts,
) -> None:
    import panel
    from panel.io.fastapi import add_applications

    from viewer.app import manager

    pages_of = OwnPages()

    def opened() -> Any:
        session = panel.state.curdoc.session_context.id
        pages_of.opened(session)
        panel.state.on_session_destroyed(lambda context: pages_of.closed(context.id))
        note = _note(accounts)
        return manager(twin, scene_url, sensors, RecordedShelf(shelf.folder, note), note)

    app.mount("/manage/files", Site(pages.FOLDER), name="manager-static")
    # The page's token says what Panel is given of the request: no cookie, which scripts could read there.
    bokeh = add_applications(
        {"/manage": opened}, app=app, title="Lobeda", include_cookies=[], include_headers=[],
        sign_sessions=True, secret_key=accounts.sign("pages of the manager's app").encode(),
    )  # fmt: skip
    if type(bokeh).__module__.startswith("bokeh_fastapi"):  # up to Panel 1.9
        app.add_middleware(_Closing, bokeh=bokeh)
    app.add_middleware(Joining, pages=pages_of)
    app.state.bokeh = bokeh


def _note(accounts: Accounts) -> Note:
    """Notes what who opens a page now does there."""
    who = access.ASKING.get()
    return partial(accounts.note, who.name if who else "unknown")


class _Closing:
    """Detach a closed websocket from its session.

    bokeh-fastapi 0.1 does so only after an exception that Starlette does not raise, so that each page view
    would stay in memory for good.
    """

    def __init__(self, app: ASGIApp, bokeh: Any) -> None:
        self.app = app
        self.bokeh = bokeh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "websocket":
                gone = [c for c in self.bokeh._clients if c._socket._socket.scope["path"] == scope["path"]]
                for connection in gone:
                    if connection._socket._socket.client_state.name == "DISCONNECTED":
                        self.bokeh.client_lost(connection)
