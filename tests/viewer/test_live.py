"""What a page is told of the sensors: everything once, then what is new; histories, alarms."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensors import alarms, soil
from sensors.store import Store
from sensors.things import NewObservation
from sensors.times import now_us
from tests.viewer import feeding
from twin.errors import CallError
from viewer import history, metered
from viewer.board import Board, bare
from viewer.feeds import Feeds
from viewer.live import Live
from viewer.state import Twin


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, dict[str, int]]]:
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('live') / 'live.db'}") as store:
        yield store, feeding.fill(store, "west-0")


class Page:
    """Takes what a page would be told."""

    def __init__(self, twin: Twin, store: Store) -> None:
        self.told: dict[str, Any] = {}
        self.times = 0
        self.errors: list[str] = []
        feeds = Feeds(store, {})
        self.live = Live(
            twin, feeds, Board(store), "de", show=self.take, mark=self.take, fail=self.errors.append
        )

    def take(self, **values: Any) -> None:
        self.told |= values
        self.times += 1

    def look(self) -> dict[str, Any]:
        """What is told at a look."""
        self.told = {}
        self.live.take(self.live.board.look(fresh=True))
        return self.told


@pytest.fixture
def page(twin: Twin, filled: tuple[Store, dict[str, int]]) -> Page:
    return Page(twin, filled[0])


def test_everything_comes_once_then_only_what_is_new(
    page: Page, filled: tuple[Store, dict[str, int]]
) -> None:
    store, ids = filled
    first = page.look()
    names = {thing["name"]: thing for thing in first["sensors"]["things"]}
    assert set(names) == {feeding.NAMED, "Wärmezähler Test", "Bodenfeuchte Test", "Raumklima Test"}
    assert all(thing["simulated"] for thing in names.values()) and first["sensors"]["simulated"]
    assert names["Raumklima Test"]["read"]["state"] == "waiting"
    assert {marker["title"] for marker in first["markers"]} == set(names) - {"Raumklima Test"}
    assert page.look() == {}
    store.append([NewObservation(ids["weather/temp"], now_us(), 21.5)])
    news = page.look()
    assert set(news) == {"readings", "marker_news"}
    (told,) = news["readings"]["of"].values()
    assert told["value"] == "21,5\u00a0°C" and told["state"] == "ok"
    assert len(json.dumps(news, ensure_ascii=False)) < 300  # bytes pushed for one value


def test_place_and_potential_are_those_of_the_thing(page: Page) -> None:
    told = page.look()
    marker = next(m for m in told["markers"] if m["kind"] == "heat_meter")
    assert marker["building_id"] == "west-0"
    weather = next(m for m in told["markers"] if m["kind"] == "weather")
    assert weather["xy"] == pytest.approx([683_060.0, 5_640_085.0], abs=0.1)
    probe = next(m for m in told["markers"] if m["kind"] == "soil_moisture")
    assert probe["colour"] == ""  # until the area's state is reckoned
    page.live.tend([])
    probe = next(m for m in page.told["markers"] if m["kind"] == "soil_moisture")
    assert probe["colour"] == soil.colour(np.log10(10 * 30.0 + 100)) == "green"


def test_hover_says_value_age_and_that_it_is_simulated(page: Page) -> None:
    told = page.look()
    thing = next(t["id"] for t in told["sensors"]["things"] if t["kind"] == "soil_moisture")
    shown = page.live.hover(thing)
    assert shown["title"] == "Bodenfeuchte Test"
    assert "kPa" in shown["line"] and "vor " in shown["line"] and "simulierte Messreihe" in shown["line"]
    assert "Batterie" not in shown["line"]
    assert page.live.hover(10**9) == {}


@pytest.mark.parametrize(
    ("range_", "step", "most"), [("week", "hour", 169), ("month", "hour", 745), ("year", "day", 42)]
)
def test_history_comes_by_roll_ups(
    filled: tuple[Store, dict[str, int]], range_: str, step: str, most: int
) -> None:
    store, ids = filled
    now = datetime.fromtimestamp(now_us() / 1e6, UTC)
    data = history.chart_data(store, ids["heat/heat"], range_, now, sums=True)
    assert data["step"] == step and 0 < len(data["t"]) <= most
    assert len(data["t"]) == len(data["v"]) == len(data["low"]) == len(data["high"])
    raw = store.series(ids["heat/heat"])["result"]
    if range_ == "year":
        assert sum(data["v"]) == pytest.approx(raw.sum(), rel=1e-4)
    assert json.dumps(data)


def test_dense_day_is_binned_with_its_extremes_and_flags(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'dense.db'}") as store:
        ids = feeding.fill(store, None, days=2)
        now = now_us()
        times = now - np.arange(7200, 0, -1) * 10_000_000
        stored = store.append(
            [NewObservation(ids["weather/temp"], int(t), float(i % 10)) for i, t in enumerate(times)]
        )
        store.set_flags(ids["weather/temp"], {stored[3600].id: 4})
        end = datetime.fromtimestamp(now / 1e6, UTC)
        data = history.chart_data(store, ids["weather/temp"], "day", end, sums=False)
    assert len(data["t"]) <= history.MOST_POINTS + 1
    assert max(v for v in data["high"] if v is not None) >= 9 and 0.0 in data["low"]
    assert [flag for _, flag, _ in data["flags"]] == [4]
    assert data["flags"][0][2] == 0.0  # where its mark stands


@pytest.mark.parametrize(
    ("hours", "step_s", "expected"),
    [
        ([0, 6, 12, 18], 1, []),  # every six hours, whatever the chart's step
        ([0, 6, 12, 18], 3600, []),
        ([0, 1, 2, 9, 10, 11], 3600, [3]),
        ([0, 6, 12, 18, 18.1, 18.2, 18.3, 18.4, 18.5, 18.6, 18.7, 18.8], 1, []),  # then often
        ([0, 0.1, 0.2, 0.3, 6, 6.1, 6.2, 6.3], 1, [4]),
        ([0, 1, 2, 3, 30, 60, 61, 62, 63], 3600, [4, 5]),  # a lone point
        ([5], 1, []),
        ([], 1, []),
    ],
)
def test_line_joins_points_at_the_usual_interval(
    hours: list[float], step_s: int, expected: list[int]
) -> None:
    assert history.breaks((np.array(hours, float) * 3600).astype(np.int64), step_s) == expected


def test_unknown_range_is_refused(filled: tuple[Store, dict[str, int]]) -> None:
    store, ids = filled
    with pytest.raises(CallError, match="there is no range 'century'"):
        history.chart_data(store, ids["heat/heat"], "century", datetime.now(UTC), sums=False)


def test_alarm_shows_until_it_is_over_and_is_acknowledged(tmp_path: Path, twin: Twin) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'alarms.db'}") as store:
        ids = feeding.fill(store, None, days=1)
        page = Page(twin, store)
        page.look()
        store.append([NewObservation(ids["weather/temp"], now_us() + i, 20.0) for i in range(3)])
        alarms.watch(store, now=now_us() + 24 * 3_600_000_000)
        told = page.look()
        silent = [alarm for alarm in told["alarms"] if alarm["kind"] == "silent"]
        assert silent and "Keine Daten seit" in silent[0]["reason"] and silent[0]["seen_by"] is None
        assert "silent" in {news[0] for news in told["marker_news"].values()}
        page.told = {}
        page.live.receive({"type": "acknowledge", "alarm": silent[0]["id"]})
        seen = next(alarm for alarm in page.told["alarms"] if alarm["id"] == silent[0]["id"])
        assert seen["seen_by"] == "Quartiersplanung"
        later = alarms.alarms(store).iloc[[0, 0]].set_axis([1, 2])
        later["acknowledged_by"] = ["Quartiersplanung", None]
        assert [row["id"] for row in page.live._alarms(later)] == [2, 1]


def test_all_alarms_at_once_and_back(tmp_path: Path, twin: Twin) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'alarms.db'}") as store:
        ids = feeding.fill(store, None, days=1)
        page = Page(twin, store)
        for stream in ids.values():
            store.append([NewObservation(stream, now_us() + i, 20.0) for i in range(3)])
        alarms.watch(store, now=now_us() + 24 * 3_600_000_000)
        waiting = [alarm["id"] for alarm in page.look()["alarms"]]
        assert len(waiting) > 1
        alarms.acknowledge(store, waiting[0], "Ada")
        page.look()
        page.live.receive({"type": "acknowledge_all"})
        assert {a["id"]: a["seen_by"] for a in page.told["alarms"]} == {
            number: "Ada" if number == waiting[0] else "Quartiersplanung" for number in waiting
        }
        page.live.receive({"type": "withdraw", "alarms": waiting[1:]})
        assert {a["id"] for a in page.told["alarms"] if a["seen_by"] is None} == set(waiting[1:])
        with pytest.raises(CallError):
            alarms.acknowledge_all(store, " ")


def test_names_in_the_language_of_the_page(tmp_path: Path, twin: Twin) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'names.db'}") as store:
        for spec in feeding.things(None):
            named = {"name_de": "Wetter", "name_en": "Weather"} if spec.key == "weather" else {}
            store.ensure(dataclasses.replace(spec, properties={**spec.properties, **named}))
        device = next(d for d in Board(store).look().devices.values() if d.kind == "weather")
        assert [device.called(language) for language in ("de", "en", "fr")] == [
            "Wetter", "Weather", feeding.NAMED
        ]  # fmt: skip


def test_other_messages_are_not_its_own(page: Page) -> None:
    assert not page.live.receive({"type": "colour", "id": "co2"})


def test_feed_that_runs_says_so(tmp_path: Path, twin: Twin) -> None:
    entered = threading.Event()

    def source(store: Store, stop: threading.Event) -> None:
        entered.set()
        stop.wait()

    with Feeds(Store.open(f"sqlite:///{tmp_path / 'feed.db'}"), {"replay": source}) as feeds:
        assert entered.wait(10)
        told: dict[str, Any] = {}
        live = Live(twin, feeds, Board(feeds.store), "en", show=told.update, mark=told.update, fail=print)
        live.take(live.board.look())
        assert told["feed"] == {"there": True, "running": True, "failed": ""}
        feeds.stop("replay")
        live.take(live.board.look(fresh=True))
        assert told["feed"]["running"] is False


def test_names_lose_the_words_the_app_says_beside_them() -> None:
    assert bare("Wetter (simulierte Messreihe / simulated feed)") == "Wetter"
    assert bare("Wetter (Nord)") == "Wetter (Nord)"


def test_heat_meter_is_held_against_the_model(twin: Twin, filled: tuple[Store, dict[str, int]]) -> None:
    store, ids = filled
    glance = Board(store).look()
    device = next(d for d in glance.devices.values() if d.kind == "heat_meter")
    buildings = metered.buildings_of(device, twin.district)
    assert buildings == ["west-0", "west-1", "west-2"]  # those of its block
    end = datetime.fromtimestamp(now_us() / 1e6, UTC)
    data = history.chart_data(store, ids["heat/heat"], "month", end, sums=True)
    found = metered.modelled(twin.case, buildings, data, "kW.h", hot_water=True)
    assert len(found["model"]) == len(data["t"]) and found["typical_weather"]
    measured, model = (np.array(values, float) for values in (data["v"], found["model"]))
    known = np.isfinite(measured) & np.isfinite(model)
    assert known.sum() > 600 and (model[known] > 0).all()
    # ASHRAE Guideline 14-2014, with p = 1.
    bias = (measured - model)[known].sum() / ((known.sum() - 1) * measured[known].mean())
    assert found["agreement"]["nmbe"] == pytest.approx(bias, rel=1e-3)


def test_watering_shows_areas_by_colour_and_trees_by_litre(
    page: Page, filled: tuple[Store, dict[str, int]]
) -> None:
    store, ids = filled
    page.look()
    store.append([NewObservation(ids["soil/potential-30"], now_us(), -600.0)])  # pF 3.8: red
    found = page.live.care.outlooks()
    page.told = {}
    page.live.tend(found)
    told = page.told["watering"]
    assert [(area["name"], area["colour"], area["pf"]) for area in told["areas"]] == [("Test", "red", "3,8")]
    assert told["simulated"] and {tree["tree"] for tree in told["trees"]} == {"t1", "t2"}
    assert told["litres"] == sum(tree["litres"] for tree in told["trees"]) > 0
    marks = {mark["id"]: mark for mark in page.told["markers"]}
    assert marks["tree:t1"]["colour"] == "red" and marks["tree:t1"]["text"].endswith("l")
    assert page.live.hover_tree("tree:t1")["title"] == "Tilia cordata t1"
    page.told = {}
    page.live.tend(found)
    assert page.told == {}
