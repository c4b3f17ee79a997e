"""OpenAPI paths beside the open tables: comments, uplinks, SensorThings, scenarios, the server's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from viewer.api import uplinks
from viewer.api.scenarios import PREFIX as SCENARIOS
from viewer.api.sensorthings.model import ENTITIES
from viewer.api.sensorthings.routes import PREFIX as SENSORTHINGS
from viewer.participation import rules
from viewer.participation.api import PREFIX as PARTICIPATION

BEARER = {"token": {"type": "http", "scheme": "bearer",
                    "description": "`lobeda sensors token`, `lobeda accounts token`"}}  # fmt: skip
_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
_WHY = {
    400: "The body or a parameter cannot be read",
    401: "A token, or a resident's link, is needed",
    403: "Not from this page, or not with this token",
    404: "There is nothing of this name",
    405: "The resource does not take this method",
    409: "It is closed, or was said before",
    413: "The body is too large",
    415: "The body is no JSON by its type",
    422: "What was sent is refused; the message says why",
    429: "Too often; Retry-After says when again",
    503: "The database does not answer",
}
_TEXT, _NUMBER, _TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_MAYBE = {"type": "string", "nullable": True}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "properties": properties}
    return shape | ({"required": required.split()} if required else {})


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _call(
    summary: str,
    answers: Mapping[int, Any],
    failures: Iterable[int],
    failure: dict[str, Any],
    *,
    body: Any = None,
    parameters: Iterable[Any] = (),
    token: bool = False,
    kinds: Iterable[str] = ("application/json",),
) -> dict[str, Any]:
    """One operation; `answers` and `body` are schemas, None for nothing; `kinds` the answers' media types."""
    responses: dict[str, Any] = {}
    for status, schema in answers.items():
        content = {} if schema is None else {"content": {kind: {"schema": schema} for kind in kinds}}
        responses[str(status)] = {"description": summary, **content}
    for status in failures:
        content = {"application/json": {"schema": failure}}
        responses[str(status)] = {"description": _WHY[status], "content": content}
    found: dict[str, Any] = {"summary": summary, "parameters": list(parameters), "responses": responses}
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found | ({"security": _TOKEN} if token else {})


def _given(where: str, name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": meaning}


_REFUSED = _object("error message", error=_TEXT, message=_TEXT)
_LANGUAGE = _given("query", "lang", {"type": "string", "enum": ["de", "en"]}, "Language of refusals")
_VOTES = _object("agree disagree", agree=_NUMBER, disagree=_NUMBER)
_COMMENT = _object("id text votes", id=_NUMBER, text=_TEXT, date=_MAYBE, votes=_VOTES,
                   place={"type": "object", "nullable": True},
                   answer={"type": "object", "nullable": True})  # fmt: skip


def participation() -> dict[str, Any]:
    """Comments and votes, as `viewer.participation.api` takes them."""
    proposal = _given("path", "proposal", {"type": "string", "minLength": 1}, "Id of a proposal")
    before = _given("query", "before", _NUMBER, "Comments older than this one")
    written, own = (400, 403, 404, 413, 415, 429, 503), _object("code", code={"type": "string"})

    def call(summary: str, answers: Mapping[int, Any], failures: Iterable[int], **more: Any) -> Any:
        given = [*more.pop("parameters", ()), _LANGUAGE]
        return _call(summary, answers, failures, _REFUSED, parameters=given, **more)

    place = _object("point", point={**_list({"type": "number"}), "minItems": 2, "maxItems": 2}, group=_TEXT)
    comment = _object("text", text={"type": "string", "maxLength": rules.LENGTH_MAX}, place=place)
    vote = _object("value voter", proposal=_TEXT, comment=_NUMBER,
                   value={"type": "integer", "enum": [-1, 0, 1]},
                   voter={"type": "string", "pattern": "^[A-Za-z0-9_-]{20,64}$"})  # fmt: skip
    about = _object("length links moderation", length=_NUMBER, links=_NUMBER, moderation=_TEXT)
    counted = _object("id open votes counts", id=_TEXT, open=_TRUTH, votes=_VOTES, counts={"type": "object"})
    listed = _object(
        "id open may_write comments more",
        id=_TEXT,
        open=_TRUTH,
        may_write=_TRUTH,
        more=_TRUTH,
        comments=_list(_COMMENT),
    )
    sent = _object("id code state", id=_NUMBER, code=_TEXT, state=_TEXT)
    became = _object("id proposal state", id=_NUMBER, proposal=_TEXT, state=_TEXT, text=_MAYBE)
    return {
        PARTICIPATION: {"get": call("What a comment may be", {200: about}, (403, 503))},
        f"{PARTICIPATION}/proposals": {
            "get": call("Counts of all proposals", {200: _object(proposals=_list(counted))}, (403, 503))
        },
        f"{PARTICIPATION}/proposals/{{proposal}}/comments": {
            "get": call("Shown comments, the newest first", {200: listed}, (403, 404, 503),
                        parameters=[proposal, before]),
            "post": call("Write a comment; the code is given this once", {201: sent},
                         (*written, 401, 409, 422), parameters=[proposal], body=comment),
        },
        f"{PARTICIPATION}/votes": {
            "post": call("Vote; 0 takes it back", {200: _object("votes", votes=_VOTES)}, (*written, 401, 409),
                         body=vote)
        },
        f"{PARTICIPATION}/status": {"post": call("One's own comment", {200: became}, written, body=own)},
        f"{PARTICIPATION}/deletions": {
            "post": call("Delete one's own comment", {200: _object("id state", id=_NUMBER, state=_TEXT)},
                         written, body=own)
        },
    }  # fmt: skip


def webhook() -> dict[str, Any]:
    """Uplinks of LoRaWAN network servers."""
    feed = _given("path", "feed", {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}, "Name")
    told = _object("status observations", status=_TEXT, observations=_NUMBER, detail=_TEXT)
    failure = _object("detail", detail=_TEXT)
    answers = {200: told, 202: told, 422: told}
    call = _call("An uplink of ChirpStack or The Things Stack", answers, (401, 403, 404, 413, 503), failure,
                 body={"type": "object"}, parameters=[feed], token=True)  # fmt: skip
    return {f"{uplinks.PREFIX}/{{feed}}": {"post": call}}


_OPTIONS: dict[str, dict[str, Any]] = {
    "$filter": _TEXT, "$orderby": _TEXT, "$select": _TEXT, "$expand": _TEXT,
    "$top": {"type": "integer", "minimum": 0}, "$skip": {"type": "integer", "minimum": 0}, "$count": _TRUTH,
}  # fmt: skip


def sensorthings() -> dict[str, Any]:
    """Sets and entities of SensorThings 1.1; paths from one to another are as OGC 18-088 builds them."""
    failure = _object("code message", code=_NUMBER, type=_TEXT, message=_TEXT)
    entity = _object("@iot.id @iot.selfLink", **{"@iot.id": _NUMBER, "@iot.selfLink": _TEXT})
    some = _object("value", value=_list({"type": "object"}))
    identifier = _given("path", "id", {"type": "integer", "minimum": 1}, "@iot.id")
    options = [_given("query", name, schema, f"OGC 18-088, {name}") for name, schema in _OPTIONS.items()]
    one_of = [option for option in options if option["name"] in ("$select", "$expand")]
    paths: dict[str, Any] = {
        SENSORTHINGS: {"get": _call("Sets and conformance", {200: some}, (503,), failure)},
        f"{SENSORTHINGS}/CreateObservations": {
            "post": _call("Observations of several datastreams", {201: _list(_TEXT)},
                          (400, 401, 404, 413, 503), failure, body=_list({"type": "object"}), token=True)
        },
    }  # fmt: skip
    for name, described in ENTITIES.items():
        here, one = f"{SENSORTHINGS}/{name}", f"{SENSORTHINGS}/{name}({{id}})"
        paths |= _set(here, name, options, failure, [])
        paths[f"{here}/$ref"] = {
            "get": _call(f"Links to {name}", {200: some}, (400, 404, 503), failure, parameters=options)
        }
        changed: dict[str, Any] = {"body": {"type": "object"}, "parameters": [identifier], "token": True}
        refused = (400, 401, 404, 413, 503)
        paths[one] = {
            "get": _call(f"One of {name}", {200: entity}, (400, 404, 503), failure,
                         parameters=[identifier, *one_of]),
            "patch": _call(f"Change one of {name}", {200: entity}, refused, failure, **changed),
            "put": _call(f"Write one of {name} anew", {200: entity}, refused, failure, **changed),
            "delete": _call(f"Delete one of {name}", {200: None}, (400, 401, 404, 503), failure,
                            parameters=[identifier], token=True),
        }  # fmt: skip
        link = _object("@iot.selfLink", **{"@iot.selfLink": _TEXT})
        paths[f"{one}/$ref"] = {
            "get": _call(f"Link to one of {name}", {200: link}, (400, 404, 503), failure,
                         parameters=[identifier])
        }  # fmt: skip
        known = {"type": "string", "enum": list(described.properties)}
        named = [identifier, _given("path", "property", known, "Name of a property")]
        paths[f"{one}/{{property}}"] = {
            "get": _call(f"A property of one of {name}", {200: {"type": "object"}, 204: None},
                         (400, 404, 503), failure, parameters=named)
        }  # fmt: skip
        paths[f"{one}/{{property}}/$value"] = {
            "get": _call(f"A property's value of one of {name}", {200: {}, 204: None}, (400, 404, 503),
                         failure, parameters=named, kinds=("application/json", "text/plain"))
        }  # fmt: skip
        for way, relation in described.relations.items():
            there = f"{one}/{way}"
            if relation.many:
                paths |= _set(there, f"{way} of one of {name}", options, failure, [identifier])
            else:
                paths[there] = {
                    "get": _call(f"{way} of one of {name}", {200: entity}, (400, 404, 503), failure,
                                 parameters=[identifier, *one_of])
                }  # fmt: skip
    return paths


def _set(here: str, name: str, options: list[Any], failure: Any, given: list[Any]) -> dict[str, Any]:
    """A set of entities, and how many there are."""
    some = _object("value", value=_list({"type": "object"}))
    entity = _object("@iot.id @iot.selfLink", **{"@iot.id": _NUMBER, "@iot.selfLink": _TEXT})
    filtered = [option for option in options if option["name"] == "$filter"]
    return {
        here: {
            "get": _call(name, {200: some}, (400, 404, 503), failure, parameters=[*given, *options]),
            "post": _call(f"Into {name}", {201: entity}, (400, 401, 404, 413, 503), failure,
                          body={"type": "object"}, parameters=given, token=True),
        },
        f"{here}/$count": {
            "get": _call(f"How many {name}", {200: _TEXT}, (400, 404, 503), failure,
                         parameters=[*given, *filtered], kinds=("text/plain",))
        },
    }  # fmt: skip


def scenarios() -> dict[str, Any]:
    """Scenarios, shipped and managers' own, as programs with a token read them."""
    name = _given("path", "name", {"type": "string", "pattern": "^[a-z0-9-]{1,80}$"}, "A scenario's name")
    shipped = {**name, "example": "roof-pv"}
    yaml, file = ("application/yaml",), _object("version name")
    one = _object(
        "name title source changed href", name=_TEXT, title={"type": "object"}, changed=_MAYBE, href=_TEXT,
        source={"type": "string", "enum": ["library", "shelf"]}, fault=_TEXT,
    )  # fmt: skip
    own = _call("A scenario's file, for managers", {200: file}, (), {}, parameters=[name], token=True,
                kinds=yaml)  # fmt: skip
    for status, kind in ((401, "text/html"), (403, "text/html"), (404, "text/plain")):
        own["responses"][str(status)] = {
            "description": _WHY[status], "content": {kind: {"schema": _TEXT}},
        }  # fmt: skip
    refused = (401, 403, 404)
    return {
        "/manage/scenarios/{name}.yaml": {"get": own},
        SCENARIOS: {
            "get": _call("All scenarios", {200: _object("scenarios", scenarios=_list(one))}, (401, 403),
                         _REFUSED, parameters=[_LANGUAGE], token=True)
        },
        f"{SCENARIOS}/{{name}}.yaml": {
            "get": _call("A manager's scenario", {200: file}, refused, _REFUSED,
                         parameters=[name, _LANGUAGE], token=True, kinds=yaml)
        },
        f"{SCENARIOS}/library/{{name}}.yaml": {
            "get": _call("A shipped scenario", {200: file}, refused, _REFUSED,
                         parameters=[shipped, _LANGUAGE], token=True, kinds=yaml)
        },
    }  # fmt: skip


def state() -> dict[str, Any]:
    """What those who run the server ask."""
    ready = _object("ready checks", ready=_TRUTH, checks={"type": "object"})
    figures = _call("Figures for Prometheus", {200: _TEXT}, (), {}, token=True, kinds=("text/plain",))
    for status in (401, 403):
        figures["responses"][str(status)] = {
            "description": _WHY[status], "content": {"text/html": {"schema": _TEXT}},
        }  # fmt: skip
    return {
        "/healthz": {"get": _call("The server lives", {200: _object("status", status=_TEXT)}, (), {})},
        "/readyz": {"get": _call("Whether the server can work", {200: ready, 503: ready}, (), {})},
        "/metrics": {"get": figures},
    }
