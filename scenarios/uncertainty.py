"""How sure the figures of scenarios are: the same draws of uncertain inputs go through all of them.

Inputs are rows of assets/parameters/uncertainties.csv. A draw is one standard normal number per input, shared
by all buildings, and noise of each building's own. Because all scenarios see the same draws (common random
numbers), the spread of a difference is that of the difference, not of two independent years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from scipy.stats import qmc

from energy import Case, simulate
from energy.parameters import Parameters
from energy.spreads import SOURCE_OF, spreads
from scenarios import costs
from scenarios.outcome import Stage, bought_items, pathway, stages
from scenarios.scenario import Scenario
from twin.errors import CallError

Array = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]
QUANTITIES = {
    "envelope": (
        "u_wall_w_m2k", "u_roof_w_m2k", "u_floor_w_m2k", "u_window_w_m2k", "u_door_w_m2k", "g_window",
        "delta_u_thermal_bridge_w_m2k", "b_roof", "b_floor", "heat_capacity_wh_m2k",
    ),
    "air_change": ("infiltration_1_h", "ventilation_1_h", "ventilation_off_1_h"),
    "areas": (
        "wall_area_m2", "roof_area_m2", "floor_area_m2", "window_area_m2", "door_area_m2", "a_use_m2",
    ),
    "people": ("setpoint_offset_k", "gains_factor", "hot_water_factor"),
}  # fmt: skip
INPUT_OF = {quantity: name for name, quantities in QUANTITIES.items() for quantity in quantities}
_SIGNED = ("setpoint_offset_k",)
_OUTPUTS = ("heating_need_kwh", "delivered_kwh", "feed_in_revenue_eur")
QUANTILES = (0.05, 0.5, 0.95)
_HIGH_Z = 1.6448536  # of the 95 % that low_eur and high_eur stand for


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
    sd = spreads(case.envelope, case.parameters)
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


def _drawn(value: Array, sd: Array, z: Array, *, signed: bool) -> Array:
    if signed:
        return np.asarray(value + sd * z)
    relative = np.divide(sd, value, out=np.zeros_like(value), where=value > 0)
    sigma = np.sqrt(np.log1p(relative**2))
    return np.asarray(value * np.exp(sigma * z - sigma**2 / 2))  # the mean stays


@dataclass(frozen=True, eq=False)
class Bands:
    """Indicators of each scenario in each draw.

    values : index (scenario, draw), columns heating_need_kwh, delivered_kwh, co2_kg, energy_cost_eur (of a
        year), net_present_cost_eur, co2_horizon_kg; the first scenario is the base.
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
        """5, 50 and 95 % of each figure; index (scenario, quantile)."""
        table = self.changes if changes else self.values
        found: pd.DataFrame = table.groupby(level="scenario", sort=False).quantile(np.array(QUANTILES))
        return found.rename_axis(["scenario", "quantile"])

    def probability(self, better: str, worse: str, figure: str) -> float:
        """Share of the draws in which `figure` is lower in the scenario `better` than in `worse`."""
        one, other = (self.values.xs(name, level="scenario")[figure] for name in (better, worse))
        return float((one < other).mean())


def bands(
    scenarios: Sequence[Scenario],
    case: Case,
    *,
    count: int = 16,
    seed: int = 1,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Bands | None:
    """Run each draw through all scenarios; None if it was cancelled in between.

    The case before the measures is drawn, not what measures decide: they act on the figures as known, and the
    draw then spreads the result, by the sources of its figures.

    Raises
    ------
    CallError : no scenario, fewer than two draws, or as `Scenario.apply` says.
    """
    if not scenarios:
        raise CallError("there is no scenario", "uncertainty")
    drawn = draws(case.parameters, count, seed)
    ready = [(s, stages(s, case), bought_items(s, case)) for s in scenarios]
    rows = {}
    for number in range(len(drawn)):
        for scenario, states, items in ready:
            if cancelled():
                return None
            if progress is not None:
                progress(scenario.name, number / len(drawn))
            rows[scenario.name, number] = one(case, states, items, drawn, number)
    values = pd.DataFrame.from_dict(rows, orient="index")
    values.index = pd.MultiIndex.from_tuples(list(rows), names=["scenario", "draw"])
    return Bands(values, pd.DataFrame(drawn.z, columns=list(drawn.inputs)).rename_axis("draw"))


def one(
    case: Case, states: Sequence[Stage], items: pd.DataFrame, drawn: Draws, number: int
) -> dict[str, float]:
    """The district's figures of a scenario in one draw, as `Bands.values`."""
    z = drawn.of(number)
    parameters = _weights(case.parameters, z)
    energies, need = [], 0.0
    for state in states:
        there = perturbed(state.case, z, drawn.seed * 100_003 + number).replace(
            parameters=state.case.parameters
        )
        found = simulate(there, resolution="year", outputs=list(_OUTPUTS))
        delivered = found["delivered_kwh"].astype("float64").sum(("building_id", "time")).to_series()
        need = float(found["heating_need_kwh"].astype("float64").sum())
        energies.append((delivered, float(found["feed_in_revenue_eur"].astype("float64").sum())))
    weighed = [Stage(s.first_year, s.case.replace(parameters=parameters)) for s in states]
    years = pathway(weighed, energies, case)
    start = case.parameters.year
    now = costs.over_years(energies[-1][0], parameters, range(start, start + 1)).iloc[0]
    paid = items.assign(
        investment_eur=items["investment_eur"] * _dearer(items, case.parameters, z["unit_costs"])
    )
    return {
        "heating_need_kwh": need,
        "delivered_kwh": float(energies[-1][0].sum()),
        "co2_kg": float(now["co2_kg"]),
        "energy_cost_eur": float(now["energy_cost_eur"]) - energies[-1][1],
        "net_present_cost_eur": costs.net_present_cost(paid, years["energy_cost_eur"], parameters, start),
        "co2_horizon_kg": float(years["co2_kg"].sum()),
    }


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


def _dearer(items: pd.DataFrame, parameters: Parameters, z: float) -> Array:
    """Ratio of the drawn to the expected cost of each item: low_eur at 5 %, high_eur at 95 %."""
    prices = parameters.measure_costs.loc[items["item"]]
    middle = prices["unit_cost_eur"].to_numpy("float64")
    end = prices["high_eur" if z > 0 else "low_eur"].to_numpy("float64")
    return np.asarray(np.maximum(1 + (end / middle - 1) * abs(z) / _HIGH_Z, 0.1))
