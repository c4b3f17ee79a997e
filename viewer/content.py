"""Files of the site's content: a head in YAML between two lines ``---``, a body in Markdown, one file more
for each further language of the body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scenarios import reading
from twin.errors import SourceError
from viewer import texts

_STEM = re.compile(r"[a-z0-9][a-z0-9-]*")
_HEAD = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_LARGEST_BYTES = 200_000
_LATER = re.compile(
    r"placeholder|platzhalter|example|beispiel|\bmuster(mann|frau|stadt|str|\b)|\btodo\b|xxx|changeme|<|>",
    re.I,
)
Model = TypeVar("Model", bound=BaseModel)


def _words(value: Mapping[str, str]) -> dict[str, str]:
    if texts.DEFAULT not in value:
        raise ValueError(f"a text in the language {texts.DEFAULT!r} is needed")
    if odd := [code for code in value if not texts.CODE.fullmatch(code)]:
        raise ValueError(f"{odd[0]!r} is no language")
    return {code: text.strip() for code, text in value.items()}


Words = Annotated[dict[str, str], AfterValidator(_words)]
"""A text by language, in the default language at least."""


@dataclass(frozen=True)
class File:
    """A file of content.

    name : its stem, which is its address on the site.
    body : Markdown by language.
    """

    name: str
    path: Path
    head: dict[str, Any]
    body: dict[str, str]
    lines: reading.Lines


def stands_for_later(value: str) -> bool:
    """Whether a value is one of an example, or stands for one that is still to come."""
    return bool(_LATER.search(value))


def said(words: Mapping[str, str], language: str) -> tuple[str, str]:
    """The text for a reader and the language it is in: the reader's, what that falls back on, English, or the
    default."""
    chain = (language, texts.base(language), "en", texts.DEFAULT)
    code = next(code for code in chain if code in words)
    return words[code], code


def phrase(words: Mapping[str, str], language: str) -> dict[str, str]:
    """The text for a reader, and the language it is in where that is another (BCP 47, else empty)."""
    text, code = said(words, language)
    return {"text": text, "lang": "" if code == language else texts.tag(code)}


def files(folder: Path) -> list[File]:
    """The files of a folder in the order of their names; none where there is no folder.

    Raises
    ------
    SourceError : a file has no head, cannot be read or is of a language's body without its file.
    """
    found: list[File] = []
    if not folder.is_dir():
        return found
    paths = {path.name.removesuffix(".md"): path for path in sorted(folder.glob("*.md"))}
    for name, path in paths.items():
        if "." in name:
            stem, _, code = name.partition(".")
            if stem not in paths or not texts.CODE.fullmatch(code):
                raise SourceError(
                    "is the text of no file", path, f"Name it like {stem}.en.md beside {stem}.md"
                )
            continue
        if not _STEM.fullmatch(name):
            raise SourceError("cannot be an address", path, "Name it with a–z, 0–9 and - only")
        found.append(_read(name, path, paths))
    return found


def _read(name: str, path: Path, paths: Mapping[str, Path]) -> File:
    text = file_text(path)
    head = _HEAD.match(text)
    if head is None:
        raise SourceError("has no head", path, "Begin it with a line ---, entries such as title:, and ---")
    entries, lines = reading.read("\n" + head[1], path)  # the line --- counts
    if not isinstance(entries, dict):
        raise SourceError("has an empty head", path, "Write at least title:")
    body = {texts.DEFAULT: text[head.end() :]}
    for other, file in paths.items():
        if other.startswith(f"{name}."):
            body[other.partition(".")[2]] = file_text(file)
    return File(name, path, entries, {code: text.strip() for code, text in body.items()}, lines)


def model(kind: type[Model], entries: Mapping[str, Any], where: Path, lines: reading.Lines) -> Model:
    """The entries as a model.

    Raises
    ------
    SourceError : names file, line, field and remedy of whatever is wrong, all at once.
    """
    try:
        return kind.model_validate(entries)
    except ValidationError as error:
        faults = error.errors()
        remedy = ". ".join(dict.fromkeys(_remedy(kind, one) for one in faults))
        fields: dict[str, list[str]] = {}
        for one in faults:
            line = reading.line_of(tuple(one["loc"]), lines)
            field = ".".join(map(str, one["loc"]))
            said = fields.setdefault(one["msg"].removeprefix("Value error, "), [])
            said.append(f"{field} (line {line})" if line and len(faults) > 1 else field)
        at = f"{where}, line {line}" if line and len(faults) == 1 else where
        what = "; ".join(f"{', '.join(names)}: {message}" for message, names in fields.items())
        raise SourceError(what, at, remedy) from None


def _remedy(kind: type[BaseModel], fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return "Add this entry"
    if fault["type"] != "extra_forbidden":
        return "Correct this entry"
    *around, _ = fault["loc"]
    inner: Any = kind
    for part in around:
        field = inner.model_fields.get(part)
        inner = None if field is None else field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return "Take this entry out"
    known = ", ".join(info.alias or name for name, info in inner.model_fields.items())
    return f"Entries {f'of {around[-1]} ' if around else ''}are {known}"


def file_text(path: Path) -> str:
    """The text of a file of content.

    Raises
    ------
    SourceError : too large, or no UTF-8 text.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise SourceError(f"is larger than {_LARGEST_BYTES // 1000} kB", path, "Shorten it")
        return path.read_text("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot be read: {error}", path, "Save it as UTF-8 text") from None
