"""Scenario files are strangers' files: plain YAML without tags, aliases or doubled keys."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from twin.errors import Place, SourceError, quoted

LARGEST_BYTES = 1_000_000
DEEPEST = 20
Lines = dict[tuple[Hashable, ...], int]
_GERMAN: Mapping[str, str] = {
    "mapping values are not allowed here": "Ein Doppelpunkt ist zu viel, oder die Einrückung ist falsch",
    "sequence entries are not allowed here": "Ein Listenpunkt ist zu viel, oder die Einrückung ist falsch",
    "found character '\\t'": "Tabulatoren sind zum Einrücken nicht erlaubt",
    "could not find expected ':'": "Nach dem Schlüssel fehlt der Doppelpunkt",
    "expected the node content": "Hier fehlt ein Wert",
    "expected <block end>": "Die Einrückung passt nicht zu den Zeilen davor",
    "expected ',' or ']'": "In der Liste fehlt ein Komma oder die schließende Klammer ]",
    "expected ',' or '}'": "Zwischen den Einträgen fehlt ein Komma oder die schließende Klammer }",
    "found unexpected end of stream": "Ein Anführungszeichen ist nicht geschlossen",
    "found unknown escape character": "Das Zeichen nach dem Backslash ergibt keines",
    "but found another document": "Ein zweites Dokument beginnt, nur eines ist erlaubt",
    "unacceptable character": "Ein Steuerzeichen ist nicht erlaubt",
}
"""Faults of YAML that people make, by how PyYAML's words for them begin."""


def read(text: str, path: Path) -> tuple[Any, Lines]:
    """What a YAML text holds, and the line of each entry by its keys and positions, counted from 1.

    Raises
    ------
    SourceError : not YAML, too large or deep, with tags or aliases, or a key twice; names the line.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise SourceError(
            f"larger than {LARGEST_BYTES // 1000} kB", Place(str(path)), "A scenario is a page or two",
            german=f"Die Datei hat über {LARGEST_BYTES // 1000} kB. Ein Szenario hat ein bis zwei Seiten.",
        )  # fmt: skip
    lines: Lines = {}
    try:
        _refuse_tricks(text, path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = None if node is None else _content(node, (), lines, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SourceError(
            f"not YAML: {said}", Place(str(path), mark.line + 1 if mark else None), "Correct this line",
            german=f"Das ist kein YAML. {_in_german(said)}. Korrigieren Sie diese Zeile.",
        ) from None  # fmt: skip
    return content, lines


def line_of(place: tuple[Hashable, ...], lines: Lines) -> int | None:
    """The line of an entry, or of the nearest one around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _in_german(said: str) -> str:
    known = (german for begin, german in _GERMAN.items() if said.startswith(begin))
    return next(known, f"Gemeldet wird {quoted(said)}")


def _refuse_tricks(text: str, path: Path) -> None:
    """Aliases can grow without bound and go in circles, tags can name classes: a scenario needs neither."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark: Any = event.start_mark
        where = Place(str(path), mark.line + 1)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SourceError(
                "anchors and aliases (& and *) are not allowed", where, "Write the entry out",
                german="Anker und Verweise (& und *) sind nicht erlaubt. Schreiben Sie den Eintrag aus.",
            )  # fmt: skip
        if tag := getattr(event, "tag", None):
            raise SourceError(
                f"the tag {tag} is not allowed", where, "Write plain values",
                german=f"Das Tag {quoted(tag)} ist nicht erlaubt. Schreiben Sie einfache Werte.",
            )  # fmt: skip
        depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        if depth > DEEPEST:
            raise SourceError(
                "nested too deeply", where, "A scenario has a few levels only",
                german="Die Einträge sind zu tief verschachtelt. Ein Szenario hat nur wenige Ebenen.",
            )  # fmt: skip


def _content(node: yaml.Node, place: tuple[Hashable, ...], lines: Lines, path: Path) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_content(item, (*place, number), lines, path) for number, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node, path)
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, path)
        where = Place(str(path), key_node.start_mark.line + 1)
        if not isinstance(key, str):
            raise SourceError(
                f"the key {key!r} is no text", where, "Use the names of the schema",
                german=f"Der Schlüssel {quoted(key)} ist kein Text. Verwenden Sie die Namen des Schemas.",
            )  # fmt: skip
        if key in found:
            raise SourceError(
                f"{key!r} stands twice", where, "Keep one of them",
                german=f"{quoted(key)} steht zweimal da. Behalten Sie einen der beiden Einträge.",
            )  # fmt: skip
        found[key] = _content(value_node, (*place, key), lines, path)
        lines[(*place, key)] = key_node.start_mark.line + 1
    return found


_SCALARS: Any = yaml.SafeLoader("")


def _scalar(node: yaml.Node, path: Path) -> Any:
    try:
        return _SCALARS.construct_object(node)
    except (ValueError, OverflowError):  # looks like a date or a number: 2045-13-01, 0x_
        raise SourceError(
            f"{node.value!r} is no date or number that there is",
            Place(str(path), node.start_mark.line + 1), "Correct it, or put it between quotation marks",
            german=f"{quoted(node.value)} ist kein Datum und keine Zahl, die es gibt. Korrigieren Sie "
            "den Wert, oder setzen Sie ihn in Anführungszeichen.",
        ) from None  # fmt: skip
