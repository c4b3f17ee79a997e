"""Reading: resource paths resolved, sets filtered, sorted and paged, relations shown inline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from sensors.store import tables
from viewer.api.sensorthings import pages
from viewer.api.sensorthings.compiler import Compiler, Scope, Sources
from viewer.api.sensorthings.errors import BadRequestError, UnknownError
from viewer.api.sensorthings.features import Features, MissingFeatureError
from viewer.api.sensorthings.model import (
    ENTITIES,
    FROM_LATEST,
    Entity,
    Relation,
    column,
    joined,
    live,
    related_to,
)
from viewer.api.sensorthings.options import Expand, Options
from viewer.api.sensorthings.paths import Part, ResourcePath
from viewer.api.sensorthings.render import Renderer, Row
from viewer.api.sensorthings.sql import Dialect
from viewer.api.sensorthings.syntax import Path
from viewer.api.sensorthings.visible import Access, condition

# Entities of one answer, expanded ones included.
MAX_ENTITIES = 50_000
Where = Callable[[sa.FromClause], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Place:
    """What a path leads to: one entity (`identifier`), or a set, all of it or that of one entity.

    parent : the relation and the id of the one entity that the set belongs to.
    """

    entity: Entity
    identifier: int | None
    parent: tuple[Relation, int] | None
    address: str


@dataclass(frozen=True)
class Page:
    """Part of a set.

    next : query of the link to what follows; None: this is the end.
    """

    rows: list[Row]
    count: int | None
    next: str | None


class Reader:
    """Answers one request over one connection."""

    def __init__(
        self,
        connection: sa.Connection,
        dialect: Dialect,
        access: Access,
        renderer: Renderer,
        features: Features,
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        self.access = access
        self.renderer = renderer
        self.features = features
        self._left = MAX_ENTITIES

    # paths
    def place(self, path: ResourcePath) -> Place:
        """Where a path leads.

        Raises
        ------
        UnknownError : an entity on the way is not there, or not to be seen.
        """
        here: Place | None = None
        for part in path.parts:
            here = self._step(here, part)
        assert here is not None
        return here

    def _step(self, before: Place | None, part: Part) -> Place:
        entity, relation = part.entity, part.relation
        if before is None or relation is None:
            place = Place(entity, part.key, None, f"{self.renderer.root}/{entity.plural}")
        else:
            assert before.identifier is not None
            address = f"{self.renderer.root}/{before.entity.plural}({before.identifier})/{relation.name}"
            place = Place(entity, part.key, (relation, before.identifier), address)
            if not relation.many:
                identifier = self._one(before, relation)
                return Place(entity, identifier, None, address)
        if place.identifier is not None and not self._is_there(place):
            raise UnknownError(
                f"there is no {place.address.removeprefix(self.renderer.root)}({place.identifier})"
            )
        return place

    def _is_there(self, place: Place) -> bool:
        source = place.entity.table.alias()
        query = sa.select(source.c.id).where(source.c.id == place.identifier, *self._base(place, source))
        return self.connection.execute(query).first() is not None

    def _one(self, before: Place, relation: Relation) -> int:
        """The id that a relation to one entity leads to."""
        here, target = before.entity.table.alias(), ENTITIES[relation.target]
        there = target.table.alias()
        query = sa.select(there.c.id).where(
            here.c.id == before.identifier,
            live(here, before.entity),
            joined(relation, here, there),
            live(there, target),
            condition(self.access, target.plural, there),
        )
        found = self.connection.execute(query).scalar()
        if found is None and relation.column == "feature_id":
            row = self.row(before.entity, before.identifier or 0)
            found = self.features.default(self.connection, row["datastream_id"])
        if found is None:
            raise UnknownError(f"{before.entity.singular} {before.identifier} has no {relation.name}")
        return int(found)

    def _base(self, place: Place, source: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        base = [live(source, place.entity), condition(self.access, place.entity.plural, source)]
        if place.parent is not None:
            base.append(related_to(*place.parent, source))
        return base

    # rows
    def row(self, entity: Entity, identifier: int) -> Row:
        """The row of one entity.

        Raises
        ------
        UnknownError : it is not there, or not to be seen.
        """
        rows = self.rows_of(entity, [identifier])
        if not rows:
            raise UnknownError(f"there is no {entity.plural}({identifier})")
        return rows[0]

    def rows_of(self, entity: Entity, identifiers: Sequence[int]) -> list[Row]:
        """The rows of entities that are there and to be seen."""
        source = entity.table.alias()
        found: list[Row] = []
        for start in range(0, len(identifiers), 500):
            query = sa.select(*_columns(entity, source)).where(
                source.c.id.in_(identifiers[start : start + 500]),
                live(source, entity),
                condition(self.access, entity.plural, source),
            )
            found += self.connection.execute(query).mappings().all()
        return found

    def page(self, place: Place, options: Options) -> Page:
        """A page of a set.

        Raises
        ------
        BadRequestError : the options name what is not there, or do not fit together.
        """
        source, sources, where = self._filtered(place, options)
        terms = self._order(place, source, sources, options)
        keys = [term.sql.label(f"_key{i}") for i, term in enumerate(terms)]
        query = (
            sa.select(*_columns(place.entity, source), *keys).select_from(sources.of(source)).where(*where)
        )
        query = query.order_by(*(pages.sorted_by(self.dialect, term) for term in terms))
        limit = options.limit
        token = pages.read_token(options.token, len(terms)) if options.token else None
        if token is not None:
            query = query.where(pages.after(terms, token))
        elif options.skip:
            query = query.offset(options.skip)
        rows = self.connection.execute(query.limit(limit + 1)).mappings().all()
        more = len(rows) > limit
        rows = rows[:limit]
        self._spend(len(rows))
        count = self._count(source, sources, where) if options.count else None
        return Page(list(rows), count, self._next(options, rows, len(terms)) if more and limit else None)

    def count(self, place: Place, options: Options) -> int:
        """How many entities a set has."""
        source, sources, where = self._filtered(place, options)
        return self._count(source, sources, where)

    def identifiers(self, place: Place, options: Options, limit: int) -> list[int]:
        """Ids of the entities of a set that a filter takes."""
        source, sources, where = self._filtered(place, options)
        query = sa.select(source.c.id).select_from(sources.of(source)).where(*where).limit(limit)
        return [int(i) for i in self.connection.execute(query).scalars()]

    def _count(self, source: sa.FromClause, sources: Sources, where: list[Any]) -> int:
        query = sa.select(sa.func.count()).select_from(sources.of(source)).where(*where)
        return int(self.connection.execute(query).scalar_one())

    def _filtered(self, place: Place, options: Options) -> tuple[sa.FromClause, Sources, list[Any]]:
        """The set's alias, what is joined to it, and the conditions on its rows."""
        entity = place.entity
        source, sources = entity.table.alias(), Sources()
        base = self._base(place, source)
        if options.filter is None:
            return source, sources, base
        compiler = self._compiler(entity, source, sources)
        found = compiler.condition(options.filter)
        if not sources.many:
            return source, sources, [*base, found]
        inner = sa.select(source.c.id).select_from(sources.of(source)).where(*base, found)
        outer = entity.table.alias()
        return outer, Sources(), [live(outer, entity), outer.c.id.in_(inner.correlate(None))]

    def _compiler(
        self, entity: Entity, source: sa.FromClause, sources: Sources, option: str = "$filter"
    ) -> Compiler:
        scope = Scope(entity, source, sources)
        return Compiler(self.dialect, self.connection, self.access, scope, option)

    def _order(
        self, place: Place, source: sa.FromClause, sources: Sources, options: Options
    ) -> list[pages.Term]:
        terms = []
        compiler = self._compiler(place.entity, source, sources, "$orderby")
        for node, descending in options.order:
            terms += [pages.Term(sql, descending, nullable) for sql, nullable in compiler.order(node)]
        series = place.entity.plural == "Observations" and place.parent is not None
        if not options.order and series and place.parent and place.parent[0].column == "datastream_id":
            terms.append(pages.Term(source.c.phenomenon_time, False, False))
        if len(terms) > 32:
            raise BadRequestError("$orderby has too many terms")
        return [*terms, pages.Term(source.c.id, False, False)]

    def _next(self, options: Options, rows: Sequence[Row], keys: int) -> str:
        """The query of the next page: where this one ended, and for other readers how far that is."""
        pairs = [(n, v) for n, v in options.raw if n not in ("$skip", "$skiptoken")]
        if options.top is not None and options.top > options.limit:
            left = options.top - options.limit
            pairs = [(n, str(left) if n == "$top" else v) for n, v in pairs]
        pairs.append(("$skip", str(options.skip + len(rows))))
        pairs.append(("$skiptoken", pages.write_token([rows[-1][f"_key{i}"] for i in range(keys)])))
        return "&".join(f"{quote(n, safe='$')}={quote(v, safe='$,()/@:*')}" for n, v in pairs)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BadRequestError(
                f"the answer would hold more than {MAX_ENTITIES} entities; lower $top inside of $expand"
            )

    # entities
    def collection(self, place: Place, options: Options) -> dict[str, Any]:
        """A page of a set as JSON."""
        page = self.page(place, options)
        answer: dict[str, Any] = {}
        if page.count is not None:
            answer["@iot.count"] = page.count
        if page.next is not None:
            answer["@iot.nextLink"] = f"{place.address}?{page.next}"
        answer["value"] = self.entities(place.entity, page.rows, options)
        return answer

    def entities(
        self, entity: Entity, rows: Sequence[Row], options: Options, *, links: bool = True
    ) -> list[dict[str, Any]]:
        """Rows as JSON, with what is to be shown inline."""
        shown = [self.renderer.entity(entity, row, options.select, links=links) for row in rows]
        for expand in options.expand:
            relation = entity.relations[expand.relation]
            if relation.many:
                self._expand_many(entity, rows, shown, relation, expand)
            else:
                self._expand_one(rows, shown, relation, expand)
        return shown

    def _expand_one(
        self, rows: Sequence[Row], shown: list[dict[str, Any]], relation: Relation, expand: Expand
    ) -> None:
        target = ENTITIES[relation.target]
        ids = [row[relation.column] for row in rows]
        if relation.column == "feature_id" and None in ids:
            ids = self._with_defaults(rows)
        others = self.rows_of(target, sorted({i for i in ids if i is not None}))
        self._spend(len(others))
        inline = self.entities(target, others, expand.options, links=False)
        by_id = {other["id"]: entry for other, entry in zip(others, inline, strict=True)}
        for identifier, entry in zip(ids, shown, strict=True):
            if identifier in by_id:
                entry[relation.name] = by_id[identifier]

    def _with_defaults(self, rows: Sequence[Row]) -> list[int | None]:
        """The features of observations; where a feed named none, the place of the thing."""
        defaults: dict[int, int | None] = {}
        missing: set[int] = set()
        for row in rows:
            datastream = row["datastream_id"]
            if row["feature_id"] is None and datastream not in defaults:
                try:
                    defaults[datastream] = self.features.default(self.connection, datastream)
                except MissingFeatureError:
                    defaults[datastream] = None
                    missing.add(datastream)
        if missing:
            raise MissingFeatureError(missing)
        return [row["feature_id"] or defaults[row["datastream_id"]] for row in rows]

    def _expand_many(
        self,
        entity: Entity,
        rows: Sequence[Row],
        shown: list[dict[str, Any]],
        relation: Relation,
        expand: Expand,
    ) -> None:
        target, options = ENTITIES[relation.target], expand.options
        if relation.column == "datastream_id" and _asks_for_latest(options):
            self._expand_latest(rows, shown, options)
            return
        found = []
        for row in rows:
            address = f"{self.renderer.self_link(entity, row['id'])}/{relation.name}"
            found.append((address, self.page(Place(target, None, (relation, row["id"]), address), options)))
        # All children at once, so that what they expand in turn is read once for all.
        inline = iter(
            self.entities(target, [r for _, page in found for r in page.rows], options, links=False)
        )
        for entry, (address, page) in zip(shown, found, strict=True):
            if page.count is not None:
                entry[f"{relation.name}@iot.count"] = page.count
            if page.next is not None:
                entry[f"{relation.name}@iot.nextLink"] = f"{address}?{page.next}"
            entry[relation.name] = [next(inline) for _ in page.rows]

    def _expand_latest(self, rows: Sequence[Row], shown: list[dict[str, Any]], options: Options) -> None:
        """The newest observation of each datastream from the table of latest values."""
        entity, source, latest = ENTITIES["Observations"], tables.observations.alias(), tables.latest.alias()
        newest: dict[int, Row] = {}
        query = sa.select(*_columns(entity, source), latest.c.count.label("_count")).join_from(
            latest, source, latest.c.row_id == source.c.row_id
        )
        ids = [row["id"] for row in rows]
        for start in range(0, len(ids), 500):
            part = query.where(latest.c.datastream_id.in_(ids[start : start + 500]))
            newest |= {row["datastream_id"]: row for row in self.connection.execute(part).mappings()}
        self._spend(len(newest))
        known = [newest[i] for i in ids if i in newest]
        inline = dict(
            zip(
                (r["datastream_id"] for r in known),
                self.entities(entity, known, options, links=False),
                strict=True,
            )
        )
        for row, entry in zip(rows, shown, strict=True):
            observation = newest.get(row["id"])
            entry["Observations"] = [] if observation is None else [inline[row["id"]]]
            if options.count:
                entry["Observations@iot.count"] = 0 if observation is None else observation["_count"]
            if observation is not None and observation["_count"] > 1:
                keys = {
                    "_key0": observation["phenomenon_time"],
                    "_key1": _last(observation),
                    "_key2": observation["id"],
                }
                address = f"{self.renderer.self_link(ENTITIES['Datastreams'], row['id'])}/Observations"
                entry["Observations@iot.nextLink"] = f"{address}?{self._next(options, [keys], 3)}"


def _last(observation: Row) -> int:
    end = observation["phenomenon_end"]
    return int(observation["phenomenon_time"] if end is None else end)


def _asks_for_latest(options: Options) -> bool:
    """Whether of each datastream the newest observation alone is wanted."""
    if (
        options.top != 1
        or options.skip
        or options.token
        or options.filter is not None
        or len(options.order) != 1
    ):
        return False
    node, descending = options.order[0]
    return descending and isinstance(node, Path) and str(node) == "phenomenonTime"


def _columns(entity: Entity, source: sa.FromClause) -> list[Any]:
    columns: list[Any] = list(source.c)
    if entity.plural == "Datastreams":
        columns += [column(source, name).label(name) for name in sorted(FROM_LATEST)]
    return columns
