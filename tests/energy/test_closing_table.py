"""The closing table of `make bench`: met, missed and not run."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import closing_table


def test_rows_say_what_was_met_and_what_did_not_run(tmp_path):
    file = tmp_path / "build" / "bench.json"
    for what, figure in (("chain", 7.0), ("chain", 9.54), ("nodes_package", 901.0), ("memory", 500.0)):
        closing_table.record(what, figure, file)  # the last run counts
    rows = {line.split("  ")[0]: line for line in closing_table.lines(json.loads(file.read_text()))[1:]}
    assert len(rows) == len(closing_table.ASKED)
    assert rows["chain without network against NumPy, one core"].split()[-3:] == ["×", "9.5", "met"]
    assert rows["nodes against the package iso52016"].split()[-2:] == ["901", "MISSED"]
    assert rows["memory of 1,500 buildings, annual and monthly"].split()[-3:] == ["MiB", "500", "met"]
    assert sum(line.endswith("not run") for line in rows.values()) == len(rows) - 3
    with pytest.raises(KeyError):
        closing_table.record("another", 1.0, file)
