"""Accounts in PostgreSQL, beside the sensors' tables; here, since this folder starts its server."""

from __future__ import annotations

import pytest

from tests.viewer.accounts import PASSWORD, cheap, keeps_its_record
from viewer.accounts.store import Accounts, Refused


def test_accounts_stand_in_a_schema_of_their_own(new_postgres_url: str) -> None:
    with Accounts.open(new_postgres_url, passwords=cheap()) as accounts:
        accounts.add("erika", ["manager"], PASSWORD, "test")
        with pytest.raises(Refused):
            accounts.log_in("erika", "wrong")
        cookie = accounts.log_in("erika", PASSWORD)
        keeps_its_record(accounts)
    with Accounts.open(new_postgres_url) as again:
        person = again.who(cookie)
        assert person and person.name == "erika"
