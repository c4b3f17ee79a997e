"""Accounts: passwords, lock-out, sessions, tokens, the record; on both databases where one differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sensors.times import now_us
from tests.viewer.accounts import PASSWORD, Clock, cheap, keeps_its_record
from twin.errors import CallError
from viewer import cli
from viewer.accounts import audit, keeping
from viewer.accounts.attempts import LOCK_MAX_S, LOCK_S, TRIES
from viewer.accounts.passwords import Passwords
from viewer.accounts.rights import Right, Role, rights_of
from viewer.accounts.store import Accounts, Refused

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    with Accounts.open(f"sqlite:///{tmp_path}/sensors.sqlite", passwords=cheap(), clock=clock) as store:
        store.add("erika", ["manager", "moderator"], PASSWORD, "test")
        yield store


def wait_s(accounts: Accounts, password: str = "wrong") -> int:
    """How long it says to wait after this attempt."""
    with pytest.raises(Refused) as refused:
        accounts.log_in("erika", password)
    return refused.value.wait_s


def test_password_is_kept_as_argon2id_of_rfc_9106() -> None:
    """RFC 9106, 4, second recommended option: t=3, p=4, m=2^16 KiB, salt of 128 and tag of 256 bits."""
    kept = Passwords().hash("x")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert [len(part) * 3 // 4 for part in kept.split("$")[-2:]] == [16, 32]
    assert cheap().outdated(kept)


@pytest.mark.parametrize("password", ["short", "erika" * 4, "a" * 20, "x" * 257, "", "ab" * 10])
def test_weak_passwords_are_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(CallError, match="password"):
        accounts.set_password("erika", password, "test")


def test_log_in_by_name_and_password_alone(accounts: Accounts) -> None:
    person = accounts.who(accounts.log_in(" Erika ", PASSWORD))
    assert person and person.name == "erika" and person.roles == ("manager", "moderator")
    assert person.rights == rights_of(["manager"]) | rights_of(["moderator"])
    for name, password in (("erika", "wrong"), ("nobody", PASSWORD), ("", ""), ("erika", "")):
        with pytest.raises(Refused):
            accounts.log_in(name, password)


def test_wrong_passwords_lock_longer_and_longer(accounts: Accounts, clock: Clock) -> None:
    for _ in range(TRIES):
        assert wait_s(accounts) == 0
    assert wait_s(accounts, PASSWORD) == LOCK_S  # the right one does not help
    assert accounts.listed()[0].locked_until
    clock.now += (LOCK_S + 1) * SECOND
    assert wait_s(accounts) == 0
    assert wait_s(accounts) == 2 * LOCK_S
    for _ in range(12):
        clock.now += 2 * LOCK_MAX_S * SECOND
        wait_s(accounts)
    assert wait_s(accounts) == LOCK_MAX_S
    clock.now += (LOCK_MAX_S + 1) * SECOND
    assert accounts.log_in("erika", PASSWORD)
    assert wait_s(accounts) == 0  # the count starts again
    found = [one.action for one in audit.entries(accounts)]
    assert "account.locked" in found and found.count("login.failed") > TRIES


def test_a_clock_that_was_ahead_leaves_no_session_and_no_lock(accounts: Accounts, clock: Clock) -> None:
    right = clock.now
    clock.now += 3650 * DAY  # as when a machine starts without its clock
    cookie = accounts.log_in("erika", PASSWORD)
    token = accounts.add_token("lab", "erika", ["scenarios:read"], 30, "test")
    for _ in range(TRIES):
        wait_s(accounts)
    assert accounts.who(cookie) and accounts.program(token) and wait_s(accounts, PASSWORD) > 0
    clock.now = right
    assert accounts.who(cookie) is None and accounts.program(token) is None
    cookie = accounts.log_in("erika", PASSWORD)
    clock.now -= 30 * SECOND  # put right a little
    assert accounts.who(cookie)


def test_the_record_is_shortened_by_rule_and_says_so(accounts: Accounts, clock: Clock) -> None:
    clock.now = now_us() - 300 * DAY
    accounts.note("erika", "scenario.save", "old")
    clock.now = now_us()
    accounts.note("erika", "scenario.save", "new")
    with pytest.raises(CallError, match="4 months"):
        keeping.shorten(accounts, 3, now=clock.now)
    assert keeping.shorten(accounts, 12, now=clock.now) == 0
    assert keeping.shorten(accounts, 6, now=clock.now) == 1
    found = [(one.actor, one.action, one.object) for one in audit.entries(accounts)]
    assert found[:2] == [
        ("retention", "record.shorten", found[0][2]), ("erika", "scenario.save", "new")
    ]  # fmt: skip
    assert found[0][2].startswith("1 entries until 20")
    keeps_its_record(accounts)  # what is younger than three months


def test_closed_accounts_and_ended_tokens_are_forgotten_by_rule(accounts: Accounts, clock: Clock) -> None:
    clock.now = now_us()
    accounts.add("otto", [Role.MODELER], PASSWORD, "test")
    accounts.add_token("lab", "otto", ["scenarios:read"], 300, "test")
    accounts.add_token("long", "erika", ["scenarios:read"], 366, "test")
    accounts.add_link("Frau Mustermann", 10, "test")
    accounts.disable("otto", "test")
    names = [one.name for one in accounts.listed()]
    for days, gone in ((39, 0), (41, 1), (6 * 30, 0), (6 * 31, 1)):  # ten days and thirty; six months
        assert keeping.forget(accounts, 6, now=clock.now + days * DAY) == gone, days
    assert [one.name for one in accounts.listed()] == [name for name in names if name != "otto"]
    assert [one.name for one in accounts.listed_tokens()] == ["long"]
    assert audit.entries(accounts)[0].action == "accounts.forget"


def test_sessions_end_with_what_ends_them(accounts: Accounts) -> None:
    def opened() -> str:
        cookie = accounts.log_in("erika", PASSWORD)
        assert accounts.who(cookie)
        return cookie

    cookie = opened()
    accounts.log_out(cookie)
    assert accounts.who(cookie) is None
    cookie = opened()
    accounts.log_out_everywhere("erika", "test")
    assert accounts.who(cookie) is None
    cookie = opened()
    accounts.set_password("erika", PASSWORD + "!", "test")
    assert accounts.who(cookie) is None
    cookie = accounts.log_in("erika", PASSWORD + "!")
    accounts.set_roles("erika", ["moderator"], "test")
    person = accounts.who(cookie)
    assert person and Right.PLAN not in person.rights  # at once, in an open session
    accounts.disable("erika", "test")
    assert accounts.who(cookie) is None
    with pytest.raises(Refused):
        accounts.log_in("erika", PASSWORD + "!")
    accounts.disable("erika", "test", enable=True)
    assert accounts.log_in("erika", PASSWORD + "!") and accounts.who(cookie) is None


def test_forged_cookies_do_not_reach_the_database(accounts: Accounts, tmp_path: Path, clock: Clock) -> None:
    cookie = accounts.log_in("erika", PASSWORD)
    key, signature = cookie.split(".")
    asked: list[str] = []
    sa.event.listen(accounts.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for forged in (key, f"{key}.", f"{key}.{signature[::-1]}", f"x{cookie}", ".", "", f"{key}.{key}", "ä.ö"):
        assert accounts.who(forged) is None
    assert asked == []
    assert accounts.who(cookie)
    with Accounts.open(
        f"sqlite:///{tmp_path}/sensors.sqlite", clock=clock
    ) as another:  # as after a new start
        assert another.who(cookie)


def test_token_has_scopes_an_end_and_no_more_than_its_account(accounts: Accounts, clock: Clock) -> None:
    token = accounts.add_token("lab", "erika", ["scenarios:read", "sensorthings:read"], 10, "test")
    person = accounts.program(token)
    assert person and person.name == "erika/lab"
    assert person.rights == {Right.LOOK, Right.READ_SCENARIOS, Right.READ_SENSORS}
    accounts.set_roles("erika", ["moderator"], "test")
    person = accounts.program(token)
    assert person and person.rights == {Right.LOOK}
    clock.now += 10 * DAY
    assert accounts.program(token) is None
    with pytest.raises(CallError, match="no right for scenarios:read"):
        accounts.add_token("other", "erika", ["scenarios:read"], 10, "test")
    for scopes, days, what in ((["x"], 10, "scope x"), ([], 10, "a scope"), (["metrics:read"], 0, "0 days")):
        accounts.set_roles("erika", ["administrator"], "test")
        with pytest.raises(CallError, match=what):
            accounts.add_token("other", "erika", scopes, days, "test")
    with pytest.raises(CallError, match="already"):
        accounts.add_token("lab", "erika", ["metrics:read"], 1, "test")
    link = accounts.add_link("street 5", 10, "test")
    accounts.revoke_token("street 5", "test")
    assert accounts.program(link) is None


def test_openid_accounts_take_roles_from_the_provider(accounts: Accounts) -> None:
    first = accounts.who(accounts.log_in_openid("https://id", "s1", "Erika", ["manager"]))
    assert first and first.name != "erika"  # a provider cannot name somebody into another's account
    again = accounts.who(accounts.log_in_openid("https://id", "s1", "Erika", ["moderator"]))
    assert again and (again.name, again.roles) == (first.name, ("moderator",))
    with pytest.raises(Refused):
        accounts.log_in(first.name, "")
    accounts.disable(first.name, "test")
    with pytest.raises(Refused):
        accounts.log_in_openid("https://id", "s1", "Erika", ["administrator"])


def test_record_is_only_added_to_and_migrations_lead_to_the_tables(accounts: Accounts) -> None:
    keeps_its_record(accounts)


def test_no_secret_stands_in_the_database(accounts: Accounts, tmp_path: Path) -> None:
    cookie = accounts.log_in("erika", PASSWORD)
    token = accounts.add_token("lab", "erika", ["scenarios:read"], 10, "test")
    wait_s(accounts, "a wrong password, maybe that of something else")
    accounts.close()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("accounts.sqlite*"))
    for secret in (PASSWORD, cookie.split(".")[0], token, "a wrong password"):
        assert secret.encode() not in content


# The commands


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    (tmp_path / "password").write_text(PASSWORD + "\nsecond line")
    return tmp_path


def test_commands(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*words: str) -> tuple[int, str, str]:
        code = cli.run(["accounts", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    file = ("--password-file", str(data / "password"))
    assert "No accounts yet" in call("list")[1]
    assert call("add", "erika", "--role", "administrator", *file)[0] == 0
    code, _, err = call("add", "erika", "--role", "manager", *file)
    assert code == 2 and "erika already" in err and err.count("\n") == 1
    assert call("add", "x1", "--role", "king", *file)[0] == 2
    assert "no terminal to type" in call("add", "otto", "--role", "manager")[2]
    token = json.loads(call("tokens", "create", "lab", "erika", "--scope", "metrics:read", "--json")[1])
    assert [one["name"] for one in json.loads(call("tokens", "list", "--json")[1])] == ["lab"]
    link = call("link", "street", "--days", "5")[1]
    assert re.fullmatch(r"/login\?link=\S{40,}\n", link)
    assert call("tokens", "revoke", "lab")[0] == 0
    code, _, err = call("role", "erika", "--role", "manager")
    assert code == 0 and "erika was the last administrator" in err
    assert call("disable", "erika")[2] == ""
    rows = json.loads(call("list", "--json")[1])
    assert [(one["name"], one["roles"], one["disabled"]) for one in rows] == [("erika", ["manager"], True)]
    done = json.loads(call("audit", "--json")[1])
    assert {one["action"] for one in done} == {
        "account.add", "account.role manager", "account.disable", "token.add", "token.revoke",
    }  # fmt: skip
    assert all(one["actor"].startswith("cli") for one in done)
    shown = call("audit")[1]
    assert "account.add" in shown and token["token"] not in shown and PASSWORD not in shown


def test_files_that_are_none_are_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    calls = {
        "accounts add otto --role manager --password-file nothing": "nothing: the password cannot be read: "
        "No such file or directory. Name another file.",
        "serve lobeda --openid nothing": "nothing: the settings cannot be read: No such file or directory. "
        "Name the file.",
        "publish file --district lobeda": "file: this is a file, not a folder. "
        "Name a new folder or an older site.",
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    for call, said in calls.items():
        assert cli.run(call.split()) != 0
        assert capsys.readouterr().err.strip().endswith(said), call
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "file"))
    assert cli.run(["accounts", "list"]) == 1
    assert "file: the folder of data is a file. Name a folder as LOBEDA_DATA." in capsys.readouterr().err
