"""Import, checks and alarms on a real PostgreSQL: what the other tests do on SQLite, once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sensors import alarms, imports, quality, watching
from sensors.store import Store
from sensors.things import NewObservation
from sensors.times import now_us, to_us
from tests.sensors.things import station

MINUTE = 60_000_000


def test_import_check_and_alarm(postgres_url: str, tmp_path: Path) -> None:
    bills = tmp_path / "bills.csv"
    bills.write_text("Zähler;Von;Bis;Verbrauch kWh\n1;01.01.2023;31.12.2023;100\n", "utf-8")
    now = now_us()
    with Store.open(postgres_url) as store:
        assert imports.import_file(store, bills, now=to_us(datetime(2026, 1, 1, tzinfo=UTC))).new == 1
        assert imports.import_file(store, bills, now=now).new == 0
        bills.write_text(bills.read_text("utf-8").replace(";100", ";-5"), "utf-8")
        assert imports.import_file(store, bills, now=now).corrected == 1
        (stream,) = store.ensure(station()).values()
        numbers = [5.0, 6, 5, 90, 5, 6, 5, 6]
        store.append([NewObservation(stream, now - (12 - n) * 10 * MINUTE, v) for n, v in enumerate(numbers)])
        summary, changes = watching.look(store, now=now)
        assert (summary.streams, summary.changed) == (2, 9)
        assert store.series(stream)["flag"].tolist() == [1, 1, 4, 4, 4, 1, 1, 1]
        assert set(quality.findings(store)["check"]) == {"range", "spike", "rate"}
        assert [alarm.kind for alarm in changes.raised] == ["silent"]
        alarms.acknowledge(store, int(alarms.alarms(store).index[0]), "Ada")
        assert alarms.alarms(store)["acknowledged_by"].tolist() == ["Ada"]
