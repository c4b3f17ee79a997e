"""Several buildings selected at once: by filter, rows, lasso and click after click; written as targets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scenarios.scenario import Targets
from tests.viewer.districts import small
from twin.errors import CallError
from viewer import facts, panel, picking
from viewer.picking import Picking
from viewer.state import State, Twin
from viewer.whatif import ENVELOPE, retrofit


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin.of(small())


class Page:
    """What a page would hear."""

    def __init__(self, twin: Twin) -> None:
        self.state, self.news, self.changes = State(twin), dict[str, Any](), 0
        self.picking = Picking(self.state, lambda **news: self.news.update(news), self._changed)

    def _changed(self) -> None:
        self.changes += 1


def test_a_filter_counts_and_selects_by_its_conditions(twin: Twin) -> None:
    page = Page(twin)
    where = {
        "construction_series": "WBS 70",
        "year_of_construction": {"min": "1979", "max": ""},
        "heating": "",
    }
    assert page.picking.receive({"type": "filter", "where": where})
    # Three sections of eleven storeys with two dwellings each (districts.py), built in 1979.
    assert page.news["pick"]["buildings"] == 3 and page.news["pick"]["dwellings"] == 66
    assert page.state.selection is None and page.changes == 0
    page.picking.receive({"type": "filter", "where": where, "apply": True})
    assert page.state.selected_ids == ["ost-0", "ost-1", "ost-2"] and page.changes == 1
    targets = picking.selection_targets(page.state)
    assert json.loads(targets) == {
        "where": {"construction_series": "WBS 70", "year_of_construction": {"min": 1979.0}}
    }
    plan = retrofit(1.0, targets=Targets.model_validate_json(targets))
    row = panel.rows(twin, plan, "de", {})[0]
    assert row["measure"] == ENVELOPE and row["count"] == 1 and "Bautyp WBS 70" in row["targets_text"]
    # What means the selection is called so, and not a second time "as set", as keys would find it.
    known = panel.rows(twin, plan, "de", {ENVELOPE: targets}, selected=targets)[0]
    assert known["targets"] == "selection" and known["query"] == ""
    assert row["targets"] == "query" and row["query"] == row["targets_text"]
    shown = facts.facts(page.state)
    assert shown is not None and shown["title"] == "3 Gebäude" and shown["level"] == "set"


def test_a_filter_that_finds_nothing_selects_nothing(twin: Twin) -> None:
    page = Page(twin)
    page.picking.receive({"type": "filter", "where": {"quarter": ["Nirgends"]}, "apply": True})
    assert page.state.selection is None
    with pytest.raises(CallError, match="no filter"):
        page.picking.receive({"type": "filter", "where": {"owner": "x"}})
    with pytest.raises(CallError, match="no number"):
        page.picking.receive({"type": "filter", "where": {"storeys_above_ground": {"min": "many"}}})


def test_a_lasso_is_whole_blocks_where_it_can_be(twin: Twin) -> None:
    page = Page(twin)
    page.picking.receive({"type": "lasso", "ids": ["west-0", "west-1", "west-2", "no such"]})
    assert json.loads(picking.selection_targets(page.state)) == {"blocks": ["west"]}
    page.picking.receive({"type": "lasso", "ids": ["ost-1"], "add": True})
    assert json.loads(picking.selection_targets(page.state)) == {
        "buildings": ["west-0", "west-1", "west-2", "ost-1"]
    }
    page.picking.receive({"type": "pick", "ids": ["ost-1"], "how": "remove"})
    assert page.state.selected_ids == ["west-0", "west-1", "west-2"]
    page.picking.receive({"type": "lasso", "ids": []})
    assert page.state.selection is None


def test_clicks_add_up_and_take_away(twin: Twin) -> None:
    page = Page(twin)
    page.picking.click("house-01")
    assert page.state.selected_ids == ["house-01"]
    page.picking.receive({"type": "several", "on": True})
    page.picking.click("west-1")
    assert page.state.selected_ids == ["house-01", "west-0", "west-1", "west-2"]
    page.picking.click("house-01")
    page.picking.click(None)  # beside the buildings: nothing is lost
    assert page.state.selected_ids == ["west-0", "west-1", "west-2"]


def test_an_address_selects_again(twin: Twin) -> None:
    state = State(twin)
    picking.read(state, '{"blocks":["ost"]}')
    assert state.selected_ids == ["ost-0", "ost-1", "ost-2"]
    for broken in ("[]", '{"where":{"nothing":1}}', '{"blocks":["weg"]}'):
        with pytest.raises(CallError):
            picking.read(State(twin), broken)


def test_fields_and_places_are_the_districts_own(twin: Twin) -> None:
    fields = {field["id"]: field for field in picking.options(twin, "de")}
    assert [(c["id"], c["count"]) for c in fields["construction_series"]["choices"]] == [
        ("P2", 3),
        ("WBS 70", 3),
    ]
    assert (fields["year_of_construction"]["min"], fields["year_of_construction"]["max"]) == (1930, 1979)
    titles = [place["title"] for place in picking.places(twin)]
    assert "Dorfstraße 6" in titles and "Schule am Park" in titles
    assert "garage-1" not in titles  # an id says nothing to people
