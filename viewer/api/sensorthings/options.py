"""Query options (18-088, clause 9.3): $filter, $expand with its own options, $select, $orderby, paging."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote_plus

from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.model import ENTITIES, Entity
from viewer.api.sensorthings.syntax import MAX_DEPTH, MAX_LENGTH, Node, parse_filter, parse_order

PAGE = 100
MAX_EXPAND_DEPTH = 8
MAX_EXPANDS = 40
_LARGEST = 2**62
_NAMES = (
    "$filter",
    "$expand",
    "$select",
    "$orderby",
    "$top",
    "$skip",
    "$count",
    "$resultFormat",
    "$skiptoken",
)


@dataclass(frozen=True)
class Expand:
    """A relation to show inline, and how."""

    relation: str
    options: Options


@dataclass(frozen=True)
class Options:
    """How a set or an entity is to be shown.

    select : properties, relations and "id"; None: all.
    top : None: as many as a page holds.
    data_array : show observations as arrays.
    token : where the page before ended.
    raw : the options as they were written, for the link to the next page.
    """

    filter: Node | None = None
    expand: tuple[Expand, ...] = ()
    select: tuple[str, ...] | None = None
    order: tuple[tuple[Node, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    data_array: bool = False
    token: str = ""
    raw: tuple[tuple[str, str], ...] = ()

    @property
    def limit(self) -> int:
        return PAGE if self.top is None else min(self.top, PAGE)


def parse(query: str, entity: Entity) -> Options:
    """The options of a URL's query, still escaped.

    Raises
    ------
    BadRequestError : an option is unknown, stands twice or is malformed.
    """
    pairs = []
    for piece in query.split("&"):
        if piece:
            name, equals, value = piece.partition("=")
            if not equals:  # some clients escape the sign between name and value too
                name, _, value = _decoded(piece).partition("=")
                pairs.append((name, value))
            else:
                pairs.append((unquote_plus(name), _decoded(value)))
    return _options(pairs, entity, depth=0)


def split(text: str, separator: str) -> list[str]:
    """Parts of `text` between separators outside of parentheses and quotes.

    Raises
    ------
    BadRequestError : a parenthesis or quote is not closed.
    """
    parts, depth, start, quoted = [], 0, 0, False
    for index, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if depth < 0 or depth > MAX_DEPTH:
                raise BadRequestError(f"position {index + 1}: the parentheses do not match in {text[:80]!r}")
            if char == separator and depth == 0:
                parts.append(text[start:index])
                start = index + 1
    if depth or quoted:
        raise BadRequestError(f"a parenthesis or quote is not closed in {text[:80]!r}")
    return [*parts, text[start:]]


def _decoded(value: str) -> str:
    text = unquote_plus(value, errors="replace")
    if "\x00" in text:
        raise BadRequestError("the query holds a character of code 0")
    return text


def _options(pairs: list[tuple[str, str]], entity: Entity, depth: int) -> Options:
    seen: set[str] = set()
    options = Options(raw=tuple(pairs))
    for name, value in pairs:
        if not name.startswith("$"):
            continue  # not the standard's; proxies and clients add some
        if name not in _NAMES:
            raise BadRequestError(f"there is no option {name[:40]}; there are {', '.join(_NAMES[:-1])}")
        if name in seen:
            raise BadRequestError(f"{name} stands twice")
        seen.add(name)
        options = _with(options, name, value, entity, depth)
    return options


def _with(options: Options, name: str, value: str, entity: Entity, depth: int) -> Options:
    if len(value) > MAX_LENGTH:
        raise BadRequestError(f"{name} has {len(value)} characters, {MAX_LENGTH} at the most are read")
    if name == "$filter":
        return replace(options, filter=parse_filter(value))
    if name == "$orderby":
        return replace(options, order=tuple(parse_order(value)))
    if name == "$expand":
        return replace(options, expand=_expands(value, entity, depth))
    if name == "$select":
        return replace(options, select=_selection(value, entity))
    if name == "$top":
        return replace(options, top=_integer(name, value))
    if name == "$skip":
        return replace(options, skip=_integer(name, value))
    if name == "$count":
        if value.strip() not in ("true", "false"):
            raise BadRequestError(f"$count is true or false, not {value[:20]!r}")
        return replace(options, count=value.strip() == "true")
    if name == "$skiptoken":
        return replace(options, token=value)
    if value.strip() != "dataArray":
        raise BadRequestError(f"$resultFormat is dataArray, not {value[:20]!r}")
    return replace(options, data_array=True)


def _integer(name: str, value: str) -> int:
    text = value.strip()
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > _LARGEST:
        raise BadRequestError(f"{name} is a whole number from 0, not {value[:30]!r}")
    return int(text)


def _selection(value: str, entity: Entity) -> tuple[str, ...]:
    chosen = []
    for part in split(value, ","):
        name = part.strip()
        name = "id" if name == "@iot.id" else name
        # A part inside of a JSON property selects the property.
        head = name.split("/")[0]
        if name == "*":
            chosen += ["id", *entity.properties, *entity.relations]
        elif head == "id" or head in entity.properties or head in entity.relations:
            chosen.append(head)
        else:
            raise BadRequestError(f"$select: a {entity.singular} has no {name[:40]!r}")
    return tuple(dict.fromkeys(chosen))


def _expands(value: str, entity: Entity, depth: int) -> tuple[Expand, ...]:
    if depth >= MAX_EXPAND_DEPTH:
        raise BadRequestError(f"$expand is nested more than {MAX_EXPAND_DEPTH} deep")
    found: dict[str, Expand] = {}
    parts = split(value, ",")
    if len(parts) > MAX_EXPANDS:
        raise BadRequestError(f"$expand names more than {MAX_EXPANDS} relations")
    for part in parts:
        expand = _expand(part.strip(), entity, depth)
        known = found.get(expand.relation)
        found[expand.relation] = expand if known is None else _merged(known, expand)
    return tuple(found.values())


def _expand(text: str, entity: Entity, depth: int) -> Expand:
    """One item: `Datastreams`, `Datastreams/Sensor` or `Datastreams($top=1;$expand=Sensor)`."""
    match = re.match(r"[A-Za-z]+", text)
    name = match.group() if match else ""
    relation = entity.relations.get(name)
    if relation is None:
        raise BadRequestError(f"$expand: a {entity.singular} has no relation {(name or text)[:40]!r}")
    target = ENTITIES[relation.target]
    rest = text[len(name) :].strip()
    options = Options()
    if rest.startswith("("):
        close = _closing(rest)
        options = _options(_inner(rest[1:close]), target, depth + 1)
        rest = rest[close + 1 :].strip()
    if rest.startswith("/"):
        below = _expands(rest[1:], target, depth + 1)
        options = replace(options, expand=_combined(options.expand, below))
    elif rest:
        raise BadRequestError(f"$expand: {rest[:30]!r} is not understood behind {name}")
    return Expand(name, options)


def _closing(text: str) -> int:
    depth, quoted = 0, False
    for index, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return index
    raise BadRequestError(f"$expand: a parenthesis is not closed in {text[:60]!r}")


def _inner(text: str) -> list[tuple[str, str]]:
    # Options inside are divided by semicolons; clients also send ampersands.
    pairs = []
    for piece in split(text, ";"):
        if piece.strip():
            name, equals, value = piece.strip().partition("=")
            if not equals or not name.startswith("$"):
                raise BadRequestError(f"$expand: {piece[:40]!r} is no option")
            pairs.append((name.strip(), value))
    return pairs


def _combined(first: tuple[Expand, ...], second: tuple[Expand, ...]) -> tuple[Expand, ...]:
    found = {expand.relation: expand for expand in first}
    for expand in second:
        known = found.get(expand.relation)
        found[expand.relation] = expand if known is None else _merged(known, expand)
    return tuple(found.values())


def _merged(known: Expand, further: Expand) -> Expand:
    """Two items of one relation (`Datastreams/Sensor,Datastreams/Thing`) as one."""
    if further.options.raw and known.options.raw:
        raise BadRequestError(f"$expand: {known.relation} stands twice with options")
    base = known.options if known.options.raw else further.options
    other = further.options if known.options.raw else known.options
    return Expand(known.relation, replace(base, expand=_combined(base.expand, other.expand)))
