"""Scenario files are strangers' files: plain YAML without tags, aliases or doubled keys."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from twin.errors import SourceError

LARGEST_BYTES = 1_000_000
DEEPEST = 20
Lines = dict[tuple[Hashable, ...], int]


def read(text: str, path: Path) -> tuple[Any, Lines]:
    """What a YAML text holds, and the line of each entry by its keys and positions, counted from 1.

    Raises
    ------
    SourceError : not YAML, too large or deep, with tags or aliases, or a key twice; names the line.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise SourceError(f"larger than {LARGEST_BYTES // 1000} kB", path, "A scenario is a page or two")
    lines: Lines = {}
    try:
        _refuse_tricks(text, path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = None if node is None else _content(node, (), lines, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SourceError(f"not YAML: {said}", f"{path}{line}", "Correct this line") from None
    return content, lines


def line_of(place: tuple[Hashable, ...], lines: Lines) -> int | None:
    """The line of an entry, or of the nearest one around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _refuse_tricks(text: str, path: Path) -> None:
    """Aliases can grow without bound and go in circles, tags can name classes: a scenario needs neither."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark: Any = event.start_mark
        where = f"{path}, line {mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SourceError("anchors and aliases (& and *) are not allowed", where, "Write the entry out")
        if tag := getattr(event, "tag", None):
            raise SourceError(f"the tag {tag} is not allowed", where, "Write plain values")
        depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        if depth > DEEPEST:
            raise SourceError("nested too deeply", where, "A scenario has a few levels only")


def _content(node: yaml.Node, place: tuple[Hashable, ...], lines: Lines, path: Path) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_content(item, (*place, number), lines, path) for number, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _SCALARS.construct_object(node)
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = _SCALARS.construct_object(key_node)
        where = f"{path}, line {key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            raise SourceError(f"the key {key!r} is no text", where, "Use the names of the schema")
        if key in found:
            raise SourceError(f"{key!r} stands twice", where, "Keep one of them")
        found[key] = _content(value_node, (*place, key), lines, path)
        lines[(*place, key)] = key_node.start_mark.line + 1
    return found


_SCALARS: Any = yaml.SafeLoader("")
