"""Feeds in the background: started and stopped with the server, none able to take another down."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sensors.store import Store
from tests.viewer.districts import small
from twin.errors import SourceError
from viewer.feeds import REPLAY, Feeds, replayed


def test_feeds_run_until_stopped_and_can_be_started_again(tmp_path: Path) -> None:
    starts: list[str] = []
    began = threading.Semaphore(0)

    def source(store: Store, stop: threading.Event) -> None:
        starts.append(str(store.engine.url))
        began.release()
        stop.wait(30)

    with Feeds(Store.open(f"sqlite:///{tmp_path / 'a.db'}"), {"one": source}) as feeds:
        assert began.acquire(timeout=10)
        assert feeds.running("one")
        feeds.stop("one")
        assert not feeds.running("one")
        feeds.start("one")
        feeds.start("one")  # it runs already
        assert began.acquire(timeout=10)
    assert len(starts) == 2
    assert not feeds.running("one")


def test_a_feed_that_fails_says_why_and_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(store: Store, stop: threading.Event) -> None:
        raise SourceError("the file is gone", "a.csv", "Bring it back")

    def whole(store: Store, stop: threading.Event) -> None:
        stop.wait(30)

    with Feeds(Store.open(f"sqlite:///{tmp_path / 'a.db'}"), {"broken": broken, "whole": whole}) as feeds:
        thread = feeds._running["broken"][0]
        thread.join(10)
        assert not feeds.running("broken")
        assert feeds.running("whole")
        assert feeds.failed("broken") == "a.csv: the file is gone. Bring it back."
        assert feeds.failed("whole") == ""
    assert "the feed broken ended: a.csv" in capsys.readouterr().err


def test_simulated_feed_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Values come without the server doing anything, all of them labelled."""
    folder = tmp_path / "district"
    small().save(folder)
    store = Store.open(f"sqlite:///{tmp_path / 'a.db'}")
    with Feeds(store, {REPLAY: replayed(str(folder))}) as feeds:
        deadline = time.monotonic() + 120
        while not (store.streams()["count"] > 0).any() and time.monotonic() < deadline:
            assert feeds.running(REPLAY), feeds.failed(REPLAY)
            time.sleep(0.2)
        table = store.streams()
        assert table["simulated"].all() and (table["count"] > 0).any()
        feeds.stop(REPLAY)
        assert not feeds.running(REPLAY)


def test_a_district_that_is_gone_ends_the_feed_with_a_reason(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'a.db'}")
    with Feeds(store, {REPLAY: replayed(str(tmp_path / "gone"))}) as feeds:
        feeds._running[REPLAY][0].join(120)
        assert "gone" in feeds.failed(REPLAY)
