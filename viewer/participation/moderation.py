"""What the moderator decides on comments, each decision with its trail, the last one to be taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.times import from_us, now_us
from viewer.participation.rules import clean
from viewer.participation.store import (
    COMMENT,
    DELETED,
    HIDDEN,
    PROPOSAL,
    REFUSED,
    SHOWN,
    STATES,
    WAITING,
    Comments,
    empty,
    vote_counts,
)
from viewer.participation.tables import comments, decisions, topics, votes
from viewer.spreadsheets import cell

ANSWER_MAX = 4_000
"""Characters of an answer or a reason."""
PAGE = 50
LARGEST = 2**53
"""What a page's script can still count; a database's numbers end a little later."""
RETENTION = "retention"
"""Who deletes by rule."""
_TO = {"show": SHOWN, "hide": HIDDEN, "refuse": REFUSED}
_MAY: Mapping[str, tuple[str, ...]] = {
    "show": (WAITING, HIDDEN, REFUSED),
    "hide": (SHOWN,),
    "refuse": (WAITING, HIDDEN),
    "answer": (WAITING, SHOWN, HIDDEN),
    "delete": (WAITING, SHOWN, HIDDEN, REFUSED),
}
_KEPT = ("state", "answer", "answered_at", "reason")


class NotPossible(Exception):  # noqa: N818 - the moderator hears why
    """A decision that cannot be made. `reason` is a text key behind ``moderation.cannot_``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decide(store: Comments, comment_id: int, action: str, text: str = "", *, actor: str = "moderator") -> int:
    """Show, hide, refuse (with a reason), answer (no text: take the answer back) or delete; its number.

    Raises
    ------
    NotPossible : there is no such comment, its state does not allow it, or a reason is missing or too long.
    """
    said = clean(text)
    if action not in _MAY:
        raise NotPossible("unknown")
    if len(said) > ANSWER_MAX:
        raise NotPossible("long")
    if action == "refuse" and not said:
        raise NotPossible("reason")
    with store.transaction() as connection:
        row = _row(connection, comment_id)
        if row["state"] not in _MAY[action]:
            raise NotPossible("state")
        if action == "delete":
            empty(connection, [comment_id], actor)
        else:
            _change(connection, row, action, said, actor)
        last = connection.execute(
            sa.select(sa.func.max(decisions.c.id)).where(decisions.c.comment_id == comment_id)
        ).scalar()
    if action == "delete":
        store.wipe()
    return int(last or 0)


def _change(connection: Connection, row: Mapping[str, Any], action: str, said: str, actor: str) -> None:
    if action == "answer":
        values: dict[str, Any] = {"answer": said, "answered_at": now_us() if said else None}
    else:
        values = {"state": _TO[action], "reason": "" if action == "show" else said}
    connection.execute(comments.update().where(comments.c.id == row["id"]).values(values))
    connection.execute(
        decisions.insert().values(
            comment_id=row["id"], made_at=now_us(), actor=actor, action=action, reason=said,
            before={name: row[name] for name in _KEPT},
        )
    )  # fmt: skip


def undo(store: Comments, decision_id: int, *, actor: str = "moderator") -> int:
    """Takes back the last decision on a comment; the comment's number. A deletion is for good.

    Raises
    ------
    NotPossible : it is none, was taken back already, or something was decided since.
    """
    if not 0 < decision_id < LARGEST:
        raise NotPossible("undo")
    with store.transaction() as connection:
        made = (
            connection.execute(sa.select(decisions).where(decisions.c.id == decision_id)).mappings().first()
        )
        if made is None or made["before"] is None or made["undone_at"] is not None:
            raise NotPossible("undo")
        later = sa.select(decisions.c.id).where(
            decisions.c.comment_id == made["comment_id"],
            decisions.c.id > decision_id,
            decisions.c.undone_at.is_(None),
            decisions.c.action != "undo",
        )
        if connection.execute(later.limit(1)).first() is not None:
            raise NotPossible("undo")
        connection.execute(
            comments.update().where(comments.c.id == made["comment_id"]).values(made["before"])
        )
        connection.execute(decisions.update().where(decisions.c.id == decision_id).values(undone_at=now_us()))
        connection.execute(
            decisions.insert().values(
                comment_id=made["comment_id"], made_at=now_us(), actor=actor, action="undo"
            )
        )
    return int(made["comment_id"])


def listed(
    store: Comments, *, state: str = "", topic_id: str = "", query: str = "", before: int | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """A page of comments with votes and trail, and whether there are more.

    What waits comes oldest first, as it was sent; everything else newest first.
    `query` : all its words stand in text, answer or reason; #7 is the number.
    `before` : the number of the last one on the page before.
    """
    rising = state == WAITING
    chosen = sa.select(comments).order_by(comments.c.id if rising else comments.c.id.desc())
    if state:
        chosen = chosen.where(comments.c.state == state)
    if topic_id:
        chosen = chosen.where(comments.c.topic_id == topic_id)
    if before is not None:
        chosen = chosen.where(comments.c.id > before if rising else comments.c.id < before)
    words = query.casefold().split()
    rows: list[dict[str, Any]] = []
    with store.connect() as connection:
        # Databases fold ASCII alone, so umlauts are compared here.
        for row in connection.execute(chosen).mappings():
            found = f"#{row['id']} {row['text']} {row['answer']} {row['reason']}".casefold()
            if all(word in found for word in words):
                rows.append(dict(row))
                if len(rows) > PAGE:
                    break
        more = len(rows) > PAGE
        return _with_trail(connection, rows[:PAGE]), more


def one(store: Comments, comment_id: int) -> dict[str, Any]:
    """A comment with votes and trail.

    Raises
    ------
    NotPossible : there is none.
    """
    with store.connect() as connection:
        return _with_trail(connection, [_row(connection, comment_id)])[0]


def _row(connection: Connection, comment_id: int) -> dict[str, Any]:
    if not 0 < comment_id < LARGEST:
        raise NotPossible("gone")
    row = connection.execute(sa.select(comments).where(comments.c.id == comment_id)).mappings().first()
    if row is None:
        raise NotPossible("gone")
    return dict(row)


def _with_trail(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = [row["id"] for row in rows]
    counted = vote_counts(connection, COMMENT, [str(number) for number in numbers])
    trail: dict[int, list[dict[str, Any]]] = {number: [] for number in numbers}
    made = sa.select(decisions).where(decisions.c.comment_id.in_(numbers)).order_by(decisions.c.id)
    for row in connection.execute(made).mappings():
        trail[row["comment_id"]].append(dict(row))
    return [{**row, **counted[str(row["id"])], "trail": trail[row["id"]]} for row in rows]


def newest(store: Comments) -> int | None:
    """When the newest comment was sent, in microseconds since 1970."""
    with store.connect() as connection:
        found: int | None = connection.execute(sa.select(sa.func.max(comments.c.created_at))).scalar()
    return found


def retain(store: Comments, months: int, *, now: int | None = None) -> int:
    """Deletes the comments of topics that closed `months` ago or earlier; how many.

    Who decided what on them goes too, and of votes on the topics only sums stay. A month has 30.44 days.
    """
    moment = now_us() if now is None else now
    ended = sa.select(topics.c.id).where(
        topics.c.closes_at <= moment - round(months * 30.44 * 86_400_000_000)
    )
    with store.transaction() as connection:
        due = list(
            connection.execute(
                sa.select(comments.c.id).where(comments.c.topic_id.in_(ended), comments.c.state != DELETED)
            ).scalars()
        )
        of_topics = sa.select(comments.c.id).where(comments.c.topic_id.in_(ended))
        trail = decisions.delete().where(
            decisions.c.comment_id.in_(of_topics), decisions.c.actor != RETENTION
        )
        gone = connection.execute(trail).rowcount
        empty(connection, due, RETENTION, moment)
        gone += _sum_votes(connection, list(connection.execute(ended).scalars()))
    if due or gone:
        store.wipe()
    return len(due)


def _sum_votes(connection: Connection, ended: list[str]) -> int:
    """Leaves of the votes on topics only how many agreed and disagreed; how many votes are gone."""
    for name, counted in vote_counts(connection, PROPOSAL, ended).items():
        sums = {kind: topics.c[kind] + number for kind, number in counted.items()}
        connection.execute(topics.update().where(topics.c.id == name).values(sums))
    once = votes.delete().where(votes.c.target == PROPOSAL, votes.c.target_id.in_(ended))
    return int(connection.execute(once).rowcount)


def as_csv(store: Comments) -> bytes:
    """All comments that are not deleted, for a spreadsheet: no cell is a formula; UTF-8 with its mark."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(
        ["number", "proposal", "state", "sent", "east_m", "north_m", "group", "agree", "disagree", "text",
         "answer", "reason"]
    )  # fmt: skip
    with store.connect() as connection:
        chosen = sa.select(comments).where(comments.c.state != DELETED).order_by(comments.c.id)
        for row in _with_trail(connection, [dict(row) for row in connection.execute(chosen).mappings()]):
            place = ["" if row[name] is None else round(row[name]) for name in ("east_m", "north_m")]
            texts = [cell(row[name]) for name in ("text", "answer", "reason")]
            sent = from_us(row["created_at"]).strftime("%Y-%m-%dT%H:%MZ")
            writer.writerow(
                [row["id"], cell(row["topic_id"]), row["state"], sent, *place, cell(row["group_id"] or ""),
                 row["agree"], row["disagree"], *texts]
            )  # fmt: skip
    return stream.getvalue().encode("utf-8-sig")


def totals(store: Comments) -> dict[str, int]:
    """How many comments there are in each state."""
    query = sa.select(comments.c.state, sa.func.count()).group_by(comments.c.state)
    with store.connect() as connection:
        return {**dict.fromkeys(STATES, 0), **{row[0]: row[1] for row in connection.execute(query)}}


def last_decision(store: Comments) -> dict[str, Any] | None:
    """The moderator's last decision that can be taken back; None: there is none."""
    query = (
        sa.select(decisions.c.id, decisions.c.comment_id, decisions.c.action)
        .where(decisions.c.before.is_not(None), decisions.c.undone_at.is_(None))
        .order_by(decisions.c.id.desc())
        .limit(1)
    )
    with store.connect() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)
