"""Two editors of one scenario lose nobody's work; what is saved is read back; the schema knows them."""

from __future__ import annotations

import multiprocessing
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

import scenarios
from scenarios.json_schema import json_schema
from scenarios.shelf import ConflictError, Shelf, as_yaml
from twin import CallError, SourceError


def scenario(name: str = "mine", share: float = 0.5) -> scenarios.Scenario:
    step = scenarios.Step(measure="envelope_retrofit", parameters={"share": share})
    return scenarios.Scenario(name=name, title={"de": "Meins", "en": "Mine"}, measures=[step])


def test_saved_is_read_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "new")
    saved = shelf.save(scenario(), None)
    opened = shelf.open("mine")
    assert opened.scenario == scenario() and opened.state == saved.state and shelf.names() == ["mine"]


@pytest.mark.parametrize("name", scenarios.library())
def test_each_shipped_scenario_survives_a_save(name: str, tmp_path: Path) -> None:
    loaded = scenarios.load(name)
    file = tmp_path / "a.yaml"
    file.write_text(as_yaml(loaded), "utf-8")
    assert scenarios.load(file) == loaded


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    start = shelf.save(scenario(), None)
    shelf.save(scenario(share=0.7), start.state)  # the first editor
    with pytest.raises(ConflictError, match="another name") as caught:
        shelf.save(scenario(share=0.9), start.state)  # the second
    assert caught.value.theirs == scenario(share=0.7)
    shelf.save(scenario("mine-2", share=0.9), None)
    assert shelf.names() == ["mine", "mine-2"]
    shelf.save(scenario(share=0.9), caught.value.state)  # or upon theirs, knowingly
    kept = sorted((tmp_path / ".history").glob("mine.*.yaml"))
    assert {scenarios.load(file).steps[0].parameters["share"] for file in kept} == {0.5, 0.7}


def test_a_new_one_does_not_replace_an_old_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.save(scenario(), None)
    with pytest.raises(ConflictError):
        shelf.save(scenario(share=1.0), None)


def _save(folder: str, share: float) -> bool:
    try:
        Shelf(folder).save(scenario(share=share), None)
    except ConflictError:
        return False
    return True


def test_of_many_processes_one_wins(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        won = pool.starmap(_save, [(str(tmp_path), 0.1 * n) for n in range(6)])
    assert sum(won) == 1


def test_callables_and_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="module:function"):
        as_yaml(scenarios.Scenario(name="x", measures=[lambda case: case]))
    with pytest.raises(SourceError, match="no name of a scenario"):
        Shelf(tmp_path).open("../etc/passwd")


def test_the_published_schema_takes_the_library_and_refuses_nonsense() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for file in (files("scenarios") / "library").iterdir():
        check.validate(yaml.safe_load(file.read_text("utf-8")))
    step = {"measure": "roof_pv", "parameters": {"share": 0.5}}
    assert check.is_valid({"name": "a", "measures": [step]})
    assert not check.is_valid({"name": "a", "measures": [{"measure": "roof_pv", "parameters": {"share": 2}}]})
    assert not check.is_valid({"name": "a", "measures": [{"measure": "magic"}]})
    assert not check.is_valid({"name": "a", "colour": "red"})
