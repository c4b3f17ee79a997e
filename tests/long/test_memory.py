"""An import that needs more memory than there is ends with one line, and leaves nothing behind.

The limit is on the address space (RLIMIT_AS), set once the libraries are loaded: a control group, in which
the kernel ends the process without a word, is the machine's to give.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from tests.twin.sources import gml

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space so"),
]
LIMITED = """
import resource, sys
from pathlib import Path
from viewer import cli
from twin.sources import SOURCES  # with all that it loads
code = cli.run(["import", sys.argv[1], "--buildings", sys.argv[2]])  # compiles, opens GDAL, starts threads
assert code == 0
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
most = now + int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(cli.run(["import", sys.argv[3], "--buildings", sys.argv[2], "--terrain", sys.argv[4]]))
"""
SIDE = 8000  # cells: 256 MB as heights


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A house, and a large terrain that is a small file."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "house.gml").write_text(gml.city(gml.building(gml.boundaries())))
    with rasterio.open(
        folder / "dgm.tif", "w", "GTiff", SIDE, SIDE, 1, "EPSG:25832", from_origin(680_000, 5_645_000, 1, 1),
        "float32", compress="deflate", tiled=True,
    ) as raster:  # fmt: skip
        raster.write(np.full((SIDE, SIDE), 160, "float32"), 1)
    return folder / "house.gml", folder / "dgm.tif"


@pytest.mark.parametrize(("megabytes", "code"), [(100, 1), (300, 1), (4000, 0)])
def test_an_import_out_of_memory_says_so(
    files: tuple[Path, Path], tmp_path: Path, megabytes: int, code: int
) -> None:
    house, terrain = map(str, files)
    where = [str(tmp_path / "first"), house, str(tmp_path / "town"), terrain, str(megabytes * 2**20)]
    run = subprocess.run([sys.executable, "-c", LIMITED, *where], capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stderr
    assert (tmp_path / "town").exists() == (code == 0)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "town") == ["first"]
    if code:
        assert "out of memory" in run.stderr and "more memory" in run.stderr, run.stderr
        assert run.stderr.startswith("lobeda: ") and run.stderr.count("\n") == 1, run.stderr
