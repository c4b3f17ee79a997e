"""Filters in CQL2 (21-065r2): which features of a collection make a condition true.

Both encodings become one tree, that of CQL2 JSON. It is evaluated over whole columns, with the three values
of its logic, and only over what the collection publishes, as it publishes it: `Collection.published`, which
rounds, and `Collection.shapes`. So a filter tells of nothing that stands in no answer.
"""

from __future__ import annotations

import json
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from viewer.api.ogc import cql_text
from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.cql_text import DEPTH, LEVELS, FilterError
from viewer.api.ogc.crs import Crs

LANGUAGES = ("cql2-text", "cql2-json")
LENGTH, OPERANDS, VERTICES, SPATIAL = 10_000, 400, 1_000, 20
"""Of a filter: characters; operations and properties; positions of its geometries; spatial comparisons."""
GEOMETRY = "geometry"
_FARTHEST = 1e8  # beyond every coordinate, in metres too
_SAID = {"text": "a text", "number": "a number", "truth": "true or false", "date": "a date",
         "timestamp": "a timestamp", "geometry": "a geometry"}  # fmt: skip
_KINDS = {"str": "text", "float": "number", "count": "number", "bool": "truth"}
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Values = NDArray[Any]


@dataclass(frozen=True)
class _Operand:
    """A value of each feature.

    kind : text, number, truth, date, timestamp or geometry.
    missing : where there is none; `values` there mean nothing.
    said : how messages call it.
    constant : the geometry that all features share.
    """

    kind: str
    values: Values
    missing: NDArray[np.bool_]
    said: str
    constant: shapely.Geometry | None = None


def read(text: str, language: str) -> Any:
    """The tree of a filter, within its limits.

    Raises
    ------
    FilterError : it cannot be read, or is too long, too deep or too much.
    """
    if len(text) > LENGTH:
        raise FilterError(f"it has {len(text)} characters, and may have {LENGTH}; ask in parts")
    if not text.strip():
        raise FilterError("it is empty; leave the parameter out, or write a condition")
    tree = cql_text.parse(text) if language == LANGUAGES[0] else _json(text)
    if tree is None:
        raise FilterError("null is no condition; leave the parameter out, or write one")
    _limit(tree)
    return tree


def keeps(tree: Any, collection: Collection, crs: Crs) -> NDArray[np.bool_]:
    """Which features make the condition true, in the table's order.

    crs : of the filter's geometries, in its axis order.

    Raises
    ------
    FilterError : it asks for what there is not, or compares what cannot be compared.
    """
    found = _Rows(collection, crs).of(tree)
    if found.kind != "truth":
        raise FilterError(f"{found.said} is {_SAID[found.kind]}, and no condition; compare it, as in a = 1")
    return found.values & ~found.missing


def _json(text: str) -> Any:
    def refused(number: str) -> Any:
        raise FilterError(f"{number} is no number of JSON; write a finite one")

    try:
        return json.loads(text, parse_constant=refused)
    except FilterError:
        raise
    except RecursionError:
        raise FilterError(f"it is nested more than {DEPTH} deep; write it flatter") from None
    except json.JSONDecodeError as error:
        raise FilterError(
            f"character {error.pos + 1}: this is no JSON ({error.msg}); for text give filter-lang=cql2-text"
        ) from None
    except ValueError:
        raise FilterError("a number has too many digits; write fewer") from None


def _limit(tree: Any) -> None:
    """Refuse a tree that is too deep or too much, without recursion."""
    operands = spatial = 0
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > 2 * DEPTH:  # an operation's list of arguments is a level of its own
            raise FilterError(f"it is nested more than {DEPTH} deep; write it flatter")
        if isinstance(node, dict):
            operands += "op" in node or "property" in node
            spatial += str(node.get("op")).startswith("s_")
            waiting += [(one, depth + 1) for one in node.values()]
        elif isinstance(node, list):
            waiting += [(one, depth + 1) for one in node]
    if operands > OPERANDS:
        raise FilterError(
            f"it has {operands} operations and properties, and may have {OPERANDS}; "
            "IN takes many values at once"
        )
    if spatial > SPATIAL:
        raise FilterError(
            f"it has {spatial} spatial comparisons, and may have {SPATIAL}; a MULTIPOLYGON is one shape"
        )


class _Rows:
    """The operands of a collection's features."""

    def __init__(self, collection: Collection, crs: Crs) -> None:
        self.collection, self.crs, self.many = collection, crs, len(collection.table)
        self.vertices = 0

    def of(self, node: Any) -> _Operand:
        if isinstance(node, (bool, int, float, str)):
            return self._same(*_literal(node))
        if not isinstance(node, dict):
            raise FilterError(f"{_shown(node)} is no operand; write a value, a property or an operation")
        keys = set(node)
        if keys == {"property"}:
            return self._property(node["property"])
        if keys in ({"date"}, {"timestamp"}):
            return self._same(*_instant(node))
        if keys == {"op", "args"}:
            return self._operation(node["op"], node["args"])
        if "type" in keys or keys == {"bbox"}:
            return self._geometry(node)
        raise FilterError(f'{_shown(node)} is no operand; it needs "op" and "args", or "property" alone')

    def _same(self, kind: str, value: Any, said: str) -> _Operand:
        values = np.full(self.many, value, object if kind == "text" else None)
        return _Operand(kind, values, np.zeros(self.many, bool), said)

    def _property(self, name: Any) -> _Operand:
        if name == GEOMETRY:
            shapes = self.collection.shapes(self.crs)
            return _Operand("geometry", shapes, shapely.is_missing(shapes), GEOMETRY)
        known = self.collection.known.get(name) if isinstance(name, str) else None
        if known is None:
            raise FilterError(
                f"there is no property {_shown(name)} in {self.collection.id}; …/queryables names all, "
                "and texts stand in single quotes"
            )
        values, missing = self.collection.published(known.name)
        return _Operand(_KINDS[known.kind], values, missing, known.name)

    def _operation(self, name: Any, arguments: Any) -> _Operand:
        if not isinstance(name, str) or not isinstance(arguments, list):
            raise FilterError(f'{_shown(name)}: "op" is a name and "args" a list')
        found = _OPERATIONS.get(name)
        if found is None:
            raise FilterError(
                f"there is no operation {_shown(name)} here; there are {', '.join(_OPERATIONS)}"
            )
        run, least, most = found
        if not least <= len(arguments) <= most:
            wanted = f"{least} or more" if most > least else str(least)
            raise FilterError(f"{name} takes {wanted} operands, and has {len(arguments)}")
        return run(self, name, arguments)

    def _all(self, name: str, nodes: list[Any], *kinds: str) -> list[_Operand]:
        """The operands, each of one of the kinds."""
        found = [self.of(node) for node in nodes]
        for one in found:
            if one.kind not in kinds:
                wanted = " or ".join(_SAID[kind] for kind in kinds)
                raise FilterError(f"{name} takes {wanted}; {one.said} is {_SAID[one.kind]}")
        return found

    def _alike(self, name: str, nodes: list[Any]) -> list[_Operand]:
        """The operands, all of one kind that has an order."""
        first, *others = self._all(name, nodes, "text", "number", "truth", "date", "timestamp")
        for one in others:
            _alike(name, first, one.kind, one.said)
        return [first, *others]

    def joined(self, name: str, nodes: list[Any]) -> _Operand:
        parts = self._all(name, nodes, "truth")
        found = parts[0]
        for one in parts[1:]:
            found = _both(found, one) if name == "and" else _either(found, one)
        return found

    def negated(self, name: str, nodes: list[Any]) -> _Operand:
        return _not(self._all(name, nodes, "truth")[0])

    def compared(self, name: str, nodes: list[Any]) -> _Operand:
        return _compared(_COMPARISONS[name], *self._alike(name, nodes), said=name)

    def between(self, name: str, nodes: list[Any]) -> _Operand:
        one, low, high = self._alike(name, nodes)
        missing = one.missing | low.missing | high.missing  # of 1 BETWEEN 2 AND null nothing is known either
        values = np.asarray((one.values >= low.values) & (one.values <= high.values), bool)
        return _Operand("truth", values & ~missing, missing, name)

    def within_list(self, name: str, nodes: list[Any]) -> _Operand:
        node, listed = nodes
        if not isinstance(listed, list):
            raise FilterError("in takes a value and a list of values")
        (one,) = self._alike(name, [node])
        known, others = set(), []
        for item in listed:
            if isinstance(item, (bool, int, float, str)):
                kind, value, said = _literal(item)
                known.add(value)
            else:
                others.append(self.of(item))
                kind, said = others[-1].kind, others[-1].said
            _alike(name, one, kind, said)
        values = np.fromiter((value in known for value in one.values.tolist()), bool, self.many)
        found = _Operand("truth", values & ~one.missing, one.missing, name)
        for other in others:
            found = _either(found, _compared(operator.eq, one, other, said=name))
        return found

    def like(self, name: str, nodes: list[Any]) -> _Operand:
        (one,) = self._all(name, nodes[:1], "text")
        matches = re.compile(_pattern(_written(nodes[1])), re.DOTALL).fullmatch
        values = np.array(_each(one.values, lambda value: matches(value) is not None), bool)
        return _Operand("truth", values & ~one.missing, one.missing, name)

    def is_null(self, name: str, nodes: list[Any]) -> _Operand:
        return _Operand("truth", self.of(nodes[0]).missing, np.zeros(self.many, bool), name)

    def folded(self, name: str, nodes: list[Any]) -> _Operand:
        (one,) = self._all(name, nodes, "text")
        return replace(one, values=np.array(_each(one.values, _FOLDS[name]), object), said=name)

    def calculated(self, name: str, nodes: list[Any]) -> _Operand:
        a, b = self._all(name, nodes, "number")
        with np.errstate(all="ignore"):
            values = np.asarray(_ARITHMETIC[name](a.values.astype(float), b.values.astype(float)))
        # What has no finite result, as a division by zero, has no value.
        missing = a.missing | b.missing | ~np.isfinite(values)
        return _Operand("number", np.where(missing, 0.0, values), missing, f"the result of {name}")

    def spatial(self, name: str, nodes: list[Any]) -> _Operand:
        a, b = self._all(name, nodes, "geometry")
        missing = a.missing | b.missing
        relation = name.lower()
        if b.constant is not None and a.constant is None:  # a prepared shape is fast in the first place
            a, b, relation = b, a, _TURNED.get(relation, relation)
        if a.constant is not None:
            shapely.prepare(a.constant)
        try:
            values = _RELATIONS[relation](a.values, b.values)
        except ShapelyError as error:
            raise FilterError(f"{name}: the geometries cannot be compared ({error})") from None
        return _Operand("truth", values & ~missing, missing, name)

    def _geometry(self, node: Mapping[str, Any]) -> _Operand:
        shape = self._box(node["bbox"]) if set(node) == {"bbox"} else self._shape(node)
        edges = shapely.bounds(shape)
        if self.crs.digits == systems.CRS84.digits and (np.abs(edges) > [180, 90, 180, 90]).any():
            raise FilterError(
                f"a position of the geometry lies outside {self.crs.uri}; give the filter-crs that it is in, "
                "and its axes in that one's order"
            )
        values = np.full(self.many, shape, object)
        return _Operand("geometry", values, np.zeros(self.many, bool), "the geometry", shape)

    def _box(self, numbers: Any) -> shapely.Geometry:
        if not isinstance(numbers, list) or len(numbers) not in (4, 6):
            raise FilterError("bbox takes four or six numbers")
        found = tuple(_coordinate(number) for number in numbers)
        flat = found if len(found) == 4 else (*found[:2], *found[3:5])  # heights bound nothing here
        try:
            shape = systems.box(flat, self.crs)
        except ValueError as error:
            raise FilterError(f"bbox: {error}") from None
        west, south, east, north = shape.bounds
        if west == east and south == north:
            return shapely.Point(west, south)
        return shapely.LineString([(west, south), (east, north)]) if shape.area == 0 else shape

    def _shape(self, node: Mapping[str, Any]) -> shapely.Geometry:
        """A GeoJSON geometry, easting first."""
        kind = node["type"]
        if kind == "GeometryCollection" and isinstance(node.get("geometries"), list):
            parts = [
                self._shape(one) for one in node["geometries"] if isinstance(one, dict) and "type" in one
            ]
            if len(parts) == len(node["geometries"]) > 0:
                return shapely.GeometryCollection(parts)
        if not isinstance(kind, str) or kind not in LEVELS:
            raise FilterError(f"there is no geometry {_shown(kind)}; there are {', '.join(LEVELS)}")
        plain = self._positions(node.get("coordinates"), LEVELS[kind], kind)
        try:
            shape = shapely.from_geojson(json.dumps({"type": kind, "coordinates": plain}))
        except ShapelyError as error:
            raise FilterError(f"the {kind} is none: {error}") from None
        if shape.is_empty or not shape.is_valid:
            raise FilterError(f"the {kind} is not valid: {shapely.is_valid_reason(shape)}")
        found: shapely.Geometry = systems.in_order(np.array([shape], object), self.crs)[0]
        return found

    def _positions(self, given: Any, level: int, kind: str) -> Any:
        if not isinstance(given, list) or not given:
            raise FilterError(f"the coordinates of the {kind} are not nested as GeoJSON wants it")
        if level:
            return [self._positions(one, level - 1, kind) for one in given]
        self.vertices += 1
        if self.vertices > VERTICES:
            raise FilterError(f"its geometries have more than {VERTICES} positions; simplify them")
        if len(given) not in (2, 3):
            raise FilterError(f"a position of the {kind} has {len(given)} numbers; write two or three")
        return [_coordinate(number) for number in given[:2]]


def _literal(node: bool | int | float | str) -> tuple[str, Any, str]:
    """Kind, value and name of a value that stands in the filter itself."""
    if isinstance(node, bool):
        return "truth", node, str(node).lower()
    if isinstance(node, str):
        return "text", node, _shown(node)
    return "number", _finite(node), _shown(node)


def _finite(number: Any) -> float:
    found = math.nan
    if isinstance(number, (int, float)) and not isinstance(number, bool) and abs(number) < 1e300:
        found = float(number)
    if math.isnan(found):
        raise FilterError(f"{_shown(number)} is no number, or too large a one")
    return found


def _coordinate(number: Any) -> float:
    found = _finite(number)
    if abs(found) > _FARTHEST:
        raise FilterError(f"the coordinate {_shown(number)} lies outside every reference system")
    return found


def _instant(node: Mapping[str, Any]) -> tuple[str, Any, str]:
    """Kind, value and name of a date or a timestamp."""
    ((kind, text),) = node.items()
    pattern = _DATE if kind == "date" else _TIMESTAMP
    if isinstance(text, str) and pattern.fullmatch(text):
        try:
            if kind == "date":
                return kind, np.datetime64(date.fromisoformat(text), "D"), text
            return kind, np.datetime64(datetime.fromisoformat(text[:-1]), "us"), text
        except ValueError:
            pass
    like = "2024-02-29" if kind == "date" else "2024-02-29T12:00:00Z"
    raise FilterError(f"{_shown(text)} is no {kind}; write it as {like}")


def _shown(node: Any) -> str:
    """A part of a filter in a message; str of a whole number of many digits would be refused."""
    if isinstance(node, int) and abs(node) > 10**20:
        return "a number of many digits"
    said = repr(node) if isinstance(node, (str, int, float, type(None))) else f"a {type(node).__name__}"
    return said if len(said) <= 40 else f"{said[:37]}…"


def _written(node: Any) -> str:
    """The pattern of LIKE, which stands in the filter itself."""
    if isinstance(node, str):
        return node
    if isinstance(node, dict) and node.get("op") in _FOLDS and isinstance(node.get("args"), list):
        parts = node["args"]
        if len(parts) == 1:
            return _FOLDS[node["op"]](_written(parts[0]))
    raise FilterError("like takes a pattern in single quotes, where % is any text and _ any character")


def _pattern(like: str) -> str:
    """The regular expression of a pattern of LIKE. What % stands for is found once and never tried again, so
    that no pattern takes longer than the texts are long."""
    parts = [""]
    escaped = False
    for character in like:
        if escaped or character not in "%_\\":
            parts[-1] += re.escape(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "_":
            parts[-1] += "."
        else:
            parts.append("")
    first, *middle = parts if not escaped else [*parts[:-1], parts[-1] + r"\\"]
    if not middle:
        return first
    return first + "".join(f"(?>.*?{part})" for part in middle[:-1] if part) + ".*" + middle[-1]


def _unaccented(text: str) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(one for one in apart if not unicodedata.combining(one)))


def _each(values: Values, function: Callable[[str], Any]) -> list[Any]:
    """The function of each text; of texts that stand often, once."""
    known = {value: function(value) for value in set(values.tolist())}
    return [known[value] for value in values.tolist()]


def _alike(name: str, first: _Operand, kind: str, said: str) -> None:
    """Refuse to compare `first` with what is of another kind."""
    if kind != first.kind:
        raise FilterError(
            f"{name} cannot compare {first.said}, {_SAID[first.kind]}, with {said}, {_SAID[kind]}; "
            "write both as one kind"
        )


def _both(a: _Operand, b: _Operand) -> _Operand:
    """AND: false where either is, else unknown where either is."""
    wrong = ~(a.values | a.missing) | ~(b.values | b.missing)
    missing = (a.missing | b.missing) & ~wrong
    return _Operand("truth", ~wrong & ~missing, missing, "and")


def _not(a: _Operand) -> _Operand:
    return replace(a, values=~a.values & ~a.missing)


def _either(a: _Operand, b: _Operand) -> _Operand:
    return _not(_both(_not(a), _not(b)))


def _compared(relation: Callable[[Values, Values], Any], a: _Operand, b: _Operand, *, said: str) -> _Operand:
    missing = a.missing | b.missing
    return _Operand("truth", np.asarray(relation(a.values, b.values), bool) & ~missing, missing, said)


_COMPARISONS: dict[str, Callable[[Values, Values], Any]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le,
    ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Values, Values], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
    "%": np.fmod, "div": lambda a, b: np.trunc(a / b),
}  # fmt: skip
_FOLDS: dict[str, Callable[[str], str]] = {"casei": str.casefold, "accenti": _unaccented}
_RELATIONS: dict[str, Callable[[Values, Values], Any]] = {
    "s_intersects": shapely.intersects, "s_disjoint": shapely.disjoint, "s_equals": shapely.equals,
    "s_touches": shapely.touches, "s_crosses": shapely.crosses, "s_overlaps": shapely.overlaps,
    "s_within": shapely.within, "s_contains": shapely.contains,
}  # fmt: skip
_TURNED = {"s_within": "s_contains", "s_contains": "s_within"}
_Run = Callable[[_Rows, str, list[Any]], _Operand]
_OPERATIONS: dict[str, tuple[_Run, int, int]] = {
    **dict.fromkeys(("and", "or"), (_Rows.joined, 2, LENGTH)),
    "not": (_Rows.negated, 1, 1),
    **dict.fromkeys(_COMPARISONS, (_Rows.compared, 2, 2)),
    "like": (_Rows.like, 2, 2),
    "between": (_Rows.between, 3, 3),
    "in": (_Rows.within_list, 2, 2),
    "isNull": (_Rows.is_null, 1, 1),
    **dict.fromkeys(_FOLDS, (_Rows.folded, 1, 1)),
    **dict.fromkeys(_ARITHMETIC, (_Rows.calculated, 2, 2)),
    **dict.fromkeys(_RELATIONS, (_Rows.spatial, 2, 2)),
}
