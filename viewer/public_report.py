"""What a report for the public may tell of: whole privacy groups, the same as those of the public site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

import energy
from scenarios.report.study import Done, done
from scenarios.scenario import Scenario
from twin.errors import CallError
from viewer import privacy, shown
from viewer.publish import groups_shown
from viewer.state import Twin


def groups(scenario: Scenario, case: energy.Case, memory: Path | None) -> pd.Series[str]:
    """The group of each building, index building_id, beside all that the public has seen; kept in `memory`.

    A report has the district's totals too. So they must be sums of whole groups, and what a measure changes
    in them must be the change of five dwellings or meters at least. A group of which a step changes fewer is
    left out.

    memory : the file of the groups (`viewer.shown`), where a site or a report has been made of the district.

    Raises
    ------
    CallError : the totals, or what a measure changes in them, would tell of fewer.
    """
    twin = Twin(case.district, case, energy.annual(case)).after(shown.read(memory), shown.figures(memory))
    heated = pd.Series(twin.conditioned, index=twin.group.index)
    left = int((heated & (twin.group == privacy.HIDDEN)).sum())
    if left:
        raise CallError(
            f"the district's totals less its groups would tell of {left} heated building(s) left out",
            "--public", "Leave --public out, and keep the report inside",
        )  # fmt: skip
    if twin.held_back:
        raise CallError(
            "fewer than five dwellings of a group have changed since the public saw it; totals would tell",
            "--public", "Wait until more have, or leave --public out and keep the report inside",
        )  # fmt: skip
    found = _without_few(twin.group, heated, done(scenario, case), case)
    shown.write(memory, groups_shown(twin), twin.public_figures)
    return found


def _without_few(
    group: pd.Series[str], heated: pd.Series, steps: Sequence[Done], case: energy.Case
) -> pd.Series[str]:
    """The groups without those of which a step changes a few homes: the group's change would be theirs.

    Their change together is what the totals leave over, so it must not be of a few homes either.
    """
    units = privacy.units_of(case.district.buildings["dwellings"]).where(heated, 0.0)
    changed = [units.where(units.index.isin(one.buildings), 0.0) for one in steps]
    left: set[str] = set()
    for one in changed:
        sums = one.groupby(group).sum()
        left |= set(sums.index[(sums > 0) & (sums < privacy.MINIMUM)])
    for step, one in zip(steps, changed, strict=True):
        if 0 < one[group.isin(left)].sum() < privacy.MINIMUM:
            raise CallError(
                f"{step.name} changes fewer than {privacy.MINIMUM} dwellings where the totals tell of them",
                "--public", "Let it act on whole groups, or leave --public out and keep the report inside",
            )  # fmt: skip
    return group.where(~group.isin(left), privacy.HIDDEN)
