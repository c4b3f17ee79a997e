"""QGIS, without a screen, reads what we offer: every public table by OGC API – Features, and the files.

Needs Debian's `python3-qgis` and `qgis-providers` (400 MB), which nothing else here needs: the test says so
where they are not there, also where nothing may be skipped otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import twin
from tests.conftest import REPOSITORY
from tests.long.opened import opened
from viewer.privacy import WITHHELD

pytestmark = pytest.mark.long
PYTHON = "/usr/bin/python3"  # Debian's own, which QGIS belongs to
SCRIPT = """
import json, os, sys
from qgis.core import (QgsApplication, QgsFeatureRequest, QgsProject, QgsRasterLayer, QgsRectangle,
                       QgsVectorLayer)
address, district, package = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
found = {"tables": {}, "files": {}}
for name in json.load(sys.stdin):
    layer = QgsVectorLayer(f"url='{address}' typename='{name}' pageSize='200'", name, "OAPIF")
    assert layer.isValid(), (name, layer.error().message())
    shapes = [one for one in layer.getFeatures()]
    box = QgsRectangle(layer.extent().center(), layer.extent().center())
    box.grow(0.002)
    exact = QgsFeatureRequest().setFilterRect(box).setFlags(QgsFeatureRequest.ExactIntersect)
    within = [one.id() for one in layer.getFeatures(exact)]
    inside = [one.id() for one in shapes if one.geometry().intersects(box)]
    found["tables"][name] = {
        "count": len(shapes), "crs": layer.crs().authid(), "fields": [one.name() for one in layer.fields()],
        "valid": sum(one.geometry().isGeosValid() for one in shapes), "box": sorted(within) == sorted(inside),
        "some_in_box": len(within),
    }
    if name == "buildings":  # from 3.30 on QGIS lets the server filter
        tall = QgsFeatureRequest().setFilterExpression("measured_height_m > 20 AND street LIKE '%a%'")
        found["tall"] = len(list(layer.getFeatures(tall)))
for name, layer in {
    "terrain": QgsRasterLayer(f"{district}/terrain.tif"),
    "package": QgsVectorLayer(f"{package}|layername=buildings", "buildings", "ogr"),
}.items():
    assert layer.isValid(), name
    many = layer.featureCount() if name == "package" else layer.bandCount()
    found["files"][name] = [layer.crs().authid(), many]
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)  # taking QGIS down with layers open crashes it
"""


def test_qgis_reads_the_tables_and_files(tmp_path: Path) -> None:
    known = subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, check=False)
    if known.returncode != 0:
        pytest.skip("QGIS is not installed (Debian: python3-qgis qgis-providers)")
    package = tmp_path / "sample.gpkg"
    copied = tmp_path / "district"  # QGIS writes beside what it reads
    shutil.copytree(REPOSITORY / "assets" / "lobeda", copied)
    command = ["-m", "viewer.cli", "export", "lobeda", "--to", str(package)]
    subprocess.run([sys.executable, *command], cwd=REPOSITORY, check=True)
    with opened("lobeda", {**os.environ, "LOBEDA_DATA": str(tmp_path)}) as server:
        address = f"{server.address}/api/ogc"
        listed = httpx.get(f"{address}/collections", timeout=60).json()["collections"]
        expected = {
            one["id"]: httpx.get(f"{address}/collections/{one['id']}/items?limit=1", timeout=60).json()
            for one in listed
        }
        tall = {"filter": "measured_height_m > 20 AND street LIKE '%a%'", "limit": "1"}
        tallest = httpx.get(f"{address}/collections/buildings/items", params=tall, timeout=60).json()
        run = subprocess.run(
            [PYTHON, "-c", SCRIPT, address, str(copied), str(package)],
            input=json.dumps(list(expected)), capture_output=True, text=True, timeout=900, check=False,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path)},
        )  # fmt: skip
    server.process.wait()
    said = [line for line in run.stdout.splitlines() if line.startswith("FOUND")]
    assert run.returncode == 0 and said, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(said[0].removeprefix("FOUND"))
    for name, read in found["tables"].items():
        print(f"  {name:18s} {read['count']:6d} features, {len(read['fields'])} fields, {read['crs']}")
        assert read["count"] == expected[name]["numberMatched"] > 0, name
        assert read["crs"] in ("EPSG:4326", "OGC:CRS84"), name
        assert read["box"], name
        assert not {f"{name}.{field}" for field in read["fields"]} & WITHHELD.keys(), name
    buildings = len(twin.open("lobeda").buildings)
    assert found["tables"]["buildings"]["count"] == buildings
    assert found["tables"]["buildings"]["valid"] == buildings
    assert 0 < found["tables"]["buildings"]["some_in_box"] < buildings
    assert 0 < found["tall"] == tallest["numberMatched"] < buildings
    assert found["files"] == {"terrain": ["EPSG:25832", 1], "package": ["EPSG:25832", buildings]}
