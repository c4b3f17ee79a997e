"""Logging in over HTTP, behind a proxy: what strangers learn, whom they can lock out, where links lead."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from tests.viewer.accounts import PASSWORD, Clock, cheap
from tests.viewer.test_server import serving
from twin.errors import CallError
from viewer import access, cli, login, server
from viewer.accounts import attempts, audit
from viewer.accounts.rights import Role
from viewer.accounts.store import RESERVED, Accounts, Refused
from viewer.login import LIMITS

TOKEN = "token-of-the-first-login-link"
SITE = "https://lobeda.example"
COOKIE = access.cookie_name(access.COOKIE, secure=True)
SECOND = 1_000_000


@dataclass
class Town:
    address: str
    accounts: Accounts
    clock: Clock
    doors: login.Doors

    @contextlib.contextmanager
    def browser(self, address: str = "192.0.2.1") -> Iterator[httpx.Client]:
        """Somebody at `address`, as the proxy forwards it."""
        headers = {"Host": "lobeda.example", "X-Forwarded-For": address, "Accept-Language": "en"}
        with httpx.Client(base_url=self.address, headers=headers, timeout=30) as client:
            yield client


@contextlib.contextmanager
def town_of(folder: Path, reach: access.Reach, *, administrator: bool = True) -> Iterator[Town]:
    clock = Clock()
    url = f"sqlite:///{folder}/sensors.sqlite"
    with Accounts.open(url, passwords=cheap(), clock=clock) as accounts:
        if administrator:
            accounts.add("erika", ["administrator"], PASSWORD, "test")
        doors = login.Doors(accounts, access.Link(TOKEN), lambda _path: None, reach)
        app = FastAPI(openapi_url=None)
        app.include_router(login.router(doors))
        app.add_api_route("/manage/who", who, methods=["GET", "POST"])
        app.add_api_route("/free", lambda: "free")
        server.add_guard(app, access.Keeper(accounts, reach), doors.ways)
        with serving(app) as address:
            yield Town(address, accounts, clock, doors)


def who(request: Request) -> PlainTextResponse:
    found = access.person(request)
    return PlainTextResponse(found.name if found else "")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with town_of(tmp_path, access.Reach(SITE, trust_proxy=True)) as opened:
        yield opened


def tries(client: httpx.Client, name: str, password: str = "wrong", times: int = 1) -> list[httpx.Response]:
    return [client.post("/login", data={"name": name, "password": password}) for _ in range(times)]


def _nameless(page: str) -> str:
    """A login page without the name that was given, and the focus that depends on there being one."""
    return re.sub(r'value="[^"]*"( autofocus)?>|( autofocus)?>', ">", page)


def test_a_refused_name_stands_in_its_field_as_text_and_no_password_does(town: Town) -> None:
    given = '"><b>erika</b>'
    with town.browser("192.0.2.9") as client:
        wrong = [*tries(client, "erika", "Secret-7531"), *tries(client, given, "Secret-7531")]
        long = tries(client, "x" * 300)[0]
        empty = client.get("/login")
    assert [one.status_code for one in wrong] == [403, 403]
    fields = [_field(one.text, "name") for one in (*wrong, long, empty)]
    assert 'value="erika"' in fields[0] and "autofocus" not in fields[0]
    assert 'value="&#34;&gt;&lt;b&gt;erika&lt;/b&gt;"' in fields[1]
    assert f'value="{"x" * 100}"' in fields[2]
    assert 'value=""' in fields[3] and "autofocus" in fields[3]
    for one in wrong:
        assert "Secret-7531" not in one.text and "autofocus" in _field(one.text, "password")


def _field(page: str, name: str) -> str:
    found = re.search(rf'<input id="{name}"[^>]*>', page)
    assert found
    return found[0]


@pytest.mark.parametrize("unknown", ["nobody", "terminal", "", "x" * 300, "o\nh"])
def test_wrong_passwords_do_not_tell_which_names_exist(town: Town, unknown: str) -> None:
    town.accounts.add("otto", ["manager"], PASSWORD, "test")
    town.accounts.disable("otto", "test")
    answers = []
    for number, name in enumerate(("erika", "otto", unknown)):
        with town.browser(f"192.0.2.{number}") as client:
            answers.append([
                (one.status_code, one.headers.get("retry-after"), _nameless(one.text))
                for one in tries(client, name, times=7)
            ])  # fmt: skip
    assert [status for status, _, _ in answers[0]] == [403] * 5 + [429] * 2
    assert answers[0] == answers[1] == answers[2]


def test_an_unknown_name_costs_as_much_work(town: Town) -> None:
    """Counted, not timed: hashes that are computed, and statements that write."""
    counted: list[int] = []
    for name in ("erika", "nobody"):
        computed = [0]
        verify = town.accounts.passwords._hasher.verify

        class Counting:
            def verify(self, *given: str) -> bool:
                computed[0] += 1  # noqa: B023 - read before the next turn
                return bool(verify(*given))  # noqa: B023

            def hash(self, password: str) -> str:
                raise AssertionError("only the very first check of all may hash")

        town.accounts.passwords._nobody = town.accounts.passwords.hash("of nobody")
        real, town.accounts.passwords._hasher = town.accounts.passwords._hasher, Counting()  # type: ignore
        with town.browser() as client:
            tries(client, name, times=7)
        town.accounts.passwords._hasher = real
        counted.append(computed[0])
    assert counted == [5, 5]


def test_a_stranger_elsewhere_cannot_lock_the_owner_out(town: Town) -> None:
    with town.browser("198.51.100.9") as stranger, town.browser() as owner:
        assert tries(owner, "erika", PASSWORD)[0].status_code == 200
        locked = tries(stranger, "erika", times=attempts.TRIES + 1)[-1]
        assert locked.status_code == 429 and int(locked.headers["retry-after"]) == attempts.LOCK_S
        assert tries(stranger, "erika", PASSWORD)[0].status_code == 429  # the right one does not help
        assert tries(owner, "erika", PASSWORD)[0].status_code == 200
        town.clock.now += (attempts.LOCK_S + 1) * SECOND
        assert tries(stranger, "erika")[0].status_code == 403
        assert tries(stranger, "erika")[0].headers["retry-after"] == str(2 * attempts.LOCK_S)


def test_guessing_from_many_networks_is_slowed_but_not_where_the_owner_works(town: Town) -> None:
    with town.browser() as owner:
        assert tries(owner, "erika", PASSWORD)[0].status_code == 200
        for name in ("erika", "nobody"):
            statuses = []
            for number in range(attempts.NAME_TRIES + 2):
                with town.browser(f"2001:db8:{number:x}::1") as one:
                    statuses.append(tries(one, name)[0].status_code)
            assert statuses == [403] * attempts.NAME_TRIES + [429] * 2
        assert tries(owner, "erika", PASSWORD)[0].status_code == 200
        with town.browser("203.0.113.7") as elsewhere:
            assert tries(elsewhere, "erika", PASSWORD)[0].status_code == 429
            town.clock.now += (attempts.NAME_WAIT_S + 1) * SECOND
            assert tries(elsewhere, "erika", PASSWORD)[0].status_code == 200


def test_wrong_passwords_are_forgotten_and_never_many(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROWS_MAX", 20)

    def rows() -> int:
        file = str(town.accounts.engine.url.database)
        with contextlib.closing(sqlite3.connect(file)) as connection:
            return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])

    for number in range(30):
        with pytest.raises(Refused):
            town.accounts.log_in(f"name{number}", "wrong", "192.0.2.1")
        assert rows() <= 20
    town.clock.now += (attempts.FORGET_S + 1) * SECOND
    assert town.accounts.log_in("erika", PASSWORD, "192.0.2.1")
    assert rows() == 1  # where she was let in


def test_one_address_is_held_back_by_kind_and_nobody_else(town: Town) -> None:
    each = LIMITS["password"][0].each
    with town.browser("198.51.100.9") as stranger:
        answers = tries(stranger, "nobody", times=each + 1)
        assert answers[-1].status_code == 429 and "Too many attempts" in answers[-1].text
        assert 0 < int(answers[-1].headers["retry-after"]) <= 600
        assert stranger.get("/login/openid").status_code == 404  # there is none here, and it is not held back
        link = town.accounts.add_link("street", 5, "test")
        assert stranger.post("/login", data={"link": link}).status_code == 200
    with town.browser() as other:
        assert tries(other, "erika", PASSWORD)[0].status_code == 200


def test_no_number_of_strangers_keeps_everybody_out(town: Town) -> None:
    for number in range(3_100):  # more than once shut the login for all
        assert town.doors.limiter.wait_s("password", f"10.{number // 250}.{number % 250}.1") == 0
    with town.browser() as owner:
        assert tries(owner, "erika", PASSWORD)[0].status_code == 200


def test_cookies_are_for_tls_and_this_site_alone(town: Town, tmp_path: Path) -> None:
    with town.browser() as client:
        cookie = tries(client, "erika", PASSWORD)[0].headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= {one.strip() for one in cookie.split(";")}
    (tmp_path / "here").mkdir()
    with town_of(tmp_path / "here", access.HERE) as here, httpx.Client(base_url=here.address) as client:
        cookie = tries(client, "erika", PASSWORD)[0].headers["set-cookie"]
        assert "HttpOnly" in cookie and "Secure" not in cookie


# Links


def test_a_residents_link_shows_a_button_and_ends_with_its_sessions(town: Town) -> None:
    link = town.accounts.add_link("street 5", 5, "test")
    with town.browser() as resident:
        page = resident.get(f"/login?link={link}")
        assert page.status_code == 200 and "set-cookie" not in page.headers
        assert f'name="link" value="{link}"' in page.text and "<button" in page.text
        entered = resident.post("/login", data={"link": link})
        assert entered.status_code == 200
        person = town.accounts.who(entered.cookies[COOKIE])
        assert person and (person.name, person.roles) == ("link:street 5", (Role.RESIDENT,))
        town.accounts.log_out_everywhere("street 5", "test")
        assert town.accounts.who(entered.cookies[COOKIE]) is None
        again = resident.post("/login", data={"link": link}).cookies[COOKIE]
        other = town.accounts.log_in_link(town.accounts.add_link("street 6", 5, "test"))
        assert town.accounts.who(again) and town.accounts.who(other)
        town.accounts.revoke_token("street 5", "test")
        assert town.accounts.who(again) is None and town.accounts.who(other)
        assert resident.post("/login", data={"link": link}).status_code == 403
        town.clock.now += 5 * 86_400 * SECOND
        assert town.accounts.who(other) is None


def test_a_session_ends_when_its_link_does(town: Town) -> None:
    link = town.accounts.add_link("street 5", 1, "test")
    town.clock.now += (86_400 - 60) * SECOND
    cookie = town.accounts.log_in_link(link)
    assert town.accounts.who(cookie)
    town.clock.now += 61 * SECOND
    assert town.accounts.who(cookie) is None


def test_a_manager_who_is_lured_to_a_link_stays_who_they_are(town: Town) -> None:
    link = town.accounts.add_link("street 5", 5, "test")
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    with town.browser() as manager:
        cookie = tries(manager, "erika", PASSWORD)[0].cookies[COOKIE]
        mine = {"Cookie": f"{COOKIE}={cookie}"}
        for headers in (mine, {"Sec-Fetch-Site": "cross-site"}):  # a strict cookie stays away from there
            for path in (f"/login?link={link}", f"/login?token={TOKEN}&link={link}"):
                assert "set-cookie" not in manager.get(path, headers=headers).headers
        assert manager.post("/login", data={"link": link}, headers=cross).status_code == 403
        assert manager.get("/manage/who", headers=mine).text == "erika"
        entered = manager.post("/login", data={"link": link}, headers=mine)  # the button
        assert entered.status_code == 200 and town.accounts.who(cookie) is None


def test_the_terminals_link_opens_at_once_where_nobody_is_logged_in(tmp_path: Path) -> None:
    with (
        town_of(tmp_path, access.HERE, administrator=False) as town,
        httpx.Client(base_url=town.address, headers={"Accept-Language": "en"}) as client,
    ):
        entered = client.get(f"/login?token={TOKEN}")
        assert entered.status_code == 200 and entered.headers["refresh"] == "0; url=/manage"
        second = town.doors.link.renew() if town.doors.link else None
        page = client.get(f"/login?token={second}")
        assert "<button" in page.text and "set-cookie" not in page.headers
        assert client.get("/manage/who").text == "terminal"
        assert client.post("/login", data={"token": str(second)}).headers["refresh"] == "0; url=/manage"
        assert client.get("/manage/who").text == "terminal"
        resident = town.accounts.log_in_link(town.accounts.add_link("street", 5, "test"))
        town.accounts.add("otto", ["manager"], PASSWORD, "test")
        assert client.get("/manage/who").text == "terminal"
        town.accounts.add("erika", ["administrator"], PASSWORD, "test")
        assert client.get("/manage/who").status_code == 401
        assert town.accounts.who(resident)


@pytest.mark.parametrize("how", ["role", "enable", "openid"])
def test_the_terminals_sessions_end_however_an_administrator_comes(tmp_path: Path, how: str) -> None:
    with Accounts.open(f"sqlite:///{tmp_path}/sensors.sqlite", passwords=cheap()) as accounts:
        accounts.add("erika", ["manager" if how == "role" else "administrator"], PASSWORD, "test")
        accounts.disable("erika", "test")
        cookie = accounts.log_in_terminal()
        assert accounts.who(cookie)
        if how == "openid":
            accounts.log_in_openid("https://id", "s1", "otto", ["administrator"])
        else:
            accounts.disable("erika", "test", enable=True)
            if how == "role":
                assert accounts.who(cookie)
                accounts.set_roles("erika", ["administrator"], "test")
        assert accounts.who(cookie) is None


def test_sessions_of_an_older_version_know_no_link_and_end(tmp_path: Path) -> None:
    """A database as version 0002 left it: accounts and their sessions stay, those of links log in again."""
    file = tmp_path / "accounts.sqlite"
    url = f"sqlite:///{tmp_path}/sensors.sqlite"
    with Accounts.open(url, passwords=cheap()) as accounts:
        accounts.add("erika", ["manager"], PASSWORD, "test")
        mine = accounts.log_in("erika", PASSWORD)
        link = accounts.add_link("street", 5, "test")
        theirs = accounts.log_in_link(link)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(BACK_TO_0002)
    with Accounts.open(url, passwords=cheap()) as accounts:
        assert accounts.who(mine) and accounts.who(theirs) is None
        assert accounts.who(accounts.log_in_link(link)) and accounts.log_in("erika", PASSWORD)
        assert not accounts.listed()[0].locked_until
        assert audit.entries(accounts)


BACK_TO_0002 = """
DROP TABLE attempts;
DROP INDEX ix_sessions_token_id;
ALTER TABLE sessions DROP COLUMN token_id;
ALTER TABLE accounts ADD COLUMN failures INTEGER DEFAULT 0 NOT NULL;
ALTER TABLE accounts ADD COLUMN locked_until BIGINT DEFAULT 0 NOT NULL;
UPDATE accounts SET failures = 9, locked_until = 9000000000000000;
UPDATE alembic_version SET version_num = '0002';
"""


# Names and tokens


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_account_looks_like_another_actor(tmp_path: Path, name: str) -> None:
    with Accounts.open(f"sqlite:///{tmp_path}/sensors.sqlite", passwords=cheap()) as accounts:
        with pytest.raises(CallError, match="the record calls others"):
            accounts.add(name.upper(), ["manager"], PASSWORD, "test")
        person = accounts.who(accounts.log_in_openid("https://id", "s1", name, ["manager"]))
        assert person and person.name.startswith(f"{name}+") and person.name != name
        accounts.add("erika", ["manager"], PASSWORD, "test")
        program = accounts.program(accounts.add_link("erika", 5, "test"))
        session = accounts.who(accounts.log_in_link(accounts.add_link("retention", 5, "test")))
        assert program and program.name == "link:erika"
        assert session and session.name == "link:retention"
        assert ":" not in "".join(one.name for one in accounts.listed())


def test_a_new_password_says_which_tokens_go_on_and_ends_them_if_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    (tmp_path / "pw").write_text(PASSWORD)
    with Accounts.open(passwords=cheap()) as accounts:
        for name in ("erika", "otto"):
            accounts.add(name, ["manager"], PASSWORD, "test")
        token = accounts.add_token("lab", "erika", ["scenarios:read"], 5, "test")
        other = accounts.add_token("desk", "otto", ["scenarios:read"], 5, "test")
        change = ["accounts", "password", "Erika", "--password-file", str(tmp_path / "pw")]
        assert cli.run(change) == 0
        said = capsys.readouterr()
        assert "lab; --revoke-tokens" in said.err and "desk" not in said.err and accounts.program(token)
        assert cli.run([*change, "--revoke-tokens"]) == 0
        said = capsys.readouterr()
        assert "worthless now: lab" in said.out and said.err == ""
        assert accounts.program(token) is None and accounts.program(other)
        assert audit.entries(accounts)[0].object == "lab"


# Many at once


def test_many_passwords_at_once_leave_the_threads_to_others(town: Town) -> None:
    """A hash that takes as long as the test wants: 60 wait for it, and other pages answer all the same."""
    gate = threading.Event()
    right = town.accounts.passwords.right

    def slow(kept: str | None, password: str) -> bool:
        gate.wait(30)
        return right(kept, password)

    town.accounts.passwords.right = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(60) as pool, town.browser() as visitor:

        def attempt(number: int) -> httpx.Response:
            with town.browser(f"10.0.0.{number}") as client:
                return tries(client, f"name{number}")[0]

        asked = [pool.submit(attempt, number) for number in range(60)]
        deadline = time.monotonic() + 20
        while sum(one.done() for one in asked) < 40 and time.monotonic() < deadline:
            time.sleep(0.05)
        refused = [one.result() for one in asked if one.done()]
        assert len(refused) == 40 and {one.status_code for one in refused} == {503}
        assert all(int(one.headers["retry-after"]) > 0 for one in refused)
        assert visitor.get("/free", timeout=5).status_code == 200  # in a thread of the common ones
        assert visitor.post("/login", data={"link": "x"}, timeout=5).status_code == 403
        gate.set()
        assert {one.result().status_code for one in asked if one.result() not in refused} == {403}
