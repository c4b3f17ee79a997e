"""The description of all interfaces, held against the whole server behind its guard, by operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from tests.viewer.whole import Whole, whole
from viewer.state import Twin

HELD = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
)  # fmt: skip
FEW = 3
"""Examples of each operation; tests/long has more."""


@pytest.fixture(scope="module")
def changing(bundle: object, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A server of its own: what is written and deleted here would be missed elsewhere."""
    with whole(twin, tmp_path_factory.mktemp("changing")) as running:
        yield running


def faults(served: Whole, examples: int) -> tuple[dict[str, str], int]:
    """What operations answer that the description does not allow; how many were asked."""
    described = schemathesis.openapi.from_url(f"{served.root}/api/openapi.json")
    operations = [found.ok() for found in described.get_all_operations()]
    found = {one.label: fault(one, served.token, examples) for one in operations}
    return {label: said for label, said in found.items() if said}, len(operations)


def fault(operation: Any, token: str, examples: int) -> str:
    """The first fault of an operation; empty: there is none."""
    held = [CHECKS.get_one(name) for name in HELD]
    private = operation.path.startswith(("/manage", "/api/scenarios", "/api/ogc/jobs", "/api/ogc/processes"))
    known = {"Authorization": f"Bearer {token}"} if private else {}

    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def hold(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=held, headers=known)

    try:
        hold()
    except BaseExceptionGroup as error:
        return "; ".join(str(one) for one in error.exceptions)
    except AssertionError as error:
        return str(error)
    return ""


def test_the_description_holds_for_whatever_is_asked(changing: Whole) -> None:
    """No 500, no undeclared status, type or header, and no body that its schema does not allow."""
    found, asked = faults(changing, FEW)
    assert found == {} and asked > 150
