"""What a comment may be: plain text of bounded length with few links; all else is refused with a reason.

Texts are stored as plain text and shown as text nodes, never as markup: a script tag is eight harmless
characters. What could still harm a reader is taken out here: characters that nobody sees, that turn the
direction of what follows, or that pile up over other lines.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

LENGTH_MAX = 2_000
"""Characters (code points) of a comment, after cleaning."""
LINKS_MAX = 2
BODY_BYTES_MAX = 32_768
"""Bytes of a request: room for `LENGTH_MAX` characters, each twelve bytes where JSON escapes it."""
MARKS_MAX = 6
"""Combining marks on one character; Hebrew with all signs has four, what strikes through pages dozens."""

# Overrides, embeddings and isolates (UAX #9) turn the direction of what stands behind them; the page isolates
# each text itself (dir="auto"). The marks U+200E, U+200F and U+061C are harmless, and right-to-left writing
# needs them; so do emoji and Persian the joiners U+200C and U+200D.
_TURNING = "\u202a-\u202e\u2066-\u2069"
_UNSEEN = "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\u180e\u034f\u17b4\u17b5"
_REMOVED = re.compile(
    f"[{_TURNING}{_UNSEEN}\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef"
    "\ufffe\uffff\U000e0100-\U000e01ef\U000f0000-\U0010ffff]"
)
# Tags spell the flags of England, Scotland and Wales behind a black flag; anywhere else they hide words.
_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e007a]{1,8}\U000e007f)|[\U000e0000-\U000e007f]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[^\\S\n]+")
_MANY_LINES = re.compile("\n{3,}")
# Letters to Unicode, blank to the eye: fillers of Hangul, an empty Braille cell.
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
_SEEN = ("L", "N", "S")  # letters, digits, symbols (with emoji)

_TLDS = (
    "com|net|org|info|biz|de|eu|at|ch|li|uk|fr|nl|pl|cz|ru|cn|io|co|tv|cc|tk|xyz|top|online|shop|site|club|"
    "store|live|app|dev|link|click|example|test|casino|bet|win|buzz|icu"
)
_LINK = re.compile(
    rf"(?:\b[a-z][a-z0-9+.-]{{1,15}}://|\bwww\.)\S+|(?<![\w@.-])(?:[\w-]+\.)+(?:{_TLDS})(?![\w.-]*\w)(?:/\S*)?"
)


class Refused(Exception):  # noqa: N818 - no error: the author hears kindly what to do
    """A text that is not taken. `reason` is a text key behind ``participation.refused_``."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values: dict[str, Any] = values


def checked(text: str) -> str:
    """The comment as it is stored.

    Raises
    ------
    Refused : it is empty, too long, or has too many links.
    """
    if len(text) > 4 * LENGTH_MAX:  # no need to clean what cannot become short enough
        raise Refused("long", limit=LENGTH_MAX)
    plain = clean(text)
    if is_empty(plain):
        raise Refused("empty")
    if len(plain) > LENGTH_MAX:
        raise Refused("long", limit=LENGTH_MAX)
    if links(plain) > LINKS_MAX:
        raise Refused("links", limit=LINKS_MAX)
    return plain


def clean(text: str) -> str:
    """Plain text, NFC, without what is unseen, turns the direction or piles up; twice is as once.

    Line ends become ``\\n``, other white space single blanks; no more than one empty line stands in a row.
    """
    text = _REMOVED.sub("", _LINE_ENDS.sub("\n", text))
    text = _TAGS.sub(lambda found: found[1] or "", text)
    text = _without_piles(unicodedata.normalize("NFC", text))
    text = _BLANKS.sub(" ", text)
    lines = (line.strip(" ") for line in text.split("\n"))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def is_empty(text: str) -> bool:
    """Whether there is nothing to read: no letter, digit or symbol."""
    return not any(
        unicodedata.category(character)[0] in _SEEN and character not in _BLANK_LETTERS for character in text
    )


def links(text: str) -> int:
    """How many addresses stand in the text, with or without ``https://``; look-alike letters count."""
    return len(_LINK.findall(unicodedata.normalize("NFKC", text).lower()))


def fingerprint(text: str) -> str:
    """The same for texts that differ in case, blanks and punctuation alone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c)[0] in _SEEN)
    return kept or folded


def _without_piles(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= MARKS_MAX:
            kept.append(character)
    return "".join(kept)
