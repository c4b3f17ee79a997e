"""Fills what nobody measured: each building gets a type, and from it U-values, windows, leakage and mass.

Types are TABULA/EPISCOPE's German ones: residential buildings by year, storeys, size and industrial series;
other uses take the U-values of the apartment block of their year (an estimate, said so in the sources).
Facts of the district win; what is filled says so in the `…_source` columns.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from energy import constructions
from energy.envelope_areas import WINDOW_COLUMNS as WINDOW_COLUMNS
from energy.envelope_areas import add_areas, party_unheated_m2
from energy.envelope_check import check_envelope, check_facts
from energy.parameters import Parameters
from energy.transmittances import add_transmittances
from twin import schema
from twin.district import District
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
_HEATED = "district_heating"
_FROM_FACTS = (
    "function", "function_source", "conditioned", "conditioned_source", "a_use_m2", "a_use_source",
    "storeys", "storeys_source", "dwellings", "dwellings_source", "year_of_construction", "year_source",
)  # fmt: skip


def fill(district: District, parameters: Parameters) -> pd.DataFrame:
    """The envelope of every building, index building_id in the district's order.

    Columns: archetype, function, conditioned, a_use_m2, storeys, dwellings, year_of_construction; areas
    wall_area_m2 (opaque), roof_area_m2, floor_area_m2, door_area_m2, window_area_m2, wall_{n,ne,…,nw}_m2 and
    window_{n,ne,…,nw}_m2, party_unheated_area_m2; u_{party,wall,roof,floor,window,door}_w_m2k of the
    components themselves; r_unheated_{roof,floor}_m2k_w of an unheated space behind them; b_roof, b_floor;
    g_window; shading_device; delta_u_thermal_bridge_w_m2k; infiltration_1_h, ventilation_{,off_}1_h;
    fabric, pitched_roof, heat_capacity_wh_m2k, mass_area_ratio; setpoint_offset_k; gains_factor and
    hot_water_factor, over the use's figures; heating; refurbishment;
    and `…_source` columns ("given:…", "derived:…", "guessed:…"). How sure each is: `energy.spreads`.

    Raises
    ------
    SourceError : a building with figures that no building can have.
    """
    check_facts(district)
    buildings = district.buildings
    facts = _facts(buildings, parameters)
    code, kind_source = _archetype(buildings, facts, parameters)
    types = parameters.typology.loc[list(code)]
    envelope = pd.DataFrame(index=buildings.index)
    envelope["archetype"], envelope["archetype_source"] = code, kind_source
    for name in _FROM_FACTS:
        envelope[name] = facts[name]
    add_areas(envelope, district, facts, types, parameters)
    add_transmittances(envelope, buildings, types, parameters)
    _add_air(envelope, types, parameters)
    _add_mass(envelope, facts, parameters)
    envelope["shading_device"] = parameters.rooms.loc[envelope["function"], "shading_device"].to_numpy()
    envelope["shading_device_source"] = "guessed:use (estimate)"
    envelope["setpoint_offset_k"] = 0.0
    envelope["setpoint_offset_source"] = "guessed:as the use's set-point"
    for quantity in ("gains", "hot_water"):
        envelope[f"{quantity}_factor"] = 1.0
        envelope[f"{quantity}_source"] = "guessed:as the use"
    envelope["heating"], envelope["heating_source"] = _heating(buildings, types, parameters)
    cold = (envelope["heating"] == "none").to_numpy()
    envelope["conditioned"] &= ~cold
    envelope["conditioned_source"] = np.where(
        cold, "derived:no heating", envelope["conditioned_source"].to_numpy("object")
    )
    heated = envelope["conditioned"].to_numpy(bool)
    envelope["party_unheated_area_m2"] = party_unheated_m2(buildings, heated)
    envelope["u_party_w_m2k"] = envelope["u_wall_w_m2k"]  # its own, as measures on outer walls leave it
    check_envelope(envelope, parameters, SourceError)
    # As plain objects: a measure's copy finds a column ten times as fast as by pandas' own kind of text.
    envelope.columns = envelope.columns.astype(object)
    return envelope


def _add_air(envelope: pd.DataFrame, types: pd.DataFrame, parameters: Parameters) -> None:
    use = parameters.use.loc[envelope["function"]]
    envelope["infiltration_1_h"] = types["infiltration_1_h"].to_numpy()
    envelope["infiltration_source"] = "guessed:TABULA " + envelope["archetype"]
    envelope["ventilation_1_h"] = use["ventilation_1_h"].to_numpy()
    envelope["ventilation_off_1_h"] = use["ventilation_off_1_h"].to_numpy()
    envelope["ventilation_source"] = "guessed:use " + envelope["function"]


def _add_mass(envelope: pd.DataFrame, facts: pd.DataFrame, parameters: Parameters) -> None:
    envelope["fabric"], envelope["fabric_source"] = constructions.fabric(
        facts["series"], facts["year"].to_numpy(), parameters
    )
    capacity = constructions.heat_capacity_wh_m2k(envelope, parameters)
    envelope["heat_capacity_wh_m2k"] = capacity
    envelope["heat_capacity_source"] = "guessed:layers of " + envelope["fabric"] + " (ISO 13786)"
    envelope["mass_area_ratio"] = constructions.mass_area_ratio(capacity)


def _facts(buildings: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Use, storeys, floor area, year and dwellings of each building, guessed where the district is silent."""
    facts = pd.DataFrame(index=buildings.index)
    function = buildings["function"].astype("object").to_numpy()
    known = np.isin(function, parameters.use.index.to_numpy())
    facts["function"] = np.where(known, function, np.where(pd.isna(function), "residential", "other"))
    facts["function_source"] = _source(
        buildings["function_source"], known, "given:district", "guessed:default residential or other"
    )
    height = buildings["measured_height_m"].to_numpy()
    storeys = buildings["storeys_above_ground"].to_numpy()
    from_height = np.maximum(np.round(height / parameters.constant("storey_height_m")), 1)
    guess = np.where(np.isfinite(from_height), from_height, 2)
    facts["storeys"] = np.where(storeys > 0, storeys, guess)
    facts["storeys_source"] = _source(
        buildings["storeys_source"],
        storeys > 0,
        "given:district",
        "guessed:height over storey height, or two",
    )
    footprint = buildings["footprint_area_m2"].to_numpy()
    footprint = np.where(footprint > 0, footprint, shapely.area(buildings.geometry.to_numpy()))
    facts["footprint_m2"] = np.nan_to_num(footprint)
    gross = buildings["gross_floor_area_m2"].to_numpy()
    gross = np.where(gross > 0, gross, facts["footprint_m2"] * facts["storeys"])
    given = buildings["a_use_m2"].to_numpy()
    facts["a_use_m2"] = np.where(given > 0, given, gross * parameters.constant("use_area_share"))
    facts["a_use_source"] = _source(
        buildings["a_use_source"], given > 0, "given:district", "guessed:share of gross floor area"
    )
    facts["dwellings"] = _dwellings(buildings, facts, parameters)
    facts["dwellings_source"] = _source(
        buildings["dwellings_source"],
        np.isfinite(buildings["dwellings"].to_numpy("float64")),
        "given:district",
        "guessed:floor area over that of a dwelling",
    )
    facts["series"] = constructions.known_series(buildings["construction_series"], parameters)
    facts["year"], facts["year_source"] = _year(buildings, facts, parameters)
    facts["year_of_construction"] = facts["year"]
    walls = buildings[["wall_area_m2", "party_wall_area_m2"]].fillna(0.0)
    total = walls.sum(axis=1)
    facts["attached"] = (walls["party_wall_area_m2"] / total.where(total > 0)).fillna(0.0)
    _add_conditioned(facts, buildings, parameters)
    return facts


def _add_conditioned(facts: pd.DataFrame, buildings: pd.DataFrame, parameters: Parameters) -> None:
    """Whether it is heated: not by its use, or without floor area or volume, it is not."""
    used = parameters.use.loc[facts["function"], "conditioned"].to_numpy(bool)
    floor = (facts["a_use_m2"] > 1.0).to_numpy()
    room = ~((buildings["volume_m3"] <= 0) | (buildings["measured_height_m"] <= 0)).to_numpy()
    facts["conditioned"] = used & floor & room
    facts["conditioned_source"] = np.select(
        [~room, ~floor], ["derived:no volume", "derived:no floor area"], "guessed:use"
    ).astype("object")


def _source(
    column: pd.Series, known: npt.NDArray[np.bool_], default: str, guess: str
) -> npt.NDArray[np.object_]:
    own = column.astype("object").to_numpy()
    return np.where(known, np.where(pd.isna(own), default, own), guess)


def _dwellings(buildings: pd.DataFrame, facts: pd.DataFrame, parameters: Parameters) -> Array:
    given = buildings["dwellings"].to_numpy()
    estimate = np.maximum(np.round(facts["a_use_m2"] / parameters.constant("dwelling_area_m2")), 1)
    home = (facts["function"] == "residential").to_numpy()
    return np.where(np.isfinite(given), given, np.where(home, estimate, 0.0))


def _year(
    buildings: pd.DataFrame, facts: pd.DataFrame, parameters: Parameters
) -> tuple[Array, npt.NDArray[np.object_]]:
    given = buildings["year_of_construction"].to_numpy()
    by_series = facts["series"].map(parameters.series["year_default"]).to_numpy("float64")
    block = (facts["storeys"] >= parameters.constant("block_storeys")).to_numpy()
    default = np.where(
        block, parameters.constant("year_default_block"), parameters.constant("year_default_house")
    )
    year = np.where(given > 0, given, np.where(np.isfinite(by_series), by_series, default))
    guess = np.where(np.isfinite(by_series), "guessed:construction series", "guessed:default year")
    own = buildings["year_source"].astype("object").to_numpy()
    return year, np.where(given > 0, np.where(pd.isna(own), "given:district", own), guess)


def _archetype(
    buildings: gpd.GeoDataFrame, facts: pd.DataFrame, parameters: Parameters
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """TABULA code of each building and how it was chosen.

    East German types stand for industrial series and for larger houses of 1949 to 1994 in the former GDR.
    """
    storeys, year = facts["storeys"].to_numpy(), facts["year"].to_numpy()
    home = (facts["function"] == "residential").to_numpy()
    industrial = home & (facts["series"].map(parameters.series["region"]) == "east").to_numpy()
    size = _size_class(facts, home, parameters)
    size = np.where(industrial & (year >= 1969), "AB", size)
    eastern = home & np.isin(size, ["AB", "MFH"]) & (year >= 1949) & (year <= 1994)
    eastern = industrial | eastern & _inside("east", buildings, parameters)
    tower = storeys >= parameters.constant("tower_storeys")
    code = _nearest_types(eastern, size, tower, year, parameters.typology)
    how = np.where(
        home,
        np.where(industrial, "guessed:TABULA by series and year", "guessed:TABULA by year and size"),
        "guessed:TABULA apartment block of the year for another use (estimate)",
    )
    return code, how


def _size_class(
    facts: pd.DataFrame, home: npt.NDArray[np.bool_], parameters: Parameters
) -> npt.NDArray[np.str_]:
    """TABULA's size classes: single-family, terraced, multi-family house, apartment block."""
    storeys, dwellings = facts["storeys"].to_numpy(), facts["dwellings"].to_numpy()
    tall = storeys >= parameters.constant("block_storeys")
    small = np.where(facts["attached"] >= parameters.constant("attached_share"), "TH", "SFH")
    block = ~home | tall | ((storeys >= 4) & (dwellings > 12))
    return np.where(block, "AB", np.where(dwellings > 2, "MFH", small))


def _inside(region: str, buildings: gpd.GeoDataFrame, parameters: Parameters) -> npt.NDArray[np.bool_]:
    outline = parameters.regions.loc[[region]]
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", schema.CRS, always_xy=True)
    ring = np.column_stack(
        to_metres.transform(outline["longitude"].to_numpy(), outline["latitude"].to_numpy())
    )
    centres = shapely.centroid(buildings.geometry.to_numpy())
    return np.asarray(shapely.contains(shapely.Polygon(ring), centres))


_SIMILAR = {"AB": "MFH", "MFH": "AB", "TH": "SFH", "SFH": "TH"}
_NEVER = 1e6


def _nearest_types(
    eastern: npt.NDArray[np.bool_],
    size: npt.NDArray[np.str_],
    tower: npt.NDArray[np.bool_],
    year: Array,
    typology: pd.DataFrame,
) -> npt.NDArray[np.object_]:
    """The type of the region and size whose years hold each year, else the nearest in years and size."""
    usable = typology["region"].isin(["east", "national"]) & (typology["variant"] != "LightFrame")
    types = typology[usable]
    first, last = types["year_from"].to_numpy(), types["year_to"].to_numpy()
    away = np.maximum(first - year[:, None], 0) + np.maximum(year[:, None] - last, 0)
    of_east = (types["region"] == "east").to_numpy()
    region = np.where(eastern[:, None], np.where(of_east, 0.0, 5.0), np.where(of_east, _NEVER, 0.0))
    kind = types["size_class"].to_numpy("str")
    similar = np.array([_SIMILAR[name] for name in size])
    form = np.where(kind == size[:, None], 0.0, np.where(kind == similar[:, None], 3.0, _NEVER))
    high = (types["variant"] == "HR").to_numpy() != tower[:, None]
    best = np.argmin(10.0 * away + region + form + high, axis=1)
    return np.asarray(types.index.to_numpy("object")[best])


def _heating(
    buildings: pd.DataFrame, types: pd.DataFrame, parameters: Parameters
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    given = buildings["heating"].astype("object").to_numpy()
    own = buildings["heating_source"].astype("object").to_numpy()
    block = types["size_class"].eq("AB").to_numpy()
    guess = np.where(block, _HEATED, "gas")
    known = np.isin(given, parameters.systems.index.to_numpy())
    source = np.where(pd.isna(own), "given:district", own)
    return np.where(known, given, guess), np.where(known, source, "guessed:block or small house")
