"""Resource paths (18-088, clause 9.2): `Things(1)/Datastreams(3)/Observations`, properties, $value, $ref."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from viewer.api.sensorthings.errors import BadRequestError, UnknownError
from viewer.api.sensorthings.model import ENTITIES, Entity, Property, Relation

MAX_SEGMENTS = 24
_KEYED = re.compile(r"([A-Za-z]+)\((.*)\)", re.DOTALL)
_INTEGER = re.compile(r"\d{1,19}")
_LARGEST = 2**63 - 1
_INDICES = re.compile(r"((?:\[\d{1,6}\])+)$")


@dataclass(frozen=True)
class Part:
    """One step of a path.

    relation : that leads here; None at the start, where an entity set stands.
    key : of the one entity of a set that is meant.
    """

    entity: Entity
    relation: Relation | None
    key: int | None

    @property
    def single(self) -> bool:
        return self.key is not None or (self.relation is not None and not self.relation.many)


@dataclass(frozen=True)
class ResourcePath:
    """What a path names: entities, and perhaps something of the last.

    prop : a property of the one entity.
    inside : keys and positions inside of a JSON property.
    label : the name that the answer gives it.
    value, ref, count : whether `$value`, `$ref` or `$count` stands at the end.
    """

    parts: tuple[Part, ...]
    prop: Property | None = None
    is_id: bool = False
    inside: tuple[str | int, ...] = ()
    label: str = ""
    value: bool = False
    ref: bool = False
    count: bool = False

    @property
    def entity(self) -> Entity:
        return self.parts[-1].entity

    @property
    def single(self) -> bool:
        return self.parts[-1].single


def parse(raw: str) -> ResourcePath:
    """The path below the service's root, still escaped.

    Raises
    ------
    UnknownError : there is no such entity set, relation or property.
    BadRequestError : a key is no integer.
    """
    segments = [unquote(segment) for segment in raw.strip("/").split("/")]
    if len(segments) > MAX_SEGMENTS:
        raise BadRequestError(f"the path has {len(segments)} parts, {MAX_SEGMENTS} at the most are followed")
    parts = [_first(segments[0])]
    for index, segment in enumerate(segments[1:], start=1):
        here = parts[-1]
        rest = segments[index:]
        if segment in ("$ref", "$count") and len(rest) == 1:
            return _ended(parts, segment)
        name, key = _split(segment)
        relation = here.entity.relations.get(name)
        if relation is None:
            return _property(parts, rest)
        if not here.single:
            raise UnknownError(f"{here.entity.plural} is a set; name one by its id before /{name}")
        if key is not None and not relation.many:
            raise BadRequestError(f"{name} is one entity and takes no id")
        parts.append(Part(ENTITIES[relation.target], relation, key))
    return ResourcePath(tuple(parts))


def _first(segment: str) -> Part:
    name, key = _split(segment)
    if name not in ENTITIES:
        raise UnknownError(f"there is no {segment[:60]!r}; the sets are {', '.join(ENTITIES)}")
    return Part(ENTITIES[name], None, key)


def _split(segment: str) -> tuple[str, int | None]:
    match = _KEYED.fullmatch(segment)
    if match is None:
        return segment, None
    key = match[2]
    if not _INTEGER.fullmatch(key) or not key.isascii() or int(key) > _LARGEST:
        # A string or negative id is well-formed, but no entity has one.
        if re.fullmatch(r"'[^']*'|-?\d+", key):
            raise UnknownError(f"there is no {segment[:80]}; ids are positive integers")
        raise BadRequestError(f"{segment[:80]} has no valid id; ids are positive integers")
    return match[1], int(key)


def _ended(parts: list[Part], word: str) -> ResourcePath:
    if word == "$count":
        if parts[-1].single:
            raise BadRequestError("$count is of sets only")
        return ResourcePath(tuple(parts), count=True)
    return ResourcePath(tuple(parts), ref=True)


def _property(parts: list[Part], rest: list[str]) -> ResourcePath:
    here = parts[-1]
    if not here.single:
        raise UnknownError(f"{here.entity.plural} is a set and has no {rest[0][:60]!r}")
    value = rest[-1] == "$value"
    names = rest[:-1] if value else rest
    if not names:
        raise UnknownError("$value stands behind a property")
    head, indices = _indexed(names[0])
    if head in ("id", "@iot.id") and len(names) == 1 and not indices:
        return ResourcePath(tuple(parts), is_id=True, label="@iot.id", value=value)
    prop = here.entity.properties.get(head)
    if prop is None:
        raise UnknownError(f"a {here.entity.singular} has no {head[:60]!r}")
    inside: list[str | int] = list(indices)
    for name in names[1:]:
        key, positions = _indexed(name)
        inside += [key, *positions]
    if inside and prop.kind not in ("json", "object", "geometry", "unit", "result"):
        raise UnknownError(f"{head} has nothing inside")
    return ResourcePath(tuple(parts), prop=prop, inside=tuple(inside), label=names[-1], value=value)


def _indexed(name: str) -> tuple[str, tuple[int, ...]]:
    match = _INDICES.search(name)
    if match is None:
        return name, ()
    return name[: match.start()], tuple(int(i) for i in re.findall(r"\d+", match[1]))
