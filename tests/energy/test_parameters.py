"""The shipped tables: complete, with sources, and replaceable."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd
import pytest

from energy.parameters import COMPONENTS, INDEX, VALUE_TABLES, Parameters, check
from twin.errors import CallError, SourceError

PARAMETERS = Parameters.default()
TABLES = [field.name for field in fields(Parameters)]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_a_source_and_says_whether_it_is_an_estimate(name):
    table = getattr(PARAMETERS, name)
    sources = [column for column in table.columns if column.endswith("source")]
    assert sources
    for column in sources:
        assert table[column].str.len().gt(3).all()
    assert table["is_estimate"].dtype == bool


@pytest.mark.parametrize("name", [n for n in TABLES if n not in ("typology", "regions")])
def test_estimates_are_called_so(name):
    """A source that speaks of an estimate is marked as one, and rows without a source say "estimate"."""
    table = getattr(PARAMETERS, name)
    text = table[[column for column in table.columns if column.endswith("source")]].agg(" ".join, axis=1)
    assert table["is_estimate"][text.str.contains("estimate|own calculation")].all()


def test_documented_factors():
    """Stadtwerke Jena's certificates, GEG Anlage 4 and 9, UBA 2024, BDEW 2025."""
    carriers = PARAMETERS.carriers
    assert carriers.loc["district_heating", "primary_energy_factor"] == 0.30
    assert carriers.loc["district_heating", "co2_kg_kwh"] == 0.111
    assert carriers.loc["electricity", "primary_energy_factor"] == 1.8
    assert carriers.loc["electricity", "co2_kg_kwh"] == 0.363
    assert carriers.loc["electricity", "price_eur_kwh"] == 0.397
    assert carriers.loc["gas", "primary_energy_factor"] == 1.1
    assert carriers.loc["gas", "co2_kg_kwh"] == 0.240
    assert carriers.loc["gas", "price_eur_kwh"] == 0.1172


def test_refurbishment_standards_by_component():
    assert PARAMETERS.standards == ("usual", "advanced", "eh55")
    usual = {name: PARAMETERS.refurbishment_standard("usual", name).u_value_w_m2k for name in COMPONENTS}
    assert usual == {"wall": 0.22, "roof": 0.19, "floor": 0.29, "window": 1.3}
    assert PARAMETERS.refurbishment_standard("advanced", "window").g_value == 0.5
    with pytest.raises(CallError, match="no standard 'gold'"):
        PARAMETERS.refurbishment_standard("gold", "wall")


def test_constants_can_be_changed_without_touching_the_default():
    changed = PARAMETERS.with_constants(albedo=0.5)
    assert changed.constant("albedo") == 0.5
    assert PARAMETERS.constant("albedo") == 0.2
    assert changed.digest != PARAMETERS.digest
    with pytest.raises(CallError, match="no constant 'x'"):
        PARAMETERS.with_constants(x=1.0)


def test_a_changed_constant_is_the_one_that_is_read() -> None:
    """Each name stands in one table only: in two, a change of one would be read from the other."""
    for table in VALUE_TABLES:
        for name in getattr(PARAMETERS, table).index:
            assert PARAMETERS.with_constants(**{str(name): 0.123}).constant(str(name)) == 0.123
    tables = {name: getattr(PARAMETERS, name) for name in INDEX}
    doubled = pd.concat([PARAMETERS.network, PARAMETERS.supply.loc[["heating_limit_c"]]])
    with pytest.raises(SourceError, match="heating_limit_c"):
        check(tables | {"network": doubled})
