"""The JSON Schema of scenario files, with each measure's parameters, for editors and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from scenarios.measures import MEASURES
from scenarios.measures.base import Parameter
from scenarios.scenario import Scenario, Step, Targets

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


def json_schema(measures: Mapping[str, ModuleType] = MEASURES) -> dict[str, Any]:
    """The schema (draft 2020-12) of what `scenarios.load` takes, but for code of one's own."""
    step = Step.model_json_schema()
    targets = Targets.model_json_schema(ref_template="#/$defs/{model}")
    shared = targets.pop("$defs", {})
    kinds = [_step(name, module, step["properties"]["year"]) for name, module in measures.items()]
    fields = Scenario.model_fields
    text = {"type": "object", "properties": {"de": {"type": "string"}, "en": {"type": "string"}}}
    return {
        "$schema": ADDRESS,
        "title": "Scenario",
        "description": Scenario.__doc__,
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": fields["version"].default},
            "name": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9-]*$", "maxLength": 80},
            "title": {**text, "additionalProperties": False},
            "description": {**text, "additionalProperties": False},
            "measures": {"type": "array", "items": {"oneOf": kinds}},
        },
        "$defs": {**shared, "Targets": targets},
    }


def _step(name: str, module: ModuleType, year: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "title": module.TITLE["en"],
        "description": module.DESCRIPTION["en"],
        "required": ["measure"],
        "additionalProperties": False,
        "properties": {
            "measure": {"const": name},
            **({"targets": {"$ref": "#/$defs/Targets"}} if hasattr(module, "applicable") else {}),
            "year": year,
            "parameters": {
                "type": "object",
                "additionalProperties": False,
                "properties": {p.name: _parameter(p) for p in module.PARAMETERS},
            },
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    said = {"title": parameter.title["en"], "description": f"Default: {parameter.source}"}
    if isinstance(parameter.default, bool):
        return {**said, "type": "boolean", "default": parameter.default}
    if isinstance(parameter.default, (int, float)):
        number = {"type": "number", "minimum": parameter.low, "maximum": parameter.high}
        unit = {"type": "string", "description": f"a number and {parameter.unit or 'no unit'}"}
        return {**said, "anyOf": [number, unit], "default": parameter.default}
    text: dict[str, Any] = {"type": "string"}
    if parameter.choices:
        text["enum"] = list(parameter.choices)
    if isinstance(parameter.default, str):
        return {**said, **text, "default": parameter.default}
    return {**said, "type": "array", "items": text, "default": list(parameter.default)}
