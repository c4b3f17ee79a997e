"""What tests of accounts share: a fast hash, a clock, a password."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.exc import DBAPIError

from viewer.accounts import audit
from viewer.accounts.passwords import Passwords
from viewer.accounts.store import Accounts
from viewer.accounts.tables import audit as audit_table
from viewer.accounts.tables import metadata

PASSWORD = "vier Wörter die keiner rät"


def cheap() -> Passwords:
    """argon2 with the least that it allows: what the program takes is far more."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Clock:
    """Microseconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now


def keeps_its_record(accounts: Accounts) -> None:
    """The tables are what the migrations lead to, and the database itself refuses to change the record."""
    assert accounts.log_in_terminal()
    with accounts.connect() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}
    for change in (audit_table.update().values(actor="x"), audit_table.delete()):
        with pytest.raises(DBAPIError, match="only ever added to"), accounts.engine.begin() as other:
            other.execute(change)
    assert audit.entries(accounts)[0].action == "login.link"
