"""CQL2 Text (21-065r2, annex B) read into the tree of CQL2 JSON, as plain data.

The grammar is the standard's, with one ladder of precedence for conditions and values alike; what may stand
where is checked where the tree is evaluated (`viewer.api.ogc.cql`), the same for both encodings. Written by
hand: pygeofilter 0.4 gives AND and OR one precedence and knows no doubled quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEPTH = 40
"""Of nesting, in either encoding."""
LEVELS = {"Point": 0, "LineString": 1, "MultiPoint": 1, "Polygon": 2, "MultiLineString": 2, "MultiPolygon": 3}
"""How deep lists of positions are nested in a geometry's coordinates."""
_GEOMETRIES = {name.upper(): name for name in (*LEVELS, "GeometryCollection")}
_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_RESERVED = ("and", "or", "not", "like", "between", "in", "is", "null", "div")
_CONTROL = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_TOKEN = re.compile(
    r"""(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>'(?:[^'\\]|''|\\.)*')
      | (?P<name>"[^"]*")
      | (?P<word>[^\W\d][\w.:\u203f\u2040]*|:[\w.:\u203f\u2040]*)
      | (?P<sign><>|<=|>=|[=<>+\-*/%^(),])""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")


class FilterError(ValueError):
    """A filter that cannot be read or means nothing here; the text says where and what to write."""


@dataclass(frozen=True)
class _Token:
    """kind : number, text, name (quoted), word, sign or end."""

    kind: str
    text: str
    place: int

    @property
    def small(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def parse(text: str) -> Any:
    """The tree of CQL2 JSON that `text` means.

    Raises
    ------
    FilterError : it is no CQL2 Text.
    """
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = _SPACE.match(text).end()  # type: ignore[union-attr]  # matches always
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            remedy = "the quote has no end" if text[at] in "'\"" else "this does not belong to CQL2"
            raise FilterError(f"character {at + 1}, {text[at : at + 20]!r}: {remedy}")
        found.append(_Token(str(match.lastgroup), match.group(), at))
        at = _SPACE.match(text, match.end()).end()  # type: ignore[union-attr]
    return [*found, _Token("end", "", len(text))]


def _op(name: str, *arguments: Any) -> dict[str, Any]:
    return {"op": name, "args": list(arguments)}


class _Parser:
    """By recursive descent; each method reads one level of the grammar, the loosest binding first."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    @property
    def after(self) -> _Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def whole(self) -> Any:
        found = self.condition()
        if self.next.kind != "end":
            raise self.wrong("AND, OR or the end of the filter")
        return found

    def wrong(self, wanted: str) -> FilterError:
        token = self.next
        here = "the end" if token.kind == "end" else f"character {token.place + 1}, {token.text[:20]!r}"
        return FilterError(f"{here}: {wanted} should stand here")

    def takes(self, *signs: str) -> str:
        """The sign or keyword that comes next, if it is one of these; else nothing."""
        token = self.next
        known = token.text if token.kind == "sign" else token.small
        if known not in signs:
            return ""
        self.at += 1
        return known

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise self.wrong(sign.upper())

    def several(self, one: Callable[[], Any]) -> list[Any]:
        """What stands between brackets, by commas."""
        self.needs("(")
        found = [one()]
        while self.takes(","):
            found.append(one())
        self.needs(")")
        return found

    def condition(self) -> Any:
        self.depth += 1
        if self.depth > DEPTH:
            raise FilterError(f"character {self.next.place + 1}: brackets lie more than {DEPTH} deep")
        found = self._joined("or", lambda: self._joined("and", self._negated))
        self.depth -= 1
        return found

    def _joined(self, word: str, part: Callable[[], Any]) -> Any:
        parts = [part()]
        while self.takes(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else _op(word, *parts)

    def _negated(self) -> Any:
        many = 0
        while self.takes("not"):
            many += 1
        found = self._predicate()
        for _ in range(many):
            found = _op("not", found)
        return found

    def _predicate(self) -> Any:
        left = self._sum()
        if sign := self.takes(*_COMPARISONS):
            return _op(sign, left, self._sum())
        if self.takes("is"):
            negated = self.takes("not")
            self.needs("null")
            found = _op("isNull", left)
        else:
            negated = self.takes("not")
            if self.takes("like"):
                found = _op("like", left, self._sum())
            elif self.takes("between"):
                low = self._sum()
                self.needs("and")
                found = _op("between", left, low, self._sum())
            elif self.takes("in"):
                found = _op("in", left, self.several(self._sum))
            elif negated:
                raise self.wrong("LIKE, BETWEEN or IN")
            else:
                return left
        return _op("not", found) if negated else found

    def _sum(self) -> Any:
        found = self._product()
        while sign := self.takes("+", "-"):
            found = _op(sign, found, self._product())
        return found

    def _product(self) -> Any:
        found = self._power()
        while sign := self.takes("*", "/", "%", "div"):
            found = _op(sign, found, self._power())
        return found

    def _power(self) -> Any:
        found = self._factor()
        return _op("^", found, self._factor()) if self.takes("^") else found

    def _factor(self) -> Any:
        if self.next.text in ("+", "-") and self.after.kind == "number":
            return self._number()
        return _op("*", -1, self._operand()) if self.takes("-") else self._operand()

    def _operand(self) -> Any:
        token, after = self.next, self.after
        if self.takes("("):
            found = self.condition()
            self.needs(")")
            return found
        if token.kind == "number":
            return self._number()
        if token.kind == "text":
            return self._text()
        if token.kind == "name" or (token.kind == "word" and token.small not in _RESERVED):
            self.at += 1
            kind = _GEOMETRIES.get(token.text.upper()) if token.kind == "word" else None
            if kind and (after.text == "(" or after.small == "z"):
                return self._geometry(kind)
            if token.kind == "word" and after.text == "(":
                return self._call(token)
            if token.small in ("true", "false"):
                return token.small == "true"
            return {"property": token.text.strip('"') if token.kind == "name" else token.text}
        raise self.wrong("a property, a number, a text in single quotes or a function")

    def _number(self) -> float | int:
        sign = self.takes("+", "-")
        token = self.next
        if token.kind != "number":
            raise self.wrong("a number")
        self.at += 1
        number = float(token.text)
        if not math.isfinite(number):
            raise FilterError(f"character {token.place + 1}, {token.text[:20]!r}: the number is too large")
        found = int(number) if token.text.isdigit() and number < 2**53 else number
        return -found if sign == "-" else found

    def _text(self) -> str:
        token = self.next
        if token.kind != "text":
            raise self.wrong("a text in single quotes")
        self.at += 1
        return re.sub(r"''|\\(.)", _unescaped, token.text[1:-1], flags=re.DOTALL)

    def _call(self, token: _Token) -> Any:
        name = token.small
        if name in ("date", "timestamp"):
            self.needs("(")
            found = {name: self._text()}
            self.needs(")")
            return found
        if name == "bbox":
            return {"bbox": self.several(self._number)}
        if self.after.text == ")":
            self.at += 2
            return _op(token.text)
        return _op(name, *self.several(self.condition))

    def _geometry(self, kind: str) -> Any:
        """A geometry as GeoJSON, after its name."""
        self.takes("z")
        if kind == "GeometryCollection":
            return {"type": kind, "geometries": self.several(self._member)}
        if kind == "MultiPoint":
            return {"type": kind, "coordinates": self.several(self._point)}
        if kind == "Point":
            return {"type": kind, "coordinates": self._point()}
        return {"type": kind, "coordinates": self._positions(LEVELS[kind])}

    def _member(self) -> Any:
        kind = _GEOMETRIES.get(self.next.text.upper())
        if kind is None or kind == "GeometryCollection":
            raise self.wrong("POINT, LINESTRING, POLYGON or several of one")
        self.at += 1
        return self._geometry(kind)

    def _point(self) -> list[float]:
        """A position, in brackets or (in MULTIPOINT, as many write it) without."""
        bare = self.next.text != "("
        if not bare:
            self.at += 1
        found = self._position()
        if not bare:
            self.needs(")")
        return found

    def _positions(self, level: int) -> Any:
        return self.several(lambda: self._positions(level - 1)) if level else self._position()

    def _position(self) -> list[float]:
        found = [self._number(), self._number()]
        if self.next.kind == "number" or self.next.text in ("+", "-"):
            found.append(self._number())  # a height
        return found


def _unescaped(match: re.Match[str]) -> str:
    """What an escaped character of a text means; \\% and \\_ stay as they are, for LIKE."""
    mark = match.group(1)
    if mark is None or mark == "'":
        return "'"
    return _CONTROL.get(mark, mark if mark == "\\" else f"\\{mark}")
