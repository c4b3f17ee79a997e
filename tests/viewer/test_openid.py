"""Logging in by a real OpenID provider: npm's certified `oidc-provider`, run by Node."""

from __future__ import annotations

import html
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import skip_or_fail
from tests.openid.install import HERE, PROVIDER
from tests.viewer.accounts import cheap
from tests.viewer.test_server import serving
from twin.errors import CallError
from viewer import access, login, server
from viewer.accounts import audit
from viewer.accounts.openid import COOKIE, DONE, Failed, Provider, Settings
from viewer.accounts.store import Accounts
from viewer.scene.build_hook import node

ENGLISH = {"Accept-Language": "en"}
SECRET = "a-secret-of-the-tests"


@dataclass
class Town:
    address: str
    issuer: str
    accounts: Accounts
    settings: Settings


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The login pages at one port, the provider at another; they know each other's addresses."""
    if not PROVIDER.is_dir():
        skip_or_fail("the provider is not installed (python -m tests.openid.install, as `make test` does)")
    program, environment = node("node")
    folder = tmp_path_factory.mktemp("openid")
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/manage", lambda: {"inside": True})
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = subprocess.Popen(
        [*program, "provider.mjs", address + DONE], env=environment, cwd=HERE, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        issuer = f"http://127.0.0.1:{int(process.stdout.readline())}"
        file = folder / "openid.toml"
        (folder / "secret").write_text(SECRET + "\n")
        file.write_text(
            f'issuer = "{issuer}"\nclient_id = "lobeda"\nclient_secret_file = "{folder}/secret"\n'
            '[roles]\nplanning = "manager"\nit = "administrator"\n'
        )
        settings = Settings.read(file)
        with Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap()) as accounts:
            provider = Provider(settings, accounts)
            doors = login.Doors(accounts, access.Link("x" * 20), lambda _path: None, openid=provider)
            app.include_router(login.router(doors))
            server.add_guard(app, access.Keeper(accounts), doors.ways)
            with serving(app, listener):
                yield Town(address, issuer, accounts, settings)
    finally:
        process.communicate()


class Person:
    """A browser at the login page and at the provider's forms."""

    def __init__(self, town: Town, web: httpx.Client) -> None:
        self.town, self.web = town, web

    def go(self, url: str) -> httpx.Response:
        """The page at `url`, after all redirects within the provider; not beyond, into the town's."""
        answer = self.web.get(url)
        while answer.is_redirect and not self.returns(answer):
            answer = self.web.get(answer.next_request.url if answer.next_request else "")
        return answer

    def returns(self, answer: httpx.Response) -> bool:
        return answer.headers.get("location", "").startswith(self.town.address)

    def begin(self) -> str:
        """The provider's address that the town sends to."""
        answer = self.web.get(f"{self.town.address}/login/openid")
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def come_back(self, name: str) -> str:
        """Logs in and consents at the provider; the address that it sends back to."""
        answer = self.go(self.begin())
        for _ in range(5):
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert action, answer.text[:500]
            fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', answer.text))
            if 'name="login"' in answer.text:
                fields |= {"login": name, "password": "any"}
            target = str(answer.url.join(html.unescape(action[1])))
            sent = self.web.post(target, data=fields)
            answer = sent if self.returns(sent) else self.go(str(sent.url.join(sent.headers["location"])))
            if self.returns(answer):
                return str(answer.headers["location"])
        raise AssertionError("the provider's forms do not end")


@pytest.fixture
def person(town: Town) -> Iterator[Person]:
    with httpx.Client(headers=ENGLISH, timeout=30) as web:
        yield Person(town, web)


def test_logs_in_with_the_roles_of_the_groups(town: Town, person: Person) -> None:
    assert "/login/openid" in person.web.get(f"{town.address}/login").text
    back = person.come_back("erika.planning.other")
    entered = person.web.get(back)
    assert entered.status_code == 200 and entered.headers["refresh"] == "0; url=/manage"
    cookies = entered.headers.get_list("set-cookie")
    assert any("lobeda_session=" in one and "HttpOnly" in one and "SameSite=strict" in one for one in cookies)
    assert person.web.get(f"{town.address}/manage").json() == {"inside": True}
    who = town.accounts.who(person.web.cookies[access.COOKIE])
    assert who and (who.name, who.roles) == ("erika", ("manager",))
    assert [one.action for one in audit.entries(town.accounts, 2)] == ["login.openid", "account.add"]
    again = person.web.get(back)  # the code is spent, and the browser has no pending login any more
    assert again.status_code == 403 and "did not work" in again.text


def test_asks_with_pkce_state_and_nonce(town: Town, person: Person) -> None:
    asked = parse_qs(urlsplit(person.begin()).query)
    assert asked["code_challenge_method"] == ["S256"] and len(asked["code_challenge"][0]) == 43
    assert asked["response_type"] == ["code"] and asked["redirect_uri"] == [town.address + DONE]
    assert len(asked["state"][0]) >= 32 and len(asked["nonce"][0]) >= 32


def test_who_has_no_group_is_not_let_in(town: Town, person: Person) -> None:
    refused = person.web.get(person.come_back("otto.gardeners"))
    assert refused.status_code == 403 and "none of your groups" in refused.text
    assert access.COOKIE not in person.web.cookies
    assert "otto" not in {one.name for one in town.accounts.listed()}


def test_a_login_that_another_browser_began_is_refused(town: Town, person: Person) -> None:
    """Login CSRF: somebody is sent the address that ends the attacker's login."""
    victim = person
    with httpx.Client(headers=ENGLISH, timeout=30) as web:
        back = Person(town, web).come_back("mallory.it")
    assert victim.web.get(back).status_code == 403  # without a cookie
    victim.begin()
    assert victim.web.get(back).status_code == 403  # with one of another login
    victim.web.cookies.set(COOKIE, "eyJzIjogIngifQ==.00", domain="127.0.0.1", path="/")
    assert victim.web.get(back).status_code == 403  # with a forged one
    assert access.COOKIE not in victim.web.cookies


@pytest.mark.parametrize("changed", ["nonce", "verifier", "issuer", "error", "late"])
def test_every_check_stands_alone(
    town: Town, person: Person, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thing at a time is not what the login began with; the provider is the real one."""
    back = urlsplit(person.come_back("erika.it"))
    provider = Provider(town.settings, town.accounts)
    cookie = person.web.cookies.get(COOKIE, domain="127.0.0.1", path="/")
    assert cookie
    query = back.query
    pending = provider._pending(cookie)
    if changed in ("nonce", "verifier"):
        pending[changed[0]] = "another" * 8
    elif changed == "late":
        monkeypatch.setattr("viewer.accounts.openid.time.time", lambda: pending["u"] + 1)
    elif changed == "issuer":
        query = re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fevil.example", query)
    else:
        query = re.sub(r"code=[^&]*", "error=access_denied", query)
    if changed != "late":
        monkeypatch.setattr(Provider, "_pending", lambda self, cookie: pending)
    with pytest.raises(Failed):
        provider.end(town.address, query, cookie)


def test_a_signature_for_another_purpose_is_none(town: Town) -> None:
    """The session's cookie is signed by the same key."""
    session = town.accounts.log_in_link(town.accounts.add_link("x", 5, "test"))
    with pytest.raises(Failed, match="began no login"):
        Provider(town.settings, town.accounts)._pending(session)


def test_a_provider_that_is_away_is_said(town: Town) -> None:
    away = town.settings.model_copy(update={"issuer": "http://127.0.0.1:9"})
    with pytest.raises(Failed, match="does not answer"):
        Provider(away, town.accounts).begin(town.address)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('issuer = "http://id.example"', "no https address"),
        ('issuer = "https://id.example"\nroles = {a = "king"}', "roles.a"),
        ('issuer = "https://id.example"\nroles = {a = "public"}', "public is no role of an account"),
        ('issuer = "https://id.example"\nroles = {}', "roles"),
        ('issuer = "https://id.example"\nscop = "x"', "scop"),
        ("issuer", "cannot be read"),
        ("issuer = " + "[" * 5000, "cannot be read"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "openid.toml"
    rest = "" if "roles" in text else '\nroles = {a = "manager"}'
    file.write_text(f'client_id = "x"\n{text}{rest}')
    with pytest.raises(CallError, match=what):
        Settings.read(file)


def test_the_lock_file_names_the_provider_that_is_tested() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/oidc-provider"]["version"] == "9.13.3"
