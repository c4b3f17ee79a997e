"""Which buildings are shown together, so that no public figure tells of fewer than five households.

The rule (after WPG § 10(2), which lets heat use be known only over at least five neighbouring users): a
**unit** is a dwelling; a building without dwellings is one unit, its meter. Fewer than `MINIMUM` units
are protected:

- a building with five or more dwellings is a group of its own;
- smaller residential buildings are put together with their neighbours;
- buildings without dwellings are put together with neighbouring buildings without dwellings, apart from
  the homes, so that a school does not hide in a street of houses nor the other way round;
- what does not make five by itself joins the nearest group; where there is none, nothing is shown;
- what is not heated (garages, sheds) has no meter, counts nothing and shows nothing.

There is one partition, and every public view (filter, zoom, scenario, time, total) is a sum of whole
groups of it: no two views differ by less than a group, so subtraction finds nothing. It follows from
ids, places and dwellings alone and does not depend on the order of rows.

An older site may have been kept by anybody. Its groups are taken along (`Earlier`): a further site shows them
as they were, puts what is new together apart from them, and hides a group where its figure beside theirs
would be that of fewer than five.

A site that shows the same groups with other figures tells by the difference of who has changed: a group in
which fewer than five units have goes on showing what it showed (`held_back`), until more have.

What is no figure of energy is public by name: `COLUMNS` lists each table's columns that everybody may read,
`WITHHELD` the tables and columns that nobody does, each with its reason. A column on neither list stays
inside. Programs get tables as `Released` only, and only this module makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from twin.district import District
    from twin.sources.base import Provenance

MINIMUM = 5
HIDDEN = ""
_NOISE = 1e-6  # relative; less is another processor's rounding
_TELLING = 0.1  # of the group's largest relative change
PUBLIC_KINDS = ("weather", "soil_moisture", "parking", "traffic", "air_quality", "level")
"""Kinds of things that may show in public thing by thing, where their flag says so. All others, meters and
rooms among them and what says no kind, are taken for a household's."""
PUBLIC_UNITS = (
    "1", "%", "vol%", "vol.%", "m3/m3", "[ppth]", "[ppm]", "[ppb]", "ppm", "ppb", "count",
    "cel", "°c", "degc", "degree celsius", "grad celsius", "k", "hz", "db", "db[mw]", "dbm", "[ph]", "ph",
    "pa", "hpa", "kpa", "cbar", "mbar", "bar", "[pf]", "pf", "v", "mv", "ds/m", "us/cm", "µs/cm", "ms/cm",
    "deg", "°", "grad", "lx", "klx", "lux", "lm", "m/s", "km/h", "[kn_i]", "mm", "cm", "m", "km",
    "mm/h", "mm/d", "l/m2", "l/m²", "w/m2", "w/m²", "j/cm2", "m3/s", "m³/s",
    "ug/m3", "µg/m3", "µg/m³", "μg/m3", "μg/m³", "mg/m3", "mg/m³", "s", "min", "h", "d",
    "{vehicles}", "{vehicles}/h", "vehicles", "vehicles/h", "1/h", "/h", "{spaces}", "spaces",
)  # fmt: skip
"""Units, in small letters, in which things of public kinds measure. A stream in another one never shows in
public, whatever its thing is called: meters' units have too many spellings to be listed."""
METERED_WORDS = (
    "energy", "energie", "power", "leistung", "consum", "verbrauch", "electricity", "elektrizit", "kilowatt",
    "megawatt", "watt hour", "watthour", "wattstunde", "kwh", "megajoule", "gigajoule", "rmemenge",
    "gasmenge", "wassermenge", "heat quantity", "heat meter", "gas meter", "water meter", "meter reading",
    "hlerstand", "generation", "erzeugung", "verbr.", "gasz", "wasserz", "stromz", "rmez", "heizz", "heizung",
    "wohnung", "zimmer", "apartment", "household", "haushalt", "tenant", "mieter",
)  # fmt: skip
"""Parts of names of what meters count, and of rooms, in small letters; "hlerstand" since SQLite knows no
large "Ä".
A stream whose name, property or unit's name has one never shows in public, in whichever unit."""

_SOURCED = ("function", "roof_type", "measured_height", "ground_height", "storeys", "year", "series",
            "dwellings", "volume")  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "buildings": (
        "name", "block_id", "street", "house_number", "postcode", "city", "quarter", "function_code",
        "function", "roof_type_code", "roof_type", "measured_height_m", "ground_height_m",
        "storeys_above_ground",
        "year_of_construction", "construction_series", "dwellings", "footprint_area_m2", "volume_m3",
        "envelope_area_m2", "wall_area_m2", "party_wall_area_m2", "roof_area_m2", "gross_floor_area_m2",
        "lod", "watertight", "source", *(f"{name}_source" for name in _SOURCED),
    ),
    "surfaces": (
        "building_id", "part_id", "surface_type", "surface_type_source", "area_m2", "tilt_deg", "azimuth_deg",
        "party_area_m2", "inner_area_m2",
    ),
    "parts": (
        "building_id", "roof_type_code", "roof_type", "measured_height_m", "base_height_m",
        "storeys_above_ground", "function_code",
    ),
    "blocks": (
        "name", "quarter", "construction_series", "year_of_construction", "dwellings", "buildings", "source",
    ),
    "trees": (
        "species", "genus", "height_m", "height_source", "crown_diameter_m", "crown_source",
        "trunk_circumference_cm", "planting_year", "street", "source",
    ),
    "streets": ("name", "kind", "width_m", "source"),
    "places": ("name", "kind", "land_use", "source"),
    "hazard_areas": ("kind", "scenario", "value_min", "value_max", "source"),
}  # fmt: skip
"""Public columns of a district's tables, beside the index and the geometry."""

_HOUSEHOLD = "tells how a single building is heated or kept, which is its people's or its owner's"
WITHHELD: Mapping[str, str] = {
    "systems": _HOUSEHOLD,
    "pv": "a single household's plant",
    "network_pipes": "supply lines are not for everybody",
    "substations": "supply lines are not for everybody",
    "usage": "people and uses of single buildings",
    "buildings.refurbishment": _HOUSEHOLD,
    "buildings.refurbishment_source": _HOUSEHOLD,
    "buildings.refurbishment_year": _HOUSEHOLD,
    "buildings.refurbishment_roof": _HOUSEHOLD,
    "buildings.refurbishment_wall": _HOUSEHOLD,
    "buildings.refurbishment_floor": _HOUSEHOLD,
    "buildings.refurbishment_window": _HOUSEHOLD,
    "buildings.heating": _HOUSEHOLD,
    "buildings.heating_source": _HOUSEHOLD,
    "buildings.owner": "never public",
    "buildings.cost_centre": "never public",
    "buildings.a_use_m2": "an owner's figure; public as the sum of a group",
    "buildings.a_use_source": "an owner's figure; public as the sum of a group",
    "buildings.u_roof_w_m2k": _HOUSEHOLD,
    "buildings.u_wall_w_m2k": _HOUSEHOLD,
    "buildings.u_floor_w_m2k": _HOUSEHOLD,
    "buildings.u_window_w_m2k": _HOUSEHOLD,
    "buildings.attributes": "whatever a source gave, unread",
}
"""Tables and columns that stay inside, with the reason."""
GROUP_COLUMNS = ("name", "quarter", "buildings", "dwellings", "a_use_m2", "heating_need_kwh", "co2_kg")
THING_COLUMNS = ("name", "description", "kind", "building_id", "tree_id", "street", "simulated")
Earlier = Mapping[str, Mapping[str, float]]
"""Units of each member of each group that was ever shown, by group and building, the last shown first."""
FACTS = "facts"
"""Column of the figures behind what was shown: a digest of each building's own facts. The same file holds the
figures of single buildings, so a key would keep nothing from whoever has it."""
_DECIDING = ("buildings", "systems", "pv", "usage")
_SAYING_NOTHING = (
    "geometry", "building_id", "name", "block_id", "street", "house_number", "postcode", "city", "quarter",
    "function_code", "roof_type_code", "owner", "cost_centre", "attributes", "lod", "watertight",
)  # fmt: skip
_KEY = object()


@dataclass(frozen=True, eq=False)
class Released:
    """A table as everybody may read it; made by this module alone.

    name : of the collection.  table : index named after the id; geometry in EPSG:25832.
    """

    name: str
    table: gpd.GeoDataFrame
    key: object

    def __post_init__(self) -> None:
        if self.key is not _KEY:
            raise ValueError("only viewer.privacy releases a table to the public")


def released(district: District) -> dict[str, Released]:
    """The district's public tables with public columns only, by name; empty tables too."""
    tables = district.tables()
    return {
        name: Released(name, _only(tables[name], ("geometry", *columns)), _KEY)
        for name, columns in COLUMNS.items()
    }


def released_provenance(district: District) -> tuple[Provenance, ...]:
    """Where the public tables come from, without what is not for publication: it may name owners."""
    return tuple(record for record in district.provenance if record.is_public)


def credit(district: District) -> list[str]:
    """Whom the sources want named, each once."""
    return sorted({record.attribution for record in released_provenance(district)} - {""})


def public_part(district: District) -> District:
    """The district with public tables, columns and sources alone; what is withheld is empty."""
    tables: dict[str, pd.DataFrame] = {}
    for name, frame in district.tables().items():
        kept = ("geometry", *COLUMNS.get(name, ()))
        tables[name] = frame[[c for c in kept if c in frame]] if name in COLUMNS else frame.iloc[:0]
    return district.replace(provenance=released_provenance(district), findings=(), **tables)


def released_groups(buildings: gpd.GeoDataFrame, group: pd.Series[str], values: pd.DataFrame) -> Released:
    """Sums over whole privacy groups, each with the footprints of all its buildings.

    Parameters
    ----------
    group : of each building, as `groups` gives it.
    values : index group_id, with `GROUP_COLUMNS`; groups that do not exist are refused.
    """
    shown = group[group != HIDDEN]
    shapes = buildings.loc[shown.index].geometry.groupby(shown).apply(lambda one: one.union_all())
    if not values.index.isin(shapes.index).all():
        raise ValueError("values of a group that is not of the partition")
    known = [name for name in GROUP_COLUMNS if name in values]
    table = gpd.GeoDataFrame(
        values[known], geometry=gpd.GeoSeries(shapes.reindex(values.index), crs=buildings.crs)
    )
    return Released("modelled_values", table.rename_axis("group_id"), _KEY)


def released_things(things: gpd.GeoDataFrame) -> Released:
    """Where public sensors are, without their values; nothing of a household's meter.

    things : index thing_id, with `kind`, `public` and `THING_COLUMNS`.
    """
    open_ = things["public"].astype(bool) & things["kind"].isin(PUBLIC_KINDS)
    return Released("sensors", _only(things[open_], ("geometry", *THING_COLUMNS)), _KEY)


def _only(table: gpd.GeoDataFrame, columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    return table[[name for name in columns if name in table]]


def groups(
    buildings: gpd.GeoDataFrame,
    heated: pd.Series | None = None,
    minimum: int = MINIMUM,
    earlier: Earlier | None = None,
) -> pd.Series[str]:
    """Group id of each building of a district's table `buildings`, index building_id; `HIDDEN`: never shown.

    heated : bool, index building_id; without it, all buildings but garages.
    earlier : groups that were shown before, beside which these must tell nothing.
    """
    if heated is None:
        heated = buildings["function"].fillna("") != "garage"
    warm = buildings[heated.reindex(buildings.index, fill_value=False).to_numpy(bool)]
    kept = _kept(earlier or {}, units_of(warm["dwellings"]), minimum)
    fresh = warm[~warm.index.isin(kept.index)]
    points = shapely.point_on_surface(fresh.geometry.to_numpy())
    ids = fresh.index.to_numpy(dtype=object)
    names = partition(ids, shapely.get_x(points), shapely.get_y(points), fresh["dwellings"], minimum)
    found = pd.concat([kept, pd.Series(names, index=fresh.index, dtype=object)])
    found = found.reindex(buildings.index, fill_value=HIDDEN).rename("group_id")
    return beside(found, units_of(buildings["dwellings"]), earlier, minimum) if earlier else found


def units_of(dwellings: pd.Series) -> pd.Series[float]:
    """Dwellings of each building, 1 for one without: its meter."""
    homes = np.nan_to_num(np.floor(dwellings.to_numpy("float64", na_value=np.nan)))
    return pd.Series(np.where(homes >= 1, homes, 1.0), index=dwellings.index)


def followed(latest: Earlier, before: Earlier) -> Earlier:
    """What was shown in all: the latest first, which come before older ones where both would be kept."""
    return {**latest, **{name: units for name, units in before.items() if name not in latest}}


def _kept(earlier: Earlier, units: pd.Series[float], minimum: int) -> pd.Series[str]:
    """The group of the members of earlier groups that still are whole, index building_id."""
    found: dict[str, str] = {}
    for name, members in earlier.items():
        whole = all(one in units.index and one not in found for one in members)
        if whole and units[list(members)].sum() >= minimum:
            found |= dict.fromkeys(members, name)
    return pd.Series(found, dtype=object)


def beside(
    group: pd.Series[str], units: pd.Series[float], earlier: Earlier, minimum: int = MINIMUM
) -> pd.Series[str]:
    """The groups without those whose sums, less or plus sums of earlier ones, are of fewer than `minimum`.

    Sums and differences of groups can single out the buildings that are in the same groups of all sites, and
    nothing smaller; each such set must keep the minimum. Where it does not, the groups that cut it out go.
    """
    shown = group.copy()
    sizes = dict(units)
    olds: dict[str, set[str]] = {}
    for name, members in earlier.items():
        for one, size in members.items():
            olds.setdefault(one, set()).add(name)
            sizes.setdefault(one, size)
    while True:
        alike: dict[tuple[frozenset[str], str], list[str]] = {}
        for one in {*olds, *shown.index[shown != HIDDEN]}:
            alike.setdefault((frozenset(olds.get(one, ())), shown.get(one, HIDDEN)), []).append(one)
        cut: set[str] = set()
        for (old, new), ids in alike.items():
            if sum(sizes[one] for one in ids) < minimum:
                touching = {name for (others, name) in alike if old & others}
                cut |= (touching | {new}) - {HIDDEN} - old
        if not cut:
            return shown
        shown[shown.isin(cut)] = HIDDEN


def facts_of(district: District) -> pd.Series[str]:
    """A digest of what a building is by itself, index building_id: it alone decides its results, beside
    weather, parameters and neighbours, which are everybody's. Names, places and origins decide nothing.
    """
    lines: list[pd.Series[str]] = []
    for name, table in district.tables().items():
        if name in _DECIDING:
            kept = [
                c for c in map(str, table.columns) if c not in _SAYING_NOTHING and not c.endswith("source")
            ]
            said = pd.Series(name, index=range(len(table)), dtype=object)
            for column in sorted(kept):
                said += f"\0{column}=" + pd.Series([_said(v) for v in table[column].tolist()], dtype=object)
            owner = table.index if name == "buildings" else table["building_id"]
            lines.append(said.set_axis(pd.Index(owner.to_numpy(object))))
    ids = district.buildings.index
    whole = pd.concat(lines).sort_values().groupby(level=0).agg("\n".join).reindex(ids)
    return whole.map(lambda text: hashlib.sha256(str(text).encode()).hexdigest()[:16]).rename(FACTS)


def _said(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, (int, float)) else str(value)


def held_back(
    group: pd.Series[str],
    units: pd.Series[float],
    before: pd.DataFrame,
    now: pd.DataFrame,
    minimum: int = MINIMUM,
) -> frozenset[str]:
    """Groups that go on showing what they showed `before`: the difference would tell of fewer than `minimum`.

    A change tells of those who change by a tenth or more of the most that anybody in the group does, relative
    to their own figure; what all change by (another weather, a mended model) is everybody's. Where both come
    together, what all change by can be told from the other groups and taken off. So those whose own facts
    have changed are also counted by themselves, by how far they are from the middle of those whose have not.

    Parameters
    ----------
    group : of each building.  units : as `units_of` gives them.
    before, now : figures of buildings and their `FACTS`, index building_id; buildings of one table alone do
        not count. Without facts, the figures alone tell who has changed.
    """
    numbers = now.select_dtypes("number").columns
    columns = [name for name in numbers if name in before.columns]
    ids = group.index[(group != HIDDEN).to_numpy()].intersection(before.index)
    names = group.loc[ids].to_numpy()
    was, new = (np.nan_to_num(table.loc[ids, columns].to_numpy("float64")) for table in (before, now))
    scale = np.maximum(np.abs(was), np.abs(new))
    share = np.divide(new - was, scale, out=np.zeros_like(scale), where=scale > 0)
    found = _of_few(share, names, units.loc[ids], minimum)
    if FACTS in before and FACTS in now:
        own = (before.loc[ids, FACTS] != now.loc[ids, FACTS]).to_numpy(bool)
        apart = np.where(own[:, None], share - _middle(share, names, ~own), 0.0)
        found |= _of_few(apart, names, units.loc[ids], minimum)
    return found


def _of_few(
    change: NDArray[np.float64], names: NDArray[np.object_], units: pd.Series[float], minimum: int
) -> frozenset[str]:
    """Groups of which some, but fewer than `minimum` units change by a tenth or more of the most of any."""
    size = np.abs(change)
    size[size < _NOISE] = 0.0
    table = pd.DataFrame(size, index=names)
    most = table.groupby(level=0).transform("max").to_numpy()
    moved = (size > 0) & (size >= _TELLING * most)
    counted = pd.DataFrame(moved * units.to_numpy()[:, None], index=names).groupby(level=0).sum()
    few = ((counted > 0) & (counted < minimum)).any(axis=1)
    return frozenset(few.index[few])


def _middle(
    share: NDArray[np.float64], names: NDArray[np.object_], rows: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The median of `rows` in each building's group, else in all groups, else 0; shape (building, figure)."""
    if not rows.any():
        return np.zeros_like(share)
    mine = pd.DataFrame(share[rows], index=names[rows]).groupby(level=0).median().reindex(names)
    return np.asarray(mine.fillna(dict(enumerate(np.median(share[rows], axis=0)))).to_numpy("float64"))


def partition(
    ids: ArrayLike, x_m: ArrayLike, y_m: ArrayLike, dwellings: ArrayLike, minimum: int = MINIMUM
) -> NDArray[np.object_]:
    """Group id of each building, shape (building,).

    Parameters
    ----------
    ids : str, shape (building,), each once.
    x_m, y_m : a point of each building, shape (building,). [m]
    dwellings : shape (building,); nan or 0: no dwelling, one meter.
    """
    names = np.asarray(ids, dtype=object).astype(str)
    x, y = np.asarray(x_m, float), np.asarray(y_m, float)
    homes = np.nan_to_num(np.floor(np.asarray(dwellings, float)))
    units = np.where(homes >= 1, homes, 1.0)
    rank = np.lexsort((names, y, x))
    members: list[NDArray[np.intp]] = [np.array([row]) for row in rank if homes[row] >= minimum]
    small: list[NDArray[np.intp]] = []
    sorted_homes = homes[rank]
    for kind in (rank[(sorted_homes >= 1) & (sorted_homes < minimum)], rank[sorted_homes < 1]):
        if units[kind].sum() >= minimum:
            members += _halve(kind, x, y, names, units, minimum)
        elif kind.size:
            small.append(kind)
    lost = np.concatenate(small) if small else np.empty(0, np.intp)
    if not members and units[lost].sum() >= minimum:
        members, small = [lost], []
    for rows in small:
        _join(rows, members, x, y)
    result = np.full(len(names), HIDDEN, object)
    for rows in members:
        result[rows] = _name(names[rows])
    return result


def _halve(
    rows: NDArray[np.intp],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    names: NDArray[np.str_],
    units: NDArray[np.float64],
    minimum: int,
) -> list[NDArray[np.intp]]:
    """Split at the middle of the longer side for as long as both halves keep the minimum."""
    done, open_ = [], [rows]
    while open_:
        rows = open_.pop()
        along, across = (x, y) if np.ptp(x[rows]) >= np.ptp(y[rows]) else (y, x)
        rows = rows[np.lexsort((names[rows], across[rows], along[rows]))]
        total = np.cumsum(units[rows])
        cut = np.flatnonzero((total >= minimum) & (total[-1] - total >= minimum))
        if not cut.size:
            done.append(rows)
            continue
        best = cut[np.argmin(np.abs(2 * total[cut] - total[-1]))] + 1
        open_ += [rows[:best], rows[best:]]
    return done


def _join(
    rows: NDArray[np.intp],
    members: list[NDArray[np.intp]],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> None:
    """Put each of `rows` into the nearest group of `members`, measured to the groups as they were."""
    if not members:
        return
    flat = np.concatenate(members)
    owner = np.repeat(np.arange(len(members)), [len(group) for group in members])
    nearest = [int(owner[np.argmin(np.hypot(x[flat] - x[row], y[flat] - y[row]))]) for row in rows]
    for row, group in zip(rows, nearest, strict=True):
        members[group] = np.append(members[group], row)


def _name(names: NDArray[np.str_]) -> str:
    """A name that follows from the members alone."""
    return "g" + hashlib.sha256("\0".join(sorted(names)).encode()).hexdigest()[:10]


def sums(values: pd.DataFrame, group: pd.Series[str]) -> pd.DataFrame:
    """Sum of each column of `values` (index building_id) over whole groups; hidden buildings are left out."""
    shown = group[group != HIDDEN]
    return values.loc[shown.index].groupby(shown).sum(min_count=1)
