"""The `lobeda` command as a user calls it: exit codes, one line on errors, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import twin
from energy.parameters import Parameters
from viewer import cli


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


CITYGML = {
    "EssenExample.gml": 117,
    "Berlin_3880_5819.gml": 3,
    "Building_LOD2-EPSG25832.gml": 1,
}
CITYJSON = {"delft_1b.json": (), "multi_lod.json": (), "twobuildings.city.json": ()}


@pytest.mark.parametrize("name", CITYGML)
def test_import_citygml(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, _, err = call(capsys, "import", tmp_path / "out", "--buildings", shared_data / "citygml" / name)
    assert (code, err) == (0, "")
    district = twin.open(tmp_path / "out")
    assert len(district.buildings) == CITYGML[name]
    assert set(district.buildings.index) == set(district.surfaces["building_id"])
    assert (district.buildings["volume_m3"] > 0).all()
    assert (district.surfaces["surface_type"] == "RoofSurface").any()


@pytest.mark.parametrize("name", CITYJSON)
def test_import_cityjson(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = shared_data / "cityjson" / name
    code, _, err = call(capsys, "import", tmp_path / "out", "--buildings", file)
    if code:  # no CRS in the file: the error says what to pass, and passing it works
        assert code == 1 and "--crs" in err and name in err
        code, _, err = call(capsys, "import", tmp_path / "out", "--buildings", file, "--crs", "EPSG:25832")
    assert (code, err) == (0, "")
    assert len(twin.open(tmp_path / "out").buildings) >= 1


def test_import_without_buildings_is_refused(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shared_data / "cityjson" / "minimal.json"
    code, out, err = call(capsys, "import", tmp_path / "out", "--buildings", file, "--crs", "EPSG:25832")
    assert (code, out) == (1, "")
    assert "no buildings" in err and "minimal.json" in err and err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_import_osm(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared_data / "osm" / "campus_melaten.osm"
    assert call(capsys, "import", tmp_path / "out", "--buildings", file)[0] == 0
    assert len(twin.open(tmp_path / "out").buildings) > 50


def test_trees_join_the_sample(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared_data / "jena-trees" / "lobeda_trees.csv"
    code, _, err = call(capsys, "import", tmp_path / "out", "--into", "lobeda", "--trees", file)
    assert (code, err) == (0, "")
    district, sample = twin.open(tmp_path / "out"), twin.open("lobeda")
    assert len(district.trees) == 8533  # SOURCES.md
    assert len(district.buildings) == len(sample.buildings)
    assert district.is_model


def test_simulate_writes_every_hour(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    district, file = tmp_path / "out", tmp_path / "r.nc"
    call(capsys, "import", district, "--buildings", shared_data / "citygml" / "EssenExample.gml")
    code, out, err = call(capsys, "simulate", district, "--out", file, "--csv", tmp_path / "year.csv")
    assert (code, err) == (0, "") and "8760 hours" in out
    with xr.open_dataset(file) as results:
        assert results.sizes["time"] == 8760 and results.sizes["building_id"] == 117
        assert bool(results.heating_need_kwh.notnull().all())
        assert float(results.heating_need_kwh.sum()) > 0
        assert all("units" in results[name].attrs and "long_name" in results[name].attrs for name in results)
    assert len((tmp_path / "year.csv").read_text().splitlines()) == 118


def test_info_says_that_the_sample_is_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "info", "lobeda", "--json")
    facts = json.loads(out)
    assert code == 0
    assert "survey" in json.dumps(facts)
    code, out, _ = call(capsys, "info", "lobeda", "--lang", "de")
    assert code == 0 and "Vermessung" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["import", "OUT", "--buildings", "nowhere.gml"], 1, "nowhere.gml"),
        (["import", "OUT"], 2, "--buildings"),
        (["import", "OUT", "--buildings", "x.gml", "--crs", "utm"], 2, "EPSG:25832"),
        (["info", "nowhere"], 1, "nowhere"),
        (["simulate", "lobeda", "--out", "nowhere/r.nc"], 2, "nowhere"),
        (["simulate", "lobeda", "--out", "r.nc", "--scenario", "none.yaml"], 1, "none.yaml"),
        (["fetch", "OUT"], 2, "--lobeda"),
        (["fetch", "OUT", "--bbox", "1,2,3"], 2, "W,S,E,N"),
        (["fetch", "OUT", "--bbox", "3,2,1,4"], 2, "West"),
        (["export", "lobeda", "--to", "x.doc"], 2, ".glb"),
        (["serve", "lobeda", "--host", "0.0.0.0"], 2, "0.0.0.0"),
        (["serve", "lobeda", "--port", "99999"], 2, "port"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_calls_say_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result, out, err = call(capsys, *arguments)
    assert (result, out) == (code, "")
    assert said in err and err.count("\n") == 1 and "Traceback" not in err
    assert not any(tmp_path.iterdir())


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "import", "fetch", "info", "simulate", "publish", "export"):
        code, out, _ = call(capsys, command, "--help")
        assert code == 0 and f"Example: lobeda {command}" in " ".join(out.split()), command
    code, out, _ = call(capsys, "scenario", "run", "--help")
    assert code == 0 and "Example: lobeda scenario run" in " ".join(out.split())


def test_scenario_run_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "scenario", "run", "library/retrofit-wbs70.yaml", "--json")
    table = json.loads(out)
    assert (code, err) == (0, "")
    assert table["retrofit-wbs70"]["heating_need_kwh"] < table["baseline"]["heating_need_kwh"]


def test_export_opens_in_other_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyogrio
    import trimesh

    assert call(capsys, "export", "lobeda", "--to", tmp_path / "d.gpkg")[0] == 0
    assert {"buildings", "trees"} <= set(pyogrio.list_layers(tmp_path / "d.gpkg")[:, 0])
    assert call(capsys, "export", "lobeda", "--to", tmp_path / "d.glb")[0] == 0
    assert trimesh.load(tmp_path / "d.glb").geometry
    tiles = tmp_path / "tiles"
    assert call(capsys, "export", "lobeda", "--to", tiles, "--public")[0] == 0
    assert (tiles / "tileset.json").is_file() and not any(tmp_path.glob(".export-*"))
    again = call(capsys, "export", "lobeda", "--to", tiles)
    assert again[0] == 2 and "holds other files" in again[2]


def test_module_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "viewer.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "import" in done.stdout and done.stderr == ""


@pytest.mark.parametrize(
    "command", [["--help"], ["sensors", "status", "--help"], ["sensors", "check", "--help"]]
)
def test_help_loads_no_heavy_library(command: list[str]) -> None:
    """Help comes at once: what takes seconds to load is loaded by the commands that need it."""
    code = (
        "import sys; from viewer import cli; cli.run(sys.argv[1:]);"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    for heavy in (
        "numpy",
        "pandas",
        "geopandas",
        "pyproj",
        "rasterio",
        "pint",
        "httpx",
        "sqlalchemy",
        "numba",
    ):
        assert f"'{heavy}'" not in done.stderr


def test_the_status_of_sensors_needs_no_geodata(tmp_path: Path) -> None:
    code = (
        "import sys; from viewer import cli; cli.run(['sensors', 'status']);"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "LOBEDA_DATA": str(tmp_path), "LOBEDA_DATABASE_URL": ""},
    )  # fmt: skip
    assert "0 things" in done.stdout
    for heavy in ("geopandas", "pint", "httpx", "rasterio", "numba", "xarray"):
        assert f"'{heavy}'" not in done.stderr


def test_one_building_is_explained_figure_by_figure(capsys: pytest.CaptureFixture[str]) -> None:
    building = str(twin.open("lobeda").buildings.index[100])
    assert cli.run(["simulate", "lobeda", "--trace", building, "--lang", "de"]) == 0
    text = capsys.readouterr().out
    assert "Heizwärmebedarf" in text
    assert "b_roof * A_roof * U_roof" in text
    assert cli.run(["simulate", "lobeda", "--trace", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_weather_of_another_part_of_the_world_is_refused(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    denver = shared_data / "validation" / "725650TYCST.epw"
    assert cli.run(["simulate", "lobeda", "--weather", str(denver), "--trace", "x"]) == 1
    assert "km from the district" in capsys.readouterr().err


def test_own_figures_change_the_year_and_bad_ones_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Doubled prices of heat and power double the cost; a wrong cell names file, line and column."""
    prices = Parameters.default().carriers["price_eur_kwh"]
    own = tmp_path / "own"
    own.mkdir()
    rows = "".join(f"{name},{2 * price}\n" for name, price in prices.items())
    (own / "carriers.csv").write_text("carrier,price_eur_kwh\n" + rows, "utf-8")
    costs = []
    for more in ([], ["--parameters", own]):
        table = tmp_path / "year.csv"
        code, out, err = call(capsys, "simulate", "lobeda", "--csv", table, "--json", *more)
        assert (code, err) == (0, "")
        costs.append(json.loads(out)["energy_cost_eur"])
    assert costs[1] == pytest.approx(2 * costs[0], rel=0.01)
    (own / "carriers.csv").write_text("carrier,price_eur_kwh\ngas,much\n", "utf-8")
    code, out, err = call(capsys, "simulate", "lobeda", "--csv", tmp_path / "x.csv", "--parameters", own)
    assert code == 1 and "carriers.csv, line 2" in err and "price_eur_kwh" in err and err.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()


def test_the_other_method_writes_and_sums_its_own_year(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, place = shared_data / "citygml" / "Berlin_3880_5819.gml", tmp_path / "berlin"
    assert call(capsys, "import", place, "--buildings", source)[0] == 0
    sums = []
    for method in ("rc5", "nodes"):
        file = tmp_path / f"{method}.nc"
        code, out, err = call(capsys, "simulate", place, "--out", file, "--method", method, "--json")
        assert code == 0, err
        with xr.open_dataset(file) as results:
            written = float(results["heating_need_kwh"].sum())
        sums.append(json.loads(out)["heating_need_kwh"])
        assert sums[-1] == pytest.approx(written, rel=1e-3)
    assert sums[0] != sums[1] and sums[1] == pytest.approx(sums[0], rel=0.35)
    code, _, err = call(capsys, "simulate", place, "--csv", tmp_path / "y.csv", "--method", "nodes")
    assert code == 2 and "--out" in err
    code, _, err = call(capsys, "simulate", place, "--out", tmp_path / "z.nc", "--method", "magic")
    assert code == 2 and "no method 'magic'" in err


def test_simulate_writes_the_heat_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Heat that arrives and is lost is what the plant gives; CO2 counts at the feed-in, with the losses."""
    out = tmp_path / "n.nc"
    code, said, _ = call(capsys, "simulate", "lobeda", "--network", out, "--json")
    assert code == 0
    told = json.loads(said)
    assert told["network"]["substations"] > 100 and 15 < told["network"]["trench_km"] < 60
    with xr.open_dataset(out) as found:
        assert all(found[name].attrs["units"] and found[name].attrs["long_name"] for name in found.data_vars)
        assert found.sizes["time"] == 8760
        served = float(found["heat_served_kwh"].astype("float64").sum())
        lost = float((found["supply_loss_kwh"] + found["return_loss_kwh"]).astype("float64").sum())
        assert served + lost == pytest.approx(
            float(found["plant_heat_kwh"].astype("float64").sum()), rel=1e-5
        )
        assert served == pytest.approx(told["network"]["heat_delivered_kwh"], rel=1e-5)
        assert float(found["pipe_loss_kwh"].sum()) == pytest.approx(lost, rel=1e-4)
        assert float(found["flow_kg_s"].min()) >= 0
        assert "estimate" in found.attrs["notes"]
    code, said, _ = call(capsys, "simulate", "lobeda", "--csv", tmp_path / "y.csv", "--json")
    assert code == 0
    without = json.loads(said)
    share = lost / served
    change = told["network"]["heat_delivered_kwh"] * (0.097 * (1 + share) - 0.111)
    assert told["co2_kg"] - without["co2_kg"] == pytest.approx(change, rel=0.01)


def test_a_network_file_in_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = call(capsys, "simulate", "lobeda", "--network", tmp_path / "none" / "n.nc")
    assert code == 2 and "no such folder" in said


@pytest.mark.parametrize("count", ["0", "-1", "65"])
def test_a_number_of_processes_that_is_none_is_refused_before_anything(
    capsys: pytest.CaptureFixture[str], count: str
) -> None:
    assert cli.run(["serve", "lobeda", "--workers", count]) == 2
    assert "Use 1 to 64" in capsys.readouterr().err
