"""Streets and house numbers as they are written in lists; expected readings by hand."""

from __future__ import annotations

import pytest

from twin.addresses import (
    Address,
    HouseNumber,
    Street,
    find_street,
    fold,
    format_numbers,
    parse_house_numbers,
    similar_streets,
    split_address,
    street,
    street_distance,
)

LOBEDA = [
    "Ziegesarstraße", "Karl-Marx-Allee", "Emil-Wölk-Straße", "Salvador-Allende-Platz",
    "Theobald-Renner-Straße", "Ernst-Schneller-Straße", "Drackendorfer Straße", "Drackendorfer Weg",
    "Lindenstraße", "Platanenstraße", "Kastanienstraße", "Alte Straße", "Am Klinikum", "An der Riese",
    "Erlanger Allee", "Fregestraße", "Dr.-Külz-Straße", "Straße des 17. Juni", "Straße 7",
]  # fmt: skip
KNOWN = [street(name) for name in LOBEDA]


def found(name: str) -> list[str]:
    spelling = dict(zip(KNOWN, LOBEDA, strict=True))
    return [spelling[match] for match in find_street(street(name), KNOWN).streets]


@pytest.mark.parametrize(
    "name",
    ["Ziegesarstr.", "Ziegesarstr", "ZIEGESARSTRASSE", "Ziegesarstrasse", "Ziegesar Straße", "Ziegesar-Str.",
     " ziegesar  str ", "Ziegesarstraße."],
)  # fmt: skip
def test_usual_spellings_are_the_same_street(name: str) -> None:
    assert street(name) == street("Ziegesarstraße") == Street(("ziegesar",), "strasse")


@pytest.mark.parametrize(
    ("name", "meant", "how"),
    [
        ("Emil-Woelk-Str.", "Emil-Wölk-Straße", "exact"),
        ("EMIL WÖLK STRASSE", "Emil-Wölk-Straße", "exact"),
        ("Emil-Wo\u0308lk-Straße", "Emil-Wölk-Straße", "exact"),  # o and combining dots, as macOS writes it
        ("Doktor Külz Str.", "Dr.-Külz-Straße", "exact"),
        ("K.-Marx-Allee", "Karl-Marx-Allee", "abbreviation"),
        ("E.Wölk-Str.", "Emil-Wölk-Straße", "abbreviation"),
        ("Th.-Renner-Str.", "Theobald-Renner-Straße", "abbreviation"),
        ("Salv. Allende Pl.", "Salvador-Allende-Platz", "abbreviation"),
        ("A. d. Riese", "An der Riese", "abbreviation"),
        ("Zigesarstr.", "Ziegesarstraße", "typing error"),
        ("Ziegesarstrase", "Ziegesarstraße", "typing error"),
        ("Emil-Wolk-Straße", "Emil-Wölk-Straße", "typing error"),
        ("Erlnager Allee", "Erlanger Allee", "typing error"),  # swapped letters are one error
        ("Salvator-Alende-Platz", "Salvador-Allende-Platz", "typing error"),
        ("Kastanien", "Kastanienstraße", "typing error"),  # the kind left out, no other one there
        ("Straße d. 17. Juni", "Straße des 17. Juni", "abbreviation"),
    ],
)
def test_other_spellings_find_their_street(name: str, meant: str, how: str) -> None:
    assert found(name) == [meant]
    assert find_street(street(name), KNOWN).how == how


@pytest.mark.parametrize(
    "name",
    ["Goethestraße", "Lindenweg", "Lindenallee", "Drackendorfer Platz", "Straße 8", "Straße des 18. Juni",
     "Alter Weg", "Klinikumstraße", "", "...", "K.-M.-Allee"],
)  # fmt: skip
def test_other_streets_are_not_forced_into_one_that_is_there(name: str) -> None:
    assert found(name) == []


def test_kind_decides_between_streets_of_one_name() -> None:
    assert found("Drackendorfer Str.") == ["Drackendorfer Straße"]
    assert sorted(found("Drackendorfer")) == ["Drackendorfer Straße", "Drackendorfer Weg"]


def test_two_streets_equally_near_are_both_named() -> None:
    known = [street("Karl-Marx-Allee"), street("Kurt-Marx-Allee"), street("Lindenallee")]
    assert len(find_street(street("K.-Marx-Allee"), known).streets) == 2


def test_exact_name_beats_a_similar_one() -> None:
    known = [street("Lindenstraße"), street("Lindnerstraße")]
    assert find_street(street("Lindnerstr."), known).streets == (known[1],)


def test_similar_streets_are_only_a_hint() -> None:
    assert found("Allende-Platz") == []
    assert similar_streets(street("Allende-Platz"), KNOWN)[0] == street("Salvador-Allende-Platz")


def test_short_names_bear_no_error() -> None:
    assert street_distance(street("Aue"), street("Auh")) is None
    assert street_distance(street("Riese"), street("Riesa")) == 1


@pytest.mark.parametrize(
    ("text", "folded"), [("Größe", "groesse"), ("Café", "cafe"), ("ÄÖÜẞ", "aeoeuess"), ("Łódź", "lodz")]
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("9", "9"),
        (9, "9"),
        ("009", "9"),
        ("12 a", "12a"),
        ("12A", "12a"),
        ("Nr. 12a", "12a"),
        ("Haus 3", "3"),
        ("9–19", "9 11 13 15 17 19"),
        ("9-19", "9 11 13 15 17 19"),
        ("9 — 19", "9 11 13 15 17 19"),
        ("9\u201119", "9 11 13 15 17 19"),  # non-breaking hyphen
        ("9 bis 19", "9 11 13 15 17 19"),
        ("10-16", "10 12 14 16"),
        ("9-12", "9 10 11 12"),  # ends of different parity: both sides
        ("9-12 gerade", "10 12"),
        ("9-19 (ungerade)", "9 11 13 15 17 19"),
        ("1-4 fortlaufend", "1 2 3 4"),
        ("1–5 (alle)", "1 2 3 4 5"),
        ("9, 11, 13", "9 11 13"),
        ("9;11;13", "9 11 13"),
        ("9/11", "9 11"),
        ("9/11/13", "9 11 13"),
        ("9+11", "9 11"),
        ("9 & 11", "9 11"),
        ("9 und 11", "9 11"),
        ("9 u. 11", "9 11"),
        ("9, 11-15 und 21a", "9 11 13 15 21a"),
        ("12a-c", "12a 12b 12c"),
        ("12-12c", "12 12a 12b 12c"),
        ("12 a - 12 c", "12a 12b 12c"),
        ("12 a, b", "12a 12b"),
        ("12a/b", "12a 12b"),
        ("12 a + b", "12a 12b"),
        ("12 1/2", "12½"),
        ("12½", "12½"),
        ("9/1", "9/1"),
        ("9-9", "9"),
        ("9, 9", "9"),
    ],
)
def test_house_numbers(text: object, numbers: str) -> None:
    parsed = parse_house_numbers(text)
    assert not parsed.failure
    assert " ".join(map(str, parsed.numbers())) == numbers
    assert set(parsed.stated) <= set(parsed.numbers())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no house number"),
        (float("nan"), "there is no house number"),
        ("  ", "there is no house number"),
        ("abc", "is not understood"),
        ("12²", "is not understood"),
        ("0", "is 0"),
        ("-5", "is not understood"),
        ("19-9", "runs backwards"),
        ("13/11/9", "runs backwards"),
        ("1-9999", "spans more than 400 numbers"),
        ("9 11", "has two numbers with only a space between"),
        ("9.5", "is not understood"),
        ("12345", "is not understood"),
        ("9 ff.", "is not understood"),
        ("a", "is not understood"),
        ("13a-c gerade", "holds no number of the side that it names"),
    ],
)
def test_unreadable_house_numbers_say_why(text: object, reason: str) -> None:
    parsed = parse_house_numbers(text)
    assert parsed.items == ()
    assert parsed.failure.endswith(reason)


def test_span_covers_letters_between_its_ends() -> None:
    parsed = parse_house_numbers("9–13")
    assert parsed.covers(HouseNumber(11, "a"))
    assert not parsed.covers(HouseNumber(13, "a"))  # behind the end
    assert not parsed.covers(HouseNumber(10))
    assert parsed.covers(HouseNumber(10), both_sides=True)


def test_stated_side_counts_more_than_the_row_of_buildings() -> None:
    assert not parse_house_numbers("9–13 ungerade").covers(HouseNumber(10), both_sides=True)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ("9, 11, 13, 15", "9–15"),
        ("9, 10, 11", "9–11"),
        ("9, 11", "9, 11"),
        ("9", "9"),
        ("12, 12a, 12b", "12–12b"),
        ("1, 3, 5, 12, 13, 14", "1–5, 12–14"),
        ("19, 9, 11, 13, 15, 17", "9–19"),
    ],
)
def test_numbers_for_a_name(numbers: str, name: str) -> None:
    assert format_numbers(parse_house_numbers(numbers).numbers()) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ziegesarstr. 9–19, 07747 Jena", Address("Ziegesarstr.", "9–19", "07747", "Jena")),
        ("07747 Jena, Ziegesarstr. 9-19", Address("Ziegesarstr.", "9-19", "07747", "Jena")),
        ("D-07747 Jena, Am Weg 1", Address("Am Weg", "1", "07747", "Jena")),
        ("Karl-Marx-Allee 12 a", Address("Karl-Marx-Allee", "12 a")),
        ("Emil-Wölk-Str.11", Address("Emil-Wölk-Str.", "11")),
        ("Ziegesarstraße 9, 11, 13, Jena", Address("Ziegesarstraße", "9, 11, 13", "", "Jena")),
        ("Stauffenbergstr. 3 a, b", Address("Stauffenbergstr.", "3 a, b")),
        ("Ziegesarstr. Nr. 9", Address("Ziegesarstr.", "9")),
        ("Straße des 17. Juni 135", Address("Straße des 17. Juni", "135")),
        ("Am Klinikum", Address("Am Klinikum")),
        ("07747", Address("", "", "07747")),
    ],
)
def test_address_in_one_cell(text: str, expected: Address) -> None:
    assert split_address(text) == expected
