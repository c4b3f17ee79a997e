"""Accounts, their sessions, and tokens of programs."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from sensors import tokens as sensor_tokens
from sensors.iso8601 import DAY
from sensors.store.database import Opened, reported
from sensors.times import from_us, now_us
from twin.errors import CallError
from viewer import spaces
from viewer.accounts import attempts, audit
from viewer.accounts.migrations import HEAD
from viewer.accounts.passwords import Passwords, require_sound
from viewer.accounts.rights import ACCOUNT_ROLES, Right, Role, rights_of
from viewer.accounts.tables import accounts, keys, metadata, sessions, tokens

SPACE = "accounts"
"""Name of the file and of the PostgreSQL schema."""
TABLES = spaces.Tables(metadata, HEAD, Path(__file__).parent / "migrations")
SESSION_SECONDS = 12 * 3600
TOKEN_DAYS_MAX = 366
SCOPE_RIGHTS = {
    "scenarios:read": Right.READ_SCENARIOS,
    "scenarios:run": Right.RUN_SCENARIOS,
    sensor_tokens.SENSORTHINGS_READ: Right.READ_SENSORS,
    "metrics:read": Right.READ_METRICS,
}
"""What a program's token can be good for, and the right that its account needs for it."""
LINK_SCOPE = "resident"
TERMINAL = "terminal"
"""Who comes by the link that `lobeda serve` prints."""
RESERVED = frozenset(
    {TERMINAL, "retention", "author", "cli", "link", "token", "unknown", "nobody", "anybody", "system"}
)
"""Names of others in the record and in trails; no account may look like them."""
_NAME = re.compile(r"[\w][\w.@+-]{1,99}")
_SECOND = 1_000_000


@dataclass(frozen=True)
class Person:
    """Who asks: of a session, or of a program's token.

    scopes : of a token; None: a session, which has all of its account's rights.
    """

    name: str
    roles: tuple[str, ...]
    rights: frozenset[Right]
    scopes: frozenset[str] | None = None


@dataclass(frozen=True)
class Account:
    """What is known of an account, without its password."""

    name: str
    roles: tuple[str, ...]
    kind: str  # password or openid
    created_at: datetime
    disabled: bool
    locked_until: datetime | None


@dataclass(frozen=True)
class Token:
    """What is known of a token, without itself. owner : None: a resident's link."""

    name: str
    owner: str | None
    scopes: tuple[str, ...]
    ends_at: datetime


class Refused(Exception):  # noqa: N818 - an answer
    """Nobody logs in by this; wait_s : the account is locked for so long. [s]"""

    def __init__(self, wait_s: int = 0) -> None:
        super().__init__(f"locked for {wait_s} s" if wait_s else "wrong name or password")
        self.wait_s = wait_s


class Accounts(Opened):
    """The store; safe from any thread. See `Accounts.open`.

    clock : microseconds since 1970. It may be set: what would last longer from now on than it may at all is
    taken for ended, a session as a lock, so that a clock that was ahead leaves neither behind.
    """

    def __init__(
        self, engine: Engine, passwords: Passwords | None = None, clock: Callable[[], int] = now_us
    ) -> None:
        super().__init__(engine)
        self.passwords = passwords or Passwords()
        self._clock = clock
        self._signing = self._key("cookies")

    @classmethod
    def open(cls, url: str | None = None, **options: Any) -> Self:
        """Opens the accounts beside the sensors' database that `url` or LOBEDA_DATABASE_URL names.

        Raises
        ------
        StoreError : the database cannot be reached, or is of a newer version.
        CallError : the address is none of SQLite or PostgreSQL.
        """
        where = spaces.address(url, SPACE)
        with reported(where):
            return cls(spaces.open_engine(where, SPACE, TABLES), **options)

    # Accounts

    def add(self, name: str, roles: Collection[str], password: str, actor: str) -> None:
        """A new account.

        Raises
        ------
        CallError : the name is taken or none, a role does not exist, or the password is too weak.
        """
        shown = _name(name)
        wanted = _roles(roles)
        if shown in RESERVED:
            raise CallError(f"the record calls others {shown}", "accounts", "Take another name")
        require_sound(password, shown)
        made = self.passwords.hash(password)
        with self.transaction() as connection:
            if _find(connection, shown) is not None:
                raise CallError(f"there is an account {shown} already", "accounts", "Take another name")
            now = self._clock()
            connection.execute(
                accounts.insert().values(name=shown, roles=wanted, password_hash=made, created_at=now)
            )
            self._administered(connection, wanted)
            audit.note(connection, actor, "account.add", f"{shown} ({wanted})", now)

    def set_roles(self, name: str, roles: Collection[str], actor: str) -> None:
        """Other roles for an account; what it may no longer do ends at once.

        Raises
        ------
        CallError : there is no such account or role.
        """
        self._change(name, actor, f"account.role {_roles(roles)}", roles=_roles(roles))

    def set_password(self, name: str, password: str, actor: str) -> None:
        """Another password; ends the account's sessions and its locks, not its tokens (`revoke_tokens`).

        Raises
        ------
        CallError : there is no such account, or the password is too weak.
        """
        require_sound(password, _name(name))
        made = self.passwords.hash(password)
        self._change(name, actor, "account.password", True, password_hash=made)

    def disable(self, name: str, actor: str, *, enable: bool = False) -> None:
        """Close an account, its sessions and its tokens; or open it again.

        Raises
        ------
        CallError : there is no such account.
        """
        action = "account.enable" if enable else "account.disable"
        self._change(name, actor, action, True, disabled_at=None if enable else self._clock())

    def _change(self, name: str, actor: str, action: str, end_sessions: bool = False, **values: Any) -> None:
        with self.transaction() as connection:
            row = _require(connection, _name(name))
            connection.execute(accounts.update().where(accounts.c.id == row.id).values(**values))
            if end_sessions:
                connection.execute(sessions.delete().where(sessions.c.account_id == row.id))
                attempts.forget_name(connection, self._digest(row.name))
            self._administered(connection, values.get("roles", row.roles))
            audit.note(connection, actor, action, row.name, self._clock())

    def _administered(self, connection: Connection, roles: str) -> None:
        """With an administrator, the terminal's link gives no access any more: its sessions end."""
        if Role.ADMINISTRATOR in roles.split():
            connection.execute(
                sessions.delete().where(sessions.c.account_id.is_(None), sessions.c.token_id.is_(None))
            )

    def listed(self) -> list[Account]:
        """All accounts by name."""
        with self.connect() as connection:
            rows = connection.execute(sa.select(accounts).order_by(accounts.c.name)).all()
            now = self._clock()
            locks = {row.name: attempts.locked_until(connection, self._digest(row.name), now) for row in rows}
        return [
            Account(
                row.name,
                tuple(row.roles.split()),
                "password" if row.password_hash else "openid",
                from_us(row.created_at),
                row.disabled_at is not None,
                from_us(until) if (until := locks[row.name]) else None,
            )
            for row in rows
        ]

    def has_administrator(self) -> bool:
        """Whether somebody can administer this server by an account."""
        return any(Role.ADMINISTRATOR in account.roles and not account.disabled for account in self.listed())

    # Sessions

    def log_in(self, name: str, password: str, network: str = "") -> str:
        """The cookie of a new session. Names that no account has are treated as those that one has.

        network : whence somebody asks; wrong passwords lock it out from this name.

        Raises
        ------
        Refused : wrong, or locked after too many wrong ones.
        """
        asked = name.strip().casefold()
        mine, everywhere = self._digest(f"{asked}\n{network}"), self._digest(asked)
        with self.connect() as connection:
            row = _find(connection, asked)
            if wait_s := attempts.wait_s(connection, mine, everywhere, self._clock()):
                raise Refused(wait_s)
        kept = None if row is None or row.disabled_at is not None else row.password_hash
        right = self.passwords.right(kept, password)
        if row is None or not right:
            with self.transaction() as connection:
                now = self._clock()
                count, lock_s = attempts.failed(connection, mine, everywhere, now)
                if row is not None:  # what else was typed may be somebody's password
                    audit.note(connection, row.name, "login.failed", f"{count} in a row", now)
                    if lock_s:
                        audit.note(connection, row.name, "account.locked", f"{lock_s} s", now)
            raise Refused
        made = self.passwords.hash(password) if self.passwords.outdated(row.password_hash) else None
        with self.transaction() as connection:
            attempts.let_in(connection, mine, everywhere, self._clock())
            if made is not None:
                change = accounts.update().where(accounts.c.id == row.id)
                connection.execute(change.values(password_hash=made))
            return self._begin(connection, row.name, row.roles, "login", account_id=row.id)

    def _digest(self, text: str) -> str:
        return self.sign(f"attempt:{text}")

    def log_in_terminal(self) -> str:
        """The cookie of a new session of who sits at the terminal; it ends with the first administrator."""
        with self.transaction() as connection:
            return self._begin(connection, TERMINAL, Role.ADMINISTRATOR, "login.link")

    def log_in_link(self, token: str) -> str:
        """The cookie of a new session by a resident's link, with which it ends.

        Raises
        ------
        Refused : there is no such link, or no longer.
        """
        query = sa.select(tokens).where(
            tokens.c.digest == digest(token),
            tokens.c.account_id.is_(None),
            _runs(tokens, self._clock(), TOKEN_DAYS_MAX * DAY // _SECOND),
        )
        with self.transaction() as connection:
            row = connection.execute(query).first()
            if row is None:
                raise Refused
            return self._begin(connection, f"link:{row.name}", Role.RESIDENT, "login.link", token_id=row.id)

    def log_in_openid(self, issuer: str, subject: str, name: str, roles: Collection[str]) -> str:
        """The cookie of a new session of somebody whom an OpenID provider vouches for.

        The account is made at the first login; its roles are those that the provider says each time.

        Raises
        ------
        Refused : the account was disabled here.
        """
        given = _roles(roles)
        with self.transaction() as connection:
            mine = sa.and_(accounts.c.issuer == issuer, accounts.c.subject == subject)
            row = connection.execute(sa.select(accounts).where(mine)).first()
            if row is None:
                shown = _free_name(connection, name, subject)
                new = accounts.insert().values(
                    name=shown, roles=given, issuer=issuer, subject=subject, created_at=self._clock()
                )
                connection.execute(new)
                audit.note(connection, shown, "account.add", f"{shown} ({given}) by {issuer}", self._clock())
                row = connection.execute(sa.select(accounts).where(mine)).one()
                self._administered(connection, given)
            elif row.disabled_at is not None:
                raise Refused
            elif row.roles != given:
                connection.execute(accounts.update().where(accounts.c.id == row.id).values(roles=given))
                self._administered(connection, given)
            return self._begin(connection, row.name, given, "login.openid", account_id=row.id)

    def _begin(
        self,
        connection: Connection,
        name: str,
        roles: str,
        action: str,
        *,
        account_id: int | None = None,
        token_id: int | None = None,
    ) -> str:
        key = secrets.token_urlsafe(32)
        now = self._clock()
        connection.execute(sessions.delete().where(sessions.c.ends_at <= now))
        connection.execute(
            sessions.insert().values(
                digest=digest(key), account_id=account_id, token_id=token_id, name=name, roles=roles,
                created_at=now, ends_at=now + SESSION_SECONDS * _SECOND,
            )
        )  # fmt: skip
        audit.note(connection, name, action, roles, now)
        return f"{key}.{self.sign(key)}"

    def who(self, cookie: str) -> Person | None:
        """Whose session a cookie is of; None: of none that is open. Forged ones do not reach the database."""
        key = self.signed(cookie)
        if key is None:
            return None
        now = self._clock()
        link = _runs(tokens, now, TOKEN_DAYS_MAX * DAY // _SECOND)
        query = (
            sa.select(sessions, accounts.c.roles.label("now"), accounts.c.disabled_at)
            .join_from(sessions, accounts, isouter=True)
            .join(tokens, tokens.c.id == sessions.c.token_id, isouter=True)
            .where(sessions.c.digest == digest(key), _runs(sessions, now, SESSION_SECONDS))
            .where(sa.or_(sessions.c.token_id.is_(None), link))
        )
        with self.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.disabled_at is not None:
            return None
        roles = tuple((row.roles if row.account_id is None else row.now).split())
        return Person(row.name, roles, rights_of(roles))

    def log_out(self, cookie: str) -> None:
        """Close the session of a cookie."""
        key = self.signed(cookie)
        if key is None:
            return
        with self.transaction() as connection:
            mine = sessions.c.digest == digest(key)
            name = connection.execute(sa.select(sessions.c.name).where(mine)).scalar()
            if name is not None:
                connection.execute(sessions.delete().where(mine))
                audit.note(connection, name, "logout", "", self._clock())

    def log_out_everywhere(self, name: str, actor: str) -> None:
        """Close all sessions of an account, or of a resident's link.

        Raises
        ------
        CallError : there is no such account or link.
        """
        with self.transaction() as connection:
            is_link = sa.and_(tokens.c.name == name, tokens.c.account_id.is_(None))
            link = connection.execute(sa.select(tokens.c.id).where(is_link)).scalar()
            row = _find(connection, name.strip().casefold())
            if row is None and link is None:
                raise CallError(f"there is no account or link {name}", "accounts", "`lobeda accounts list`")
            if row is not None:
                mine, thing = sessions.c.account_id == row.id, row.name
            else:
                mine, thing = sessions.c.token_id == link, f"link:{name}"
            connection.execute(sessions.delete().where(mine))
            audit.note(connection, actor, "account.logout", thing, self._clock())

    # Tokens

    def add_token(self, name: str, owner: str, scopes: Collection[str], days: int, actor: str) -> str:
        """A new token, by which a program acts for the account `owner`; nobody can read it again.

        Raises
        ------
        CallError : the name is taken, there is no such account or scope, or the account lacks its right.
        """
        unknown = sorted(set(scopes) - set(SCOPE_RIGHTS))
        if unknown or not scopes:
            wanted = f"there is no scope {unknown[0]}" if unknown else "a token needs a scope"
            raise CallError(wanted, "--scope", f"Use {', '.join(sorted(SCOPE_RIGHTS))}")
        with self.connect() as connection:
            row = _require(connection, _name(owner))
        may = rights_of(row.roles.split())
        lacking = sorted(scope for scope in scopes if SCOPE_RIGHTS[scope] not in may)
        if lacking:
            raise CallError(f"{row.name} has no right for {lacking[0]}", "--scope", "Give it another role")
        return self._add_token(name, row.id, " ".join(sorted(set(scopes))), days, actor)

    def add_link(self, name: str, days: int, actor: str) -> str:
        """A token that opens sessions of the role resident, for a link ``/login?link=…``.

        Raises
        ------
        CallError : the name is taken.
        """
        return self._add_token(name, None, LINK_SCOPE, days, actor)

    def _add_token(self, name: str, account_id: int | None, scopes: str, days: int, actor: str) -> str:
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise CallError(f"{days} days is no life of a token", "--days", f"Use 1 to {TOKEN_DAYS_MAX}")
        if not name.strip():
            raise CallError("a token needs a name", "token")
        token = secrets.token_urlsafe(32)
        now = self._clock()
        try:
            with self.transaction() as connection:
                connection.execute(
                    tokens.insert().values(
                        name=name, digest=digest(token), account_id=account_id, scopes=scopes,
                        created_at=now, ends_at=now + days * DAY,
                    )
                )  # fmt: skip
                audit.note(connection, actor, "token.add", f"{name} ({scopes}, {days} days)", now)
        except IntegrityError:
            raise CallError(f"there is a token {name} already", "token", "Revoke it, or rename") from None
        return token

    def program(self, token: str) -> Person | None:
        """For whom a token acts and with which rights; None: it is none, or no longer."""
        wanted = digest(token)
        query = (
            sa.select(tokens, accounts.c.name.label("owner"), accounts.c.roles, accounts.c.disabled_at)
            .join_from(tokens, accounts, isouter=True)
            .where(tokens.c.digest == wanted, _runs(tokens, self._clock(), TOKEN_DAYS_MAX * DAY // _SECOND))
        )
        with self.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.disabled_at is not None or not hmac.compare_digest(row.digest, wanted):
            return None
        scopes = frozenset(row.scopes.split())
        if row.account_id is None:
            return Person(f"link:{row.name}", (Role.RESIDENT,), rights_of([Role.RESIDENT]), scopes)
        roles = tuple(row.roles.split())
        granted = frozenset(SCOPE_RIGHTS[scope] for scope in scopes if scope in SCOPE_RIGHTS)
        return Person(f"{row.owner}/{row.name}", roles, granted & rights_of(roles) | {Right.LOOK}, scopes)

    def listed_tokens(self) -> list[Token]:
        """All tokens by name, never themselves."""
        query = sa.select(tokens, accounts.c.name.label("owner")).join_from(tokens, accounts, isouter=True)
        with self.connect() as connection:
            rows = connection.execute(query.order_by(tokens.c.name)).all()
        return [Token(row.name, row.owner, tuple(row.scopes.split()), from_us(row.ends_at)) for row in rows]

    def revoke_token(self, name: str, actor: str) -> None:
        """Make a token worthless.

        Raises
        ------
        CallError : there is none of this name.
        """
        with self.transaction() as connection:
            number = connection.execute(sa.select(tokens.c.id).where(tokens.c.name == name)).scalar()
            if number is None:
                raise CallError(f"there is no token {name}", "token", "`lobeda accounts tokens list`")
            connection.execute(sessions.delete().where(sessions.c.token_id == number))
            connection.execute(tokens.delete().where(tokens.c.id == number))
            audit.note(connection, actor, "token.revoke", name, self._clock())

    def revoke_tokens(self, owner: str, actor: str) -> list[str]:
        """Make all tokens of an account worthless; their names.

        Raises
        ------
        CallError : there is no such account.
        """
        with self.transaction() as connection:
            row = _require(connection, _name(owner))
            mine = tokens.c.account_id == row.id
            names = list(connection.execute(sa.select(tokens.c.name).where(mine)).scalars())
            connection.execute(tokens.delete().where(mine))
            for name in names:
                audit.note(connection, actor, "token.revoke", name, self._clock())
        return names

    # The record, and signatures

    def note(self, actor: str, action: str, thing: str) -> None:
        """Adds an entry to the audit record."""
        with self.transaction() as connection:
            audit.note(connection, actor, action, thing, self._clock())

    def sign(self, text: str) -> str:
        """The signature of a text that this server gives out and wants back unchanged."""
        return hmac.new(self._signing, text.encode(), hashlib.sha256).hexdigest()

    def signed(self, cookie: str) -> str | None:
        """The text before the dot, if the signature behind it is this server's."""
        text, _, signature = cookie.rpartition(".")
        made = self.sign(text).encode()
        good = hmac.compare_digest(made, signature.encode("utf-8", "surrogatepass"))
        return text if text and good else None

    def _key(self, name: str) -> bytes:
        """A random key that all processes on this database share."""
        query = sa.select(keys.c.value).where(keys.c.name == name)
        with self.transaction() as connection:
            value = connection.execute(query).scalar()
            if value is None:
                value = secrets.token_hex(32)
                connection.execute(keys.insert().values(name=name, value=value))
        return bytes.fromhex(value)


def _runs(table: sa.Table, now: int, seconds: int) -> sa.ColumnElement[bool]:
    """Rows that have not ended and may last so long at most; a minute more, for clocks put right."""
    left = table.c.ends_at - now
    return sa.and_(left > 0, left <= (seconds + 60) * _SECOND)


def digest(key: str) -> str:
    """What the database keeps of a key."""
    return sensor_tokens.digest(key)


def _find(connection: Connection, name: str) -> Any:
    return connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()


def _require(connection: Connection, name: str) -> Any:
    row = _find(connection, name)
    if row is None:
        raise CallError(f"there is no account {name}", "accounts", "`lobeda accounts list` shows them")
    return row


def _name(name: str) -> str:
    shown = name.strip().casefold()
    if not _NAME.fullmatch(shown):
        raise CallError(f"{name!r} is no name of an account", "accounts", "Use 2 to 100 letters and digits")
    return shown


def _free_name(connection: Connection, name: str, subject: str) -> str:
    """A name for an account of an OpenID provider, which may not be that of another account."""
    shown = re.sub(r"[^\w.@+-]", "-", name.strip().casefold()).strip("-.@+")[:60] or "openid"
    if _NAME.fullmatch(shown) and shown not in RESERVED and _find(connection, shown) is None:
        return shown
    return f"{shown}+{digest(subject)[:12]}"


def _roles(roles: Collection[str]) -> str:
    unknown = sorted(set(roles) - set(ACCOUNT_ROLES))
    if unknown or not roles:
        what = f"there is no role {unknown[0]}" if unknown else "an account needs a role"
        raise CallError(what, "--role", f"Use {', '.join(ACCOUNT_ROLES)}")
    return " ".join(sorted(set(roles)))
