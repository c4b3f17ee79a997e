"""What OGC API – Processes (18-062r2) offers here: the processes, what they take, and orders for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from energy import Case
from scenarios import rules
from scenarios.details import DETAILS
from scenarios.scenario import BASELINE, Scenario, checked
from twin.errors import TwinError
from viewer import texts
from viewer.api.ogc.documents import HTML, JSON, REL, link

VERSION = "1.0.0"
MOST_DRAWS = 64
_KEYS = ("inputs", "outputs", "response")


class BadOrderError(ValueError):
    """What is wrong with an order, which input it is, and what to do."""


@dataclass(frozen=True)
class Input:
    """schema : JSON Schema of the value.  required : it has no default."""

    name: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Process:
    """outputs : names, each a JSON object or array."""

    id: str
    inputs: tuple[Input, ...]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """A process with all that it needs.

    scenario : whose year is wanted; None: the district's as it is.
    raw : the result is the one output itself, or parts with one each, not a document with all.
    """

    process: str
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    scenario: Scenario | None = None
    raw: bool = False

    @property
    def title(self) -> str:
        """What the record calls it."""
        return f"{self.process} {self.scenario.name}" if self.scenario is not None else self.process


_NAME = {
    "oneOf": [
        {"type": "string", "description": "As /api/scenarios names it: library/roof-pv is shipped"},
        {"type": "object", "description": "A scenario as `lobeda scenario schema` describes it, or a link"},
    ]
}
_NETWORK = {"type": "boolean"}
PROCESSES = {
    one.id: one
    for one in (
        Process(
            "simulate",
            (Input("scenario", _NAME), Input("network", {**_NETWORK, "default": False})),
            {"buildings": "array", "district": "object"},
        ),
        Process(
            "run-scenario",
            (
                Input("scenario", _NAME, required=True),
                Input("network", {**_NETWORK, "default": True}),
                Input("draws", {"type": "integer", "minimum": 0, "maximum": MOST_DRAWS, "default": 16}),
                Input(
                    "details",
                    {"type": "array", "items": {"type": "string", "enum": list(DETAILS)},
                     "maxItems": len(DETAILS), "default": list(DETAILS)},
                ),
            ),
            {"indicators": "object", "comparison": "object"},
        ),
    )
}  # fmt: skip


def summary(base: str, one: Process, language: str) -> dict[str, Any]:
    """What the list says of a process."""
    key = one.id.replace("-", "_")
    here = f"{base}/processes/{quote(one.id)}"
    said = partial(texts.text, language)
    return {
        "id": one.id,
        "version": VERSION,
        "title": said(f"api.process_{key}"),
        "description": said(f"api.about_process_{key}"),
        "jobControlOptions": ["async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [
            link("self", here, JSON, said(f"api.process_{key}")),
            link("alternate", f"{here}?f=html", HTML, said(f"api.process_{key}")),
            link(f"{REL}/execute", f"{here}/execution", JSON, said("api.execute")),
        ],
    }


def description(base: str, one: Process, language: str) -> dict[str, Any]:
    """A process with its inputs and outputs."""
    said = partial(texts.text, language)
    return {
        **summary(base, one, language),
        "inputs": {
            given.name: {
                "title": said(f"api.input_{given.name}"),
                "schema": dict(given.schema),
                "minOccurs": int(given.required),
                "maxOccurs": 1,
            }
            for given in one.inputs
        },
        "outputs": {
            name: {"title": said(f"api.output_{name}"), "schema": {"type": kind}}
            for name, kind in one.outputs.items()
        },
    }


def order(process: Process, content: bytes, find: Callable[[str], Scenario], case: Case, kept: str) -> Order:
    """What an execution's body asks for.

    find : gives a scenario by its name, or raises a TwinError.
    case : that a scenario must fit.
    kept : the address below which links to scenarios lead.

    Raises
    ------
    BadOrderError : it cannot be read, or asks for what there is not.
    """
    body = _body(content)
    if odd := [key for key in body if key not in (*_KEYS, "subscriber")]:
        raise BadOrderError(f"there is no member {odd[0]!r}; use {', '.join(_KEYS)}")
    if "subscriber" in body:
        raise BadOrderError("subscriber: nobody is called back; ask for the job's state instead")
    given = body.get("inputs", {})
    if not isinstance(given, dict):
        raise BadOrderError('inputs: give an object, {"name": value}')
    known = {one.name: one for one in process.inputs}
    if odd := [name for name in given if name not in known]:
        raise BadOrderError(f"there is no input {odd[0]!r} of {process.id}; use {', '.join(known)}")
    values: dict[str, Any] = {}
    for one in process.inputs:
        if one.name in given:
            values[one.name] = _value(one.name, given[one.name])
        elif one.required:
            raise BadOrderError(f"input {one.name} is missing; give a name of /api/scenarios, or a scenario")
    scenario = _scenario(values.pop("scenario"), find, case, kept) if "scenario" in values else None
    plain = {one.name: one.schema.get("default") for one in process.inputs if one.name != "scenario"}
    plain |= {name: _CHECKS[name](value) for name, value in values.items()}
    outputs = _outputs(process, body.get("outputs", {}))
    return Order(process.id, plain, outputs, scenario, _raw(body.get("response", "document")))


def _body(content: bytes) -> dict[str, Any]:
    def no_number(text: str) -> Any:
        raise ValueError(text)

    try:
        body = json.loads(content, parse_constant=no_number)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadOrderError('the body is no JSON object; send at least {"inputs": {}}')
    return body


def _value(name: str, given: Any) -> Any:
    """The value of an input, also where it comes as a qualified one (18-062r2, 7.11.2.2)."""
    if isinstance(given, dict) and "href" in given and name != "scenario":
        raise BadOrderError(f"input {name}: give the value itself")
    if isinstance(given, dict) and set(given) & {"value"} and set(given) <= {"value", "mediaType", "schema"}:
        return given["value"]
    return given


def _scenario(value: Any, find: Callable[[str], Scenario], case: Case, kept: str) -> Scenario:
    if isinstance(value, dict) and "href" in value:
        value = _linked(value["href"], kept)
    try:
        if isinstance(value, str):
            value = find(value.removesuffix(".yaml")).model_dump(mode="json", exclude_defaults=True)
        if not isinstance(value, dict):
            raise BadOrderError("input scenario: give a name of /api/scenarios, or a scenario as an object")
        found = checked(value, Path("scenario"), district=case.district)
        rules.check(found, case)
    except TwinError as error:  # where it is wrong on this machine's disk is nobody's concern
        said = ". ".join(part.rstrip(".") for part in (error.what, error.remedy) if part)
        raise BadOrderError(f"input scenario: {said}") from None
    if found.name == BASELINE.name:
        raise BadOrderError(f"input scenario: {found.name} is the district as it is; take another name")
    return found


def _linked(href: Any, kept: str) -> str:
    """The name in the address of a scenario here; nothing is ever fetched from elsewhere."""
    if not (isinstance(href, str) and href.startswith(f"{kept}/") and href.endswith(".yaml")):
        raise BadOrderError(f"input scenario: link to an address of {kept}, or give the scenario itself")
    return unquote(href.removeprefix(f"{kept}/"))


def _network(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadOrderError("input network: give true or false")
    return value


def _draws(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DRAWS:
        raise BadOrderError(f"input draws: give a whole number of 0 to {MOST_DRAWS}")
    return value


def _details(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one in DETAILS for one in value):
        raise BadOrderError(f"input details: give a list of {', '.join(DETAILS)}, or an empty one")
    return list(dict.fromkeys(value))


_CHECKS: Mapping[str, Callable[[Any], Any]] = {"network": _network, "draws": _draws, "details": _details}


def _outputs(process: Process, given: Any) -> tuple[str, ...]:
    known = ", ".join(process.outputs)
    if not isinstance(given, dict):
        raise BadOrderError(f'outputs: give an object with some of {known}, {{"name": {{}}}}')
    for name, how in given.items():
        if name not in process.outputs:
            raise BadOrderError(f"there is no output {name!r} of {process.id}; use {known}")
        if not isinstance(how, dict) or how.get("transmissionMode", "value") != "value":
            raise BadOrderError(f"output {name}: outputs come by value alone; leave transmissionMode out")
    return tuple(name for name in process.outputs if name in (given or process.outputs))


def _raw(given: Any) -> bool:
    if given not in ("document", "raw"):
        raise BadOrderError("response: give document or raw")
    return bool(given == "raw")
