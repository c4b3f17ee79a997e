"""``/metrics`` for Prometheus: requests by area, open websockets, feeds, disk, the process.

Areas are the addresses of `viewer.accounts.rights`, so that there are few of them whatever is asked; no
address of a person, no name and no query is in any figure.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensors.errors import StoreError
from viewer.accounts import rights
from viewer.health import Health
from viewer.workers import Worker

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_log = logging.getLogger("lobeda.request")


class Metrics:
    """The figures of one server."""

    def __init__(self, health: Health, worker: Worker | None = None) -> None:
        # Else each counter has a second series that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        Info("lobeda_build", "The program's version.", registry=self.registry).info(
            {"version": version("lobeda")}
        )
        self.requests = Counter(
            "lobeda_http_requests", "Answers by area, method and status.", ["area", "method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "lobeda_http_request_seconds", "Time to the end of an answer.", ["area"], registry=self.registry,
            buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )  # fmt: skip
        self.websockets = Gauge(
            "lobeda_websockets_open", "Open pages of the manager's app.", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_State(health, worker or Worker()))

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self.registry)


class _State(Collector):
    """Looked at when asked."""

    def __init__(self, health: Health, worker: Worker) -> None:
        self._health, self._worker = health, worker

    def collect(self) -> Iterator[Metric]:
        worker = GaugeMetricFamily(
            "lobeda_worker_keeps", "1: this process runs feeds and cleans up.", labels=["worker", "workers"]
        )
        worker.add_metric([str(self._worker.number), str(self._worker.of)], float(self._worker.keeps))
        yield worker
        ready = GaugeMetricFamily("lobeda_ready", "1: this part does its work.", labels=["part"])
        for name, state in self._health.checks().items():
            ready.add_metric([name], float(state == "ok"))
        yield ready
        yield GaugeMetricFamily(
            "lobeda_disk_free_bytes", "Free space where the twin writes.", self._health.free_bytes()
        )
        feeds = self._health.feeds
        if feeds is not None:
            running = GaugeMetricFamily("lobeda_feed_running", "1: the feed runs.", labels=["feed"])
            for name, runs in feeds.states().items():
                own = name in feeds.sources
                running.add_metric([name], float(feeds.running(name) if own else runs))
            yield running
            counted = CounterMetricFamily(
                "lobeda_feed_events",
                "What feeds have counted, since the store was made.",
                labels=["feed", "event"],
            )
            with suppress(StoreError):
                for feed, event, value in feeds.store.counters().itertuples(index=False):
                    counted.add_metric([feed, event], float(value))
            yield counted


class Measured:
    """ASGI middleware: counts every answer, those of the guard too, and notes it in the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with self.metrics.websockets.track_inprogress():
                await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        area = rights.need_of(str(scope["path"])).path
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(area, method, str(status)).inc()
        self.metrics.seconds.labels(area).observe(seconds)
        fields = {"area": area, "method": method, "status": status, "seconds": round(seconds, 4)}
        _log.info("request", extra={"fields": fields})
