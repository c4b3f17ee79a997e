"""Feeds in the background: started and stopped with the server, none able to take another down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sensors.store import Store
from twin.errors import SourceError
from viewer.feeds import Feeds


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
