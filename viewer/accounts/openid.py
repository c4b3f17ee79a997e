"""Logging in by an OpenID provider: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636), state and nonce.

What a login began with travels in a signed cookie of ten minutes, so that any process can end it. Roles come
from a claim of the ID token; who has none of the configured ones is not let in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.errors import CallError
from viewer.accounts.rights import ACCOUNT_ROLES, Role
from viewer.accounts.store import Accounts

COOKIE = "lobeda_openid"
BEGIN, DONE = "/login/openid", "/login/openid/done"
PENDING_S = 600
"""How long somebody may take at the provider. [s]"""
ALGORITHMS = (
    "RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""Signatures by the provider's private key; never "none", nor those by the client's secret."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CLOCKS_APART_S = 60
_PROVIDER_S = 10.0


class Failed(Exception):  # noqa: N818 - said on the login page
    """The login cannot be ended.

    reason : for the server's log, without secrets.
    stranger : the provider knows somebody, but gives no role.
    """

    def __init__(self, reason: str, *, stranger: bool = False) -> None:
        super().__init__(reason)
        self.stranger = stranger


class Settings(BaseModel):
    """The file that `lobeda serve --openid` names (TOML).

    issuer, client_id : as the provider registered them.
    client_secret_file : file with the secret; LOBEDA_OPENID_SECRET comes first; neither for public clients.
    claim : where the ID token has somebody's groups; dots lead inwards, as in ``realm_access.roles``.
    roles : role of each group.
    scope : what is asked of the provider.
    """

    model_config = ConfigDict(extra="forbid")
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret_file: Path | None = None
    claim: str = "groups"
    roles: dict[str, Role] = Field(min_length=1)
    scope: str = "openid profile"

    @classmethod
    def read(cls, file: Path) -> Self:
        """The settings of a file.

        Raises
        ------
        CallError : it cannot be read, or something in it is not right.
        """
        try:
            found = cls.model_validate(tomllib.loads(file.read_text("utf-8")))
        except OSError as error:
            raise CallError(f"the settings cannot be read: {error.strerror}", file, "Name the file") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CallError(f"{where}: {first['msg']}", file, "docs/administration.md explains it") from None
        except (ValueError, RecursionError) as error:
            what = f"the settings cannot be read: {error}"
            raise CallError(what, file, "docs/administration.md shows such a file") from None
        wrong = sorted(set(found.roles.values()) - set(ACCOUNT_ROLES))
        if wrong:
            raise CallError(f"{wrong[0]} is no role of an account", file, f"Use {', '.join(ACCOUNT_ROLES)}")
        _require_safe(found.issuer, file)
        return found

    def secret(self) -> str | None:
        """The client's secret; None: a public client.

        Raises
        ------
        CallError : the file that should hold it cannot be read.
        """
        given = os.environ.get("LOBEDA_OPENID_SECRET")
        if given or self.client_secret_file is None:
            return given or None
        try:
            return self.client_secret_file.read_text("utf-8").strip()
        except OSError as error:
            raise CallError(
                f"the secret cannot be read: {error.strerror}", self.client_secret_file, "Look at its rights"
            ) from None


@dataclass
class Provider:
    """The provider, whose addresses are looked up at the first login."""

    settings: Settings
    accounts: Accounts
    _found: dict[str, Any] = field(default_factory=dict)

    def begin(self, own: str) -> tuple[str, str]:
        """Where to send the browser, and the cookie that it brings back.

        own : this server's address, ``https://host``.

        Raises
        ------
        Failed : the provider does not answer.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": own + DONE,
            "scope": self.settings.scope, "state": state, "nonce": nonce, "code_challenge_method": "S256",
            "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
        }  # fmt: skip
        where = str(self._metadata()["authorization_endpoint"])
        url = f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(asked)}"
        pending = {"s": state, "n": nonce, "v": verifier, "u": int(time.time()) + PENDING_S}
        text = _base64url(json.dumps(pending).encode())
        return url, f"{text}.{self.accounts.sign(_PURPOSE + text)}"

    def end(self, own: str, query: str, cookie: str) -> str:
        """The cookie of a new session, for who comes back from the provider with `query`.

        Raises
        ------
        Failed : it is not who began here, the provider says no, or it gives no role.
        Refused : the account was disabled here.
        """
        pending = self._pending(cookie)
        given = {name: values[0] for name, values in parse_qs(query, max_num_fields=20).items()}
        if not secrets.compare_digest(given.get("state", ""), pending["s"]):
            raise Failed("the state is another than this browser began with")
        if "iss" in given and given["iss"] != self.settings.issuer:  # RFC 9207
            raise Failed("the answer is of another provider")
        if "error" in given or "code" not in given:
            raise Failed(f"the provider says {given.get('error', 'nothing')[:80]}")
        claims = self._claims(own, given["code"], pending)
        roles = {self.settings.roles[group] for group in self._groups(claims) if group in self.settings.roles}
        if not roles:
            raise Failed("none of the groups has a role here", stranger=True)
        name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
        return self.accounts.log_in_openid(self.settings.issuer, str(claims["sub"]), name, roles)

    def _pending(self, cookie: str) -> dict[str, Any]:
        text, _, signature = cookie.rpartition(".")
        if not text or not secrets.compare_digest(
            self.accounts.sign(_PURPOSE + text).encode(), signature.encode("utf-8", "surrogatepass")
        ):
            raise Failed("this browser began no login, or too long ago")
        pending: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=="))
        if pending["u"] < time.time():
            raise Failed("the login was begun too long ago")
        return pending

    def _claims(self, own: str, code: str, pending: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of the ID token that a code is exchanged for, after all checks of Core, 3.1.3.7."""
        metadata, settings = self._metadata(), self.settings
        sent = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": own + DONE,
            "code_verifier": pending["v"], "client_id": settings.client_id,
        }  # fmt: skip
        secret = settings.secret()
        basic: Any = httpx.USE_CLIENT_DEFAULT
        if secret is not None:  # form-encoded, as RFC 6749, 2.3.1 says
            basic = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(secret))
        try:
            with httpx.Client(timeout=_PROVIDER_S) as client:
                given = _json(client.post(metadata["token_endpoint"], data=sent, auth=basic))
                keys = KeySet.import_key_set({"keys": list(_json(client.get(metadata["jwks_uri"]))["keys"])})
            claims = dict(jwt.decode(given["id_token"], keys, algorithms=list(ALGORITHMS)).claims)
            required = {"iss": settings.issuer, "aud": settings.client_id, "nonce": pending["n"]}
            options: dict[str, Any] = {
                name: {"essential": True, "value": value} for name, value in required.items()
            } | {name: {"essential": True} for name in ("sub", "exp", "iat")}
            jwt.JWTClaimsRegistry(leeway=_CLOCKS_APART_S, **options).validate(claims)
        except (JoseError, httpx.HTTPError, KeyError, ValueError, TypeError) as error:
            raise Failed(f"the provider's answer is not right: {type(error).__name__}") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else settings.client_id) != settings.client_id:
            raise Failed("the ID token was made for another program")
        return claims

    def _groups(self, claims: Mapping[str, Any]) -> list[str]:
        found: Any = claims
        for part in self.settings.claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            return [found]
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    def _metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0; kept once it was read."""
        if not self._found:
            issuer = self.settings.issuer
            try:
                with httpx.Client(timeout=_PROVIDER_S) as client:
                    found = _json(client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    _require_safe(str(found[name]), name)
            except (httpx.HTTPError, KeyError, ValueError, CallError) as error:
                raise Failed(f"the provider does not answer as one: {type(error).__name__}") from error
            if found.get("issuer") != issuer:
                raise Failed("the provider calls itself otherwise than the settings do")
            self._found = found
        return self._found


_PURPOSE = "openid:"
"""Keeps signatures of pending logins apart from those of sessions."""


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _json(response: httpx.Response) -> dict[str, Any]:
    found = response.raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _require_safe(url: str, where: object) -> None:
    """Only TLS, or this machine itself.

    Raises
    ------
    CallError : somebody on the way could read or change what is sent.
    """
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if here or (parts.scheme == "https" and parts.hostname):
        return
    raise CallError(f"{url!r} is no https address", str(where), "Name the provider's issuer: https://…")
