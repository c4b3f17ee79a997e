"""The user's own tables over the shipped ones."""

from __future__ import annotations

import pandas as pd
import pytest

from energy.parameters import Parameters
from twin.errors import CallError, SourceError


def _folder(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path


def test_given_cells_replace_and_say_so(tmp_path):
    mine = Parameters.from_folder(_folder(tmp_path, "carriers.csv", "carrier,price_eur_kwh\ngas,0.10\n"))
    shipped = Parameters.default().carriers
    assert mine.carriers.loc["gas", "price_eur_kwh"] == 0.10
    assert mine.carriers.loc["gas", "co2_kg_kwh"] == shipped.loc["gas", "co2_kg_kwh"]
    assert mine.carriers.loc["gas", "price_source"] == "set by the user (carriers.csv)"
    pd.testing.assert_frame_equal(mine.carriers.drop("gas"), shipped.drop("gas"), check_dtype=False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "carriers.csv",
            "carrier,price_eur_kwh\ngas,1 ct\n",
            r"price_eur_kwh is '1 ct'.*|carriers.csv, line 2",
        ),
        ("carriers.csv", "carrier,price_eur_kwh\ngas,-1\n", r"carriers.csv, line 2: price_eur_kwh is -1"),
        ("carriers.csv", "carrier,price\ngas,1\n", "no column 'price'"),
        ("carriers.csv", "price_eur_kwh\n1\n", "column 'carrier' is missing"),
        ("carriers.csv", "carrier,price_eur_kwh\nhydrogen,1\n", "line 2: .*not in the shipped table"),
        ("carriers.csv", "carrier,price_eur_kwh\ngas,1\ngas,2\n", "line 3: the row stands twice"),
        ("prices.csv", "a,b\n1,2\n", "no table of this name"),
        ("use.csv", "function,cooled\noffice,maybe\n", "use.csv, line 2: cooled is 'maybe'"),
        ("use.csv", "function,electricity_profile\noffice,Z9\n", "electricity_profile 'Z9' is not in"),
    ],
)
def test_errors_name_file_row_and_column(tmp_path, name, text, message):
    with pytest.raises(SourceError, match=message):
        Parameters.from_folder(_folder(tmp_path, name, text))


def test_a_missing_or_empty_folder(tmp_path):
    with pytest.raises(CallError, match="no such folder"):
        Parameters.from_folder(tmp_path / "none")
    with pytest.raises(CallError, match="no CSV file"):
        Parameters.from_folder(tmp_path)


def test_rows_from_python():
    rows = pd.DataFrame({"persons": [1], "electricity_kwh_a": [1400.0]})
    assert Parameters.default().with_table("households", rows).households["electricity_kwh_a"].iloc[0] == 1400
