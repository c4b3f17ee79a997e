"""Figures of whole groups of buildings, for a report that everybody may read.

Which buildings make a group is given in (`Options.groups`, index building_id); what has the group `NO_GROUP`
is shown nowhere. Only what adds up is summed: the largest hour of a group is not that of its buildings.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from scenarios.compare import INDICATORS
from scenarios.report.study import Study

NO_GROUP = ""


def shown(group: pd.Series) -> pd.Series:
    """The groups of the buildings that are in one."""
    return group[group != NO_GROUP]


def sums(study: Study, group: pd.Series) -> pd.DataFrame:
    """Sums over groups; columns (base, after or change, indicator that adds up), index group_id."""
    mine, table = shown(group), study.buildings()
    kept = [column for column in table.columns.to_list() if INDICATORS[column[1]].adds_up]
    return table.loc[mine.index, kept].groupby(mine).sum(min_count=1).rename_axis("group_id")


def places(study: Study, group: pd.Series) -> gpd.GeoDataFrame:
    """Each group's streets, counts, whether a measure changes a building of it, and its footprints."""
    mine = shown(group)
    known = study.base.case.district.buildings.loc[mine.index]
    table = pd.DataFrame(
        {
            "streets": known["street"].groupby(mine).agg(lambda one: ", ".join(sorted(set(one.dropna())))),
            "buildings": known.groupby(mine).size(),
            "dwellings": known["dwellings"].groupby(mine).sum(),
            "changed_by_a_measure": study.affected.loc[mine.index].groupby(mine).any(),
        }
    )
    shapes = known.geometry.groupby(mine).apply(lambda one: one.union_all())
    found = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=known.crs), crs=known.crs)
    return found.rename_axis("group_id")


def spread(values: pd.Series, group: pd.Series) -> pd.Series:
    """A value of each group at all of its buildings; nan at those of no group."""
    return group.map(values).astype("float64")
