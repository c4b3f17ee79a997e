"""Figures the simulation needs and nobody measured: typology, standards, use, carriers, prices.

The only file access of the physics besides `weather`: it reads the tables in assets/parameters. Every row
has a `source` and says in `is_estimate` whether there is one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from twin import assets
from twin.compute import Beside, Same
from twin.errors import CallError, SourceError

QUANTITIES = ("occupied", "gains", "electricity", "hot_water")
DAYS = ("workday", "saturday", "sunday")
COMPONENTS = ("wall", "roof", "floor", "window")
HOUR_COLUMNS = tuple(f"h{hour:02d}" for hour in range(24))
INDEX: dict[str, list[str]] = {
    "typology": ["code"],
    "refurbishment": ["standard", "component"],
    "carriers": ["carrier"],
    "systems": ["heating"],
    "use": ["function"],
    "schedules": ["function", "day", "quantity"],
    "series": ["construction_series"],
    "regions": ["region"],
    "materials": ["material"],
    "constructions": ["construction", "layer"],
    "fabrics": ["fabric"],
    "refurbishment_effects": ["standard"],
    "spreads": ["quantity", "kind"],
    "limits": ["quantity"],
    "rooms": ["function"],
    "shading_devices": ["shading_device"],
    "summer_regions": ["region"],
    "pv": ["name"],
    "constants": ["name"],
    "holidays": ["holiday"],
    "vacations": ["vacation"],
    "households": ["persons"],
    "load_profiles": ["profile", "period", "day"],
    "plants": ["heating"],
    "supply": ["name"],
    "paths": ["quantity", "carrier", "year"],
    "co2_prices": ["year"],
    "feed_in": ["up_to_kwp"],
    "accounting": ["name"],
    "network": ["name"],
    "calibration": ["name"],
    "pipes": ["dn"],
    "water": ["temperature_c"],
    "measure_costs": ["item"],
    "economy": ["name"],
    "uncertainties": ["input"],
}
# Tables of single figures: name, value, unit.
VALUE_TABLES = ("constants", "supply", "accounting", "network", "calibration", "economy")
# table, its column, and the table whose index must hold every entry of it
_LINKS = (
    ("systems", "carrier", "carriers"),
    ("constructions", "material", "materials"),
    *(
        ("fabrics", part, "constructions")
        for part in ("wall", "roof_pitched", "roof_flat", "floor", "ceiling")
    ),
    ("fabrics", "inner_wall", "constructions"),
    ("fabrics", "construction_series", "series"),
    ("rooms", "shading_device", "shading_devices"),
    ("use", "electricity_profile", "load_profiles"),
)
FLAGS = (
    "is_estimate", "conditioned", "cooled", "fitted", "is_default", "counts_always", "by_household",
    "vacations", "dynamic", "central", "frosting",
)  # fmt: skip
_TEXT = {"norm_profile": str, "period": str}  # numbers with leading zeros, or names beside numbers


@dataclass(frozen=True)
class Standard:
    """One component of a refurbishment standard.

    u_value_w_m2k : thermal transmittance. [W/(m²K)]  g_value : of windows, else nan. [-]
    """

    u_value_w_m2k: float
    g_value: float
    source: str


@dataclass(frozen=True, eq=False)
class Parameters:
    """All parameter tables; never changed in place.

    typology : TABULA types (existing state), index code.
    refurbishment : standards, index (standard, component).
    carriers : primary energy factor, CO2 and price, index carrier.
    systems : heat supply → carrier, index heating.
    use : set-points, gains, hot water and electricity, index function.
    schedules : hourly shapes in local time, index (function, day, quantity), columns h00 … h23.
    series : series of industrial housing, index construction_series.
    regions : outlines of regions as points in order, index region.
    materials : conductivity, density and heat capacity of building materials, index material.
    constructions : layers of components, outside to inside, index (construction, layer).
    fabrics : which constructions a building of a series or of some years is made of, index fabric.
    refurbishment_effects : thermal bridges of a wholly refurbished envelope, index standard.
    spreads : standard deviation of given, derived and guessed figures, index (quantity, kind).
    limits : plausible range of the envelope's figures, index quantity.
    rooms : the critical room of each use in summer, index function.
    shading_devices : movable shading, index shading_device.
    summer_regions : reference temperatures of the summer climate regions, index region.
    pv : modules, inverters, batteries and where they fit, index name.
    constants : single figures, index name.
    holidays : rules of Thuringia's public holidays, index holiday.
    vacations : usual school holidays, index vacation.
    households : electricity by people in the household, index persons.
    load_profiles : standard load profiles, index (profile, period, day), columns h00 … h23.
    plants : generators and emitters by heat supply, index heating.
    supply : single figures of distribution, hot water and heat pumps, index name.
    paths : ratios to the figures of carriers by year, index (quantity, carrier, year).
    co2_prices : price of CO2 in fuels, index year.
    feed_in : revenue of photovoltaic electricity by power class, index up_to_kwp.
    accounting : single figures of the balance: year, credits, people, index name.
    network : single figures of the heat network and its operation, index name.
    calibration : bounds and errors of what is fitted to measured values, index name.
    pipes : pre-insulated steel pipes, index dn.
    water : properties of liquid water, index temperature_c.
    measure_costs : price, life and subsidy of what measures need, index item.
    economy : single figures of net present costs and rents, index name.
    uncertainties : how far inputs may be off, and how much of it all buildings share, index input.
    """

    typology: pd.DataFrame
    refurbishment: pd.DataFrame
    carriers: pd.DataFrame
    systems: pd.DataFrame
    use: pd.DataFrame
    schedules: pd.DataFrame
    series: pd.DataFrame
    regions: pd.DataFrame
    materials: pd.DataFrame
    constructions: pd.DataFrame
    fabrics: pd.DataFrame
    refurbishment_effects: pd.DataFrame
    spreads: pd.DataFrame
    limits: pd.DataFrame
    rooms: pd.DataFrame
    shading_devices: pd.DataFrame
    summer_regions: pd.DataFrame
    pv: pd.DataFrame
    constants: pd.DataFrame
    holidays: pd.DataFrame
    vacations: pd.DataFrame
    households: pd.DataFrame
    load_profiles: pd.DataFrame
    plants: pd.DataFrame
    supply: pd.DataFrame
    paths: pd.DataFrame
    co2_prices: pd.DataFrame
    feed_in: pd.DataFrame
    accounting: pd.DataFrame
    network: pd.DataFrame
    calibration: pd.DataFrame
    pipes: pd.DataFrame
    water: pd.DataFrame
    measure_costs: pd.DataFrame
    economy: pd.DataFrame
    uncertainties: pd.DataFrame

    @classmethod
    def default(cls) -> Parameters:
        """The shipped figures."""
        return _default()

    def replace(self, **changes: Any) -> Parameters:
        """Parameters with some tables changed."""
        return replace(self, **changes)

    @classmethod
    def from_folder(cls, folder: str | os.PathLike[str], base: Parameters | None = None) -> Parameters:
        """The user's own figures over `base`, else the shipped ones; see `parameter_files.overlaid`."""
        from energy import parameter_files

        return parameter_files.overlaid(folder, base or cls.default())

    def with_table(self, name: str, rows: pd.DataFrame) -> Parameters:
        """Parameters with rows of the table `name` changed or added; see `parameter_files.with_table`."""
        from energy import parameter_files

        return parameter_files.with_table(self, name, rows)

    def with_constants(self, **values: float) -> Parameters:
        """Parameters with single figures changed, as in ``with_constants(albedo=0.3, year=2035)``."""
        changed: dict[str, pd.DataFrame] = {}
        for name, value in values.items():
            holder = self._holder(name)
            table = changed.setdefault(holder, getattr(self, holder).copy())
            table["value"] = table["value"].astype("float64")
            table.loc[name, "value"] = float(value)
            table.loc[name, "source"] = "set by the caller"
        return self.replace(**changed)

    def part(self, *tables: str) -> Parameters:
        """Only some tables, the others empty: one object for all parameters that share these.

        What is kept by it survives changes of other tables, and cannot read them unseen.
        """
        if (found := self._parts.get(tables)) is None:
            found = _part(tables, tuple(Same(getattr(self, name)) for name in tables), Beside(self))
            self._parts[tables] = found
        return found

    @cached_property
    def _parts(self) -> dict[tuple[str, ...], Parameters]:
        return {}

    def constant(self, name: str) -> float:
        """A figure of the tables of single figures (`VALUE_TABLES`), in the unit that stands there."""
        if name not in self._constants:
            self._holder(name)
        return self._constants[name]

    @cached_property
    def _constants(self) -> dict[str, float]:
        return {
            str(name): float(value)
            for holder in VALUE_TABLES
            for name, value in getattr(self, holder)["value"].items()
        }

    @property
    def year(self) -> int:
        """Year of the evaluation: factors and prices are those of this year."""
        return int(self.constant("year"))

    def _holder(self, name: str) -> str:
        for holder in VALUE_TABLES:
            if name in getattr(self, holder).index:
                return holder
        files = ", ".join(f"{holder}.csv" for holder in VALUE_TABLES)
        raise CallError(f"there is no constant {name!r}", "parameters", f"See {files} in assets/parameters")

    @cached_property
    def standards(self) -> tuple[str, ...]:
        """Names of the refurbishment standards."""
        return tuple(self.refurbishment.index.get_level_values("standard").unique())

    def refurbishment_standard(self, standard: str, component: str) -> Standard:
        """U-value (and g of windows) of a component: wall, roof, floor or window."""
        if (found := self._standards.get((standard, component))) is None:
            raise CallError(
                f"there is no standard {standard!r} for the component {component!r}",
                "parameters",
                f"Standards are {', '.join(self.standards)}, components {', '.join(COMPONENTS)}",
            )
        return found

    @cached_property
    def _standards(self) -> dict[tuple[str, str], Standard]:
        columns = ["u_value_w_m2k", "g_value", "source"]
        rows = self.refurbishment[columns].itertuples(name=None)
        return {key: Standard(float(u), float(g), str(source)) for key, u, g, source in rows}

    @cached_property
    def digest(self) -> str:
        """Content digest over all tables."""
        total = hashlib.sha256()
        for field in fields(self):
            table: pd.DataFrame = getattr(self, field.name)
            total.update(field.name.encode())
            total.update(table.to_csv(float_format="%.10g").encode())
        return total.hexdigest()


@lru_cache(maxsize=64)
def _part(
    tables: tuple[str, ...], found: tuple[Same[pd.DataFrame], ...], whole: Beside[Parameters]
) -> Parameters:
    others = {f.name: getattr(whole.it, f.name) for f in fields(Parameters) if f.name not in tables}
    return whole.it.replace(**{name: table.iloc[:0] for name, table in others.items()})


@cache
def _default() -> Parameters:
    tables = {name: _read(name, index) for name, index in INDEX.items()}
    check(tables)
    return Parameters(**tables)


def _read(name: str, index: list[str]) -> pd.DataFrame:
    file = assets.path("parameters", f"{name}.csv")
    if not file.is_file():
        raise SourceError("the parameter table is missing", file, "Install the software again")
    table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=_TEXT)
    for flag in set(FLAGS) & set(table.columns):
        table[flag] = table[flag] == "yes"
    return table.set_index(index)


def check(tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse doubled rows, names that another table lacks, and gaps in the schedules."""
    for name, table in tables.items():
        if name != "regions" and table.index.duplicated().any():
            raise SourceError(f"{table.index[table.index.duplicated()][0]!r} stands twice", f"table {name}")
    names = [str(name) for holder in VALUE_TABLES for name in tables[holder].index]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SourceError(f"{twice!r} stands in two of them", f"tables {', '.join(VALUE_TABLES)}")
    for source, column, target in _LINKS:
        known = set(tables[target].index.get_level_values(0))
        if lost := set(tables[source][column].dropna()) - known:
            raise SourceError(f"{column} {min(lost)!r} is not in the table {target}", f"table {source}")
    for function in tables["use"].index:
        for day in DAYS:
            for quantity in QUANTITIES:
                if (function, day, quantity) not in tables["schedules"].index:
                    raise SourceError(f"{function}, {day}, {quantity} is missing", "table schedules")
    if not np.isfinite(tables["schedules"][list(HOUR_COLUMNS)].to_numpy("float64")).all():
        raise SourceError("an hour holds no number", "table schedules")
