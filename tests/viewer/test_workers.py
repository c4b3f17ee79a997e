"""Several processes of one server: started again when they end, ended together; one of them keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.viewer.districts import small
from tests.viewer.test_legal import FILLED
from twin.errors import CallError
from viewer import server, workers
from viewer.health import Health
from viewer.metrics import Metrics
from viewer.workers import Worker

# Says who it is, in one piece beside what others say at once, then waits; SIGTERM ends it.
CHILD = """
import os, time
os.write(1, f"{os.environ['LOBEDA_WORKER']} {os.getpid()}\\n".encode())
time.sleep(600)
"""
PARENT = f"""
import os, sys
from viewer.workers import supervise
supervise([[sys.executable, "-c", {CHILD!r}]] * 2, lambda text: os.write(1, f"said {{text}}\\n".encode()))
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Callable[[int], list[str]]]]:
    """A supervisor of two processes, and its output once it has so many lines."""
    out = tmp_path / "out"
    with out.open("a") as file:
        run = subprocess.Popen([sys.executable, "-c", PARENT], stdout=file, text=True)

    def lines(count: int) -> list[str]:
        until = time.monotonic() + 120
        while (said := out.read_text()).count("\n") < count and time.monotonic() < until:
            time.sleep(0.05)
        return said.splitlines()

    yield run, lines
    run.kill()
    run.wait()


def gone(process: int) -> bool:
    """Whether a process ends within a while."""
    until = time.monotonic() + 120
    while Path(f"/proc/{process}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return not Path(f"/proc/{process}").exists()


def test_what_ends_is_started_again_and_all_end_together(
    two: tuple[subprocess.Popen[str], Callable[[int], list[str]]],
) -> None:
    run, lines = two
    children = {line.split()[0]: int(line.split()[1]) for line in lines(2)}
    assert sorted(children) == [f"0/2/{run.pid}", f"1/2/{run.pid}"]
    os.kill(children[f"1/2/{run.pid}"], signal.SIGKILL)
    after = lines(4)
    assert "Process 1 ended (-9)" in after[2]
    again, process = after[3].split()
    assert again == f"1/2/{run.pid}" and int(process) != children[again]
    run.send_signal(signal.SIGTERM)
    assert run.wait(120) == 0
    assert gone(children[f"0/2/{run.pid}"]) and gone(int(process))


def test_what_would_be_refused_again_is_not_started_again() -> None:
    waits, refused = "import time; time.sleep(600)", "raise SystemExit(2)"
    commands = [[sys.executable, "-c", code] for code in (waits, refused)]
    assert workers.supervise(commands, print) == 2


def test_a_process_knows_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Worker.here() == Worker(0, 1, 0) and Worker.here().keeps and not Worker.here().orphaned
    monkeypatch.setenv(workers.VARIABLE, f"2/3/{os.getppid()}")
    assert Worker.here() == Worker(2, 3, os.getppid())
    assert not Worker.here().keeps and not Worker.here().orphaned
    assert Worker(2, 3, 1_234_567_890).orphaned


def test_metrics_say_which_process_keeps() -> None:
    for number, keeps in ((0, 1.0), (1, 0.0)):
        said = Metrics(Health({}), Worker(number, 2)).text().decode()
        assert f'lobeda_worker_keeps{{worker="{number}",workers="2"}} {keeps}' in said


def test_what_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    town = small()
    with pytest.raises(CallError, match="sample"):
        server.ready_for_several(town, "https://lobeda.example")
    own = replace(town, metadata={**town.metadata, "is_model": False})
    with pytest.raises(CallError, match="proxy"):
        server.ready_for_several(own, "")
    with pytest.raises(CallError, match="answers for"):
        server.ready_for_several(own, "https://lobeda.example", tmp_path)
    (tmp_path / "legal.yaml").write_text(FILLED, "utf-8")
    server.ready_for_several(own, "https://lobeda.example", tmp_path)
    assert {"accounts.sqlite", "participation.sqlite", "sensors.sqlite"} <= {
        file.name for file in tmp_path.iterdir()
    }
    assert workers.ports_of(5006, 3) == [5006, 5007, 5008]
    for port, count in ((0, 2), (65535, 2), (5006, 0)):
        with pytest.raises(CallError):
            workers.ports_of(port, count)
