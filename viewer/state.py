"""What the manager's app shows, without any user interface: one source for colours, figures, facts and table.

`Twin` is shared by all sessions and never changes; `State` is one person's view of it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import energy
from energy import roof_potential
from energy.network import ConnectedHeat, connected_heat
from scenarios.measures import MEASURES, base, envelope_retrofit
from scenarios.scenario import Targets
from scenarios.year_bands import BaseDraws, YearBands
from twin.district import District
from twin.errors import TwinError
from viewer import privacy, second_stage, texts
from viewer.desk import Desk
from viewer.layers import LAYERS, Layer, View
from viewer.layers.difference import DIFFERENCE
from viewer.second_stage import SecondStage
from viewer.whatif import ENVELOPE, Choice, Plan

# Name, column of the results, factor, digits, and the stage with which the figure is complete.
KPIS = (
    ("heating_need", "heating_need_kwh", 1e-6, 1, 1),
    ("delivered", "heating_delivered_kwh", 1e-6, 1, 1),
    ("co2", "co2_kg", 1e-3, 0, 2),
    ("cost", "energy_cost_eur", 1e-6, 1, 1),
)
NETWORK_KPIS = (
    ("heat_fed", "fed_kwh", 1e-6, 1),
    ("heat_lost", "loss_kwh", 1e-6, 1),
    ("pump", "pump_kwh", 1e-3, 0),
)
_KEPT_HEAT_BYTES = 256 << 20  # the hours of 7,000 buildings; of larger districts all are simulated again
_KEPT = 4  # plans of which what was computed is kept, beside the district as it is
Level = Literal["block", "building", "set"]
T = TypeVar("T")


@dataclass(frozen=True)
class Band:
    """How sure a figure's change is.

    low, high : 5 and 95 % of the change over the draws, in the figure's unit.
    lower : share of the draws in which the figure falls.
    draws : their number.
    """

    low: float
    high: float
    lower: float
    draws: int


@dataclass(frozen=True)
class Kpi:
    """A figure of the year for the entire district, before and after; texts ``unit.…`` name its unit.

    band : of its change; None before it is known, or where nothing changes.
    updating : whether a later stage will still change it.
    """

    name: str
    digits: int
    before: float
    after: float
    band: Band | None = None
    updating: bool = False

    @property
    def change(self) -> float:
        """Relative change; nan where there was nothing before."""
        return self.after / self.before - 1 if self.before else float("nan")


@dataclass(frozen=True)
class Run:
    """Annual results of a plan, index building_id, and what it took."""

    plan: Plan
    annual: pd.DataFrame
    milliseconds: float


@dataclass(frozen=True)
class Selection:
    """What is selected: a building, as itself or standing for its block, or a set of several.

    targets, ids : of a set: JSON of `scenarios.scenario.Targets`, and the buildings that these mean.
    """

    building_id: str
    level: Level = "block"
    targets: str = ""
    ids: tuple[str, ...] = ()


class Twin:
    """A district with its simulated baseline.

    Parameters
    ----------
    district, case : what is shown, and the baseline that measures start from.
    annual : annual results of the baseline, index building_id; see `energy.annual`.
    """

    def __init__(self, district: District, case: energy.Case, annual: pd.DataFrame) -> None:
        self.district = district
        self.case = case
        self._baseline = annual
        self.earlier: privacy.Earlier = {}
        self.figures_before: pd.DataFrame | None = None
        self.annual = self._shown(annual)
        self.desk = Desk()
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._keeping = threading.Lock()
        self._may: dict[str, NDArray[np.bool_]] = {}

    @classmethod
    def of(cls, district: District, weather: energy.weather.Weather | None = None) -> Twin:
        """Simulate the baseline of `district`; without a weather, the sample year."""
        case = energy.Case(district, weather if weather is not None else energy.weather.sample())
        return cls(district, case, energy.annual(case))

    def _shown(self, annual: pd.DataFrame) -> pd.DataFrame:
        """In the scene's order; what is not heated has no heating need rather than one of 0."""
        index = self.district.buildings.index
        annual = annual.copy(deep=False) if annual.index.equals(index) else annual.reindex(index)
        need = annual["heating_need_kwh"].to_numpy("float64")
        annual["heating_need_kwh"] = np.where(self.conditioned, need, np.nan)
        return annual

    @cached_property
    def units(self) -> pd.Series:
        """The block of each building, the building itself where it has none; index building_id."""
        block: pd.Series = self.district.buildings["block_id"]
        return block.where(block.notna(), self.district.buildings.index.to_series())

    @cached_property
    def conditioned(self) -> NDArray[np.bool_]:
        """Whether each building is heated, shape (building,)."""
        return self.case.envelope["conditioned"].to_numpy(bool)

    @cached_property
    def group(self) -> pd.Series[str]:
        """The privacy group of each building, index building_id."""
        heated = pd.Series(self.conditioned, index=self.annual.index)
        return privacy.groups(self.district.buildings, heated, earlier=self.earlier)

    def after(self, earlier: privacy.Earlier, figures: pd.DataFrame | None = None) -> Twin:
        """This twin for a site that follows others.

        earlier : the groups that those showed.
        figures : of their buildings, as `public_figures` gave them for the latest.
        """
        if not earlier or (earlier == self.earlier and figures is None):
            return self
        found = Twin(self.district, self.case, self._baseline)
        found.earlier = privacy.followed(earlier, self.earlier)
        found.figures_before = self.figures_before if figures is None else figures
        return found

    @cached_property
    def _figures(self) -> pd.DataFrame:
        """Figures of buildings from which those of groups are made, and a digest of what decides them."""
        numbers = self.annual.select_dtypes("number").assign(a_use_m2=self.area_m2)
        return numbers.assign(**{privacy.FACTS: privacy.facts_of(self.district)})

    @cached_property
    def held_back(self) -> frozenset[str]:
        """Privacy groups that go on showing what they showed: `viewer.privacy.held_back`."""
        if self.figures_before is None:
            return frozenset()
        units = privacy.units_of(self.district.buildings["dwellings"])
        return privacy.held_back(self.group, units, self.figures_before, self._figures)

    @cached_property
    def public_figures(self) -> pd.DataFrame:
        """Figures of buildings, as groups of them are shown in public, index building_id."""
        found = self._figures.copy()
        before = self.figures_before
        rows = self.group.index[self.group.isin(self.held_back).to_numpy()]
        if before is not None and len(rows):
            known = rows.intersection(before.index)
            for name in found.columns.intersection(before.columns):
                found.loc[known, name] = before.loc[known, name]
        return found

    @cached_property
    def public_annual(self) -> pd.DataFrame:
        """`annual` as groups of it are shown in public."""
        figures = self.public_figures
        return self.annual.assign(**{name: figures[name] for name in figures.columns if name in self.annual})

    @cached_property
    def area_m2(self) -> pd.Series[float]:
        """Reference floor area of each heated building, filled by archetypes; index building_id. [m²]"""
        area: pd.Series[float] = self.case.envelope["a_use_m2"].where(self.conditioned)
        return area

    def view(self, annual: pd.DataFrame, language: str, public: bool = False) -> View:
        """What layers look at: the results `annual`, for managers or the public."""
        if not public:
            return View(self.district, annual, self.annual, self.area_m2, self.case, language, None)
        before, area = self.public_annual, self.public_figures["a_use_m2"]
        return View(self.district, annual, before, area, self.case, language, self.group)

    @cached_property
    def network(self) -> energy.network.Network:
        """The heat network, laid out for the buildings as they are.

        Raises
        ------
        TwinError : there is none, or its pipes do not hang together.
        """
        return energy.network.of_case(self.case)

    @cached_property
    def draws(self) -> BaseDraws:
        """Draws of the district as it is, for the bands of all plans."""
        return BaseDraws(self.case)

    def variant(self, plan: Plan, stage: int = 3) -> energy.Case:
        """The case with what acts until a stage.

        Raises
        ------
        CallError : measures that contradict each other, or as the measures say.
        """
        acting = plan.effective(stage)
        if acting.idle:
            return self.case
        return self.known(("variant", acting), lambda: acting.scenario().apply(self.case))

    def run(self, plan: Plan) -> Run:
        """Stage 1 of a plan: what it changes is simulated anew. Safe in another thread.

        Raises
        ------
        CallError : as `variant` says.
        """
        start = time.perf_counter()
        if not plan.idle:
            self.variant(plan)  # refuses what contradicts itself, also in later stages
        for choice in plan.active:
            self._given(choice, plan)  # kept, so that the page's thread need not compute it
        annual = self._shown(self._annual(plan))
        return Run(plan, annual, 1000 * (time.perf_counter() - start))

    def _annual(self, plan: Plan) -> pd.DataFrame:
        acting = plan.effective(1)
        if acting.idle:
            return self._baseline
        case = self.variant(acting)
        return self.known(("annual", acting), lambda: energy.annual(case, since=(self.case, self._baseline)))

    def network_stage(self, plan: Plan) -> SecondStage:
        """Stage 2, the heat network under a plan. Takes about a second; safe in another thread."""
        acting = plan.effective(2)
        return self.known(("network", acting), lambda: self._solve(acting))

    def _solve(self, plan: Plan) -> SecondStage:
        try:
            case, annual = self.variant(plan), self._annual(plan)
            figures = second_stage.network_figures(case, self.network, annual, self._heat(plan, case))
        except TwinError as error:
            return SecondStage(None, None, error.told("en"))
        return SecondStage(figures)

    def _heat(self, plan: Plan, case: energy.Case) -> ConnectedHeat:
        """Hourly heat of the network's buildings; of a plan, those that it touches are simulated again."""
        if 4 * len(case.envelope) * len(case.weather) > _KEPT_HEAT_BYTES:
            return connected_heat(case)
        today = self.known(("heat", Plan()), lambda: connected_heat(self.case))
        return today if plan.idle else connected_heat(case, today)

    def overheating(self, plan: Plan) -> pd.DataFrame:
        """The rooms' summer under a plan; takes seconds where it changes many buildings (see `summer`)."""
        acting = plan.effective(1)
        if acting.idle:
            return self.known(("rooms", acting), lambda: second_stage.overheating(self.case))
        since = (self.case, self.overheating(Plan()))
        return self.known(("rooms", acting), lambda: second_stage.overheating(self.variant(acting), since))

    def summer(self, plan: Plan) -> Iterator[None]:
        """Compute `overheating` some rooms at a time, so that a slider's step need not wait for all."""
        acting = plan.effective(1)
        since = None
        if not acting.idle:
            yield from self.summer(Plan())
            since = (self.case, self.overheating(Plan()))
        if self._keeps(("rooms", acting)):
            return
        steps = partial(second_stage.overheating_steps, self.variant(acting), since)
        yield from (None for _ in self.stepped(("rooms", acting), steps))

    def bands(self, plan: Plan) -> Iterator[YearBands | None]:
        """Stage 3, one draw a step; the last step gives the bands. CO2 counts as after stage 2."""
        stages = [self.network_stage(p) for p in (Plan(), plan)]
        base_weights, weights = (s.network.counted.parameters if s.network else None for s in stages)
        if base_weights is None or weights is None:
            base_weights = weights = None
        yield from self.draws.compare(self.variant(plan, 1), weights, base_weights)

    def known(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, kept for the latest plans; what is of no measure is kept for good."""
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]  # one kind of value per kind of key
        made = make()
        with self._keeping:
            self._kept[key] = made
            changing = [k for k in self._kept if isinstance(k, tuple) and k[1] != Plan() and k[0] == key[0]]  # type: ignore[index]
            for old in changing[:-_KEPT]:
                del self._kept[old]
        return made

    def stepped(self, key: Hashable, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        """The steps of `make`, the last of which `known` keeps; where it is kept already, it alone."""
        with self._keeping:
            kept = [self._kept[key]] if key in self._kept else []
        last: T | None = None
        for last in kept or make():  # type: ignore[assignment]  # one kind of value per kind of key
            yield last  # type: ignore[misc]
        self.known(key, lambda: last)

    def _keeps(self, key: Hashable) -> bool:
        with self._keeping:
            return key in self._kept

    def in_scope(self, choice: Choice, plan: Plan) -> NDArray[np.bool_]:
        """The buildings that a choice of a plan may reach, shape (building,)."""
        case = self._given(choice, plan)
        if case is not self.case:
            may = self._applicable(choice.measure, case)
        else:
            if choice.measure not in self._may:
                self._may[choice.measure] = self._applicable(choice.measure, case)
            may = self._may[choice.measure]
        if not choice.targets:
            return may
        ids = Targets.model_validate_json(choice.targets).ids(case)
        return base.chosen(case, ids, may, choice.measure)

    def _given(self, choice: Choice, plan: Plan) -> energy.Case:
        """The case with what the plan gives a choice to act on, such as the modules beside its batteries."""
        given = [c for c in plan.active if choice.measure in MEASURES[c.measure].BEFORE]
        return self.variant(Plan(tuple(given)))

    def _applicable(self, measure: str, case: energy.Case) -> NDArray[np.bool_]:
        module = MEASURES[measure]
        may = module.applicable(case) if hasattr(module, "applicable") else self.conditioned
        return np.asarray(may, bool)

    def reached(self, choice: Choice, plan: Plan) -> tuple[int, int]:
        """How many blocks a choice of a plan reaches, of how many in scope."""
        total = self._blocks(self.in_scope(choice, plan))
        return (self._blocks(self.reached_rows(choice, plan)) if total else 0), total

    def reached_rows(self, choice: Choice, plan: Plan) -> NDArray[np.bool_]:
        """The buildings that a choice of a plan reaches, shape (building,)."""
        scope = self.in_scope(choice, plan)
        if choice.idle or not scope.any():
            return np.zeros_like(scope)
        if choice.measure == ENVELOPE:
            first = envelope_retrofit.retrofit_order(self.case, scope) < choice.value("share")
            return np.asarray(scope & first)
        return scope

    def _blocks(self, rows: NDArray[np.bool_]) -> int:
        return int(np.count_nonzero(np.bincount(self._unit_number[rows])))

    @cached_property
    def _unit_number(self) -> NDArray[np.intp]:
        return np.asarray(pd.factorize(self.units)[0], np.intp)

    def monthly_sun(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """What modules on all roofs of the buildings `ids` would make by month, shape (12,). [kWh]"""
        return roof_potential.monthly(self.case, list(ids))


@dataclass
class State:
    """One person's view of the twin. Colours, figures and facts stay together: all follow from `run`."""

    twin: Twin
    language: str = texts.DEFAULT
    colour: str = next(iter(LAYERS))
    selection: Selection | None = None
    run: Run = field(init=False)
    second: SecondStage | None = None
    second_before: SecondStage | None = None
    bands: YearBands | None = None
    _past: list[Plan] = field(default_factory=list)
    _future: list[Plan] = field(default_factory=list)
    settled: Plan = field(default_factory=Plan)
    held: State | None = None  # another state, against which this one is held (`viewer.holding`)

    def __post_init__(self) -> None:
        self.run = Run(Plan(), self.twin.annual, 0.0)

    @property
    def plan(self) -> Plan:
        return self.run.plan

    @property
    def stage(self) -> int:
        """The last stage of what is shown that is in; without a measure there is nothing to compare."""
        if self.second is None:
            return 1
        return 3 if self.bands is not None or self.plan.idle else 2

    def show(self, run: Run) -> None:
        """Take over stage 1 of a plan; colours and figures follow, and wait for the later stages."""
        if run.plan.effective() != self.plan.effective():
            self.second = self.bands = None
        self.run = run

    def deepen(self, before: SecondStage, now: SecondStage) -> None:
        """Take over stage 2 of the state before any measure and of what is shown."""
        self.second_before, self.second = before, now

    def compare(self, bands: YearBands) -> None:
        """Take over stage 3 of what is shown."""
        self.bands = bands

    @property
    def network_counts(self) -> bool:
        """Whether CO2 counts with the network's simulated losses: only once both states have them."""
        return all(s is not None and s.network is not None for s in (self.second, self.second_before))

    @property
    def before(self) -> pd.DataFrame:
        """Annual results before any measure, as shown: with simulated network losses, or without any."""
        return self._with_network(self.twin.annual, self.second_before)

    @property
    def after(self) -> pd.DataFrame:
        """Annual results of what is shown, on the same basis as `before`."""
        return self._with_network(self.run.annual, self.second)

    def _with_network(self, annual: pd.DataFrame, second: SecondStage | None) -> pd.DataFrame:
        if not self.network_counts or second is None or second.network is None:
            return annual
        return annual.assign(co2_kg=second.network.co2_kg.reindex(annual.index))

    def settle(self, plan: Plan) -> None:
        """Note that a slider was let go, as one step for undo."""
        if plan != self.settled:
            self._past.append(self.settled)
            self._future.clear()
            self.settled = plan

    def begin(self, plan: Plan) -> None:
        """Start from a plan, with nothing to undo."""
        self._past.clear()
        self._future.clear()
        self.settled = plan

    def refuse(self) -> None:
        """Take back a step whose plan could not be simulated."""
        if self.settled != self.plan and self._past:
            self.settled = self._past.pop()

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> Plan:
        """The plan of the step before; the same where there is none."""
        if self._past:
            self._future.append(self.settled)
            self.settled = self._past.pop()
        return self.settled

    def redo(self) -> Plan:
        """The plan of the step that was undone last; the same where there is none."""
        if self._future:
            self._past.append(self.settled)
            self.settled = self._future.pop()
        return self.settled

    def select(self, building_id: str | None, level: Level | None = None) -> None:
        """Select a building or its block; None, or an id that does not exist, selects nothing."""
        if building_id is None or building_id not in self.twin.annual.index:
            self.selection = None
            return
        before = self.selection.level if self.selection and self.selection.level != "set" else "block"
        self.selection = Selection(building_id, level or before)

    def choose(self, targets: str, ids: Sequence[str]) -> None:
        """Select the buildings `ids`, which `targets` mean; none selects nothing."""
        self.selection = Selection(ids[0], "set", targets, tuple(ids)) if ids else None

    @property
    def unit(self) -> str | None:
        """The block (or building without block) of the selection; None of a set."""
        if self.selection is None or self.selection.level == "set":
            return None
        return str(self.twin.units[self.selection.building_id])

    @property
    def selected_ids(self) -> list[str]:
        """Ids of the selected buildings."""
        if self.selection is None:
            return []
        if self.selection.level == "set":
            return list(self.selection.ids)
        if self.selection.level == "building":
            return [self.selection.building_id]
        return list(self.twin.units.index[self.twin.units == self.unit])

    @property
    def selected_rows(self) -> list[int]:
        """Rows of the selected buildings, which is how the scene counts them."""
        return [int(row) for row in self.twin.annual.index.get_indexer(pd.Index(self.selected_ids))]

    def view(self) -> View:
        """What layers look at."""
        held = self.held if self.colour in DIFFERENCE else None
        return replace(
            self.twin.view(self.after, self.language),
            baseline=self.before if held is None else held.after,
            second=self.second,
            second_before=self.second_before,
        )

    def layer(self) -> Layer:
        """The layer that colours the buildings."""
        return LAYERS[self.colour](self.view())

    def kpis(self) -> list[Kpi]:
        """The district's year before and after, each with the band of its change once that is known."""
        annuals, pumping = (self.before, self.after), self.pump_co2_kg
        shown = []
        for name, column, factor, digits, complete in KPIS:
            was, now = (_total(annual, column) for annual in annuals)
            certain = 0.0
            if column == "co2_kg":
                was, now, certain = was + pumping[0], now + pumping[1], pumping[1] - pumping[0]
            waits = self.stage < complete and not self.plan.idle
            band = self._band(column, factor, certain)
            shown.append(Kpi(name, digits, factor * was, factor * now, band, waits))
        return shown

    @property
    def pump_co2_kg(self) -> tuple[float, float]:
        """CO2 of the network's pumping before and after, which belongs to no building. [kg]"""
        if not self.network_counts:
            return 0.0, 0.0
        networks = [s.network for s in (self.second_before, self.second) if s is not None and s.network]
        return networks[0].pump_co2_kg, networks[1].pump_co2_kg

    def _band(self, column: str, factor: float, certain: float) -> Band | None:
        """Of a figure's change; `certain` is the part of it that is not drawn."""
        if self.bands is None or not self.bands.changes(column).any():
            return None
        low, high = self.bands.change(column, certain)
        share = self.bands.probability_lower(column, certain)
        return Band(factor * low, factor * high, share, len(self.bands.before))

    def monthly(self, ids: Sequence[str], quantity: str = "heating_need_kwh") -> NDArray[np.float64]:
        """A result of the buildings `ids` together by month, shape (2, 12): before and after. [kWh or kg]"""
        cases = [self.twin.case, self.twin.variant(self.plan, 1)]
        if self.network_counts and quantity == "co2_kg":
            stages = (self.second_before, self.second)
            cases = [stage.network.counted for stage in stages if stage and stage.network]
        if self.plan.idle:
            return np.stack([_monthly(cases[0], ids, quantity)] * 2)
        return np.stack([_monthly(case, ids, quantity) for case in cases])

    def network_kpis(self) -> list[Kpi]:
        """The heat network's year before and after; nothing until both are known."""
        networks = [stage.network for stage in (self.second_before, self.second) if stage is not None]
        if len(networks) < 2 or any(network is None for network in networks):
            return []
        return [
            Kpi(name, digits, *(factor * getattr(network, attribute) for network in networks))
            for name, attribute, factor, digits in NETWORK_KPIS
        ]


def _total(annual: pd.DataFrame, column: str) -> float:
    return float(np.nansum(annual[column].to_numpy("float64")))


def _monthly(case: energy.Case, ids: Sequence[str], quantity: str) -> NDArray[np.float64]:
    results = energy.simulate(case, outputs=[quantity], resolution="month", buildings=list(ids))
    sums = results[quantity].groupby("time.month").sum().sum("building_id")
    return np.asarray(sums.to_numpy(), float)
