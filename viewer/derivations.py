"""How a number on the page follows: formula, inputs, sources, and which of them are estimates.

All comes from what the state holds; nothing of the district is simulated anew. The recipes are those of
`scenarios.derivation`, so that page and command explain a figure in the same way. What the hourly simulation
gives is an input there; the chain of one building leads on to it, from the tables.

CO2 counts heat with the network's losses; the pumps' electricity is the district's, never a building's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from energy import Case
from energy import derivation as chain_of
from energy.derivation_sheet import Sheet, Step
from scenarios.derivation import RECIPES
from scenarios.derivation_place import CARRIERS, SHORT, Place
from scenarios.heat_network import POWER
from scenarios.measures import MEASURES
from scenarios.outcome import Outcome
from twin.errors import CallError
from viewer import facts, format, texts, whatif
from viewer.state import KPIS, NETWORK_KPIS, State
from viewer.whatif import Plan

Recipe = Callable[[Sheet, Place], str]
_SOLVED = "heat network, solved hour by hour"
# Phrases of the recipes' sources that the page says in its language: the key below ``derivation.``.
_PHRASES = {
    "sum over the uses of buildings": "by_use",
    "sum over the carriers": "by_carrier",
    "delivered energy by carrier times its factor": "by_factor",
    "delivered energy times its price": "by_price",
    "feed-in and simulated losses instead of the certificate's figure at the customer": "by_losses",
    "balance of the network": "by_balance",
    "per reference floor area": "by_area",
    "reference floor area by building": "floor_area",
    "table paths": "paths",
}
_KIND = re.compile(r"^(given|derived|guessed):")
_MEASURE = re.compile(rf"^measure:({'|'.join(MEASURES)})\b *(.*)")
_USE = re.compile(r", (\w+) \((\d+)\)$")


@dataclass(frozen=True)
class Figure:
    """A number that the page explains.

    recipe : puts its steps down; the last one is the figure.
    column : of the annual results; empty for the network's.
    stands_for : last step of a building's chain that leads to it; empty without a chain.
    """

    recipe: Recipe
    column: str = ""
    stands_for: str = ""


@dataclass(frozen=True)
class Asked:
    """Which number: of the district or of the selection, with the measures or before them."""

    figure: str
    selection: bool = False
    before: bool = False

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Asked | None:
        """What a message of the page asks; None where it asks for nothing any more.

        Raises
        ------
        CallError : there is no such figure.
        """
        name = str(message.get("figure", ""))
        if name and name not in FIGURES:
            raise CallError(f"there is no figure {name!r}", "derivation", f"Use {', '.join(FIGURES)}")
        return cls(name, bool(message.get("selection")), bool(message.get("before"))) if name else None


@dataclass(frozen=True, eq=False)
class Derived:
    """A number with its steps.

    value : as the page shows it, in `unit` with `digits`.
    typical : the building with the largest share of it; empty for the network's figures.
    flat : whether district heat counts with flat losses, as the network is not known.
    """

    asked: Asked
    place: Place
    steps: tuple[Step, ...]
    value: float
    unit: str
    digits: int
    typical: str
    flat: bool


def derive(state: State, asked: Asked) -> Derived:
    """How a number follows from what the state holds.

    Raises
    ------
    CallError : nothing is selected, or the heat network is not known yet.
    """
    figure = FIGURES[asked.figure]
    place = _place(state, asked, figure.column)
    sheet = Sheet()
    said = figure.recipe(sheet, place)
    factor, unit, decimals = _scale(state, asked)
    typical = ""
    if figure.column and len(place.annual):
        typical = str(place.annual[figure.column].fillna(0.0).idxmax())
    return Derived(
        asked, place, _used(sheet.steps), sheet.steps[-1].value * factor, unit, decimals, typical,
        bool(said),
    )  # fmt: skip


def _used(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The last step and what leads to it; without a last one that only names the one before anew."""
    last = steps[-1]
    if set(last.inputs) == {last.formula}:
        return tuple(step for step in steps if step.symbol == last.formula)
    needed = {last.symbol}
    for step in reversed(steps):
        if step.symbol in needed:
            needed |= set(step.inputs)
    return tuple(step for step in steps if step.symbol in needed)


def chain(found: Derived) -> tuple[Step, ...]:
    """The year of the typical building, from the tables to the figure; its hours are simulated."""
    figure = FIGURES[found.asked.figure]
    if not found.typical:
        return ()
    steps = chain_of.trace(found.place.outcome.case, found.typical)
    names = [step.symbol for step in steps]
    return steps[: names.index(figure.stands_for) + 1] if figure.stands_for in names else steps


def parts(state: State, asked: Asked) -> Iterator[dict[str, Any]]:
    """What the page shows: at once the figure, then the same with its chain."""
    found = derive(state, asked)
    shown = plain(state, found)
    yield shown | {"busy": bool(found.typical)}
    if found.typical:
        yield shown | {"chain": _chain(state, found, chain(found))}


def plain(state: State, found: Derived) -> dict[str, Any]:
    """The figure as plain data in the state's language."""
    asked, language = found.asked, state.language
    kpis = {kpi.name: kpi for kpi in state.kpis()}
    waits = asked.figure in kpis and kpis[asked.figure].updating and not asked.before
    return {
        "figure": asked.figure,
        "selection": asked.selection,
        "before": asked.before,
        "compared": not state.plan.idle,
        "title": texts.text(language, _title(asked.figure)),
        "place": _where(state, asked),
        "value": found.value,
        "unit": found.unit,
        "digits": found.digits,
        "words": texts.text(language, f"derivation.{asked.figure}"),
        "note": _note(state, found),
        "updating": waits,
        "steps": [_step(step, language, found.place) for step in found.steps],
        "chain": None,
        "busy": False,
    }


def _note(state: State, found: Derived) -> str:
    """What has to be known beside the formula."""
    if found.flat:
        return texts.text(state.language, "derivation.flat_losses")
    solved = any(step.source.startswith(_SOLVED) for step in found.steps)
    return facts.network_notes(state) if solved else ""


def _chain(state: State, found: Derived, steps: Sequence[Step]) -> dict[str, Any]:
    language, district = state.language, state.twin.district
    name = facts.title(district.buildings, district.blocks, found.typical, False, language)
    one = found.place.annual.shape[0] == 1
    title = texts.text(language, "derivation.chain_own" if one else "derivation.chain_typical", name=name)
    return {"title": title, "steps": [_step(step, language, found.place) for step in steps]}


def _step(step: Step, language: str, place: Place) -> dict[str, Any]:
    name = step.name_de if language == "de" else step.name
    if match := _USE.search(name):
        use = texts.label(language, "function", match[1])
        name = f"{name[: match.start()]}: {use} ({format.number(int(match[2]), language)})"
    return {
        "symbol": step.symbol,
        "name": name.replace("CO2", "CO₂"),
        "value": step.value,
        "digits": digits(step.value),
        "unit": "" if step.unit in ("-", "1") else step.unit,
        "formula": step.formula.replace("**", "^").replace(" * ", " · ").replace(" - ", " − "),
        "source": source(step.source, language, place),
        "estimate": step.is_estimate,
    }


def digits(value: float) -> int:
    """Decimals with which an input is legible: four figures of what is small, none of what is large."""
    size = abs(value)
    return 0 if size >= 1000 or size == 0 else 1 if size >= 100 else 2 if size >= 10 else 4


def source(said: str, language: str, place: Place) -> str:
    """Where a step comes from, in the language as far as it is our own phrase; citations stay as they are."""
    if said == place.simulated:
        count = format.number(place.annual.shape[0], language)
        return texts.text(
            language, "derivation.simulated", count=count, weather=place.outcome.case.weather.name
        )
    if said.startswith(_SOLVED):
        return texts.text(language, "derivation.solved")
    if said in _PHRASES:
        return texts.text(language, f"derivation.{_PHRASES[said]}")
    if match := _MEASURE.match(said):
        title, detail = whatif.title(match[1], language), texts.label(language, "choice", match[2])
        return texts.text(language, "derivation.measure", title=title) + (f", {detail}" if detail else "")
    return _KIND.sub(lambda kind: f"{texts.text(language, f'source.{kind[1]}')}: ", said)


def _title(figure: str) -> str:
    if figure in {name for name, *_ in NETWORK_KPIS}:
        return f"network.{figure}"
    return f"kpi.{figure}" if figure in {name for name, *_ in KPIS} else f"column.{figure}"


def _where(state: State, asked: Asked) -> str:
    if state.selection is None or not asked.selection:
        return texts.text(state.language, "derivation.district")
    return facts.selected_title(state)


def _scale(state: State, asked: Asked) -> tuple[float, str, int]:
    """Factor, unit and decimals of the number where it stands."""
    if asked.selection:
        _, factor, unit, decimals = facts.ENERGY[asked.figure]
        return factor, unit, decimals
    rows = {name: (factor, decimals) for name, _, factor, decimals, *_ in (*KPIS, *NETWORK_KPIS)}
    factor, decimals = rows[asked.figure]
    return factor, texts.text(state.language, f"unit.{asked.figure}"), decimals


def _place(state: State, asked: Asked, column: str) -> Place:
    if asked.selection and state.selection is None:
        raise CallError("nothing is selected", "derivation", "Select a building")
    if not asked.selection and asked.figure not in {name for name, *_ in (*KPIS, *NETWORK_KPIS)}:
        raise CallError(f"the district has no figure {asked.figure!r}", "derivation", "Select a building")
    if asked.selection and asked.figure not in facts.ENERGY:
        raise CallError(f"a selection has no figure {asked.figure!r}", "derivation", "Use the district's")
    second = state.second_before if asked.before else state.second
    network = second.network if second is not None and state.network_counts else None
    if network is None and not column:
        raise CallError("the heat network is not known yet", "derivation", "Wait for it")
    plan = Plan() if asked.before else state.plan
    case = network.counted if network is not None else state.twin.variant(plan, 1)
    annual = by_carrier(state.before if asked.before else state.after, case)
    if asked.selection:
        annual = annual.loc[state.selected_ids]
    if column:  # what is not heated has no heating need
        annual = annual[annual[column].notna()]
    years = pd.DataFrame()  # the page shows one year
    networks = () if network is None else (network.year,)
    outcome = Outcome("", case, annual, years, years, networks=networks)
    return Place(outcome, outcome, "", "block" if asked.selection else "district", annual.index)


def by_carrier(annual: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Annual results with ``delivered_<carrier>_kwh``, as `scenarios.outcome.annual` has them.

    Heat counts for the carrier of each building's heating; electricity is what is bought, also for heat.
    """
    of_heat = heat_carrier(case).reindex(annual.index)
    columns = {
        f"delivered_{name}_kwh": annual["grid_import_kwh"]
        if name == POWER
        else annual["heating_delivered_kwh"].where(of_heat == name, 0.0)
        for name in case.parameters.carriers.index
    }
    return annual.assign(**columns)


def heat_carrier(case: Case) -> pd.Series:
    """The carrier of each building's heat, index building_id."""
    carrier: pd.Series = case.envelope["heating"].map(case.parameters.systems["carrier"].to_dict())
    return carrier


def _heat_delivered(sheet: Sheet, place: Place) -> str:
    carrier = heat_carrier(place.outcome.case).reindex(place.annual.index)
    sums = place.annual["heating_delivered_kwh"].groupby(carrier).sum()
    for name, value in sums[sums != 0].items():
        en, de = CARRIERS.get(str(name), (str(name), str(name)))
        symbol = f"E_{SHORT.get(str(name), str(name))}"
        sheet.given(
            symbol,
            f"Delivered for heat: {en}",
            f"Endenergie für Wärme: {de}",
            float(value),
            "kWh",
            place.simulated,
        )
    formula = " + ".join(step.symbol for step in sheet.steps) or "0"
    sheet.worked(
        "E_heat", "Delivered energy for heat", "Endenergie für Wärme", formula, "kWh", "sum over the carriers"
    )
    return ""


def _need_per_area(sheet: Sheet, place: Place) -> str:
    RECIPES["heating_need_kwh"](sheet, place)
    envelope = place.outcome.case.envelope.loc[place.annual.index]
    guessed = envelope["a_use_source"].astype(str).str.startswith("guessed:").any()
    sheet.given(
        "A", "Reference floor area", "Energiebezugsfläche", float(envelope["a_use_m2"].sum()), "m²",
        "reference floor area by building", is_estimate=bool(guessed),
    )  # fmt: skip
    sheet.worked(
        "q_H", "Heating need per area", "Heizwärmebedarf je Fläche", "Q_H / A", "kWh/m²",
        "per reference floor area",
    )  # fmt: skip
    return ""


FIGURES = {
    "heating_need": Figure(RECIPES["heating_need_kwh"], "heating_need_kwh", "Q_H"),
    "heating_need_per_area": Figure(_need_per_area, "heating_need_kwh", "Q_H"),
    "delivered": Figure(_heat_delivered, "heating_delivered_kwh", "E_heat"),
    "electricity": Figure(RECIPES["electricity_use_kwh"], "electricity_use_kwh", "E_use"),
    "co2": Figure(RECIPES["co2_kg"], "co2_kg", "m_CO2"),
    "cost": Figure(RECIPES["energy_cost_eur"], "energy_cost_eur", "K"),
    "heat_fed": Figure(RECIPES["network_fed_kwh"]),
    "heat_lost": Figure(RECIPES["network_loss_kwh"]),
    "pump": Figure(RECIPES["network_pump_kwh"]),
}
