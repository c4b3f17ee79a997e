"""Comments, votes, decisions and deletion in SQLite and PostgreSQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.database import create_engine, database_url
from tests.sensors.conftest import postgres  # noqa: F401 - a fixture
from tests.sensors.postgres import Postgres
from tests.sensors.test_migrations import definitions
from viewer.participation import moderation
from viewer.participation.migrations import HEAD
from viewer.participation.moderation import NotPossible, decide, undo
from viewer.participation.store import COMMENT, PROPOSAL, Comments, Place, Topic
from viewer.participation.tables import metadata

DAY_US = 86_400_000_000
TOPICS = [Topic("trees", {"de": "Bäume"}), Topic("roofs", {"de": "Dächer"})]


@pytest.fixture(scope="module")
def postgres_url(request: pytest.FixtureRequest) -> str:
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the sensors stand; the comments are beside."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sensors.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[Comments]:
    with Comments.open(url) as opened:
        with opened.transaction() as connection:  # of the test before
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        opened.sync(TOPICS)
        yield opened


def add(store: Comments, text: str = "Mehr Bäume!", topic: str = "trees", shown: bool = False) -> int:
    return store.add(topic, text, None, shown=shown, fingerprint=text)[0]


def states(store: Comments) -> dict[str, int]:
    return {name: number for name, number in moderation.totals(store).items() if number}


def test_tables_are_those_that_migrations_make(tmp_path: Path) -> None:
    made = create_engine(database_url(f"sqlite:///{tmp_path / 'made.sqlite'}"))
    metadata.create_all(made)
    with Comments.open(f"sqlite:///{tmp_path / 'sensors.sqlite'}") as store:
        migrated = {row for row in definitions(store.engine) if row[0] != "alembic_version"}
    assert migrated == definitions(made)
    made.dispose()


def test_sensors_stand_beside_and_apart(store: Comments, url: str) -> None:
    add(store)
    with Store.open(url) as sensors, sensors.connect() as connection:
        assert not sa.inspect(connection).has_table("comments")
    with Comments.open(url, "participation_sample") as other:
        assert other.topics() == {} and states(store) == {"waiting": 1}


def test_a_newer_database_is_refused(store: Comments, url: str) -> None:
    def number(version: str) -> None:
        with store.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")

    number("9999")
    with pytest.raises(StoreError, match="newer version"):
        Comments.open(url)
    number(HEAD)


def test_waits_is_shown_answered_hidden(store: Comments) -> None:
    number = add(store)
    assert store.shown("trees") == [] and states(store) == {"waiting": 1}
    decide(store, number, "answer", "Danke,\nwir prüfen das.")
    assert store.shown("trees") == []  # an answer alone shows nothing
    decide(store, number, "show")
    (row,) = store.shown("trees")
    assert (row["text"], row["answer"]) == ("Mehr Bäume!", "Danke,\nwir prüfen das.")
    assert store.counts()["trees"]["answered"] == 1
    decide(store, number, "hide", "Streit")
    assert store.shown("trees") == [] and states(store) == {"hidden": 1}
    (row,), more = moderation.listed(store)
    assert not more and row["reason"] == "Streit"
    assert [one["action"] for one in row["trail"]] == ["answer", "show", "hide"]


def test_only_what_the_state_allows(store: Comments) -> None:
    number = add(store)
    for action, reason in (("hide", "state"), ("refuse", "reason"), ("publish", "unknown")):
        with pytest.raises(NotPossible, match=reason):
            decide(store, number, action)
    with pytest.raises(NotPossible, match="long"):
        decide(store, number, "answer", "x" * 4001)
    for unknown in (0, -1, 999_999, 2**80):
        with pytest.raises(NotPossible, match="gone"):
            decide(store, unknown, "show")
    decide(store, number, "delete")
    with pytest.raises(NotPossible, match="state"):
        decide(store, number, "show")


def test_decisions_are_taken_back_from_the_last(store: Comments) -> None:
    number = add(store)
    answered = decide(store, number, "answer", "Danke.")
    refused = decide(store, number, "refuse", "Werbung")
    with pytest.raises(NotPossible, match="undo"):
        undo(store, answered)
    assert moderation.last_decision(store) == {"id": refused, "comment_id": number, "action": "refuse"}
    assert undo(store, refused) == number
    row = moderation.one(store, number)
    assert (row["state"], row["reason"], row["answer"]) == ("waiting", "", "Danke.")
    with pytest.raises(NotPossible, match="undo"):
        undo(store, refused)
    undo(store, answered)
    assert moderation.one(store, number)["answer"] == ""
    trail = moderation.one(store, number)["trail"]
    assert [(one["action"], one["undone_at"] is not None) for one in trail] == [
        ("answer", True), ("refuse", True), ("undo", False), ("undo", False),
    ]  # fmt: skip


def test_deletion_leaves_a_number_and_nothing_else(store: Comments) -> None:
    number, code = store.add(
        "trees", "Geheimnis", Place(683_000.4, 5.64e6, "g7"), shown=True, fingerprint="x"
    )
    decide(store, number, "answer", "Liebe Frau Geheimnis")
    store.vote(COMMENT, str(number), "v" * 22, 1)
    assert store.delete_by_code("FALSCH") is None
    assert store.delete_by_code(code.lower().replace("-", " ")) == number
    assert store.delete_by_code(code) is None and store.by_code(code) is None
    row = moderation.one(store, number)
    kept = {
        key: row[key]
        for key in ("state", "text", "answer", "reason", "east_m", "group_id", "code_digest", "agree")
    }
    assert kept == {
        "state": "deleted", "text": "", "answer": "", "reason": "", "east_m": None, "group_id": None,
        "code_digest": None, "agree": 0,
    }  # fmt: skip
    assert [(one["action"], one["actor"], one["before"], one["reason"]) for one in row["trail"]] == [
        ("answer", "moderator", None, ""), ("delete", "author", None, ""),
    ]  # fmt: skip
    assert moderation.last_decision(store) is None
    assert store.counts()["trees"]["deleted"] == 1


def test_deleted_text_is_gone_from_the_disk(tmp_path: Path) -> None:
    """Also after pages were split, merged and written again, and while another connection is open."""
    url = f"sqlite:///{tmp_path / 'sensors.sqlite'}"
    with Comments.open(url) as store, Comments.open(url) as other:
        store.sync(TOPICS)
        codes = [
            store.add(
                "trees", f"Geheim{n:03} " * (1 + 37 * n % 200), None, shown=n % 2 == 0, fingerprint=str(n)
            )
            for n in range(40)
        ]
        for number, _ in codes[::3]:
            decide(store, number, "answer", f"Antwort{number:03} " * 30)
        assert len(other.shown("trees")) == 20

        def stored() -> bytes:
            return b"".join(file.read_bytes() for file in tmp_path.glob("participation.sqlite*"))

        assert b"Geheim012" in stored() and b"Antwort013" in stored()
        for _, code in codes[::2]:
            store.delete_by_code(code)
        left = stored()
        assert [n for n in range(0, 40, 2) if f"Geheim{n:03}".encode() in left] == []
        assert [n for n in range(1, 41, 6) if f"Antwort{n:03}".encode() in left] == []
        assert all(f"Geheim{n:03}".encode() in left for n in range(1, 40, 2))


def test_one_vote_of_a_browser(store: Comments) -> None:
    number = str(add(store, shown=True))
    for value in (1, -1, -1):
        store.vote(PROPOSAL, "trees", "a" * 22, value)
    store.vote(PROPOSAL, "trees", "b" * 22, 1)
    store.vote(COMMENT, number, "a" * 22, 1)
    assert store.votes(PROPOSAL, "trees") == {"agree": 1, "disagree": 1}
    assert store.votes(COMMENT, number) == {"agree": 1, "disagree": 0}
    store.vote(PROPOSAL, "trees", "a" * 22, 0)
    assert store.votes(PROPOSAL, "trees") == {"agree": 1, "disagree": 0}
    with store.connect() as connection:  # no two votes of one browser look alike
        digests = list(connection.execute(sa.text("SELECT voter_digest FROM votes")).scalars())
    assert len(set(digests)) == 2 and "a" * 22 not in digests


def test_closed_and_vanished_topics(store: Comments) -> None:
    store.sync([Topic("trees", {"de": "Bäume"}, closed=True)], now=1_000)
    found = store.topics()
    assert (found["trees"].closes_at, found["roofs"].closes_at) == (1_000, 1_000)
    store.sync([Topic("trees", {"de": "Bäume"}, closed=True), TOPICS[1]], now=2_000)
    assert store.topics()["trees"].closes_at == 1_000  # since when it is closed
    assert store.topics()["roofs"].is_open(2_000)


def test_retention_begins_when_a_topic_closes(store: Comments) -> None:
    ours = add(store)
    add(store, topic="roofs")
    store.vote(PROPOSAL, "trees", "a" * 22, 1)
    store.vote(PROPOSAL, "trees", "b" * 22, -1)
    store.vote(PROPOSAL, "trees", "c" * 22, 1)
    store.vote(PROPOSAL, "roofs", "a" * 22, 1)
    decide(store, ours, "refuse", "Ohne Bezug", actor="erika")
    store.sync([Topic("trees", {"de": "Bäume"}, closed=True), TOPICS[1]], now=0)
    assert moderation.retain(store, 12, now=364 * DAY_US) == 0
    assert moderation.retain(store, 12, now=366 * DAY_US) == 1
    assert moderation.retain(store, 12, now=366 * DAY_US) == 0
    assert [one["actor"] for one in moderation.one(store, ours)["trail"]] == ["retention"]
    assert states(store) == {"deleted": 1, "waiting": 1}
    with store.connect() as connection:  # sums alone are left of the votes on what has ended
        left = connection.execute(sa.text("SELECT target_id FROM votes")).scalars().all()
    assert left == ["roofs"] and store.votes(PROPOSAL, "trees") == {"agree": 2, "disagree": 1}
    assert (store.counts()["trees"]["agree"], store.counts()["roofs"]["agree"]) == (2, 1)


def test_list_pages_filters_and_finds(store: Comments) -> None:
    numbers = [add(store, f"ÄRGER Nummer {n}.", shown=n % 2 == 0) for n in range(130)]
    first, more = moderation.listed(store, state="waiting")
    assert more and [row["id"] for row in first] == numbers[1:100:2]  # as they came
    second, more = moderation.listed(store, state="waiting", before=first[-1]["id"])
    assert not more and [row["id"] for row in second] == numbers[101::2]
    newest, _ = moderation.listed(store, state="shown")
    assert newest[0]["id"] == numbers[128]
    found, _ = moderation.listed(store, query="77. ärger")
    assert [row["id"] for row in found] == [numbers[77]]
    assert moderation.listed(store, topic_id="roofs") == ([], False)
    page = store.shown("trees", before=numbers[10], limit=3)
    assert [row["id"] for row in page] == [numbers[8], numbers[6], numbers[4]]


def test_spreadsheets_find_no_formula(store: Comments) -> None:
    add(store, '=HYPERLINK("http://x")')
    decide(store, add(store, "zweite\nZeile; mit, Zeichen"), "refuse", "@ort")
    deleted = add(store, "weg")
    decide(store, deleted, "delete")
    content = moderation.as_csv(store)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [(row["text"], row["state"], row["reason"]) for row in rows] == [
        ("'=HYPERLINK(\"http://x\")", "waiting", ""), ("zweite\nZeile; mit, Zeichen", "refused", "'@ort"),
    ]  # fmt: skip
