"""What the manager's app shows, without any user interface: one source for colours, figures, facts and table.

`Twin` is shared by all sessions and never changes; `State` is one person's view of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import energy
from energy import roof_potential
from scenarios.measures import envelope_retrofit
from twin.district import District
from twin.errors import TwinError
from viewer import privacy, second_stage, texts
from viewer.layers import LAYERS, Layer, View
from viewer.second_stage import SecondStage

COMPONENTS = envelope_retrofit.COMPONENTS
STANDARDS = ("usual", "advanced")
KPIS = (
    ("heating_need", "heating_need_kwh", 1e-6, 1),
    ("co2", "co2_kg", 1e-3, 0),
    ("cost", "energy_cost_eur", 1e-6, 1),
)
NETWORK_KPIS = (
    ("heat_fed", "fed_kwh", 1e-6, 1),
    ("heat_lost", "loss_kwh", 1e-6, 1),
    ("pump", "pump_kwh", 1e-3, 0),
)
_KEPT_STAGES = 3
Level = Literal["block", "building"]


@dataclass(frozen=True)
class Retrofit:
    """The envelope retrofit that the sliders describe.

    share : part of the blocks in scope, by floor area, the worst first. [0 to 1]
    units : block or building ids that it is limited to; None: all.
    """

    share: float = 0.0
    components: tuple[str, ...] = COMPONENTS
    standard: str = "usual"
    units: tuple[str, ...] | None = None

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return self.share <= 0 or not self.components or self.units == ()


@dataclass(frozen=True)
class Kpi:
    """A figure of the year for the entire district, before and after; texts ``unit.…`` name its unit."""

    name: str
    digits: int
    before: float
    after: float

    @property
    def change(self) -> float:
        """Relative change; nan where there was nothing before."""
        return self.after / self.before - 1 if self.before else float("nan")


@dataclass(frozen=True)
class Run:
    """Annual results of a retrofit, index building_id, and what it took."""

    retrofit: Retrofit
    annual: pd.DataFrame
    milliseconds: float


@dataclass(frozen=True)
class Selection:
    """What is selected: a building, as itself or standing for its block."""

    building_id: str
    level: Level = "block"


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
        self.annual = self._shown(annual)
        self._stages: dict[Retrofit, SecondStage] = {}
        self._staging = threading.Lock()

    @classmethod
    def of(cls, district: District, weather: energy.weather.Weather | None = None) -> Twin:
        """Simulate the baseline of `district`; without a weather, the sample year."""
        case = energy.Case(district, weather if weather is not None else energy.weather.sample())
        return cls(district, case, energy.annual(case))

    def _shown(self, annual: pd.DataFrame) -> pd.DataFrame:
        """In the scene's order; what is not heated has no heating need rather than one of 0."""
        annual = annual.reindex(self.district.buildings.index)
        annual["heating_need_kwh"] = annual["heating_need_kwh"].where(self.conditioned)
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
        return privacy.groups(self.district.buildings, heated)

    @cached_property
    def area_m2(self) -> pd.Series[float]:
        """Reference floor area of each heated building, filled by archetypes; index building_id. [m²]"""
        area: pd.Series[float] = self.case.envelope["a_use_m2"].where(self.conditioned)
        return area

    def view(self, annual: pd.DataFrame, language: str, public: bool = False) -> View:
        """What layers look at: the results `annual`, for managers or the public."""
        group = self.group if public else None
        return View(self.district, annual, self.annual, self.area_m2, self.case, language, group)

    @cached_property
    def network(self) -> energy.network.Network:
        """The heat network, laid out for the buildings as they are.

        Raises
        ------
        TwinError : there is none, or its pipes do not hang together.
        """
        return energy.network.of_case(self.case)

    def second_stage(self, retrofit: Retrofit) -> SecondStage:
        """Network and overheating of a retrofit. Takes seconds; safe in another thread, one at a time."""
        with self._staging:
            if retrofit not in self._stages:
                case, network, problem = self.variant(retrofit), None, ""
                try:
                    network = second_stage.network_figures(case, self.network)
                except TwinError as error:
                    problem = str(error)
                found = SecondStage(network, second_stage.overheating(case), problem)
                self._stages[retrofit] = found
                for old in [r for r in self._stages if not r.idle][:-_KEPT_STAGES]:
                    del self._stages[old]
            return self._stages[retrofit]

    def in_scope(self, retrofit: Retrofit) -> NDArray[np.bool_]:
        """The heated buildings that the retrofit may reach, shape (building,)."""
        if retrofit.units is None:
            return self.conditioned
        return self.conditioned & self.units.isin(retrofit.units).to_numpy(bool)

    def reached(self, retrofit: Retrofit) -> tuple[int, int]:
        """How many blocks are refurbished, of how many in scope."""
        scope = self.in_scope(retrofit)
        units = self.units.to_numpy()
        if retrofit.idle or not scope.any():
            return 0, len(np.unique(units[scope].astype(str)))
        chosen = scope & (envelope_retrofit.retrofit_order(self.case, scope) < retrofit.share)
        return len(np.unique(units[chosen].astype(str))), len(np.unique(units[scope].astype(str)))

    def variant(self, retrofit: Retrofit) -> energy.Case:
        """The case with the retrofit."""
        if retrofit.idle:
            return self.case
        return envelope_retrofit.apply(
            self.case,
            components=retrofit.components,
            standard=retrofit.standard,
            buildings=None if retrofit.units is None else self.annual.index[self.in_scope(retrofit)],
            share=retrofit.share,
        )

    def run(self, retrofit: Retrofit) -> Run:
        """The district with the retrofit; what it changes is simulated anew. Safe in another thread."""
        start = time.perf_counter()
        annual = (
            self.annual
            if retrofit.idle
            else energy.annual(self.variant(retrofit), since=(self.case, self._baseline))
        )
        took = 1000 * (time.perf_counter() - start)
        return Run(retrofit, self._shown(annual), took)

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
    _past: list[Retrofit] = field(default_factory=list)
    _future: list[Retrofit] = field(default_factory=list)
    _settled: Retrofit = field(default_factory=Retrofit)

    def __post_init__(self) -> None:
        self.run = Run(Retrofit(), self.twin.annual, 0.0)

    @property
    def retrofit(self) -> Retrofit:
        return self.run.retrofit

    def show(self, run: Run) -> None:
        """Take over the results of a retrofit; colours and figures follow."""
        self.second = self.second if run.retrofit == self.retrofit else None
        self.run = run

    def deepen(self, before: SecondStage, now: SecondStage) -> None:
        """Take over what follows later from the state before any measure and from what is shown."""
        self.second_before, self.second = before, now

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

    def settle(self, retrofit: Retrofit) -> None:
        """Note that a slider was let go, as one step for undo."""
        if retrofit != self._settled:
            self._past.append(self._settled)
            self._future.clear()
            self._settled = retrofit

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> Retrofit:
        """The retrofit of the step before; the same where there is none."""
        if self._past:
            self._future.append(self._settled)
            self._settled = self._past.pop()
        return self._settled

    def redo(self) -> Retrofit:
        """The retrofit of the step that was undone last; the same where there is none."""
        if self._future:
            self._past.append(self._settled)
            self._settled = self._future.pop()
        return self._settled

    def select(self, building_id: str | None, level: Level | None = None) -> None:
        """Select a building or its block; None, or an id that does not exist, selects nothing."""
        if building_id is None or building_id not in self.twin.annual.index:
            self.selection = None
            return
        wanted = level or (self.selection.level if self.selection else "block")
        self.selection = Selection(building_id, wanted)

    @property
    def unit(self) -> str | None:
        """The block (or building without block) of the selection."""
        return None if self.selection is None else str(self.twin.units[self.selection.building_id])

    @property
    def selected_ids(self) -> list[str]:
        """Ids of the selected buildings."""
        if self.selection is None:
            return []
        if self.selection.level == "building":
            return [self.selection.building_id]
        return list(self.twin.units.index[self.twin.units == self.unit])

    @property
    def selected_rows(self) -> list[int]:
        """Rows of the selected buildings, which is how the scene counts them."""
        return [int(row) for row in self.twin.annual.index.get_indexer(pd.Index(self.selected_ids))]

    def view(self) -> View:
        """What layers look at."""
        return replace(
            self.twin.view(self.after, self.language),
            baseline=self.before,
            second=self.second,
            second_before=self.second_before,
        )

    def layer(self) -> Layer:
        """The layer that colours the buildings."""
        return LAYERS[self.colour](self.view())

    def kpis(self) -> list[Kpi]:
        """The district's year before and after."""
        before, after = self.before, self.after
        return [
            Kpi(name, digits, float(before[column].sum() * factor), float(after[column].sum() * factor))
            for name, column, factor, digits in KPIS
        ]

    def monthly(self, ids: Sequence[str], quantity: str = "heating_need_kwh") -> NDArray[np.float64]:
        """A result of the buildings `ids` together by month, shape (2, 12): before and after. [kWh or kg]"""
        cases = [self.twin.case, self.twin.variant(self.retrofit)]
        if self.network_counts and quantity == "co2_kg":
            stages = (self.second_before, self.second)
            cases = [stage.network.counted for stage in stages if stage and stage.network]
        if self.retrofit.idle:
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

    def retrofit_with(self, **changes: object) -> Retrofit:
        """The retrofit shown with some settings changed; values out of range are brought into it."""
        wanted = replace(self.retrofit, **changes)  # type: ignore[arg-type]
        return replace(
            wanted,
            share=float(np.clip(np.nan_to_num(wanted.share), 0, 1)),
            components=tuple(c for c in COMPONENTS if c in wanted.components),
            standard=wanted.standard if wanted.standard in STANDARDS else STANDARDS[0],
        )


def _monthly(case: energy.Case, ids: Sequence[str], quantity: str) -> NDArray[np.float64]:
    results = energy.simulate(case, outputs=[quantity], resolution="month", buildings=list(ids))
    sums = results[quantity].groupby("time.month").sum().sum("building_id")
    return np.asarray(sums.to_numpy(), float)
