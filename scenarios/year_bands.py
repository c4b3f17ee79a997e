"""Bands of a year's change while somebody looks: the base's draws are kept, a variant's redo what it changes.

The draws are those of `scenarios.uncertainty`: the same numbers go through the base and every variant, so
that the spread of a difference is that of the difference. A building that a variant leaves as it is has the
same figures in a draw as in the base's, and is not simulated again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import Case, weighting
from energy.changes import changed_buildings
from energy.parameters import Parameters
from energy.simulate import bins_of, chain
from scenarios import uncertainty

Array = npt.NDArray[np.floating[Any]]
FIGURES = ("heating_need_kwh", "heating_delivered_kwh", "co2_kg", "energy_cost_eur")
_SUMS = ("heating_need_kwh", "heating_delivered_kwh", "grid_export_kwh", "delivered_kwh")
_HEAT, _EXPORTED = 1, 2  # columns of the amounts


@dataclass(frozen=True, eq=False)
class YearBands:
    """The district's figures of a year before and after, draw by draw, shape (draw, figure of `FIGURES`)."""

    before: Array
    after: Array

    def changes(self, figure: str) -> Array:
        """The change in each draw; what only rounding changes is 0."""
        number = FIGURES.index(figure)
        before, after = self.before[:, number], self.after[:, number]
        return np.where(np.isclose(after, before, rtol=1e-9, atol=0.0), 0.0, after - before)

    def change(self, figure: str, certain: float = 0.0) -> tuple[float, float]:
        """5 and 95 % of the change; `certain` is a part of it that is the same in all draws."""
        low, high = np.quantile(self.changes(figure), (0.05, 0.95)) + certain
        return float(low), float(high)

    def probability_lower(self, figure: str, certain: float = 0.0) -> float:
        """Share of the draws in which the figure falls; `certain` as in `change`."""
        return float((self.changes(figure) + certain < 0).mean())


class BaseDraws:
    """Draws of the case before any measure, simulated once and kept: 8 bytes per draw, building and carrier.

    count : of draws; a probability is known to 1 / count.
    """

    def __init__(self, case: Case, count: int = 20, seed: int = 1) -> None:
        self.case = case
        self.drawn = uncertainty.draws(case.parameters, count, seed)
        self._known: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self.drawn)

    def prepare(self) -> Iterator[int]:
        """Simulate the base's draws that are not known, one a step."""
        for number in range(len(self)):
            if number not in self._known:
                self.base(number)
                yield number

    def base(self, number: int) -> Array:
        """Amounts of each building in a draw of the base, shape (building, amount)."""
        if number not in self._known:
            every = np.arange(len(self.case.envelope), dtype=np.intp)
            self._known[number] = _amounts(self._drawn(self.case, number), every)
        return self._known[number]

    def compare(
        self, after: Case, weights: Parameters | None = None, base_weights: Parameters | None = None
    ) -> Iterator[YearBands | None]:
        """Run the draws through a variant, one a step; the last step gives the bands, those before None.

        weights, base_weights : parameters whose CO2 factors and prices count, with simulated network losses
            for example; the cases' own without them.
        """
        mask = changed_buildings(self.case, after)
        rows = np.arange(len(self.case.envelope)) if mask is None else np.flatnonzero(mask)
        factors = _Factors.read(weights or after.parameters)
        base_factors = _Factors.read(base_weights or self.case.parameters)
        found: list[tuple[Array, Array]] = []
        for number in range(len(self)):
            base = self.base(number)
            total = base.sum(axis=0)
            changed = total
            if rows.size:
                amounts = _amounts(self._drawn(after, number), rows)
                changed = total - base[rows].sum(axis=0) + amounts.sum(axis=0)
            z = self.drawn.of(number)
            found.append((_figures(total, *base_factors.of(z)), _figures(changed, *factors.of(z))))
            if number + 1 < len(self):
                yield None
        before, then = (np.array(side) for side in zip(*found, strict=True))
        yield YearBands(before, then)

    def heat_cost_eur(self, number: int, after: Case | None = None) -> Array:
        """Cost of the heat delivered to each building in a draw, of the base or a variant, shape (building,).

        As `outcome.heat_price_eur_kwh` prices it; 0 where the carrier is not known. [€/a]
        """
        case, amounts = self.case, self.base(number)
        if after is not None:
            mask = changed_buildings(case, after)
            rows = np.arange(len(amounts)) if mask is None else np.flatnonzero(mask)
            case, amounts = after, amounts.copy()
            if rows.size:
                amounts[rows] = _amounts(self._drawn(after, number), rows)
        _, price, _ = _Factors.read(case.parameters).of(self.drawn.of(number))
        carriers = list(weighting.factors(case.parameters).carriers)
        of_carrier = dict(zip(carriers, price.tolist(), strict=True))
        carrier = case.envelope["heating"].map(case.parameters.systems["carrier"].to_dict())
        return np.asarray(amounts[:, _HEAT] * carrier.map(of_carrier).fillna(0.0).to_numpy("float64"))

    def _drawn(self, case: Case, number: int) -> Case:
        return uncertainty.perturbed(case, self.drawn.of(number), self.drawn.seed * 100_003 + number)


def _amounts(case: Case, rows: npt.NDArray[np.intp]) -> Array:
    """Heating need, heat delivered, electricity sold, and energy by carrier, shape (row, amount). [kWh]"""
    arrays = chain(case, rows, bins_of(case.weather, "month"), _SUMS)
    sums = [arrays[name].sum(axis=1, dtype="float64") for name in _SUMS[:-1]]
    carriers = arrays["delivered_kwh"].sum(axis=2, dtype="float64").T
    return np.column_stack([*sums, carriers])


@dataclass(frozen=True, eq=False)
class _Factors:
    """CO2 factors and prices by carrier, and how they follow a draw; as `uncertainty` draws them.

    co2, co2_of_loss : with no loss of the heat network, and what its simulated losses add; both scale with
        the draw. [kg/kWh]
    price, price_of_energy : the price, and the part of it that is drawn; taxes on CO2 are not. [€/kWh]
    credit : CO2 for electricity sold. [kg/kWh]
    """

    co2: Array
    co2_of_loss: Array
    price: Array
    price_of_energy: Array
    credit: float
    is_power: npt.NDArray[np.bool_]
    spread: dict[str, float]

    @classmethod
    def read(cls, parameters: Parameters) -> _Factors:
        known = weighting.factors(parameters)
        co2 = known.co2_kg_kwh
        if parameters.constant("network_simulated"):
            co2 = weighting.factors(parameters.with_constants(network_loss_share=0.0)).co2_kg_kwh
        carriers = parameters.carriers.copy()
        carriers["price_eur_kwh"] = 2 * carriers["price_eur_kwh"].astype("float64")
        dearer = weighting.factors(parameters.replace(carriers=carriers)).price_eur_kwh
        return cls(
            co2, known.co2_kg_kwh - co2, known.price_eur_kwh, dearer - known.price_eur_kwh,
            parameters.constant("export_credit") * parameters.constant("export_co2_kg_kwh"),
            np.array([name == "electricity" for name in known.carriers]),
            {str(name): float(value) for name, value in parameters.uncertainties["spread"].items()},
        )  # fmt: skip

    def of(self, z: dict[str, float]) -> tuple[Array, Array, float]:
        """CO2 factors, prices and the credit in a draw."""
        losses = self._times("network_losses", z) if "network_losses" in z else 1.0
        co2 = (self.co2 + losses * self.co2_of_loss) * self._by_carrier("co2", z)
        price = self.price + (self._by_carrier("price", z) - 1) * self.price_of_energy
        return co2, price, self.credit

    def _by_carrier(self, kind: str, z: dict[str, float]) -> Array:
        power, heat = (self._times(f"{kind}_{of}", z) for of in ("electricity", "heat"))
        return np.where(self.is_power, power, heat)

    def _times(self, name: str, z: dict[str, float]) -> float:
        """Ratio of the drawn to the expected figure, lognormal with mean 1."""
        sigma = math.sqrt(math.log1p(self.spread[name] ** 2))
        return math.exp(sigma * z[name] - sigma**2 / 2)


def _figures(amounts: Array, co2: Array, price: Array, credit: float) -> Array:
    """`FIGURES` of the district's amounts; as `energy.weighting.weighted` counts them."""
    carriers = amounts[_EXPORTED + 1 :]
    co2_kg = float(carriers @ co2) - credit * amounts[_EXPORTED]
    return np.array([amounts[0], amounts[1], co2_kg, float(carriers @ price)])
