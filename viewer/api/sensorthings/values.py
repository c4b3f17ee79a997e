"""What an expression of $filter can be, and how two of them compare.

Times compare as half-open stretches: an instant is one microsecond long. So `lt` holds where one ends before
the other starts, and an interval that ends when another starts is before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from sensors import iso8601
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.sql import Dialect, Expression


@dataclass(frozen=True)
class Number:
    """A number."""

    sql: Expression


@dataclass(frozen=True)
class Text:
    """A text; `constant` where it stands in the URL."""

    sql: Expression
    constant: str | None = None


@dataclass(frozen=True)
class Truth:
    """A condition."""

    sql: Expression


@dataclass(frozen=True)
class Span:
    """A length of time, or a time of day, in microseconds."""

    sql: Expression


@dataclass(frozen=True)
class Time:
    """An instant (no end), an interval, or what may be either (an end that may be null), in microseconds.

    constant : start and end where they stand in the URL.
    """

    start: Expression
    end: Expression | None = None
    constant: tuple[int, int | None] | None = None

    @property
    def last(self) -> Expression:
        """The end, or of an instant itself."""
        return self.start if self.end is None else sa.func.coalesce(self.end, self.start)

    @property
    def behind(self) -> Expression:
        """The first microsecond that is no longer part of it."""
        if self.constant is not None:
            start, end = self.constant
            return sa.literal(max(start + 1, end or 0), sa.BigInteger)
        if self.end is None:
            return self.start + 1
        return sa.case((self.end > self.start, self.end), else_=self.start + 1)


@dataclass(frozen=True)
class Json:
    """What stands somewhere in JSON: each of the three is null where it is of another type, text is never."""

    number: Expression
    text: Expression
    truth: Expression
    contains: Callable[[object], Expression] | None = None


@dataclass(frozen=True)
class Null:
    """null."""


@dataclass(frozen=True)
class Shape:
    """A geometry: text of a literal, or a column of the rows of an alias."""

    text: str = ""
    source: sa.FromClause | None = None
    column: str = ""


Value = Number | Text | Truth | Span | Time | Json | Null | Shape
_NAMES = {
    Number: "a number", Text: "a text", Truth: "a truth value", Span: "a duration", Time: "a time",
    Json: "JSON", Null: "null", Shape: "a geometry",
}  # fmt: skip


def name_of(value: Value) -> str:
    """What a value is, for messages."""
    return _NAMES[type(value)]


def instant(microseconds: int) -> Time:
    return Time(sa.literal(microseconds, sa.BigInteger), None, (microseconds, None))


def constant_time(start: int, end: int | None) -> Time:
    last = None if end is None else sa.literal(end, sa.BigInteger)
    return Time(sa.literal(start, sa.BigInteger), last, (start, end))


def compare(dialect: Dialect, operator: str, left: Value, right: Value, where: str) -> Expression:
    """`left operator right` as a condition.

    Parameters
    ----------
    operator : eq, ne, gt, ge, lt or le.
    where : the position, for messages.

    Raises
    ------
    BadRequestError : the two cannot be compared.
    """
    if isinstance(left, Null) or isinstance(right, Null):
        return _compare_null(operator, right if isinstance(left, Null) else left, where)
    if isinstance(left, Json) and isinstance(right, Json):
        return _compare_json(dialect, operator, left, right)
    if isinstance(left, Json):
        left = _as(left, right, where)
    elif isinstance(right, Json):
        right = _as(right, left, where)
    if isinstance(left, Text) and isinstance(right, Time):
        left = _text_as_time(left, where)
    elif isinstance(right, Text) and isinstance(left, Time):
        right = _text_as_time(right, where)
    if isinstance(left, Time) and isinstance(right, Time):
        return compare_times(operator, left, right)
    if isinstance(left, Text) and isinstance(right, Text):
        return _plain(operator, dialect.collated(left.sql), right.sql)
    if type(left) is type(right) and isinstance(left, Number | Truth | Span):
        return _plain(operator, left.sql, right.sql)  # type: ignore[union-attr]
    raise BadRequestError(f"{name_of(left)} and {name_of(right)} cannot be compared", where)


def compare_times(operator: str, a: Time, b: Time) -> Expression:
    """Comparison of two times."""
    if operator == "lt":
        # The first condition follows from the second; it lets an index on the start be used.
        return sa.and_(a.start < b.start, a.behind <= b.start)
    if operator == "gt":
        return compare_times("lt", b, a)
    if operator == "le":
        return sa.and_(a.start <= b.start, a.last <= b.last)
    if operator == "ge":
        return compare_times("le", b, a)
    same = sa.and_(a.start == b.start, a.last == b.last)
    return same if operator == "eq" else sa.not_(same)


def temporal(name: str, a: Time, b: Time, where: str) -> Expression:
    """A temporal relation of 18-088, table 26.

    Raises
    ------
    BadRequestError : `during` an instant.
    """
    if name in ("before", "after"):
        return compare_times("lt" if name == "before" else "gt", a, b)
    if name == "meets":
        return sa.or_(a.start == b.last, a.last == b.start)
    if name == "overlaps":
        return sa.and_(a.start < b.behind, b.start < a.behind)
    if name == "starts":
        return a.start == b.start
    if name == "finishes":
        return a.last == b.last
    if b.end is None:
        raise BadRequestError("during needs an interval as its second argument", where)
    return sa.and_(b.start <= a.start, a.behind <= b.last)


def _compare_null(operator: str, value: Value, where: str) -> Expression:
    if operator not in ("eq", "ne"):
        raise BadRequestError(f"null cannot be compared by {operator}", where)
    if isinstance(value, Null):
        return sa.true() if operator == "eq" else sa.false()
    if isinstance(value, Shape):
        raise BadRequestError("a geometry cannot be compared with null", where)
    missing = _any_part(value).is_(None)
    return missing if operator == "eq" else sa.not_(missing)


def _any_part(value: Value) -> Expression:
    if isinstance(value, Time):
        return value.start
    if isinstance(value, Json):
        return value.text
    assert isinstance(value, Number | Text | Truth | Span)
    return value.sql


def _compare_json(dialect: Dialect, operator: str, left: Json, right: Json) -> Expression:
    texts = _plain(operator, dialect.collated(left.text), right.text)
    both = sa.and_(left.number.is_not(None), right.number.is_not(None))
    return sa.case((both, _plain(operator, left.number, right.number)), else_=texts)


def _as(json: Json, other: Value, where: str) -> Value:
    if isinstance(other, Number):
        return Number(json.number)
    if isinstance(other, Text):
        return Text(json.text)
    if isinstance(other, Truth):
        return Truth(json.truth)
    raise BadRequestError(f"a value inside of JSON cannot be compared with {name_of(other)}", where)


def _text_as_time(text: Text, where: str) -> Time:
    if text.constant is None:
        raise BadRequestError("a text and a time cannot be compared", where)
    try:
        return constant_time(*iso8601.parse_time(text.constant))
    except ValueError as error:
        raise BadRequestError(str(error), where) from None


def _plain(operator: str, left: Expression, right: Expression) -> Expression:
    if operator == "eq":
        return left == right
    if operator == "ne":
        return left != right
    if operator == "gt":
        return left > right
    if operator == "ge":
        return left >= right
    return left < right if operator == "lt" else left <= right
