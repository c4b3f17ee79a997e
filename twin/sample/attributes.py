"""What is known and what is guessed of each building: the tables `buildings` and `blocks`."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin import schema
from twin.sample import inputs, slabs
from twin.sample.villages import GARAGE_HEIGHT_M

GUESSED = "guessed:sample"
_STATES = ("none", "usual", "advanced")
_STATE_SHARES = (0.3, 0.6, 0.1)
_ROOF_CODES = {"flat": "1000", "gable": "3100", "hip": "3200", "pyramid": "3500"}
_SMALL_HEATING = {"gas": 0.72, "oil": 0.14, "heat_pump": 0.08, "wood": 0.06}


def special_buildings() -> gpd.GeoDataFrame:
    """`special_buildings.csv` with footprints."""
    plan = inputs.read("special_buildings")
    footprints = [
        inputs.rectangle((row.centre_e, row.centre_n), row.bearing_deg, row.length_m, row.depth_m)
        for row in inputs.records(plan)
    ]
    return gpd.GeoDataFrame(plan, geometry=footprints, crs=schema.CRS)


def table(
    sections: gpd.GeoDataFrame,
    special: gpd.GeoDataFrame,
    garages: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    seed: int,
) -> gpd.GeoDataFrame:
    """Table `buildings`, each value with its `*_source`."""
    rng = np.random.default_rng([seed, 11])
    parts = [_slabs(sections, rng), _special(special), _garages(garages), _small(small, rng)]
    buildings = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=schema.CRS)
    buildings["city"], buildings["postcode"], buildings["source"] = "Jena", "07747", "sample"
    buildings["roof_type_code"] = buildings["roof_type"].map(_ROOF_CODES)
    buildings["lod"] = "2"
    buildings["ground_height_source"] = "derived:terrain of the sample"
    for column in ("function_source", "roof_type_source", "measured_height_source"):
        buildings[column] = buildings.reindex(columns=[column])[column].fillna(GUESSED)
    return buildings.set_index("building_id")


def _slabs(sections: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    row = sections["row"]
    named = sections["block_id"].where(sections["block_id"].notna(), row)
    state = _drawn(named, _STATES, _STATE_SHARES, rng)
    year_done = _drawn(named, range(1993, 2019), None, rng)
    refurbishment = sections["refurbishment"].where(sections["refurbishment"].notna(), state)
    done = refurbishment != "none"
    return gpd.GeoDataFrame(
        {
            "building_id": (sections["street"] + " " + sections["house_number"]).map(inputs.slug),
            "block_id": _block_ids(sections, named),
            "block_name": sections["block_name"],
            "street": sections["street"],
            "house_number": sections["house_number"],
            "quarter": sections["quarter"],
            "function": "residential",
            "roof_type": "flat",
            "measured_height_m": sections["storeys"] * slabs.STOREY_M,
            "measured_height_source": "derived:2.8 m a storey",
            "storeys_above_ground": sections["storeys"],
            "storeys_source": _source(sections, "storeys"),
            "year_of_construction": sections["year"],
            "year_source": _source(sections, "year"),
            "construction_series": sections["series"],
            "series_source": _source(sections, "series"),
            "dwellings": sections["dwellings"],
            "dwellings_source": _source(
                sections, "dwellings", "; the block's total shared among its sections"
            ),
            "refurbishment": refurbishment,
            "refurbishment_source": _source(sections, "refurbishment", "; the standard is assumed"),
            "refurbishment_year": year_done.where(done & sections["refurbishment"].isna()),
            "heating": "district_heating",
            "heating_source": GUESSED,
        },
        geometry=sections.geometry,
        crs=schema.CRS,
    )


def _source(sections: gpd.GeoDataFrame, attribute: str, remark: str = "") -> pd.Series:
    """Where the attribute comes from: the row's facts if they name it, else a guess."""
    known = [attribute in str(text).split() for text in sections["documented"]]
    given: pd.Series = "given:" + sections["facts"] + remark
    return given.where(pd.Series(known, index=sections.index), GUESSED)


def _drawn(groups: pd.Series, values: object, shares: object, rng: np.random.Generator) -> pd.Series:
    """One value a group, by lot."""
    names = groups.drop_duplicates()
    drawn = rng.choice(np.array(list(values)), size=len(names), p=shares)  # type: ignore[call-overload]
    return groups.map(dict(zip(names, drawn, strict=True)))


def _block_ids(sections: gpd.GeoDataFrame, named: pd.Series) -> pd.Series:
    """Of rows without an id: street with first and last number."""
    number = sections["house_number"].astype(int)
    low, high = number.groupby(named).transform("min"), number.groupby(named).transform("max")
    made = (sections["street"] + " " + low.astype(str) + "-" + high.astype(str)).map(inputs.slug)
    ids: pd.Series = sections["block_id"].where(sections["block_id"].notna(), made)
    return ids


def _special(special: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    name = special["name"]
    numbered = special["house_number"].astype(str)
    source = ("guessed:sample " + special["source"]).str.strip()
    heated = special["name"].str.contains("Ruine|Parkhaus")
    village = special["quarter"].isin(["Lobeda-Altstadt", "Drackendorf"])
    return gpd.GeoDataFrame(
        {
            "building_id": name.map(inputs.slug),
            "name": name,
            "block_id": special["block"].map(inputs.slug).replace("", None),
            "block_name": special["block"].replace("", None),
            "street": special["street"].replace("", None),
            "house_number": numbered.replace("", None),
            "quarter": special["quarter"],
            "function": special["function"],
            "function_source": source,
            "roof_type": special["roof_type"],
            "measured_height_m": special["height_m"].astype(float),
            "storeys_above_ground": special["storeys"],
            "storeys_source": source,
            "year_of_construction": special["year"],
            "year_source": GUESSED,
            "dwellings": 0,
            "dwellings_source": GUESSED,
            "refurbishment": np.where(special["year"] > 2000, "usual", "none"),
            "refurbishment_source": GUESSED,
            "heating": np.where(heated, "none", np.where(village, "gas", "district_heating")),
            "heating_source": GUESSED,
        },
        geometry=special.geometry,
        crs=schema.CRS,
    )


def _garages(garages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "building_id": garages["name"].map(inputs.slug),
            "name": garages["name"],
            "quarter": garages["quarter"],
            "function": "garage",
            "roof_type": "flat",
            "measured_height_m": GARAGE_HEIGHT_M,
            "storeys_above_ground": 1,
            "storeys_source": GUESSED,
            "year_of_construction": 1978,
            "year_source": GUESSED,
            "dwellings": 0,
            "dwellings_source": GUESSED,
            "heating": "none",
            "heating_source": GUESSED,
        },
        geometry=garages.geometry,
        crs=schema.CRS,
    )


def _small(small: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    old = small["year"] < 1990
    state = np.where(old, rng.choice(_STATES, size=len(small), p=(0.5, 0.45, 0.05)), "none")
    address = small["street"] + " " + small["house_number"]
    supply = rng.choice(list(_SMALL_HEATING), size=len(small), p=list(_SMALL_HEATING.values()))
    return gpd.GeoDataFrame(
        {
            "building_id": address.map(inputs.slug),
            "street": small["street"],
            "house_number": small["house_number"],
            "quarter": small["quarter"],
            "function": "residential",
            "roof_type": small["roof_type"],
            "measured_height_m": small["height_m"],
            "storeys_above_ground": small["storeys"],
            "storeys_source": GUESSED,
            "year_of_construction": small["year"],
            "year_source": GUESSED,
            "dwellings": small["dwellings"],
            "dwellings_source": GUESSED,
            "refurbishment": state,
            "refurbishment_source": GUESSED,
            "heating": supply,
            "heating_source": GUESSED,
        },
        geometry=small.geometry,
        crs=schema.CRS,
    )


def blocks(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Table `blocks`; `buildings` loses its helper column `block_name`."""
    names = buildings.pop("block_name")
    of_block = buildings[buildings["block_id"].notna()]
    grouped = of_block.groupby("block_id", sort=True)
    numbers = pd.to_numeric(of_block["house_number"]).astype(int)
    low, high = numbers.groupby(of_block["block_id"]).min(), numbers.groupby(of_block["block_id"]).max()
    street = grouped["street"].first()
    span = (low.astype(str) + "–" + high.astype(str)).where(low < high, low.astype(str))
    made = street + " " + span
    named = names[of_block.index].groupby(of_block["block_id"]).first()
    return gpd.GeoDataFrame(
        {
            "name": named.where(named.notna(), made),
            "quarter": grouped["quarter"].first(),
            "construction_series": grouped["construction_series"].first(),
            "year_of_construction": grouped["year_of_construction"].min(),
            "dwellings": grouped["dwellings"].sum(),
            "buildings": grouped.size(),
            "source": "sample",
        },
        geometry=[shapely.union_all(shapes.to_numpy()) for _, shapes in grouped["geometry"]],
        crs=schema.CRS,
    )
