"""The manager's tables: the figures of the picture, rows that pick buildings, files that harm nobody."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from scenarios import outcome
from scenarios.scenario import Targets
from twin.errors import CallError
from viewer import tables
from viewer.board import Device, Reading
from viewer.picking import Picking
from viewer.state import State, Twin
from viewer.table_page import TablePage
from viewer.whatif import retrofit


@pytest.fixture
def state(twin: Twin) -> State:
    return State(twin, "de")


@pytest.fixture
def planned(twin: Twin) -> State:
    """Half of WBS 70 refurbished, panels on all roofs, dearer gas."""
    state = State(twin, "de")
    limits = Targets(where={"construction_series": "WBS 70"})
    plan = retrofit(1.0, components=("wall", "roof"), targets=limits)
    plan = plan.change("roof_pv", on=True).change("prices", on=True)
    state.show(twin.run(plan))
    return state


def _sum(table: tables.Table, column: str) -> float:
    return float(np.nansum(np.array(table.values[column], float)))


def test_a_block_is_one_row_with_all_its_buildings(state: State) -> None:
    table = tables.blocks(state)
    assert len(table) == 2 + 12 + 2 and len({len(column) for column in table.values.values()}) == 1
    assert table.values["name"][:2] == ["Karl-Marx-Allee 1–5", "Erlanger Allee 1–5"]
    assert sorted(row for rows in table.members for row in rows) == list(range(len(state.twin.annual)))
    assert [table.values[name][0] for name in ("buildings", "dwellings")] == [3, 30]


def test_tables_add_up_to_the_figures_of_the_panel(planned: State) -> None:
    kpis = {kpi.name: kpi for kpi in planned.kpis()}
    factor = {"heating_need": 1e-3, "delivered": 1e-3, "co2": 1.0, "cost": 1e-6}
    for table in (tables.blocks(planned), tables.buildings(planned)):
        for name, kpi in kpis.items():
            for side in ("before", "after"):
                total = factor[name] * _sum(table, f"{name}_{side}")
                assert total == pytest.approx(getattr(kpi, side), rel=1e-6), (table.kind, name, side)
    buildings = tables.buildings(planned)
    row = buildings.keys.index("ost-0")
    assert buildings.values["block"][row] == "Erlanger Allee 1–5"
    assert buildings.values["heating_need_after"][row] < buildings.values["heating_need_before"][row]


def test_measures_cost_together_what_the_plan_costs(planned: State) -> None:
    table = tables.measures(planned)
    assert table.values["name"][0] == "Gebäudehülle sanieren" and len(table) == 3
    bought = outcome.bought_items(planned.plan.scenario(), planned.twin.case)
    for column, figure in (("investment", "investment_eur"), ("subsidy", "subsidy_eur")):
        assert _sum(table, column) == pytest.approx(bought[figure].sum(), rel=1e-6)
    assert _sum(table, "investment") > 0
    first = table.members[0]
    assert [str(planned.twin.annual.index[row]) for row in first] == ["ost-0", "ost-1", "ost-2"]
    assert (table.values["buildings"][0], table.values["dwellings"][0]) == (3, 66)
    assert "Dach" in table.values["settings"][0] and "WBS 70" in table.values["targets"][0]
    assert table.members[2] == [] and table.values["buildings"][2] is None  # prices reach no building
    assert len(tables.measures(State(planned.twin))) == 0


def test_a_sensor_is_a_row_with_its_latest_value(twin: Twin) -> None:
    reading = Reading(7, "Wärme", "heat energy", "kW.h", 12.5, 1_782_000_000_000, 1)
    silent = Reading(8, "Raum", "air temperature", "Cel", None, None, 2)
    device = Device(3, "heat_meter", "WMZ", "west-0", None, True, None, (reading, silent), "ok", np.nan, {})
    table = tables.sensors({3: device}, twin, "de")
    assert table.values["value"] == [12.5, None] and table.values["unit"] == ["kWh", "°C"]
    # 1,782,000,000 s after 1970 is 2026-06-21 00:00 UTC, two hours later in Berlin's summer.
    assert table.values["time"] == ["2026-06-21 02:00:00", ""]
    assert table.members == [[0], [0]] and table.keys == [3, 3]
    assert table.values["building"][0] == "Karl-Marx-Allee 1"


def test_text_that_a_spreadsheet_would_run_stays_text() -> None:
    heads = ["Name", "Bedarf [MWh/a]"]
    rows = [["=HYPERLINK(1)", -1.5], ["+49", None], ["@x", 2], ["-3", 0.25], ["a;b\n\"c\"", 1e6]]  # fmt: skip
    plain = list(csv.reader(io.StringIO(tables.as_csv(heads, rows).decode("utf-8"), newline="")))
    assert plain[0] == heads
    assert [row[0] for row in plain[1:]] == ["'=HYPERLINK(1)", "'+49", "'@x", "'-3", 'a;b\n"c"']
    assert [row[1] for row in plain[1:]] == ["-1.5", "", "2", "0.25", "1000000.0"]
    german = tables.as_csv(heads, rows, german=True)
    assert german.startswith(b"\xef\xbb\xbf")
    cells = list(csv.reader(io.StringIO(german.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [row[1] for row in cells[1:3]] == ["-1,5", ""] and cells[5][0] == 'a;b\n"c"'
    sheet = load_workbook(io.BytesIO(tables.as_workbook("Gebäude", heads, rows)))["Gebäude"]
    assert sheet["A2"].value == "=HYPERLINK(1)" and sheet["A2"].data_type == "s"
    assert sheet["B2"].value == -1.5 and sheet["B3"].value is None


def test_the_page_gets_what_it_shows_as_a_file(state: State) -> None:
    news: dict[str, Any] = {}
    page = TablePage(state, news.update, pytest.fail, None)  # type: ignore[arg-type]
    assert page.receive({"type": "table", "open": True, "kind": "buildings"})
    keys = news["table"]["keys"]
    ask = {
        "type": "table_file",
        "kind": "buildings",
        "format": "csv",
        "columns": ["name", "heating_need_before"],
    }
    page.receive(ask | {"rows": [keys.index("ost-1"), keys.index("garage-1")]})
    lines = base64.b64decode(news["file"]["content"]).decode("utf-8").splitlines()
    assert lines[0] == "Adresse,Heizwärmebedarf heute [MWh/a]" and len(lines) == 3
    assert lines[1].startswith("Erlanger Allee 3,") and lines[2].endswith(",")
    assert news["file"]["name"] == "kleinquartier-gebaeude.csv"
    for wrong in ({"format": "exe"}, {"rows": [99]}, {"columns": ["owner"]}, {"kind": "blocks"}):
        with pytest.raises(CallError):
            page.receive({**ask, "rows": [0], **wrong})
    with pytest.raises(CallError, match="no table"):  # this page has no sensors
        page.receive({"type": "table", "open": True, "kind": "sensors"})
    page.receive({"type": "table", "open": False})
    assert news["table"] == {} and not page.receive({"type": "select", "id": None})


def test_rows_pick_what_a_click_in_the_picture_picks(state: State) -> None:
    picked = Picking(state, lambda **news: None, lambda: None)
    table = tables.blocks(state)
    picked.receive({"type": "pick", "rows": table.members[0], "how": "add"})
    state_by_click = State(state.twin)
    state_by_click.select("west-1")
    assert set(state.selected_ids) == set(state_by_click.selected_ids)
    picked.receive({"type": "pick", "rows": table.members[0], "how": "remove"})
    assert state.selection is None
    with pytest.raises(CallError, match="no building"):
        picked.receive({"type": "pick", "rows": [999]})
