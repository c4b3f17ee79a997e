"""A made-up owner's list for a real LoD2 tile, through the whole import."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin import importer
from twin.info import info

LIST = """Straße;Hausnummer;Ort;Bautyp;Baujahr;WE;Heizung
Welkerhude;34–40;Essen;P2;1975;25;Fernwärme
Welkerhuhde;48;Essen;;1958;2;Gas
Wildstr.;47, 49;Essen;;1960;5;Öl
Wildstr.;999;Essen;;1960;5;Öl
"""


def test_list_is_matched_to_a_real_tile(shared_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST, "utf-8")
    district = importer.build("essen", buildings=[shared_data / "citygml" / "EssenExample.gml"], facts=file)
    b = district.buildings
    row = b[b["street"].eq("Welkerhude") & b["house_number"].isin(["34", "36", "38", "40"])]
    assert len(row) == 4
    assert set(row["construction_series"]) == {"P2"}
    assert row["dwellings"].sum() == 25
    block = district.blocks.loc[row["block_id"].unique()]
    assert list(block["name"]) == ["Welkerhude 34–40"]
    assert list(block["dwellings"]) == [25]
    typed_wrong = b[b["street"].eq("Welkerhude") & b["house_number"].eq("48")]
    assert list(typed_wrong["year_of_construction"]) == [1958]
    assert set(b.loc[b["year_source"].eq("given:facts"), "heating"]) == {"district_heating", "gas", "oil"}
    left_out = [f for f in district.findings if f.file == "list.csv" and f.kind == "left_out"]
    assert [f.record for f in left_out] == ["row 5, Wildstr. 999"]
    coverage = {row.column: row for row in info(district).coverage}
    assert coverage["heating"].given == pytest.approx(7 / 117)
    assert coverage["construction_series"].missing == pytest.approx(113 / 117)
