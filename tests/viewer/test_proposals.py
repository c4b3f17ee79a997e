"""Files of proposals: read, checked and put into the reader's language."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import twin
from twin import assets
from twin.errors import SourceError
from viewer import content, markdown, proposals, residents, texts

TITLE = "title: {de: Bäume am Platz, en: Trees}\n"
HEAD = f"""{TITLE}place: {{de: Lobeda-Ost}}
why: {{de: Es ist zu heiß.}}
status: planned
contact: {{name: Stadtplanung, email: planung@stadt.example}}
"""


def write(folder: Path, head: str = HEAD, body: str = "Wir pflanzen.", name: str = "trees.md") -> Path:
    (folder / "proposals").mkdir(exist_ok=True, parents=True)
    file = folder / "proposals" / name
    file.write_text(f"---\n{head}---\n{body}\n", "utf-8")
    return folder


def test_proposal_is_read_with_its_languages(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "from: 2027\nto: 2028\nscenario: library/smart-heating.yaml\n")
    (tmp_path / "proposals" / "trees.en.md").write_text("We *plant*.", "utf-8")
    (found,) = proposals.read(tmp_path)
    assert (found.name, found.head.status, found.head.starts) == ("trees", "planned", 2027)
    assert found.scenario is not None and found.scenario.name == "smart-heating"
    english = residents.words(found, "en")
    assert english["title"] == {"text": "Trees", "lang": ""}
    assert english["place"] == {"text": "Lobeda-Ost", "lang": "de"}
    assert english["body"]["html"] == "<p>We <em>plant</em>.</p>"
    assert english["when"] == "2027 to 2028"
    assert residents.words(found, "de")["when"] == "2027 bis 2028"


def test_plain_german_falls_back_on_german(tmp_path: Path) -> None:
    (found,) = proposals.read(write(tmp_path))
    said = residents.words(found, "de-leicht")
    assert said["title"] == {"text": "Bäume am Platz", "lang": "de"}


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (HEAD.replace("planned", "maybe"), "line 5: status: "),
        (HEAD.replace(TITLE, ""), "title: Field required. Add this entry"),
        (HEAD.replace(TITLE, "title: {en: Trees}\n"), "line 2: title: a text in the language 'de'"),
        (HEAD + "colour: red\n", "line 7: colour: .*Entries are title, place"),
        (HEAD + "from: 2030\nto: 2029\n", "ends .to. before it starts"),
        (HEAD + "scenario: gone.yaml\n", "there is no file gone.yaml. Name it from this file's folder"),
        (HEAD + "scenario: library/gone.yaml\n", "there is no such scenario"),
        (HEAD + "targets: {where: {quarter: X}}\n", "without a scenario they mean nothing"),
        (HEAD.replace("planung@stadt.example", "nobody"), "contact.email"),
        ("a: &x 1\n", "anchors and aliases"),
        ("- a\n", "empty head"),
    ],
)  # fmt: skip
def test_errors_name_file_field_and_remedy(tmp_path: Path, head: str, says: str) -> None:
    write(tmp_path, head)
    with pytest.raises(SourceError, match=says) as error:
        proposals.read(tmp_path)
    assert "\n" not in str(error.value)


def test_file_without_head_or_body_or_with_a_strange_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"trees.md: says nothing below its head"):
        proposals.read(write(tmp_path, body=""))
    (tmp_path / "proposals" / "trees.md").write_text("Text", "utf-8")
    with pytest.raises(SourceError, match=r"trees.md: has no head"):
        proposals.read(tmp_path)
    (tmp_path / "proposals" / "trees.md").unlink()
    with pytest.raises(SourceError, match="cannot be an address"):
        proposals.read(write(tmp_path, name="Große Bäume.md"))
    (tmp_path / "proposals" / "Große Bäume.md").rename(tmp_path / "proposals" / "lost.en.md")
    with pytest.raises(SourceError, match="is the text of no file"):
        proposals.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](JAVASCRIPT&colon;alert(1))", "<p>[x](JAVASCRIPT:alert(1))</p>"),
        ("![Platz](https://elsewhere.example/x.png)", "<p>Platz</p>"),
        ("# Titel", "<h3>Titel</h3>"),
        ("[x](https://a.example)", '<p><a href="https://a.example" rel="noopener noreferrer">x</a></p>'),
    ],
)  # fmt: skip
def test_markdown_lets_nothing_dangerous_through(text: str, expected: str) -> None:
    assert markdown.html(text) == expected


def test_shipped_proposals_are_examples_in_all_languages() -> None:
    shipped = proposals.read(assets.path("content", "Jena-Lobeda"))
    assert len(shipped) == 3
    for proposal in shipped:
        assert proposal.head.example and proposal.scenario is not None
        assert set(proposal.body) == {"de", "en", "de-leicht"} <= set(proposal.head.title)
        assert proposal.head.contact.email is not None and proposal.head.contact.email.endswith(".example")
    assert {p.head.status for p in shipped} <= set(proposals.STATUSES)


def test_the_shipped_retrofit_goes_beyond_what_its_houses_have() -> None:
    """A standard that the sample's houses meet already would leave nothing to show."""
    shipped = {p.name: p for p in proposals.read(assets.path("content", "Jena-Lobeda"))}
    retrofit = shipped["retrofit-salvador-allende-platz"]
    assert (
        retrofit.scenario is not None and retrofit.scenario.measures[0].parameters["standard"] == "advanced"
    )
    buildings = twin.open("lobeda").buildings
    limits = {"street": "Salvador-Allende-Platz", "construction_series": "WBS 70"}
    meant = buildings[(buildings[list(limits)] == pd.Series(limits)).all(axis=1)]
    assert len(meant) == 8 and set(meant["refurbishment"]) <= {"none", "usual"}


def test_reader_gets_the_nearest_language() -> None:
    assert set(texts.languages(variants=True)) == {"de", "en", "de-leicht"}
    assert content.said({"de": "a", "en": "b"}, "de-leicht") == ("a", "de")
    assert content.said({"de": "a"}, "en") == ("a", "de")
