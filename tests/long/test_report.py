"""The app's report from click to file, and the report of the whole sample."""

from __future__ import annotations

from pathlib import Path

import pypdf
import pytest

from tests.viewer.test_report_jobs import GOOD, begin, ended, serving
from viewer import cli

pytestmark = pytest.mark.long


def test_the_app_gets_its_report() -> None:
    with serving() as client:
        code, job = begin(client, GOOD)
        assert code == 202
        assert ended(client, job["id"], 600.0) == {"state": "done", "share": 1.0}
        answer = client.get(f"/manage/report/{job['id']}/file")
        assert answer.headers["content-type"] == "application/pdf" and answer.content.startswith(b"%PDF-")


def test_the_sample_has_its_report(tmp_path: Path) -> None:
    file = tmp_path / "r.pdf"
    assert cli.run(["report", "library/retrofit-wbs70-advanced.yaml", "--to", str(file), "--draws", "2"]) == 0
    assert len(pypdf.PdfReader(file).pages) >= 10 and file.stat().st_size < 5e6
