"""Which buildings a row of a meter list means: by id, by block, or by address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

import pandas as pd

from twin.addresses import fold, parse_house_numbers, split_address
from twin.district import District
from twin.errors import SourceError
from twin.register import Register


class Places:
    """Buildings of a district by what lists call them; what was found once is kept."""

    def __init__(self, district: District) -> None:
        self.district = district
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def buildings(self, said: Mapping[str, str], where: str) -> tuple[str, ...]:
        """The ids meant by the texts `building_id`, `block`, `address`, `street` and `house_number`.

        Raises
        ------
        SourceError : nothing is said, or it means no building or several places.
        """
        key = tuple(said.values())
        if key not in self._known:
            self._known[key] = self._found(said, where)
        return self._known[key]

    def _found(self, said: Mapping[str, str], where: str) -> tuple[str, ...]:
        if said["building_id"]:
            return self._by_id(said["building_id"], where)
        if said["block"]:
            return self._of_block(said["block"], where)
        address = split_address(said["address"] or f"{said['street']} {said['house_number']}")
        if not address.street:
            raise SourceError("no building is named", where, "Give building_id, block or address")
        numbers = parse_house_numbers(address.house_number)
        if numbers.failure or not numbers.items:
            if blocks := self._blocks(said["address"]):
                return self._members(blocks[0])
            raise SourceError(f"{address.street!r} has no house number", where, "Give the house numbers")
        answer = self._register.by_address(address.street, numbers, address.postcode, address.city)
        if answer.status != "matched":
            raise SourceError(answer.reason, where, "Give building_id, or the address as the district has it")
        return tuple(str(name) for name in self.district.buildings.index[sorted(answer.numbers)])

    def _by_id(self, text: str, where: str) -> tuple[str, ...]:
        known = self.district.buildings.index
        if text in known:
            return (text,)
        names = tuple(name for name in re.split(r"[;,|\s]+", text) if name)
        if not all(name in known for name in names) and (blocks := self._blocks(text)):
            return self._members(blocks[0])
        if lost := [name for name in names if name not in known]:
            raise SourceError(
                f"there is no building {lost[0]!r}", where, "Use ids of the table buildings, block or address"
            )
        return names

    def _of_block(self, text: str, where: str) -> tuple[str, ...]:
        found = self._blocks(text)
        if len(found) != 1:
            said = "there is no block" if not found else f"{len(found)} blocks are called"
            raise SourceError(f"{said} {text!r}", where, "Use block_id or the name of the table blocks")
        return self._members(found[0])

    def _blocks(self, text: str) -> list[str]:
        blocks = self.district.blocks
        if text in blocks.index:
            return [text]
        folded = fold(text)
        return [
            str(i) for i, name in blocks["name"].items() if not pd.isna(name) and fold(str(name)) == folded
        ]

    def _members(self, block: str) -> tuple[str, ...]:
        buildings = self.district.buildings
        return tuple(str(name) for name in buildings.index[(buildings["block_id"] == block).to_numpy(bool)])

    @cached_property
    def _register(self) -> Register:
        return Register(self.district.buildings)
