"""What a report is made of on paper: headings, texts, tables, figures; plain data that a template sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Heading:
    """level : 1 for sections, 2 below them."""

    text: str
    level: int = 1
    kind: str = "heading"


@dataclass(frozen=True)
class Text:
    """A paragraph; `note` sets it apart."""

    text: str
    note: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Boxes:
    """A few figures side by side: label, value, what is below."""

    items: Sequence[tuple[str, str, str]]
    kind: str = "boxes"


@dataclass(frozen=True)
class Table:
    """header : of each column.  right : columns that are numbers.  widths : shares; nothing: by content.

    foreign : column whose text is English in any language.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[int] = ()
    widths: Sequence[float] = ()
    foreign: int | None = None
    small: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    """A picture with its caption, and what it shows in words, for who cannot see it.

    name : of the file that `pictures` gives.
    """

    name: str
    caption: str
    alt: str
    kind: str = "figure"


Block = Heading | Text | Boxes | Table | Figure


@dataclass(frozen=True)
class Document:
    """A report before it is set.

    front : lines of the title page, label and text.
    notice : set apart on the title page: who may have the report; empty: none.
    """

    language: str
    title: str
    heading: str
    kind_of: str
    subject: str
    author: str
    notice: str
    page: str
    front: Sequence[tuple[str, str]]
    plain: tuple[str, str]
    blocks: Sequence[Block] = field(default_factory=list)

    def to_dict(self) -> Mapping[str, Any]:
        """As JSON takes it."""
        return asdict(self)
