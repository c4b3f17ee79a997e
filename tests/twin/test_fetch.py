"""The fetcher against a real server on 127.0.0.1 with the portal's paths, on good and on bad days."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin import fetch as fetcher
from twin import thuringia
from twin.download import Limits
from twin.errors import CallError, SourceError
from twin.fetch import LOBEDA_BBOX, FetchReport

from . import geoserver as geo

QUICK = Limits(connect_s=2, read_s=0.4, attempt_s=5, attempts=2, backoff_s=0.01, longest_wait_s=1)
ONE_TILE = (11.597, 50.8765, 11.598, 50.877)  # within LoD2 682/5638 and DGM1 682/5639


@pytest.fixture
def server() -> Iterator[geo.GeoServer]:
    with geo.serving(geo.small_lobeda()) as state:
        yield state


def run(server: geo.GeoServer, cache: Path, bbox=ONE_TILE, products=("lod2",), **options) -> FetchReport:
    options = {"limits": QUICK, **options}
    return fetcher.fetch(cache, bbox, base_url=server.address, products=products, **options)


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*.part*"))


def test_tiles_of_lobeda_are_those_of_the_facts() -> None:
    bounds = thuringia.metres(LOBEDA_BBOX)
    assert set(thuringia.tiles(bounds, 2)) == {(e, n) for e in (682, 684) for n in (5638, 5640)}
    assert set(thuringia.tiles(bounds, 1)) == {(e, n) for e in range(682, 686) for n in range(5639, 5642)}


def test_addresses_are_those_of_the_facts() -> None:
    (tile,) = thuringia.items("lod2", ONE_TILE)
    assert tile.sources[0].url == (
        "https://geoportal.geoportal-th.de/3dgebaeude/LoD2/LoD2_32_682_5638_2_TH.zip"
    )
    (tile,) = thuringia.items("dgm1", ONE_TILE)
    folder = "https://geoportal.geoportal-th.de/hoehendaten/DGM"
    assert [source.url for source in tile.sources] == [
        f"{folder}/dgm_2020-2025/dgm1_32_682_5639_1_th_2020-2025.zip",
        f"{folder}/dgm_2014-2019/dgm1_682_5639_1_th_2014-2019.zip",
    ]
    (query,) = thuringia.items("osm", LOBEDA_BBOX)
    assert query.sources[0].url.startswith("https://overpass-api.de/api/interpreter?data=%5Bout%3Ajson%5D")


def test_lobeda_is_fetched_whole_and_a_second_run_asks_for_nothing(server, tmp_path) -> None:
    report = run(server, tmp_path, LOBEDA_BBOX, fetcher.PRODUCTS)
    sizes = [
        len(files) for files in (report.buildings, report.terrain, report.ortho, report.outlines, report.osm)
    ]
    assert sizes == [4, 12, 12, 1, 1]
    assert (report.downloaded, report.cached, report.missing) == (31, 0, [])  # 30 files and the overview
    assert server.most_at_once <= 3
    assert leftovers(tmp_path) == []
    before = sum(server.requests.values())
    again = run(server, tmp_path, LOBEDA_BBOX, fetcher.PRODUCTS)
    assert (again.downloaded, again.cached) == (0, 31)
    assert sum(server.requests.values()) == before
    assert again.buildings == report.buildings


def test_manifest_holds_address_date_licence_and_checksum(server, tmp_path) -> None:
    report = run(server, tmp_path, products=("lod2", "osm"))
    files = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["files"]
    (tile,) = report.buildings
    noted = files[tile.relative_to(tmp_path).as_posix()]
    content = server.files[geo.lod2(682, 5638)]
    assert (
        noted["sha256"]
        == hashlib.sha256(content).hexdigest()
        == hashlib.sha256(tile.read_bytes()).hexdigest()
    )
    assert noted["url"] == server.address + geo.lod2(682, 5638)
    assert noted["licence"] == "dl-de/by-2-0"
    assert noted["date"].endswith("+00:00")
    by_source = {record.source: record for record in report.provenance}
    assert by_source["LoD2"].attribution.startswith("© GDI-Th (20")
    assert by_source["OpenStreetMap"].licence == "ODbL-1.0"
    assert by_source["LoD2"].sha256 == noted["sha256"]


def test_older_terrain_stands_in_and_is_not_asked_for_again(server, tmp_path) -> None:
    server.files[geo.older_dgm1(682, 5639)] = server.files.pop(geo.dgm1(682, 5639))
    report = run(server, tmp_path, products=("dgm1",))
    assert [path.name for path in report.terrain] == ["dgm1_682_5639_1_th_2014-2019.zip"]
    before = sum(server.requests.values())
    assert run(server, tmp_path, products=("dgm1",)).cached == 1
    assert sum(server.requests.values()) == before


def test_newest_photograph_of_each_tile_is_taken(server, tmp_path) -> None:
    report = run(server, tmp_path, LOBEDA_BBOX, ("dop",))
    asked = {query["id"][0] for path, query in server.queries if path == geo.DOWNLOAD}
    assert asked == {str(e * 10_000 + n) for e in range(682, 686) for n in range(5639, 5642)}
    assert len(report.ortho) == 12
    query = next(query for path, query in server.queries if path == geo.OVERVIEW)
    assert query["bbox[]"] == ["682545", "5639191", "685730", "5641858"]
    assert query["type[]"] == ["op"]


def test_overview_that_names_no_image_is_said(server, tmp_path) -> None:
    server.files[geo.OVERVIEW] = b'{"result": {"features": []}}'
    report = run(server, tmp_path, products=("lod2", "dop"))
    assert report.ortho == []
    assert "names no image" in report.missing[0].reason


def test_tile_that_the_server_does_not_have_is_named(server, tmp_path) -> None:
    del server.files[geo.lod2(684, 5640)]
    report = run(server, tmp_path, LOBEDA_BBOX)
    assert len(report.buildings) == 3
    (missing,) = report.missing
    assert (missing.product, missing.label) == ("lod2", "684 5640")
    assert "404" in missing.reason
    assert missing.url == server.address + geo.lod2(684, 5640)
    assert any("LoD2 684 5640" in line and "404" in line for line in report.lines())
    assert server.requests[geo.lod2(684, 5640)] == 1


def test_nothing_at_all_is_an_error_of_one_line(server, tmp_path) -> None:
    server.files.clear()
    with pytest.raises(SourceError, match="none of 4 files could be had: LoD2 682 5638") as caught:
        run(server, tmp_path, LOBEDA_BBOX)
    assert "\n" not in str(caught.value)


def test_web_page_instead_of_zip_is_named_and_not_kept(server, tmp_path) -> None:
    server.always[geo.lod2(682, 5638)] = geo.page
    report = run(server, tmp_path, LOBEDA_BBOX)
    (missing,) = report.missing
    assert missing.reason == "the server answered with a web page (Wartungsarbeiten) instead of a ZIP file"
    assert leftovers(tmp_path) == []
    assert not list(tmp_path.rglob("*682_5638*"))


def test_something_else_than_zip_or_json_is_refused(server, tmp_path) -> None:
    server.files[geo.lod2(682, 5638)] = b"%PDF-1.4 something"
    server.files[geo.OVERPASS] = b'{"elements": ['
    server.files[geo.OUTLINES] = geo.zipped("../../etc/cron.d/x", b"x")
    report = run(server, tmp_path, products=("lod2", "osm", "outlines", "dgm1"))
    reasons = {missing.product: missing.reason for missing in report.missing}
    assert "no ZIP" in reasons["lod2"]
    assert "JSON is cut off" in reasons["osm"]
    assert "outside itself" in reasons["outlines"]
    assert leftovers(tmp_path) == []


def test_download_cut_off_is_resumed_where_it_broke(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.fail_once(path, geo.cut_off(700), geo.cut_off(500))
    report = run(server, tmp_path)
    assert report.buildings[0].read_bytes() == server.files[path]
    assert server.ranges == [(path, "bytes=700-"), (path, "bytes=1200-")]
    assert leftovers(tmp_path) == []


def test_part_of_an_earlier_run_is_resumed_by_a_later_one(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.always[path] = geo.cut_off(0)
    server.fail_once(path, geo.cut_off(900))
    with pytest.raises(SourceError, match="broke off"):
        run(server, tmp_path)
    assert leftovers(tmp_path) == ["LoD2_32_682_5638_2_TH.zip.part", "LoD2_32_682_5638_2_TH.zip.part.json"]
    assert (tmp_path / "lod2" / "LoD2_32_682_5638_2_TH.zip.part").read_bytes() == server.files[path][:900]
    server.always.clear()
    server.ranges.clear()
    run(server, tmp_path)
    assert server.ranges == [(path, "bytes=900-")]


def test_file_that_changed_meanwhile_starts_anew(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.always[path] = geo.cut_off(0)
    server.fail_once(path, geo.cut_off(900))
    with pytest.raises(SourceError):
        run(server, tmp_path)
    server.always.clear()
    server.files[path] = geo.city(684, 5640)
    report = run(server, tmp_path)
    assert report.buildings[0].read_bytes() == server.files[path]


def test_server_without_validators_is_not_trusted_to_resume(server, tmp_path) -> None:
    server.validators = False
    server.fail_once(geo.lod2(682, 5638), geo.cut_off(700))
    report = run(server, tmp_path)
    assert report.buildings[0].read_bytes() == server.files[geo.lod2(682, 5638)]
    assert server.ranges == []


def test_part_that_was_complete_already_is_only_checked(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.always[path] = geo.cut_off(0)
    server.fail_once(path, geo.cut_off(900))
    with pytest.raises(SourceError):
        run(server, tmp_path)
    server.always.clear()
    (tmp_path / "lod2" / "LoD2_32_682_5638_2_TH.zip.part").write_bytes(server.files[path])
    before = server.requests[path]
    assert run(server, tmp_path).buildings[0].read_bytes() == server.files[path]
    assert server.requests[path] == before + 1


def test_truncated_zip_is_fetched_again_and_else_refused(server, tmp_path) -> None:
    server.fail_once(geo.lod2(682, 5638), geo.truncated)
    assert len(run(server, tmp_path / "a").buildings) == 1
    server.always[geo.lod2(682, 5638)] = geo.truncated
    with pytest.raises(SourceError, match="ZIP file is cut off or damaged"):
        run(server, tmp_path / "b")
    assert leftovers(tmp_path) == []


def test_errors_of_the_server_are_tried_again_then_named(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.fail_once(path, geo.status(500))
    assert run(server, tmp_path / "a").downloaded == 1
    assert server.requests[path] == 2
    server.always[path] = geo.status(503)
    with pytest.raises(SourceError, match=r"the server answered 503 \(tried 2 times\)"):
        run(server, tmp_path / "b")


def test_wait_that_the_server_asks_for_is_kept(server, tmp_path) -> None:
    server.fail_once(geo.lod2(682, 5638), geo.status(429, Retry_After="1"))
    start = time.monotonic()
    run(server, tmp_path)
    assert time.monotonic() - start >= 1
    server.always[geo.lod2(682, 5638)] = geo.status(429, Retry_After="3600")
    with pytest.raises(SourceError, match=r"429 \(tried 1 times\)"):  # longer than we are ready to wait
        run(server, tmp_path / "b")


def test_server_that_hangs_is_given_up_and_the_rest_arrives(server, tmp_path) -> None:
    server.always[geo.lod2(682, 5638)] = geo.hang
    report = run(server, tmp_path, LOBEDA_BBOX)
    assert len(report.buildings) == 3
    assert "no answer within 0.4 s" in report.missing[0].reason


def test_server_that_drips_is_given_up(server, tmp_path) -> None:
    server.always[geo.lod2(682, 5638)] = geo.drip
    limits = Limits(read_s=1, attempt_s=0.3, attempts=1, backoff_s=0.01)
    report = run(server, tmp_path, products=("lod2", "dgm1"), limits=limits)
    assert "not complete within 0.3 s" in report.missing[0].reason


def test_nobody_there_is_said(tmp_path) -> None:
    with pytest.raises(SourceError, match="connection broke off"):
        fetcher.fetch(tmp_path, ONE_TILE, base_url="http://127.0.0.1:9", products=("lod2",), limits=QUICK)


def test_redirect_to_another_host_is_refused(server, tmp_path) -> None:
    path = geo.lod2(682, 5638)
    server.always[path] = geo.status(302, Location="http://127.0.0.2:1/secret.zip")
    with pytest.raises(SourceError, match="sends on to another host"):
        run(server, tmp_path)
    server.files["/elsewhere.zip"] = server.files[path]
    server.always[path] = geo.status(301, Location="/elsewhere.zip")
    assert run(server, tmp_path).downloaded == 1


def test_file_larger_than_expected_is_refused(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(thuringia, "_MIB", 1)  # 512 bytes at most
    with pytest.raises(SourceError, match="larger than"):
        run(server, tmp_path)
    assert leftovers(tmp_path) == []


def test_file_damaged_on_disk_is_fetched_again(server, tmp_path) -> None:
    (tile,) = run(server, tmp_path).buildings
    content = tile.read_bytes()
    tile.write_bytes(content[:-1] + b"x")
    assert run(server, tmp_path).downloaded == 1
    assert tile.read_bytes() == content


def test_interrupt_leaves_a_part_to_resume_and_no_file(server, tmp_path) -> None:
    server.always[geo.lod2(682, 5638)] = geo.drip
    code = (
        # A runner in the background has its children ignore Ctrl-C; this one shall hear it.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from twin import fetch; "
        f"fetch.fetch(sys.argv[1], {ONE_TILE}, base_url={server.address!r}, products=('lod2',))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE) as process:
        while not leftovers(tmp_path):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            stderr = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert b"KeyboardInterrupt" in stderr
    assert leftovers(tmp_path)
    assert not list(tmp_path.rglob("*.zip"))


@pytest.mark.parametrize(
    ("bbox", "products", "message"),
    [
        ((11.6, 50.9, 11.5, 50.95), ("lod2",), "is no box"),
        ((13.3, 52.4, 13.5, 52.6), ("lod2",), "outside Thuringia"),
        ((10.0, 50.2, 12.0, 51.5), ("lod2",), "km²"),
        (ONE_TILE, ("lod3",), "no product lod3"),
    ],
)
def test_calls_that_cannot_be_meant_are_refused(tmp_path, bbox, products, message) -> None:
    with pytest.raises(CallError, match=message):
        fetcher.fetch(tmp_path, bbox, products=products)


def test_running_event_loop_is_no_obstacle(server, tmp_path) -> None:
    """As in a notebook."""

    async def cell() -> FetchReport:
        return run(server, tmp_path)

    assert asyncio.run(cell()).downloaded == 1


def test_district_of_lobeda_is_built_from_what_was_fetched(server, tmp_path) -> None:
    del server.files[geo.lod2(684, 5638)]
    report = run(server, tmp_path, LOBEDA_BBOX, fetcher.PRODUCTS)
    district = fetcher.build("real", report)
    assert set(district.buildings.index) == {"B6825640", "B6845640"}
    ground = district.buildings.loc["B6825640", "ground_height_m"]
    assert ground == pytest.approx(geo.height(683_000, 5_641_000), abs=0.3)
    assert district.terrain is not None
    assert district.terrain.sample(683_000, 5_641_000) == pytest.approx(
        geo.height(683_000, 5_641_000), abs=0.05
    )
    assert district.ortho is not None
    sources = {record.source for record in district.provenance}
    assert {"LoD2", "DGM1", "orthophoto"} <= sources
    assert "OpenStreetMap" not in sources
    assert any("684 5638" in finding.message for finding in district.findings)


def test_openstreetmap_stands_in_where_there_is_no_lod2(server, tmp_path) -> None:
    report = run(server, tmp_path, products=("osm",), bbox=LOBEDA_BBOX)
    district = fetcher.build("osm", report)
    assert list(district.buildings.index) == ["osm-way-7"]
    assert district.buildings["storeys_above_ground"].to_list() == [5.0]
    assert {record.source for record in district.provenance} == {"OpenStreetMap"}
