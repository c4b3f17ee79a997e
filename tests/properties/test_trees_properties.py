"""What holds for the reading of tree lists whatever they contain."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from twin import schema
from twin.errors import TwinError
from twin.sources import botany, columns, trees

GENERA = st.sampled_from(
    ["Tilia cordata", "Acer campestre", "Quercus robur", "Betula pendula", "Fagus sylvatica"]
)
TREES = st.lists(
    st.tuples(
        GENERA,
        st.integers(12, 280).map(lambda tenths: tenths / 10),  # height
        st.floats(0.2, 0.9),  # crown to height
        st.integers(12, 100),  # trunk diameter
        st.integers(1900, 2024),
    ),
    min_size=12,
    max_size=40,
)


@given(records=TREES, order=st.permutations(range(7)), comma=st.booleans())
@settings(max_examples=15, deadline=None)
def test_list_with_header_is_read_whatever_the_order_of_its_columns(records, order, comma) -> None:
    names = [
        "baumart",
        "baumhoehe",
        "kronendurchmesser",
        "stammumfang",
        "pflanzjahr",
        "rechtswert",
        "hochwert",
    ]
    rows = [
        [kind, f"{height:.1f}", f"{max(1, height * part):.1f}", f"{trunk * 3.14159:.0f}", str(year),
         f"{683_000.5 + 10 * i}", f"{5_640_000.5 + i}"]
        for i, (kind, height, part, trunk, year) in enumerate(records)
    ]  # fmt: skip
    lines = [";".join(row[i] for i in order) for row in [names, *rows]]
    text = "\n".join(line.replace(".", ",") if comma else line for line in lines)
    found = _read(text)
    assert np.allclose(found["height_m"], [height for _, height, *_ in records])
    assert np.allclose(found.geometry.x, [683_000.5 + 10 * i for i in range(len(records))])
    assert found["planting_year"].to_list() == [year for *_, year in records]
    assert found["species"].to_list() == [kind for kind, *_ in records]
    assert found["crown_source"].eq("given:trees").all()


def _read(text: str) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_text(text, "utf-8")
        return schema.conform("trees", trees.read(file, crs="EPSG:25832").tables["trees"])


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_trees_or_one_line(content) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_bytes(content)
        try:
            found = trees.read(file, crs="EPSG:25832").tables["trees"]
        except TwinError as error:
            assert "\n" not in str(error)
        else:
            schema.conform("trees", found)


@given(st.lists(st.text(alphabet="0123456789,.;\t\n \"'ab-", max_size=60), max_size=8))
@settings(max_examples=50, deadline=None)
def test_any_text_gives_trees_or_one_line(parts) -> None:
    test_any_bytes_give_trees_or_one_line.hypothesis.inner_test("\n".join(parts).encode())


@given(
    st.lists(st.one_of(st.none(), st.floats(1, 40)), min_size=1, max_size=60),
    st.lists(st.one_of(st.none(), st.floats(10, 500)), min_size=1, max_size=60),
)
@settings(max_examples=30, deadline=None)
def test_every_tree_gets_a_size_and_given_ones_stay(heights, trunks) -> None:
    count = min(len(heights), len(trunks))
    frame = pd.DataFrame(
        {
            "height_m": np.array(heights[:count], float),
            "crown_diameter_m": np.full(count, np.nan),
            "trunk_circumference_cm": np.array(trunks[:count], float),
            "genus": ["Tilia", "Acer", None] * (count // 3) + ["Tilia"] * (count % 3),
        }
    )
    sized = botany.with_sizes(frame)
    known = frame["height_m"].notna()
    assert (sized["height_m"][known] == frame["height_m"][known]).all()
    assert (sized["height_m"] > 0).all()
    assert (sized["crown_diameter_m"] > 0).all()
    assert sized["height_source"].str.startswith(("given:", "guessed:")).all()


@given(st.floats(-1e7, 1e7).map(lambda value: round(value, 3)))
@settings(max_examples=100, deadline=None)
def test_numbers_are_read_in_german_and_english(value) -> None:
    english, german = f"{value:.3f}", f"{value:.3f}".replace(".", ",")
    thousands = f"{value:,.3f}"
    swapped = thousands.translate(str.maketrans(",.", ".,"))
    read = columns.numbers(pd.Series([english, german, thousands, swapped, f" {german} m "], dtype="object"))
    assert np.allclose(read, value)
