"""Envelope retrofit by component: walls, roof, lowest floor, windows to a refurbishment standard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from energy import Case
from energy.columns import relabelled
from energy.transmittances import follow_refurbishment
from scenarios.measures import base
from scenarios.measures.base import Parameter
from twin.compute import Same
from twin.district import District
from twin.errors import CallError, quoted

TITLE = {"de": "Gebäudehülle sanieren", "en": "Envelope retrofit"}
DESCRIPTION = {
    "de": "Wände, Dach, unterste Decke und Fenster erreichen einen Standard, "
    "die schlechtesten Hüllen zuerst; nichts wird schlechter.",
    "en": "Walls, roof, lowest floor and windows reach the U-values of a standard, "
    "the worst envelopes first; nothing is made worse.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
COMPONENTS = ("wall", "roof", "floor", "window")
PARAMETERS = (
    Parameter(
        "components", {"de": "Bauteile", "en": "Components"}, COMPONENTS, choices=COMPONENTS,
        source="our choice",
    ),
    Parameter(
        "standard", {"de": "Standard", "en": "Standard"}, "usual",
        source="see assets/parameters/refurbishment.csv", is_estimate=True,
    ),
    Parameter(
        "share", {"de": "Sanierter Flächenanteil", "en": "Share of floor area refurbished"},
        1.0, "1", 0.0, 1.0, source="our choice: all",
    ),
)  # fmt: skip
applicable = base.conditioned


def apply(
    case: Case,
    *,
    components: Sequence[str] = COMPONENTS,
    standard: str = "usual",
    buildings: Iterable[str] | None = None,
    share: float = 1.0,
) -> Case:
    """The case with the components of some buildings brought to a standard; none is made worse.

    Thermal bridges shrink with the refurbished share of the envelope, as in TABULA.

    Parameters
    ----------
    components : any of wall, roof, floor, window.
    standard : `usual` or `advanced` (own calculation from TEASER layers) or `eh55` (0.7 times the U-values of
        the GEG's reference building), rows of assets/parameters/refurbishment.csv.
    buildings : ids; without them, all conditioned buildings.
    share : part of their blocks that is retrofitted, 0 to 1, by floor area; the worst envelopes come first,
        so a larger share always contains the smaller one.

    Raises
    ------
    CallError : an unknown component, standard or building, or a share outside 0 to 1.
    """
    _check(case, components, standard, share)
    chosen = base.chosen(case, buildings, applicable(case), "envelope_retrofit")
    chosen = chosen & (retrofit_order(case, chosen) < share)
    envelope = case.envelope.copy(deep=False)
    for component in components:
        target = case.parameters.refurbishment_standard(standard, component)
        name = f"u_{component}"
        _improve(envelope, chosen, f"{name}_w_m2k", f"{name}_source", target.u_value_w_m2k, standard)
        if component == "window":
            _improve(envelope, chosen, "g_window", "g_window_source", target.g_value, standard)
    follow_refurbishment(envelope, chosen, case.parameters)
    return case.replace(envelope=envelope)


def retrofit_order(case: Case, chosen: np.ndarray) -> np.ndarray:
    """Share of the chosen floor area that is retrofitted before each building's block; shape (building,). [-]

    Blocks are taken whole, those with the highest mean wall U-value first, ties by block id: people
    refurbish blocks, not entrances, and a growing share must never undo a block.
    """
    block = _blocks(Same(case.district))
    area = np.where(chosen, case.envelope["a_use_m2"].to_numpy("float64"), 0.0)
    u_wall = case.envelope["u_wall_w_m2k"].to_numpy("float64")
    of_block = np.bincount(block, area)
    total = of_block.sum()
    if total <= 0:
        return np.ones(len(block))
    weighted = np.bincount(block, np.where(area > 0, u_wall * area, 0.0))
    mean_u = np.round(weighted / np.where(of_block > 0, of_block, 1.0), 6)
    order = np.argsort(-mean_u, kind="stable")
    before = np.empty(len(order))
    before[order] = (np.cumsum(of_block[order]) - of_block[order]) / total
    return np.asarray(before[block])


@lru_cache(maxsize=4)
def _blocks(district: Same[District]) -> np.ndarray:
    """Number of each building's block in the order of ids, shape (building,); without one it is its own."""
    block = district.it.buildings["block_id"].fillna("").to_numpy(object)
    name = np.where(block != "", block, district.it.buildings.index.to_numpy(object))
    return np.unique(name.astype(str), return_inverse=True)[1]


def _improve(
    envelope: pd.DataFrame, chosen: np.ndarray, column: str, source: str, value: float, standard: str
) -> None:
    before = envelope[column].to_numpy("float64")
    better = chosen & (before > value)
    if better.any():
        envelope[column] = np.where(better, value, before)
        envelope[source] = relabelled(envelope[source], better, f"measure:envelope_retrofit {standard}")


def _check(case: Case, components: Sequence[str], standard: str, share: float) -> None:
    values = {"components": components, "standard": standard, "share": share}
    base.check("envelope_retrofit", PARAMETERS, values)
    if standard not in case.parameters.standards:
        raise CallError(
            f"there is no standard {standard!r}",
            "measure envelope_retrofit",
            f"Use {' or '.join(case.parameters.standards)}",
            german=f"Den Standard {quoted(standard)} gibt es nicht. Möglich sind "
            f"{' und '.join(case.parameters.standards)}.",
        )
