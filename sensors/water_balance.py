"""Water balance of reference areas: a cascade of soil layers, day by day, all areas at once.

A day's rain, less what the crown keeps back and what falls on sealed ground, enters the top layer; what is
above field capacity drains in part into the next layer; roots take Kc · ET0, shared out by their profile and
reduced where a layer is dry, by the stress coefficient of FAO-56 (equation 84). What no layer holds runs off
at the top or leaves below. Figures: assets/sensors/green_care.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sensors.figures import figure
from sensors.soil import Retention

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReferenceArea:
    """Tree sites of one kind that a set of probes stands for.

    texture : of the soil, as in assets/sensors/soils.csv.  depths_cm : of the probes, from above.
    crown_diameter_m, age_years : of its typical tree; nan: not known.
    sealed_share : part of the root area that rain does not reach. [-]
    trees : ids of the trees.  estimates : which of these figures are estimates.
    """

    key: str
    name: str
    texture: str = "loam"
    depths_cm: tuple[float, ...] = (30.0, 60.0, 90.0)
    crown_diameter_m: float = float("nan")
    age_years: float = float("nan")
    sealed_share: float = 0.0
    trees: tuple[str, ...] = ()
    longitude: float = float("nan")
    latitude: float = float("nan")
    street: str | None = None
    estimates: tuple[str, ...] = ()

    @property
    def young(self) -> bool:
        """Whether its trees still depend on watering: by age, by the crown where no age is known."""
        if np.isfinite(self.age_years):
            return self.age_years <= figure("young_up_to_years")
        return self.crown_diameter_m <= figure("young_crown_m")

    @property
    def root_depth_cm(self) -> float:
        return figure("root_depth_young_cm" if self.young else "root_depth_mature_cm")

    @property
    def root_area_m2(self) -> float:
        """Below the crown, at least the planting pit. [m²]"""
        crown = np.pi / 4 * self.crown_diameter_m**2
        return float(np.fmax(crown, figure("root_area_least_m2")))


@dataclass(frozen=True, eq=False)
class Ground:
    """What the balance needs of all areas; shape (area, layer), or (area, 1).

    thickness_mm : of the layers.  roots : share of the roots in a layer, sum 1.
    capacity, wilting, saturated : water contents. [m³/m³]
    reached : share of the rain that reaches roots.
    """

    retention: Retention
    thickness_mm: Array
    roots: Array
    capacity: Array
    wilting: Array
    saturated: Array
    reached: Array

    @classmethod
    def of(cls, areas: Sequence[ReferenceArea]) -> Ground:
        """Areas with fewer probes than others have layers without thickness and roots below."""
        count = max(len(area.depths_cm) for area in areas)
        thickness, roots = np.zeros((len(areas), count)), np.zeros((len(areas), count))
        for row, area in enumerate(areas):
            edges = layer_edges_cm(area.depths_cm)
            thickness[row, : len(edges) - 1] = 10 * np.diff(edges)
            roots[row, : len(edges) - 1] = root_shares(edges, area.root_depth_cm)
        curve = Retention.of([area.texture for area in areas])
        return cls(
            curve, thickness, roots,
            curve.water_content(figure("field_capacity_pf")), curve.water_content(figure("wilting_point_pf")),
            np.asarray(curve.theta_s), 1 - np.array([[area.sealed_share] for area in areas]),
        )  # fmt: skip

    def main_layer(self) -> npt.NDArray[np.intp]:
        """The layer with most roots, which speaks for the area; shape (area,)."""
        return np.asarray(self.roots.argmax(axis=1))


@dataclass(frozen=True, eq=False)
class Course:
    """Water contents at the ends of days, and the day's flows.

    water_content : shape (area, layer, day). [m³/m³]
    evapotranspiration, drained, ran_off : shape (area, day). [mm]
    """

    water_content: Array
    evapotranspiration: Array
    drained: Array
    ran_off: Array


def layer_edges_cm(depths_cm: Sequence[float]) -> Array:
    """Edges of the layers that probes at these depths stand for: halfway, from the surface on. [cm]"""
    depths = np.asarray(depths_cm, "float64")
    if len(depths) == 1:
        return np.array([0.0, 2 * depths[0]])
    between = (depths[1:] + depths[:-1]) / 2
    return np.array([0.0, *between, 2 * depths[-1] - between[-1]])


def root_shares(edges_cm: Array, depth_cm: float) -> Array:
    """Share of the roots in layers, 1 − β^d down to `depth_cm` (Jackson et al. 1996); sum 1. [-]"""
    beta = figure("root_beta")
    shares = np.diff(1 - beta ** np.minimum(edges_cm, depth_cm))
    return np.asarray(shares / shares.sum())


def crop_coefficient(day_of_year: Array) -> Array:
    """Kc of deciduous trees over the year: bare, leafing, full, colouring, bare; FAO-56, Table 12. [-]"""
    days = [figure(name) for name in ("leaf_out_start_day", "leaf_out_end_day",
                                      "leaf_fall_start_day", "leaf_fall_end_day")]  # fmt: skip
    first, full, end = figure("kc_initial"), figure("kc_mid"), figure("kc_end")
    bare = days[3] + 20
    return np.interp(day_of_year, [*days, bare], [first, full, full, end, first])


def leaves(day_of_year: Array) -> Array:
    """How full the crown is, 0 to 1, from the crop coefficient."""
    low, high = figure("kc_initial"), figure("kc_mid")
    return np.clip((crop_coefficient(day_of_year) - low) / (high - low), 0.0, 1.0)


def run(ground: Ground, start: Array, days: pd.DatetimeIndex, rain_mm: Array, et0_mm: Array) -> Course:
    """The balance of days from a start.

    Parameters
    ----------
    start : water contents, shape (area, layer). [m³/m³]
    rain_mm, et0_mm : of the days; shape (day,).
    """
    day = days.dayofyear.to_numpy("float64")
    demand = crop_coefficient(day) * np.asarray(et0_mm)
    net = np.maximum(np.asarray(rain_mm) - figure("interception_mm") * leaves(day), 0.0)
    return _march(ground, start, net, demand)


def _march(ground: Ground, start: Array, net_rain: Array, demand: Array) -> Course:
    areas, layers = ground.thickness_mm.shape
    thickness = np.maximum(ground.thickness_mm, 1e-9)
    held = np.array(start, "float64")
    contents = np.zeros((areas, layers, len(demand)))
    taken, drained, ran_off = (np.zeros((areas, len(demand))) for _ in range(3))
    drain, ready = figure("drainage_per_day"), (1 - figure("depletion_share"))
    capacity, wilting, full = ground.capacity[:, 0], ground.wilting[:, 0], ground.saturated[:, 0]
    for day in range(len(demand)):
        inflow = net_rain[day] * ground.reached[:, 0]
        for layer in range(layers):
            there = ground.thickness_mm[:, layer] > 0
            water = held[:, layer] * thickness[:, layer] + inflow
            too_much = np.maximum(water - full * thickness[:, layer], 0.0) * there
            if layer == 0:
                ran_off[:, day] = too_much
                water, too_much = water - too_much, 0.0
            down = np.maximum(water - too_much - capacity * thickness[:, layer], 0.0) * drain + too_much
            down = np.where(there, down, inflow)
            held[:, layer] = np.where(there, (water - down) / thickness[:, layer], held[:, layer])
            inflow = down
        drained[:, day] = inflow
        free = np.maximum(held - wilting[:, None], 0.0)
        stress = np.clip(free / (ready * (capacity - wilting)[:, None]), 0.0, 1.0)
        uptake = np.minimum(demand[day] * ground.roots * stress, free * ground.thickness_mm)
        held -= uptake / thickness
        taken[:, day] = uptake.sum(axis=1)
        contents[:, :, day] = held
    return Course(contents, taken, drained, ran_off)
