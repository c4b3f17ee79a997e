"""Which column of a list of trees holds what: by the user's mapping, by its name, or told from its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.errors import CallError
from twin.sources import botany, columns
from twin.sources.columns import numbers, within

Floats = NDArray[np.float64]

ROLES = (
    "id", "x", "y", "wkt", "height", "crown", "circumference", "diameter", "species", "genus", "year",
    "street",
)  # fmt: skip
_SCHEMA_NAMES = {
    "tree_id": "id", "height_m": "height", "crown_diameter_m": "crown",
    "trunk_circumference_cm": "circumference",
    "trunk_diameter_cm": "diameter", "planting_year": "year", "easting": "x", "northing": "y", "lon": "x",
    "lat": "y",
}  # fmt: skip
_PAIRS = (
    ("rechtswert", "hochwert"), ("easting", "northing"), ("ostwert", "nordwert"), ("ost", "nord"), ("x", "y"),
    ("xcoord", "ycoord"), ("xkoord", "ykoord"), ("xkoordinate", "ykoordinate"), ("koordx", "koordy"),
    ("utmx", "utmy"), ("utmost", "utmnord"), ("east", "north"), ("e", "n"), ("longitude", "latitude"),
    ("lon", "lat"),
    ("lng", "lat"), ("long", "lat"), ("laenge", "breite"), ("laengengrad", "breitengrad"), ("geolaenge",
    "geobreite"),
    ("pointx", "pointy"), ("coordx", "coordy"), ("r", "h"), ("rw", "hw"), ("xwert", "ywert"),
)  # fmt: skip
_NAMES = {
    role: tuple(names.split())
    for role, names in {
        "height": "height baumhoehe hoehe treeheight hoehebaum hoeheakt gesamthoehe bhoehe baumhoeheakt "
        "baumhoehemeter hoehem heightm",
        "crown": "crowndiameter kronendurchmesser kronendurchm krdurchm kronendm kronenbreite krone "
        "crown crownwidth kronedm krdm crownspread kronendurch kronendurchmessermeter kronedurchmesser",
        "circumference": "trunkcircumference stammumfang stumfang stammumfg umfang girth circumference "
        "stammumf stu stammumfangakt stammumfang1",
        "diameter": "trunkdiameter stammdurchmesser stammdurchm stdurchm stammdm bhd dbh "
        "brusthoehendurchmesser",
        "year": "plantingyear pflanzjahr pflanzjah year pflanzungsjahr pflanzdatum yearplanted "
        "standjahr baumjahr planted",
        "street": "street strasse strassenname str standort objekt objektname site location lage adresse",
        "id": "id baumid treeid baumnr baumnummer gid objectid nummer nr fid kennung gmlid uuid",
        "genus": "genus gattung gattunglat gattungbot gattungbotanisch",
    }.items()
}
_SPECIES = (
    "species", "art", "baumart", "artbot", "artbotanisch", "botanisch", "botanischername", "artlat", "galang",
    "gattungart", "gattungartlang", "namelat", "namebotanisch", "botname", "baumartlat", "artlatein",
    "scientificname",
    "treespecies", "baumartbotanisch", "artname", "artnamelateinisch", "artwiss", "gattung", "artdtsch",
    "artdeutsch",
    "gattungdeutsch", "name",
)  # fmt: skip
_NAMELESS = re.compile(r"^(spalte|column|col|feld|field|unnamed|attr|c|f|v|var)?\W*\d*$", re.IGNORECASE)
_STREET = re.compile(
    r"(?:str\.|straße|strasse|allee|weg|platz|gasse|ufer|ring|damm|chaussee|steig|park)(?=$|[\s,;)\d])",
    re.IGNORECASE,
)
_UTM_X, _UTM_Y = (200_000.0, 900_000.0), (5_200_000.0, 6_150_000.0)
_LON, _LAT = (5.0, 16.0), (46.5, 55.6)


def by_mapping(names: list[str], mapping: Mapping[str, str], path: Path) -> dict[str, str]:
    """The user's mapping of roles to columns, by name or by number from 1.

    Raises
    ------
    CallError : no such role, or no such column.
    """
    chosen: dict[str, str] = {}
    for key, column in mapping.items():
        role = _SCHEMA_NAMES.get(key, key)
        if role not in ROLES:
            raise CallError(f"a tree has no {key!r}", "tree mapping", f"Roles are {', '.join(ROLES)}")
        if column in names:
            chosen[role] = column
        elif column.isdigit() and 1 <= int(column) <= len(names):
            chosen[role] = names[int(column) - 1]
        else:
            raise CallError(f"there is no column {column!r}", path, f"Columns are {', '.join(names)}")
    return chosen


def by_name(table: pd.DataFrame, chosen: dict[str, str]) -> dict[str, str]:
    """`chosen` and what the columns' names tell beyond it."""
    found = dict(chosen)
    names = [str(name) for name in table.columns]
    if "x" not in found and "wkt" not in found:
        found |= _best_pair(table, names)
    for role, words in _NAMES.items():
        free = [name for name in columns.find(names, words) if name not in found.values()]
        if role == "id":  # the one that tells most rows apart
            free.sort(key=lambda name: -table[name].nunique())
        if role not in found and free:
            found[role] = free[0]
    if "species" not in found:
        candidates = columns.find(names, _SPECIES)
        candidates = [name for name in candidates if name == found.get("genus") or name not in found.values()]
        scored = {name: _share(table[name], botany.is_botanical) for name in candidates}
        best = max(
            candidates, key=lambda name: (round(scored[name], 1), name != found.get("genus")), default=None
        )
        if best is not None and best != found.get("genus"):
            found["species"] = best
    return found


def _best_pair(table: pd.DataFrame, names: list[str]) -> dict[str, str]:
    """The pair of coordinate columns that most rows have."""
    best: dict[str, str] = {}
    most = 0
    for first, second in _PAIRS:
        for x in columns.find(names, (first,)):
            for y in columns.find(names, (second,)):
                count = int((~np.isnan(numbers(table[x])) & ~np.isnan(numbers(table[y]))).sum())
                if count > most:
                    best, most = {"x": x, "y": y}, count
    return best


def nameless(names: list[str]) -> bool:
    """Whether the columns' names say nothing: numbers, ``Spalte1``, ``col_2``."""
    return all(_NAMELESS.match(name) for name in names)


def by_values(table: pd.DataFrame, chosen: dict[str, str], *, only_place: bool) -> dict[str, str]:
    """`chosen` and what the values tell beyond it.

    Coordinates are told by their range (UTM in Germany, or degrees), circumference and diameter of the trunk
    by their ratio π, height and crown by size and order, year by range, names by their botanical form.

    Parameters
    ----------
    only_place : look for coordinates and names only, as where the columns have names.
    """
    found = dict(chosen)
    free = [str(name) for name in table.columns if name not in found.values()]
    values = {name: numbers(table[name]) for name in free}
    numeric = {name: value for name, value in values.items() if np.isfinite(value).mean() > 0.5}
    texts = [name for name in free if np.isfinite(values[name]).mean() <= 0.5]
    if "wkt" not in found and ("x" not in found or "y" not in found):
        found |= _place(table, numeric, texts)
    found |= _names(table, texts, found)
    if only_place:
        return found
    left = {name: value for name, value in numeric.items() if name not in found.values()}
    for guess in (_year, _trunk, _sizes):
        found |= {role: name for role, name in guess(left, found).items() if role not in found}
        left = {name: value for name, value in left.items() if name not in found.values()}
    unique = [name for name in left if _counts(left[name]) and table[name].is_unique]
    return found | ({"id": unique[0]} if unique and "id" not in found else {})


def _place(table: pd.DataFrame, numeric: dict[str, Floats], texts: list[str]) -> dict[str, str]:
    points = [name for name in texts if _share(table[name], lambda v: v.upper().startswith("POINT")) > 0.5]
    ranges = ((_UTM_X, _UTM_Y), ((32_200_000.0, 33_900_000.0), _UTM_Y), (_LON, _LAT))
    for x_range, y_range in ranges:
        x = [
            name
            for name, value in numeric.items()
            if _mostly(value, x_range) and not _degrees_whole(value, x_range)
        ]
        y = [
            name
            for name, value in numeric.items()
            if _mostly(value, y_range) and not _degrees_whole(value, y_range)
        ]
        if x and y and x[0] != y[0]:
            return {"x": x[0], "y": y[0]}
    return {"wkt": points[0]} if points else {}


def _degrees_whole(value: Floats, limits: tuple[float, float]) -> bool:
    """Whole numbers in the range of degrees are heights or counts, not places."""
    return limits[1] < 100 and bool(np.nanmean(value == np.round(value)) > 0.2)


def _mostly(value: Floats, limits: tuple[float, float]) -> bool:
    known = value[np.isfinite(value)]
    return bool(len(known)) and bool(((known >= limits[0]) & (known <= limits[1])).mean() > 0.95)


def _names(table: pd.DataFrame, texts: list[str], found: dict[str, str]) -> dict[str, str]:
    out: dict[str, str] = {}
    free = [name for name in texts if name not in found.values()]
    tests: tuple[tuple[str, Callable[[str], bool], float], ...] = (
        ("genus", lambda value: " " not in value.strip() and botany.is_genus(value), 0.5),
        ("species", lambda value: botany.is_botanical(value) or botany.genus(value) is not None, 0.5),
        ("street", lambda value: _STREET.search(value) is not None, 0.2),
    )
    for role, test, least in tests:
        scores = {name: _share(table[name], test) for name in free if name not in out.values()}
        best = max(scores, key=lambda name: scores[name], default=None)
        if role not in found and best is not None and scores[best] > least:
            out[role] = best
    return out


def _share(values: pd.Series, test: Callable[[str], bool]) -> float:
    """Share of the known values that pass, each distinct text tested once."""
    counts = values.dropna().astype(str).value_counts()
    passed = sum(int(count) for text, count in counts.items() if test(str(text)))
    return passed / max(1, int(counts.sum()))


def _counts(value: Floats) -> bool:
    known = value[np.isfinite(value)]
    return bool(len(known)) and bool((known == np.round(known)).all())


def _year(left: dict[str, Floats], found: dict[str, str]) -> dict[str, str]:
    for name, value in left.items():
        known = value[np.isfinite(value) & (value > 1)]
        plausible = len(known) and (~np.isnan(within(known, 1600, 2100))).mean() > 0.9
        if plausible and _counts(known) and np.median(known) > 1850:
            return {"year": name}
    return {}


def _trunk(left: dict[str, Floats], found: dict[str, str]) -> dict[str, str]:
    """Circumference and diameter: two columns whose ratio is π."""
    for name, value in left.items():
        for other, smaller in left.items():
            both = (value > 0) & (smaller > 0)
            if name == other or both.sum() < 3:
                continue
            ratio = value[both] / smaller[both]
            if 3.0 < np.median(ratio) < 3.3 and np.percentile(ratio, 75) - np.percentile(ratio, 25) < 0.3:
                return {"circumference": name, "diameter": other}
    return {}


def _sizes(left: dict[str, Floats], found: dict[str, str]) -> dict[str, str]:
    """Height and crown: what is of a tree's size, not a class of few values; the taller is the height."""
    sizes: dict[str, float] = {}
    for name, value in left.items():
        known = value[np.isfinite(value) & (value > 0)]
        few = len(np.unique(known)) <= 7 and _counts(known) and known.max(initial=0) <= 6
        if len(known) and not few and 2 <= np.median(known) <= 35 and np.percentile(known, 99) <= 60:
            sizes[name] = float(np.median(known))
    ordered = sorted(sizes, key=lambda name: -sizes[name])[:2]
    roles = [role for role in ("height", "crown") if role not in found]
    return dict(zip(roles, ordered, strict=False))
