"""HTML pages from templates: the same frame for the public page, the manager's app and the login."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from twin.district import District
from viewer import texts

FOLDER = Path(__file__).resolve().parent / "static"
_TEMPLATES = Path(__file__).resolve().parent / "site" / "templates"


@cache
def environment() -> Environment:
    """The templates, escaping everything and refusing names that do not exist."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["nonced"] = nonced
    return found


def nonced(html: str, nonce: str) -> Markup:
    """Bokeh's own markup for a page whose policy lets run only scripts that name `nonce`.

    It escapes "<" in the documents and names that it writes there, so that no script of theirs gets one.
    """
    return Markup(html.replace("<script", f'<script nonce="{nonce}"'))


def template(name: str) -> Template:
    """The template `name` of viewer/site/templates."""
    return environment().get_template(name)


def context(language: str) -> dict[str, Any]:
    """What every page needs: the texts as ``t``, the language, all languages, and the residents' own page."""
    return {
        "t": texts.load(language),
        "language": language,
        "languages": texts.languages(),
        "home_page": "/" if language == texts.DEFAULT else f"/{language}/",
    }


def district_title(district: District, language: str) -> str:
    """The district's name as its metadata says for the language, else its plain name."""
    return str(district.metadata.get(f"title_{language}") or district.metadata.get("title") or district.name)


def assets_digest() -> str:
    """Content hash of all shared style sheets and scripts."""
    total = hashlib.sha256()
    for file in sorted(FOLDER.rglob("*")):
        if file.is_file():
            total.update(file.relative_to(FOLDER).as_posix().encode())
            total.update(file.read_bytes())
    return total.hexdigest()[:12]


@dataclass(frozen=True)
class Ways:
    """What the login page offers: name and password, a link on the terminal, an OpenID provider."""

    password: bool = False
    terminal: bool = False
    openid: bool = False


NO_WAYS = Ways()


def login(language: str, state: str, ways: Ways = NO_WAYS, **values: str) -> str:
    """The page around logging in.

    state : needed, link, used, done, renewed, wait, wrong, locked, often, busy, forbidden, stranger or
        failed.
    values : home, where it goes on; minutes to wait; token or link, which its button sends;
        name, as it was given before.
    """
    return template("login.html").render(
        **context(language),
        state=state,
        ways=ways,
        said=texts.text(language, f"login.{state}", **values),
        home=values.get("home", "/"),
        token=values.get("token", ""),
        link=values.get("link", ""),
        name=values.get("name", ""),
        assets=f"app-{assets_digest()}",
        title=texts.text(language, "login.title"),
    )


def not_found(language: str) -> str:
    """The page for an address that leads nowhere."""
    return template("login.html").render(
        **context(language),
        state="lost",
        ways=NO_WAYS,
        said="",
        home="/",
        token="",
        link="",
        assets=f"app-{assets_digest()}",
        title=texts.text(language, "lost.title"),
    )
