"""Envelope retrofit by component: walls, roof, lowest floor, windows to a refurbishment standard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from energy import Case
from energy.transmittances import follow_refurbishment
from scenarios.measures import base
from scenarios.measures.base import Parameter
from twin.errors import CallError

TITLE = {"de": "Gebäudehülle sanieren", "en": "Envelope retrofit"}
DESCRIPTION = {
    "de": "Wände, Dach, unterste Decke und Fenster erreichen einen Standard; nichts wird schlechter.",
    "en": "Walls, roof, lowest floor and windows reach the U-values of a standard; nothing is made worse.",
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
        "share", {"de": "Anteil der Blöcke", "en": "Share of the blocks"}, 1.0, "1", 0.0, 1.0,
        source="our choice: all",
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
    standard : `usual` or `advanced` (assets/parameters; own calculation from TEASER layers).
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
    envelope = case.envelope.copy()
    for component in components:
        target = case.parameters.refurbishment_standard(standard, component)
        _improve(envelope, chosen, component, "u_{}_w_m2k", target.u_value_w_m2k, standard)
        if component == "window":
            better = chosen & (envelope["g_window"].to_numpy() > target.g_value)
            envelope.loc[better, "g_window"] = target.g_value
            envelope.loc[better, "g_window_source"] = f"measure:envelope_retrofit {standard}"
    follow_refurbishment(envelope, chosen, case.parameters)
    return case.replace(envelope=envelope)


def retrofit_order(case: Case, chosen: np.ndarray) -> np.ndarray:
    """Share of the chosen floor area that is retrofitted before each building's block; shape (building,). [-]

    Blocks are taken whole, those with the highest mean wall U-value first, ties by block id: people
    refurbish blocks, not entrances, and a growing share must never undo a block.
    """
    frame = pd.DataFrame(
        {
            "block": case.district.buildings["block_id"].fillna("").to_numpy(),
            "building": case.envelope.index.to_numpy(),
            "area": np.where(chosen, case.envelope["a_use_m2"].to_numpy(), 0.0),
            "u": case.envelope["u_wall_w_m2k"].to_numpy(),
        }
    )
    frame["block"] = frame["block"].where(frame["block"] != "", frame["building"])
    frame["weighted"] = frame["u"] * frame["area"]
    blocks = frame.groupby("block", sort=True)[["area", "weighted"]].sum()
    total = blocks["area"].sum()
    if total <= 0:
        return np.ones(len(frame))
    mean_u = (blocks["weighted"] / blocks["area"].where(blocks["area"] > 0)).fillna(0.0)
    blocks = blocks.assign(u=mean_u.round(6)).sort_values("u", ascending=False, kind="stable")
    before = (blocks["area"].cumsum() - blocks["area"]) / total
    return frame["block"].map(before).to_numpy("float64")


def _improve(
    envelope: pd.DataFrame, chosen: np.ndarray, component: str, pattern: str, value: float, standard: str
) -> None:
    column = pattern.format(component)
    better = chosen & (envelope[column].to_numpy() > value)
    envelope.loc[better, column] = value
    envelope.loc[better, f"u_{component}_source"] = f"measure:envelope_retrofit {standard}"


def _check(case: Case, components: Sequence[str], standard: str, share: float) -> None:
    values = {"components": components, "standard": standard, "share": share}
    base.check("envelope_retrofit", PARAMETERS, values)
    if standard not in case.parameters.standards:
        raise CallError(
            f"there is no standard {standard!r}",
            "measure envelope_retrofit",
            f"Use {' or '.join(case.parameters.standards)}",
        )
