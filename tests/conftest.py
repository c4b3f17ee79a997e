"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def skip_or_fail(reason: str) -> NoReturn:
    """Skip with a reason, or fail where REQUIRE_ALL=1 says that nothing may be skipped."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One runner compiles all inner loops, with the manager's app, while the other has tests without any.

    Begun at once, two runners would compile the same loops twice: minutes, where nothing has been compiled.
    """

    def turn(item: pytest.Item) -> int:
        if item.path.name == "test_app.py":
            return 0
        return 1 if item.path.is_relative_to(REPOSITORY / "tests" / "sensors") else 2

    items.sort(key=turn)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test files beside the checkout (or where LOBEDA_TEST_DATA says)."""
    folder = Path(os.environ.get("LOBEDA_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        skip_or_fail(f"the real test files are not in {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache() -> Iterator[None]:
    """What programs keep between runs is kept for this run alone, also by commands that tests start."""
    with tempfile.TemporaryDirectory(prefix="lobeda-cache-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBEDA_CACHE", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_data() -> Iterator[None]:
    """Values, comments and scenarios of tests reach neither the user's data folder nor a database in use."""
    with tempfile.TemporaryDirectory(prefix="lobeda-data-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBEDA_DATA", folder)
        patch.delenv("LOBEDA_DATABASE_URL", raising=False)
        yield


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """A disk that can really be full."""
    folder = Path(tempfile.mkdtemp(prefix="lobeda-disk-", dir="/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        folder.rmdir()
        skip_or_fail("a small disk cannot be mounted here (it needs root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 4 MB."""
    with disk(4) as folder:
        yield folder
