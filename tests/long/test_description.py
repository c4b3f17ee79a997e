"""The description of all interfaces with many examples of each operation (LOBEDA_EXAMPLES for more)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.viewer.districts import small
from tests.viewer.test_description import faults
from tests.viewer.whole import whole
from viewer.state import Twin

pytestmark = pytest.mark.long
MANY = 60


def test_the_description_holds_for_many_requests(tmp_path: Path) -> None:
    with whole(Twin.of(small()), tmp_path) as served:
        found, asked = faults(served, int(os.environ.get("LOBEDA_EXAMPLES", MANY)))
    assert found == {} and asked > 150
