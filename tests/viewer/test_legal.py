"""The public pages' legal parts: what only the operator knows is asked for and never made up."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.viewer.accounts import PASSWORD
from tests.viewer.districts import small
from twin.errors import CallError, SourceError
from viewer import cli, legal, privacy, publish, server, texts
from viewer.accounts.rights import Role
from viewer.accounts.store import SESSION_SECONDS, Accounts
from viewer.api import catalogue_record
from viewer.participation.limits import LIMITS
from viewer.state import Twin

FILLED = """operator:
  name: Gemeinde Talhausen
  address: Kirchgasse 1, 07700 Talhausen
  represented_by: Erika Lindner
  email: rathaus@talhausen.test
  phone: +49 3641 112233
responsible: Max Lindner & Ada Vogel, Pressestelle
data_protection:
  officer: Ada Vogel, datenschutz@talhausen.test
  basis: {de: Art. 6 Abs. 1 Buchst. e DSGVO}
  authority: {de: Aufsicht des Landes, en: Authority of the state}
  server: {de: Der Webserver vergisst Adressen nach 7 Tagen.}
  backups: {de: Sicherungskopien werden nach 14 Tagen überschrieben.}
accessibility:
  email: barrierefrei@talhausen.test
  enforcement: {de: Durchsetzungsstelle des Landes}
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
    assert "Gemeinde Talhausen" in german.views["imprint"] and "Lindner & Ada" in german.views["imprint"]
    assert "Aufsicht des Landes" in german.views["data-protection"]
    assert "Authority of the state" in english.views["data-protection"]
    assert "Der Webserver vergisst" in english.views["data-protection"]  # there is no other text
    assert "barrierefrei@talhausen.test" in english.views["accessibility"]
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


@pytest.mark.parametrize("value", ["Stadt Beispiel", "Erika Mustermann", "<Name>", "rathaus@stadt.example"])
def test_an_examples_values_do_not_go_live(tmp_path: Path, value: str) -> None:
    """As docs/publish.md prints them, say: the same rule as for the catalogue's record."""
    text = FILLED.replace("{de: Durchsetzungsstelle des Landes}", f"{{de: '{value}'}}")
    with pytest.raises(SourceError, match=r"accessibility\.enforcement\.de is still the example's"):
        legal.required(content(tmp_path / "content", text))
    assert legal.own(tmp_path / "content") is None  # so that a site without --live is a preview
    with pytest.raises(CallError, match="CATALOGUE_PUBLISHER"):
        catalogue_record.settings({"LOBEDA_CATALOGUE_PUBLISHER": value}, {})


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    lines = FILLED.replace("  phone: +49 3641 112233", "  phone: call us\n  fax: none").splitlines()
    text = "\n".join(line for line in lines if "officer" not in line and "responsible" not in line)
    with pytest.raises(SourceError) as caught:
        legal.read(content(tmp_path / "content", text))
    said = str(caught.value)
    assert "operator.phone (line 6): String should match pattern" in said
    assert "operator.fax (line 7): Extra inputs are not permitted" in said
    assert "Entries of operator are name, address, represented_by, email, phone" in said
    # A missing entry has the line of what it is missing in; the whole begins at line 1.
    assert "responsible (line 1), data_protection.officer (line 8): Field required" in said
    assert said.count("Add this entry") == 1 and "Correct this entry" in said and "\n" not in said


def test_an_empty_entry_for_each_is_told_whole(tmp_path: Path) -> None:
    """Fourteen entries are asked for; the one line names every one of them."""
    text = "operator: {}\nresponsible: {}\ndata_protection: {}\naccessibility: {}\n"
    with pytest.raises(SourceError) as caught:
        legal.read(content(tmp_path / "content", text))
    said = str(caught.value)
    parts = (legal.Operator, legal.DataProtection, legal.Accessibility)
    names = [name for part in parts for name in part.model_fields]
    assert all(f".{name}" in said for name in names) and "responsible" in said and "…" not in said


def test_the_guides_example_is_complete_and_does_not_go_live(tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs" / "publish.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    folder = content(tmp_path / "content", block)
    assert legal.read(folder)
    with pytest.raises(SourceError, match=r"operator\.name, .*operator\.email, .* are still the example's"):
        legal.required(folder)


def test_calls_of_a_public_address_mean_that_the_site_goes_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "content").mkdir()
    asked = ["publish", str(tmp_path / "site"), "--content", str(tmp_path / "content")]
    assert cli.run([*asked, "--api", "https://twin.talhausen.test"]) == 2
    assert "nobody answers" in capsys.readouterr().err and not (tmp_path / "site").exists()
    assert cli.run([*asked, "--live", "--preview"]) == 2


def test_every_number_on_data_protection_is_a_setting(bundle: Path, twin: Twin, tmp_path: Path) -> None:
    plain = re.sub(r"\d", "", FILLED.replace("+49 3641 112233", "+++"))  # the operator's own numbers
    options = publish.Options(
        content=content(tmp_path / "content", plain), api="https://twin.talhausen.test/",
        by_link=True, comment_months=7, record_months=31, draws=2,
    )  # fmt: skip
    site = publish.publish(twin.district, tmp_path / "site", results=twin, options=options)
    hours = {SESSION_SECONDS / 3600, max(one.seconds for kind in LIMITS.values() for one in kind) / 3600}
    settings = {7, 31, publish.LIVE_S, *hours}
    rights = {15, 21, 77}  # articles of the GDPR
    for language in texts.languages(variants=True):
        page = site / ("" if language == texts.DEFAULT else language) / "index.html"
        said = Text(page).views["data-protection"]
        found = {int(one) for one in re.findall(r"\d+", said)}
        assert found == settings | ({privacy.MINIMUM} if language == "de-leicht" else rights), language
        assert "twin.talhausen.test" in said, language
        assert f'data-live="{publish.LIVE_S}"' in page.read_text("utf-8")


def test_plain_german_has_plain_headings_votes_and_retention(site: Path) -> None:
    page = (site / "de-leicht" / "index.html").read_text("utf-8")
    views = page[
        page.index('data-view="imprint"') : page.index("</article>", page.index('id="accessibility"'))
    ]
    heads = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", views)
    ordinary = {text for key, text in texts.load("de").items() if key.startswith("legal.")}
    assert len(heads) > 10 and not set(heads) & ordinary
    assert "Stimmen" in texts.load("de-leicht")["legal.retention"]


def test_a_site_without_comments_says_nothing_of_them(site: Path) -> None:
    said = Text(site / "index.html").views["data-protection"]
    assert texts.text("de", "legal.no_cookies") in said
    assert not any(texts.text("de", f"legal.{key}") in said for key in ("comments", "votes", "backups_text"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  name: Gemeinde Talhausen\n", "", "operator.name"),
        ("responsible: Max Lindner & Ada Vogel, Pressestelle", "responsible: ''", "line 7"),
        ("rathaus@talhausen.test", "rathaus", "operator.email"),
        ("{de: Durchsetzungsstelle des Landes}", "{en: Body}", "accessibility.enforcement"),
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
