"""German addresses: streets and house numbers in the ways people write them.

Streets are compared by a folded form (case, umlauts, ß, hyphens, "Str.", titles), then by abbreviations
("K.-Marx-Allee"), then by typing errors: optimal string alignment distance (rapidfuzz), with a limit that
grows with the name's length. The kind of street (Straße, Weg, Platz) and numbers in names must agree.

House numbers are lists of single numbers and spans. **A span covers one side of the street when both its
ends are odd or both even** ("9–19" is 9, 11, 13, 15, 17, 19), and every number between otherwise ("9–16").
"(fortlaufend)", "(ungerade)" and the like state it. Where the buildings themselves are numbered along
the row, the caller asks for both sides (see `twin.match`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from rapidfuzz.distance import OSA

KINDS = (
    "strasse", "platz", "allee", "weg", "gasse", "ring", "ufer", "damm", "steig", "pfad", "chaussee",
)  # fmt: skip
_ABBREVIATED_KIND = {"str": "strasse", "pl": "platz", "all": "allee", "wg": "weg"}
_TITLES = {"dr": "doktor", "st": "sankt", "bgm": "buergermeister", "bhf": "bahnhof", "str": "strasse"}
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae", "ł": "l"})

ABBREVIATION = 0.4
"""Distance of a shortened word, in typing errors."""
MARGIN = 1.0
"""A street is told for certain only if the next best one is farther by this, in typing errors."""

Side = Literal["", "odd", "even", "all"]


def fold(text: str) -> str:
    """Lower case, ä → ae, ß → ss, other accents dropped."""
    text = unicodedata.normalize("NFC", text).casefold().translate(_LETTERS)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


# ---------------------------------------------------------------------------------------------- streets
@dataclass(frozen=True)
class Street:
    """A street's name, folded: ``Street(("karl", "marx"), "allee")``."""

    words: tuple[str, ...]
    kind: str = ""

    @property
    def core(self) -> str:
        return "".join(self.words)

    @property
    def key(self) -> str:
        """The same for all usual spellings of one name."""
        return self.core + self.kind

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if word.isdigit())


@lru_cache(maxsize=20_000)
def street(text: str) -> Street:
    """The folded form of a street's name; ``Street(())`` where there is none.

    >>> street("Ziegesar-Str.") == street("ZIEGESARSTRASSE") == street("Ziegesar Straße")
    True
    """
    words = re.findall(r"[a-z]+|[0-9]+", fold(text))
    if not words:
        return Street(())
    *front, last = words
    stem, kind = _split_kind(last)
    names = [*front, stem] if stem else front
    return Street(tuple(_TITLES.get(word, word) for word in names), kind)


def _split_kind(word: str) -> tuple[str, str]:
    """ "ziegesarstr" → ("ziegesar", "strasse"); a word that is no kind comes back whole."""
    if word in _ABBREVIATED_KIND:
        return "", _ABBREVIATED_KIND[word]
    if word.endswith("str"):
        return word[:-3], "strasse"
    for kind in KINDS:
        if word.endswith(kind):
            return word.removesuffix(kind), kind
    return word, ""


def allowed_errors(length: int) -> int:
    """Typing errors that a name of this many letters may hold and still be told."""
    return 0 if length < 4 else 1 if length < 8 else 2 if length < 14 else 3


def street_distance(first: Street, second: Street) -> float | None:
    """Typing errors between two streets; 0 for the same, 0.4 a shortened word, None for different streets."""
    if first.key == second.key:
        return 0.0 if first.key else None
    if first.numbers != second.numbers or (first.kind and second.kind and first.kind != second.kind):
        return None
    if first.core == second.core:  # one of them leaves out "Straße" or "Weg"
        return 1.0
    found = [d for d in (_by_word(first, second), _by_letters(first, second)) if d is not None]
    return min(found) if found else None


def _by_letters(first: Street, second: Street) -> float | None:
    same_kind = bool(first.kind) and first.kind == second.kind
    a, b = (first.core, second.core) if same_kind else (first.key, second.key)
    limit = allowed_errors(min(len(a), len(b)))
    distance = int(OSA.distance(a, b, score_cutoff=limit))
    return float(distance) if distance <= limit else None


def _by_word(first: Street, second: Street) -> float | None:
    """Word by word, where some are shortened; one word at least must be written out."""
    if len(first.words) != len(second.words) or first.kind != second.kind:
        return None
    total, written_out = 0.0, False
    for a, b in zip(first.words, second.words, strict=True):
        short, long = sorted((a, b), key=len)
        shorter = len(long) - len(short)
        if shorter and long.startswith(short) and (len(short) == 1 or (len(short) <= 4 and shorter >= 2)):
            total += ABBREVIATION
            continue
        distance = int(OSA.distance(a, b))
        if distance > allowed_errors(len(short)):
            return None
        total += distance
        written_out |= len(short) > 3
    limit = allowed_errors(min(len(first.core), len(second.core)))
    return total if written_out and total <= limit + 1 else None


@dataclass(frozen=True)
class StreetMatch:
    """The street that a name means: one, none, or several that cannot be told apart.

    streets : keys of the streets, best first; one for a certain match.
    errors : typing errors of the best one.
    """

    streets: tuple[Street, ...]
    errors: float = 0.0

    @property
    def how(self) -> str:
        if self.errors == 0:
            return "exact"
        return "abbreviation" if self.errors % 1 and self.errors < 1 + ABBREVIATION else "typing error"


def find_street(wanted: Street, known: Iterable[Street]) -> StreetMatch:
    """The street among `known` that `wanted` means; several where the next is within `MARGIN`."""
    scored = [(d, s.key, s) for s in known if (d := street_distance(wanted, s)) is not None]
    if not scored:
        return StreetMatch(())
    scored.sort(key=lambda item: item[:2])
    best = scored[0][0]
    reach = best if best == 0 else best + MARGIN - 1e-9
    near = {key: s for d, key, s in scored if d <= reach}
    return StreetMatch(tuple(near.values()), best)


def similar_streets(wanted: Street, known: Iterable[Street], limit: int = 2) -> list[Street]:
    """Streets that may have been meant, for a remedy; never matched by this."""
    scored = [(OSA.normalized_similarity(wanted.core, s.core), s) for s in known if s.core and wanted.core]
    partial = [(max(score, 0.7 if wanted.core in s.core else 0.0), s) for score, s in scored]
    return [
        s for score, s in sorted(partial, key=lambda item: (-item[0], item[1].key))[:limit] if score >= 0.6
    ]


# ---------------------------------------------------------------------------------------- house numbers
@dataclass(frozen=True, order=True)
class HouseNumber:
    """``HouseNumber(12, "a")``; the suffix is a letter, "½", or "/1" for a sub-number."""

    number: int
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.number}{self.suffix}"


@dataclass(frozen=True)
class Span:
    """Numbers from `first` to `last`; `side` where the list states it."""

    first: HouseNumber
    last: HouseNumber
    side: Side = ""

    @property
    def one_sided(self) -> bool:
        """Whether the ends' parity says that only one side of the street is meant."""
        return not self.side and (self.last.number - self.first.number) % 2 == 0

    def covers(self, number: HouseNumber, *, both_sides: bool = False) -> bool:
        if not self.first <= number <= self.last:
            return False
        if self.side in ("odd", "even"):
            return number.number % 2 == (self.side == "odd")
        return both_sides or not self.one_sided or number.number % 2 == self.first.number % 2

    def numbers(self) -> Iterator[HouseNumber]:
        """The numbers in the span, letters only where the span is one of letters."""
        if self.first.number == self.last.number:
            start = ord(self.first.suffix or "`")  # "`" stands before "a": 12–12c begins with plain 12
            found = [
                HouseNumber(self.first.number, chr(code) if code > 96 else "")
                for code in range(start, ord(self.last.suffix or "`") + 1)
            ]
        else:
            between = range(self.first.number + 1, self.last.number)
            found = [self.first, *map(HouseNumber, between), self.last]
        return iter([number for number in found if self.covers(number)])

    def __str__(self) -> str:
        return f"{self.first}–{self.last}"


@dataclass(frozen=True)
class HouseNumbers:
    """What a cell with house numbers says; `failure` is why it says nothing, else empty."""

    items: tuple[HouseNumber | Span, ...] = ()
    failure: str = ""

    def covers(self, number: HouseNumber, *, both_sides: bool = False) -> bool:
        return any(
            item.covers(number, both_sides=both_sides) if isinstance(item, Span) else item == number
            for item in self.items
        )

    def numbers(self) -> list[HouseNumber]:
        """Every number, spans written out by the rule of sides."""
        out: dict[HouseNumber, None] = {}
        for item in self.items:
            out.update(dict.fromkeys(item.numbers() if isinstance(item, Span) else [item]))
        return list(out)

    @property
    def stated(self) -> list[HouseNumber]:
        """The numbers that are written: single ones and the ends of spans."""
        ends = [n for i in self.items for n in ((i.first, i.last) if isinstance(i, Span) else (i,))]
        return [number for number in ends if self.covers(number)]

    @property
    def spans(self) -> list[Span]:
        return [item for item in self.items if isinstance(item, Span)]

    def __str__(self) -> str:
        return ", ".join(map(str, self.items))


_DASHES = re.compile(r"\s*(?:[-‐‑‒–—―−]+|\bbis\b|\bto\b)\s*")
_AND = re.compile(r"[,;+&\n]|\bund\b|\band\b|(?<=[0-9a-z])\s+u\.?\s+(?=[0-9])")
_PREFIX = re.compile(r"^(?:haus-?nummern?|haus-?nrn?|hnr|nrn?|no|haus|hs)\b[.:]?\s*")
_SIDES: dict[str, Side] = {
    "ungerade": "odd", "odd": "odd", "gerade": "even", "even": "even",
    "fortlaufend": "all", "durchgehend": "all", "alle": "all", "all": "all",
}  # fmt: skip
_SIDE = re.compile(r"[(\[]?\s*\b(" + "|".join(_SIDES) + r")\b(?:\s+(?:nummern|numbers|seite|side))?\s*[)\]]?")
_NUMBER = r"([0-9]{1,4})([a-z½]?)"
_SINGLE = re.compile(_NUMBER)
_SPAN = re.compile(f"{_NUMBER}-{_NUMBER}")
_LETTERS_SPAN = re.compile(f"{_NUMBER}-([a-z])")
MAX_SPAN = 400


def parse_house_numbers(text: object) -> HouseNumbers:
    """House numbers in a cell; never raises: what cannot be read comes back with its `failure`.

    Reads "12 a", "12A", "9–19", "9 bis 19", "9, 11, 13", "9/11", "9+11", "9 u. 11", "12a-c", "12 a, b",
    "Nr. 9", "9-19 (ungerade)", "9/1" (sub-number: what follows the slash is smaller) and "12 1/2".
    """
    if text is None or (isinstance(text, float) and text != text) or not str(text).strip():
        return HouseNumbers(failure="there is no house number")
    shown = " ".join(str(text).split())[:40]
    cell = unicodedata.normalize("NFC", str(text)).casefold().strip(" \t\r\n.,;")
    cell = re.sub(r"([0-9])(?:\s*½|\s+1/2(?![0-9]))", r"\1½", _PREFIX.sub("", cell))
    stated = _SIDE.search(cell)
    side: Side = _SIDES[stated.group(1)] if stated else ""
    cell = _DASHES.sub("-", _SIDE.sub("", cell)).strip()
    items: list[HouseNumber | Span] = []
    for part in _AND.split(cell):
        found = _part(part.strip(), items, side)
        if isinstance(found, str):
            return HouseNumbers(failure=f"house number {shown!r} {found}")
        items += found
    return HouseNumbers(tuple(dict.fromkeys(items)))


def _part(part: str, before: Sequence[HouseNumber | Span], side: Side) -> list[HouseNumber | Span] | str:
    """The items of one part of a list, or what is wrong with it."""
    if re.search(r"[0-9]\s+[0-9]", part):
        return "has two numbers with only a space between"
    part = re.sub(r"\s+", "", part)
    if "/" in part:
        return _slashed(part)
    if single := _SINGLE.fullmatch(part):
        return _checked([HouseNumber(int(single[1]), single[2])])
    if span := _SPAN.fullmatch(part):
        return _span(HouseNumber(int(span[1]), span[2]), HouseNumber(int(span[3]), span[4]), side)
    if letters := _LETTERS_SPAN.fullmatch(part):
        number = int(letters[1])
        return _span(HouseNumber(number, letters[2]), HouseNumber(number, letters[3]), side)
    if re.fullmatch("[a-z]", part) and before and isinstance(before[-1], HouseNumber):
        return [HouseNumber(before[-1].number, part)]
    return "is not understood"


def _slashed(part: str) -> list[HouseNumber | Span] | str:
    """ "9/11" two numbers, "12a/b" two letters, "9/1" a sub-number."""
    items: list[HouseNumber | Span] = []
    for piece in part.split("/"):
        single = _SINGLE.fullmatch(piece)
        last = items[-1] if items else None
        if re.fullmatch("[a-z]", piece) and isinstance(last, HouseNumber):
            items.append(HouseNumber(last.number, piece))
        elif single is None:
            return "is not understood"
        else:
            items.append(HouseNumber(int(single[1]), single[2]))
    numbers = [item for item in items if isinstance(item, HouseNumber)]
    if len(numbers) == 2 and not numbers[1].suffix and 0 < numbers[1].number < numbers[0].number:
        return _checked([HouseNumber(numbers[0].number, f"{numbers[0].suffix}/{numbers[1].number}")])
    if numbers != sorted(numbers):
        return "runs backwards"
    return _checked(items)


def _span(first: HouseNumber, last: HouseNumber, side: Side) -> list[HouseNumber | Span] | str:
    if last < first:
        return "runs backwards"
    if last.number - first.number > MAX_SPAN:
        return f"spans more than {MAX_SPAN} numbers"
    if first.number == last.number and "½" in first.suffix + last.suffix:
        return "is not understood"
    if first == last:
        return _checked([first])
    span = Span(first, last, side)
    return _checked([span]) if any(span.numbers()) else "holds no number of the side that it names"


def _checked(items: list[HouseNumber | Span]) -> list[HouseNumber | Span] | str:
    if any((i.first if isinstance(i, Span) else i).number == 0 for i in items):
        return "is 0"
    return items


def format_numbers(numbers: Iterable[HouseNumber]) -> str:
    """Short form for a name: 9, 11, 13, 15 → "9–15"; 9, 10, 11 → "9–11"; 12, 12a, 12b → "12–12b".

    Read again, both sides of a street taken, it covers all of them.
    """
    plain = sorted(set(numbers))
    runs: list[list[HouseNumber]] = []
    for number in plain:
        if runs and _continues(runs[-1], number):
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _continues(run: list[HouseNumber], number: HouseNumber) -> bool:
    step = number.number - run[-1].number
    if step == 0:
        return True
    steps = {b.number - a.number for a, b in pairwise(run)} - {0}
    return step in (1, 2) and steps <= {step}


def _run(run: list[HouseNumber]) -> str:
    if len(run) > 2:
        span = f"{run[0]}–{run[-1]}"
        read = parse_house_numbers(span)
        if not read.failure and all(read.covers(number, both_sides=True) for number in run):
            return span
        return f"{_run(run[:-1])}, {run[-1]}"
    return ", ".join(map(str, run))


# -------------------------------------------------------------------------------------- whole addresses
@dataclass(frozen=True)
class Address:
    """An address in one cell, taken apart; empty where a part is absent."""

    street: str = ""
    house_number: str = ""
    postcode: str = ""
    city: str = ""


_POSTCODE = re.compile(r"(?:^|[\s,;])(?:D-?\s?)?([0-9]{5})(?:\s+([^0-9,;]+))?(?=$|[,;])", re.IGNORECASE)


def split_address(text: str) -> Address:
    """Street, house numbers, postcode and town of "Ziegesarstr. 9–19, 07747 Jena" or "07747 Jena, …"."""
    text = " ".join(text.split())
    postcode, city = "", ""
    if found := _POSTCODE.search(text):
        postcode, city = found[1], (found[2] or "").strip()
        text = text[: found.start()] + text[found.end() :]
    text = text.strip(" ,;")
    while "," in text and not re.search("[0-9]", text.rsplit(",", 1)[1]):
        if re.fullmatch(r"\s*[a-zA-Z]\s*", text.rsplit(",", 1)[1]):
            break
        text, place = (part.strip() for part in text.rsplit(",", 1))
        city = city or place
    for start in (m.start() for m in re.finditer(r"(?<![0-9])[0-9]", text)):
        head, tail = text[:start].rstrip(" ,"), text[start:]
        head = re.sub(r"\s+(?:nr\.?|haus|hausnummer)$", "", head, flags=re.IGNORECASE)
        if re.search(r"[^\W\d_]", head) and not parse_house_numbers(tail).failure:
            return Address(head, tail, postcode, city)
    return Address(text, "", postcode, city)
