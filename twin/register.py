"""The register of a district's addresses and places: which buildings does an address or a point mean?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin.addresses import (
    HouseNumber,
    HouseNumbers,
    Span,
    Street,
    StreetMatch,
    find_street,
    fold,
    parse_house_numbers,
    similar_streets,
    street,
)

NEAR_M = 15.0
"""A point this far outside a footprint may still mean the building: entrances and parcels' centres."""
NEAR_MARGIN_M = 3.0
"""Between two footprints a point tells only if one is nearer by this."""
SAME_ADDRESS_M = 60.0
"""Buildings of one address farther apart than this are taken for different places."""
TOUCHING_M = 1.0


@dataclass(frozen=True)
class Answer:
    """What an address or a place means.

    numbers : house numbers met, by position of the building in the table (empty for a place or an id).
    """

    status: Literal["matched", "ambiguous", "unmatched"]
    how: str = ""
    detail: str = ""
    reason: str = ""
    candidates: tuple[int, ...] = ()
    numbers: dict[int, tuple[HouseNumber, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    street_key: str = ""


class Register:
    """Addresses and footprints of a district, for look-up.

    buildings : table `buildings` of a district (EPSG:25832).
    """

    def __init__(self, buildings: gpd.GeoDataFrame) -> None:
        self.ids = buildings.index
        self.geometry = buildings.geometry.to_numpy()
        self.tree = shapely.STRtree(self.geometry)
        self.postcode = _texts(buildings, "postcode")
        self.city = [fold(name) for name in _texts(buildings, "city")]
        self.function = _texts(buildings, "function")
        self.block = _texts(buildings, "block_id")
        self.members: dict[str, list[int]] = defaultdict(list)
        for position, block in enumerate(self.block):
            if block:
                self.members[block].append(position)
        self.streets: dict[str, Street] = {}
        self.spelling: dict[str, str] = {}
        self.atoms: dict[str, list[tuple[HouseNumber, int]]] = defaultdict(list)
        self.addresses: list[tuple[tuple[str, HouseNumber], ...]] = []
        self._add_addresses(_texts(buildings, "street"), _texts(buildings, "house_number"))
        self._found: dict[Street, StreetMatch] = {}

    def _add_addresses(self, streets: Sequence[str], numbers: Sequence[str]) -> None:
        for position, (name, number) in enumerate(zip(streets, numbers, strict=True)):
            folded = street(name)
            found = tuple(parse_house_numbers(number).numbers()) if number and folded.key else ()
            self.addresses.append(tuple((folded.key, item) for item in found))
            if folded.key:
                self.streets.setdefault(folded.key, folded)
                self.spelling.setdefault(folded.key, name)
                self.atoms[folded.key] += [(item, position) for item in found]

    def by_id(self, building_id: str) -> Answer:
        if building_id in self.ids:
            return Answer("matched", "id", "exact", numbers={int(self.ids.get_loc(building_id)): ()})
        return Answer("unmatched", reason=f"no building has the id {building_id!r}")

    def by_address(self, name: str, numbers: HouseNumbers, postcode: str = "", city: str = "") -> Answer:
        """The buildings that an address means.

        A span covers one side of the street unless the row of buildings itself is numbered odd and even in
        turn (see `_numbered_along`).
        """
        wanted = street(name)
        if wanted not in self._found:
            self._found[wanted] = find_street(wanted, self.streets.values())
        found = self._found[wanted]
        if not found.streets:
            return Answer("unmatched", reason=f"there is no street {name!r}{self._meant(wanted)}")
        if len(found.streets) > 1:
            names = " or ".join(repr(self.spelling[s.key]) for s in found.streets[:3])
            met = [p for s in found.streets for n, p in self.atoms[s.key] if numbers.covers(n)]
            return Answer("ambiguous", reason=f"{name!r} may mean {names}", candidates=tuple(met))
        key = found.streets[0].key
        atoms = [(n, p) for n, p in self.atoms[key] if self._same_town(p, postcode, city)]
        if self.atoms[key] and not atoms:
            return Answer(
                "unmatched", reason=f"{self.spelling[key]!r} is there, but not in {postcode or city}"
            )
        answer = self._among(atoms, numbers, self.spelling[key])
        return replace(answer, how="address", detail=found.how, street_key=key)

    def _meant(self, wanted: Street) -> str:
        near = [repr(self.spelling[s.key]) for s in similar_streets(wanted, self.streets.values())]
        return f"; did the list mean {' or '.join(near)}?" if near else ""

    def _same_town(self, position: int, postcode: str, city: str) -> bool:
        here = self.postcode[position]
        if postcode and here:
            return postcode == here
        town, wanted = self.city[position], fold(city)
        return not (town and wanted) or town in wanted or wanted in town

    def _among(self, atoms: Sequence[tuple[HouseNumber, int]], numbers: HouseNumbers, name: str) -> Answer:
        """The buildings of one street that carry the numbers."""
        along = any(self._numbered_along(atoms, span) for span in numbers.spans if span.one_sided)
        met: dict[HouseNumber, list[int]] = defaultdict(list)
        for number, position in atoms:
            if numbers.covers(number, both_sides=along):
                met[number].append(position)
        if not met:
            return self._no_number(atoms, numbers, name)
        by_position: dict[int, list[HouseNumber]] = defaultdict(list)
        for number, positions in met.items():
            main = self._main(positions)
            if self._spread_m(main) > SAME_ADDRESS_M:
                reason = f"{name} {number} is carried by {len(main)} buildings far apart"
                return Answer("ambiguous", reason=reason, candidates=tuple(main))
            for position in main:
                by_position[position].append(number)
        notes = [f"{name} {n} is not among the buildings" for n in numbers.stated if n not in met]
        if along:
            notes.append(f"{numbers} taken with odd and even numbers, since they stand in one row")
        return Answer(
            "matched",
            numbers={p: tuple(sorted(found)) for p, found in sorted(by_position.items())},
            notes=tuple(notes),
        )

    def _no_number(
        self, atoms: Sequence[tuple[HouseNumber, int]], numbers: HouseNumbers, name: str
    ) -> Answer:
        there = sorted({n for n, _ in atoms})
        plain = {n.number for n in numbers.stated if not n.suffix}
        lettered = [(n, p) for n, p in atoms if n.suffix and n.number in plain]
        if lettered:
            shown = ", ".join(str(n) for n, _ in sorted(lettered)[:4])
            reason = f"{name} has no {numbers}, but {shown}"
            return Answer("ambiguous", reason=reason, candidates=tuple(p for _, p in lettered))
        wanted = numbers.stated[0].number
        near = sorted(sorted(there, key=lambda n: ((n.number - wanted) % 2, abs(n.number - wanted)))[:3])
        shown = f"; near are {', '.join(map(str, near))}" if near else "; no building there has a number"
        return Answer("unmatched", reason=f"{name} has no {numbers}{shown}")

    def _numbered_along(self, atoms: Sequence[tuple[HouseNumber, int]], span: Span) -> bool:
        """Whether odd and even numbers of a span stand in one row, as around a square or a courtyard.

        So when most of the buildings with the other parity touch one of those with the ends' parity.
        """
        same = {p for n, p in atoms if span.covers(n)}
        other = {p for n, p in atoms if span.covers(n, both_sides=True)} - same
        inner = [p for n, p in atoms if p in same and not span.covers(n) and span.covers(n, both_sides=True)]
        if not same or not other:
            return bool(inner)
        row = shapely.union_all(self.geometry[sorted(same)])
        touching = shapely.dwithin(self.geometry[sorted(other)], row, TOUCHING_M)
        return bool(touching.mean() > 0.5)

    def _main(self, positions: Sequence[int]) -> list[int]:
        """Without garages, where something else has the same address."""
        main = [p for p in dict.fromkeys(positions) if self.function[p] != "garage"]
        return main or list(dict.fromkeys(positions))

    def _spread_m(self, positions: Sequence[int]) -> float:
        """Largest gap from the first building to another."""
        if len(positions) < 2:
            return 0.0
        shapes = self.geometry[list(positions)]
        return float(shapely.distance(shapes[0], shapes[1:]).max())

    def by_place(self, x_m: float, y_m: float, houses: int = 1) -> Answer:
        """The building at a point, or near it; all of its row where the list's row means as many houses.

        x_m, y_m : EPSG:25832. houses : how many houses are meant.
        """
        point = shapely.Point(x_m, y_m)
        near = np.asarray(self.tree.query(point, predicate="dwithin", distance=NEAR_M), dtype=int)
        if not len(near):
            return Answer("unmatched", reason=f"no building within {NEAR_M:.0f} m of {x_m:.0f}, {y_m:.0f}")
        near = near[[self.function[p] != "garage" for p in near]] if self._main(near.tolist()) else near
        distances = shapely.distance(self.geometry[near], point)
        order = np.argsort(distances, kind="stable")
        best, gap = int(near[order[0]]), float(distances[order[0]])
        rivals = near[order[1:]][distances[order[1:]] < (gap + NEAR_MARGIN_M if gap > 0 else 1e-9)]
        if len(rivals):
            reason = f"{1 + len(rivals)} buildings are equally near to {x_m:.0f}, {y_m:.0f}"
            return Answer("ambiguous", reason=reason, candidates=(best, *map(int, rivals)))
        detail = "inside" if gap == 0 else f"{gap:.0f} m beside"
        row = self.members.get(self.block[best], [best])
        if houses > 1 and len(row) not in (1, houses):
            reason = f"the place lies in a row of {len(row)} buildings, the list means {houses}"
            return Answer("ambiguous", reason=reason, candidates=tuple(row))
        met = row if houses > 1 else [best]
        return Answer("matched", "place", detail, numbers=dict.fromkeys(met, ()))

    def distance_m(self, positions: Sequence[int], x_m: float, y_m: float) -> float:
        """Distance of a point to the nearest of some buildings."""
        return float(shapely.distance(self.geometry[list(positions)], shapely.Point(x_m, y_m)).min())


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    return ["" if pd.isna(text) else str(text) for text in frame[column]]
