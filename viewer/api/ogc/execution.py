"""OGC API – Processes, part 1 (18-062r2), over HTTP below ``/api/ogc``: descriptions, orders and jobs.

Descriptions are public. Orders, jobs and results need a right of their own (`viewer.accounts.rights`):
results tell of single buildings, and everybody sees their own jobs alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from energy import Case
from scenarios.scenario import Scenario
from sensors.errors import StoreError
from twin.sources.base import Provenance
from viewer import access, bodies, texts
from viewer.accounts import requests
from viewer.api import answers
from viewer.api.ogc import html, negotiation, processes, query
from viewer.api.ogc import jobs as states
from viewer.api.ogc.documents import HTML, JSON, REL, link
from viewer.api.ogc.jobs import Job, Jobs
from viewer.api.ogc.negotiation import PREFIX
from viewer.api.ogc.processes import PROCESSES, Process
from viewer.api.scenarios import PREFIX as SCENARIOS
from viewer.turns import BusyError

MOST_BODY = 200_000  # bytes
LIMIT, MAX_LIMIT = 10, 1000
BUSY_S = 30
_TYPES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
NO_PROCESS, NO_JOB, NOT_READY = (
    f"{_TYPES}/{name}" for name in ("no-such-process", "no-such-job", "result-not-ready")
)
# Of a failed job, by its reason: 18-062r2, /req/core/job-results-failed, names the first, OWS the other.
WRONG_INPUT, ANY_REASON = "InvalidParameterValue", "NoApplicableCode"
_LISTED = ("type", "processID", "status", "datetime", "minDuration", "maxDuration", "limit", "offset")


class _ProblemError(Exception):
    """What went wrong, as RFC 7807 says it. kind : its type, of the standard's own; empty: none."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "", wait_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.kind, self.wait_s = status, title, detail, kind, wait_s

    @property
    def response(self) -> Response:
        kind = self.kind or "about:blank"
        told = {"type": kind, "title": self.title, "status": self.status, "detail": self.detail}
        headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(self.wait_s)} if self.wait_s else {})
        return Response(
            json.dumps(told, ensure_ascii=False), self.status, headers, "application/problem+json"
        )


def router(
    jobs: Jobs, find: Callable[[str], Scenario], case: Case, origin: Callable[[], Sequence[Provenance]]
) -> APIRouter:
    """The routes.

    find : gives a scenario by its name, or raises a TwinError.
    case : that scenarios must fit.
    origin : whose data the processes take, for the licence of the descriptions.
    """
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)

    def add(path: str, handle: Callable[..., Response], *methods: str) -> None:
        def endpoint(request: Request) -> Response:
            return _answered(partial(handle, request, **request.path_params))

        routes.add_api_route(path, endpoint, methods=list(methods or ("GET", "HEAD")))

    def listed(request: Request) -> Response:
        asked = negotiation.read(request, ("limit", "offset"))
        base, language = asked.base, asked.language
        kept = {name: [value] for name, value in asked.parameters.items() if name != "f"}
        shown, links = _page(
            list(PROCESSES.values()), kept, f"{base}/processes", texts.text(language, "api.processes"),
            ("html", "json") if asked.html else ("json", "html"),
        )  # fmt: skip
        document = {"processes": [processes.summary(base, one, language) for one in shown], "links": links}
        page = lambda: html.processes(base, language, document, links, origin(), asked.parameters)  # noqa: E731
        return said(asked, document, page)

    def described(request: Request, name: str) -> Response:
        process = _process(name)
        asked = negotiation.read(request)
        document = processes.description(asked.base, process, asked.language)
        return said(asked, document, lambda: html.process(asked.base, asked.language, document, origin()))

    def said(asked: negotiation.Asked, document: Mapping[str, Any], page: Callable[[], str]) -> Response:
        language = {"Content-Language": texts.tag(asked.language)}
        return negotiation.said(asked, document, page, origin(), headers=language)

    async def execute(request: Request, name: str) -> Response:
        content = await bodies.read(request, MOST_BODY)
        return await run_in_threadpool(_answered, partial(begin, request, name, content))

    def begin(request: Request, name: str, content: bytes | None) -> Response:
        process = _process(name)
        base, language = _here(request, _parameters(request, ()))
        if content is None:
            raise _ProblemError(413, "Too large", f"the body has more than {MOST_BODY // 1000} kB")
        order = processes.order(process, content, find, case, f"{answers.root(request)}{SCENARIOS}")
        try:
            job = jobs.start(order, _owner(request), requests.noter(request))
        except StoreError:
            return requests.unwritten()
        except BusyError:
            detail = f"{jobs.limits.waiting} jobs wait already; ask again when one has ended"
            raise _ProblemError(429, "Too many jobs", detail, wait_s=BUSY_S) from None
        headers = {"Location": f"{base}/jobs/{job.id}"}
        if "respond-async" in request.headers.get("prefer", ""):
            headers["Preference-Applied"] = "respond-async"
        return JSONResponse(_status(base, job, language), 201, headers)

    def every_job(request: Request) -> Response:
        asked = _parameters(request, _LISTED)
        base, language = _here(request, asked)
        mine = list(filter(_filter(asked), jobs.of(_owner(request))))
        shown, links = _page(mine, asked, f"{base}/jobs", texts.text(language, "api.jobs"))
        return JSONResponse({"jobs": [_status(base, job, language) for job in shown], "links": links})

    def status(request: Request, name: str) -> Response:
        base, language = _here(request, _parameters(request, ()))
        return JSONResponse(_status(base, _job(jobs, request, name), language))

    def results(request: Request, name: str) -> Response:
        _parameters(request, ())
        job = _job(jobs, request, name)
        if job.state in (states.ACCEPTED, states.RUNNING):
            detail = f"the job is {job.state} ({job.progress} %); ask for its state until it is successful"
            raise _ProblemError(404, "Not ready", detail, NOT_READY)
        if job.state == states.FAILED:
            raise _ProblemError(
                422, "The job failed", job.error, WRONG_INPUT if job.wrong_input else ANY_REASON
            )
        if not job.result.is_file():
            raise _ProblemError(410, "Gone", "the job was dismissed, and its results with it; order it again")
        try:
            requests.noter(request)("export", f"job {job.id}: {job.order.title}")
        except StoreError:
            return requests.unwritten()
        if job.order.raw and len(job.order.outputs) > 1:
            return _parts(json.loads(job.result.read_text("utf-8")))
        return FileResponse(job.result, media_type=JSON)

    def dismiss(request: Request, name: str) -> Response:
        base, language = _here(request, _parameters(request, ()))
        job = _job(jobs, request, name)
        jobs.dismiss(job)
        return JSONResponse(_status(base, job, language))

    add("/processes", listed)
    add("/processes/{name}", described)
    routes.add_api_route("/processes/{name}/execution", execute, methods=["POST"])
    add("/jobs", every_job)
    add("/jobs/{name}", status)
    add("/jobs/{name}", dismiss, "DELETE")
    add("/jobs/{name}/results", results)
    return routes


def _answered(handle: Callable[[], Response]) -> Response:
    try:
        return handle()
    except _ProblemError as problem:
        return problem.response
    except processes.BadOrderError as error:
        return _ProblemError(400, "Wrong input", str(error)).response
    except query.BadRequestError as error:
        return _ProblemError(400, "Wrong parameter", str(error)).response
    except negotiation.FailureError as failure:
        return _ProblemError(failure.status, "Not acceptable", failure.description).response


def _parts(outputs: Mapping[str, Any]) -> Response:
    """Several outputs, each a part of its own (RFC 2387)."""
    boundary = secrets.token_hex(16)
    content = "".join(
        f"--{boundary}\r\nContent-Type: {JSON}\r\nContent-ID: <{name}>\r\n\r\n"
        f"{json.dumps(value, ensure_ascii=False)}\r\n"
        for name, value in outputs.items()
    )
    kind = f'multipart/related; type="{JSON}"; boundary={boundary}'
    return Response(f"{content}--{boundary}--\r\n", media_type=kind)


def _owner(request: Request) -> str:
    person = access.person(request)
    return "" if person is None else person.name


def _process(name: str) -> Process:
    if name not in PROCESSES:
        detail = f"there is no process {name!r}; there are {', '.join(PROCESSES)}"
        raise _ProblemError(404, "No such process", detail, NO_PROCESS)
    return PROCESSES[name]


def _job(jobs: Jobs, request: Request, name: str) -> Job:
    job = jobs.find(name, _owner(request))
    if job is None:
        detail = f"there is no job {name!r} of yours; {PREFIX}/jobs lists them"
        raise _ProblemError(404, "No such job", detail, NO_JOB)
    return job


def _parameters(request: Request, known: Iterable[str]) -> dict[str, list[str]]:
    """The query's parameters, each with its values: several come one by one, or with commas between."""
    allowed = ("f", "lang", *known)
    found: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            raise query.BadRequestError(
                f"there is no parameter {name!r} here; known are {', '.join(allowed)}"
            )
        found.setdefault(name, []).extend(value.split(","))
    if found.get("f", ["json"]) != ["json"]:
        raise query.BadRequestError("f: answers are json here")
    return found


def _one(asked: dict[str, list[str]], name: str) -> str | None:
    values = asked.get(name)
    if values is not None and len(values) != 1:
        raise query.BadRequestError(f"the parameter {name} takes one value")
    return None if values is None else values[0]


def _here(request: Request, asked: dict[str, list[str]]) -> tuple[str, str]:
    """The service's address, and the language that is wanted."""
    language = _one(asked, "lang")
    if language is not None and language not in texts.languages():
        raise query.BadRequestError(f"lang: {language!r} is none of {', '.join(texts.languages())}")
    chosen = language or texts.preferred(request.headers.get("accept-language", ""))
    return answers.root(request) + PREFIX, chosen


def _page(
    every: Sequence[Any], asked: dict[str, list[str]], here: str, title: str, forms: Sequence[str] = ("",)
) -> tuple[Sequence[Any], list[dict[str, str]]]:
    """Some of all, with links to themselves and to the pages beside them.

    forms : json and html, the one that is asked for before the other; without, there is JSON alone.
    """
    limit = min(query.whole(_one(asked, "limit") or str(LIMIT), "limit", 1), MAX_LIMIT)
    offset = query.whole(_one(asked, "offset") or "0", "offset", 0)
    kept = {name: ",".join(values) for name, values in asked.items() if name not in ("limit", "offset")}

    def page(rel: str, first: int, form: str = forms[0]) -> dict[str, str]:
        wanted = {**kept, "limit": limit, "offset": first, **({"f": form} if form else {})}
        return link(rel, f"{here}?{urlencode(wanted)}", HTML if form == "html" else JSON, title)

    links = [page("self", offset), *(page("alternate", offset, other) for other in forms[1:])]
    if offset + limit < len(every):
        links.append(page("next", offset + limit))
    if offset > 0:
        links.append(page("prev", max(offset - limit, 0)))
    return every[offset : offset + limit], links


def _status(base: str, job: Job, language: str) -> dict[str, Any]:
    """The job's statusInfo."""
    here = f"{base}/jobs/{job.id}"
    times = {"created": job.created, "started": job.started, "finished": job.finished, "updated": job.updated}
    links = [link("self", here, JSON, texts.text(language, "api.job"))]
    if job.state == states.SUCCESSFUL:
        links.append(link(f"{REL}/results", f"{here}/results", JSON, texts.text(language, "api.results")))
    return {
        "processID": job.order.process,
        "type": "process",
        "jobID": job.id,
        "status": job.state,
        "message": job.error or texts.text(language, f"api.job_{job.state}"),
        "progress": job.progress,
        **{name: _text(time) for name, time in times.items() if time is not None},
        "links": links,
    }


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _filter(asked: dict[str, list[str]]) -> Callable[[Job], bool]:
    """Tells whether a list of jobs shows one."""
    for name, known in (("status", states.STATES), ("type", ("process",))):
        if odd := [one for one in asked.get(name, ()) if one not in known]:
            raise query.BadRequestError(f"{name}: {odd[0][:40]!r} is none of {', '.join(known)}")
    first, last = _interval(_one(asked, "datetime"))
    least, most = (
        None if (text := _one(asked, name)) is None else query.whole(text, name, 0)
        for name in ("minDuration", "maxDuration")
    )

    def wanted(job: Job) -> bool:
        took = job.duration_s(datetime.now(UTC))
        return (
            job.state in asked.get("status", states.STATES)
            and job.order.process in asked.get("processID", PROCESSES)
            and first <= job.created <= last
            and (least is None or (took is not None and took >= least))
            and (most is None or (took is not None and took <= most))
        )

    return wanted


_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def _interval(text: str | None) -> tuple[datetime, datetime]:
    """The times of a parameter datetime: an instant, or two with a slash between; ``..`` is open."""
    if text is None:
        return _ALWAYS
    parts = text.split("/")
    if len(parts) > 2:
        raise query.BadRequestError("datetime: give a time, or two with a slash between")
    ends = [
        open_end if part in ("", "..") and len(parts) == 2 else _time(part)
        for part, open_end in zip(parts, _ALWAYS, strict=False)
    ]
    return ends[0], ends[-1]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.upper())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise query.BadRequestError(
            f"datetime: {text[:40]!r} is no time; write 2026-01-31T12:00:00Z"
        ) from None
