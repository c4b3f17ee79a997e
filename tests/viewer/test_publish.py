"""The static public site: what is in its files, and what must never be."""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
from pathlib import Path

import brotli
import numpy as np
import pytest

from tests.viewer.districts import SECRET_CENTRE, SECRET_OWNER
from twin.errors import DistrictError
from viewer import cli, privacy, publish, spreadsheets
from viewer.state import Twin
from viewer.whatif import retrofit

UNPACK = {".br": brotli.decompress, ".gz": gzip.decompress}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()
    }


def _data(site: Path) -> dict:  # type: ignore[type-arg]
    return json.loads(next((site / "data").glob("district-*.json")).read_text("utf-8"))


def test_site_is_complete(site: Path) -> None:
    names = set(_files(site))
    assert {"index.html", "en/index.html", publish.MARK} <= names
    page = (site / "index.html").read_text("utf-8")
    assert "Modell, keine Vermessung" in page and "© Testamt" in page and "CC0-1.0" in page
    for language, root in (("index.html", ""), ("en/index.html", "../")):
        content = (site / language).read_text("utf-8")
        linked = re.findall(r'(?:href|src)="([^"#]+)"', content)
        linked += [
            root + name for name in re.findall(r'data-(?:data|texts|scene|manifest)="([^"]+)"', content)
        ]
        for link in linked:
            assert ((site / language).parent / link).resolve().is_file(), link


def test_nothing_private_is_in_any_file(site: Path) -> None:
    for name, content in _files(site).items():
        plain = UNPACK.get(Path(name).suffix, bytes)(content)
        for secret in (SECRET_OWNER, SECRET_CENTRE, "Familie Beispiel"):
            assert secret.encode() not in plain, name


def test_no_energy_of_fewer_than_five_dwellings(site: Path, twin: Twin) -> None:
    """Every number in the data that is about energy stands for a whole group of the one partition."""
    data = _data(site)
    group = np.array([-1 if g is None else g for g in data["buildings"]["group"]])
    dwellings = np.nan_to_num(twin.district.buildings["dwellings"].to_numpy())
    units = np.where(dwellings >= 1, dwellings, 1)
    sizes = np.array([units[group == g].sum() for g in range(len(data["groups"]["name"]))])
    assert (sizes >= 5).all()
    energy = [layer for layer in data["layers"] if layer["by"] == "group"]
    assert {layer["id"] for layer in energy} == {
        "heating_need_per_area", "heating_need", "saving", "electricity", "co2", "pv_yield", "pv_potential",
    }  # fmt: skip
    for layer in energy:
        assert all(len(values) == len(sizes) for values in layer["values"].values())
    for layer in data["layers"]:
        if layer["by"] == "building":
            assert layer["id"] in {"year", "construction_series", "storeys", "function"}
    assert not {"heating", "refurbishment", "owner", "cost_centre", "a_use_m2"} & set(data["buildings"])


def test_no_arithmetic_on_published_sums_isolates_fewer_than_five(site: Path, twin: Twin) -> None:
    """A building with fewer than five dwellings is in no linear combination of groups and quarters."""
    data = _data(site)
    group = np.array([-1 if g is None else g for g in data["buildings"]["group"]])
    groups = np.array([group == g for g in range(len(data["groups"]["name"]))], float)
    quarter_of = np.array(data["groups"]["quarter"])
    quarters = np.array([groups[quarter_of == q].sum(axis=0) for q in np.unique(quarter_of)])
    published = np.vstack([groups, quarters, groups.sum(axis=0)])
    rank = np.linalg.matrix_rank(published)
    small = np.nan_to_num(twin.district.buildings["dwellings"].to_numpy()) < 5
    assert small.sum() == 14
    for row in np.flatnonzero(small & (group >= 0)):
        alone = np.eye(len(group))[row]
        assert np.linalg.matrix_rank(np.vstack([published, alone])) == rank + 1


def test_groups_sum_to_what_the_page_says(site: Path, twin: Twin) -> None:
    data = _data(site)
    shown = twin.group != privacy.HIDDEN
    expected = twin.annual["heating_need_kwh"][shown].sum() / 1000
    assert sum(data["groups"]["heating_need_mwh"]["today"]) == pytest.approx(expected, rel=1e-3)
    page = (site / "en" / "index.html").read_text("utf-8")
    assert f"about {expected / 1000:.1f}\u00a0GWh" in page
    rows = list(csv.DictReader(io.StringIO(next((site / "data").glob("*.csv")).read_text("utf-8-sig"))))
    assert sum(float(row["heating_need_kwh_today"]) for row in rows) == pytest.approx(
        1000 * expected, rel=1e-3
    )
    quarters = re.findall(r'<th scope="row">([^<]+)</th><td>(\d+)</td>', page)
    assert dict(quarters)["Total"] == "108" == str(sum(int(n) for name, n in quarters if name != "Total"))


def test_retrofit_frame_is_the_simulated_measure(site: Path, twin: Twin) -> None:
    after = twin.run(retrofit()).annual
    expected = privacy.sums(after[["heating_need_kwh"]], twin.group)["heating_need_kwh"].sum() / 1000
    assert sum(_data(site)["groups"]["heating_need_mwh"]["retrofit"]) == pytest.approx(expected, rel=1e-3)


def test_nothing_is_asked_of_another_host(site: Path) -> None:
    for name, content in _files(site).items():
        if name.endswith((".html", ".css", ".json")) or re.search(r"app-\w+/.*\.js$", name):
            text = content.decode("utf-8")
            found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)) - {"http://www.w3.org"}
            assert not found, (name, found)
    assert "default-src 'none'" in html.unescape((site / "index.html").read_text("utf-8"))


def test_site_says_the_same_each_time(site: Path, twin: Twin, tmp_path: Path) -> None:
    again = publish.publish(twin.district, tmp_path / "again", results=twin)
    assert _files(again) == _files(site)


def test_compressed_files_hold_the_same(site: Path) -> None:
    for suffix, unpack in UNPACK.items():
        packed = list(site.rglob(f"*{suffix}"))
        assert len(packed) >= 6
        for file in packed:
            assert unpack(file.read_bytes()) == file.with_suffix("").read_bytes()
    sizes = {suffix: sum(file.stat().st_size for file in site.rglob(f"*{suffix}")) for suffix in UNPACK}
    assert sizes[".br"] < sizes[".gz"]


def test_older_site_is_replaced_and_other_folders_are_not(bundle: Path, twin: Twin, tmp_path: Path) -> None:
    target = tmp_path / "site"
    target.mkdir()
    (target / publish.MARK).write_text("{}")
    (target / "old.html").write_text("old")
    publish.publish(twin.district, target, results=twin)
    assert not (target / "old.html").exists() and (target / "index.html").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(DistrictError, match="holds other files"):
        publish.publish(twin.district, other, results=twin)
    assert (other / "cat.jpg").read_bytes() == b"cat"


def test_failure_leaves_nothing_behind(twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "SCENE_SCRIPT", tmp_path / "gone.js")
    with pytest.raises(DistrictError, match="not built"):
        publish.publish(twin.district, tmp_path / "site", results=twin)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_table_has_no_formulas(text: str) -> None:
    assert spreadsheets.cell(text) == f"'{text}"
    assert spreadsheets.cell("Allee 5") == "Allee 5"


def test_comments_do_not_travel_in_the_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["publish", str(tmp_path / "site"), "--api", "http://town.example/"]) == 2
    assert "Write https://host/path" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
