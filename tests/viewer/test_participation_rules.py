"""What a comment may be, and how it is made safe to show."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from viewer.participation import rules
from viewer.participation.limits import Limit, Limiter, expiring
from viewer.participation.rules import Refused, checked, clean, fingerprint, links

# Everything that may come, with what is seldom in plain random text.
ODD = "\u202e\u202d\u2066\u2069\u200b\u200d\u200f\x00\r\n\t\u2028\ud800\ufeff\u0301\u0489\U000e0041\U0001f3f4"
ANY = st.text(st.one_of(st.characters(), st.sampled_from(ODD + "<>&\"'aあשع👩e\u0301")), max_size=120)


@given(ANY)
@example("\u1100\u200b\u1161")  # parts of a Hangul syllable around something that is taken out
@example("a" + "\u0301" * 40)
@example("x\n \n \u2028 y")
@example("\U0001f3f4\U000e0067\U000e0062\U000e007f \U000e0041")
def test_cleaning_is_safe_and_ends(text: str) -> None:
    plain = clean(text)
    assert clean(plain) == plain
    assert unicodedata.is_normalized("NFC", plain)
    plain.encode("utf-8")
    assert not set(plain) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\x00\x1b\r\t\ufeff"
    )
    assert all(c == "\n" or unicodedata.category(c) != "Cc" for c in plain)
    assert plain == plain.strip() and "\n\n\n" not in plain


@given(ANY)
def test_what_is_taken_keeps_the_rules(text: str) -> None:
    try:
        plain = checked(text)
    except Refused as refused:
        assert refused.reason in ("empty", "long", "links")
        return
    assert 0 < len(plain) <= rules.LENGTH_MAX
    assert links(plain) <= rules.LINKS_MAX
    assert checked(plain) == plain and fingerprint(plain)


@pytest.mark.parametrize(
    "text",
    [
        "Mehr Bäume, bitte!\n\nUnd Bänke.",
        "<script>alert(1)</script>",
        "👍🏽 👩\u200d👩\u200d👧 🇩🇪 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "שלום עולם, בְּרֵאשִׁית",
        "مرحبا بالعالم می‌خواهم",
        "Nguyễn Văn Ất",
        "=1+1",
    ],
)
def test_real_texts_stay_as_they_are(text: str) -> None:
    assert checked(text) == text


def test_direction_cannot_be_turned() -> None:
    assert clean("Rechnung \u202egnp.exe\u2066x\u2069") == "Rechnung gnp.exex"
    assert clean("Z" + "\u0335" * 300 + "!") == "Z" + "\u0335" * rules.MARKS_MAX + "!"


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\ufeff", "\u3164\u2800", "...", "\U000e0041", "\u202e"])
def test_nothing_to_read_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="empty"):
        checked(text)


def test_length_counts_characters_after_cleaning() -> None:
    assert len(checked("😀" * rules.LENGTH_MAX + "\u200b\n")) == rules.LENGTH_MAX
    for text in ("a" * (rules.LENGTH_MAX + 1), "a" * 1_000_000):
        with pytest.raises(Refused, match="long"):
            checked(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Siehe https://www.jena.de/plan und http://example.org.", 2),
        ("WWW.EXAMPLE.COM ｗｗｗ.example.com hxxp", 2),
        ("billig.example casino.bet/x kredit.top", 3),
        ("z.B. die Karl-Marx-Allee, d.h. ca. 3.5 km; 12.11. um 18.30 Uhr", 0),
        ("Schreiben Sie an planung@jena.de", 0),
        ("Das ist gut.Es fehlt nur ein Baum.Und eine Bank.", 0),
        ("javascript://%0aalert(1)", 1),
    ],
)
def test_links_are_counted(text: str, count: int) -> None:
    assert links(text) == count


def test_link_farm_is_refused() -> None:
    with pytest.raises(Refused, match="links") as refused:
        checked("Top! " + " ".join(f"https://shop{n}.example/" for n in range(40)))
    assert refused.value.values == {"limit": rules.LINKS_MAX}


def test_fingerprint_sees_through_small_changes() -> None:
    assert fingerprint("Mehr  Bäume!!") == fingerprint("mehr bäume") != fingerprint("mehr baume")


def test_limits_count_by_address_and_forget() -> None:
    now = [0.0]
    limiter = Limiter({"comment": (Limit(60, each=2, all=5),)}, clock=lambda: now[0])
    assert [limiter.wait_s("comment", "10.0.0.1") for _ in range(3)] == [0, 0, 60]
    # One connection's IPv6 addresses are one; an IPv4 address is itself however it is written.
    assert [limiter.wait_s("comment", f"2001:db8::{n}") for n in (1, 2)] == [0, 0]
    assert limiter.wait_s("comment", "2001:db8::3") == 60
    assert limiter.wait_s("comment", "::ffff:10.0.0.1") == 60
    assert limiter.wait_s("comment", "10.0.0.2") == 0
    assert limiter.wait_s("comment", "10.0.0.3") == 60  # five together
    now[0] = 60.0
    assert limiter.wait_s("comment", "10.0.0.1") == 0


def test_limits_end_though_nobody_comes_any_more() -> None:
    now = [0.0]
    limiter = Limiter({"comment": (Limit(60, each=2, all=5),)}, clock=lambda: now[0])
    assert limiter.wait_s("comment", "192.0.2.7") == 0 and not limiter.said_before("192.0.2.7", "Hallo")
    (window,) = limiter._windows["comment"]
    with expiring(limiter, every_s=0.01):
        for moment, kept in ((59.0, [1, 1]), (60.0, [0, 1]), (86_400.0, [0, 0])):
            now[0] = moment
            deadline = time.monotonic() + 10
            while _held(window, limiter._said) != kept and time.monotonic() < deadline:
                time.sleep(0.01)
            assert _held(window, limiter._said) == kept, moment
    assert window._key == limiter._said._key == b""


def _held(*windows: Any) -> list[int]:
    return [len(window._counts) for window in windows]


def test_limits_keep_no_address() -> None:
    limiter = Limiter({"comment": (Limit(60, each=2, all=5),)})
    limiter.wait_s("comment", "192.0.2.77")
    limiter.said_before("192.0.2.77", "text")
    (window,) = limiter._windows["comment"]
    assert "192.0.2.77" not in repr((window._counts, limiter._said._counts))


def test_the_same_text_is_noticed_for_one_address_only() -> None:
    limiter = Limiter({})
    assert not limiter.said_before("10.0.0.1", "x")
    assert limiter.said_before("10.0.0.1", "x")
    assert not limiter.said_before("10.0.0.2", "x")
    limiter.forget("10.0.0.1", "x")
    assert not limiter.said_before("10.0.0.1", "x")
