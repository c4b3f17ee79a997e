"""What every source gives: tables, findings and where it all comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from twin.terrain import Orthophoto, Terrain

Progress = Callable[[str, float], None]
"""Called with a short text and the share done, 0 to 1 (nan where unknown)."""


def no_progress(text: str, share: float) -> None:
    """The progress of a call that nobody watches."""


@dataclass(frozen=True)
class Finding:
    """What was noticed about one record: it was repaired, left out, or is worth knowing."""

    kind: Literal["repaired", "left_out", "note"]
    file: str
    record: str
    message: str


NOT_PUBLISHED = "not for publication"
"""In a licence: neither the data nor who gave them are for everybody."""


@dataclass(frozen=True)
class Provenance:
    """Where a table (or the terrain, the orthophoto) comes from."""

    table: str
    source: str
    origin: str
    licence: str
    attribution: str = ""
    date: str = ""
    changes: str = ""
    sha256: str = ""

    @property
    def is_public(self) -> bool:
        return NOT_PUBLISHED not in self.licence


@dataclass(frozen=True)
class SourceData:
    """Tables as far as the source knows them (see `twin.schema`), in EPSG:25832.

    Building sources give `buildings` and, with 3D geometry, `surfaces` (and `parts`); areas, volumes,
    party walls and everything else that follows from geometry is left to `twin.geometry.derive`.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    terrain: Terrain | None = None
    ortho: Orthophoto | None = None
    findings: list[Finding] = field(default_factory=list)
    provenance: list[Provenance] = field(default_factory=list)
