"""The functions of $filter (18-088, table 25) but the spatial ones: text, calendar, rounding, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from sensors import iso8601
from sensors.iso8601 import DAY, SECOND
from sensors.times import now_us
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.sql import Dialect, Expression
from viewer.api.sensorthings.values import (
    Json,
    Null,
    Number,
    Span,
    Text,
    Time,
    Truth,
    Value,
    instant,
    name_of,
    temporal,
)

TEMPORAL = frozenset(("before", "after", "meets", "during", "overlaps", "starts", "finishes"))
_HOUR, _MINUTE = 3600 * SECOND, 60 * SECOND


class Arguments:
    """The arguments of one call, each asked for as what the function needs."""

    def __init__(self, dialect: Dialect, name: str, values: list[Value], where: str) -> None:
        self.dialect = dialect
        self.name = name
        self.values = values
        self.where = where

    def _wrong(self, index: int, wanted: str) -> BadRequestError:
        given = name_of(self.values[index])
        return BadRequestError(f"{self.name} needs {wanted} as argument {index + 1}, not {given}", self.where)

    def text(self, index: int) -> Expression:
        value = self.values[index]
        if isinstance(value, Text):
            return value.sql
        if isinstance(value, Json):
            return value.text
        raise self._wrong(index, "a text")

    def number(self, index: int) -> Expression:
        value = self.values[index]
        if isinstance(value, Number):
            return value.sql
        if isinstance(value, Json):
            return value.number
        raise self._wrong(index, "a number")

    def time(self, index: int) -> Time:
        value = self.values[index]
        if isinstance(value, Time):
            return value
        if isinstance(value, Text) and value.constant is not None:
            try:
                start, end = iso8601.parse_time(value.constant)
            except ValueError as error:
                raise BadRequestError(str(error), self.where) from None
            return Time(
                sa.literal(start, sa.BigInteger),
                None if end is None else sa.literal(end, sa.BigInteger),
                (start, end),
            )
        raise self._wrong(index, "a time")


Function = Callable[[Arguments], Value]


def call(dialect: Dialect, name: str, values: list[Value], where: str) -> Value:
    """The function `name` of `values`.

    Raises
    ------
    BadRequestError : there is no such function, or the arguments are not what it takes.
    """
    known = _FUNCTIONS.get(name)
    if known is None:
        raise BadRequestError(f"there is no function {name[:40]}", where)
    fewest, most, function = known
    if not fewest <= len(values) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or {most}"
        raise BadRequestError(f"{name} takes {wanted} arguments, not {len(values)}", where)
    if any(isinstance(value, Null) for value in values):
        raise BadRequestError(f"{name} takes no null", where)
    return function(Arguments(dialect, name, values, where))


def _contains(a: Arguments, whole: int, part: int) -> Value:
    return Truth(a.dialect.position(a.text(whole), a.text(part)) > 0)


def _startswith(a: Arguments) -> Value:
    text, part = a.text(0), a.text(1)
    return Truth(sa.func.substr(text, 1, sa.func.length(part)) == part)


def _endswith(a: Arguments) -> Value:
    text, part = a.text(0), a.text(1)
    behind = sa.func.length(text) - sa.func.length(part)
    return Truth(sa.and_(behind >= 0, sa.func.substr(text, behind + 1) == part))


def _substring(a: Arguments) -> Value:
    start = sa.cast(a.dialect.truncate(a.number(1)), sa.Integer)
    # A start before the text begins is its beginning.
    first = sa.case((start < 0, 0), else_=start) + 1
    if len(a.values) == 2:
        return Text(sa.func.substr(a.text(0), first))
    length = sa.cast(a.dialect.truncate(a.number(2)), sa.Integer)
    return Text(sa.func.substr(a.text(0), first, sa.case((length < 0, 0), else_=length)))


def _lower(a: Arguments) -> Value:
    return Text(sa.func.lower(a.dialect.lettered(a.text(0)), type_=sa.Text))


def _upper(a: Arguments) -> Value:
    return Text(sa.func.upper(a.dialect.lettered(a.text(0)), type_=sa.Text))


def _concat(a: Arguments) -> Value:
    return Text(sa.cast(a.text(0), sa.Text).concat(sa.cast(a.text(1), sa.Text)))


def _field(field: str) -> Function:
    return lambda a: Number(a.dialect.calendar(field, a.time(0).start))


def _clock(length: int, base: int) -> Function:
    return lambda a: Number(a.dialect.clock(length, base, a.time(0).start))


def _fraction(a: Arguments) -> Value:
    rest = a.dialect.within(a.time(0).start, SECOND)
    return Number(sa.cast(rest, sa.Double) / sa.literal(float(SECOND)))


def _date(a: Arguments) -> Value:
    start = a.time(0).start
    return Time(start - a.dialect.within(start, DAY))


def _relation(name: str) -> Function:
    return lambda a: Truth(temporal(name, a.time(0), a.time(1), a.where))


def _offset(a: Arguments) -> Value:
    # Times are kept in UTC.
    return Number(sa.case((a.time(0).start.is_not(None), 0)))


_FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "substringof": (2, 2, lambda a: _contains(a, 1, 0)),
    "contains": (2, 2, lambda a: _contains(a, 0, 1)),
    "endswith": (2, 2, _endswith),
    "startswith": (2, 2, _startswith),
    "length": (1, 1, lambda a: Number(sa.func.length(a.text(0), type_=sa.Integer))),
    "indexof": (2, 2, lambda a: Number(a.dialect.position(a.text(0), a.text(1)) - 1)),
    "substring": (2, 3, _substring),
    "tolower": (1, 1, _lower),
    "toupper": (1, 1, _upper),
    "trim": (1, 1, lambda a: Text(sa.func.trim(a.text(0), type_=sa.Text))),
    "concat": (2, 2, _concat),
    "year": (1, 1, _field("year")),
    "month": (1, 1, _field("month")),
    "day": (1, 1, _field("day")),
    "hour": (1, 1, _clock(_HOUR, DAY)),
    "minute": (1, 1, _clock(_MINUTE, _HOUR)),
    "second": (1, 1, _clock(SECOND, _MINUTE)),
    "fractionalseconds": (1, 1, _fraction),
    "date": (1, 1, _date),
    "time": (1, 1, lambda a: Span(a.dialect.within(a.time(0).start, DAY))),
    "totaloffsetminutes": (1, 1, _offset),
    "now": (0, 0, lambda _: instant(now_us())),
    "mindatetime": (0, 0, lambda _: instant(iso8601.EARLIEST)),
    "maxdatetime": (0, 0, lambda _: instant(iso8601.LATEST)),
    "round": (1, 1, lambda a: Number(a.dialect.round(a.number(0)))),
    "floor": (1, 1, lambda a: Number(a.dialect.floor(a.number(0)))),
    "ceiling": (1, 1, lambda a: Number(a.dialect.ceiling(a.number(0)))),
    **{name: (2, 2, _relation(name)) for name in TEMPORAL},
}


def arithmetic(dialect: Dialect, operator: str, left: Value, right: Value, where: str) -> Value:
    """`left operator right` of numbers, or of times and durations.

    Raises
    ------
    BadRequestError : there is no such sum of the two.
    """
    if isinstance(left, Time | Span) or isinstance(right, Time | Span):
        return _shifted(operator, left, right, where)
    arguments = Arguments(dialect, operator, [left, right], where)
    a, b = (sa.cast(arguments.number(i), sa.Double) for i in (0, 1))
    if operator == "add":
        return Number(a + b)
    if operator == "sub":
        return Number(a - b)
    if operator == "mul":
        return Number(a * b)
    divisor: Any = sa.func.nullif(b, 0.0)
    if operator == "div":
        return Number(a / divisor)
    return Number(a - divisor * dialect.truncate(a / divisor))


def _shifted(operator: str, left: Value, right: Value, where: str) -> Value:
    if operator == "add" and isinstance(left, Span) and isinstance(right, Time):
        left, right = right, left
    if operator in ("add", "sub") and isinstance(right, Span):
        sign = 1 if operator == "add" else -1
        if isinstance(left, Time):
            shift = right.sql * sign
            return Time(left.start + shift, None if left.end is None else left.end + shift)
        if isinstance(left, Span):
            return Span(left.sql + right.sql * sign)
    if operator == "sub" and isinstance(left, Time) and isinstance(right, Time):
        return Span(left.start - right.start)
    raise BadRequestError(f"{operator} of {name_of(left)} and {name_of(right)} is not possible", where)
