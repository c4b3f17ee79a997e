"""Scenario files as strangers write them: each fault with file, line and remedy; rules; pathways."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import energy
import scenarios
from energy import Case
from scenarios import units
from scenarios.measures import MEASURES, supply_temperature
from tests.energy.districts import slabs
from twin import CallError, SourceError
from twin.errors import TwinError

GOOD = "name: a\nmeasures:\n  - measure: envelope_retrofit\n    parameters:\n      share: 0.5\n"


@pytest.fixture(scope="module")
def case() -> Case:
    heating = ["district_heating", "gas", "oil"]
    return Case(slabs(heating=heating), energy.weather.sample(), shading="tabula")


def write(folder: Path, text: str) -> Path:
    file = folder / "file.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD + "colour: red\n", 6, "Remove it"),
        (GOOD.replace("share", "shares"), 3, "Use components, standard, share"),
        (GOOD.replace("0.5", "5"), 3, "Use 0 to 1"),
        (GOOD.replace("0.5", "5 °C"), 3, "Give it in a share"),
        (GOOD.replace("envelope_retrofit", "magic"), 3, "Use envelope_retrofit"),
        (GOOD.replace("envelope_retrofit", "os:system"), 3, "--allow-code"),
        (GOOD + "  - measure: heat_pump\n    year: soon\n", 7, "Correct this entry"),
        (GOOD + "title: *a\n", 6, "Write the entry out"),  # a reference to nothing
        ("a: &a [*a]\nname: x\n", 1, "Write the entry out"),  # in a circle
        ("a: &a [1,1]\nb: &b [*a,*a]\nname: x\n", 1, "Write the entry out"),  # a bomb's beginning
        ("name: !!python/object/apply:os.system [ls]\n", 1, "Write plain values"),
        ("name: a\nname: b\n", 2, "Keep one"),
        ("1: a\n", 1, "Use the names of the schema"),
        ("name: [\n", 2, "Correct this line"),
        ("name: a\n\tb: c\n", 2, "Correct this line"),
        ("name: a\nb: 2045-13-01\n", 2, "between quotation marks"),  # the month
        ("name: a\nb: 0x_\n", 2, "between quotation marks"),
        ("name: a\nb: " + "1" * 5000, 2, "between quotation marks"),
        ("name: " + "[" * 50 + "]" * 50 + "\n", 1, "a few levels"),
    ],
)
def test_each_fault_names_file_line_and_remedy(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        scenarios.load(write(tmp_path, text))
    message = str(caught.value)
    assert f"file.yaml, line {line}:" in message and said in message and "\n" not in message


@pytest.mark.parametrize(
    ("targets", "said", "german"),
    [
        (
            "buildings: [b1, b11]",
            "there is no building 'b11' (1 of 2 are unknown). Did you mean b1",
            "Das Gebäude „b11“ gibt es nicht (1 von 2 sind unbekannt). Ähnlich heißen b1",
        ),
        (
            "buildings: [nowhere]",
            "there is no building 'nowhere'. Use one of b0, b1, b2",
            "Das Gebäude „nowhere“ gibt es nicht. Es gibt zum Beispiel b0, b1, b2.",
        ),
        (
            "blocks: [nowhere]",
            "there is no block 'nowhere'. Use one of",
            "Den Wohnblock „nowhere“ gibt es nicht. Es gibt zum Beispiel",
        ),
        (
            "where: {storey_above_ground: 5}",
            "Did you mean storeys_above_ground",
            "Die Spalte „storey_above_ground“ gibt es nicht. Ähnlich heißen storeys_above_ground",
        ),
        (
            "where: {construction_series: WBS70}",
            "no building fulfils these targets. Did you mean WBS 70 for",
            "Kein Gebäude erfüllt diese Bedingungen. Ähnlich heißen WBS 70 (Spalte „construction_series“).",
        ),
        (
            "where: {construction_series: [WBS70, P2]}",
            "Did you mean WBS 70 for construction_series",
            "Ähnlich heißen WBS 70",
        ),
        (
            "where: {year_of_construction: {min: 2000}}",
            "year_of_construction runs from 1980 to 1980",
            "„year_of_construction“ reicht von 1980 bis 1980.",
        ),
        (
            "where: {construction_series: {min: 70}}",
            "construction_series holds no numbers",
            "„construction_series“ enthält keine Zahlen, gefragt ist aber ein Bereich. Nennen Sie Werte",
        ),
        (
            "where: {dwellings: 24}\n      buildings: []",
            "Each condition is fulfilled by some building",
            "Jede Bedingung wird von manchen Gebäuden erfüllt, keines erfüllt alle",
        ),
        (
            "area: {type: Point, coordinates: [0, 0]}",
            "area is a Point. Draw a polygon",
            "„area“ ist ein Point. Zeichnen Sie ein Polygon.",
        ),
        (
            "area: {type: Polygon}",
            "area is no GeoJSON polygon",
            "„area“ ist kein Polygon in GeoJSON. Geben Sie `type` und `coordinates` an.",
        ),
        (
            "wher: {}",
            "there is no key 'wher' at measures.0.targets.wher",
            "Den Schlüssel „measures.0.targets.wher“ gibt es nicht. Entfernen Sie ihn",
        ),
    ],
)
def test_targets_that_are_none_name_file_and_line(
    tmp_path: Path, case: Case, targets: str, said: str, german: str
) -> None:
    file = write(tmp_path, f"name: a\nmeasures:\n  - measure: roof_pv\n    targets:\n      {targets}\n")
    with pytest.raises(SourceError) as caught:
        scenarios.load(file, district=case.district)
    assert str(caught.value).startswith(f"{file}, line ") and said in str(caught.value)
    in_german = caught.value.text("de")
    assert in_german.startswith(f"{file}, Zeile ") and german in in_german


def test_a_bomb_and_a_giant_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(24)
    )
    for text, said in ((bomb, "Schreiben Sie den Eintrag aus"), ("name: " + "x" * 2_000_000, "über 1000 kB")):
        with pytest.raises(SourceError) as caught:
            scenarios.load(write(tmp_path, text))
        assert said in caught.value.text("de")


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(TwinError) as caught:  # no short text is a scenario by chance
        scenarios.load(file)
    assert caught.value.german


@pytest.mark.parametrize(
    "path",
    [
        "name", "version", "title", "title/fr", "title/de", "measures", "measures/0", "measures/0/measure",
        "measures/0/year", "measures/0/parameters", "measures/0/targets", "measures/0/targets/buildings",
        "measures/0/targets/where", "measures/0/targets/where/dwellings", "measures/0/targets/area",
        "measures/0/targets/where/dwellings/min",
    ],
)  # fmt: skip
def test_whatever_stands_in_an_entry_the_fault_has_words_in_german(tmp_path: Path, path: str) -> None:
    """Of each entry, each kind of value: pydantic's kinds of faults that can occur are all in the table."""
    refused = 0
    values = (None, 1, 1.5, True, "x", "X" * 100, [], [1], {}, {"a": 1}, float("inf"), 10**30, "1" * 5000)
    for value in values:
        content: Any = {"name": "a", "measures": [{"measure": "roof_pv", "targets": {"where": {}}}]}
        inner = content
        *outer, last = path.split("/")
        for key in outer:
            inner = inner[int(key)] if key.isdigit() else inner.setdefault(key, {})
        inner[int(last) if last.isdigit() else last] = value
        try:
            scenarios.load(write(tmp_path, yaml.safe_dump(content)))
        except SourceError as error:
            refused += 1
            assert error.german and "ist so nicht gültig" not in error.german, (value, str(error))
    assert refused


def test_units_are_understood_or_refused() -> None:
    parameters = supply_temperature.PARAMETERS
    for given_value in (70, "70", "70 °C", "70 C", "70,0 °C"):
        assert units.in_units("x", parameters, {"supply_c": given_value}) == {"supply_c": 70}
    with pytest.raises(CallError, match=r"'K'.*Give it in °C") as refused:
        units.in_units("x", parameters, {"supply_c": "20 K"})
    assert refused.value.text("de") == "supply_c steht in „K“. Geben Sie den Wert in °C an."
    share = MEASURES["roof_pv"].PARAMETERS
    assert units.in_units("x", share, {"share": "30 %"}) == {"share": 0.3}


def test_what_only_the_district_or_the_measure_refuses_has_words_in_german(case: Case) -> None:
    for step, said in (
        (
            {"measure": "set_points", "parameters": {"set_heating_c": 18.5, "set_back_c": 19.5}},
            "Die Absenkung auf 19,5 °C liegt über der Solltemperatur von 18,5 °C. Senken Sie set_back_c.",
        ),
        (
            {"measure": "envelope_retrofit", "parameters": {"standard": "eh5"}},
            "Den Standard „eh5“ gibt es nicht. Möglich sind ",
        ),
        (
            {"measure": "roof_pv", "targets": {"buildings": ["b11"]}},
            "Das Gebäude „b11“ gibt es nicht. Ähnlich heißen b1",
        ),
        ({"measure": "roof_pv", "parameters": {"a": 1}}, "Den Parameter „a“ hat die Maßnahme roof_pv nicht."),
    ):
        with pytest.raises(CallError) as refused:
            steps(step).apply(case)
        assert refused.value.text("de").startswith(said)


def test_own_code_runs_only_where_it_is_allowed(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_module.py").write_text(
        "from scenarios.measures import envelope_retrofit\n"
        "def half(case, share=0.5):\n    return envelope_retrofit.apply(case, share=share)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    file = write(
        tmp_path, "name: own\nmeasures:\n  - measure: my_module:half\n    parameters: {share: 1.0}\n"
    )
    with pytest.raises(SourceError, match=r"line 3.*--allow-code"):
        scenarios.load(file)
    after = scenarios.load(file, allow_code=True).apply(case)
    assert after.envelope.equals(MEASURES["envelope_retrofit"].apply(case).envelope)
    with pytest.raises(CallError, match="cannot be found"):
        scenarios.Step(measure="my_module:none").apply(case)
    sys.modules.pop("my_module", None)


@pytest.mark.parametrize("name", scenarios.library())
def test_each_shipped_scenario_loads_and_speaks_both_languages(name: str) -> None:
    scenario = scenarios.load(name)
    assert set(scenario.title) == set(scenario.description) == {"de", "en"}
    assert name == f"library/{scenario.name}.yaml" and scenario.steps


def test_the_library_holds_at_least_eight() -> None:
    assert len(scenarios.library()) >= 8


def steps(*measures: dict[str, object]) -> scenarios.Scenario:
    return scenarios.Scenario(name="x", measures=[scenarios.Step.model_validate(m) for m in measures])


def test_measures_that_exclude_each_other_are_refused_where_they_meet(case: Case) -> None:
    both = steps({"measure": "district_heating"}, {"measure": "heat_pump"})
    with pytest.raises(
        CallError, match=r"exclude each other.*first b0.*measures 1 and 2|measures 1 and 2.*b0"
    ):
        both.apply(case)
    apart = steps(
        {"measure": "district_heating", "targets": {"buildings": ["b1"]}},
        {"measure": "heat_pump", "targets": {"buildings": ["b2"]}},
    )
    assert list(apart.apply(case).envelope["heating"]) == [
        "district_heating",
        "district_heating",
        "heat_pump",
    ]


def test_what_would_count_twice_is_refused(case: Case) -> None:
    twice = steps({"measure": "climate"}, {"measure": "climate"})
    with pytest.raises(CallError, match="count twice"):
        twice.apply(case)
    again = steps({"measure": "envelope_retrofit"}, {"measure": "envelope_retrofit"})
    assert again.apply(case).envelope.equals(again.measures[0].apply(case).envelope)  # type: ignore[union-attr]
    better = {"measure": "envelope_retrofit", "parameters": {"components": ["wall"], "standard": "eh55"}}
    with pytest.raises(CallError, match="both bring the wall to a standard of their own"):
        steps({"measure": "envelope_retrofit"}, better).apply(case)


def test_wrong_order_is_refused(case: Case) -> None:
    wrong = steps({"measure": "battery"}, {"measure": "roof_pv"})
    with pytest.raises(CallError, match="Put roof_pv first"):
        wrong.apply(case)


def test_a_pathway_does_each_step_in_its_year(case: Case) -> None:
    path = steps(
        {"measure": "envelope_retrofit", "year": 2030, "parameters": {"components": ["wall"]}},
        {"measure": "envelope_retrofit", "year": 2040, "parameters": {"components": ["window"]}},
    )
    assert path.years == [2030, 2040]
    at = {year: path.apply(case, year) for year in (2025, 2030, 2045)}
    assert at[2025].envelope.equals(case.envelope)
    wall, window = (
        [c.envelope[f"u_{part}_w_m2k"].iloc[0] for c in at.values()] for part in ("wall", "window")
    )
    assert wall[0] > wall[1] == wall[2] and window[0] == window[1] > window[2]
    assert at[2030].parameters.year == 2030
    full = path.apply(case)
    pd.testing.assert_frame_equal(full.envelope, at[2045].envelope)


def test_a_number_larger_than_any_is_refused_by_its_measure(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    file.write_text(
        "version: 1\nname: huge\nmeasures:\n- measure: roof_pv\n  parameters: {share: " + "9" * 400 + "}\n"
    )
    with pytest.raises(SourceError, match=r"huge\.yaml, line 4.*share is 9+.*Use 0 to 1"):
        scenarios.load(file)


@pytest.mark.parametrize(("given", "low", "high"), [("9", "-0.9", "5"), ("9 °C", "-0.9", "5")])
def test_what_has_no_unit_is_asked_for_without_one(given: str, low: str, high: str) -> None:
    """The unit "1" of UCUM is for machines; a change of a price is no share of 0 to 1."""
    parameters = MEASURES["prices"].PARAMETERS
    with pytest.raises(CallError) as caught:
        units.in_units("prices", parameters, {"gas_change": given})
    said, german = str(caught.value), caught.value.german
    assert f"{low} to {high}" in said and f"{low} to {high} 1" not in said
    assert f"{low} bis {high}".replace(".", ",") in german and f"{high} 1" not in german
