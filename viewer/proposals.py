"""What is planned: one Markdown file a proposal, read and checked.

---
title: {de: Bäume am Platz, en: Trees on the square}
place: {de: Lobeda-Ost}
why: {de: Im Sommer ist es dort zu heiß.}
status: planned
from: 2027
to: 2028
scenario: library/summer-heat.yaml
targets: {where: {quarter: Lobeda-Ost}}
contact: {name: Stadtplanung, email: planung@example.org}
outcome: {de: Zwei Bäume mehr als zuerst geplant.}
example: true
---
What is to be done, in the default language; ``name.en.md`` beside it has the same in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from energy import Case
from scenarios import scenario as scenario_files
from scenarios.measures import MEASURES
from scenarios.scenario import Scenario, Step, Targets
from twin.errors import CallError, SourceError
from viewer import content, texts
from viewer.content import Words

Status = Literal["idea", "planned", "decided", "in_work", "done", "withdrawn"]
STATUSES: tuple[str, ...] = get_args(Status)
Year = Annotated[int, Field(ge=1960, le=2100)]


class Contact(BaseModel):
    """Who answers questions."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1)]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = None
    phone: Annotated[str, Field(pattern=r"^[+0-9 ()/-]{3,30}$")] | None = None


class Head(BaseModel):
    """The head of a proposal's file."""

    model_config = ConfigDict(extra="forbid")
    title: Words
    place: Words
    why: Words
    status: Status
    contact: Contact
    starts: Year | None = Field(default=None, alias="from")
    ends: Year | None = Field(default=None, alias="to")
    scenario: str | None = None
    targets: Targets = Field(default_factory=Targets)
    outcome: Words | None = None
    example: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Head:
        if self.starts is not None and self.ends is not None and self.ends < self.starts:
            raise ValueError("it ends (to) before it starts (from)")
        return self


@dataclass(frozen=True)
class Proposal:
    """A proposal.

    name : its address on the site.  body : Markdown by language.
    scenario : what it does, None where it changes nothing that the twin computes.
    """

    name: str
    head: Head
    body: dict[str, str]
    scenario: Scenario | None
    path: Path

    def applied(self, case: Case) -> Scenario | None:
        """The scenario, each measure narrowed to the proposal's targets.

        Raises
        ------
        SourceError : targets that the district does not have, or nobody among them.
        """
        if self.scenario is None or not self.head.targets.given:
            return self.scenario
        try:
            mine = self.head.targets.ids(case)
            steps = [_narrowed(step, mine, case) for step in self.scenario.steps]
        except CallError as error:
            raise error.at(f"{self.path}, targets") from None
        if not len(mine):
            raise SourceError("no building is meant", f"{self.path}, targets", "Widen them")
        return self.scenario.model_copy(update={"measures": steps})


def read(folder: Path) -> list[Proposal]:
    """The proposals of a site's folder ``proposals``; none where it has none.

    Raises
    ------
    SourceError : names file, field and remedy.
    """
    return [_proposal(file) for file in content.files(folder / "proposals")]


def _proposal(file: content.File) -> Proposal:
    head = content.model(Head, file.head, file.path, file.lines)
    if not file.body[texts.DEFAULT]:
        raise SourceError("says nothing below its head", file.path, "Write what is to be done")
    scenario = None if head.scenario is None else _scenario(head.scenario, file.path)
    if scenario is None and head.targets.given:
        raise SourceError("targets: without a scenario they mean nothing", file.path, "Add scenario:")
    return Proposal(file.name, head, file.body, scenario, file.path)


def _scenario(place: str, path: Path) -> Scenario:
    """A shipped scenario, or a file named from where the proposal lies."""
    beside = path.parent / place
    chosen = beside if beside.is_file() else Path(place)
    if not place.startswith("library/") and not beside.is_file():
        raise SourceError(
            f"scenario: there is no file {place}", path, "Name it from this file's folder, or library/…"
        )
    return scenario_files.load(chosen)


def _narrowed(step: Step, mine: pd.Index, case: Case) -> Step:
    """What reaches buildings reaches only those that are meant; the rest stays."""
    if not hasattr(MEASURES[step.measure], "applicable"):
        return step
    own = step.targets.ids(case)
    return step.model_copy(update={"targets": Targets(buildings=list(own.intersection(mine)))})
