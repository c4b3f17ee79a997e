"""The pages in docs: their Python runs as printed, and what they point at is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI

import twin
from sensors.protocols import Counters
from sensors.store import Store
from tests.conftest import REPOSITORY
from tests.viewer.districts import small
from tests.viewer.test_server import serving
from twin.errors import SourceError
from viewer import cli, legal
from viewer.accounts import openid
from viewer.accounts.rights import Role
from viewer.api.ogc import routes
from viewer.api.ogc.service import service
from viewer.state import Twin

DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = [*DOCS, *(REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))]
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+/[\w./-]*\w|docs/[\w-]+\.md)`")
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)|\b(docs/[\w-]+\.md)")
_CALL = re.compile(r"(?:[A-Z_]+=\S+ )*(?:lobeda|run) (.+)")
_OWN = ("twin/", "energy/", "sensors/", "scenarios/", "viewer/", "tests/", "assets/", "docs/", "deploy/")


def run(page: str, **put: str) -> Any:
    """The names that the Python of a page defines; `put`: what stands in it, and what to write instead."""
    block = _BLOCK.search((REPOSITORY / "docs" / page).read_text("utf-8"))
    assert block is not None, page
    code = block[1]
    for old, new in put.items():
        assert old in code
        code = code.replace(old, new)
    module = types.ModuleType(page)
    exec(compile(code, page, "exec", dont_inherit=True), module.__dict__)
    return module


def test_the_measure_saves_heat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "open", lambda place: small())
    table = run("add-a-measure.md").table
    saved, left = (float(table.loc["tight", name]) for name in ("heating_need_kwh_saved", "heating_need_kwh"))
    assert 0 < saved < left  # less air from outside in winter: less heat, but not most of it


def test_the_modelers_guide_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "open", lambda place: small())
    found = run("modelers.md").found
    assert found.table.loc["retrofit-and-roofs", "co2_kg"] < found.table["co2_kg"].iloc[0]
    assert len(found.bands.quantiles(changes=True))


def test_the_layer_draws_electricity_per_area() -> None:
    shown = Twin.of(small())
    layer = run("add-a-layer.md").spec(shown.view(shown.annual, "en"))
    rows = shown.area_m2.index
    by_hand = (shown.annual.loc[rows, "electricity_use_kwh"] / shown.area_m2).astype("float32")
    drawn = pd.Series(layer.values, index=shown.district.buildings.index).loc[rows]
    assert np.allclose(drawn, by_hand, rtol=1e-6, equal_nan=True) and layer.unit


def test_the_source_reads_trees_and_names_what_it_left_out(tmp_path: Path) -> None:
    file = tmp_path / "trees.csv"
    file.write_text("id;east;north;height_m\na;683000;5640000;12.5\nb;;5640000;9\n", "utf-8")
    read = run("add-a-source.md").read
    found = read(file)
    trees = found.tables["trees"]
    assert trees.index.tolist() == ["a"] and trees.geometry.iloc[0].coords[0] == (683000, 5640000)
    assert trees.loc["a", "height_m"] == 12.5 and str(trees.crs) == "EPSG:25832"
    assert [finding.record for finding in found.findings] == ["b"]
    file.write_text("id;x\n", "utf-8")
    with pytest.raises(SourceError, match="no column east"):
        read(file)


def test_the_protocol_stores_each_line_once(tmp_path: Path) -> None:
    page = run("add-a-protocol.md")
    file = tmp_path / "gauge.txt"
    file.write_text("2026-11-27T08:00:00+00:00 1.84\n2026-11-27T09:00:00+00:00 1.9\n", "utf-8")
    options = page.Options(protocol="gauge", file=file, seconds=0.01)
    counters, stop = Counters(), threading.Event()
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        feed = page.feed("bridge", options)
        reader = threading.Thread(target=feed.run, args=(store, counters, stop))
        reader.start()
        while counters.totals().get("received", 0) < 6 and reader.is_alive():
            stop.wait(0.02)
        stop.set()
        reader.join()
        assert counters.totals()["stored"] == 2 < counters.totals()["received"]


def test_open_data_are_read_as_printed() -> None:
    app = FastAPI(openapi_url=None)
    app.include_router(routes.router(service(Twin.of(small()), None)))
    with serving(app) as address:
        found = run("open-data.md", **{"http://localhost:5006": address}).schools
    assert found["type"] == "FeatureCollection"
    assert {one["properties"]["function"] for one in found["features"]} <= {"school"}


def test_the_settings_of_openid_are_read_as_printed(tmp_path: Path) -> None:
    (tmp_path / "openid.toml").write_text(_only_block("administration.md", "toml"), "utf-8")
    found = openid.Settings.read(tmp_path / "openid.toml")
    assert found.roles == {"planning-office": Role.MANAGER, "it": Role.ADMINISTRATOR}


def test_who_answers_for_the_site_is_read_as_printed(tmp_path: Path) -> None:
    (tmp_path / legal.FILE).write_text(_only_block("publish.md", "yaml"), "utf-8")
    assert legal.read(tmp_path)


def _only_block(page: str, kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", (REPOSITORY / "docs" / page).read_text("utf-8"), re.DOTALL)
    return str(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one(page: Path) -> None:
    """Each ``lobeda …`` of a page names a command with options that it has; `run` is the administrator's."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`((?:lobeda|run) [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*lines, *(" ".join(one.split()) for one in inline)]:
        called = _CALL.match(line)
        if called:
            assert not (wrong := _wrong(called[1])), f"{line}: {wrong}"


def _wrong(call: str) -> str:
    """What is no command or no option of it; empty: all is."""
    first, *others = [shlex.split(part, comments=True) for part in re.split(r" [|&;]+ ", call)]
    command: Any = cli._command()
    above = command
    while first and first[0] in getattr(command, "commands", {}):
        above, command = command, command.commands[first.pop(0)]
    if first and hasattr(command, "commands") and not first[0].startswith(("-", "…")):
        return first[0]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    for word in first:
        if word.startswith("--") and word.split("=")[0] not in known:
            return word
    # "lobeda x a | b | c" names several; other programs may stand behind a pipe in a line of a block.
    return next((one[0] for one in others if len(one) == 1 and one[0] not in above.commands), "")


def test_what_is_no_command_is_found() -> None:
    calls = ("accounts tokens make x", "serve --prot 1", "sensors status | statsu")
    assert [_wrong(call) for call in calls] == ["make", "--prot", "statsu"]
    assert not _wrong("sensors status | backup") and not _wrong("scenario run a.yaml  # --prot")


def test_the_administrators_commands_have_the_servers_settings(tmp_path: Path) -> None:
    """The guide's `run`, with the paths of this machine: what it starts is told what the server is."""
    text = (REPOSITORY / "docs" / "administration.md").read_text("utf-8")
    found = re.search(r"^run\(\) \(.*?^ +exec .*?\)$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    (tmp_path / "environment").write_text(
        "LOBEDA_DATABASE_URL=sqlite:////srv/x.sqlite\nLOBEDA_URL='a&b $c'\n"
    )
    here = found[0].replace("/etc/lobeda", str(tmp_path)).replace("/opt/lobeda/bin/lobeda", "/usr/bin/env")
    here = here.replace("runuser -u lobeda -- ", "")  # there is no such user here
    asked = "run -0 | tr '\\0' '\\n'; echo \"outside: ${LOBEDA_DATA:-}\""
    script = ["bash", "-euc", f"{here}\n{asked}"]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    said = done.stdout.splitlines()
    assert {"LOBEDA_DATABASE_URL=sqlite:////srv/x.sqlite", "LOBEDA_URL=a&b $c"} <= set(said)
    assert {"LOBEDA_DATA=/var/lib/lobeda", "HOME=/var/lib/lobeda", "outside: "} <= set(said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [one or other for one, other in _LINK.findall(text)]
    for link in links:
        at = REPOSITORY / link if link.startswith("docs/") else page.parent / link
        assert at.exists(), f"{page.name}: {link}"
    for name in _NAMED.findall(text):
        if name.startswith(_OWN) and "/x." not in name and "tight_windows" not in name:
            assert (REPOSITORY / name.rstrip("/")).exists(), f"{page.name}: {name}"


def test_every_picture_is_in_a_guide_with_a_text_and_small() -> None:
    told = "".join(page.read_text("utf-8") for page in PAGES)
    named = set(re.findall(r"!\[[^\]]{20,}\]\((?:docs/)?img/([\w-]+\.webp)\)", told))
    made = {file.name: file.stat().st_size for file in (REPOSITORY / "docs" / "img").iterdir()}
    assert named == set(made)
    assert max(made.values()) < 150_000  # bytes; they are read on telephones too
