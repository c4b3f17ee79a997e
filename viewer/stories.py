"""Guided walks through proposals, in Markdown: each heading ``##`` is a step, with a block of what to show.

    ---
    title: {de: Ein Rundgang, en: A walk}
    proposal: trees
    ---
    ## Das Quartier heute
    ```view
    look: overview
    layer: heating_need_per_area
    frame: today
    shows: Alle Häuser, gefärbt nach ihrem Wärmebedarf.
    ```
    Text of the step.

`look` is ``overview``, ``proposal``, or a camera ``{from: [east, north, height], at: [east, north, height]}``
in EPSG:25832; `frame` is ``today`` or ``proposal``; `highlight` marks the proposal's buildings. `shows` is
the picture in words. ``name.en.md`` has the same steps in English: headings, texts and `shows`; what
to show is said once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from scenarios import reading
from twin.errors import SourceError
from viewer import content, layers, markdown, texts
from viewer.content import Words

_STEP = re.compile(r"^##[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_VIEW = re.compile(r"^```view[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
Point = Annotated[list[float], Field(min_length=3, max_length=3)]


class Camera(BaseModel):
    """Where the camera stands and what it looks at: east, north, height. [m]"""

    model_config = ConfigDict(extra="forbid")
    stands: Point = Field(alias="from")
    at: Point


class View(BaseModel):
    """What a step shows."""

    model_config = ConfigDict(extra="forbid")
    shows: Annotated[str, Field(min_length=1)]
    look: Literal["overview", "proposal"] | Camera | None = None
    layer: str | None = None
    frame: Literal["today", "proposal"] = "today"
    highlight: bool = False


class Head(BaseModel):
    """The head of a story's file."""

    model_config = ConfigDict(extra="forbid")
    title: Words
    proposal: str


@dataclass(frozen=True)
class Text:
    """A step in a language: title, what is told as Markdown, and the picture in words."""

    title: str
    told: str
    shows: str


@dataclass(frozen=True)
class Story:
    """A story; `steps` by language, all of one length, `views` as long."""

    name: str
    head: Head
    steps: dict[str, list[Text]]
    views: list[View]


def read(folder: Path, proposals: Collection[str]) -> list[Story]:
    """The stories of a site's folder ``stories``; none where it has none.

    proposals : their names, which stories may be about.

    Raises
    ------
    SourceError : names file, step or field, and remedy.
    """
    return [_story(file, proposals) for file in content.files(folder / "stories")]


def _story(file: content.File, proposals: Collection[str]) -> Story:
    head = content.model(Head, file.head, file.path, file.lines)
    if head.proposal not in proposals:
        known = ", ".join(sorted(proposals)) or "none"
        raise SourceError(f"proposal: there is no {head.proposal!r}", file.path, f"Proposals are {known}")
    steps, views = {}, []
    for code, body in file.body.items():
        own = code == texts.DEFAULT
        where = file.path if own else file.path.with_name(f"{file.name}.{code}.md")
        found = _steps(body, where)
        steps[code] = [text for text, _ in found]
        if own:
            views = [view for _, view in found]
        elif len(found) != len(_steps(file.body[texts.DEFAULT], file.path)):
            raise SourceError("has another number of steps", where, f"Tell the steps of {file.path.name}")
    return Story(file.name, head, steps, views)


def _steps(body: str, where: Path) -> list[tuple[Text, View]]:
    parts = _STEP.split(body)
    if len(parts) < 3:
        raise SourceError("has no step", where, "Begin each step with a line: ## Title")
    return [_step(title, told, where) for title, told in zip(parts[1::2], parts[2::2], strict=True)]


def _step(title: str, told: str, where: Path) -> tuple[Text, View]:
    at = f"{where}, step {title!r}"
    block = _VIEW.search(told)
    if block is None:
        raise SourceError("says not what it shows", at, "Add a block ```view with shows: in it")
    entries, _ = reading.read(block[1], where)
    if not isinstance(entries, dict):
        raise SourceError("the block view is empty", at, "Write at least shows:")
    view = content.model(View, entries, Path(at), {})
    if view.layer is not None and view.layer not in layers.PUBLIC:
        raise SourceError(f"layer: there is no public {view.layer!r}", at, f"Use {', '.join(layers.PUBLIC)}")
    rest = (told[: block.start()] + told[block.end() :]).strip()
    return Text(title, rest, " ".join(view.shows.split())), view


def words(story: Story, language: str) -> dict[str, Any]:
    """A story in a language for the page."""
    chain = (language, texts.base(language), "en", texts.DEFAULT)
    code = next(code for code in chain if code in story.steps)
    return {
        "id": story.name,
        "proposal": story.head.proposal,
        "title": content.phrase(story.head.title, language),
        "lang": "" if code == language else texts.tag(code),
        "steps": [
            {"title": step.title, "html": markdown.html(step.told, top=4), "shows": step.shows}
            for step in story.steps[code]
        ],
    }


def data(story: Story, origin: tuple[float, float, float]) -> dict[str, Any]:
    """What a story shows, for the script; cameras from the scene's `origin` as it counts: east, up, south."""
    return {
        "id": story.name,
        "proposal": story.head.proposal,
        "views": [_view(v, origin) for v in story.views],
    }


def _view(view: View, origin: tuple[float, float, float]) -> dict[str, Any]:
    def local(point: list[float]) -> list[float]:
        east, north, height = (value - zero for value, zero in zip(point, origin, strict=True))
        return [round(east, 1), round(height, 1), round(-north, 1)]

    look: Any = view.look
    if isinstance(look, Camera):
        look = {"position": local(look.stands), "target": local(look.at)}
    return {"look": look, "layer": view.layer, "frame": view.frame, "highlight": view.highlight}
