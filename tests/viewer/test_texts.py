"""Texts, numbers, colours and charts, each without a browser."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin import schema
from twin.errors import CallError
from viewer import charts, colours, facts, format, texts
from viewer.layers import LAYERS

ROOT = Path(texts.__file__).parent.parent


def test_languages_say_the_same() -> None:
    assert list(texts.languages()) == ["de", "en"]
    assert texts.check() == []


def test_further_language_is_one_file(tmp_path: Path) -> None:
    for file in ("de.toml", "en.toml"):
        shutil.copy(ROOT / "texts" / file, tmp_path)
    french = (tmp_path / "en.toml").read_text("utf-8").replace('name = "English"', 'name = "Français"')
    (tmp_path / "fr.toml").write_text(french, "utf-8")
    assert texts.languages(tmp_path) == {"de": "Deutsch", "en": "English", "fr": "Français"}
    assert texts.check(tmp_path) == []


def test_check_names_what_a_language_lacks(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_text(
        '[language]\nname = "Deutsch"\n[a]\nb = "{count} Dinge"\nc = "x"\n', "utf-8"
    )
    (tmp_path / "en.toml").write_text('[language]\nname = "English"\n[a]\nb = "things"\nd = "y"\n', "utf-8")
    assert texts.check(tmp_path) == [
        "en: a.b has other placeholders than de", "en: a.c is missing", "en: a.d is not known",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["xx", "../de", "DE", ""])
def test_unknown_language_is_refused(language: str) -> None:
    with pytest.raises(CallError, match="there are no texts"):
        texts.load(language)


def test_every_text_that_code_asks_for_exists() -> None:
    known = set(texts.load("de"))
    patterns = ("*.py", "layers/*.py", "participation/*.py", "static/*.js", "site/**/*.html")
    sources = [file for pattern in patterns for file in ROOT.glob(pattern)]
    asked = set()
    for file in sources:
        content = file.read_text("utf-8")
        asked |= set(re.findall(r"""\bt\(["']([a-z_.0-9]+)["']""", content))
        asked |= set(re.findall(r"""\bt\["([a-z_.0-9]+)"\]""", content))
        asked |= set(re.findall(r'texts\.text\(\s*[\w.]+,\s*"([a-z_.0-9]+)"', content))
    assert asked - known == set()
    assert len(asked) > 60


def test_no_text_is_left_over() -> None:
    patterns = ("*.py", "layers/*.py", "participation/*.py", "static/*.js", "site/**/*.html")
    content = "".join(file.read_text("utf-8") for pattern in patterns for file in ROOT.glob(pattern))
    built = {"function", "heating", "roof", "state", "source", "column", "tables", "unit", "login", "layer"}
    # Asked for by a name in a variable.
    built |= {
        "charts",
        "economy",
        "what_if",
        "kpi",
        "sun",
        "finding",
        "flag",
        "alarm",
        "sensor",
        "kind",
        "watering",
    }
    built |= {"calibration", "ago", "counted", "hazard", "measure", "choice", "home", "today", "table"}
    built |= {"held", "tour", "participation", "moderation", "api"}
    unused = [
        key
        for key in texts.load("de")
        if key not in content
        and not key.startswith(("public.frame_", "proposal.status_", "proposal.compare_"))
        and key.split(".")[0] not in built
        and key.split(".")[-1] not in content
    ]
    assert unused == []


def test_layers_columns_and_use_classes_have_texts() -> None:
    known = texts.load("de")
    assert all(f"layer.{name}.{part}" in known for name in LAYERS for part in ("title", "unit", "note"))
    assert all(f"column.{attribute.column}" in known for attribute in facts.ATTRIBUTES)
    for column, section in (("function", "function"), ("roof_type", "roof"), ("heating", "heating")):
        listed = schema.columns("buildings")[column].meaning.split(":")[1].split(",")
        assert {f"{section}.{code.strip()}" for code in listed} <= set(known)


@pytest.mark.parametrize(
    ("value", "language", "digits", "expected"),
    [
        (1234.5, "de", 1, "1.234,5"), (1234.5, "en", 1, "1,234.5"), (1234567, "fr", 0, "1\u202f234\u202f567"),
        (-3.25, "de", 1, "−3,2"), (-0.01, "de", 0, "0"), (float("nan"), "de", 0, "–"),
        (float("inf"), "en", 2, "–"),
    ],
)  # fmt: skip
def test_numbers(value: float, language: str, digits: int, expected: str) -> None:
    assert format.number(value, language, digits) == expected


def test_quantities_and_changes() -> None:
    assert format.quantity(12.34, "MWh", "de", 1) == "12,3\u00a0MWh"
    assert format.quantity(float("nan"), "MWh", "de") == "–"
    assert format.percent(-0.271, "de") == "−27\u00a0%"
    assert format.percent(0.05, "en") == "+5\u00a0%"
    assert format.percent(0.001, "en") == "0\u00a0%"


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_limits_enclose_the_middle_of_the_values(values: list[float]) -> None:
    low, high = colours.limits(np.array(values))
    assert low < high
    assert low <= np.percentile(values, 5, method="lower") + 1e-6
    assert high >= np.percentile(values, 94, method="lower") - 1e-6
    ticks = colours.ticks(low, high)
    assert 2 <= len(ticks) <= 12 and ticks == sorted(ticks)


def test_many_small_buildings_do_not_stretch_the_scale() -> None:
    values, area = np.array([100.0] * 10 + [500.0] * 90), np.array([10_000.0] * 10 + [10.0] * 90)
    assert colours.limits(values) == (0.0, 500.0)
    assert colours.limits(values, area) == (0.0, 100.0)


def test_limits_without_values() -> None:
    assert colours.limits(np.array([np.nan])) == (0.0, 1.0)


def test_ramp_goes_through_its_ends() -> None:
    ramp = colours.ramp("viridis")
    assert ramp.shape == (256, 4) and ramp.dtype == np.uint8
    assert ramp[0].tolist() == [0x44, 0x01, 0x54, 255] and ramp[-1].tolist() == [0xFD, 0xE7, 0x25, 255]


def test_sequential_scales_change_lightness_one_way() -> None:
    """So that they can be told apart without hue, in print and by colour-blind people."""
    for scale in colours.SCALES.keys() - {"difference"}:  # which has its light in the middle
        light = colours.ramp(scale)[:, :3].astype(float) @ [0.2126, 0.7152, 0.0722]
        steps = np.diff(light[::16])
        assert (steps > 0).all() or (steps < 0).all(), scale


def test_monthly_bars_are_readable_without_sight() -> None:
    months = texts.text("de", "months.list").split()
    before = np.array([30, 25, 20, 10, 3, 0, 0, 0, 2, 9, 20, 28.0])
    title = "Heizwärmebedarf je Monat"
    svg = charts.monthly_bars(before, before / 2, months=months, unit="MWh", language="de", title=title)
    root = ElementTree.fromstring(svg)  # noqa: S314 (our own text)
    assert root.attrib["role"] == "img"
    assert "Jan: 30\u00a0MWh → 15\u00a0MWh" in root.attrib["aria-label"]
    heights = [float(bar.attrib["height"]) for bar in root.iter("rect")]
    assert len(heights) == 24 and heights[1] == pytest.approx(heights[0] / 2, rel=0.01)


def test_monthly_bars_escape_and_bear_nothing() -> None:
    none = np.full(12, np.nan)
    svg = charts.monthly_bars(np.zeros(12), none, months=["<b>"] * 12, unit="&", language="en", title="<i>")
    ElementTree.fromstring(svg)  # noqa: S314
    assert "<b>" not in svg and "<i>" not in svg
