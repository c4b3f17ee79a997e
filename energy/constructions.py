"""What components are made of: layers by series and years, fitted to each U-value; heat capacity.

The layers are estimates, as no documented build-up of the industrial series is at hand. Their resistance
always follows the building's U-value: the fitted layer takes small differences, insulation outside the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters
from twin.errors import CallError

Array = npt.NDArray[np.float64]
# Surface resistances inside and outside, ISO 6946:2017, Table 7; unheated spaces count as inside. [m²K/W]
R_INSIDE = {"wall": 0.13, "roof": 0.10, "floor": 0.17}
R_OUTSIDE = 0.04
EFFECTIVE_THICKNESS_M = 0.10  # ISO 13786:2007, Annex A: what takes part in a day's swing
INSULATION_W_MK = 0.10  # a layer that conducts less ends the effective thickness
_ADDED = "insulation_new"
_MATERIAL = ("conductivity_w_mk", "density_kg_m3", "specific_heat_j_kgk")
_SLACK = (0.2, 1.5)  # how far the fitted layer's resistance may leave its own
# Effective mass area over floor area by heat capacity, ISO 13790:2008, Table 12 (medium, heavy, very heavy).
_CLASS_WH_M2K = np.array([165.0, 260.0, 370.0]) / 3.6
_HEAVIEST_WH_M2K = 500.0  # estimate: high thin buildings (towers) have walls, but few rooms that feel them
_MASS_AREA = np.array([2.5, 3.0, 3.5])


@dataclass(frozen=True, eq=False)
class Layers:
    """One construction, from outside to inside; shape (layer,) each.

    thickness_m [m], conductivity_w_mk [W/(mK)], density_kg_m3 [kg/m³], specific_heat_j_kgk [J/(kgK)];
    fitted : layers whose conductivity follows the U-value.
    """

    thickness_m: Array
    conductivity_w_mk: Array
    density_kg_m3: Array
    specific_heat_j_kgk: Array
    fitted: npt.NDArray[np.bool_]

    @property
    def resistance_m2k_w(self) -> Array:
        """Resistance of each layer. [m²K/W]"""
        return self.thickness_m / self.conductivity_w_mk


@lru_cache(maxsize=256)
def layers(name: str, parameters: Parameters) -> Layers:
    """The construction `name` of the table constructions, as built.

    Raises
    ------
    CallError : there is no such construction.
    """
    if name not in parameters.constructions.index.get_level_values("construction"):
        raise CallError(
            f"there is no construction {name!r}", "parameters", "See assets/parameters/constructions.csv"
        )
    rows = parameters.constructions.loc[name].sort_index()
    figures = parameters.materials.loc[rows["material"], list(_MATERIAL)].to_numpy("float64")
    thickness, fitted = rows["thickness_m"].to_numpy("float64"), rows["fitted"].to_numpy(bool)
    return Layers(thickness, figures[:, 0], figures[:, 1], figures[:, 2], fitted)


def fit(built: Layers, u_value: float, component: str, parameters: Parameters) -> Layers:
    """The construction with the U-value `u_value` of a wall, roof or floor, surfaces included (ISO 6946).

    Within a fifth to one and a half times its own resistance the fitted layer takes the difference (old
    insulation, ribs, moisture); a better U-value is insulation added outside, a worse one conducts more
    everywhere. Masses stay.

    Raises
    ------
    CallError : a U-value that surface resistances alone exclude.
    """
    wanted = 1 / u_value - R_INSIDE[component] - R_OUTSIDE
    if not wanted > 0:
        raise CallError(
            f"a U-value of {u_value:g} W/(m²K) leaves no resistance to the {component}'s layers",
            "constructions",
            f"Use less than {1 / (R_INSIDE[component] + R_OUTSIDE):.1f} W/(m²K)",
        )
    resistance = built.resistance_m2k_w
    own = resistance[built.fitted].sum()
    rest = resistance.sum() - own
    if wanted - rest > _SLACK[1] * own:
        return _insulated(built, wanted - resistance.sum(), parameters)
    scale = np.ones_like(resistance)
    if wanted - rest >= _SLACK[0] * own:
        scale[built.fitted] = own / (wanted - rest)
    else:
        scale[:] = resistance.sum() / wanted
    return replace(built, conductivity_w_mk=built.conductivity_w_mk * scale)


def _insulated(built: Layers, added_m2k_w: float, parameters: Parameters) -> Layers:
    """Insulation of the resistance `added_m2k_w` on the outside. [m²K/W]"""
    figures = parameters.materials.loc[[_ADDED], list(_MATERIAL)].to_numpy("float64")[0]
    return Layers(
        np.r_[added_m2k_w * figures[0], built.thickness_m],
        np.r_[figures[0], built.conductivity_w_mk],
        np.r_[figures[1], built.density_kg_m3],
        np.r_[figures[2], built.specific_heat_j_kgk],
        np.r_[False, built.fitted],
    )


def areal_heat_capacity_wh_m2k(built: Layers, *, partition: bool = False) -> float:
    """Heat capacity that the inner side of a component gives a room, ISO 13786:2007, Annex A. [Wh/(m²K)]

    Counted from the inside up to the first of 100 mm, the first insulating layer, and the middle of the
    component where both sides are rooms (`partition`).
    """
    limit = EFFECTIVE_THICKNESS_M
    if partition:
        limit = min(limit, float(built.thickness_m.sum()) / 2)
    total = depth = 0.0
    for number in reversed(range(len(built.thickness_m))):
        if built.conductivity_w_mk[number] < INSULATION_W_MK:
            break
        used = min(float(built.thickness_m[number]), limit - depth)
        total += used * float(built.density_kg_m3[number] * built.specific_heat_j_kgk[number]) / 3600
        depth += used
        if depth >= limit - 1e-12:
            break
    return total


def mirrored(built: Layers) -> Layers:
    """The construction seen from its other side."""
    return Layers(**{field.name: getattr(built, field.name)[::-1].copy() for field in fields(Layers)})


def series_key(name: object) -> str:
    """A series' name without its variants and spellings: "WBS-70/11" and "wbs 70" are both "WBS70"."""
    if not isinstance(name, str):
        return ""
    head = re.match(r"\D*\d*", name.strip())
    return re.sub(r"[\W_]", "", head.group() if head else "").upper()


def known_series(names: pd.Series, parameters: Parameters) -> pd.Series:
    """Names of the table series that `names` mean, nan where there is none; index kept."""
    keys = {series_key(name): name for name in parameters.series.index}
    found: pd.Series = names.map(lambda name: keys.get(series_key(name), np.nan)).astype("object")
    return found


def fabric(
    series: pd.Series, year: Array, parameters: Parameters
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Name in the table fabrics of each building and its source; shape (building,) each.

    series : as in the table series, nan without.  year : of construction.
    """
    table = parameters.fabrics
    by_series = table[table["construction_series"].notna()]
    own = series.map(dict(zip(by_series["construction_series"], by_series.index, strict=True)))
    generic = table[table["construction_series"].isna()].sort_values("year_from")
    place = np.searchsorted(generic["year_from"].to_numpy("float64"), year, side="right") - 1
    by_year = generic.index.to_numpy("object")[np.clip(place, 0, len(generic) - 1)]
    known = own.notna().to_numpy()
    source = np.where(
        known, "guessed:build-up of the series (estimate)", "guessed:build-up of its years (estimate)"
    )
    return np.where(known, own.to_numpy("object"), by_year), source


@lru_cache(maxsize=8)
def areal_heat_capacities(parameters: Parameters) -> pd.DataFrame:
    """Heat capacity per area of each side that faces a room, index fabric. [Wh/(m²K)]

    Columns wall, roof_pitched, roof_flat, floor, ceiling_above, ceiling_below, inner_wall (one side each).
    """
    table = parameters.fabrics
    rows = {}
    for name, row in table.iterrows():
        part = {key: layers(str(row[key]), parameters) for key in ("ceiling", "inner_wall")}
        outer = ("wall", "roof_pitched", "roof_flat", "floor")
        rows[name] = {key: areal_heat_capacity_wh_m2k(layers(str(row[key]), parameters)) for key in outer} | {
            "ceiling_above": areal_heat_capacity_wh_m2k(part["ceiling"], partition=True),
            "ceiling_below": areal_heat_capacity_wh_m2k(mirrored(part["ceiling"]), partition=True),
            "inner_wall": areal_heat_capacity_wh_m2k(part["inner_wall"], partition=True),
        }
    return pd.DataFrame.from_dict(rows, orient="index").reindex(table.index)


def heat_capacity_wh_m2k(envelope: pd.DataFrame, parameters: Parameters) -> Array:
    """Internal heat capacity per reference floor area, ISO 13790:2008, 12.3.1; shape (building,). [Wh/(m²K)]

    Outer walls, roof, lowest floor, slabs between the storeys and inner walls by the layers of the fabric;
    furniture is left out. Per floor area that the storeys have, so that a building used in part keeps the
    mass that its rooms have. Where there is no floor area, TABULA's figure.
    """
    side = areal_heat_capacities(parameters).loc[envelope["fabric"]]
    storeys = envelope["storeys"].to_numpy("float64")
    footprint = envelope["floor_area_m2"].to_numpy("float64")
    area = parameters.constant("use_area_share") * storeys * footprint
    slabs = footprint * np.maximum(storeys - 1, 0)
    inner = parameters.fabrics.loc[envelope["fabric"], "inner_wall_m2_m2"].to_numpy("float64") * area
    roof = np.where(envelope["pitched_roof"], side["roof_pitched"], side["roof_flat"])
    total = (
        side["wall"].to_numpy() * envelope["wall_area_m2"].to_numpy("float64")
        + roof * envelope["roof_area_m2"].to_numpy("float64")
        + side["floor"].to_numpy() * footprint
        + (side["ceiling_above"] + side["ceiling_below"]).to_numpy() * slabs
        + 2 * side["inner_wall"].to_numpy() * inner
    )
    usable = area > 1.0
    known = np.minimum(total / np.where(usable, area, 1.0), _HEAVIEST_WH_M2K)
    return np.asarray(np.where(usable, known, parameters.constant("heat_capacity_wh_m2k")))


def mass_area_ratio(heat_capacity: Array) -> Array:
    """Effective mass area per floor area by heat capacity [Wh/(m²K)], ISO 13790:2008, Table 12. [-]"""
    return np.asarray(np.interp(heat_capacity, _CLASS_WH_M2K, _MASS_AREA))
