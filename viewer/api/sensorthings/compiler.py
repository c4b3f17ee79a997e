"""$filter and $orderby as SQL.

A path over relations is an outer join, made once for each path and shared by all its uses: a thing with no
datastream has `Datastreams/id eq null`, and two conditions on `Datastreams/…` speak of the same datastream.
What joins to many rows is wrapped as `id IN (…)` by the reader. Joined rows too must be visible to the asker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from viewer.api.sensorthings import functions, spatial, values
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.model import ENTITIES, Entity, Property, Relation, column, joined, live
from viewer.api.sensorthings.sql import Dialect, Expression, Keys
from viewer.api.sensorthings.syntax import Binary, Call, Choice, Constant, Node, Path, Some, Step, Unary
from viewer.api.sensorthings.values import Json, Null, Number, Shape, Span, Text, Time, Truth, Value, name_of
from viewer.api.sensorthings.visible import Access, condition

MAX_JOINS = 24
# Columns of a thing that show among its properties.
LIFTED = ("kind", "building_id", "tree_id", "street")


@dataclass
class Sources:
    """A root's alias and what is joined to it."""

    joins: list[tuple[sa.FromClause, Expression]] = field(default_factory=list)
    many: bool = False

    def of(self, root: sa.FromClause) -> sa.FromClause:
        """The root with its joins."""
        source = root
        for table, on in self.joins:
            source = source.outerjoin(table, on)
        return source


@dataclass
class Scope:
    """An entity within an expression: its alias, and the scopes that its relations lead to."""

    entity: Entity
    alias: sa.FromClause
    sources: Sources
    children: dict[str, Scope] = field(default_factory=dict)


class Compiler:
    """Compiles expressions about the rows of one entity set.

    Parameters
    ----------
    connection : reads geometries where a spatial function needs them.
    option : its name, for messages.
    """

    def __init__(
        self,
        dialect: Dialect,
        connection: sa.Connection,
        access: Access,
        scope: Scope,
        option: str = "$filter",
    ) -> None:
        self.dialect = dialect
        self.connection = connection
        self.access = access
        self.scope = scope
        self.option = option
        self.variables: dict[str, Scope] = {}
        self._joins = 0

    def where(self, at: int) -> str:
        return f"{self.option}, position {at + 1}"

    # conditions
    def condition(self, node: Node) -> Expression:
        """A tree as a condition.

        Raises
        ------
        BadRequestError : it is none, or names what is not there.
        """
        value = self.value(node)
        if isinstance(value, Truth):
            return value.sql
        if isinstance(value, Json):
            return value.truth
        raise BadRequestError(f"a condition is expected, not {name_of(value)}", self.where(node.at))

    def value(self, node: Node) -> Value:
        """A tree as a value."""
        if isinstance(node, Constant):
            return _constant(node)
        if isinstance(node, Path):
            return self._path(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Binary):
            return self._binary(node)
        if isinstance(node, Unary):
            return self._unary(node)
        if isinstance(node, Choice):
            return self._choice(node)
        return self._some(node)

    def order(self, node: Node) -> list[tuple[Expression, bool]]:
        """What to sort by for one term of $orderby, each with whether it may be null."""
        joins = len(self.scope.sources.joins)
        value = self.value(node)
        if self.scope.sources.many and len(self.scope.sources.joins) > joins:
            raise BadRequestError(
                "a set cannot be sorted by the many entities of a relation", self.where(node.at)
            )
        if isinstance(value, Text):
            return [(self.dialect.collated(value.sql), not _sure(node))]
        if isinstance(value, Number | Truth | Span):
            return [(value.sql, not _sure(node))]
        if isinstance(value, Time):
            known = isinstance(node, Path) and str(node) in ("phenomenonTime", "time") and _is_required(value)
            terms = [(value.start, not known)]
            return terms if value.end is None else [*terms, (value.last, True)]
        if isinstance(value, Json):
            return [(value.number, True), (self.dialect.collated(value.text), True)]
        if isinstance(value, Shape) and value.source is not None:
            # Geometries have no order; the suites sort by them all the same, and compare their text.
            return [(self.dialect.collated(sa.cast(value.source.c[value.column], sa.Text)), True)]
        raise BadRequestError(f"nothing can be sorted by {name_of(value)}", self.where(node.at))

    def _binary(self, node: Binary) -> Value:
        where = self.where(node.at)
        if node.operator in ("and", "or"):
            parts = _flat(node, node.operator)
            join = sa.and_ if node.operator == "and" else sa.or_
            return Truth(join(*(self.condition(part) for part in parts)))
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "in":
            return self._within(node, right)
        if node.operator in ("add", "sub", "mul", "div", "mod"):
            return functions.arithmetic(self.dialect, node.operator, left, right, where)
        return Truth(values.compare(self.dialect, node.operator, left, right, where))

    def _within(self, node: Binary, right: Value) -> Value:
        constant = node.left
        simple = isinstance(constant, Constant) and constant.kind in ("number", "text", "bool")
        if not simple or not isinstance(right, Json) or right.contains is None:
            raise BadRequestError(
                "`in` takes a list in parentheses, or a literal and an array inside of JSON",
                self.where(node.at),
            )
        assert isinstance(constant, Constant)
        return Truth(right.contains(constant.value))

    def _unary(self, node: Unary) -> Value:
        if node.operator == "not":
            return Truth(sa.not_(self.condition(node.operand)))
        value = self.value(node.operand)
        if isinstance(value, Json):
            return Number(-value.number)
        if isinstance(value, Number | Span):
            return type(value)(-value.sql)
        raise BadRequestError(f"a minus before {name_of(value)}", self.where(node.at))

    def _choice(self, node: Choice) -> Value:
        operand = self.value(node.operand)
        where = self.where(node.at)
        options = [values.compare(self.dialect, "eq", operand, self.value(o), where) for o in node.options]
        return Truth(sa.or_(*options))

    def _call(self, node: Call) -> Value:
        arguments = [self.value(argument) for argument in node.arguments]
        if node.name not in spatial.FUNCTIONS:
            return functions.call(self.dialect, node.name, arguments, self.where(node.at))
        return self._spatial(node, arguments)

    def _spatial(self, node: Call, arguments: list[Value]) -> Value:
        where = self.where(node.at)
        wanted = {"geo.length": 1, "st_relate": 3}.get(node.name, 2)
        if len(arguments) != wanted:
            raise BadRequestError(f"{node.name} takes {wanted} arguments, not {len(arguments)}", where)
        pattern = ""
        if node.name == "st_relate":
            last = arguments.pop()
            pattern = (last.constant or "" if isinstance(last, Text) else "").upper()
            if len(pattern) != 9 or set(pattern) - set("012TF*"):
                raise BadRequestError("the pattern of st_relate has nine of 0 1 2 T F *", where)
        # Literals of other services come as plain text.
        shapes = [
            Shape(a.constant) if isinstance(a, Text) and a.constant is not None else a for a in arguments
        ]
        geometries = [shape for shape in shapes if isinstance(shape, Shape)]
        if len(geometries) < len(shapes):
            raise BadRequestError(f"{node.name} takes geometries", where)
        return spatial.call(self.connection, self.dialect, node.name, geometries, pattern, where)

    # paths
    def _path(self, node: Path) -> Value:
        scope, steps = self._start(node)
        while steps and steps[0].name in scope.entity.relations and not steps[0].indices:
            scope = self._follow(scope, scope.entity.relations[steps[0].name], node)
            steps = steps[1:]
        if not steps:
            raise BadRequestError(f"{node} is an entity, not a property", self.where(node.at))
        head, *inside = steps
        if head.name in ("id", "@iot.id") and not inside and not head.indices:
            return Number(scope.alias.c.id)
        prop = scope.entity.properties.get(head.name)
        if prop is None:
            raise BadRequestError(f"a {scope.entity.singular} has no {head.name[:40]!r}", self.where(node.at))
        return self._property(scope, prop, _keys(head, inside), node)

    def _start(self, node: Path) -> tuple[Scope, list[Step]]:
        head, *rest = node.steps
        if head.name in self.variables and not head.indices:
            return self.variables[head.name], rest
        if head.name == "$it":
            return self.scope, rest
        return self.scope, list(node.steps)

    def _follow(self, scope: Scope, relation: Relation, node: Path) -> Scope:
        known = scope.children.get(relation.name)
        if known is not None:
            return known
        self._joins += 1
        if self._joins > MAX_JOINS:
            raise BadRequestError(f"more than {MAX_JOINS} relations", self.where(node.at))
        target = ENTITIES[relation.target]
        alias = target.table.alias()
        on = sa.and_(live(alias, target), condition(self.access, target.plural, alias))
        if relation.sort == "linked":
            assert relation.link is not None
            link = relation.link.alias()
            scope.sources.joins.append((link, link.c[relation.column] == scope.alias.c.id))
            scope.sources.joins.append((alias, sa.and_(link.c[relation.other] == alias.c.id, on)))
        else:
            scope.sources.joins.append((alias, sa.and_(joined(relation, scope.alias, alias), on)))
        scope.sources.many = scope.sources.many or relation.many
        child = Scope(target, alias, scope.sources)
        scope.children[relation.name] = child
        return child

    def _some(self, node: Some) -> Value:
        scope, steps = self._start(node.path)
        for step in steps[:-1]:
            relation = scope.entity.relations.get(step.name)
            if relation is None or step.indices:
                raise BadRequestError(f"{node.path} leads nowhere", self.where(node.at))
            scope = self._follow(scope, relation, node.path)
        relation = scope.entity.relations.get(steps[-1].name) if steps else None
        if relation is None or not relation.many:
            raise BadRequestError(f"{node.path} is not a set of entities", self.where(node.at))
        return Truth(self._exists(node, scope, relation))

    def _exists(self, node: Some, scope: Scope, relation: Relation) -> Expression:
        target = ENTITIES[relation.target]
        inner = Scope(target, target.table.alias(), Sources())
        conditions = [
            joined(relation, scope.alias, inner.alias),
            live(inner.alias, target),
            condition(self.access, target.plural, inner.alias),
        ]
        if node.condition is not None:
            before = dict(self.variables)
            self.variables[node.variable] = inner
            found = self.condition(node.condition)
            self.variables = before
            conditions.append(sa.not_(sa.func.coalesce(found, sa.false())) if node.every else found)
        own = [inner.alias, *(table for table, _ in inner.sources.joins)]
        query = sa.select(sa.literal(1)).select_from(inner.sources.of(inner.alias)).where(*conditions)
        exists = sa.exists(query.correlate_except(*own))
        return sa.not_(exists) if node.every else exists

    def _property(self, scope: Scope, prop: Property, keys: Keys, node: Path) -> Value:
        build = _BUILDERS[prop.kind]
        if keys and prop.kind not in ("json", "object", "unit", "result"):
            raise BadRequestError(f"{prop.name} has nothing inside to filter by", self.where(node.at))
        value = build(self.dialect, scope.alias, prop, keys)
        if value is None:
            raise BadRequestError(f"{node} is not there to filter by", self.where(node.at))
        return value


def _constant(node: Constant) -> Value:
    if node.kind == "null":
        return Null()
    if node.kind == "number":
        kind: Any = sa.BigInteger if isinstance(node.value, int) else sa.Double
        return Number(sa.literal(node.value, kind))
    if node.kind == "text":
        return Text(sa.literal(node.value, sa.Text), node.value)
    if node.kind == "bool":
        return Truth(sa.true() if node.value else sa.false())
    if node.kind in ("duration", "timeofday"):
        return Span(sa.literal(node.value, sa.BigInteger))
    if node.kind == "geometry":
        return Shape(node.value)
    return values.constant_time(*node.value)


def _flat(node: Node, operator: str) -> list[Node]:
    """The parts of a long chain of one operator, so that SQL gets no deep nesting."""
    parts: list[Node] = []
    while isinstance(node, Binary) and node.operator == operator:
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _keys(head: Step, inside: list[Step]) -> Keys:
    keys: list[str | int] = list(head.indices)
    for step in inside:
        keys += [step.name, *step.indices]
    return tuple(keys)


def _sure(node: Node) -> bool:
    return isinstance(node, Path) and str(node) in ("id", "@iot.id", "name", "description")


def _is_required(value: Time) -> bool:
    start = value.start
    return isinstance(start, sa.Column) and not start.nullable


Builder = Callable[[Dialect, sa.FromClause, Property, Keys], Value | None]


def _text(_d: Dialect, alias: sa.FromClause, prop: Property, _k: Keys) -> Value:
    return Text(alias.c[prop.columns[0]])


def _time(_d: Dialect, alias: sa.FromClause, prop: Property, _k: Keys) -> Value:
    start, *end = (column(alias, name) for name in prop.columns)
    return Time(start, end[0] if end else None)


def _shape(_d: Dialect, alias: sa.FromClause, prop: Property, _k: Keys) -> Value:
    return Shape("", alias, prop.columns[0])


def _json_value(dialect: Dialect, document: Expression, keys: Keys) -> Json:
    return Json(
        dialect.json_number(document, keys),
        dialect.json_text(document, keys),
        dialect.json_truth(document, keys),
        lambda value: dialect.json_contains(document, keys, value),
    )


def _json(dialect: Dialect, alias: sa.FromClause, prop: Property, keys: Keys) -> Value:
    found = _json_value(dialect, alias.c[prop.columns[0]], keys)
    if prop.name != "properties" or "building_id" not in alias.c or len(keys) != 1:
        return found
    if keys[0] in LIFTED:
        own: Expression = sa.func.nullif(alias.c[str(keys[0])], "")
        return Json(found.number, sa.func.coalesce(found.text, own), found.truth, found.contains)
    if keys[0] in ("simulated", "public"):
        own = alias.c[str(keys[0])]
        words = sa.case((own, sa.literal("true")), else_=sa.literal("false"))
        return Json(found.number, sa.func.coalesce(found.text, words), sa.func.coalesce(found.truth, own))
    return found


def _unit(_d: Dialect, alias: sa.FromClause, prop: Property, keys: Keys) -> Value | None:
    columns = dict(zip(("name", "symbol", "definition"), prop.columns, strict=True))
    if len(keys) != 1 or keys[0] not in columns:
        return None
    return Text(alias.c[columns[str(keys[0])]])


def _result(dialect: Dialect, alias: sa.FromClause, prop: Property, keys: Keys) -> Value:
    number, document = (alias.c[name] for name in prop.columns)
    inside = _json_value(dialect, document, keys)
    if keys:
        return inside
    text = sa.case((number.is_not(None), dialect.number_text(number)), else_=inside.text)
    return Json(number, text, inside.truth, inside.contains)


_BUILDERS: dict[str, Builder] = {
    "text": _text,
    "json": _json,
    "object": _json,
    "geometry": _shape,
    "instant": _time,
    "time": _time,
    "interval": _time,
    "unit": _unit,
    "result": _result,
}
