"""Grids with building years, in the census's forms; all figures made up."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from twin import prior
from twin.district import District
from twin.errors import SourceError
from twin.prior import Period

# INSPIRE cell CRS3035RES100mN3081700E4434200: lower left corner 4434200 E 3081700 N, EPSG:3035
EAST, NORTH = 4_434_200, 3_081_700
HEADER = (
    "GITTER_ID_100m;x_mp_100m;y_mp_100m;Insgesamt_Gebaeude;Vor1919;a1919bis1948;a1949bis1978;a2020undspaeter"
)


def place(east: float, north: float) -> shapely.Polygon:
    """A house of 4 m around a point given in EPSG:3035."""
    x, y = Transformer.from_crs("EPSG:3035", "EPSG:25832", always_xy=True).transform(east, north)
    return shapely.box(x - 2, y - 2, x + 2, y + 2)


def district() -> District:
    """One house in the first cell, one with a known year there, one in the second cell, one in none."""
    shapes = [place(EAST + dx, NORTH + 50) for dx in (50, 60, 150, 950)]
    frame = gpd.GeoDataFrame(
        {
            "building_id": ["a", "known", "b", "far"],
            "year_of_construction": [np.nan, 1983.0, np.nan, np.nan],
            "year_source": [None, "given:facts", None, None],
        },
        geometry=shapes,
        crs="EPSG:25832",
    )
    return District.from_tables("grid", {"buildings": frame}, derive=False)


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "grid.csv"
    file.write_bytes(text.encode(encoding))
    return file


CENSUS_2022 = f"""{HEADER}
CRS3035RES100mN{NORTH}E{EAST};{EAST + 50};{NORTH + 50};8;–;2;6;–
CRS3035RES100mN{NORTH}E{EAST + 100};{EAST + 150};{NORTH + 50};4;4;–;–;–
CRS3035RES100mN{NORTH}E{EAST + 500000};{EAST + 500050};{NORTH + 50};4;4;–;–;–
"""
CENTRES = f"""x;y;Vor1919;a1919bis1948;a1949bis1978;a2020undspaeter
{EAST + 50};{NORTH + 50};;2;6;
{EAST + 150};{NORTH + 50};4;;;
"""
CENSUS_2011 = f"""Gitter_ID_100m;Gitter_ID_100m_neu;Merkmal;Auspraegung_Code;Auspraegung_Text;Anzahl;Anzahl_q
100mN{NORTH // 100}E{EAST // 100};x;BAUJAHR_MZ;1;1919 - 1948;2;0
100mN{NORTH // 100}E{EAST // 100};x;BAUJAHR_MZ;2;1949 - 1978;6;0
100mN{NORTH // 100}E{EAST // 100};x;HEIZTYP;1;Fernheizung;99;0
100mN{NORTH // 100}E{EAST // 100 + 1};x;BAUJAHR_MZ;1;Vor 1919;4;0
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("text", [CENSUS_2022, CENTRES, CENSUS_2011], ids=["2022", "centres", "2011"])
def test_most_likely_period_and_its_middle(tmp_path: Path, text: str, encoding: str) -> None:
    buildings = prior.apply(district(), written(tmp_path, text, encoding)).buildings
    # 6 of 8 buildings 1949–1978: middle 1963; the open class is taken as 1899–1918: middle 1908
    assert list(buildings["year_of_construction"].fillna(0)) == [1963, 1983, 1908, 0]
    assert list(buildings["year_source"].fillna("")) == [
        "guessed:grid 1949–1978 (75%)",
        "given:facts",
        "guessed:grid 1899–1918 (100%)",
        "",
    ]


def test_column_with_one_year(tmp_path: Path) -> None:
    text = f"x,y,Baujahr\n{EAST + 50},{NORTH + 50},1974\n{EAST + 150},{NORTH + 50},1981\n"
    buildings = prior.apply(district(), written(tmp_path, text)).buildings
    assert list(buildings["year_of_construction"].fillna(0)) == [1974, 1983, 1981, 0]
    assert buildings.loc["a", "year_source"] == "guessed:grid 1974 (100%)"


def test_cells_of_a_kilometre(tmp_path: Path) -> None:
    text = (
        "GITTER_ID_1km;x_mp_1km;y_mp_1km;a1949bis1978;a1979bis1990\n"
        "CRS3035RES1000mN3081000E4434000;4434500;3081500;3;9\n"
    )
    buildings = prior.apply(district(), written(tmp_path, text)).buildings
    assert list(buildings["year_of_construction"].fillna(0)) == [
        1984,
        1983,
        1984,
        0,
    ]  # "far" is in the next cell


def test_drawn_by_count_is_deterministic_and_follows_the_counts(tmp_path: Path) -> None:
    grid = prior.YearGrid(
        100.0,
        np.array([EAST]),
        np.array([NORTH]),
        (Period(1919, 1948), Period(1949, 1978)),
        np.array([[2.0, 6.0]]),
    )
    ids = [f"id{i}" for i in range(4000)]
    cells = np.zeros(4000, int)
    first, share = prior.choose(grid, cells, ids, "by count", seed=1)
    again, _ = prior.choose(grid, cells[::-1], ids[::-1], "by count", seed=1)
    assert (first == again[::-1]).all()
    other, _ = prior.choose(grid, cells, ids, "by count", seed=2)
    assert (first != other).any()
    assert (first == 1).mean() == pytest.approx(0.75, abs=0.03)  # binomial: 4 standard deviations are 0.027
    assert set(share) == {0.25, 0.75}


def test_cell_without_counts_and_no_cell_say_nothing() -> None:
    grid = prior.YearGrid(100.0, np.array([EAST]), np.array([NORTH]), (Period(1919, 1948),), np.zeros((1, 1)))
    choice, share = prior.choose(grid, np.array([0, -1]), ["a", "b"])
    assert list(choice) == [-1, -1]
    assert np.isnan(share).all()


def test_cell_holds_its_lower_and_left_edge() -> None:
    grid = prior.YearGrid(100.0, np.array([EAST]), np.array([NORTH]), (Period(1919, 1948),), np.ones((1, 1)))
    inside = grid.lookup([EAST, EAST + 99.9, EAST + 100, EAST - 0.1], [NORTH, NORTH + 99.9, NORTH, NORTH])
    assert list(inside) == [0, 0, -1, -1]


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("Vor1919", Period(1899, 1918)),
        ("Vor 1919", Period(1899, 1918)),
        ("bis 1918", Period(1899, 1918)),
        ("a1919bis1948", Period(1919, 1948)),
        ("1979 - 1986", Period(1979, 1986)),
        ("a2020undspaeter", Period(2020, 2039)),
        ("2020 und später", Period(2020, 2039)),
        ("ab 2016", Period(2016, 2035)),
        ("1983", Period(1983, 1983)),
        ("Insgesamt_Gebaeude", None),
        ("Stichtag_2022", None),
        ("x_mp_100m", None),
    ],
)
def test_periods_in_headers(text: str, period: Period | None) -> None:
    assert prior.parse_period(text) == period


def test_provenance_and_note(tmp_path: Path) -> None:
    found = prior.apply(district(), written(tmp_path, CENSUS_2022))
    assert found.provenance[-1].origin == "grid.csv"
    assert len(found.provenance[-1].sha256) == 64
    assert found.findings[-1].message == "2 of 3 buildings without a year got one from the grid"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no cells"),
        (HEADER, "no cells"),
        ("a;b\n1;2\n", "no cell id and no x and y"),
        (f"x;y;z\n{EAST};{NORTH};2\n", "no column with years"),
        (f"x;y;Baujahr\n{EAST + 50};{NORTH + 50};alt\n", "name no years"),
        (f"x;y;a1949bis1978\n{EAST + 900000};{NORTH};2\n", "no cell of the grid lies in the district"),
    ],
)
def test_file_that_is_no_grid_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as raised:
        prior.apply(district(), written(tmp_path, text))
    assert "grid.csv" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_missing_grid_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        prior.apply(district(), tmp_path / "none.csv")
