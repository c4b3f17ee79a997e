"""The table of one page: made while it is open, anew when what it shows changes, and handed out as a file."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import panel as pn

from twin.errors import CallError, TwinError
from twin.sample.inputs import slug
from viewer import tables, texts
from viewer.accounts.requests import Note, nowhere
from viewer.board import Board
from viewer.state import State
from viewer.tables import KINDS, Kind, Table

_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv;charset=utf-8",
    "csv_german": "text/csv;charset=utf-8",
}


class TablePage:
    """Answers what the page asks of tables.

    show : takes news for the page: ``table``, and ``file`` that it saves.
    fail : takes what went wrong.
    board : of the sensors; None where there are none.
    note : takes what is about to be handed out as a file.
    """

    def __init__(
        self,
        state: State,
        show: Callable[..., None],
        fail: Callable[[str], None],
        board: Board | None,
        note: Note = nowhere,
    ) -> None:
        self.state, self.board = state, board
        self._note = note
        self._show, self._fail = show, fail
        self.kind: Kind = "blocks"
        self.open = False
        self.shown: Table | None = None
        self._asked = 0
        self._files = 0

    @property
    def kinds(self) -> list[Kind]:
        """Those that this district can show."""
        return [kind for kind in KINDS if kind != "sensors" or self.board is not None]

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        kind = message.get("type")
        if kind == "table":
            self._turn(message)
        elif kind == "table_file":
            self._hand_out(message)
        else:
            return False
        return True

    def refresh(self) -> None:
        """Make the open table anew."""
        self._asked += 1
        if not self.open:
            return
        if pn.state.curdoc is None:
            self._take(self._made(copy(self.state), self.kind), self._asked)
        else:
            pn.state.execute(self._make)

    def sensed(self) -> None:
        """There are new readings."""
        if self.kind == "sensors":
            self.refresh()

    def _turn(self, message: Mapping[str, Any]) -> None:
        wanted = message.get("kind", self.kind)
        if wanted not in self.kinds:
            raise CallError(f"there is no table {wanted!r}", "table", f"Use {', '.join(self.kinds)}")
        self.kind, self.open = wanted, bool(message["open"])
        if not self.open:
            self._show(table={})
        self.refresh()

    async def _make(self) -> None:
        asked, kind = self._asked, self.kind
        try:
            self._take(await asyncio.to_thread(self._made, copy(self.state), kind), asked)
        except TwinError as error:
            self._fail(texts.error(self.state.language, error))

    def _made(self, state: State, kind: Kind) -> Table:
        if kind == "sensors" and self.board is not None:
            return tables.sensors(self.board.look().devices, state.twin, state.language)
        return {"blocks": tables.blocks, "buildings": tables.buildings}.get(kind, tables.measures)(state)

    def _take(self, made: Table, asked: int) -> None:
        if asked == self._asked and self.open:
            self.shown = made
            self._show(table=made.plain())

    def _hand_out(self, message: Mapping[str, Any]) -> None:
        how = str(message["format"])
        if how not in tables.FORMATS:
            raise CallError(f"there is no format {how!r}", "table", f"Use {', '.join(tables.FORMATS)}")
        if self.shown is None or self.shown.kind != message["kind"]:
            raise CallError("this table is not open", "table", "Open it again")
        heads, rows = self.shown.chosen([int(r) for r in message["rows"]], map(str, message["columns"]))
        title = texts.text(self.state.language, f"table.kind_{self.shown.kind}")
        self._note("export", f"table {self.shown.kind}: {len(rows)} rows ({how})")
        if how == "xlsx":
            content = tables.as_workbook(title, heads, rows)
        else:
            content = tables.as_csv(heads, rows, german=how == "csv_german")
        self._files += 1
        suffix = how.partition("_")[0]
        name = f"{slug(self.state.twin.district.name) or 'district'}-{slug(title)}.{suffix}"
        self._show(
            file={
                "number": self._files, "name": name, "type": _TYPES[how],
                "content": base64.b64encode(content).decode("ascii"),
            }
        )  # fmt: skip
