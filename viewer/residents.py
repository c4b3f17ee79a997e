"""What the residents' pages say of proposals: words for the template, numbers for the script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from energy.parameters import Parameters
from viewer import content, format, markdown, texts
from viewer.impact import TODAY, Impact, state_of
from viewer.proposals import Proposal

HOME_COLUMNS = tuple(
    f"{name}{end}"
    for name in ("heat_before", "heat_after", "heat_change", "levy")
    for end in ("", "_low", "_high")
)


def words(proposal: Proposal, language: str) -> dict[str, Any]:
    """A proposal in a language for the page; each text with the language it is in, where that is another."""

    said = partial(content.phrase, language=language)

    head = proposal.head
    body = said(proposal.body)
    return {
        "id": proposal.name,
        "title": said(head.title),
        "place": said(head.place),
        "why": said(head.why),
        "status": head.status,
        "when": when(proposal, language),
        "example": head.example,
        "contact": head.contact,
        "computed": proposal.scenario is not None,
        "body": {**body, "html": markdown.html(body["text"])},
        "outcome": None if head.outcome is None else _with_html(said(head.outcome)),
    }


def _with_html(entry: dict[str, str]) -> dict[str, str]:
    return {**entry, "html": markdown.html(entry["text"], top=4)}


def when(proposal: Proposal, language: str) -> str:
    """When it is to be done, in words."""
    start, end = proposal.head.starts, proposal.head.ends
    if start is None and end is None:
        return texts.text(language, "proposal.when_open")
    if start is None or end is None or start == end:
        key = (
            "proposal.when_from"
            if end is None
            else "proposal.when_until"
            if start is None
            else "proposal.when_in"
        )
        return texts.text(language, key, year=start if start is not None else end)
    return texts.text(language, "proposal.when_between", start=start, end=end)


def data(impacts: Sequence[Impact], proposals: Sequence[Proposal], groups: pd.Index) -> list[dict[str, Any]]:
    """Numbers of each proposal for the script: the rows of its buildings, and by row of the group table what
    it means for a home (`HOME_COLUMNS`)."""
    of = {impact.proposal.name: impact for impact in impacts}
    return [_entry(of.get(p.name), p, groups) for p in proposals]


def _entry(impact: Impact | None, proposal: Proposal, groups: pd.Index) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": proposal.name, "status": proposal.head.status, "frame": None}
    if impact is None:
        return entry
    columns = [name for name in HOME_COLUMNS if name in impact.home]
    number = {group: row for row, group in enumerate(groups)}
    home = impact.home.reindex(columns=HOME_COLUMNS)
    return {
        **entry,
        "frame": state_of(proposal),
        "rows": np.flatnonzero(impact.shown.to_numpy(bool)).tolist(),
        "withheld": impact.withheld,
        "home": {
            number[group]: [_number(value, 3) for value in row]
            for group, row in zip(home.index, home.to_numpy("float64").tolist(), strict=True)
        }
        if columns
        else {},
        "sun": _sun(impact.sun_h),
    }


def _sun(hours: pd.DataFrame | None) -> dict[int, list[float | None]] | None:
    """Hours today and after by building's row, where at least an hour differs."""
    if hours is None:
        return None
    differs = (hours["after"] - hours[TODAY]).abs() >= 1
    return {
        int(row): [_number(hours[TODAY].iloc[row], 0), _number(hours["after"].iloc[row], 0)]
        for row in np.flatnonzero(differs.to_numpy(bool))
    }


def assumptions(parameters: Parameters, language: str) -> dict[str, str]:
    """What the figures for a home rest on."""
    get = parameters.constant
    low = get("rent_eur_m2") < get("low_rent_eur_m2")
    cap = get("levy_cap_low_rent_eur_m2_month" if low else "levy_cap_eur_m2_month")
    return {
        "rent": format.number(get("rent_eur_m2"), language, 2),
        "levy": format.number(100 * get("levy_modernisation"), language),
        "cap": format.number(cap, language, 2),
    }


def _number(value: float, digits: int) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
