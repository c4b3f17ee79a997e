"""What people are told over HTTP says what is wrong and with what, never where that lies on the server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

import twin
from scenarios.shelf import Shelf
from sensors.errors import StoreError
from sensors.store import Store
from tests.energy.districts import slabs
from tests.viewer.test_drafts import Page, _call
from tests.viewer.test_report_jobs import GOOD, begin, ended, serving
from twin.errors import DistrictError, Place, SourceError
from viewer import children, drafts, texts
from viewer.api import scenarios as scenarios_api
from viewer.api.sensorthings import service
from viewer.report_jobs import ReportJobs
from viewer.uploads import Uploads
from viewer.whatif import retrofit

BROKEN = {
    "twice": b"name: twice\nname: twice\n",
    "binary": b"name: \xff\n",
    "empty": b"",
    "magic": b"version: 1\nname: magic\nmeasures:\n- measure: magic\n",
    "range": b"version: 1\nname: range\nmeasures:\n- measure: roof_pv\n  parameters: {share: 9}\n",
    "tags": b"name: !!python/object/apply:os.system [ls]\n",
}
"""Scenarios that somebody's hand was in, by their names."""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name, content in BROKEN.items():
        (tmp_path / f"{name}.yaml").write_bytes(content)
    (tmp_path / "shut.yaml").mkdir()
    return Shelf(tmp_path)


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_broken_scenario_is_named_without_its_folder(shelf: Shelf, language: str) -> None:
    app, uploads = FastAPI(), Uploads("viewer.drafts:uploaded")
    app.include_router(drafts.router(shelf, uploads))
    app.include_router(scenarios_api.router(shelf))
    page = Page(shelf.folder)
    page.drafts.language = language
    said = [json.dumps(page.drafts.shown(), ensure_ascii=False)]
    asked = {"Accept-Language": language}
    said.append(_call(app, "GET", "/api/scenarios", headers=asked).text)
    for name in (*BROKEN, "shut", "gone", "No Name"):
        for path in ("/manage/scenarios", "/api/scenarios"):
            answer = _call(app, "GET", f"{path}/{name}.yaml", headers=asked)
            assert answer.status_code == 404
            said.append(answer.text)
        with pytest.raises(twin.TwinError) as refused:
            page.send("open", name=name)
        said.append(texts.error(language, refused.value))
        if name in BROKEN:
            assert f"{name}.yaml" in said[-1] and f"{name}.yaml" in said[-2]
    uploads.close()
    assert not [one for one in said if str(shelf.folder) in one]


def test_nor_do_conflicts_and_drafts_name_it(tmp_path: Path) -> None:
    page, other = Page(tmp_path, retrofit(0.5)), Page(tmp_path)
    page.send("save", title="Eins")
    other.send("open", name="eins")
    other.keep(retrofit(0.6))
    with pytest.raises(twin.TwinError) as conflict:
        page.keep(retrofit(0.7))
    (tmp_path / ".draft").mkdir(exist_ok=True)
    (tmp_path / ".draft" / "draft.yaml").write_text("- 1\n")
    with pytest.raises(twin.TwinError) as draft:
        page.send("continue")
    with pytest.raises(twin.TwinError) as restored:
        Shelf(tmp_path).restore("eins", "0" * 16)
    for error in (conflict.value, draft.value, restored.value):
        for language in ("de", "en"):
            assert str(tmp_path) not in texts.error(language, error)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (SourceError("is broken", Path("/srv/our data/x.yaml")), "x.yaml: is broken."),
        (SourceError("is broken", "/srv/x.md, step 'A'"), "x.md, step 'A': is broken."),
        (SourceError("is broken", "data/x.yaml"), "x.yaml: is broken."),
        (SourceError("is broken", r"C:\srv\x.yaml"), "x.yaml: is broken."),
        (SourceError("is broken", Place("/srv/x.yaml", 3), "Mend it"), "x.yaml, line 3: is broken. Mend it."),
        (DistrictError("is no district", Path("/srv/town")), "town: is no district."),
        (StoreError("is away", "postgresql://lobeda:***@db.intern/lobeda"), "is away."),
        (SourceError("is none", "stream in kWh/m²"), "stream in kWh/m²: is none."),
        (PermissionError(13, "Permission denied", "/srv/x.yaml"), "Permission denied"),
    ],
)  # fmt: skip
def test_of_a_place_only_its_own_name_is_told(problem: Exception, said: str) -> None:
    assert texts.error("en", problem) == said


def test_sensorthings_names_no_database(tmp_path: Path) -> None:
    file = tmp_path / "sensors.sqlite"
    asked = service.Request("GET", "/Things", "", "https://x/v1.1", access=service.Access(read_all=True))
    with Store.open(f"sqlite:///{file}") as store:
        served = service.Service(store)
        store.engine.dispose()
        for one in tmp_path.glob("sensors.sqlite*"):
            one.unlink()
        file.write_text("no database " * 100)
        answer = served.answer(asked)
    assert answer.status == 503 and str(tmp_path) not in str(answer.content)


def test_a_reports_or_jobs_fault_names_no_folder(tmp_path: Path) -> None:
    jobs = ReportJobs(slabs(), draws=0)
    root = Path(jobs._folder.name)
    jobs.district.save(root / "district")
    (root / "district" / "district.json").unlink()
    with serving(jobs) as client:
        _, job = begin(client, GOOD)
        state = ended(client, job["id"])
    assert state["state"] == "failed" and "district" in str(state["error"])
    assert str(root) not in str(state["error"])
    order = {"process": "simulate", "inputs": {"network": False}, "outputs": ["district"], "raw": False,
             "district": str(tmp_path / "town"), "memory": 2**40}  # fmt: skip
    (tmp_path / "order.json").write_text(json.dumps(order), "utf-8")
    command = [sys.executable, "-m", "viewer.process_worker", str(tmp_path)]
    assert subprocess.run(command, env=children.environment(), check=False).returncode == 1
    said = json.loads((tmp_path / "progress.json").read_text("utf-8"))["error"]
    assert "town" in said and str(tmp_path) not in said
