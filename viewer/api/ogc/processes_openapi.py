"""The description of OGC API – Processes here, as paths of an OpenAPI 3.0 document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from viewer.api.ogc.documents import JSON
from viewer.api.ogc.jobs import STATES
from viewer.api.ogc.processes import PROCESSES

PROBLEM = "application/problem+json"
_TEXT: dict[str, Any] = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_ANYTHING = {"type": "object"}
_LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_WHY = {
    400: "A parameter or an input is wrong; the detail says which, and what to do",
    404: "There is no such process or job, or no results yet",
    406: "No format that the client takes",
    410: "The job was dismissed",
    413: "The body is too large",
    422: "The job failed; the detail says why",
    429: "Too many jobs wait; Retry-After says when again",
    503: "The record cannot be written, or the database does not answer",
}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


_SUMMARY = {
    "id": _TEXT, "version": _TEXT, "title": _TEXT, "description": _TEXT, "links": _LINKS,
    "jobControlOptions": {"type": "array", "items": _TEXT},
    "outputTransmission": {"type": "array", "items": _TEXT},
}  # fmt: skip
_REQUIRED = "id version jobControlOptions outputTransmission links"
_STATUS = _object(
    "type jobID status processID created progress links",
    type={"type": "string", "enum": ["process"]}, jobID=_TEXT, processID=_TEXT, message=_TEXT,
    status={"type": "string", "enum": list(STATES)}, created=_TIME, started=_TIME, finished=_TIME,
    updated=_TIME, progress={"type": "integer", "minimum": 0, "maximum": 100}, links=_LINKS,
)  # fmt: skip
_PROBLEM = _object("type title status", type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT)
_REFUSED = _object("error message", error=_TEXT, message=_TEXT)
_ORDER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "inputs": {"type": "object", "description": "As the process's description names them"},
        "outputs": {"type": "object", "description": "Those that are wanted; all without"},
        "response": {"type": "string", "enum": ["document", "raw"], "default": "document"},
    },
    "example": {"inputs": {"scenario": "library/roof-pv"}, "outputs": {"indicators": {}}},
}


def _in(where: str, name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": meaning}


def _query(name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    several = {"style": "form", "explode": False} if schema["type"] == "array" else {}
    return {**_in("query", name, schema, meaning), **several}


_PROCESS = _in("path", "processID", {"type": "string", "enum": list(PROCESSES)}, "A process")
_JOB = _in("path", "jobID", {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "A job of one's own")
_LANG = _query("lang", {"type": "string", "enum": ["de", "en"]}, "Language of titles and messages")
_COMMON = [_query("f", {"type": "string", "enum": ["json"]}, "Format"), _LANG]
_OPEN = [
    _query("f", {"type": "string", "enum": ["json", "html"]}, "Format; else as Accept says"),
    _LANG,
]
_PAGING = [
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}, "How many a page"),
    _query("offset", {"type": "integer", "minimum": 0, "default": 0}, "How many to skip; see link next"),
]
_SECONDS = {"type": "integer", "minimum": 0}
_FILTERS = [
    _query("type", {"type": "array", "items": {"type": "string", "enum": ["process"]}}, "Kinds of jobs"),
    _query("processID", {"type": "array", "items": {"type": "string", "enum": list(PROCESSES)}}, "Processes"),
    _query("status", {"type": "array", "items": {"type": "string", "enum": list(STATES)}}, "States"),
    {**_query("datetime", {"type": "string"}, "Instant or interval (RFC 3339; .. is open) of `created`"),
     "example": "2026-01-01T00:00:00Z/.."},
    _query("minDuration", _SECONDS, "Seconds that it has been running at least"),
    _query("maxDuration", _SECONDS, "Seconds that it has been running at most"),
]  # fmt: skip


def _call(
    summary: str,
    schema: dict[str, Any],
    failures: Sequence[int],
    parameters: Sequence[dict[str, Any]],
    *,
    status: int = 200,
    private: bool = True,
    headers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": schema}} | (
        {} if private else {"text/html": {"schema": _TEXT}}
    )
    answer = {"description": summary, "content": content, "headers": headers or {}}
    responses: dict[str, Any] = {str(status): answer}
    for code in failures:
        told: dict[str, Any] = {PROBLEM: {"schema": _PROBLEM}}
        if code == 503:
            told |= {"text/plain": {"schema": _TEXT}, JSON: {"schema": _ANYTHING}}
        responses[str(code)] = {"description": _WHY[code], "content": told}
    if not private:
        responses["406"] = {"description": _WHY[406], "content": {PROBLEM: {"schema": _PROBLEM}}}
        responses["304"] = {"description": "The client has it already"}
        return {"summary": summary, "parameters": [*parameters, *_OPEN], "responses": responses}
    for code, why in ((401, "A token is needed"), (403, "The token lacks the scope scenarios:run")):
        refused = {JSON: {"schema": _REFUSED}, "text/plain": {"schema": _TEXT}}
        responses[str(code)] = {"description": why, "content": refused}
    return {
        "summary": summary, "parameters": [*parameters, *_COMMON], "responses": responses,
        "security": [{"token": []}],
    }  # fmt: skip


def paths() -> dict[str, Any]:
    """Paths below the service's address."""
    listed = _object("processes links", processes={"type": "array", "items": _object(_REQUIRED, **_SUMMARY)},
                     links=_LINKS)  # fmt: skip
    described = _object(f"{_REQUIRED} inputs outputs", **_SUMMARY, inputs=_ANYTHING, outputs=_ANYTHING)
    located = {"Location": {"schema": _TEXT, "required": True}, "Preference-Applied": {"schema": _TEXT}}
    prefer = _in("header", "Prefer", {"type": "string", "enum": ["respond-async"]}, "It always is")
    order = _call("Order a calculation", _STATUS, (400, 404, 413, 429, 503), [_PROCESS, prefer], status=201,
                  headers=located)  # fmt: skip
    order["requestBody"] = {"required": True, "content": {JSON: {"schema": _ORDER}}}
    jobs = _object("jobs links", jobs={"type": "array", "items": _STATUS}, links=_LINKS)
    anything = {"oneOf": [_ANYTHING, {"type": "array", "items": {}}]}
    results = _call("What came of a job", anything, (400, 404, 410, 422, 503), [_JOB])
    results["responses"]["200"]["content"]["multipart/related"] = {"schema": _TEXT}
    return {
        "/processes": {"get": _call("Calculations", listed, (400, 503), _PAGING, private=False)},
        "/processes/{processID}": {
            "get": _call("A calculation: inputs and outputs", described, (400, 404, 503), [_PROCESS],
                         private=False)
        },
        "/processes/{processID}/execution": {"post": order},
        "/jobs": {"get": _call("One's own jobs", jobs, (400, 503), [*_PAGING, *_FILTERS])},
        "/jobs/{jobID}": {
            "get": _call("A job's state", _STATUS, (400, 404, 503), [_JOB]),
            "delete": _call("Dismiss a job: end it, and delete what came of it", _STATUS, (400, 404, 503),
                            [_JOB]),
        },
        "/jobs/{jobID}/results": {"get": results},
    }  # fmt: skip
