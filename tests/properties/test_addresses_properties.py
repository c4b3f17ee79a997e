"""Whatever people write: a street is the same in every usual spelling, and house numbers never raise."""

from __future__ import annotations

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from twin.addresses import (
    HouseNumber,
    find_street,
    format_numbers,
    parse_house_numbers,
    split_address,
    street,
    street_distance,
)
from twin.facts_apply import split

NAMES = st.sampled_from(
    ["Ziegesar", "Karl-Marx", "Emil-Wölk", "Salvador-Allende", "Theobald-Renner", "Großer Acker", "Dr.-Külz",
     "Ernst-Schneller", "Drackendorfer", "Fürsten", "Maßholder", "Rudolf-Breitscheid"]
)  # fmt: skip
KINDS = {
    "Straße": ["straße", "strasse", "str.", "str", "-Straße", "-Str.", " Straße", " Str.", "STRASSE"],
    "Platz": [" Platz", "-Platz", "platz", " Pl."],
    "Weg": [" Weg", "-Weg", "weg", "WEG"],
    "Allee": [" Allee", "-Allee", "allee"],
}  # fmt: skip
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A street in two spellings."""
    name, kind = draw(NAMES), draw(st.sampled_from(sorted(KINDS)))

    def spelled() -> str:
        text = name + draw(st.sampled_from(KINDS[kind]))
        if draw(st.booleans()):
            text = text.replace("-", " ")
        if draw(st.booleans()):
            text = text.translate(UMLAUTS)
        change = draw(st.sampled_from([str, str.upper, str.lower]))
        return f"{draw(st.sampled_from(['', ' ']))}{change(text)}"

    return spelled(), spelled()


@settings(max_examples=200)
@given(spellings())
def test_every_usual_spelling_is_the_same_street(pair: tuple[str, str]) -> None:
    first, second = map(street, pair)
    assert street_distance(first, second) == 0
    assert find_street(first, [second]).streets == (second,)


@settings(max_examples=200)
@given(st.text(max_size=30), st.text(max_size=30))
def test_distance_is_symmetric_and_never_raises(first: str, second: str) -> None:
    assert street_distance(street(first), street(second)) == street_distance(street(second), street(first))


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=30), st.text("0123456789abu –-/,;+&.()½ ", max_size=20), st.none(), st.floats()
    )
)
@example("9 - - 11")
@example("99999999999999999999-1")
@example("9/")
@example(",")
def test_house_numbers_are_read_or_say_why_not(text: object) -> None:
    parsed = parse_house_numbers(text)
    assert bool(parsed.items) != bool(parsed.failure)
    assert len(parsed.failure.splitlines()) <= 1
    for number in parsed.numbers():
        assert parsed.covers(number)
        assert 1 <= number.number <= 9999


numbers = st.builds(HouseNumber, st.integers(1, 400), st.sampled_from(["", "", "", "a", "b", "z"]))


@settings(max_examples=200)
@given(numbers)
def test_number_is_read_as_it_is_written(number: HouseNumber) -> None:
    for text in (str(number), f"{number.number} {number.suffix.upper()}", f"Nr. {number}"):
        assert parse_house_numbers(text).numbers() == [number]


@settings(max_examples=200)
@given(st.integers(1, 300), st.integers(1, 60), st.sampled_from(["-", "–", " bis ", " - ", "\u2011"]))
def test_span_holds_its_ends_and_one_side(first: int, step: int, dash: str) -> None:
    last = first + step
    found = [n.number for n in parse_house_numbers(f"{first}{dash}{last}").numbers()]
    assert found[0] == first and found[-1] == last
    assert found == list(range(first, last + 1, 2 if step % 2 == 0 else 1))


@settings(max_examples=200)
@given(st.sets(numbers, min_size=1, max_size=8))
@example({HouseNumber(312), HouseNumber(313, "b"), HouseNumber(314)})
@example({HouseNumber(9), HouseNumber(10), HouseNumber(11)})
def test_formatted_numbers_cover_what_they_name(chosen: set[HouseNumber]) -> None:
    """A name stands for a block, which may lie on both sides of a street: 9, 10, 11 → 9–11."""
    parsed = parse_house_numbers(format_numbers(chosen))
    assert not parsed.failure
    assert all(parsed.covers(number, both_sides=True) for number in chosen)


@settings(max_examples=200)
@given(spellings(), st.sampled_from(["9", "12 a", "9–19", "9, 11, 13", "12a-c"]), st.booleans())
def test_whole_address_comes_apart(pair: tuple[str, str], number: str, with_town: bool) -> None:
    name = pair[0].strip()
    found = split_address(f"{name} {number}{', 07747 Jena' if with_town else ''}")
    assert (found.street, found.house_number) == (name, number)
    assert (found.postcode, found.city) == (("07747", "Jena") if with_town else ("", ""))


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_address_never_raises(text: str) -> None:
    split_address(text)


@settings(max_examples=200)
@given(st.integers(0, 5000), st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
def test_split_dwellings_are_whole_and_add_up(total: int, weights: list[float]) -> None:
    assume(all(weight == 0 or weight > 1e-6 for weight in weights))
    parts = split(float(total), weights, whole=True)
    assert parts.sum() == total
    assert (parts == parts.round()).all() and (parts >= 0).all()
    share = total * (1 / len(weights) if sum(weights) == 0 else max(weights) / sum(weights))
    assert parts.max() <= share + 1
