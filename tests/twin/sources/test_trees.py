"""Trees from cadastres as cities deliver them: the real one of Jena, and made-up ones of every shape."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from twin import schema
from twin.errors import CallError, SourceError
from twin.sources import botany, trees

HEAD = "id;art;hoehe;krone;umfang;pflanzjahr;x;y;strasse"
ROWS = [
    "1;Tilia cordata, Winter-Linde;12,5;6;110;1978;683000,5;5640000,5;Karl-Marx-Allee",
    "2;Acer platanoides 'Globosum';4;3,5;40;2010;683010;5640000;Karl-Marx-Allee",
    "3;Quercus robur, Stiel-Eiche;0;;;;683020;5640000;Saaleweg",
]


def table(file: Path, **options) -> gpd.GeoDataFrame:
    found = schema.conform("trees", trees.read(file, **options).tables["trees"])
    assert isinstance(found, gpd.GeoDataFrame)
    return found


def write(file: Path, *lines: str, encoding: str = "utf-8") -> Path:
    file.write_bytes("\n".join(lines).encode(encoding))
    return file


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """All but the ids, which begin with the file's name."""
    return pd.DataFrame(frame.reset_index(drop=True).to_wkb())


def test_cadastre_of_lobeda(shared_data) -> None:
    """8,533 trees; by the file's description, heights of 0 are unknown and one of 76 m is a typing error."""
    file = shared_data / "jena-trees" / "lobeda_trees.csv"
    raw = pd.read_csv(file)
    found = table(file)
    assert len(found) == 8533
    assert found.geometry.x.to_numpy() == pytest.approx(raw["rechtswert_25832"], abs=1e-6)
    known = raw["baumhoehe_m_inferred"].between(0.3, 70).to_numpy()
    assert found["height_m"][known].to_numpy() == pytest.approx(raw["baumhoehe_m_inferred"][known])
    assert found["height_source"][known].eq("given:trees").all()
    assert found["height_source"][~known].str.startswith("guessed:").all()
    assert found["crown_source"].eq("given:trees").sum() == raw["kronendurchm_m_inferred"].gt(0).sum() == 8101
    assert found["height_m"].between(0.3, 70).all()
    assert found["crown_diameter_m"].between(0.1, 45).all()
    assert found["planting_year"].min() > 1400  # the file has a year 1
    assert found["species"].iloc[0] == "Acer campestre 'Elsrijk'"
    assert (
        found["genus"].dropna() == raw["gattung"][found["genus"].notna().to_numpy()].to_numpy()
    ).mean() > 0.99
    assert found.index[0] == "lobeda_trees-49205"


def test_the_same_without_header_is_told_from_its_values(shared_data, tmp_path) -> None:
    file = shared_data / "jena-trees" / "lobeda_trees.csv"
    bare = tmp_path / "lobeda_trees.csv"
    bare.write_text(file.read_text("utf-8").split("\n", 1)[1], "utf-8")
    answer = trees.read(bare)
    assert any(finding.record == "CRS" for finding in answer.findings)
    found = schema.conform("trees", answer.tables["trees"])
    pd.testing.assert_frame_equal(comparable(found), comparable(table(file)))


def test_sensor_sites_of_jena_with_decimal_commas(shared_data) -> None:
    """173 sites; three have degrees only, so degrees are taken; two are elsewhere in metres."""
    file = shared_data / "jena-hackathon" / "Sensorstandorte.csv"
    raw = pd.read_csv(file, sep=";", decimal=",")
    found = table(file)
    assert len(found) == 173
    known = raw["rechtswert"].notna().to_numpy()
    place = shapely.get_coordinates(found.geometry.to_numpy())[known]
    off = np.abs(place - raw.loc[known, ["rechtswert", "hochwert"]].to_numpy()).max(axis=1)
    assert (off < 0.02).sum() == known.sum() - 2 == 168
    assert off.max() < 0.5
    first = found.loc["Sensorstandorte-50"]
    assert first[["species", "genus", "height_m", "crown_diameter_m"]].to_list() == [
        "Fagus sylvatica 'Purpurea'", "Fagus", 24, 25
    ]  # fmt: skip
    assert first["trunk_circumference_cm"] == 515


def test_kml_of_jena(shared_data) -> None:
    """The attributes of KML stand in ExtendedData; areas are no trees."""
    answer = trees.read(shared_data / "jena-udp" / "teros_sensors_and_ref_areas.kml")
    found = schema.conform("trees", answer.tables["trees"])
    young = found[found["height_source"] == "given:trees"]
    assert "Tilia cordata" in set(young["species"])
    assert young["height_m"].between(1, 30).all()
    assert any("not a point" in finding.message for finding in answer.findings)
    with pytest.raises(SourceError, match="no points"):
        trees.read(shared_data / "jena-udp" / "refflaechen_smartcity.kml")


def expected_rows(found: gpd.GeoDataFrame) -> None:
    assert found.geometry.x.to_list() == pytest.approx([683000.5, 683010, 683020])
    assert found["height_m"].to_list()[:2] == [12.5, 4]
    assert found["crown_diameter_m"].to_list()[:2] == [6, 3.5]
    assert found["trunk_circumference_cm"].to_list()[:2] == [110, 40]
    assert found["planting_year"].to_list()[:2] == [1978, 2010]
    assert found["species"].to_list() == ["Tilia cordata", "Acer platanoides 'Globosum'", "Quercus robur"]
    assert found["genus"].to_list() == ["Tilia", "Acer", "Quercus"]
    assert found["street"].to_list() == ["Karl-Marx-Allee", "Karl-Marx-Allee", "Saaleweg"]
    assert found["height_source"].iloc[2].startswith("guessed:")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_encoding(tmp_path, encoding) -> None:
    head = HEAD.replace("hoehe", "Höhe (m)").replace("strasse", "Straße")
    found = table(write(tmp_path / "a.csv", head, *ROWS, encoding=encoding), crs="EPSG:25832")
    expected_rows(found)


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
@pytest.mark.parametrize("decimal", [",", "."])
def test_any_separator_and_decimal_mark(tmp_path, mark, decimal) -> None:
    lines = [HEAD, *ROWS]
    quoted = [
        mark.join(f'"{cell}"' if mark in cell or decimal == "," else cell for cell in line.split(";"))
        for line in (line.replace(",5", ".5") for line in lines)
    ]  # fmt: skip
    text = [line.replace(".5", ",5") for line in quoted] if decimal == "," else quoted
    expected_rows(table(write(tmp_path / "a.txt", *text), crs="EPSG:25832"))


def test_mapping_by_name_and_by_number(tmp_path) -> None:
    lines = ["1;Linde;7;683000;5640000;9", "2;Ahorn;8;683010;5640000;9"]
    mapping = {"x": "4", "y": "5", "height_m": "3", "species": "2", "crown_diameter_m": "6"}
    found = table(write(tmp_path / "a.csv", *lines), mapping=mapping)
    assert found["height_m"].to_list() == [7, 8]
    assert found["crown_diameter_m"].to_list() == [9, 9]
    assert found["genus"].to_list() == ["Tilia", "Acer"]
    file = write(tmp_path / "b.csv", "A;B;C;D", "683000;5640000;9;Linde")
    assert table(file, mapping={"x": "A", "y": "B", "height": "C", "species": "D"})["height_m"].to_list() == [
        9
    ]
    with pytest.raises(CallError, match=r"no column 'Z'.*A, B, C, D"):
        trees.read(file, mapping={"x": "Z"})
    with pytest.raises(CallError, match="a tree has no 'colour'"):
        trees.read(file, mapping={"colour": "A"})


@pytest.mark.parametrize(
    ("head", "row", "crs"),
    [
        ("lon;lat;hoehe", "11.6033;50.8829;9", None),
        ("lat;lon;hoehe", "50,8829;11,6033;9", None),
        ("x;y;hoehe", "11.6033;50.8829;9", None),
        ("Rechtswert;Hochwert;hoehe", "683135;5640008;9", None),
        ("hochwert;rechtswert;hoehe", "5640008;683135;9", None),
        ("x;y;hoehe", "5640008;683135;9", None),  # x as northing, as surveyors write
        ("x;y;hoehe", "32683135;5640008;9", None),
        ("x_25833;y_25833;hoehe", "261098;5642276;9", None),
        ("the_geom;hoehe;art", "POINT (683135 5640008);9;Tilia", None),
        ("east;north;hoehe", "261098;5642276;9", "EPSG:25833"),
    ],
)
def test_coordinates_are_recognised(tmp_path, head, row, crs) -> None:
    found = table(write(tmp_path / "a.csv", head, row, row), crs=crs)
    assert found.geometry.x.to_list() == pytest.approx([683135, 683135], abs=40)
    assert found.geometry.y.to_list() == pytest.approx([5640008, 5640008], abs=40)


def test_coordinates_of_two_possible_zones_need_the_flag(tmp_path) -> None:
    file = write(tmp_path / "a.csv", "x;y;hoehe", "400000;5640008;9", "400010;5640008;9")
    with pytest.raises(SourceError, match=r"no CRS.*--crs"):
        trees.read(file)
    assert table(file, crs="EPSG:25832").geometry.x.to_list() == [400000, 400010]


def test_degrees_where_metres_are_said(tmp_path) -> None:
    file = write(tmp_path / "a.csv", "x;y;hoehe", "11.6;50.88;9", "11.61;50.88;9")
    with pytest.raises(SourceError, match="are degrees, but EPSG:25832 is in metres"):
        trees.read(file, crs="EPSG:25832")


def test_trees_without_position_and_broken_lines_are_listed(tmp_path) -> None:
    lines = [HEAD, ROWS[0], "2;Acer;4;3;40;2010;;;Weg", "3;Acer;4;3;40;2010;0;0;Weg", "4;short"]
    far = "5;Acer;4;3;40;2010;683000;9640000;Weg"
    answer = trees.read(write(tmp_path / "a.csv", *lines, *ROWS[1:], far), crs="EPSG:25832")
    assert len(answer.tables["trees"]) == 3
    left = {finding.record: finding.message for finding in answer.findings if finding.kind == "left_out"}
    assert left == {
        "line 5": "the line has not 9 columns", "row 2": "the tree has no position",
        "row 3": "the tree has no position", "row 6": "the tree has no position",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "result"),
    [
        ("stammumfang_m", "1,10", ("trunk_circumference_cm", 110)),
        ("stammumfang", "110 cm", ("trunk_circumference_cm", 110)),
        ("stammdurchmesser", "35", ("trunk_circumference_cm", 35 * np.pi)),
        ("BHD", "0,35", ("trunk_circumference_cm", 35 * np.pi)),
        ("hoehe_cm", "1250", ("height_m", 12.5)),
        ("Baumhöhe [m]", "12,5 m", ("height_m", 12.5)),
        ("pflanzdatum", "2010-03-01", ("planting_year", 2010)),
    ],
)
def test_units_are_told_from_the_values(tmp_path, column, value, result) -> None:
    lines = [f"x;y;{column}"] + [f"{683000 + i};5640000;{value}" for i in range(3)]
    name, expected = result
    assert table(write(tmp_path / "a.csv", *lines))[name].to_list() == pytest.approx([expected] * 3)


def test_missing_sizes_follow_the_trees_that_are_measured() -> None:
    """Height = 2 × √circumference and crown = half of it exactly: the fit must find both."""
    trunk = np.linspace(20, 300, 60)
    height = 2 * np.sqrt(trunk)
    frame = pd.DataFrame(
        {
            "trunk_circumference_cm": np.append(trunk, [100, 100, np.nan]),
            "height_m": np.append(height, [np.nan, 20, np.nan]),
            "crown_diameter_m": np.append(height / 2, [np.nan, np.nan, 8]),
            "genus": ["Tilia"] * 63,
        }
    )
    sized = botany.with_sizes(frame)
    assert sized["height_m"].to_list()[-3:] == pytest.approx([20, 20, 16], abs=0.2)
    assert sized["crown_diameter_m"].to_list()[-3:] == pytest.approx([10, 10, 8], abs=0.2)
    assert sized["height_source"].to_list()[-3:] == [
        "guessed:trunk circumference, fit of these trees", "given:trees", "guessed:crown, fit of these trees"
    ]  # fmt: skip


def test_bare_positions_get_defaults_that_say_so(tmp_path) -> None:
    found = table(write(tmp_path / "a.csv", "x;y;n", "683000;5640000;1", "683010;5640000;2"))
    assert found["height_m"].to_list() == [10, 10]
    assert found["height_source"].to_list() == ["guessed:default 10 m"] * 2
    assert found["crown_diameter_m"].to_list() == [5.5, 5.5]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "kml", "shp", "fgb"])
def test_vector_files(tmp_path, suffix) -> None:
    points = [shapely.Point(683000.5, 5640000), shapely.Point(683010, 5640000)]
    data = gpd.GeoDataFrame(
        {"baumart": ["Tilia cordata", "Acer campestre"], "hoehe": [12.5, 4], "krone": [6, 3.5]},
        geometry=points, crs=25832,
    )  # fmt: skip
    data = data.to_crs(4326) if suffix in ("kml", "geojson") else data
    data.to_file(tmp_path / f"a.{suffix}", engine="pyogrio")
    found = table(tmp_path / f"a.{suffix}")
    found = found.loc[found["height_m"].sort_values(ascending=False).index]  # FlatGeobuf sorts by place
    assert found.geometry.x.to_list() == pytest.approx([683000.5, 683010], abs=1e-3)
    assert found["height_m"].to_list() == [12.5, 4]
    assert found["crown_diameter_m"].to_list() == [6, 3.5]
    assert found["genus"].to_list() == ["Tilia", "Acer"]


def test_zipped_list(tmp_path) -> None:
    write(tmp_path / "a.csv", HEAD, *ROWS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.csv", "Baumkataster/baeume.csv")
    expected_rows(table(tmp_path / "a.zip", crs="EPSG:25832"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just some words\nand more of them\n", "no table of trees"),
        (b"a;b;c\nred;green;blue\n", "no columns of coordinates"),
        (b"x;y;hoehe\n0;0;9\n", "no trees with a position"),
        (b"\x00\x01\x02\x03" * 100, "neither a table of text nor a vector file"),
        (b"x;y;art\n683000;5640000;" + b"T" * 10_000_000 + b"\n", "cannot be split"),
        (b'{"type": "FeatureCollection", "features": []}', "no trees"),
        (b"x;y;art\n" + b";".join([b"683000"] * 3000) + b"\n", "3000 columns"),
    ],
    ids=["empty", "prose", "colours", "no place", "binary", "10 million letters", "no features", "one line"],
)
def test_what_is_no_list_of_trees_is_said_in_one_line(tmp_path, content, message) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        trees.read(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "cell", [" " * 20_000 + "9" + " " * 20_000 + "x", "9" * 60_000 + "x"], ids=["spaces", "digits"]
)
def test_endless_cells_are_no_numbers(tmp_path, cell) -> None:
    """Patterns that may match them in many ways would take hours."""
    write(tmp_path / "a.csv", "x;y;hoehe", f'683000;5640000;"{cell}"', "683001;5640000;7")
    assert table(tmp_path / "a.csv", crs="EPSG:25832")["height_m"].to_list()[1] == 7
    write(tmp_path / "a.csv", f"683000;5640000;{cell}", "683001;5640000;7")
    assert len(table(tmp_path / "a.csv", crs="EPSG:25832")) == 2


@pytest.mark.parametrize(
    ("text", "species", "genus"),
    [
        ("Acer campestre ‘Elsrijk‘, Feld-Ahorn", "Acer campestre 'Elsrijk'", "Acer"),
        ("Tilia x europaea", "Tilia x europaea", "Tilia"),
        ("Winterlinde", "Winterlinde", "Tilia"),
        ("Berg-Ahorn", "Berg-Ahorn", "Acer"),
        ("Roßkastanie", "Roßkastanie", "Aesculus"),
        ("Hainbuche", "Hainbuche", "Carpinus"),
        ("Rot-Buche", "Rot-Buche", "Fagus"),
        ("QUERCUS ROBUR", "QUERCUS ROBUR", "Quercus"),
        ("Regelkontrolle", "Regelkontrolle", None),
        ("Straßenbegleitgrün", "Straßenbegleitgrün", None),
    ],
)
def test_names_of_trees(text, species, genus) -> None:
    assert botany.species(text) == species
    assert botany.genus(text) == genus
