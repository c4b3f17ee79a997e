"""How sure the figures of scenarios are: the same draws of uncertain inputs go through all of them.

Inputs are rows of assets/parameters/uncertainties.csv. A draw is one standard normal number per input, shared
by all buildings, and noise of each building's own. Because all scenarios see the same draws (common random
numbers), the spread of a difference is that of the difference, not of two independent years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from energy import Case
from energy.parameters import Parameters
from energy.simulate import bins_of, chain
from energy.spreads import SOURCE_OF, spreads
from scenarios import costs, heat_network
from scenarios.drawn import cost_ratio
from scenarios.drawn_columns import INPUT_OF, Spread, draw_columns, spread_of
from scenarios.heat_network import HeatNetwork
from scenarios.outcome import (
    Outcome,
    Stage,
    bought_items,
    heat_of_homes_eur,
    living_area_m2,
    pathway,
    stages,
    weighed,
)  # fmt: skip
from scenarios.scenario import Scenario
from twin.compute import Same
from twin.errors import CallError

Array = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
_SIGNED = ("setpoint_offset_k",)
_SUMS = (
    "heating_need_kwh", "hot_water_need_kwh", "electricity_use_kwh", "pv_generation_kwh", "grid_import_kwh",
    "grid_export_kwh", "feed_in_revenue_eur",
)  # fmt: skip
_OUTPUTS = (*_SUMS, "heating_delivered_kwh", "delivered_kwh")
QUANTILES = (0.05, 0.5, 0.95)
ONE = (
    "heating_need_kwh", "delivered_kwh", "co2_kg", "energy_cost_eur", "net_present_cost_eur",
    "co2_horizon_kg",
)  # fmt: skip
NETWORK_FIGURES = heat_network.YEAR_COLUMNS[1:]
_SAME = 1e-6  # of a figure: closer draws differ by rounding alone


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws of the uncertain inputs.

    z : standard normal, shape (draw, input).  inputs : names of its columns.  seed : of the buildings' noise.
    """

    z: Array
    inputs: tuple[str, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.z)

    def of(self, number: int) -> dict[str, float]:
        """The draw `number` by input."""
        return dict(zip(self.inputs, self.z[number].tolist(), strict=True))


def draws(parameters: Parameters, count: int, seed: int = 1) -> Draws:
    """`count` draws by Latin hypercube, so that few of them cover each input evenly.

    Raises
    ------
    CallError : fewer than two.
    """
    if count < 2:
        raise CallError(f"{count} draw(s) give no band", "uncertainty", "Use 2 or more")
    inputs = tuple(str(name) for name in parameters.uncertainties.index)
    even = qmc.LatinHypercube(len(inputs), rng=np.random.default_rng(seed)).random(count)
    return Draws(ndtri(np.clip(even, 1e-9, 1 - 1e-9)), inputs, seed)


def perturbed(case: Case, z: dict[str, float], seed: int) -> Case:
    """The case with its envelope and weather as one draw has them.

    Figures that cannot be negative are drawn lognormally with the relative standard deviation of the table
    spreads; the set-point normally. `seed` gives each building its own noise, the same in every scenario.

    A year warmer by some kelvin counts as set-points lower by as much: the zone's equations are linear in the
    difference. What outdoor temperature does to heat pumps beyond that is left out.
    """
    envelope, table = case.envelope.copy(), case.parameters.uncertainties
    sd = _spreads(Same(case.envelope), case.parameters)
    noise = np.random.default_rng(seed)
    shared, wide = (table[column].astype("float64").to_dict() for column in ("shared_share", "spread"))
    for quantity in SOURCE_OF:
        name = INPUT_OF[quantity]
        own = noise.standard_normal(len(envelope))
        drawn = np.sqrt(shared[name]) * z[name] + np.sqrt(1 - shared[name]) * own
        value = envelope[quantity].to_numpy("float64")
        spread = sd[f"{quantity}_sd"].to_numpy("float64") * wide[name]
        envelope[quantity] = _drawn(value, spread, drawn, signed=quantity in _SIGNED)
    envelope["b_roof"] = envelope["b_roof"].clip(upper=1.0)
    envelope["b_floor"] = envelope["b_floor"].clip(upper=1.0)
    envelope["g_window"] = envelope["g_window"].clip(upper=0.95)
    envelope["setpoint_offset_k"] -= z["weather"] * wide["weather"]
    return case.replace(envelope=envelope)


@lru_cache(maxsize=8)
def _spreads(envelope: Same[pd.DataFrame], parameters: Parameters) -> pd.DataFrame:
    """Kept: the same for all draws of a case."""
    return spreads(envelope.it, parameters)


def _drawn(value: Array, sd: Array, z: Array, *, signed: bool) -> Array:
    if signed:
        return np.asarray(value + sd * z)
    relative = np.divide(sd, value, out=np.zeros_like(value), where=value > 0)
    sigma = np.sqrt(np.log1p(relative**2))
    return np.asarray(value * np.exp(sigma * z - sigma**2 / 2))  # the mean stays


def of_scenario(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of a scenario in a table whose index begins with the level scenario."""
    mine: pd.DataFrame = table[table.index.get_level_values("scenario") == name]
    return mine.droplevel("scenario")


@dataclass(frozen=True, eq=False)
class Bands:
    """Indicators of each scenario in each draw.

    values : index (scenario, draw), columns as in `compare.INDICATORS` of a year's sums, net_present_cost_eur
        and co2_horizon_kg, with `NETWORK_FIGURES` and network_surplus_eur where the network is simulated; the
        first scenario is the base.
    z : the draws, index draw, one column per input.
    """

    values: pd.DataFrame
    z: pd.DataFrame

    @cached_property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(self.values.index.get_level_values("scenario")))

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Each scenario less the base, draw by draw, with the abatement cost; index (scenario, draw)."""
        base: pd.DataFrame = self.values.loc[self.scenarios[0]]  # type: ignore[assignment]
        parts = {}
        for name in self.scenarios[1:]:
            change: pd.DataFrame = self.values.loc[name] - base
            pairs = change[["net_present_cost_eur", "co2_horizon_kg"]].to_numpy("float64")
            abated = [costs.abatement_cost(cost, -more) for cost, more in pairs.tolist()]
            parts[name] = change.assign(abatement_cost_eur_t=abated)
        return pd.concat(parts, names=["scenario"]) if parts else self.values.iloc[:0]

    def quantiles(self, changes: bool = False) -> pd.DataFrame:
        """5, 50 and 95 % of each figure; index (scenario, quantile).

        The abatement cost has a band only where every draw saves CO2: without saving there is none, and the
        other draws alone would look too good. `saving_share` says how many do. A figure that no input moves
        (`unmoved`) has none: that it is not drawn does not make it sure.
        """
        table = self.changes if changes else self.values
        groups = table.groupby(level="scenario", sort=False)
        found: pd.DataFrame = groups.quantile(np.array(QUANTILES)).rename_axis(["scenario", "quantile"])
        if "abatement_cost_eur_t" in found:
            every = groups["abatement_cost_eur_t"].apply(lambda column: bool(column.notna().all()))
            found.loc[
                ~every.reindex(found.index, level="scenario").to_numpy(bool), "abatement_cost_eur_t"
            ] = np.nan
        return found.mask(self._still(table).reindex(found.index, level="scenario"))

    def unmoved(self, scenario: str) -> list[str]:
        """Figures whose change by a scenario is the same in all draws, and not nothing."""
        still = self._still_changes.loc[scenario]
        return [str(name) for name in still.index[still.to_numpy(bool)]]

    @cached_property
    def _still_changes(self) -> pd.DataFrame:
        return self._still(self.changes)

    @staticmethod
    def _still(table: pd.DataFrame) -> pd.DataFrame:
        """Whether a figure is the same in all draws and not 0; index scenario."""
        groups = table.groupby(level="scenario", sort=False)
        low, high = groups.min(), groups.max()
        return ((high - low) <= _SAME * high.abs()) & (high != 0)

    def saving_share(self, scenario: str) -> float:
        """Share of the draws in which the scenario saves CO2 over the horizon."""
        return self.probability(scenario, self.scenarios[0], "co2_horizon_kg")

    def probability(self, better: str, worse: str, figure: str) -> float:
        """Share of the draws in which `figure` is lower in the scenario `better` than in `worse`."""
        one, other = (self.values.xs(name, level="scenario")[figure] for name in (better, worse))
        return float((one < other).mean())

    def apart(self, one: str, other: str) -> pd.DataFrame:
        """Two scenarios directly, draw by draw: index figure, columns q05, q50, q95 of `one` less `other` and
        p_lower, p_higher: the shares of draws in which it is lower or higher; the rest are equal."""
        change = of_scenario(self.values, one) - of_scenario(self.values, other)
        table = change.quantile(np.array(QUANTILES)).T.set_axis(["q05", "q50", "q95"], axis=1)
        return table.assign(p_lower=(change < 0).mean(), p_higher=(change > 0).mean()).rename_axis("figure")


@dataclass(frozen=True, eq=False)
class Runs:
    """A scenario ready to be drawn.

    networks : the heat network's year in each of `states`; empty where it is not simulated.
    """

    name: str
    states: tuple[Stage, ...]
    items: pd.DataFrame
    networks: tuple[HeatNetwork, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome) -> Runs:
        """Of an outcome, with its networks."""
        plain = outcome.without_network()
        return cls(outcome.name, plain.stages, plain.items, outcome.networks)


def bands(
    scenarios: Sequence[Scenario],
    case: Case,
    *,
    count: int = 16,
    seed: int = 1,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Bands | None:
    """Run each draw through all scenarios, stage 1; None if it was cancelled in between.

    The case before the measures is drawn, not what measures decide: they act on the figures as known, and the
    draw then spreads the result, by the sources of its figures.

    Raises
    ------
    CallError : no scenario, fewer than two draws, or as `Scenario.apply` says.
    """
    ready = [Runs(s.name, tuple(stages(s, case)), bought_items(s, case)) for s in scenarios]
    return bands_of(ready, case, count=count, seed=seed, progress=progress, cancelled=cancelled)


def bands_of(
    runs: Sequence[Runs],
    case: Case,
    *,
    count: int = 16,
    seed: int = 1,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Bands | None:
    """As `bands`, of scenarios whose networks may be simulated; the first is the base.

    Raises
    ------
    CallError : no scenario, or fewer than two draws.
    """
    if not runs:
        raise CallError("there is no scenario", "uncertainty")
    drawn = draws(case.parameters, count, seed)
    rows = {}
    for number in range(len(drawn)):
        base: Drawn | None = None
        for run in runs:
            if cancelled():
                return None
            if progress is not None:
                progress(run.name, number / len(drawn))
            z = drawn.of(number)
            years = energies(run.states, z, noise_of(drawn.seed, number))
            rows[run.name, number], mine = figures(case, run, years, z, base)
            base = base or mine
    values = pd.DataFrame.from_dict(rows, orient="index")
    values.index = pd.MultiIndex.from_tuples(list(rows), names=["scenario", "draw"])
    return Bands(values, pd.DataFrame(drawn.z, columns=list(drawn.inputs)).rename_axis("draw"))


def one(
    case: Case, states: Sequence[Stage], items: pd.DataFrame, drawn: Draws, number: int
) -> dict[str, float]:
    """The `ONE` figures of a scenario in one draw, as in `Bands.values`, stage 1."""
    z = drawn.of(number)
    years = energies(states, z, noise_of(drawn.seed, number))
    found = figures(case, Runs("", tuple(states), items), years, z)[0]
    net_cost = found["energy_cost_eur"] - found["feed_in_revenue_eur"]
    return {**{name: found[name] for name in ONE}, "energy_cost_eur": net_cost}


def noise_of(seed: int, number: int) -> int:
    """Seed of the buildings' own noise in a draw."""
    return seed * 100_003 + number


@dataclass(frozen=True, eq=False)
class Energies:
    """A state's year in a draw: sums of the district's outputs, energy by carrier, heat of each building.

    sums : by name of output.  delivered, heat : index carrier and building_id. [kWh]
    """

    sums: dict[str, float]
    delivered: pd.Series
    heat: pd.Series

    @property
    def path(self) -> tuple[pd.Series, float]:
        """As `pathway` takes it."""
        return self.delivered, self.sums["feed_in_revenue_eur"]


def energies(states: Sequence[Stage], z: dict[str, float], noise: int) -> list[Energies]:
    """The simulated year of each state in a draw.

    noise : seed of the buildings' own noise.
    """
    found = []
    for state in states:
        case, year = state.case, bins_of(state.case.weather, "year")
        drawn = draw_columns(case, spread_kept(Same(case)), z, noise)
        rows = np.arange(len(drawn), dtype=np.intp)
        values = chain(case, rows, year, _OUTPUTS, buildings=drawn)
        sums = {name: float(values[name].sum(dtype="float64")) for name in _SUMS}
        carriers = pd.Index(case.parameters.carriers.index, name="carrier")
        delivered = pd.Series(values["delivered_kwh"].sum(axis=(1, 2), dtype="float64"), index=carriers)
        heat = values["heating_delivered_kwh"].sum(axis=1, dtype="float64")
        found.append(Energies(sums, delivered, pd.Series(heat, index=case.envelope.index)))
    return found


@lru_cache(maxsize=8)
def spread_kept(case: Same[Case]) -> Spread:
    """Kept: the same for all draws of a state."""
    return spread_of(case.it)


def figures(
    case: Case, run: Runs, found: Sequence[Energies], z: dict[str, float], base: Drawn | None = None
) -> tuple[dict[str, float], Drawn]:
    """A scenario's figures in one draw, as `Bands.values`, from its simulated years; and what is held
    against the next ones if it is the base.

    base : of the base in the same draw; without it the scenario is the base.
    """
    networks = [_network(n, e, z, case.parameters) for n, e in zip(run.networks, found, strict=False)]
    states = [
        Stage(s.first_year, s.case.replace(parameters=_weights(s.case.parameters, z))) for s in run.states
    ]
    if networks:
        pairs = zip(states, networks, strict=True)
        states = [Stage(s.first_year, heat_network.counted(s.case, n)) for s, n in pairs]
    years = pathway(states, [e.path for e in found], case, networks)
    before = years if base is None else base.years
    start, last = case.parameters.year, found[-1]
    # What is reported of one year is the state after all measures, in the year of evaluation.
    one_year = range(start, start + 1)
    now = weighed(states[-1], last.path, networks[-1] if networks else None, one_year).iloc[0]
    surplus = pd.Series(0.0, index=years.index)
    if networks:
        surplus = heat_network.surplus(years, before)
    paid = at_drawn_costs(run.items, case.parameters, z["unit_costs"])
    homes = heat_of_homes_eur(states[-1].case, last.heat, case)
    drawn = Drawn(years, homes)
    sums = last.sums
    used = max(sums["pv_generation_kwh"] - sums["grid_export_kwh"], 0.0)
    values = {
        **{name: sums[name] for name in ("heating_need_kwh", "hot_water_need_kwh", "electricity_use_kwh")},
        "delivered_kwh": float(last.delivered.sum()),
        "primary_energy_kwh": float(now["primary_energy_kwh"]),
        "co2_kg": float(now["co2_kg"]),
        "energy_cost_eur": float(now["energy_cost_eur"]) + sums["feed_in_revenue_eur"],
        "feed_in_revenue_eur": sums["feed_in_revenue_eur"],
        "pv_generation_kwh": sums["pv_generation_kwh"],
        "self_consumption": _share(used, sums["pv_generation_kwh"]),
        "autarky": _share(used, used + sums["grid_import_kwh"]),
        **{name: float(paid[name].sum()) for name in ("investment_eur", "subsidy_eur")},
        "running_cost_eur": float(now["energy_cost_eur"] + paid[list(costs.YEARLY)].to_numpy().sum()),
        "rain_kept_m3": float(paid["rain_kept_m3"].sum()),
        "warm_rent_change_eur_m2_month": _rent(paid, case, homes - (homes if base is None else base.homes)),
        "net_present_cost_eur": costs.net_present_cost(
            paid, years["energy_cost_eur"] + surplus, case.parameters, start
        ),
        "co2_horizon_kg": float(years["co2_kg"].sum()),
    }
    if networks:
        of_base = networks[-1] if base is None or base.network is None else base.network
        more = _surplus_now(networks[-1], of_base, states[-1].case.parameters, one_year)
        values["running_cost_eur"] += more
        values |= {name: float(now[name]) for name in NETWORK_FIGURES}
        values["network_surplus_eur"] = more
        drawn = Drawn(years, homes, networks[-1])
    return values, drawn


@dataclass(frozen=True, eq=False)
class Drawn:
    """Of the base in a draw, what its scenarios are held against: years, heat cost of homes [€], network."""

    years: pd.DataFrame
    homes: float
    network: HeatNetwork | None = None


def _surplus_now(network: HeatNetwork, base: HeatNetwork, parameters: Parameters, one_year: range) -> float:
    now, before = (heat_network.over_years(n, parameters, one_year) for n in (network, base))
    return float(heat_network.surplus(now, before).iloc[0])


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def at_drawn_costs(items: pd.DataFrame, parameters: Parameters, z: float) -> pd.DataFrame:
    """What is bought (`costs.ITEM_COLUMNS`) at drawn costs; subsidies and upkeep follow, fees do not.

    z : of the input unit_costs, standard normal.
    """
    dearer = cost_ratio(pd.Index(items["item"]), parameters, z)
    return items.assign(**{name: items[name] * dearer for name in costs.PRICED})


def _rent(paid: pd.DataFrame, case: Case, more_heat_eur: float) -> float:
    """Change of the district's mean warm rent, as `compare` has it. [€/(m² month)]"""
    area = living_area_m2(case)
    whole = float(area.sum())
    if whole <= 0:
        return float("nan")
    levy = float((costs.rent_levy(paid, area, case.parameters) * area).sum())
    return (levy + more_heat_eur / 12) / whole


def _network(known: HeatNetwork, found: Energies, z: dict[str, float], parameters: Parameters) -> HeatNetwork:
    """A network's year in a draw, from the one that was simulated with the figures as known.

    Losses depend on temperatures, hardly on the heat: they spread as their input says. Pumping follows the
    heat that is drawn, and as large a share of it arrives.
    """
    spread = parameters.uncertainties["spread"].astype("float64").to_dict()["network_losses"]
    sigma = np.sqrt(np.log1p(spread**2))
    lost = known.loss_kwh * float(np.exp(sigma * z["network_losses"] - sigma**2 / 2))
    asked = known.heat_kwh + float(known.stations["unserved_kwh"].sum())
    arrives = known.heat_kwh / asked if asked > 0 else 1.0
    heat = float(found.delivered.to_dict()[heat_network.CARRIER]) * arrives
    ratio = heat / known.heat_kwh if known.heat_kwh > 0 else 0.0
    return HeatNetwork(heat, heat + lost, lost, known.pump_kwh * ratio, known.stations, known.notes)


def _weights(parameters: Parameters, z: dict[str, float]) -> Parameters:
    """Prices and CO2 factors as a draw has them, the same along their paths."""
    spread = parameters.uncertainties["spread"].astype("float64").to_dict()
    carriers = parameters.carriers.copy()
    power = carriers.index == "electricity"
    for column, kind in (("price_eur_kwh", "price"), ("co2_kg_kwh", "co2"), ("co2_feed_in_kg_kwh", "co2")):
        for rows, of in ((power, "electricity"), (~power, "heat")):
            sigma = np.sqrt(np.log1p(spread[f"{kind}_{of}"] ** 2))
            carriers.loc[rows, column] *= np.exp(sigma * z[f"{kind}_{of}"] - sigma**2 / 2)
    return parameters.replace(carriers=carriers)
