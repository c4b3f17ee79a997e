"""What SQLite and PostgreSQL say differently: JSON inside of columns, calendar, rounding, text."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sensors.iso8601 import DAY, SECOND
from viewer.api.sensorthings.errors import BadRequestError

Expression = sa.ColumnElement[Any]
Keys = tuple[str | int, ...]


class Dialect:
    """Expressions that are the same on both, or differ by the methods below."""

    # JSON
    def json_number(self, document: Expression, keys: Keys) -> Expression:
        """The number at `keys`; null where there is none or something else."""
        raise NotImplementedError

    def json_text(self, document: Expression, keys: Keys) -> Expression:
        """What is at `keys` as text, whatever it is; null where there is nothing."""
        raise NotImplementedError

    def json_truth(self, document: Expression, keys: Keys) -> Expression:
        """The truth value at `keys`; null where there is none or something else."""
        raise NotImplementedError

    def json_contains(self, document: Expression, keys: Keys, value: Any) -> Expression:
        """Whether the array at `keys` has an element that equals a number, text or truth value."""
        raise NotImplementedError

    # numbers and text
    def number_text(self, number: Expression) -> Expression:
        """A number as text, whole ones without a point."""
        raise NotImplementedError

    def truncate(self, number: Expression) -> Expression:
        """Without what is behind the point."""
        raise NotImplementedError

    def collated(self, text: Expression) -> Expression:
        """Text that compares by code points."""
        return text

    def lettered(self, text: Expression) -> Expression:
        """Text whose letters have capitals, beyond ASCII too."""
        return text

    def position(self, text: Expression, part: Expression) -> Expression:
        """Where `part` begins in `text`, from 1; 0: nowhere."""
        raise NotImplementedError

    def floor(self, number: Expression) -> Expression:
        cut = self.truncate(number)
        return sa.case((cut > number, cut - 1), else_=cut)

    def ceiling(self, number: Expression) -> Expression:
        cut = self.truncate(number)
        return sa.case((cut < number, cut + 1), else_=cut)

    def round(self, number: Expression) -> Expression:
        """To the nearest whole number, halves away from zero."""
        return sa.case(
            (number < 0, -self.floor(sa.literal(0.5) - number)), else_=self.floor(number + sa.literal(0.5))
        )

    # calendar
    def calendar(self, field: str, time: Expression) -> Expression:
        """Year, month or day of a time in microseconds."""
        raise NotImplementedError

    def within(self, time: Expression, length: int) -> Expression:
        """Microseconds since the last multiple of `length`, from 0."""
        span = sa.literal(length, sa.BigInteger)
        return (time % span + span) % span

    def clock(self, length: int, base: int, time: Expression) -> Expression:
        """How many `length` have passed since the last multiple of `base`."""
        rest = self.within(time, base)
        return sa.cast((rest - self.within(time, length)) / sa.literal(length, sa.BigInteger), sa.Integer)


class Sqlite(Dialect):
    """SQLite 3.38 or newer."""

    def _path(self, keys: Keys) -> str:
        path = "$"
        for key in keys:
            if isinstance(key, int):
                path += f"[{key}]"
            elif '"' in key:
                raise BadRequestError(f"the key {key[:40]!r} has a quote in it and cannot be filtered by")
            else:
                path += f'."{key}"'
        return path

    def _kind(self, document: Expression, keys: Keys) -> Expression:
        return sa.func.json_type(document, self._path(keys), type_=sa.Text)

    def _value(self, document: Expression, keys: Keys) -> Expression:
        return sa.func.json_extract(document, self._path(keys))

    def json_number(self, document: Expression, keys: Keys) -> Expression:
        number = sa.cast(self._value(document, keys), sa.Double)
        return sa.case((self._kind(document, keys).in_(("integer", "real")), number))

    def json_text(self, document: Expression, keys: Keys) -> Expression:
        kind = self._kind(document, keys)
        return sa.case(
            (kind == "true", sa.literal("true")),
            (kind == "false", sa.literal("false")),
            else_=sa.cast(self._value(document, keys), sa.Text),
        )

    def json_truth(self, document: Expression, keys: Keys) -> Expression:
        kind = self._kind(document, keys)
        return sa.case((kind == "true", sa.true()), (kind == "false", sa.false()))

    def json_contains(self, document: Expression, keys: Keys, value: Any) -> Expression:
        each = sa.func.json_each(document, self._path(keys)).table_valued("value", "type")
        if isinstance(value, bool):
            matches: Expression = each.c.type == ("true" if value else "false")
        else:
            kinds = ("text",) if isinstance(value, str) else ("integer", "real")
            matches = sa.and_(each.c.type.in_(kinds), each.c.value == value)
        found = sa.select(sa.literal(1)).select_from(each).where(matches).correlate_except(each)
        return sa.and_(self._kind(document, keys) == "array", sa.exists(found))

    def number_text(self, number: Expression) -> Expression:
        whole = sa.cast(number, sa.BigInteger)
        small = sa.and_(sa.func.abs(number) < 1e15, number == whole)
        return sa.case((small, sa.cast(whole, sa.Text)), else_=sa.cast(number, sa.Text))

    def truncate(self, number: Expression) -> Expression:
        # Beyond 2^53 every float is whole already.
        return sa.case((sa.func.abs(number) < 2.0**53, sa.cast(number, sa.BigInteger)), else_=number)

    def position(self, text: Expression, part: Expression) -> Expression:
        return sa.func.instr(text, part, type_=sa.Integer)

    def calendar(self, field: str, time: Expression) -> Expression:
        seconds = (time - self.within(time, SECOND)) / sa.literal(SECOND, sa.BigInteger)
        form = {"year": "%Y", "month": "%m", "day": "%d"}[field]
        whole = sa.cast(seconds, sa.BigInteger)
        return sa.cast(sa.func.strftime(form, whole, "unixepoch"), sa.Integer)


class Postgres(Dialect):
    """PostgreSQL 12 or newer.

    letters : a collation that knows capitals beyond ASCII; empty: that of the database.
    """

    def __init__(self, letters: str = "") -> None:
        self._letters = letters

    def _at(self, document: Expression, keys: Keys) -> Expression:
        whole = sa.cast(document, postgresql.JSONB)
        if not keys:
            return whole
        path = sa.cast([str(key) for key in keys], postgresql.ARRAY(sa.Text))
        return whole.op("#>", return_type=postgresql.JSONB())(path)

    def _plain(self, at: Expression) -> Expression:
        return at.op("#>>", return_type=sa.Text())(sa.cast([], postgresql.ARRAY(sa.Text)))

    def _kind(self, at: Expression) -> Expression:
        return sa.func.jsonb_typeof(at, type_=sa.Text)

    def json_number(self, document: Expression, keys: Keys) -> Expression:
        at = self._at(document, keys)
        return sa.case((self._kind(at) == "number", sa.cast(self._plain(at), sa.Double)))

    def json_text(self, document: Expression, keys: Keys) -> Expression:
        return self._plain(self._at(document, keys))

    def json_truth(self, document: Expression, keys: Keys) -> Expression:
        at = self._at(document, keys)
        return sa.case((self._kind(at) == "boolean", sa.cast(self._plain(at), sa.Boolean)))

    def json_contains(self, document: Expression, keys: Keys, value: Any) -> Expression:
        at = self._at(document, keys)
        element = sa.func.to_jsonb(sa.literal(value), type_=postgresql.JSONB())
        return sa.and_(self._kind(at) == "array", at.op("@>", return_type=sa.Boolean())(element))

    def number_text(self, number: Expression) -> Expression:
        return sa.cast(number, sa.Text)

    def truncate(self, number: Expression) -> Expression:
        return sa.func.trunc(number, type_=sa.Double)

    def collated(self, text: Expression) -> Expression:
        return sa.collate(text, "C")

    def lettered(self, text: Expression) -> Expression:
        return sa.collate(text, self._letters) if self._letters else text

    def position(self, text: Expression, part: Expression) -> Expression:
        return sa.func.strpos(text, part, type_=sa.Integer)

    def calendar(self, field: str, time: Expression) -> Expression:
        day = (time - self.within(time, DAY)) / sa.literal(DAY, sa.BigInteger)
        date = sa.cast(sa.literal_column("date '1970-01-01'"), sa.Date) + sa.cast(day, sa.Integer)
        return sa.cast(sa.extract(field, sa.type_coerce(date, sa.Date)), sa.Integer)


def of(connection: sa.Connection) -> Dialect:
    """The dialect of a database."""
    if connection.dialect.name != "postgresql":
        return Sqlite()
    known = set(connection.exec_driver_sql("SELECT collname FROM pg_collation").scalars())
    return Postgres(next((name for name in ("und-x-icu", "C.utf8", "en_US.utf8") if name in known), ""))
