"""What the manager's panel sets: measures with their values and targets, as one plan.

A plan is a scenario as people build it: one measure of a kind after the other in the order of `MEASURES`,
each on or off, with values that are always within its parameters' limits. What only `scenarios.rules` can
refuse, such as measures that exclude each other, is refused when the plan is applied.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from energy import Case
from scenarios import units
from scenarios.measures import MEASURES
from scenarios.measures.base import Parameter
from scenarios.scenario import Scenario, Step, Targets, no_measure
from twin.errors import CallError, quoted
from viewer import texts

ENVELOPE = "envelope_retrofit"
COMPONENTS: tuple[str, ...] = MEASURES[ENVELOPE].COMPONENTS
STANDARDS = ("usual", "advanced")
_MOST_TEXT = 20_000
_ORDER = list(MEASURES)
_STEPS = {"1": 0.01, "°C": 0.5, "K": 0.1, "kWh/kWp": 0.1}
# Where the panel's slider ends, inside of what a scenario file may hold: prices may rise sixfold there.
_NARROWER = {"prices": {"low": -0.5, "high": 1.0}}


@dataclass(frozen=True)
class Choice:
    """A measure in the panel.

    values : what differs from the panel's starting values, by name and in order of names.
    targets : JSON of `scenarios.scenario.Targets`; empty: all that the measure may apply to.
    on : whether it counts; off, it keeps its values for the next time.
    """

    measure: str
    values: tuple[tuple[str, Any], ...] = ()
    targets: str = ""
    on: bool = True

    def value(self, name: str) -> Any:
        """A parameter's value as it stands in the panel."""
        given = dict(self.values)
        return given[name] if name in given else start(self.measure)[name]

    def with_values(self, changes: Mapping[str, Any]) -> Choice:
        """The choice with some values changed; those out of range are brought into it.

        Raises
        ------
        CallError : a parameter that the measure does not have.
        """
        known = {parameter.name: parameter for parameter in MEASURES[self.measure].PARAMETERS}
        if odd := [name for name in changes if name not in known]:
            raise CallError(
                f"there is no parameter {odd[0]!r}", f"measure {self.measure}",
                german=f"Den Parameter {quoted(odd[0])} hat „{title(self.measure, 'de')}“ nicht.",
            )  # fmt: skip
        given = dict(self.values) | {
            name: _within(self.measure, known[name], value) for name, value in changes.items()
        }
        begin = start(self.measure)
        kept = tuple(sorted((name, value) for name, value in given.items() if value != begin[name]))
        return replace(self, values=kept)

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        off = self.measure == ENVELOPE and (self.value("share") <= 0 or not self.value("components"))
        return not self.on or off or _nobody(self.targets)

    def step(self) -> Step:
        """The measure as a scenario has it."""
        values = {
            parameter.name: _listed(self.value(parameter.name))
            for parameter in MEASURES[self.measure].PARAMETERS
            if self.value(parameter.name) != parameter.default
        }
        targets = Targets.model_validate_json(self.targets) if self.targets else Targets()
        return Step(measure=self.measure, targets=targets, parameters=values)


@dataclass(frozen=True)
class Plan:
    """Choices in the order of `MEASURES`; without any, the district as it is."""

    choices: tuple[Choice, ...] = ()

    @property
    def active(self) -> tuple[Choice, ...]:
        return tuple(choice for choice in self.choices if not choice.idle)

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return not self.active

    def scenario(self) -> Scenario:
        """The scenario of what is on."""
        return Scenario(name="plan", measures=[choice.step() for choice in self.active])

    def effective(self, stage: int = 3) -> Plan:
        """What counts in a stage: equal for plans that give equal cases."""
        return Plan(tuple(c for c in self.active if stage >= MEASURES[c.measure].STAGE))

    def of(self, measure: str) -> list[Choice]:
        """All choices of one kind; one that changes nothing where there is none."""
        _known(measure)
        found = [choice for choice in self.choices if choice.measure == measure]
        return found or [Choice(measure, on=measure == ENVELOPE)]

    def change(
        self,
        measure: str,
        nth: int = 0,
        *,
        values: Mapping[str, Any] | None = None,
        on: bool | None = None,
        targets: str | None = None,
    ) -> Plan:
        """The plan with the `nth` choice of a kind changed; the retrofit's share is its switch.

        Raises
        ------
        CallError : an unknown measure or parameter, or targets that are none.
        """
        same = self.of(measure)
        if not 0 <= nth < len(same):
            raise CallError(
                f"there is no measure {measure} number {nth + 1}", "the plan",
                german=f"Die Maßnahme „{title(measure, 'de')}“ gibt es im Plan kein {nth + 1}. Mal.",
            )  # fmt: skip
        choice = same[nth].with_values(values or {})
        if on is not None and measure == ENVELOPE:
            choice = choice.with_values({"share": (choice.value("share") or 1.0) if on else 0.0})
        elif on is not None:
            choice = replace(choice, on=on)
        if targets is not None:
            choice = replace(choice, targets=_checked(targets))
        same[nth] = choice
        others = [other for other in self.choices if other.measure != measure]
        return _ordered([*others, *same])

    @classmethod
    def from_scenario(cls, scenario: Scenario) -> Plan:
        """The final state of a scenario; its years are left out, as the panel shows one state.

        Raises
        ------
        CallError : a measure of somebody's own, or as `scenarios.units.in_units` says.
        """
        choices = []
        for step in scenario.measures:
            if not isinstance(step, Step) or step.is_code:
                raise CallError(
                    f"{scenario.name} holds code of its own", "the plan", "Run it by `lobeda`",
                    german=f"{quoted(scenario.name)} enthält eigenen Code. Rechnen Sie es mit `lobeda`.",
                )  # fmt: skip
            parameters = MEASURES[_known(step.measure)].PARAMETERS
            given = units.in_units(step.measure, parameters, step.parameters)
            values = {p.name: p.default for p in parameters} | given
            targets = step.targets.model_dump_json(exclude_defaults=True) if step.targets.given else ""
            choices.append(Choice(step.measure, targets=targets).with_values(values))
        return _ordered(choices)

    def as_text(self) -> str:
        """Short text for an address, empty without a choice; `from_text` reads it."""
        rows = [[c.measure, {k: _listed(v) for k, v in c.values}, c.targets, int(c.on)] for c in self.choices]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=False) if rows else ""

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """The plan of an address.

        Raises
        ------
        CallError : text that no plan gives.
        """
        if not text:
            return cls()
        try:
            if len(text) > _MOST_TEXT:
                raise ValueError(f"more than {_MOST_TEXT} characters")
            choices = [
                replace(Choice(_known(str(name))).with_values(values), targets=_checked(targets), on=bool(on))
                for name, values, targets, on in json.loads(text)
            ]
        except (TypeError, AttributeError, KeyError, RecursionError, json.JSONDecodeError):
            raise _no_plan("") from None
        except ValueError as error:
            raise _no_plan(f": {error}") from None
        return _ordered(choices)


def _no_plan(why: str) -> CallError:
    return CallError(
        f"this is no plan{why}", "address", "Open the page without it",
        german="Die Adresse enthält Maßnahmen, die es so nicht gibt. Öffnen Sie die Seite ohne sie.",
    )  # fmt: skip


def retrofit(
    share: float = 1.0,
    components: Sequence[str] = COMPONENTS,
    standard: str = STANDARDS[0],
    targets: Targets | None = None,
) -> Plan:
    """A plan of an envelope retrofit alone."""
    values = {"share": share, "components": components, "standard": standard}
    limits = "" if targets is None else targets.model_dump_json(exclude_defaults=True)
    return Plan().change(ENVELOPE, values=values, targets=limits)


def start(measure: str) -> dict[str, Any]:
    """Values with which a measure stands in the panel: its defaults, the retrofit with a share of nothing."""
    values = {parameter.name: parameter.default for parameter in MEASURES[measure].PARAMETERS}
    return values | {"share": 0.0} if measure == ENVELOPE else values


def described(language: str, case: Case) -> list[dict[str, Any]]:
    """All measures for the panel, with their parameters' titles, units, ranges, defaults and sources."""
    return [
        {
            "id": name,
            "title": title(name, language),
            "description": _title(module.DESCRIPTION, language),
            "stage": module.STAGE,
            "targeted": hasattr(module, "applicable"),
            "always": name == ENVELOPE,
            "start": {key: _listed(value) for key, value in start(name).items()},
            "parameters": [_parameter(name, parameter, language, case) for parameter in module.PARAMETERS],
        }
        for name, module in MEASURES.items()
    ]


def title(measure: str, language: str) -> str:
    """A measure's name."""
    return _title(MEASURES[measure].TITLE, language)


def _parameter(measure: str, parameter: Parameter, language: str, case: Case) -> dict[str, Any]:
    several = isinstance(parameter.default, tuple)
    number = isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
    choices = _choices(parameter, case.parameters.standards)
    share = parameter.unit == "1"
    described = {
        "name": parameter.name,
        "title": _title(parameter.title, language),
        "kind": "several" if several else "number" if number else "one",
        "unit": "%" if share else parameter.unit,
        "factor": 100 if share else 1,
        "choices": [{"id": c, "title": texts.label(language, "choice", c)} for c in choices],
        "source": parameter.source,
        "is_estimate": parameter.is_estimate,
    }
    if not number:
        return described
    narrow = _NARROWER.get(measure, {}) if share else {}
    step = 1.0 if isinstance(parameter.default, int) else _STEPS.get(parameter.unit, 0.5)
    low, high = narrow.get("low", parameter.low), narrow.get("high", parameter.high)
    return described | {"low": low, "high": high, "step": step, "digits": 0 if share or step >= 1 else 1,
                        "plain": parameter.name == "year"}  # fmt: skip


def _choices(parameter: Parameter, standards: Iterable[str]) -> tuple[str, ...]:
    return tuple(standards) if parameter.name == "standard" else parameter.choices


def _within(measure: str, parameter: Parameter, value: Any) -> Any:
    """The value brought into what the parameter allows; its default where there is no way."""
    default = start(measure)[parameter.name]
    if isinstance(default, bool):
        return value if isinstance(value, bool) else default
    if isinstance(default, (int, float)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            return default
        near = min(max(value, parameter.low), parameter.high)
        return round(near) if isinstance(parameter.default, int) else round(float(near), 6)
    allowed = _choices(parameter, STANDARDS)
    if isinstance(default, tuple):
        given = value if isinstance(value, (list, tuple)) else []
        return tuple(choice for choice in allowed if choice in given)
    return value if value in allowed else default


def _ordered(choices: Sequence[Choice]) -> Plan:
    return Plan(tuple(sorted(choices, key=lambda choice: _ORDER.index(choice.measure))))


def _known(measure: str) -> str:
    if measure not in MEASURES:
        raise no_measure(measure, "the plan")
    return measure


def _checked(targets: Any) -> str:
    """Targets in one way of writing them, so that equal ones are equal."""
    if not targets:
        return ""
    try:
        return Targets.model_validate_json(str(targets)).model_dump_json(exclude_defaults=True)
    except ValueError as error:  # pydantic's too
        raise CallError(
            f"these are no targets: {error}", "the plan",
            german="Diese Auswahl von Gebäuden ist nicht lesbar. Wählen Sie die Gebäude neu aus.",
        ) from None  # fmt: skip


def _nobody(targets: str) -> bool:
    limits = json.loads(targets) if targets else {}
    return any(limits.get(name) == [] for name in ("buildings", "blocks"))


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _title(titles: Mapping[str, str], language: str) -> str:
    return titles.get(language) or titles["en"]
