"""The PDF as a screen reader sees it: tags, language, headings, alternative texts, tables; its numbers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject

from scenarios.report import Study, content, tables, words
from scenarios.report.blocks import Figure, Text
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
    assert len(headings) == 10
    figures = [node for node in nodes if node["/S"] == "/Figure"]
    assert len(figures) == (10 if language == "de" else 6)
    assert all(len(str(node.get("/Alt", ""))) > 60 for node in figures)
    assert kinds.count("/Table") == 9
    assert kinds.count("/THead") == kinds.count("/Table") and "/TH" in kinds and "/TD" in kinds
    assert "/Caption" in kinds


def test_owners_are_not_named(reader: pypdf.PdfReader) -> None:
    told = "".join(page.extract_text() for page in reader.pages)
    assert "Testamt" in told and "owner's own data" in told and "Privat" not in told


def test_embeds_its_typeface(reader: pypdf.PdfReader) -> None:
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert fonts and all("SourceSansPro" in name for name in fonts)


def test_says_the_same_numbers_as_compare(reader: pypdf.PdfReader, study: Study, language: str) -> None:
    text = " ".join(page.extract_text() for page in reader.pages[1:7]).replace("\u00a0", " ")
    said = words.of(language)
    units = {
        "heating_need_kwh": "MWh/a",
        "delivered_kwh": "MWh/a",
        "co2_kg": "t/a",
        "network_loss_kwh": "MWh/a",
    }
    for name, unit in units.items():
        label = tables.label(name, said, 25)
        row = re.search(rf"{label}\s+{unit}\s+([\d.,]+)\s+([\d.,]+)\s+([−+\d.,]+)", text)
        assert row is not None, label
        values = [parsed(part, language) for part in row.groups()]
        base, after = (float(study.table[name].iloc[number]) / 1000 for number in (0, 1))
        assert values == pytest.approx([base, after, after - base], abs=0.51)
    amounts = [parsed(found, language) for found in re.findall(r"([−+][\d.,]+) €", text)]
    extra = float(study.table["extra_cost_eur"].iloc[1])
    assert any(amount == pytest.approx(extra, abs=0.51) for amount in amounts)


def parsed(text: str, language: str) -> float:
    thousands, decimal = (".", ",") if language == "de" else (",", ".")
    return float(text.replace(thousands, "").replace(decimal, ".").replace("−", "-").replace("+", ""))


def test_maps_can_be_left_out(study: Study, language: str) -> None:
    said = words.of(language)
    for with_maps in (True, False):
        document = content.document(study, said, Options(language, MADE, with_maps))
        named = [block.name for block in document.blocks if isinstance(block, Figure)]
        assert len(named) == (10 if with_maps else 6)


def test_says_what_it_leaves_out(study: Study, language: str) -> None:
    said = words.of(language)

    def texts(of: Study) -> str:
        blocks = content.document(of, said, Options(language, MADE, with_maps=False)).blocks
        return " ".join(block.text for block in blocks if isinstance(block, Text))

    assert said("map.left_out") in texts(study)
    warned = said("summary.stage_two", measures="§").split("§")[1]  # the supply temperature acts there alone
    without = dataclasses.replace(study.compared, network_missing="no streets")
    assert warned not in texts(study) and warned in texts(dataclasses.replace(study, compared=without))


def test_languages_have_the_same_texts() -> None:
    german, english = (words.of(language).texts for language in words.LANGUAGES)
    assert german.keys() == english.keys()
    for key, text in german.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key
