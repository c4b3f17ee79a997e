"""The language of $filter and $orderby: text → tokens → a tree. What the names mean is the compiler's matter.

Precedence from weak to strong: or, and, not, comparisons, add and sub, mul div mod, minus. `not` takes the
whole comparison behind it, as the standard's suites expect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sensors import iso8601
from viewer.api.sensorthings.errors import BadRequestError

MAX_LENGTH = 8000
MAX_DEPTH = 60
MAX_NODES = 400

LiteralKind = Literal["number", "text", "bool", "null", "time", "date", "timeofday", "duration", "geometry"]


@dataclass(frozen=True)
class Constant:
    """A literal; times are (start, end or None) in microseconds, geometries well-known text."""

    kind: LiteralKind
    value: Any
    at: int


@dataclass(frozen=True)
class Step:
    """A name of a path, with the positions in arrays behind it."""

    name: str
    indices: tuple[int, ...] = ()


@dataclass(frozen=True)
class Path:
    """Names joined by slashes."""

    steps: tuple[Step, ...]
    at: int

    def __str__(self) -> str:
        return "/".join(s.name + "".join(f"[{i}]" for i in s.indices) for s in self.steps)


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Node, ...]
    at: int


@dataclass(frozen=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True)
class Unary:
    """`not` or `-` before an expression."""

    operator: str
    operand: Node
    at: int


@dataclass(frozen=True)
class Choice:
    """Whether an expression equals one of a list."""

    operand: Node
    options: tuple[Node, ...]
    at: int


@dataclass(frozen=True)
class Some:
    """Whether a condition holds for any (or all) of the related entities, each called by `variable`."""

    path: Path
    variable: str
    condition: Node | None
    every: bool
    at: int


Node = Constant | Path | Call | Binary | Unary | Choice | Some


@dataclass(frozen=True)
class Token:
    """A piece of the text, and where it begins."""

    kind: str
    text: str
    at: int


# An instant or interval is tried before a date, and that before a number, of which it would be the start.
_PATTERNS = (
    ("space", r"\s+"),
    ("text", r"'(?:[^']|'')*'"),
    ("durationliteral", r"duration'[^']*'"),
    ("geometry", r"(?:geography|geometry)'[^']*'"),
    (
        "interval",
        rf"(?:{iso8601.INSTANT}/(?:{iso8601.INSTANT}|{iso8601.DURATION})|{iso8601.DURATION}/{iso8601.INSTANT})",
    ),
    ("instant", iso8601.INSTANT),
    ("date", rf"{iso8601.DATE}(?![\w\-])"),
    ("timeofday", r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?"),
    ("number", r"\d+(?:\.\d+)?(?:[eE][+\-]?\d+)?(?!\w)"),
    ("function", r"[A-Za-z_][\w.]*(?=\()"),
    ("name", r"[^\W\d][\w.\-@]*|@iot\.id"),
    ("sign", r"[/(),\[\]:\-]"),
)
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))
_COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_WORDS = frozenset(
    (*_COMPARISONS, "and", "or", "not", "add", "sub", "mul", "div", "mod", "in", "asc", "desc")
)


def tokens(text: str, option: str = "$filter") -> list[Token]:
    """The tokens of `text`.

    Raises
    ------
    BadRequestError : some part of it is no token, or it is too long.
    """
    if len(text) > MAX_LENGTH:
        raise BadRequestError(f"{option} has {len(text)} characters, {MAX_LENGTH} at the most are read")
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadRequestError(
                f"{option}, position {position + 1}: {text[position : position + 20]!r} is not understood"
            )
        kind = str(match.lastgroup)
        if kind != "space":
            # `not(` and `and(` are operators before a parenthesis.
            kind = "name" if kind == "function" and match.group() in _WORDS else kind
            found.append(Token(kind, match.group(), position))
        position = match.end()
    found.append(Token("end", "", len(text)))
    return found


def parse_filter(text: str) -> Node:
    """The tree of a $filter.

    Raises
    ------
    BadRequestError : it is no expression; the message names the position.
    """
    parser = Parser(text, "$filter")
    node = parser.expression()
    parser.finish()
    return node


def parse_order(text: str) -> list[tuple[Node, bool]]:
    """The terms of an $orderby, each with whether it descends.

    Raises
    ------
    BadRequestError : it is no list of expressions.
    """
    parser = Parser(text, "$orderby")
    terms = []
    while True:
        node = parser.expression()
        # frost-sta-client writes them in capitals where it is not told otherwise.
        direction = parser.take_word("asc", "desc", "ASC", "DESC")
        terms.append((node, direction in ("desc", "DESC")))
        if not parser.take_sign(","):
            break
    parser.finish()
    return terms


class Parser:
    """Recursive descent over the tokens of one option."""

    def __init__(self, text: str, option: str) -> None:
        self.option = option
        self.tokens = tokens(text, option)
        self.position = 0
        self.depth = 0
        self.nodes = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def fail(self, what: str, token: Token | None = None) -> BadRequestError:
        found = token or self.token
        seen = f"{found.text[:30]!r}" if found.kind != "end" else "the end"
        return BadRequestError(f"{self.option}, position {found.at + 1}: {what}, but there is {seen}")

    def take(self) -> Token:
        token = self.token
        self.position += 1
        self.nodes += 1
        if self.nodes > MAX_NODES * 4:
            raise BadRequestError(f"{self.option} has too many parts")
        return token

    def take_word(self, *words: str) -> str | None:
        if self.token.kind == "name" and self.token.text in words:
            return self.take().text
        return None

    def take_sign(self, sign: str) -> bool:
        if self.token.kind == "sign" and self.token.text == sign:
            self.take()
            return True
        return False

    def need_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise self.fail(f"{sign!r} is expected")

    def finish(self) -> None:
        if self.token.kind != "end":
            raise self.fail("an operator or the end is expected")

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadRequestError(f"{self.option}, position {self.token.at + 1}: it is nested too deeply")
        node = self._chain(("or",), self._conjunction)
        self.depth -= 1
        return node

    def _chain(self, words: tuple[str, ...], operand: Any) -> Node:
        node: Node = operand()
        while True:
            at = self.token.at
            word = self.take_word(*words)
            if word is None:
                return node
            node = Binary(word, node, operand(), at)

    def _conjunction(self) -> Node:
        return self._chain(("and",), self._negation)

    def _negation(self) -> Node:
        at, count = self.token.at, 0
        while self.take_word("not"):
            count += 1
        node = self._comparison()
        return (
            Unary("not", node, at)
            if count % 2
            else (Unary("not", Unary("not", node, at), at) if count else node)
        )

    def _comparison(self) -> Node:
        left = self._sum()
        at = self.token.at
        word = self.take_word(*_COMPARISONS)
        if word is not None:
            return Binary(word, left, self._sum(), at)
        if self.take_word("in"):
            return self._choice(left, at)
        return left

    def _choice(self, left: Node, at: int) -> Node:
        if not self.take_sign("("):
            return Binary("in", left, self._sum(), at)
        options = [self._sum()]
        while self.take_sign(","):
            options.append(self._sum())
        self.need_sign(")")
        return Choice(left, tuple(options), at)

    def _sum(self) -> Node:
        return self._chain(("add", "sub"), self._product)

    def _product(self) -> Node:
        return self._chain(("mul", "div", "mod"), self._signed)

    def _signed(self) -> Node:
        at, negative = self.token.at, False
        while self.take_sign("-"):
            negative = not negative
        node = self._primary()
        if not negative:
            return node
        if isinstance(node, Constant) and node.kind == "number":
            return Constant("number", -node.value, at)
        return Unary("-", node, at)

    def _primary(self) -> Node:
        token = self.token
        if token.kind == "sign" and token.text == "(":
            self.take()
            node = self.expression()
            self.need_sign(")")
            return node
        if token.kind == "function":
            return self._call()
        if token.kind == "name" and token.text not in _WORDS:
            return self._path()
        if token.kind in ("sign", "end", "name"):
            raise self.fail("a value, a property or a function is expected")
        return self._constant(self.take())

    def _call(self) -> Node:
        token = self.take()
        self.need_sign("(")
        arguments: list[Node] = []
        while not self.take_sign(")"):
            if arguments:
                self.need_sign(",")
            arguments.append(self.expression())
        return Call(token.text, tuple(arguments), token.at)

    def _path(self) -> Node:
        first = self.take()
        if first.text in ("true", "false", "null") and self.token.text not in ("/", "["):
            return (
                Constant("null", None, first.at)
                if first.text == "null"
                else Constant("bool", first.text == "true", first.at)
            )
        steps = [Step(first.text, self._indices())]
        while self.take_sign("/"):
            token = self.token
            if token.kind == "function" and token.text in ("any", "all"):
                return self._some(Path(tuple(steps), first.at))
            # Keys of JSON may look like numbers.
            if token.kind not in ("name", "number", "date"):
                raise self.fail("a name is expected behind '/'")
            steps.append(Step(self.take().text, self._indices()))
        return Path(tuple(steps), first.at)

    def _indices(self) -> tuple[int, ...]:
        indices = []
        while self.take_sign("["):
            token = self.token
            if (
                token.kind != "number"
                or not token.text.isascii()
                or not token.text.isdigit()
                or len(token.text) > 6
            ):
                raise self.fail("a position in an array is expected")
            indices.append(int(self.take().text))
            self.need_sign("]")
        return tuple(indices)

    def _some(self, path: Path) -> Node:
        token = self.take()
        every = token.text == "all"
        self.need_sign("(")
        if not every and self.take_sign(")"):
            return Some(path, "", None, False, token.at)
        if self.token.kind != "name":
            raise self.fail("a variable is expected")
        variable = self.take().text
        self.need_sign(":")
        condition = self.expression()
        self.need_sign(")")
        return Some(path, variable, condition, every, token.at)

    def _constant(self, token: Token) -> Constant:
        text = token.text
        try:
            if token.kind == "number":
                return Constant("number", _number(text), token.at)
            if token.kind == "text":
                return Constant("text", text[1:-1].replace("''", "'"), token.at)
            if token.kind == "geometry":
                return Constant("geometry", text.split("'", 1)[1][:-1], token.at)
            if token.kind == "durationliteral":
                return Constant("duration", iso8601.parse_duration(text[9:-1]), token.at)
            if token.kind == "date":
                return Constant("date", (iso8601.parse_date(text), None), token.at)
            if token.kind == "timeofday":
                start = iso8601.parse_instant(f"1970-01-01T{text}Z")
                return Constant("timeofday", start, token.at)
            return Constant("time", iso8601.parse_time(text), token.at)
        except ValueError as error:
            raise BadRequestError(f"{self.option}, position {token.at + 1}: {error}") from None


def _number(text: str) -> int | float:
    """An integer where the store can hold it, else a float."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:30]} is too large")
    return value
