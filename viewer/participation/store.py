"""What the public side writes and reads: topics, comments, votes, and what became of comments.

A comment is `waiting` until a moderator shows or refuses it, or `shown` at once; shown ones can be hidden
again; `deleted` ones keep their number and nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from sensors.store.database import Opened, reported
from sensors.times import now_us
from viewer.participation.database import SPACE, address, open_engine, wipe
from viewer.participation.tables import comments, decisions, topics, votes

WAITING, SHOWN, HIDDEN, REFUSED, DELETED = "waiting", "shown", "hidden", "refused", "deleted"
STATES = (WAITING, SHOWN, HIDDEN, REFUSED, DELETED)
PROPOSAL, COMMENT = "proposal", "comment"
MINUTE_US = 60_000_000
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look like another
_EMPTY = {
    "state": DELETED, "text": "", "fingerprint": "", "east_m": None, "north_m": None, "group_id": None,
    "code_digest": None, "answer": "", "answered_at": None, "reason": "",
}  # fmt: skip


@dataclass(frozen=True)
class Topic:
    """What is talked about; titles by language.

    closes_at : no comments and votes are taken from then on, in µs since 1970; None: open without end.
    closed : it is over; the store knows since when.
    """

    id: str
    titles: Mapping[str, str]
    closes_at: int | None = None
    closed: bool = False

    def is_open(self, now: int) -> bool:
        """Whether comments and votes are taken."""
        return self.closes_at is None or now < self.closes_at


@dataclass(frozen=True)
class Place:
    """A point in EPSG:25832 [m], and the privacy group of buildings that it means, if any."""

    east_m: float
    north_m: float
    group_id: str | None = None


class Comments(Opened):
    """The store; safe from any thread. See `Comments.open`.

    wiped : False while something deleted may still stand in SQLite's log.
    """

    def __init__(self, engine: Engine, space: str = SPACE) -> None:
        super().__init__(engine)
        self.space = space
        self.wiped = False

    @classmethod
    def open(cls, url: str | None = None, space: str = SPACE) -> Self:
        """Opens the comments beside the sensors' database that `url` or LOBEDA_DATABASE_URL names.

        Raises
        ------
        StoreError : the database cannot be reached, or is of a newer version.
        CallError : the address is none of SQLite or PostgreSQL.
        """
        where = address(url, space)
        with reported(where):
            return cls(open_engine(where, space), space)

    def wipe(self) -> None:
        """Makes deletions final on the disk; see `database.wipe`."""
        with reported(self.engine.url):
            self.wiped = wipe(self.engine)

    # Topics

    def sync(self, wanted: Iterable[Topic], now: int | None = None) -> None:
        """Takes the topics as they are now; one that is gone is closed from now on."""
        given = {topic.id: topic for topic in wanted}
        moment = now_us() if now is None else now
        with self.transaction() as connection:
            known = {row.id: row for row in connection.execute(sa.select(topics))}
            for topic in given.values():
                before = known[topic.id].closes_at if topic.id in known else None
                ended = before if before is not None and before <= moment else moment
                closes_at = ended if topic.closed else topic.closes_at
                values = {"titles": dict(topic.titles), "closes_at": closes_at}
                if topic.id in known:
                    connection.execute(topics.update().where(topics.c.id == topic.id).values(values))
                else:
                    connection.execute(topics.insert().values(id=topic.id, **values))
            gone = [
                name
                for name, row in known.items()
                if name not in given and (row.closes_at is None or row.closes_at > moment)
            ]
            connection.execute(topics.update().where(topics.c.id.in_(gone)).values(closes_at=moment))

    def topics(self) -> dict[str, Topic]:
        """All topics by id."""
        with self.connect() as connection:
            rows = connection.execute(sa.select(topics).order_by(topics.c.id)).all()
        return {row.id: Topic(row.id, row.titles, row.closes_at) for row in rows}

    # Comments

    def add(
        self,
        topic_id: str,
        text: str,
        place: Place | None,
        *,
        shown: bool,
        fingerprint: str,
        now: int | None = None,
    ) -> tuple[int, str]:
        """Stores a comment; its number, and the code that deletes it, which nobody can read again."""
        code = new_code()
        moment = now_us() if now is None else now
        row = {
            "topic_id": topic_id,
            "state": SHOWN if shown else WAITING,
            "text": text,
            "fingerprint": _digest(fingerprint),
            "east_m": None if place is None else float(round(place.east_m)),
            "north_m": None if place is None else float(round(place.north_m)),
            "group_id": None if place is None else place.group_id,
            "created_at": moment - moment % MINUTE_US,
            "code_digest": _digest(_plain_code(code)),
        }
        with self.transaction() as connection:
            key = connection.execute(comments.insert().values(row)).inserted_primary_key
        assert key is not None
        return int(key[0]), code

    def says(self, topic_id: str, fingerprint: str) -> bool:
        """Whether a comment that everybody can read says this already."""
        same = sa.select(comments.c.id).where(
            comments.c.topic_id == topic_id,
            comments.c.state == SHOWN,
            comments.c.fingerprint == _digest(fingerprint),
        )
        with self.connect() as connection:
            return connection.execute(same.limit(1)).first() is not None

    def shown(self, topic_id: str, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """What everybody may read, the newest first; `before`: only older ones than this number."""
        query = (
            sa.select(comments)
            .where(comments.c.topic_id == topic_id, comments.c.state == SHOWN)
            .order_by(comments.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(comments.c.id < before)
        with self.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            counted = vote_counts(connection, COMMENT, [str(row["id"]) for row in rows])
        return [{**row, **counted[str(row["id"])]} for row in rows]

    def by_code(self, code: str) -> dict[str, Any] | None:
        """The comment of a code, for its author; None: there is none."""
        query = sa.select(comments).where(comments.c.code_digest == _digest(_plain_code(code)))
        with self.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def delete_by_code(self, code: str) -> int | None:
        """Deletes the author's comment for good; its number, None: there is none of this code."""
        with self.transaction() as connection:
            found = connection.execute(
                sa.select(comments.c.id).where(comments.c.code_digest == _digest(_plain_code(code)))
            ).scalar()
            if found is None:
                return None
            empty(connection, [int(found)], "author")
        self.wipe()
        return int(found)

    # Votes

    def vote(self, target: str, target_id: str, voter: str, value: int) -> None:
        """One vote of a browser: 1 agrees, -1 disagrees, 0 withdraws; the last one counts.

        voter : the browser's random number; only its digest with the target is kept.
        """
        digest = _digest(f"{target}\n{target_id}\n{voter}")
        own = sa.and_(
            votes.c.target == target, votes.c.target_id == target_id, votes.c.voter_digest == digest
        )
        with self.transaction() as connection:
            connection.execute(votes.delete().where(own))
            if value:
                connection.execute(
                    votes.insert().values(
                        target=target, target_id=target_id, voter_digest=digest, value=value
                    )
                )

    def votes(self, target: str, target_id: str) -> dict[str, int]:
        """How many agree and disagree."""
        with self.connect() as connection:
            counted = vote_counts if target == COMMENT else topic_votes
            return counted(connection, target, [target_id])[target_id]

    def can_vote_on(self, comment_id: int) -> str | None:
        """The topic of a comment that everybody can read; None: there is none."""
        query = sa.select(comments.c.topic_id).where(comments.c.id == comment_id, comments.c.state == SHOWN)
        with self.connect() as connection:
            return connection.execute(query).scalar()

    def counts(self) -> dict[str, dict[str, int]]:
        """By topic: agree, disagree, comments by state, and how many shown ones were answered."""
        by_state = sa.select(comments.c.topic_id, comments.c.state, sa.func.count()).group_by(
            comments.c.topic_id, comments.c.state
        )
        answered = (
            sa.select(comments.c.topic_id, sa.func.count())
            .where(comments.c.state == SHOWN, comments.c.answer != "")
            .group_by(comments.c.topic_id)
        )
        with self.connect() as connection:
            names = list(connection.execute(sa.select(topics.c.id)).scalars())
            counted = topic_votes(connection, PROPOSAL, names)
            found = {name: {**dict.fromkeys(STATES, 0), "answered": 0, **counted[name]} for name in names}
            for topic_id, state, number in connection.execute(by_state):
                found[topic_id][state] = number
            for topic_id, number in connection.execute(answered):
                found[topic_id]["answered"] = number
        return found


def empty(connection: Connection, numbers: Iterable[int], actor: str, now: int | None = None) -> None:
    """Leaves nothing of comments but their numbers and that they were deleted, by whom and when."""
    chosen = list(numbers)
    for number in chosen:
        connection.execute(comments.update().where(comments.c.id == number).values(_EMPTY))
        connection.execute(
            decisions.update().where(decisions.c.comment_id == number).values(before=None, reason="")
        )
        connection.execute(votes.delete().where(votes.c.target == COMMENT, votes.c.target_id == str(number)))
        connection.execute(
            decisions.insert().values(
                comment_id=number, made_at=now_us() if now is None else now, actor=actor, action="delete"
            )
        )


def new_code() -> str:
    """A code of 16 characters, 78 bits: nobody guesses it, so that its plain digest tells nothing."""
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(16))
    return "-".join(letters[i : i + 4] for i in range(0, 16, 4))


def _plain_code(code: str) -> str:
    """A code as people type it: without case, blanks and lines."""
    return "".join(c for c in code.upper() if c in _CODE_LETTERS)


def vote_counts(connection: Connection, target: str, ids: list[str]) -> dict[str, dict[str, int]]:
    found = {name: {"agree": 0, "disagree": 0} for name in ids}
    query = (
        sa.select(votes.c.target_id, votes.c.value, sa.func.count())
        .where(votes.c.target == target, votes.c.target_id.in_(ids))
        .group_by(votes.c.target_id, votes.c.value)
    )
    for name, value, number in connection.execute(query):
        found[name]["agree" if value > 0 else "disagree"] = number
    return found


def topic_votes(connection: Connection, target: str, ids: list[str]) -> dict[str, dict[str, int]]:
    """As `vote_counts`, with the sums of those votes that are no longer kept one by one."""
    found = vote_counts(connection, target, ids)
    query = sa.select(topics.c.id, topics.c.agree, topics.c.disagree).where(topics.c.id.in_(ids))
    for name, agree, disagree in connection.execute(query):
        found[name]["agree"] += agree
        found[name]["disagree"] += disagree
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
