"""Scenarios by schema, targets and the one measure; errors name the entry and the remedy."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import energy
import scenarios
from scenarios.measures import envelope_retrofit
from twin import CallError, District, SourceError


@pytest.fixture(scope="module")
def case() -> energy.Case:
    """Four flat-roofed sections in two blocks, 12 m × 16 m, five storeys of 2.8 m."""
    boxes = [shapely.box(x, 0, x + 16, 12) for x in (0, 16, 100, 116)]
    buildings = gpd.GeoDataFrame(
        {
            "building_id": ["a1", "a2", "b1", "b2"],
            "function": "residential",
            "construction_series": ["WBS 70", "WBS 70", "P2", "P2"],
            "year_of_construction": [1981, 1981, 1972, 1972],
            "storeys_above_ground": 5,
            "measured_height_m": 14.0,
            "ground_height_m": 160.0,
            "roof_type": "flat",
            "dwellings": 10,
            "heating": "district_heating",
            "block_id": ["A", "A", "B", "B"],
        },
        geometry=[shapely.affinity.translate(box, 684_000, 5_640_000) for box in boxes],
        crs="EPSG:25832",
    )
    blocks = gpd.GeoDataFrame(
        {"block_id": ["A", "B"], "geometry": [None, None]}, geometry="geometry", crs=25832
    )
    district = District.from_tables("four", {"buildings": buildings, "blocks": blocks})
    return energy.Case(district, energy.weather.sample())


def test_retrofit_lowers_need_only_where_it_is_applied(case: energy.Case) -> None:
    after = envelope_retrofit.apply(case, buildings=["a1", "a2"])
    before_kwh, after_kwh = (energy.annual(c)["heating_need_kwh"] for c in (case, after))
    assert (after_kwh[["a1", "a2"]] < 0.8 * before_kwh[["a1", "a2"]]).all()
    assert after_kwh[["b1", "b2"]].to_numpy() == pytest.approx(before_kwh[["b1", "b2"]].to_numpy())


def test_retrofit_sets_the_standards_u_values_and_says_so(case: energy.Case) -> None:
    # FACTS.md § 6: usual wall 0.22, roof 0.19, floor 0.29, window 1.3 with g 0.6
    after = envelope_retrofit.apply(case, standard="usual").envelope
    for component, u_value in {"wall": 0.22, "roof": 0.19, "floor": 0.29, "window": 1.3}.items():
        assert after[f"u_{component}_w_m2k"].to_numpy() == pytest.approx(u_value)
        assert after[f"u_{component}_source"].str.startswith("measure:").all()
    assert after["g_window"].to_numpy() == pytest.approx(0.6)


def test_only_the_named_components_change(case: energy.Case) -> None:
    after = envelope_retrofit.apply(case, components=["window"]).envelope
    assert (after["u_wall_w_m2k"] == case.envelope["u_wall_w_m2k"]).all()
    assert (after["u_window_w_m2k"] < case.envelope["u_window_w_m2k"]).all()


def test_a_better_envelope_is_never_made_worse(case: energy.Case) -> None:
    advanced = envelope_retrofit.apply(case, standard="advanced")
    again = envelope_retrofit.apply(advanced, standard="usual")
    assert again.envelope.equals(advanced.envelope)


def test_share_takes_whole_blocks_worst_first_and_grows(case: energy.Case) -> None:
    # P2 of 1972 has the higher wall U-value (TABULA: 1.1 against 0.9), so block B comes first.
    half = envelope_retrofit.apply(case, share=0.5).envelope["u_wall_w_m2k"] < 0.5
    assert half.to_dict() == {"a1": False, "a2": False, "b1": True, "b2": True}
    assert (envelope_retrofit.apply(case, share=0).envelope == case.envelope).all(axis=None)
    order = envelope_retrofit.retrofit_order(case, np.ones(4, bool))
    assert sorted(set(order)) == pytest.approx([0.0, 0.5])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"components": ["door"]}, "door"),
        ({"standard": "passive"}, "passive"),
        ({"share": 1.5}, "1.5"),
        ({"buildings": ["nowhere"]}, "nowhere"),
    ],
)
def test_wrong_parameters_are_refused(case: energy.Case, options: dict[str, object], said: str) -> None:
    with pytest.raises(CallError, match=said):
        envelope_retrofit.apply(case, **options)  # type: ignore[arg-type]


def test_targets_by_query_block_list_and_area(case: energy.Case) -> None:
    ids = lambda **options: list(scenarios.Targets(**options).ids(case))  # noqa: E731
    assert ids(where={"construction_series": "WBS 70"}) == ["a1", "a2"]
    assert ids(where={"year_of_construction": {"min": 1970, "max": 1979}}) == ["b1", "b2"]
    assert ids(where={"construction_series": ["WBS 70", "P2"]}, blocks=["B"]) == ["b1", "b2"]
    area = shapely.geometry.mapping(shapely.box(684_000, 5_640_000, 684_015, 5_640_020))
    assert ids(area=area) == ["a1"]
    with pytest.raises(CallError, match="colour"):
        ids(where={"colour": "red"})
    with pytest.raises(CallError, match="nowhere"):
        ids(buildings=["nowhere"])


def test_run_gives_the_scenarios_side_by_side(case: energy.Case) -> None:
    retrofit = scenarios.load("library/retrofit-wbs70.yaml")
    results = scenarios.run([scenarios.BASELINE, retrofit], case.district, case.weather, resolution="month")
    assert dict(results.sizes)["scenario"] == 2
    table = scenarios.indicators(results)
    assert list(table.index) == ["baseline", "retrofit-wbs70"]
    assert table.loc["retrofit-wbs70", "heating_need_kwh_saved"] > 0
    assert table.loc["baseline", "heating_need_kwh_saved"] == 0


def test_yaml_python_and_callable_give_the_same(case: energy.Case) -> None:
    loaded = scenarios.load("library/retrofit-wbs70.yaml").apply(case)
    targets = scenarios.Targets(where={"construction_series": "WBS 70"})
    step = scenarios.Step(measure="envelope_retrofit", targets=targets)
    by_python = scenarios.Scenario(name="x", measures=[step]).apply(case)
    by_callable = scenarios.Scenario(
        name="y", measures=[lambda c: envelope_retrofit.apply(c, buildings=["a1", "a2"])]
    ).apply(case)
    assert loaded.envelope.equals(by_python.envelope)
    assert loaded.envelope.equals(by_callable.envelope)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "not YAML"),
        ("- 1", "holds no scenario"),
        ("name: Upper Case", "name"),
        ("name: a\nmeasures:\n  - measure: x\n    colour: red", "measures.0"),
        ("name: a\nversion: 7", "version"),
        ("", "holds no scenario"),
    ],
)
def test_broken_scenario_files_name_file_and_entry(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(SourceError, match=said) as caught:
        scenarios.load(file)
    assert "broken.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_measure_and_file_name_what_there_is(case: energy.Case) -> None:
    with pytest.raises(SourceError, match=r"retrofit-wbs70\.yaml"):
        scenarios.load("library/none.yaml")
    with pytest.raises(CallError, match="envelope_retrofit"):
        scenarios.Step(measure="magic").apply(case)
    with pytest.raises(CallError, match="share"):
        scenarios.Step(measure="envelope_retrofit", parameters={"shares": 1}).apply(case)


def test_two_scenarios_of_one_name_are_refused(case: energy.Case) -> None:
    with pytest.raises(CallError, match="same name"):
        scenarios.run([scenarios.BASELINE, scenarios.BASELINE], case.district, case.weather)
