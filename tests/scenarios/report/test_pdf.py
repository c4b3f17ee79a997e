"""The PDF as a screen reader sees it: tags, language, headings, alternative texts, tables; its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject

from scenarios.report import Study, content, tables, words
from scenarios.report.output import Options
from tests.scenarios.report.conftest import MADE


@pytest.fixture(scope="session")
def reader(pdf: Path) -> pypdf.PdfReader:
    return pypdf.PdfReader(pdf)


def tagged(reader: pypdf.PdfReader) -> list[DictionaryObject]:
    """All structure elements in the order in which they are read."""

    def walk(node: Any) -> Iterator[DictionaryObject]:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, ArrayObject):
            for kid in node:
                yield from walk(kid)
        elif isinstance(node, DictionaryObject) and "/S" in node:
            yield node
            if "/K" in node:
                yield from walk(node["/K"])

    return list(walk(reader.root_object["/StructTreeRoot"]["/K"]))


def test_says_that_it_is_tagged_and_in_which_language(reader: pypdf.PdfReader, language: str) -> None:
    root = reader.root_object
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    assert str(root["/Lang"]).startswith(language)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    assert reader.metadata is not None and "slabs" in str(reader.metadata.title)
    width, height = (float(value) for value in reader.pages[0].mediabox.upper_right)
    assert (width, height) == pytest.approx((595.28, 841.89), abs=0.5)  # A4, ISO 216


def test_headings_figures_and_tables_have_their_roles(reader: pypdf.PdfReader, language: str) -> None:
    nodes = tagged(reader)
    kinds = [str(node["/S"]) for node in nodes]
    headings = [kind for kind in kinds if re.fullmatch(r"/H\d", kind)]
    assert headings and headings[0] == "/H1"
    steps = [int(kind[2:]) for kind in headings]
    assert all(after <= before + 1 for before, after in pairwise(steps))
    assert len(headings) == 9
    figures = [node for node in nodes if node["/S"] == "/Figure"]
    assert len(figures) == (10 if language == "de" else 6)
    assert all(len(str(node.get("/Alt", ""))) > 60 for node in figures)
    assert kinds.count("/Table") == 9
    assert kinds.count("/THead") == kinds.count("/Table") and "/TH" in kinds and "/TD" in kinds
    assert "/Caption" in kinds


def test_embeds_its_typeface(reader: pypdf.PdfReader) -> None:
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert fonts and all("SourceSansPro" in name for name in fonts)


def test_says_the_same_numbers_as_compare(reader: pypdf.PdfReader, study: Study, language: str) -> None:
    text = " ".join(page.extract_text() for page in reader.pages).replace("\u00a0", " ")
    said = words.of(language)
    for name, divisor in (("heating_need_kwh", 1000.0), ("delivered_kwh", 1000.0), ("co2_kg", 1000.0)):
        label = said(f"figure.{name}")
        row = re.search(rf"{label}\s+(?:MWh/a|t/a)\s+([\d.,]+)\s+([\d.,]+)\s+([−+\d.,]+)", text)
        assert row is not None, label
        values = [parsed(part, language) for part in row.groups()]
        base, after = (float(study.table[name].iloc[number]) / divisor for number in (0, 1))
        assert values == pytest.approx([base, after, after - base], abs=0.51)
    extra = float(study.table["extra_cost_eur"].iloc[1])
    assert any(
        parsed(found, language) == pytest.approx(extra, abs=0.51)
        for found in re.findall(r"([−+][\d.,]+) €", text)
    )


def parsed(text: str, language: str) -> float:
    thousands, decimal = (".", ",") if language == "de" else (",", ".")
    return float(text.replace(thousands, "").replace(decimal, ".").replace("−", "-").replace("+", ""))


def test_maps_can_be_left_out(study: Study, language: str) -> None:
    said = words.of(language)
    for with_maps in (True, False):
        document = content.document(study, said, Options(language, MADE, with_maps))
        named = [block.name for block in document.blocks if block.kind == "figure"]  # type: ignore[union-attr]
        assert len(named) == (10 if with_maps else 6)


def test_says_what_it_leaves_out(study: Study, language: str) -> None:
    said = words.of(language)
    document = content.document(study, said, Options(language, MADE, with_maps=False))
    texts = " ".join(block.text for block in document.blocks if block.kind == "text")  # type: ignore[union-attr]
    assert said("map.left_out") in texts
    assert "lobeda simulate --network" in texts  # the supply temperature acts in the network alone


def test_languages_have_the_same_texts() -> None:
    german, english = (words.of(language).texts for language in words.LANGUAGES)
    assert german.keys() == english.keys()
    for key, text in german.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_carriers_add_up_to_the_years(study: Study) -> None:
    table = tables.years(study)["after"]
    names = [name for name in table if str(name).startswith("co2_") and name != "co2_kg"]
    assert table[names].sum(axis=1).to_numpy() == pytest.approx(table["co2_kg"].to_numpy(), rel=1e-9)
