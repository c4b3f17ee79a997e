"""`lobeda sensors watering`: reference areas, when they turn dry, and the trees to water."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from viewer.cli_common import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.green_care import Outlook, State, Watering


_COLOURS = {
    "": "watering.unknown", "blue": "watering.blue", "green": "watering.green", "yellow": "watering.yellow",
    "red": "watering.red",
}  # fmt: skip


def watering(
    database: Annotated[
        str | None,
        typer.Option(
            help="Address of the store; without it LOBEDA_DATABASE_URL, else the user's data folder."
        ),
    ] = None,
    district: Annotated[
        str,
        typer.Option(help="Whose trees get simulated reference areas where the store is empty; `-`: none."),
    ] = "lobeda",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """When reference areas turn yellow and red, and which trees want how much water."""
    import pandas as pd

    from scenarios import green_care
    from sensors.store import Store

    now = pd.Timestamp.now("UTC")
    with Store.open(database) as store:
        # An empty store shows the model's areas; one with sensors of somebody's own never does.
        known = green_care.states(store, now) or (_simulated(district) if store.streams().empty else [])
        found = green_care.of_store(store, now, known)
    trees = green_care.waterings(found)
    if as_json:
        typer.echo(json.dumps({"areas": [_facts(one) for one in found],
                               "trees": [asdict(tree) for tree in trees]},
                              ensure_ascii=False, indent=1, default=str))  # fmt: skip
        return
    typer.echo("\n".join(_lines(found, trees, language.value)))


def _simulated(district: str) -> list[State]:
    """Reference areas of a model's trees: all of them estimates, labelled as simulated."""
    import twin
    from scenarios.green_care import State
    from scenarios.replay.selection import reference_areas
    from sensors.figures import figure

    if district == "-":
        return []
    chosen = twin.open(district)
    if not chosen.is_model:
        return []
    areas = reference_areas(chosen, int(figure("reference_areas", "replay")))
    return [State(area, simulated=True) for area in areas]


def _facts(one: Outlook) -> dict[str, Any]:
    area = one.state.area
    return {
        "area": area.key, "name": area.name, "pf": round(one.pf, 2), "colour": one.colour,
        "measured_at": one.state.measured_at, "simulated": one.state.simulated, "young": area.young,
        "yellow": asdict(one.yellow), "red": asdict(one.red), "trees": len(area.trees),
        "deficit_l": round(one.deficit_l), "estimates": list(area.estimates),
    }  # fmt: skip


def _lines(found: Sequence[Outlook], trees: Sequence[Watering], language: str) -> list[str]:
    from viewer.texts import text

    if not found:
        return [text(language, "watering.none")]
    lines = []
    for one in found:
        label = text(language, "watering.simulated")
        label = f" ({label})" if one.state.simulated and label not in one.state.area.name else ""
        state = text(language, _COLOURS[one.colour])
        lines.append(f"{one.state.area.name}{label}: pF {one.pf:.1f}, {state}")
        for key, turn in (("watering.turns_yellow", one.yellow), ("watering.turns_red", one.red)):
            later = text(language, "watering.later")
            span = [day.isoformat() if day else later for day in (turn.expected, turn.earliest, turn.latest)]
            lines.append(text(language, key, day=span[0], earliest=span[1], latest=span[2]))
    lines.append(text(language, "watering.trees", count=len(trees), litres=sum(t.litres for t in trees)))
    lines += [f"  {t.tree_id}  {t.litres} l  {t.by.isoformat()}  {t.area}" for t in trees]
    lines.append(text(language, "watering.estimates"))
    return lines
