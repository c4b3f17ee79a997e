"""The public pages' legal parts: what only the operator knows is asked for and never made up."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.viewer.accounts import PASSWORD
from tests.viewer.districts import small
from twin.errors import CallError, SourceError
from viewer import legal, publish, server, texts
from viewer.accounts.rights import Role
from viewer.accounts.store import Accounts
from viewer.state import Twin

FILLED = """operator:
  name: Stadt Beispiel
  address: Am Markt 1, 07743 Beispielstadt
  represented_by: Erika Beispiel
  email: rathaus@beispiel.example
  phone: +49 3641 000000
responsible: Max <Beispiel>, Pressestelle
data_protection:
  officer: Ada Beispiel, datenschutz@beispiel.example
  authority: {de: Aufsicht Beispielland, en: Authority of Exampleland}
  server: {de: Der Webserver vergisst Adressen nach 7 Tagen.}
accessibility:
  email: barrierefrei@beispiel.example
  enforcement: {de: Durchsetzungsstelle Beispielland}
"""


class Text(HTMLParser):
    """The text of each view of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.views: dict[str, str] = {}
        self.missing: list[str] = []
        self._view = ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._view = given.get("data-view") or self._view
        if "data-missing" in given:
            self.missing.append(self._view)

    def handle_data(self, data: str) -> None:
        self.views[self._view] = self.views.get(self._view, "") + data


def content(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / legal.FILE).write_text(text, "utf-8")
    return folder


def test_a_filled_site_says_who_answers_for_it(bundle: Path, twin: Twin, tmp_path: Path) -> None:
    options = publish.Options(content=content(tmp_path / "content", FILLED), going_live=True)
    site = publish.publish(twin.district, tmp_path / "site", results=twin, options=options)
    german, english = Text(site / "index.html"), Text(site / "en" / "index.html")
    assert not german.missing and not publish.summary(site)["preview"]
    assert "Stadt Beispiel" in german.views["imprint"] and "Max <Beispiel>" in german.views["imprint"]
    assert "Aufsicht Beispielland" in german.views["data-protection"]
    assert "Authority of Exampleland" in english.views["data-protection"]
    assert "Der Webserver vergisst" in english.views["data-protection"]  # there is no other text
    assert "barrierefrei@beispiel.example" in english.views["accessibility"]
    assert "noindex" not in (site / "index.html").read_text("utf-8")


def test_without_them_it_is_a_preview_that_says_so(site: Path) -> None:
    page = Text(site / "index.html")
    assert set(page.missing) == {"imprint", "data-protection", "accessibility"}
    assert texts.text("de", "legal.preview") in page.views["start"]
    assert '<meta name="robots" content="noindex">' in (site / "index.html").read_text("utf-8")
    assert publish.summary(site)["preview"]


def test_nobody_answering_refuses_to_go_live(twin: Twin, tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    options = publish.Options(content=tmp_path / "content", going_live=True)
    with pytest.raises(CallError, match="nobody answers") as caught:
        publish.publish(twin.district, tmp_path / "site", results=twin, options=options)
    assert legal.FILE in str(caught.value) and not (tmp_path / "site").exists()


def test_nor_is_such_a_site_served_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    with Accounts.open() as accounts:
        accounts.add("erika", [Role.ADMINISTRATOR], PASSWORD, "test")
    with pytest.raises(CallError, match="nobody answers"):
        server.serve(small(), url="https://lobeda.example", content=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  name: Stadt Beispiel\n", "", "operator.name"),
        ("responsible: Max <Beispiel>, Pressestelle", "responsible: ''", "line 7"),
        ("rathaus@beispiel.example", "rathaus", "operator.email"),
        ("{de: Durchsetzungsstelle Beispielland}", "{en: Body}", "accessibility.enforcement"),
        ("accessibility:", "tracking: yes\naccessibility:", "tracking"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = content(tmp_path / "content", FILLED.replace(old, new))
    with pytest.raises(SourceError) as caught:
        legal.read(folder)
    assert said in str(caught.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is empty"):
        legal.read(content(tmp_path / "content", ""))
