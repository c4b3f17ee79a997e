"""Guided walks: read, checked, and on the page with a text for each picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin import assets
from twin.errors import SourceError
from viewer import proposals, stories

STORY = """---
title: {de: Rundgang}
proposal: trees
---
## Heute
```view
look: {from: [683100, 5640100, 260], at: [683000, 5640000, 160]}
layer: year
shows: Das Quartier.
```
Text **fett** <b>x</b>.

## Morgen
```view
look: proposal
frame: proposal
highlight: true
shows: Mit Bäumen.
```
Mehr Text.
"""


def _write(folder: Path, text: str = STORY, name: str = "walk.md") -> Path:
    (folder / "stories").mkdir(exist_ok=True)
    (folder / "stories" / name).write_text(text, "utf-8")
    return folder


def test_steps_are_read_and_cameras_counted_from_the_scene(tmp_path: Path) -> None:
    (story,) = stories.read(_write(tmp_path), ["trees"])
    said = stories.words(story, "en")
    assert said["lang"] == "de" and [step["title"] for step in said["steps"]] == ["Heute", "Morgen"]
    assert said["steps"][0]["html"] == "<p>Text <strong>fett</strong> &lt;b&gt;x&lt;/b&gt;.</p>"
    assert said["steps"][1]["shows"] == "Mit Bäumen."
    views = stories.data(story, (683_000.0, 5_640_000.0, 100.0))["views"]
    # East, up and south of the origin.
    assert views[0]["look"] == {"position": [100.0, 160.0, -100.0], "target": [0.0, 60.0, -0.0]}
    assert views[1] == {"look": "proposal", "layer": None, "frame": "proposal", "highlight": True}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("proposal: trees", "proposal: gone", "there is no 'gone'. Proposals are trees"),
        ("layer: year", "layer: network_flow", "step 'Heute': layer: there is no public 'network_flow'"),
        ("frame: proposal", "frame: later", "step 'Morgen': frame: "),
        ("shows: Mit Bäumen.", "", "step 'Morgen': shows: Field required. Add this entry"),
        ("```view\nlook: proposal", "```\nlook: proposal", "step 'Morgen': says not what it shows"),
        ("## ", "", "has no step"),
    ],
)  # fmt: skip
def test_errors_name_step_and_remedy(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        stories.read(_write(tmp_path, STORY.replace(old, new)), ["trees"])


def test_languages_have_the_same_steps(tmp_path: Path) -> None:
    _write(tmp_path)
    _write(tmp_path, "## Only one\n```view\nshows: x\n```\ntext\n", "walk.en.md")
    with pytest.raises(SourceError, match=r"walk.en.md: has another number of steps"):
        stories.read(tmp_path, ["trees"])


def test_shipped_stories_are_told_in_all_languages() -> None:
    folder = assets.path("content", "Jena-Lobeda")
    (story,) = stories.read(folder, [p.name for p in proposals.read(folder)])
    assert set(story.steps) == {"de", "en", "de-leicht"}
    assert all(step.shows and step.told for steps in story.steps.values() for step in steps)
