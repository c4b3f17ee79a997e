"""Who answers for the public pages, by law: `legal.yaml` of the content.

operator:
  name: Stadt Beispiel
  address: Am Markt 1, 07743 Beispielstadt
  represented_by: Oberbürgermeisterin Erika Beispiel
  email: rathaus@beispiel.example
  phone: +49 3641 000000
responsible: Max Beispiel, Pressestelle, Anschrift wie oben
data_protection:
  officer: Datenschutzbeauftragte der Stadt Beispiel, datenschutz@beispiel.example
  basis: {de: "Rechtsgrundlage, etwa Art. 6 Abs. 1 Buchst. e DSGVO mit dem Landesrecht"}
  authority: {de: "Name, Anschrift und Adresse der Aufsichtsbehörde"}
  server: {de: "Wer den Webserver betreibt und wie lange er Internetadressen speichert"}
  backups: {de: "Wie lange Sicherungskopien aufgehoben werden"}
accessibility:
  email: barrierefrei@beispiel.example
  enforcement: {de: "Name, Anschrift und Adresse der Durchsetzungsstelle"}

Without the file the pages are a preview and say so; a part of them that only the operator can know is never
made up. Sources of what must be there: DDG § 5 and MStV § 18 (imprint), GDPR art. 13 (data protection),
BITV 2.0 § 7 and Directive (EU) 2016/2102 art. 7 (accessibility statement).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from scenarios import reading
from twin.errors import CallError, SourceError
from viewer import access, content, format, texts
from viewer.content import Words

FILE = "legal.yaml"
CHECKED = date(2026, 11, 27)  # when the pages were last held against what their statement says
Line = Annotated[str, Field(min_length=3, max_length=500)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Operator(_Part):
    """Whose site it is."""

    name: Line
    address: Line
    represented_by: Line
    email: Email
    phone: Annotated[str, Field(pattern=r"^[+0-9 ()/-]{3,30}$")]


class DataProtection(_Part):
    """Who answers for personal data, by which law, and what the web server and backups keep."""

    officer: Line
    basis: Words
    authority: Words
    server: Words
    backups: Words


class Accessibility(_Part):
    """Who takes reports of barriers, and who decides where that did not help."""

    email: Email
    enforcement: Words


class Legal(_Part):
    """What the law asks the operator to say."""

    operator: Operator
    responsible: Line
    data_protection: DataProtection
    accessibility: Accessibility


def read(folder: Path) -> Legal | None:
    """The entries of a folder's `legal.yaml`; None where there is none.

    Raises
    ------
    SourceError : entries are missing, wrong or unknown; names file, line and remedy of all at once.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    entries, lines = reading.read(content.file_text(path), path)
    if not isinstance(entries, dict):
        raise SourceError("is empty", path, "Write operator:, responsible:, data_protection:, accessibility:")
    return content.model(Legal, entries, path, lines)


def examples(legal: Legal) -> dict[str, str]:
    """The entries that are only an example's: value by name; none where all are somebody's own."""
    return {name: value for name, value in _entries(legal.model_dump()) if content.stands_for_later(value)}


def _entries(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value)


def own(folder: Path) -> Legal | None:
    """The entries of somebody who answers for the site; None: there are none, or those of the example.

    Raises
    ------
    SourceError : as `read` says.
    """
    found = read(folder)
    return None if found is None or examples(found) else found


def required(folder: Path) -> Legal:
    """The entries, for a site that is to go live.

    Raises
    ------
    CallError : there is no such file.
    SourceError : as `read` says, or entries are only an example's.
    """
    found = read(folder)
    if found is None:
        raise CallError(
            "nobody answers for this site", folder / FILE,
            "Write the file (docs/publish.md); without --live or --url it is a preview",
        )  # fmt: skip
    if left := examples(found):
        said = ", ".join(left)
        if len(left) == 1:
            what = f"{said} is still the example's: {left[said]!r}"
        else:
            what = f"{said} are still the example's"
        raise SourceError(what, folder / FILE, "Write your own")
    return found


@dataclass(frozen=True)
class Practice:
    """What a site and its server really do with data of visitors; the data-protection page says this.

    asks : host beside the site's own that pages ask for comments and values; empty: none.
    comments, live : whether comments and votes are taken, and whether values of sensors are asked for.
    by_link : whether only those who opened a resident's link may write.
    secure : whether browsers reach the server by TLS.
    comment_months, record_months : how long comments after their proposal's end, and the record, are kept.
    live_s : how often an open page asks for values. [s]
    session_h, limit_h : how long a session and the digests against floods last at most. [h]
    """

    asks: str = ""
    comments: bool = False
    live: bool = False
    by_link: bool = False
    secure: bool = False
    comment_months: int = 12
    record_months: int = 24
    live_s: int = 60
    session_h: int = 12
    limit_h: int = 24

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the browser keeps: names as the browser shows them, and the text that says what for."""
        found = [("lobeda …", "kept_copy")]
        if self.comments:
            found += [("lobeda-voter", "kept_voter"), ("lobeda-votes", "kept_votes")]
        return found + (
            [(access.cookie_name(access.COOKIE, self.secure), "kept_session")] if self.by_link else []
        )

    def texts(self, language: str) -> dict[str, str]:
        """The texts of the page that hold a number or a name, filled in."""

        def months(count: int) -> str:
            shown = format.number(count, language)
            return texts.text(language, "legal.month_one" if count == 1 else "legal.months", count=shown)

        values = {
            "asks_other": {"host": self.asks},
            "asks_live": {"seconds": format.number(self.live_s, language)},
            "kept_session": {"hours": format.number(self.session_h, language)},
            "moderation": {"months": months(self.record_months)},
            "retention": {"months": months(self.comment_months)},
            "limits": {"hours": format.number(self.limit_h, language)},
            "by_link": {
                "hours": format.number(self.session_h, language), "months": months(self.record_months)
            },
        }  # fmt: skip
        return {key: texts.text(language, f"legal.{key}", **given) for key, given in values.items()}


def words(legal: Legal | None, language: str) -> dict[str, Any] | None:
    """The entries for a page in a language; each text with the language it is in, where that is another."""
    if legal is None:
        return None
    return {
        "operator": legal.operator.model_dump(),
        "responsible": legal.responsible,
        "officer": legal.data_protection.officer,
        "basis": content.phrase(legal.data_protection.basis, language),
        "authority": content.phrase(legal.data_protection.authority, language),
        "server": content.phrase(legal.data_protection.server, language),
        "backups": content.phrase(legal.data_protection.backups, language),
        "email": legal.accessibility.email,
        "enforcement": content.phrase(legal.accessibility.enforcement, language),
    }
