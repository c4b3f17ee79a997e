"""What the command that runs now is about to do: little to load, for commands that record nothing."""

from __future__ import annotations

NOTED: list[tuple[str, str, str | None]] = []
"""Action, thing and database, as they stand in the record (`viewer.accounts.recording`)."""
