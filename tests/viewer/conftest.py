"""The scene's script is built by `make`; tests that publish need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.viewer.districts import small
from viewer import publish as module
from viewer.state import Twin


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin.of(small())


@pytest.fixture(scope="session")
def bundle() -> Path:
    if not module.SCENE_SCRIPT.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")
    return module.SCENE_SCRIPT


@pytest.fixture(scope="session")
def site(bundle: Path, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published site of the small district."""
    return module.publish(twin.district, tmp_path_factory.mktemp("public") / "site", results=twin)
